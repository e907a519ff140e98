import { Authority } from '../authority/authority.ts';
import { Client } from '../client/client.ts';
import type { ClientEvent } from '../client/events.ts';
import { Identity } from '../client/identity.ts';
import type { ClientStore } from '../client/store.ts';
import { nobleProvider } from '../crypto/noble.ts';
import type { CryptoProvider, RandomSource } from '../crypto/provider.ts';
import { TridcommError } from '../errors.ts';
import { Relay, type RelayLink } from '../relay/relay.ts';
import { LocalRelay } from './local-relay.ts';
import { LocalMember } from './member.ts';
import { randomOf } from './random.ts';
import { Recent } from './recent.ts';

/** Adjusts a local network. */
export interface LocalNetworkOptions {
  /** Default that of `@tridcomm/core/noble`. */
  readonly provider?: CryptoProvider;
  /** Default the platform's clock, ms. */
  readonly now?: () => number;
  /** Default the provider's own source. */
  readonly random?: RandomSource;
}

/** Who may do what with the topics of a pattern. */
export interface Access {
  readonly write?: readonly LocalMember[];
  readonly read?: readonly LocalMember[];
}

/**
 * A real authority, a real broker and real members inside one process, without sockets and timers: nothing waits, and time passes when
 * something is called.
 *
 * @example
 * const network = await LocalNetwork.create();
 * const alice = network.join('alice'), bob = network.join('bob');
 * network.allow('orders/**', { write: [alice], read: [bob] });
 * const orders = bob.subscribe('orders/**');
 * alice.publish('orders/new', 'two coffees');
 * for (const message of orders.received()) console.log(message.text(), message.sender.name);
 */
export class LocalNetwork {
  readonly authority: Authority;
  /** The broker, and what it saw. */
  readonly relay: LocalRelay;
  readonly #provider: CryptoProvider;
  readonly #random: RandomSource;
  readonly #clock: () => number;
  readonly #startMs: number;
  readonly #members: LocalMember[] = [];
  readonly #groups = new Map<string, Uint8Array>();
  readonly #renewals = new Map<LocalMember, number>();
  readonly #links = new Map<LocalMember, RelayLink>();
  #tickedMs = -Infinity;
  #isTicking = false;

