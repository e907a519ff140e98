import { openEnvelope, parseEnvelope, patternKinds, ReplayGuard, StreamSealer, TridcommError } from '@tridcomm/core';
import { nodeProvider } from '@tridcomm/core/node';
import { expect, it } from 'vitest';
import { extensions } from '../../src/codepoints/extensions.gen.ts';
import { limits } from '../../src/codepoints/limits.gen.ts';
import { finishOpen } from '../../src/envelope/open.ts';
import {
  deriveRoutingKey,
  openRouting,
  routingEpochOf,
  sealRouting,
  type RoutingInput,
  type RoutingPlace,
} from '../../src/envelope/routing.ts';
import type { SealInput } from '../../src/envelope/seal.ts';
import {
  beginForward,
  forwardedOf,
  forwardInput,
  type Forwarded,
  type ForwardReceiver,
} from '../../src/patterns/forwards.ts';
import { headSeqExtension } from '../../src/patterns/head-seq.ts';
import { Router, type RouterOptions } from '../../src/patterns/router.ts';
import { workOf } from '../../src/patterns/work.ts';
import { countingRandom, keySourceOf, newSender, nowMs, topicTag16, type Sender } from '../envelope/parties.ts';
import { codeOf } from '../keys/support.ts';
import {
  Asking,
  changed,
  crewOf,
  CountingProvider,
  epochNumber,
  filled,
  guard,
  poolHash32,
  textOf,
  work,
} from './pool-parties.ts';

const frontEpoch = 4;
const front = { suite: 2, epochSecret32: filled(32, 0xe0), groupContext32: filled(32, 0xc0) };
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const routing = (text: string): RoutingInput => ({ data: encode(text), epoch: { ...front, number: frontEpoch } });

function dealer(): Asking {
  return new Asking({ pattern: 'message' });
}

function routerOf(senders: readonly Sender[], change: Partial<RouterOptions> = {}) {
  const replay = guard();
  const router = new Router({
    provider: nodeProvider,
    skewMs: 1_000,
    isOfFront: (tag) => Buffer.compare(tag, topicTag16) === 0,
    pool: (epoch) =>
      epoch === epochNumber ? { suite: 1, poolHash32, notBeforeMs: nowMs, notAfterMs: nowMs, replay } : undefined,
    checkView: () => undefined,
    epoch: (number) => (number === frontEpoch ? front : undefined),
    findSender: (id) => senders.find(({ keyId32 }) => Buffer.compare(keyId32.subarray(0, 16), id) === 0),
    mayPublish: () => true,
    ...change,
  });
  const take = (bytes: Uint8Array, atMs = nowMs) => {
    const pending = router.begin(parseEnvelope(bytes), atMs);
    if (pending === undefined) return undefined;
    const { publicKey32, signInput, signature } = pending;
    pending.verified(nodeProvider.ed25519Verify(publicKey32, signInput, signature));
    return pending.commit();
  };
  return { router, take };
}

it('patterns.36 patterns.38 routing data open under the epoch of the front alone, at their place alone', () => {
  const place: RoutingPlace = {
    senderKeyId32: filled(32, 3),
    streamId8: filled(8, 5),
    seq: 7,
    salt16: filled(16, 6),
  };
  const value = sealRouting(nodeProvider, routing('left'), place);
  expect([value.length, routingEpochOf(value)]).toEqual([4 + 4 + 16, frontEpoch]);
  const open = (epoch = front, at = place, bytes = value) => codeOf(() => openRouting(nodeProvider, epoch, at, bytes));
  expect(textOf(openRouting(nodeProvider, front, place, value))).toBe('left');
  expect([
    open({ ...front, epochSecret32: filled(32, 1) }),
    open({ ...front, groupContext32: filled(32, 1) }),
    open({ ...front, suite: 1 }),
    open(front, { ...place, senderKeyId32: filled(32, 4) }),
    open(front, { ...place, streamId8: filled(8, 6) }),
    open(front, { ...place, seq: 8 }),
    open(front, { ...place, salt16: filled(16, 7) }),
    open(front, place, changed(value, -1)),
    open(front, place, value.subarray(0, 19)),
  ]).toEqual(Array.from({ length: 9 }, () => 'E_AEAD'));
  // No two places share key or nonce.
  const others: RoutingPlace[] = [
    { ...place, seq: 8 },
    { ...place, streamId8: filled(8, 6) },
    { ...place, salt16: filled(16, 7) },
  ];
  const keys = [place, ...others].map((at) => {
    const { key32, nonce12 } = deriveRoutingKey(nodeProvider, front, at);
    return Buffer.concat([key32, nonce12]).toString('hex');
  });
  expect(new Set(keys).size).toBe(4);
  const seal = (bytes: number) =>
    codeOf(() => sealRouting(nodeProvider, { ...routing(''), data: new Uint8Array(bytes) }, place));
  expect([seal(0), seal(1_024), seal(1_025)]).toEqual(['ok', 'ok', 'E_LIMIT']);
});

