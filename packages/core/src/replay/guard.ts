import { readU64 } from '../bytes/bytes.ts';
import type { ErrorCode } from '../codepoints/errors.gen.ts';
import { limits } from '../codepoints/limits.gen.ts';
import { patterns } from '../codepoints/patterns.gen.ts';
import { TridcommError } from '../errors.ts';
import { EvidencePool, type EvidenceIndex } from './evidence.ts';
import { FloorBook } from './floors.ts';
import { freshnessLimits, type FreshnessRule } from './freshness.ts';
import type { DurableLife, ReplayGuardOptions } from './guard-options.ts';
import { LeafBudget, PartialEnvelopes, type JobPart } from './leaves.ts';
import { headerOfStream, type ReplayWrites } from './stored-state.ts';
import { readHi, readTimestamp, writeTimestamp } from './stream-record.ts';
import { ReadAgain } from './read-again.ts';
import { StreamTable } from './stream-table.ts';
import { seqStates, Windows } from './window.ts';

/**
 * What the look-up of step 11 finds: `new`, or `compare` for a number that was seen while its `id32` is known, which a replay has
 * too and a fork has not.
 */
export type LookUp = 'new' | 'compare';

/**
 * How an envelope came: as news, or out of a log. The rules of a restart are for what comes as news. What comes out of a log may be as old as
 * its epoch, and may have been accepted by an earlier life, which the place where the reader starts in the log decides; in one life it is
 * accepted once, whichever way it comes.
 *
 * @spec replay.29, replay.30
 */
export type EnvelopeSource = 'live' | 'log';

/** `work`: leased to one of many, whose earlier life may have had it as another of them may. @spec replay.35 */
export type ReplaySource = EnvelopeSource | 'work';

/**
 * A receiver's replay state (chapter 10).
 *
 * One guard serves any number of streams. It forgets as a whole only: who wants to forget an epoch when it closes makes a guard
 * for each key source, shares `evidence` and `leafBudget` between them, and calls {@link release} on the one that closes.
 *
 * `header` is, in all methods, the bytes of an envelope or job from their start, past steps 1 to 10; the 96 bytes of the header
 * are read, nothing is kept. `part` comes with jobs only. The calls for one envelope:
 *
 * ```
 * step 11   if (guard.lookUp(header, part) === 'compare') guard.compare(header, id32, part)
 * step 12   (signature) guard.decideFork(header, id32, previous32)
 * step 15   while ((writes = guard.pendingWrites(header, part))) { (store writes) guard.stored(header, writes) }
 *           guard.commit(header, id32, part)
 * ```
 *
 * Nothing is allocated for an envelope that is accepted into a known stream in order. Every refusal leaves the state as it was.
 *
 * @spec replay.1, replay.9, errors.6
 */
export class ReplayGuard {
  /** The rule of step 10, which the restart rules share. */
  readonly freshness: FreshnessRule;
  readonly #windows: Windows;
  readonly #table: StreamTable;
  readonly #evidencePool: EvidencePool;
  readonly #evidence: EvidenceIndex = new Map();
  readonly #leafBudget: LeafBudget;
  readonly #leaves: PartialEnvelopes;
  /** By entry, where it is not 0: the `evict_ts` that stood before the stream was admitted. */
  readonly #admittedAfter = new Map<number, number>();
  /** Present in a durable receiver of live topics. */
  readonly #floors: FloorBook | undefined;
  /** Numbers that an earlier life may have accepted, and what of them came out of a log since. */
  readonly #readAgain: ReadAgain;
  readonly #isDurable: boolean;
  #released = false;
  /** A timestamp has to be above it. */
  readonly #bootLine: number;

