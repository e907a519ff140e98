import {
  isOfUnit,
  TridcommError,
  type Client,
  type ErrorCode,
  type Lease,
  type WorkDelivery,
  type WorkReply,
  type WorkSubscription,
} from '@tridcomm/core';
import { limits } from '@tridcomm/core/internal';
import { Fifo } from './fifo.ts';
import type { PatternParts } from './pattern-parts.ts';
import { Replying } from './replying.ts';
import { RunningWork } from './running-work.ts';
import type { RunResult } from './run-work.ts';
import { WorkMemory } from './work-memory.ts';
import { nameOfUnit, WorkUnit, type Piece } from './work-unit.ts';

/** What a handler may say to who asked while it runs. */
interface Speech {
  /** That it is at it. */
  readonly progress: () => void;
  /** To a dealer; see `RequestContext.say`. */
  readonly say: (body: Uint8Array) => Promise<void>;
}

/** What the work of a topic is made of. */
export interface TopicWorkParts {
  /** `request`: and messages of dealers. */
  readonly kind: 'request' | 'job';
  readonly topic: string;
  readonly concurrency: number;
  /** Units that the broker gives at a time; default as many as the concurrency. */
  readonly capacity?: number | undefined;
  /** Runs the handler. Must not throw or reject. @returns at once where the handler does */
  readonly run: (piece: Piece, unit: WorkUnit, running: RunningWork, speech: Speech) => RunResult | Promise<RunResult>;
  /** It takes nothing any more. */
  readonly onClose: () => void;
}

/**
 * The work of a topic that a client takes, until it is closed: the broker gives it units, their requests or jobs wait for a handler, and the
 * lease of a unit is settled when all of them are done and what was answered has reached the broker.
 *
 * What a router forwards comes in no lease: nobody takes it back, and no capacity bounds it. So of such messages at most 1,024, and 8 MiB of them, wait
 * for a handler; those above it are refused with `E_LIMIT`. They wait on when a link is lost, and where nothing came of one, who dealt it sends it again.
 *
 * What an earlier life of the client may have had comes as what is new does: the effect store, or that the handler is idempotent, stands against
 * a second effect. A unit that came before in this life, and of which nothing is known any more, is given back, and a `status` event tells so.
 *
 * @spec patterns.20, patterns.21, patterns.41, patterns.42, delivery.23, delivery.24
 */
export class TopicWork implements AsyncDisposable {
  readonly topic: string;
  readonly #parts: PatternParts & TopicWorkParts;
  readonly #subscription: WorkSubscription;
  readonly #replying: Replying;
  readonly #memory = new WorkMemory();
  /** What waits for a handler. */
  readonly #queue = new Fifo<Waiting>();
  /** Of what waits, what came in no lease. */
  readonly #news = { count: 0, bytes: 0 };
  /** Handlers that run. */
  readonly #running = new Set<RunningWork>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #isClosing = false;
  #closed: Promise<void> | undefined;
  readonly #onRest: (() => void)[] = [];
  #isOver = false;

  /** @internal */
  constructor(parts: PatternParts & TopicWorkParts) {
    this.topic = parts.topic;
    this.#parts = parts;
    this.#replying = new Replying(parts, (unit) => this.#rested(unit));
    const take = (delivery: WorkDelivery) => this.#take(delivery);
    const { capacity = parts.concurrency } = parts;
    this.#subscription = this.#client.work(parts.topic, Date.now(), take, { capacity });
  }

  /** Handlers that run now. */
  get running(): number {
    return this.#running.size;
  }

