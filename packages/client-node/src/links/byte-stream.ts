import type { TridcommError } from '@tridcomm/core';

/** The byte stream that a link lies on. */
export interface ByteStream {
  /** Bytes that were written, and that the system has not taken yet. */
  readonly bufferedBytes: number;
  /** Whether so much waits, {@link highWaterBytes}, that writing should wait for `onDrain`. */
  readonly isFull: boolean;
  /** @param chunks - to go out one after the other; not changed by anybody afterwards */
  write(chunks: readonly Uint8Array[]): void;
  setReading(isReading: boolean): void;
  /** Ends it when everything that was written has gone out, or after a while without that. */
  end(): void;
  /** Ends it at once. */
  destroy(): void;
}

/** What a byte stream tells. */
export interface StreamHandlers {
  /** Gets bytes of its own. */
  onData(chunk: Uint8Array): void;
  /** What waited has gone out: comes at least when the stream was full. */
  onDrain(): void;
  /** Nothing comes any more; once, and nothing after it. @param error - undefined where the peer ended it */
  onEnd(error: TridcommError | undefined): void;
}

/** What an error of a socket means. */
export type ErrorOfSocket = (cause: Error) => TridcommError;

/** What the system is given at a time: two or three of its own buffers. */
export const highWaterBytes: number = 256 * 1024;
/** How long the last bytes of a link may take. */
export const lingerMs = 1_000;
