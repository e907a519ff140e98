/** Chapter 07: lists, heads and bundles, which have forms of their own. */
import { answerOf, must, same } from '../core.mjs';
import { fromHex, seedsOf, toHex } from '../seeds.mjs';
import { rootOfPath, treeHead } from './merkle-reference.mjs';

/** @typedef {import('../core.mjs').Core} Core */
/** @typedef {import('../engine.mjs').Target} Target */
/** @typedef {import('../seeds.mjs').VectorTest} VectorTest */

/** Input: u8 bit 0: for the edge, bit 1: of another group ‖ list. @param {Core} core @param {readonly VectorTest[]} tests @returns {Target} */
export function accessListTarget(core, tests) {
  const { nodeProvider: provider } = core;
  return {
    name: 'access-list',
    files: /^keys\/(access-list|tree-head)/,
    seeds: seedsOf(tests, 'list.check', ({ list, use }) => [
      Buffer.concat([Uint8Array.of(use === 2 ? 1 : 0), fromHex(list)]),
    ]),
    maxBytes: 29 + 60 * 20,
    run(input) {
      const use = 1 + ((input[0] ?? 0) & 1);
      const bytes = input.subarray(1);
      const groupId16 = new Uint8Array(16);
      groupId16.set(bytes.subarray(8, 24));
      if (((input[0] ?? 0) & 2) !== 0) groupId16[0] = ~(groupId16[0] ?? 0);
      const { value, code } = answerOf(core, () => core.AccessList.decode(provider, bytes, use, groupId16));
      if (code !== undefined) return;
      const { entries } = value;
      must(same(core.encodeAccessList(use, groupId16, entries), bytes), 'a list is not written as it was read');
      const leaves = entries.map((_, i) =>
        Buffer.concat([Uint8Array.of(use), groupId16, bytes.subarray(28 + 60 * i, 88 + 60 * i)]),
      );
      must(same(treeHead(provider, leaves), value.root32), 'another root');
      checkRights(value);
    },
  };
}

/** What each entry allows is allowed by the list, and nothing that none allows. @param {import('@tridcomm/core/internal').AccessList} list */
function checkRights(list) {
  const { entries } = list;
  const [first] = entries;
  if (first === undefined) return;
  for (const { keyId32, notAfterMs, matchKind, level, match16 } of entries.slice(0, 4)) {
    for (const action of [1, 2]) {
      for (const [key, atMs] of /** @type {const} */ ([
        [keyId32, notAfterMs],
        [keyId32, notAfterMs + 1],
        [first.keyId32, notAfterMs],
      ])) {
        const own = entries.filter(
          (entry) => same(entry.keyId32, key) && (entry.actions & action) !== 0 && entry.notAfterMs >= atMs,
        );
        const fits = own.some(
          (entry) => entry.matchKind === matchKind && entry.level === level && same(entry.match16, match16),
        );
        const match = { matchKind, level, match16 };
        must(
          list.allowsSubscription(key, action, atMs, match) === (fits && matchKind !== 0),
          'another answer to a subscription',
        );
        const tokens = new Uint8Array(16 * (level + 1));
        tokens.set(match16, 16 * level);
        const [tag, chain] = matchKind === 2 ? [noTag, tokens] : [match16, undefined];
        const allowed = own.some(
          (entry) =>
            entry.matchKind === 0 ||
            (entry.matchKind === 1 && same(entry.match16, tag)) ||
            (entry.matchKind === 2 &&
              chain !== undefined &&
              same(entry.match16, chain.subarray(16 * entry.level, 16 * entry.level + 16))),
        );
        must(list.allowsEnvelope(key, action, atMs, tag, chain) === allowed, 'another answer to an envelope');
      }
    }
  }
}

const noTag = new Uint8Array(16).fill(0xee);

/** Input: a revocation list. @param {Core} core @param {readonly VectorTest[]} tests @returns {Target} */
export function revocationListTarget(core, tests) {
  const { nodeProvider: provider } = core;
  return {
    name: 'revocation-list',
    files: /^keys\/revocation-list/,
    seeds: seedsOf(tests, 'revoked.check', ({ list }) => [fromHex(list)]),
    maxBytes: 12 + 40 * 40,
    run(input) {
      const { value, code } = answerOf(core, () => core.RevocationList.decode(provider, input));
      if (code !== undefined) return;
      const { entries } = value;
      must(same(core.encodeRevocationList(entries), input), 'a list is not written as it was read');
      must(same(provider.sha256(input), value.hash32), 'another hash');
      for (const { keyId32, minSerial } of entries) {
        must(!value.isRevoked(keyId32, minSerial), 'the lowest serial that counts is revoked');
        must(minSerial === 0 || value.isRevoked(keyId32, minSerial - 1), 'a lower serial is not revoked');
        const other = new Uint8Array(keyId32);
        other[31] = ~(other[31] ?? 0);
        const listed = entries.some((entry) => same(entry.keyId32, other) && entry.minSerial > 0);
        must(value.isRevoked(other, 0) === listed, 'another key is revoked');
      }
    },
  };
}

