import { checkWidth, concat, copyOf, equalBytes, readU64, writeU64 } from '../bytes/bytes.ts';
import { actions } from '../codepoints/actions.gen.ts';
import { addressTypes } from '../codepoints/address-types.gen.ts';
import { extensions as numbers } from '../codepoints/extensions.gen.ts';
import { limits } from '../codepoints/limits.gen.ts';
import { listUses } from '../codepoints/list-uses.gen.ts';
import { patternKinds } from '../codepoints/patterns.gen.ts';
import { deriveHedgeSecret } from '../crypto/key-schedule.ts';
import type { CryptoProvider, RandomSource } from '../crypto/provider.ts';
import { beginParsed, type Opened } from '../envelope/open.ts';
import { StreamSealer } from '../envelope/stream-sealer.ts';
import { TridcommError } from '../errors.ts';
import { AccessList, type TopicMatch } from '../keys/access-list.ts';
import { addressOf } from '../keys/address.ts';
import { partialMagic } from '../keys/key-block-format.ts';
import { entryOf } from '../keys/policy.ts';
import { RevocationList } from '../keys/revocation-list.ts';
import { Trust, type Taken } from '../keys/trust.ts';
import { messagesOfRecords, pubSubInput, splitMessages } from '../patterns/pub-sub.ts';
import { matchesTopic, parsePattern, parseTopic, type Topic, type TopicPattern } from '../topics/grammar.ts';
import { tagPeriod } from '../topics/tags.ts';
import { parseEnvelope } from '../wire/envelope.ts';
import type { Message } from '../wire/records.ts';
import type { Carrier, CarrierReceiver } from './carrier.ts';
import type { ClientEvent, Delivery } from './events.ts';
import { Group, statedRoots } from './group.ts';
import { bytesOfHex, hexOf } from './hex.ts';
import { Holdings } from './holdings.ts';
import type { Identity } from './identity.ts';
import { streamName, type OpenEpoch } from './open-epoch.ts';
import { routeSecretAt } from './route-secrets.ts';
import { RouteTable, type Route } from './routes.ts';
import type { ClientStore } from './store.ts';
import { storedNameOf, storedPrefix, typeOfStoredName } from './stored-objects.ts';
import type { View } from './view.ts';
import { Watches } from './watches.ts';

/** What a member is made of. */
export interface ClientOptions {
  readonly provider: CryptoProvider;
  readonly random: RandomSource;
  readonly authorityId32: Uint8Array;
  readonly identity: Identity;
  readonly carrier: Carrier;
  /**
   * The clock when the process started. A member without a store refuses what is not younger, unless its identity is.
   */
  readonly startMs: number;
  /** Makes the member durable: it goes on after a restart without accepting anything twice. */
  readonly store?: ClientStore;
  /** Default 30,000. */
  readonly skewMs?: number;
  /** Default 120,000. */
  readonly maxAgeMs?: number;
  /** A long-lived secret of the machine that is not a signing key: helps where the random source is bad. */
  readonly localSecret32?: Uint8Array;
  readonly onEvent?: (event: ClientEvent) => void;
}

/** What was sealed and handed to the carrier. */
export interface Published {
  readonly groupId16: Uint8Array;
  readonly epoch: number;
  readonly headSeq: number;
  /** More than one where the messages did not fit one. */
  readonly envelopes: readonly Uint8Array[];
}

/** What a member wants to hear of, until it is closed. */
export interface Subscription {
  readonly pattern: TopicPattern;
  close(nowMs: number): void;
}

/**
 * A member of groups: takes what the authority says, goes over to newer views as a whole, seals, opens, and says what it missed.
 *
 * Sans-I/O: it acts inside calls only, has no clock but `nowMs`, and reaches the world by its carrier. Whoever drives it calls
 * {@link tick} about every second, and hands it everything that the carrier brings.
 *
 * @example
 * const client = new Client({ provider, random, authorityId32, identity, carrier, startMs: now });
 * client.start(now);
 * client.subscribe('orders/**', now, (delivery) => { ... });
 * client.publish('orders/new', [payload], now);
 */
