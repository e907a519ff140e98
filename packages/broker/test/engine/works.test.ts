import { expect, test } from 'vitest';
import {
  parseEnvelope,
  patternKinds,
  type Lease,
  type Reply,
  type RoutedDelivery,
  type WorkDelivery,
} from '@tridcomm/core';
import { limits } from '@tridcomm/core/internal';
import { durabilities, type LinkMessage } from '@tridcomm/core/link';
import type { BrokerEngineOptions } from '../../src/engine/broker-engine.ts';
import { FakeLog } from './fake-log.ts';
import { World, type Member } from './world.ts';

const topic = 'jobs/resize';
const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** A member that takes work, and settles it when the test says so. */
class Worker {
  readonly member: Member;
  readonly deliveries: WorkDelivery[] = [];

  constructor(member: Member) {
    this.member = member;
  }

  start(capacity: number, of = topic): this {
    this.member.client.work(of, this.member.world.nowMs, (delivery) => void this.deliveries.push(delivery), {
      capacity,
    });
    return this;
  }

  /** Texts of what came since the last time; it stays leased. */
  take(): string[] {
    return this.deliveries.splice(0).flatMap(({ works }) => works.map(({ body }) => decode(body)));
  }

  /** Texts of what came since the last time, done. */
  finish(): string[] {
    const leases = this.deliveries.map(({ lease }) => lease);
    const texts = this.take();
    for (const lease of leases) this.settle(lease, 'done');
    return texts;
  }

  settle(lease: Lease, outcome: 'done' | 'given back'): void {
    this.member.client.settle(lease, outcome);
  }
}

interface Setting {
  readonly world: World;
  readonly front: Uint8Array;
  readonly caller: Member;
  readonly one: Worker;
  readonly two: Worker;
}

async function setUp(options: Partial<BrokerEngineOptions> = {}): Promise<Setting> {
  const world = new World(options);
  const front = world.authority.addGroup({ patterns: [topic], purpose: 'front' }, world.nowMs);
  const [caller, a, b] = [world.join('caller'), world.join('a'), world.join('b')];
  const grants = [
    { keyId32: caller.keyId32, action: 'publish' as const, pattern: topic },
    ...[a, b].map(({ keyId32 }) => ({ keyId32, action: 'subscribe' as const, pattern: topic })),
  ];
  world.authority.grantAll(grants, world.nowMs);
  // What a group asks for because of another it asks for at its next tick.
  await world.advance(1_000);
  world.events.splice(0);
  for (const { peer } of [caller, a, b]) peer.messages.splice(0);
  return { world, front, caller, one: new Worker(a), two: new Worker(b) };
}

/** Asks; gives what came of it, by and by. */
function request({ world, client }: Member, ...texts: readonly string[]): Reply[] {
  const replies: Reply[] = [];
  const requests = texts.map((text) => ({ body: encode(text), deadlineMs: world.nowMs + 600_000 }));
  client.request(topic, requests, world.nowMs, (reply) => void replies.push(reply));
  return replies;
}

function push({ world, client }: Member, texts: readonly string[], jobsPerLeaf?: number): void {
  const jobs = texts.map((text) => ({ body: encode(text) }));
  client.push(topic, jobs, world.nowMs, jobsPerLeaf === undefined ? {} : { jobsPerLeaf });
}

/** Sends messages of a dealer; gives what came of it, by and by. */
function deal({ world, client }: Member, ...texts: readonly string[]): Reply[] {
  const replies: Reply[] = [];
  const deadlineMs = world.nowMs + 600_000;
  const messages = texts.map((text) => ({ body: encode(text), routing: encode(`to ${text.slice(0, 9)}`), deadlineMs }));
  client.deal(topic, messages, world.nowMs, (reply) => void replies.push(reply));
  return replies;
}

/** Seals without sending; gives the envelopes. */
function sealed(member: Member, work: () => void): Uint8Array[] {
  const before = member.sealed.length;
  member.sends = false;
  work();
  member.sends = true;
  return member.sealed.slice(before);
}

