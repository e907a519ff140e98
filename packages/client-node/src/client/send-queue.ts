import { SignatureBudget } from './budget.ts';

/** What goes into an envelope, with its length in bytes. */
export interface Sized {
  readonly length: number;
}

/** Messages that one call wants to send, as far as they wait. */
interface Waiting<Call, Item> {
  readonly call: Call;
  readonly payloads: readonly Item[];
  readonly sinceMs: number;
  /** The first that is not in a batch yet. */
  next: number;
}

/** Where messages wait that may share envelopes. */
interface Lane<Call, Item> {
  readonly name: string;
  readonly topic: string;
  readonly durability: number;
  readonly kind: string;
  waiting: Waiting<Call, Item>[];
  /** Of what waits, without what is gone. */
  bytes: number;
  messages: number;
  /** Bytes that its turns gave it and that it has not used. */
  deficitBytes: number;
  /** It has no turn before. */
  heldUntilMs: number;
}

/** So many messages of a batch belong to a call. */
export interface Share<Call> {
  readonly call: Call;
  readonly count: number;
}

/** Messages for one envelope. */
export interface Batch<Call, Item = Uint8Array> {
  readonly topic: string;
  readonly durability: number;
  readonly kind: string;
  readonly payloads: readonly Item[];
  readonly bytes: number;
  /** Whose they are, in order. */
  readonly shares: readonly Share<Call>[];
}

/** Adjusts a queue. */
export interface SendQueueOptions {
  readonly budget?: SignatureBudget;
  /** How long a message waits for company although the budget would let it go; default 0. */
  readonly lingerMs?: number;
}

/**
 * What waits to be sealed, and when: at once while the budget of signatures allows it, else when it refills; a batch ends at 256 KiB or
 * 4,095 messages. Topics take turns by deficit round robin, so that one of them cannot use up the budget of all.
 *
 * Pure: `nowMs` is of a clock that does not jump. `Call` stands for whoever wants to know what became of messages,
 * `Item` for a message.
 */
export class SendQueue<Call, Item extends Sized = Uint8Array> {
  readonly #budget: SignatureBudget;
  readonly #lingerMs: number;
  /** Those with messages, by name; the first has its turn. */
  readonly #lanes = new Map<string, Lane<Call, Item>>();
  #bytes = 0;

  constructor({ budget = new SignatureBudget(), lingerMs = 0 }: SendQueueOptions = {}) {
    this.#budget = budget;
    this.#lingerMs = lingerMs;
  }

  /** Bytes of the payloads that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * @param payloads - 1 or more; kept until they are in a batch
   * @param kind - without a space: only messages of one kind share a batch
   */
  add(topic: string, durability: number, payloads: readonly Item[], call: Call, nowMs: number, kind = ''): void {
    const lane = this.#laneOf(topic, durability, kind);
    lane.waiting.push({ call, payloads, sinceMs: nowMs, next: 0 });
    this.#count(lane, payloads.length, bytesOf(payloads, 0, payloads.length));
  }

