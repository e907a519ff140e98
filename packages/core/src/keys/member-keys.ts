import { copyOf, equalBytes, readU64 } from '../bytes/bytes.ts';
import { keyBlockKinds } from '../codepoints/key-block-kinds.gen.ts';
import { limits } from '../codepoints/limits.gen.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { checkLimit, TridcommError } from '../errors.ts';
import { depthOf, nodeKeyBytes, stepNodeKeys } from './complete-subtree.ts';
import { enrolmentSignInput, openEnrolment, parseEnrolment, type ParsedEnrolment } from './enrolment.ts';
import { decodeGroupPrivate, type GroupPrivate } from './group-private.ts';
import type { GroupRecord } from './group-record.ts';
import { listEntryId, parseBlock, type KeyBlockHeader, type ParsedBlock } from './key-block-format.ts';
import { epochCommitOf, openListEntry, openPrivate, openSubtreeEntry, secretOfPsk } from './key-block.ts';
import {
  readMemberState,
  writeMemberState,
  type BlockPlace,
  type EnrolmentPlace,
  type HeldEnrolment,
} from './member-state.ts';
import type { PrekeyStore } from './prekeys.ts';
import { allowsSuite, type PrincipalRecord } from './principal-record.ts';

/** What a member's group record says of the blocks and enrolments that it takes. */
export type GroupSettings = Pick<
  GroupRecord,
  'groupId16' | 'purpose' | 'suite' | 'blockKind' | 'controller' | 'topicChains'
>;

/** What a member's own principal record says of suites. */
export type OwnSuites = Pick<PrincipalRecord, 'suites' | 'suiteFloor'>;

/** A key block that opened. */
export interface OpenedBlock {
  readonly header: KeyBlockHeader;
  readonly groupContext32: Uint8Array;
  readonly epochCommit32: Uint8Array;
  readonly blockHash32: Uint8Array;
  /** The caller's, to be overwritten when the epoch is closed (groups.12). */
  readonly epochSecret32: Uint8Array;
  readonly private: GroupPrivate;
}

/** How a member of one group opens its blocks. */
export interface MemberKeysOptions extends OwnSuites {
  readonly provider: CryptoProvider;
  readonly authorityId32: Uint8Array;
  /** Of the member's identity key. */
  readonly keyId32: Uint8Array;
  /** Those of the node, for all its groups; asked, never changed. */
  readonly prekeys: PrekeyStore;
  /** For groups of kind 5; kept as it is. */
  readonly psk32?: Uint8Array | undefined;
}

/**
 * What a member holds to open the blocks of one group: the leaf that it uses, the one that waits for its first block, and the
 * place of the newest block. A refusal changes nothing but, after a fork, {@link isForked}.
 */
export class MemberKeys {
  readonly #options: MemberKeysOptions;
  #own: OwnSuites;
  /** In the order of their places: at most the one that is in use, and the one that waits for its first block. */
  #enrolments: readonly HeldEnrolment[] = [];
  /** The highest that was ever accepted, its keys may be gone. */
  #lastEnrolment: EnrolmentPlace | undefined;
  #block: BlockPlace | undefined;

  constructor(options: MemberKeysOptions) {
    this.#options = options;
    this.#own = options;
  }

  /**
   * The keys of an earlier life.
   *
   * @param bytes - of {@link export}; not changed, not kept
   * @throws TridcommError `E_VERSION`, `E_LENGTH` or `E_ENCODING` for bytes that no export of this version gave
   */
  static restore(options: MemberKeysOptions, bytes: Uint8Array): MemberKeys {
    const { block, lastEnrolment, enrolments } = readMemberState(bytes);
    const keys = new MemberKeys(options);
    keys.#block = block;
    keys.#lastEnrolment = lastEnrolment;
    keys.#enrolments = enrolments;
    return keys;
  }

