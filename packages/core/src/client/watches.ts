import { copyOf } from '../bytes/bytes.ts';
import type { GuardedCarrier } from './guarded-carrier.ts';
import { hexOf } from './hex.ts';

/** What an address stands for. */
export interface AskedFor {
  readonly type: number;
  readonly id: Uint8Array;
}

interface Watch extends AskedFor {
  readonly address16: Uint8Array;
  /** When the object may be asked for once more, and how long the wait after that is. */
  nextFetchMs: number;
  waitMs: number;
}

/**
 * The addresses that a member asks its carrier for. Answers may come inside the calls, and bring more addresses.
 */
export class Watches {
  readonly #carrier: GuardedCarrier;
  readonly #addressOf: (type: number, id: Uint8Array) => Uint8Array;
  readonly #byAddress = new Map<string, Watch>();
  readonly #byName = new Map<string, Watch>();
  /** What the carrier does not watch yet, in the order in which it is to. */
  readonly #pending = new Set<Watch>();
  #isFlushing = false;

  constructor(carrier: GuardedCarrier, addressOf: (type: number, id: Uint8Array) => Uint8Array) {
    this.#carrier = carrier;
    this.#addressOf = addressOf;
  }

  /** Notes an address; {@link flush} asks for it. */
  add(type: number, id: Uint8Array): void {
    this.#watchOf(type, id);
  }

  /** Asks for all that was noted, and for what the answers note, until the carrier fails. */
  flush(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    try {
      for (const watch of this.#pending) {
        if (!this.#carrier.watch(watch.address16)) break;
        this.#pending.delete(watch);
      }
    } finally {
      this.#isFlushing = false;
    }
  }

  /** The broker knows of nothing any more: {@link flush} asks for all. */
  renew(): void {
    for (const watch of this.#byName.values()) this.#pending.add(watch);
  }

  /** What was asked for under an address. */
  find(address16: Uint8Array): AskedFor | undefined {
    return this.#byAddress.get(hexOf(address16));
  }

  /** An object came: who misses another may ask at once. */
  arrived(address16: Uint8Array): void {
    const watch = this.#byAddress.get(hexOf(address16));
    if (watch !== undefined) watch.waitMs = leastWaitMs;
  }

  /** Asks for an object once more, at most once a second, and less often when it never comes. */
  fetch(type: number, id: Uint8Array, nowMs: number): void {
    const watch = this.#watchOf(type, id);
    if (nowMs < watch.nextFetchMs && watch.nextFetchMs - nowMs <= mostWaitMs) return;
    watch.nextFetchMs = nowMs + watch.waitMs;
    watch.waitMs = Math.min(2 * watch.waitMs, mostWaitMs);
    this.#carrier.fetch(watch.address16);
  }

  #watchOf(type: number, id: Uint8Array): Watch {
    const name = `${type}/${hexOf(id)}`;
    const held = this.#byName.get(name);
    if (held !== undefined) return held;
    const watch = { type, id: copyOf(id), address16: this.#addressOf(type, id), nextFetchMs: 0, waitMs: leastWaitMs };
    this.#byName.set(name, watch);
    this.#byAddress.set(hexOf(watch.address16), watch);
    this.#pending.add(watch);
    return watch;
  }
}

const leastWaitMs = 1_000;
const mostWaitMs = 8_000;
