import { copyOf } from '../bytes/bytes.ts';
import { extensions as numbers } from '../codepoints/extensions.gen.ts';
import { limits } from '../codepoints/limits.gen.ts';
import { matchKinds } from '../codepoints/match-kinds.gen.ts';
import type { WorkOutcome } from '../client/carrier.ts';
import { hexOf } from '../client/hex.ts';
import { matchName } from '../client/routes.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { checkLimit, TridcommError } from '../errors.ts';
import type { TopicMatch } from '../keys/access-list.ts';
import { parseEnvelope, type EnvelopeView } from '../wire/envelope.ts';
import { Deliveries } from './deliveries.ts';
import { Link, type LinkHost, type RelayLink, type RelayReceiver } from './link.ts';
import { RelayState, type JudgedBundle } from './relay-state.ts';
import { isForOne, unitsOf } from './units.ts';
import { WorkQueues, type Dropped } from './work-queues.ts';
import type { Takes, Unit, Work } from './work.ts';

export type { RelayLink } from './link.ts';

/** What a relay saw and did: nothing of it needs a key to know. */
export type RelayEvent =
  | {
      readonly type: 'envelope';
      readonly bytes: Uint8Array;
      readonly from: Uint8Array;
      readonly to: readonly Uint8Array[];
    }
  | {
      readonly type: 'refused';
      readonly what: 'envelope' | 'subscription' | 'bundle';
      readonly from: Uint8Array | undefined;
      readonly error: TridcommError;
    }
  | { readonly type: 'bundle'; readonly bytes: Uint8Array; readonly objects: number }
  /** A unit of work that nobody did: of which tag, and whose, both in hex. */
  | { readonly type: 'dropped'; readonly why: Dropped; readonly tag: string; readonly sender: string }
  | { readonly type: 'ended'; readonly keyId32: Uint8Array; readonly match: TopicMatch }
  /** A receiver threw; everybody else got what was theirs. */
  | { readonly type: 'receiverFailed'; readonly keyId32: Uint8Array; readonly error: unknown };

/** What a relay is made of. */
export interface RelayOptions {
  readonly provider: CryptoProvider;
  readonly authorityId32: Uint8Array;
  readonly now: () => number;
  /** Default 30,000. */
  readonly skewMs?: number;
  /** Gets bytes of its own. It must not throw. */
  readonly log?: (event: RelayEvent) => void;
}

/**
 * The honest broker inside one process: keeps what the authority publishes, and routes envelopes by tag and chain.
 *
 * It verifies all of the control plane by itself, is given no topic and no key, and needs neither. Deliveries come in the order of
 * their causes, one after the other, also where a receiver answers a delivery with a call. What a receiver throws, or does to the bytes
 * that it got, reaches nobody else.
 *
 * @spec principals.22, principals.23, principals.37, principals.38
 */
export class Relay implements LinkHost {
  readonly #options: RelayOptions;
  readonly #state: RelayState;
  readonly #links = new Set<Link>();
  readonly #routes = new Map<string, Set<Link>>();
  readonly #watchers = new Map<string, Set<Link>>();
  readonly #deliveries: Deliveries;
  readonly #queues: WorkQueues;

