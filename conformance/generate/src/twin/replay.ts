/** Chapter 10 as a model of Sets and Maps: nothing is packed, nothing is clever. */
import { refuse, Refusal } from './refusal.ts';

const MAX_TIME: bigint = (1n << 53n) - 1n;

export interface StreamName {
  /** a key id; only its first 16 bytes, the sender_id, count */
  sender: string;
  epoch: number;
  tag: string;
  id: string;
}

export interface Offer {
  stream: StreamName;
  seq: bigint;
  timestamp: bigint;
  id32: string;
  prev32?: string;
  leaf?: number;
  leafCount?: number;
  control?: boolean;
  /** replay.29: out of a log */
  log?: boolean;
}

export interface ReplayOptions {
  window: bigint;
  durable: boolean;
  bootMs: bigint;
  skewMs: bigint;
  streamCap: number;
  evidenceStreams: number;
  /** The rules of restart are for live topics. */
  stored: boolean;
}

interface Partial {
  id32: string;
  leaves: Set<number>;
}

interface Stream {
  hi: bigint;
  /** Every number up to this one counts as seen: the floor of an earlier life. */
  seenUpTo: bigint;
  seen: Set<bigint>;
  partial: Map<bigint, Partial>;
  highest: bigint;
  /** Envelopes up to this time may have been accepted before the stream was admitted. */
  after: bigint;
}

interface Group {
  evictTs: bigint;
  /** Insertion order is the order of admission. */
  streams: Map<string, Stream>;
}

/** What a durable receiver stored before it accepted. */
export interface Stored {
  floor?: bigint;
  bound?: bigint;
  evictTs?: bigint;
}

/** What a look-up says when it does not refuse. */
export type Look = 'unseen' | 'maybe-fork';

export function groupName(s: { sender: string; epoch: number; tag: string }): string {
  return `${s.sender.slice(0, 32)}/${s.epoch}/${s.tag}`;
}
export function streamName(s: StreamName): string {
  return `${groupName(s)}/${s.id}`;
}

export class ReplayModel {
  private readonly options: ReplayOptions;
  private boot: bigint;
  private groups: Map<string, Group> = new Map();
  /** Most recently used last. */
  private evidence: Map<string, Map<bigint, string>> = new Map();
  /** What survives a restart. */
  private readonly floors: Map<string, { stream: StreamName; floor: bigint; bound: bigint }> = new Map();
  private readonly evictions: Map<string, bigint> = new Map();

  constructor(options: ReplayOptions) {
    this.options = options;
    this.boot = options.bootMs;
  }

  storeFloor(stream: StreamName, floor: bigint, bound: bigint): void {
    this.floors.set(streamName(stream), { stream, floor, bound });
  }
  storeEviction(group: string, evictTs: bigint): void {
    this.evictions.set(group, evictTs);
  }

  /** The process starts: memory holds only what was stored. */
  start(bootMs: bigint): void {
    this.boot = bootMs;
    this.groups = new Map();
    this.evidence = new Map();
    if (!this.options.durable) return;
    for (const [name, evictTs] of this.evictions) this.group(name).evictTs = evictTs;
    for (const { stream, floor, bound } of this.floors.values()) {
      this.group(groupName(stream)).streams.set(stream.id, {
        hi: floor,
        seenUpTo: floor,
        seen: new Set(),
        partial: new Map(),
        highest: bound,
        after: this.group(groupName(stream)).evictTs,
      });
    }
  }

  private group(name: string): Group {
    let g = this.groups.get(name);
    if (g === undefined) {
      g = { evictTs: 0n, streams: new Map() };
      this.groups.set(name, g);
    }
    return g;
  }

  /** Step 11, without change. */
  lookUp(o: Offer): Look {
    if (o.control && !this.options.durable) refuse('E_REPLAY_STATE', 'replay.26');
    const isLive = !this.options.stored && o.log !== true;
    if (!this.options.durable && isLive && o.timestamp <= this.boot + this.options.skewMs) {
      refuse('E_TOO_OLD', 'replay.25');
    }
    const g = this.groups.get(groupName(o.stream));
    const s = g?.streams.get(o.stream.id);
    if (s === undefined) {
      if (o.timestamp <= (g?.evictTs ?? 0n)) refuse('E_TOO_OLD', 'replay.15');
      return 'unseen';
    }
    if (o.timestamp <= s.after) refuse('E_TOO_OLD', 'replay.15');
    if (o.seq <= s.hi && o.seq <= s.hi - this.options.window) refuse('E_TOO_OLD', 'replay.6');
    const held = this.evidence.get(streamName(o.stream))?.get(o.seq);
    if (o.seq <= s.seenUpTo || s.seen.has(o.seq)) {
      if (held !== undefined && held !== o.id32) return 'maybe-fork';
      refuse('E_REPLAY', 'replay.7');
    }
    const partial = s.partial.get(o.seq);
    if (partial !== undefined) {
      if (partial.id32 !== o.id32) {
        if (held !== undefined && held !== o.id32) return 'maybe-fork';
        refuse('E_REPLAY', 'a leaf of another envelope, and no evidence');
      }
      if (o.leaf === undefined) refuse('E_REPLAY', 'replay.20');
      if (partial.leaves.has(o.leaf)) refuse('E_REPLAY', 'replay.19');
    } else if (o.leaf !== undefined && this.partials() >= 65_536) refuse('E_LIMIT', 'replay.21');
    return 'unseen';
  }