  /**
   * The next batch, for which a signature is taken from the budget; undefined where nothing is to be sealed now.
   *
   * It has to be sealed, or put back with {@link hold}.
   */
  take(nowMs: number): Batch<Call, Item> | undefined {
    if (!this.#budget.has(nowMs)) return undefined;
    let misses = 0;
    while (misses < this.#lanes.size) {
      const lane = this.#lanes.values().next().value!;
      this.#lanes.delete(lane.name);
      this.#lanes.set(lane.name, lane);
      if (this.#dueMs(lane) > nowMs) {
        misses++;
        continue;
      }
      // One message may be larger than what a turn gives: then it takes a few turns, in which others get theirs.
      misses = 0;
      lane.deficitBytes += quantumBytes;
      const head = headOf(lane);
      if (head.bytes > lane.deficitBytes) continue;
      lane.deficitBytes -= head.bytes;
      this.#budget.take(nowMs);
      return this.#cut(lane, head);
    }
    return undefined;
  }

  /** When {@link take} may have something; undefined where nothing waits. */
  nextMs(nowMs: number): number | undefined {
    let dueMs = Infinity;
    for (const lane of this.#lanes.values()) {
      dueMs = Math.min(dueMs, this.#dueMs(lane));
      if (dueMs <= nowMs) break;
    }
    return dueMs === Infinity ? undefined : Math.max(dueMs, this.#budget.readyMs(nowMs));
  }

  /**
   * Puts a batch back that cannot be sealed yet, and the signature that was not made: in front of what waits for the same topic, which has no
   * turn until `untilMs`.
   */
  hold({ topic, durability, kind, payloads, bytes, shares }: Batch<Call, Item>, nowMs: number, untilMs: number): void {
    this.#budget.giveBack();
    const lane = this.#laneOf(topic, durability, kind);
    let at = 0;
    const held = shares.map(({ call, count }): Waiting<Call, Item> => {
      at += count;
      return { call, payloads: payloads.slice(at - count, at), sinceMs: nowMs, next: 0 };
    });
    lane.waiting.unshift(...held);
    lane.heldUntilMs = untilMs;
    this.#count(lane, payloads.length, bytes);
  }

  /** Gives everything its turn that {@link hold} keeps back. */
  release(): void {
    for (const lane of this.#lanes.values()) lane.heldUntilMs = -Infinity;
  }

  /** Takes out what waits of some calls. */
  remove(isGone: (call: Call) => boolean): void {
    for (const lane of this.#lanes.values()) {
      for (const { call, payloads, next } of lane.waiting) {
        if (isGone(call)) this.#count(lane, next - payloads.length, -bytesOf(payloads, next, payloads.length));
      }
      lane.waiting = lane.waiting.filter(({ call }) => !isGone(call));
      this.#dropIfEmpty(lane);
    }
  }

  #laneOf(topic: string, durability: number, kind: string): Lane<Call, Item> {
    const name = `${durability}${kind} ${topic}`;
    let lane = this.#lanes.get(name);
    if (lane === undefined) {
      lane = {
        name,
        topic,
        durability,
        kind,
        waiting: [],
        bytes: 0,
        messages: 0,
        deficitBytes: 0,
        heldUntilMs: -Infinity,
      };
      this.#lanes.set(name, lane);
    }
    return lane;
  }

  #dueMs({ bytes, messages, waiting, heldUntilMs }: Lane<Call, Item>): number {
    if (this.#lingerMs === 0 || bytes >= batchBytes || messages >= batchMessages) return heldUntilMs;
    return Math.max(heldUntilMs, waiting[0]!.sinceMs + this.#lingerMs);
  }

  #cut(lane: Lane<Call, Item>, { messages, bytes }: Head): Batch<Call, Item> {
    const { topic, durability, kind, waiting } = lane;
    const [first] = waiting as [Waiting<Call, Item>];
    let payloads: readonly Item[];
    const shares: Share<Call>[] = [];
    let done = 0;
    if (first.next === 0 && first.payloads.length === messages) {
      // The usual case of a large call: its own array will do.
      payloads = first.payloads;
      shares.push({ call: first.call, count: messages });
      done = 1;
    } else {
      const gathered: Item[] = [];
      for (const one of waiting) {
        const end = Math.min(one.payloads.length, one.next + messages - gathered.length);
        shares.push({ call: one.call, count: end - one.next });
        for (let i = one.next; i < end; i++) gathered.push(one.payloads[i]!);
        one.next = end;
        if (end === one.payloads.length) done++;
        if (gathered.length === messages) break;
      }
      payloads = gathered;
    }
    waiting.splice(0, done);
    this.#count(lane, -messages, -bytes);
    this.#dropIfEmpty(lane);
    return { topic, durability, kind, payloads, bytes, shares };
  }

  #count(lane: Lane<Call, Item>, messages: number, bytes: number): void {
    lane.messages += messages;
    lane.bytes += bytes;
    this.#bytes += bytes;
  }

  #dropIfEmpty({ name, waiting }: Lane<Call, Item>): void {
    if (waiting.length === 0) this.#lanes.delete(name);
  }
}

/** What of a lane goes into the next batch. */
interface Head {
  readonly messages: number;
  readonly bytes: number;
}

function headOf({ waiting, messages, bytes }: Lane<unknown, Sized>): Head {
  if (messages <= batchMessages && bytes <= batchBytes) return { messages, bytes };
  let taken = 0;
  let takenBytes = 0;
  for (const { payloads, next } of waiting) {
    for (let i = next; i < payloads.length; i++) {
      const length = payloads[i]!.length;
      if (taken === batchMessages || (taken > 0 && takenBytes + length > batchBytes))
        return { messages: taken, bytes: takenBytes };
      taken++;
      takenBytes += length;
    }
  }
  return { messages: taken, bytes: takenBytes };
}

function bytesOf(payloads: readonly Sized[], from: number, to: number): number {
  let bytes = 0;
  for (let i = from; i < to; i++) bytes += payloads[i]!.length;
  return bytes;
}

const batchBytes = 256 * 1024;
/** 4,096 records, of which the topic may be one. */
const batchMessages = 4_095;
/** What a turn gives: as much as a batch takes, unless one message is larger. */
const quantumBytes = batchBytes;
