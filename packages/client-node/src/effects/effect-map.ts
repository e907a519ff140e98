import { TridcommError } from '@tridcomm/core';
import { ConflictError } from './effect-store.ts';

/**
 * What a handler gets from the embedded stores: names and values that are written together with the entry of its key, or not at all.
 *
 * It sees what was committed, and its own writes. Where another run changes what this one read, the commit fails and the handler runs again.
 */
export interface EffectMap {
  /** Not to be changed by the caller. */
  get(name: string): Uint8Array | undefined;
  /**
   * @param name - 1 to 65,535 bytes of UTF-8
   * @param value - copied
   * @throws TridcommError `E_LIMIT`; `E_USAGE` for a name that is no text; `E_CLOSED` once the run is over
   */
  put(name: string, value: Uint8Array): void;
  /** @throws as {@link put} */
  delete(name: string): void;
}

/** One transaction over a map of values, each of which is replaced as a whole and never changed. */
export class MapTransaction implements EffectMap {
  readonly #committed: ReadonlyMap<string, Uint8Array>;
  readonly #reads = new Map<string, Uint8Array | undefined>();
  readonly #writes = new Map<string, Uint8Array | undefined>();
  #isOver = false;

  constructor(committed: ReadonlyMap<string, Uint8Array>) {
    this.#committed = committed;
  }

  /** Undefined deletes. */
  get writes(): ReadonlyMap<string, Uint8Array | undefined> {
    return this.#writes;
  }

  get(name: string): Uint8Array | undefined {
    this.#requireOpen();
    if (this.#writes.has(name)) return this.#writes.get(name);
    // The first look counts, so that a handler never sees two values.
    if (!this.#reads.has(name)) this.#reads.set(name, this.#committed.get(name));
    return this.#reads.get(name);
  }

  put(name: string, value: Uint8Array): void {
    this.#requireOpen();
    checkName(name);
    this.#writes.set(name, Uint8Array.from(value));
  }

  delete(name: string): void {
    this.#requireOpen();
    checkName(name);
    this.#writes.set(name, undefined);
  }

  /**
   * Makes sure that all it read still is as it was.
   *
   * @param aboutToChange - names that are written before it
   * @throws ConflictError
   */
  requireUnchanged(aboutToChange: ReadonlySet<string>): void {
    for (const [name, value] of this.#reads) {
      // Each put makes a value of its own, so the same object is the same value.
      if (aboutToChange.has(name) || this.#committed.get(name) !== value) throw new ConflictError(name);
    }
  }

  /** Nothing more is read or written. */
  end(): void {
    this.#isOver = true;
  }

  #requireOpen(): void {
    if (this.#isOver) throw new TridcommError('E_CLOSED', 'transaction of a run that is over');
  }
}

function checkName(name: string): void {
  const bytes = Buffer.from(name, 'utf8');
  const { length } = bytes;
  // Half a surrogate pair would come back as another name.
  if (bytes.toString('utf8') !== name) throw new TridcommError('E_USAGE', 'name with half a character');
  if (length === 0 || length > 0xffff) throw new TridcommError('E_LIMIT', `name of ${length} bytes, 1 to 65535`);
}
