import type { ClientStore } from '@tridcomm/core';

/** The store of a member whose replay state is kept, under a prefix of its own, in another store, and all else in memory. */
export class ReaderStore implements ClientStore {
  readonly #memory: ClientStore;
  readonly #kept: ClientStore;
  readonly #prefix: string;

  /** @param prefix - in `kept`; of no other reader */
  constructor(memory: ClientStore, kept: ClientStore, prefix: string) {
    this.#memory = memory;
    this.#kept = kept;
    this.#prefix = prefix;
  }

  get(name: string): Uint8Array | undefined {
    return isKept(name) ? this.#kept.get(this.#prefix + name) : this.#memory.get(name);
  }

  put(name: string, value: Uint8Array): void {
    if (isKept(name)) this.#kept.put(this.#prefix + name, value);
    else this.#memory.put(name, value);
  }

  delete(name: string): void {
    if (isKept(name)) this.#kept.delete(this.#prefix + name);
    else this.#memory.delete(name);
  }

  *entries(prefix: string): Generator<readonly [name: string, value: Uint8Array], void, undefined> {
    // Who asks for all has its own names in mind, and gets them from the memory alone.
    if (!isKept(prefix)) yield* this.#memory.entries(prefix);
    else
      for (const [name, value] of this.#kept.entries(this.#prefix + prefix))
        yield [name.slice(this.#prefix.length), value];
  }
}

/** What core's Client stores of what it has accepted. */
function isKept(name: string): boolean {
  return name.startsWith('replay/');
}
