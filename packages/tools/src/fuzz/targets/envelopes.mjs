/** Steps 1 to 6 of chapter 03, and the broker's cut through a Merkle batch. */
import { answerOf, must, same } from '../core.mjs';
import { fromHex, seedsOf } from '../seeds.mjs';

/** @typedef {import('../core.mjs').Core} Core */
/** @typedef {import('../engine.mjs').Target} Target */
/** @typedef {import('../seeds.mjs').VectorTest} VectorTest */
/** @typedef {import('./world.mjs').World} World */

/** Input: an envelope. @param {Core} core @param {readonly VectorTest[]} tests @param {World} world @returns {Target} */
export function envelopeTarget(core, tests, world) {
  return {
    name: 'envelope',
    files: /^wire\/(envelope|header|extensions)/,
    headerAt: 0,
    seeds: [...world.envelopes.map(({ bytes }) => bytes), ...envelopeSeeds(tests)],
    run(input) {
      const { value, code } = answerOf(core, () => core.parseEnvelope(input));
      checkHeaderFirst(core, input, false, code);
      if (code !== undefined) return;
      checkHeader(core, value.header);
      const { protectedHeader, keyinfo, body, signature } = value;
      must(same(Buffer.concat([protectedHeader, keyinfo, body, signature]), input), 'the parts are not the whole');
    },
  };
}

/** Input: a job. @param {Core} core @param {readonly VectorTest[]} tests @param {World} world @returns {Target} */
export function jobTarget(core, tests, world) {
  return {
    name: 'job',
    files: /^wire\/(envelope|header|extensions)/,
    headerAt: 0,
    seeds: [
      ...world.jobs.map(({ bytes }) => bytes),
      ...seedsOf(tests, 'job.parse', (input) => [fromHex(input['bytes'])]),
    ],
    run(input) {
      const { value, code } = answerOf(core, () => core.parseJob(input));
      checkHeaderFirst(core, input, true, code);
      if (code !== undefined) return;
      checkHeader(core, value.header);
      const { protectedHeader, keyinfo, leaf, sealed, path, signature } = value;
      const numbers = Buffer.alloc(8);
      numbers.writeUInt32BE(leaf, 0);
      numbers.writeUInt32BE(sealed.length - 16, 4);
      const pathLength = Uint8Array.of(path.length / 32);
      const parts = [protectedHeader, keyinfo, numbers, sealed, pathLength, path, signature];
      must(same(Buffer.concat(parts), input), 'the parts are not the whole');
    },
  };
}

/** Input: an envelope, which is split. @param {Core} core @param {readonly VectorTest[]} tests @param {World} world @returns {Target} */
export function splitTarget(core, tests, world) {
  const { nodeProvider: provider } = core;
  return {
    name: 'split',
    files: /^envelope\/(split|merkle)/,
    headerAt: 0,
    seeds: [
      ...world.envelopes.filter(({ bytes }) => ((bytes[7] ?? 0) & 2) !== 0).map(({ bytes }) => bytes),
      ...seedsOf(tests, 'envelope.split', (input) => [fromHex(input['envelope'])]),
    ],
    slowMs: 20,
    reservedBytes: 1_048_576,
    run(input) {
      const { value, code } = answerOf(core, () => new core.SplitBatch(provider, core.parseEnvelope(input)));
      if (code !== undefined) return;
      const envelope = core.parseEnvelope(input);
      const leaves = [...core.leavesOf(envelope.body, value.leafCount)];
      const { root } = new core.MerkleTree(
        provider,
        leaves.map(({ leaf, sealed }) => core.hashLeaf(provider, leaf, sealed)),
      );
      for (const { leaf, sealed } of leaves) {
        const job = core.parseJob(value.job(leaf));
        const hash = core.hashLeaf(provider, leaf, job.sealed);
        must(
          core.verifyMerklePath(provider, hash, leaf, value.leafCount, job.path, root),
          'a job is not under the root',
        );
        must(same(job.sealed, sealed) && job.leaf === leaf, 'a job holds another leaf');
        must(same(job.protectedHeader, envelope.protectedHeader), 'a job has another header');
        must(same(job.keyinfo, envelope.keyinfo) && same(job.signature, envelope.signature), 'a job is not its batch');
      }
      const beyond = answerOf(core, () => value.job(value.leafCount));
      must(beyond.code === 'E_PROOF', `a leaf that is not there is ${beyond.code}`);
    },
  };
}

/** @param {readonly VectorTest[]} tests */
export function envelopeSeeds(tests) {
  return [
    ...seedsOf(tests, 'envelope.parse', (input) => [fromHex(input['bytes'])]),
    ...['envelope.open', 'envelope.split', 'envelope.derive'].flatMap((op) =>
      seedsOf(tests, op, (input) => [fromHex(input['envelope'])]),
    ),
  ];
}

/**
 * What a broker finds with the header alone agrees with the whole: a refusal is the same one, and what it lets through fails no
 * check of steps 1 to 3.
 * @param {Core} core @param {Uint8Array} input @param {boolean} asJob @param {string | undefined} wholeCode
 */
function checkHeaderFirst(core, input, asJob, wholeCode) {
  const { code } = answerOf(core, () => core.decodeHeader(input, asJob));
  if (code !== undefined) must(code === wholeCode, `the header alone is ${code}, the whole ${wholeCode}`);
  else must(wholeCode !== 'E_VERSION' && wholeCode !== 'E_SUITE', `the whole is ${wholeCode}, the header is taken`);
}

/** Fields that are read and written again are the bytes received. @param {Core} core @param {import('@tridcomm/core').HeaderView} header */
function checkHeader(core, header) {
  const out = new Uint8Array(96);
  core.writeHeader(out, header);
  must(same(out, header.bytes.subarray(0, 96)), 'the header does not encode to what was received');
}
