/** Chapter 02: what comes over a link before anything is known of the peer. */
import { answerOf, must, same } from '../core.mjs';
import { fromHex, seedsOf } from '../seeds.mjs';

/** @typedef {import('../core.mjs').Core} Core */
/** @typedef {import('../engine.mjs').Target} Target */
/** @typedef {import('../seeds.mjs').VectorTest} VectorTest */

/** Frame caps by the first byte of an input. */
const caps = [1_048_576, 65_536, 64, 0];

/**
 * Input: u8 which cap ‖ the bytes of the link. Whole and in pieces the answer is the same, and what is decoded encodes to what
 * was received.
 * @param {Core} core @param {readonly VectorTest[]} tests @returns {Target}
 */
export function frameTarget(core, tests) {
  return {
    name: 'frame',
    files: /^wire\/frame/,
    seeds: ['frame.decode', 'frame.closed'].flatMap((op) =>
      seedsOf(tests, op, (input) => [Buffer.concat([Uint8Array.of(0), ...chunksOf(input['chunks'])])]),
    ),
    // Two decoders, each with one body of the largest cap, which takes its time.
    slowMs: 10,
    reservedBytes: 2 * 1_048_576 + 65_536,
    run(input) {
      const cap = caps[(input[0] ?? 0) & 3] ?? 0;
      const bytes = input.subarray(1);
      const whole = decode(core, cap, [bytes]);
      const pieces = decode(core, cap, cut(bytes));
      must(whole.code === pieces.code, `whole ${whole.code}, in pieces ${pieces.code}`);
      must(whole.frames.length === pieces.frames.length, 'another number of frames in pieces');
      for (const [i, { type, channel, body }] of whole.frames.entries()) {
        const other = pieces.frames[i];
        must(type === other?.type && channel === other.channel && same(body, other.body), 'another frame in pieces');
      }
      if (whole.code !== undefined) return;
      const encoded = Buffer.concat(
        whole.frames.map((frame) => core.encodeFrame(frame.type, frame.channel, frame.body, cap)),
      );
      // GREASE frames are dropped, so the rest is shorter than what was received.
      must(encoded.length < bytes.length || same(encoded, bytes), 'frames do not encode to what was received');
    },
  };
}

/** Input: the preface. @param {Core} core @param {readonly VectorTest[]} tests @returns {Target} */
export function prefaceTarget(core, tests) {
  return {
    name: 'preface',
    files: /^wire\/frame\.js/,
    seeds: seedsOf(tests, 'preface.decode', (input) => [fromHex(input['bytes'])]),
    maxBytes: 16,
    run(input) {
      const { code } = answerOf(core, () => core.checkPreface(input));
      must((code === undefined) === same(input, Uint8Array.of(0x54, 0x44, 0x43, 1)), 'another preface is taken');
    },
  };
}

/** @param {Core} core @param {number} cap @param {readonly Uint8Array[]} chunks */
function decode(core, cap, chunks) {
  const decoder = new core.FrameDecoder(cap);
  /** @type {import('@tridcomm/core/internal').Frame[]} */
  const frames = [];
  for (const chunk of chunks) {
    const { code } = answerOf(core, () => {
      for (const frame of decoder.push(chunk)) frames.push(frame);
    });
    if (code === undefined) continue;
    const after = answerOf(core, () => [...decoder.push(Uint8Array.of(0))]);
    must(after.code === 'E_CLOSED', `bytes after a refused frame are ${after.code}`);
    return { frames, code };
  }
  return { frames, code: answerOf(core, () => decoder.end()).code };
}

/** Pieces of 0 to some bytes; where they are cut follows from the bytes, so that an input says all. @param {Uint8Array} bytes */
function cut(bytes) {
  const pieces = [];
  let state = bytes.length;
  for (const byte of bytes.subarray(0, 64)) state = (Math.imul(state, 31) + byte) >>> 0;
  for (let at = 0; at < bytes.length;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const length = (state >>> 24) % ((state & 0x10000) === 0 ? 4 : 40);
    pieces.push(bytes.subarray(at, at + length));
    at += length;
  }
  return pieces;
}

/** @param {import('../seeds.mjs').Value | undefined} chunks */
function chunksOf(chunks) {
  return Array.isArray(chunks) ? chunks.map(fromHex) : [];
}
