import type { FreshnessRule } from './freshness.ts';
import type { LookUp, ReplayGuard } from './guard.ts';
import type { JobPart } from './leaves.ts';
import type { ReplayWrites } from './stored-state.ts';

/** What opening an envelope asks of a receiver's replay state. */
export type ReplayState = Pick<
  ReplayGuard,
  'freshness' | 'lookUp' | 'compare' | 'decideFork' | 'pendingWrites' | 'stored' | 'commit'
>;

/**
 * The same replay state for envelopes that come out of a log: their timestamp informs, and the rules of a restart are not for them.
 *
 * As there is one state, an envelope that comes both ways is accepted once.
 *
 * @spec replay.29, replay.30
 */
export class LogReplay implements ReplayState {
  readonly freshness: FreshnessRule;
  readonly #guard: ReplayGuard;

  constructor(guard: ReplayGuard) {
    this.#guard = guard;
    this.freshness = { ...guard.freshness, stored: true };
  }

  lookUp(header: Uint8Array, part?: JobPart): LookUp {
    return this.#guard.lookUp(header, part, 'log');
  }

  compare(header: Uint8Array, id32: Uint8Array, part?: JobPart): void {
    this.#guard.compare(header, id32, part);
  }

  decideFork(header: Uint8Array, id32: Uint8Array, previous32?: Uint8Array): void {
    this.#guard.decideFork(header, id32, previous32);
  }

  pendingWrites(header: Uint8Array, part?: JobPart): ReplayWrites | undefined {
    return this.#guard.pendingWrites(header, part, 'log');
  }

  stored(header: Uint8Array, writes: ReplayWrites): Uint8Array | undefined {
    return this.#guard.stored(header, writes);
  }

  commit(header: Uint8Array, id32: Uint8Array, part?: JobPart): void {
    this.#guard.commit(header, id32, part, 'log');
  }
}
