import { checkWidth, compareBytes, copyOf, equalBytes } from '../bytes/bytes.ts';
import { delegatedRoles } from '../codepoints/delegated-roles.gen.ts';
import { labels } from '../codepoints/labels.gen.ts';
import { limits } from '../codepoints/limits.gen.ts';
import { objectKinds } from '../codepoints/object-kinds.gen.ts';
import { purposes } from '../codepoints/purposes.gen.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { TridcommError } from '../errors.ts';
import { authorityIdOf, decodeAuthorityRecord, type AuthorityRecord, type Delegation } from './authority-record.ts';
import { decodeGroupRecord, type GroupRecord } from './group-record.ts';
import {
  answerSignInput,
  decodeGroupHead,
  decodeHead,
  decodeHeadAnswer,
  headSignature,
  headSignInput,
  isProven,
  type GroupLeaf,
  type Head,
} from './head.ts';
import { checkNow } from './interval.ts';
import { decodeKeyRecord, type KeyRecord } from './key-record.ts';
import { decodePolicy, type Policy } from './policy.ts';
import { decodePrincipalRecord, type PrincipalRecord } from './principal-record.ts';
import { decodePoolRecord, type PoolRecord } from './pool-record.ts';
import type { PublicKey } from './public-key.ts';
import { isSignedBy, parseObject, type ObjectSignature, type SignedObject } from './signed-object.ts';
import { UndoMap } from './undo-map.ts';

/** What became of an object that was not refused: it is held now, or was before. */
export type Taken = 'held' | 'known';

/** The highest head that a node accepted. */
export interface HeadFloor {
  readonly headSeq: number;
  readonly headHash32: Uint8Array;
}

/** The highest serial that a node accepted of a principal's own record, or of its key record, and the hash of the object. */
export interface SerialFloor {
  readonly of: 'principal' | 'keys';
  readonly keyId32: Uint8Array;
  readonly serial: number;
  readonly hash32: Uint8Array;
}

/** What a node begins with. */
export interface TrustOptions {
  readonly provider: CryptoProvider;
  /** The one value that it believes without a signature. */
  readonly authorityId32: Uint8Array;
  /** How far clocks may be apart; default 30,000. */
  readonly skewMs?: number;
  /** The highest head of an earlier life, where the node is durable. */
  readonly floor?: HeadFloor;
  /** Serials of an earlier life: they count also where the object that had them is gone, or does not hold any more. */
  readonly serialFloors?: Iterable<SerialFloor>;
  /** Writes a head down that passed every check, before it counts. What it throws is thrown, and nothing has changed then. */
  readonly onHead?: (floor: HeadFloor) => void;
  /** The same for a serial. */
  readonly onSerial?: (floor: SerialFloor) => void;
}

/**
 * What a node holds of chapter 07, and judges what comes next by: records, policy, and the newest head.
 *
 * Every `take…` makes the checks of its object in the order of the chapter, throws the first that fails, and then has changed
 * nothing. It copies what it holds, so the bytes stay the caller's.
 */
export class Trust {
  readonly #provider: CryptoProvider;
  readonly #authorityId32: Uint8Array;
  readonly #skewMs: number;
  #authorityRecord: AuthorityRecord | undefined;
  #policy: Policy | undefined;
  #head: Head | undefined;
  /** The highest head, also where only its number outlived a restart. */
  #highest: HeadFloor | undefined;
  /** Groups whose leaves under the highest head are known. */
  #provenGroups = new Set<string>();
  readonly #principals = new UndoMap<string, PrincipalRecord>();
  /** The same by sender id. */
  readonly #senders = new UndoMap<string, PrincipalRecord>();
  readonly #keyRecords = new UndoMap<string, KeyRecord>();
  readonly #groupRecords = new UndoMap<string, GroupRecord>();
  /** By front: the newest, and the one before it, which counts until the newest has begun. */
  readonly #poolRecords = new UndoMap<string, readonly PoolRecord[]>();
  /** Of records that an earlier life held: asked while this one holds none. */
  readonly #serialFloors = new Map<string, { readonly serial: number; readonly object: HasHash }>();
  readonly #onHead: TrustOptions['onHead'];
  readonly #onSerial: TrustOptions['onSerial'];

