import { copyOf, equalBytes } from '../bytes/bytes.ts';
import { actions } from '../codepoints/actions.gen.ts';
import { addressTypes } from '../codepoints/address-types.gen.ts';
import { extensions as numbers } from '../codepoints/extensions.gen.ts';
import { matchKinds } from '../codepoints/match-kinds.gen.ts';
import type { Carrier, CarrierReceiver } from '../client/carrier.ts';
import { hexOf } from '../client/hex.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { TridcommError } from '../errors.ts';
import type { AccessList, TopicMatch } from '../keys/access-list.ts';
import { decodeBundle } from '../keys/bundle.ts';
import type { RevocationList } from '../keys/revocation-list.ts';
import { StreamRate } from '../replay/stream-rate.ts';
import { parseEnvelope, type EnvelopeView } from '../wire/envelope.ts';
import { ControlPlane, type ControlPlaneOptions, type TakenObject } from './control-plane.ts';
import { typeOfObject } from './object-form.ts';
import { Retained } from './retained.ts';

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
  | { readonly type: 'ended'; readonly keyId32: Uint8Array; readonly match: TopicMatch };

/** What a relay is made of. */
export interface RelayOptions {
  readonly provider: CryptoProvider;
  readonly authorityId32: Uint8Array;
  readonly now: () => number;
  /** Default 30,000. */
  readonly skewMs?: number;
  readonly log?: (event: RelayEvent) => void;
}

/** A member's side of its link to a relay. */
export interface RelayLink extends Carrier {
  /** Whether the relay still serves it. */
  readonly isOpen: boolean;
  /** Ends the link: nothing is delivered any more. */
  detach(): void;
}

/**
 * The honest broker inside one process: keeps what the authority publishes, and routes envelopes by tag and chain.
 *
 * It verifies all of the control plane by itself, is given no topic and no key, and needs neither. Deliveries come in the order of
 * their causes, one after the other, also where a receiver answers a delivery with a call.
 *
 * @spec principals.22, principals.23, principals.37, principals.38
 */
export class Relay {
  readonly #options: RelayOptions;
  readonly #retained = new Retained();
  readonly #links = new Set<Link>();
  readonly #edges = new Map<string, AccessList>();
  readonly #routes = new Map<string, Set<Link>>();
  readonly #watchers = new Map<string, Set<Link>>();
  readonly #rate: StreamRate;
  #plane: ControlPlane;
  #revoked: RevocationList | undefined;
  /** The highest head that was applied. */
  #floor: ControlPlaneOptions['floor'];
  #outbox: Outgoing[] = [];
  #isDelivering = false;

  constructor(options: RelayOptions) {
    this.#options = options;
    this.#plane = new ControlPlane(options);
    // Seeds are uniform in every provider, so half of one will do for a hash key.
    const { secretKey } = options.provider.generateKeyPair('ed25519');
    this.#rate = new StreamRate({ hashKey16: secretKey.subarray(0, 16) });
  }

  /**
   * Opens a link for a principal, whom the caller has made sure of.
   *
   * @param receiver - gets what the link is due; called inside calls of this relay
   */
  attach(principalKeyId32: Uint8Array, receiver: CarrierReceiver): RelayLink {
    const link = new Link(this, copyOf(principalKeyId32), receiver);
    this.#links.add(link);
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
    let held: readonly TakenObject[];
    try {
      held = this.#judge(bundle, nowMs);
    } catch (error) {
      if (error instanceof TridcommError) this.#log({ type: 'refused', what: 'bundle', from: undefined, error });
      throw error;
    }
    for (const object of held) {
      this.#retained.add(object, nowMs);
      if (object.edge !== undefined) this.#edges.set(object.edge.groupId, object.edge.list);
      if (object.revoked !== undefined) this.#revoked = object.revoked;
    }
    const { policy, head } = this.#plane.trust;
    if (head !== undefined) this.#floor = { headSeq: head.headSeq, headHash32: head.hash32 };
    const groups = policy?.groups ?? [];
    const known = new Set(groups.map(({ groupId16 }) => hexOf(groupId16)));
    for (const groupId of this.#edges.keys()) if (!known.has(groupId)) this.#edges.delete(groupId);
    this.#log({ type: 'bundle', bytes: bundle, objects: held.length });
    this.#enforce();
    for (const { address16, bytes } of held) {
      for (const link of this.#watchers.get(hexOf(address16)) ?? []) this.#outbox.push({ link, address16, bytes });
    }
    this.#deliver();
  }

  /** What is retained under an address, oldest first. */
  retained(address16: Uint8Array): readonly Uint8Array[] {
    return this.#retained.under(address16, this.#options.now());
  }

  /** @internal */
  publish(link: Link, bytes: Uint8Array): void {
    const own = copyOf(bytes);
    try {
      const view = parseEnvelope(own);
      this.#checkPublisher(link, view);
      this.#rate.check(view.header.bytes, this.#options.now());
      const to = this.#receivers(view);
      this.#log({
        type: 'envelope',
        bytes: own,
        from: link.keyId32,
        to: Array.from(to.keys(), ({ keyId32 }) => keyId32),
      });
      for (const [receiver, matches] of to) this.#outbox.push({ link: receiver, matches, bytes: own });
    } catch (error) {
      if (error instanceof TridcommError) this.#log({ type: 'refused', what: 'envelope', from: link.keyId32, error });
      throw error;
    }
    this.#deliver();
  }

