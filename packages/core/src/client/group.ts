import { equalBytes } from '../bytes/bytes.ts';
import { addressTypes } from '../codepoints/address-types.gen.ts';
import { listUses } from '../codepoints/list-uses.gen.ts';
import { purposes } from '../codepoints/purposes.gen.ts';
import type { SenderKey } from '../envelope/open.ts';
import { TridcommError } from '../errors.ts';
import { AccessList } from '../keys/access-list.ts';
import { parseEnrolment } from '../keys/enrolment.ts';
import type { GroupRecord } from '../keys/group-record.ts';
import { isFresh, type GroupLeaf, type Head } from '../keys/head.ts';
import { keyBlockFlags, parseBlock, type KeyBlockHeader } from '../keys/key-block-format.ts';
import type { OpenedBlock } from '../keys/member-keys.ts';
import { entryOf } from '../keys/policy.ts';
import type { EnvelopeSource } from '../replay/guard.ts';
import { SourcedReplay } from '../replay/sourced-replay.ts';
import { routeSecretAt } from './route-secrets.ts';
import type { TopicPattern, Topic } from '../topics/grammar.ts';
import { tagPeriod, type TopicTag } from '../topics/tags.ts';
import { EpochReceiver } from './epoch-receiver.ts';
import { GroupKeys } from './group-keys.ts';
import { GroupWriters } from './group-writers.ts';
import { hexOf } from './hex.ts';
import type { Holdings } from './holdings.ts';
import { OpenEpoch, storedEpochs } from './open-epoch.ts';
import { storedNumbers, storeNumbers } from './stored-floors.ts';
import { TagCache } from './tag-cache.ts';
import { isDelivered } from './purpose.ts';
import { viewOf, type View, type ViewFloor, type ViewParts } from './view.ts';

/** A head with the leaf of the group, proven. */
export interface ProvenLeaf {
  readonly head: Head;
  readonly leaf: GroupLeaf;
}

/**
 * One group as a member sees it: what it holds of it, the view that it acts on, and the epochs that are open.
 */
export class Group implements ViewParts {
  readonly groupId16: Uint8Array;
  readonly id: string;
  readonly tags: TagCache;
  /** False where nothing lets this principal in; undefined while that is not known. */
  isMember: boolean | undefined;
  readonly #holdings: Holdings;
  readonly #keys: GroupKeys;
  #settings: GroupRecord | undefined;
  readonly #writers: GroupWriters;
  /** Ascending. */
  #epochs: readonly OpenEpoch[] = [];
  readonly #receivers = new WeakMap<OpenEpoch, Readonly<Record<EnvelopeSource, EpochReceiver>>>();
  #proven: ProvenLeaf | undefined;
  /** To which the member has not gone over. */
  #candidate: ProvenLeaf | undefined;
  #view: View | undefined;
  #lookAgainMs = 0;
  #floor: ViewFloor;
  /** The highest epoch that was closed: none up to it begins again, whatever the clock or the store says. */
  #closedEpoch: number;

  constructor(holdings: Holdings, groupId16: Uint8Array) {
    this.#holdings = holdings;
    this.groupId16 = new Uint8Array(groupId16);
    this.id = hexOf(groupId16);
    this.tags = new TagCache(holdings.provider, this.groupId16);
    this.#keys = new GroupKeys(holdings, this.id);
    this.#writers = new GroupWriters(holdings.store, this.id);
    const [policyVersion, authoritySerial, recordSerial] = storedNumbers(holdings.store, `view/${this.id}`, 3);
    this.#floor = { policyVersion: policyVersion!, authoritySerial: authoritySerial!, recordSerial: recordSerial! };
    this.#closedEpoch = storedNumbers(holdings.store, `closed/${this.id}`, 1)[0]!;
  }

  get view(): View | undefined {
    return this.#view;
  }

  /** The newest group record that was taken: it says whose blocks count. */
  get record(): GroupRecord | undefined {
    return this.#settings;
  }

  get epochs(): readonly OpenEpoch[] {
    return this.#epochs;
  }