/** Patterns and kinds of what was leased. */
function kindsOf(leased: readonly LinkMessage[]): number[] {
  return leased.flatMap((one) => (one.type === 'leased' ? [parseEnvelope(one.envelope).header.patternKind] : []));
}

/** Types of the messages about work that came to a member. */
function about({ peer }: Member): LinkMessage['type'][] {
  return peer.messages.map(({ type }) => type).filter((type) => ['leased', 'job', 'envelope'].includes(type));
}

test('delivery.21: a request goes to one who works, and its answer to who asked', async () => {
  const { world, caller, one, two } = await setUp();
  one.start(1);
  two.start(1);
  const replies = request(caller, 'a', 'b');
  await world.settle();
  const [worker] = [one, two].filter(({ deliveries }) => deliveries.length > 0);
  const [delivery] = worker!.deliveries;
  expect(one.deliveries.length + two.deliveries.length).toBe(1);
  expect(delivery).toMatchObject({ kind: 'request', topic, verdict: 'new', sender: { name: 'caller' } });
  const answers = delivery!.works.map(({ leaf, index, body }) => {
    return { leaf, index, status: 'final', body: encode(decode(body).toUpperCase()) } as const;
  });
  worker!.member.client.reply(delivery!, answers, world.nowMs);
  worker!.settle(delivery!.lease, 'done');
  await world.settle();
  expect(replies.map((reply) => reply.status === 'final' && decode(reply.body))).toEqual(['A', 'B']);
  // The answer went to nobody else.
  expect([about(one.member), about(two.member)].flat()).toEqual(['leased']);
  expect(world.engine.work.heldBytes).toBe(0);
  await world.advance(40_000);
  expect(about(two.member).concat(about(one.member))).toEqual(['leased']);
});

test('delivery.21: no sub gets a request, and no work what is for all', async () => {
  const { world, caller, one } = await setUp();
  const { member } = one;
  world.group('news', [caller], [member]);
  member.subscribe('news');
  await world.settle();
  const [envelope] = sealed(caller, () => request(caller, 'a'));
  const { topicTag } = parseEnvelope(envelope!).header;
  const news = parseEnvelope(caller.seal('news', 'x')).header.topicTag;
  const link = member.link();
  const exact = (match16: Uint8Array) => ({ matchKind: 1, level: 0, match16 });
  link.says({ type: 'sub', sub: 1, match: exact(topicTag), from: 0 });
  link.says({ type: 'work', work: 2, match16: news, capacity: 9 });
  caller.peer.publish(envelope!);
  caller.publish('news', 'y');
  await world.settle();
  expect(link.messages).toEqual([]);
  expect(world.engine.work.heldBytes).toBe(envelope!.length);
  expect(member.texts()).toEqual(['y']);
});

test('delivery.23: a batch is split between those who work, none of whom gets more than its capacity', async () => {
  const { world, caller, one, two } = await setUp();
  one.start(2);
  two.start(1);
  const texts = Array.from({ length: 10 }, (_, i) => `job ${i}`);
  push(caller, texts, 2);
  await world.settle();
  expect([one.deliveries.length, two.deliveries.length]).toEqual([2, 1]);
  expect(about(one.member)).toEqual(['job', 'job']);
  const done: string[] = [];
  while (one.deliveries.length + two.deliveries.length > 0) {
    done.push(...one.finish(), ...two.finish());
    await world.settle();
  }
  expect(done.toSorted()).toEqual(texts);
  expect(world.engine.work.heldBytes).toBe(0);
});

test('delivery.23: who raises its capacity gets more, and who lowers it keeps what it has', async () => {
  const { world, caller, one } = await setUp();
  const taken: string[] = [];
  const { client } = one.member;
  const work = client.work(topic, world.nowMs, ({ works }) => void taken.push(decode(works[0]!.body)), { capacity: 0 });
  for (const text of ['a', 'b', 'c']) push(caller, [text]);
  await world.settle();
  expect(taken).toEqual([]);
  work.setCapacity(2, world.nowMs);
  await world.settle();
  expect(taken).toEqual(['a', 'b']);
  work.setCapacity(1, world.nowMs);
  await world.settle();
  expect(taken).toEqual(['a', 'b']);
  work.setCapacity(3, world.nowMs);
  await world.settle();
  expect(taken).toEqual(['a', 'b', 'c']);
});

