import { randomBytes } from 'node:crypto';
import { TridcommError, type TopicMatch } from '@tridcomm/core';
import { hexOf } from '@tridcomm/core/internal';
import type { CarrierSession, SessionHandlers } from './foreign-carrier.ts';
import { MqttFilters } from './mqtt-filters.ts';
import type { MqttClientLike, MqttListener } from './mqtt-types.ts';
import { matchPath } from './names.ts';

/** A message on its way to the server. */
interface Outgoing {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly isRetained: boolean;
  readonly resolve: () => void;
  readonly reject: (error: TridcommError) => void;
}

/** One connection to an MQTT server. @spec bindings.18 */
export class MqttSession implements CarrierSession {
  mostBytes: number = Infinity;
  /** A server need not send what it retains in the order of the subscriptions; those that there are do, and else it is asked for again. */
  readonly pushesValues: boolean = true;
  readonly #client: MqttClientLike;
  readonly #handlers: SessionHandlers;
  readonly #shared: MqttFilters;
  /** That this session asked for. */
  readonly #filters = new Set<string>();
  /** By place in a path: the segments by which envelopes are asked for. */
  readonly #segments = new Set<string>();
  /** Work that it takes, by tag in hex. */
  readonly #works = new Map<string, TopicMatch>();
  readonly #addresses = new Set<string>();
  /** Who waits for values. */
  readonly #readers = new Set<(address: string, value: Uint8Array) => void>();
  /** A topic of this session alone: what comes there was sent behind all that came before. */
  readonly #ownTopic = `${prefix}p/${randomBytes(16).toString('hex')}`;
  /** By what they sent to themselves. */
  readonly #marks = new Map<string, () => void>();
  /** Beyond what may be on its way at once. */
  readonly #queue: Outgoing[] = [];
  readonly #sent = new Set<Outgoing>();
  #mostSent = 1;
  #waitingBytes = 0;
  #hasBegun = false;
  #isOver = false;
  readonly #lost: Promise<never>;
  #giveUp!: (error: TridcommError) => void;