export class Client {
  readonly #options: ClientOptions;
  readonly #holdings: Holdings;
  readonly #groups = new Map<string, Group>();
  readonly #watches: Watches;
  readonly #hedgeSecret32: Uint8Array;
  readonly #sealers = new Map<string, StreamSealer>();
  readonly #subscriptions = new Map<Subscription, ((delivery: Delivery) => void) | undefined>();
  #patterns: readonly TopicPattern[] = [];
  #routes: RouteTable | undefined;
  /** Names of the matches that the broker has, by policy version: a newer policy may have ended them. */
  readonly #subscribed = new Map<string, { readonly policyVersion: number; readonly match: TopicMatch }>();
  /** The table that the broker's subscriptions were last made to fit. */
  #subscribedRoutes: RouteTable | undefined;
  readonly #watchedWriters = new WeakSet<AccessList>();
  readonly #staleGroups = new Set<string>();
  #isStarted = false;

  /** @throws TridcommError `E_USAGE` for options that do not hold what they should */
  constructor(options: ClientOptions) {
    const { provider, random, authorityId32, identity, store, startMs, skewMs, maxAgeMs, localSecret32 } = options;
    this.#options = options;
    const stored = store?.get('head');
    const floor = stored && { headSeq: readU64(stored, 0), headHash32: copyOf(stored, 8) };
    const trust = new Trust({
      provider,
      authorityId32,
      ...(skewMs !== undefined && { skewMs }),
      ...(floor !== undefined && { floor }),
    });
    // An identity that came into being in this process has had no earlier life to which anything could be replayed.
    const bootMs = identity.createdMs >= startMs ? 0 : startMs;
    this.#holdings = new Holdings({
      provider,
      random,
      authorityId32,
      identity,
      trust,
      store,
      bootMs,
      maxAgeMs,
      skewMs,
    });
    this.#watches = new Watches(options.carrier, (type, id) => addressOf(provider, authorityId32, type, id));
    this.#hedgeSecret32 = deriveHedgeSecret(provider, random(32), localSecret32);
    store?.put('identity', identity.export());
  }

  get keyId32(): Uint8Array {
    return this.#holdings.keyId32;
  }

  get identity(): Identity {
    return this.#options.identity;
  }

  /** What the member holds of chapter 07; to be read only. */
  get trust(): Trust {
    return this.#holdings.trust;
  }

  /** The groups that it knows of. */
  get groupIds(): Uint8Array[] {
    return Array.from(this.#groups.values(), ({ groupId16 }) => groupId16);
  }

  /** Takes up what an earlier life stored, and asks the carrier for what it needs. */
  start(nowMs: number): void {
    this.#isStarted = true;
    this.#takeStored(nowMs);
    this.#watch();
  }

  /** Overwrites the secrets of the epochs that are open; what is stored stays, and the client is not used again. */
  stop(): void {
    this.#isStarted = false;
    for (const group of this.#groups.values()) group.stop();
    this.#sealers.clear();
    this.#routes = undefined;
  }

  /**
   * The secret of a group whose blocks are of kind 5.
   *
   * @param psk32 - 32 uniform bytes; copied
   */
  usePsk(groupId16: Uint8Array, psk32: Uint8Array, nowMs: number): void {
    checkWidth('psk32', psk32, 32);
    this.#holdings.psks.set(hexOf(groupId16), copyOf(psk32));
    const group = this.#groups.get(hexOf(groupId16));
    if (group === undefined) return;
    // Its block may have come before.
    group.isMember = undefined;
    this.#fetchMissing(nowMs);
  }

  /** A view of a group: its head's number, the epoch of its block, whether it is fresh; undefined before the first. */
  view(groupId16: Uint8Array, nowMs: number): { headSeq: number; epoch: number; fresh: boolean } | undefined {
    const group = this.#groups.get(hexOf(groupId16));
    if (group?.view === undefined) return undefined;
    return {
      headSeq: group.view.head.headSeq,
      epoch: group.view.block.header.epoch,
      fresh: group.isFresh(nowMs),
    };
  }

  /** Where a carrier delivers to: what is refused becomes an event. @param now - the clock */
  receiver(now: () => number): CarrierReceiver {
    const guarded = (what: 'object' | 'envelope', take: () => unknown) => {
      try {
        take();
      } catch (error) {
        this.#refused(what, error);
      }
    };
    return {
      envelope: (bytes) => guarded('envelope', () => this.envelope(bytes, now())),
      object: (address16, bytes) => guarded('object', () => this.objectAt(address16, bytes, now())),
    };
  }

  /**
   * Takes a retained object that arrived under an address that was asked for.
   *
   * @throws TridcommError as {@link object}; `E_BINDING` for an address that nobody asked for
   */
  objectAt(address16: Uint8Array, bytes: Uint8Array, nowMs: number): Taken {
    const asked = this.#watches.find(address16);
    if (asked === undefined) throw new TridcommError('E_BINDING', 'object under an address that nobody asked for');
    this.#watches.arrived(address16);
    const groupId16 = groupIdOffsets.has(asked.type) ? asked.id.subarray(0, 16) : undefined;
    return this.#take(asked.type, bytes, nowMs, groupId16);
  }

  /**
   * Takes a retained object.
   *
   * @param type - of its address
   * @param bytes - as received; not kept
   * @throws TridcommError of the first check that fails; nothing has changed then. `E_POLICY`, `E_EPOCH` also for a group head or block
   *   that was taken and shows a head that the member refuses to go over to
   */
  object(type: number, bytes: Uint8Array, nowMs: number): Taken {
    return this.#take(type, bytes, nowMs, undefined);
  }

  /**
   * Takes the answer to a question of one's own for the newest head.
   *
   * @throws TridcommError as for heads; `E_SIG` for another nonce
   * @spec principals.33
   */
  headAnswer(bytes: Uint8Array, nonce32: Uint8Array, nowMs: number): Taken {
    const taken = this.trust.takeHeadAnswer(bytes, nonce32, nowMs);
    this.#tookHead(nowMs);
    this.#settle(nowMs, undefined);
    return taken;
  }

  /**
   * Takes an envelope.
   *
   * @param bytes - as received; kept and viewed by what comes back
   * @returns undefined where the tag leads nowhere, or to a topic that no subscription matches
   * @throws TridcommError the refusal
   * @spec envelope.27, topics.12
   */
  envelope(bytes: Uint8Array, nowMs: number): Delivery | undefined {
    const view = parseEnvelope(bytes);
    const route = this.#routesAt(nowMs).find(view);
    if (route === undefined) return undefined;
    const epoch = route.group.epoch(view.header.epoch);
    if (epoch === undefined) throw new TridcommError('E_EPOCH', `epoch ${view.header.epoch}`);
    const pending = beginParsed(route.group.receiverOf(epoch), view, nowMs)!;
    const { provider } = this.#holdings;
    const isValid = provider.ed25519Verify(pending.publicKey32, pending.signInput, pending.signature);
    if (isValid) this.#learnHead(view.extensions.value(numbers.headSeq), nowMs);
    const parts = pending.verified(isValid);
    pending.decrypted(
      parts.map((part) => provider.aeadOpen(part.algorithm, part.key32, part.nonce12, part.aad, part.sealed)),
    );
    for (let writes = pending.pendingWrites(); writes !== undefined; writes = pending.pendingWrites()) {
      epoch.replayStore?.write(view.header, writes);
      const displaced = pending.stored(writes);
      if (displaced !== undefined) epoch.replayStore?.forget(view.header, displaced);
    }
    return this.#deliver(route, epoch, pending.commit(), nowMs);
  }

  /**
   * Seals messages for a topic and hands them to the carrier.
   *
   * @param topic - the group is the one that has a rule for it
   * @param payloads - 1 or more; not kept
   * @throws TridcommError `E_ENCODING`, `E_LIMIT` for a topic or payload that cannot be, `E_POLICY`, `E_STALE`, `E_EPOCH`, `E_FORK`, and what
   *   the carrier throws
   * @spec patterns.1, patterns.2, principals.29, principals.31, principals.32, groups.25
   */
  publish(topic: string, payloads: readonly Uint8Array[], nowMs: number): Published {
    const parsed = parseTopic(topic);
    const group = [...this.#groups.values()].find(({ patterns }) =>
      patterns.some((rule) => matchesTopic(rule, parsed)),
    );
    if (group === undefined) throw new TridcommError('E_POLICY', 'topic that no group of our own has a rule for');
    const view = this.#viewToSeal(group, nowMs);
    const { topicChains } = view.record;
    const period = tagPeriod(nowMs, view.record.periodMs);
    const secret32 = routeSecretAt(view.block.private.routeSecrets, period);
    if (secret32 === undefined) throw new TridcommError('E_EPOCH', `no route secret for period ${period}`);
    const { tag16, chain } = group.tags.tagOf(secret32, period, parsed);
    const ownChain = topicChains ? chain : undefined;
    if (!view.writers.allowsEnvelope(this.keyId32, actions.publish, nowMs, tag16, ownChain)) {
      throw new TridcommError('E_POLICY', 'topic that the writers do not let us write');
    }
    const epoch = group.sealingEpoch(nowMs);
    const sealer = this.#sealer(group, epoch, tag16);
    const messages = payloads.map((payload): Message => ({ timestampMs: nowMs, payload }));
    const fields = { topic: parsed, chain: ownChain, headSeq: view.head.headSeq, timestampMs: nowMs };
    const envelopes = splitMessages(messages, topicChains).map((run) => {
      const unsigned = sealer.seal(pubSubInput(fields, run));
      return unsigned.finish(this.identity.key.sign(unsigned.signInput));
    });
    for (const envelope of envelopes) this.#options.carrier.publish(envelope);
    return { groupId16: group.groupId16, epoch: epoch.number, headSeq: view.head.headSeq, envelopes };
  }

  /**
   * Subscribes to the topics that a pattern matches, in all groups that have such, now and later.
   *
   * @param onDelivery - called for each envelope that opens; as an event it comes too
   * @throws TridcommError `E_ENCODING`, `E_LIMIT` for what is no pattern
   */
  subscribe(pattern: string, nowMs: number, onDelivery?: (delivery: Delivery) => void): Subscription {
    const subscription: Subscription = {
      pattern: parsePattern(pattern),
      close: (closeMs) => {
        this.#subscriptions.delete(subscription);
        this.#usePatterns(closeMs);
      },
    };
    this.#subscriptions.set(subscription, onDelivery);
    this.#usePatterns(nowMs);
    return subscription;
  }

  /**
   * Lets time pass: closes epochs, goes over to the tags of a new period, asks again for what is lacking, renews prekeys, and says what
   * went stale. About once a second.
   */
  tick(nowMs: number): void {
    for (const group of this.#groups.values()) {
      if (!group.closeEpochs(nowMs)) continue;
      this.#forgetSealers(group);
      this.#routes = undefined;
    }
    this.#renewKeys(nowMs);
    this.#noteFreshness(nowMs);
    this.#subscribeAtBroker(nowMs);
    this.#fetchMissing(nowMs);
  }

  #take(type: number, bytes: Uint8Array, nowMs: number, askedGroupId16: Uint8Array | undefined): Taken {
    const { provider, store } = this.#holdings;
    const groupId16 = askedGroupId16 ?? groupIdOf(type, bytes);
    const own = copyOf(bytes);
    let taken: Taken;
    let led: Group | undefined;
    switch (type) {
      case addressTypes.authorityRecord:
        taken = this.trust.takeAuthorityRecord(own, nowMs);
        this.#noteAuthorityRecord();
        break;
      case addressTypes.principalRecord:
        taken = this.trust.takePrincipalRecord(own, nowMs);
        break;
      case addressTypes.keyRecord:
        taken = this.trust.takeKeyRecord(own, nowMs);
        break;
      case addressTypes.policy:
        taken = this.trust.takePolicy(own, nowMs);
        this.#holdings.policies.add(this.trust.policy!.object.hash32, this.trust.policy!);
        break;
      case addressTypes.groupRecord:
        taken = this.trust.takeGroupRecord(own, nowMs);
        this.#noteGroupRecords();
        break;
      case addressTypes.revocationList: {
        const list = RevocationList.decode(provider, own);
        taken = this.#holdings.revocationLists.get(list.hash32) === undefined ? 'held' : 'known';
        this.#holdings.revocationLists.add(list.hash32, list);
        break;
      }
      case addressTypes.writers:
        taken = this.#groupFor(groupId16).takeWriters(own);
        break;
      case addressTypes.edgeList:
        // Brokers need it; a member only sees that it is the one that the policy states.
        AccessList.decode(provider, own, listUses.edge, groupId16).checkRoot(
          statedRoots(this.#holdings, groupId16).edgeRoot32,
        );
        taken = 'held';
        break;
      case addressTypes.keyBlock:
        led = this.#groupFor(groupId16);
        taken = led.takeBlock(own);
        // It may bring a route secret.
        if (taken === 'held') this.#routes = undefined;
        break;
      case addressTypes.enrolment:
        taken = this.#groupFor(groupId16).takeEnrolment(own);
        break;
      case addressTypes.groupHead: {
        const groupHead = this.trust.takeGroupHead(own, groupId16, nowMs);
        taken = groupHead.taken;
        led = this.#groups.get(hexOf(groupId16)) ?? this.#addGroup(groupId16);
        led.takeHead(groupHead.head, groupHead.leaf);
        this.#tookHead(nowMs);
        break;
      }
      case addressTypes.head:
        taken = this.trust.takeHead(own, nowMs);
        this.#tookHead(nowMs);
        break;
      default:
        throw new TridcommError('E_USAGE', `address type ${type}`);
    }
    const storedName = taken === 'held' && store !== undefined ? storedNameOf(provider, type, own) : undefined;
    if (storedName !== undefined) store?.put(storedName, own);
    this.#settle(nowMs, led);
    return taken;
  }

  /** Makes groups advance after something was taken. @param led - the group whose own head or block was taken: what that shows is thrown */
  #settle(nowMs: number, led: Group | undefined): void {
    let refusal: unknown;
    for (const group of this.#groups.values()) {
      const before = group.view;
      try {
        if (!group.advance()) continue;
      } catch (error) {
        if (group === led) refusal = error;
        this.#refused('view', error);
        continue;
      }
      const { head, block, policy } = group.view!;
      if (before?.policy.version !== policy.version || before.block !== block) this.#routes = undefined;
      const groupId16 = group.groupId16;
      this.#emit({ type: 'view', groupId16, headSeq: head.headSeq, epoch: block.header.epoch });
    }
    const heads = [...this.#groups.values()].flatMap(({ view }) => (view === undefined ? [] : [view.head.headSeq]));
    if (heads.length > 0) this.#holdings.knownHeads.reached(Math.min(...heads));
    this.#watch();
    this.#noteFreshness(nowMs);
    this.#subscribeAtBroker(nowMs);
    if (refusal !== undefined) throw refusal;
  }

  /** The newest head is stored before anything is done about it. @spec principals.28 */
  #tookHead(nowMs: number): void {
    const { head } = this.trust;
    if (head === undefined) return;
    const value = new Uint8Array(40);
    writeU64(value, 0, head.headSeq);
    value.set(head.hash32, 8);
    this.#holdings.store?.put('head', value);
    this.#holdings.knownHeads.accept(head.headSeq, head.issuedMs, nowMs, this.#holdings.skewMs);
  }

  #learnHead(value: Uint8Array | undefined, nowMs: number): void {
    if (value !== undefined) this.#holdings.knownHeads.claim(readU64(value, 0), nowMs);
  }

  #noteAuthorityRecord(): void {
    const { authorityRecord } = this.trust;
    if (authorityRecord !== undefined) {
      this.#holdings.authoritySerials.add(authorityRecord.object.hash32, authorityRecord.serial);
    }
  }

  /** Gives every group its newest record; a group that has one and was not known becomes known. */
  #noteGroupRecords(): void {
    for (const group of this.#knownGroups()) {
      const record = this.trust.groupRecord(group.groupId16);
      if (record !== undefined && record !== group.record) group.useRecord(record);
    }
  }

  /** Groups of the policy, and those that are held already. */
  #knownGroups(): Iterable<Group> {
    for (const { groupId16 } of this.trust.policy?.groups ?? []) {
      if (!this.#groups.has(hexOf(groupId16))) this.#addGroup(groupId16);
    }
    return this.#groups.values();
  }

  /** A group for something that is still to be checked: kept only where the authority knows it. */
  #groupFor(groupId16: Uint8Array): Group {
    const held = this.#groups.get(hexOf(groupId16));
    if (held !== undefined) return held;
    const { policy } = this.trust;
    const isKnown = this.trust.groupRecord(groupId16) ?? (policy && entryOf(policy, groupId16));
    return isKnown === undefined ? new Group(this.#holdings, groupId16) : this.#addGroup(groupId16);
  }

  #addGroup(groupId16: Uint8Array): Group {
    const group = new Group(this.#holdings, groupId16);
    this.#groups.set(group.id, group);
    const record = this.trust.groupRecord(groupId16);
    if (record !== undefined) group.useRecord(record);
    return group;
  }

  /** Asks for what the member has to hear of: its own, and that of every group of the policy and of its writers. */
  #watch(): void {
    if (!this.#isStarted) return;
    const watches = this.#watches;
    for (const type of commonTypes) watches.add(type, nothing);
    watches.add(addressTypes.principalRecord, this.keyId32);
    for (const group of this.#knownGroups()) {
      for (const type of groupTypes) watches.add(type, idOf(type, group.groupId16, this.keyId32));
      const writers = group.view?.writers;
      if (writers === undefined || this.#watchedWriters.has(writers)) continue;
      this.#watchedWriters.add(writers);
      for (const keyId32 of writerKeys(writers)) watches.add(addressTypes.principalRecord, keyId32);
    }
    watches.flush();
  }

  #takeStored(nowMs: number): void {
    const { store } = this.#holdings;
    if (store === undefined) return;
    const stored = [...store.entries(storedPrefix)].sort(([a], [b]) => (a < b ? -1 : 1));
    for (const [name, bytes] of stored) {
      try {
        this.#take(typeOfStoredName(name), bytes, nowMs, undefined);
      } catch (error) {
        // What has expired since is asked for again.
        if (!(error instanceof TridcommError)) throw error;
      }
    }
  }

  /** The view to seal by. @spec principals.29, principals.32, groups.28 */
  #viewToSeal(group: Group, nowMs: number): View {
    const { view } = group;
    if (view === undefined || !group.isFresh(nowMs)) throw new TridcommError('E_STALE', 'view of the group');
    if (group.isBehindBlock(nowMs)) throw new TridcommError('E_STALE', 'block of a later epoch is held');
    if (this.#holdings.knownHeads.isBehind(view.head.headSeq, nowMs)) {
      throw new TridcommError('E_STALE', `view with head ${view.head.headSeq}, a higher one is known`);
    }
    return view;
  }

  #sealer(group: Group, epoch: OpenEpoch, tag16: Uint8Array): StreamSealer {
    const name = `${group.id}/${epoch.number}/${hexOf(tag16)}`;
    const held = this.#sealers.get(name);
    if (held !== undefined) return held;
    if (this.#sealers.size >= mostSealers) this.#sealers.clear();
    const { provider, random } = this.#holdings;
    const sealer = new StreamSealer({
      provider,
      random,
      keySource: epoch.keySource,
      senderKeyId32: this.keyId32,
      hedgeSecret32: this.#hedgeSecret32,
      patternKind: patternKinds.pubSub.data,
      topicTag16: tag16,
      epoch: epoch.number,
    });
    this.#sealers.set(name, sealer);
    return sealer;
  }

  #forgetSealers(group: Group): void {
    for (const name of this.#sealers.keys()) {
      const [id, epoch] = name.split('/');
      if (id === group.id && group.epoch(Number(epoch)) === undefined) this.#sealers.delete(name);
    }
  }

  #deliver({ group, topic: routed }: Route, epoch: OpenEpoch, opened: Opened, nowMs: number): Delivery | undefined {
    const { header, records, sender: key, id32 } = opened;
    const topicChains = group.view!.record.topicChains;
    const topic: Topic = routed ?? parseTopic(records.payload(0));
    const takers = [...this.#subscriptions].filter(([{ pattern }]) => matchesTopic(pattern, topic));
    if (takers.length === 0) return undefined;
    const { seq, senderId, topicTag, streamId } = header;
    const delivery: Delivery = {
      topic: topic.text,
      sender: this.trust.principal(key.keyId32)!,
      messages: messagesOfRecords(records, topicChains),
      stale: !group.isFresh(nowMs),
      ...epoch.gaps.accept(streamName(senderId, topicTag, streamId), seq),
      groupId16: group.groupId16,
      epoch: epoch.number,
      seq,
      id32,
    };
    for (const range of delivery.gaps) this.#emit({ type: 'gap', delivery, range });
    for (const range of delivery.filled) this.#emit({ type: 'filled', delivery, range });
    this.#emit({ type: 'message', delivery });
    for (const [, onDelivery] of takers) onDelivery?.(delivery);
    return delivery;
  }

  #usePatterns(nowMs: number): void {
    this.#patterns = Array.from(this.#subscriptions.keys(), ({ pattern }) => pattern);
    this.#routes = undefined;
    this.#subscribeAtBroker(nowMs);
  }

  #routesAt(nowMs: number): RouteTable {
    if (this.#routes?.holdsAt(nowMs) !== true) {
      const { provider, maxAgeMs, skewMs } = this.#holdings;
      this.#routes = new RouteTable(provider, this.#groups.values(), this.#patterns, nowMs, { maxAgeMs, skewMs });
    }
    return this.#routes;
  }

  /** Makes the broker's subscriptions those of the routes; what it refused is asked for again under the next policy. */
  #subscribeAtBroker(nowMs: number): void {
    if (!this.#isStarted) return;
    const routes = this.#routesAt(nowMs);
    if (routes === this.#subscribedRoutes) return;
    this.#subscribedRoutes = routes;
    const { matches } = routes;
    const { carrier } = this.#options;
    const wanted = new Set(matches.map(({ name }) => name));
    for (const [name, { match }] of this.#subscribed) {
      if (wanted.has(name)) continue;
      this.#subscribed.delete(name);
      carrier.unsubscribe(match);
    }
    for (const { name, group, match } of matches) {
      const policyVersion = group.view?.policy.version ?? 0;
      if (this.#subscribed.get(name)?.policyVersion === policyVersion) continue;
      this.#subscribed.set(name, { policyVersion, match });
      try {
        carrier.subscribe(match);
      } catch (error) {
        this.#refused('subscription', error);
      }
    }
  }

  #renewKeys(nowMs: number): void {
    const { identity, store } = this.#options;
    const own = this.trust.principal(this.keyId32);
    let changed = identity.erase(nowMs);
    if (own !== undefined && identity.nextRecordMs !== 0 && nowMs >= identity.nextRecordMs) {
      const bytes = identity.keyRecord(this.#options.authorityId32, own.serial, nowMs);
      changed = true;
      store?.put('identity', identity.export());
      this.#emit({ type: 'keyRecord', bytes });
    }
    if (changed) store?.put('identity', identity.export());
  }

  #noteFreshness(nowMs: number): void {
    for (const group of this.#groups.values()) {
      if (group.view === undefined) continue;
      const isStale = !group.isFresh(nowMs);
      if (isStale === this.#staleGroups.has(group.id)) continue;
      if (isStale) this.#staleGroups.add(group.id);
      else this.#staleGroups.delete(group.id);
      this.#emit({ type: isStale ? 'stale' : 'fresh', groupId16: group.groupId16 });
    }
  }

  #fetchMissing(nowMs: number): void {
    if (!this.#isStarted) return;
    const watches = this.#watches;
    const fetch = (type: number, id: Uint8Array) => watches.fetch(type, id, nowMs);
    const { trust } = this;
    if (trust.authorityRecord === undefined) fetch(addressTypes.authorityRecord, nothing);
    if (trust.policy === undefined) fetch(addressTypes.policy, nothing);
    if (trust.principal(this.keyId32) === undefined) fetch(addressTypes.principalRecord, this.keyId32);
    const isHeadLate = nowMs > (trust.head?.issuedMs ?? 0) + headLateMs;
    if (isHeadLate) fetch(addressTypes.head, nothing);
    for (const group of this.#groups.values()) {
      for (const type of group.missing())
        fetch(type, commonTypes.includes(type) ? nothing : idOf(type, group.groupId16, this.keyId32));
      if (group.isMember === undefined) fetch(addressTypes.keyBlock, group.groupId16);
      if (group.mayLookAgain(nowMs)) fetch(addressTypes.enrolment, concat(group.groupId16, this.keyId32));
      const isBehind = this.#holdings.knownHeads.isAhead(group.newestHead?.headSeq ?? 0);
      if (group.isMember !== false && (isHeadLate || isBehind)) fetch(addressTypes.groupHead, group.groupId16);
      if (group.view === undefined) continue;
      for (const keyId32 of writerKeys(group.view.writers)) {
        if (trust.principal(keyId32) === undefined) fetch(addressTypes.principalRecord, keyId32);
      }
    }
  }

  #refused(what: 'object' | 'envelope' | 'view' | 'subscription', error: unknown): void {
    if (!(error instanceof TridcommError)) throw error;
    if (error.code === 'E_FORK' && what !== 'envelope') this.#emit({ type: 'fork', groupId16: undefined, error });
    // Of most groups of an authority one is no member, and that is nothing to tell.
    if (error.code !== 'E_REVOKED' || what === 'envelope') this.#emit({ type: 'refused', what, error });
  }

  #emit(event: ClientEvent): void {
    this.#options.onEvent?.(event);
  }
}