it('patterns.37 a router reads sender and routing data without a key of the crew, and each message once', () => {
  const asking = dealer();
  const counting = new CountingProvider();
  const { router, take } = routerOf([asking.sender], { provider: counting.provider });
  const envelope = asking.seal([work('for the crew')], { routing: routing('left') });
  const routed = take(envelope)!;
  expect([textOf(routed.routing), routed.sender.keyId32]).toEqual(['left', asking.sender.keyId32]);
  expect(counting.agreements).toBe(0);
  expect(codeOf(() => take(envelope))).toBe('E_REPLAY');
  const again = router.again(parseEnvelope(envelope), nowMs)!;
  expect([textOf(again.routing), again.id32]).toEqual(['left', routed.id32]);
  expect(router.again(parseEnvelope(changed(envelope, -1)), nowMs)).toBeUndefined();
  expect(codeOf(() => take(envelope))).toBe('E_REPLAY');
  // What it handed on opens at the crew as it came.
  const opened = openEnvelope(crewOf([asking.sender]), envelope, nowMs)!;
  expect([workOf(opened, nowMs).map(({ body }) => textOf(body)), opened.id32]).toEqual([['for the crew'], routed.id32]);
  expect(take(asking.seal([work('next')], { routing: routing('') }))!.routing).toHaveLength(0);
});

it('patterns.37 what a router refuses, in its order, changes nothing', () => {
  const asking = dealer();
  const envelope = asking.seal([work('x')], { routing: routing('left') });
  const others = new Asking();
  const refused = (bytes: Uint8Array, change: Partial<RouterOptions> = {}, atMs = nowMs) =>
    codeOf(() => routerOf([asking.sender, others.sender], change).take(bytes, atMs));
  const stale = { checkView: () => codeThrown('E_STALE') };
  const pool = (notBeforeMs: number, notAfterMs: number, suite = 1) => ({
    pool: () => ({ suite, poolHash32, notBeforeMs, notAfterMs, replay: guard() }),
  });
  expect(refused(others.seal(), { pool: () => undefined })).toBe('E_ENCODING');
  expect(refused(envelope, { pool: () => undefined, ...stale })).toBe('E_EPOCH');
  expect(refused(envelope, { ...pool(nowMs + 1_001, nowMs + 9_999), ...stale })).toBe('E_EPOCH');
  expect(refused(envelope, { ...pool(0, nowMs - 1_001), ...stale })).toBe('E_EPOCH');
  expect(refused(envelope, pool(nowMs + 1_000, nowMs + 9_999))).toBe('ok');
  expect(refused(envelope, pool(0, nowMs - 1_000))).toBe('ok');
  const noExtension = without(asking, extensions.headSeq);
  expect(refused(noExtension, stale)).toBe('E_STALE');
  expect(refused(noExtension, { ...pool(nowMs, nowMs, 2), epoch: () => undefined })).toBe('E_EXT');
  expect(refused(without(asking, extensions.routing))).toBe('E_EXT');
  expect(refused(envelope, { ...pool(nowMs, nowMs, 2), epoch: () => undefined })).toBe('E_SUITE');
  expect(refused(envelope, { epoch: () => undefined, findSender: () => undefined })).toBe('E_EPOCH');
  expect(refused(envelope, { findSender: () => undefined })).toBe('E_SENDER');
  expect(refused(envelope, { mayPublish: () => false })).toBe('E_POLICY');
  expect(refused(envelope, {}, nowMs + 200_000)).toBe('E_EXPIRED');
  expect(refused(changed(envelope, -1))).toBe('E_SIG');
  expect(routerOf([asking.sender], { isOfFront: () => false }).take(envelope)).toBeUndefined();
  const { take } = routerOf([asking.sender]);
  expect(codeOf(() => take(changed(envelope, -1)))).toBe('E_SIG');
  expect(textOf(take(envelope)!.routing)).toBe('left');
});

