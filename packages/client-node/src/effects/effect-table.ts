import { TridcommError } from '@tridcomm/core';
import { limits } from '@tridcomm/core/internal';
import type { EffectMap } from './effect-map.ts';
import { EffectMemory, nameOf, requireSameWork, settledBytes, type Settled } from './effect-memory.ts';
import type { EffectTerms } from './effect-options.ts';
import type { Begun, EffectRun, EffectWork } from './effect-store.ts';
import { LiveRun } from './live-run.ts';

/** What one commit changes; nothing in it is changed later. */
export interface EffectChange {
  readonly settled: Settled;
  /** By name; undefined deletes. */
  readonly writes: ReadonlyMap<string, Uint8Array | undefined>;
}

/** Changes that are made to last together, and count together. */
export class EffectBatch {
  readonly changes: EffectChange[] = [];
  /** Names that any of them writes. */
  readonly names: Set<string> = new Set();
  bytes: number = 0;

  add(change: EffectChange): void {
    this.changes.push(change);
    for (const name of change.writes.keys()) this.names.add(name);
    this.bytes += changeBytes(change);
  }
}

/**
 * What the embedded stores know: works that were done, runs that are under way, and the values that handlers wrote.
 *
 * Runs live in memory alone: with the process everything ends that was not committed. Pure, and without waiting: a store takes a run by
 * {@link claim}, turns it to a change by {@link prepare}, makes that last, and lets it count by {@link apply}.
 */
export class EffectTable {
  readonly memory: EffectMemory;
  readonly #maxBytes: number;
  readonly #values = new Map<string, Uint8Array>();
  #valueBytes = 0;
  /** By the names of their keys: more than one of a key where leases ran out. */
  readonly #runs = new Map<string, Set<LiveRun>>();
  #nowMs = 0;

  constructor(terms: EffectTerms) {
    this.memory = new EffectMemory(terms);
    this.#maxBytes = terms.maxBytes;
  }

  /** Roughly what all takes. */
  get bytes(): number {
    return this.memory.bytes + this.#valueBytes;
  }

  get values(): ReadonlyMap<string, Uint8Array> {
    return this.#values;
  }

  /** @throws TridcommError `E_FORK`, `E_TOO_OLD`, `E_EXPIRED`, `E_LIMIT`, `E_USAGE` @spec replay.32, replay.33, replay.34 */
  begin(work: EffectWork, leaseMs: number, nowMs: number): Begun<EffectMap> {
    const name = nameOf(work);
    checkTimes(work, leaseMs, nowMs);
    this.#nowMs = nowMs;
    this.memory.sweep(nowMs, this.#isFull());
    const settled = this.memory.get(name);
    if (settled !== undefined) {
      requireSameWork(settled, work);
      return { status: 'done', result: settled.result };
    }
    const runs = this.#runs.get(name) ?? new Set();
    for (const running of runs) {
      requireSameWork(running, work);
      if (running.isCommitting || nowMs < running.leasedUntilMs) return { status: 'running' };
    }
    this.memory.requireNew(work, nowMs);
    // Better now than when the handler has run.
    if (this.#isFull()) throw new TridcommError('E_LIMIT', `effects of ${this.bytes} bytes`);
    const run = new LiveRun(name, work, nowMs + leaseMs, this.#values);
    this.#runs.set(name, runs.add(run));
    return { status: 'run', run };
  }

  /**
   * Takes a run that is to be committed: nobody else begins its key, or commits it, until it is over. Its lease may be over by then, and another
   * run may have begun: where the last to begin alone could commit, handlers slower than a lease would never get there.
   *
   * @throws TridcommError `E_CLOSED` for a run that is over, or while another commits its key; `E_USAGE` for one of another store
   */
  claim(run: EffectRun<EffectMap>): LiveRun {
    if (!(run instanceof LiveRun)) throw new TridcommError('E_USAGE', 'run of another store');
    const runs = this.#runs.get(run.name);
    if (runs?.has(run) !== true) throw new TridcommError('E_CLOSED', 'run that is over');
    for (const one of runs) {
      if (one.isCommitting) throw new TridcommError('E_CLOSED', 'run of a key that is being committed');
    }
    run.isCommitting = true;
    run.transaction.end();
    return run;
  }

  /**
   * Adds to a batch what the commit of a run that was claimed changes.
   *
   * @param result - kept
   * @throws ConflictError; TridcommError `E_LIMIT`; then the batch is as it was
   */
  prepare(run: LiveRun, result: Uint8Array, batch: EffectBatch): void {
    const { name, bodyHash32, deadlineMs, transaction } = run;
    transaction.requireUnchanged(batch.names);
    const settled = { name, bodyHash32, deadlineMs, settledMs: this.#nowMs, result };
    const change = { settled, writes: transaction.writes };
    const ownBytes = changeBytes(change);
    if (ownBytes > mostChangeBytes) throw new TridcommError('E_LIMIT', `commit of ${ownBytes} bytes`);
    const bytes = this.bytes + batch.bytes + ownBytes;
    if (bytes > this.#maxBytes) throw new TridcommError('E_LIMIT', `effects of ${bytes} bytes`);
    batch.add(change);
  }

  /** Lets changes count that last. Other runs of their keys are over. */
  apply({ changes }: EffectBatch): void {
    for (const { settled, writes } of changes) {
      for (const run of this.#runs.get(settled.name) ?? []) run.transaction.end();
      this.#runs.delete(settled.name);
      this.memory.add(settled);
      for (const [name, value] of writes) this.write(name, value);
    }
  }

  /** Sets a value, or deletes it where it is undefined. */
  write(name: string, value: Uint8Array | undefined): void {
    const held = this.#values.get(name);
    if (held !== undefined) this.#valueBytes -= valueBytes(name, held);
    if (value === undefined) this.#values.delete(name);
    else this.#values.set(name, value);
    this.#valueBytes += valueBytes(name, value);
  }

  /** Ends a run without any effect. Nothing happens where it is over, or being committed. */
  abandon(run: EffectRun<EffectMap>): void {
    if (run instanceof LiveRun && !run.isCommitting) this.fail(run);
  }

  /** The same for one whose commit came to nothing. */
  fail(run: LiveRun): void {
    run.transaction.end();
    const runs = this.#runs.get(run.name);
    if (runs?.delete(run) === true && runs.size === 0) this.#runs.delete(run.name);
  }

  /** Whether not even a work without a result has room. */
  #isFull(): boolean {
    return this.bytes + settledBytes({ result: new Uint8Array() }) > this.#maxBytes;
  }
}

function checkTimes({ sealedMs, deadlineMs }: EffectWork, leaseMs: number, nowMs: number): void {
  for (const [what, ms] of Object.entries({ sealedMs, deadlineMs, leaseMs, nowMs })) {
    if (!Number.isSafeInteger(ms) || ms < 0) throw new TridcommError('E_USAGE', `${what} ${ms}`);
  }
}

/** What a change adds at most: what it replaces is not counted. */
function changeBytes({ settled, writes }: EffectChange): number {
  return [...writes].reduce((sum, [name, value]) => sum + valueBytes(name, value), settledBytes(settled));
}

/** Roughly what a value takes. */
function valueBytes(name: string, value: Uint8Array | undefined): number {
  return value === undefined ? 0 : 100 + 2 * name.length + value.length;
}

const mostChangeBytes: number = 16 * limits.envelopeBytes;
