import {
  Client,
  MemoryStore,
  TridcommError,
  type ClientEvent,
  type ClientOptions,
  type ClientStore,
  type Delivery,
  type TopicMatch,
} from '@tridcomm/core';
import { nameOfMatch, type AskerCarrier, type LinkCarrier } from './link-carrier.ts';
import { LogProgress, type LogEntry } from './log-progress.ts';
import type { Acknowledgement } from './message.ts';
import { ReaderStore } from './reader-store.ts';

/** Where a reader starts, and where it writes down how far it is. */
export interface ReaderPlace {
  /** Position of the broker's log, from 1 on; 1 is everything that it holds. */
  readonly begin: number;
  /** Name of a value of the store; undefined for a reader that nobody asks to go on. */
  readonly cursorName: string | undefined;
}

/** What a reader needs of its client. */
export interface ReaderParts {
  readonly member: Omit<ClientOptions, 'carrier' | 'store' | 'onEvent'>;
  /** Of the client. */
  readonly store: ClientStore;
  readonly link: LinkCarrier;
  readonly pattern: string;
  readonly place: ReaderPlace;
  /** @param bytes - that the envelope counts for credit until the application has consumed it */
  readonly onDelivery: (delivery: Delivery, acknowledgement: Acknowledgement, bytes: number) => void;
  /** An envelope that goes to nobody, with the bytes that it counts for credit. */
  readonly onPassed: (bytes: number) => void;
  readonly onRefused: (error: TridcommError) => void;
  readonly onKeyRecord: (bytes: Uint8Array) => void;
  readonly onStoreFailed: (error: unknown) => void;
}

/** An envelope of the log that has not been opened. */
interface Waiting {
  readonly match: string;
  readonly position: number;
  readonly envelope: Uint8Array;
  readonly sinceMs: number;
}

/**
 * Reads a broker's log for one subscription: from where an earlier life was done, in the order of the log for each match, every envelope at
 * least once.
 *
 * It is a member of its own, with what the client's member has stored, as what came as news must not keep the log from being read. What it
 * learns of the authority the client's member learns too, so only its progress is written down, and what it has accepted: one that goes on
 * where an earlier one was done tells what that may have accepted.
 *
 * @spec replay.30, delivery.10
 */
export class LogReader {
  readonly #parts: ReaderParts;
  readonly #client: Client;
  readonly #carrier: AskerCarrier;
  readonly #progress: LogProgress;
  /** In the order in which they came. The first could not be opened yet, or there is none. */
  #waiting: Waiting[] = [];
  #isTaking = false;
  #saveTimer: NodeJS.Timeout | undefined;
  /** The envelope that is being opened. */
  #current: Waiting | undefined;

