/** Chapter 04: bodies of frames. */
import { answerOf, must, same } from '../core.mjs';
import { fromHex, seedsOf } from '../seeds.mjs';
import { withoutLater } from './bodies.mjs';

/** @typedef {import('../core.mjs').Core} Core */
/** @typedef {import('../engine.mjs').Target} Target */
/** @typedef {import('../seeds.mjs').VectorTest} VectorTest */
/** @typedef {import('@tridcomm/core/link').LinkSide} LinkSide */

/** @type {readonly LinkSide[]} */
export const sides = ['initiator', 'responder'];

/** Input: u8 side ‖ u8 0 hello, 1 auth ‖ u16 channel ‖ body. @param {Core} core @param {readonly VectorTest[]} tests @returns {Target} */
export function openingBodyTarget(core, tests) {
  return {
    name: 'opening-body',
    files: /^link\/opening-bodies/,
    seeds: frameSeeds(tests, (type) => type === core.frameTypes.hello || type === core.frameTypes.auth).map((frame) =>
      Buffer.concat([Uint8Array.of(frame[0] ?? 0, frame[1] === core.frameTypes.auth ? 1 : 0), frame.subarray(2)]),
    ),
    maxBytes: 2_048,
    slowMs: 5,
    run(input) {
      const [side = 'initiator', isAuth, channel] = [
        sides[(input[0] ?? 0) & 1],
        ((input[1] ?? 0) & 1) === 1,
        u16(input),
      ];
      const body = input.subarray(4);
      if (isAuth) {
        const { value, code } = answerOf(core, () => core.decodeAuth(side, channel, body));
        if (code !== undefined) return;
        must(same(core.encodeAuth(value), withoutLater(core, 'Auth', body)), 'an auth is not written as it was read');
        return;
      }
      const { value, code } = answerOf(core, () => core.decodeHello(side, channel, body));
      if (code !== undefined) return;
      must(channel === 0, `a hello on channel ${channel}`);
      // A cap that must not be announced is read here, and refused where it would count.
      const cap = value.frameCapBytes;
      if (cap < core.limits.storedBytes || cap > core.limits.frameHardCapBytes) return;
      must(same(core.encodeHello(value), withoutLater(core, 'Hello', body)), 'a hello is not written as it was read');
    },
  };
}

/** Input: u8 side ‖ u8 type ‖ u16 channel ‖ body. @param {Core} core @param {readonly VectorTest[]} tests @returns {Target} */
export function messageTarget(core, tests) {
  const { hello, auth, reject, close } = core.frameTypes;
  return {
    name: 'message',
    files: /^link\/(messages|forms)/,
    seeds: frameSeeds(tests, (type) => type !== hello && type !== auth),
    slowMs: 5,
    run(input) {
      const side = sides[(input[0] ?? 0) & 1] ?? 'initiator';
      const type = /** @type {import('../../../../core/src/codepoints/frame-types.gen.ts').FrameType} */ (
        input[1] ?? 0
      );
      const channel = u16(input);
      const body = input.subarray(4);
      const { value, code } = answerOf(core, () => core.decodeMessage(side, type, channel, body));
      if (code !== undefined) return;
      must(type !== hello && type !== auth, 'a frame of the opening is taken');
      const frame = Buffer.concat(core.encodeMessage(side, value, core.limits.frameHardCapBytes));
      must(frame[0] === type && frame.readUInt16BE(2) === channel, 'another frame');
      const written = frame.subarray(8);
      if (type !== reject && type !== close) {
        must(same(written, body), `type ${type} is not written as it was read`);
        return;
      }
      // A code that is not known is taken for another one, and fields of later versions are left out.
      const again = core.decodeMessage(side, type, channel, written);
      must(JSON.stringify(again) === JSON.stringify(value), `type ${type} is read in two ways`);
    },
  };
}

/** The channel of an input. @param {Uint8Array} input */
function u16(input) {
  return ((input[2] ?? 0) << 8) | (input[3] ?? 0);
}

/** Inputs out of the vectors of bodies. @param {readonly VectorTest[]} tests @param {(type: number) => boolean} isMeant @returns {Buffer[]} */
function frameSeeds(tests, isMeant) {
  return seedsOf(tests, 'message.decode', ({ from, type, channel, body }) => {
    if (!isMeant(Number(type))) return [];
    const head = Buffer.alloc(4);
    head.writeUInt8(from === 'responder' ? 1 : 0, 0);
    head.writeUInt8(Number(type), 1);
    head.writeUInt16BE(Number(channel), 2);
    return [Buffer.concat([head, fromHex(body)])];
  }).map((bytes) => Buffer.from(bytes));
}
