/** Chapter 12: what people write, against the rules read once more with the platform's own decoder and normalizer. */
import { answerOf, must } from '../core.mjs';
import { fromHex, seedsOf } from '../seeds.mjs';

/** @typedef {import('../core.mjs').Core} Core */
/** @typedef {import('../engine.mjs').Target} Target */
/** @typedef {import('../seeds.mjs').VectorTest} VectorTest */

/** Input: u8 bit 0: a pattern ‖ its bytes. @param {Core} core @param {readonly VectorTest[]} tests @returns {Target} */
export function topicTarget(core, tests) {
  return {
    name: 'topic',
    files: /^topics\/(grammar|nfc|utf8)/,
    seeds: [
      ...seedsOf(tests, 'topic.parse', ({ topic }) => [Buffer.concat([Uint8Array.of(0), fromHex(topic)])]),
      ...seedsOf(tests, 'pattern.parse', ({ pattern }) => [Buffer.concat([Uint8Array.of(1), fromHex(pattern)])]),
    ],
    run(input) {
      const isPattern = ((input[0] ?? 0) & 1) === 1;
      const bytes = input.subarray(1);
      const { value, code } = answerOf(core, () => (isPattern ? core.parsePattern(bytes) : core.parseTopic(bytes)));
      const expected = read(bytes, isPattern);
      must(code === expected.code, `${code}, and by the reading of the platform ${expected.code}`);
      must(value?.segments.join('/') === expected.segments?.join('/'), 'other segments');
    },
  };
}

/** Input: u8 length of the pattern ‖ pattern ‖ topic. @param {Core} core @param {readonly VectorTest[]} tests @returns {Target} */
export function matchTarget(core, tests) {
  return {
    name: 'match',
    files: /^topics\/grammar/,
    seeds: seedsOf(tests, 'topic.match', (input) => {
      const [pattern, topic] = [fromHex(input['pattern']), fromHex(input['topic'])];
      return pattern.length < 256 ? [Buffer.concat([Uint8Array.of(pattern.length), pattern, topic])] : [];
    }),
    maxBytes: 512,
    run(input) {
      const length = input[0] ?? 0;
      const [patternBytes, topicBytes] = [input.subarray(1, 1 + length), input.subarray(1 + length)];
      const pattern = answerOf(core, () => core.parsePattern(patternBytes)).value;
      const topic = answerOf(core, () => core.parseTopic(topicBytes)).value;
      if (pattern === undefined || topic === undefined) return;
      const expected = matches(pattern.segments, topic.segments);
      must(core.matchesTopic(pattern, topic) === expected, `${pattern.text} matching ${topic.text} is not ${expected}`);
    },
  };
}

/** @param {Uint8Array} bytes @param {boolean} isPattern @returns {{ code?: string, segments?: string[] }} */
function read(bytes, isPattern) {
  const refused = { code: 'E_ENCODING' };
  let text;
  try {
    text = decoder.decode(bytes);
  } catch {
    return refused;
  }
  const segments = text.split('/');
  if (text.normalize('NFC') !== text || segments.includes('')) return refused;
  if (/\p{Cc}/u.test(text)) return refused;
  const isWildcard = (/** @type {string} */ segment, /** @type {number} */ i) =>
    segment === '*' || (segment === '**' && i === segments.length - 1);
  if (segments.some((segment, i) => segment.includes('*') && !(isPattern && isWildcard(segment, i)))) return refused;
  if (segments.length > 8 || segments.some((segment) => Buffer.byteLength(segment) > 255)) return { code: 'E_LIMIT' };
  return { segments };
}

/** @param {readonly string[]} pattern @param {readonly string[]} topic @returns {boolean} */
function matches([wanted, ...pattern], [segment, ...topic]) {
  if (wanted === undefined || segment === undefined) return wanted === segment;
  if (wanted === '**') return true;
  return (wanted === '*' || wanted === segment) && matches(pattern, topic);
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