  constructor(parts: ReaderParts) {
    this.#parts = parts;
    const { member, store, link, pattern, place } = parts;
    this.#progress = new LogProgress(place.begin, readCursor(store, place.cursorName));
    this.#carrier = link.join({
      from: (match) => this.#progress.fromOf(nameOfMatch(match)),
      object: (address16, object) => receiver.object(address16, object),
      stored: (match, position, envelope) => this.#take(match, position, envelope),
      refused: (match, error) => {
        this.#client.subscriptionRefused(match, error, Date.now(), 'log');
        parts.onRefused(error);
      },
      dropped: (match) => this.#progress.drop(nameOfMatch(match)),
    });
    this.#client = new Client({
      ...member,
      carrier: this.#carrier,
      store: storeOf(store, place.cursorName),
      onEvent: (event) => this.#see(event),
    });
    const receiver = this.#client.receiver(() => Date.now());
    this.#client.start(Date.now());
    this.#client.subscribe(pattern, Date.now(), (delivery) => this.#deliver(delivery), { source: 'log' });
  }

  /** The link is another one. */
  reconnected(): void {
    // What was not opened comes again.
    this.#dropWaiting();
    this.#client.reconnected(Date.now());
  }

  tick(nowMs: number): void {
    this.#client.tick(nowMs);
    this.#open();
  }

  /** Ends it, and writes down how far it is. */
  stop(): void {
    clearTimeout(this.#saveTimer);
    this.#save();
    this.#parts.link.leave(this.#carrier);
    this.#client.stop();
    this.#dropWaiting();
  }

  #dropWaiting(): void {
    for (const { envelope } of this.#waiting.splice(0)) this.#parts.onPassed(bytesOf(envelope));
  }

  #take(match: TopicMatch, position: number, envelope: Uint8Array): void {
    this.#waiting.push({ match: nameOfMatch(match), position, envelope, sinceMs: performance.now() });
    if (this.#waiting.length === 1) this.#open();
  }

  /** Opens what waits, up to the first that has to wait for something that may still come. */
  #open(): void {
    if (this.#isTaking) return;
    this.#isTaking = true;
    try {
      for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
        const outcome = this.#openOne(next);
        if (outcome === 'later') break;
        this.#waiting.shift();
        if (outcome === 'passed') this.#parts.onPassed(bytesOf(next.envelope));
      }
    } finally {
      this.#isTaking = false;
    }
  }

  #openOne(waiting: Waiting): 'delivered' | 'passed' | 'later' {
    const { position, envelope, sinceMs } = waiting;
    this.#current = waiting;
    try {
      const delivery = this.#client.stored(envelope, position, Date.now());
      // Of a topic that nobody here wants: the match of a rule is wider than what is subscribed to.
      if (delivery === undefined) this.#pass(waiting);
      return delivery === undefined ? 'passed' : 'delivered';
    } catch (error) {
      if (!(error instanceof TridcommError)) {
        this.#parts.onStoreFailed(error);
        return 'later';
      }
      if (performance.now() - sinceMs < this.#waitsMs(error, envelope)) return 'later';
      this.#pass(waiting);
      // Two matches may bring the same.
      if (error.code !== 'E_REPLAY') this.#parts.onRefused(error);
      return 'passed';
    } finally {
      this.#current = undefined;
    }
  }

  /** How long a refusal is waited out: that of a view that is not fresh for ever, those of what may be on its way for a while. */
  #waitsMs({ code }: TridcommError, envelope: Uint8Array): number {
    if (code === 'E_STALE') return Infinity;
    return this.#client.mayOpenLater(code, envelope, Date.now(), 'log') ? onItsWayMs : 0;
  }

  #deliver(delivery: Delivery): void {
    const { match, position, envelope } = this.#current!;
    // A position is the broker's word alone: what may have been accepted before says so wherever it stands now.
    const isAgain = delivery.verdict === 'redelivered' || this.#progress.isAgain(match, position);
    const verdict = isAgain ? 'redelivered' : 'new';
    const entry = this.#progress.read(match, position, performance.now());
    this.#parts.onDelivery(delivery, { verdict, done: () => this.#done(match, entry) }, bytesOf(envelope));
  }

  #pass({ match, position }: Waiting): void {
    if (this.#progress.passed(match, position)) this.#saveSoon();
  }

  #done(match: string, entry: LogEntry): void {
    if (this.#progress.done(match, entry)) this.#saveSoon();
  }

  #saveSoon(): void {
    if (this.#saveTimer !== undefined) return;
    this.#saveTimer = setTimeout(() => {
      this.#saveTimer = undefined;
      this.#save();
    }, saveMs);
  }

  #save(): void {
    const { store, place } = this.#parts;
    if (place.cursorName === undefined) return;
    try {
      store.put(place.cursorName, Buffer.from(JSON.stringify(this.#progress.store())));
    } catch (error) {
      this.#parts.onStoreFailed(error);
    }
  }

  #see(event: ClientEvent): void {
    // All else the client's own member tells.
    if (event.type === 'keyRecord') this.#parts.onKeyRecord(event.bytes);
    if (event.type === 'view' || event.type === 'fresh') queueMicrotask(() => this.#open());
  }
}

/**
 * What the client's member has stored, in memory, but for what came to it: a reader has accepted other things. What one with a cursor has
 * accepted is written down beside its cursor.
 */
function storeOf(store: ClientStore, cursorName: string | undefined): ClientStore {
  const copy = new MemoryStore();
  for (const [name, value] of store.entries('')) {
    if (!notCopied.some((prefix) => name.startsWith(prefix))) copy.put(name, value);
  }
  if (cursorName === undefined) return copy;
  // In hex, as no name of a pattern may be the beginning of another's.
  return new ReaderStore(copy, store, `${readersPrefix}${Buffer.from(cursorName).toString('hex')}/`);
}

function readCursor(store: ClientStore, name: string | undefined): ReturnType<LogProgress['store']> | undefined {
  const value = name === undefined ? undefined : store.get(name);
  return value && (JSON.parse(Buffer.from(value).toString()) as ReturnType<LogProgress['store']>);
}

/** What the frame counts for credit: the position in front. */
function bytesOf(envelope: Uint8Array): number {
  return envelope.length + 8;
}

const readersPrefix = 'log/';
const notCopied = ['replay/', 'client/', readersPrefix];
const saveMs = 50;
/** What is to open an envelope may be on its way for so long. */
const onItsWayMs = 30_000;
