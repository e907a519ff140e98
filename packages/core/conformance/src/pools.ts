import {
  openEnvelope,
  openJob,
  parseEnvelope,
  parseJob,
  type CryptoProvider,
  type EnvelopeView,
  type Opened,
} from '@tridcomm/core';
import {
  Crew,
  decodePoolKeyinfo,
  derivePoolKeyPair,
  finishOpen,
  isForward,
  limits,
  openPoolStream,
  replyCode,
  replyContext,
  replyKeyinfo,
  replyStatus,
  Requester,
  setupPoolStream,
  workOf,
  type PoolEpoch,
  type PoolSetup,
  type PoolTerms,
} from '@tridcomm/core/internal';
import { checkFresh, orError, readGuard, readKeys, readSenders, type RatedSender } from './open.ts';
import { readForwards, takeForward } from './routers.ts';
import { testRandom } from './seal.ts';
import { toHex, type Input, type Operation, type Value } from './values.ts';

/** The operations of feature `pools`. */
export function poolOperations(provider: CryptoProvider): Record<string, Operation> {
  return {
    'pool.key': (input) => {
      const keyPair = derivePoolKeyPair(provider, input.bytes('epochSecret'), input.bytes('groupCtx'));
      return { privateKey: toHex(keyPair.secretKey), publicKey: toHex(keyPair.publicKey) };
    },
    'pool.setup': (input) => {
      const random = testRandom(input.bytes('rng'));
      const started = input.decimal('started');
      const setup = setupPoolStream(provider, readTerms(input), input.bytes('publicKey'), started, random);
      return { enc: toHex(setup.enc32), ...showSetup(setup), keyinfo: toHex(setup.keyinfo) };
    },
    'pool.open': (input) => {
      const secretKey = input.bytes('privateKey');
      const keyPair = { secretKey, publicKey: provider.publicKey('x25519', secretKey) };
      const keyinfo = decodePoolKeyinfo(input.bytes('keyinfo'));
      return showSetup(openPoolStream(provider, readTerms(input), keyPair, keyinfo));
    },
    'reply.context': (input) => {
      const keyinfo = replyKeyinfo(provider, input.bytes('enc'));
      return { context: toHex(replyContext(provider, keyinfo, input.bytes('poolHash'))), keyinfo: toHex(keyinfo) };
    },
    'crew.run': (input) => {
      const crew = readCrew(provider, input);
      const forwards = readForwards(provider, input, readSenders(provider, input.objects('senders'), 'mayRoute'));
      const inboxes = new Set(input.texts('inboxes'));
      const take = (step: Input): Value => {
        const nowMs = step.decimal('now');
        const isJob = step.has('job');
        const bytes = step.bytes(isJob ? 'job' : 'envelope');
        const view = isJob ? parseJob(bytes) : parseEnvelope(bytes);
        const takeOne = (envelope: Uint8Array) => showWork(openEnvelope(crew, envelope, nowMs), nowMs);
        if (inboxes.has(toHex(view.header.topicTag))) {
          return takeForward(provider, forwards, 'message', view, nowMs, takeOne);
        }
        return isJob ? showWork(openJob(crew, bytes, nowMs), nowMs) : takeOne(bytes);
      };
      return { results: input.objects('steps').map((step) => orError(() => take(step))) };
    },
    'requester.run': (input) => {
      const requester = readRequester(provider, input);
      const tags = new Set(input.texts('tags'));
      const routers = readKeys(provider, input, input.bytesList('routers'));
      const forwards = readForwards(provider, input, routers);
      const take = (step: Input): Value => {
        const nowMs = step.decimal('now');
        const view = parseEnvelope(step.bytes('envelope'));
        const takeOne = (one: EnvelopeView) => takeReplies(provider, requester, one, nowMs);
        if (!isForward(view) || !tags.has(toHex(view.header.topicTag))) return takeOne(view);
        return takeForward(provider, forwards, 'reply', view, nowMs, (bytes) => takeOne(parseEnvelope(bytes)));
      };
      return { results: input.objects('steps').map((step) => orError(() => take(step))) };
    },
  };
}

