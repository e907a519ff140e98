import { TridcommError, type Lease, type TopicMatch, type WorkCarrier, type WorkForm } from '@tridcomm/core';
import { hexOf, limits } from '@tridcomm/core/internal';
import type { LinkMessage } from '@tridcomm/core/link';
import type { Link } from '../links/link.ts';
import { LeaseBound } from './lease-bound.ts';

/** Who asks a broker by way of a link, and gets what it asked for. */
export interface Asker {
  /** Where the broker is to start for a match: 0 for what comes from now on, else a position of its log. */
  from(match: TopicMatch): number;
  /** What is retained under an address that it watches or fetched. */
  object(address16: Uint8Array, object: Uint8Array): void;
  /** Out of the log, for one of its matches. */
  stored(match: TopicMatch, position: number, envelope: Uint8Array): void;
  /** The broker said no, or ended it. */
  refused(match: TopicMatch, error: TridcommError): void;
  /** Does not ask for it any more. */
  dropped(match: TopicMatch): void;
  /** Where it takes work. */
  readonly worker?: WorkAsker;
}

/** Who takes work from a broker by way of a link. */
interface WorkAsker {
  /** @param lease - of the link that is open: where that is over, nothing comes of settling it */
  leased(bytes: Uint8Array, form: WorkForm, lease: Lease): void;
  /** The broker said no, or ended it. */
  refused(match: TopicMatch, error: TridcommError): void;
}

interface Sub {
  readonly carrier: AskerCarrier;
  readonly match: TopicMatch;
  readonly name: string;
}

/** A unit of work as a frame brings it. */
type LeasedMessage = Extract<LinkMessage, { readonly type: 'leased' | 'job' }>;

/**
 * The link to a broker as the carrier of several members: one that lives on news, and one for each reader of the broker's log.
 *
 * Nothing is kept for a link that is lost: who asks is told by `E_CLOSED`, and asks anew on the next.
 */
export class LinkCarrier {
  readonly #onWatchRefused: (error: TridcommError) => void;
  readonly #onUsedUp: (error: TridcommError) => void;
  readonly #carriers = new Set<AskerCarrier>();
  /** By their numbers on the link. */
  readonly #subs = new Map<number, Sub>();
  /** Of the numbers those that are of works, or were. */
  readonly #works = new Map<number, LeaseBound>();
  /** The numbers up to it were given on the link, each once. */
  #lastSub = 0;
  /** Watch frames on the link. */
  #lastWatch = 0;
  #link: Link | undefined;
  #asked = 0;
  /** Addresses that go out together, at the end of the turn. */
  #watches: Uint8Array[] = [];
  #fetches: Uint8Array[] = [];
  #isFlushing = false;

  /**
   * @param onWatchRefused - told what the broker says of addresses that it does not watch
   * @param onUsedUp - told, at the end of the turn, that the link has no more numbers: another one is needed
   */
  constructor(onWatchRefused: (error: TridcommError) => void, onUsedUp: (error: TridcommError) => void) {
    this.#onWatchRefused = onWatchRefused;
    this.#onUsedUp = onUsedUp;
  }

  /** Questions that were asked on all links so far: who waits for answers sees whether there were more. */
  get asked(): number {
    return this.#asked;
  }

