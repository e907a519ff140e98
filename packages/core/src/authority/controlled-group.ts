import { concat, equalBytes } from '../bytes/bytes.ts';
import { hexOf } from '../client/hex.ts';
import { addressTypes } from '../codepoints/address-types.gen.ts';
import { keyBlockKinds } from '../codepoints/key-block-kinds.gen.ts';
import { limits } from '../codepoints/limits.gen.ts';
import { listUses } from '../codepoints/list-uses.gen.ts';
import { matchKinds } from '../codepoints/match-kinds.gen.ts';
import type { CryptoProvider, RandomSource } from '../crypto/provider.ts';
import { checkLimit, TridcommError } from '../errors.ts';
import { AccessList, encodeAccessList } from '../keys/access-list.ts';
import { compileGroup, type Grant, type RouteSecret } from '../keys/compile-policy.ts';
import { makeEnrolment } from '../keys/enrolment.ts';
import { encodeGroupPrivate, privateHash } from '../keys/group-private.ts';
import type { GroupRecord } from '../keys/group-record.ts';
import type { GroupLeaf } from '../keys/head.ts';
import { keyBlockFlags, type KeyBlockHeader } from '../keys/key-block-format.ts';
import { makeListBlock, makePskBlock, makeSubtreeBlock, type MadeBlock } from '../keys/key-block.ts';
import type { GroupEntry } from '../keys/policy.ts';
import type { PublicKey } from '../keys/public-key.ts';
import { tagPeriod } from '../topics/tags.ts';
import type { HeldKey } from './delegated-keys.ts';
import type { WaitingMember } from './options.ts';
import type { Outgoing } from './outgoing.ts';
import type { PolicySource } from './policy-source.ts';
import { isForCrew, makePoolRecord, sendBlock, type PublishedBlock } from './pools.ts';
import { eraseDropped, firstUnusedPeriod, withRouteSecret } from './route-secrets.ts';
import { heightFor, SeatTree } from './seat-tree.ts';

/** What the controller of all groups works with. */
export interface Controller {
  readonly provider: CryptoProvider;
  readonly random: RandomSource;
  readonly authorityId32: Uint8Array;
  readonly key: HeldKey;
  readonly skewMs: number;
}

/** Where a member is in its group. */
interface Seat {
  readonly keyId32: Uint8Array;
  /** Of the tree; 0 in groups without one. */
  readonly leaf: number;
  /** Its newest enrolment; undefined in groups without a tree. */
  readonly enrolment: Uint8Array | undefined;
}

/** The lists of a group with the roots that the policy states. */
interface PublishedLists {
  readonly writers: AccessList;
  readonly edge: AccessList;
}

/** What a group is before its first block, and after a restore. */
export interface GroupFoundation {
  readonly record: GroupRecord;
  /** Of a crew: its front, whose rules and grants count for it too. */
  readonly frontId16: Uint8Array | undefined;
  readonly patterns: readonly string[];
  readonly psk32: Uint8Array | undefined;
  readonly leastHeight: number;
  /** Numbers that were used; 0 before the first block. */
  readonly generation: number;
  readonly epoch: number;
  /** Of the newest block that the controller made; zeros before the first. */
  readonly blockHash32: Uint8Array;
  readonly routeSecrets: readonly RouteSecret[];
}

/** A group as its controller has it. Never changed, but for the keys of its tree, which end with it. */
export interface ControlledGroup extends GroupFoundation {
  readonly baseEpoch: number;
  /** The newest last, and the one before it. */
  readonly blocks: readonly PublishedBlock[];
  readonly tree: SeatTree | undefined;
  /** Of the members that the newest block reaches, by key id. */
  readonly seats: ReadonlyMap<string, Seat>;
  /** Who has a right in the group, by key id. */
  readonly members: ReadonlyMap<string, Uint8Array>;
  readonly waiting: readonly WaitingMember[];
  /** That the lists serve. */
  readonly periods: readonly number[];
  readonly lists: PublishedLists;
  readonly privateBody: Uint8Array;
  readonly privateHash32: Uint8Array;
}