  /** The number of the highest epoch that is open; 0 without any. */
  get newestEpoch(): number {
    return this.#epochs.at(-1)?.number ?? 0;
  }

  /** The head that the member knows of for this group, whether it has gone over or not. */
  get newestHead(): Head | undefined {
    return this.#candidate?.head ?? this.#view?.head;
  }

  /** Patterns of the rules, as the view has them. What a crew says is its front's, and no topic of its own. */
  get rules(): readonly TopicPattern[] {
    const view = this.#view;
    return view === undefined || view.record.purpose === purposes.crew ? [] : view.block.private.patterns;
  }

  /** Those under which messages are published, or questions asked. */
  get patterns(): readonly TopicPattern[] {
    return this.#view !== undefined && isDelivered(this.#view.record) ? this.rules : [];
  }

  /** Whether it is the front of a pool, as its view has it. */
  get isFront(): boolean {
    return this.#view?.record.purpose === purposes.front;
  }

  /** Whether the newest block has a rival. @spec groups.8 */
  get isForked(): boolean {
    return this.#keys.isForked;
  }

  /** The leaf under the highest head that came with one, whether the member is one of the group or not. */
  get proven(): ProvenLeaf | undefined {
    return this.#proven;
  }

  epoch(number: number): OpenEpoch | undefined {
    return this.#epochs.find((one) => one.number === number);
  }

  block(blockHash32: Uint8Array): OpenEpoch['block'] | undefined {
    return this.#epochs.find(({ block }) => equalBytes(block.blockHash32, blockHash32))?.block;
  }

  writers(root32: Uint8Array): AccessList | undefined {
    return this.#writers.get(hexOf(root32));
  }

