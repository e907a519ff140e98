import { expect } from 'vitest';
import { concat, equalBytes } from '../../src/bytes/bytes.ts';
import { hexOf } from '../../src/client/hex.ts';
import { addressTypes } from '../../src/codepoints/address-types.gen.ts';
import { listUses } from '../../src/codepoints/list-uses.gen.ts';
import { objectKinds } from '../../src/codepoints/object-kinds.gen.ts';
import type { CryptoProvider } from '../../src/crypto/provider.ts';
import { AccessList } from '../../src/keys/access-list.ts';
import { addressOf } from '../../src/keys/address.ts';
import { decodeBundle } from '../../src/keys/bundle.ts';
import { parseEnrolment, type EnrolmentHeader } from '../../src/keys/enrolment.ts';
import { privateHash } from '../../src/keys/group-private.ts';
import { decodeGroupHead, type GroupLeaf } from '../../src/keys/head.ts';
import { keyBlockFlags, parseBlock, type ParsedBlock } from '../../src/keys/key-block-format.ts';
import { decodeKeyRecord } from '../../src/keys/key-record.ts';
import { MemberKeys, type OpenedBlock } from '../../src/keys/member-keys.ts';
import { entryOf } from '../../src/keys/policy.ts';
import { checkDerivedKey, poolKeyPairOf } from '../../src/keys/pool-key.ts';
import { decodePoolRecord } from '../../src/keys/pool-record.ts';
import { decodePrincipalRecord } from '../../src/keys/principal-record.ts';
import { PrekeyStore } from '../../src/keys/prekeys.ts';
import { RevocationList } from '../../src/keys/revocation-list.ts';
import { parseObject } from '../../src/keys/signed-object.ts';
import { purposes } from '../../src/codepoints/purposes.gen.ts';
import { Trust } from '../../src/keys/trust.ts';
import { TridcommError } from '../../src/errors.ts';

/** An object that came, with what it is. */
export interface Arrival {
  readonly type: number;
  readonly bytes: Uint8Array;
  readonly id: Uint8Array;
}

/** The secret side of a member that watches. */
export interface Watcher {
  readonly keyId32: Uint8Array;
  readonly prekeys: PrekeyStore;
  readonly psk32?: Uint8Array;
}

/** What a receiver holds of one group. */
export interface ReceivedGroup {
  writers?: AccessList;
  edge?: AccessList;
  blocks: ParsedBlock[];
  blockBytes: Uint8Array[];
  enrolments: EnrolmentHeader[];
  leaf?: GroupLeaf;
}

interface WatchingMember {
  readonly watcher: Watcher;
  /** By group. */
  readonly keys: Map<string, MemberKeys>;
}

/** What became of a block for a watching member: what it opened to, or the code of the refusal. */
export type Opening = OpenedBlock | string;

/**
 * An honest receiver: takes the objects of bundles one after the other, each verified by what came before, and at each head asks
 * that everything that it names is there and agrees. It opens blocks for the members that watch.
 */
export class Receiver {
  readonly provider: CryptoProvider;
  readonly authorityId32: Uint8Array;
  readonly trust: Trust;
  readonly groups = new Map<string, ReceivedGroup>();
  /** Everything that came in the last bundle. */
  last: Arrival[] = [];
  readonly bundles: Uint8Array[] = [];
  revocations: RevocationList | undefined;
  /** By `group, member`: what the newest block opened to. */
  readonly openings = new Map<string, Opening>();
  readonly #members: WatchingMember[] = [];
  nowMs: number;

  constructor(provider: CryptoProvider, authorityId32: Uint8Array, nowMs: number) {
    this.provider = provider;
    this.authorityId32 = authorityId32;
    this.trust = new Trust({ provider, authorityId32 });
    this.nowMs = nowMs;
  }

  watch(watcher: Watcher): void {
    this.#members.push({ watcher, keys: new Map() });
  }

  /** What the newest block of a group opened to for a member; a code where it did not. */
  opening(groupId16: Uint8Array, keyId32: Uint8Array): Opening | undefined {
    return this.openings.get(nameOf(groupId16, keyId32));
  }

