import { TridcommError } from '@tridcomm/core';
import { limits } from '@tridcomm/core/internal';

/** One envelope of a log. */
export interface StoredEnvelope {
  readonly position: number;
  /** 1 to 1,048,576 bytes; the caller's. */
  readonly bytes: Uint8Array;
}

/**
 * Envelopes in the order in which a broker took them. They are bytes to it, nothing else.
 *
 * Positions are numbers from 1, one more for each envelope. A position that was acknowledged never names other bytes.
 *
 * @spec storage.2, storage.3
 */
export interface EnvelopeLog {
  /** Of the oldest envelope that is still held. */
  readonly firstPosition: number;
  /** One more than that of the newest envelope which is as durable as this log makes it. */
  readonly nextPosition: number;

  /**
   * Puts envelopes behind those of all earlier calls.
   *
   * They are one run of positions. It resolves when all of them are as durable as this log makes them, never before; where it rejects,
   * any of them may or may not be found in the log later.
   *
   * @param envelopes - one or more, each of 1 to 1,048,576 bytes; must not change until this settles
   * @param onTaken - called, before this returns, where all of them were taken: then only a log that fails loses them
   * @returns the position of the first
   * @throws TridcommError `E_LIMIT` for one that is too long, or where too much waits; `E_USAGE` for none, or an empty one;
   *   `E_TRANSPORT` when the log has failed, now or before; `E_CLOSED`
   */
  append(envelopes: readonly Uint8Array[], onTaken?: () => void): Promise<number>;

  /**
   * What stands at a position and behind it, oldest first.
   *
   * Starts at {@link firstPosition} where older ones are gone; empty where nothing stands there yet. Ends before what is damaged.
   *
   * @param fromPosition - 1 or more
   * @param maxBytes - 1 or more: it ends with the last envelope that fits, or with the first one if that does not
   * @throws {@link DamagedError} `E_ENCODING` where the first one is damaged or lost; TridcommError `E_TRANSPORT` where the disk
   *   does not answer; `E_USAGE`; `E_CLOSED`
   */
  read(fromPosition: number, maxBytes: number): Promise<StoredEnvelope[]>;

  /** Lets go of what is older or larger than the log's retention. Every append does that too. */
  trim(): Promise<void>;

  /** Ends the log, when all that was appended before has settled. Further calls do nothing. */
  close(): Promise<void>;
}

/**
 * Positions whose bytes are not as they were written: `E_ENCODING`.
 *
 * @spec storage.14
 */
export class DamagedError extends TridcommError {
  /** The first position that cannot be read. */
  readonly fromPosition: number;
  /** The next one that may be: where a reader that gives up on the damaged ones goes on. */
  readonly toPosition: number;

  constructor(fromPosition: number, toPosition: number) {
    super('E_ENCODING', `positions ${fromPosition} to ${toPosition - 1} of the log are damaged or lost`);
    this.fromPosition = fromPosition;
    this.toPosition = toPosition;
  }
}

/**
 * The envelopes of an append, checked, as a list of its own.
 *
 * @throws TridcommError `E_USAGE`, `E_LIMIT`
 * @spec storage.2
 */
export function checkEnvelopes(envelopes: readonly Uint8Array[]): readonly Uint8Array[] {
  if (envelopes.length === 0) throw new TridcommError('E_USAGE', 'append of no envelopes');
  for (const { length } of envelopes) {
    if (length === 0) throw new TridcommError('E_USAGE', 'append of an empty envelope');
    if (length > limits.envelopeBytes) {
      throw new TridcommError('E_LIMIT', `envelope of ${length} bytes, at most ${limits.envelopeBytes}`);
    }
  }
  return [...envelopes];
}

/** Makes sure that a read can be answered. @throws TridcommError `E_USAGE` */
export function checkRead(fromPosition: number, maxBytes: number): void {
  if (!Number.isSafeInteger(fromPosition) || fromPosition < 1) {
    throw new TridcommError('E_USAGE', `position ${fromPosition}, not an integer from 1 on`);
  }
  if (!(maxBytes >= 1)) throw new TridcommError('E_USAGE', `maxBytes ${maxBytes}, not 1 or more`);
}
