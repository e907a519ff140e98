import { copyOf, equalBytes } from '../bytes/bytes.ts';
import { addressTypes } from '../codepoints/address-types.gen.ts';
import { listUses } from '../codepoints/list-uses.gen.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { TridcommError } from '../errors.ts';
import { AccessList } from '../keys/access-list.ts';
import { addressOf } from '../keys/address.ts';
import { decodeKeyRecord } from '../keys/key-record.ts';
import { decodePoolRecord } from '../keys/pool-record.ts';
import { decodePrincipalRecord } from '../keys/principal-record.ts';
import { enrolmentSignInput, parseEnrolment } from '../keys/enrolment.ts';
import type { GroupRecord } from '../keys/group-record.ts';
import { decodeGroupRecord } from '../keys/group-record.ts';
import { parseBlock, type KeyBlockHeader, type ParsedBlock } from '../keys/key-block-format.ts';
import { entryOf, type GroupEntry, type Policy } from '../keys/policy.ts';
import { RevocationList } from '../keys/revocation-list.ts';
import { parseObject, type SignedObject } from '../keys/signed-object.ts';
import { Trust, type Taken, type TrustOptions } from '../keys/trust.ts';
import { UndoMap } from '../keys/undo-map.ts';
import { objectKinds } from '../codepoints/object-kinds.gen.ts';
import { hexOf } from '../client/hex.ts';
import { idOfObject, typeOfObject } from './object-form.ts';

/** What became of an object of a bundle that was not refused. */
export interface TakenObject {
  readonly taken: Taken;
  readonly type: number;
  readonly address16: Uint8Array;
  readonly bytes: Uint8Array;
  /** Of a list for the edge, with its group. */
  readonly edge?: { readonly groupId: string; readonly list: AccessList };
  readonly revoked?: RevocationList;
  readonly block?: KeyBlockHeader;
  /** Of a pool record: the crew, in hex, its epoch, and pool_hash32. */
  readonly pool?: { readonly crewId: string; readonly epoch: number; readonly hash32: Uint8Array };
  /** Of what is of one group, in hex. */
  readonly groupId?: string;
  /** Of an authority record. */
  readonly serial?: number;
}

/** The newest block of a group. */
interface HeldBlock {
  readonly header: KeyBlockHeader;
  readonly hash32: Uint8Array;
  /** Hashes in hex of it and of those before it, the latest few: they are known when they come once more. */
  readonly known: readonly string[];
}

interface HeldEnrolment {
  readonly generation: number;
  readonly epoch: number;
  readonly hash32: Uint8Array;
}

/** What a broker is made with to judge the objects of an authority. */
export interface ControlPlaneOptions {
  readonly provider: CryptoProvider;
  readonly authorityId32: Uint8Array;
  readonly skewMs?: number | undefined;
  /** Gets authority records that {@link ControlPlane.trust} took elsewhere: from the peers of links. */
  readonly onAuthorityRecord?: ((record: TakenObject) => void) | undefined;
}

/**
 * Judges what an authority publishes, as a receiver without secrets does.
 */
export class ControlPlane {
  /** Links may share it: what they teach it, authority records and principal records, is no news to them, but to addresses it still is. */
  readonly trust: Trust;
  readonly #provider: CryptoProvider;
  readonly #authorityId32: Uint8Array;
  /** By group id. */
  readonly #blocks = new UndoMap<string, HeldBlock>();
  /** By group id and key id. */
  readonly #enrolments = new UndoMap<string, HeldEnrolment>();
  /** Of lists and heads, by the group and what they are; and of the records of the authority. */
  readonly #roots = new UndoMap<string, Uint8Array>();
  /** By front: hashes in hex of the latest few pool records, which are known when they come once more. */
  readonly #poolRecords = new UndoMap<string, readonly string[]>();
  /** Groups of the policy, when it was last asked which are gone. */
  #groupIds: ReadonlySet<string> = new Set();
  #policy: Policy | undefined;
  #isJudging = false;

