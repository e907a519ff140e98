import type { Members } from './vector-file.ts';

/** Version of the adapter protocol that this harness speaks; `protocol.schema.json` describes each line. */
export const protocolVersion = 1;

/** Cases that may be unanswered at a time: enough to hide the pipe's latency, few enough to find a culprit quickly. */
export const windowSize = 64;

/** Longest line that is read from an adapter, in bytes. */
export const maxLineBytes: number = 16 * 1024 * 1024;

/** First line to the adapter. */
export interface HelloLine {
  readonly cmd: 'hello';
  readonly protocol: typeof protocolVersion;
  readonly vectors: string;
  readonly spec: readonly string[];
}

/** A line that the harness writes. */
export type HarnessLine =
  | HelloLine
  | { readonly cmd: 'run'; readonly id: string; readonly op: string; readonly in: Members }
  | { readonly cmd: 'reset' }
  | { readonly cmd: 'bye' };

/** The adapter's answer to hello. */
export interface HelloReply {
  readonly protocol: typeof protocolVersion;
  readonly name: string;
  readonly version: string;
  readonly language: string;
  readonly url?: string;
  readonly spec: readonly string[];
  readonly features: readonly string[];
}

/** The adapter's answer to a case. */
export type RunReply =
  | { readonly kind: 'out'; readonly out: unknown }
  | { readonly kind: 'error'; readonly code: string }
  | { readonly kind: 'skip'; readonly reason: string };

/** A line from the adapter that breaks the protocol; the message completes "the adapter …". */
export class ProtocolFault extends Error {
  override name = 'ProtocolFault';
}