  group(groupId16: Uint8Array): ReceivedGroup {
    const id = hexOf(groupId16);
    const held = this.groups.get(id) ?? { blocks: [], blockBytes: [], enrolments: [] };
    this.groups.set(id, held);
    return held;
  }

  /** Types of the last bundle, in order. */
  get lastTypes(): number[] {
    return this.last.map(({ type }) => type);
  }

  take(bundle: Uint8Array): void {
    this.bundles.push(bundle);
    this.last = decodeBundle(bundle).map(({ address16, bytes }) => {
      const arrival = this.#identify(bytes);
      const address = addressOf(this.provider, this.authorityId32, arrival.type, arrival.id);
      expect(hexOf(address16)).toBe(hexOf(address));
      this.#takeObject(arrival);
      return arrival;
    });
    this.#checkPoolRecords();
    if (this.lastTypes.includes(addressTypes.head)) this.#checkView();
  }

  #takeObject(arrival: Arrival): void {
    const { type, bytes, id } = arrival;
    const { trust, nowMs, provider } = this;
    if (type === addressTypes.authorityRecord) this.#takeRecord(bytes);
    else if (type === addressTypes.principalRecord || type === addressTypes.keyRecord) this.#takeOwn(arrival);
    else if (type === addressTypes.policy) trust.takePolicy(bytes, nowMs);
    else if (type === addressTypes.groupRecord) trust.takeGroupRecord(bytes, nowMs);
    else if (type === addressTypes.poolRecord) this.#takeOnceMore(bytes, () => trust.takePoolRecord(bytes, nowMs));
    else if (type === addressTypes.revocationList) this.revocations = RevocationList.decode(provider, bytes);
    else if (type === addressTypes.head) trust.takeHead(bytes, nowMs);
    else if (type === addressTypes.groupHead) this.group(id).leaf = trust.takeGroupHead(bytes, id, nowMs).leaf;
    else if (type === addressTypes.writers) this.group(id).writers = this.#list(bytes, listUses.writers, id);
    else if (type === addressTypes.edgeList) this.group(id).edge = this.#list(bytes, listUses.edge, id);
    else if (type === addressTypes.enrolment) this.#takeEnrolment(bytes, id);
    else this.#takeBlock(bytes, id);
  }

  /** Records of a principal, but for those that are older than what is held (principals.37). */
  #takeOwn({ type, bytes, id }: Arrival): void {
    const { trust, nowMs, provider } = this;
    const record = trust.principal(id)?.serial ?? 0;
    if (type === addressTypes.principalRecord) {
      const { serial } = decodePrincipalRecord(provider, parseObject(provider, bytes, objectKinds.principalRecord));
      if (serial >= record) trust.takePrincipalRecord(bytes, nowMs);
    } else {
      const keys = decodeKeyRecord(provider, parseObject(provider, bytes, objectKinds.keyRecord));
      const isOlder = keys.principalSerial < record || keys.serial < (trust.keyRecord(id)?.serial ?? 0);
      if (!isOlder) trust.takeKeyRecord(bytes, nowMs);
    }
  }

  /** A chain that is sent once more begins with what is long held. */
  #takeRecord(bytes: Uint8Array): void {
    this.#takeOnceMore(bytes, () => this.trust.takeAuthorityRecord(bytes, this.nowMs));
  }

  /** What was taken before and is behind what is held may come again. */
  #takeOnceMore(bytes: Uint8Array, take: () => unknown): void {
    try {
      take();
    } catch (error) {
      const held = this.bundles.slice(0, -1).flatMap(decodeBundle);
      if (!held.some((one) => equalBytes(one.bytes, bytes))) throw error;
    }
  }

  #list(bytes: Uint8Array, use: number, groupId16: Uint8Array): AccessList {
    const list = AccessList.decode(this.provider, bytes, use, groupId16);
    const entry = entryOf(this.trust.policy!, groupId16)!;
    list.checkRoot(use === listUses.writers ? entry.writersRoot32 : entry.edgeRoot32);
    return list;
  }

  #takeEnrolment(bytes: Uint8Array, id: Uint8Array): void {
    const groupId16 = id.subarray(0, 16);
    const { header } = parseEnrolment(bytes);
    this.group(groupId16).enrolments.push(header);
    const member = this.#members.find(({ watcher }) => equalBytes(watcher.keyId32, id.subarray(16)));
    if (member === undefined) return;
    const keys = this.#keysOf(member, groupId16);
    keys.takeEnrolment(bytes, this.trust.groupRecord(groupId16)!);
    // Who joins the running epoch gets its block from the carrier.
    const block = this.group(groupId16).blockBytes.at(-1);
    if (block === undefined || typeof this.opening(groupId16, member.watcher.keyId32) === 'object') return;
    this.openings.set(nameOf(groupId16, member.watcher.keyId32), this.#open(keys, block, groupId16));
  }

  #takeBlock(bytes: Uint8Array, groupId16: Uint8Array): void {
    const record = this.trust.groupRecord(groupId16)!;
    const group = this.group(groupId16);
    const block = parseBlock(this.provider, bytes);
    expect(this.provider.ed25519Verify(record.controller.publicKey32, block.signInput, block.signature64)).toBe(true);
    if (group.blocks.some((held) => equalBytes(held.blockHash32, block.blockHash32))) return;
    const before = group.blocks.at(-1);
    if (before !== undefined) {
      expect(block.header.epoch).toBeGreaterThan(before.header.epoch);
      expect(block.header.generation).toBeGreaterThanOrEqual(before.header.generation);
      expect(hexOf(block.header.prevBlockHash32)).toBe(hexOf(before.blockHash32));
    }
    group.blocks.push(block);
    group.blockBytes.push(bytes);
    for (const member of this.#members) {
      const name = nameOf(groupId16, member.watcher.keyId32);
      this.openings.set(name, this.#open(this.#keysOf(member, groupId16), bytes, groupId16));
    }
  }

  #open(keys: MemberKeys, bytes: Uint8Array, groupId16: Uint8Array): Opening {
    try {
      const opened = keys.takeBlock(bytes, this.trust.groupRecord(groupId16)!);
      return opened === 'known' ? 'known' : opened;
    } catch (error) {
      if (error instanceof TridcommError) return error.code;
      throw error;
    }
  }

  #keysOf({ watcher, keys }: WatchingMember, groupId16: Uint8Array): MemberKeys {
    const id = hexOf(groupId16);
    const { provider, authorityId32 } = this;
    const held = keys.get(id) ?? new MemberKeys({ provider, authorityId32, suites: [1, 2], suiteFloor: 1, ...watcher });
    keys.set(id, held);
    return held;
  }

  /** A block of a crew comes with its pool record, while that is not over, and no pool record without its block (patterns.9). */
  #checkPoolRecords(): void {
    const { provider } = this;
    const blocks = this.last
      .filter(({ type }) => type === addressTypes.keyBlock)
      .map(({ bytes }) => parseBlock(provider, bytes))
      .filter(({ header }) => header.purpose === purposes.crew && this.nowMs <= header.notAfterMs);
    const records = this.last
      .filter(({ type }) => type === addressTypes.poolRecord)
      .map(({ bytes }) => decodePoolRecord(provider, parseObject(provider, bytes, objectKinds.poolRecord)));
    const places = blocks.map(({ blockHash32, header }) => {
      const { groupId16: crewId16, generation, epoch, suite, notBeforeMs, notAfterMs, flags } = header;
      const revokes = (flags & keyBlockFlags.revocation) !== 0;
      return { crewId16, generation, epoch, blockHash32, suite, notBeforeMs, notAfterMs, revokes };
    });
    expect(records).toMatchObject(places);
  }

  /** The newest pool record is of the crew's leaf, unless it is over, and says the key that the crew derives. */
  #checkPool(groupId16: Uint8Array, crewId16: Uint8Array): void {
    const { generation, epoch, blockHash32 } = this.group(crewId16).leaf!;
    const record = this.trust.poolRecord(groupId16)!;
    expect(record).toMatchObject({ generation, epoch, blockHash32 });
    for (const { watcher } of this.#members) {
      const opening = this.opening(crewId16, watcher.keyId32);
      if (typeof opening !== 'object' || opening.header.epoch !== epoch) continue;
      checkDerivedKey(poolKeyPairOf(this.provider, opening), record);
    }
  }

  /** All that a head names is there and agrees: a view. */
  #checkView(): void {
    const { head, policy, authorityRecord } = this.trust;
    expect(hexOf(policy!.object.hash32)).toBe(hexOf(head!.policyHash32));
    expect(head!.policyVersion).toBe(policy!.version);
    expect(hexOf(policy!.authorityRecordHash32)).toBe(hexOf(authorityRecord!.object.hash32));
    expect(hexOf(this.revocations!.hash32)).toBe(hexOf(head!.revokedHash32));
    for (const { groupId16, groupRecordHash32, writersRoot32, edgeRoot32, privateHash32 } of policy!.groups) {
      const { writers, edge, blocks, leaf } = this.group(groupId16);
      const block = blocks.at(-1)!;
      expect(hexOf(this.trust.groupRecord(groupId16)!.object.hash32)).toBe(hexOf(groupRecordHash32));
      expect(hexOf(writers!.root32)).toBe(hexOf(writersRoot32));
      expect(hexOf(edge!.root32)).toBe(hexOf(edgeRoot32));
      expect(hexOf(block.header.policyRoot32)).toBe(hexOf(writersRoot32));
      expect(block.header.policyVersion).toBeLessThanOrEqual(policy!.version);
      expect(hexOf(leaf!.blockHash32)).toBe(hexOf(block.blockHash32));
      expect(leaf!.epoch).toBe(block.header.epoch);
      const { crewId16 } = this.trust.groupRecord(groupId16)!;
      if (crewId16 !== undefined) this.#checkPool(groupId16, crewId16);
      for (const { watcher } of this.#members) {
        const opening = this.opening(groupId16, watcher.keyId32);
        if (typeof opening !== 'object' || opening.header.epoch !== block.header.epoch) continue;
        const hash32 = privateHash(this.provider, groupId16, opening.private.body);
        expect(hexOf(hash32)).toBe(hexOf(privateHash32));
      }
    }
  }

  #identify(bytes: Uint8Array): Arrival {
    const magic = String.fromCharCode(...bytes.subarray(0, 4));
    const none = new Uint8Array(0);
    if (magic === 'TDRV') return { type: addressTypes.revocationList, bytes, id: none };
    if (magic === 'TDAL') {
      const type = bytes[5] === listUses.writers ? addressTypes.writers : addressTypes.edgeList;
      return { type, bytes, id: bytes.subarray(8, 24) };
    }
    if (magic === 'TDKB') return { type: addressTypes.keyBlock, bytes, id: bytes.subarray(8, 24) };
    if (magic === 'TDEN') {
      const { groupId16, memberKeyId32 } = parseEnrolment(bytes).header;
      return { type: addressTypes.enrolment, bytes, id: concat(groupId16, memberKeyId32) };
    }
    if (magic === 'TDHD') {
      if (bytes.length === 264) return { type: addressTypes.head, bytes, id: none };
      return { type: addressTypes.groupHead, bytes, id: decodeGroupHead(this.provider, bytes).leaf.groupId16 };
    }
    return this.#identifyRecord(bytes);
  }

  #identifyRecord(bytes: Uint8Array): Arrival {
    const { provider } = this;
    const kind = bytes[5]!;
    const object = parseObject(provider, bytes, kind);
    if (kind === objectKinds.principalRecord) {
      return { type: addressTypes.principalRecord, bytes, id: decodePrincipalRecord(provider, object).key.keyId32 };
    }
    if (kind === objectKinds.keyRecord) {
      return { type: addressTypes.keyRecord, bytes, id: decodeKeyRecord(provider, object).principalKeyId32 };
    }
    if (kind === objectKinds.groupRecord) {
      return { type: addressTypes.groupRecord, bytes, id: object.body.subarray(2, 18) };
    }
    if (kind === objectKinds.poolRecord) {
      return { type: addressTypes.poolRecord, bytes, id: decodePoolRecord(provider, object).groupId16 };
    }
    const type = kind === objectKinds.policy ? addressTypes.policy : addressTypes.authorityRecord;
    return { type, bytes, id: new Uint8Array(0) };
  }
}

function nameOf(groupId16: Uint8Array, keyId32: Uint8Array): string {
  return `${hexOf(groupId16)}, ${hexOf(keyId32)}`;
}