  /** Whether everybody may subscribe: see {@link settled}. */
  get isSettled(): boolean {
    return [...this.#carriers].every(({ maySubscribe }) => maySubscribe);
  }

  /** A link is open. Everybody has to ask anew. */
  opened(link: Link): void {
    this.#forget();
    this.#link = link;
  }

  /** The link is over. */
  lost(): void {
    this.#forget();
    this.#link = undefined;
  }

  /** @param publish - what becomes of its envelopes; undefined for a reader, which publishes nothing and waits for {@link settled} */
  join(asker: Asker, publish?: (envelope: Uint8Array) => void): AskerCarrier {
    const carrier = new AskerCarrier(this, asker, publish);
    this.#carriers.add(carrier);
    return carrier;
  }

  /** Its matches end, also at the broker. */
  leave(carrier: AskerCarrier): void {
    this.#carriers.delete(carrier);
    for (const [number, sub] of this.#subs) {
      if (sub.carrier !== carrier) continue;
      this.#subs.delete(number);
      this.#link?.send({ type: 'unsub', sub: number });
    }
  }

  /**
   * The answers to all that was asked up to now have come: readers may subscribe. Before, they would get out of the log what they have no keys
   * for yet, and would pass over it.
   */
  settled(): void {
    for (const carrier of this.#carriers) carrier.maySubscribe = true;
  }

  object(address16: Uint8Array, object: Uint8Array): void {
    const name = hexOf(address16);
    for (const { watched, asker } of this.#carriers) if (watched.has(name)) asker.object(address16, object);
  }

  /**
   * @returns false where nobody asks for it any more, or who asked does not read the log
   * @throws TridcommError `E_ENCODING` for a number that was not given
   * @spec delivery.19
   */
  stored(number: number, position: number, envelope: Uint8Array): boolean {
    checkGiven(number, this.#lastSub);
    const sub = this.#subs.get(number);
    if (sub?.carrier.isPatient !== true) return false;
    sub.carrier.asker.stored(sub.match, position, envelope);
    return true;
  }

  /**
   * Hands over a unit of work; one for work that is over is the broker's again by itself.
   *
   * @throws TridcommError `E_ENCODING` for work that never was; `E_LIMIT` for more than was asked for
   * @spec delivery.29
   */
  leased(message: LeasedMessage): void {
    const { work, lease } = message;
    const bound = this.#works.get(work);
    if (bound === undefined) throw new TridcommError('E_ENCODING', `unit for work ${work}, which never was`);
    const [sub, link] = [this.#subs.get(work), this.#link];
    const isThere = () => sub !== undefined && this.#link === link && this.#subs.get(work) === sub;
    // A carrier knows no capacity: its link bounds what it hands over.
    const settled = isThere() && link?.peer !== undefined ? bound.add(performance.now()) : undefined;
    const settle: Lease['settle'] = (outcome) => {
      settled?.();
      if (isThere()) link!.send({ type: 'settle', work, lease, isDone: outcome === 'done' });
    };
    if (message.type === 'job') sub?.carrier.asker.worker?.leased(message.job, 'job', { settle });
    else sub?.carrier.asker.worker?.leased(message.envelope, 'envelope', { settle });
  }

  /**
   * Makes sure that a reject is one of something that was asked.
   *
   * @throws TridcommError `E_ENCODING`
   * @spec delivery.19
   */
  checkReject({ about, number }: Extract<LinkMessage, { readonly type: 'reject' }>): void {
    checkGiven(number, about === 'watch' ? this.#lastWatch : this.#lastSub);
  }

  rejected({ about, number, code }: Extract<LinkMessage, { readonly type: 'reject' }>): void {
    if (about === 'watch') {
      this.#onWatchRefused(new TridcommError(code, `the broker does not watch what frame ${number} asked for`));
      return;
    }
    const sub = this.#subs.get(number);
    if (sub === undefined) return;
    this.#subs.delete(number);
    sub.carrier.numbers.delete(sub.name);
    const { asker } = sub.carrier;
    if (this.#works.has(number)) {
      asker.worker?.refused(sub.match, new TridcommError(code, 'the broker does not give the work'));
    } else asker.refused(sub.match, new TridcommError(code, 'the broker does not allow the subscription'));
  }

  /** Sends what was asked in this turn, and is otherwise sent at its end. */
  flush(): void {
    const link = this.#link;
    const [watches, fetches] = [this.#watches, this.#fetches];
    this.#watches = [];
    this.#fetches = [];
    if (link === undefined) return;
    for (const [keeps, addresses] of [[true, watches] as const, [false, fetches] as const]) {
      for (let at = 0; at < addresses.length; at += limits.watchAddresses) {
        link.send({ type: 'watch', keeps, addresses: addresses.slice(at, at + limits.watchAddresses) });
        this.#lastWatch++;
      }
    }
  }

  /** @internal */
  subscribe(carrier: AskerCarrier, match: TopicMatch): void {
    const link = this.#requireLink();
    if (!carrier.maySubscribe) throw new TridcommError('E_CLOSED', 'not before what is watched has come');
    const name = nameOfMatch(match);
    // Under a newer policy it is asked for once more: where the broker had ended it, it would have said so.
    if (carrier.numbers.has(name)) return;
    const number = this.#freeNumber(link);
    link.send({ type: 'sub', sub: number, match, from: carrier.asker.from(match) });
    this.#added(number, { carrier, match, name });
  }

  /** @internal */
  unsubscribe(carrier: AskerCarrier, match: TopicMatch): void {
    if (this.#end(carrier, nameOfMatch(match))) carrier.asker.dropped(match);
  }

  /** @internal @spec delivery.22, delivery.23 */
  work(carrier: AskerCarrier, match: TopicMatch, capacity: number): void {
    const link = this.#requireLink();
    const name = nameOfWork(match);
    const number = carrier.numbers.get(name) ?? this.#freeNumber(link);
    link.send({ type: 'work', work: number, match16: match.match16, capacity });
    const bound = this.#works.get(number) ?? new LeaseBound();
    bound.asked(capacity);
    if (carrier.numbers.has(name)) return;
    this.#works.set(number, bound);
    this.#added(number, { carrier, match, name });
  }

  /** @internal */
  endWork(carrier: AskerCarrier, match: TopicMatch): void {
    this.#end(carrier, nameOfWork(match));
  }

  /** @internal */
  ask(carrier: AskerCarrier, address16: Uint8Array, keeps: boolean): void {
    this.#requireLink();
    carrier.watched.add(hexOf(address16));
    (keeps ? this.#watches : this.#fetches).push(address16);
    this.#asked++;
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    queueMicrotask(() => {
      this.#isFlushing = false;
      this.flush();
    });
  }

  #added(number: number, sub: Sub): void {
    this.#lastSub = number;
    this.#asked++;
    this.#subs.set(number, sub);
    sub.carrier.numbers.set(sub.name, number);
  }

  /** @returns whether it was there */
  #end(carrier: AskerCarrier, name: string): boolean {
    const link = this.#requireLink();
    const number = carrier.numbers.get(name);
    if (number === undefined) return false;
    link.send({ type: 'unsub', sub: number });
    this.#subs.delete(number);
    carrier.numbers.delete(name);
    return true;
  }

  #requireLink(): Link {
    if (this.#link === undefined) throw new TridcommError('E_CLOSED', 'there is no link to a broker now');
    return this.#link;
  }

  /** @spec delivery.20 */
  #freeNumber(link: Link): number {
    if (this.#subs.size >= limits.subsPerLink) {
      throw new TridcommError('E_LIMIT', `${this.#subs.size} subscriptions of a link`);
    }
    if (this.#lastSub < mostSubNumber) return this.#lastSub + 1;
    const error = new TridcommError('E_LIMIT', 'the link has no more numbers for subscriptions');
    queueMicrotask(() => {
      if (this.#link === link) this.#onUsedUp(error);
    });
    throw error;
  }

  #forget(): void {
    this.#subs.clear();
    this.#works.clear();
    this.#lastSub = 0;
    this.#lastWatch = 0;
    this.#watches = [];
    this.#fetches = [];
    for (const carrier of this.#carriers) {
      carrier.numbers.clear();
      carrier.maySubscribe = !carrier.isPatient;
    }
  }
}

/** One member's share of a link. */
export class AskerCarrier implements WorkCarrier {
  /** @internal */
  readonly asker: Asker;
  /** @internal Addresses in hex that it asked for. */
  readonly watched: Set<string> = new Set();
  /** @internal Numbers of its subs and works, by the names of their matches. */
  readonly numbers: Map<string, number> = new Map();
  /** @internal Whether it waits for {@link LinkCarrier.settled} on each link. */
  readonly isPatient: boolean;
  /** @internal */
  maySubscribe: boolean;
  readonly #link: LinkCarrier;
  readonly #publish: ((envelope: Uint8Array) => void) | undefined;

  /** @internal */
  constructor(link: LinkCarrier, asker: Asker, publish: ((envelope: Uint8Array) => void) | undefined) {
    this.asker = asker;
    this.isPatient = publish === undefined;
    this.maySubscribe = publish !== undefined;
    this.#link = link;
    this.#publish = publish;
  }

  publish(envelope: Uint8Array): void {
    if (this.#publish === undefined) throw new TridcommError('E_INTERNAL', 'reader that publishes');
    this.#publish(envelope);
  }

  subscribe(match: TopicMatch): void {
    this.#link.subscribe(this, match);
  }

  unsubscribe(match: TopicMatch): void {
    this.#link.unsubscribe(this, match);
  }

  work(match: TopicMatch, capacity: number): void {
    this.#link.work(this, match, capacity);
  }

  endWork(match: TopicMatch): void {
    this.#link.endWork(this, match);
  }

  watch(address16: Uint8Array): void {
    this.#link.ask(this, address16, true);
  }

  fetch(address16: Uint8Array): void {
    this.#link.ask(this, address16, false);
  }
}

/** One name for a match, the same in every life. */
export function nameOfMatch({ matchKind, level, match16 }: TopicMatch): string {
  return `${matchKind}/${level}/${hexOf(match16)}`;
}

/** Work is another question than a sub with its match. */
function nameOfWork(match: TopicMatch): string {
  return `work/${nameOfMatch(match)}`;
}

function checkGiven(number: number, last: number): void {
  if (number > 0 && number <= last) return;
  throw new TridcommError('E_ENCODING', `number ${number}, and ${last} were given`);
}

const mostSubNumber = 0xffff;
