import { copyOf, equalBytes } from '../bytes/bytes.ts';
import { addressTypes } from '../codepoints/address-types.gen.ts';
import { listUses } from '../codepoints/list-uses.gen.ts';
import { objectKinds } from '../codepoints/object-kinds.gen.ts';
import { TridcommError } from '../errors.ts';
import { AccessList } from '../keys/access-list.ts';
import { decodeGroupRecord } from '../keys/group-record.ts';
import { partialMagic } from '../keys/key-block-format.ts';
import { entryOf } from '../keys/policy.ts';
import { decodePoolRecord } from '../keys/pool-record.ts';
import { decodePrincipalRecord } from '../keys/principal-record.ts';
import { RevocationList } from '../keys/revocation-list.ts';
import { parseObject } from '../keys/signed-object.ts';
import type { Taken } from '../keys/trust.ts';
import type { EventSink } from './event-sink.ts';
import { Group, statedRoots } from './group.ts';
import { bytesOfHex, hexOf } from './hex.ts';
import type { Holdings } from './holdings.ts';
import { Pools } from './pools.ts';
import { compareStoredNames, storedNameOf, storedPrefix, typeOfStoredName } from './stored-objects.ts';
import type { AskedFor } from './watches.ts';

/** Who has to know what came of an object. */
export interface ControlPlaneListener {
  /** A group that was not known, of the policy. */
  groupAdded(group: Group): void;
  /** A group has other rules or secrets, or a newer policy. */
  groupChanged(group: Group): void;
  /** A group has a newer view. */
  viewChanged(group: Group, nowMs: number): void;
}

/**
 * Takes the objects of an authority, and makes groups go over to newer views: each object moves the groups that it is of, and those only.
 */
export class ControlPlane {
  /** By id in hex. */
  readonly groups: Map<string, Group> = new Map<string, Group>();
  readonly pools: Pools;
  readonly #holdings: Holdings;
  readonly #events: EventSink;
  readonly #listener: ControlPlaneListener;

  constructor(holdings: Holdings, events: EventSink, listener: ControlPlaneListener) {
    this.#holdings = holdings;
    this.#events = events;
    this.#listener = listener;
    this.pools = new Pools(holdings, events, this.groups);
  }

