/** All of chapter 03, from the bytes to the records, with keys that are known. */
import { answerOf, must, same } from '../core.mjs';
import { seedsOf, fromHex, toHex } from '../seeds.mjs';
import { envelopeSeeds } from './envelopes.mjs';
import { sealAsMember, unsealForMember } from './member.mjs';
import { nowMs } from './world.mjs';

/** @typedef {import('../core.mjs').Core} Core */
/** @typedef {import('../engine.mjs').Target} Target */
/** @typedef {import('../seeds.mjs').VectorTest} VectorTest */
/** @typedef {import('./world.mjs').World} World */
/** @typedef {ReturnType<World['newReceiver']>} Given */

/**
 * Input: u8 bit 0: a job, bit 7: in a Buffer ‖ an envelope or job, as anybody may send it. Only what was sealed opens, and to what was sealed.
 * @param {Core} core @param {readonly VectorTest[]} tests @param {World} world @returns {Target}
 */
export function openTarget(core, tests, world) {
  const sealed = new Map([
    ...world.envelopes.map((one) => /** @type {const} */ ([`0${toHex(one.bytes)}`, one.messages])),
    ...world.canaries.map((one) => /** @type {const} */ ([`0${toHex(one.bytes)}`, one.messages])),
    ...world.jobs.map((one) => /** @type {const} */ ([`1${toHex(one.bytes)}`, one.messages])),
  ]);
  return {
    name: 'open',
    files: /^(envelope\/(open|identity|record|protected)|replay\/(freshness|guard\.))/,
    headerAt: 1,
    seeds: [
      ...world.envelopes.flatMap(({ bytes }) => [marked(0, bytes), marked(0x80, bytes)]),
      ...world.jobs.flatMap(({ bytes }) => [marked(1, bytes), marked(0x81, bytes)]),
      marked(0, world.refused),
      ...envelopeSeeds(tests).map((bytes) => marked(0, bytes)),
      ...seedsOf(tests, 'envelope.open', (input) => [marked(1, fromHex(input['job']))]),
    ],
    ...openBounds,
    run(input) {
      const asJob = ((input[0] ?? 0) & 1) === 1;
      // Node gives Buffers to those who read files and sockets.
      const isBuffer = ((input[0] ?? 0) & 0x80) !== 0;
      const bytes = isBuffer ? Buffer.from(input.buffer, input.byteOffset + 1) : input.subarray(1);
      const given = world.newReceiver();
      const { value, code } = answerOf(core, () => open(core, given, bytes, asJob));
      if (code !== undefined) return checkRefused(core, world, given, bytes, code);
      if (value === undefined)
        return must(world.topicOf(bytes.subarray(8, 24)) === undefined, 'a known tag is dropped');
      const messages = sealed.get(`${asJob ? 1 : 0}${toHex(bytes)}`);
      must(messages !== undefined, 'opened what nobody sealed');
      checkRecords([...value.records], messages);
      checkAgain(core, given, bytes, asJob);
    },
  };
}

/**
 * Input: u8 bit 0: a job, bit 1: a wrong key commitment stays ‖ an envelope or job with plaintexts where the ciphertexts are. It
 * is encrypted and signed as it is by somebody who may write, so all that is behind the signature is reached.
 * @param {Core} core @param {readonly VectorTest[]} _tests @param {World} world @returns {Target}
 */
export function memberTarget(core, _tests, world) {
  return {
    name: 'member',
    files: /^(envelope\/(open|identity|record|protected)|wire\/records|replay\/(freshness|guard\.))/,
    headerAt: 1,
    seeds: [
      ...world.envelopes.map(({ bytes }) => marked(0, unsealForMember(core, world, bytes, false))),
      ...world.jobs.map(({ bytes }) => marked(1, unsealForMember(core, world, bytes, true))),
    ],
    ...openBounds,
    run(input) {
      const asJob = ((input[0] ?? 0) & 1) === 1;
      const wrongCommitment = ((input[0] ?? 0) & 2) !== 0;
      const sealed = sealAsMember(core, world, input.subarray(1), { asJob, wrongCommitment });
      if (sealed === undefined) return;
      const given = world.newReceiver();
      const { value, code } = answerOf(core, () => open(core, given, sealed.bytes, asJob));
      must(value !== undefined || code !== undefined, 'a known tag is dropped');
      must(code !== 'E_SIG' && code !== 'E_AEAD', `what was sealed soundly is ${code}`);
      must(code !== 'E_PROOF' || !sealed.isProvable, 'a right proof is refused');
      must(code !== undefined || sealed.isProvable, 'a leaf that fits no root opens');
      must(code !== 'E_COMMIT' || wrongCommitment, 'a right commitment is refused');
      if (code === 'E_ENCODING' && given.calls.commit > 0) return checkAgain(core, given, sealed.bytes, asJob);
      if (value === undefined) return checkRefused(core, world, given, sealed.bytes, code ?? 'nothing');
      checkRecords([...value.records], sealed.messages());
      checkAgain(core, given, sealed.bytes, asJob);
    },
  };
}

/** Three signatures and a table of streams for one input. */
const openBounds = { slowMs: 20, reservedBytes: 1_048_576 };

/** @param {Core} core @param {Given} given @param {Uint8Array} bytes @param {boolean} asJob */
function open(core, { receiver }, bytes, asJob) {
  return asJob ? core.openJob(receiver, bytes, nowMs) : core.openEnvelope(receiver, bytes, nowMs);
}

/**
 * A refusal leaves the state as it was: nothing was committed, and the first envelope of each stream is still new.
 * @param {Core} core @param {World} world @param {Given} given @param {Uint8Array} bytes @param {string} code
 */
function checkRefused(core, world, given, bytes, code) {
  must(given.calls.commit === 0, `committed, then refused with ${code}`);
  if (given.calls.lookUp === 0) return;
  for (const { bytes: canary, messages } of world.canaries) {
    if (!same(canary.subarray(8, 56), bytes.subarray(8, 56))) continue;
    const { value, code: after } = answerOf(core, () => open(core, given, canary, false));
    must(value !== undefined, `after a refusal with ${code} a sound envelope is ${after}`);
    checkRecords([...value.records], messages);
  }
}

/** What was accepted is seen from then on. @param {Core} core @param {Given} given @param {Uint8Array} bytes @param {boolean} asJob */
function checkAgain(core, given, bytes, asJob) {
  const { code } = answerOf(core, () => open(core, given, bytes, asJob));
  must(code === 'E_REPLAY', `accepted, and at the second time ${code}`);
}

/** @param {readonly import('@tridcomm/core').Message[]} got @param {readonly import('@tridcomm/core').Message[]} expected */
function checkRecords(got, expected) {
  must(got.length === expected.length, `${got.length} records instead of ${expected.length}`);
  for (const [i, { timestampMs, payload }] of got.entries()) {
    must(timestampMs === expected[i]?.timestampMs, 'a record of another time');
    must(same(payload, expected[i]?.payload), 'another record');
  }
}

/** @param {number} mark @param {Uint8Array} bytes */
function marked(mark, bytes) {
  return Buffer.concat([Uint8Array.of(mark), bytes]);
}
