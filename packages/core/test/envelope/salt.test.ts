import { expect, it } from 'vitest';
import { decodeHeader, patternKinds, StreamSealer, suites } from '@tridcomm/core';
import { nodeProvider } from '@tridcomm/core/node';
import { deriveSalt } from '../../src/crypto/key-schedule.ts';
import { parseEnvelope } from '../../src/wire/envelope.ts';
import { encodeRecords } from '../../src/wire/records.ts';
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

it('suites.10 suites.16 patterns.36 two images that tell routers other things, in the same envelope, have two salts', () => {
  const keySource = keySourceOf(suites.x25519Aes256GcmEd25519);
  const hedgeSecret32 = new Uint8Array(32).fill(4);
  const messages = [{ timestampMs: nowMs, payload: Uint8Array.of(1, 2, 3) }];
  const seal = (text: string, number = 9) => {
    const sealer = new StreamSealer({
      provider: nodeProvider,
      random: deadRandom,
      keySource,
      senderKeyId32: new Uint8Array(32).fill(5),
      hedgeSecret32,
      patternKind: patternKinds.routerDealer.message,
      topicTag16,
      epoch: 7,
    });
    const front = { suite: 1, epochSecret32: new Uint8Array(32).fill(6), groupContext32: new Uint8Array(32).fill(7) };
    const routing = { data: new TextEncoder().encode(text), epoch: { ...front, number } };
    const { finish } = sealer.seal({ form: 'batch', messages, timestampMs: nowMs, routing });
    const { header, extensions, protectedHeader } = parseEnvelope(finish(new Uint8Array(64)));
    return { salt: Buffer.from(header.salt).toString('hex'), value: extensions.value(12)!, protectedHeader };
  };
  const [a, b] = [seal('left house'), seal('right door')];
  expect(seal('left house')).toEqual(a);
  expect(new Set([a.salt, b.salt, seal('left house', 10).salt]).size).toBe(3);
  // One keystream for both would show what one is by the other.
  const xor = (one: Uint8Array, other: Uint8Array) => one.map((byte, i) => byte ^ other[i]!);
  const [left, right] = ['left house', 'right door'].map((text) => new TextEncoder().encode(text));
  expect(xor(a.value.subarray(4, 14), b.value.subarray(4, 14))).not.toEqual(xor(left!, right!));
  // As chapter 06 says: what is sealed of extension 12 is zero in PHS, its epoch is not, and the routing data follow the plaintext.
  const saltHeader = a.protectedHeader.slice();
  saltHeader.fill(0, 72, 88);
  saltHeader.fill(0, saltHeader.length - a.value.length + 4);
  const plaintext = encodeRecords(messages, 0, 1, nowMs, false);
  const told = [plaintext, left!];
  const salt = deriveSalt(nodeProvider, hedgeSecret32, deadRandom(16), saltHeader, keySource.bind32, told);
  expect(Buffer.from(salt).toString('hex')).toBe(a.salt);
});
