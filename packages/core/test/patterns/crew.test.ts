import {
  openEnvelope,
  openJob,
  parseEnvelope,
  patternKinds,
  SplitBatch,
  StreamSealer,
  TridcommError,
} from '@tridcomm/core';
import { nodeProvider } from '@tridcomm/core/node';
import { expect, it } from 'vitest';
import { PoolSetups } from '../../src/patterns/pool-setups.ts';
import { openPoolStream, poolInfo, setupPoolStream } from '../../src/patterns/pool-stream.ts';
import { encodeWork, workOf } from '../../src/patterns/work.ts';
import { codeOf } from '../keys/support.ts';
import { countingRandom, newSender, nowMs, topicTag16 } from '../envelope/parties.ts';
import {
  Asking,
  changed,
  CountingProvider,
  crewOf,
  epochNumber,
  filled,
  poolEpoch,
  poolHash32,
  poolKeys,
  textOf,
  work,
} from './pool-parties.ts';

const senderKeyId32 = filled(32, 3);
const terms = { suite: 1, poolHash32, senderKeyId32 };

it('patterns.15 patterns.19 patterns.20 a request opens at the crew, with its key, deadline and name', () => {
  const asking = new Asking();
  const crew = crewOf([asking.sender]);
  const opened = openEnvelope(crew, asking.seal([work('one'), work('two', nowMs - 1)]), nowMs)!;
  const [first, second] = workOf(opened, nowMs);
  expect(first).toMatchObject({ leaf: 0, index: 0, deadlineMs: nowMs + 1000, isLate: false, id32: opened.id32 });
  expect([first!, second!].map(({ body }) => textOf(body))).toEqual(['one', 'two']);
  expect(second).toMatchObject({ index: 1, isLate: true });
  expect(codeOf(() => openEnvelope(crew, asking.seal([work('no', 0)]), nowMs))).toBe('E_USAGE');
});

it('patterns.15 jobs in leaves name their records by leaf and index, whole or split', () => {
  const asking = new Asking({ pattern: 'job' });
  const jobs = Array.from({ length: 5 }, (_, i) => work(String(i), 0));
  const envelope = asking.seal(jobs, { jobsPerLeaf: 2 });
  const names = [
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
    [2, 0],
  ];
  const whole = workOf(openEnvelope(crewOf([asking.sender]), envelope, nowMs)!, nowMs);
  expect(whole.map(({ leaf, index }) => [leaf, index])).toEqual(names);
  const batch = new SplitBatch(nodeProvider, parseEnvelope(envelope));
  const crew = crewOf([asking.sender]);
  const split = [0, 2, 1].flatMap((leaf) => workOf(openJob(crew, batch.job(leaf), nowMs)!, nowMs));
  expect(split.map(({ leaf, index }) => [leaf, index])).toEqual([0, 1, 4, 2, 3].map((i) => names[i]));
  expect(split.every(({ isLate }) => !isLate)).toBe(true);
  expect(codeOf(() => openJob(crew, batch.job(0), nowMs))).toBe('E_REPLAY');
});

it('patterns.18 no private key is used before signature and right, and one stream costs one operation', () => {
  const counting = new CountingProvider();
  const asking = new Asking();
  const envelope = asking.seal();
  const { provider } = counting;
  const mayNot = crewOf([asking.sender], { provider, mayPublish: () => false });
  expect(codeOf(() => openEnvelope(mayNot, envelope, nowMs))).toBe('E_POLICY');
  const crew = crewOf([asking.sender], { provider });
  expect(codeOf(() => openEnvelope(crew, changed(envelope, -1), nowMs))).toBe('E_SIG');
  expect(codeOf(() => openEnvelope(crew, changed(envelope, -80), nowMs))).toBe('E_SIG');
  expect(counting.agreements).toBe(0);
  openEnvelope(crew, envelope, nowMs);
  for (let i = 0; i < 3; i++) openEnvelope(crew, asking.seal(), nowMs);
  expect(counting.agreements).toBe(1);
  expect(codeOf(() => openEnvelope(crew, envelope, nowMs))).toBe('E_REPLAY');
  expect(counting.agreements).toBe(1);
});

it('suites.7 replay.7 who repeats is nobody whose signature has another form, whatever the engine takes', () => {
  const asking = new Asking();
  const envelope = asking.seal();
  // An engine that takes every signature.
  const provider = { ...nodeProvider, ed25519Verify: () => true };
  const crew = crewOf([asking.sender], { provider });
  expect(crew.identify(parseEnvelope(envelope), nowMs)?.id32.length).toBe(32);
  const forms = [envelope.slice().fill(0xff, -32), envelope.slice().fill(0, -64, -32)];
  for (const bytes of forms) expect(crew.identify(parseEnvelope(bytes), nowMs)).toBeUndefined();
});

