import { openEnvelope, parseEnvelope, patternKinds, StreamSealer, TridcommError } from '@tridcomm/core';
import { nodeProvider } from '@tridcomm/core/node';
import { expect, it } from 'vitest';
import type { SealInput } from '../../src/envelope/seal.ts';
import { headSeqExtension } from '../../src/patterns/head-seq.ts';
import { checkReplyToForward, type ReplyChecker } from '../../src/patterns/reply-check.ts';
import { replyInput } from '../../src/patterns/replies.ts';
import { workOf } from '../../src/patterns/work.ts';
import { countingRandom, newSender, nowMs } from '../envelope/parties.ts';
import { codeOf } from '../keys/support.ts';
import { Asking, changed, crewOf, epochNumber, filled, poolEpoch, poolHash32, work } from './pool-parties.ts';

/** A reply to a message of a dealer, as who works seals it, and what a router that hears it has. */
function replied(patternKind: number = patternKinds.routerDealer.reply) {
  const dealer = new Asking({ pattern: 'message' });
  const front = { number: 4, suite: 1, epochSecret32: filled(32, 1), groupContext32: filled(32, 2) };
  const crew = crewOf([dealer.sender]);
  const message = openEnvelope(
    crew,
    dealer.seal([work('x')], { routing: { data: filled(1, 1), epoch: front } }),
    nowMs,
  )!;
  const responder = newSender(nodeProvider);
  const source = crew.replySource(poolEpoch, message);
  const sealer = new StreamSealer({
    provider: nodeProvider,
    random: countingRandom(),
    keySource: source.keySource,
    senderKeyId32: responder.keyId32,
    hedgeSecret32: filled(32, 4),
    patternKind,
    topicTag16: filled(16, 0xa7),
    epoch: epochNumber,
  });
  const [{ id32, leaf, index }] = workOf(message, nowMs) as [ReturnType<typeof workOf>[0]];
  const fields = { keyinfo: source.keyinfo, headSeq: 7, chain: filled(32, 0xcc), timestampMs: nowMs };
  const reply = (change: Partial<SealInput> = {}): Uint8Array => {
    const said = { id32, leaf, index, status: 0, body: filled(3, 3) };
    const unsigned = sealer.seal({ ...replyInput([said], fields, true), ...change });
    return unsigned.finish(nodeProvider.ed25519Sign(responder.keyPair.secretKey, unsigned.signInput));
  };
  const checker: ReplyChecker = {
    provider: nodeProvider,
    pool: (epoch) => (epoch === epochNumber ? { suite: 1, poolHash32 } : undefined),
    checkView: () => undefined,
    findSender: (id) => (Buffer.compare(id, responder.keyId32.subarray(0, 16)) === 0 ? responder : undefined),
    mayRespond: () => true,
  };
  const check = (bytes: Uint8Array, change: Partial<ReplyChecker> = {}, atMs = nowMs) =>
    codeOf(() =>
      checkReplyToForward({ ...checker, ...change }, parseEnvelope(bytes), atMs, (signed) =>
        nodeProvider.ed25519Verify(signed.publicKey32, signed.signInput, signed.signature),
      ),
    );
  return { reply, check, checker, message };
}

it('patterns.43 a router forwards replies of who may respond, without a key of the crew, whenever they come', () => {
  const { reply, check } = replied();
  const bytes = reply();
  expect([check(bytes), check(bytes)]).toEqual(['ok', 'ok']);
  // Whether it is still of use, and whether it was seen, who deals knows.
  expect(check(bytes, {}, nowMs + 3_600_000)).toBe('ok');
});

it('patterns.43 what a router refuses of a reply, in its order', () => {
  const { reply, check, checker } = replied();
  const none = { pool: () => undefined };
  const stale = {
    checkView: () => {
      throw new TridcommError('E_STALE');
    },
  };
  const otherSuite = { pool: () => ({ suite: 2, poolHash32 }) };
  const unknown = { findSender: () => undefined };
  const mayNot = { mayRespond: () => false };
  const forged = changed(reply(), -1);
  expect(check(replied(patternKinds.reqRep.reply).reply(), none)).toBe('E_ENCODING');
  expect(check(reply({ form: 'single', keyinfo: filled(1, 1), extensions: [] }), none)).toBe('E_ENCODING');
  expect(check(reply({ extensions: [], keyinfo: filled(1, 1) }), none)).toBe('E_EXT');
  expect(check(reply({ extensions: [headSeqExtension(7)], keyinfo: filled(1, 1) }), none)).toBe('E_EXT');
  expect(check(reply({ keyinfo: filled(31, 1) }), none)).toBe('E_LENGTH');
  expect(check(forged, { ...none, ...stale })).toBe('E_EPOCH');
  expect(check(forged, { ...stale, ...otherSuite })).toBe('E_STALE');
  expect(check(forged, { ...otherSuite, ...unknown })).toBe('E_SUITE');
  expect(check(forged, { ...unknown, ...mayNot })).toBe('E_SENDER');
  expect(check(forged, mayNot)).toBe('E_POLICY');
  expect(check(forged)).toBe('E_SIG');
  // Signed for another pool, or another stream.
  expect(check(reply(), { pool: () => ({ suite: 1, poolHash32: filled(32, 1) }) })).toBe('E_SIG');
  expect(check(reply({ keyinfo: filled(32, 1) }))).toBe('E_SIG');
  // A signature of another form than the rule's is none, whatever an engine says of it.
  const odd = reply();
  odd.fill(0xff, odd.length - 32);
  expect(codeOf(() => checkReplyToForward(checker, parseEnvelope(odd), nowMs, () => true))).toBe('E_SIG');
});

it('patterns.43 a message is no reply to forward', () => {
  const { check } = replied();
  const dealer = new Asking({ pattern: 'message' });
  const front = { number: 4, suite: 1, epochSecret32: filled(32, 1), groupContext32: filled(32, 2) };
  expect(check(dealer.seal([work('x')], { routing: { data: filled(1, 1), epoch: front } }))).toBe('E_ENCODING');
});
