/**
 * A map that can go back to where it stood at {@link mark}: for who judges several things as one, and takes all or none.
 *
 * Without a mark it costs nothing; with one, a note for each key that changes.
 */
export class UndoMap<K, V> extends Map<K, V> {
  /** What stood under the keys that have changed since the mark; undefined stands for nothing. */
  #before: Map<K, V | undefined> | undefined;

  /** Notes where the map stands, and forgets the mark before. */
  mark(): void {
    this.#before = new Map();
  }

  /** Goes back to the mark. */
  undo(): void {
    const before = this.#before ?? [];
    this.#before = undefined;
    for (const [key, value] of before) {
      if (value === undefined) super.delete(key);
      else super.set(key, value);
    }
  }

  override set(key: K, value: V): this {
    this.#note(key);
    return super.set(key, value);
  }

  override delete(key: K): boolean {
    this.#note(key);
    return super.delete(key);
  }

  #note(key: K): void {
    if (this.#before !== undefined && !this.#before.has(key)) this.#before.set(key, this.get(key));
  }
}