it('patterns.38 routing data that are changed break the signature, and signed anew do not open, at a router alone', () => {
  const asking = dealer();
  const envelope = asking.seal([work('x')], { routing: routing('left') });
  const at = parseEnvelope(envelope).protectedHeader.length - 1;
  const { take } = routerOf([asking.sender]);
  expect(codeOf(() => take(changed(envelope, at)))).toBe('E_SIG');
  expect(codeOf(() => openEnvelope(crewOf([asking.sender]), changed(envelope, at), nowMs))).toBe('E_SIG');
  const signed = asking.signAgain(changed(envelope, at));
  expect(codeOf(() => take(signed))).toBe('E_AEAD');
  // That took no number.
  expect(textOf(take(envelope)!.routing)).toBe('left');
  expect(codeOf(() => take(signed))).toBe('E_FORK');
});

it('patterns.16 patterns.19 patterns.36 messages have a deadline, routing data, and no leaves', () => {
  const asking = dealer();
  const seal = (deadlineMs: number, change: object) => codeOf(() => asking.seal([work('x', deadlineMs)], change));
  expect([seal(0, { routing: routing('') }), seal(1, {}), seal(1, { routing: routing(''), jobsPerLeaf: 1 })]).toEqual([
    'E_USAGE',
    'E_USAGE',
    'E_USAGE',
  ]);
  expect(seal(1, { routing: { ...routing(''), data: new Uint8Array(1_025) } })).toBe('E_LIMIT');
  expect(codeOf(() => new Asking().seal([work('x')], { routing: routing('') }))).toBe('E_USAGE');
  expect(codeOf(() => openEnvelope(crewOf([asking.sender]), without(asking, extensions.routing), nowMs))).toBe('E_EXT');
});

it('patterns.16 extension 12 in a request or a job is refused, and no sealer writes it', () => {
  const asking = dealer();
  for (const kind of [patternKinds.reqRep.request, patternKinds.pipeline.push]) {
    const envelope = asking.seal([work('x')], { routing: routing('left') });
    envelope[3] = kind;
    expect(codeOf(() => openEnvelope(crewOf([asking.sender]), asking.signAgain(envelope), nowMs))).toBe('E_EXT');
  }
  const { sealAny, fields } = forwards();
  const input = forwardInput([asking.seal([work('x')], { routing: routing('') })], 'message', fields);
  expect(codeOf(() => sealAny({ ...input, routing: routing('left') }))).toBe('E_USAGE');
  const written = { number: extensions.routing, value: filled(20, 1) };
  expect(codeOf(() => sealAny({ ...input, extensions: [...input.extensions!, written] }))).toBe('E_USAGE');
});

it('patterns.38 a router takes its steps in order, each once, and none after a refusal', () => {
  const asking = dealer();
  const { router } = routerOf([asking.sender]);
  const begin = () => router.begin(parseEnvelope(asking.seal([work('x')], { routing: routing('left') })), nowMs)!;
  const refused = begin();
  expect([codeOf(() => refused.pendingWrites()), codeOf(() => refused.commit())]).toEqual(['E_USAGE', 'E_USAGE']);
  expect(codeOf(() => refused.verified(false))).toBe('E_SIG');
  expect([codeOf(() => refused.verified(true)), codeOf(() => refused.commit())]).toEqual(['E_USAGE', 'E_USAGE']);
  const taken = begin();
  taken.verified(true);
  expect(codeOf(() => taken.verified(true))).toBe('E_USAGE');
  expect(textOf(taken.commit().routing)).toBe('left');
  expect(codeOf(() => taken.commit())).toBe('E_USAGE');
});