  /**
   * Takes nothing any more: what waits goes to others at once. Resolves when the handlers that run have ended, however long that takes, and the
   * broker has their answers; their signals are not aborted, but by their deadlines, and by the end of the client, which ends this wait too. The
   * topic is free for another `respond` or `pull` then.
   */
  async close(): Promise<void> {
    this.#closed ??= this.#close();
    await this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @internal The link is over, and its leases with it. */
  lost(): void {
    if (!this.#hasLeases) return;
    for (const unit of this.#memory.values()) unit.lose();
  }

  /** @internal */
  tick(): void {
    this.#memory.tick(performance.now());
    this.#pump();
  }

  /** @internal Ends at once: nothing is waited for. @param reason - of the signals of handlers that run */
  end(reason: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const running of this.#running) running.stop(reason);
    for (const timer of this.#timers) clearTimeout(timer);
    for (const { pause } of this.#memory.values()) clearTimeout(pause);
    for (const rested of this.#onRest.splice(0)) rested();
  }

  get #client(): Client {
    return this.#parts.client();
  }

  /** On a carrier nobody takes back what it gave. */
  get #hasLeases(): boolean {
    return this.#parts.carrier === undefined;
  }

  async #close(): Promise<void> {
    this.#isClosing = true;
    if (!this.#isOver) this.#subscription.setCapacity(0, Date.now());
    for (const waiting of this.#queue.drain()) {
      this.#waitsNoMore(waiting);
      waiting.unit.move(waiting.piece, 'released');
    }
    for (const unit of this.#memory.values()) this.#rested(unit);
    if (!this.#isAtRest && !this.#isOver) await new Promise<void>((resolve) => this.#onRest.push(resolve));
    if (!this.#isOver) this.#subscription.close(Date.now());
    this.end(new Error('work that was closed'));
    this.#parts.onClose();
  }

  get #isAtRest(): boolean {
    for (const { isIdle } of this.#memory.values()) if (!isIdle) return false;
    return true;
  }

  #take(delivery: WorkDelivery): void {
    const nowMs = performance.now();
    const known = this.#memory.get(nameOfUnit(delivery));
    const error = known === undefined ? this.#refusal(delivery) : undefined;
    if (error !== undefined) {
      this.#parts.tell({ type: 'refused', what: 'envelope', error, groupId16: delivery.groupId16 });
      if (isOfUnit(error)) this.#client.settle(delivery.lease, 'given back');
      else this.#giveBackLater(delivery.lease);
      return;
    }
    const unit = known ?? new WorkUnit(delivery, nowMs);
    unit.delivery = delivery;
    const isNews = this.#parts.isNews();
    // One that came in no lease may come any number of times.
    const isAgain = known !== undefined && isNews && unit.hasEndlessLease;
    if (!isAgain) unit.addLease(delivery.lease, this.#hasLeases && !isNews ? nowMs + leaseMs : Infinity);
    clearTimeout(unit.pause);
    if (known === undefined) this.#memory.add(unit);
    else if (!isNews || unit.mayRepeat(nowMs)) {
      unit.hasLostAnswer = false;
      this.#answerAgain(unit);
    }
    for (const piece of unit.pieces) {
      const isNew = known === undefined || piece.state === 'released';
      if (!isNew) continue;
      if (isNews && this.#isFull) this.#finish(unit, piece, { type: 'full' });
      else this.#wait(unit, piece, isNews);
    }
    this.#pump();
    this.#rested(unit);
  }

  /** Why nothing can be done here with a unit that is not known. */
  #refusal({ kind, verdict }: WorkDelivery): TridcommError | undefined {
    if ((kind === 'job') !== (this.#parts.kind === 'job')) {
      return new TridcommError('E_USAGE', `${kind} on ${this.topic}, of which this client takes ${this.#parts.kind}s`);
    }
    if (verdict !== 'again') return undefined;
    return new TridcommError('E_REPLAY', `${kind} that came before, and nobody knows what became of it`);
  }

  /** What is known of a unit that came again. @spec patterns.25 */
  #answerAgain(unit: WorkUnit): void {
    if (this.#parts.kind !== 'request') return;
    for (const { state, answer, work } of unit.pieces) {
      const { leaf, index } = work;
      if (answer !== undefined) this.#replying.send(unit, answer);
      else if (state === 'waiting' || state === 'running')
        this.#replying.tell(unit, { leaf, index, status: 'in progress' });
    }
  }

  #wait(unit: WorkUnit, piece: Piece, isNews: boolean): void {
    unit.move(piece, 'waiting');
    if (this.#isClosing) {
      unit.move(piece, 'released');
      return;
    }
    this.#queue.push({ unit, piece, isNews });
    if (!isNews) return;
    this.#news.count++;
    this.#news.bytes += piece.work.body.length;
  }

  #waitsNoMore({ piece, isNews }: Waiting): void {
    if (!isNews) return;
    this.#news.count--;
    this.#news.bytes -= piece.work.body.length;
  }

  get #isFull(): boolean {
    return this.#news.count >= mostNews || this.#news.bytes >= mostNewsBytes;
  }

  #pump(): void {
    const { concurrency, publisher } = this.#parts;
    while (this.#queue.size > 0 && this.#running.size < concurrency && !publisher().isBusy) {
      const waiting = this.#queue.shift()!;
      this.#waitsNoMore(waiting);
      const { unit, piece } = waiting;
      if (isLate(piece)) this.#finish(unit, piece, { type: 'late' });
      // Somebody else has it by now: it may come again.
      else if (!unit.hasLease(performance.now())) unit.move(piece, 'released');
      else this.#run(unit, piece);
      this.#rested(unit);
    }
  }

  /** Whoever calls goes on with what comes next, where the handler is done at once. */
  #run(unit: WorkUnit, piece: Piece): void {
    const running = new RunningWork(piece.work.deadlineMs);
    this.#running.add(running);
    unit.move(piece, 'running');
    const { leaf, index } = piece.work;
    const isRunning = () => piece.state === 'running' && !this.#isOver;
    const speech: Speech = {
      progress: () => {
        if (isRunning()) this.#replying.tell(unit, { leaf, index, status: 'in progress' });
      },
      say: async (body) => {
        if (isRunning()) await this.#replying.say(unit, { leaf, index, status: 'news', body });
      },
    };
    const result = this.#parts.run(piece, unit, running, speech);
    if (!(result instanceof Promise)) this.#ran(unit, piece, running, result);
    else {
      void result.then((later) => {
        this.#ran(unit, piece, running, later);
        if (this.#isOver) return;
        this.#pump();
        this.#rested(unit);
      });
    }
  }

  #ran(unit: WorkUnit, piece: Piece, running: RunningWork, result: RunResult): void {
    running.ended();
    this.#running.delete(running);
    if (!this.#isOver) this.#finish(unit, piece, result);
  }

  #finish(unit: WorkUnit, piece: Piece, result: RunResult | { readonly type: 'late' | 'full' }): void {
    const { leaf, index } = piece.work;
    const answer = (reply: WorkReply) => {
      unit.move(piece, 'done');
      if (this.#parts.kind !== 'request') return;
      piece.answer = reply;
      this.#replying.send(unit, reply);
    };
    switch (result.type) {
      case 'done':
        answer({ leaf, index, status: 'final', body: result.result });
        break;
      case 'late':
        answer({ leaf, index, status: 'refused', code: 'E_EXPIRED' });
        break;
      case 'full':
        answer({ leaf, index, status: 'refused', code: 'E_LIMIT' });
        break;
      case 'refused':
        answer({ leaf, index, status: 'refused', code: result.code });
        break;
      case 'failed':
        if (this.#parts.kind === 'job') unit.move(piece, 'released');
        else answer({ leaf, index, status: 'refused', code: codeOf(result.error) });
        break;
      case 'unknown':
        unit.move(piece, 'released');
        break;
      case 'running':
        this.#askLater(unit, piece);
        break;
    }
  }

  /** Somebody else is at it: whoever asked hears that, and this looks again after a while whether it was done. */
  #askLater(unit: WorkUnit, piece: Piece): void {
    const { leaf, index } = piece.work;
    if (this.#parts.kind === 'request') this.#replying.tell(unit, { leaf, index, status: 'in progress' });
    unit.move(piece, 'waiting');
    if (this.#isClosing) {
      unit.move(piece, 'released');
      return;
    }
    this.#later(runningMs, () => {
      this.#wait(unit, piece, false);
      this.#pump();
      this.#rested(unit);
    });
  }

  /** Settles the leases of a unit on which nobody works any more. */
  #rested(unit: WorkUnit): void {
    if (!unit.isIdle || this.#isOver) return;
    if (!unit.isLeft) {
      this.#settle(unit, 'done');
      unit.done();
    } else if (this.#isClosing) this.#settle(unit, 'given back');
    else if (unit.hasLease(performance.now())) {
      clearTimeout(unit.pause);
      unit.pause = setTimeout(() => this.#giveBack(unit), Math.min(mostPauseMs, pauseMs * 2 ** unit.returns));
    }
    // Whether somebody waits first: to ask all units for each of them would take long.
    if (this.#onRest.length > 0 && this.#isAtRest) for (const rested of this.#onRest.splice(0)) rested();
  }

  #giveBack(unit: WorkUnit): void {
    if (!unit.isIdle) return;
    unit.returns++;
    this.#settle(unit, 'given back');
  }

  #settle(unit: WorkUnit, outcome: 'done' | 'given back'): void {
    clearTimeout(unit.pause);
    for (const lease of unit.takeLeases()) this.#client.settle(lease, outcome);
  }

  /** Until then the lease counts against the capacity: while all is refused here, others get more. */
  #giveBackLater(lease: Lease): void {
    if (this.#isClosing) this.#client.settle(lease, 'given back');
    else this.#later(unknownMs, () => this.#client.settle(lease, 'given back'));
  }

  #later(ms: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (!this.#isOver) act();
    }, ms);
    this.#timers.add(timer);
  }
}

/** A request, job or message that waits for a handler. */
interface Waiting {
  readonly unit: WorkUnit;
  readonly piece: Piece;
  /** It came in no lease. */
  readonly isNews: boolean;
}

function isLate({ work: { deadlineMs } }: Piece): boolean {
  return deadlineMs !== 0 && Date.now() > deadlineMs;
}

function codeOf(error: unknown): ErrorCode {
  return (error instanceof TridcommError ? error.outward : undefined) ?? 'E_REFUSED';
}

/** Before the broker takes it back: it is not begun when somebody else may have it by then. */
const leaseMs = limits.leaseMs - 1_000;
/** Before a unit is given back that was not done, longer each time, so that a fault that passes has time to. */
const pauseMs = 250;
const mostPauseMs = 8_000;
const unknownMs = 1_000;
/** Of what came in no lease, and waits: messages, and bytes of their bodies. */
const mostNews = 1_024;
const mostNewsBytes = 8 * 1024 * 1024;
const runningMs = 1_000;
