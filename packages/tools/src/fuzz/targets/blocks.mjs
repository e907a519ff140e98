/** Chapter 08: key blocks, enrolments, and what a durable member stores. */
import { answerOf, must, same } from '../core.mjs';
import { fromHex, seedsOf } from '../seeds.mjs';
import { rootOfPath, treeHead } from './merkle-reference.mjs';

/** @typedef {import('../core.mjs').Core} Core */
/** @typedef {import('../engine.mjs').Target} Target */
/** @typedef {import('../seeds.mjs').VectorTest} VectorTest */
/** @typedef {import('@tridcomm/core/internal').ParsedBlock} ParsedBlock */

/** Input: a key block, whole or partial. @param {Core} core @param {readonly VectorTest[]} tests @returns {Target} */
export function blockTarget(core, tests) {
  const { nodeProvider: provider } = core;
  return {
    name: 'block',
    files: /^keys\/(key-block-format|complete-subtree)/,
    seeds: [...seedsOf(tests, 'block.parse', ({ block }) => [fromHex(block)]), ...stepsOf(tests, 'block')],
    run(input) {
      const { value, code } = answerOf(core, () => core.parseBlock(provider, input));
      if (code !== undefined) return;
      checkParts(core, value, input);
      checkOrder(value);
      if (value.isPartial) checkPartial(core, value, input);
      else checkWhole(core, value, input);
    },
  };
}

/** What a block says is written again as it was received. @param {Core} core @param {ParsedBlock} block @param {Uint8Array} input */
function checkParts(core, block, input) {
  const { header, headerBytes, epochCommit32, count, isPartial, privateSealed, signature64 } = block;
  must(same(core.encodeBlockHeader(header), headerBytes), 'a header is not written as it was read');
  const entries = block.entries();
  const numbers = Buffer.alloc(8);
  numbers.writeUInt32BE(count, 0);
  numbers.writeUInt32BE(privateSealed.length, 4);
  const [counted, privateLength] = [numbers.subarray(0, 4), numbers.subarray(4)];
  const tail = Buffer.concat([privateLength, privateSealed, signature64]);
  const front = Buffer.concat([isPartial ? input.subarray(0, 4) : empty, headerBytes, epochCommit32, counted]);
  const middle = isPartial ? input.subarray(front.length, input.length - tail.length) : Buffer.concat(entries);
  must(same(Buffer.concat([front, middle, tail]), input), 'the parts are not the whole');
  must(entries.length === (isPartial ? 1 : count), `${entries.length} entries of ${count}`);
}

/** Entries ascend, and each is found where it stands. @param {ParsedBlock} block */
function checkOrder(block) {
  const { kind, height } = block.header;
  const entries = block.entries();
  if (kind === 1) {
    for (const [i, entry] of entries.entries()) {
      const before = entries[i - 1];
      must(before === undefined || Buffer.compare(before.subarray(0, 16), entry.subarray(0, 16)) < 0, 'out of order');
      if (!block.isPartial) must(block.indexOfName(entry.subarray(0, 16)) === i, 'a name is not found');
    }
  }
  if (kind !== 2) return;
  let behind = 0;
  for (const [i, entry] of entries.entries()) {
    const node = Buffer.from(entry).readBigUInt64BE(0);
    must(node > 0n && node < 2n ** BigInt(height + 1), `node ${node} in a tree of height ${height}`);
    const depth = node.toString(2).length - 1;
    const width = 2 ** (height - depth);
    const leaf = (Number(node) - 2 ** depth) * width;
    must(leaf >= behind, 'nodes that are not disjoint');
    if (!block.isPartial) {
      must(leaf === behind || block.indexOfLeaf(behind) === undefined, 'an excluded leaf is covered');
      must(block.indexOfLeaf(leaf) === i && block.indexOfLeaf(leaf + width - 1) === i, 'a leaf is not found');
    }
    behind = leaf + width;
  }
}

/** A part of a whole block says the same as the whole. @param {Core} core @param {ParsedBlock} block @param {Uint8Array} input */
function checkWhole(core, block, input) {
  const { nodeProvider: provider } = core;
  const entries = block.entries();
  must(same(treeHead(provider, entries), block.entriesRoot32), 'another root');
  const index = entries.length - 1;
  if (index < 0) return;
  const part = core.parseBlock(provider, core.partialBlock(provider, input, index));
  must(same(part.entry(index), entries[index]), 'a part holds another entry');
  must(same(part.signInput, block.signInput) && same(part.blockHash32, block.blockHash32), 'a part is not its block');
}

