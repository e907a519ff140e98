/** The pieces of chapter 03 that are decoded from bytes and a few numbers beside them. */
import { answerOf, must, same } from '../core.mjs';
import { fromHex, seedsOf } from '../seeds.mjs';
import { rootOfPath } from './merkle-reference.mjs';

/** @typedef {import('../core.mjs').Core} Core */
/** @typedef {import('../engine.mjs').Target} Target */
/** @typedef {import('../seeds.mjs').VectorTest} VectorTest */

/** Input: a varint and whatever follows. @param {Core} core @param {readonly VectorTest[]} tests @returns {Target} */
export function varintTarget(core, tests) {
  return {
    name: 'varint',
    files: /^bytes\/varint/,
    seeds: seedsOf(tests, 'varint.decode', (input) => [fromHex(input['bytes'])]),
    maxBytes: 32,
    run(input) {
      const cursor = { bytes: input, offset: 0 };
      const { value, code } = answerOf(core, () => core.readVarint(cursor, input.length));
      if (code !== undefined) return must(cursor.offset === 0, 'the cursor moved on a refusal');
      const encoded = new Uint8Array(core.varintLength(value));
      core.writeVarint(encoded, 0, value);
      must(same(encoded, input.subarray(0, cursor.offset)), 'a varint that no sender writes is taken');
    },
  };
}

/** Input: u8 of a Merkle batch or not ‖ u8 first envelope of its stream or not ‖ extension area. @param {Core} core @param {readonly VectorTest[]} tests @returns {Target} */
export function extensionsTarget(core, tests) {
  const areas = seedsOf(tests, 'envelope.parse', (input) => {
    const bytes = fromHex(input['bytes']);
    return [bytes.subarray(96, 96 + ((bytes[88] ?? 0) << 8) + (bytes[89] ?? 0))];
  });
  return {
    name: 'extensions',
    files: /^wire\/extensions/,
    seeds: areas.flatMap((area) => [0, 1].map((site) => Buffer.concat([Uint8Array.of(site, site), area]))),
    run(input) {
      const site = { merkle: ((input[0] ?? 0) & 1) === 1, seq: 1 + ((input[1] ?? 0) & 1) };
      const area = input.subarray(2);
      const { value, code } = answerOf(core, () => core.decodeExtensions(area, site));
      if (code !== undefined) return;
      const known = value.all.every(({ number }) => number >= 1 && number <= 11);
      if (!known || area.length > 4_096) return;
      must(same(core.encodeExtensions(value.all, site), area), 'extensions do not encode to what was received');
    },
  };
}

/** Input: u8 padded ‖ u16 count ‖ u32 timestamp ‖ plaintext. @param {Core} core @param {readonly VectorTest[]} tests @returns {Target} */
export function recordsTarget(core, tests) {
  return {
    name: 'records',
    files: /^wire\/records/,
    seeds: seedsOf(tests, 'records.decode', ({ bytes, count, timestamp, padded }) => {
      const head = Buffer.alloc(7);
      head.writeUInt8(padded === true ? 1 : 0, 0);
      head.writeUInt16BE(Math.min(Number(count), 0xffff), 1);
      head.writeUInt32BE(Math.min(Number(timestamp), 0xffff_ffff), 3);
      return [Buffer.concat([head, fromHex(bytes)])];
    }),
    run(input) {
      if (input.length < 7) return;
      const view = new DataView(input.buffer, input.byteOffset, input.length);
      const [padded, count, timestampMs] = [(view.getUint8(0) & 1) === 1, view.getUint16(1), view.getUint32(3)];
      const plaintext = input.subarray(7);
      // Step 6 has refused a count that the length cannot hold.
      if (3 * count > plaintext.length) return;
      const { value, code } = answerOf(core, () => core.decodeRecords(plaintext, count, timestampMs, padded));
      if (code !== undefined) return;
      const records = [...value];
      must(records.length === count, 'another number of records');
      const encoded = core.encodeRecords(records, 0, count, timestampMs, false);
      must(same(encoded, plaintext.subarray(0, encoded.length)), 'records do not encode to what was received');
      const rest = plaintext.subarray(encoded.length);
      must(padded ? rest.every((byte) => byte === 0) : rest.length === 0, 'bytes after the records are taken');
    },
  };
}

/**
 * Input: u8 bit 0: the root is what the path yields ‖ u16 leaf_count ‖ u16 leaf ‖ root32 ‖ leaf hash ‖ path. The verdict is that
 * of the recursive definition.
 * @param {Core} core @param {readonly VectorTest[]} tests @returns {Target}
 */
export function merkleTarget(core, tests) {
  return {
    name: 'merkle',
    files: /^envelope\/merkle/,
    seeds: [
      ...seedsOf(tests, 'merkle.verify', ({ leafHash, leaf, leafCount, path, root }) => {
        const head = Buffer.alloc(5);
        head.writeUInt16BE(Number(leafCount) & 0xffff, 1);
        head.writeUInt16BE(Number(leaf) & 0xffff, 3);
        const nodes = Array.isArray(path) ? path.map(fromHex) : [];
        return [Buffer.concat([head, fromHex(root), fromHex(leafHash), ...nodes])];
      }),
      ...[1, 2, 3, 7, 4_096].map((leafCount) => {
        const input = new Uint8Array(5 + 32 * 14);
        input.set([1, leafCount >>> 8, leafCount]);
        return input;
      }),
    ],
    maxBytes: 5 + 32 * 20,
    run(input) {
      if (input.length < 69) return;
      const view = new DataView(input.buffer, input.byteOffset, input.length);
      const [leafCount, leaf] = [view.getUint16(1), view.getUint16(3)];
      const leafHash = input.subarray(37, 69);
      const path = input.subarray(69, 69 + 32 * Math.floor((input.length - 69) / 32));
      const yielded = rootOfPath(core.nodeProvider, leafHash, leaf, leafCount, path);
      const root = ((input[0] ?? 0) & 1) === 1 && yielded !== undefined ? yielded : input.subarray(5, 37);
      const verdict = core.verifyMerklePath(core.nodeProvider, leafHash, leaf, leafCount, path, root);
      must(verdict === same(yielded, root), `verdict ${verdict}`);
    },
  };
}