test('delivery.24: what is given back goes to another, who opens it like the first', async () => {
  const { world, caller, one, two } = await setUp();
  // With more room than the other.
  one.start(9);
  request(caller, 'a');
  await world.settle();
  two.start(1);
  const { lease } = one.deliveries[0]!;
  expect(one.take()).toEqual(['a']);
  one.settle(lease, 'given back');
  await world.settle();
  expect([one.take(), two.finish()]).toEqual([[], ['a']]);
  expect(world.engine.work.heldBytes).toBe(0);
});

test.each([
  ['a link that broke', ({ peer }: Member) => peer.connection!.lost('peer', 'E_TRANSPORT')],
  ['a link that was closed', ({ peer }: Member) => void peer.says({ type: 'close', code: undefined, retryMs: 0 })],
  ['a work that ended', ({ peer }: Member) => void peer.says({ type: 'unsub', sub: lastWork(peer.messages) })],
])('delivery.24: %s gives back what it had, split or whole', async (_name, end) => {
  const { world, caller, one, two } = await setUp();
  one.start(9);
  await world.settle();
  push(caller, ['a', 'b', 'c'], 1);
  request(caller, 'd');
  await world.settle();
  expect(one.take()).toEqual(['a', 'b', 'c', 'd']);
  two.start(9);
  await world.settle();
  expect(two.take()).toEqual([]);
  end(one.member);
  await world.settle();
  expect(two.finish()).toEqual(['a', 'b', 'c', 'd']);
  // What the first says of it now is of no weight, where it can still say it.
  one.member.peer.says(settle(lastWork(one.member.peer.messages), 1));
  expect(one.member.peer.closed).toBeUndefined();
});

test('delivery.24: who takes work and does nothing has it for 30 s', async () => {
  const { world, caller, one, two } = await setUp();
  one.start(1);
  request(caller, 'a');
  await world.settle();
  expect(one.take()).toEqual(['a']);
  two.start(1);
  await world.advance(29_500);
  expect(two.take()).toEqual([]);
  await world.advance(1_000);
  expect(two.finish()).toEqual(['a']);
});

test('delivery.25: a unit that nobody does is dropped after 16 leases, and told of', async () => {
  const { world, caller, one } = await setUp();
  one.start(1);
  push(caller, ['a']);
  await world.settle();
  for (let i = 1; i <= 20; i++) {
    const [delivery] = one.deliveries.splice(0);
    if (delivery === undefined) break;
    // The second time on it is known to its number, and means the same.
    expect(delivery.verdict).toBe(i === 1 ? 'new' : 'again');
    one.settle(delivery.lease, 'given back');
    await world.settle();
    expect(one.deliveries).toEqual([]);
    await world.advance(1_000);
  }
  expect(one.member.peer.take('leased')).toHaveLength(16);
  const { keyId } = caller.peer.connection!;
  expect(world.events.filter(({ type }) => type === 'workDropped')).toEqual([
    { type: 'workDropped', why: 'tooOften', keyId },
  ]);
});

test('delivery.25: a unit that nobody takes is dropped when it is too old', async () => {
  const { world, caller, one } = await setUp();
  push(caller, ['a'], 1);
  await world.advance(limits.maxAgeMs + limits.skewMs);
  expect(world.engine.work.heldBytes).toBeGreaterThan(0);
  await world.advance(500);
  expect(world.engine.work.heldBytes).toBe(0);
  const { keyId } = caller.peer.connection!;
  expect(world.events).toContainEqual({ type: 'workDropped', why: 'tooOld', keyId });
  one.start(9);
  await world.settle();
  expect(one.take()).toEqual([]);
});

