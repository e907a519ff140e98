import { equalBytes } from '../bytes/bytes.ts';
import { limits } from '../codepoints/limits.gen.ts';
import type { RandomSource } from '../crypto/provider.ts';
import { checkRouting, type RoutingInput } from '../envelope/routing.ts';
import { TridcommError } from '../errors.ts';
import { isForward } from '../patterns/forwards.ts';
import { messageReservedBytes, type PoolPattern } from '../patterns/pool-sealer.ts';
import { RecordMap } from '../patterns/record-map.ts';
import { replyCode, replyStatus, type ReplyRecord } from '../patterns/replies.ts';
import { Requester, type AskedRequest } from '../patterns/requester.ts';
import { splitRuns } from '../patterns/split-runs.ts';
import { workBytes, type RecordName, type WorkRecord } from '../patterns/work.ts';
import type { PrincipalRecord } from '../keys/principal-record.ts';
import type { PoolRecord } from '../keys/pool-record.ts';
import { ReplayGuard } from '../replay/guard.ts';
import { parseTopic } from '../topics/grammar.ts';
import { parseEnvelope, type EnvelopeView } from '../wire/envelope.ts';
import type { AnswerTags } from './answer-tags.ts';
import type { Carrier } from './carrier.ts';
import type { EventSink } from './event-sink.ts';
import { openForward } from './forwards-in.ts';
import type { Group } from './group.ts';
import type { ForwardTaker, HeldForwards } from './held-forwards.ts';
import type { Holdings } from './holdings.ts';
import { mayBeAllowedLater, openSealed } from './open-steps.ts';
import { PoolStreams, type PoolStream } from './pool-streams.ts';
import type { Pools } from './pools.ts';
import { respondersOf } from './responders.ts';
import type { Reply, ReplyHandler } from './reply.ts';
import type { RuleIndex } from './rule-index.ts';
import { tagToSeal, viewToSeal } from './seal-view.ts';
import type { SendingParts } from './sending-parts.ts';
import { sendAll } from './sending.ts';
import type { View } from './view.ts';

/** A request to a pool. */
export interface RequestFields {
  readonly body: Uint8Array;
  /** By when an answer is of use, by the sender's clock: who works drops it after that, and nobody waits any more. */
  readonly deadlineMs: number;
  /** The idempotency key; default drawn. Who asks again with the same one, and the same body, asks for the same. */
  readonly key16?: Uint8Array;
}

/** A job for a pool: as a {@link RequestFields}, and nobody answers it. */
export interface JobFields extends Omit<RequestFields, 'deadlineMs'> {
  /** Default 0: none. */
  readonly deadlineMs?: number;
}

/** A message of a dealer to a pool: as a {@link RequestFields}, and answered as often as who works likes. */
export interface DealFields extends RequestFields {
  /** What routers are told, and nobody outside the front: at most 1,024 bytes. */
  readonly routing: Uint8Array;
}

/** Requests, jobs or messages that were sealed and handed to the carrier. */
export interface Requested {
  /** The front. */
  readonly groupId16: Uint8Array;
  /** Of the crew. */
  readonly epoch: number;
  readonly headSeq: number;
  /** More than one where they did not fit one. */
  readonly envelopes: readonly Uint8Array[];
  /** Of the requests, jobs or messages, in their order. */
  readonly names: readonly RecordName[];
}

/** What one call seals with. */
interface Prepared {
  readonly front: Group;
  readonly view: View;
  readonly record: PoolRecord;
  readonly tag16: Uint8Array;
}

/** What one envelope of a call has in it. */
interface Run {
  readonly records: readonly WorkRecord[];
  readonly routing: Uint8Array | undefined;
}

/** Who waits for the replies to a request. */
interface Waiting {
  /** Of the envelope that it went out in. */
  readonly pattern: PoolPattern;
  readonly handler: ReplyHandler | undefined;
  readonly name: RecordName;
  readonly place: number;
}