  constructor(options: RelayOptions) {
    this.#options = options;
    this.#state = new RelayState(options);
    this.#deliveries = new Deliveries(({ keyId32 }, error) => {
      this.#log(() => ({ type: 'receiverFailed', keyId32, error }));
    });
    this.#queues = new WorkQueues({
      mostBytes: limits.workBytes,
      mostSenderBytes: limits.workBytes,
      mostTotalBytes: 4 * limits.workBytes,
      mostLeasedBytes: limits.workBytes,
      onDropped: (why, tag, sender) => this.#log(() => ({ type: 'dropped', why, tag, sender })),
    });
  }

  /**
   * Opens a link for a principal, whom the caller has made sure of. For one that is revoked it is over at once: every call of it throws
   * `E_REVOKED`. A link that the relay ends later throws `E_CLOSED` with the reason as its `cause`.
   *
   * @param receiver - gets what the link is due; called inside calls of this relay
   */
  attach(principalKeyId32: Uint8Array, receiver: RelayReceiver): RelayLink {
    const link = new Link(this, copyOf(principalKeyId32), receiver);
    if (this.#isRevoked(link)) link.end(new TridcommError('E_REVOKED'));
    else this.#links.add(link);
    return link;
  }

  /**
   * Applies what an authority publishes: all of it, or where one object is refused nothing.
   *
   * @throws TridcommError the refusal
   * @spec principals.37
   */
  apply(bundle: Uint8Array): void {
    const nowMs = this.#options.now();
    let judged: JudgedBundle;
    try {
      judged = this.#state.judge(bundle, nowMs);
    } catch (error) {
      if (error instanceof TridcommError)
        this.#log(() => ({ type: 'refused', what: 'bundle', from: undefined, error }));
      throw error;
    }
    const { objects } = judged;
    judged.commit(nowMs);
    this.#log(() => ({ type: 'bundle', bytes: copyOf(bundle), objects: objects.length }));
    this.#enforce();
    for (const { address16, bytes } of objects) {
      for (const link of this.#watchers.get(hexOf(address16)) ?? []) this.#deliveries.object(link, address16, bytes);
    }
    this.#deliveries.run();
  }

  /** Lets time pass: work that was not done in time goes to others. Needed where there is work; about once a second. */
  tick(): void {
    this.#queues.tick(this.#options.now());
    this.#deliveries.run();
  }

  /** What is retained under an address, oldest first; the caller's. */
  retained(address16: Uint8Array): readonly Uint8Array[] {
    return this.#state.retained(address16, this.#options.now()).map((bytes) => copyOf(bytes));
  }

  /** @internal */
  publish(link: Link, bytes: Uint8Array): void {
    const own = copyOf(bytes);
    try {
      const view = parseEnvelope(own);
      const nowMs = this.#options.now();
      this.#state.checkEnvelope(link, view, nowMs);
      const to = isForOne(view) ? new Map<Link, string[]>() : this.#receivers(view);
      if (isForOne(view)) {
        const units = unitsOf(this.#options.provider, view, own);
        this.#queues.offer(hexOf(view.header.topicTag), link.keyId, units, nowMs);
      }
      this.#log(() => ({
        type: 'envelope',
        bytes: copyOf(own),
        from: link.keyId32,
        to: Array.from(to.keys(), ({ keyId32 }) => keyId32),
      }));
      for (const [receiver, matches] of to) this.#deliveries.envelope(receiver, matches, own);
    } catch (error) {
      if (error instanceof TridcommError) {
        this.#log(() => ({ type: 'refused', what: 'envelope', from: link.keyId32, error }));
      }
      throw error;
    }
    this.#deliveries.run();
  }

  /** @internal */
  subscribe(link: Link, match: TopicMatch): void {
    if (!this.#maySubscribe(link, match)) {
      const error = new TridcommError('E_POLICY', 'subscription that the edge list does not allow');
      this.#log(() => ({ type: 'refused', what: 'subscription', from: link.keyId32, error }));
      throw error;
    }
    const name = matchName(match);
    link.subscriptions.set(name, { ...match, match16: copyOf(match.match16) });
    placeIn(this.#routes, name, link);
  }

  /** @internal */
  unsubscribe(link: Link, match: TopicMatch): void {
    this.#endSubscription(link, matchName(match));
  }

  /** @internal @spec delivery.22, delivery.23 */
  work(link: Link, match: TopicMatch, capacity: number): void {
    const takes = this.#takesOf(link, match);
    if (takes === undefined || !link.receiver.leased) {
      const error = new TridcommError('E_POLICY', 'work that the edge list does not allow');
      this.#log(() => ({ type: 'refused', what: 'subscription', from: link.keyId32, error }));
      throw error;
    }
    const name = matchName(match);
    const nowMs = this.#options.now();
    let held = link.works.get(name);
    if (held === undefined) {
      const send = (unit: Unit, lease: number) => this.#lease(link, work, unit, lease);
      const work: Work = this.#queues.add(link.taker, hexOf(match.match16), takes, send);
      held = { match: { ...match, match16: copyOf(match.match16) }, work };
      link.works.set(name, held);
    }
    this.#queues.setCapacity(held.work, capacity, nowMs);
    this.#deliveries.run();
  }

  /** @internal */
  endWork(link: Link, match: TopicMatch): void {
    this.#endWork(link, matchName(match));
    this.#deliveries.run();
  }

  /** @internal @throws TridcommError `E_LIMIT` for more than one link may watch */
  watch(link: Link, address16: Uint8Array): void {
    const name = hexOf(address16);
    if (!link.watches.has(name)) checkLimit('watches of a link', link.watches.size + 1, mostWatches);
    link.watches.add(name);
    placeIn(this.#watchers, name, link);
    this.fetch(link, address16);
  }

  /** @internal @throws TridcommError `E_LIMIT` while too much waits for the link */
  fetch(link: Link, address16: Uint8Array): void {
    checkLimit('objects that wait for a link', link.waitingObjects, mostWaitingObjects);
    const address = copyOf(address16);
    for (const bytes of this.#state.retained(address, this.#options.now())) {
      this.#deliveries.object(link, address, bytes);
    }
    this.#deliveries.run();
  }

  /** @internal */
  detach(link: Link): void {
    this.#end(link, new TridcommError('E_CLOSED', 'link that was detached'));
    this.#deliveries.run();
  }

  #end(link: Link, reason: TridcommError): void {
    link.end(reason);
    this.#links.delete(link);
    for (const name of link.subscriptions.keys()) this.#endSubscription(link, name);
    for (const name of link.works.keys()) this.#endWork(link, name);
    for (const name of link.watches) removeFrom(this.#watchers, name, link);
    link.watches.clear();
    this.#deliveries.drop(link);
  }

  #maySubscribe(link: Link, match: TopicMatch): boolean {
    return this.#state.maySubscribe(link, match, this.#options.now());
  }

  #takesOf(link: Link, match: TopicMatch): Takes | undefined {
    return match.matchKind === matchKinds.exact ? this.#state.takesOf(link, match, this.#options.now()) : undefined;
  }

  /** @spec principals.24 */
  #isRevoked({ keyId32 }: Link): boolean {
    return this.#state.isRevoked(keyId32, this.#state.trust.principal(keyId32)?.serial ?? 0);
  }

  /** Links that an envelope goes to, each once, with the subscriptions that it is for. */
  #receivers({ header, extensions }: EnvelopeView): Map<Link, string[]> {
    const to = new Map<Link, string[]>();
    const add = (name: string) => {
      for (const link of this.#routes.get(name) ?? []) {
        const names = to.get(link);
        if (names === undefined) to.set(link, [name]);
        else names.push(name);
      }
    };
    add(matchName({ matchKind: matchKinds.exact, level: 0, match16: header.topicTag }));
    const chain = extensions.value(numbers.topicChain) ?? nothing;
    for (let level = 0; level < chain.length / 16; level++) {
      const match16 = chain.subarray(16 * level, 16 * level + 16);
      add(matchName({ matchKind: matchKinds.prefix, level, match16 }));
    }
    return to;
  }

  /** Ends what the lists no longer allow, and the links of who is revoked. @spec principals.38 */
  #enforce(): void {
    // What one loses must not go to another that loses its right with it.
    this.#queues.hold(() => {
      for (const link of this.#links) this.#enforceAt(link);
    }, this.#options.now());
  }

  #enforceAt(link: Link): void {
    for (const [name, match] of link.subscriptions) {
      if (this.#maySubscribe(link, match)) continue;
      this.#endSubscription(link, name);
      this.#log(() => ({ type: 'ended', keyId32: link.keyId32, match }));
    }
    for (const [name, { match, work }] of link.works) {
      const takes = this.#takesOf(link, match);
      if (takes !== undefined) {
        this.#queues.setTakes(work, takes, this.#options.now());
        continue;
      }
      this.#endWork(link, name);
      this.#log(() => ({ type: 'ended', keyId32: link.keyId32, match }));
    }
    if (!this.#isRevoked(link)) return;
    const cause = new TridcommError('E_REVOKED');
    this.#end(link, new TridcommError('E_CLOSED', 'link that the relay ended', { cause }));
  }

  #endSubscription(link: Link, name: string): void {
    link.subscriptions.delete(name);
    removeFrom(this.#routes, name, link);
  }

  #lease(link: Link, work: Work, unit: Unit, number: number): void {
    const settle = (outcome: WorkOutcome) => {
      this.#queues.settle(work, number, outcome === 'done', this.#options.now());
      this.#deliveries.run();
    };
    this.#deliveries.unit(link, { unit, work, number, lease: { settle } });
  }

  #endWork(link: Link, name: string): void {
    const held = link.works.get(name);
    if (held === undefined) return;
    link.works.delete(name);
    this.#queues.delete(held.work, this.#options.now());
  }

  #log(event: () => RelayEvent): void {
    this.#options.log?.(event());
  }
}

function placeIn(index: Map<string, Set<Link>>, name: string, link: Link): void {
  const links = index.get(name);
  if (links === undefined) index.set(name, new Set([link]));
  else links.add(link);
}

function removeFrom(index: Map<string, Set<Link>>, name: string, link: Link): void {
  const links = index.get(name);
  links?.delete(link);
  if (links?.size === 0) index.delete(name);
}

/** Addresses that one link may watch. */
const mostWatches = 4_096;
/** As many as one link may watch, and a few under each address. */
const mostWaitingObjects = 4 * mostWatches;
const nothing = new Uint8Array(0);
