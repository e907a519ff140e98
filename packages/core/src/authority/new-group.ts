import { checkWidth, copyOf } from '../bytes/bytes.ts';
import { hexOf } from '../client/hex.ts';
import { keyBlockKinds } from '../codepoints/key-block-kinds.gen.ts';
import { limits } from '../codepoints/limits.gen.ts';
import { purposes } from '../codepoints/purposes.gen.ts';
import { suites as suiteNumbers } from '../codepoints/suites.gen.ts';
import type { CryptoProvider, RandomSource } from '../crypto/provider.ts';
import { TridcommError } from '../errors.ts';
import type { Rule } from '../keys/compile-policy.ts';
import type { GroupRecordFields } from '../keys/group-record.ts';
import { parsePattern } from '../topics/grammar.ts';
import type { GroupChange, GroupFoundation } from './controlled-group.ts';
import type { AuthorityKeys } from './delegated-keys.ts';
import type { GroupFields } from './options.ts';
import { checkPurpose, crewFieldsOf } from './pools.ts';
import { signGroupRecord } from './state.ts';

/** A group that is to begin, with its crew where it is a front. */
export interface NewGroup {
  readonly groupId16: Uint8Array;
  readonly rules: readonly Rule[];
  /** By group id in hex, as `groups`. */
  readonly foundations: ReadonlyMap<string, GroupFoundation>;
  readonly groups: ReadonlyMap<string, GroupChange>;
}

/** Who makes a group. */
interface Founder {
  readonly provider: CryptoProvider;
  readonly random: RandomSource;
  readonly authorityId32: Uint8Array;
  readonly keys: AuthorityKeys;
}

/**
 * Works out what a group is before its first block.
 *
 * @param serial - of its record
 * @throws TridcommError as `Authority.addGroup`, but for what the rules of other groups do not allow
 */
export function foundGroup(
  { provider, random, authorityId32, keys }: Founder,
  fields: GroupFields,
  serial: number,
): NewGroup {
  const patterns = fields.patterns.map((text) => parsePattern(text));
  const purpose = purposes[fields.purpose ?? 'pubSub'];
  const blockKind = fields.blockKind ?? keyBlockKinds.completeSubtree;
  const { psk32, height: leastHeight = 0 } = fields;
  checkPurpose(purpose, patterns, blockKind);
  if ((psk32 !== undefined) !== (blockKind === keyBlockKinds.psk)) {
    throw new TridcommError('E_USAGE', 'a group of kind psk has a psk32, and no other');
  }
  if (psk32 !== undefined) checkWidth('psk32', psk32, 32);
  if (!Number.isInteger(leastHeight) || leastHeight < 0 || leastHeight > limits.treeHeight) {
    throw new TridcommError('E_USAGE', `tree height ${leastHeight}`);
  }
  const groupId16 = random(16);
  const crewId16 = purpose === purposes.front ? random(16) : undefined;
  const recordFields: GroupRecordFields = {
    groupId16,
    serial,
    purpose,
    suite: fields.suite ?? suiteNumbers.x25519ChaCha20Poly1305Ed25519,
    blockKind,
    controller: keys.controller.publicKey,
    maxHeadAgeMs: fields.maxHeadAgeMs ?? limits.headFreshMs,
    epochLifeMs: fields.epochLifeMs ?? limits.epochLifeMs,
    drainMs: fields.drainMs ?? limits.drainMs,
    periodMs: fields.periodMs ?? limits.tagPeriodMs,
    topicChains: patterns.some(({ literals, segments }) => literals < segments.length),
    staleOk: fields.staleOk ?? false,
    crewId16,
  };
  const found = (own: GroupRecordFields, frontId16?: Uint8Array): readonly [string, GroupFoundation] => {
    const foundation = {
      record: signGroupRecord(provider, authorityId32, keys.policy.key, own),
      frontId16,
      patterns: patterns.map(({ text }) => text),
      psk32: psk32 && copyOf(psk32),
      leastHeight,
      generation: 0,
      epoch: 0,
      blockHash32: new Uint8Array(32),
      routeSecrets: [],
    };
    return [hexOf(own.groupId16), foundation];
  };
  const crew = crewId16 === undefined ? [] : [found(crewFieldsOf(recordFields, crewId16), groupId16)];
  const foundations = new Map([found(recordFields), ...crew]);
  const opens = { generation: 1, epoch: 1 };
  return {
    groupId16,
    rules: patterns.map((pattern): Rule => ({ pattern, groupId16, isFront: crewId16 !== undefined })),
    foundations,
    groups: new Map(Array.from(foundations, ([id, { record }]) => [id, { record, opens }])),
  };
}
