import {
  openEnvelope,
  parseEnvelope,
  patternKinds,
  ReplayGuard,
  StreamSealer,
  type CryptoProvider,
} from '@tridcomm/core';
import { nodeProvider } from '@tridcomm/core/node';
import { expect, it } from 'vitest';
import { finishOpen } from '../../src/envelope/open.ts';
import { TridcommError } from '../../src/errors.ts';
import { encodeReply, replyCode, replyInput, replyStatus, type ReplyRecord } from '../../src/patterns/replies.ts';
import { Requester, type RequesterOptions } from '../../src/patterns/requester.ts';
import { workOf, type RecordName, type Work } from '../../src/patterns/work.ts';
import { countingRandom, newSender, nowMs, type Sender } from '../envelope/parties.ts';
import { codeOf } from '../keys/support.ts';
import { Asking, changed, crewOf, epochNumber, filled, poolEpoch, work } from './pool-parties.ts';

const answerTag16 = filled(16, 0xa7);
const random = countingRandom();

/** With room for one stream, and told when it goes. */
class CountedGuard extends ReplayGuard {
  isReleased = false;

  constructor() {
    super({ hashKey16: new Uint8Array(16), life: { kind: 'volatile', bootMs: 0 }, streamCap: 1 });
  }

  override release(): void {
    super.release();
    this.isReleased = true;
  }
}

const until = (deadlineMs: number, names: readonly RecordName[]) => names.map((name) => ({ name, deadlineMs }));

/** Who asked two requests on one stream, and a member of the crew that opened them. */
function asked(change: Partial<RequesterOptions> = {}) {
  const asking = new Asking();
  const responder = newSender(nodeProvider);
  const guards: CountedGuard[] = [];
  const requester = new Requester({
    provider: nodeProvider,
    newReplay: () => {
      guards.push(new CountedGuard());
      return guards.at(-1)!;
    },
    isAnswerTag: (tag) => Buffer.compare(tag, answerTag16) === 0,
    checkView: () => undefined,
    findSender: (id) => (Buffer.compare(id, responder.keyId32.subarray(0, 16)) === 0 ? responder : undefined),
    mayRespond: () => true,
    ...change,
  });
  const crew = crewOf([asking.sender]);
  requester.open(asking.sealer.stream);
  const request = openEnvelope(crew, asking.seal([work('one'), work('two')]), nowMs)!;
  const names = workOf(request, nowMs);
  const { enc32 } = asking.sealer.stream;
  requester.asked(enc32, until(nowMs + 1000, names));
  const seal = replySealer(responder, crew.replySource(poolEpoch, request));
  const take = (bytes: Uint8Array, atMs = nowMs) => {
    const opened = finishOpen(nodeProvider, requester.begin(parseEnvelope(bytes), atMs));
    return opened && requester.take(opened, atMs);
  };
  return { asking, requester, crew, enc32, names, seal, take, responder, request, guards };
}

function replySealer(
  responder: Sender,
  source: ReturnType<ReturnType<typeof crewOf>['replySource']>,
  patternKind: number = patternKinds.reqRep.reply,
) {
  const sealer = new StreamSealer({
    provider: nodeProvider,
    random,
    keySource: source.keySource,
    senderKeyId32: responder.keyId32,
    hedgeSecret32: filled(32, 4),
    patternKind,
    topicTag16: answerTag16,
    epoch: epochNumber,
  });
  return (...replies: readonly ReplyRecord[]) => {
    const fields = { keyinfo: source.keyinfo, headSeq: 7, chain: filled(32, 0xcc), timestampMs: nowMs };
    const unsigned = sealer.seal(replyInput(replies, fields, patternKind === patternKinds.routerDealer.reply));
    return unsigned.finish(nodeProvider.ed25519Sign(responder.keyPair.secretKey, unsigned.signInput));
  };
}

