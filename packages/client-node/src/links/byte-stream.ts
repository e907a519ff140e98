import type { TridcommError } from '@tridcomm/core';

/** The byte stream that a link lies on. */
export interface ByteStream {
  /** Whether so much waits to go out that writing should wait for `onDrain`. */
  readonly isFull: boolean;
  /** @param chunks - to go out one after the other; not changed by anybody afterwards */
  write(chunks: readonly Uint8Array[]): void;
  /** Ends it when everything that was written has gone out, or after a while without that. */
  end(): void;
  /** Ends it at once. */
  destroy(): void;
}

/** What a byte stream tells. */
export interface StreamHandlers {
  /** Gets bytes of its own. */
  onData(chunk: Uint8Array): void;
  /** What made it full has gone out. */
  onDrain(): void;
  /** Nothing comes any more; once, and nothing after it. @param error - undefined where the peer ended it */
  onEnd(error: TridcommError | undefined): void;
}

/** How long the last bytes of a link may take. */
export const lingerMs = 1_000;
