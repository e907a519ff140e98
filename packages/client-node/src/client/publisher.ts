import { TridcommError } from '@tridcomm/core';
import { limits } from '@tridcomm/core/internal';
import { durabilities } from '@tridcomm/core/link';
import type { Link } from '../links/link.ts';
import { Outbox, type Outgoing } from './outbox.ts';
import { UnacknowledgedError, type Durability, type Receipt } from './publish-outcome.ts';
import { SendQueue, type Batch, type Share, type Sized } from './send-queue.ts';

/** What was sealed: envelopes, in order, and the identities of those that somebody is to hear of. */
export interface Sealed {
  readonly envelopes: readonly Uint8Array[];
  readonly ids: readonly Uint8Array[];
}

/** What one call sends. */
export interface Sending<Item extends Sized> {
  readonly topic: string;
  readonly durability: Durability;
  /** Without a space. What is sealed the same way has the same: such items of one topic share envelopes. */
  readonly kind: string;
  /** 1 or more; not to be changed until it is settled. */
  readonly items: readonly Item[];
  /** Seals items of this call, and of others of its kind and topic; throws what the member refuses with. Without an envelope nothing is sent. */
  readonly seal: (items: readonly Item[]) => Sealed;
}

/** What was begun. */
export interface Begun {
  /** Resolves, with the ids of its envelopes in hex, when they are handed to the socket, or have reached their durability. */
  readonly done: Promise<readonly string[]>;
  /** Takes back what was not sealed, and ends the wait for the rest: `done` rejects with this. */
  cancel(reason: unknown): void;
}

/** What publishing needs of its client. */
export interface PublisherParts {
  /** Seals messages, and gives what it sealed; throws what the member refuses with. */
  readonly seal: (topic: string, payloads: readonly Uint8Array[]) => Sealed;
  /** Undefined while there is no link. */
  readonly link: () => Link | undefined;
  readonly lingerMs: number;
}

/** One call, until its promise is settled. */
interface Call {
  readonly seal: (items: readonly Sized[]) => Sealed;
  readonly addedMs: number;
  /** Messages that are neither sent, where that is enough, nor acknowledged; each as often as its batch has envelopes. */
  unsettled: number;
  readonly ids: string[];
  /** Undefined once it is settled. */
  settle: ((error: unknown) => void) | undefined;
}

/** An envelope that waits for its answer, and whose messages are in it. */
interface Ticket {
  readonly shares: readonly Share<Call>[];
}

/**
 * The sending side of a client: gathers messages into batches as the budget of signatures has it, seals them while there is a link, and
 * sees each to its answer.
 */
export class Publisher {
  readonly #parts: PublisherParts;
  readonly #queue: SendQueue<Call, Sized>;
  readonly #outbox = new Outbox<Ticket>(freshMs, mostUnansweredBytes);
  #openedMs = 0;
  #isPumping = false;
  #isScheduled = false;
  /** Runs where calls are to be taken out that were cancelled. */
  #cancelling: NodeJS.Immediate | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed: TridcommError | undefined;
  /** Calls that are not settled. */
  #calls = 0;
  #onRest: (() => void)[] = [];

  constructor(parts: PublisherParts) {
    this.#parts = parts;
    this.#queue = new SendQueue({ lingerMs: parts.lingerMs });
  }

  /**
   * Publishes messages, in order with the others of their topic and durability.
   *
   * @param payloads - 1 or more; not to be changed until it resolves
   * @returns resolves when they are handed to the socket, or have reached their durability
   */
  async publish(
    topic: string,
    payloads: readonly Uint8Array[],
    durability: Durability,
    signal: AbortSignal | undefined,
  ): Promise<Receipt> {
    const seal = (items: readonly Uint8Array[]) => this.#parts.seal(topic, items);
    const ids = await this.send({ topic, durability, kind: 'message', items: payloads, seal }, signal);
    return { topic, durability, id: ids[0]!, ids };
  }

