import { equalBytes } from '../bytes/bytes.ts';
import { hexOf } from '../client/hex.ts';
import { delegatedRoles } from '../codepoints/delegated-roles.gen.ts';
import { listUses } from '../codepoints/list-uses.gen.ts';
import { objectKinds } from '../codepoints/object-kinds.gen.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { TridcommError } from '../errors.ts';
import { AccessList } from '../keys/access-list.ts';
import { decodeAuthorityRecord, type AuthorityRecord } from '../keys/authority-record.ts';
import {
  decodeGroupHead,
  decodeHead,
  headSignature,
  headSignInput,
  isProven,
  type GroupLeaf,
  type Head,
} from '../keys/head.ts';
import { parseBlock } from '../keys/key-block-format.ts';
import { decodePolicy, type Policy } from '../keys/policy.ts';
import type { PublicKey } from '../keys/public-key.ts';
import { RevocationList, type RevocationEntry } from '../keys/revocation-list.ts';
import { parseObject } from '../keys/signed-object.ts';
import type { RestoreSources } from './options.ts';

/** The highest numbers of a group that anything shows, and the block with the highest epoch. */
interface GroupPlace {
  readonly generation: number;
  readonly epoch: number;
  readonly blockHash32: Uint8Array;
}

/** What other nodes show of an authority that has to begin again from a snapshot; all of it verified. */
export interface Evidence {
  /** With the highest `head_seq`. */
  readonly head: Head;
  /** By group id. */
  readonly places: ReadonlyMap<string, GroupPlace>;
  readonly revoked: readonly RevocationEntry[];
  /** In hex, the hashes of the revocation lists and policies that were given. */
  readonly given: ReadonlySet<string>;
  /** The newest policy; undefined where none was given. */
  readonly policy: Policy | undefined;
  /** Edge lists that it names, by group id. */
  readonly edgeLists: ReadonlyMap<string, AccessList>;
}

/**
 * Verifies what a restore begins from. Heads are as old as the authority was away, so none has to be fresh; each has to be signed
 * by a key that some record of the chain delegated at the time of its issue.
 *
 * @param chain - authority records, verified
 * @param controller - of all groups
 * @throws TridcommError `E_USAGE` for fewer than two heads; `E_POLICY`, `E_SIG`, `E_PROOF`, and all codes of the forms
 * @spec groups.22, groups.23
 */
export function examine(
  provider: CryptoProvider,
  authorityId32: Uint8Array,
  chain: readonly AuthorityRecord[],
  controller: PublicKey,
  sources: RestoreSources,
): Evidence {
  const { heads, blocks, revocationLists = [], policies = [], edgeLists = [] } = sources;
  if (heads.length < 2) throw new TridcommError('E_USAGE', `heads of ${heads.length} sources, at least 2`);
  const seen = heads.map((bytes) => readHead(provider, authorityId32, chain, bytes));
  const head = seen.map((one) => one.head).reduce((a, b) => (b.headSeq > a.headSeq ? b : a));
  const places = new Map<string, GroupPlace>();
  for (const { leaf } of seen) if (leaf !== undefined) raise(places, leaf);
  for (const bytes of blocks) {
    const block = parseBlock(provider, bytes);
    const isController = equalBytes(block.header.controllerKeyId32, controller.keyId32);
    if (!isController) throw new TridcommError('E_POLICY', 'key block of another controller');
    if (!provider.ed25519Verify(controller.publicKey32, block.signInput, block.signature64)) {
      throw new TridcommError('E_SIG', 'signature of a key block');
    }
    const { groupId16, generation, epoch } = block.header;
    raise(places, { groupId16, generation, epoch, blockHash32: block.blockHash32 });
  }
  const given = new Set<string>();
  const revoked = revocationLists.flatMap((bytes) => {
    const list = RevocationList.decode(provider, bytes);
    given.add(hexOf(list.hash32));
    checkNamed(
      seen.some((one) => equalBytes(one.head.revokedHash32, list.hash32)),
      'revocation list',
    );
    return list.entries;
  });
  const policy = policies
    .map((bytes) => {
      const object = parseObject(provider, bytes, objectKinds.policy);
      given.add(hexOf(object.hash32));
      checkNamed(
        seen.some((one) => equalBytes(one.head.policyHash32, object.hash32)),
        'policy',
      );
      return decodePolicy(object);
    })
    .reduce<Policy | undefined>((a, b) => (a === undefined || b.version > a.version ? b : a), undefined);
  const named = new Map(edgeLists.map((bytes) => readEdgeList(provider, bytes, policy)));
  return { head, places, revoked, given, policy, edgeLists: named };
}

