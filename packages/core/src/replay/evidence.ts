import { limits } from '../codepoints/limits.gen.ts';
import { TridcommError } from '../errors.ts';

/** Where one holder of streams finds their evidence: by its own number of the stream. */
export type EvidenceIndex = Map<number, StreamEvidence>;

/**
 * The `id32` of the latest 64 envelopes of each of the most recently used streams: what tells a fork from a replay.
 *
 * 2 KiB for each stream, taken as streams come. Several guards may share one pool; each brings an index of its own.
 *
 * @spec replay.11
 */
export class EvidencePool {
  readonly #maxStreams: number;
  /** Ends of the list from the most to the least recently used. */
  #first: StreamEvidence | undefined;
  #last: StreamEvidence | undefined;
  #count = 0;

  /**
   * @param maxStreams - 1 or more; below 10,000 the pool keeps less than the specification asks for
   * @throws TridcommError `E_USAGE` for less than 1
   */
  constructor(maxStreams: number = limits.evidenceStreams) {
    if (!(maxStreams >= 1)) throw new TridcommError('E_USAGE', `evidence of ${maxStreams} streams, not 1 or more`);
    this.#maxStreams = maxStreams;
  }

  /** Streams of which evidence is kept. */
  get count(): number {
    return this.#count;
  }

  /** The evidence of a stream of which an envelope is accepted; where there is none, the least recently used stream's goes. */
  use(index: EvidenceIndex, entry: number): StreamEvidence {
    const held = index.get(entry);
    if (held !== undefined && held === this.#first) return held;
    const evidence = held ?? (this.#count < this.#maxStreams ? this.#create() : this.#last) ?? this.#create();
    if (held === undefined) {
      evidence.index?.delete(evidence.entry);
      evidence.assign(index, entry);
      index.set(entry, evidence);
    }
    this.#unlink(evidence);
    this.#linkFirst(evidence);
    return evidence;
  }

  /** Drops the evidence of a stream that is held no longer. */
  release(index: EvidenceIndex, entry: number): void {
    const evidence = index.get(entry);
    if (evidence === undefined) return;
    index.delete(entry);
    this.#unlink(evidence);
    this.#count--;
  }

  #create(): StreamEvidence {
    this.#count++;
    return new StreamEvidence();
  }

  #linkFirst(evidence: StreamEvidence): void {
    evidence.newer = undefined;
    evidence.older = this.#first;
    if (this.#first === undefined) this.#last = evidence;
    else this.#first.newer = evidence;
    this.#first = evidence;
  }

  /** Also of evidence that is new and in no list. */
  #unlink(evidence: StreamEvidence): void {
    const { newer, older } = evidence;
    if (newer !== undefined) newer.older = older;
    else if (this.#first === evidence) this.#first = older;
    if (older !== undefined) older.newer = newer;
    else if (this.#last === evidence) this.#last = newer;
    evidence.newer = undefined;
    evidence.older = undefined;
  }
}

/** The `id32` of the latest envelopes of one stream: evidence for `seq` is held while `seq` > hi − 64. */
export class StreamEvidence {
  /** Links and owner, for the pool. */
  newer: StreamEvidence | undefined;
  older: StreamEvidence | undefined;
  index: EvidenceIndex | undefined;
  entry = -1;
  /** Where the id of `seq` stands: at (`seq` modulo 64) · 32. */
  readonly #ids = new Uint8Array(limits.evidenceEnvelopes * 32);
  /** Bit n: the id at n · 32 is held, numbers 0 to 31 and 32 to 63. */
  #heldLow = 0;
  #heldHigh = 0;
  #hi = 0;

  /** Starts anew, for another stream. */
  assign(index: EvidenceIndex, entry: number): void {
    this.index = index;
    this.entry = entry;
    this.#heldLow = 0;
    this.#heldHigh = 0;
    this.#hi = 0;
  }

  /** Whether the `id32` of a number is held. */
  holds(seq: number): boolean {
    return seq <= this.#hi && seq > this.#hi - limits.evidenceEnvelopes && this.#isHeld(seq);
  }

  /** Whether another `id32` than this one is held for a number. */
  holdsOther(seq: number, id32: Uint8Array): boolean {
    if (!this.holds(seq)) return false;
    const at = (seq & 63) * 32;
    for (let i = 0; i < 32; i++) if (this.#ids[at + i] !== id32[i]) return true;
    return false;
  }

  /**
   * Takes the `id32` of an envelope that is accepted, unless one is held for its number: what came first stays.
   *
   * @param hi - of the stream, with this envelope
   * @spec replay.14
   */
  record(seq: number, hi: number, id32: Uint8Array): void {
    if (hi - this.#hi >= limits.evidenceEnvelopes) {
      this.#heldLow = 0;
      this.#heldHigh = 0;
    } else for (let gone = this.#hi + 1; gone <= hi; gone++) this.#drop(gone);
    this.#hi = hi;
    if (seq <= hi - limits.evidenceEnvelopes || this.#isHeld(seq)) return;
    this.#ids.set(id32, (seq & 63) * 32);
    if ((seq & 32) === 0) this.#heldLow |= 1 << (seq & 31);
    else this.#heldHigh |= 1 << (seq & 31);
  }

  #isHeld(seq: number): boolean {
    return ((((seq & 32) === 0 ? this.#heldLow : this.#heldHigh) >>> (seq & 31)) & 1) === 1;
  }

  /** The bit that `seq` takes over from `seq` − 64. */
  #drop(seq: number): void {
    if ((seq & 32) === 0) this.#heldLow &= ~(1 << (seq & 31));
    else this.#heldHigh &= ~(1 << (seq & 31));
  }
}