it('patterns.18 what no AEAD has opened under is not kept', () => {
  const asking = new Asking();
  const setups = new PoolSetups();
  const counting = new CountingProvider();
  const { provider } = counting;
  // The asker itself signs a body that it has broken.
  const envelope = asking.signAgain(changed(asking.seal(), -80));
  const broken = crewOf([asking.sender], { setups, provider });
  expect(codeOf(() => openEnvelope(broken, envelope, nowMs))).toBe('E_AEAD');
  expect(counting.agreements).toBe(1);
  const keyinfo = parseEnvelope(envelope).keyinfo;
  const name = { poolHash32, senderKeyId32: asking.sender.keyId32, keyinfo };
  expect(setups.get(name)).toBeUndefined();
  openEnvelope(crewOf([asking.sender], { setups, provider }), asking.seal(), nowMs);
  expect(setups.get(name)).toBeDefined();
});

it('patterns.18 an enc of small order is E_AEAD, in a stream that its sender signed', () => {
  for (const first of [0, 1]) {
    const enc32 = Uint8Array.of(first, ...new Uint8Array(31));
    expect(codeOf(() => openPoolStream(nodeProvider, terms, poolKeys, { enc32, startedMs: 1 }))).toBe('E_AEAD');
  }
});

it('patterns.18 256 streams of a sender are kept, the longest unused going first, and overwritten', () => {
  const setups = new PoolSetups();
  const random = countingRandom();
  const setupOf = () => setupPoolStream(nodeProvider, terms, poolKeys.publicKey, nowMs, random);
  const made = setupOf();
  const nameOf = (i: number, keyId32 = senderKeyId32) => ({
    poolHash32,
    senderKeyId32: keyId32,
    keyinfo: Uint8Array.of(i >> 8, i & 0xff),
  });
  // What is in a setup does not matter here, and a KEM operation takes long.
  const copies = Array.from({ length: 258 }, () => ({
    ...made,
    keySource: { ...made.keySource, sourceSecret32: filled(32, 7) },
    replySecret32: filled(32, 7),
  }));
  const other = filled(32, 8);
  setups.add(nameOf(0, other), made);
  for (let i = 0; i < 256; i++) setups.add(nameOf(i), copies[i]!);
  expect(setups.get(nameOf(0))).toBe(copies[0]);
  setups.add(nameOf(256), copies[256]!);
  expect(setups.get(nameOf(1))).toBeUndefined();
  expect(copies[1]!.keySource.sourceSecret32).toEqual(filled(32, 0));
  expect(copies[1]!.replySecret32).toEqual(filled(32, 0));
  expect(setups.get(nameOf(0))).toBe(copies[0]);
  expect(setups.get(nameOf(0, other))).toBe(made);
  // A stream that is held stays as it is: what is in use is not overwritten.
  setups.add(nameOf(0), copies[257]!);
  expect(setups.get(nameOf(0))).toBe(copies[0]);
  expect(copies[0]!.replySecret32).toEqual(filled(32, 7));
  expect(copies[257]!.replySecret32).toEqual(filled(32, 0));
  setups.erasePool(filled(32, 1));
  expect(setups.get(nameOf(0))).toBe(copies[0]);
  setups.erasePool(poolHash32);
  expect([setups.get(nameOf(0)), setups.get(nameOf(0, other))]).toEqual([undefined, undefined]);
  expect(copies[0]!.keySource.sourceSecret32).toEqual(filled(32, 0));
});

it('patterns.16 patterns.17 step 8 has its order', () => {
  const asking = new Asking();
  const envelope = asking.seal();
  const code = (bytes: Uint8Array, change = {}) =>
    codeOf(() => openEnvelope(crewOf([asking.sender], change), bytes, nowMs) && 'ok');
  const stale = {
    checkView: () => {
      throw new TridcommError('E_STALE');
    },
  };
  expect(code(envelope)).toBe('ok');
  expect(code(envelope, { epoch: () => undefined, ...stale })).toBe('E_EPOCH');
  const otherPattern = envelope.slice();
  otherPattern[3] = 0x20;
  expect(code(otherPattern, stale)).toBe('E_STALE');
  expect(code(otherPattern)).toBe('E_ENCODING');
  const reply = envelope.slice();
  reply[3] = 0x31;
  expect(code(reply)).toBe('E_ENCODING');
  const single = envelope.slice();
  single[7] = 0;
  expect(code(single)).toBe('E_ENCODING');
  // Suite comes last: the stream_id does not fit, and neither does the suite.
  const twice = changed(envelope, 48);
  twice[5] = 2;
  expect(code(twice)).toBe('E_ENCODING');
  const suite = envelope.slice();
  suite[5] = 2;
  expect(code(suite)).toBe('E_SUITE');
});

