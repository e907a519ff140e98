import { equalBytes } from '../bytes/bytes.ts';
import { bytesOfHex, hexOf } from '../client/hex.ts';
import { limits } from '../codepoints/limits.gen.ts';
import { objectKinds } from '../codepoints/object-kinds.gen.ts';
import { purposes } from '../codepoints/purposes.gen.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { TridcommError } from '../errors.ts';
import type { AccessList } from '../keys/access-list.ts';
import type { AuthorityRecord } from '../keys/authority-record.ts';
import type { Grant } from '../keys/compile-policy.ts';
import { decodeGroupRecord, type GroupRecord } from '../keys/group-record.ts';
import { entryOf } from '../keys/policy.ts';
import { decodePrincipalRecord, type PrincipalRecord } from '../keys/principal-record.ts';
import { parseObject } from '../keys/signed-object.ts';
import { Trust } from '../keys/trust.ts';
import { parsePattern } from '../topics/grammar.ts';
import type { ControlledGroup, GroupChange, GroupFoundation } from './controlled-group.ts';
import {
  allRoles,
  drawKeys,
  heldKeyOf,
  isIssuer,
  recordWithDelegations,
  type AuthorityKeys,
} from './delegated-keys.ts';
import { examine, readAuthorityRecord, type Evidence } from './evidence.ts';
import type { AuthorityOptions, RestoreSources } from './options.ts';
import { PolicySource } from './policy-source.ts';
import { rightName, rightsOf } from './recalled-rights.ts';
import { Revocations, type Revocation } from './revocations.ts';
import { readSnapshot, type AuthorityMemory, type GroupMemory } from './snapshot.ts';
import { signGroupRecord, type AuthorityBeginning, type AuthorityChange } from './state.ts';

/** A group of a snapshot that is still there. */
interface RecalledGroup {
  readonly group: GroupMemory;
  readonly record: GroupRecord;
}

/** What an authority begins its next life with. */
export interface NextLife {
  readonly authorityId32: Uint8Array;
  /** Of the first head: above every number that an earlier life gave to anything. */
  readonly headSeq: number;
  readonly principals: readonly { readonly record: PrincipalRecord; readonly lastRecordEndsMs: number }[];
  readonly keyRecords: readonly Uint8Array[];
  /** Key ids that were ended for good. */
  readonly ended: readonly Uint8Array[];
  readonly beginning: AuthorityBeginning;
  /** To be performed on the beginning. */
  readonly change: AuthorityChange;
}

/**
 * Works out where an authority begins again: see `Authority.restore`, which says what it throws.
 *
 * @spec groups.22, groups.23, groups.29, principals.25
 */
export function beginAgain(
  options: AuthorityOptions,
  snapshot: Uint8Array,
  sources: RestoreSources,
  nowMs: number,
): NextLife {
  const { provider, random, skewMs = limits.skewMs } = options;
  const memory = readSnapshot(snapshot);
  const { authorityId32 } = memory;
  const chain = readChain(options, memory, sources, nowMs);
  const root = heldKeyOf(provider, memory.rootSeed32);
  const newest = chain.at(-1)!;
  if (!newest.rootKeys.some(({ keyId32 }) => equalBytes(keyId32, root.key.keyId32))) {
    throw new TridcommError('E_KEY', 'root key of the snapshot counts no more');
  }
  const controller = heldKeyOf(provider, memory.controllerSeed32);
  // A fresh issuer in each life would fill the record with those before it, which stay for what they signed. A stolen backup gives no more by
  // its issuer key than by its root key, which makes issuers; where the root was rolled over, the issuer has to be distrusted too.
  const issuer = heldKeyOf(provider, memory.issuerSeed32);
  const goesOn = isIssuer(newest, issuer, nowMs);
  const drawn = drawKeys(provider, random);
  const keys = { ...drawn, root, controller, issuer: goesOn ? issuer : drawn.issuer };
  const roles = goesOn ? allRoles.filter((role) => role !== 'issuer') : allRoles;
  const evidence = examine(provider, authorityId32, chain, controller.publicKey, sources);
  checkChain(chain, evidence);
  const isAhead = evidence.head.headSeq > memory.headSeq;
  const { headSeq: seenSeq, hash32 } = isAhead ? evidence.head : { headSeq: memory.headSeq, hash32: memory.headHash32 };
  const headSeq = seenSeq + limits.restoredHeads;
  if (isAhead) checkNewest(provider, memory, evidence);

  // What was issued after the backup is known to nobody who could be asked, and may end as late as this.
  const neededUntilMs = nowMs + limits.principalRecordMs + 2 * skewMs;
  const principals = memory.principals.map(({ record, lastRecordEndsMs }) => ({
    record: decodePrincipalRecord(provider, parseObject(provider, record, objectKinds.principalRecord)),
    lastRecordEndsMs: Math.max(lastRecordEndsMs, neededUntilMs),
  }));
  const live = principals.filter(({ record }) => nowMs <= record.notAfterMs + skewMs);
  const issuers = new Set(live.map(({ record }) => hexOf(record.object.signatures[1]!.signerKeyId32)));
  const record = recordWithDelegations(provider, newest, keys, roles, issuers, nowMs);
  const ended = endedKeys(memory, evidence);
  const recalled = recallRecords(provider, memory, evidence);
  const beginning = {
    keys,
    chain: [...chain, record],
    source: recallSource(memory, evidence, recalled, ended),
    revocations: recallRevocations(provider, memory, evidence, neededUntilMs),
    groups: new Map<string, ControlledGroup>(),
    // Every change of the policy took a head, so its version was never above the number of a head.
    policyVersion: headSeq - 1,
    place: { headSeq: headSeq - 1, hash32 },
  };
  const change = recallGroups(provider, authorityId32, recalled, evidence, keys, headSeq);
  return {
    authorityId32,
    headSeq,
    principals,
    keyRecords: memory.keyRecords,
    ended: [...ended].map(bytesOfHex),
    beginning,
    change,
  };
}