test('delivery.26: what waits is bounded, and of a batch in leaves all is taken or nothing', async () => {
  const principalLimits = { bytesPerSecond: 1e12, envelopesPerSecond: 1e6, messagesPerSecond: 1e6 };
  const { world, caller, one } = await setUp({ principalLimits });
  const [large] = sealed(caller, () => push(caller, ['x'.repeat(900_000)]));
  const most = Math.floor(limits.workBytes / large!.length);
  // A broker does not look whether it has had an envelope before; who works does.
  for (let i = 0; i < most; i++) caller.peer.publish(large!);
  await world.settle();
  const waiting = world.engine.work.heldBytes;
  expect(waiting).toBe(most * large!.length);
  const [leaves] = sealed(caller, () => push(caller, Array<string>(8).fill('y'.repeat(110_000)), 1));
  caller.peer.publish(leaves!, durabilities.memory);
  await world.settle();
  expect(caller.peer.take('reject')).toMatchObject([{ about: 'numbered', number: 1, code: 'E_LIMIT' }]);
  expect(world.engine.work.heldBytes).toBe(waiting);
  one.start(1);
  await world.settle();
  one.finish();
  await world.settle();
  caller.peer.publish(leaves!, durabilities.memory);
  await world.settle();
  expect(caller.peer.take('ack')).toMatchObject([{ number: 2 }]);
});

test('delivery.22: a work needs the right to take it, and a number and match of its own', async () => {
  const { world, caller, one, two } = await setUp({ principalLimits: { subs: 2 } });
  const [envelope] = sealed(caller, () => request(caller, 'a'));
  const { topicTag } = parseEnvelope(envelope!).header;
  const work = (number: number, match16 = topicTag): LinkMessage => ({
    type: 'work',
    work: number,
    match16,
    capacity: 1,
  });
  const asker = caller.link();
  asker.says(work(1)).says(work(2, new Uint8Array(16)));
  expect(asker.take('reject')).toEqual(
    [1, 2].map((number) => ({ type: 'reject', about: 'sub', number, code: 'E_REFUSED', retryMs: 0 })),
  );
  expect(asker.closed).toBeUndefined();
  const links = [one.member.link(), two.member.link(), two.member.link(), two.member.link(), one.member.link()];
  links[0]!.says(work(1)).says(work(1, new Uint8Array(16)));
  const sub = { matchKind: 1, level: 0, match16: topicTag };
  links[1]!.says({ type: 'sub', sub: 1, match: sub, from: 0 }).says(work(1));
  expect(links.slice(0, 2).map(({ closed }) => closed?.code)).toEqual(['E_ENCODING', 'E_ENCODING']);
  // Works count among the subs of a principal.
  for (const link of links.slice(2)) link.says(work(1));
  expect(links.map((link) => link.take('reject').map(({ code }) => code))).toEqual([[], [], [], [], []]);
  two.member.link().says(work(7));
  expect(world.refusals()).toEqual(['work E_POLICY', 'work E_POLICY', 'work E_LIMIT']);
  // One that is over is in nobody's way.
  const last = links[4]!;
  last.says({ type: 'unsub', sub: 1 }).says(work(2));
  expect(last.closed).toBeUndefined();
  last.says(work(3));
  expect(last.closed?.code).toBe('E_ENCODING');
});

test('delivery.27: a settle of what never was ends the link, and one of what is over means nothing', async () => {
  const { world, caller, one, two } = await setUp();
  for (const worker of [one, two]) worker.start(1);
  await world.settle();
  request(caller, 'a');
  await world.settle();
  const [worker, idle] = one.deliveries.length > 0 ? [one, two] : [two, one];
  const { messages } = worker.member.peer;
  const number = lastWork(messages);
  worker.member.peer.says(settle(number, 1)).says(settle(number, 1));
  expect(worker.member.peer.closed).toBeUndefined();
  worker.member.peer.says(settle(number, 2));
  expect(worker.member.peer.closed?.code).toBe('E_ENCODING');
  // A lease is of one work, and of one link.
  const link = idle.member.link();
  link.says(settle(number, 1));
  expect(link.closed?.code).toBe('E_ENCODING');
});

