import { readU32, writeU32 } from '../bytes/bytes.ts';
import { StreamHash } from './stream-hash.ts';
import { readGroupExtra, readTimestamp, recordField, recordWords, writeTimestamp } from './stream-record.ts';
import type { Windows } from './window.ts';

/**
 * All streams of a receiver, millions if need be: a record of 36 bytes each, and 6 to 12 bytes of an index of which at most two
 * thirds are filled.
 *
 * A stream is found by a keyed hash of its group, (sender, epoch, topic_tag), of 44 bits, and by its stream_id as it is. The
 * streams of a group stand in the index one behind the other, in the order of their admission, so a group needs no record of its
 * own. Streams are numbered from 0 (`entry`); an entry lives as long as the table, since a stream that is evicted leaves it to
 * the one that takes its place.
 *
 * {@link find} leaves the hash of its header behind. The methods that speak of "the stream sought" act on that one.
 *
 * @spec replay.1
 */
export class StreamTable {
  readonly #hash: StreamHash;
  readonly #windows: Windows;
  readonly #streamCap: number;
  readonly #pages: Int32Array[] = [];
  readonly #evictTs = new Map<number, number>();
  #count = 0;
  /** A slot is 0, or high bits of the stream's hash over as many low bits of entry + 1 as the index needs. */
  #index: Int32Array = new Int32Array(64);

  /**
   * @param hashKey16 - 16 random bytes, drawn anew for each process
   * @param windows - of the records; holds their bitmaps
   * @param streamCap - streams of one group
   */
  constructor(hashKey16: Uint8Array, windows: Windows, streamCap: number) {
    this.#hash = new StreamHash(hashKey16);
    this.#windows = windows;
    this.#streamCap = streamCap;
  }

  /** Streams held. */
  get count(): number {
    return this.#count;
  }

  /** Bytes of records and index, in use or not. */
  get byteLength(): number {
    return this.#pages.reduce((bytes, page) => bytes + page.byteLength, this.#index.byteLength);
  }

  /** The words that hold the entry's record, from {@link at} on. */
  words(entry: number): Int32Array {
    return this.#pages[entry >>> pageBits] as Int32Array;
  }

  /** Where the entry's record starts in {@link words}. */
  at(entry: number): number {
    return (entry & (pageRecords - 1)) * recordWords;
  }

  /**
   * Seeks the stream of a header; allocates nothing.
   *
   * @param header - 96 bytes or more; read only
   * @returns its entry, or −1
   */
  find(header: Uint8Array): number {
    this.#hash.update(header, true);
    const { group, groupExtra, stream } = this.#hash;
    const index = this.#index;
    const mask = index.length - 1;
    for (let place = group & mask; ; place = (place + 1) & mask) {
      const slot = index[place] as number;
      if (slot === 0) return -1;
      if (((slot ^ stream) & ~mask) !== 0) continue;
      const entry = (slot & mask) - 1;
      const words = this.words(entry);
      const at = this.at(entry);
      if (
        words[at] === group &&
        words[at + recordField.id0] === (readU32(header, 48) | 0) &&
        words[at + recordField.id1] === (readU32(header, 52) | 0) &&
        readGroupExtra(words, at) === groupExtra
      ) {
        return entry;
      }
    }
  }

  /** `evict_ts` of the group of the stream sought. */
  get evictTs(): number {
    return this.#evictTs.size === 0 ? 0 : (this.#evictTs.get(this.#hash.groupNumber) ?? 0);
  }

  /** Raises `evict_ts` of the group of the stream sought; never lowers it. */
  raiseEvictTs(evictTs: number): void {
    if (evictTs > this.evictTs) this.#evictTs.set(this.#hash.groupNumber, evictTs);
  }

