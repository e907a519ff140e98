import type { FreshnessRule } from './freshness.ts';
import type { LookUp, ReplayGuard, ReplaySource } from './guard.ts';
import type { JobPart } from './leaves.ts';
import type { ReplayWrites } from './stored-state.ts';

/** What opening an envelope asks of a receiver's replay state. */
export type ReplayState = Pick<
  ReplayGuard,
  'freshness' | 'lookUp' | 'compare' | 'decideFork' | 'pendingWrites' | 'stored' | 'commit'
>;

/**
 * The same replay state for what does not come as news: out of a log, whose timestamps inform, or as work. Floors that were restored do not refuse
 * it.
 *
 * As there is one state, an envelope that comes in several ways is accepted once in a life.
 *
 * @spec replay.29, replay.30, replay.35
 */
export class SourcedReplay implements ReplayState {
  readonly freshness: FreshnessRule;
  readonly #guard: ReplayGuard;
  readonly #source: ReplaySource;

  constructor(guard: ReplayGuard, source: ReplaySource) {
    this.#guard = guard;
    this.#source = source;
    this.freshness = source === 'log' ? { ...guard.freshness, stored: true } : guard.freshness;
  }

  lookUp(header: Uint8Array, part?: JobPart): LookUp {
    return this.#guard.lookUp(header, part, this.#source);
  }

  compare(header: Uint8Array, id32: Uint8Array, part?: JobPart): void {
    this.#guard.compare(header, id32, part);
  }

  decideFork(header: Uint8Array, id32: Uint8Array, previous32?: Uint8Array): void {
    this.#guard.decideFork(header, id32, previous32);
  }

  pendingWrites(header: Uint8Array, part?: JobPart): ReplayWrites | undefined {
    return this.#guard.pendingWrites(header, part, this.#source);
  }

  stored(header: Uint8Array, writes: ReplayWrites): Uint8Array | undefined {
    return this.#guard.stored(header, writes);
  }

  commit(header: Uint8Array, id32: Uint8Array, part?: JobPart): void {
    this.#guard.commit(header, id32, part, this.#source);
  }
}
