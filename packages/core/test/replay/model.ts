/** Chapter 10 with sets and maps, as slow and as close to its sentences as can be. */
import { groupKey, streamKey, type Offer } from './steps.ts';

interface ModelStream {
  readonly key: string;
  hi: number;
  readonly seen: Set<number>;
  timestampMs: number;
  readonly after: number;
  readonly partial: Map<number, { id: string; count: number; leaves: Set<number>; timestampMs: number }>;
}

interface ModelGroup {
  evictTs: number;
  /** In the order of admission. */
  streams: ModelStream[];
}

export interface ModelSettings {
  readonly window: number;
  readonly streamCap: number;
  readonly durable: boolean;
  readonly skewMs: number;
  readonly evidenceStreams: number;
  readonly partialEnvelopes: number;
}

export class Model {
  readonly #settings: ModelSettings;
  readonly #floors = new Map<string, { group: string; floor: number; boundMs: number }>();
  readonly #evictTs = new Map<string, number>();
  #groups = new Map<string, ModelGroup>();
  #bootMs: number;
  /** From the least to the most recently used. */
  #evidence: { key: string; ids: Map<number, string> }[] = [];

  constructor(settings: ModelSettings, bootMs: number) {
    this.#settings = settings;
    this.#bootMs = bootMs;
  }

