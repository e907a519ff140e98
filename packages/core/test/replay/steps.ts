/** Offers as the harness describes them, driven through a guard in the order of chapter 03. */
import { TridcommError } from '../../src/errors.ts';
import type { EvidencePool } from '../../src/replay/evidence.ts';
import { ReplayGuard, type EnvelopeSource } from '../../src/replay/guard.ts';
import type { JobPart, LeafBudget } from '../../src/replay/leaves.ts';
import {
  headerOfStream,
  type StoredEviction,
  type StoredFloor,
  type StreamName,
} from '../../src/replay/stored-state.ts';

export interface Offer {
  readonly stream: StreamName;
  readonly seq: number;
  readonly timestampMs: number;
  readonly id32: Uint8Array;
  readonly previous32?: Uint8Array | undefined;
  readonly part?: JobPart | undefined;
  readonly control?: boolean;
  readonly source?: EnvelopeSource;
  readonly fails?: 'forged' | 'badTag' | 'badGrammar' | 'unstored' | undefined;
}

export interface Settings {
  readonly window?: number;
  readonly streamCap?: number;
  readonly durable?: boolean;
  readonly bootMs?: number;
  readonly skewMs?: number;
  readonly stored?: boolean;
  readonly evidence?: () => EvidencePool;
  readonly leafBudget?: () => LeafBudget;
}

/** A receiver that stores at once what its guard asks it to. */
export class Receiver {
  readonly #settings: Settings;
  readonly floors = new Map<string, StoredFloor>();
  readonly evictions = new Map<string, StoredEviction>();
  guard: ReplayGuard;

  constructor(settings: Settings = {}) {
    this.#settings = settings;
    this.guard = this.#start(settings.bootMs ?? 0);
  }

  restart(bootMs = 0): void {
    this.guard = this.#start(bootMs);
  }

  /** The answer, `new` or a code, with what was stored for it. */
  offer(offer: Offer): string {
    return codeOf(() => {
      this.before(offer);
      return this.last(offer);
    });
  }

  /** Both envelopes pass steps 11 to 14 before either meets step 15. */
  offer2(first: Offer, second: Offer): [string, string] {
    const early = [first, second].map((offer) => codeOf(() => this.before(offer)));
    const late = [first, second].map((offer, i) => (early[i] === 'new' ? codeOf(() => this.last(offer)) : early[i]));
    return late as [string, string];
  }

  /** Steps 11 to 14. */
  before({ id32, previous32, part, source, fails, ...offer }: Offer): string {
    const header = headerOf(offer);
    if (this.guard.lookUp(header, part, source) === 'compare') this.guard.compare(header, id32, part);
    if (fails === 'forged') throw new TridcommError('E_SIG');
    this.guard.decideFork(header, id32, previous32);
    if (fails === 'badTag') throw new TridcommError('E_AEAD');
    return 'new';
  }

  /** Step 15. */
  last({ id32, part, source, fails, ...offer }: Offer): string {
    const header = headerOf(offer);
    const { stream } = offer;
    let answer = 'new';
    for (let asked = 0; asked < 3; asked++) {
      const writes = fails === 'unstored' ? undefined : this.guard.pendingWrites(header, part, source);
      if (writes === undefined) break;
      const { floor, boundMs, evictTs } = writes;
      answer += ` floor ${floor}`;
      if (evictTs !== undefined) {
        answer += ` evictTs ${evictTs}`;
        this.evictions.set(groupKey(stream), { group: stream, evictTs });
      }
      this.floors.set(streamKey(stream), { stream, floor, boundMs });
      const displaced = this.guard.stored(header, writes);
      if (displaced !== undefined) this.floors.delete(streamKey({ ...stream, streamId: displaced }));
    }
    this.guard.commit(header, id32, part, source);
    return fails === 'badGrammar' ? 'E_ENCODING' : answer;
  }

  #start(bootMs: number): ReplayGuard {
    const { durable = false, skewMs = 30_000, window, streamCap, stored, evidence, leafBudget } = this.#settings;
    return new ReplayGuard({
      hashKey16: new Uint8Array(16).fill(7),
      life: durable
        ? { kind: 'durable', floors: [...this.floors.values()], evictions: [...this.evictions.values()] }
        : { kind: 'volatile', bootMs },
      freshness: { skewMs, stored: stored === true },
      ...(window === undefined ? {} : { window }),
      ...(streamCap === undefined ? {} : { streamCap }),
      ...(evidence === undefined ? {} : { evidence: evidence() }),
      ...(leafBudget === undefined ? {} : { leafBudget: leafBudget() }),
    });
  }
}

export function headerOf(offer: Pick<Offer, 'stream' | 'seq' | 'timestampMs' | 'control'>): Uint8Array {
  const header = headerOfStream(offer.stream, offer.seq, offer.timestampMs);
  header[3] = offer.control === true ? 0x80 : 0x20;
  return header;
}

export function groupKey({ senderId, epoch, topicTag }: StreamName): string {
  return `${senderId.join()} ${epoch} ${topicTag.join()}`;
}

export function streamKey(stream: StreamName): string {
  return `${groupKey(stream)} ${stream.streamId.join()}`;
}

/** A stream told from others by small numbers. */
export function streamOf(streamId: number, sender = 1, epoch = 1, tag = 1): StreamName {
  return {
    senderId: new Uint8Array(32).fill(sender),
    epoch,
    topicTag: new Uint8Array(16).fill(tag),
    streamId: new Uint8Array(8).fill(streamId),
  };
}

export function idOf(n: number): Uint8Array {
  const id = new Uint8Array(32).fill(0xa5);
  new DataView(id.buffer).setFloat64(0, n);
  return id;
}

export function codeOf(run: () => string): string {
  try {
    return run();
  } catch (error) {
    if (error instanceof TridcommError) return error.code;
    throw error;
  }
}
