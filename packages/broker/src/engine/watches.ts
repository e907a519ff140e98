/** Who watches one address. */
export interface Watch<W> {
  readonly name: string;
  readonly watchers: Set<W>;
}

/** Who is told what is new under which address. A watcher keeps its watches, and not their names: there may be very many watchers. */
export class Watches<W> {
  readonly #byName = new Map<string, Watch<W>>();

  /** @param name - of the address */
  has(name: string, watcher: W): boolean {
    return this.#byName.get(name)?.watchers.has(watcher) === true;
  }

  /** @returns to be given to {@link delete} */
  add(name: string, watcher: W): Watch<W> {
    let watch = this.#byName.get(name);
    if (watch === undefined) this.#byName.set(name, (watch = { name, watchers: new Set() }));
    watch.watchers.add(watcher);
    return watch;
  }

  delete({ name, watchers }: Watch<W>, watcher: W): void {
    watchers.delete(watcher);
    if (watchers.size === 0) this.#byName.delete(name);
  }

  watchersOf(name: string): Iterable<W> {
    return this.#byName.get(name)?.watchers ?? [];
  }
}