  private constructor({ provider = nobleProvider, now = Date.now, random = randomOf(provider) }: LocalNetworkOptions) {
    this.#provider = provider;
    this.#random = random;
    this.#clock = now;
    this.#startMs = now();
    // The first bundle comes before the relay can know whose it is.
    let apply = (bundle: Uint8Array): void => void early.push(bundle);
    const early: Uint8Array[] = [];
    this.authority = Authority.create({ provider, random, publish: (bundle) => apply(bundle) }, this.#startMs);
    const { authorityId32 } = this.authority;
    this.relay = new LocalRelay((log) => new Relay({ provider, authorityId32, now, log }));
    apply = (bundle) => this.relay.relay.apply(bundle);
    for (const bundle of early) apply(bundle);
  }

  /** A network of nobody yet. */
  static async create(options: LocalNetworkOptions = {}): Promise<LocalNetwork> {
    return Promise.resolve(new LocalNetwork(options));
  }

  /**
   * Makes a principal and a member that acts for it.
   *
   * @param store - makes the member durable; one of an earlier life brings its identity with it. Of each stream that was running, up to 64
   *   envelopes are refused after a restart: what may have been seen is not taken twice (replay.22)
   */
  join(name: string, store?: ClientStore): LocalMember {
    const nowMs = this.#now();
    const [provider, random] = [this.#provider, this.#random];
    const { authorityId32 } = this.authority;
    const stored = store?.get('identity');
    const identity = stored ? Identity.restore(provider, random, stored) : Identity.create(provider, random, nowMs);
    this.authority.issue(identity.key, { name }, nowMs);
    if (stored === undefined) this.authority.takeKeyRecord(identity.keyRecord(authorityId32, 1, nowMs), nowMs);
    const events = new Recent<ClientEvent>(bytesOfEvent);
    const link = this.relay.relay.attach(identity.key.keyId32, {
      envelope: (bytes) => receiver.envelope(bytes),
      object: (address16, bytes) => receiver.object(address16, bytes),
    });
    const client = new Client({
      provider,
      random,
      authorityId32,
      identity,
      carrier: link,
      // A member that was here before has had an earlier life, unless its store tells all of it.
      startMs: stored === undefined ? this.#startMs : nowMs,
      ...(store !== undefined && { store }),
      onEvent: (event) => {
        events.add(event);
        if (event.type === 'keyRecord') this.authority.takeKeyRecord(event.bytes, this.#clock());
      },
    });
    const receiver = client.receiver(this.#clock);
    client.start(nowMs);
    const member = new LocalMember(name, client, events, () => this.#now());
    this.#members.push(member);
    this.#renewals.set(member, nowMs + renewMs);
    this.#links.set(member, link);
    return member;
  }

  /** Ends a member's process, as a crash would: what it stored stays. */
  leave(member: LocalMember): void {
    const at = this.#members.indexOf(member);
    if (at >= 0) this.#members.splice(at, 1);
    this.#renewals.delete(member);
    member.end();
    this.#links.get(member)?.detach();
  }

  /**
   * Lets members write and read the topics of a pattern, which are a group of their own: who reads some of them reads all.
   *
   * @param pattern - a topic, or literal segments and `**`
   * @throws TridcommError `E_POLICY` for a pattern that overlaps that of another group
   */
  allow(pattern: string, { write = [], read = [] }: Access): void {
    checkMembers(write);
    checkMembers(read);
    const nowMs = this.#now();
    if (!this.#groups.has(pattern)) this.#groups.set(pattern, this.authority.addGroup({ patterns: [pattern] }, nowMs));
    const grants = [
      ...write.map((member) => ({ member, action: 'publish' as const })),
      ...read.map((member) => ({ member, action: 'subscribe' as const })),
    ].map(({ member, action }) => ({ keyId32: member.client.keyId32, action, pattern }));
    this.authority.grantAll(grants, nowMs);
    this.#now();
  }

  /** Takes back what {@link allow} gave. */
  disallow(pattern: string, { write = [], read = [] }: Access): void {
    const nowMs = this.#now();
    const withdraw = (members: readonly LocalMember[], action: 'publish' | 'subscribe') => {
      for (const { client } of members) this.authority.withdraw({ keyId32: client.keyId32, action, pattern }, nowMs);
    };
    withdraw(write, 'publish');
    withdraw(read, 'subscribe');
  }

  /** Ends all rights of a principal, at once. */
  revoke(member: LocalMember): void {
    this.#renewals.delete(member);
    this.authority.revoke(member.client.keyId32, this.#now());
  }

  /** The next epoch of the group of a pattern, at once. */
  rotate(pattern: string): void {
    this.authority.rotate(this.groupId(pattern), this.#now());
  }

  /**
   * The group of a pattern; 16 bytes.
   *
   * @throws TridcommError `E_USAGE` for a pattern that was not allowed before
   */
  groupId(pattern: string): Uint8Array {
    const groupId16 = this.#groups.get(pattern);
    if (groupId16 === undefined) throw new TridcommError('E_USAGE', 'pattern of no group');
    return groupId16;
  }

  /** Lets the time pass that has passed: done by every call, so that it is needed by none. */
  tick(): void {
    this.#now();
  }

  /** The clock, when everybody has acted on it. */
  #now(): number {
    const nowMs = this.#clock();
    const isDue = nowMs >= this.#tickedMs + tickMs || nowMs >= this.authority.nextTickMs(nowMs);
    // Members act inside the tick, and may call the network.
    if (!isDue || this.#isTicking) return nowMs;
    this.#isTicking = true;
    const thrown: unknown[] = [];
    try {
      this.#tickedMs = nowMs;
      this.authority.tick(nowMs);
      for (const member of this.#members) {
        const dueMs = this.#renewals.get(member);
        if (dueMs !== undefined && nowMs >= dueMs) {
          this.#renewals.set(member, nowMs + renewMs);
          this.authority.issue(member.client.identity.key, { name: member.name }, nowMs);
        }
        try {
          member.client.tick(nowMs);
        } catch (error) {
          // One of a member's own store, say: the others get their time all the same.
          thrown.push(error);
        }
      }
    } finally {
      this.#isTicking = false;
    }
    if (thrown.length > 0) throw thrown.length === 1 ? thrown[0] : new AggregateError(thrown, 'errors of members');
    return nowMs;
  }
}

const tickMs = 500;
/** Records of principals last 30 days. */
const renewMs = 10 * 86_400_000;

function bytesOfEvent(event: ClientEvent): number {
  if (event.type !== 'message') return 0;
  return event.delivery.messages.reduce((sum, { payload }) => sum + payload.length, 0);
}

/** For callers without types. */
function checkMembers(members: readonly unknown[]): void {
  if (Array.isArray(members) && members.every((member) => member instanceof LocalMember)) return;
  throw new TridcommError('E_USAGE', 'write and read are lists of members of this network');
}