  /** @throws TridcommError `E_USAGE` for widths and numbers that cannot be */
  constructor(options: TrustOptions) {
    const { provider, authorityId32, skewMs = limits.skewMs, floor, serialFloors = [] } = options;
    checkWidth('authority id', authorityId32, 32);
    if (!(skewMs >= 0)) throw new TridcommError('E_USAGE', `skew ${skewMs}`);
    this.#provider = provider;
    this.#authorityId32 = copyOf(authorityId32);
    this.#skewMs = skewMs;
    if (floor !== undefined) {
      checkWidth('head hash', floor.headHash32, 32);
      this.#highest = { headSeq: floor.headSeq, headHash32: copyOf(floor.headHash32) };
    }
    for (const { of, keyId32, serial, hash32 } of serialFloors) {
      this.#serialFloors.set(of + nameOf(keyId32), { serial, object: { hash32: copyOf(hash32) } });
    }
    this.#onHead = options.onHead;
    this.#onSerial = options.onSerial;
  }

  /** The newest authority record. */
  get authorityRecord(): AuthorityRecord | undefined {
    return this.#authorityRecord;
  }

  /** The newest policy. */
  get policy(): Policy | undefined {
    return this.#policy;
  }

  /** The head with the highest `head_seq`. */
  get head(): Head | undefined {
    return this.#head;
  }

  /** The newest record of a key, valid or not: see {@link checkPrincipalNow}. */
  principal(keyId32: Uint8Array): PrincipalRecord | undefined {
    return this.#principals.get(nameOf(keyId32));
  }

  /** The same by the first 16 bytes of the key id. */
  principalBySenderId(senderId16: Uint8Array): PrincipalRecord | undefined {
    return this.#senders.get(nameOf(senderId16));
  }

  /** The newest key record of a principal, which may have expired since it came. */
  keyRecord(keyId32: Uint8Array): KeyRecord | undefined {
    return this.#keyRecords.get(nameOf(keyId32));
  }

  /** The newest record of a group. */
  groupRecord(groupId16: Uint8Array): GroupRecord | undefined {
    return this.#groupRecords.get(nameOf(groupId16));
  }

  /** The newest pool record of a front. */
  poolRecord(groupId16: Uint8Array): PoolRecord | undefined {
    return this.#poolRecords.get(nameOf(groupId16))?.[0];
  }

