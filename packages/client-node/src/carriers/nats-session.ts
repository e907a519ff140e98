import { setImmediate as turn } from 'node:timers/promises';
import { TridcommError, type TopicMatch } from '@tridcomm/core';
import type { CarrierSession, SessionHandlers } from './foreign-carrier.ts';
import { matchPath } from './names.ts';
import { hasBucket, makeBucket, natsError, putValue, readValue, subjectOfAddress } from './nats-bucket.ts';
import { natsStatuses, type NatsStatus } from './nats-statuses.ts';
import type { NatsConnectionLike } from './nats-types.ts';

/** An envelope that the server has not answered for. */
interface Waiting {
  readonly subject: string;
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (error: TridcommError) => void;
}

/** One connection to a NATS server. @spec bindings.17 */
export class NatsSession implements CarrierSession {
  mostBytes: number = 0;
  readonly pushesValues: boolean = false;
  readonly #connection: NatsConnectionLike;
  readonly #handlers: SessionHandlers;
  readonly #statuses: Set<(status: NatsStatus) => void>;
  /** By subject; work by its queue, too. */
  readonly #subscriptions = new Map<string, { unsubscribe(): void }>();
  /** In order; those in front may be on their way. */
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #isFlushing = false;
  /** Subjects that the server does not let us publish to: that holds for as long as a connection. */
  readonly #denied = new Set<string>();
  /** An answer of the server that was not asked for yet. */
  #nextAnswer: Promise<void> | undefined;
  /** Whether there is a bucket: once there is one, that is not asked any more until something goes wrong. */
  #bucket: Promise<boolean> | undefined;
  #making: Promise<void> | undefined;
  #hasBegun = false;
  #isOver = false;
  #giveUp: (error: TridcommError) => void = () => {};

  constructor(connection: NatsConnectionLike, handlers: SessionHandlers) {
    this.#connection = connection;
    this.#handlers = handlers;
    this.#statuses = natsStatuses(connection);
    this.#statuses.add(this.#hear);
  }

  /** @throws TridcommError as {@link ForeignCarrier.open}; `E_TRANSPORT` where there is no connection now, too */
  async begin(signal: AbortSignal | undefined): Promise<void> {
    const connection = this.#connection;
    signal?.throwIfAborted();
    if (connection.isClosed()) throw new TridcommError('E_CLOSED', 'nats: the connection was closed');
    const abort = () => this.#giveUp(signal?.reason as TridcommError);
    try {
      await new Promise<void>((resolve, reject) => {
        this.#giveUp = reject;
        signal?.addEventListener('abort', abort);
        connection.flush().then(resolve, (error: unknown) => reject(natsError(error)));
      });
    } finally {
      signal?.removeEventListener('abort', abort);
    }
    const { info } = connection;
    if (info === undefined) throw lost();
    if (info.jetstream !== true) {
      throw new TridcommError('E_POLICY', 'nats: the server has no JetStream to keep what the authority says');
    }
    this.mostBytes = info.max_payload;
    this.#hasBegun = true;
  }

  get isFull(): boolean {
    return this.#waitingBytes >= mostWaitingBytes;
  }

  async publish(path: readonly string[], envelope: Uint8Array): Promise<void> {
    this.#checkOpen();
    this.#checkSize(envelope);
    const subject = [envelopePrefix, ...path, 'end'].join('.');
    try {
      this.#connection.publish(subject, envelope);
    } catch (error) {
      throw natsError(error);
    }
    await new Promise<void>((resolve, reject) => {
      this.#waiting.push({ subject, bytes: envelope.length, resolve, reject });
      this.#waitingBytes += envelope.length;
      void this.#flush();
    });
  }

  async subscribe(match: TopicMatch): Promise<void> {
    await this.#listen(subjectOfMatch(match), (data) => this.#handlers.onEnvelope(data));
  }

  unsubscribe(match: TopicMatch): void {
    this.#drop(subjectOfMatch(match));
  }

  /** @spec bindings.19 */
  async work(match: TopicMatch): Promise<void> {
    await this.#listen(subjectOfMatch(match), (data) => this.#handlers.onWork(match, data), workQueue);
  }

  endWork(match: TopicMatch): void {
    this.#drop(subjectOfMatch(match), workQueue);
  }

