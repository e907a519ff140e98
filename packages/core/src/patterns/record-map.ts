import { copyOf, equalBytes } from '../bytes/bytes.ts';
import { nameOf } from './names.ts';
import type { RecordName } from './work.ts';

/** The records of one envelope, by leaf and index as one number. */
interface OfEnvelope<T> {
  readonly name: string;
  readonly id32: Uint8Array;
  readonly values: Map<number, T>;
}

/**
 * Values by the names of records. Records of one envelope are looked for one after the other, so their id is made a name of once.
 */
export class RecordMap<T> {
  readonly #envelopes = new Map<string, OfEnvelope<T>>();
  /** Used last. */
  #last: OfEnvelope<T> | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(name: RecordName): T | undefined {
    if (!isPossible(name)) return undefined;
    return this.#find(name.id32)?.values.get(numberOf(name));
  }

  /** @param name - of an envelope that was sealed here: leaf and index are below 65,536 */
  set(name: RecordName, value: T): void {
    const { values } = this.#find(name.id32) ?? this.#add(name.id32);
    const before = values.size;
    values.set(numberOf(name), value);
    this.#size += values.size - before;
  }

  delete(name: RecordName): void {
    if (!isPossible(name)) return;
    const found = this.#find(name.id32);
    if (found?.values.delete(numberOf(name)) !== true) return;
    this.#size--;
    if (found.values.size > 0) return;
    this.#envelopes.delete(found.name);
    this.#last = undefined;
  }

  /** Those of the envelope that came first come first. */
  *values(): Generator<T, void, undefined> {
    for (const { values } of this.#envelopes.values()) yield* values.values();
  }

  clear(): void {
    this.#envelopes.clear();
    this.#last = undefined;
    this.#size = 0;
  }

  #find(id32: Uint8Array): OfEnvelope<T> | undefined {
    if (this.#last !== undefined && equalBytes(this.#last.id32, id32)) return this.#last;
    const found = this.#envelopes.get(nameOf(id32));
    if (found !== undefined) this.#last = found;
    return found;
  }

  #add(id32: Uint8Array): OfEnvelope<T> {
    const name = nameOf(id32);
    // A copy: who gave it may write over it.
    const added = { name, id32: copyOf(id32), values: new Map<number, T>() };
    this.#envelopes.set(name, added);
    this.#last = added;
    return added;
  }
}

/** Whether an envelope can have such a record: a reply may name any. */
function isPossible({ leaf, index }: RecordName): boolean {
  return leaf < mostInEnvelope && index < mostInEnvelope;
}

function numberOf({ leaf, index }: RecordName): number {
  return leaf * mostInEnvelope + index;
}

/** Records, and so leaves, are fewer. */
const mostInEnvelope = 0x1_0000;