/** The authority records of the snapshot and those that came after it, verified. */
function readChain(
  { provider, skewMs = limits.skewMs }: AuthorityOptions,
  { authorityId32, chain }: AuthorityMemory,
  { authorityRecords = [] }: RestoreSources,
  nowMs: number,
): readonly AuthorityRecord[] {
  const trust = new Trust({ provider, authorityId32, skewMs });
  const read: AuthorityRecord[] = [];
  for (const bytes of [...chain, ...authorityRecords]) {
    const record = readAuthorityRecord(provider, bytes);
    if (read.some(({ object }) => equalBytes(object.hash32, record.object.hash32))) continue;
    trust.takeAuthorityRecord(bytes, nowMs);
    read.push(record);
  }
  return read;
}

/**
 * Refuses a chain that does not go as far as a policy knows it to: what it lacks may have ended a key, and another record of the same serial
 * would be a fork.
 */
function checkChain(chain: readonly AuthorityRecord[], { policy }: Evidence): void {
  if (policy === undefined) return;
  if (!chain.some(({ object }) => equalBytes(object.hash32, policy.authorityRecordHash32))) {
    throw new TridcommError('E_STALE', 'restore without the authority record that the newest policy names');
  }
}

/**
 * Refuses to begin from a backup that newer heads have left behind without what the newest of them says of rights.
 *
 * @spec groups.29
 */
function checkNewest(provider: CryptoProvider, memory: AuthorityMemory, { head, given }: Evidence): void {
  const ownList = new Revocations(provider, memory.revocations).list;
  const own = [memory.policyHash32, ownList.hash32].map(hexOf);
  for (const hash32 of [head.policyHash32, head.revokedHash32]) {
    const name = hexOf(hash32);
    if (!given.has(name) && !own.includes(name)) {
      throw new TridcommError('E_STALE', 'restore without the policy or revocation list of the highest head');
    }
  }
}

/** In hex, the keys that the snapshot or a revocation list given ended. */
function endedKeys(memory: AuthorityMemory, evidence: Evidence): ReadonlySet<string> {
  // A lower number ends records alone, and the key goes on under a later one.
  const revoked = evidence.revoked.filter(({ minSerial }) => minSerial === limits.safeInteger);
  return new Set([...memory.ended, ...revoked.map(({ keyId32 }) => keyId32)].map(hexOf));
}

/** The groups of the snapshot, without those that a newer policy shows to be gone. */
function recallRecords(
  provider: CryptoProvider,
  memory: AuthorityMemory,
  evidence: Evidence,
): readonly RecalledGroup[] {
  const groups = memory.groups.map((group) => {
    return { group, record: decodeGroupRecord(provider, parseObject(provider, group.record, objectKinds.groupRecord)) };
  });
  const { policy } = evidence;
  if (policy === undefined || !isNewer(memory, evidence)) return groups;
  // A pool is there as a whole or not at all, as it was added.
  return groups.filter(({ record }) => entryOf(policy, record.groupId16) !== undefined);
}

