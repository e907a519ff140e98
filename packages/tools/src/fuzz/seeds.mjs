/** Where fuzzing starts: the bytes that stand in the golden vectors. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { filesIn, readJson } from '../lib.mjs';

/** @typedef {string | number | boolean | readonly Value[] | { readonly [name: string]: Value }} Value */
/** @typedef {{ op: string, in: { readonly [name: string]: Value } }} VectorTest */

/** All tests of the vectors of a checkout; none where there are no vectors yet. @param {string} root @returns {VectorTest[]} */
export function readVectorTests(root) {
  const folder = 'conformance/vectors/v1';
  if (!existsSync(join(root, folder))) return [];
  return filesIn(root, [folder], /\.json$/)
    .flatMap((path) => readJson(root, path).groups ?? [])
    .flatMap(({ op, tests }) => tests.map((/** @type {{ in: VectorTest['in'] }} */ test) => ({ op, in: test.in })));
}

/** Every byte string in a value, at any depth. @param {Value} value @returns {Uint8Array[]} */
export function byteStringsIn(value) {
  if (typeof value === 'string') return /^([0-9a-f]{2})+$/.test(value) ? [fromHex(value)] : [];
  return typeof value === 'object' ? Object.values(value).flatMap(byteStringsIn) : [];
}

/**
 * The byte strings of one kind of test, each once.
 * @param {readonly VectorTest[]} tests
 * @param {string} op
 * @param {(input: VectorTest['in']) => readonly Uint8Array[]} pick
 */
export function seedsOf(tests, op, pick) {
  return tests.filter((test) => test.op === op).flatMap((test) => pick(test.in));
}

/** Each byte string once, and none longer than `maxBytes`. @param {readonly Uint8Array[]} list @param {number} maxBytes */
export function distinct(list, maxBytes) {
  const byText = new Map(list.filter(({ length }) => length <= maxBytes).map((bytes) => [toHex(bytes), bytes]));
  return [...byText.values()];
}

/** @param {Value | undefined} hex anything else gives no bytes */
export function fromHex(hex) {
  return new Uint8Array(Buffer.from(typeof hex === 'string' ? hex : '', 'hex'));
}

/** @param {Uint8Array} bytes */
export function toHex(bytes) {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}