it('patterns.36 patterns.39 the largest message that is sealed goes through a router, and a larger one takes no number', () => {
  const asking = dealer();
  const told = { ...routing(''), data: new Uint8Array(limits.routingDataBytes) };
  const record = (bytes: number) => ({ ...work(''), body: new Uint8Array(bytes) });
  const besideBytes = asking.seal([record(200_000)], { routing: told }).length - 200_000;
  const largest = limits.forwardableBytes - besideBytes;
  const envelope = asking.seal([record(largest)], { routing: told });
  expect(envelope.length).toBe(limits.forwardableBytes);
  expect(codeOf(() => asking.seal([record(largest + 1)], { routing: told }))).toBe('E_LIMIT');
  expect(parseEnvelope(asking.seal([record(1)], { routing: told })).header.seq).toBe(3);
  const { seal, take } = forwards();
  const [forwarded] = take(seal([envelope]));
  expect(Buffer.compare(forwarded!, envelope)).toBe(0);
  const opened = openEnvelope(crewOf([asking.sender]), forwarded!, nowMs)!;
  expect(workOf(opened, nowMs)[0]!.body).toHaveLength(largest);
  // What nobody forwards may have more.
  expect(new Asking().seal([record(largest + 1_000)]).length).toBeGreaterThan(limits.forwardableBytes - 100);
});

/** A router that sends, and a member of the front that takes. */
function forwards(change: Partial<ForwardReceiver> = {}) {
  const sender = newSender(nodeProvider);
  const keySource = keySourceOf(1);
  const replay = new ReplayGuard({ hashKey16: filled(16, 0), life: { kind: 'volatile', bootMs: 0 } });
  const sealer = new StreamSealer({
    provider: nodeProvider,
    random: countingRandom(),
    keySource,
    senderKeyId32: sender.keyId32,
    hedgeSecret32: filled(32, 4),
    patternKind: patternKinds.routerDealer.forward,
    topicTag16: filled(16, 0x1b),
    epoch: frontEpoch,
  });
  const sealAny = (input: SealInput): Uint8Array => {
    const unsigned = sealer.seal(input);
    return unsigned.finish(nodeProvider.ed25519Sign(sender.keyPair.secretKey, unsigned.signInput));
  };
  const fields = { headSeq: 7, chain: filled(32, 0xcc), timestampMs: nowMs };
  const seal = (envelopes: readonly Uint8Array[], carries: Forwarded = 'message') =>
    sealAny(forwardInput(envelopes, carries, fields));
  const receiver: ForwardReceiver = {
    provider: nodeProvider,
    epoch: (number) => (number === frontEpoch ? { keySource, replay } : undefined),
    checkView: () => undefined,
    findSender: (id) => (Buffer.compare(id, sender.keyId32.subarray(0, 16)) === 0 ? sender : undefined),
    mayRoute: () => true,
    ...change,
  };
  const take = (bytes: Uint8Array, carries: Forwarded = 'message') =>
    forwardedOf(finishOpen(nodeProvider, beginForward(receiver, carries, parseEnvelope(bytes), nowMs))!);
  return { seal, sealAny, take, fields };
}

it('patterns.39 patterns.41 a forward carries messages, or replies, as they are', () => {
  const asking = dealer();
  const messages = ['a', 'b'].map((text) => asking.seal([work(text)], { routing: routing(text) }));
  const { seal, take } = forwards();
  const forward = seal(messages);
  const forwarded = take(forward);
  expect(forwarded).toEqual(messages);
  const crew = crewOf([asking.sender]);
  expect(forwarded.map((bytes) => textOf(workOf(openEnvelope(crew, bytes, nowMs)!, nowMs)[0]!.body))).toEqual([
    'a',
    'b',
  ]);
  expect(codeOf(() => take(forward))).toBe('E_REPLAY');
  // What is inside is judged by itself: a byte of it is changed before it was forwarded.
  const [good, bad] = take(seal([messages[0]!, changed(messages[1]!, -1)])) as [Uint8Array, Uint8Array];
  expect([good, bad].map((bytes) => codeOf(() => openEnvelope(crewOf([asking.sender]), bytes, nowMs)))).toEqual([
    'ok',
    'E_SIG',
  ]);
  expect(codeOf(() => seal([new Asking().seal()]))).toBe('E_USAGE');
  expect(codeOf(() => seal(messages, 'reply'))).toBe('E_USAGE');
});

