import { TridcommError, type TopicMatch } from '@tridcomm/core';
import { hexOf } from '@tridcomm/core/internal';
import { durabilities, type LinkMessage } from '@tridcomm/core/link';
import type { Link, LinkHandlers } from '../links/link.ts';
import type { CarrierSession, ForeignCarrier, SessionHandlers } from './foreign-carrier.ts';
import { envelopePath } from './names.ts';
import { CarrierWorks } from './carrier-works.ts';
import { OrderedAnswers } from './ordered-answers.ts';
import { OrderedValues } from './ordered-values.ts';
import { decodeValue } from './retained-value.ts';

/** A carrier in place of the address of a broker. */
export interface CarrierTarget {
  readonly carrier: ForeignCarrier;
  /** Told what came and was neither opened nor kept. */
  readonly onRefused: (what: 'envelope' | 'object', error: TridcommError) => void;
}

/**
 * Opens what stands for a link where the broker is somebody else's: it answers what a member says on a link by what the carrier does. Unlike
 * `openLink` it waits for as long as the carrier's client object is not connected.
 *
 * @param creditBytes - of envelopes that may come before more is granted
 * @throws TridcommError what {@link ForeignCarrier.open} does
 * @spec bindings.15
 */
export async function openCarrierLink(
  { carrier, onRefused }: CarrierTarget,
  { creditBytes = 0 }: { readonly creditBytes?: number },
  handlers: Pick<LinkHandlers, 'onMessage' | 'onDrain' | 'onEnd'> & { onOpen(link: Link): void },
  signal?: AbortSignal,
): Promise<void> {
  const link = new CarrierLink(handlers, onRefused, creditBytes);
  link.begin(await carrier.open(link, signal));
  handlers.onOpen(link);
}

class CarrierLink implements Link, SessionHandlers {
  /** Nobody shows who they are. */
  readonly peer: undefined;
  readonly #handlers: Pick<LinkHandlers, 'onMessage' | 'onDrain' | 'onEnd'>;
  readonly #onRefused: CarrierTarget['onRefused'];
  #session!: CarrierSession;
  #isOpen = false;
  #isOver = false;
  /** What it ended with before it was open. */
  #ended: TridcommError | undefined;
  readonly #numbered = new OrderedAnswers();
  /** What is asked for by a sub, by its number. */
  readonly #subs = new Map<number, Extract<LinkMessage, { readonly type: 'sub' }>>();
  readonly #works = new CarrierWorks(mostWorkBytes);
  /** Questions whose answers have not come. */
  readonly #asked = new Set<Promise<unknown>>();
  #lastWatch = 0;
  readonly #values = new OrderedValues((address, value) => this.#handOver(address, value));
  /** The objects that were handed over last for an address. */
  readonly #lastObjects = new Map<string, readonly Uint8Array[]>();
  /** Addresses whose value is news. */
  readonly #news = new Set<string>();
  #grantedBytes: number;
  #receivedBytes = 0;
  /** Matches may overlap, and then a server sends the same twice in a row. */
  #lastEnvelope: Uint8Array = new Uint8Array(0);

  constructor(
    handlers: Pick<LinkHandlers, 'onMessage' | 'onDrain' | 'onEnd'>,
    onRefused: CarrierTarget['onRefused'],
    creditBytes: number,
  ) {
    this.#handlers = handlers;
    this.#onRefused = onRefused;
    this.#grantedBytes = creditBytes;
  }

