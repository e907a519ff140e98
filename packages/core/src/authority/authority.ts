import { checkWidth, compareBytes, copyOf } from '../bytes/bytes.ts';
import { bytesOfHex, hexOf } from '../client/hex.ts';
import { actions } from '../codepoints/actions.gen.ts';
import { addressTypes } from '../codepoints/address-types.gen.ts';
import { keyAlgorithms } from '../codepoints/key-algorithms.gen.ts';
import { keyBlockKinds } from '../codepoints/key-block-kinds.gen.ts';
import { labels } from '../codepoints/labels.gen.ts';
import { limits } from '../codepoints/limits.gen.ts';
import { objectKinds } from '../codepoints/object-kinds.gen.ts';
import { principalRoles } from '../codepoints/principal-roles.gen.ts';
import { purposes } from '../codepoints/purposes.gen.ts';
import { suites as suiteNumbers } from '../codepoints/suites.gen.ts';
import { aeadOfSuite } from '../crypto/suite.ts';
import { TridcommError } from '../errors.ts';
import type { Grant, Rule } from '../keys/compile-policy.ts';
import { encodeHeadAnswer, type Head } from '../keys/head.ts';
import { decodeKeyRecord } from '../keys/key-record.ts';
import { allowsSuite, decodePrincipalRecord, encodePrincipalRecordBody } from '../keys/principal-record.ts';
import type { PublicKey } from '../keys/public-key.ts';
import { encodeObject, parseObject } from '../keys/signed-object.ts';
import type { SigningKey } from '../keys/signing-key.ts';
import { Trust } from '../keys/trust.ts';
import { parsePattern } from '../topics/grammar.ts';
import {
  entryOfGroup,
  GroupPlan,
  leafOf,
  nextBlockMs,
  sendGroup,
  type ControlledGroup,
  type GroupChange,
  type GroupFoundation,
} from './controlled-group.ts';
import {
  allRoles,
  drawKeys,
  firstRecord,
  heldKeyOf,
  nextRenewalMs,
  recordWithDelegations,
  recordWithRoot,
  redrawKeys,
  rolesDue,
  type DelegatedRoleName,
} from './delegated-keys.ts';
import { beginAgain } from './restore.ts';
import { checkHeadTimes, nextHead, sendHead } from './heads.ts';
import type {
  AuthorityOptions,
  GrantFields,
  GrantName,
  GroupFields,
  PrincipalFields,
  RestoreSources,
  WaitingMember,
} from './options.ts';
import { Outgoing } from './outgoing.ts';
import { PolicySource } from './policy-source.ts';
import { Principals } from './principals.ts';
import { Revocations } from './revocations.ts';
import { writeSnapshot } from './snapshot.ts';
import {
  signGroupRecord,
  signPolicy,
  type AuthorityBeginning,
  type AuthorityChange,
  type AuthorityState,
} from './state.ts';

/**
 * Who says who is who, who may read and write, and what is newest; and the controller of all its groups.
 *
 * Every operation works out all that follows from it, moves the state on, and hands one bundle to `publish`: what changed, and only
 * that. An operation that is refused changes nothing and publishes nothing. Groups of thousands of members may take more enrolments
 * than a bundle holds; then enrolments go ahead in bundles of their own, which is their order in any case.
 *
 * Time is the argument `nowMs` of each call: whoever runs the authority calls {@link tick} at {@link nextTickMs}, or at least every 20 s.
 *
 * A grant gives a seat in each group that it reaches, since who only publishes needs the group's key too: so it can read with
 * that key what it gets, and the edge list is what refuses it a subscription.
 *
 * Everything happens in one process with all secrets, the root's too. {@link snapshot} is what a backup is made of.
 */
export class Authority {
  readonly authorityId32: Uint8Array;
  readonly #options: AuthorityOptions;
  readonly #skewMs: number;
  readonly #headFreshMs: number;
  readonly #headIntervalMs: number;
  /** What verifies the records of others, and one's own before they go out. */
  readonly #trust: Trust;
  readonly #principals = new Principals();
  /** Serials of principal records begin here: above all that a life before a restore may have given. */
  readonly #leastSerial: number;
  #state!: AuthorityState;