/** @param {Core} core @param {ParsedBlock} block @param {Uint8Array} input */
function checkPartial(core, block, input) {
  const { nodeProvider: provider } = core;
  const index = Buffer.from(input.subarray(224, 228)).readUInt32BE(0);
  must(index < block.count, `entry ${index} of ${block.count}`);
  const entry = block.entry(index);
  must(entry !== undefined && same(entry, block.entries()[0]), 'the entry is not the one of its number');
  const pathAt = 228 + entry.length + 1;
  const path = input.subarray(pathAt, pathAt + 32 * (input[pathAt - 1] ?? 0));
  const expected = rootOfPath(provider, provider.sha256(Uint8Array.of(0), entry), index, block.count, path);
  const { value, code } = answerOf(core, () => block.entriesRoot32);
  must(code === (expected === undefined ? 'E_PROOF' : undefined), `a path is ${code}`);
  must(expected === undefined || same(value, expected), 'another root');
}

const empty = new Uint8Array(0);

/** Input: an enrolment. @param {Core} core @param {readonly VectorTest[]} tests @returns {Target} */
export function enrolmentTarget(core, tests) {
  return {
    name: 'enrolment',
    files: /^keys\/enrolment/,
    seeds: stepsOf(tests, 'enrolment'),
    maxBytes: 1_200,
    run(input) {
      const { value, code } = answerOf(core, () => core.parseEnrolment(input));
      if (code !== undefined) return;
      const { header, headerBytes, sealedBytes, signature64 } = value;
      must(same(Buffer.concat([headerBytes, sealedBytes, signature64]), input), 'the parts are not the whole');
      must(sealedBytes.length === 32 + 32 * (header.height + 1) + 16, 'keys of another tree');
      must(header.height <= 24 && header.leaf < 2 ** header.height, `leaf ${header.leaf} of height ${header.height}`);
      must(same(writeEnrolmentHeader(header), headerBytes), 'a header is not written as it was read');
    },
  };
}

/** @param {import('../../../../core/src/keys/enrolment.ts').EnrolmentHeader} header */
function writeEnrolmentHeader(header) {
  const out = Buffer.alloc(160);
  out.write('TDEN\u0001', 'latin1');
  out.writeUInt8(header.kind, 5);
  out.writeUInt16BE(header.suite, 6);
  out.set(header.groupId16, 8);
  out.writeUInt32BE(header.generation, 24);
  out.writeUInt32BE(header.epoch, 28);
  out.writeUInt8(header.height, 32);
  out.writeBigUInt64BE(BigInt(header.leaf), 40);
  out.set(header.memberKeyId32, 48);
  out.set(header.kemKeyId32, 80);
  out.set(header.controllerKeyId32, 112);
  out.writeBigUInt64BE(BigInt(header.issuedMs), 144);
  out.writeBigUInt64BE(BigInt(header.policyVersion), 152);
  return out;
}

/** Input: the stored state of a member. What is taken is stored again as it was. @param {Core} core @returns {Target} */
export function memberStateTarget(core) {
  const { nodeProvider: provider } = core;
  const options = {
    provider,
    authorityId32: new Uint8Array(32),
    keyId32: new Uint8Array(32),
    suites: [1],
    suiteFloor: 1,
    prekeys: new core.PrekeyStore(provider),
  };
  const place = { generation: 1, epoch: 7, hash32: new Uint8Array(32).fill(1) };
  const enrolments = [0, 3].map((height) => ({
    generation: 1,
    epoch: 7,
    height,
    leaf: 2 ** height - 1,
    nodeKeys: new Uint8Array(32 * (height + 1)).fill(2),
  }));
  return {
    name: 'member-state',
    files: /^keys\/member-state/,
    seeds: [undefined, false, true].flatMap((forked) =>
      [0, 1, 2].map((count) =>
        core.writeMemberState({
          block: forked === undefined ? undefined : { ...place, forked },
          lastEnrolment: count === 0 ? undefined : place,
          enrolments: enrolments.slice(0, count),
        }),
      ),
    ),
    maxBytes: 2_048,
    run(input) {
      const { value, code } = answerOf(core, () => core.MemberKeys.restore(options, input));
      if (code !== undefined) return;
      must(same(value.export(), input), 'a state is not stored as it was read');
    },
  };
}

/** The steps of one kind in the vectors of members. @param {readonly VectorTest[]} tests @param {'block' | 'enrolment'} kind */
function stepsOf(tests, kind) {
  return seedsOf(tests, 'member.run', ({ steps }) =>
    (Array.isArray(steps) ? steps : []).flatMap((step) => (kind in step ? [fromHex(step[kind])] : [])),
  );
}