test('delivery.21 delivery.7: a message goes to a router, what it forwards to who works, and news to the dealer, all verified', async () => {
  const { world, caller, one } = await setUp({ random: (length) => new Uint8Array(length) });
  const router = world.join('router');
  world.authority.grant({ keyId32: router.keyId32, action: 'route', pattern: topic }, world.nowMs);
  one.start(0);
  const routed: RoutedDelivery[] = [];
  router.client.route(topic, world.nowMs, (delivery) => void routed.push(delivery), { capacity: 4 });
  const heard: Uint8Array[] = [];
  router.client.hearReplies(topic, world.nowMs, ({ envelope }) => void heard.push(envelope));
  await world.advance(1_000);
  const replies = deal(caller, 'a');
  await world.settle();
  expect([routed.map(({ routing }) => decode(routing)), one.deliveries.length]).toEqual([['to a'], 0]);
  router.client.forward(routed[0]!, one.member.keyId32, world.nowMs);
  router.client.settle(routed[0]!.lease, 'done');
  await world.settle();
  const [delivery] = one.deliveries as [WorkDelivery];
  expect([delivery.kind, one.take()]).toEqual(['message', ['a']]);
  for (const text of ['half', 'most']) {
    one.member.client.reply(delivery, [{ leaf: 0, index: 0, status: 'news', body: encode(text) }], world.nowMs);
  }
  one.member.client.reply(delivery, [{ leaf: 0, index: 0, status: 'final', body: encode('A') }], world.nowMs);
  await world.settle();
  expect(replies.map((reply) => ('body' in reply ? `${reply.status} ${decode(reply.body)}` : reply.status))).toEqual([
    'news half',
    'news most',
    'final A',
  ]);
  expect(heard).toHaveLength(3);
  // A forward that is not signed by its sender ends the link.
  const [forward] = sealed(router, () => router.client.forward(routed[0]!, one.member.keyId32, world.nowMs));
  forward![forward!.length - 1]! ^= 1;
  router.peer.publish(forward!, durabilities.memory);
  await world.settle();
  expect(world.refusals()).toEqual(['envelope E_SIG']);
});

test('delivery.21 delivery.22: who may route is given messages alone, whatever waits before them', async () => {
  const { world, caller } = await setUp();
  const router = world.join('router');
  world.authority.grant({ keyId32: router.keyId32, action: 'route', pattern: topic }, world.nowMs);
  await world.advance(1_000);
  world.events.splice(0);
  const requests = sealed(caller, () => request(caller, 'a'));
  const { topicTag } = parseEnvelope(requests[0]!).header;
  const peer = router.link();
  const work = (capacity: number): LinkMessage => ({ type: 'work', work: 1, match16: topicTag, capacity });
  peer.says(work(4));
  caller.peer.publish(requests[0]!);
  push(caller, ['b', 'c'], 1);
  deal(caller, 'd');
  await world.advance(2_000);
  const leased = peer.messages.flatMap((one) => (one.type === 'leased' || one.type === 'job' ? [one] : []));
  expect(leased).toMatchObject([{ type: 'leased', work: 1, lease: 1 }]);
  expect(kindsOf(leased)).toEqual([patternKinds.routerDealer.message]);
  // Messages that it has no room for wait for it, and for nobody's sub.
  peer.says(work(1), { type: 'sub', sub: 2, match: { matchKind: 1, level: 0, match16: topicTag }, from: 0 });
  expect(world.refusals()).toEqual(['sub E_POLICY']);
  deal(caller, 'e');
  await world.settle();
  expect(peer.take('leased')).toHaveLength(1);
  peer.says(settle(1, 1));
  expect(kindsOf(peer.take('leased'))).toEqual([patternKinds.routerDealer.message]);
  expect([world.refusals(), peer.closed]).toEqual([[], undefined]);
});