  constructor({ provider, authorityId32, skewMs, onAuthorityRecord }: ControlPlaneOptions) {
    this.#provider = provider;
    this.#authorityId32 = authorityId32;
    this.trust = new TellingTrust({ provider, authorityId32, ...(skewMs !== undefined && { skewMs }) }, (object) => {
      if (this.#isJudging) return;
      this.#noteRoot(authorityName(object.hash32), object.hash32);
      const address16 = addressOf(provider, authorityId32, addressTypes.authorityRecord, nothing);
      const { serial } = this.trust.authorityRecord!;
      onAuthorityRecord?.({
        taken: 'held',
        type: addressTypes.authorityRecord,
        address16,
        bytes: object.bytes,
        serial,
      });
    });
  }

  /** Notes where it stands, for a bundle. @returns what takes everything back that came since */
  mark(): () => void {
    const maps = [this.#blocks, this.#enrolments, this.#roots, this.#poolRecords];
    for (const map of maps) map.mark();
    const undo = this.trust.mark();
    return () => {
      for (const map of maps) map.undo();
      undo();
    };
  }

  /** Lets go of the groups that a newer policy does not have any more. @returns their ids in hex */
  dropGroups(): string[] {
    const { policy } = this.trust;
    if (policy === this.#policy) return [];
    this.#policy = policy;
    const groupIds = new Set(policy?.groups.map(({ groupId16 }) => hexOf(groupId16)));
    const gone = [...this.#groupIds].filter((groupId) => !groupIds.has(groupId));
    this.#groupIds = groupIds;
    for (const groupId of gone) {
      this.#blocks.delete(groupId);
      this.#poolRecords.delete(groupId);
      for (const map of [this.#enrolments, this.#roots]) {
        for (const name of map.keys()) if (name.startsWith(groupId)) map.delete(name);
      }
    }
    return gone;
  }

  /**
   * Takes one object. A principal or key record that is older than the one held is left out, as if it were known: an authority that
   * went back to a backup sends those that it has.
   *
   * @throws TridcommError as any receiver's; `E_BINDING` where it does not belong under its address
   * @spec principals.37
   */
  take(address16: Uint8Array, received: Uint8Array, nowMs: number): TakenObject {
    const bytes = copyOf(received);
    const type = typeOfObject(bytes);
    const { id, ...taken } = this.#judge(type, bytes, nowMs);
    if (!equalBytes(addressOf(this.#provider, this.#authorityId32, type, id), address16)) {
      throw new TridcommError('E_BINDING', 'object under an address of another');
    }
    const groupId = groupTypes.has(type) ? { groupId: hexOf(id.subarray(0, 16)) } : {};
    return { type, bytes, address16: copyOf(address16), ...taken, ...groupId };
  }

  #judge(
    type: number,
    bytes: Uint8Array,
    nowMs: number,
  ): Pick<TakenObject, 'taken' | 'edge' | 'revoked' | 'block' | 'pool' | 'serial'> & { readonly id: Uint8Array } {
    const { trust } = this;
    const provider = this.#provider;
    switch (type) {
      case addressTypes.authorityRecord:
        return { ...this.#takeAuthorityRecord(bytes, nowMs), id: nothing };
      case addressTypes.principalRecord: {
        const object = parseObject(provider, bytes, objectKinds.principalRecord);
        const { key, serial } = decodePrincipalRecord(provider, object);
        if (serial < (trust.principal(key.keyId32)?.serial ?? 0)) return { taken: 'known', id: key.keyId32 };
        // The record may be known from a link: that it is new under its address is seen by its hash.
        trust.takePrincipalRecord(bytes, nowMs);
        return { taken: this.#noteRoot(`principal/${hexOf(key.keyId32)}`, object.hash32), id: key.keyId32 };
      }
      case addressTypes.keyRecord: {
        const object = parseObject(provider, bytes, objectKinds.keyRecord);
        const { principalKeyId32: id, principalSerial, serial } = decodeKeyRecord(provider, object);
        const isOlder =
          serial < (trust.keyRecord(id)?.serial ?? 0) || principalSerial < (trust.principal(id)?.serial ?? 0);
        return { taken: isOlder ? 'known' : trust.takeKeyRecord(bytes, nowMs), id };
      }
      case addressTypes.policy:
        return { taken: trust.takePolicy(bytes, nowMs), id: nothing };
      case addressTypes.groupRecord: {
        const taken = trust.takeGroupRecord(bytes, nowMs);
        const object = parseObject(provider, bytes, objectKinds.groupRecord);
        return { taken, id: decodeGroupRecord(provider, object).groupId16 };
      }
      case addressTypes.poolRecord:
        return this.#judgePoolRecord(bytes, nowMs);
      case addressTypes.revocationList: {
        const revoked = RevocationList.decode(provider, bytes);
        const named = trust.head?.revokedHash32;
        if (named === undefined || !equalBytes(named, revoked.hash32)) {
          throw new TridcommError('E_POLICY', 'revocation list that the head does not name');
        }
        return { taken: this.#noteRoot('revoked', revoked.hash32), id: nothing, revoked };
      }
      case addressTypes.head:
        // The head may be known from a group head: that it is new under this address is seen by the bytes.
        trust.takeHead(bytes, nowMs);
        return { taken: this.#noteRoot('head', provider.sha256(bytes)), id: nothing };
      case addressTypes.groupHead: {
        // The head may be known from another group: that this leaf is new is seen by the bytes.
        const { leaf } = trust.takeGroupHead(bytes, idOfObject(type, bytes), nowMs);
        const name = `${hexOf(leaf.groupId16)}/head`;
        return { taken: this.#noteRoot(name, provider.sha256(bytes)), id: leaf.groupId16 };
      }
      case addressTypes.writers:
      case addressTypes.edgeList:
        return this.#judgeList(type, bytes);
      case addressTypes.keyBlock:
        return this.#judgeBlock(parseBlock(provider, bytes));
      default:
        return this.#judgeEnrolment(bytes);
    }
  }

  /** The whole chain is held here, so a record of it that comes once more, as after a restore, is known. @spec principals.10 */
  #takeAuthorityRecord(bytes: Uint8Array, nowMs: number): Pick<TakenObject, 'taken' | 'serial'> {
    const { hash32 } = parseObject(this.#provider, bytes, objectKinds.authorityRecord);
    const name = authorityName(hash32);
    if (this.#roots.has(name)) return { taken: 'known' };
    this.#isJudging = true;
    try {
      const taken = this.trust.takeAuthorityRecord(bytes, nowMs);
      this.#roots.set(name, hash32);
      return { taken, serial: this.trust.authorityRecord!.serial };
    } finally {
      this.#isJudging = false;
    }
  }

  /** @spec principals.21 */
  #judgeList(type: number, bytes: Uint8Array): Pick<TakenObject, 'taken' | 'edge'> & { readonly id: Uint8Array } {
    const isEdge = type === addressTypes.edgeList;
    const groupId16 = bytes.length < 28 ? new Uint8Array(16) : idOfObject(type, bytes);
    const list = AccessList.decode(this.#provider, bytes, isEdge ? listUses.edge : listUses.writers, groupId16);
    const entry = this.#entry(groupId16);
    list.checkRoot(isEdge ? entry.edgeRoot32 : entry.writersRoot32);
    const groupId = hexOf(groupId16);
    const taken = this.#noteRoot(`${groupId}/${type}`, list.root32);
    return { taken, id: groupId16, ...(isEdge && { edge: { groupId, list } }) };
  }

  /** @spec patterns.10 */
  #judgePoolRecord(
    bytes: Uint8Array,
    nowMs: number,
  ): Pick<TakenObject, 'taken' | 'pool'> & { readonly id: Uint8Array } {
    const object = parseObject(this.#provider, bytes, objectKinds.poolRecord);
    const { groupId16, crewId16, epoch } = decodePoolRecord(this.#provider, object);
    const groupId = hexOf(groupId16);
    const known = this.#poolRecords.get(groupId) ?? [];
    if (known.includes(hexOf(object.hash32))) return { taken: 'known', id: groupId16 };
    const taken = this.trust.takePoolRecord(bytes, nowMs);
    this.#poolRecords.set(groupId, [...known, hexOf(object.hash32)].slice(-mostKnownBlocks));
    return { taken, id: groupId16, pool: { crewId: hexOf(crewId16), epoch, hash32: object.hash32 } };
  }

  /** Steps 7 to 9 of the order of checks for a block, but for the member's own part in them. @spec groups.1, groups.7, groups.8, groups.9 */
  #judgeBlock(block: ParsedBlock): Pick<TakenObject, 'taken' | 'block'> & { readonly id: Uint8Array } {
    const { header, blockHash32, signInput, signature64, isPartial } = block;
    if (isPartial) throw new TridcommError('E_ENCODING', 'partial block for a broker');
    const { groupId16, kind, suite, purpose, generation, epoch, controllerKeyId32 } = header;
    const record = this.#record(groupId16);
    this.#checkController(record, controllerKeyId32);
    if (kind !== record.blockKind || suite !== record.suite || purpose !== record.purpose) {
      throw new TridcommError('E_POLICY', `key block of kind ${kind}, suite ${suite}, purpose ${purpose}`);
    }
    this.#checkSignature(record, signInput, signature64);
    const groupId = hexOf(groupId16);
    const held = this.#blocks.get(groupId);
    if (held !== undefined) {
      if (held.known.includes(hexOf(blockHash32))) return { taken: 'known', id: groupId16 };
      if (epoch < held.header.epoch || generation < held.header.generation) {
        throw new TridcommError('E_EPOCH', `key block ${generation}, ${epoch}`);
      }
      const follows = generation === held.header.generation && epoch === held.header.epoch + 1;
      if (epoch === held.header.epoch || (follows && !equalBytes(header.prevBlockHash32, held.hash32))) {
        throw new TridcommError('E_FORK', `key block of epoch ${epoch}`);
      }
    }
    const known = [...(held?.known ?? []), hexOf(blockHash32)].slice(-mostKnownBlocks);
    this.#blocks.set(groupId, { header, hash32: blockHash32, known });
    return { taken: 'held', id: groupId16, block: header };
  }

  #judgeEnrolment(bytes: Uint8Array): Pick<TakenObject, 'taken'> & { readonly id: Uint8Array } {
    const enrolment = parseEnrolment(bytes);
    const { groupId16, kind, suite, generation, epoch, controllerKeyId32 } = enrolment.header;
    const record = this.#record(groupId16);
    this.#checkController(record, controllerKeyId32);
    if (kind !== record.blockKind || suite !== record.suite) throw new TridcommError('E_POLICY', 'enrolment');
    const signInput = enrolmentSignInput(this.#provider, enrolment, this.#authorityId32);
    this.#checkSignature(record, signInput, enrolment.signature64);
    const id = idOfObject(addressTypes.enrolment, bytes);
    const held = this.#enrolments.get(hexOf(id));
    const hash32 = this.#provider.sha256(signInput);
    if (held !== undefined) {
      if (equalBytes(held.hash32, hash32)) return { taken: 'known', id };
      const isLater = generation > held.generation || (generation === held.generation && epoch > held.epoch);
      if (!isLater) throw new TridcommError('E_EPOCH', `enrolment ${generation}, ${epoch}`);
    }
    this.#enrolments.set(hexOf(id), { generation, epoch, hash32 });
    return { taken: 'held', id };
  }

  #record(groupId16: Uint8Array): GroupRecord {
    const record = this.trust.groupRecord(groupId16);
    if (record === undefined) throw new TridcommError('E_POLICY', 'no record of this group');
    return record;
  }

  #entry(groupId16: Uint8Array): GroupEntry {
    const entry = this.trust.policy && entryOf(this.trust.policy, groupId16);
    if (entry === undefined) throw new TridcommError('E_POLICY', 'group that the policy does not have');
    return entry;
  }

  #checkController({ controller }: GroupRecord, controllerKeyId32: Uint8Array): void {
    if (!equalBytes(controller.keyId32, controllerKeyId32)) throw new TridcommError('E_POLICY', 'another controller');
  }

  #checkSignature({ controller }: GroupRecord, signInput: Uint8Array, signature64: Uint8Array): void {
    if (!this.#provider.ed25519Verify(controller.publicKey32, signInput, signature64)) throw new TridcommError('E_SIG');
  }

  #noteRoot(name: string, root32: Uint8Array): Taken {
    const held = this.#roots.get(name);
    if (held !== undefined && equalBytes(held, root32)) return 'known';
    this.#roots.set(name, root32);
    return 'held';
  }
}

/** A trust that tells of the authority records that it takes. */
class TellingTrust extends Trust {
  readonly #tell: (object: SignedObject) => void;

  constructor(options: TrustOptions, tell: (object: SignedObject) => void) {
    super(options);
    this.#tell = tell;
  }

  override takeAuthorityRecord(bytes: Uint8Array, nowMs: number): Taken {
    const taken = super.takeAuthorityRecord(bytes, nowMs);
    if (taken === 'held') this.#tell(this.authorityRecord!.object);
    return taken;
  }
}

function authorityName(hash32: Uint8Array): string {
  return `authority/${hexOf(hash32)}`;
}

const nothing = new Uint8Array(0);
const mostKnownBlocks = 64;
const groupTypes: ReadonlySet<number> = new Set([
  addressTypes.groupRecord,
  addressTypes.writers,
  addressTypes.edgeList,
  addressTypes.keyBlock,
  addressTypes.enrolment,
  addressTypes.groupHead,
  addressTypes.poolRecord,
]);