  /** Takes over a newer group record, which {@link Trust} has accepted. */
  useRecord(record: GroupRecord): void {
    const isFirst = this.#settings === undefined;
    this.#settings = record;
    this.#holdings.groupRecords.add(record.object.hash32, record);
    if (!isFirst) return;
    this.#writers.load(this.#holdings.provider, this.groupId16);
    this.#epochs = storedEpochs(this.#holdings, this.groupId16, record.topicChains, this.#closedEpoch);
    if (this.#epochs.length > 0) this.isMember = true;
  }

  /**
   * Takes a list of writers that the newest policy states.
   *
   * @throws TridcommError as the form of lists says; `E_POLICY`
   * @spec principals.21
   */
  takeWriters(bytes: Uint8Array): 'held' | 'known' {
    const list = AccessList.decode(this.#holdings.provider, bytes, listUses.writers, this.groupId16);
    list.checkRoot(statedRoots(this.#holdings, this.groupId16).writersRoot32);
    const name = hexOf(list.root32);
    if (this.#writers.get(name) !== undefined) return 'known';
    this.#writers.add(name, list);
    this.#pruneWriters();
    return 'held';
  }

  takeEnrolment(bytes: Uint8Array): 'held' | 'known' {
    parseEnrolment(bytes);
    const taken = this.#keys.takeEnrolment(bytes, this.#requireSettings(), this.#epochs.at(-1));
    // A block that did not open may open now.
    if (taken === 'held') this.isMember = undefined;
    return taken;
  }

  /**
   * Takes a key block. One whose epoch is open, or was closed, steps the keys of the member and begins nothing.
   *
   * @returns whether the block opened, or was known
   */
  takeBlock(bytes: Uint8Array): 'held' | 'known' {
    parseBlock(this.#holdings.provider, bytes);
    const settings = this.#requireSettings();
    let begun: OpenEpoch | undefined;
    let taken: 'held' | 'known';
    try {
      taken = this.#keys.takeBlock(bytes, settings, this.#epochs.at(-1), (opened) => {
        begun = this.#epochOf(opened);
        begun?.write(bytes);
      });
    } catch (error) {
      begun?.erase();
      if (error instanceof TridcommError && error.code === 'E_REVOKED') this.isMember = false;
      throw error;
    }
    if (begun !== undefined) this.#epochs = [...this.#epochs, begun].sort((a, b) => a.number - b.number);
    if (taken === 'held') this.isMember = true;
    else this.isMember ??= true;
    return taken;
  }

  /** Takes a head with the leaf of this group, both proven. */
  takeHead(head: Head, leaf: GroupLeaf): void {
    if ((this.#proven?.head.headSeq ?? 0) <= head.headSeq) this.#proven = { head, leaf };
    if ((this.newestHead?.headSeq ?? 0) < head.headSeq) this.#candidate = { head, leaf };
  }

  /**
   * Goes over to the newest head if all that it names is there.
   *
   * @returns whether there is a new view
   * @throws TridcommError `E_POLICY`, `E_EPOCH` for a head that cannot be gone over to; it is forgotten, and the view stays
   * @spec principals.34
   */
  advance(): boolean {
    const candidate = this.#candidate;
    if (candidate === undefined) return false;
    let view: View | number[];
    try {
      view = viewOf(this.#holdings, this, this.#floor, candidate.head, candidate.leaf);
    } catch (error) {
      this.#candidate = undefined;
      throw error;
    }
    if (Array.isArray(view)) return false;
    this.#goOver(view);
    return true;
  }

  /** Address types of what is lacking for a newer view; empty where nothing is known to be. */
  missing(): readonly number[] {
    // Who was in and is not any more may have got another leaf.
    if (this.isMember === false) return this.#view === undefined ? [] : [addressTypes.enrolment];
    if (this.#candidate === undefined) return this.#view === undefined ? [addressTypes.groupHead] : [];
    try {
      const view = viewOf(this.#holdings, this, this.#floor, this.#candidate.head, this.#candidate.leaf);
      return Array.isArray(view) ? view : [];
    } catch {
      return [];
    }
  }

  /** Whether it is time to ask, as nobody's member, if there is an enrolment that got lost. */
  mayLookAgain(nowMs: number): boolean {
    const waitsMs = this.#lookAgainMs - nowMs;
    // A wait that is longer than it can be was begun by a clock that was wrong.
    if (this.isMember !== false || (waitsMs > 0 && waitsMs <= lookAgainMs)) return false;
    this.#lookAgainMs = nowMs + lookAgainMs;
    return true;
  }

  isFresh(nowMs: number): boolean {
    const view = this.#view;
    return view !== undefined && isFresh(view.head, nowMs, this.#holdings.skewMs, view.record.maxHeadAgeMs);
  }

  /** The view to open by. @throws TridcommError `E_STALE` @spec principals.30 */
  viewToOpen(nowMs: number): View {
    const view = this.#view;
    if (view === undefined || (!this.isFresh(nowMs) && !view.record.staleOk)) throw new TridcommError('E_STALE');
    return view;
  }

  /**
   * Whether an envelope of an epoch may be accepted now.
   *
   * @param timestampMs - of its header
   * @throws TridcommError `E_EPOCH`
   * @spec groups.26
   */
  checkEpoch(epoch: OpenEpoch, timestampMs: number, nowMs: number): void {
    const { skewMs } = this.#holdings;
    const { notBeforeMs, notAfterMs } = epoch.block.header;
    const next = this.#epochs[this.#epochs.indexOf(epoch) + 1];
    if (next === undefined) {
      if (nowMs < notBeforeMs - skewMs) throw new TridcommError('E_EPOCH', 'epoch that has not begun');
    } else if (nowMs > next.block.header.drainUntilMs) throw new TridcommError('E_EPOCH', 'epoch that has drained');
    if (timestampMs < notBeforeMs - skewMs || timestampMs > notAfterMs + skewMs) {
      throw new TridcommError('E_EPOCH', `timestamp ${timestampMs} outside its epoch`);
    }
  }

  /**
   * Step 9: the key of a sender, if it is to be trusted now.
   *
   * @throws TridcommError `E_EXPIRED`, `E_REVOKED`
   * @spec principals.14, principals.24
   */
  findSender(senderId16: Uint8Array, nowMs: number): SenderKey | undefined {
    const { trust, newestRevoked } = this.#holdings;
    const record = trust.principalBySenderId(senderId16);
    if (record === undefined) return undefined;
    trust.checkPrincipalNow(record, nowMs);
    const revoked = newestRevoked ?? this.#view?.revoked;
    if (revoked?.isRevoked(record.key.keyId32, record.serial) === true) throw new TridcommError('E_REVOKED');
    return record.key;
  }

  /**
   * Closes the epochs whose time is over, from the lowest on: for good, also where a clock is wrong.
   *
   * @returns whether there were any
   * @spec groups.12, groups.26
   */
  closeEpochs(nowMs: number): boolean {
    const firstOpen = this.#epochs.findIndex((_, i) => !this.#isOver(i, nowMs));
    const over = this.#epochs.slice(0, firstOpen < 0 ? this.#epochs.length : firstOpen);
    const last = over.at(-1);
    if (last === undefined) return false;
    storeNumbers(this.#holdings.store, `closed/${this.id}`, last.number);
    this.#closedEpoch = last.number;
    this.#epochs = this.#epochs.slice(over.length);
    this.tags.clear();
    for (const epoch of over) epoch.erase();
    for (const epoch of over) epoch.remove();
    this.#pruneWriters();
    return true;
  }

  /** Overwrites the secrets in memory. */
  stop(): void {
    const privates = this.#epochs.map(({ block }) => block.private);
    if (this.#view !== undefined) privates.push(this.#view.block.private);
    for (const { body, routeSecrets } of privates) {
      body.fill(0);
      for (const { secret32 } of routeSecrets) secret32.fill(0);
    }
    for (const epoch of this.#epochs) epoch.erase();
    this.#keys.erase();
    this.#epochs = [];
    this.#view = undefined;
    this.#candidate = undefined;
    this.#proven = undefined;
    this.tags.clear();
  }

  /**
   * Whether a block is held that the view has not come to, and under which sealing would have begun: its head is held back, or late.
   *
   * @spec groups.28
   */
  isBehindBlock(nowMs: number): boolean {
    const viewed = this.#view?.block.header.epoch ?? 0;
    return this.#epochs.some(({ block: { header } }) => header.epoch > viewed && hasBegun(header, nowMs));
  }

  /**
   * The epoch to seal under.
   *
   * @throws TridcommError `E_EPOCH`; `E_FORK` where the newest block has a rival
   * @spec groups.8, groups.25
   */
  sealingEpoch(nowMs: number): OpenEpoch {
    if (this.#keys.isForked) throw new TridcommError('E_FORK', 'two key blocks of one epoch');
    const at = this.#epochs.findIndex(({ block }) => block === this.#view?.block);
    const epoch = this.#begunUpTo(at, nowMs);
    if (epoch === undefined || nowMs > epoch.block.header.notAfterMs) {
      throw new TridcommError('E_EPOCH', 'no epoch to seal under');
    }
    return epoch;
  }

  /**
   * The highest epoch up to one that has begun, if the blocks of all between are held: one that was missed may have revoked somebody, whom
   * sealing under an older one would let read on.
   *
   * @spec groups.25
   */
  #begunUpTo(at: number, nowMs: number): OpenEpoch | undefined {
    const epoch = this.#epochs[at];
    if (epoch === undefined || hasBegun(epoch.block.header, nowMs)) return epoch;
    const before = this.#epochs[at - 1];
    const follows = before && equalBytes(before.block.blockHash32, epoch.block.header.prevBlockHash32);
    return follows === true ? this.#begunUpTo(at - 1, nowMs) : undefined;
  }

  /** Tags that a topic may have at a time: one for each route secret that open epochs give. */
  *tagsAt(timestampMs: number, periodMs: number, topic: Topic): Generator<TopicTag, void, undefined> {
    const period = tagPeriod(timestampMs, periodMs);
    for (const secret32 of this.routeSecrets(period)) yield this.tags.tagOf(secret32, period, topic);
  }

  /** The route secrets that count for a period, the newest block's first. */
  routeSecrets(period: number): Uint8Array[] {
    const secrets: Uint8Array[] = [];
    for (const { block } of this.#epochs.toReversed()) {
      const secret32 = routeSecretAt(block.private.routeSecrets, period);
      if (secret32 !== undefined && !secrets.some((one) => equalBytes(one, secret32))) secrets.push(secret32);
    }
    return secrets;
  }

  /** A receiver of one epoch, for steps 8 to 15 of chapter 03, for what comes as news or out of a log. */
  receiverOf(epoch: OpenEpoch, source: EnvelopeSource): EpochReceiver {
    let receivers = this.#receivers.get(epoch);
    if (receivers === undefined) {
      const { guard } = epoch;
      receivers = {
        live: new EpochReceiver(this.#holdings.provider, this, epoch, guard),
        log: new EpochReceiver(this.#holdings.provider, this, epoch, new SourcedReplay(guard, 'log')),
      };
      this.#receivers.set(epoch, receivers);
    }
    return receivers[source];
  }

  #goOver(view: View): void {
    const floor = {
      policyVersion: Math.max(this.#floor.policyVersion, view.policy.version),
      authoritySerial: Math.max(this.#floor.authoritySerial, view.authoritySerial),
      recordSerial: Math.max(this.#floor.recordSerial, view.record.serial),
    };
    const { policyVersion, authoritySerial, recordSerial } = floor;
    storeNumbers(this.#holdings.store, `view/${this.id}`, policyVersion, authoritySerial, recordSerial);
    this.#floor = floor;
    this.#view = view;
    this.#candidate = undefined;
    this.#pruneWriters();
  }

  /** Forgets the writers that neither the view nor an open epoch is judged by. */
  #pruneWriters(): void {
    const used = new Set(this.#epochs.map(({ block }) => hexOf(block.header.policyRoot32)));
    if (this.#view !== undefined) used.add(hexOf(this.#view.writers.root32));
    this.#writers.prune(used);
  }

  /** Whether the time of an epoch is over. */
  #isOver(index: number, nowMs: number): boolean {
    const next = this.#epochs[index + 1];
    if (next !== undefined) return nowMs > next.block.header.drainUntilMs;
    const { skewMs, maxAgeMs } = this.#holdings;
    // After that, whatever keeps its times is too old.
    return nowMs > this.#epochs[index]!.block.header.notAfterMs + skewMs + maxAgeMs;
  }

  /** The epoch of a block that opened, once: none for one that is open, which goes on, or that was closed. @spec groups.8 */
  #epochOf(opened: OpenedBlock): OpenEpoch | undefined {
    const { header, blockHash32, epochSecret32 } = opened;
    const open = this.epoch(header.epoch);
    if (open === undefined && header.epoch > this.#closedEpoch) return new OpenEpoch(this.#holdings, opened);
    epochSecret32.fill(0);
    if (open !== undefined && !equalBytes(open.block.blockHash32, blockHash32)) {
      throw new TridcommError('E_FORK', `second key block of epoch ${header.epoch}`);
    }
    return undefined;
  }

  #requireSettings(): GroupRecord {
    if (this.#settings === undefined) throw new TridcommError('E_POLICY', 'no record of this group');
    return this.#settings;
  }
}

/** Whether sealing under a block has begun: a revocation counts at once. */
function hasBegun({ flags, notBeforeMs }: KeyBlockHeader, nowMs: number): boolean {
  return (flags & keyBlockFlags.revocation) !== 0 || nowMs >= notBeforeMs;
}

const lookAgainMs = 60_000;

/** What the newest policy states of a group. */
export function statedRoots(
  { trust }: Holdings,
  groupId16: Uint8Array,
): { readonly writersRoot32: Uint8Array; readonly edgeRoot32: Uint8Array } {
  const entry = trust.policy && entryOf(trust.policy, groupId16);
  if (entry === undefined) throw new TridcommError('E_POLICY', 'group that the policy does not have');
  return entry;
}
