import { copyOf } from '../bytes/bytes.ts';

/**
 * What a durable member writes down: small values under names.
 *
 * Synchronous, and in the order of the calls: a value is safe when `put` returns. It holds secrets, so it belongs where the identity
 * belongs.
 */
export interface ClientStore {
  get(name: string): Uint8Array | undefined;
  put(name: string, value: Uint8Array): void;
  delete(name: string): void;
  /** All values whose names start with `prefix`, in any order. */
  entries(prefix: string): Iterable<readonly [name: string, value: Uint8Array]>;
}

/** A store that lives as long as the process: for tests, and to restart a member inside one. */
export class MemoryStore implements ClientStore {
  readonly #values = new Map<string, Uint8Array>();

  get(name: string): Uint8Array | undefined {
    return this.#values.get(name);
  }

  put(name: string, value: Uint8Array): void {
    this.#values.set(name, copyOf(value));
  }

  delete(name: string): void {
    this.#values.delete(name);
  }

  entries(prefix: string): [string, Uint8Array][] {
    return [...this.#values].filter(([name]) => name.startsWith(prefix));
  }
}