/** The record of an authority's chain that an object is. */
export function readAuthorityRecord(provider: CryptoProvider, bytes: Uint8Array): AuthorityRecord {
  return decodeAuthorityRecord(provider, parseObject(provider, bytes, objectKinds.authorityRecord));
}

function readHead(
  provider: CryptoProvider,
  authorityId32: Uint8Array,
  chain: readonly AuthorityRecord[],
  bytes: Uint8Array,
): { readonly head: Head; readonly leaf: GroupLeaf | undefined } {
  if (bytes.length === headBytes) {
    const head = decodeHead(provider, bytes);
    checkHead(provider, authorityId32, chain, head);
    return { head, leaf: undefined };
  }
  const groupHead = decodeGroupHead(provider, bytes);
  checkHead(provider, authorityId32, chain, groupHead.head);
  if (!isProven(provider, groupHead)) throw new TridcommError('E_PROOF', 'path from the leaf to the head');
  return groupHead;
}

function checkHead(
  provider: CryptoProvider,
  authorityId32: Uint8Array,
  chain: readonly AuthorityRecord[],
  head: Head,
): void {
  const delegation = chain
    .flatMap(({ delegations }) => delegations)
    .find(({ key, roles }) => (roles & delegatedRoles.status) !== 0 && equalBytes(key.keyId32, head.statusKeyId32));
  if (delegation === undefined)
    throw new TridcommError('E_POLICY', 'status key is in no authority record that was given');
  const { key, notBeforeMs, notAfterMs } = delegation;
  if (head.issuedMs < notBeforeMs || head.issuedMs > notAfterMs) {
    throw new TridcommError('E_EXPIRED', `head of ${head.issuedMs}, delegated from ${notBeforeMs} to ${notAfterMs}`);
  }
  const signed = headSignInput(provider, authorityId32, key.keyId32, head.bytes);
  if (!provider.ed25519Verify(key.publicKey32, signed, headSignature(head))) {
    throw new TridcommError('E_SIG', 'signature of a head');
  }
}

function raise(places: Map<string, GroupPlace>, { groupId16, ...seen }: GroupLeaf): void {
  const id = hexOf(groupId16);
  const held = places.get(id) ?? seen;
  const { epoch, blockHash32 } = seen.epoch > held.epoch ? seen : held;
  places.set(id, { generation: Math.max(held.generation, seen.generation), epoch, blockHash32 });
}

/** An edge list that the newest policy names. */
function readEdgeList(
  provider: CryptoProvider,
  bytes: Uint8Array,
  policy: Policy | undefined,
): readonly [string, AccessList] {
  if (bytes.length < 24) throw new TridcommError('E_LENGTH', `access list of ${bytes.length} bytes`);
  const groupId16 = bytes.subarray(8, 24);
  const list = AccessList.decode(provider, bytes, listUses.edge, groupId16);
  const entry = policy?.groups.find((one) => equalBytes(one.groupId16, groupId16));
  if (entry === undefined) throw new TridcommError('E_POLICY', 'edge list of a group that no policy given names');
  list.checkRoot(entry.edgeRoot32);
  return [hexOf(groupId16), list];
}

function checkNamed(isNamed: boolean, what: string): void {
  if (!isNamed) throw new TridcommError('E_POLICY', `${what} that no head given names`);
}

const headBytes = 264;