test('delivery.21 delivery.11: who may subscribe no more, but route, has no request from that moment on', async () => {
  const { world, caller, one, two } = await setUp();
  const { keyId32 } = one.member;
  world.authority.grant({ keyId32, action: 'route', pattern: topic }, world.nowMs);
  await world.advance(1_000);
  const requests = sealed(caller, () => ['a', 'b', 'c'].forEach((text) => request(caller, text)));
  const { topicTag } = parseEnvelope(requests[0]!).header;
  const peer = one.member.link();
  const work = (capacity: number): LinkMessage => ({ type: 'work', work: 1, match16: topicTag, capacity });
  peer.says(work(1));
  for (const envelope of requests) caller.peer.publish(envelope);
  expect(peer.take('leased')).toHaveLength(1);
  world.authority.withdraw({ keyId32, action: 'subscribe', pattern: topic }, world.nowMs);
  peer.says(work(9));
  deal(caller, 'd');
  await world.advance(2_000);
  expect([kindsOf(peer.take('leased')), peer.take('reject')]).toEqual([[patternKinds.routerDealer.message], []]);
  // What it had is another's, and for it nothing that it could settle.
  two.start(9);
  await world.settle();
  expect(two.take().toSorted()).toEqual(['a', 'b', 'c']);
  peer.says(settle(1, 1));
  expect(peer.closed).toBeUndefined();
  world.authority.withdraw({ keyId32, action: 'route', pattern: topic }, world.nowMs);
  await world.settle();
  expect(peer.take('reject')).toMatchObject([{ about: 'sub', number: 1 }]);
});

test('delivery.16: forwards that a slow link has no room for are dropped and counted, and leave room for what would end it', async () => {
  const { world, caller, one } = await setUp({ mostQueuedBytes: 2_200_000 });
  const { member } = one;
  const router = world.join('router');
  world.authority.grant({ keyId32: router.keyId32, action: 'route', pattern: topic }, world.nowMs);
  world.group('news', [caller], [member]);
  one.start(0);
  member.subscribe('news');
  const routed: RoutedDelivery[] = [];
  router.client.route(topic, world.nowMs, (delivery) => void routed.push(delivery), { capacity: 99 });
  await world.advance(1_000);
  deal(caller, 'x'.repeat(300_000));
  await world.settle();
  const dropped = () => world.engine.counters.forwardsDropped;
  member.peer.isFull = true;
  for (let i = 0; i < 6; i++) {
    router.client.forward(routed[0]!, member.keyId32, world.nowMs);
    await world.advance(1_000);
  }
  expect(dropped()).toBe(3);
  for (let i = 0; i < 4; i++) {
    caller.publish('news', 'x'.repeat(300_000));
    await world.advance(1_000);
  }
  expect([member.peer.closed, world.engine.queuedBytes > 2_100_000]).toEqual([undefined, true]);
  // What came before it had to be dropped comes, and what is sent from now on.
  member.peer.isFull = false;
  member.peer.connection!.drained();
  await world.settle();
  expect([one.deliveries.length, member.texts().length]).toEqual([3, 4]);
  router.client.forward(routed[0]!, member.keyId32, world.nowMs);
  await world.settle();
  expect([one.deliveries.length, dropped()]).toEqual([4, 3]);
  // Anything else that is too much ends the link.
  member.peer.isFull = true;
  for (let i = 0; i < 8; i++) {
    caller.publish('news', 'x'.repeat(300_000));
    await world.advance(1_000);
  }
  expect(member.peer.closed?.code).toBe('E_LIMIT');
});

test('delivery.27: of works that are over the last leases are known, and no others', async () => {
  const { world, caller, one } = await setUp();
  one.start(1);
  request(caller, 'a');
  await world.settle();
  const { peer } = one.member;
  const number = lastWork(peer.messages);
  peer.says({ type: 'unsub', sub: number }).says(settle(number, 1));
  expect(peer.closed).toBeUndefined();
  peer.says(settle(number, 2));
  expect(peer.closed?.code).toBe('E_ENCODING');
});

