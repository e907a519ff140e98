/** Chapter 06: bytes that claim to be a key or a signature. */
import { answerOf, must } from '../core.mjs';
import { fromHex, seedsOf } from '../seeds.mjs';

/** @typedef {import('../core.mjs').Core} Core */
/** @typedef {import('../engine.mjs').Target} Target */
/** @typedef {import('../seeds.mjs').VectorTest} VectorTest */

/** Input: public key, 32 bytes ‖ signature, 64 bytes ‖ message. Both providers give one verdict. @param {Core} core @param {readonly VectorTest[]} tests @returns {Target} */
export function signatureTarget(core, tests) {
  return {
    name: 'signature',
    files: /^(crypto\/(ed25519|noble)|node\/provider)/,
    seeds: seedsOf(tests, 'ed25519.verify', ({ publicKey, signature, message }) => [
      Buffer.concat([fromHex(publicKey), fromHex(signature), fromHex(message)]),
    ]),
    maxBytes: 160,
    slowMs: 100,
    run(input) {
      const [key, signature, message] = [input.subarray(0, 32), input.subarray(32, 96), input.subarray(96)];
      const [node, noble] = [core.nodeProvider, core.nobleProvider].map((provider) =>
        answerOf(core, () => provider.ed25519Verify(key, message, signature)),
      );
      must(node?.code === noble?.code, `node ${node?.code}, noble ${noble?.code}`);
      must(node?.value === noble?.value, `node ${node?.value}, noble ${noble?.value}`);
    },
  };
}

/** Input: u8 which algorithm ‖ public key. A key that has an id has only one encoding. @param {Core} core @param {readonly VectorTest[]} tests @returns {Target} */
export function keyIdTarget(core, tests) {
  const p = 2n ** 255n - 19n;
  return {
    name: 'key-id',
    files: /^crypto\/(ed25519-rule|x25519-rule|key-id)/,
    seeds: [
      ...seedsOf(tests, 'key.id', ({ alg, publicKey }) => [
        Buffer.concat([Uint8Array.of(Number(alg)), fromHex(publicKey)]),
      ]),
      ...seedsOf(tests, 'ed25519.verify', ({ publicKey }) => [Buffer.concat([Uint8Array.of(1), fromHex(publicKey)])]),
    ],
    maxBytes: 40,
    run(input) {
      const isEd25519 = ((input[0] ?? 0) & 1) === 1;
      const key = input.subarray(1);
      const { code } = answerOf(core, () => core.keyId(core.nodeProvider, isEd25519 ? 'ed25519' : 'x25519', key));
      if (code !== undefined) return;
      const number = BigInt(`0x${Buffer.from(key).reverse().toString('hex')}`);
      must(
        key.length === 32 && (isEd25519 ? number % 2n ** 255n : number) < p,
        'a key that is not canonical has an id',
      );
    },
  };
}
