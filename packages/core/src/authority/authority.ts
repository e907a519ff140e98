import { compareBytes, copyOf, equalBytes } from '../bytes/bytes.ts';
import { bytesOfHex, hexOf } from '../client/hex.ts';
import { actions } from '../codepoints/actions.gen.ts';
import { addressTypes } from '../codepoints/address-types.gen.ts';
import { keyAlgorithms } from '../codepoints/key-algorithms.gen.ts';
import { keyBlockKinds } from '../codepoints/key-block-kinds.gen.ts';
import { limits } from '../codepoints/limits.gen.ts';
import { objectKinds } from '../codepoints/object-kinds.gen.ts';
import { TridcommError } from '../errors.ts';
import type { Grant } from '../keys/compile-policy.ts';
import { encodeHeadAnswer, type Head } from '../keys/head.ts';
import { decodeKeyRecord } from '../keys/key-record.ts';
import type { GroupRecord } from '../keys/group-record.ts';
import { readProposal, type RecordProposal } from '../keys/principal-proposal.ts';
import { allowsSuite, type PrincipalRecord } from '../keys/principal-record.ts';
import { publicKeyOf, type PublicKey } from '../keys/public-key.ts';
import { parseObject } from '../keys/signed-object.ts';
import type { SigningKey } from '../keys/signing-key.ts';
import { Trust } from '../keys/trust.ts';
import { parsePattern } from '../topics/grammar.ts';
import {
  entryOfGroup,
  eraseReplacedSecrets,
  eraseSecrets,
  GroupPlan,
  hasBlockAhead,
  leafOf,
  nextBlockMs,
  sendGroup,
  type ControlledGroup,
  type GroupChange,
} from './controlled-group.ts';
import {
  allRoles,
  drawKeys,
  eraseReplaced,
  firstRecord,
  heldKeyOf,
  nextRenewalMs,
  recordWithDelegations,
  recordWithRoot,
  redrawKeys,
  rolesDue,
  type DelegatedRoleName,
  type HeldKey,
} from './delegated-keys.ts';
import { GroupFailures, type HeldFailure } from './group-failures.ts';
import { beginAgain } from './restore.ts';
import { foundGroup } from './new-group.ts';
import { isForCrew, poolIdsOf } from './pools.ts';
import { checkHeadTimes, nextHead, sendHead } from './heads.ts';
import type {
  AuthorityOptions,
  GrantFields,
  GrantName,
  GroupFailure,
  GroupFields,
  PrincipalFields,
  RestoreSources,
  WaitingMember,
} from './options.ts';
import { checkSubject, composeProposal, counterSign, endOfEarlier } from './issuing.ts';
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
 * that. An operation that is refused changes nothing and publishes nothing; what must not wait for one group, as a revocation and the
 * next head, goes on without a group that cannot be changed: see {@link failures}. Groups of thousands of members may take more enrolments
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
   * The authority of a snapshot, with what has to come after a restore: fresh policy and status keys, a fresh issuer key where that of the
   * snapshot is not delegated any more, a `head_seq` 2^20 above all that the sources show, for each group a generation and an epoch 2^16 above, with every member that can be reached enrolled anew, and new route
   * secrets. Publishes everything that carriers should retain.
   *
   * What the snapshot cannot know is only as good as the sources. Give it the authority records that came after it; without them
   * newer heads do not verify. Revocations in `revocationLists` count from then on. A group that a newer policy does not name is gone. A grant is
   * withdrawn where the newest edge list of one of its groups shows no right of its principal to its action; where that list is not given, who was
   * withdrawn or had left after the backup has its right again until it is withdrawn again. So it is where a principal had two grants for one action in a group and
   * lost only one: entries are of patterns under route secrets that the snapshot may not have. Groups, principals and grants that came
   * after the backup are gone and have to be made again; records that were issued in the meantime stay valid until they end, and give
   * no right.
   *
   * @throws TridcommError `E_STALE` without the policy and the revocation list that the highest head names, where they are not the snapshot's
   * own, and without the authority record that the newest of the policies names; `E_USAGE` with heads of fewer than two sources; `E_KEY` where the root key of the snapshot counts no more; `E_VERSION`, `E_LENGTH`,
   * `E_ENCODING` for bytes that are no snapshot; whatever is wrong with a source
   * @spec groups.22, groups.23, groups.29
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
   * Groups that an operation could not change, each with what was thrown: they go on as they were, and the next head tries them again.
   * Empty where all is well. Nothing else tells: look after each {@link tick}.
   *
   * @spec principals.43
   */
  get failures(): readonly GroupFailure[] {
    return [...this.#state.failures.values()].map(({ groupId16, error }) => ({ groupId16: copyOf(groupId16), error }));
  }

  /**
   * Issues a principal record, the first or the next of its key, and publishes it. One that allows less than the record before, in
   * suites, floor, roles or version, goes out with an entry in the revocation list that ends all records before it.
   *
   * @param subject - the principal's key, which signs first: so it shows that it holds it
   * @returns the record; the caller's
   * @throws TridcommError `E_REVOKED` for a key that was ended; `E_LIMIT`, `E_USAGE`, `E_ENCODING` for what a record cannot say; `E_FORK` for a
   * key id that shares its first half with another
   * @spec principals.24, principals.25
   */
  issue(subject: SigningKey, fields: PrincipalFields, nowMs: number): Uint8Array {
    const proposal = this.proposeRecord(subject.publicKey32, fields, nowMs);
    return this.issueProposed(proposal, subject.sign(proposal.signInput), nowMs);
  }

  /**
   * The first half of {@link issue}, for a principal whose key is elsewhere: what it has to sign. Changes nothing.
   *
   * @param publicKey32 - Ed25519, the principal's
   * @returns to be handed to the principal, who reads it with `readProposal`; the caller's
   * @throws TridcommError `E_KEY` for a key that must not be used; others as {@link issue}
   */
  proposeRecord(publicKey32: Uint8Array, fields: PrincipalFields, nowMs: number): RecordProposal {
    const { provider } = this.#options;
    const key = publicKeyOf(provider, keyAlgorithms.ed25519, publicKey32);
    return composeProposal(provider, this.authorityId32, key, this.#nextSerial(key.keyId32), fields, nowMs);
  }

  /**
   * The second half of {@link issue}: verifies the signature of the principal, signs as issuer and publishes the record.
   *
   * @param proposal - as {@link proposeRecord} gave it: what it says is not judged again, so whoever let it out of hand makes sure that
   *   it is the same
   * @param signature64 - of the principal over `signInput`
   * @returns the record; the caller's
   * @throws TridcommError `E_SIG` for a signature that does not verify; `E_STALE` where another record of the key came since; `E_REVOKED` where
   * the key was ended; `E_EXPIRED` for a record that is over or was proposed by a clock ahead; others as {@link issue}
   * @spec principals.24, principals.25
   */
  issueProposed({ body }: Pick<RecordProposal, 'body'>, signature64: Uint8Array, nowMs: number): Uint8Array {
    const { provider } = this.#options;
    const { keys, revocations } = this.#state;
    const proposal = readProposal(provider, this.authorityId32, copyOf(body));
    const { keyId32 } = proposal.record.key;
    const { serial } = proposal.record;
    if (serial !== this.#nextSerial(keyId32)) throw new TridcommError('E_STALE', `proposal with serial ${serial}`);
    checkSubject(provider, proposal, signature64);
    const record = counterSign(provider, this.authorityId32, proposal, signature64, keys.issuer.key);
    const { bytes } = record.object;
    const ends = endOfEarlier(this.#principals.find(keyId32), record, this.#skewMs, nowMs);
    const narrowed = ends && revocations.with(provider, ends);
    this.#trust.takePrincipalRecord(bytes, nowMs);
    this.#principals.hold(record);
    if (narrowed === undefined) this.#sendOne(addressTypes.principalRecord, keyId32, bytes);
    else this.#perform({ revocations: narrowed, issued: record }, nowMs);
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
   * Makes a group for topics of these patterns, with a first block that reaches whom earlier grants reach. For a front it makes the crew too.
   *
   * @returns its id, 16 bytes; the caller's
   * @throws TridcommError `E_POLICY` for patterns that overlap those of another group, or have a segment `*`, for a `**` in a front or a group for
   * surveys, and for a grant that would read only a part of them; `E_LIMIT`, `E_ENCODING`, `E_USAGE` for settings that cannot be
   * @spec principals.19
   */
  addGroup(fields: GroupFields, nowMs: number): Uint8Array {
    const { keys, source } = this.#state;
    const { authorityId32 } = this;
    const founder = { ...this.#options, authorityId32, keys };
    const { groupId16, rules, foundations, groups } = foundGroup(founder, fields, this.#leastSerial);
    this.#perform({ source: source.withRules(rules), foundations, groups }, nowMs);
    return copyOf(groupId16);
  }

  /**
   * Ends a group for good, a front with its crew: the policy and the heads name them no more, and brokers forget them. Grants that match the
   * topics of no other group end with it. Members can go on among themselves, by other carriers than brokers, until their view is no longer
   * fresh.
   *
   * @throws TridcommError `E_USAGE` for an unknown group, and for a crew
   * @spec principals.39
   */
  removeGroup(groupId16: Uint8Array, nowMs: number): void {
    const { record, frontId16 } = this.#group(groupId16);
    if (frontId16 !== undefined) throw new TridcommError('E_USAGE', 'a crew ends with its front');
    const source = this.#state.source.withoutRules(groupId16);
    this.#perform({ source, removes: new Set(poolIdsOf(record)), withdraws: true }, nowMs);
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
    for (const grant of added) {
      for (const id of this.#reachedBy(grant, source)) {
        this.#checkReachable(this.#state.groups.get(id)!, grant.keyId32, nowMs);
        groups.set(id, { grantsChanged: true, joinsNow });
      }
    }
    this.#perform({ source, groups }, nowMs);
  }

  /**
   * Takes a right away, with a revocation block for each group that it reached. Who has another right in a group keeps its seat there. With
   * a right to read end all others of the principal to read of the same groups.
   *
   * @throws TridcommError `E_SENDER`, `E_REVOKED` as {@link grant}; `E_USAGE` where there is no such grant
   * @spec principals.39, principals.42
   */
  withdraw({ keyId32, action, pattern }: GrantName, nowMs: number): void {
    this.#principals.get(keyId32);
    const held = this.#state.source.find(keyId32, actions[action], pattern);
    if (held === undefined) throw new TridcommError('E_USAGE', 'no such grant');
    this.#perform({ ...this.#withoutGrants([held]), withdraws: true, isolates: true }, nowMs);
  }

  /**
   * Ends a principal for good: its record, all its grants and all its seats, in one bundle.
   *
   * What it reads in a group of kind psk does not end with that: it has the key that all epochs come from, earlier and later ones, and
   * only a group with another pre-shared key leaves it behind.
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
        revocations: revocations.with(provider, {
          keyId32: ends,
          minSerial: limits.safeInteger,
          neededUntilMs: lastRecordEndsMs + 2 * this.#skewMs,
        }),
        withdraws: true,
        ends,
        isolates: true,
      },
      nowMs,
    );
  }

  /**
   * Makes the next epoch of a group, of a front and its crew.
   *
   * @param options - `notBeforeMs` in the future publishes the block ahead; default now
   * @throws TridcommError `E_USAGE` for an unknown group, a time that has passed, or a second block ahead before the first has begun
   */
  rotate(groupId16: Uint8Array, nowMs: number, options: { readonly notBeforeMs?: number } = {}): void {
    const { notBeforeMs = nowMs } = options;
    if (!(Number.isSafeInteger(notBeforeMs) && notBeforeMs >= nowMs)) {
      throw new TridcommError('E_USAGE', `block from ${notBeforeMs} on`);
    }
    const pool = this.#pool(groupId16);
    if (notBeforeMs > nowMs && pool.some((group) => hasBlockAhead(group, nowMs))) {
      throw new TridcommError('E_USAGE', 'a block has been published ahead and has not begun');
    }
    this.#changeGroups(pool, () => ({ rotatesFromMs: notBeforeMs }), nowMs);
  }

  /**
   * Gives a member that may have lost its keys another leaf, to its newest prekey, and revokes the one that it had; in a front, also that of the
   * crew.
   *
   * Take a fresh key record of it first. In a list group it is wrapped for anew. It heals reading alone: who may have
   * lost its signing key must be revoked.
   *
   * @throws TridcommError `E_USAGE` for an unknown group, one of kind psk, or a principal without a seat; others as {@link grant}
   * @spec groups.16, groups.21
   */
  reseat(groupId16: Uint8Array, keyId32: Uint8Array, nowMs: number): void {
    const pool = this.#pool(groupId16);
    this.#principals.get(keyId32);
    const id = hexOf(keyId32);
    if (!pool[0].seats.has(id)) throw new TridcommError('E_USAGE', 'principal without a seat in the group');
    this.#checkReachable(pool[0], keyId32, nowMs, true);
    const seated = pool.filter(({ seats }) => seats.has(id));
    this.#changeGroups(seated, () => ({ reseats: new Set([id]), revokes: true }), nowMs);
  }

  /**
   * Begins a group anew, a front with its crew: fresh node keys, another leaf for every member that can be reached, a new route secret. See
   * {@link waiting} for who could not be.
   *
   * @throws TridcommError `E_USAGE` for an unknown group
   * @spec groups.18, groups.19
   */
  newGeneration(groupId16: Uint8Array, nowMs: number): void {
    const next = ({ generation, epoch }: ControlledGroup) => ({ generation: generation + 1, epoch: epoch + 1 });
    this.#changeGroups(this.#pool(groupId16), (group) => ({ opens: next(group) }), nowMs);
  }

  /**
   * Does what time asks for, in one bundle: the next head; the next block of an epoch that ends soon, with lists for its periods; seats
   * for members whose key record came; with a head the end of the seats of those whose principal record has ended, or no longer allows the
   * suite; the end of grants whose time is over; fresh delegated keys; a shorter revocation list. See {@link failures} for what it could
   * not do.
   *
   * @spec principals.25, principals.26, principals.42, principals.43, groups.24
   */
  tick(nowMs: number): void {
    const { provider } = this.#options;
    const { source, revocations, groups } = this.#state;
    const isDue = nowMs >= this.#state.head.issuedMs + this.#headIntervalMs;
    const expired = source.grants.filter(({ notAfterMs }) => nowMs > notAfterMs);
    const change = this.#withoutGrants(expired);
    const changes = new Map(change.groups);
    const displaced = isDue ? this.#displaced(nowMs) : () => [];
    for (const [id, group] of groups) {
      const owed = this.#dueChange(id, group, displaced, isDue, nowMs);
      if (owed !== undefined) changes.set(id, { ...changes.get(id), ...owed });
    }
    const pruned = revocations.pruned(provider, nowMs);
    const roles = rolesDue(this.#state.chain.at(-1)!, this.#state.keys, nowMs);
    if (!isDue && changes.size === 0 && pruned === revocations && roles.length === 0) return;
    const delegated = roles.length === 0 ? {} : this.#renewed(roles, changes, nowMs);
    const withdraws = expired.length > 0;
    this.#perform({ ...change, groups: changes, revocations: pruned, withdraws, isolates: true, ...delegated }, nowMs);
  }

  /** When {@link tick} has something to do; not before `nowMs`. */
  nextTickMs(nowMs: number): number {
    const { source, revocations, groups, head, chain, keys, failures } = this.#state;
    let next = Math.min(head.issuedMs + this.#headIntervalMs, nextRenewalMs(chain.at(-1)!, keys));
    for (const { notAfterMs } of source.grants) next = Math.min(next, notAfterMs + 1);
    for (const { neededUntilMs } of revocations.entries) next = Math.min(next, neededUntilMs + 1);
    for (const [id, group] of groups) {
      if (failures.has(id)) continue;
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
    this.#perform({ ...this.#renewed(allRoles, new Map(), nowMs), isolates: true }, nowMs);
  }

  /**
   * Ends the delegation of a key that others may have, at once, and puts a fresh one in its place where it is in use.
   *
   * What an issuer signed ends with it: every principal whose record is under its signature has to be issued again, and one that is
   * not loses its seats with the next {@link tick} until it is. Only what it signed goes, what it gave away does not come back: see
   * {@link revoke} for principals that nobody should have issued.
   *
   * @param keyId32 - of a key that the newest authority record delegates
   * @throws TridcommError `E_USAGE` for any other key
   * @spec principals.14
   */
  distrust(keyId32: Uint8Array, nowMs: number): void {
    const { keys, chain } = this.#state;
    if (!chain.at(-1)!.delegations.some(({ key }) => equalBytes(key.keyId32, keyId32))) {
      throw new TridcommError('E_USAGE', 'key that is not delegated');
    }
    const roles = allRoles.filter((role) => equalBytes(keys[role].key.keyId32, keyId32));
    this.#perform({ ...this.#renewed(roles, new Map(), nowMs, keyId32), isolates: true }, nowMs);
  }

  /**
   * Puts a fresh root key in the place of the one before: both sign. Snapshots from before can no longer be restored; who has
   * stolen one has its issuer key still: see {@link snapshot}.
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
   * Who has a right in a group but is not reached by its newest block, and why; of a front, also who is not reached by that of the crew.
   *
   * @throws TridcommError `E_USAGE` for an unknown group
   */
  waiting(groupId16: Uint8Array): readonly WaitingMember[] {
    const waiting = this.#pool(groupId16).flatMap((group) => group.waiting);
    return [...new Map(waiting.map((member) => [hexOf(member.keyId32), member])).values()];
  }

  /**
   * All that {@link restore} needs; the caller's.
   *
   * It holds the keys of root, issuer and controller, the route secrets and pre-shared keys in the clear: whoever stores it encrypts it. The
   * keys of trees are not in it, as a restored group begins anew.
   *
   * Who has stolen one speaks for the root until {@link rollover}, and as issuer until that key is {@link distrust}ed: do both.
   */
  snapshot(): Uint8Array {
    const { keys, chain, source, revocations, groups, policy, head } = this.#state;
    const records = this.#principals.all();
    const keyRecords = records.map(({ record }) => this.#trust.keyRecord(record.key.keyId32)?.object.bytes);
    return writeSnapshot({
      authorityId32: this.authorityId32,
      rootSeed32: keys.root.seed32,
      controllerSeed32: keys.controller.seed32,
      issuerSeed32: keys.issuer.seed32,
      headSeq: head.headSeq,
      headHash32: head.hash32,
      policyVersion: policy.version,
      policyHash32: policy.object.hash32,
      chain: chain.map(({ object }) => object.bytes),
      principals: records.map(({ record, lastRecordEndsMs }) => ({ record: record.object.bytes, lastRecordEndsMs })),
      keyRecords: keyRecords.filter((bytes) => bytes !== undefined),
      ended: this.#principals.ended().map(bytesOfHex),
      revocations: revocations.entries,
      grants: source.grants.map((grant) => ({ ...grant, pattern: grant.pattern.text })),
      groups: [...groups.values()].map((group) => ({ ...group, record: group.record.object.bytes })),
    });
  }

  /**
   * Serial of the next record of a key.
   *
   * @throws TridcommError `E_REVOKED` for a key that was ended
   */
  #nextSerial(keyId32: Uint8Array): number {
    const { revocations } = this.#state;
    const before = this.#principals.find(keyId32)?.record.serial ?? 0;
    const serial = Math.max(before + 1, this.#leastSerial, revocations.minSerialOf(keyId32));
    if (this.#principals.isEnded(keyId32) || revocations.list.isRevoked(keyId32, serial)) {
      throw new TridcommError('E_REVOKED', 'key was ended for good');
    }
    return serial;
  }

  #group(groupId16: Uint8Array): ControlledGroup {
    const group = this.#state.groups.get(hexOf(groupId16));
    if (group === undefined) throw new TridcommError('E_USAGE', 'no group of this id');
    return group;
  }

  /** A group, and with a front its crew. */
  #pool(groupId16: Uint8Array): readonly [ControlledGroup, ...ControlledGroup[]] {
    const group = this.#group(groupId16);
    const { crewId16 } = group.record;
    return crewId16 === undefined ? [group] : [group, this.#group(crewId16)];
  }

  #changeGroups(
    groups: readonly ControlledGroup[],
    changeOf: (group: ControlledGroup) => GroupChange,
    nowMs: number,
  ): void {
    const changes = groups.map((group) => [hexOf(group.record.groupId16), changeOf(group)] as const);
    this.#perform({ groups: new Map(changes) }, nowMs);
  }

  /** In hex, the ids of the groups in which a grant gives a right or a seat. */
  #reachedBy(grant: Grant, source: PolicySource): readonly string[] {
    return source.groupsOf(grant).flatMap((groupId16) => {
      const { record } = this.#group(groupId16);
      return isForCrew(grant) ? poolIdsOf(record) : [hexOf(groupId16)];
    });
  }

  /** The source without these grants and what ends with them, and what follows for the groups that they reached. */
  #withoutGrants(
    named: readonly Grant[],
  ): Pick<AuthorityChange, 'source' | 'groups'> & { groups: Map<string, GroupChange> } {
    const { source } = this.#state;
    if (named.length === 0) return { source, groups: new Map() };
    const grants = source.endingWith(named);
    const reached = [...grants].flatMap((grant) => this.#reachedBy(grant, source));
    const change = { grantsChanged: true, revokes: true };
    return { source: source.without(grants), groups: new Map(reached.map((id) => [id, change])) };
  }

  /**
   * What time asks of one group; undefined where it is nothing. A group that failed waits for the next head.
   *
   * @param displaced - in hex, who must not have a seat in a group of this suite
   */
  #dueChange(
    id: string,
    group: ControlledGroup,
    displaced: (suite: number) => readonly string[],
    isDue: boolean,
    nowMs: number,
  ): GroupChange | undefined {
    const hasFailed = this.#state.failures.has(id);
    if (hasFailed && !isDue) return undefined;
    const { waiting, blocks, seats, record } = group;
    const reach = this.#reach(record.suite, nowMs);
    const hasArrived = waiting.some(({ keyId32 }) => typeof reach(keyId32) !== 'string');
    const rotates = hasArrived || nextBlockMs(group) <= nowMs;
    const leaving = displaced(record.suite).filter((member) => seats.has(member));
    if (!hasFailed && !rotates && leaving.length === 0) return undefined;
    const policyKey = this.#state.keys.policy;
    const isSigned = equalBytes(record.object.signatures[0]!.signerKeyId32, policyKey.key.keyId32);
    return {
      ...(rotates && { rotatesFromMs: hasArrived ? nowMs : Math.max(nowMs, blocks.at(-1)!.notAfterMs) }),
      ...(leaving.length > 0 && { reseats: new Set(leaving), revokes: true }),
      ...(!isSigned && { record: this.#signedAnew(record, policyKey) }),
    };
  }

  /** In hex, for each suite the principals that no group of it may have: those whose record has ended, or does not allow it. */
  #displaced(nowMs: number): (suite: number) => readonly string[] {
    const found = new Map<number, readonly string[]>();
    return (suite) => {
      const reach = this.#reach(suite, nowMs);
      const ids =
        found.get(suite) ??
        this.#principals.all().flatMap(({ record: { key } }) => {
          const reached = reach(key.keyId32);
          return reached === 'record not valid' || reached === 'suite not allowed' ? [hexOf(key.keyId32)] : [];
        });
      found.set(suite, ids);
      return ids;
    };
  }

  #signedAnew(record: GroupRecord, policyKey: HeldKey): GroupRecord {
    const fields = { ...record, serial: record.serial + 1 };
    return signGroupRecord(this.#options.provider, this.authorityId32, policyKey.key, fields);
  }

  /**
   * Fresh keys in these roles, and what follows from them: with another policy key, group records are signed anew.
   *
   * @param distrusted - key id of an issuer that does not stay, whatever it signed
   */
  #renewed(
    roles: readonly DelegatedRoleName[],
    changes: ReadonlyMap<string, GroupChange>,
    nowMs: number,
    distrusted?: Uint8Array,
  ): Pick<AuthorityChange, 'keys' | 'records' | 'groups'> {
    const { provider, random } = this.#options;
    const { chain, groups } = this.#state;
    const keys = redrawKeys(provider, random, this.#state.keys, roles);
    const issuers = this.#liveIssuers(nowMs);
    if (distrusted !== undefined) issuers.delete(hexOf(distrusted));
    const record = recordWithDelegations(provider, chain.at(-1)!, keys, roles, issuers, nowMs);
    const renewed = new Map(changes);
    if (roles.includes('policy')) {
      for (const [id, { record: before }] of groups) {
        renewed.set(id, { ...renewed.get(id), record: this.#signedAnew(before, keys.policy) });
      }
    }
    return { keys, records: [record], groups: renewed };
  }

  /** In hex, the key ids of the issuers whose signature stands under a record that still counts. */
  #liveIssuers(nowMs: number): Set<string> {
    const live = this.#principals.all().filter(({ record }) => nowMs <= record.notAfterMs + this.#skewMs);
    return new Set(live.map(({ record }) => hexOf(record.object.signatures[1]!.signerKeyId32)));
  }

  /**
   * How principals are reached now, in a group of this suite.
   *
   * @spec groups.24
   */
  #reach(
    suite: number,
    nowMs: number,
    { list } = this.#state.revocations,
  ): (keyId32: Uint8Array) => PublicKey | WaitingMember['reason'] {
    return (keyId32) => {
      const record = this.#validRecord(keyId32, nowMs);
      if (record === undefined || list.isRevoked(keyId32, record.serial)) return 'record not valid';
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
    const failures = new GroupFailures(from.failures ?? new Map<string, HeldFailure>(), change.isolates !== true);
    const plans = [...(change.groups ?? [])].flatMap(([id, asked]) => {
      const group = change.foundations?.get(id) ?? from.groups.get(id)!;
      const groupChange = failures.withOwed(id, asked);
      const reach = this.#reach(group.record.suite, nowMs, revocations);
      const plan = failures.attempt(
        id,
        group,
        groupChange,
        () => new GroupPlan(controller, group, groupChange, source, reach, nowMs),
      );
      return plan === undefined ? [] : [{ id, group, groupChange, plan }];
    });
    const isFirst = from.policy === undefined;
    const chain = [...from.chain, ...records];
    const changesPolicy =
      isFirst || change.withdraws === true || records.length > 0 || plans.some(({ plan }) => plan.changesPolicy);
    const policyVersion = changesPolicy ? from.policyVersion + 1 : from.policyVersion;

    if (change.resends === true) for (const group of from.groups.values()) sendGroup(group, nowMs, out);
    const { removes = new Set<string>() } = change;
    const groups = new Map([...from.groups].filter(([id]) => !removes.has(id)));
    for (const { id, group, groupChange, plan } of plans) {
      const own = new Outgoing(provider, authorityId32);
      const changed = failures.attempt(id, group, groupChange, () => {
        const after = plan.carryOut(policyVersion, own);
        out.addAll(own);
        return after;
      });
      if (changed === undefined) {
        plan.discard();
        continue;
      }
      failures.heal(id);
      groups.set(id, changed);
    }
    for (const id of removes) failures.heal(id);
    const policy = changesPolicy
      ? signPolicy(provider, authorityId32, keys.policy.key, {
          version: policyVersion,
          authorityRecordHash32: chain.at(-1)!.object.hash32,
          groups: [...groups.values()].map(entryOfGroup),
        })
      : from.policy!;
    const sendsAll = isFirst || change.resends === true;
    if (sendsAll) this.#sendRecords(out, nowMs);
    if (change.issued !== undefined) {
      const { key, object } = change.issued;
      out.add(addressTypes.principalRecord, key.keyId32, object.bytes);
    }
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
    eraseReplaced(from.keys, keys);
    for (const { id, group } of plans) eraseReplacedSecrets(group, groups.get(id));
    for (const id of removes) eraseSecrets(from.groups.get(id)!);
    this.#state = {
      keys,
      chain,
      source,
      revocations,
      groups,
      policyVersion,
      place: head,
      policy,
      head,
      failures: failures.all,
    };
    for (const bundle of bundles) this.#options.publish(bundle);
  }

  /** Adds the records of principals that still count. */
  #sendRecords(out: Outgoing, nowMs: number): void {
    for (const { record } of this.#principals.all()) {
      const { keyId32 } = record.key;
      if (this.#validRecord(keyId32, nowMs) === undefined) continue;
      out.add(addressTypes.principalRecord, keyId32, record.object.bytes);
      const keyRecord = this.#trust.keyRecord(keyId32);
      if (keyRecord !== undefined && nowMs <= keyRecord.notAfterMs && keyRecord.principalSerial >= record.serial) {
        out.add(addressTypes.keyRecord, keyId32, keyRecord.object.bytes);
      }
    }
  }

  /** The record of a principal that was not ended, where a receiver takes it. */
  #validRecord(keyId32: Uint8Array, nowMs: number): PrincipalRecord | undefined {
    const record = this.#trust.principal(keyId32);
    if (record === undefined || nowMs > record.notAfterMs || this.#principals.isEnded(keyId32)) return undefined;
    return takeIfValid(() => this.#trust.checkPrincipalNow(record, nowMs)) ? record : undefined;
  }
}

/** Takes what is valid; what is not, is as if it were not there. */
function takeIfValid(take: () => unknown): boolean {
  try {
    take();
    return true;
  } catch (error) {
    if (!(error instanceof TridcommError)) throw error;
    return false;
  }
}

const noId = new Uint8Array(0);
