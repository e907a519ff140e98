import { TridcommError } from '@tridcomm/core';
import type { EnvelopeLog, StoredEnvelope } from '../../src/store/envelope-log.ts';
import { DamagedError } from '../../src/store/envelope-log.ts';

/** A log whose disk does what the test says. */
export class FakeLog implements EnvelopeLog {
  firstPosition = 1;
  readonly envelopes: Uint8Array[] = [];
  /** Appends that wait for {@link sync}. */
  #waiting: (() => void)[] = [];
  /** Whether appends resolve without {@link sync}. */
  isFast = true;
  failure: TridcommError | undefined;
  readFailure: TridcommError | undefined;
  /** From and to. */
  damaged: readonly [number, number] | undefined;
  appends = 0;
  reads = 0;
  isClosed = false;

  get nextPosition(): number {
    return this.envelopes.length + 1;
  }

  async append(envelopes: readonly Uint8Array[], onTaken?: () => void): Promise<number> {
    this.appends++;
    if (this.isFast && this.failure !== undefined) throw this.failure;
    onTaken?.();
    if (!this.isFast) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.failure !== undefined) throw this.failure;
    const first = this.nextPosition;
    this.envelopes.push(...envelopes.map((bytes) => new Uint8Array(bytes)));
    return first;
  }

  /** The disk has taken everything, or has failed. */
  sync(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  async read(fromPosition: number, maxBytes: number): Promise<StoredEnvelope[]> {
    this.reads++;
    await Promise.resolve();
    if (this.readFailure !== undefined) throw this.readFailure;
    const [from, to] = this.damaged ?? [0, 0];
    if (fromPosition >= from && fromPosition < to) throw new DamagedError(fromPosition, to);
    const found: StoredEnvelope[] = [];
    let bytes = 0;
    for (let position = Math.max(fromPosition, this.firstPosition); position < this.nextPosition; position++) {
      const envelope = this.envelopes[position - 1]!;
      bytes += envelope.length;
      if (found.length > 0 && (bytes > maxBytes || position === from)) break;
      found.push({ position, bytes: envelope });
    }
    return found;
  }

  async trim(): Promise<void> {
    return Promise.resolve();
  }

  async close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }
}