  /**
   * Everything that a later life needs to go on from here, prekeys and PSK aside: a private, versioned format. The caller's.
   *
   * It holds secrets, and an old one gives old epochs away: whoever stores it overwrites the one before.
   */
  export(): Uint8Array {
    return writeMemberState({ block: this.#block, lastEnrolment: this.#lastEnrolment, enrolments: this.#enrolments });
  }

  /**
   * Whether somebody signed a second block for the epoch of the newest: nothing is sealed until there is a higher epoch.
   *
   * @spec groups.8
   */
  get isForked(): boolean {
    return this.#block?.forked === true;
  }

  /** What the next block would be opened with: the enrolment in use first, then the one that waits for its first block. Views. */
  get enrolments(): readonly Readonly<HeldEnrolment>[] {
    return this.#enrolments;
  }

  /** Goes over to a newer principal record of the member itself: its suites decide from now on. */
  useOwnSuites(own: OwnSuites): void {
    this.#own = own;
  }

  /**
   * Takes an enrolment.
   *
   * @param bytes - as received; not kept
   * @param group - of the group record that the member holds
   * @returns `known` for the last one, once more
   * @throws TridcommError in the order of chapter 08
   * @spec groups.1, groups.2, groups.13, groups.14, groups.15, principals.15
   */
  takeEnrolment(bytes: Uint8Array, group: GroupSettings): 'held' | 'known' {
    const { provider, authorityId32, prekeys } = this.#options;
    const enrolment = parseEnrolment(bytes);
    const { header, signature64 } = enrolment;
    this.#checkEnrolmentOwner(enrolment, group);
    const signInput = enrolmentSignInput(provider, enrolment, authorityId32);
    if (!provider.ed25519Verify(group.controller.publicKey32, signInput, signature64)) {
      throw new TridcommError('E_SIG', 'enrolment');
    }
    const { generation, epoch, height, leaf } = header;
    const place: EnrolmentPlace = { generation, epoch, hash32: provider.sha256(signInput) };
    if (this.#isKnownEnrolment(place)) return 'known';
    const prekey = prekeys.find(header.kemKeyId32);
    if (prekey === undefined) throw new TridcommError('E_KEY', 'enrolment to a prekey that is not held');
    const nodeKeys = openEnrolment(provider, enrolment, prekey);
    if (nodeKeys === undefined) throw new TridcommError('E_AEAD', 'enrolment');
    this.#lastEnrolment = place;
    // What was held stays until a block opens under the new one; an older one that waited in vain makes room.
    const [inUse, waiting] = this.#enrolments;
    waiting?.nodeKeys.fill(0);
    const held = { generation, epoch, height, leaf, nodeKeys };
    this.#enrolments = inUse === undefined ? [held] : [inUse, held];
    return 'held';
  }

  /**
   * Takes a key block, whole or partial: all steps of the order of checks.
   *
   * @param bytes - as received; views of it come out
   * @param group - of the group record that the member holds
   * @returns what it opened to; `known` for the block held, once more
   * @throws TridcommError by the first check that fails
   * @spec groups.1, groups.2, groups.3, groups.7, groups.8, groups.9, groups.12, groups.14
   */
  takeBlock(bytes: Uint8Array, group: GroupSettings): OpenedBlock | 'known' {
    const block = this.#verified(bytes, group);
    const { generation, epoch } = block.header;
    const { blockHash32 } = block;
    if (this.#isKnownBlock(block, blockHash32)) return 'known';
    const { opened, enrolment } = this.#open(block, blockHash32, group);
    if (enrolment !== undefined) this.#goOverTo(enrolment, epoch);
    this.#block = { generation, epoch, hash32: blockHash32, forked: false };
    return opened;
  }

  /** Steps 1 to 8. */
  #verified(bytes: Uint8Array, group: GroupSettings): ParsedBlock {
    const { provider } = this.#options;
    const block = parseBlock(provider, bytes);
    const { groupId16, controllerKeyId32, kind, suite, purpose } = block.header;
    if (!equalBytes(groupId16, group.groupId16)) throw new TridcommError('E_BINDING', 'key block of another group');
    if (!equalBytes(controllerKeyId32, group.controller.keyId32)) {
      throw new TridcommError('E_POLICY', 'key block of another controller');
    }
    if (kind !== group.blockKind || suite !== group.suite || purpose !== group.purpose) {
      throw new TridcommError('E_POLICY', `key block of kind ${kind}, suite ${suite}, purpose ${purpose}`);
    }
    this.#checkSuite(suite);
    if (!provider.ed25519Verify(group.controller.publicKey32, block.signInput, block.signature64)) {
      throw new TridcommError('E_SIG', 'key block');
    }
    return block;
  }

  /**
   * Step 9. Nothing else remembers a fork than its flag: the first block stays the one to open with.
   *
   * @returns whether it is the block held
   */
  #isKnownBlock({ header }: ParsedBlock, blockHash32: Uint8Array): boolean {
    const held = this.#block;
    if (held === undefined) return false;
    const { generation, epoch } = header;
    if (equalBytes(held.hash32, blockHash32)) return true;
    if (epoch < held.epoch || generation < held.generation) {
      throw new TridcommError('E_EPOCH', `key block ${generation}, ${epoch} behind ${held.generation}, ${held.epoch}`);
    }
    if (epoch === held.epoch) {
      this.#block = { ...held, forked: true };
      throw new TridcommError('E_FORK', `second key block of epoch ${epoch}`);
    }
    const follows = generation === held.generation && epoch === held.epoch + 1;
    if (follows && !equalBytes(header.prevBlockHash32, held.hash32)) {
      throw new TridcommError('E_FORK', `key block of epoch ${epoch} follows another than that held`);
    }
    return false;
  }

  /**
   * Steps 10 and 11; changes nothing.
   *
   * @spec groups.5
   */
  #open(
    block: ParsedBlock,
    blockHash32: Uint8Array,
    group: GroupSettings,
  ): { readonly opened: OpenedBlock; readonly enrolment: HeldEnrolment | undefined } {
    const { provider } = this.#options;
    const { header, groupContext32, epochCommit32 } = block;
    const enrolment = header.kind === keyBlockKinds.completeSubtree ? this.#usableEnrolment(block) : undefined;
    const epochSecret32 = enrolment === undefined ? this.#secretByKey(block) : this.#secretByLeaf(block, enrolment);
    if (epochSecret32 === undefined) throw new TridcommError('E_AEAD', 'entry of a key block');
    try {
      if (!equalBytes(epochCommitOf(provider, epochSecret32, groupContext32), epochCommit32)) {
        throw new TridcommError('E_COMMIT', 'epoch secret');
      }
      const body = openPrivate(provider, block, epochSecret32);
      if (body === undefined) throw new TridcommError('E_AEAD', 'own part of a group');
      const own = decodeGroupPrivate(body, group.topicChains);
      const opened = { header, groupContext32, epochCommit32, blockHash32, epochSecret32, private: own };
      return { opened, enrolment };
    } catch (error) {
      epochSecret32.fill(0);
      throw error;
    }
  }

  /**
   * The enrolment that opens a block of kind 2, the newer one first, as it replaces the other.
   *
   * @throws TridcommError `E_REVOKED` where none can; `E_LIMIT` where only the number of steps is in the way
   * @spec groups.10, groups.11, groups.14
   */
  #usableEnrolment(block: ParsedBlock): HeldEnrolment {
    const { generation, epoch, height } = block.header;
    const covered = this.#enrolments.filter(
      (held) =>
        held.generation === generation &&
        held.height === height &&
        held.epoch <= epoch &&
        block.indexOfLeaf(held.leaf) !== undefined,
    );
    const near = covered.filter((held) => epoch - held.epoch <= limits.stepsPerBlock);
    const usable = near.at(-1);
    if (usable !== undefined) return usable;
    const [oldest] = covered;
    if (oldest === undefined) throw new TridcommError('E_REVOKED', `no entry for a leaf of generation ${generation}`);
    checkLimit('steps of node keys', epoch - oldest.epoch, limits.stepsPerBlock);
    return oldest;
  }

  /** The secret by the one node key that is needed, stepped to the epoch of the block. */
  #secretByLeaf(block: ParsedBlock, { leaf, height, epoch, nodeKeys }: HeldEnrolment): Uint8Array | undefined {
    const { provider } = this.#options;
    const entry = block.entry(block.indexOfLeaf(leaf)!)!;
    // A node at depth d is the one that the path from the leaf reaches after height − d steps.
    const at = (height - depthOf(readU64(entry, 0))) * nodeKeyBytes;
    const nodeKey32 = copyOf(nodeKeys, at, at + nodeKeyBytes);
    stepNodeKeys(provider, nodeKey32, block.header.epoch - epoch);
    const secret = openSubtreeEntry(provider, block, entry, nodeKey32);
    nodeKey32.fill(0);
    return secret;
  }

  /**
   * The secret of a block of kind 1 by any prekey that is held, of one of kind 5 by the PSK.
   *
   * @throws TridcommError `E_REVOKED` where there is none
   * @spec groups.10
   */
  #secretByKey(block: ParsedBlock): Uint8Array | undefined {
    const { provider, prekeys, psk32 } = this.#options;
    if (block.header.kind === keyBlockKinds.psk) {
      if (psk32 === undefined) throw new TridcommError('E_REVOKED', 'no PSK for the group');
      return secretOfPsk(provider, psk32, block.groupContext32);
    }
    for (const prekey of prekeys.all()) {
      const index = block.indexOfName(listEntryId(provider, block.groupContext32, prekey.keyId32));
      if (index !== undefined) return openListEntry(provider, block, block.entry(index)!, prekey);
    }
    throw new TridcommError('E_REVOKED', 'no entry for a prekey that is held');
  }

  /**
   * A block has opened: what is older than its enrolment and its epoch is overwritten.
   *
   * @spec groups.12, groups.14
   */
  #goOverTo(enrolment: HeldEnrolment, epoch: number): void {
    const { provider } = this.#options;
    stepNodeKeys(provider, enrolment.nodeKeys, epoch - enrolment.epoch);
    const stepped = { ...enrolment, epoch };
    const at = this.#enrolments.indexOf(enrolment);
    for (const replaced of this.#enrolments.slice(0, at)) replaced.nodeKeys.fill(0);
    this.#enrolments = [stepped, ...this.#enrolments.slice(at + 1)];
  }

  /** @spec groups.1, groups.15, principals.15 */
  #checkEnrolmentOwner({ header }: ParsedEnrolment, group: GroupSettings): void {
    const { groupId16, memberKeyId32, controllerKeyId32, kind, suite } = header;
    if (!equalBytes(groupId16, group.groupId16)) throw new TridcommError('E_BINDING', 'enrolment in another group');
    if (!equalBytes(memberKeyId32, this.#options.keyId32)) {
      throw new TridcommError('E_BINDING', 'enrolment of another member');
    }
    if (!equalBytes(controllerKeyId32, group.controller.keyId32)) {
      throw new TridcommError('E_POLICY', 'enrolment by another controller');
    }
    if (kind !== group.blockKind || suite !== group.suite) {
      throw new TridcommError('E_POLICY', `enrolment of kind ${kind}, suite ${suite}`);
    }
    this.#checkSuite(suite);
  }

  /** @spec groups.13 */
  #isKnownEnrolment(place: EnrolmentPlace): boolean {
    const last = this.#lastEnrolment;
    if (last === undefined) return false;
    if (equalBytes(last.hash32, place.hash32)) return true;
    const isHigher =
      place.generation > last.generation || (place.generation === last.generation && place.epoch > last.epoch);
    if (isHigher) return false;
    throw new TridcommError(
      'E_EPOCH',
      `enrolment ${place.generation}, ${place.epoch} not above ${last.generation}, ${last.epoch}`,
    );
  }

  /** @spec principals.15 */
  #checkSuite(suite: number): void {
    if (!allowsSuite(this.#own, suite)) throw new TridcommError('E_POLICY', `suite ${suite} is not for this member`);
  }
}