it('patterns.15 patterns.16 a stream ends after ten minutes, and does not begin after its envelope', () => {
  const asking = new Asking();
  const code = (bytes: Uint8Array, atMs: number) =>
    codeOf(() => openEnvelope(crewOf([asking.sender]), bytes, atMs) && 'ok');
  const last = nowMs + 600_000;
  expect(code(asking.seal([work('last', last)], {}, last), last)).toBe('ok');
  expect(asking.sealer.isOver(last)).toBe(false);
  expect(codeOf(() => asking.seal(undefined, {}, last + 1))).toBe('E_CLOSED');
  expect(codeOf(() => asking.seal(undefined, {}, nowMs - 1))).toBe('E_CLOSED');
  asking.sealer.erase();
  expect(asking.sealer.stream.replySecret32).toEqual(filled(32, 0));
  expect(codeOf(() => asking.seal())).toBe('E_CLOSED');
});

it('patterns.15 a stream ends after 2^20 envelopes', () => {
  const { sealer } = new Asking();
  const input = { records: [work('again')], headSeq: 7 };
  const { prototype } = StreamSealer;
  const own = Object.getOwnPropertyDescriptor(prototype, 'seal')!;
  // What it takes to seal each is left out; a spy would keep them all.
  Object.defineProperty(prototype, 'seal', { ...own, value: () => ({}) });
  try {
    for (let left = 2 ** 20 - 1; left > 0; left--) sealer.seal(input, nowMs);
  } finally {
    Object.defineProperty(prototype, 'seal', own);
  }
  expect(sealer.isOver(nowMs)).toBe(false);
  sealer.seal(input, nowMs);
  expect(codeOf(() => sealer.seal(input, nowMs))).toBe('E_CLOSED');
});

it('patterns.18 another sender, pool, suite or start is another stream', () => {
  const { info, keySource } = setupPoolStream(nodeProvider, terms, poolKeys.publicKey, nowMs, countingRandom());
  expect(info).toEqual(poolInfo(terms, nowMs));
  const others = [
    poolInfo({ ...terms, suite: 2 }, nowMs),
    poolInfo({ ...terms, poolHash32: filled(32, 1) }, nowMs),
    poolInfo({ ...terms, senderKeyId32: filled(32, 1) }, nowMs),
    poolInfo(terms, nowMs + 1),
  ];
  for (const other of others) expect(nodeProvider.sha256(other)).not.toEqual(keySource.bind32);
});

it('patterns.19 records that are no requests are refused in step 14, from the front, and recorded as seen', () => {
  const sender = newSender(nodeProvider);
  const mine = { ...terms, senderKeyId32: sender.keyId32 };
  const { keySource, keyinfo, streamId8 } = setupPoolStream(
    nodeProvider,
    mine,
    poolKeys.publicKey,
    nowMs,
    countingRandom(),
  );
  const crew = crewOf([sender]);
  const seal = (pattern: 'request' | 'job') => {
    const patternKind = pattern === 'request' ? patternKinds.reqRep.request : patternKinds.pipeline.push;
    const common = { provider: nodeProvider, keySource, streamId8, topicTag16, epoch: epochNumber, patternKind };
    const own = { random: countingRandom(), senderKeyId32: sender.keyId32, hedgeSecret32: filled(32, 4) };
    const sealer = new StreamSealer({ ...common, ...own });
    return (...payloads: Uint8Array[]) => {
      const messages = payloads.map((payload) => ({ timestampMs: nowMs, payload }));
      const headSeq = { number: 8, value: new Uint8Array(8) };
      const unsigned = sealer.seal({ form: 'batch', messages, timestampMs: nowMs, keyinfo, extensions: [headSeq] });
      return unsigned.finish(nodeProvider.ed25519Sign(sender.keyPair.secretKey, unsigned.signInput));
    };
  };
  const request = seal('request');
  const good = encodeWork(work(''));
  const late = good.slice().fill(0xff, 16, 24);
  const none = good.slice().fill(0, 16, 24);
  const code = (bytes: Uint8Array) => codeOf(() => openEnvelope(crew, bytes, nowMs) && 'ok');
  expect(code(request(good))).toBe('ok');
  const short = request(good, good.subarray(0, 23));
  expect([code(short), code(short)]).toEqual(['E_ENCODING', 'E_REPLAY']);
  expect(code(request(none))).toBe('E_ENCODING');
  const tooLate = request(late, good.subarray(0, 23));
  expect([code(tooLate), code(tooLate)]).toEqual(['E_LIMIT', 'E_REPLAY']);
  const job = seal('job');
  const another = crewOf([sender]);
  expect(codeOf(() => openEnvelope(another, job(none), nowMs) && 'ok')).toBe('ok');
  expect(codeOf(() => encodeWork(work('', 2 ** 53)))).toBe('E_LIMIT');
});

it('patterns.21 replies of a stream that is not remembered any more are sealed all the same', () => {
  const asking = new Asking();
  const setups = new PoolSetups();
  const crew = crewOf([asking.sender, newSender(nodeProvider)], { setups });
  const opened = openEnvelope(crew, asking.seal(), nowMs)!;
  const before = crew.replySource(poolEpoch, opened);
  crew.closeEpoch(poolEpoch);
  expect(crew.replySource(poolEpoch, opened)).toEqual(before);
  expect(before.keySource.sourceSecret32).toEqual(asking.sealer.stream.replySecret32);
});
