import { TridcommError, type Published } from '@tridcomm/core';
import { limits } from '@tridcomm/core/internal';
import { durabilities } from '@tridcomm/core/link';
import type { Link } from '../links/link.ts';
import { Outbox, type Outgoing } from './outbox.ts';
import { UnacknowledgedError, type Durability, type Receipt } from './publish-outcome.ts';
import { SendQueue, type Batch, type Share } from './send-queue.ts';

/** What was sealed: its identities are of its envelopes, in order. */
export interface Sealed {
  readonly published: Published;
  readonly ids: readonly Uint8Array[];
}

/** What publishing needs of its client. */
export interface PublisherParts {
  /** Seals, and gives what it sealed; throws what the member refuses with. */
  readonly seal: (topic: string, payloads: readonly Uint8Array[]) => Sealed;
  /** Undefined while there is no link. */
  readonly link: () => Link | undefined;
  readonly lingerMs: number;
}

/** One call of the application, until its promise is settled. */
interface Call {
  readonly topic: string;
  readonly durability: Durability;
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
  readonly #queue: SendQueue<Call>;
  readonly #outbox = new Outbox<Ticket>(freshMs, mostUnansweredBytes);
  #openedMs = 0;
  #isPumping = false;
  #isScheduled = false;
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
    signal?.throwIfAborted();
    if (this.#closed !== undefined) throw this.#closed;
    if (this.#queue.bytes > mostWaitingBytes) {
      throw new TridcommError('E_LIMIT', `${this.#queue.bytes} bytes wait to be sent: await what publish returns`);
    }
    const addedMs = performance.now();
    const call: Call = { topic, durability, addedMs, unsettled: payloads.length, ids: [], settle: undefined };
    const abort = () => {
      this.#queue.remove((one) => one === call);
      call.settle?.(signal?.reason);
    };
    this.#calls++;
    try {
      await new Promise<void>((resolve, reject) => {
        call.settle = (error) => {
          call.settle = undefined;
          if (error === undefined) resolve();
          else reject(error as Error);
        };
        signal?.addEventListener('abort', abort);
        this.#queue.add(topic, durabilities[durability], payloads, call, addedMs);
        this.#schedule();
      });
    } finally {
      signal?.removeEventListener('abort', abort);
      this.#calls--;
      if (this.#calls === 0) for (const rested of this.#onRest.splice(0)) rested();
    }
    return { topic, durability, id: call.ids[0]!, ids: call.ids };
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

  /** What has to be answered goes out first what is older. */
  #sendAnswered(link: Link): void {
    while (!link.isFull) {
      const next = this.#outbox.next(performance.now());
      if (next === undefined) return;
      send(link, next);
    }
  }

  #seal(link: Link, batch: Batch<Call>): void {
    let sealed: Sealed;
    try {
      sealed = this.#parts.seal(batch.topic, batch.payloads);
    } catch (error) {
      this.#notSealed(batch, error);
      return;
    }
    const { published, ids } = sealed;
    const names = ids.map((id32) => Buffer.from(id32.subarray(0, 16)).toString('hex'));
    for (const { call } of batch.shares) call.ids.push(...names);
    if (batch.durability === durabilities.none) {
      for (const one of published.envelopes)
        link.send({ type: 'envelope', durability: durabilities.none, envelope: one });
      settleShares(batch.shares);
      return;
    }
    const sealedMs = performance.now();
    // A batch that became several envelopes is settled when all are, in any order, as one may be sent again; a reject of any settles it at once.
    for (const { call, count } of batch.shares) call.unsettled += count * (published.envelopes.length - 1);
    for (const envelope of published.envelopes) {
      this.#outbox.add({ envelope, durability: batch.durability, sealedMs, owner: { shares: batch.shares } });
    }
    this.#sendAnswered(link);
  }

  /** Waits for a right or a view that may still come, and gives up on those who have waited long enough. */
  #notSealed(batch: Batch<Call>, error: unknown): void {
    const nowMs = performance.now();
    const mayCome = error instanceof TridcommError && passingCodes.has(error.code);
    const payloads: Uint8Array[] = [];
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

  /** Of a call that failed the rest does not go out. */
  #dropSettled(): void {
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
