import type { Client } from '@tridcomm/core';
import type { Publisher, Sealed } from './publisher.ts';
import type { Sized } from './send-queue.ts';
import type { ClientStatus } from './status.ts';

/** What requests, jobs, messages of dealers and surveys need of their client. */
export interface PatternParts {
  readonly client: () => Client;
  readonly publisher: () => Publisher;
  /** Whether there is a link. */
  readonly isOpen: () => boolean;
  /** What stands in the place of a broker; undefined where it is one. */
  readonly carrier: string | undefined;
  /** Seals so that no envelope is above what the other end takes. */
  readonly inParts: <Item extends Sized>(items: readonly Item[], seal: (part: readonly Item[]) => Sealed) => Sealed;
  /** The largest record that fits an envelope which the other end takes. */
  readonly mostItemBytes: () => number;
  /** The envelope that is being delivered is held by one more. @returns to be called when that one is done with it */
  readonly use: () => () => void;
  /** Whether what is being delivered came as news, and in no lease. */
  readonly isNews: () => boolean;
  readonly tell: (status: ClientStatus) => void;
  /** Tells that an answer of ours, or what else is named, did not go out. */
  readonly tellUnsent: (error: unknown, groupId16: Uint8Array, what?: 'answer' | 'forward') => void;
}
