/** The latest of what happened, as far as it fits. */
export class Recent<T> {
  readonly #bytesOf: (item: T) => number;
  #items: T[] = [];
  #bytes = 0;

  /** @param bytesOf - what an item keeps alive, without its small parts */
  constructor(bytesOf: (item: T) => number) {
    this.#bytesOf = bytesOf;
  }

  /** Oldest first. */
  get items(): readonly T[] {
    return this.#items;
  }

  /** Adds one, and lets the oldest go where there are too many or they are too large together. */
  add(item: T): void {
    this.#items.push(item);
    this.#bytes += this.#bytesOf(item);
    let gone = 0;
    while (this.#items.length - gone > mostItems || (this.#bytes > mostBytes && gone < this.#items.length - 1)) {
      this.#bytes -= this.#bytesOf(this.#items[gone]!);
      gone++;
    }
    if (gone > 0) this.#items.splice(0, gone);
  }

  /** All of them, which then are gone from here. */
  take(): T[] {
    this.#bytes = 0;
    return this.#items.splice(0);
  }
}

const mostItems = 1_000;
const mostBytes = 16 * 1024 * 1024;