  /**
   * Whether a record holds now: its time is not over, and the authority record held still delegates its issuer as such.
   *
   * @throws TridcommError `E_EXPIRED`
   * @spec principals.14
   */
  checkPrincipalNow(record: PrincipalRecord, nowMs: number): void {
    checkClock(nowMs);
    checkNow(record.notBeforeMs, record.notAfterMs, nowMs, this.#skewMs);
    const issuer = this.#delegation(record.object.signatures[1]!.signerKeyId32);
    if (issuer === undefined || (issuer.roles & delegatedRoles.issuer) === 0) {
      throw new TridcommError('E_EXPIRED', 'issuer of the principal record is no longer delegated');
    }
  }

  /**
   * Notes where it stands, for who judges several objects as one.
   *
   * @returns what takes everything back that came since; of no use after the next mark
   */
  mark(): () => void {
    const maps = [this.#principals, this.#senders, this.#keyRecords, this.#groupRecords, this.#poolRecords];
    for (const map of maps) map.mark();
    const [authorityRecord, policy, head, highest] = [this.#authorityRecord, this.#policy, this.#head, this.#highest];
    const provenGroups = new Set(this.#provenGroups);
    return () => {
      for (const map of maps) map.undo();
      this.#authorityRecord = authorityRecord;
      this.#policy = policy;
      this.#head = head;
      this.#highest = highest;
      this.#provenGroups = provenGroups;
    };
  }

  /**
   * Takes an authority record, of a chain that has no gap.
   *
   * @throws TridcommError `E_LENGTH`, `E_LIMIT`, `E_ENCODING`, `E_VERSION`, `E_BINDING`, `E_KEY`, `E_EPOCH`, `E_FORK`, `E_SIG`, `E_POLICY`
   * @spec principals.8, principals.10, principals.11, principals.12, principals.13
   */
  takeAuthorityRecord(bytes: Uint8Array, nowMs: number): Taken {
    checkClock(nowMs);
    const object = this.#parse(bytes, objectKinds.authorityRecord);
    if (isFirstRecord(object.body) && !equalBytes(authorityIdOf(this.#provider, object.body), this.#authorityId32)) {
      throw new TridcommError('E_BINDING', 'first authority record of another authority');
    }
    const record = decodeAuthorityRecord(this.#provider, object);
    const held = this.#authorityRecord;
    if (isHeld(held, object)) return 'known';
    checkFollows(held, record);
    this.#checkRootSignatures(held, record);
    checkFork(held, record);
    this.#authorityRecord = record;
    return 'held';
  }

  /**
   * Takes a principal record.
   *
   * @throws TridcommError `E_LENGTH`, `E_LIMIT`, `E_ENCODING`, `E_VERSION`, `E_BINDING`, `E_KEY`, `E_SIG`, `E_SENDER`, `E_POLICY`, `E_EXPIRED`, `E_FORK`
   * @spec principals.8, principals.10, principals.14
   */
  takePrincipalRecord(bytes: Uint8Array, nowMs: number): Taken {
    checkClock(nowMs);
    const object = this.#parse(bytes, objectKinds.principalRecord);
    const record = decodePrincipalRecord(this.#provider, object);
    const { key, serial } = record;
    const name = nameOf(key.keyId32);
    const held = this.#principals.get(name);
    const [own, issued] = signaturesOf(object, 2);
    if (!equalBytes(own!.signerKeyId32, key.keyId32)) throw new TridcommError('E_SIG', 'not signed by its subject');
    const issuer = this.#delegated(issued!.signerKeyId32, delegatedRoles.issuer, nowMs);
    this.#verify(object, labels.principalRecord, own!, key);
    this.#verify(object, labels.issuer, issued!, issuer);
    this.checkPrincipalNow(record, nowMs);
    if (isHeld(held, object)) return 'known';
    this.#checkPersonSerial('principal', held, object, name, serial);
    const senderId = nameOf(key.keyId32.subarray(0, 16));
    const namesake = this.#senders.get(senderId);
    if (namesake !== undefined && namesake !== held) throw new TridcommError('E_FORK', 'two keys with one sender id');
    this.#onSerial?.({ of: 'principal', keyId32: key.keyId32, serial, hash32: object.hash32 });
    this.#principals.set(name, record);
    this.#senders.set(senderId, record);
    return 'held';
  }

  /**
   * Takes a key record, of a principal whose own record is held.
   *
   * @throws TridcommError as {@link takePrincipalRecord}
   * @spec principals.8, principals.10, principals.16
   */
  takeKeyRecord(bytes: Uint8Array, nowMs: number): Taken {
    checkClock(nowMs);
    const object = this.#parse(bytes, objectKinds.keyRecord);
    const record = decodeKeyRecord(this.#provider, object);
    const { principalKeyId32, principalSerial, serial, notBeforeMs, notAfterMs } = record;
    const name = nameOf(principalKeyId32);
    const held = this.#keyRecords.get(name);
    const [own] = signaturesOf(object, 1);
    if (!equalBytes(own!.signerKeyId32, principalKeyId32))
      throw new TridcommError('E_SIG', 'not signed by its subject');
    const principal = this.#principals.get(name);
    if (principal === undefined) throw new TridcommError('E_SENDER', 'key record without a principal record');
    this.checkPrincipalNow(principal, nowMs);
    this.#verify(object, labels.keyRecord, own!, principal.key);
    checkNow(notBeforeMs, notAfterMs, nowMs, this.#skewMs);
    if (isHeld(held, object)) return 'known';
    if (principalSerial < principal.serial) {
      throw new TridcommError('E_EXPIRED', `made under serial ${principalSerial}, held ${principal.serial}`);
    }
    this.#checkPersonSerial('keys', held, object, name, serial);
    this.#onSerial?.({ of: 'keys', keyId32: principalKeyId32, serial, hash32: object.hash32 });
    this.#keyRecords.set(name, record);
    return 'held';
  }

  /**
   * Takes a policy.
   *
   * @throws TridcommError `E_LENGTH`, `E_LIMIT`, `E_ENCODING`, `E_VERSION`, `E_BINDING`, `E_SIG`, `E_SENDER`, `E_POLICY`, `E_EXPIRED`, `E_EPOCH`, `E_FORK`
   * @spec principals.8, principals.10, principals.36
   */
  takePolicy(bytes: Uint8Array, nowMs: number): Taken {
    checkClock(nowMs);
    const object = this.#parse(bytes, objectKinds.policy);
    const policy = decodePolicy(object);
    const held = this.#policy;
    this.#checkPolicySigner(object, labels.policy, nowMs);
    if (isHeld(held, object)) return 'known';
    checkSerial(held && { serial: held.version }, policy.version, 'E_EPOCH');
    this.#policy = policy;
    return 'held';
  }

  /**
   * Takes a group record.
   *
   * @throws TridcommError as {@link takePolicy}, and `E_KEY`
   * @spec principals.8, principals.10, principals.36
   */
  takeGroupRecord(bytes: Uint8Array, nowMs: number): Taken {
    checkClock(nowMs);
    const object = this.#parse(bytes, objectKinds.groupRecord);
    const record = decodeGroupRecord(this.#provider, object);
    const name = nameOf(record.groupId16);
    const held = this.#groupRecords.get(name);
    this.#checkPolicySigner(object, labels.groupRecord, nowMs);
    if (isHeld(held, object)) return 'known';
    checkSerial(held, record.serial, 'E_EPOCH');
    this.#groupRecords.set(name, record);
    return 'held';
  }

  /**
   * Takes a pool record, of a front whose record is held, as that of its crew.
   *
   * @throws TridcommError `E_LENGTH`, `E_LIMIT`, `E_ENCODING`, `E_VERSION`, `E_BINDING`, `E_KEY`, `E_SIG`, `E_POLICY`, `E_SUITE`, `E_EXPIRED`,
   * `E_EPOCH`, `E_FORK`
   * @spec principals.8, principals.10, patterns.10
   */
  takePoolRecord(bytes: Uint8Array, nowMs: number): Taken {
    checkClock(nowMs);
    const object = this.#parse(bytes, objectKinds.poolRecord);
    const record = decodePoolRecord(this.#provider, object);
    const name = nameOf(record.groupId16);
    const held = this.#poolRecords.get(name) ?? [];
    const [signature] = signaturesOf(object, 1);
    const controller = this.#controllerOf(record);
    if (!equalBytes(signature!.signerKeyId32, controller.keyId32)) {
      throw new TridcommError('E_POLICY', 'not signed by the controller of the crew');
    }
    this.#verify(object, labels.pool, signature!, controller);
    checkNow(0, record.notAfterMs, nowMs, this.#skewMs);
    if (held.some((one) => isHeld(one, object))) return 'known';
    checkPoolPlace(held[0], record);
    this.#poolRecords.set(name, [record, ...held.slice(0, 1)]);
    return 'held';
  }

  /**
   * Takes a head. A durable node stores its number and hash before it acts on it.
   *
   * @throws TridcommError `E_LENGTH`, `E_ENCODING`, `E_VERSION`, `E_LIMIT`, `E_POLICY`, `E_EXPIRED`, `E_SIG`, `E_EPOCH`, `E_FORK`, `E_FUTURE`, `E_STALE`
   * @spec principals.27
   */
  takeHead(bytes: Uint8Array, nowMs: number): Taken {
    checkClock(nowMs);
    const head = decodeHead(this.#provider, copyOf(bytes));
    const taken = this.#checkHead(head, nowMs);
    if (taken === 'held') this.#holdHead(head);
    return taken;
  }

  /**
   * Takes a head with the leaf of one group. It is known where this leaf was taken under this head.
   *
   * @param groupId16 - the group that is expected
   * @throws TridcommError as {@link takeHead}, and `E_BINDING`, `E_PROOF`
   * @spec principals.27
   */
  takeGroupHead(
    bytes: Uint8Array,
    groupId16: Uint8Array,
    nowMs: number,
  ): { taken: Taken; head: Head; leaf: GroupLeaf } {
    checkClock(nowMs);
    const groupHead = decodeGroupHead(this.#provider, copyOf(bytes));
    const { head, leaf } = groupHead;
    const taken = this.#checkHead(head, nowMs);
    if (!equalBytes(leaf.groupId16, groupId16)) throw new TridcommError('E_BINDING', 'leaf of another group');
    if (!isProven(this.#provider, groupHead)) throw new TridcommError('E_PROOF', 'path from the leaf to the head');
    if (taken === 'held') this.#holdHead(head);
    // One head comes with the leaves of many groups, and each leaf is news.
    const name = nameOf(groupId16);
    const isNews = !this.#provenGroups.has(name);
    this.#provenGroups.add(name);
    return { taken: isNews ? 'held' : 'known', head, leaf };
  }

  /**
   * Takes a head that was asked for.
   *
   * @param nonce32 - that of the question
   * @throws TridcommError as {@link takeHead}; `E_SIG` for another nonce
   * @spec principals.33
   */
  takeHeadAnswer(bytes: Uint8Array, nonce32: Uint8Array, nowMs: number): Taken {
    checkClock(nowMs);
    checkWidth('nonce', nonce32, 32);
    const answer = decodeHeadAnswer(this.#provider, copyOf(bytes));
    const { head, signature64 } = answer;
    if (!equalBytes(answer.nonce32, nonce32)) throw new TridcommError('E_SIG', 'answer to another nonce');
    const { publicKey32, keyId32 } = this.#statusKey(head, nowMs);
    const signed = answerSignInput(this.#provider, this.#authorityId32, keyId32, head.bytes, nonce32);
    if (!this.#provider.ed25519Verify(publicKey32, signed, signature64)) {
      throw new TridcommError('E_SIG', 'signature over the nonce');
    }
    const taken = this.#checkHead(head, nowMs);
    if (taken === 'held') this.#holdHead(head);
    return taken;
  }

  /** Step 10 of a record of or by a principal: against the one held, or against what an earlier life held. @spec principals.10 */
  #checkPersonSerial(
    of: SerialFloor['of'],
    held: { readonly serial: number } | undefined,
    object: SignedObject,
    name: string,
    serial: number,
  ): void {
    const floor = this.#serialFloors.get(of + name);
    if (held !== undefined) checkSerial(held, serial, 'E_EXPIRED');
    else if (!isHeld(floor, object)) checkSerial(floor, serial, 'E_EXPIRED');
  }

  /** Steps 1 to 4 of a copy of the object. */
  #parse(bytes: Uint8Array, kind: number): SignedObject {
    const object = parseObject(this.#provider, copyOf(bytes), kind);
    if (!equalBytes(object.authorityId32, this.#authorityId32)) {
      throw new TridcommError('E_BINDING', 'object of another authority');
    }
    return object;
  }

  /** Steps 6 to 8 of an authority record. */
  #checkRootSignatures(held: AuthorityRecord | undefined, record: AuthorityRecord): void {
    const { signatures } = record.object;
    const signers = signatures.map(({ signerKeyId32 }, i) => {
      if (i > 0 && compareBytes(signatures[i - 1]!.signerKeyId32, signerKeyId32) >= 0) {
        throw new TridcommError('E_SIG', 'root signatures out of order');
      }
      const key = rootKeyOf(record, signerKeyId32) ?? rootKeyOf(held, signerKeyId32);
      if (key === undefined) throw new TridcommError('E_SIG', 'signed by a key that is no root key');
      return key;
    });
    for (const root of held === undefined ? [record] : [held, record]) {
      const count = signers.filter(({ keyId32 }) => rootKeyOf(root, keyId32) !== undefined).length;
      if (count < root.threshold) {
        throw new TridcommError('E_POLICY', `${count} root signatures, threshold ${root.threshold}`);
      }
    }
    for (const [i, key] of signers.entries()) {
      this.#verify(record.object, labels.authorityRecord, signatures[i]!, key);
    }
  }

  /** Steps 6 to 8 of what one key delegated for policy signs. */
  #checkPolicySigner(object: SignedObject, label: string, nowMs: number): void {
    const [signature] = signaturesOf(object, 1);
    this.#verify(object, label, signature!, this.#delegated(signature!.signerKeyId32, delegatedRoles.policy, nowMs));
  }

  /** Step 7 of a pool record up to its signer: whose signature counts. */
  #controllerOf({ groupId16, crewId16, suite }: PoolRecord): PublicKey {
    const [front, crew] = [this.groupRecord(groupId16), this.groupRecord(crewId16)];
    if (front === undefined || crew === undefined) {
      throw new TridcommError('E_POLICY', 'pool record without the records of front and crew');
    }
    const isFront = front.crewId16 !== undefined && equalBytes(front.crewId16, crewId16);
    if (!isFront || crew.purpose !== purposes.crew) {
      throw new TridcommError('E_BINDING', 'pool record of groups that are no front with its crew');
    }
    if (suite !== crew.suite) throw new TridcommError('E_SUITE', `suite ${suite}, the crew has ${crew.suite}`);
    return crew.controller;
  }

  /** Step 7 for a delegated signer: its key. */
  #delegated(signerKeyId32: Uint8Array, role: number, nowMs: number): PublicKey {
    const delegation = this.#delegation(signerKeyId32);
    if (delegation === undefined) throw new TridcommError('E_SENDER', 'signer is not known');
    return this.#inOffice(delegation, role, nowMs);
  }

  #statusKey(head: Head, nowMs: number): PublicKey {
    const delegation = this.#delegation(head.statusKeyId32);
    if (delegation === undefined) throw new TridcommError('E_POLICY', 'status key is not delegated');
    return this.#inOffice(delegation, delegatedRoles.status, nowMs);
  }

  #delegation(keyId32: Uint8Array): Delegation | undefined {
    return this.#authorityRecord?.delegations.find(({ key }) => equalBytes(key.keyId32, keyId32));
  }

  #inOffice({ key, roles, notBeforeMs, notAfterMs }: Delegation, role: number, nowMs: number): PublicKey {
    if ((roles & role) === 0) throw new TridcommError('E_POLICY', `signer delegated for ${roles}, not ${role}`);
    checkNow(notBeforeMs, notAfterMs, nowMs, this.#skewMs);
    return key;
  }

  #verify(object: SignedObject, label: string, signature: ObjectSignature, { publicKey32 }: PublicKey): void {
    if (!isSignedBy(this.#provider, object, label, signature, publicKey32)) {
      throw new TridcommError('E_SIG', `signature ${label}`);
    }
  }

  /** All checks of a head behind its form. */
  #checkHead(head: Head, nowMs: number): Taken {
    const { publicKey32, keyId32 } = this.#statusKey(head, nowMs);
    // One head comes with the leaf of every group: the same bytes were verified under the same key, which its id says.
    const isHeldHead = this.#head !== undefined && equalBytes(head.bytes, this.#head.bytes);
    const signed = headSignInput(this.#provider, this.#authorityId32, keyId32, head.bytes);
    if (!isHeldHead && !this.#provider.ed25519Verify(publicKey32, signed, headSignature(head))) {
      throw new TridcommError('E_SIG', 'signature of a head');
    }
    const { headSeq, issuedMs, freshUntilMs, prevHeadHash32, hash32 } = head;
    const highest = this.#highest;
    if (highest !== undefined) {
      if (headSeq < highest.headSeq) throw new TridcommError('E_EPOCH', `head ${headSeq}, highest ${highest.headSeq}`);
      const isSame = headSeq === highest.headSeq;
      if (isSame && !equalBytes(hash32, highest.headHash32)) throw new TridcommError('E_FORK', `two heads ${headSeq}`);
      if (headSeq === highest.headSeq + 1 && !equalBytes(prevHeadHash32, highest.headHash32)) {
        throw new TridcommError('E_FORK', `head ${headSeq} does not follow the one before`);
      }
    }
    if (issuedMs > nowMs + this.#skewMs) throw new TridcommError('E_FUTURE', `head of ${issuedMs}, clock ${nowMs}`);
    if (nowMs > freshUntilMs) throw new TridcommError('E_STALE', `head fresh until ${freshUntilMs}, clock ${nowMs}`);
    return this.#head !== undefined && headSeq === this.#head.headSeq ? 'known' : 'held';
  }

  #holdHead(head: Head): void {
    const floor = { headSeq: head.headSeq, headHash32: head.hash32 };
    this.#onHead?.(floor);
    this.#head = head;
    this.#highest = floor;
    this.#provenGroups = new Set();
  }
}

/** An object, or what is left of it. */
type HasHash = Pick<SignedObject, 'hash32'>;

/** Whether a body, which nobody has read yet, begins with serial 1: all that its one form leaves for that is two bytes. */
function isFirstRecord(body: Uint8Array): boolean {
  return body[0] === 0x08 && body[1] === 0x01;
}

/** The serial of an authority record, before step 6, as the record held says who signs. One with the serial held may be a fork. */
function checkFollows(held: AuthorityRecord | undefined, { serial }: AuthorityRecord): void {
  const next = (held?.serial ?? 0) + 1;
  if (serial !== next && serial !== held?.serial) {
    throw new TridcommError('E_EPOCH', `authority record ${serial}, not ${next}`);
  }
}

/** Step 10 of an authority record that the root keys of the one held have signed: only they can make a fork. */
function checkFork(held: AuthorityRecord | undefined, { serial, previousHash32 }: AuthorityRecord): void {
  if (held === undefined) return;
  if (serial === held.serial) throw new TridcommError('E_FORK', `two authority records with serial ${serial}`);
  if (previousHash32 === undefined || !equalBytes(previousHash32, held.object.hash32)) {
    throw new TridcommError('E_FORK', `authority record ${serial} does not follow the one held`);
  }
}

/** Step 10 of the others, for an object that is not the one held. */
function checkSerial(
  held: { readonly serial: number } | undefined,
  serial: number,
  lower: 'E_EPOCH' | 'E_EXPIRED',
): void {
  if (held === undefined) return;
  if (serial < held.serial) throw new TridcommError(lower, `serial ${serial}, held ${held.serial}`);
  if (serial === held.serial) throw new TridcommError('E_FORK', `two objects with serial ${serial}`);
}

/** Step 10 of a pool record, which is none of those held. @spec patterns.10 */
function checkPoolPlace(held: PoolRecord | undefined, { generation, epoch }: PoolRecord): void {
  if (held === undefined) return;
  if (generation < held.generation || (generation === held.generation && epoch < held.epoch)) {
    throw new TridcommError('E_EPOCH', `pool record ${generation}, ${epoch} behind ${held.generation}, ${held.epoch}`);
  }
  if (generation === held.generation && epoch === held.epoch) {
    throw new TridcommError('E_FORK', `two pool records of epoch ${epoch}`);
  }
}

function isHeld(held: { readonly object: HasHash } | undefined, object: SignedObject): boolean {
  return held !== undefined && equalBytes(held.object.hash32, object.hash32);
}

/** Step 6, the number. */
function signaturesOf({ signatures }: SignedObject, count: number): readonly ObjectSignature[] {
  if (signatures.length !== count) throw new TridcommError('E_SIG', `${signatures.length} signatures, not ${count}`);
  return signatures;
}

function rootKeyOf(record: AuthorityRecord | undefined, keyId32: Uint8Array): PublicKey | undefined {
  return record?.rootKeys.find((key) => equalBytes(key.keyId32, keyId32));
}

/** A clock that is no number would pass every comparison. */
function checkClock(nowMs: number): void {
  if (!Number.isSafeInteger(nowMs) || nowMs < 0) throw new TridcommError('E_USAGE', `clock ${nowMs}`);
}

/** An id as a key of a map. */
function nameOf(id: Uint8Array): string {
  return String.fromCharCode(...id);
}