/** What is to happen to a group. Whatever else follows from it happens too. */
export interface GroupChange {
  /** The rights differ from those that the lists were made of. */
  readonly grantsChanged?: boolean;
  /** Somebody must not read or write any more, from now on. */
  readonly revokes?: boolean;
  /** Key ids of members that lose their leaf, and get another where they can be reached. */
  readonly reseats?: ReadonlySet<string>;
  /** Key ids of new members that are to read the running epoch too. */
  readonly joinsNow?: ReadonlySet<string>;
  /** Makes a block that counts from then on. */
  readonly rotatesFromMs?: number;
  /** Makes a new tree, with an epoch that may skip some. */
  readonly opens?: { readonly generation: number; readonly epoch: number };
  /** In the place of the one before. */
  readonly record?: GroupRecord;
}

/** The prekey by which a principal can be reached now, or why it cannot be. */
export type Reach = (keyId32: Uint8Array) => PublicKey | WaitingMember['reason'];

/** A principal to be given a seat. */
interface Joiner {
  readonly id: string;
  readonly keyId32: Uint8Array;
  readonly prekey: PublicKey;
}

/** A change that is worked out up to what depends on the version of the policy. */
export class GroupPlan {
  /** Whether the policy has to say something else than before. */
  readonly changesPolicy: boolean;
  readonly #controller: Controller;
  readonly #group: GroupFoundation & Partial<ControlledGroup>;
  readonly #change: GroupChange;
  readonly #nowMs: number;
  readonly #notBeforeMs: number;
  readonly #revokes: boolean;
  readonly #opensGeneration: boolean;
  readonly #makesBlock: boolean;
  readonly #members: ReadonlyMap<string, Uint8Array>;
  readonly #staying: ReadonlyMap<string, Seat>;
  readonly #joiners: readonly Joiner[];
  readonly #waiting: readonly WaitingMember[];
  readonly #joinsNow: ReadonlySet<string>;
  readonly #tree: SeatTree | undefined;
  readonly #routeSecrets: readonly RouteSecret[];
  readonly #periods: readonly number[];
  readonly #lists: PublishedLists;
  readonly #privateBody: Uint8Array;
  readonly #privateHash32: Uint8Array;

