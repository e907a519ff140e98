/** Changes of a byte string that tend to find what a decoder forgot. */

/** @typedef {import('./random.mjs').Random} Random */
/**
 * @typedef {object} Material what a mutation may draw on
 * @property {Random} random
 * @property {() => Uint8Array} other another input of the corpus, or bytes out of the vectors
 * @property {number | undefined} headerAt where an envelope's header starts in the inputs of this target
 * @property {number} maxBytes
 */

/**
 * One to eight changes on a copy.
 * @param {Uint8Array} bytes
 * @param {Material} material
 * @returns {Uint8Array}
 */
export function mutate(bytes, material) {
  const { random, headerAt, maxBytes } = material;
  const known = headerAt === undefined ? anyBytes : ofEnvelopes;
  let out = new Uint8Array(bytes);
  for (let rest = 1 << random.below(4); rest > 0; rest--) {
    out = random.pick(known)(out, material);
    if (out.length > maxBytes) out = out.slice(0, maxBytes);
  }
  return out;
}

/** @typedef {(bytes: Uint8Array<ArrayBuffer>, material: Material) => Uint8Array<ArrayBuffer>} Mutation may change what it is given */

/** @type {readonly Mutation[]} */
const anyBytes = [
  flipBit,
  flipBit,
  setByte,
  setInteresting,
  setInteresting,
  addToInteger,
  setLengthThatFits,
  truncate,
  append,
  duplicatePart,
  deletePart,
  insertOther,
  overwriteWithOther,
  spliceWithOther,
];

/** @type {readonly Mutation[]} */
const ofEnvelopes = [...anyBytes, insertExtension, insertExtension, setHeaderField, setHeaderField, fixBodyLength];

/** @type {Mutation} */
function flipBit(bytes, { random }) {
  const at = random.below(bytes.length);
  if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
  return bytes;
}

/** @type {Mutation} */
function setByte(bytes, { random }) {
  const at = random.below(bytes.length);
  if (at < bytes.length) bytes[at] = random.u32();
  return bytes;
}

/** Values at which widths, signs and the limits of the registries turn over. */
const interesting = [0, 3, 4, 5, 6, 7, 8, 12, 15, 16, 20, 31, 32, 40, 53]
  .map((bits) => 2n ** BigInt(bits))
  .concat(983_040n, 1_040_224n)
  .flatMap((value) => [value - 1n, value, value + 1n]);

/** @type {Mutation} */
function setInteresting(bytes, { random }) {
  const value = random.below(4) === 0 ? 2n ** 64n - 1n : random.pick(interesting);
  return write(bytes, random.below(bytes.length), random.pick(widths), value);
}

/** @type {Mutation} */
function addToInteger(bytes, { random }) {
  const width = random.pick(widths);
  const at = random.below(bytes.length);
  return write(bytes, at, width, read(bytes, at, width) + BigInt(random.below(33) - 16));
}

/** Makes some integer the number of bytes that follow it, or nearly so. @type {Mutation} */
function setLengthThatFits(bytes, { random }) {
  const width = random.pick(widths);
  const at = random.below(bytes.length);
  return write(bytes, at, width, BigInt(bytes.length - at - width - random.below(3)));
}

/** @type {Mutation} */
function truncate(bytes, { random }) {
  return bytes.slice(0, random.below(bytes.length + 1));
}

/** @type {Mutation} */
function append(bytes, { random }) {
  return joined(bytes, random.bytes(1 + random.below(40)));
}

/** @type {Mutation} */
function duplicatePart(bytes, { random }) {
  const [start, end] = part(random, bytes.length);
  return joined(bytes.slice(0, end), bytes.subarray(start, end), bytes.subarray(end));
}

/** @type {Mutation} */
function deletePart(bytes, { random }) {
  const [start, end] = part(random, bytes.length);
  return joined(bytes.subarray(0, start), bytes.subarray(end));
}

/** @type {Mutation} */
function insertOther(bytes, { random, other }) {
  const donor = other();
  const at = random.below(bytes.length + 1);
  return joined(bytes.subarray(0, at), donor.subarray(...part(random, donor.length)), bytes.subarray(at));
}