  private constructor(options: AuthorityOptions, authorityId32: Uint8Array, leastSerial: number) {
    const { provider, skewMs = limits.skewMs } = options;
    const { headFreshMs = limits.headFreshMs, headIntervalMs = limits.headIntervalMs } = options;
    checkHeadTimes(headFreshMs, headIntervalMs);
    this.authorityId32 = authorityId32;
    this.#options = options;
    this.#skewMs = skewMs;
    this.#headFreshMs = headFreshMs;
    this.#headIntervalMs = headIntervalMs;
    this.#trust = new Trust({ provider, authorityId32, skewMs });
    this.#leastSerial = leastSerial;
  }

  /**
   * A new authority: draws its root, issuer, policy, status and controller keys; publishes the first record, an empty policy and
   * revocation list, and the first head.
   *
   * @throws TridcommError `E_USAGE` for times that cannot be
   */
  static create(options: AuthorityOptions, nowMs: number): Authority {
    const { provider, random } = options;
    const keys = drawKeys(provider, random);
    const { authorityId32, record } = firstRecord(provider, keys, nowMs);
    const authority = new Authority(options, authorityId32, 1);
    authority.#trust.takeAuthorityRecord(record.object.bytes, nowMs);
    const source = new PolicySource([], []);
    const revocations = new Revocations(provider, []);
    const beginning = { keys, chain: [record], source, revocations, groups: new Map<string, ControlledGroup>() };
    authority.#perform({}, nowMs, { ...beginning, policyVersion: 0, place: undefined });
    return authority;
  }