test('delivery.18: settles of leases that are over have a rate, and others have none', async () => {
  const principalLimits = { bytesPerSecond: 1e12, envelopesPerSecond: 1e6, messagesPerSecond: 1e6 };
  const { world, caller, one } = await setUp({ principalLimits });
  const [job] = sealed(caller, () => push(caller, ['a']));
  const link = one.member.link();
  const { topicTag } = parseEnvelope(job!).header;
  link.says({ type: 'work', work: 1, match16: topicTag, capacity: 1 });
  for (let lease = 1; lease <= 12_000; lease++) {
    caller.peer.publish(job!);
    link.says(settle(1, lease));
    link.messages.splice(0);
    if (lease % 1_000 === 0) world.turn();
  }
  expect([link.closed, world.engine.work.heldBytes]).toEqual([undefined, 0]);
  let count = 0;
  for (; link.closed === undefined && count < 20_000; count++) link.says(settle(1, 1));
  expect([link.closed?.code, count < 20_000]).toEqual(['E_LIMIT', true]);
});

test('delivery.16 delivery.26: a link that takes nothing, or has enough, gets no more; others do', async () => {
  const { world, caller, one, two } = await setUp({ mostQueuedBytes: 1_048_576 });
  one.start(99);
  await world.settle();
  for (let i = 0; i < 5; i++) push(caller, ['x'.repeat(600_000)]);
  await world.settle();
  expect(one.take()).toHaveLength(2);
  two.member.peer.isFull = true;
  two.start(99);
  await world.settle();
  expect(two.take()).toEqual([]);
  two.member.peer.isFull = false;
  two.member.peer.connection!.drained();
  await world.settle();
  expect([one.take(), two.take().length]).toEqual([[], 2]);
  expect(world.engine.work.heldBytes).toBeGreaterThan(3_000_000);
});

test('principals.38: of two who lose their right at once none gets what the other had', async () => {
  const { world, front, caller, one, two } = await setUp();
  const jobs = sealed(caller, () => ['a', 'b'].forEach((text) => push(caller, [text])));
  const { topicTag } = parseEnvelope(jobs[0]!).header;
  const links = [one.member.link(), two.member.link()];
  const work = (capacity: number): LinkMessage => ({ type: 'work', work: 1, match16: topicTag, capacity });
  for (const link of links) link.says(work(1));
  for (const job of jobs) caller.peer.publish(job);
  for (const link of links) link.says(work(9));
  expect(links.map((link) => link.take('leased').length)).toEqual([1, 1]);
  world.authority.removeGroup(front, world.nowMs);
  await world.settle();
  expect(links.map((link) => link.take('reject').length)).toEqual([1, 1]);
  expect(links.map((link) => link.take('leased'))).toEqual([[], []]);
});

test('delivery.28: work is not taken for the disk, and acknowledged when the broker has it', async () => {
  const log = new FakeLog();
  const { world, caller, one } = await setUp({ store: { log, isDurable: true } });
  const envelopes = sealed(caller, () => {
    request(caller, 'a');
    push(caller, ['b']);
    deal(caller, 'c');
  });
  for (const envelope of envelopes) caller.peer.publish(envelope, durabilities.disk);
  await world.settle();
  expect(caller.peer.take('reject').map(({ code }) => code)).toEqual(['E_REFUSED', 'E_REFUSED', 'E_REFUSED']);
  expect(world.refusals()).toEqual(['envelope E_POLICY', 'envelope E_POLICY', 'envelope E_POLICY']);
  for (const envelope of envelopes) caller.peer.publish(envelope, durabilities.memory);
  await world.settle();
  expect(caller.peer.take('ack').at(-1)).toEqual({ type: 'ack', number: 6 });
  expect(log.envelopes).toEqual([]);
  one.start(3);
  await world.settle();
  expect(one.finish().toSorted()).toEqual(['a', 'b', 'c']);
});