const reply = ({ id32, leaf, index }: RecordName, status = 0, text = 'answer'): ReplyRecord => ({
  id32,
  leaf,
  index,
  status,
  body: status === replyStatus.inProgress ? filled(0, 0) : new TextEncoder().encode(text),
});

it('patterns.25 each request has one answer, the first, and what names none is counted', () => {
  const { names, seal, take, requester } = asked();
  const [one, two] = [names[0]!, names[1]!];
  expect(take(seal(reply(one, 1)))).toMatchObject({ replies: [{ index: 0, status: 1 }], ignored: 0 });
  expect(requester.outstanding).toBe(2);
  const stranger = { ...one, id32: filled(32, 1) };
  const mixed = take(seal(reply(one, 2, 'E_POLICY'), reply(one), reply(stranger), reply({ ...two, leaf: 1 })))!;
  expect(mixed).toMatchObject({ replies: [{ index: 0, status: 2 }], ignored: 3 });
  expect(take(seal(reply(one), reply(two)))).toMatchObject({ replies: [{ index: 1, status: 0 }], ignored: 1 });
  expect(requester.outstanding).toBe(0);
});

it('patterns.42 a stream of messages takes news with a body, in their order and up to the deadline', () => {
  const { requester, take, responder } = asked();
  const dealer = new Asking({ pattern: 'message' });
  const front = { number: 4, suite: 1, epochSecret32: filled(32, 1), groupContext32: filled(32, 2) };
  requester.open(dealer.sealer.stream);
  const crew = crewOf([dealer.sender]);
  const routing = { data: filled(3, 1), epoch: front };
  const message = openEnvelope(crew, dealer.seal([work('one'), work('two')], { routing }), nowMs)!;
  const [one, two] = workOf(message, nowMs) as [Work, Work];
  requester.asked(dealer.sealer.stream.enc32, until(nowMs + 1000, [one, two]));
  const source = crew.replySource(poolEpoch, message);
  const seal = replySealer(responder, source, patternKinds.routerDealer.reply);
  const news = (name: RecordName, text: string): ReplyRecord => ({ ...reply(name, 0, text), status: 1 });
  const heard = (bytes: Uint8Array, atMs?: number) =>
    take(bytes, atMs)!.replies.map(({ index, status, body }) => `${index} ${status} ${new TextDecoder().decode(body)}`);
  const last = seal(news(two, 'late'));
  expect(heard(seal(news(two, 'a'), news(one, 'b'), news(two, 'c'), reply(one), news(one, 'd')))).toEqual([
    '1 1 a',
    '0 1 b',
    '1 1 c',
    '0 0 answer',
  ]);
  expect(heard(seal(news(two, '')), nowMs + 1000)).toEqual(['1 1 ']);
  expect(heard(last, nowMs + 1001)).toEqual([]);
  expect(requester.outstanding).toBe(3);
  // The patterns are not each other's, and a request has no news.
  const ofRequests = replySealer(responder, source);
  expect(codeOf(() => take(ofRequests(reply(two))))).toBe('E_ENCODING');
  expect(codeOf(() => ofRequests(news(two, 'x')))).toBe('E_USAGE');
});

it('patterns.23 patterns.42 a reply of the pattern of dealers to requests is of another form', () => {
  const { crew, request, responder, take, names } = asked();
  const seal = replySealer(responder, crew.replySource(poolEpoch, request), patternKinds.routerDealer.reply);
  expect(codeOf(() => take(seal(reply(names[0]!))))).toBe('E_ENCODING');
});

it('patterns.22 patterns.26 a stream is open until it has ended and nothing is outstanding', () => {
  const { names, seal, take, requester, enc32 } = asked();
  const envelopes = [seal(...names.map((name) => reply(name))), seal(reply(names[0]!))];
  requester.end(enc32);
  expect(requester.openStreams).toBe(1);
  expect(codeOf(() => requester.asked(enc32, until(nowMs, [names[0]!])))).toBe('E_CLOSED');
  expect(take(envelopes[0]!)!.replies.length).toBe(2);
  expect(requester.openStreams).toBe(0);
  expect(take(envelopes[1]!)).toBeUndefined();
});