/** Input: u8 form: 0 head, 1 group head, 2 head answer ‖ its bytes. @param {Core} core @param {readonly VectorTest[]} tests @returns {Target} */
export function headTarget(core, tests) {
  const { nodeProvider: provider } = core;
  const forms = /** @type {const} */ (['head', 'groupHead', 'answer']);
  return {
    name: 'head',
    files: /^keys\/(head|tree-head)/,
    seeds: seedsOf(tests, 'trust.run', ({ steps }) =>
      (Array.isArray(steps) ? steps : []).flatMap((step) =>
        forms.flatMap((form, i) => (form in step ? [Buffer.concat([Uint8Array.of(i), fromHex(step[form])])] : [])),
      ),
    ),
    maxBytes: 1 + 330 + 32 * 66,
    run(input) {
      const form = forms[(input[0] ?? 0) % 3];
      const bytes = input.subarray(1);
      if (form === 'head') {
        const { value } = answerOf(core, () => core.decodeHead(provider, bytes));
        if (value !== undefined) checkHead(core, value, bytes);
      } else if (form === 'answer') {
        const { value } = answerOf(core, () => core.decodeHeadAnswer(provider, bytes));
        if (value === undefined) return;
        checkHead(core, value.head, bytes.subarray(0, 264));
        must(same(Buffer.concat([value.head.bytes, value.nonce32, value.signature64]), bytes), 'parts are no whole');
      } else {
        const { value } = answerOf(core, () => core.decodeGroupHead(provider, bytes));
        if (value === undefined) return;
        checkHead(core, value.head, bytes.subarray(0, 264));
        checkGroupHead(core, value, bytes);
      }
    },
  };
}

/** Fields that are written again are the bytes received. @param {Core} core @param {import('../../../../core/src/keys/head.ts').Head} head @param {Uint8Array} bytes */
function checkHead(core, head, bytes) {
  const numbers = Buffer.alloc(32);
  for (const [i, value] of [head.headSeq, head.issuedMs, head.freshUntilMs, head.policyVersion].entries()) {
    must(Number.isSafeInteger(value), `number ${value} of a head`);
    numbers.writeBigUInt64BE(BigInt(value), 8 * i);
  }
  const hashes = [head.policyHash32, head.groupsRoot32, head.revokedHash32, head.prevHeadHash32];
  const front = Buffer.from('TDHD\u0001\0\0\u0001', 'latin1');
  const rewritten = Buffer.concat([front, head.statusKeyId32, numbers, ...hashes, core.headSignature(head)]);
  must(same(rewritten, bytes), 'a head is not written as it was read');
  must(head.headSeq > 0, 'head_seq 0');
  const life = head.freshUntilMs - head.issuedMs;
  must(life >= 0 && life <= 86_400_000, `a head fresh for ${life} ms`);
  must(same(core.headHashOf(core.nodeProvider, bytes), head.hash32), 'another hash');
}

/** @param {Core} core @param {import('../../../../core/src/keys/head.ts').GroupHead} groupHead @param {Uint8Array} bytes */
function checkGroupHead(core, groupHead, bytes) {
  const { nodeProvider: provider } = core;
  const { head, leaf, leafBytes, index, count, path } = groupHead;
  must(same(core.encodeGroupLeaf(leaf), leafBytes), 'a leaf is not written as it was read');
  const place = Buffer.alloc(9);
  place.writeUInt32BE(index, 0);
  place.writeUInt32BE(count, 4);
  place.writeUInt8(path.length / 32, 8);
  must(same(Buffer.concat([head.bytes, leafBytes, place, path]), bytes), 'the parts are not the whole');
  const leafHash = provider.sha256(Uint8Array.of(0), leafBytes);
  const root = rootOfPath(provider, leafHash, index, count, path);
  must(core.isProven(provider, groupHead) === same(root, head.groupsRoot32), 'another verdict on a path');
  if (root === undefined) return;
  // The same with the root that is right, which no chance finds.
  const proven = { ...groupHead, head: { ...head, groupsRoot32: root } };
  must(core.isProven(provider, proven), `a right path of leaf ${index} of ${count} is refused: ${toHex(path)}`);
}

/** Input: a bundle. @param {Core} core @param {readonly VectorTest[]} tests @returns {Target} */
export function bundleTarget(core, tests) {
  return {
    name: 'bundle',
    files: /^keys\/bundle/,
    seeds: seedsOf(tests, 'bundle.parse', ({ bundle }) => [fromHex(bundle)]),
    run(input) {
      const { value, code } = answerOf(core, () => core.decodeBundle(input));
      if (code !== undefined) return;
      must(same(core.encodeBundle(value), input), 'a bundle is not written as it was read');
    },
  };
}