/** @type {Mutation} */
function overwriteWithOther(bytes, { random, other }) {
  const donor = other();
  const piece = donor.subarray(...part(random, donor.length));
  const at = random.below(bytes.length);
  bytes.set(piece.subarray(0, bytes.length - at), at);
  return bytes;
}

/** @type {Mutation} */
function spliceWithOther(bytes, { random, other }) {
  const donor = other();
  return joined(bytes.subarray(0, random.below(bytes.length + 1)), donor.subarray(random.below(donor.length + 1)));
}

/** Puts an extension into the area, mostly where the order allows it, and corrects `ext_len`. @type {Mutation} */
function insertExtension(bytes, { random, headerAt = 0 }) {
  const areaAt = headerAt + 96;
  if (bytes.length < areaAt) return bytes;
  const number = random.pick(extensionNumbers);
  const length = random.pick([0, 8, 16, 16, 32, 38, 48, random.below(40)]);
  const head = new Uint8Array(4);
  write(head, 0, 2, BigInt(number | (random.below(2) << 15)));
  write(head, 2, 2, BigInt(length));
  const areaLength = Number(read(bytes, headerAt + 88, 2));
  let at = areaAt;
  while (at < areaAt + areaLength && at + 4 <= bytes.length && (Number(read(bytes, at, 2)) & 0x7fff) < number) {
    at += 4 + Number(read(bytes, at + 2, 2));
  }
  at = Math.min(at, bytes.length);
  const out = joined(bytes.subarray(0, at), head, random.bytes(length), bytes.subarray(at));
  return write(out, headerAt + 88, 2, BigInt(areaLength + 4 + length));
}

/** Numbers of the registry, their neighbours, a GREASE one and a private one. */
const extensionNumbers = [...Array(13).keys(), 0x0a0a, 0x7f00];

/** @type {Mutation} */
function setHeaderField(bytes, { random, headerAt = 0 }) {
  const [at, width] = random.pick([...headerFields]);
  const value = random.below(3) === 0 ? BigInt(random.u32()) : random.pick(interesting);
  return write(bytes, headerAt + at, width, value);
}

/** Width by offset of the integers of chapter 03's header. */
const headerFields = new Map([
  [3, 1],
  [4, 2],
  [6, 2],
  [24, 4],
  [28, 4],
  [56, 8],
  [64, 8],
  [88, 2],
  [90, 2],
  [92, 4],
]);

/** Makes the lengths add up again after others changed the size. @type {Mutation} */
function fixBodyLength(bytes, { headerAt = 0 }) {
  const others = 96 + 64 + Number(read(bytes, headerAt + 88, 2)) + Number(read(bytes, headerAt + 90, 2));
  return write(bytes, headerAt + 92, 4, BigInt(Math.max(0, bytes.length - headerAt - others)));
}

const widths = [1, 2, 4, 8];

/** @param {Random} random @param {number} length @returns {[number, number]} start and end of a part, mostly a short one */
function part(random, length) {
  const start = random.below(length + 1);
  const longest = random.below(4) === 0 ? length - start : Math.min(length - start, 64);
  return [start, start + random.below(longest + 1)];
}

/** Big-endian; bytes past the end read as 0. @param {Uint8Array} bytes @param {number} at @param {number} width @returns {bigint} */
function read(bytes, at, width) {
  let value = 0n;
  for (let i = 0; i < width; i++) value = (value << 8n) | BigInt(bytes[at + i] ?? 0);
  return value;
}

/** Big-endian; bytes past the end are lost. @param {Uint8Array<ArrayBuffer>} bytes @param {number} at @param {number} width @param {bigint} value */
function write(bytes, at, width, value) {
  for (let i = 0; i < width; i++) bytes[at + i] = Number((value >> BigInt(8 * (width - 1 - i))) & 0xffn);
  return bytes;
}

/** @param {readonly Uint8Array[]} parts @returns {Uint8Array<ArrayBuffer>} */
function joined(...parts) {
  const out = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const one of parts) {
    out.set(one, at);
    at += one.length;
  }
  return out;
}