it('patterns.26 the last deadline closes a stream that has ended, and overwrites its secret', () => {
  const keys: Uint8Array[] = [];
  const provider: CryptoProvider = {
    ...nodeProvider,
    hmacSha256: (key, ...parts) => {
      keys.push(key);
      return nodeProvider.hmacSha256(key, ...parts);
    },
  };
  const { requester, enc32, asking, seal, names, take } = asked({ provider });
  const envelope = seal(reply(names[0]!));
  take(seal(reply(names[0]!, replyStatus.inProgress)));
  const secrets = keys.filter((key) => Buffer.compare(key, asking.sealer.stream.replySecret32) === 0);
  expect(secrets.length).toBeGreaterThan(0);
  expect(requester.tick(nowMs + 1000)).toEqual([]);
  requester.end(enc32);
  expect(requester.tick(nowMs + 1001)).toEqual(names);
  expect([requester.openStreams, requester.outstanding]).toEqual([0, 0]);
  for (const secret of secrets) expect(secret).toEqual(filled(32, 0));
  expect(take(envelope)).toBeUndefined();
  // The one copy that is left is that of who seals, and goes with its stream.
  asking.sealer.erase();
  expect(asking.sealer.stream.replySecret32).toEqual(filled(32, 0));
});

it('patterns.26 what was cancelled is not outstanding, and closes what has ended', () => {
  const { names, seal, take, requester, enc32 } = asked();
  requester.cancel([names[0]!, { ...names[0]!, index: 7 }]);
  requester.cancel([names[0]!]);
  expect(requester.outstanding).toBe(1);
  expect(take(seal(reply(names[0]!)))).toMatchObject({ replies: [], ignored: 1 });
  requester.end(enc32);
  expect(requester.openStreams).toBe(1);
  requester.cancel(names);
  expect([requester.openStreams, requester.outstanding]).toEqual([0, 0]);
});

it('replay.1 replay.16 replies to each pool stream have a replay state of their own, which goes with it', () => {
  const { requester, responder, guards, asking, crew, enc32, names, seal, take } = asked();
  asking.newStream();
  const request = openEnvelope(crew, asking.seal([work('three')]), nowMs)!;
  const next = asking.sealer.stream;
  requester.open(next);
  requester.asked(next.enc32, until(nowMs + 1000, workOf(request, nowMs)));
  const sealNext = replySealer(responder, crew.replySource(poolEpoch, request));
  const envelope = seal(reply(names[0]!, 1));
  // A second stream of one responder would push out the first, and what has the same timestamp with it.
  expect(take(sealNext(reply(workOf(request, nowMs)[0]!)))!.replies.length).toBe(1);
  expect(take(envelope)!.replies.length).toBe(1);
  expect(codeOf(() => take(envelope))).toBe('E_REPLAY');
  expect(guards.map(({ streamCount, isReleased }) => [streamCount, isReleased])).toEqual([
    [1, false],
    [1, false],
  ]);
  requester.end(next.enc32);
  expect(guards.map(({ isReleased }) => isReleased)).toEqual([false, true]);
  const late = requester.begin(parseEnvelope(seal(reply(names[1]!))), nowMs)!;
  const parts = late.verified(true);
  late.decrypted(parts.map((one) => nodeProvider.aeadOpen(one.algorithm, one.key32, one.nonce12, one.aad, one.sealed)));
  requester.end(enc32);
  requester.cancel(names);
  expect(guards.map(({ isReleased }) => isReleased)).toEqual([true, true]);
  // Opened while the stream was closed.
  expect(codeOf(() => late.commit())).toBe('E_CLOSED');
});