  /**
   * The authority of a snapshot, with what has to come after a restore: fresh delegated keys, a `head_seq` 2^20 above all that the
   * sources show, for each group a new generation 2^16 epochs above, with every member that can be reached enrolled anew, and new route secrets.
   * Publishes everything that carriers should retain.
   *
   * What the snapshot cannot know is only as good as the sources. Give it the authority records that came after it; without them
   * newer heads do not verify. Revocations in `revocationLists` count from then on. A grant that the newest edge list of a group
   * no longer shows is withdrawn; that takes the newest policy and the lists, and where they are not given, who was withdrawn or had
   * left after the backup has its right again until it is withdrawn again. Groups, principals and grants that came
   * after the backup are gone and have to be made again; records that were issued in the meantime stay valid until they end, and give
   * no right.
   *
   * @throws TridcommError `E_USAGE` with heads of fewer than two sources; `E_KEY` where the root key of the snapshot counts no more; `E_VERSION`,
   * `E_LENGTH`, `E_ENCODING` for bytes that are no snapshot; whatever is wrong with a source
   * @spec groups.22, groups.23
   */
  static restore(options: AuthorityOptions, snapshot: Uint8Array, sources: RestoreSources, nowMs: number): Authority {
    const { authorityId32, headSeq, principals, keyRecords, ended, beginning, change } = beginAgain(
      options,
      snapshot,
      sources,
      nowMs,
    );
    const authority = new Authority(options, authorityId32, headSeq);
    for (const { object } of beginning.chain) authority.#trust.takeAuthorityRecord(object.bytes, nowMs);
    for (const { record, lastRecordEndsMs } of principals) {
      authority.#principals.hold(record, lastRecordEndsMs);
      takeIfValid(() => authority.#trust.takePrincipalRecord(record.object.bytes, nowMs));
    }
    for (const bytes of keyRecords) takeIfValid(() => authority.#trust.takeKeyRecord(bytes, nowMs));
    for (const keyId32 of ended) authority.#principals.end(keyId32);
    authority.#perform(change, nowMs, beginning);
    return authority;
  }

  /** The newest head. */
  get head(): Head {
    return this.#state.head;
  }

  /** Ids of all groups; 16 bytes each. */
  get groupIds(): readonly Uint8Array[] {
    return [...this.#state.groups.values()].map(({ record }) => copyOf(record.groupId16));
  }

  /**
   * Issues a principal record, the first or the next of its key, and publishes it.
   *
   * @param subject - the principal's key, which signs first: so it shows that it holds it
   * @returns the record; the caller's
   * @throws TridcommError `E_REVOKED` for a key that was ended; `E_LIMIT`, `E_USAGE`, `E_ENCODING` for what a record cannot say; `E_FORK` for a
   * key id that shares its first half with another
   */
  issue(subject: SigningKey, fields: PrincipalFields, nowMs: number): Uint8Array {
    const { provider } = this.#options;
    const { keys, revocations } = this.#state;
    const before = this.#principals.find(subject.keyId32);
    const serial = Math.max((before?.record.serial ?? 0) + 1, this.#leastSerial);
    if (this.#principals.isEnded(subject.keyId32) || revocations.list.isRevoked(subject.keyId32, serial)) {
      throw new TridcommError('E_REVOKED', 'key was ended for good');
    }
    const body = encodePrincipalRecordBody({
      key: { alg: keyAlgorithms.ed25519, publicKey32: subject.publicKey32 },
      serial,
      notBeforeMs: nowMs,
      notAfterMs: fields.notAfterMs ?? nowMs + limits.principalRecordMs,
      name: fields.name,
      tenant: fields.tenant,
      roles: fields.roles ?? principalRoles.member,
      suites: fields.suites ?? knownSuites,
      suiteFloor: fields.suiteFloor ?? 1,
      maxVersion: wireVersion,
    });
    const bytes = encodeObject(provider, objectKinds.principalRecord, this.authorityId32, body, [
      { label: labels.principalRecord, key: subject },
      { label: labels.issuer, key: keys.issuer.key },
    ]);
    this.#trust.takePrincipalRecord(bytes, nowMs);
    this.#principals.hold(decodePrincipalRecord(provider, parseObject(provider, bytes, objectKinds.principalRecord)));
    this.#sendOne(addressTypes.principalRecord, subject.keyId32, bytes);
    return copyOf(bytes);
  }

  /**
   * Takes a key record of a principal and publishes it. Who was waiting for it in a group gets a seat at the next {@link tick}.
   *
   * @throws TridcommError those of `Trust.takeKeyRecord`; `E_REVOKED` for a key that was ended
   */
  takeKeyRecord(bytes: Uint8Array, nowMs: number): void {
    const { provider } = this.#options;
    const record = decodeKeyRecord(provider, parseObject(provider, bytes, objectKinds.keyRecord));
    this.#principals.get(record.principalKeyId32);
    if (this.#trust.takeKeyRecord(bytes, nowMs) === 'held') {
      this.#sendOne(addressTypes.keyRecord, record.principalKeyId32, bytes);
    }
  }

  /**
   * Makes a group for topics of these patterns, with a first block that reaches whom earlier grants reach.
   *
   * @returns its id, 16 bytes; the caller's
   * @throws TridcommError `E_POLICY` for patterns that overlap those of another group, or have a segment `*`, and for a grant that would read
   * only a part of them; `E_LIMIT`, `E_ENCODING`, `E_USAGE` for settings that cannot be
   * @spec principals.19
   */
  addGroup(fields: GroupFields, nowMs: number): Uint8Array {
    const { provider, random } = this.#options;
    const { keys, source } = this.#state;
    const patterns = fields.patterns.map((text) => parsePattern(text));
    const blockKind = fields.blockKind ?? keyBlockKinds.completeSubtree;
    const { psk32, height: leastHeight = 0 } = fields;
    if ((psk32 !== undefined) !== (blockKind === keyBlockKinds.psk)) {
      throw new TridcommError('E_USAGE', 'a group of kind psk has a psk32, and no other');
    }
    if (psk32 !== undefined) checkWidth('psk32', psk32, 32);
    if (!Number.isInteger(leastHeight) || leastHeight < 0 || leastHeight > limits.treeHeight) {
      throw new TridcommError('E_USAGE', `tree height ${leastHeight}`);
    }
    const groupId16 = random(16);
    const rules = patterns.map((pattern): Rule => ({ pattern, groupId16 }));
    const record = signGroupRecord(provider, this.authorityId32, keys.policy.key, {
      groupId16,
      serial: this.#leastSerial,
      purpose: purposes.pubSub,
      suite: fields.suite ?? suiteNumbers.x25519ChaCha20Poly1305Ed25519,
      blockKind,
      controller: keys.controller.publicKey,
      maxHeadAgeMs: fields.maxHeadAgeMs ?? limits.headFreshMs,
      epochLifeMs: fields.epochLifeMs ?? limits.epochLifeMs,
      drainMs: fields.drainMs ?? limits.drainMs,
      periodMs: fields.periodMs ?? limits.tagPeriodMs,
      topicChains: patterns.some(({ literals, segments }) => literals < segments.length),
      staleOk: fields.staleOk ?? false,
    });
    const foundation: GroupFoundation = {
      record,
      patterns: patterns.map(({ text }) => text),
      psk32: psk32 && copyOf(psk32),
      leastHeight,
      generation: 0,
      epoch: 0,
      blockHash32: new Uint8Array(32),
      routeSecrets: [],
    };
    const id = hexOf(groupId16);
    const change: GroupChange = { record, opens: { generation: 1, epoch: 1 } };
    this.#perform(
      {
        source: source.withRules(rules),
        foundations: new Map([[id, foundation]]),
        groups: new Map([[id, change]]),
      },
      nowMs,
    );
    return copyOf(groupId16);
  }

  /**
   * Gives a principal a right, and a seat in each group that the right reaches: enrolment, then block and lists.
   *
   * @throws TridcommError `E_SENDER` for an unknown principal, `E_REVOKED` for one that was revoked, `E_EXPIRED` for one whose record is not valid,
   * `E_KEY` without a valid key record where the group needs one, `E_POLICY` for a grant that contradicts the rules or a group whose suite the
   * principal does not allow; `E_LIMIT` for lists that grow too long; `E_ENCODING`, `E_LIMIT` for the pattern; `E_USAGE` for a time that has passed
   * @spec principals.19, principals.40, groups.24
   */
  grant(grant: GrantFields, nowMs: number): void {
    this.grantAll([grant], nowMs);
  }

  /** As many single grants, but for one bundle, and one epoch of each group, for all of them. */
  grantAll(grants: readonly GrantFields[], nowMs: number): void {
    const added = grants.map((fields): Grant => {
      this.#principals.get(fields.keyId32);
      const { notAfterMs = limits.safeInteger } = fields;
      if (!(Number.isSafeInteger(notAfterMs) && notAfterMs >= nowMs)) {
        throw new TridcommError('E_USAGE', `grant until ${notAfterMs}`);
      }
      const pattern = parsePattern(fields.pattern);
      return { keyId32: copyOf(fields.keyId32), action: actions[fields.action], pattern, notAfterMs };
    });
    const source = this.#state.source.with(added);
    const joinsNow = new Set(grants.filter(({ join }) => join === 'now').map(({ keyId32 }) => hexOf(keyId32)));
    const groups = new Map<string, GroupChange>();
    for (const { keyId32, pattern } of added) {
      for (const groupId16 of source.groupsOf(pattern)) {
        const id = hexOf(groupId16);
        this.#checkReachable(this.#state.groups.get(id)!, keyId32, nowMs);
        groups.set(id, { grantsChanged: true, joinsNow });
      }
    }
    this.#perform({ source, groups }, nowMs);
  }

  /**
   * Takes a right away, with a revocation block for each group that it reached. Who has another right in a group keeps its seat there.
   *
   * @throws TridcommError `E_SENDER`, `E_REVOKED` as {@link grant}; `E_USAGE` where there is no such grant
   * @spec principals.39
   */
  withdraw({ keyId32, action, pattern }: GrantName, nowMs: number): void {
    this.#principals.get(keyId32);
    const held = this.#state.source.find(keyId32, actions[action], pattern);
    if (held === undefined) throw new TridcommError('E_USAGE', 'no such grant');
    this.#perform({ ...this.#withoutGrants([held]), withdraws: true }, nowMs);
  }

  /**
   * Ends a principal for good: its record, all its grants and all its seats, in one bundle.
   *
   * @throws TridcommError `E_SENDER` for an unknown principal, `E_REVOKED` for one that was revoked before; `E_LIMIT` where the list is full
   * @spec principals.25, principals.39, groups.21
   */
  revoke(keyId32: Uint8Array, nowMs: number): void {
    const { provider } = this.#options;
    const { lastRecordEndsMs } = this.#principals.get(keyId32);
    const { revocations, source } = this.#state;
    const own = source.grants.filter((grant) => compareBytes(grant.keyId32, keyId32) === 0);
    const ends = copyOf(keyId32);
    this.#perform(
      {
        ...this.#withoutGrants(own),
        revocations: revocations.with(provider, ends, lastRecordEndsMs + 2 * this.#skewMs),
        withdraws: true,
        ends,
      },
      nowMs,
    );
  }

  /**
   * Makes the next epoch of a group.
   *
   * @param options - `notBeforeMs` in the future publishes the block ahead; default now
   * @throws TridcommError `E_USAGE` for an unknown group, or a time that has passed
   */
  rotate(groupId16: Uint8Array, nowMs: number, options: { readonly notBeforeMs?: number } = {}): void {
    const { notBeforeMs = nowMs } = options;
    if (!(Number.isSafeInteger(notBeforeMs) && notBeforeMs >= nowMs)) {
      throw new TridcommError('E_USAGE', `block from ${notBeforeMs} on`);
    }
    this.#changeGroup(groupId16, { rotatesFromMs: notBeforeMs }, nowMs);
  }

  /**
   * Gives a member that may have lost its keys another leaf, to its newest prekey, and revokes the one that it had.
   *
   * Take a fresh key record of it first. In a list group it is wrapped for anew. It heals reading alone: who may have
   * lost its signing key must be revoked.
   *
   * @throws TridcommError `E_USAGE` for an unknown group, one of kind psk, or a principal without a seat; others as {@link grant}
   * @spec groups.16, groups.21
   */
  reseat(groupId16: Uint8Array, keyId32: Uint8Array, nowMs: number): void {
    const group = this.#group(groupId16);
    this.#principals.get(keyId32);
    const id = hexOf(keyId32);
    if (!group.seats.has(id)) throw new TridcommError('E_USAGE', 'principal without a seat in the group');
    this.#checkReachable(group, keyId32, nowMs, true);
    this.#changeGroup(groupId16, { reseats: new Set([id]), revokes: true }, nowMs);
  }

  /**
   * Begins a group anew: fresh node keys, another leaf for every member that can be reached, a new route secret. See {@link waiting} for
   * who could not be.
   *
   * @throws TridcommError `E_USAGE` for an unknown group
   * @spec groups.18, groups.19
   */
  newGeneration(groupId16: Uint8Array, nowMs: number): void {
    const { generation, epoch } = this.#group(groupId16);
    this.#changeGroup(groupId16, { opens: { generation: generation + 1, epoch: epoch + 1 } }, nowMs);
  }

  /**
   * Does what time asks for, in one bundle: the next head; the next block of an epoch that ends soon, with lists for its periods; seats
   * for members whose key record came; the end of grants whose time is over; fresh delegated keys; a shorter revocation list.
   *
   * @spec principals.25, principals.26
   */
  tick(nowMs: number): void {
    const { provider } = this.#options;
    const { source, revocations, groups } = this.#state;
    const expired = source.grants.filter(({ notAfterMs }) => nowMs > notAfterMs);
    const change = this.#withoutGrants(expired);
    const changes = new Map(change.groups);
    for (const [id, group] of groups) {
      const { waiting, blocks } = group;
      const reach = this.#reach(group.record.suite, nowMs);
      if (waiting.some(({ keyId32 }) => typeof reach(keyId32) !== 'string')) {
        changes.set(id, { ...changes.get(id), rotatesFromMs: nowMs });
      } else if (nextBlockMs(group) <= nowMs) {
        const rotatesFromMs = Math.max(nowMs, blocks.at(-1)!.notAfterMs);
        changes.set(id, { ...changes.get(id), rotatesFromMs });
      }
    }
    const pruned = revocations.pruned(provider, nowMs);
    const roles = rolesDue(this.#state.chain.at(-1)!, this.#state.keys, nowMs);
    const isDue = nowMs >= this.#state.head.issuedMs + this.#headIntervalMs;
    if (!isDue && changes.size === 0 && pruned === revocations && roles.length === 0) return;
    const delegated = roles.length === 0 ? {} : this.#renewed(roles, changes, nowMs);
    const withdraws = expired.length > 0;
    this.#perform({ ...change, groups: changes, revocations: pruned, withdraws, ...delegated }, nowMs);
  }

  /** When {@link tick} has something to do; not before `nowMs`. */
  nextTickMs(nowMs: number): number {
    const { source, revocations, groups, head, chain, keys } = this.#state;
    let next = Math.min(head.issuedMs + this.#headIntervalMs, nextRenewalMs(chain.at(-1)!, keys));
    for (const { notAfterMs } of source.grants) next = Math.min(next, notAfterMs + 1);
    for (const { neededUntilMs } of revocations.entries) next = Math.min(next, neededUntilMs + 1);
    for (const group of groups.values()) {
      const reach = this.#reach(group.record.suite, nowMs);
      const hasArrived = group.waiting.some(({ keyId32 }) => typeof reach(keyId32) !== 'string');
      next = Math.min(next, hasArrived ? nowMs : nextBlockMs(group));
    }
    return Math.max(nowMs, next);
  }

  /**
   * The newest head for somebody without a clock; 360 bytes, the caller's.
   *
   * @param nonce32 - of who asks
   * @throws TridcommError `E_USAGE` for a nonce of another width
   */
  answer(nonce32: Uint8Array, nowMs: number): Uint8Array {
    this.tick(nowMs);
    const { head, keys } = this.#state;
    return encodeHeadAnswer(this.#options.provider, this.authorityId32, keys.status.key, head.bytes, nonce32);
  }

  /**
   * Puts fresh keys in the place of the issuer, policy and status keys, by a record that the root signs. Records that the issuer before
   * signed go on until they end, and its delegation with them.
   *
   * @throws TridcommError `E_LIMIT` where more issuers are still needed than a record may list
   */
  delegate(nowMs: number): void {
    const groups = new Map<string, GroupChange>();
    this.#perform(this.#renewed(allRoles, groups, nowMs), nowMs);
  }

  /**
   * Puts a fresh root key in the place of the one before: both sign. Snapshots from before can no longer be restored.
   */
  rollover(nowMs: number): void {
    const { provider, random } = this.#options;
    const { keys, chain } = this.#state;
    const root = heldKeyOf(provider, random(32));
    const record = recordWithRoot(provider, chain.at(-1)!, root, keys.root);
    this.#perform({ keys: { ...keys, root }, records: [record] }, nowMs);
  }

  /** Sends everything that a carrier should retain once more, with a new head: for a new carrier, or one that lost a bundle. */
  republish(nowMs: number): void {
    this.#perform({ resends: true }, nowMs);
  }

  /**
   * Who has a right in a group but is not reached by its newest block, and why.
   *
   * @throws TridcommError `E_USAGE` for an unknown group
   */
  waiting(groupId16: Uint8Array): readonly WaitingMember[] {
    return this.#group(groupId16).waiting;
  }

  /**
   * All that {@link restore} needs; the caller's.
   *
   * It holds the root key, the controller's key, the route secrets and pre-shared keys in the clear: whoever stores it encrypts it. The
   * keys of trees are not in it, as a restored group begins anew.
   */
  snapshot(): Uint8Array {
    const { keys, chain, source, revocations, groups, policy, head } = this.#state;
    const records = this.#principals.all();
    const keyRecords = records.map(({ record }) => this.#trust.keyRecord(record.key.keyId32)?.object.bytes);
    return writeSnapshot({
      authorityId32: this.authorityId32,
      rootSeed32: keys.root.seed32,
      controllerSeed32: keys.controller.seed32,
      headSeq: head.headSeq,
      headHash32: head.hash32,
      policyVersion: policy.version,
      chain: chain.map(({ object }) => object.bytes),
      principals: records.map(({ record, lastRecordEndsMs }) => ({ record: record.object.bytes, lastRecordEndsMs })),
      keyRecords: keyRecords.filter((bytes) => bytes !== undefined),
      ended: this.#principals.ended().map(bytesOfHex),
      revocations: revocations.entries,
      grants: source.grants.map((grant) => ({ ...grant, pattern: grant.pattern.text })),
      groups: [...groups.values()].map((group) => ({ ...group, record: group.record.object.bytes })),
    });
  }

  #group(groupId16: Uint8Array): ControlledGroup {
    const group = this.#state.groups.get(hexOf(groupId16));
    if (group === undefined) throw new TridcommError('E_USAGE', 'no group of this id');
    return group;
  }

  #changeGroup(groupId16: Uint8Array, change: GroupChange, nowMs: number): void {
    this.#group(groupId16);
    this.#perform({ groups: new Map([[hexOf(groupId16), change]]) }, nowMs);
  }

  /** The source without these grants, and what follows for the groups that they reached. */
  #withoutGrants(
    grants: readonly Grant[],
  ): Pick<AuthorityChange, 'source' | 'groups'> & { groups: Map<string, GroupChange> } {
    const { source } = this.#state;
    if (grants.length === 0) return { source, groups: new Map() };
    const reached = grants.flatMap(({ pattern }) => source.groupsOf(pattern));
    const change = { grantsChanged: true, revokes: true };
    return {
      source: source.without(new Set(grants)),
      groups: new Map(reached.map((groupId16) => [hexOf(groupId16), change])),
    };
  }

  /** Fresh keys in these roles, and what follows from them: with another policy key, group records are signed anew. */
  #renewed(
    roles: readonly DelegatedRoleName[],
    changes: ReadonlyMap<string, GroupChange>,
    nowMs: number,
  ): Pick<AuthorityChange, 'keys' | 'records' | 'groups'> {
    const { provider, random } = this.#options;
    const { chain, groups } = this.#state;
    const keys = redrawKeys(provider, random, this.#state.keys, roles);
    const record = recordWithDelegations(provider, chain.at(-1)!, keys, roles, this.#liveIssuers(nowMs), nowMs);
    const renewed = new Map(changes);
    if (roles.includes('policy')) {
      for (const [id, { record: before }] of groups) {
        const fields = { ...before, serial: before.serial + 1 };
        const signed = signGroupRecord(provider, this.authorityId32, keys.policy.key, fields);
        renewed.set(id, { ...renewed.get(id), record: signed });
      }
    }
    return { keys, records: [record], groups: renewed };
  }

  /** In hex, the key ids of the issuers whose signature stands under a record that still counts. */
  #liveIssuers(nowMs: number): ReadonlySet<string> {
    const live = this.#principals.all().filter(({ record }) => nowMs <= record.notAfterMs + this.#skewMs);
    return new Set(live.map(({ record }) => hexOf(record.object.signatures[1]!.signerKeyId32)));
  }

  /**
   * How principals are reached now, in a group of this suite.
   *
   * @spec groups.24
   */
  #reach(suite: number, nowMs: number): (keyId32: Uint8Array) => PublicKey | WaitingMember['reason'] {
    return (keyId32) => {
      const record = this.#trust.principal(keyId32);
      if (record === undefined || this.#principals.isEnded(keyId32) || nowMs > record.notAfterMs)
        return 'record not valid';
      if (!allowsSuite(record, suite)) return 'suite not allowed';
      const keyRecord = this.#trust.keyRecord(keyId32);
      const isValid =
        keyRecord !== undefined &&
        keyRecord.principalSerial >= record.serial &&
        keyRecord.notBeforeMs <= nowMs + this.#skewMs &&
        nowMs <= keyRecord.notAfterMs;
      return isValid ? keyRecord.prekeys[0]! : 'no valid key record';
    };
  }

  /** Whether a principal that needs a seat in a group can be given one. */
  #checkReachable(group: ControlledGroup, keyId32: Uint8Array, nowMs: number, isLeaving = false): void {
    const { suite, blockKind } = group.record;
    if (!isLeaving && group.seats.has(hexOf(keyId32))) return;
    const found = this.#reach(suite, nowMs)(keyId32);
    if (found === 'record not valid') throw new TridcommError('E_EXPIRED', 'principal record is not valid now');
    if (found === 'suite not allowed')
      throw new TridcommError('E_POLICY', `suite ${suite} is not one of the principal's`);
    if (found === 'no valid key record' && blockKind !== keyBlockKinds.psk) {
      throw new TridcommError('E_KEY', 'principal without a valid key record');
    }
  }

  /** Sends an object that no head names. */
  #sendOne(type: number, id: Uint8Array, bytes: Uint8Array): void {
    const out = new Outgoing(this.#options.provider, this.authorityId32);
    out.add(type, id, bytes);
    for (const bundle of out.bundles()) this.#options.publish(bundle);
  }

  /**
   * Works a change out, moves the state on, and publishes it. Up to the last step nothing that lasts was changed.
   *
   * @param from - what the change is of, where that is not the state
   * @spec principals.26, principals.39, principals.40
   */
  #perform(
    change: AuthorityChange,
    nowMs: number,
    from: AuthorityBeginning & Partial<AuthorityState> = this.#state,
  ): void {
    const { provider, random } = this.#options;
    const { authorityId32 } = this;
    const { keys = from.keys, records = [], source = from.source, revocations = from.revocations } = change;
    const out = new Outgoing(provider, authorityId32);
    const controller = { provider, random, authorityId32, key: keys.controller, skewMs: this.#skewMs };
    const plans = [...(change.groups ?? [])].map(([id, groupChange]) => {
      const group = change.foundations?.get(id) ?? from.groups.get(id)!;
      const reach = this.#reach(group.record.suite, nowMs);
      return [id, new GroupPlan(controller, group, groupChange, source, reach, nowMs)] as const;
    });
    const isFirst = from.policy === undefined;
    const chain = [...from.chain, ...records];
    const changesPolicy =
      isFirst || change.withdraws === true || records.length > 0 || plans.some(([, plan]) => plan.changesPolicy);
    const policyVersion = changesPolicy ? from.policyVersion + 1 : from.policyVersion;

    if (change.resends === true) for (const group of from.groups.values()) sendGroup(group, out);
    const groups = new Map(from.groups);
    for (const [id, plan] of plans) groups.set(id, plan.carryOut(policyVersion, out));
    const policy = changesPolicy
      ? signPolicy(provider, authorityId32, keys.policy.key, {
          version: policyVersion,
          authorityRecordHash32: chain.at(-1)!.object.hash32,
          groups: [...groups.values()].map(entryOfGroup),
        })
      : from.policy!;
    const sendsAll = isFirst || change.resends === true;
    if (sendsAll) this.#sendRecords(out, nowMs);
    for (const { object } of sendsAll ? chain : records) out.add(addressTypes.authorityRecord, noId, object.bytes);
    if (sendsAll || changesPolicy) out.add(addressTypes.policy, noId, policy.object.bytes);
    if (sendsAll || change.withdraws === true || revocations !== from.revocations) {
      out.add(addressTypes.revocationList, noId, revocations.list.bytes);
    }
    const leaves = [...groups.values()].map(leafOf);
    const content = { policy, revokedHash32: revocations.list.hash32, leaves };
    const head = nextHead(provider, authorityId32, keys.status.key, from.place, content, nowMs, this.#headFreshMs);
    sendHead(provider, out, head, leaves);
    const bundles = out.bundles();

    // From here on the numbers are spent, whatever becomes of the bundle.
    for (const { object } of records) this.#trust.takeAuthorityRecord(object.bytes, nowMs);
    if (change.ends !== undefined) this.#principals.end(change.ends);
    for (const [id, { tree }] of from.groups) if (tree !== groups.get(id)?.tree) tree?.erase();
    this.#state = { keys, chain, source, revocations, groups, policyVersion, place: head, policy, head };
    for (const bundle of bundles) this.#options.publish(bundle);
  }

  /** Adds the records of principals that still count. */
  #sendRecords(out: Outgoing, nowMs: number): void {
    for (const { record } of this.#principals.all()) {
      const { keyId32 } = record.key;
      if (this.#principals.isEnded(keyId32) || !this.#isValid(keyId32, nowMs)) continue;
      out.add(addressTypes.principalRecord, keyId32, record.object.bytes);
      const keyRecord = this.#trust.keyRecord(keyId32);
      if (keyRecord !== undefined && nowMs <= keyRecord.notAfterMs && keyRecord.principalSerial >= record.serial) {
        out.add(addressTypes.keyRecord, keyId32, keyRecord.object.bytes);
      }
    }
  }

  /** Whether a receiver takes the record of a principal. */
  #isValid(keyId32: Uint8Array, nowMs: number): boolean {
    const record = this.#trust.principal(keyId32);
    return record !== undefined && nowMs <= record.notAfterMs;
  }
}

/** Takes what a snapshot holds, unless it is no longer valid: then it is as if it were not there. */
function takeIfValid(take: () => unknown): void {
  try {
    take();
  } catch (error) {
    if (!(error instanceof TridcommError)) throw error;
  }
}

const knownSuites: readonly number[] = Object.values(suiteNumbers).filter((suite) => aeadOfSuite(suite) !== undefined);
const wireVersion = 1;
const noId = new Uint8Array(0);