  /** @throws TridcommError `E_USAGE` for options that do not hold what they should */
  constructor(options: ReplayGuardOptions) {
    const { hashKey16, life, freshness = {}, window = limits.windowEnvelopes } = options;
    const { streamCap = limits.streamsPerSender, evidence, leafBudget } = options;
    if (!(streamCap >= 1)) throw new TridcommError('E_USAGE', `cap of ${streamCap} streams, not 1 or more`);
    this.#windows = new Windows(window);
    this.#table = new StreamTable(hashKey16, this.#windows, streamCap);
    this.#readAgain = new ReadAgain(this.#windows.size);
    this.#evidencePool = evidence ?? new EvidencePool();
    this.#leafBudget = leafBudget ?? new LeafBudget();
    this.#leaves = new PartialEnvelopes(this.#leafBudget, (entry, seq) => this.#see(entry, seq));
    this.freshness = freshness;
    const { skewMs } = freshnessLimits(freshness);
    const isLive = freshness.stored !== true;
    this.#isDurable = life.kind === 'durable';
    this.#floors = life.kind === 'durable' && isLive ? new FloorBook() : undefined;
    if (life.kind === 'durable') {
      this.#bootLine = -1;
      if (isLive) this.#restore(life);
    } else {
      if (life.kind !== 'volatile' || !Number.isSafeInteger(life.bootMs)) {
        throw new TridcommError('E_USAGE', `boot ${life.bootMs}, or a life of neither kind`);
      }
      this.#bootLine = isLive ? life.bootMs + skewMs : -1;
    }
  }

  /** Streams held. */
  get streamCount(): number {
    return this.#table.count;
  }

  /** Bytes of the tables of streams: index, records and bitmaps, without evidence, floors and leaves. */
  get byteLength(): number {
    return this.#table.byteLength + this.#windows.byteLength;
  }

  /**
   * Step 11, without change, but that what freshness refuses by now makes room for an envelope seen in part.
   *
   * @param source - the same in every call for one envelope
   * @returns `compare` where {@link compare} has to be asked before step 12
   * @throws TridcommError `E_REPLAY_STATE`, `E_TOO_OLD`, `E_REPLAY`, `E_LIMIT`
   * @spec replay.6, replay.7, replay.15, replay.19, replay.20, replay.21, replay.25, replay.26
   */
  lookUp(header: Uint8Array, part?: JobPart, source: ReplaySource = 'live'): LookUp {
    const answer = this.#look(this.#table.find(header), header, part, source);
    if (answer !== 'new' && answer !== 'compare') throw refusal(answer, header);
    return answer;
  }