/** The asking side of a member: requests and messages with their replies, and jobs. */
export class PoolAsking {
  readonly #holdings: Holdings;
  readonly #carrier: Carrier;
  readonly #events: EventSink;
  readonly #rules: RuleIndex;
  readonly #pools: Pools;
  readonly #answers: AnswerTags;
  readonly #heldForwards: HeldForwards;
  readonly #streams: PoolStreams;
  readonly #requesters = new Map<Group, Requester>();
  /** By the name of the request. */
  readonly #waiting = new RecordMap<Waiting>();

  constructor(parts: SendingParts, rules: RuleIndex, pools: Pools, answers: AnswerTags, heldForwards: HeldForwards) {
    const { holdings, hedgeSecret32 } = parts;
    this.#holdings = holdings;
    this.#carrier = parts.carrier;
    this.#events = parts.events;
    this.#rules = rules;
    this.#pools = pools;
    this.#answers = answers;
    this.#heldForwards = heldForwards;
    this.#streams = new PoolStreams(holdings, hedgeSecret32, ({ front, sealer }) => {
      this.#requesters.get(front)?.end(sealer.stream.enc32);
    });
  }

  /**
   * What there is to seal with for a topic now.
   *
   * @throws TridcommError the refusal
   * @spec patterns.2, patterns.11, patterns.12
   */
  prepare(topic: string, nowMs: number): Prepared {
    const parsed = parseTopic(topic);
    const front = this.#rules.find(parsed);
    if (front?.isFront !== true) throw new TridcommError('E_POLICY', 'topic of no pool of our own');
    const view = viewToSeal(this.#holdings, front, nowMs);
    const { tag16 } = tagToSeal(this.#holdings, front, view, parsed, nowMs);
    if (front.isForked) throw new TridcommError('E_FORK', 'two key blocks of one epoch of the front');
    return { front, view, record: this.#pools.recordToSeal(front, view, nowMs), tag16 };
  }

  /** @spec patterns.15, patterns.25 */
  request(
    topic: string,
    requests: readonly RequestFields[],
    nowMs: number,
    handler: ReplyHandler | undefined,
  ): Requested {
    return this.#ask(topic, 'request', requests, nowMs, handler);
  }

  /** @spec patterns.15, patterns.36, patterns.42 */
  deal(topic: string, messages: readonly DealFields[], nowMs: number, handler: ReplyHandler | undefined): Requested {
    for (const { routing } of messages) checkRouting(routing);
    return this.#ask(topic, 'message', messages, nowMs, handler);
  }

  /** What {@link deal} would refuse with. @throws TridcommError the refusal */
  checkDeal(topic: string, nowMs: number): void {
    this.prepare(topic, nowMs).front.sealingEpoch(nowMs);
  }

  /** @spec patterns.35, topics.13 */
  #ask(
    topic: string,
    pattern: 'request' | 'message',
    requests: readonly (RequestFields & Partial<DealFields>)[],
    nowMs: number,
    handler: ReplyHandler | undefined,
  ): Requested {
    const late = requests.find(({ deadlineMs }) => deadlineMs < nowMs);
    if (late !== undefined) throw new TridcommError('E_EXPIRED', `deadline ${late.deadlineMs}, clock ${nowMs}`);
    const outstanding = this.#waiting.size + requests.length;
    if (outstanding > limits.requestsOutstanding)
      throw new TridcommError('E_LIMIT', `${outstanding} requests outstanding`);
    const prepared = this.prepare(topic, nowMs);
    const { front } = prepared;
    this.#answers.use(front, nowMs);
    const names: RecordName[] = [];
    try {
      return this.#send(prepared, pattern, requests, undefined, nowMs, (stream, asked) => {
        this.#requesterOf(front).asked(stream.sealer.stream.enc32, asked);
        for (const { name } of asked) {
          // A reply may come while the call is on its way.
          this.#waiting.set(name, { pattern, handler, name, place: names.length });
          names.push(name);
        }
      });
    } catch (error) {
      this.cancel(names);
      throw error;
    }
  }

  /** @spec patterns.15 */
  push(topic: string, jobs: readonly JobFields[], nowMs: number, jobsPerLeaf: number | undefined): Requested {
    return this.#send(this.prepare(topic, nowMs), 'job', jobs, jobsPerLeaf, nowMs, () => undefined);
  }

  /** Nothing is heard any more of these. */
  cancel(names: readonly RecordName[]): void {
    for (const name of names) this.#waiting.delete(name);
    for (const requester of this.#requesters.values()) requester.cancel(names);
  }

  /**
   * Takes an envelope under an answer tag in a front.
   *
   * @returns false where it answers nothing of ours
   * @throws TridcommError the refusal; what a forward brings is refused one by one, as an event
   * @spec patterns.22, patterns.23, patterns.24, patterns.25, patterns.41, patterns.42
   */
  take(front: Group, view: EnvelopeView, nowMs: number): boolean {
    if (!isForward(view)) return this.#takeReply(front, view, nowMs);
    const taker: ForwardTaker = {
      take: (bytes, atMs) => {
        const reply = parseEnvelope(bytes);
        if (this.#answers.groupOf(reply, atMs) === front) this.#takeReply(front, reply, atMs);
      },
      mayPass: ({ code }, bytes) => mayBeAllowedLater(code, front, parseEnvelope(bytes)),
    };
    this.#heldForwards.take(front, openForward(this.#holdings, front, 'reply', view, nowMs), taker, nowMs);
    return true;
  }

  #takeReply(front: Group, view: EnvelopeView, nowMs: number): boolean {
    const requester = this.#requesters.get(front);
    const pending = requester?.begin(view, nowMs);
    if (requester === undefined || pending === undefined) return false;
    openSealed(this.#holdings, front, pending, view, nowMs);
    const opened = pending.commit();
    const sender = this.#holdings.trust.principal(opened.sender.keyId32)!;
    for (const record of requester.take(opened, nowMs).replies) this.#hear(record, sender);
    return true;
  }

  /** Lets time pass: tells what nobody answered, and closes what is over. @spec patterns.15, patterns.26 */
  tick(nowMs: number): void {
    this.#streams.tick(nowMs, (front, record) => this.#pools.isCurrent(front, record, nowMs));
    for (const requester of this.#requesters.values()) {
      for (const name of requester.tick(nowMs)) this.#tell(name, { status: 'late', code: 'E_EXPIRED' });
    }
  }

  stop(): void {
    this.#streams.stop();
    for (const requester of this.#requesters.values()) requester.stop();
    this.#requesters.clear();
    this.#waiting.clear();
  }

  #send(
    { front, view, record, tag16 }: Prepared,
    pattern: PoolPattern,
    fields: readonly (JobFields & Partial<DealFields>)[],
    jobsPerLeaf: number | undefined,
    nowMs: number,
    onSealed: (stream: PoolStream, asked: readonly AskedRequest[]) => void,
  ): Requested {
    const { headSeq } = view.head;
    const runs = this.#runsOf(fields);
    const names: RecordName[] = [];
    const envelopes = runs.map(({ records, routing }) => {
      const told = routing && routingInput(front, routing, nowMs);
      const stream = this.#streams.of(front, record, tag16, pattern, nowMs, (begun) => this.#begin(begun));
      const unsigned = stream.sealer.seal(
        {
          records,
          headSeq,
          ...(jobsPerLeaf !== undefined && { jobsPerLeaf }),
          ...(told !== undefined && { routing: told }),
        },
        nowMs,
      );
      const asked = records.map(({ deadlineMs }, i): AskedRequest => {
        const perLeaf = jobsPerLeaf ?? records.length;
        return { name: { id32: unsigned.id32, leaf: Math.floor(i / perLeaf), index: i % perLeaf }, deadlineMs };
      });
      for (const { name } of asked) names.push(name);
      onSealed(stream, asked);
      return unsigned.finish(this.#holdings.identity.key.sign(unsigned.signInput));
    });
    const sent = runs.map(({ records }) => records);
    sendAll(this.#carrier, envelopes, sent);
    return { groupId16: front.groupId16, epoch: record.epoch, headSeq, envelopes, names };
  }

  /** What of a call goes into one envelope each: routing data are of the whole of it. */
  #runsOf(fields: readonly (JobFields & Partial<DealFields>)[]): Run[] {
    const alike: { routing: Uint8Array | undefined; works: WorkRecord[] }[] = [];
    for (const [i, work] of withKeys(fields, this.#holdings.random).entries()) {
      const { routing } = fields[i]!;
      const last = alike.at(-1);
      if (last !== undefined && isSame(last.routing, routing)) last.works.push(work);
      else alike.push({ routing, works: [work] });
    }
    if (alike.length === 0) throw new TridcommError('E_USAGE', 'no message');
    return alike.flatMap(({ routing, works }) => {
      const shared = routing === undefined ? {} : { reservedBytes: messageReservedBytes(routing) };
      return splitRuns(works, workBytes, shared).map((records): Run => ({ routing, records }));
    });
  }

  /** Nobody answers jobs, so what their replies would take goes at once. */
  #begin({ front, pattern, sealer }: PoolStream): void {
    if (pattern === 'job') sealer.stream.replySecret32.fill(0);
    else this.#requesterOf(front).open(sealer.stream);
  }

  #requesterOf(front: Group): Requester {
    const held = this.#requesters.get(front);
    if (held !== undefined) return held;
    const requester = new Requester({
      provider: this.#holdings.provider,
      newReplay: () => this.#newGuard(),
      isAnswerTag: () => true,
      ...respondersOf(front),
    });
    this.#requesters.set(front, requester);
    return requester;
  }

  /** The keys of replies come into being with their stream, in this life: there was none before in which they could have been accepted. */
  #newGuard(): ReplayGuard {
    const { random, evidence, leafBudget, maxAgeMs, skewMs } = this.#holdings;
    const life = { kind: 'volatile', bootMs: 0 } as const;
    return new ReplayGuard({ hashKey16: random(16), life, freshness: { maxAgeMs, skewMs }, evidence, leafBudget });
  }

  #hear(record: ReplyRecord, sender: PrincipalRecord): void {
    const { id32, leaf, index, status, body } = record;
    const name = { id32, leaf, index };
    if (status === replyStatus.final) this.#tell(name, { status: 'final', body, sender });
    else if (status === replyStatus.refused) this.#tell(name, { status: 'refused', code: replyCode(body), sender });
    else if (this.#waiting.get(name)?.pattern === 'message') {
      this.#tell(name, { status: 'news', body, sender });
    } else this.#tell(name, { status: 'in progress', sender });
  }

  #tell(name: RecordName, heard: Heard): void {
    const waiting = this.#waiting.get(name);
    if (waiting === undefined) return;
    // News are no answer: more of them may come.
    if (heard.status !== 'in progress' && heard.status !== 'news') this.#waiting.delete(name);
    const reply: Reply = { name: waiting.name, place: waiting.place, ...heard };
    this.#events.emit({ type: 'reply', reply });
    this.#events.handle(waiting.handler, reply);
  }
}

