import { TridcommError, type CryptoProvider } from '@tridcomm/core';
import { Client, Identity, type Carrier, type Delivery } from '@tridcomm/core/internal';
import { orError } from './open.ts';
import { toHex, type Input, type Operation, type Value } from './values.ts';

/** The operations of feature `node`. */
export function nodeOperations(provider: CryptoProvider): Record<string, Operation> {
  return {
    'node.run': (input) => {
      const client = readClient(provider, input);
      return { results: input.objects('steps').map((step) => orError(() => take(client, step))) };
    },
  };
}

function readClient(provider: CryptoProvider, input: Input): Client {
  const random = countingRandom();
  // Its keys are as old as time, so that `bootMs` is its start.
  const identity = new Identity(provider, random, input.bytes('seed'), 0, input.bytesList('prekeys'));
  const client = new Client({
    provider,
    random,
    authorityId32: input.bytes('authorityId'),
    identity,
    carrier: silent,
    startMs: input.decimal('bootMs', 0),
  });
  for (const pattern of input.bytesList('subscriptions')) client.subscribe(utf8(pattern), 0);
  for (const pattern of input.has('logSubscriptions') ? input.bytesList('logSubscriptions') : []) {
    client.subscribe(utf8(pattern), 0, undefined, { source: 'log' });
  }
  return client;
}

function take(client: Client, step: Input): Value {
  const nowMs = step.decimal('now');
  if (step.has('object')) {
    const object = step.object('object');
    return { [client.object(object.integer('type'), object.bytes('bytes'), nowMs)]: true };
  }
  if (step.has('envelope')) return showDelivery(client.envelope(step.bytes('envelope'), nowMs));
  if (step.has('stored')) {
    const stored = step.object('stored');
    return showDelivery(client.stored(stored.bytes('envelope'), stored.decimal('position'), nowMs));
  }
  if (step.has('publish')) {
    const message = step.object('publish');
    const { epoch, headSeq } = client.publish(utf8(message.bytes('topic')), message.bytesList('payloads'), nowMs);
    return { epoch, headSeq: String(headSeq) };
  }
  const view = client.view(step.bytes('view'), nowMs);
  return view === undefined ? { none: true } : { ...view, headSeq: String(view.headSeq) };
}

function showDelivery(delivery: Delivery | undefined): Value {
  if (delivery === undefined) return { delivered: false };
  const { messages, topic, sender, stale, gaps, position, survey } = delivery;
  return {
    messages: messages.map(({ payload }) => toHex(payload)),
    topic: toHex(new TextEncoder().encode(topic)),
    sender: toHex(sender.key.keyId32),
    stale,
    ...(survey !== undefined && {
      survey: {
        surveyId: toHex(survey.surveyId16),
        deadline: String(survey.deadlineMs),
        maxReply: survey.maxReplies,
        replyKey: toHex(survey.replyKey32),
      },
    }),
    ...(gaps.length > 0 && { gaps: gaps.map(({ from, to }) => ({ from: String(from), to: String(to) })) }),
    ...(position !== undefined && { position: String(position) }),
  };
}

function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new TridcommError('E_ENCODING', 'topic that is not UTF-8');
  }
}

/** Distinct bytes from a counter: what is sealed here is opened by nobody. */
function countingRandom(): (length: number) => Uint8Array {
  let counter = 0;
  return (length) => new Uint8Array(length).fill(++counter % 256);
}

const silent: Carrier = {
  publish: () => undefined,
  subscribe: () => undefined,
  unsubscribe: () => undefined,
  watch: () => undefined,
  fetch: () => undefined,
};