  /** As {@link begin}, until it is settled or given up. */
  async send<Item extends Sized>(sending: Sending<Item>, signal: AbortSignal | undefined): Promise<readonly string[]> {
    signal?.throwIfAborted();
    const begun = this.begin(sending);
    const abort = () => begun.cancel(signal?.reason);
    signal?.addEventListener('abort', abort);
    try {
      return await begun.done;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  /**
   * Sends items of any kind, in order with the others of their kind, topic and durability.
   *
   * @throws TridcommError `E_LIMIT` where too much waits; `E_CLOSED`
   */
  begin<Item extends Sized>({ topic, durability, kind, items, seal }: Sending<Item>): Begun {
    this.#checkRoom();
    const addedMs = performance.now();
    // Only items of its own kind come to it.
    const sealAny = seal as unknown as Call['seal'];
    const call: Call = { seal: sealAny, addedMs, unsettled: items.length, ids: [], settle: undefined };
    const done = this.#settled(call);
    this.#queue.add(topic, durabilities[durability], items, call, addedMs, kind);
    this.#schedule();
    const cancel = (reason: unknown) => {
      if (call.settle === undefined) return;
      call.settle(reason);
      // To take one out is to look at all, and where one is cancelled many may be: they go together.
      this.#cancelling ??= setImmediate(() => this.#dropSettled());
    };
    return { done, cancel };
  }

  /**
   * Sends an envelope once more that was sealed before, as the same bytes.
   *
   * @param sealedMs - when it was sealed, by the clock of `performance`
   * @returns resolves when the broker has it; rejects as `done` of {@link begin}
   * @spec delivery.13
   */
  async repeat(envelope: Uint8Array, durability: Durability, sealedMs: number): Promise<void> {
    this.#checkRoom();
    const call: Call = { seal: sealsNothing, addedMs: sealedMs, unsettled: 1, ids: [], settle: undefined };
    const done = this.#settled(call);
    const owner = { shares: [{ call, count: 1 }] };
    this.#outbox.add({ envelope, durability: durabilities[durability], sealedMs, owner });
    this.#schedule();
    await done;
  }

  /** Whether so much waits that what can wait should. */
  get isBusy(): boolean {
    return this.#isAbove(mostWaitingBytes / 2);
  }

  /** A link is open. */
  opened(): void {
    this.#openedMs = performance.now();
    this.#queue.release();
    this.pump();
  }

  /** The link is over. */
  lost(): void {
    this.#outbox.reset();
    this.pump();
  }

  /** The member knows something new: what could not be sealed is tried again. */
  changed(): void {
    this.#queue.release();
    this.#schedule();
  }

  /** @throws TridcommError what {@link Outbox.acknowledged} does */
  acknowledged(number: number): void {
    for (const { owner } of this.#outbox.acknowledged(number)) settleShares(owner.shares);
    this.pump();
  }

  /** @throws TridcommError what {@link Outbox.rejected} does */
  rejected(number: number, code: TridcommError['code'], retryMs: number): void {
    const rejected = this.#outbox.rejected(number, code, retryMs, performance.now());
    if (rejected?.isAgain === false) {
      const error = new TridcommError(
        code,
        `the broker did not take the messages${code === 'E_REFUSED' ? saysNotWhy : ''}`,
      );
      for (const { call } of rejected.outgoing.owner.shares) call.settle?.(error);
      this.#dropSettled();
    }
    this.pump();
  }

  /** Resolves when nothing is unsettled. */
  async rest(): Promise<void> {
    if (this.#calls > 0) await new Promise<void>((resolve) => this.#onRest.push(resolve));
  }

  /** Takes nothing any more, and settles everything with an error. */
  close(error: TridcommError): void {
    if (this.#closed !== undefined) return;
    this.#closed = error;
    clearTimeout(this.#timer);
    clearImmediate(this.#cancelling);
    for (const { owner } of this.#outbox.clear()) giveUp(owner, 'the client was closed');
    this.#queue.remove((call) => {
      call.settle?.(error);
      return true;
    });
  }

  /** Sends what may go out now, and comes back when there is more. */
  pump(): void {
    if (this.#isPumping || this.#closed !== undefined) return;
    this.#isPumping = true;
    try {
      this.#dropCancelled();
      const link = this.#parts.link();
      const expired = this.#outbox.expire(performance.now());
      for (const { owner } of expired) giveUp(owner, 'no answer came in time');
      if (expired.length > 0) this.#dropSettled();
      if (link !== undefined) {
        this.#sendAnswered(link);
        while (!link.isFull && !this.#outbox.isFull && this.#parts.link() === link) {
          const batch = this.#queue.take(performance.now());
          if (batch === undefined) break;
          this.#seal(link, batch);
        }
      }
    } finally {
      this.#isPumping = false;
    }
    this.#plan();
  }

  #checkRoom(): void {
    if (this.#closed !== undefined) throw this.#closed;
    if (this.#isAbove(mostWaitingBytes)) {
      throw new TridcommError('E_LIMIT', `${this.#queue.bytes} bytes wait to be sent: await what was sent before`);
    }
  }

  /** Whether more waits; what was cancelled does not. */
  #isAbove(bytes: number): boolean {
    if (this.#queue.bytes > bytes) this.#dropCancelled();
    return this.#queue.bytes > bytes;
  }

  #dropCancelled(): void {
    if (this.#cancelling !== undefined) this.#dropSettled();
  }

  async #settled(call: Call): Promise<readonly string[]> {
    this.#calls++;
    try {
      await new Promise<void>((resolve, reject) => {
        call.settle = (error) => {
          call.settle = undefined;
          if (error === undefined) resolve();
          else reject(error as Error);
        };
      });
    } finally {
      this.#calls--;
      if (this.#calls === 0) for (const rested of this.#onRest.splice(0)) rested();
    }
    return call.ids;
  }

  /** What has to be answered goes out first what is older. */
  #sendAnswered(link: Link): void {
    while (!link.isFull) {
      const next = this.#outbox.next(performance.now());
      if (next === undefined) return;
      send(link, next);
    }
  }

  #seal(link: Link, batch: Batch<Call, Sized>): void {
    let sealed: Sealed;
    try {
      sealed = batch.shares[0]!.call.seal(batch.payloads);
    } catch (error) {
      this.#notSealed(batch, error);
      return;
    }
    const { envelopes, ids } = sealed;
    const names = ids.map((id32) => Buffer.from(id32.subarray(0, 16)).toString('hex'));
    for (const { call } of batch.shares) call.ids.push(...names);
    if (batch.durability === durabilities.none) {
      for (const envelope of envelopes) link.send({ type: 'envelope', durability: durabilities.none, envelope });
      settleShares(batch.shares);
      return;
    }
    if (envelopes.length === 0) {
      settleShares(batch.shares);
      return;
    }
    const sealedMs = performance.now();
    // A batch that became several envelopes is settled when all are, in any order, as one may be sent again; a reject of any settles it at once.
    for (const { call, count } of batch.shares) call.unsettled += count * (envelopes.length - 1);
    for (const envelope of envelopes) {
      this.#outbox.add({ envelope, durability: batch.durability, sealedMs, owner: { shares: batch.shares } });
    }
    this.#sendAnswered(link);
  }

  /** Waits for a right or a view that may still come, and gives up on those who have waited long enough. */
  #notSealed(batch: Batch<Call, Sized>, error: unknown): void {
    const nowMs = performance.now();
    const mayCome = error instanceof TridcommError && passingCodes.has(error.code);
    const payloads: Sized[] = [];
    const shares: Share<Call>[] = [];
    let at = 0;
    for (const share of batch.shares) {
      const { call, count } = share;
      if (mayCome && call.settle !== undefined && nowMs < Math.max(call.addedMs, this.#openedMs) + readyMs) {
        payloads.push(...batch.payloads.slice(at, at + count));
        shares.push(share);
      } else {
        call.settle?.(error);
      }
      at += count;
    }
    const bytes = payloads.reduce((sum, { length }) => sum + length, 0);
    if (shares.length > 0) this.#queue.hold({ ...batch, payloads, shares, bytes }, nowMs, nowMs + againMs);
    this.#dropSettled();
  }

  /** Of a call that failed, or was cancelled, the rest does not go out. */
  #dropSettled(): void {
    clearImmediate(this.#cancelling);
    this.#cancelling = undefined;
    this.#queue.remove((call) => call.settle === undefined);
  }

  /** At the end of this turn: what is published in one turn goes together. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.pump();
    });
  }

  #plan(): void {
    clearTimeout(this.#timer);
    const link = this.#parts.link();
    if (this.#closed !== undefined) return;
    const nowMs = performance.now();
    const times = [this.#outbox.isEmpty ? undefined : nowMs + expiryMs];
    // A full link says by itself when there is room.
    if (link !== undefined && !link.isFull) {
      times.push(this.#outbox.nextMs());
      if (!this.#outbox.isFull) times.push(this.#queue.nextMs(nowMs));
    }
    const dueMs = times.reduce<number>((least, one) => Math.min(least, one ?? Infinity), Infinity);
    if (dueMs !== Infinity) this.#timer = setTimeout(() => this.pump(), Math.max(0, dueMs - nowMs));
  }
}

/** What is sent once more is not sealed once more. */
function sealsNothing(): Sealed {
  throw new TridcommError('E_INTERNAL', 'sealing of what was sealed');
}

function send(link: Link, { envelope, durability }: Outgoing<unknown>): void {
  link.send({ type: 'envelope', durability, envelope });
}

function settleShares(shares: readonly Share<Call>[]): void {
  for (const { call, count } of shares) {
    call.unsettled -= count;
    if (call.unsettled === 0) call.settle?.(undefined);
  }
}

function giveUp({ shares }: Ticket, why: string): void {
  for (const { call } of shares) call.settle?.(new UnacknowledgedError(call.ids, why));
}

/** What may pass by itself: a view, a right or an epoch that is on its way. */
const passingCodes: ReadonlySet<string> = new Set(['E_POLICY', 'E_STALE', 'E_EPOCH']);
const readyMs = 5_000;
const againMs = 100;
/** How long receivers of any clock take an envelope. */
const freshMs = limits.maxAgeMs - limits.skewMs;
const expiryMs = 1_000;
const mostUnansweredBytes = 8 * 1024 * 1024;
const mostWaitingBytes = 16 * 1024 * 1024;
/** Behind the one code that a peer is told for many. */
const saysNotWhy = '; it says not why, but its log does: who may write, its limits, or a disk that does not take them';