/** Keys are drawn for those without: many at once, as each draw costs some µs. */
function withKeys(fields: readonly JobFields[], random: RandomSource): WorkRecord[] {
  let drawn: Uint8Array = new Uint8Array(0);
  let at = 0;
  return fields.map(({ body, deadlineMs = 0, key16 }, i) => {
    if (key16 !== undefined) return { body, deadlineMs, key16 };
    if (at === drawn.length) {
      drawn = random(16 * Math.min(mostKeysDrawn, fields.length - i));
      at = 0;
    }
    return { body, deadlineMs, key16: drawn.subarray(at, (at += 16)) };
  });
}

/** What routers are told, sealed for the epoch of the front for which a message of our own would be. @spec patterns.36 */
function routingInput(front: Group, data: Uint8Array, nowMs: number): RoutingInput {
  const { number, keySource } = front.sealingEpoch(nowMs);
  const { suite, sourceSecret32: epochSecret32, groupContext32 } = keySource;
  return { data, epoch: { number, suite, epochSecret32, groupContext32 } };
}

function isSame(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : equalBytes(a, b);
}

/** What is heard of a request, but for which it is. */
type Heard = Reply extends infer R ? (R extends Reply ? Omit<R, 'name' | 'place'> : never) : never;

/** As much as random sources of any platform give at once: 64 KiB. */
const mostKeysDrawn = 4_096;