/** The group that an object of a type is of, as its own bytes say; zeros where they are too short to. */
function groupIdOf(type: number, bytes: Uint8Array): Uint8Array {
  const at = groupIdOffsets.get(type);
  if (at === undefined || bytes.length < at + 16 + 4) return new Uint8Array(16);
  // A partial block has a magic of its own in front.
  const isPartial = type === addressTypes.keyBlock && equalBytes(bytes.subarray(0, 4), partialMagic);
  return copyOf(bytes, isPartial ? at + 4 : at, (isPartial ? at + 4 : at) + 16);
}

/** Key ids of a list, each once; made once for a list. */
function writerKeys(list: AccessList): readonly Uint8Array[] {
  let keys = writerKeysOf.get(list);
  if (keys === undefined) {
    keys = [...new Set(list.entries.map(({ keyId32 }) => hexOf(keyId32)))].map(bytesOfHex);
    writerKeysOf.set(list, keys);
  }
  return keys;
}

const writerKeysOf = new WeakMap<AccessList, readonly Uint8Array[]>();

function idOf(type: number, groupId16: Uint8Array, keyId32: Uint8Array): Uint8Array {
  return type === addressTypes.enrolment ? concat(groupId16, keyId32) : groupId16;
}

const nothing = new Uint8Array(0);
/** Streams of one's own that are kept; one that is forgotten is followed by a new one. */
const mostSealers = 1024;
/** A head that is older than this was probably followed by one that got lost. */
const headLateMs = limits.headIntervalMs + limits.behindMs;
/** Addresses without an id that every member watches; in the order in which their objects need each other. */
const commonTypes: readonly number[] = [
  addressTypes.authorityRecord,
  addressTypes.policy,
  addressTypes.revocationList,
  addressTypes.head,
];
/** Addresses that a member watches for each group, likewise. */
const groupTypes: readonly number[] = [
  addressTypes.groupRecord,
  addressTypes.writers,
  addressTypes.enrolment,
  addressTypes.keyBlock,
  addressTypes.groupHead,
];
/** Where an object says its group. */
const groupIdOffsets: ReadonlyMap<number, number> = new Map<number, number>([
  [addressTypes.writers, 8],
  [addressTypes.edgeList, 8],
  [addressTypes.keyBlock, 8],
  [addressTypes.enrolment, 8],
  [addressTypes.groupHead, 265],
]);