test('delivery.7: requests, jobs and answers are verified by what the authority retains; a forgery ends its link', async () => {
  const { world, caller, one } = await setUp({ random: (length) => new Uint8Array(length) });
  one.start(9);
  const replies = request(caller, 'a');
  push(caller, ['b', 'c'], 1);
  await world.settle();
  expect(one.take()).toEqual(['a', 'b', 'c']);
  const again = request(caller, 'd');
  await world.settle();
  const [delivery] = one.deliveries;
  one.member.client.reply(delivery!, [{ leaf: 0, index: 0, status: 'final', body: encode('D') }], world.nowMs);
  await world.settle();
  expect([replies.length, again.length]).toEqual([0, 1]);
  expect([caller.peer.closed, one.member.peer.closed]).toEqual([undefined, undefined]);
  expect(world.refusals()).toEqual([]);
  const [reply] = sealed(one.member, () => {
    const late = [{ leaf: 0, index: 0, status: 'in progress' } as const];
    one.member.client.reply(delivery!, late, world.nowMs);
  });
  const [job] = sealed(caller, () => push(caller, ['e']));
  for (const [member, envelope] of [
    [caller, job!],
    [one.member, reply!],
  ] as const) {
    const forged = new Uint8Array(envelope);
    forged[forged.length - 1]! ^= 1;
    member.peer.publish(forged);
    await world.settle();
    expect(member.peer.closed?.code).toBe('E_SIG');
  }
});

test('principals.38 delivery.11: who is withdrawn loses work and leases, and opens nothing of the next epoch', async () => {
  const { world, front, caller, one, two } = await setUp();
  one.start(2);
  await world.settle();
  request(caller, 'a');
  await world.settle();
  expect(one.take()).toEqual(['a']);
  two.start(2);
  await world.settle();
  const withdrawn = { keyId32: one.member.keyId32, action: 'subscribe', pattern: topic } as const;
  world.authority.withdraw(withdrawn, world.nowMs);
  await world.settle();
  expect(one.member.peer.take('reject')).toMatchObject([{ about: 'sub', code: 'E_REFUSED' }]);
  expect(two.finish()).toEqual(['a']);
  request(caller, 'b');
  await world.settle();
  expect([one.take(), two.finish()]).toEqual([[], ['b']]);
  // As a thief of the envelope: it has no key of the epoch.
  const [stolen] = sealed(caller, () => request(caller, 'c'));
  const lease = { settle: () => undefined };
  expect(() => one.member.client.leased(stolen!, 'envelope', lease, world.nowMs)).toThrow('E_EPOCH');
  // Who may ask no more is refused at the edge; who revokes a pool leaves nothing behind.
  world.authority.revoke(caller.keyId32, world.nowMs);
  await world.settle();
  expect(caller.peer.closed?.code).toBe('E_REVOKED');
  world.authority.removeGroup(front, world.nowMs);
  await world.settle();
  expect(two.member.peer.take('reject')).toMatchObject([{ about: 'sub', code: 'E_REFUSED' }]);
});

test('requests of one epoch are done in the next, while it drains', async () => {
  const { world, front, caller, one } = await setUp();
  const replies = request(caller, 'a');
  await world.settle();
  world.nowMs += 1_000;
  world.authority.rotate(front, world.nowMs);
  await world.settle();
  one.start(1);
  await world.settle();
  const [delivery] = one.deliveries;
  one.member.client.reply(delivery!, [{ leaf: 0, index: 0, status: 'final', body: encode('A') }], world.nowMs);
  await world.settle();
  expect(replies.map((reply) => reply.status)).toEqual(['final']);
});

/** The number of the newest work that a peer was given something for. */
function lastWork(messages: readonly LinkMessage[]): number {
  return messages
    .flatMap((message) => (message.type === 'leased' || message.type === 'job' ? [message.work] : []))
    .at(-1)!;
}

function settle(work: number, lease: number): LinkMessage {
  return { type: 'settle', work, lease, isDone: true };
}