function readTerms(input: Input): PoolTerms {
  return {
    suite: input.integer('suite'),
    poolHash32: input.bytes('poolHash'),
    senderKeyId32: input.bytes('senderKeyId'),
  };
}

function showSetup({ info, keySource, replySecret32, streamId8 }: PoolSetup): { readonly [name: string]: Value } {
  return {
    info: toHex(info),
    bind: toHex(keySource.bind32),
    sourceSecret: toHex(keySource.sourceSecret32),
    replySecret: toHex(replySecret32),
    streamId: toHex(streamId8),
  };
}

function readCrew(provider: CryptoProvider, input: Input): Crew {
  const tags = new Set(input.texts('tags'));
  const senders = readSenders(provider, input.objects('senders'), 'mayWrite');
  const epochs = new Map<number, PoolEpoch>();
  for (const epoch of input.objects('epochs')) {
    if (!epoch.flag('open') || !epoch.has('poolHash')) continue;
    epochs.set(epoch.integer('epoch'), {
      suite: epoch.integer('suite'),
      poolHash32: epoch.bytes('poolHash'),
      keyPair: derivePoolKeyPair(provider, epoch.bytes('epochSecret'), epoch.bytes('groupCtx')),
    });
  }
  return new Crew({
    provider,
    replay: readGuard(input),
    isOfFront: (tag) => tags.has(toHex(tag)),
    epoch: (number) => epochs.get(number),
    checkView: () => checkFresh(input),
    findSender: (senderId) => senders.get(toHex(senderId)),
    mayPublish: (sender) => (sender as RatedSender).may,
  });
}

function showWork(opened: Opened | undefined, nowMs: number): Value {
  if (opened === undefined) return { delivered: false };
  const records = workOf(opened, nowMs).map(({ key16, deadlineMs, body, isLate }) => ({
    key: toHex(key16),
    deadline: String(deadlineMs),
    body: toHex(body),
    late: isLate,
  }));
  const shown = { verdict: 'new', id: toHex(opened.id32), records };
  return opened.leaf === undefined ? shown : { ...shown, leaf: opened.leaf };
}

function readRequester(provider: CryptoProvider, input: Input): Requester {
  const tags = new Set(input.texts('tags'));
  const responders = readSenders(provider, input.objects('responders'), 'mayRespond');
  const known = readKeys(provider, input, input.bytesList('routers'));
  const requester = new Requester({
    provider,
    newReplay: () => readGuard(input),
    isAnswerTag: (tag) => tags.has(toHex(tag)),
    checkView: () => checkFresh(input),
    findSender: (senderId) => known.get(toHex(senderId)),
    mayRespond: ({ keyId32 }) => responders.get(toHex(keyId32.subarray(0, 16)))?.may === true,
  });
  for (const stream of input.objects('streams')) {
    const enc32 = stream.bytes('enc');
    requester.open({
      enc32,
      poolHash32: stream.bytes('poolHash'),
      suite: input.integer('suite'),
      epoch: stream.integer('epoch'),
      replySecret32: stream.bytes('replySecret'),
      isOfMessages: input.integer('pattern', 3) === 7,
    });
    const requests = stream.objects('requests').map((request) => ({
      name: { id32: request.bytes('id'), leaf: request.integer('leaf'), index: request.integer('index') },
      deadlineMs: limits.safeInteger,
    }));
    requester.asked(enc32, requests);
  }
  return requester;
}

function takeReplies(provider: CryptoProvider, requester: Requester, view: EnvelopeView, nowMs: number): Value {
  const pending = requester.begin(view, nowMs);
  const opened = finishOpen(provider, pending);
  if (opened === undefined) return { delivered: false };
  const { replies, ignored } = requester.take(opened, nowMs);
  return {
    verdict: 'new',
    id: toHex(opened.id32),
    replies: replies.map(({ id32, leaf, index, status, body }) => ({
      id: toHex(id32),
      leaf,
      index,
      status,
      body: toHex(body),
      ...(status === replyStatus.refused && { code: replyCode(body) }),
    })),
    ignored,
  };
}
