import { parseEnvelope, type CryptoProvider } from '@tridcomm/core';
import {
  beginForward,
  checkReplyToForward,
  deriveRoutingKey,
  finishOpen,
  forwardedOf,
  openRouting,
  Router,
  routingEpochOf,
  sealRouting,
  type ForwardReceiver,
  type ReplyChecker,
  type RouterOptions,
  type RouterPool,
  type RoutingPlace,
} from '@tridcomm/core/internal';
import { checkFresh, orError, readGuard, readSenders, type RatedSender } from './open.ts';
import { readRouting, readRoutingEpoch } from './seal.ts';
import { toHex, type Input, type Operation, type Value } from './values.ts';

/** The operations of feature `routers`. */
export function routerOperations(provider: CryptoProvider): Record<string, Operation> {
  return {
    'routing.seal': (input) => {
      const [routing, place] = [readRouting(input), readPlace(input)];
      const value = sealRouting(provider, routing, place);
      const { key32, nonce12 } = deriveRoutingKey(provider, routing.epoch, place);
      return { key: toHex(key32), nonce: toHex(nonce12), value: toHex(value) };
    },
    'routing.open': (input) => {
      const value = input.bytes('value');
      const data = openRouting(provider, readRoutingEpoch(input), readPlace(input), value);
      return { epoch: routingEpochOf(value), data: toHex(data) };
    },
    'router.run': (input) => {
      const front = readRouterFront(provider, input);
      const router = new Router(front);
      const take = (step: Input): Value => {
        return step.has('reply') ? forwardsReply(provider, front, step) : route(provider, router, step);
      };
      return { results: input.objects('steps').map((step) => orError(() => take(step))) };
    },
  };
}

/** Who takes forwards in a front, where the input of an operation has one. */
export function readForwards(
  provider: CryptoProvider,
  input: Input,
  routers: ReadonlyMap<string, RatedSender>,
): ForwardReceiver {
  const replay = readGuard(input);
  const front = openEpochs(input);
  return {
    provider,
    epoch: (number) => {
      const epoch = front.get(number);
      if (epoch === undefined) return undefined;
      const { suite, epochSecret32: sourceSecret32, groupContext32 } = readRoutingEpoch(epoch);
      return { keySource: { suite, sourceSecret32, groupContext32, bind32: epoch.bytes('epochCommit') }, replay };
    },
    checkView: () => checkFresh(input),
    findSender: (senderId) => routers.get(toHex(senderId)),
    mayRoute: (sender) => (sender as RatedSender).may,
  };
}

/** What a forward brought: each record taken as an envelope of its own. */
export function takeForward(
  provider: CryptoProvider,
  ...[receiver, carries, view, nowMs, take]: [...Parameters<typeof beginForward>, (envelope: Uint8Array) => Value]
): Value {
  const opened = finishOpen(provider, beginForward(receiver, carries, view, nowMs))!;
  const forwarded = forwardedOf(opened).map((envelope) => orError(() => take(envelope)));
  return { verdict: 'new', id: toHex(opened.id32), forwarded };
}

function readRouterFront(provider: CryptoProvider, input: Input): RouterOptions & ReplyChecker {
  const tags = new Set(input.texts('tags'));
  const senders = readSenders(provider, input.objects('senders'), 'mayWrite');
  const responders = readSenders(provider, input.objects('senders'), 'mayRespond');
  const replay = readGuard(input);
  const front = openEpochs(input);
  const pools = new Map(
    input.objects('pools').map((pool): [number, RouterPool] => [
      pool.integer('epoch'),
      {
        suite: pool.integer('suite'),
        poolHash32: pool.bytes('poolHash'),
        notBeforeMs: pool.decimal('notBefore'),
        notAfterMs: pool.decimal('notAfter'),
        replay,
      },
    ]),
  );
  return {
    provider,
    skewMs: input.decimal('skewMs', 30_000),
    isOfFront: (tag) => tags.has(toHex(tag)),
    pool: (number) => pools.get(number),
    checkView: () => checkFresh(input),
    epoch: (number) => {
      const epoch = front.get(number);
      return epoch && readRoutingEpoch(epoch);
    },
    findSender: (senderId) => senders.get(toHex(senderId)),
    mayPublish: (sender) => (sender as RatedSender).may,
    mayRespond: ({ keyId32 }) => responders.get(toHex(keyId32.subarray(0, 16)))?.may === true,
  };
}

function forwardsReply(provider: CryptoProvider, front: ReplyChecker, step: Input): Value {
  const view = parseEnvelope(step.bytes('reply'));
  checkReplyToForward(front, view, step.decimal('now'), ({ publicKey32, signInput, signature }) =>
    provider.ed25519Verify(publicKey32, signInput, signature),
  );
  return { forwards: true };
}

function route(provider: CryptoProvider, router: Router, step: Input): Value {
  const pending = router.begin(parseEnvelope(step.bytes('envelope')), step.decimal('now'));
  if (pending === undefined) return { delivered: false };
  pending.verified(provider.ed25519Verify(pending.publicKey32, pending.signInput, pending.signature));
  const { id32, sender, routing } = pending.commit();
  return { verdict: 'new', id: toHex(id32), sender: toHex(sender.keyId32), data: toHex(routing) };
}

function readPlace(input: Input): RoutingPlace {
  return {
    senderKeyId32: input.bytes('senderKeyId'),
    streamId8: input.bytes('streamId'),
    seq: input.decimal('seq'),
    salt16: input.bytes('salt'),
  };
}

function openEpochs(input: Input): ReadonlyMap<number, Input> {
  const open = input.objects('front').filter((epoch) => epoch.flag('open'));
  return new Map(open.map((epoch) => [epoch.integer('epoch'), epoch]));
}