  /** @throws TridcommError where the session is over already */
  begin(session: CarrierSession): void {
    this.#session = session;
    if (this.#ended !== undefined) throw this.#ended;
    this.#isOpen = true;
  }

  get isFull(): boolean {
    return this.#session.isFull;
  }

  get mostBytes(): number {
    return this.#session.mostBytes;
  }

  send(message: LinkMessage): void {
    if (this.#isOver) throw new TridcommError('E_CLOSED', 'the connection to the carrier is over');
    switch (message.type) {
      case 'envelope':
        this.#publish(message.envelope, message.durability);
        break;
      case 'sub':
        this.#subscribe(message);
        break;
      case 'unsub': {
        const sub = this.#subs.get(message.sub);
        this.#subs.delete(message.sub);
        if (sub !== undefined) this.#session.unsubscribe(sub.match);
        const work = this.#works.delete(message.sub);
        if (work?.isAsked === true) this.#session.endWork(work.match);
        break;
      }
      case 'work':
        this.#work(message);
        break;
      case 'settle':
        this.#works.settled(message.work, message.lease);
        break;
      case 'watch':
        this.#watch(message.addresses);
        break;
      case 'credit':
        this.#grantedBytes = Math.max(this.#grantedBytes, message.bytes);
        break;
      case 'ping':
        void this.#pong(message.token);
        break;
      case 'ack':
      case 'reject':
      case 'stored':
      case 'leased':
      case 'job':
      case 'object':
      case 'bundle':
      case 'close':
        throw new TridcommError('E_INTERNAL', `${message.type} from a member`);
    }
  }

  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#session.end();
  }

  /** @spec bindings.8, bindings.16 */
  onEnvelope(bytes: Uint8Array): void {
    if (this.#isOver || Buffer.compare(bytes, this.#lastEnvelope) === 0) return;
    this.#lastEnvelope = bytes;
    if (this.#receivedBytes + bytes.length > this.#grantedBytes) {
      this.#onRefused('envelope', new TridcommError('E_LIMIT', 'more came than the window of the client takes'));
      return;
    }
    this.#receivedBytes += bytes.length;
    this.#tell({ type: 'envelope', durability: 0, envelope: bytes });
  }

  /** @spec bindings.8, bindings.16 */
  onWork(match: TopicMatch, bytes: Uint8Array): void {
    if (this.#isOver) return;
    const leased = this.#works.add(match, bytes);
    if (leased === 'full') {
      this.#onRefused('envelope', new TridcommError('E_LIMIT', 'more work came than is held for who does it'));
    } else if (leased !== undefined) this.#tell({ type: 'leased', ...leased, envelope: bytes });
  }

  onValue(address: string, value: Uint8Array, isNews: boolean): void {
    if (this.#isOver) return;
    if (isNews) this.#news.add(address);
    this.#values.came(address, value);
  }

  onDrain(): void {
    if (!this.#isOver) this.#handlers.onDrain();
  }

  onEnd(error: TridcommError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#isOpen) this.#handlers.onEnd(error, 0);
    else this.#ended = error;
  }

  /** @spec bindings.10 */
  #handOver(address: string, value: Uint8Array): void {
    const address16 = new Uint8Array(Buffer.from(address, 'hex'));
    let objects: readonly Uint8Array[];
    try {
      objects = decodeValue(address16, value);
    } catch (error) {
      this.#onRefused('object', error as TridcommError);
      return;
    }
    const before = this.#news.delete(address) ? (this.#lastObjects.get(address) ?? []) : [];
    this.#lastObjects.set(address, objects);
    for (const [i, object] of objects.entries()) {
      // What stood there before is no news; but the newest may have been refused for want of something else.
      if (i < objects.length - 1 && before.some((other) => Buffer.compare(other, object) === 0)) continue;
      this.#tell({ type: 'object', address16, object });
    }
  }

  /** @spec bindings.12 */
  #publish(envelope: Uint8Array, durability: number): void {
    if (durability === durabilities.none) {
      this.#session.publish(envelopePath(envelope), envelope, false).catch((error: unknown) => {
        if (isRefusal(error) && !this.#isOver) this.#onRefused('envelope', error);
      });
      return;
    }
    const number = this.#numbered.give();
    const answered = (refusal?: TridcommError) => {
      if (this.#isOver) return;
      if (refusal !== undefined) this.#reject('numbered', number, refusal);
      const upTo = this.#numbered.answer(number);
      if (upTo !== undefined) this.#tell({ type: 'ack', number: upTo });
    };
    const taken =
      durability === durabilities.memory
        ? this.#session.publish(envelopePath(envelope), envelope, true)
        : Promise.reject(new TridcommError('E_POLICY', 'a carrier has no durability but memory'));
    taken.then(
      () => answered(),
      (error: unknown) => {
        if (isRefusal(error)) answered(error);
      },
    );
  }

  /** @spec bindings.13 */
  #subscribe(sub: Extract<LinkMessage, { readonly type: 'sub' }>): void {
    const taken =
      sub.from === 0
        ? this.#session.subscribe(sub.match)
        : Promise.reject(new TridcommError('E_POLICY', 'a carrier has no log'));
    this.#subs.set(sub.sub, sub);
    this.#ask(taken, (error) => {
      if (this.#subs.delete(sub.sub)) this.#reject('sub', sub.sub, error);
    });
  }

  /** A server knows no capacity but some and none. */
  #work({ work: number, match16, capacity }: Extract<LinkMessage, { readonly type: 'work' }>): void {
    const work = this.#works.find(number, match16);
    if (capacity > 0 === work.isAsked) return;
    work.isAsked = capacity > 0;
    if (!work.isAsked) {
      this.#session.endWork(work.match);
      return;
    }
    this.#ask(this.#session.work(work.match), (error) => {
      if (this.#works.delete(number) !== undefined) this.#reject('sub', number, error);
    });
  }

  #watch(addresses: readonly Uint8Array[]): void {
    const number = ++this.#lastWatch;
    let isRefused = false;
    for (const address16 of addresses) {
      if (!this.#session.pushesValues && !this.#values.ask(address16)) continue;
      this.#ask(this.#valueOf(hexOf(address16)), (error) => {
        if (!isRefused) this.#reject('watch', number, error);
        isRefused = true;
      });
    }
  }

  async #valueOf(address: string): Promise<void> {
    let value: Uint8Array | undefined;
    try {
      value = await this.#session.watch(address);
    } finally {
      this.#values.answered(address, value);
    }
  }

  /** @param refused - called where the server says no; what fails otherwise is asked for again by whoever misses the answer */
  #ask(question: Promise<unknown>, refused: (error: TridcommError) => void): void {
    const answered = question.catch((error: unknown) => {
      if (!this.#isOver && isRefusal(error)) refused(error);
    });
    this.#asked.add(answered);
    void answered.finally(() => this.#asked.delete(answered));
  }

  /** Answers when the answers to all questions up to now have been handed over. */
  async #pong(token: number): Promise<void> {
    try {
      await Promise.all(this.#asked);
      await this.#session.settle();
    } catch {
      // The connection is over, or the server does not answer: neither does this.
      return;
    }
    this.#tell({ type: 'ping', answers: true, token, timeMs: Date.now() });
  }

  #reject(about: 'numbered' | 'sub' | 'watch', number: number, { code }: TridcommError): void {
    this.#tell({ type: 'reject', about, number, code, retryMs: 0 });
  }

  #tell(message: LinkMessage): void {
    if (this.#isOver) return;
    try {
      this.#handlers.onMessage(message);
    } catch (error) {
      this.close();
      const reason =
        error instanceof TridcommError ? error : new TridcommError('E_INTERNAL', undefined, { cause: error });
      this.#handlers.onEnd(reason, 0);
    }
  }
}

/** Of units that wait for their handlers. */
const mostWorkBytes = 16 * 1024 * 1024;

/** Not that the connection is lost: then the session ends, and what was not answered is sent again on the next. */
function isRefusal(error: unknown): error is TridcommError {
  return error instanceof TridcommError && error.code !== 'E_TRANSPORT';
}