  async watch(address: string): Promise<Uint8Array | undefined> {
    await this.#listen(subjectOfAddress(address), (data) => {
      if (data.length > 0) this.#handlers.onValue(address, data, true);
    });
    return this.read(address);
  }

  async settle(): Promise<void> {
    await this.#answer();
  }

  async put(address: string, value: Uint8Array): Promise<void> {
    this.#checkOpen();
    this.#checkSize(value);
    try {
      await (this.#making ??= this.#makeBucket());
      await putValue(this.#connection, address, value);
    } catch (error) {
      this.#forgetBucket();
      throw error;
    }
  }

  async read(address: string): Promise<Uint8Array | undefined> {
    this.#checkOpen();
    try {
      return (await this.#hasBucket()) ? await readValue(this.#connection, address) : undefined;
    } catch (error) {
      this.#forgetBucket();
      throw error;
    }
  }

  end(): void {
    this.#leave(lost());
  }

  readonly #hear = ({ type, error }: NatsStatus): void => {
    if (type === 'close') this.#fail(new TridcommError('E_CLOSED', 'nats: the connection was closed'));
    else if (type === 'disconnect') this.#fail(lost());
    else if (isDenial(error)) this.#denied.add(error.subject);
  };

  /** @param queue - among whose subscriptions each message goes to one */
  async #listen(subject: string, take: (data: Uint8Array) => void, queue?: string): Promise<void> {
    this.#checkOpen();
    const name = nameOf(subject, queue);
    let refusal: TridcommError | undefined;
    let isTaken = false;
    if (!this.#subscriptions.has(name)) {
      const callback = (error: Error | null, message: { readonly data: Uint8Array }) => {
        if (error === null) {
          if (!this.#isOver) take(message.data);
          return;
        }
        this.#subscriptions.delete(name);
        refusal = natsError(error);
        // A right that was taken away later shows when everything is asked for anew.
        if (isTaken) this.#fail(refusal);
      };
      const options = queue === undefined ? { callback } : { queue, callback };
      this.#subscriptions.set(name, this.#connection.subscribe(subject, options));
    }
    await this.#answer();
    if (refusal !== undefined) throw refusal;
    isTaken = true;
  }

  #drop(subject: string, queue?: string): void {
    const name = nameOf(subject, queue);
    this.#subscriptions.get(name)?.unsubscribe();
    this.#subscriptions.delete(name);
  }

  async #hasBucket(): Promise<boolean> {
    const asked = (this.#bucket ??= hasBucket(this.#connection));
    const isThere = await asked;
    if (!isThere && this.#bucket === asked) this.#bucket = undefined;
    return isThere;
  }

  async #makeBucket(): Promise<void> {
    if (!(await this.#hasBucket())) await makeBucket(this.#connection);
  }

  #forgetBucket(): void {
    this.#bucket = undefined;
    this.#making = undefined;
  }

  /** Resolves when the server has answered behind all that was sent in this turn and before. */
  async #answer(): Promise<void> {
    this.#nextAnswer ??= Promise.resolve().then(async () => {
      this.#nextAnswer = undefined;
      try {
        await this.#connection.flush();
      } catch (error) {
        throw this.#fail(natsError(error));
      }
    });
    await this.#nextAnswer;
  }

  /** Sees to the answers of the server for what was published, until nothing waits. */
  async #flush(): Promise<void> {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    try {
      while (this.#waiting.length > 0) {
        const count = this.#waiting.length;
        await this.#connection.flush();
        // What the server says no to it says before its answer, and the client object tells of it a little later.
        await turn();
        this.#settle(this.#waiting.splice(0, count));
      }
    } catch (error) {
      this.#fail(natsError(error));
    } finally {
      this.#isFlushing = false;
    }
  }

  #settle(answered: readonly Waiting[]): void {
    const wasFull = this.isFull;
    for (const { subject, bytes, resolve, reject } of answered) {
      this.#waitingBytes -= bytes;
      if (this.#denied.has(subject)) reject(new TridcommError('E_POLICY', 'nats: the server does not let us publish'));
      else resolve();
    }
    if (wasFull && !this.isFull && !this.#isOver) this.#handlers.onDrain();
  }

  #fail(error: TridcommError): TridcommError {
    this.#giveUp(error);
    if (this.#isOver) return error;
    this.#isOver = true;
    if (this.#hasBegun) this.#handlers.onEnd(error);
    this.#leave(error);
    return error;
  }

  #leave(error: TridcommError): void {
    this.#isOver = true;
    this.#statuses.delete(this.#hear);
    for (const subscription of this.#subscriptions.values()) subscription.unsubscribe();
    this.#subscriptions.clear();
    for (const { reject } of this.#waiting.splice(0)) reject(lost(error));
  }

  #checkOpen(): void {
    if (this.#isOver) throw lost();
  }

  #checkSize({ length }: Uint8Array): void {
    if (length > this.mostBytes) {
      throw new TridcommError('E_LIMIT', `${length} bytes, and the server takes ${this.mostBytes}`);
    }
  }
}

/** One name for a subscription: a subject has no space. */
function nameOf(subject: string, queue: string | undefined): string {
  return queue === undefined ? subject : `${subject} ${queue}`;
}

function subjectOfMatch(match: TopicMatch): string {
  return [envelopePrefix, ...matchPath(match).map((segment) => segment ?? '*'), '>'].join('.');
}

/** That the server does not let us publish an envelope. */
function isDenial(error: unknown): error is { readonly subject: string } {
  if (typeof error !== 'object' || error === null || !('operation' in error) || !('subject' in error)) return false;
  return error.operation === 'publish' && String(error.subject).startsWith(envelopePrefix);
}

function lost(cause?: unknown): TridcommError {
  return new TridcommError('E_TRANSPORT', 'nats: the connection was lost', { cause });
}

const envelopePrefix = 'tridcomm.v1.e';
/** Of all who take work: who it is for, the subject says. */
const workQueue = 'tridcomm-v1';
const mostWaitingBytes = 4 * 1024 * 1024;