  /**
   * @param group - a foundation only where `change` opens its first generation
   * @param source - rules and grants as they are to be
   * @throws TridcommError `E_LIMIT` for lists that are too long, or would be with rights that this gives and the most periods that a block
   * may span; `E_EPOCH` for a generation that does not rise above what was used
   * @spec groups.22
   */
  constructor(
    controller: Controller,
    group: GroupFoundation & Partial<ControlledGroup>,
    change: GroupChange,
    source: PolicySource,
    reach: Reach,
    nowMs: number,
  ) {
    this.#controller = controller;
    this.#group = group;
    this.#change = change;
    this.#nowMs = nowMs;
    const { record } = this;
    const { opens, reseats, joinsNow } = change;
    if (opens !== undefined && (opens.epoch <= group.epoch || opens.generation <= group.generation)) {
      throw new TridcommError('E_EPOCH', `epoch ${opens.epoch} of generation ${opens.generation} is not new`);
    }
    const seats = group.seats ?? new Map<string, Seat>();
    this.#members =
      group.members === undefined || change.grantsChanged === true
        ? new Map(this.#seatsBy(source).map(({ keyId32 }) => [hexOf(keyId32), keyId32]))
        : group.members;
    // Most changes are of thousands of members of whom none comes or goes.
    const canLeave = this.#members !== group.members || reseats !== undefined;
    const leaving = canLeave ? [...seats].filter(([id]) => !this.#members.has(id) || reseats?.has(id) === true) : [];
    this.#revokes = change.revokes === true || leaving.length > 0;
    const left = new Set(leaving.map(([id]) => id));
    const kept = left.size === 0 ? seats : new Map([...seats].filter(([id]) => !left.has(id)));

    const tree = this.#isTree ? this.#treeWithout(leaving.map(([, { leaf }]) => leaf)) : undefined;
    const unseated = canLeave ? this.#membersBut(kept) : (group.waiting ?? []).map(({ keyId32 }) => keyId32);
    const incoming = this.#reachable(reach, unseated);
    this.#opensGeneration = opens !== undefined || (this.#isTree && !this.#canGoOn(tree, incoming.joiners.length));
    this.#joinsNow = this.#isTree && !this.#opensGeneration && !hasBlockAhead(group, nowMs) ? (joinsNow ?? none) : none;
    this.#notBeforeMs = this.#revokes ? nowMs : (change.rotatesFromMs ?? nowMs);
    const ownPart = this.#ownPart();
    this.#routeSecrets = ownPart.routeSecrets;
    this.#privateBody = ownPart.body;
    this.#privateHash32 = privateHash(controller.provider, record.groupId16, ownPart.body);

    const hasNewReaders = incoming.joiners.some(({ id }) => !this.#joinsNow.has(id));
    const needsBlock = this.#revokes || this.#opensGeneration || hasNewReaders || change.rotatesFromMs !== undefined;
    const first = this.#listsFor(needsBlock ? this.#blockPeriods : (group.periods ?? []), source);
    // A block names the writers, so other writers take another block, and that may serve other periods.
    this.#makesBlock = needsBlock || !sameRoot(first.lists.writers, group.lists?.writers);
    const { lists, periods } = this.#makesBlock && !needsBlock ? this.#listsFor(this.#blockPeriods, source) : first;
    if (change.revokes !== true && this.#members !== group.members) this.#checkRoom(lists, periods.length);
    this.#lists = lists;
    this.#periods = periods;

    // A new tree has a leaf for none yet, and a list wraps for each member in every block.
    const isList = record.blockKind === keyBlockKinds.list;
    const seatsAnew = this.#opensGeneration || (isList && this.#makesBlock);
    this.#staying = seatsAnew ? new Map<string, Seat>() : kept;
    const { joiners, waiting } = seatsAnew ? this.#reachable(reach, this.#members.values()) : incoming;
    this.#joiners = joiners;
    this.#waiting = waiting;
    this.#tree =
      this.#isTree && this.#opensGeneration
        ? new SeatTree(heightFor(joiners.length, group.leastHeight), controller.random)
        : tree;
    this.changesPolicy =
      change.record !== undefined ||
      !sameRoot(lists.writers, group.lists?.writers) ||
      !sameRoot(lists.edge, group.lists?.edge) ||
      !equalBytes(this.#privateHash32, group.privateHash32 ?? nothing);
  }

  /** The record that counts from now on. */
  get record(): GroupRecord {
    return this.#change.record ?? this.#group.record;
  }

  /**
   * Makes what the plan says, and adds it to what goes out: what changed, and only that.
   *
   * @param policyVersion - of the policy that is to count with it
   * @returns the group as it is then; the tree of the one before can be erased
   * @throws TridcommError `E_LIMIT` where the numbers of epochs end; `E_USAGE` for a time that no block can have
   */
  carryOut(policyVersion: number, out: Outgoing): ControlledGroup {
    const { record } = this;
    const group = this.#group;
    const { groupId16 } = record;
    if (this.#change.record !== undefined) out.add(addressTypes.groupRecord, groupId16, record.object.bytes);
    const { writers, edge } = this.#lists;
    if (!sameRoot(writers, group.lists?.writers)) out.add(addressTypes.writers, groupId16, writers.bytes);
    if (!sameRoot(edge, group.lists?.edge)) out.add(addressTypes.edgeList, groupId16, edge.bytes);
    const place = this.#nextPlace();
    const seats = this.#seat(place, policyVersion, out);
    const block = this.#makesBlock ? this.#makeBlock(place, policyVersion) : undefined;
    if (block !== undefined) sendBlock(groupId16, group.frontId16, block, this.#nowMs, out);
    return {
      record,
      frontId16: group.frontId16,
      patterns: group.patterns,
      psk32: group.psk32,
      leastHeight: group.leastHeight,
      ...place,
      blockHash32: block?.blockHash32 ?? group.blockHash32,
      blocks: block === undefined ? (group.blocks ?? []) : [...(group.blocks?.slice(-1) ?? []), block],
      tree: this.#tree,
      seats,
      members: this.#members,
      waiting: this.#waiting,
      routeSecrets: this.#routeSecrets,
      periods: this.#periods,
      lists: this.#lists,
      privateBody: this.#privateBody,
      privateHash32: this.#privateHash32,
    };
  }

  /** Overwrites the keys that only this plan has, as it is not carried out. */
  discard(): void {
    this.#tree?.erase();
  }

  /** The grants that each give a seat. */
  #seatsBy(source: PolicySource): readonly Grant[] {
    const { frontId16 } = this.#group;
    return frontId16 === undefined
      ? source.grantsIn(this.record.groupId16)
      : source.grantsIn(frontId16).filter((grant) => isForCrew(grant));
  }

  get #isTree(): boolean {
    return this.#group.record.blockKind === keyBlockKinds.completeSubtree;
  }

  /** A copy of the tree without these leaves; undefined before the first. */
  #treeWithout(leaves: readonly number[]): SeatTree | undefined {
    const tree = this.#group.tree?.copy();
    for (const leaf of leaves) tree?.revokeLeaf(leaf);
    return tree;
  }

  /** Whether the generation holds so many members more, and one epoch more. */
  #canGoOn(tree: SeatTree | undefined, members: number): boolean {
    const { epoch, baseEpoch } = this.#group;
    return (
      tree !== undefined &&
      tree.hasRoomFor(members) &&
      tree.cover.length <= limits.keyBlockEntries &&
      epoch + 1 - (baseEpoch ?? 0) <= limits.generationEpochs
    );
  }

  #membersBut(seated: ReadonlyMap<string, Seat>): readonly Uint8Array[] {
    return [...this.#members].filter(([id]) => !seated.has(id)).map(([, keyId32]) => keyId32);
  }

  /**
   * Who of these can be given a seat, and who cannot.
   *
   * @spec groups.24
   */
  #reachable(
    reach: Reach,
    keyIds: Iterable<Uint8Array>,
  ): { readonly joiners: readonly Joiner[]; readonly waiting: readonly WaitingMember[] } {
    const joiners: Joiner[] = [];
    const waiting: WaitingMember[] = [];
    if (this.#group.record.blockKind === keyBlockKinds.psk) return { joiners, waiting };
    for (const keyId32 of keyIds) {
      const found = reach(keyId32);
      if (typeof found === 'string') waiting.push({ keyId32, reason: found });
      else joiners.push({ id: hexOf(keyId32), keyId32, prekey: found });
    }
    return { joiners, waiting };
  }

  /**
   * The group's own part, with a fresh route secret where somebody is kept out or everything begins anew.
   *
   * @spec groups.19
   */
  #ownPart(): { readonly body: Uint8Array; readonly routeSecrets: readonly RouteSecret[] } {
    const { routeSecrets: held, privateBody, patterns, record } = this.#group;
    const isFirst = held.length === 0;
    if (privateBody !== undefined && !this.#revokes && !this.#opensGeneration) {
      return { body: privateBody, routeSecrets: held };
    }
    const from = isFirst ? 0 : firstUnusedPeriod(this.#notBeforeMs, record);
    const secret32 = this.#controller.random(32);
    const routeSecrets = withRouteSecret(held, from, secret32, this.#blockPeriods[0]!);
    return { body: encodeGroupPrivate(patterns, routeSecrets), routeSecrets };
  }

  /**
   * The periods of tags that may be in use while the next block is the newest.
   *
   * They begin early enough for the epoch that runs until then, and for what was sent, or is routed for, up to `max_age` before.
   */
  get #blockPeriods(): readonly number[] {
    const { epochLifeMs, periodMs } = this.record;
    const startMs = Math.min(this.#nowMs, this.#notBeforeMs) - this.#controller.skewMs - limits.maxAgeMs;
    const first = tagPeriod(Math.max(0, startMs), periodMs);
    const last = tagPeriod(this.#notBeforeMs + epochLifeMs + this.#controller.skewMs, periodMs);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  }

  /** The lists for these periods; those that are published where nothing that they are made of changes. */
  #listsFor(
    periods: readonly number[],
    source: PolicySource,
  ): { readonly lists: PublishedLists; readonly periods: readonly number[] } {
    const { lists: held, periods: heldPeriods } = this.#group;
    const isSame =
      held !== undefined &&
      this.#change.grantsChanged !== true &&
      this.#routeSecrets === this.#group.routeSecrets &&
      heldPeriods?.[0] === periods[0] &&
      heldPeriods?.at(-1) === periods.at(-1);
    if (isSame) return { lists: held, periods };
    const { provider } = this.#controller;
    const { groupId16, purpose } = this.record;
    const grants = source.grantsIn(groupId16);
    const compiled = compileGroup(provider, groupId16, purpose, source.rules, grants, this.#routeSecrets, periods);
    const listOf = (use: number, entries: typeof compiled.edge) =>
      AccessList.decode(provider, encodeAccessList(use, groupId16, entries), use, groupId16);
    return {
      lists: { writers: listOf(listUses.writers, compiled.writers), edge: listOf(listUses.edge, compiled.edge) },
      periods,
    };
  }

  /**
   * Refuses rights for which the lists have no room, be it for a later block alone: when time asks for that, nobody could be told.
   *
   * @param periodCount - that the lists serve
   */
  #checkRoom({ writers, edge }: PublishedLists, periodCount: number): void {
    const { epochLifeMs, periodMs } = this.record;
    const spanMs = leadMs(this.record) + epochLifeMs + 2 * this.#controller.skewMs + limits.maxAgeMs;
    const most = Math.ceil(spanMs / periodMs) + 1;
    const scaled = ({ entries }: AccessList) => {
      const lasting = entries.filter(({ matchKind }) => matchKind === matchKinds.group).length;
      return lasting + ((entries.length - lasting) / periodCount) * Math.max(most, periodCount);
    };
    checkLimit('writers of the longest block', scaled(writers), limits.writersEntries);
    checkLimit('edge entries of the longest block', scaled(edge), limits.edgeEntries);
  }

  /** Generation and epoch that are the newest afterwards. */
  #nextPlace(): Pick<ControlledGroup, 'generation' | 'epoch' | 'baseEpoch'> {
    const { generation, epoch, baseEpoch = 0 } = this.#group;
    if (!this.#makesBlock) return { generation, epoch, baseEpoch };
    const next = this.#change.opens ?? {
      generation: this.#opensGeneration ? generation + 1 : generation,
      epoch: epoch + 1,
    };
    checkLimit('epoch', next.epoch, 0xffff_ffff);
    checkLimit('generation', next.generation, 0xffff_ffff);
    return { ...next, baseEpoch: this.#opensGeneration ? next.epoch : baseEpoch };
  }

  /** Seats of all whom the newest block reaches; steps the tree where there is a new block. */
  #seat(
    place: Pick<ControlledGroup, 'generation' | 'epoch'>,
    policyVersion: number,
    out: Outgoing,
  ): ReadonlyMap<string, Seat> {
    const tree = this.#tree;
    const steps = this.#makesBlock && !this.#opensGeneration;
    if (this.#joiners.length === 0) {
      if (steps) tree?.step(this.#controller.provider);
      return this.#staying;
    }
    const seats = new Map(this.#staying);
    if (tree === undefined) {
      for (const { id, keyId32 } of this.#joiners) seats.set(id, { keyId32, leaf: 0, enrolment: undefined });
      return seats;
    }
    const enrol = ({ id, keyId32, prekey }: Joiner, epoch: number) => {
      const leaf = tree.giveLeaf();
      const nodeKeys = tree.keysOf(leaf);
      const { provider, key, authorityId32, random } = this.#controller;
      const { suite, groupId16 } = this.record;
      const fields = {
        suite,
        groupId16,
        generation: place.generation,
        epoch,
        height: tree.height,
        leaf,
        memberKeyId32: keyId32,
        issuedMs: this.#nowMs,
        policyVersion,
      };
      const enrolment = makeEnrolment(provider, fields, key.key, authorityId32, prekey, nodeKeys, random);
      nodeKeys.fill(0);
      seats.set(id, { keyId32, leaf, enrolment });
      out.add(addressTypes.enrolment, concat(groupId16, keyId32), enrolment);
    };
    const [now, next] = partition(this.#joiners, ({ id }) => this.#joinsNow.has(id));
    for (const joiner of now) enrol(joiner, this.#group.epoch);
    if (steps) tree.step(this.#controller.provider);
    for (const joiner of next) enrol(joiner, place.epoch);
    return seats;
  }

  /** @spec groups.17, groups.19, groups.20, groups.21 */
  #makeBlock(
    place: Pick<ControlledGroup, 'generation' | 'epoch' | 'baseEpoch'>,
    policyVersion: number,
  ): PublishedBlock {
    const { record } = this;
    const { random, key } = this.#controller;
    const notBeforeMs = this.#notBeforeMs;
    const notAfterMs = notBeforeMs + record.epochLifeMs;
    const header: KeyBlockHeader = {
      kind: record.blockKind,
      suite: record.suite,
      groupId16: record.groupId16,
      ...place,
      notBeforeMs,
      notAfterMs,
      drainUntilMs: notBeforeMs + record.drainMs,
      salt16: random(16),
      prevBlockHash32: this.#group.blockHash32,
      policyRoot32: this.#lists.writers.root32,
      controllerKeyId32: key.key.keyId32,
      policyVersion,
      purpose: record.purpose,
      flags: this.#revokes ? keyBlockFlags.revocation : 0,
      height: this.#tree?.height ?? 0,
    };
    const made = this.#wrap(header);
    const { bytes, blockHash32, epochSecret32 } = made;
    const { frontId16 } = this.#group;
    const { provider, authorityId32 } = this.#controller;
    const poolRecord = frontId16 && makePoolRecord(provider, authorityId32, key.key, frontId16, header, made);
    epochSecret32.fill(0);
    return { bytes, blockHash32, notBeforeMs, notAfterMs, poolRecord };
  }

  #wrap(header: KeyBlockHeader): MadeBlock {
    const { provider, random, key } = this.#controller;
    const body = this.#privateBody;
    if (this.#tree !== undefined) {
      return makeSubtreeBlock(provider, header, key.key, body, this.#tree.coverKeys(), random);
    }
    if (this.#group.psk32 !== undefined) return makePskBlock(provider, header, key.key, body, this.#group.psk32);
    // Nothing keeps a principal from naming the prekey of another as its own.
    const prekeys = new Map(this.#joiners.map(({ prekey }) => [hexOf(prekey.keyId32), prekey]));
    return makeListBlock(provider, header, key.key, body, [...prekeys.values()], random);
  }
}

/** What a head says of the group. */
export function leafOf({ record, generation, epoch, blockHash32 }: ControlledGroup): GroupLeaf {
  return { groupId16: record.groupId16, generation, epoch, blockHash32 };
}

/** What the policy says of the group. */
export function entryOfGroup({ record, lists, privateHash32 }: ControlledGroup): GroupEntry {
  return {
    groupId16: record.groupId16,
    groupRecordHash32: record.object.hash32,
    writersRoot32: lists.writers.root32,
    edgeRoot32: lists.edge.root32,
    privateHash32,
  };
}

/** When the next block is due: a quarter of an epoch, or a minute, before the end of the newest, whichever comes later. */
export function nextBlockMs({ record, blocks }: ControlledGroup): number {
  return blocks.at(-1)!.notAfterMs - leadMs(record);
}

/** Whether the newest block is one that was published ahead, and has not begun. */
export function hasBlockAhead({ blocks }: Partial<ControlledGroup>, nowMs: number): boolean {
  return (blocks?.at(-1)?.notBeforeMs ?? 0) > nowMs;
}

/**
 * Overwrites what a group had and has no longer: its tree, route secrets, and the own part that held them.
 *
 * @param after - undefined, or the group itself, where it stays as it is
 */
export function eraseReplacedSecrets(
  before: GroupFoundation & Partial<ControlledGroup>,
  after: ControlledGroup | undefined,
): void {
  if (after === undefined || after === before) return;
  if (before.tree !== after.tree) before.tree?.erase();
  if (before.privateBody !== after.privateBody) before.privateBody?.fill(0);
  eraseDropped(before.routeSecrets, after.routeSecrets);
}

/** Overwrites all that a group had: it is no more. */
export function eraseSecrets({ tree, privateBody, routeSecrets, psk32 }: ControlledGroup): void {
  tree?.erase();
  privateBody.fill(0);
  eraseDropped(routeSecrets, []);
  psk32?.fill(0);
}

/** Adds everything of a group that a carrier should retain to what goes out. */
export function sendGroup(group: ControlledGroup, nowMs: number, out: Outgoing): void {
  const { record, frontId16, lists, seats, blocks } = group;
  const { groupId16 } = record;
  out.add(addressTypes.groupRecord, groupId16, record.object.bytes);
  out.add(addressTypes.writers, groupId16, lists.writers.bytes);
  out.add(addressTypes.edgeList, groupId16, lists.edge.bytes);
  for (const { keyId32, enrolment } of seats.values()) {
    if (enrolment !== undefined) out.add(addressTypes.enrolment, concat(groupId16, keyId32), enrolment);
  }
  for (const block of blocks) sendBlock(groupId16, frontId16, block, nowMs, out);
}

function leadMs({ epochLifeMs }: GroupRecord): number {
  return Math.min(Math.floor(epochLifeMs / 4), longestLeadMs);
}

function sameRoot(list: AccessList, other: AccessList | undefined): boolean {
  return other !== undefined && equalBytes(list.root32, other.root32);
}

function partition<T>(all: readonly T[], isFirst: (one: T) => boolean): readonly [readonly T[], readonly T[]] {
  return [all.filter(isFirst), all.filter((one) => !isFirst(one))];
}

const none: ReadonlySet<string> = new Set();
const nothing = new Uint8Array(0);
const longestLeadMs = 60_000;