  /**
   * Step 11 for a number that was seen, whole or in part: a replay has the `id32` that was accepted under it, a fork has another.
   *
   * @throws TridcommError `E_REPLAY` for a replay; a fork, and a leaf that was not seen, go on to step 12
   * @spec replay.7, replay.12, replay.19, replay.20
   */
  compare(header: Uint8Array, id32: Uint8Array, part?: JobPart): void {
    const entry = this.#table.find(header);
    if (this.#judge(entry, seqOf(header), id32, part) === 'replay') throw refusal('E_REPLAY', header);
  }

  /**
   * The end of step 12, under a valid signature.
   *
   * @param previous32 - the value of extension 3, where there is one
   * @throws TridcommError `E_FORK`
   * @spec replay.12, replay.13, replay.14
   */
  decideFork(header: Uint8Array, id32: Uint8Array, previous32?: Uint8Array): void {
    const evidence = this.#evidence.get(this.#table.find(header));
    if (evidence?.holdsOther(seqOf(header), id32) === true) throw refusal('E_FORK', header);
    if (previous32 !== undefined && evidence?.holdsOther(seqOf(header) - 1, previous32) === true) {
      throw new TridcommError('E_FORK', `previous envelope of ${seqOf(header)} is another`);
    }
  }

  /**
   * What has to be stored before {@link commit} can accept the envelope: undefined for most, and for all that it will refuse.
   *
   * The writer puts `floor` and `boundMs` under the envelope's stream and `evictTs` under its group, all in one transaction
   * or `evictTs` first, and never lowers what it has there: writes of envelopes that are opened at the same time may overtake
   * each other.
   *
   * @spec replay.22, replay.24
   */
  pendingWrites(header: Uint8Array, part?: JobPart, source: ReplaySource = 'live'): ReplayWrites | undefined {
    if (this.#floors === undefined) return undefined;
    const entry = this.#table.find(header);
    const seq = seqOf(header);
    const timestampMs = timestampOf(header);
    if (entry >= 0 && this.#isCovered(entry, seq, timestampMs)) return undefined;
    const answer = this.#look(entry, header, part, source);
    const isNext = answer === 'new' || (answer === 'compare' && part !== undefined && this.#leaves.holds(entry, seq));
    if (!isNext) return undefined;
    const floor = seq + limits.floorSlackEnvelopes;
    const boundMs = Math.min(timestampMs + limits.floorSlackMs, limits.safeInteger);
    if (entry >= 0) {
      return {
        floor: Math.max(floor, this.#floorOf(entry)),
        boundMs: Math.max(boundMs, this.#floors.boundMs(entry)),
      };
    }
    const victim = this.#table.victim();
    if (victim < 0 || this.#timestampOf(victim) <= this.#table.evictTs) return { floor, boundMs };
    return { floor, boundMs, evictTs: this.#timestampOf(victim) };
  }

  /**
   * Takes note that `writes` are stored, and does with the table what a restart would do: the stream is held from here on, and
   * the one that it displaces is not.
   *
   * @param header - the one that {@link pendingWrites} was asked for
   * @returns stream_id of the stream of the same group that is held no longer, where there is one: its stored floor may be
   *   deleted now, and not before
   * @throws TridcommError `E_USAGE` in a receiver that stores nothing
   * @spec replay.22, replay.24
   */
  stored(header: Uint8Array, writes: ReplayWrites): Uint8Array | undefined {
    if (this.#floors === undefined) throw new TridcommError('E_USAGE', 'stored() in a guard that stores nothing');
    const { floor, boundMs, evictTs = 0 } = writes;
    const timestampMs = timestampOf(header);
    let entry = this.#table.find(header);
    let displaced: Uint8Array | undefined;
    if (entry < 0) {
      // Another envelope was faster: what it changed decides, and pendingWrites() says what is lacking now.
      if (timestampMs <= this.#table.evictTs) return undefined;
      const victim = this.#table.victim();
      if (victim >= 0 && this.#timestampOf(victim) > Math.max(evictTs, this.#table.evictTs)) return undefined;
      if (victim >= 0) displaced = this.#table.streamId(victim);
      entry = this.#admit(header, victim, timestampMs);
    }
    this.#cover(entry, floor, boundMs);
    return displaced;
  }

  /**
   * Step 15: looks up once more and, in the same call, accepts. Also for an envelope that failed in step 14.
   *
   * @throws TridcommError as {@link lookUp}; `E_FORK` where another envelope took the number since; `E_REPLAY_STATE` where
   *   something has not been stored
   * @spec replay.8, replay.14, replay.16, replay.17, replay.19, replay.27, envelope.28
   */
  commit(header: Uint8Array, id32: Uint8Array, part?: JobPart, source: ReplaySource = 'live'): void {
    if (this.#released) throw new TridcommError('E_CLOSED', 'the guard was released');
    const table = this.#table;
    let entry = table.find(header);
    const answer = this.#look(entry, header, part, source);
    if (answer !== 'new' && answer !== 'compare') throw refusal(answer, header);
    const seq = seqOf(header);
    if (answer === 'compare') {
      const judged = this.#judge(entry, seq, id32, part);
      if (judged !== 'new') throw refusal(judged === 'fork' ? 'E_FORK' : 'E_REPLAY', header);
    }
    if (part !== undefined && !(part.leaf < part.leafCount)) {
      throw new TridcommError('E_USAGE', `leaf ${part.leaf} of ${part.leafCount}`);
    }
    const timestampMs = timestampOf(header);
    if (this.#floors !== undefined && (entry < 0 || !this.#isCovered(entry, seq, timestampMs))) {
      throw new TridcommError('E_REPLAY_STATE', `floor of ${seq}, or bound of ${timestampMs}, is not stored`);
    }
    if (entry < 0) entry = this.#admit(header, table.victim(), timestampMs);
    const words = table.words(entry);
    const at = table.at(entry);
    const hi = readHi(words, at);
    if (seq > hi) {
      this.#leaves.dropBelow(entry, this.#windows.size, hi, seq);
      this.#floors?.advance(words, at, seq - hi);
      this.#windows.advance(words, at, seq);
    }
    // The first leaf moves the window; the number is seen when the last is.
    if (part === undefined || this.#leaves.mark(entry, seq, id32, part, this.#freshUntilMs(timestampMs, source))) {
      this.#see(entry, seq);
    }
    if (timestampMs > readTimestamp(words, at)) writeTimestamp(words, at, timestampMs);
    this.#evidencePool.use(this.#evidence, entry).record(seq, Math.max(hi, seq), id32);
  }

  /**
   * Whether an earlier life may have accepted what this one accepted out of a log or as work: its number is up to a floor that was restored.
   *
   * @spec replay.30, replay.35
   */
  mayBeAgain(header: Uint8Array): boolean {
    return this.#readAgain.covers(this.#table.find(header), seqOf(header));
  }

  /** Gives back what is shared with other guards. The guard, whose epoch is closed, is not used again. */
  release(): void {
    this.#released = true;
    for (const entry of this.#evidence.keys()) this.#evidencePool.release(this.#evidence, entry);
    this.#leaves.clear();
  }

  /** Step 11 for the header that was found last, as an answer instead of a throw. */
  #look(entry: number, header: Uint8Array, part: JobPart | undefined, source: ReplaySource): LookUp | ErrorCode {
    if (!this.#isDurable && (header[3] as number) >>> 4 === patterns.control) return 'E_REPLAY_STATE';
    const timestampMs = timestampOf(header);
    if (source !== 'log' && timestampMs <= this.#bootLine) return 'E_TOO_OLD';
    if (entry < 0) {
      if (timestampMs <= this.#table.evictTs) return 'E_TOO_OLD';
      return this.#hasRoom(part, timestampMs, source) ? 'new' : 'E_LIMIT';
    }
    if (timestampMs <= (this.#admittedAfter.size === 0 ? 0 : (this.#admittedAfter.get(entry) ?? 0))) return 'E_TOO_OLD';
    const seq = seqOf(header);
    const state =
      source !== 'live' && this.#readAgain.covers(entry, seq)
        ? this.#readAgain.look(entry, seq)
        : this.#windows.look(this.#table.words(entry), this.#table.at(entry), seq);
    if (state === seqStates.tooOld) return 'E_TOO_OLD';
    if (state === seqStates.seen) return this.#evidence.get(entry)?.holds(seq) === true ? 'compare' : 'E_REPLAY';
    if (this.#leaves.holds(entry, seq)) return 'compare';
    return this.#hasRoom(part, timestampMs, source) ? 'new' : 'E_LIMIT';
  }

  /** An envelope of one leaf is never seen in part, so it needs no room. */
  #hasRoom(part: JobPart | undefined, timestampMs: number, source: ReplaySource): boolean {
    if (part === undefined || part.leafCount === 1 || !this.#leaves.isFull) return true;
    // Step 10 has let the timestamp pass, so the clock is at most the skew behind it.
    if (this.#isTimed(source)) this.#leafBudget.dropStale(timestampMs - freshnessLimits(this.freshness).skewMs);
    return !this.#leaves.isFull;
  }

  /** Whether freshness judges what comes so. */
  #isTimed(source: ReplaySource): boolean {
    return source !== 'log' && this.freshness.stored !== true;
  }

  #freshUntilMs(timestampMs: number, source: ReplaySource): number {
    return this.#isTimed(source) ? timestampMs + freshnessLimits(this.freshness).maxAgeMs : Infinity;
  }

  /** A number is seen, as a whole. */
  #see(entry: number, seq: number): void {
    // The window has all numbers up to a restored floor as seen, and those that are too old for it not at all.
    if (this.#readAgain.covers(entry, seq)) this.#readAgain.mark(entry, seq);
    else this.#windows.mark(this.#table.words(entry), this.#table.at(entry), seq);
  }

  /** What a number that was seen, whole or in part, means for this envelope or leaf. */
  #judge(entry: number, seq: number, id32: Uint8Array, part: JobPart | undefined): 'fork' | 'replay' | 'new' {
    if (this.#evidence.get(entry)?.holdsOther(seq, id32) === true) return 'fork';
    // The leaves of two envelopes never mix, evidence or not.
    const isNewLeaf = part !== undefined && this.#leaves.holdsSame(entry, seq, id32, part);
    return isNewLeaf && !this.#leaves.has(entry, seq, part.leaf) ? 'new' : 'replay';
  }

  #admit(header: Uint8Array, victim: number, timestampMs: number): number {
    if (victim >= 0) {
      this.#evidencePool.release(this.#evidence, victim);
      this.#leaves.dropStream(victim);
      this.#floors?.drop(victim);
      this.#admittedAfter.delete(victim);
      this.#readAgain.drop(victim);
    }
    // Read before the eviction raises it: what is younger was never accepted of this stream.
    const { evictTs } = this.#table;
    const entry = this.#table.admit(header, victim, timestampMs);
    if (evictTs > 0) this.#admittedAfter.set(entry, evictTs);
    return entry;
  }

  /** @spec replay.23, replay.24 */
  #restore({ floors, evictions }: DurableLife): void {
    for (const { group, evictTs } of evictions) {
      checkStored('evict_ts', evictTs, limits.safeInteger);
      this.#table.find(headerOfStream(group));
      this.#table.raiseEvictTs(evictTs);
    }
    for (const { stream, floor, boundMs } of floors) {
      checkStored('floor', floor, limits.streamSeq + limits.floorSlackEnvelopes);
      checkStored('bound', boundMs, limits.safeInteger);
      const header = headerOfStream(stream);
      if (this.#table.find(header) >= 0) throw new TridcommError('E_USAGE', 'two floors of one stream');
      // A list that still has the floor of a stream that was evicted is one too long: the rule of replay.16 decides again.
      const entry = this.#admit(header, this.#table.victim(), boundMs);
      this.#windows.fill(this.#table.words(entry), this.#table.at(entry), floor);
      this.#readAgain.add(entry, floor);
      this.#cover(entry, floor, boundMs);
    }
  }

  /** Whether what is stored of a stream covers a number and a timestamp. */
  #isCovered(entry: number, seq: number, timestampMs: number): boolean {
    return seq <= this.#floorOf(entry) && timestampMs <= (this.#floors?.boundMs(entry) ?? -1);
  }

  /** Takes over what is stored, lowering nothing. */
  #cover(entry: number, floor: number, boundMs: number): void {
    const highest = Math.max(floor, this.#floorOf(entry));
    const latestMs = Math.max(boundMs, this.#floors?.boundMs(entry) ?? -1);
    this.#floors?.set(this.#table.words(entry), this.#table.at(entry), entry, highest, latestMs);
  }

  #floorOf(entry: number): number {
    return this.#floors?.get(this.#table.words(entry), this.#table.at(entry), entry) ?? 0;
  }

  #timestampOf(entry: number): number {
    return readTimestamp(this.#table.words(entry), this.#table.at(entry));
  }
}

function seqOf(header: Uint8Array): number {
  return readU64(header, 56);
}

function timestampOf(header: Uint8Array): number {
  return readU64(header, 64);
}

function refusal(code: ErrorCode, header: Uint8Array): TridcommError {
  // What depends on memory is one answer to a peer, also where the code alone would travel.
  return new TridcommError(code, `number ${seqOf(header)}, timestamp ${timestampOf(header)}`, { outward: 'E_REFUSED' });
}

function checkStored(name: string, value: number, max: number): void {
  if (!(Number.isSafeInteger(value) && value >= 0 && value <= max)) {
    throw new TridcommError('E_USAGE', `stored ${name} ${value}, not from 0 to ${max}`);
  }
}