  /**
   * Takes an object.
   *
   * @param asked - the address under which it came, where it did
   * @throws TridcommError as `Client.object`; `E_BINDING` under an address that is not its own
   */
  take(type: number, bytes: Uint8Array, nowMs: number, asked?: AskedFor): Taken {
    const own = copyOf(bytes);
    const taken = this.#take(type, own, nowMs, asked);
    const name = taken === 'held' ? storedNameOf(this.#holdings.provider, type, own) : undefined;
    if (name !== undefined) this.#holdings.store?.put(name, own);
    return taken;
  }

  /** @spec principals.33 */
  takeHeadAnswer(bytes: Uint8Array, nonce32: Uint8Array, nowMs: number): Taken {
    const taken = this.#holdings.trust.takeHeadAnswer(bytes, nonce32, nowMs);
    this.#tookHead(nowMs);
    return taken;
  }

  /** Takes up what an earlier life stored. */
  takeStored(nowMs: number): void {
    const stored = [...(this.#holdings.store?.entries(storedPrefix) ?? [])];
    stored.sort(([a], [b]) => compareStoredNames(a, b));
    for (const [name, bytes] of stored) {
      try {
        this.#take(typeOfStoredName(name), copyOf(bytes), nowMs, undefined);
      } catch (error) {
        // What has expired since is asked for again.
        if (!(error instanceof TridcommError)) throw error;
      }
    }
  }

  #take(type: number, own: Uint8Array, nowMs: number, asked: AskedFor | undefined): Taken {
    const { trust } = this.#holdings;
    switch (type) {
      case addressTypes.authorityRecord: {
        const taken = trust.takeAuthorityRecord(own, nowMs);
        const { object, serial } = trust.authorityRecord!;
        this.#holdings.authoritySerials.add(object.hash32, serial);
        return this.#moved(taken, this.groups.values(), nowMs);
      }
      case addressTypes.principalRecord:
        if (asked !== undefined) this.#checkPrincipal(own, asked.id);
        return trust.takePrincipalRecord(own, nowMs);
      case addressTypes.keyRecord:
        return trust.takeKeyRecord(own, nowMs);
      case addressTypes.policy: {
        const taken = trust.takePolicy(own, nowMs);
        this.#holdings.policies.add(trust.policy!.object.hash32, trust.policy!);
        for (const { groupId16 } of trust.policy!.groups) {
          if (!this.groups.has(hexOf(groupId16))) this.#addGroup(groupId16);
        }
        return this.#moved(taken, this.groups.values(), nowMs);
      }
      case addressTypes.groupRecord:
        return this.#takeGroupRecord(own, nowMs, asked?.id);
      case addressTypes.poolRecord:
        return this.#takePoolRecord(own, nowMs, asked?.id);
      case addressTypes.revocationList:
        return this.#moved(this.#takeRevocationList(own), this.groups.values(), nowMs);
      case addressTypes.head: {
        const taken = trust.takeHead(own, nowMs);
        this.#tookHead(nowMs);
        return taken;
      }
      default:
        return this.#takeOfGroup(type, own, nowMs, asked?.id.subarray(0, 16) ?? groupIdOf(type, own));
    }
  }

  #takeOfGroup(type: number, own: Uint8Array, nowMs: number, groupId16: Uint8Array): Taken {
    const { provider, trust } = this.#holdings;
    switch (type) {
      case addressTypes.writers: {
        const group = this.#groupFor(groupId16);
        return this.#moved(group.takeWriters(own), [group], nowMs);
      }
      case addressTypes.edgeList:
        // Brokers need it; a member only sees that it is the one that the policy states.
        AccessList.decode(provider, own, listUses.edge, groupId16).checkRoot(
          statedRoots(this.#holdings, groupId16).edgeRoot32,
        );
        return 'held';
      case addressTypes.keyBlock: {
        const group = this.#groupFor(groupId16);
        const taken = group.takeBlock(own);
        // It may bring a route secret, or the key of a pool.
        if (taken === 'held') {
          this.#listener.groupChanged(group);
          for (const { frontId16, error } of this.pools.crewChanged(group)) {
            this.#events.refused('object', error, frontId16);
          }
        }
        return this.#moved(taken, [group], nowMs, group);
      }
      case addressTypes.enrolment:
        return this.#groupFor(groupId16).takeEnrolment(own);
      case addressTypes.groupHead: {
        const { taken, head, leaf } = trust.takeGroupHead(own, groupId16, nowMs);
        const group = this.groups.get(hexOf(groupId16)) ?? this.#addGroup(groupId16);
        group.takeHead(head, leaf);
        this.#tookHead(nowMs);
        const moved = this.#moved(taken, [group], nowMs, group);
        this.pools.note(nowMs);
        return moved;
      }
      default:
        throw new TridcommError('E_USAGE', `address type ${type}`);
    }
  }

  #takeGroupRecord(own: Uint8Array, nowMs: number, askedId16: Uint8Array | undefined): Taken {
    const { provider, trust } = this.#holdings;
    const { groupId16 } = decodeGroupRecord(provider, parseObject(provider, own, objectKinds.groupRecord));
    if (askedId16 !== undefined && !equalBytes(groupId16, askedId16)) {
      throw new TridcommError('E_BINDING', 'record of another group');
    }
    const taken = trust.takeGroupRecord(own, nowMs);
    const group = this.groups.get(hexOf(groupId16));
    if (group === undefined) return taken;
    group.useRecord(trust.groupRecord(groupId16)!);
    return this.#moved(taken, [group], nowMs);
  }

  #takeRevocationList(own: Uint8Array): Taken {
    const { provider, revocationLists } = this.#holdings;
    const list = RevocationList.decode(provider, own);
    if (revocationLists.has(list.hash32)) return 'known';
    revocationLists.add(list);
    return 'held';
  }

