import { concat } from '../bytes/bytes.ts';
import { addressTypes } from '../codepoints/address-types.gen.ts';
import { limits } from '../codepoints/limits.gen.ts';
import type { AccessList } from '../keys/access-list.ts';
import { addressOf } from '../keys/address.ts';
import type { Group } from './group.ts';
import type { GuardedCarrier } from './guarded-carrier.ts';
import type { Holdings } from './holdings.ts';
import type { Pools } from './pools.ts';
import { Watches, type AskedFor } from './watches.ts';

/** What a member asks its carrier for: what it always has to hear of, and what it misses. */
export class Asking {
  readonly #holdings: Holdings;
  readonly #groups: ReadonlyMap<string, Group>;
  readonly #pools: Pools;
  readonly #watches: Watches;
  readonly #watchedWriters = new WeakSet<AccessList>();
  /** Lists of whose principals no record is missing. */
  readonly #knownWriters = new WeakSet<AccessList>();

  constructor(holdings: Holdings, carrier: GuardedCarrier, groups: ReadonlyMap<string, Group>, pools: Pools) {
    const { provider, authorityId32, keyId32 } = holdings;
    this.#holdings = holdings;
    this.#groups = groups;
    this.#pools = pools;
    this.#watches = new Watches(carrier, (type, id) => addressOf(provider, authorityId32, type, id));
    for (const type of commonTypes) this.#watches.add(type, nothing);
    this.#watches.add(addressTypes.principalRecord, keyId32);
  }

  /** What was asked for under an address. */
  find(address16: Uint8Array): AskedFor | undefined {
    return this.#watches.find(address16);
  }

  /** An object came under an address. */
  arrived(address16: Uint8Array): void {
    this.#watches.arrived(address16);
  }

  /** There is a group, of one's own or of others: that shows when its block comes. */
  watchGroup({ groupId16 }: Group): void {
    for (const type of groupTypes) this.#watches.add(type, this.#idOf(type, groupId16));
  }

  /** A group has a newer view: its writers have to be known, and of a front the pool. */
  watchView(group: Group): void {
    const { view } = group;
    if (group.isFront && this.#pools.crewOf(group)?.record !== undefined) {
      this.#watches.add(addressTypes.poolRecord, group.groupId16);
    }
    if (view === undefined || this.#watchedWriters.has(view.writers)) return;
    this.#watchedWriters.add(view.writers);
    for (const keyId32 of view.writers.keyIds) this.#watches.add(addressTypes.principalRecord, keyId32);
  }

  /** Asks the carrier for what was noted. */
  flush(): void {
    this.#watches.flush();
  }

  /** The broker knows of nothing any more. */
  renew(): void {
    this.#watches.renew();
  }

  /** Asks again for what is lacking. */
  fetchMissing(nowMs: number): void {
    const { trust, keyId32 } = this.#holdings;
    if (trust.authorityRecord === undefined) this.#fetch(addressTypes.authorityRecord, nothing, nowMs);
    if (trust.policy === undefined) this.#fetch(addressTypes.policy, nothing, nowMs);
    if (trust.principal(keyId32) === undefined) this.#fetch(addressTypes.principalRecord, keyId32, nowMs);
    const isHeadLate = nowMs > (trust.head?.issuedMs ?? 0) + headLateMs;
    if (isHeadLate) this.#fetch(addressTypes.head, nothing, nowMs);
    for (const group of this.#groups.values()) this.#fetchOf(group, isHeadLate, nowMs);
  }

  #fetchOf(group: Group, isHeadLate: boolean, nowMs: number): void {
    const { groupId16 } = group;
    for (const type of group.missing()) this.#fetch(type, this.#idOf(type, groupId16), nowMs);
    if (group.isMember === undefined) this.#fetch(addressTypes.keyBlock, groupId16, nowMs);
    const { enrolment } = addressTypes;
    if (group.mayLookAgain(nowMs)) this.#fetch(enrolment, this.#idOf(enrolment, groupId16), nowMs);
    const isBehind = this.#holdings.knownHeads.isAhead(group.id, group.newestHead?.headSeq ?? 0);
    if (group.isMember !== false && (isHeadLate || isBehind)) this.#fetch(addressTypes.groupHead, groupId16, nowMs);
    if (group.isFront) this.#fetchPool(group, nowMs);
    const writers = group.view?.writers;
    if (writers === undefined || this.#knownWriters.has(writers)) return;
    const unknown = writers.keyIds.filter((keyId32) => this.#holdings.trust.principal(keyId32) === undefined);
    for (const keyId32 of unknown) this.#fetch(addressTypes.principalRecord, keyId32, nowMs);
    if (unknown.length === 0) this.#knownWriters.add(writers);
  }

  /** What a front is sealed for by, where it is not all there: who is not in the crew gets its heads for nothing else. */
  #fetchPool(front: Group, nowMs: number): void {
    const crew = this.#pools.crewOf(front);
    if (crew?.record === undefined || !this.#pools.isLacking(front, nowMs)) return;
    this.#fetch(addressTypes.poolRecord, front.groupId16, nowMs);
    this.#fetch(addressTypes.groupHead, crew.groupId16, nowMs);
  }

  #fetch(type: number, id: Uint8Array, nowMs: number): void {
    this.#watches.fetch(type, id, nowMs);
  }

  #idOf(type: number, groupId16: Uint8Array): Uint8Array {
    if (type === addressTypes.enrolment) return concat(groupId16, this.#holdings.keyId32);
    return commonTypes.includes(type) ? nothing : groupId16;
  }
}

const nothing = new Uint8Array(0);
/** A head that is older than this was probably followed by one that got lost. */
const headLateMs = limits.headIntervalMs + limits.behindMs;
/** Addresses without an id that every member watches; in the order in which their objects need each other. */
const commonTypes: readonly number[] = [
  addressTypes.authorityRecord,
  addressTypes.policy,
  addressTypes.head,
  addressTypes.revocationList,
];
/** Addresses that a member watches for each group, likewise. */
const groupTypes: readonly number[] = [
  addressTypes.groupRecord,
  addressTypes.writers,
  addressTypes.enrolment,
  addressTypes.keyBlock,
  addressTypes.groupHead,
];
