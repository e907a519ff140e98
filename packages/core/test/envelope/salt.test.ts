import { expect, it } from 'vitest';
import { decodeHeader, patternKinds, StreamSealer, suites } from '@tridcomm/core';
import { nodeProvider } from '@tridcomm/core/node';
import { deadRandom, keySourceOf, nowMs, Pair, topicTag16 } from './parties.ts';

it(
  'suites.16 two images of one process with one dead random source never repeat a salt but for the same envelope',
  { timeout: 120_000 },
  () => {
    // Stream ids, process secret and random16 are equal in both: only header and plaintext are left to tell records apart.
    const newImage = () =>
      new StreamSealer({
        provider: nodeProvider,
        random: deadRandom,
        keySource: keySourceOf(suites.x25519Aes256GcmEd25519),
        senderKeyId32: new Uint8Array(32).fill(5),
        hedgeSecret32: new Uint8Array(32).fill(4),
        patternKind: patternKinds.pubSub.data,
        topicTag16,
        epoch: 7,
      });
    const images = [newImage(), newImage()];
    const contentBySalt = new Map<string, string>();
    let repeats = 0;
    for (let i = 0; i < 50_000; i++) {
      for (const [image, sealer] of images.entries()) {
        // Every tenth message is the same in both images, the others differ in a byte.
        const payload = Uint8Array.of(i, i >> 8, i >> 16, i % 10 === 0 ? 0 : image);
        const { signInput, finish } = sealer.seal({
          form: 'single',
          messages: [{ timestampMs: nowMs, payload }],
          timestampMs: nowMs,
        });
        const envelope = finish(new Uint8Array(64));
        const salt = Buffer.from(decodeHeader(envelope).salt).toString('hex');
        const content = Buffer.from(signInput).toString('hex');
        const before = contentBySalt.get(salt);
        if (before !== undefined) {
          repeats++;
          expect(before).toBe(content);
        }
        contentBySalt.set(salt, content);
      }
    }
    expect(repeats).toBe(5_000);
  },
);

it('suites.10 one random source, one plaintext cut in two ways: two salts', () => {
  const bytes = (text: string) => ({ timestampMs: nowMs, payload: new TextEncoder().encode(text) });
  const salts = [
    ['ab', 'c'],
    ['a', 'bc'],
  ].map((texts) => {
    const pair = new Pair(nodeProvider, { random: deadRandom });
    const messages = texts.map(bytes);
    const { finish } = pair.sealer.seal({ form: 'merkle', jobsPerLeaf: 1, messages, timestampMs: nowMs });
    return Buffer.from(decodeHeader(finish(new Uint8Array(64))).salt).toString('hex');
  });
  expect(salts[0]).not.toBe(salts[1]);
});