it('patterns.24 the code of a refusal is one that is known, or E_REFUSED', () => {
  const codeIn = (text: string) => replyCode(new TextEncoder().encode(text));
  expect([codeIn('E_LIMIT'), codeIn('E_EXPIRED'), codeIn('E_NEW'), codeIn('toString')]).toEqual([
    'E_LIMIT',
    'E_EXPIRED',
    'E_REFUSED',
    'E_REFUSED',
  ]);
  expect(replyCode(Uint8Array.of(0xff))).toBe('E_REFUSED');
});

it('patterns.35 what is outstanding is bounded, and a refusal notes nothing', () => {
  const { requester, enc32 } = asked({ mostOutstanding: 4 });
  const more = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ id32: filled(32, 9), leaf: 0, index }));
  expect(codeOf(() => requester.asked(enc32, until(nowMs + 1000, more(3))))).toBe('E_LIMIT');
  expect(requester.outstanding).toBe(2);
  requester.asked(enc32, until(nowMs + 1000, more(2)));
  expect(requester.outstanding).toBe(4);
  requester.stop();
  expect([requester.openStreams, requester.outstanding]).toEqual([0, 0]);
});

it('patterns.22 patterns.23 step 8 has its order, and what is to nobody gets no code', () => {
  const { names, seal, requester } = asked({
    checkView: () => {
      throw new TridcommError('E_STALE');
    },
  });
  const envelope = seal(reply(names[0]!));
  const begin = (bytes: Uint8Array) =>
    codeOf(() => (requester.begin(parseEnvelope(bytes), nowMs) ? 'begun' : 'nobody'));
  expect(begin(envelope)).toBe('E_STALE');
  expect(begin(changed(envelope, 27))).toBe('E_EPOCH');
  const keyinfoAt = 96 + 12 + 36;
  expect(begin(changed(changed(envelope, 27), keyinfoAt))).toBe('nobody');
  expect(begin(changed(envelope, 8))).toBe('nobody');
  const other = envelope.slice();
  other[3] = patternKinds.reqRep.request;
  expect(begin(other)).toBe('E_ENCODING');
  // Step 7 comes before the form: nobody learns what a reply to nobody looks like.
  expect(begin(changed(other, keyinfoAt))).toBe('nobody');
});

it('patterns.23 another responder, or one without the right, is refused; a suite that is not that of the stream too', () => {
  const { names, seal, take } = asked({ mayRespond: () => false });
  expect(codeOf(() => take(seal(reply(names[0]!))))).toBe('E_POLICY');
  const stranger = asked({ findSender: () => undefined });
  expect(codeOf(() => stranger.take(stranger.seal(reply(names[0]!))))).toBe('E_SENDER');
  const suite = asked();
  const other = suite.seal(reply(suite.names[0]!)).slice();
  other[5] = 2;
  expect(codeOf(() => suite.take(other))).toBe('E_SUITE');
});

it('patterns.21 a reply opens in the stream that it answers alone', () => {
  const first = asked();
  const second = asked();
  // A member of the crew that takes the secret of one stream for another opens nothing: its context is of the stream.
  const source = {
    ...first.crew.replySource(poolEpoch, first.request),
    keyinfo: nodeProvider.sha256(second.enc32),
  };
  const misled = replySealer(second.responder, source)(reply(second.names[0]!));
  expect(codeOf(() => second.take(misled))).toBe('E_SIG');
});

it('patterns.24 replies are written as they are read', () => {
  const name = { id32: filled(32, 1), leaf: 0, index: 0 };
  expect(codeOf(() => encodeReply({ ...name, status: 3, body: filled(0, 0) }))).toBe('E_USAGE');
  expect(codeOf(() => encodeReply({ ...name, status: 1, body: filled(1, 0) }))).toBe('E_USAGE');
  expect(codeOf(() => encodeReply({ ...name, status: 0, index: 2 ** 32, body: filled(0, 0) }))).toBe('E_LIMIT');
  expect(encodeReply({ ...name, status: 1, body: filled(0, 0) }).length).toBe(41);
});