  constructor(client: MqttClientLike, handlers: SessionHandlers) {
    this.#client = client;
    this.#handlers = handlers;
    this.#shared = MqttFilters.of(client);
    this.#lost = new Promise<never>((_, reject) => (this.#giveUp = reject));
    this.#lost.catch(() => {});
    client.on('message', this.#take);
    client.on('close', this.#onClose);
  }

  /** @throws TridcommError as {@link ForeignCarrier.open}; `E_TRANSPORT` where there is no connection now, too */
  async begin(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (!this.#client.connected) throw lost();
    const { maximumPacketSize, receiveMaximum, retainAvailable } = this.#client.serverProperties ?? {};
    if (retainAvailable === false) {
      throw new TridcommError('E_POLICY', 'mqtt: the server does not retain what the authority says');
    }
    if (maximumPacketSize !== undefined) this.mostBytes = Math.max(0, maximumPacketSize - mostHeadBytes);
    // Others may send by the same client object.
    this.#mostSent = Math.max(1, Math.min(mostSent, Math.floor((receiveMaximum ?? Infinity) / 2)));
    const abort = () => this.#giveUp(signal?.reason as TridcommError);
    signal?.addEventListener('abort', abort);
    try {
      await this.#ask(this.#ownTopic);
    } finally {
      signal?.removeEventListener('abort', abort);
    }
    this.#hasBegun = true;
  }

  get isFull(): boolean {
    return this.#waitingBytes >= mostWaitingBytes;
  }

  async publish(path: readonly string[], envelope: Uint8Array, isAnswered: boolean): Promise<void> {
    const topic = `${prefix}e/${path.join('/')}`;
    if (isAnswered) await this.#send(topic, envelope, false);
    else await this.#sendUnanswered(topic, envelope);
  }

  async subscribe(match: TopicMatch): Promise<void> {
    this.#segments.add(segmentOf(match));
    try {
      await this.#ask(filterOf(match));
    } catch (error) {
      this.#segments.delete(segmentOf(match));
      throw error;
    }
  }

  unsubscribe(match: TopicMatch): void {
    this.#segments.delete(segmentOf(match));
    this.#drop(filterOf(match));
  }

  /** @spec bindings.19 */
  async work(match: TopicMatch): Promise<void> {
    if (this.#client.serverProperties?.sharedSubscriptionAvailable === false) {
      throw new TridcommError('E_POLICY', 'mqtt: the server has no shared subscriptions, so it gives nobody work');
    }
    const [tag, filter] = [hexOf(match.match16), workFilterOf(match)];
    // All sessions of a client object hear what comes for it: each would do the same work.
    if (!this.#filters.has(filter) && this.#shared.has(filter)) {
      throw new TridcommError('E_POLICY', 'mqtt: another client takes this work by the same client object');
    }
    this.#works.set(tag, match);
    try {
      await this.#ask(filter);
    } catch (error) {
      this.#works.delete(tag);
      throw error;
    }
  }

  endWork(match: TopicMatch): void {
    this.#works.delete(hexOf(match.match16));
    this.#drop(workFilterOf(match));
  }

  async watch(address: string): Promise<undefined> {
    this.#addresses.add(address);
    await this.#ask(topicOfAddress(address));
  }

  async settle(): Promise<void> {
    const mark = randomBytes(8);
    const name = mark.toString('hex');
    const come = new Promise<void>((resolve) => this.#marks.set(name, resolve));
    try {
      await this.#send(this.#ownTopic, mark, false);
      await Promise.race([come, this.#lost]);
    } finally {
      this.#marks.delete(name);
    }
  }

  async put(address: string, value: Uint8Array): Promise<void> {
    await this.#send(topicOfAddress(address), value, true);
  }

  async read(address: string): Promise<Uint8Array | undefined> {
    let value: Uint8Array | undefined;
    const reader = (at: string, found: Uint8Array) => {
      if (at === address) value = found;
    };
    this.#readers.add(reader);
    const isOwn = !this.#filters.has(topicOfAddress(address));
    try {
      await this.#ask(topicOfAddress(address));
      await this.settle();
    } finally {
      this.#readers.delete(reader);
      if (isOwn) this.#drop(topicOfAddress(address));
    }
    return value;
  }

  end(): void {
    this.#leave();
    this.#giveUp(lost());
  }

  readonly #onClose = (): void => {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#hasBegun) this.#handlers.onEnd(lost());
    this.end();
  };

  /** The client object may have asked for more than this session did. */
  readonly #take: MqttListener = (topic, payload, { retain }) => {
    if (this.#isOver || !topic.startsWith(prefix)) return;
    if (topic === this.#ownTopic) {
      this.#marks.get(payload.toString('hex'))?.();
      return;
    }
    const [kind, ...path] = topic.slice(prefix.length).split('/');
    if (kind === 'e') {
      // Requests and jobs are under tags of their own, which nobody subscribes to in another way.
      const work = this.#works.get(path[0]!);
      if (work !== undefined) this.#handlers.onWork(work, payload);
      else if (path.some((segment, at) => this.#segments.has(`${at}/${segment}`))) this.#handlers.onEnvelope(payload);
    } else if (kind === 'o' && path.length === 1 && payload.length > 0) {
      for (const reader of this.#readers) reader(path[0]!, payload);
      if (this.#addresses.has(path[0]!)) this.#handlers.onValue(path[0]!, payload, !retain);
    }
  };

  async #ask(filter: string): Promise<void> {
    if (this.#isOver) throw lost();
    const isNew = !this.#filters.has(filter);
    this.#filters.add(filter);
    const answered = new Promise<void>((resolve, reject) => {
      this.#shared.ask(filter, isNew, (error) => {
        // One without a code of the server is that of a connection that was lost, which is heard of by itself.
        if (error === undefined || error === null) resolve();
        else if (typeof error.code === 'number') reject(new TridcommError('E_POLICY', `mqtt: ${error.message}`));
      });
    });
    await Promise.race([answered, this.#lost]);
  }

  #drop(filter: string): void {
    if (this.#filters.delete(filter)) this.#shared.leave([filter]);
  }

  async #sendUnanswered(topic: string, payload: Uint8Array): Promise<void> {
    this.#check(payload);
    const { length } = payload;
    this.#waitingBytes += length;
    await new Promise<void>((resolve) => {
      this.#client.publish(topic, bufferOf(payload), { qos: 0, retain: false }, () => resolve());
    });
    this.#settled(length);
  }

  async #send(topic: string, payload: Uint8Array, isRetained: boolean): Promise<void> {
    this.#check(payload);
    await new Promise<void>((resolve, reject) => {
      this.#queue.push({ topic, payload, isRetained, resolve, reject });
      this.#waitingBytes += payload.length;
      this.#pump();
    });
  }

  #pump(): void {
    while (this.#sent.size < this.#mostSent && !this.#isOver) {
      const next = this.#queue.shift();
      if (next === undefined) return;
      const { topic, payload, isRetained } = next;
      this.#sent.add(next);
      this.#client.publish(topic, bufferOf(payload), { qos: 1, retain: isRetained }, (error) => {
        // It may be answered on a later connection: then it was given up before.
        if (!this.#sent.delete(next)) return;
        this.#settled(payload.length);
        if (error === undefined || error === null) next.resolve();
        else next.reject(publishError(error));
        this.#pump();
      });
    }
  }

  #settled(bytes: number): void {
    const wasFull = this.isFull;
    this.#waitingBytes -= bytes;
    if (wasFull && !this.isFull && !this.#isOver) this.#handlers.onDrain();
  }

  #check({ length }: Uint8Array): void {
    if (this.#isOver) throw lost();
    if (length > this.mostBytes) {
      throw new TridcommError('E_LIMIT', `${length} bytes, and the server takes ${this.mostBytes}`);
    }
  }

  #leave(): void {
    this.#isOver = true;
    this.#client.removeListener('message', this.#take);
    this.#client.removeListener('close', this.#onClose);
    this.#shared.leave(this.#filters);
    this.#filters.clear();
    const unanswered = [...this.#sent, ...this.#queue.splice(0)];
    this.#sent.clear();
    for (const { reject } of unanswered) reject(lost());
  }
}

function topicOfAddress(address: string): string {
  return `${prefix}o/${address}`;
}

function filterOf(match: TopicMatch): string {
  return `${prefix}e/${matchPath(match)
    .map((segment) => segment ?? '+')
    .join('/')}/#`;
}

/** Of those who share it each message goes to one. */
function workFilterOf(match: TopicMatch): string {
  return `$share/tridcomm-v1/${filterOf(match)}`;
}

/** The segment by which a match is met, with its place. */
function segmentOf(match: TopicMatch): string {
  const path = matchPath(match);
  return `${path.length - 1}/${path.at(-1)}`;
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

function publishError(error: Error & { readonly code?: number | string }): TridcommError {
  if (typeof error.code !== 'number') return lost(error);
  const code = tooLargeCodes.has(error.code) ? 'E_LIMIT' : 'E_POLICY';
  return new TridcommError(code, `mqtt: ${error.message}`, { cause: error });
}

function lost(cause?: unknown): TridcommError {
  return new TridcommError('E_TRANSPORT', 'mqtt: the connection was lost', { cause });
}

const prefix = 'tridcomm/v1/';
/** Of a packet besides its payload: the topic of the longest chain, and room for what MQTT itself needs. */
const mostHeadBytes = 512;
const mostSent = 256;
const mostWaitingBytes = 4 * 1024 * 1024;
/** Reason codes of MQTT 5: packet too large, quota exceeded. */
const tooLargeCodes: ReadonlySet<number> = new Set([0x95, 0x97]);