/** Rules and grants of the snapshot, without what a newer policy or list shows to be gone. */
function recallSource(
  memory: AuthorityMemory,
  evidence: Evidence,
  groups: readonly RecalledGroup[],
  ended: ReadonlySet<string>,
): PolicySource {
  const ruled = groups.filter(({ record }) => record.purpose !== purposes.crew);
  const rules = ruled.flatMap(({ group, record: { groupId16, purpose } }) => {
    const isFront = purpose === purposes.front;
    return group.patterns.map((text) => ({ pattern: parsePattern(text), groupId16, isFront }));
  });
  const all = memory.grants.map((grant): Grant => ({ ...grant, pattern: parsePattern(grant.pattern) }));
  const withRules = new PolicySource(rules, []);
  const grants = all.filter((grant) => withRules.groupsOf(grant).length > 0);
  const source = new PolicySource(rules, grants);
  const lists = isNewer(memory, evidence) ? evidence.edgeLists : new Map<string, AccessList>();
  const rights = new Map(
    ruled.flatMap(({ record: { groupId16, purpose } }) => {
      const list = lists.get(hexOf(groupId16));
      return list === undefined ? [] : [[hexOf(groupId16), rightsOf(list, purpose)] as const];
    }),
  );
  const gone = grants.filter((grant) => {
    const { keyId32, action } = grant;
    if (ended.has(hexOf(keyId32))) return true;
    const shown = source.groupsOf(grant).map((groupId16) => rights.get(hexOf(groupId16)));
    return shown.some((own) => own?.has(rightName(keyId32, action)) === false);
  });
  return source.without(new Set(gone));
}

/** Whether the policy given may say more than the snapshot: one from before says nothing about what came in between. */
function isNewer({ policyVersion }: AuthorityMemory, { policy }: Evidence): boolean {
  return policy !== undefined && policy.version >= policyVersion;
}

/** The revocations of the snapshot and of all lists given; of what only these show, it is not known how long it is needed. */
function recallRevocations(
  provider: CryptoProvider,
  memory: AuthorityMemory,
  { revoked }: Evidence,
  neededUntilMs: number,
): Revocations {
  const united = new Map<string, Revocation>();
  const learnt = revoked.map((entry) => ({ ...entry, neededUntilMs }));
  for (const entry of [...memory.revocations, ...learnt]) {
    const held = united.get(hexOf(entry.keyId32)) ?? entry;
    united.set(hexOf(entry.keyId32), {
      keyId32: entry.keyId32,
      minSerial: Math.max(held.minSerial, entry.minSerial),
      neededUntilMs: Math.max(held.neededUntilMs, entry.neededUntilMs),
    });
  }
  return new Revocations(provider, united.values());
}

/** A new generation for every group that is still there, under a record of a serial that was never given. */
function recallGroups(
  provider: CryptoProvider,
  authorityId32: Uint8Array,
  recalled: readonly RecalledGroup[],
  { places }: Evidence,
  keys: AuthorityKeys,
  serial: number,
): AuthorityChange {
  const foundations = new Map<string, GroupFoundation>();
  const groups = new Map<string, GroupChange>();
  const fronts = new Map(
    recalled.flatMap(({ record: { groupId16, crewId16 } }) => {
      return crewId16 === undefined ? [] : [[hexOf(crewId16), groupId16] as const];
    }),
  );
  for (const { group, record: before } of recalled) {
    const record = signGroupRecord(provider, authorityId32, keys.policy.key, { ...before, serial });
    const id = hexOf(before.groupId16);
    const seen = places.get(id) ?? group;
    const { epoch, blockHash32 } = seen.epoch > group.epoch ? seen : group;
    const generation = Math.max(seen.generation, group.generation);
    foundations.set(id, { ...group, record, frontId16: fronts.get(id), generation, epoch, blockHash32 });
    const opens = { generation: generation + limits.restoredEpochs, epoch: epoch + limits.restoredEpochs };
    groups.set(id, { record, revokes: true, opens });
  }
  return { foundations, groups };
}
