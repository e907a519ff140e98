import { TridcommError, type Delivery, type Message as Record } from '@tridcomm/core';

/** Who signed a message, as the authority names them. */
export interface Sender {
  readonly name: string;
  /** 32 bytes; not to be changed. */
  readonly keyId32: Uint8Array;
}

/** `redelivered`: an earlier life of this client got it, and may have acted on it. */
export type Verdict = 'new' | 'redelivered';

/** What a batch out of a log needs to be done with. */
export interface Acknowledgement {
  readonly verdict: Verdict;
  /** All messages were acknowledged; called once. */
  done(): void;
}

/**
 * The messages of one envelope: opened, and signed by who it says. Nothing is made for a message before it is asked for.
 */
export class MessageBatch implements Iterable<TridcommMessage> {
  readonly topic: string;
  readonly sender: Sender;
  /** What is known of the group was not fresh, and the group takes that. */
  readonly stale: boolean;
  /** Place in the broker's log, as the broker says: nobody signed it. Undefined for what came live. */
  readonly position: number | undefined;
  readonly #delivery: Delivery;
  readonly #acknowledgement: Acknowledgement | undefined;
  #id: string | undefined;
  /** Of the messages, those that were acknowledged; undefined before the first. */
  #acknowledged: Set<number> | undefined;

  /** @internal */
  constructor(delivery: Delivery, acknowledgement: Acknowledgement | undefined) {
    const { sender } = delivery;
    this.topic = delivery.topic;
    this.sender = { name: sender.name, keyId32: sender.key.keyId32 };
    this.stale = delivery.stale;
    this.position = delivery.position;
    this.#delivery = delivery;
    this.#acknowledgement = acknowledgement;
  }

  /** Number of messages, 1 or more. */
  get count(): number {
    return this.#delivery.records.count;
  }

  /**
   * Payloads, and times by the sender's clock, in order; made when they are first asked for. Payloads are views of one plaintext that belongs to
   * the receiver. Who wants no more than the bytes takes {@link payload}.
   */
  get records(): readonly Record[] {
    return this.#delivery.messages;
  }

  /** Of the envelope: 32 hex digits, the same that its sender got from `publish`. A message is told by this and its index. */
  get id(): string {
    this.#id ??= Buffer.from(this.#delivery.id32.subarray(0, 16)).toString('hex');
    return this.#id;
  }

  get verdict(): Verdict {
    return this.#acknowledgement?.verdict ?? 'new';
  }

  /**
   * Says that all messages are done with: they do not come again after a restart.
   *
   * @throws TridcommError `E_USAGE` for messages that came live: nothing keeps those, so there is nothing to say
   */
  ack(): void {
    for (let index = 0; index < this.count; index++) this.ackOne(index);
  }

  /** The same for one message. */
  ackOne(index: number): void {
    if (this.#acknowledgement === undefined) {
      throw new TridcommError('E_USAGE', 'ack of a live message: subscribe with from to get messages that are kept');
    }
    this.#acknowledged ??= new Set();
    if (this.#acknowledged.has(index)) return;
    this.#acknowledged.add(index);
    if (this.#acknowledged.size === this.count) this.#acknowledgement.done();
  }

  *[Symbol.iterator](): Generator<TridcommMessage, void, undefined> {
    for (let index = 0; index < this.count; index++) yield this.message(index);
  }

  /** Message `index`, 0 to count − 1. @throws TridcommError `E_USAGE` where there is none, as the two below */
  message(index: number): TridcommMessage {
    return new TridcommMessage(this, index, this.payload(index));
  }

  /** The bytes of message `index`: a view, which belongs to the receiver. The fastest way to all of them. */
  payload(index: number): Uint8Array {
    return this.#delivery.records.payload(index);
  }

  /** When message `index` was made, by the sender's clock: ms since 1970. */
  timestampMs(index: number): number {
    return this.#delivery.records.timestampMs(index);
  }
}

/**
 * One message.
 *
 * `data` is what the schema of the subscription made of it, or without a schema the bytes.
 */
export class TridcommMessage<T = Uint8Array> {
  /** The envelope that it came in. */
  readonly batch: MessageBatch;
  /** Its place in there, from 0 on. */
  readonly index: number;
  readonly data: T;

  /** @internal */
  constructor(batch: MessageBatch, index: number, data: T) {
    this.batch = batch;
    this.index = index;
    this.data = data;
  }

  /** As they were sent; a view, which belongs to the receiver. */
  get bytes(): Uint8Array {
    return this.batch.payload(this.index);
  }

  get topic(): string {
    return this.batch.topic;
  }

  get sender(): Sender {
    return this.batch.sender;
  }

  /** When it was made, by the sender's clock: ms since 1970. */
  get timestampMs(): number {
    return this.batch.timestampMs(this.index);
  }

  /** Of the envelope: see {@link MessageBatch.id}. */
  get id(): string {
    return this.batch.id;
  }

  get verdict(): Verdict {
    return this.batch.verdict;
  }

  get stale(): boolean {
    return this.batch.stale;
  }

  get position(): number | undefined {
    return this.batch.position;
  }

  /**
   * The bytes as text.
   *
   * @throws TridcommError `E_ENCODING` for what is not UTF-8
   */
  text(): string {
    try {
      return decoder.decode(this.bytes);
    } catch (cause) {
      throw new TridcommError('E_ENCODING', 'payload that is not UTF-8', { cause });
    }
  }

  /**
   * The bytes as JSON. Whoever wrote them may have written anything: a schema makes sure of what it is.
   *
   * @throws TridcommError `E_ENCODING` for what is not JSON in UTF-8
   */
  json(): unknown {
    const text = this.text();
    try {
      return JSON.parse(text) as unknown;
    } catch (cause) {
      throw new TridcommError('E_ENCODING', 'payload that is not JSON', { cause });
    }
  }

  /**
   * Says that the message is done with: it does not come again after a restart. What is said is written down within 50 ms, and at the end
   * of the client, so a crash in between costs a repetition.
   *
   * @throws TridcommError `E_USAGE` for a message that came live: nothing keeps it, so there is nothing to say
   */
  ack(): void {
    this.batch.ackOne(this.index);
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