it('patterns.40 a forward in a forward, or of anything else, is refused and recorded', () => {
  const message = dealer().seal([work('x')], { routing: routing('') });
  const { seal, sealAny, take, fields } = forwards();
  const around = (payload: Uint8Array): SealInput => ({
    ...forwardInput([message], 'message', fields),
    messages: [{ timestampMs: nowMs, payload }],
  });
  const nested = sealAny(around(seal([message])));
  expect(codeOf(() => take(nested))).toBe('E_ENCODING');
  expect(codeOf(() => take(nested))).toBe('E_REPLAY');
  for (const payload of [
    new Asking().seal(),
    message.subarray(0, 95),
    filled(200, 0x70),
    changed(message, 2),
    filled(0, 0),
  ]) {
    expect(codeOf(() => take(sealAny(around(payload))))).toBe('E_ENCODING');
  }
  // No reply, so not for who deals.
  expect(codeOf(() => take(seal([message]), 'reply'))).toBe('E_ENCODING');
  // A header alone is enough for the forward.
  expect(take(sealAny(around(message.subarray(0, 96))))).toHaveLength(1);
});

it('patterns.40 form, epoch, freshness and right to route are asked in this order', () => {
  const message = dealer().seal([work('x')], { routing: routing('') });
  const refusedBy = (change: Partial<ForwardReceiver>, input: Partial<SealInput> = {}) => {
    const { sealAny, take, fields } = forwards(change);
    return codeOf(() => take(sealAny({ ...forwardInput([message], 'message', fields), ...input })));
  };
  const none = { epoch: () => undefined };
  const stale = { checkView: () => codeThrown('E_STALE') };
  expect(refusedBy(none, { form: 'single' })).toBe('E_ENCODING');
  expect(refusedBy(none, { keyinfo: filled(1, 1), extensions: [] })).toBe('E_ENCODING');
  expect(refusedBy(none, { extensions: [] })).toBe('E_EXT');
  expect(refusedBy(none, { extensions: [headSeqExtension(1)] })).toBe('E_EXT');
  const oneValue = [headSeqExtension(1), { number: extensions.topicChain, value: filled(16, 1) }];
  expect(refusedBy(none, { extensions: oneValue })).toBe('E_EXT');
  expect(refusedBy({ ...none, ...stale })).toBe('E_EPOCH');
  expect(refusedBy({ ...stale, findSender: () => undefined })).toBe('E_STALE');
  expect(refusedBy({ findSender: () => undefined })).toBe('E_SENDER');
  expect(refusedBy({ mayRoute: () => false })).toBe('E_POLICY');
  expect(refusedBy({})).toBe('ok');
  // Under an inbox tag there is nothing else.
  expect(codeOf(() => forwards(none).take(message))).toBe('E_ENCODING');
});

function codeThrown(code: 'E_STALE'): never {
  throw new TridcommError(code);
}

/** A message as a careless dealer seals it, without one of its extensions. */
function without(asking: Asking, number: number): Uint8Array {
  const envelope = asking.seal([work('x')], { routing: routing('left') });
  const { header } = parseEnvelope(envelope);
  const old = new DataView(envelope.buffer, envelope.byteOffset);
  let at = 96;
  while ((old.getUint16(at) & 0x7fff) !== number) at += 4 + old.getUint16(at + 2);
  const length = 4 + old.getUint16(at + 2);
  const shorter = Uint8Array.from([...envelope.subarray(0, at), ...envelope.subarray(at + length)]);
  new DataView(shorter.buffer).setUint16(88, header.extensionsLengthBytes - length);
  return asking.signAgain(shorter);
}