  #checkPrincipal(own: Uint8Array, keyId32: Uint8Array): void {
    const { provider } = this.#holdings;
    const { key } = decodePrincipalRecord(provider, parseObject(provider, own, objectKinds.principalRecord));
    if (!equalBytes(key.keyId32, keyId32)) throw new TridcommError('E_BINDING', 'record of another principal');
  }

  #takePoolRecord(own: Uint8Array, nowMs: number, frontId16: Uint8Array | undefined): Taken {
    const { provider, trust } = this.#holdings;
    const { groupId16 } = decodePoolRecord(provider, parseObject(provider, own, objectKinds.poolRecord));
    if (frontId16 !== undefined && !equalBytes(groupId16, frontId16)) {
      throw new TridcommError('E_BINDING', 'pool record of another front');
    }
    // A member of the crew holds those of all open epochs.
    if (this.pools.holds(own)) return 'known';
    const taken = trust.takePoolRecord(own, nowMs);
    if (taken === 'held') this.pools.take(trust.poolRecord(groupId16)!, nowMs);
    return taken;
  }

  /** @spec principals.32, principals.41 */
  #tookHead(nowMs: number): void {
    const { trust, knownHeads, skewMs } = this.#holdings;
    if (trust.head === undefined) return;
    const { headSeq, issuedMs } = trust.head;
    for (const keyId of knownHeads.accept(headSeq, issuedMs, nowMs, skewMs)) {
      this.#events.emit({ type: 'falseHead', keyId32: bytesOfHex(keyId) });
    }
  }

  /**
   * Makes groups go over to newer views where they can.
   *
   * @param led - the group whose own head or block was taken: what that shows is thrown
   */
  #moved(taken: Taken, groups: Iterable<Group>, nowMs: number, led?: Group): Taken {
    let refusal: unknown;
    for (const group of groups) {
      const before = group.view;
      try {
        if (!group.advance()) continue;
      } catch (error) {
        this.#events.refused('view', error, group.groupId16);
        if (group === led) refusal = error;
        continue;
      }
      const { head, block, policy } = group.view!;
      if (before?.policy.version !== policy.version || before.block !== block) this.#listener.groupChanged(group);
      this.#holdings.knownHeads.reached(group.id, head.headSeq);
      const { groupId16 } = group;
      this.#events.emit({ type: 'view', groupId16, headSeq: head.headSeq, epoch: block.header.epoch });
      this.#listener.viewChanged(group, nowMs);
    }
    if (refusal !== undefined) throw refusal;
    return taken;
  }

  /** A group for something that is still to be checked: kept only where the authority knows it. */
  #groupFor(groupId16: Uint8Array): Group {
    const held = this.groups.get(hexOf(groupId16));
    if (held !== undefined) return held;
    const { policy } = this.#holdings.trust;
    const isKnown = this.#holdings.trust.groupRecord(groupId16) ?? (policy && entryOf(policy, groupId16));
    return isKnown === undefined ? new Group(this.#holdings, groupId16) : this.#addGroup(groupId16);
  }

  #addGroup(groupId16: Uint8Array): Group {
    const group = new Group(this.#holdings, groupId16);
    this.groups.set(group.id, group);
    const record = this.#holdings.trust.groupRecord(groupId16);
    if (record !== undefined) group.useRecord(record);
    this.#listener.groupAdded(group);
    return group;
  }
}

/** Whether objects of a type are of one group, whose id their own begins with. */
export function isOfGroup(type: number): boolean {
  return groupIdOffsets.has(type) || type === addressTypes.groupRecord || type === addressTypes.poolRecord;
}

/** The group that an object of a type is of, as its own bytes say; zeros where they are too short to. */
function groupIdOf(type: number, bytes: Uint8Array): Uint8Array {
  const at = groupIdOffsets.get(type);
  if (at === undefined || bytes.length < at + 16 + 4) return new Uint8Array(16);
  // A partial block has a magic of its own in front.
  const isPartial = type === addressTypes.keyBlock && equalBytes(bytes.subarray(0, 4), partialMagic);
  return copyOf(bytes, isPartial ? at + 4 : at, (isPartial ? at + 4 : at) + 16);
}

/** Where an object says its group. */
const groupIdOffsets: ReadonlyMap<number, number> = new Map<number, number>([
  [addressTypes.writers, 8],
  [addressTypes.edgeList, 8],
  [addressTypes.keyBlock, 8],
  [addressTypes.enrolment, 8],
  [addressTypes.groupHead, 265],
]);
