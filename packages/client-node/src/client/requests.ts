import {
  TridcommError,
  type Client,
  type RandomSource,
  type RecordName,
  type Reply as CoreReply,
  type Requested,
} from '@tridcomm/core';
import { hexOf } from '@tridcomm/core/internal';
import type { Sender } from './message.ts';
import { workHeadBytes } from './pattern-bounds.ts';
import type { PatternParts } from './pattern-parts.ts';
import { payloadOf } from './payloads.ts';
import { PendingRequest, type Dealt, type Reply } from './pending-request.ts';
import type { Sealed } from './publisher.ts';
import { UnacknowledgedError } from './publish-outcome.ts';
import {
  checkKey,
  checkObject,
  deadlineOf,
  routingOf,
  type DealOptions,
  type News,
  type RequestOptions,
} from './request-options.ts';
import { RequestRefused } from './request-refused.ts';
import { patienceOf, SentEnvelopes, type SentEnvelope } from './sent-envelopes.ts';

/**
 * The asking side of requests, and of messages of dealers: those in flight share envelopes, and what nobody answers is asked again, by the bytes
 * that were sealed while receivers would take them, and after that sealed anew with the same key.
 *
 * @spec patterns.15, patterns.25, patterns.42, delivery.13
 */
export class Requests {
  readonly #parts: PatternParts & { readonly random: RandomSource };
  readonly #pending = new Set<PendingRequest>();
  readonly #sent = new SentEnvelopes();
  /** Those that were asked, and could not be sealed anew so far. */
  readonly #unsealed = new Set<PendingRequest>();
  #bytes = 0;
  /** Names that are outstanding. */
  #names = 0;
  /** Drawn for those to come, and how many bytes of them are used. */
  #keys: Uint8Array = nothing;
  #usedKeyBytes = 0;

  constructor(parts: PatternParts & { readonly random: RandomSource }) {
    this.#parts = parts;
  }