  /**
   * The stream that has to go before the stream sought can be admitted: of its group, the one whose highest accepted timestamp
   * is lowest, the earliest admitted of equals.
   *
   * @returns its entry; −1 while the group has room
   * @spec replay.16
   */
  victim(): number {
    let members = 0;
    let victim = -1;
    let lowest = Infinity;
    const mask = this.#index.length - 1;
    for (let place = this.#hash.group & mask; ; place = (place + 1) & mask) {
      const slot = this.#index[place] as number;
      if (slot === 0) break;
      const entry = (slot & mask) - 1;
      if (!this.#isOfGroup(entry)) continue;
      members++;
      const timestampMs = readTimestamp(this.words(entry), this.at(entry));
      if (timestampMs < lowest) {
        lowest = timestampMs;
        victim = entry;
      }
    }
    return members >= this.#streamCap ? victim : -1;
  }

  /** stream_id of an entry; 8 bytes, the caller's. */
  streamId(entry: number): Uint8Array {
    const id = new Uint8Array(8);
    writeU32(id, 0, this.words(entry)[this.at(entry) + recordField.id0] as number);
    writeU32(id, 4, this.words(entry)[this.at(entry) + recordField.id1] as number);
    return id;
  }

  /**
   * Admits the stream sought, which is not held, with `hi` 0 and nothing seen.
   *
   * @param header - the one that was sought
   * @param victim - what {@link victim} answered; −1 takes a new entry
   * @returns the stream's entry
   * @spec replay.16, replay.17
   */
  admit(header: Uint8Array, victim: number, timestampMs: number): number {
    const entry = victim < 0 ? this.#add() : victim;
    const words = this.words(entry);
    const at = this.at(entry);
    if (victim < 0) this.#append(entry);
    else {
      this.raiseEvictTs(readTimestamp(words, at));
      this.#windows.release(words, at);
      this.#moveLast(entry);
    }
    words.fill(0, at, at + recordWords);
    words[at] = this.#hash.group;
    words[at + recordField.id0] = readU32(header, 48);
    words[at + recordField.id1] = readU32(header, 52);
    words[at + recordField.rest] = this.#hash.groupExtra << 20;
    writeTimestamp(words, at, timestampMs);
    return entry;
  }

  #isOfGroup(entry: number): boolean {
    const words = this.words(entry);
    const at = this.at(entry);
    return words[at] === this.#hash.group && readGroupExtra(words, at) === this.#hash.groupExtra;
  }

  #slotOf(entry: number, mask: number): number {
    return (this.#hash.stream & ~mask) | (entry + 1);
  }

  /** A new entry, not in the index yet. Entries stay below two thirds of the index, so entry + 1 fits its slots. */
  #add(): number {
    if ((this.#count + 1) * 3 > this.#index.length * 2) this.#growIndex();
    const entry = this.#count++;
    const page = this.#pages[entry >>> pageBits];
    if (page === undefined) {
      this.#pages.push(new Int32Array((entry === 0 ? firstRecords : pageRecords) * recordWords));
    } else if (this.at(entry) === page.length) {
      const grown = new Int32Array(page.length * 2);
      grown.set(page);
      this.#pages[0] = grown;
    }
    return entry;
  }

  #append(entry: number): void {
    const mask = this.#index.length - 1;
    place(this.#index, this.#hash.group, this.#slotOf(entry, mask));
  }

  /** Takes an entry of the group out of the index and puts it back as the last of its group, for the stream sought. */
  #moveLast(entry: number): void {
    const index = this.#index;
    const mask = index.length - 1;
    let hole = -1;
    for (let place = this.#hash.group & mask; ; place = (place + 1) & mask) {
      const slot = index[place] as number;
      if (slot === 0) break;
      const found = (slot & mask) - 1;
      if (!this.#isOfGroup(found)) continue;
      if (hole >= 0) index[hole] = slot;
      if (found === entry || hole >= 0) hole = place;
    }
    index[hole] = this.#slotOf(entry, mask);
  }

  #growIndex(): void {
    const old = this.#index;
    const oldMask = old.length - 1;
    const index = new Int32Array(old.length * 2);
    const mask = index.length - 1;
    // From behind an empty slot, no run of slots is cut in two: each group comes in the order of its admissions.
    const start = old.indexOf(0) + 1;
    for (let i = 0; i < old.length; i++) {
      const slot = old[(start + i) & oldMask] as number;
      if (slot === 0) continue;
      const entry = (slot & oldMask) - 1;
      place(index, this.words(entry)[this.at(entry)] as number, (slot & ~mask) | (entry + 1));
    }
    this.#index = index;
  }
}

/** Puts a slot behind all that its group has. */
function place(index: Int32Array, group: number, slot: number): void {
  const mask = index.length - 1;
  let at = group & mask;
  while (index[at] !== 0) at = (at + 1) & mask;
  index[at] = slot;
}

/** Pages of 288 KiB, so that a large table grows without a copy of its records; the first one starts small and doubles. */
const pageBits = 13;
const pageRecords = 1 << pageBits;
const firstRecords = 32;