  /** @internal */
  subscribe(link: Link, match: TopicMatch): void {
    if (!this.#maySubscribe(link, match)) {
      const error = new TridcommError('E_POLICY', 'subscription that the edge list does not allow');
      this.#log({ type: 'refused', what: 'subscription', from: link.keyId32, error });
      throw error;
    }
    const name = nameOf(match.matchKind, match.level, match.match16);
    link.subscriptions.set(name, { ...match, match16: copyOf(match.match16) });
    placeIn(this.#routes, name, link);
  }

  /** @internal */
  unsubscribe(link: Link, match: TopicMatch): void {
    this.#endSubscription(link, nameOf(match.matchKind, match.level, match.match16));
  }

  /** @internal */
  watch(link: Link, address16: Uint8Array): void {
    const name = hexOf(address16);
    link.watches.add(name);
    placeIn(this.#watchers, name, link);
    this.fetch(link, address16);
  }

  /** @internal */
  fetch(link: Link, address16: Uint8Array): void {
    const address = copyOf(address16);
    for (const bytes of this.retained(address)) this.#outbox.push({ link, address16: address, bytes });
    this.#deliver();
  }

  /** @internal */
  detach(link: Link): void {
    link.isOpen = false;
    this.#links.delete(link);
    for (const name of link.subscriptions.keys()) this.#endSubscription(link, name);
    for (const name of link.watches) this.#watchers.get(name)?.delete(link);
    this.#outbox = this.#outbox.filter((outgoing) => outgoing.link !== link);
  }

  /** Takes every object of a bundle; where one is refused, what the others changed is undone. */
  #judge(bundle: Uint8Array, nowMs: number): TakenObject[] {
    const objects = decodeBundle(bundle)
      .map((object) => ({ ...object, rank: judgingOrder.indexOf(typeOfObject(object.bytes)) }))
      .sort((a, b) => a.rank - b.rank);
    try {
      const taken = objects.map(({ address16, bytes }) => this.#plane.take(address16, bytes, nowMs));
      return taken.filter((one) => one.taken === 'held');
    } catch (error) {
      this.#plane = this.#rebuilt(nowMs);
      throw error;
    }
  }

  /** The plane that follows from what was applied. */
  #rebuilt(nowMs: number): ControlPlane {
    const plane = new ControlPlane({ ...this.#options, floor: this.#floor });
    for (const { address16, bytes } of this.#retained.all(judgingOrder)) {
      try {
        plane.take(address16, bytes, nowMs);
      } catch (error) {
        // Some of it has expired since it was applied.
        if (!(error instanceof TridcommError)) throw error;
      }
    }
    return plane;
  }

  /** @spec principals.22 */
  #checkPublisher(link: Link, { header, extensions }: EnvelopeView): void {
    if (!equalBytes(header.senderId, link.keyId32.subarray(0, 16))) {
      throw new TridcommError('E_POLICY', 'sender that is not the principal of the link');
    }
    const chain = extensions.value(numbers.topicChain);
    for (const list of this.#edges.values()) {
      const { timestampMs, topicTag } = header;
      if (list.allowsEnvelope(link.keyId32, actions.publish, timestampMs, topicTag, chain)) return;
    }
    throw new TridcommError('E_POLICY', 'envelope that no edge entry allows');
  }

  #maySubscribe({ keyId32 }: Link, match: TopicMatch): boolean {
    const nowMs = this.#options.now();
    for (const list of this.#edges.values()) {
      if (list.allowsSubscription(keyId32, actions.subscribe, nowMs, match)) return true;
    }
    return false;
  }

  /** Links that an envelope goes to, each once, with the subscriptions that it is for. */
  #receivers({ header, extensions }: EnvelopeView): Map<Link, string[]> {
    const names = [nameOf(matchKinds.exact, 0, header.topicTag)];
    const chain = extensions.value(numbers.topicChain) ?? nothing;
    for (let level = 0; level < chain.length / 16; level++) {
      names.push(nameOf(matchKinds.prefix, level, chain.subarray(16 * level, 16 * level + 16)));
    }
    const to = new Map<Link, string[]>();
    for (const name of names) {
      for (const link of this.#routes.get(name) ?? []) to.set(link, [...(to.get(link) ?? []), name]);
    }
    return to;
  }

  /** Ends what the lists no longer allow, and the links of who is revoked. @spec principals.38 */
  #enforce(): void {
    for (const link of this.#links) {
      for (const [name, match] of link.subscriptions) {
        if (this.#maySubscribe(link, match)) continue;
        this.#endSubscription(link, name);
        this.#log({ type: 'ended', keyId32: link.keyId32, match });
      }
      const record = this.#plane.trust.principal(link.keyId32);
      if (record !== undefined && this.#revoked?.isRevoked(link.keyId32, record.serial) === true) this.detach(link);
    }
  }

  #endSubscription(link: Link, name: string): void {
    link.subscriptions.delete(name);
    const links = this.#routes.get(name);
    links?.delete(link);
    if (links?.size === 0) this.#routes.delete(name);
  }

  #deliver(): void {
    if (this.#isDelivering) return;
    this.#isDelivering = true;
    try {
      for (let next = this.#outbox.shift(); next !== undefined; next = this.#outbox.shift()) {
        const { link, bytes, address16, matches } = next;
        if (!link.isOpen) continue;
        if (address16 !== undefined) link.receiver.object(address16, bytes);
        // What waits for a subscription that has ended is dropped.
        else if (matches?.some((name) => link.subscriptions.has(name)) === true) link.receiver.envelope(bytes);
      }
    } finally {
      this.#isDelivering = false;
    }
  }

  #log(event: RelayEvent): void {
    this.#options.log?.(event);
  }
}