  get #client(): Client {
    return this.#parts.client();
  }

  async request(topic: string, data: Uint8Array | string, options: RequestOptions): Promise<Reply> {
    checkObject('options', options);
    return this.#ask(topic, data, options, undefined);
  }

  /** @spec patterns.36, patterns.42 */
  async deal(topic: string, data: Uint8Array | string, options: DealOptions): Promise<Reply> {
    checkObject('options', options);
    return this.#ask(topic, data, options, { routing: routingOf(topic, options), onNews: options.onNews });
  }

  async #ask(
    topic: string,
    data: Uint8Array | string,
    options: RequestOptions,
    dealt: Dealt | undefined,
  ): Promise<Reply> {
    const { key, onProgress, signal } = options;
    signal?.throwIfAborted();
    const body = payloadOf(topic, data);
    checkKey(key);
    const deadlineMs = deadlineOf(options, Date.now());
    this.#checkRoom(body);
    const key16 = key === undefined ? this.#drawKey() : new Uint8Array(key);
    const onSettled = (settled: PendingRequest) => this.#settled(settled);
    const request = new PendingRequest({ topic, body, key16, deadlineMs, onProgress, dealt, onSettled });
    this.#pending.add(request);
    this.#bytes += body.length;
    const abort = () => request.failed(signal?.reason);
    signal?.addEventListener('abort', abort);
    try {
      this.#send(request);
      return await request.answer;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  /** A link is open: what a broker before had in its memory may be gone. */
  opened(): void {
    this.#askAgain(true);
  }

  tick(): void {
    this.#askAgain(false);
  }

  close(error: TridcommError): void {
    for (const request of this.#pending) request.failed(error);
    this.#sent.clear();
  }

  /** Many at once, as each draw costs some µs. */
  #drawKey(): Uint8Array {
    if (this.#usedKeyBytes === this.#keys.length) {
      this.#keys = this.#parts.random(16 * keysDrawn);
      this.#usedKeyBytes = 0;
    }
    return this.#keys.subarray(this.#usedKeyBytes, (this.#usedKeyBytes += 16));
  }

  #send(request: PendingRequest): void {
    const asked = request.names.length;
    try {
      const { publisher } = this.#parts;
      const begun = publisher().begin({
        topic: request.topic,
        durability: 'memory',
        kind: laneOf(request),
        items: [request],
        seal: (items: readonly PendingRequest[]) => this.#seal(request.topic, items),
      });
      request.waiting = begun;
      begun.done.then(
        () => this.#taken(request),
        (error: unknown) => {
          this.#taken(request);
          // The broker may have it all the same, and it is asked again.
          if (!(error instanceof UnacknowledgedError)) this.#notSent(request, asked, error);
        },
      );
    } catch (error) {
      this.#notSent(request, asked, error);
    }
  }

  /**
   * One that was asked before may still be answered, and what is in the way now may pass: its deadline ends it.
   *
   * @param asked - how often it was sealed before
   */
  #notSent(request: PendingRequest, asked: number, error: unknown): void {
    if (asked === 0) request.failed(error);
    else if (!request.isSettled && request.names.length === asked) this.#unsealed.add(request);
  }

  #taken({ sent }: PendingRequest): void {
    if (sent !== undefined) sent.isOnItsWay = false;
  }

  #seal(topic: string, items: readonly PendingRequest[]): Sealed {
    const nowMs = Date.now();
    const asked = items.filter((request) => {
      if (nowMs > request.deadlineMs) request.late();
      return !request.isSettled;
    });
    if (asked.length === 0) return { envelopes: [], ids: [] };
    return this.#parts.inParts(asked, (part) => {
      const hear = (reply: CoreReply) => this.#hear(part[reply.place]!, reply);
      // All of a lane are told alike.
      const routing = part[0]!.dealt?.routing;
      const requested =
        routing === undefined
          ? this.#client.request(topic, part, nowMs, hear)
          : this.#client.deal(
              topic,
              part.map(({ body, deadlineMs, key16 }) => ({ body, deadlineMs, key16, routing })),
              nowMs,
              hear,
            );
      this.#note(part, requested, nowMs);
      return { envelopes: requested.envelopes, ids: [] };
    });
  }

  /** What was sealed is kept, to be sent again. */
  #note(requests: readonly PendingRequest[], { groupId16, epoch, envelopes, names }: Requested, nowMs: number): void {
    const sealedMs = performance.now();
    let place = 0;
    let id32: Uint8Array | undefined;
    let sent: SentEnvelope | undefined;
    for (const [i, request] of requests.entries()) {
      const name = names[i]!;
      // The names of an envelope share its id, as the same object, and they come in the order of the envelopes.
      if (sent === undefined || name.id32 !== id32) {
        ({ id32 } = name);
        const bytes = envelopes[place++]!;
        const leftMs = request.deadlineMs - nowMs;
        const patienceMs = patienceOf(leftMs);
        const waiting = new Set<PendingRequest>();
        sent = { bytes, groupId16, epoch, sealedMs, waiting, patienceMs, heardMs: sealedMs, isOnItsWay: true };
        this.#sent.add(sent);
      }
      sent.waiting.add(request);
      request.waiting = undefined;
      request.sent = sent;
      request.names.push(name);
      this.#names++;
    }
  }

  #hear(request: PendingRequest, reply: CoreReply): void {
    if (reply.status === 'late') {
      // One that was sealed anew may still be answered under the other name: its own clock ends it.
      if (Date.now() > request.deadlineMs) request.late();
      return;
    }
    const { sender: record } = reply;
    const sender = { name: record.name, keyId32: record.key.keyId32 };
    if (request.sent !== undefined) request.sent.heardMs = performance.now();
    if (reply.status === 'final' || reply.status === 'refused') this.#forget(request, reply.name);
    if (reply.status === 'final') {
      request.answered({ data: reply.body, sender, id: hexOf(reply.name.id32.subarray(0, 16)) });
    } else if (reply.status === 'refused') request.failed(new RequestRefused(reply.code, sender));
    else if (reply.status === 'news' && reply.body.length > 0) this.#tellNews(request, { data: reply.body, sender });
    else this.#tellProgress(request, sender);
  }

  /** A name that was answered is outstanding no more. */
  #forget({ names }: PendingRequest, name: RecordName): void {
    const at = names.indexOf(name);
    if (at < 0) return;
    names.splice(at, 1);
    this.#names--;
  }

  #tellProgress({ onProgress }: PendingRequest, sender: Sender): void {
    this.#guarded(() => onProgress?.(sender));
  }

  #tellNews({ dealt }: PendingRequest, news: News): void {
    this.#guarded(() => dealt?.onNews?.(news));
  }

  #guarded(tell: () => void): void {
    try {
      tell();
    } catch (error) {
      this.#parts.tell({ type: 'failed', what: 'handler', error });
    }
  }

  #askAgain(isNewLink: boolean): void {
    if (!this.#parts.isOpen()) return;
    const nowMs = performance.now();
    // One that cannot be sent is among them again at once, and waits for the next time.
    const unsealed = [...this.#unsealed];
    for (const request of unsealed) {
      if (this.#parts.publisher().isBusy || this.#names >= mostOutstanding) break;
      this.#unsealed.delete(request);
      this.#send(request);
    }
    for (const [sent, again] of this.#sent.due(nowMs, (one) => this.#isOver(one), isNewLink)) {
      // What is sealed anew fills the queue, too.
      if (this.#parts.publisher().isBusy) return;
      if (again === 'repeat') this.#repeat(sent, nowMs);
      else if (this.#names + sent.waiting.size <= mostOutstanding) {
        this.#sent.delete(sent);
        for (const request of sent.waiting) this.#send(request);
      }
    }
  }

  #repeat(sent: SentEnvelope, nowMs: number): void {
    sent.isOnItsWay = true;
    sent.heardMs = nowMs;
    const answered = () => {
      sent.isOnItsWay = false;
    };
    // What the broker says no to this time it may take the next; the deadline ends it.
    this.#parts.publisher().repeat(sent.bytes, 'memory', sent.sealedMs).then(answered, answered);
  }

  /** Whether the crew was given another key, and must not use the one before any more. @spec patterns.12 */
  #isOver({ groupId16, epoch }: SentEnvelope): boolean {
    const record = this.#client.trust.poolRecord(groupId16);
    return record !== undefined && record.revokes && record.epoch > epoch;
  }

  #settled(request: PendingRequest): void {
    this.#pending.delete(request);
    this.#bytes -= request.body.length;
    this.#names -= request.names.length;
    this.#sent.settled(request);
    this.#unsealed.delete(request);
    request.waiting?.cancel(new TridcommError('E_CLOSED', 'request that is settled'));
    if (request.names.length > 0) this.#client.cancel(request.names);
  }

  #checkRoom({ length }: Uint8Array): void {
    const most = this.#parts.mostItemBytes() - workHeadBytes;
    if (length > most) throw new TridcommError('E_LIMIT', `request of ${length} bytes, at most ${most}`);
    if (this.#pending.size + 1 > mostOutstanding || this.#names >= mostOutstanding) {
      throw new TridcommError('E_LIMIT', `${this.#pending.size} requests wait for their answers`);
    }
    if (this.#bytes + length > mostPendingBytes) {
      throw new TridcommError('E_LIMIT', `requests of ${this.#bytes} bytes wait for their answers`);
    }
  }
}

/** Messages with other routing data go in other envelopes. */
function laneOf({ dealt }: PendingRequest): string {
  return dealt === undefined ? 'request' : `message/${Buffer.from(dealt.routing).toString('base64url')}`;
}

const nothing = new Uint8Array(0);
/** 1 KiB: a key that is kept keeps them all. */
const keysDrawn = 64;
const mostOutstanding = 65_536;
const mostPendingBytes = 64 * 1024 * 1024;
