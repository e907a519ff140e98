import { ReplayGuard } from '../replay/guard.ts';
import { SourcedReplay } from '../replay/sourced-replay.ts';
import type { Group } from './group.ts';
import type { Holdings } from './holdings.ts';
import type { Pools } from './pools.ts';
import { clearReplay, ReplayStore } from './replay-store.ts';

/** What a router has seen of one epoch of a crew. */
export interface RouteState {
  readonly guard: ReplayGuard;
  /** The same, for what comes as work. @spec replay.35 */
  readonly replay: SourcedReplay;
  /** Present in a durable member. */
  readonly replayStore: ReplayStore | undefined;
}

/**
 * The states of chapter 10 of a router, one for a front and epoch of its crew. They are its own, whatever the member takes as one of the crew, and last
 * as long as it holds the pool record: without that, nothing of the epoch is taken.
 *
 * @spec patterns.37
 */
export class RouteStates {
  readonly #holdings: Holdings;
  readonly #pools: Pools;
  readonly #fronts = new Map<Group, Map<number, RouteState>>();

  constructor(holdings: Holdings, pools: Pools) {
    this.#holdings = holdings;
    this.#pools = pools;
  }

  /** @param epoch - of the crew, of which the member holds the pool record */
  of(front: Group, epoch: number): RouteState {
    const held = this.#stateOf(front);
    const state = held.get(epoch) ?? this.#begin(front, epoch);
    held.set(epoch, state);
    return state;
  }

  /** Forgets what the member has no pool record of any more. */
  tick(): void {
    for (const [front, states] of this.#fronts) {
      for (const [epoch, { guard, replayStore }] of states) {
        if (this.#pools.record(front, epoch) !== undefined) continue;
        guard.release();
        replayStore?.clear();
        states.delete(epoch);
      }
    }
  }

  /** What is stored stays. */
  stop(): void {
    for (const states of this.#fronts.values()) for (const { guard } of states.values()) guard.release();
    this.#fronts.clear();
  }

  #stateOf(front: Group): Map<number, RouteState> {
    const held = this.#fronts.get(front);
    if (held !== undefined) return held;
    const { store } = this.#holdings;
    // An earlier life may have left some behind.
    if (store !== undefined) clearReplay(store, storedAs(front), this.#pools.oldestEpoch(front) - 1);
    const made = new Map<number, RouteState>();
    this.#fronts.set(front, made);
    return made;
  }

  #begin(front: Group, epoch: number): RouteState {
    const { store, random, evidence, leafBudget, maxAgeMs, skewMs, bootMs } = this.#holdings;
    const replayStore = store && new ReplayStore(store, storedAs(front), epoch);
    const life = replayStore?.life() ?? ({ kind: 'volatile', bootMs } as const);
    const freshness = { maxAgeMs, skewMs };
    const guard = new ReplayGuard({ hashKey16: random(16), life, freshness, evidence, leafBudget });
    return { guard, replay: new SourcedReplay(guard, 'work'), replayStore };
  }
}

/** Beside the states of the groups themselves. */
function storedAs({ id }: Group): string {
  return `route-${id}`;
}