  restart(bootMs: number): void {
    this.#bootMs = bootMs;
    this.#groups = new Map();
    this.#evidence = [];
    if (!this.#settings.durable) return;
    for (const [group, evictTs] of this.#evictTs) this.#groups.set(group, { evictTs, streams: [] });
    for (const [key, { group, floor, boundMs }] of this.#floors) {
      const seen = new Set<number>();
      for (let seq = Math.max(1, floor - this.#settings.window + 1); seq <= floor; seq++) seen.add(seq);
      this.#group(group).streams.push({
        key,
        hi: floor,
        seen,
        timestampMs: boundMs,
        after: this.#group(group).evictTs,
        partial: new Map(),
      });
    }
  }

  hi(key: string): number {
    for (const { streams } of this.#groups.values()) {
      for (const stream of streams) if (stream.key === key) return stream.hi;
    }
    return 0;
  }

  offer(offer: Offer): string {
    const early = this.before(offer);
    return early === 'new' ? this.last(offer) : early;
  }

  offer2(first: Offer, second: Offer): [string, string] {
    const early = [first, second].map((offer) => this.before(offer));
    return [first, second].map((offer, i) => (early[i] === 'new' ? this.last(offer) : early[i])) as [string, string];
  }

  before(offer: Offer): string {
    const answer = this.#lookUp(offer);
    if (answer !== 'new' && answer !== 'E_FORK') return answer;
    if (offer.fails === 'forged') return 'E_SIG';
    if (answer === 'E_FORK' || this.#isOther(offer, offer.seq, offer.id32)) return 'E_FORK';
    if (offer.previous32 !== undefined && this.#isOther(offer, offer.seq - 1, offer.previous32)) return 'E_FORK';
    return offer.fails === 'badTag' ? 'E_AEAD' : 'new';
  }

  last(offer: Offer): string {
    const answer = this.#lookUp(offer);
    if (answer !== 'new') return answer;
    const { seq, timestampMs, stream: name, part, fails } = offer;
    const { durable, window, streamCap } = this.#settings;
    const key = streamKey(name);
    const group = this.#group(groupKey(name));
    let stream = group.streams.find((held) => held.key === key);
    let note = '';
    const stored = this.#floors.get(key) ?? { floor: 0, boundMs: -1 };
    if (durable && (seq > stored.floor || timestampMs > stored.boundMs)) {
      if (fails === 'unstored') return 'E_REPLAY_STATE';
      const floor = Math.max(seq + 64, stored.floor);
      const boundMs = Math.max(timestampMs + 60_000, stored.boundMs);
      this.#floors.set(key, { group: groupKey(name), floor, boundMs });
      note = ` floor ${floor}`;
    }
    if (stream === undefined) {
      const after = group.evictTs;
      if (group.streams.length >= streamCap) {
        const lowest = Math.min(...group.streams.map((held) => held.timestampMs));
        const victim = group.streams.find((held) => held.timestampMs === lowest);
        group.streams = group.streams.filter((held) => held !== victim);
        this.#evidence = this.#evidence.filter((evidence) => evidence.key !== victim?.key);
        if (lowest > group.evictTs) {
          group.evictTs = lowest;
          if (durable) note += ` evictTs ${lowest}`;
        }
        this.#evictTs.set(groupKey(name), group.evictTs);
        this.#floors.delete(victim?.key ?? '');
      }
      stream = { key, hi: 0, seen: new Set(), timestampMs, after, partial: new Map() };
      group.streams.push(stream);
    }
    stream.hi = Math.max(stream.hi, seq);
    stream.timestampMs = Math.max(stream.timestampMs, timestampMs);
    let complete = true;
    if (part !== undefined) {
      const first = { id: offer.id32.join(), count: part.leafCount, leaves: new Set<number>(), timestampMs };
      const partial = stream.partial.get(seq) ?? first;
      partial.leaves.add(part.leaf);
      complete = partial.leaves.size === partial.count;
      if (complete) stream.partial.delete(seq);
      else stream.partial.set(seq, partial);
    }
    if (complete) stream.seen.add(seq);
    for (const old of stream.partial.keys()) if (old <= stream.hi - window) stream.partial.delete(old);
    this.#use(key, seq, stream.hi, offer.id32);
    return fails === 'badGrammar' ? 'E_ENCODING' : `new${note}`;
  }

  #lookUp(offer: Offer): string {
    const { seq, timestampMs, stream: name, part, control } = offer;
    const { durable, skewMs, window, partialEnvelopes } = this.#settings;
    if (control === true && !durable) return 'E_REPLAY_STATE';
    if (!durable && timestampMs <= this.#bootMs + skewMs) return 'E_TOO_OLD';
    const group = this.#group(groupKey(name));
    const stream = group.streams.find((held) => held.key === streamKey(name));
    if (stream === undefined && !(timestampMs > group.evictTs)) return 'E_TOO_OLD';
    if (stream !== undefined && (timestampMs <= stream.after || seq <= stream.hi - window)) return 'E_TOO_OLD';
    if (stream?.seen.has(seq) === true) return this.#isOther(offer, seq, offer.id32) ? 'E_FORK' : 'E_REPLAY';
    const partial = stream?.partial.get(seq);
    if (partial !== undefined) {
      if (this.#isOther(offer, seq, offer.id32)) return 'E_FORK';
      const isSame = partial.id === offer.id32.join() && partial.count === part?.leafCount;
      return isSame && !partial.leaves.has(part.leaf) ? 'new' : 'E_REPLAY';
    }
    if (part === undefined || part.leafCount === 1 || this.#partials() < partialEnvelopes) return 'new';
    this.#dropStale(timestampMs - skewMs);
    return this.#partials() < partialEnvelopes ? 'new' : 'E_LIMIT';
  }

  #partials(): number {
    let held = 0;
    for (const { streams } of this.#groups.values()) for (const { partial } of streams) held += partial.size;
    return held;
  }

  #dropStale(clockMs: number): void {
    for (const { streams } of this.#groups.values()) {
      for (const { partial, seen } of streams) {
        for (const [seq, { timestampMs }] of partial) {
          if (timestampMs >= clockMs - 120_000) continue;
          partial.delete(seq);
          seen.add(seq);
        }
      }
    }
  }

  #isOther({ stream }: Offer, seq: number, id32: Uint8Array): boolean {
    const held = this.#evidence.find(({ key }) => key === streamKey(stream))?.ids.get(seq);
    return held !== undefined && held !== id32.join();
  }

  #use(key: string, seq: number, hi: number, id32: Uint8Array): void {
    const used = this.#evidence.find((evidence) => evidence.key === key) ?? { key, ids: new Map<number, string>() };
    if (!used.ids.has(seq)) used.ids.set(seq, id32.join());
    for (const old of used.ids.keys()) if (old <= hi - 64) used.ids.delete(old);
    this.#evidence = [...this.#evidence.filter((evidence) => evidence !== used), used].slice(
      -this.#settings.evidenceStreams,
    );
  }

  #group(key: string): ModelGroup {
    const group = this.#groups.get(key) ?? { evictTs: 0, streams: [] };
    this.#groups.set(key, group);
    return group;
  }
}