  private partials(): number {
    let n = 0;
    for (const g of this.groups.values()) for (const s of g.streams.values()) n += s.partial.size;
    return n;
  }

  /** Step 12, after the signature has verified. */
  underSignature(o: Offer, look: Look): void {
    if (look === 'maybe-fork') refuse('E_FORK', 'replay.12');
    const before = this.evidence.get(streamName(o.stream))?.get(o.seq - 1n);
    if (o.prev32 !== undefined && before !== undefined && before !== o.prev32) refuse('E_FORK', 'replay.13');
  }

  /** Step 15: one test-and-set. `storing` false means that storing fails. */
  accept(o: Offer, storing: boolean): Stored {
    if (this.lookUp(o) === 'maybe-fork') refuse('E_FORK', 'replay.12 is decided at once');
    const name = streamName(o.stream);
    const gname = groupName(o.stream);
    const out: Stored = {};
    let g = this.groups.get(gname);
    const held = g?.streams.get(o.stream.id);

    // What has to be stored first.
    const stored = this.floors.get(name) ?? { floor: 0n, bound: 0n };
    if (this.options.durable && (o.seq > stored.floor || o.timestamp > stored.bound)) {
      out.floor = o.seq + 64n > stored.floor ? o.seq + 64n : stored.floor;
      const ahead = o.timestamp + 60_000n < MAX_TIME ? o.timestamp + 60_000n : MAX_TIME;
      out.bound = ahead > stored.bound ? ahead : stored.bound;
    }
    let victim: string | undefined;
    let raised: bigint | undefined;
    if (held === undefined && g !== undefined && g.streams.size >= this.options.streamCap) {
      for (const [id, s] of g.streams) {
        if (victim === undefined || s.highest < (g.streams.get(victim)?.highest ?? 0n)) victim = id;
      }
      const highest = g.streams.get(victim ?? '')?.highest ?? 0n;
      if (highest > g.evictTs) raised = highest;
      if (raised !== undefined && this.options.durable) out.evictTs = raised;
    }
    if (!storing && (out.floor !== undefined || out.evictTs !== undefined)) refuse('E_REPLAY_STATE', 'replay.27');

    g = this.group(gname);
    const after = g.evictTs;
    if (victim !== undefined) {
      g.streams.delete(victim);
      this.floors.delete(`${gname}/${victim}`);
      this.evidence.delete(`${gname}/${victim}`);
      if (raised !== undefined) {
        g.evictTs = raised;
        this.evictions.set(gname, raised);
      }
    }
    const s: Stream = held ?? { hi: 0n, seenUpTo: 0n, seen: new Set(), partial: new Map(), highest: 0n, after };
    g.streams.set(o.stream.id, s);
    if (o.timestamp > s.highest) s.highest = o.timestamp;
    if (out.floor !== undefined && out.bound !== undefined) {
      this.floors.set(name, { stream: o.stream, floor: out.floor, bound: out.bound });
    }

    if (o.seq > s.hi) s.hi = o.seq;
    if (o.leaf === undefined) s.seen.add(o.seq);
    else {
      const p = s.partial.get(o.seq) ?? { id32: o.id32, leaves: new Set<number>() };
      s.partial.set(o.seq, p);
      p.leaves.add(o.leaf);
      if (p.leaves.size === (o.leafCount ?? 0)) {
        s.partial.delete(o.seq);
        s.seen.add(o.seq);
      }
    }
    for (const seq of s.partial.keys()) if (seq <= s.hi - this.options.window) s.partial.delete(seq);

    // Evidence: the latest 64 by seq, of the most recently used streams.
    const ids = this.evidence.get(name) ?? new Map<bigint, string>();
    this.evidence.delete(name);
    this.evidence.set(name, ids);
    ids.set(o.seq, o.id32);
    for (const seq of ids.keys()) if (seq <= s.hi - 64n) ids.delete(seq);
    while (this.evidence.size > this.options.evidenceStreams) {
      const [oldest] = this.evidence.keys();
      this.evidence.delete(oldest ?? '');
    }
    return out;
  }
}

/** Steps 11 to 15 of one offer as `replay.run` describes them; `defect` is what is wrong with it apart from replay. */
export type Defect = 'forged' | 'badTag' | 'badGrammar' | 'unstored' | undefined;

export interface Before {
  grammar: boolean;
}

/** Steps 11 to 14. */
export function stepsBefore(model: ReplayModel, o: Offer, defect: Defect): Before {
  const look = model.lookUp(o);
  if (defect === 'forged') refuse('E_SIG', 'the signature does not verify');
  model.underSignature(o, look);
  if (defect === 'badTag') refuse('E_AEAD', 'the AEAD does not open');
  return { grammar: defect !== 'badGrammar' };
}

/** Step 15. */
export function stepLast(model: ReplayModel, o: Offer, defect: Defect, before: Before): Stored {
  const out = model.accept(o, defect !== 'unstored');
  if (!before.grammar) throw new Refusal('E_ENCODING', 'recorded as seen, refused, never delivered');
  return out;
}
