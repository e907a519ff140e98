import { copyOf, readU32 } from '../bytes/bytes.ts';
import type { CryptoProvider, RandomSource } from '../crypto/provider.ts';
import { TridcommError } from '../errors.ts';
import { coverOf, nodeKeyBytes, pathOf, stepNodeKeys } from '../keys/complete-subtree.ts';
import type { CoverNode } from '../keys/key-block.ts';

/**
 * The tree of one generation as its controller has it: which leaves were given and revoked, and the node keys.
 *
 * A node key is drawn when it is first needed, in a cover or on the path of a leaf that is given away: until then nobody has it, so a
 * fresh one is as good as one that was drawn earlier and stepped. All that were drawn lie side by side in one array, and are
 * stepped as one; a tree of 2^16 leaves with 10,000 members has about 40,000 of its 131,071.
 *
 * @spec groups.16, groups.17, groups.18
 */
export class SeatTree {
  readonly height: number;
  readonly #random: RandomSource;
  /** One bit for each leaf that was ever given away. */
  #given: Uint8Array;
  #givenCount = 0;
  #revoked: number[] = [];
  /** Of the revoked leaves; undefined after a change. */
  #cover: readonly number[] | undefined;
  /** Place of a node's key in `#keys`, counted in keys; shared with copies until one of them draws a key. */
  #places = new Map<number, number>();
  #sharesPlaces = false;
  #keys: Uint8Array = new Uint8Array(64 * nodeKeyBytes);

  /** A tree of which nothing was given away. */
  constructor(height: number, random: RandomSource) {
    this.height = height;
    this.#random = random;
    this.#given = new Uint8Array(Math.ceil(2 ** height / 8));
  }

  /** The same, to be changed without changing this one. */
  copy(): SeatTree {
    const copy = new SeatTree(this.height, this.#random);
    copy.#given = copyOf(this.#given);
    copy.#givenCount = this.#givenCount;
    copy.#revoked = [...this.#revoked];
    copy.#cover = this.#cover;
    copy.#places = this.#places;
    copy.#sharesPlaces = this.#sharesPlaces = true;
    copy.#keys = copyOf(this.#keys);
    return copy;
  }

  /**
   * Whether so many leaves can be given away with at most three quarters of all ever given, which also keeps drawing short.
   */
  hasRoomFor(members: number): boolean {
    return this.#givenCount + members <= 0.75 * 2 ** this.height;
  }

  /**
   * A leaf that was never given away in this generation, drawn at random.
   *
   * @throws TridcommError `E_INTERNAL` where there is none; callers ask {@link hasRoomFor} before
   * @spec groups.16
   */
  giveLeaf(): number {
    if (this.#givenCount >= 2 ** this.height) throw new TridcommError('E_INTERNAL', 'no leaf is left');
    for (;;) {
      const leaf = readU32(this.#random(4), 0) % 2 ** this.height;
      const bit = 1 << (leaf & 7);
      if ((this.#given[leaf >>> 3]! & bit) !== 0) continue;
      this.#given[leaf >>> 3]! |= bit;
      this.#givenCount++;
      return leaf;
    }
  }

  /**
   * Keeps a leaf out of every later cover.
   *
   * @spec groups.17
   */
  revokeLeaf(leaf: number): void {
    this.#revoked.push(leaf);
    this.#cover = undefined;
  }

  /** The nodes that a block wraps for, by their first leaf; computed once after each change. */
  get cover(): readonly number[] {
    this.#cover ??= coverOf(this.height, this.#revoked);
    return this.#cover;
  }

  /** The cover with its keys: views, good until the next change. */
  coverKeys(): readonly CoverNode[] {
    // Drawing a key may move all of them, so every key is drawn before the first view.
    for (const node of this.cover) this.#placeOf(node);
    return this.cover.map((node) => ({ node, key32: this.#keyAt(this.#placeOf(node)) }));
  }

  /** The keys from a leaf to the root, as an enrolment gives them: (height + 1) × 32 bytes, the caller's to erase. */
  keysOf(leaf: number): Uint8Array {
    const path = pathOf(this.height, leaf);
    const keys = new Uint8Array(path.length * nodeKeyBytes);
    for (const [i, node] of path.entries()) keys.set(this.#keyAt(this.#placeOf(node)), i * nodeKeyBytes);
    return keys;
  }

  /**
   * Overwrites every node key with its value one epoch later.
   *
   * @spec groups.18
   */
  step(provider: CryptoProvider): void {
    stepNodeKeys(provider, this.#keys.subarray(0, this.#places.size * nodeKeyBytes), 1);
  }

  /** Overwrites all keys with zeros: nothing can be done with the tree from here on. */
  erase(): void {
    this.#keys.fill(0);
  }

  #keyAt(place: number): Uint8Array {
    return this.#keys.subarray(place * nodeKeyBytes, (place + 1) * nodeKeyBytes);
  }

  /** Where the key of a node is; drawn now where it never was. */
  #placeOf(node: number): number {
    const held = this.#places.get(node);
    if (held !== undefined) return held;
    const place = this.#places.size;
    if ((place + 1) * nodeKeyBytes > this.#keys.length) {
      const larger = new Uint8Array(2 * this.#keys.length);
      larger.set(this.#keys);
      this.#keys.fill(0);
      this.#keys = larger;
    }
    this.#keyAt(place).set(this.#random(nodeKeyBytes));
    if (this.#sharesPlaces) this.#places = new Map(this.#places);
    this.#sharesPlaces = false;
    this.#places.set(node, place);
    return place;
  }
}

/**
 * The height of the tree of a new generation: the smallest that holds twice the members, at least 4.
 *
 * @param least - what the group asks for
 * @throws TridcommError `E_LIMIT` by `coverOf`, above 24
 */
export function heightFor(members: number, least: number): number {
  let height = Math.max(4, least);
  while (2 ** height < 2 * members) height++;
  return height;
}
