import { hexOf } from '@tridcomm/core/internal';

/** A value that was asked for, or came by itself. */
interface Slot {
  readonly address: string;
  /** Whether it is there; then `value` is what is handed over, if anything. */
  isReady: boolean;
  value: Uint8Array | undefined;
}

/**
 * Brings the values that a carrier gives into the order in which they were asked for: members ask in the order in which objects need each
 * other, and a server may answer in any.
 *
 * Pure.
 */
export class OrderedValues {
  readonly #handOver: (address: string, value: Uint8Array) => void;
  #slots: Slot[] = [];
  /** By address: those that are not ready. */
  readonly #open = new Map<string, Slot>();

  constructor(handOver: (address: string, value: Uint8Array) => void) {
    this.#handOver = handOver;
  }

  /** @returns false where the value of this address was asked for and has not come: that will do */
  ask(address16: Uint8Array): boolean {
    const address = hexOf(address16);
    if (this.#open.has(address)) return false;
    const slot: Slot = { address, isReady: false, value: undefined };
    this.#open.set(address, slot);
    this.#slots.push(slot);
    return true;
  }

  /** The answer for an address that was asked for; nothing where what came by itself was faster. */
  answered(address: string, value: Uint8Array | undefined): void {
    const slot = this.#open.get(address);
    if (slot === undefined) return;
    this.#open.delete(address);
    slot.isReady = true;
    slot.value = value;
    this.#drain();
  }

  /** A value that came by itself: where one is waited for, it is that. */
  came(address: string, value: Uint8Array): void {
    if (this.#open.has(address)) {
      this.answered(address, value);
      return;
    }
    this.#slots.push({ address, isReady: true, value });
    this.#drain();
  }

  #drain(): void {
    while (this.#slots[0]?.isReady === true) {
      const { address, value } = this.#slots.shift()!;
      if (value !== undefined) this.#handOver(address, value);
    }
  }
}