/** What waits for a link: an object under its address, or an envelope with the names of the subscriptions that it is for. */
interface Outgoing {
  readonly link: Link;
  readonly bytes: Uint8Array;
  readonly address16?: Uint8Array;
  readonly matches?: readonly string[];
}

class Link implements RelayLink {
  readonly keyId32: Uint8Array;
  readonly receiver: CarrierReceiver;
  readonly subscriptions: Map<string, TopicMatch> = new Map();
  readonly watches: Set<string> = new Set();
  isOpen = true;
  readonly #relay: Relay;

  constructor(relay: Relay, keyId32: Uint8Array, receiver: CarrierReceiver) {
    this.#relay = relay;
    this.keyId32 = keyId32;
    this.receiver = receiver;
  }

  publish(envelope: Uint8Array): void {
    this.#check();
    this.#relay.publish(this, envelope);
  }

  subscribe(match: TopicMatch): void {
    this.#check();
    this.#relay.subscribe(this, match);
  }

  unsubscribe(match: TopicMatch): void {
    this.#relay.unsubscribe(this, match);
  }

  watch(address16: Uint8Array): void {
    if (this.isOpen) this.#relay.watch(this, address16);
  }

  fetch(address16: Uint8Array): void {
    if (this.isOpen) this.#relay.fetch(this, address16);
  }

  detach(): void {
    this.#relay.detach(this);
  }

  #check(): void {
    if (!this.isOpen) throw new TridcommError('E_CLOSED', 'link');
  }
}

function nameOf(matchKind: number, level: number, match16: Uint8Array): string {
  return `${matchKind}${level}${hexOf(match16)}`;
}

function placeIn(index: Map<string, Set<Link>>, name: string, link: Link): void {
  const links = index.get(name);
  if (links === undefined) index.set(name, new Set([link]));
  else links.add(link);
}

/** The order in which the objects of one bundle need each other. */
const judgingOrder: readonly number[] = [
  addressTypes.authorityRecord,
  addressTypes.principalRecord,
  addressTypes.keyRecord,
  addressTypes.policy,
  addressTypes.groupRecord,
  addressTypes.writers,
  addressTypes.edgeList,
  addressTypes.enrolment,
  addressTypes.keyBlock,
  addressTypes.groupHead,
  addressTypes.head,
  addressTypes.revocationList,
];
const nothing = new Uint8Array(0);
