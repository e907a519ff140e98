import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { keyAlgorithms, keyId, patternKinds, StreamSealer, suites, type KeySource } from '@tridcomm/core';
import {
  derivePoolKeyPair,
  replyContext,
  replyKeyinfo,
  setupPoolStream,
  setupSurveyReply,
} from '@tridcomm/core/internal';
import { nodeProvider } from '@tridcomm/core/node';
import { KeyRing, type Keys } from '../../src/patterns/key-ring.ts';

const suite = suites.x25519ChaCha20Poly1305Ed25519;
const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
const { secretKey, publicKey } = nodeProvider.generateKeyPair('ed25519');
const sender = { keyId32: keyId(nodeProvider, keyAlgorithms.ed25519, publicKey), publicKey32: publicKey };
const senders = new Map([[Buffer.from(sender.keyId32.subarray(0, 16)).toString('hex'), sender]]);
const poolHash32 = random(32);
const epochOf = (): KeySource => {
  return { suite, sourceSecret32: random(32), groupContext32: random(32), bind32: random(32) };
};
const epoch = epochOf();
const ring = (keys: Partial<Keys> = {}) =>
  new KeyRing({ epochs: [epochOf(), epoch], poolHashes: [poolHash32], senders, ...keys });

function sealed(
  keySource: KeySource,
  patternKind: number,
  keyinfo: Uint8Array = new Uint8Array(0),
  streamId8: Uint8Array = random(8),
): Uint8Array {
  const hedgeSecret32 = random(32);
  const options = { provider: nodeProvider, random, keySource, hedgeSecret32, patternKind, streamId8, epoch: 1 };
  const sealer = new StreamSealer({ ...options, senderKeyId32: sender.keyId32, topicTag16: random(16) });
  const timestampMs = Date.now();
  const unsigned = sealer.seal({
    form: 'batch',
    messages: [{ timestampMs, payload: random(50) }],
    timestampMs,
    keyinfo,
  });
  return unsigned.finish(nodeProvider.ed25519Sign(secretKey, unsigned.signInput));
}

test('what is sealed under an epoch opens with that epoch alone', () => {
  const envelope = sealed(epoch, patternKinds.bus.data);
  expect(ring().opens([envelope])).toBe(1);
  expect(ring({ epochs: [epochOf()] }).opens([envelope])).toBe(0);
});

test('a request and its reply open with an epoch of the crew, and with the record of the pool', () => {
  const keyPair = derivePoolKeyPair(nodeProvider, epoch.sourceSecret32, epoch.groupContext32);
  const terms = { suite, poolHash32, senderKeyId32: sender.keyId32 };
  const setup = setupPoolStream(nodeProvider, terms, keyPair.publicKey, Date.now(), random);
  const request = sealed(setup.keySource, patternKinds.reqRep.request, setup.keyinfo, setup.streamId8);
  const keyinfo = replyKeyinfo(nodeProvider, setup.enc32);
  const context32 = replyContext(nodeProvider, keyinfo, poolHash32);
  const replyKey = { suite, sourceSecret32: setup.replySecret32, groupContext32: context32, bind32: context32 };
  const both = [request, sealed(replyKey, patternKinds.reqRep.reply, keyinfo)];
  expect(ring().opens(both)).toBe(2);
  expect(ring({ epochs: [epochOf()] }).opens(both)).toBe(0);
  expect(ring({ poolHashes: [random(32)] }).opens(both)).toBe(0);
});

test('a reply to a survey opens with the private key of the survey, if that is on the disk', () => {
  const questionId32 = random(32);
  const replyKey32 = nodeProvider.publicKey('x25519', epoch.sourceSecret32);
  const terms = { suite, questionId32, responderKeyId32: sender.keyId32 };
  const { keySource, keyinfo } = setupSurveyReply(nodeProvider, terms, replyKey32, random);
  const reply = sealed(keySource, patternKinds.survey.reply, keyinfo);
  expect(ring().opens([reply])).toBe(1);
  expect(ring({ epochs: [epochOf()] }).opens([reply])).toBe(0);
});
