import type { ErrorCode } from '@tridcomm/core';
import type { Dropped } from '@tridcomm/core/internal';

/** Where an event belongs: a link by its number since the start, and its principal by the hex of its key id. */
export interface OfLink {
  readonly link: number;
  readonly keyId: string;
}

/**
 * What a broker decided. Fields are codes, numbers, key ids and names of listeners; there is none for a payload, a key, a topic or a tag.
 *
 * @spec errors.5
 */
export type BrokerEvent =
  | { readonly type: 'listening'; readonly listener: string; readonly port?: number }
  | { readonly type: 'openingRefused'; readonly listener: string; readonly remote: string; readonly code: ErrorCode }
  | ({ readonly type: 'linkOpened'; readonly listener: string; readonly remote: string } & OfLink)
  /** `by`: who ended it; `code`: `none` for an orderly end. */
  | ({ readonly type: 'linkEnded'; readonly by: 'broker' | 'peer'; readonly code: ErrorCode | 'none' } & OfLink)
  | ({
      readonly type: 'refused';
      readonly what: 'envelope' | 'bundle' | 'sub' | 'work' | 'watch' | 'link';
      readonly code: ErrorCode;
      readonly retryMs: number;
    } & OfLink)
  | ({ readonly type: 'subTaken'; readonly sub: number; readonly stored: boolean } & OfLink)
  | ({ readonly type: 'workTaken'; readonly work: number } & OfLink)
  /** By the broker: the lists no longer allow it, or its log failed. */
  | ({ readonly type: 'subEnded'; readonly sub: number; readonly code: ErrorCode } & OfLink)
  | ({ readonly type: 'bundleTaken'; readonly objects: number; readonly bytes: number } & OfLink)
  /** The link's frame cap is below an object that it asked for. */
  | ({ readonly type: 'objectTooLarge'; readonly bytes: number } & OfLink)
  /** A listener was told to read its certificates anew; where it could not, it goes on with those that it has. */
  | { readonly type: 'certificatesRead'; readonly listener: string; readonly code: ErrorCode | 'none' }
  /** What an earlier life kept on disk; `leftOut`: objects that no longer hold. */
  | { readonly type: 'restored'; readonly objects: number; readonly leftOut: number; readonly isDamaged: boolean }
  /** A request, job or message of a dealer that nobody did in time, or that was given out too often; `keyId`: of who sent it. */
  | { readonly type: 'workDropped'; readonly why: Dropped; readonly keyId: string }
  | { readonly type: 'notKept'; readonly code: ErrorCode }
  | { readonly type: 'logFailed'; readonly what: 'append' | 'read' | 'trim'; readonly code: ErrorCode }
  | { readonly type: 'logDamaged'; readonly fromPosition: number; readonly toPosition: number }
  | { readonly type: 'draining' }
  | { readonly type: 'stopped' }
  /** A mistake of this program. */
  | { readonly type: 'internalError'; readonly where: string; readonly name: string };
