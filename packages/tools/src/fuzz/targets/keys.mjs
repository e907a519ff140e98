/** Chapter 06: bytes that claim to be a key or a signature. */
import { answerOf, must } from '../core.mjs';
import { fromHex, seedsOf, toHex } from '../seeds.mjs';

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

/** Input: u8 algorithm ‖ public key. A key that has an id has only one encoding. @param {Core} core @param {readonly VectorTest[]} tests @returns {Target} */
export function keyIdTarget(core, tests) {
  const p = 2n ** 255n - 19n;
  const { ed25519, x25519 } = core.keyAlgorithms;
  return {
    name: 'key-id',
    files: /^crypto\/(ed25519-rule|x25519-rule|key-id)/,
    seeds: [
      ...seedsOf(tests, 'key.id', ({ alg, publicKey }) => [
        Buffer.concat([Uint8Array.of(Number(alg)), fromHex(publicKey)]),
      ]),
      ...seedsOf(tests, 'ed25519.verify', ({ publicKey }) => [
        Buffer.concat([Uint8Array.of(ed25519), fromHex(publicKey)]),
      ]),
    ],
    maxBytes: 40,
    run(input) {
      const algorithm = input[0] ?? 0;
      const key = input.subarray(1);
      const { code } = answerOf(core, () => core.keyId(core.nodeProvider, algorithm, key));
      if (code !== undefined) return;
      must(algorithm === ed25519 || algorithm === x25519, 'a key of an unknown algorithm has an id');
      const number = BigInt(`0x0${toHex(key.toReversed())}`);
      const y = algorithm === ed25519 ? number % 2n ** 255n : number;
      must(key.length === 32 && y < p, 'a key that is not canonical has an id');
    },
  };
}
