import { TridcommError } from '@tridcomm/core';
import { limits } from '@tridcomm/core/internal';
import { RetentionError, type EffectWork } from './effect-store.ts';
import { copiesMs, type EffectTerms } from './effect-options.ts';

/** What is known of a work that was done. Never changed. */
export interface Settled {
  /** From {@link nameOf}. */
  readonly name: string;
  readonly bodyHash32: Uint8Array;
  readonly deadlineMs: number;
  readonly settledMs: number;
  readonly result: Uint8Array;
}

/**
 * The works that were done, for as long as copies of them may come.
 *
 * What is forgotten leaves one number behind, the highest deadline of it: where the clock goes back, whatever has that or a lower one is late
 * all the same.
 */
export class EffectMemory {
  readonly #retentionMs: number;
  readonly #settled = new Map<string, Settled>();
  #bornMs: number;
  #forgottenMs = 0;
  #bytes = 0;
  #sweptMs = -Infinity;

  constructor({ retentionMs, bornMs }: EffectTerms) {
    this.#retentionMs = retentionMs;
    this.#bornMs = bornMs;
  }

  /** What it takes, roughly. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The highest deadline of what was forgotten. */
  get forgottenMs(): number {
    return this.#forgottenMs;
  }

  get all(): IterableIterator<Settled> {
    return this.#settled.values();
  }

  get(name: string): Settled | undefined {
    return this.#settled.get(name);
  }

  add(settled: Settled): void {
    const held = this.#settled.get(settled.name);
    if (held !== undefined) this.#bytes -= settledBytes(held);
    this.#settled.set(settled.name, settled);
    this.#bytes += settledBytes(settled);
  }

  /** Takes over what an earlier life of the store said of itself. */
  goOn({ bornMs, forgottenMs }: { readonly bornMs?: number; readonly forgottenMs?: number }): void {
    this.#bornMs = bornMs ?? this.#bornMs;
    this.#forgottenMs = forgottenMs ?? this.#forgottenMs;
  }

  /**
   * Makes sure that an unknown work can't be one that was done.
   *
   * @throws TridcommError `E_TOO_OLD` where it was sealed before this memory began, or less than the skew later; `E_EXPIRED` for a deadline that is
   *   over, or was when keys were forgotten; {@link RetentionError}
   */
  requireNew({ sealedMs, deadlineMs }: EffectWork, nowMs: number): void {
    // A false clock may have been ahead when these were noted: they never stop the service for longer than they would by now.
    this.#bornMs = Math.min(this.#bornMs, nowMs);
    this.#forgottenMs = Math.min(this.#forgottenMs, nowMs + this.#retentionMs);
    // 0 is no time: nothing came before.
    if (this.#bornMs > 0 && sealedMs <= this.#bornMs + limits.skewMs) {
      throw new TridcommError(
        'E_TOO_OLD',
        `sealed at ${sealedMs}, the store knows what was done since ${this.#bornMs}`,
      );
    }
    if (deadlineMs === 0) return;
    if (deadlineMs < nowMs || deadlineMs <= this.#forgottenMs) {
      throw new TridcommError('E_EXPIRED', `deadline ${deadlineMs}, now ${nowMs}, forgotten ${this.#forgottenMs}`);
    }
    const latestMs = this.#latestMs(nowMs);
    if (deadlineMs > latestMs) throw new RetentionError(`deadline ${deadlineMs}, at most ${latestMs}`);
  }

  /** Forgets what is older than the retention. Looks now and then only, unless it is urgent. */
  sweep(nowMs: number, isUrgent: boolean): void {
    const sinceMs = nowMs - this.#sweptMs;
    if (sinceMs >= 0 && sinceMs < (isUrgent ? 1_000 : this.#retentionMs / 24)) return;
    this.#sweptMs = nowMs;
    for (const settled of this.#settled.values()) {
      // Written by a clock that was ahead: it counts from now on.
      if (settled.settledMs > nowMs) this.#settled.set(settled.name, { ...settled, settledMs: nowMs });
      else if (settled.settledMs + this.#retentionMs < nowMs) this.#forget(settled, nowMs);
    }
  }

  #forget(settled: Settled, nowMs: number): void {
    this.#settled.delete(settled.name);
    this.#bytes -= settledBytes(settled);
    // One that a false clock took lies too far ahead to come again, and would make all others late.
    if (settled.deadlineMs > this.#latestMs(nowMs)) return;
    this.#forgottenMs = Math.max(this.#forgottenMs, settled.deadlineMs);
  }

  /** The last deadline that a key outlives which is settled now: a copy may be fresh for a while after it. */
  #latestMs(nowMs: number): number {
    return nowMs + this.#retentionMs - copiesMs;
  }
}

/** One name for a key, in a map. @throws TridcommError `E_USAGE` for widths that cannot be */
export function nameOf({ requesterKeyId32, frontId16, key16, bodyHash32 }: EffectWork): string {
  const widths = [requesterKeyId32.length, frontId16.length, key16.length, bodyHash32.length];
  if (widths.join() !== '32,16,16,32') throw new TridcommError('E_USAGE', `widths ${widths.join()}, not 32,16,16,32`);
  return Buffer.concat([requesterKeyId32, frontId16, key16]).toString('latin1');
}

/** @throws TridcommError `E_FORK` where a key that is known comes with something else */
export function requireSameWork(known: { readonly bodyHash32: Uint8Array }, { bodyHash32 }: EffectWork): void {
  if (Buffer.compare(known.bodyHash32, bodyHash32) === 0) return;
  throw new TridcommError('E_FORK', 'an idempotency key that came with something else before');
}

/** Roughly what an entry takes. */
export function settledBytes({ result }: Pick<Settled, 'result'>): number {
  return 250 + result.length;
}
