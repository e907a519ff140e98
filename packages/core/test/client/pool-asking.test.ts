import { describe, expect, it, vi } from 'vitest';
import { addressTypes } from '../../src/codepoints/address-types.gen.ts';
import { objectKinds } from '../../src/codepoints/object-kinds.gen.ts';
import { patternKinds } from '../../src/codepoints/patterns.gen.ts';
import { flagBits } from '../../src/wire/header.ts';
import { decodePoolRecord } from '../../src/keys/pool-record.ts';
import { parseObject } from '../../src/keys/signed-object.ts';
import { PoolSealer } from '../../src/patterns/pool-sealer.ts';
import { parseEnvelope } from '../../src/wire/envelope.ts';
import { TridcommError } from '../../src/errors.ts';
import { typeOfObject } from '../../src/relay/object-form.ts';
import { MemoryStore } from '../../src/client/store.ts';
import type { Reply } from '../../src/client/reply.ts';
import type { WorkDelivery } from '../../src/client/work-delivery.ts';
import { job, openShop, otherTopic, PoolWorld, request, shown, topic, type Workshop } from './pool-world.ts';
import { codeOf, encode } from './world.ts';

function poolOfTwo() {
  const world = new PoolWorld();
  return { world, caller: world.caller(), worker: world.worker() };
}

const second = 1_000;

describe('requests', () => {
  it('patterns.15 patterns.25: are answered by a worker, each once and in its place', () => {
    const { world, caller, worker } = poolOfTwo();
    const shop = openShop(worker, {}, (delivery, own) => own.answer(delivery));
    const heard: Reply[] = [];
    const untilMs = world.nowMs + second;
    const { client } = caller;
    const asked = client.request(topic, [request('a', untilMs), request('b', untilMs)], world.nowMs, (reply) =>
      heard.push(reply),
    );
    expect(heard.map(shown)).toEqual(['0 final A', '1 final B']);
    expect(heard.map(({ name }) => name)).toEqual(asked.names);
    expect(asked).toMatchObject({ groupId16: world.front, epoch: worker.view(world.crew)!.epoch });
    expect(caller.events.filter(({ type }) => type === 'reply').length).toBe(2);
    expect(caller.refusals()).toEqual([]);
    const [delivery] = shop.deliveries;
    expect(delivery).toMatchObject({
      kind: 'request',
      topic,
      verdict: 'new',
      leaf: undefined,
      stale: false,
      timestampMs: world.nowMs,
    });
    expect(delivery!.sender.name).toBe('caller');
    expect(delivery!.works.map(({ id32 }) => id32)).toEqual(asked.names.map(({ id32 }) => id32));
    const { header, keyinfo } = parseEnvelope(asked.envelopes[0]!);
    expect([header.patternKind, header.flags, keyinfo.length]).toEqual([
      patternKinds.reqRep.request,
      flagBits.batch,
      40,
    ]);
    // Nothing is left to wait for.
    expect(codeOf(() => world.advance(2 * second))).toBe(undefined);
    expect(caller.events.filter(({ type }) => type === 'reply')).toEqual([]);
  });

  it('patterns.15: one stream for a topic and pattern, renewed after ten minutes and with another pool record', () => {
    const { world, caller } = poolOfTwo();
    const streamOf = (envelope: Uint8Array) => Buffer.from(parseEnvelope(envelope).header.streamId).toString('hex');
    const ask = (of = topic) =>
      streamOf(caller.client.request(of, [request('x', world.nowMs + second)], world.nowMs).envelopes[0]!);
    const first = ask();
    expect(ask()).toBe(first);
    expect(ask(otherTopic)).not.toBe(first);
    const pushed = streamOf(caller.client.push(topic, [job('x')], world.nowMs).envelopes[0]!);
    expect(pushed).not.toBe(first);
    world.advance(600_000);
    expect(ask()).toBe(first);
    world.advance(second);
    const renewed = ask();
    expect(renewed).not.toBe(first);
    world.authority.rotate(world.front, world.nowMs);
    const next = ask();
    expect(next).not.toBe(renewed);
    // A clock that goes back: no receiver takes a stream from later than its envelope.
    world.nowMs -= 1;
    expect(ask()).not.toBe(next);
  });

  it('patterns.15: all streams of a front end with its record, also where nobody asks any more', () => {
    const { world, caller } = poolOfTwo();
    const [revoked, otherFront] = [world.join('revoked'), 'else/where'];
    world.authority.grant({ keyId32: revoked.keyId32, action: 'subscribe', pattern: 'jobs/**' }, world.nowMs);
    world.authority.addGroup({ patterns: [otherFront], purpose: 'front' }, world.nowMs);
    world.authority.grant({ keyId32: caller.keyId32, action: 'publish', pattern: otherFront }, world.nowMs);
    world.authority.grant({ keyId32: world.join('w').keyId32, action: 'subscribe', pattern: otherFront }, world.nowMs);
    world.advance(second);
    const ended = vi.spyOn(PoolSealer.prototype, 'erase');
    try {
      const push = (of: string) => caller.client.push(of, [job('x')], world.nowMs);
      for (const of of [topic, otherTopic, otherFront]) push(of);
      world.authority.rotate(world.front, world.nowMs, { notBeforeMs: world.nowMs + 10 * second });
      world.advance(10 * second - 1);
      expect(ended).toHaveBeenCalledTimes(0);
      world.nowMs += 1;
      // The next one ends those of other topics too.
      push(topic);
      expect(ended).toHaveBeenCalledTimes(2);
      push(otherTopic);
      world.authority.revoke(revoked.keyId32, world.nowMs);
      expect(ended).toHaveBeenCalledTimes(2);
      caller.client.tick(world.nowMs);
      expect(ended).toHaveBeenCalledTimes(4);
      caller.end();
      expect(ended).toHaveBeenCalledTimes(5);
    } finally {
      ended.mockRestore();
    }
  });

  it('replay.1 replay.18: to a hundred topics of one front are all answered by one worker', () => {
    const topics = Array.from({ length: 100 }, (_, i) => `jobs/t${i}`);
    const world = new PoolWorld({ patterns: topics });
    const [caller, worker] = [world.caller(), world.worker()];
    for (const of of topics) openShop(worker, { of }, (delivery, own) => own.answer(delivery));
    const heard: string[] = [];
    for (let round = 0; round < 2; round++) {
      for (const of of topics) {
        caller.client.request(of, [request('x', world.nowMs + second)], world.nowMs, (reply) =>
          heard.push(shown(reply)),
        );
      }
    }
    expect(heard).toEqual(Array.from({ length: 200 }, () => '0 final X'));
    expect(caller.refusals()).toEqual([]);
  });

  it('patterns.26: that nobody answers are told late by their names, once', () => {
    const { world, caller } = poolOfTwo();
    const heard: string[] = [];
    const on = (reply: Reply): void => void heard.push(shown(reply));
    caller.client.request(
      topic,
      [request('a', world.nowMs + second), request('b', world.nowMs + 5 * second)],
      world.nowMs,
      on,
    );
    world.advance(second);
    expect(heard).toEqual([]);
    world.advance(second);
    expect(heard).toEqual(['0 late E_EXPIRED']);
    world.advance(10 * second);
    expect(heard).toEqual(['0 late E_EXPIRED', '1 late E_EXPIRED']);
  });

  it('patterns.25: that were cancelled are heard of no more', () => {
    const { world, caller, worker } = poolOfTwo();
    const shop = openShop(worker);
    const heard: string[] = [];
    const fields = ['a', 'b', 'c'].map((text) => request(text, world.nowMs + second));
    const { names } = caller.client.request(topic, fields, world.nowMs, (reply) => heard.push(shown(reply)));
    caller.client.cancel(names.slice(0, 1));
    shop.answer(shop.deliveries[0]!);
    expect(heard).toEqual(['1 final B', '2 final C']);
    world.advance(5 * second);
    expect(heard.length).toBe(2);
  });

  it('patterns.25: a handler that throws keeps nobody from theirs', () => {
    const { world, caller, worker } = poolOfTwo();
    openShop(worker, {}, (delivery, own) => own.answer(delivery));
    const heard: string[] = [];
    const fields = ['a', 'b'].map((text) => request(text, world.nowMs + second));
    caller.client.request(topic, fields, world.nowMs, (reply) => {
      heard.push(shown(reply));
      throw new Error('handler');
    });
    expect(heard).toEqual(['0 final A', '1 final B']);
    expect(caller.events.filter(({ type }) => type === 'handlerFailed').length).toBe(2);
  });

  it('patterns.35: more than 65,536 outstanding are refused, and nothing has changed', { timeout: 120_000 }, () => {
    const { world, caller } = poolOfTwo();
    const key16 = new Uint8Array(16);
    const many = (count: number) => Array.from({ length: count }, () => request('x', world.nowMs + second, { key16 }));
    const ask = (count: number) => caller.client.request(topic, many(count), world.nowMs);
    expect(codeOf(() => ask(65_537))).toBe('E_LIMIT');
    const { envelopes, names } = ask(65_000);
    expect([envelopes.length, names.length]).toEqual([16, 65_000]);
    const places = new Set(names.map(({ id32, index }) => `${Buffer.from(id32).toString('hex')} ${index}`));
    expect(places.size).toBe(65_000);
    const sent = world.relayEvents.length;
    expect(codeOf(() => ask(537))).toBe('E_LIMIT');
    expect(world.relayEvents.length).toBe(sent);
    // Not a number of the stream was used up.
    expect(parseEnvelope(ask(536).envelopes[0]!).header.seq).toBe(17);
    expect(codeOf(() => ask(1))).toBe('E_LIMIT');
    caller.client.cancel(names.slice(0, 1));
    ask(1);
    world.advance(2 * second);
    ask(536);
  });

  it('are refused before anything is sealed where they cannot be', () => {
    const { world, caller, worker } = poolOfTwo();
    const { client } = caller;
    const now = world.nowMs;
    const sent = world.relayEvents.length;
    const ask = (of: string, ...requests: readonly ReturnType<typeof request>[]) =>
      codeOf(() => client.request(of, requests, now));
    expect(ask(topic, request('x', now - 1))).toBe('E_EXPIRED');
    expect(ask(topic)).toBe('E_USAGE');
    expect(ask('jobs/other', request('x', now))).toBe('E_POLICY');
    expect(ask('jobs/*', request('x', now))).toBe('E_ENCODING');
    expect(ask(topic, request('x', now, { key16: new Uint8Array(15) }))).toBe('E_USAGE');
    expect(ask(topic, request('x', now), { body: new Uint8Array(983_040), deadlineMs: now })).toBe('E_LIMIT');
    expect(codeOf(() => worker.client.request(topic, [request('x', now)], now))).toBe('E_POLICY');
    expect(codeOf(() => worker.client.push(topic, [job('x')], now))).toBe('E_POLICY');
    expect(codeOf(() => client.publish(topic, [encode('x')], now))).toBe('E_POLICY');
    expect([
      codeOf(() => client.checkRequest(topic, now)),
      codeOf(() => worker.client.checkRequest(topic, now)),
    ]).toEqual([undefined, 'E_POLICY']);
    expect(world.relayEvents.length).toBe(sent);
    world.advance(5 * second);
    expect(caller.events.filter(({ type }) => type === 'reply')).toEqual([]);
  });

  it('that the carrier does not take are not outstanding, those of the call before are', () => {
    const { world, caller } = poolOfTwo();
    const large = (text: string) => ({
      body: new Uint8Array(600_000).fill(text.charCodeAt(0)),
      deadlineMs: world.nowMs + second,
    });
    const before: string[] = [];
    const heard: string[] = [];
    caller.client.request(topic, [request('a', world.nowMs + second)], world.nowMs, (reply) =>
      before.push(shown(reply)),
    );
    const { relay } = world;
    const publish = relay.publish.bind(relay);
    let count = 0;
    relay.publish = (link, bytes) => {
      if (++count > 1) throw new Error('no link');
      publish(link, bytes);
    };
    const two = () =>
      caller.client.request(topic, [large('b'), large('c')], world.nowMs, (reply) => heard.push(shown(reply)));
    expect(two).toThrow(expect.objectContaining({ name: 'TridcommError', code: 'E_CLOSED', sentMessages: 1 }));
    count = 1;
    expect(two).toThrow('no link');
    world.advance(3 * second);
    expect([before, heard]).toEqual([['0 late E_EXPIRED'], []]);
  });

  it('delivery.13: repeating the same bytes is up to who asks, and answered once more', () => {
    const { world, caller, worker } = poolOfTwo();
    const shop = openShop(worker);
    const heard: string[] = [];
    const { envelopes } = caller.client.request(
      topic,
      [request('a', world.nowMs + 60 * second)],
      world.nowMs,
      (reply) => heard.push(shown(reply)),
    );
    caller.link.publish(envelopes[0]!);
    expect(shop.deliveries.map(({ verdict, works }) => [verdict, works.length])).toEqual([
      ['new', 1],
      ['again', 0],
    ]);
    const [first, again] = shop.deliveries;
    expect(again!.id32).toEqual(first!.id32);
    const { client } = worker;
    client.reply(again!, [{ leaf: 0, index: 0, status: 'in progress' }], world.nowMs);
    client.reply(again!, [{ leaf: 0, index: 0, status: 'final', body: encode('A') }], world.nowMs);
    client.reply(first!, [{ leaf: 0, index: 0, status: 'final', body: encode('B') }], world.nowMs);
    expect(heard).toEqual(['0 in progress', '0 final A']);
  });
});

describe('by which record a member seals', () => {
  const ofType = (type: number) => (bytes: Uint8Array) => typeOfObject(bytes) === type;

  it('patterns.11: by one that a fresh head of the crew proves, and by none before', () => {
    const world = new PoolWorld();
    const caller = world.caller();
    world.worker();
    const check = () => codeOf(() => caller.client.checkRequest(topic, world.nowMs));
    expect(check()).toBe(undefined);
    const before = caller.client.trust.poolRecord(world.front)!.epoch;
    caller.lets = (what, bytes) => what !== 'object' || !ofType(addressTypes.poolRecord)(bytes);
    world.authority.rotate(world.front, world.nowMs);
    expect(check()).toBe('E_STALE');
    caller.events.splice(0);
    expect(caller.client.trust.poolRecord(world.front)!.epoch).toBe(before);
    caller.lets = () => true;
    // It is asked for again by itself.
    world.advance(2 * second);
    expect(check()).toBe(undefined);
    expect(caller.client.trust.poolRecord(world.front)!.epoch).toBe(before + 1);
    const told = caller.events.flatMap((event) => (event.type === 'pool' ? [event.groupId16] : []));
    expect(told).toEqual([world.front]);
  });

  it('patterns.11: by none while the head of the crew is held back', () => {
    const world = new PoolWorld();
    const caller = world.caller();
    world.worker();
    const check = () => codeOf(() => caller.client.checkRequest(topic, world.nowMs));
    const isOfCrew = (bytes: Uint8Array) =>
      ofType(addressTypes.groupHead)(bytes) && Buffer.from(bytes).includes(Buffer.from(world.crew));
    caller.lets = (what, bytes) => what !== 'object' || !isOfCrew(bytes);
    world.advance(25 * second);
    expect(check()).toBe('E_STALE');
    caller.lets = () => true;
    world.advance(5 * second);
    expect(check()).toBe(undefined);
    // Without any head everything goes stale.
    caller.lets = (what) => what !== 'object';
    world.advance(120 * second);
    expect(check()).toBe('E_STALE');
  });

  it('patterns.11: by none of another block than that of the crew, whatever key it says', () => {
    const world = new PoolWorld();
    const caller = world.caller();
    world.worker();
    const check = () => codeOf(() => caller.client.checkRequest(topic, world.nowMs));
    expect(check()).toBe(undefined);
    // Generation and epoch are those of the leaf.
    world.forgePoolRecords({
      blockHash32: new Uint8Array(32).fill(7),
      publicKey32: world.provider.generateKeyPair('x25519').publicKey,
    });
    world.authority.rotate(world.front, world.nowMs);
    expect(caller.client.trust.poolRecord(world.front)!.blockHash32).toEqual(new Uint8Array(32).fill(7));
    expect(check()).toBe('E_STALE');
  });

  it('patterns.12: by the one before until the newest has begun, at once by one that revokes, and by none that is over', () => {
    const world = new PoolWorld({ epochLifeMs: 3_600_000 });
    const caller = world.caller('caller', new MemoryStore());
    const [worker, other] = [world.worker(), world.worker('other')];
    const settle = (delivery: WorkDelivery, { member }: Workshop) => member.client.settle(delivery.lease, 'done');
    const shops = [openShop(worker, {}, settle), openShop(other, {}, settle)];
    const epochOf = () => caller.client.push(topic, [job('x')], world.nowMs).epoch;
    const before = epochOf();
    world.authority.rotate(world.front, world.nowMs, { notBeforeMs: world.nowMs + 10 * second });
    expect(caller.client.trust.poolRecord(world.front)!.epoch).toBe(before + 1);
    expect(epochOf()).toBe(before);
    // The newest head proves only the newest: that the one before was proven is remembered.
    caller.end();
    caller.begin();
    world.advance(5 * second);
    expect(epochOf()).toBe(before);
    world.advance(5 * second - 1);
    expect(epochOf()).toBe(before);
    world.advance(1);
    expect(epochOf()).toBe(before + 1);
    world.authority.rotate(world.front, world.nowMs, { notBeforeMs: world.nowMs + 10 * second });
    expect(epochOf()).toBe(before + 1);
    world.authority.revoke(other.keyId32, world.nowMs);
    expect(epochOf()).toBe(before + 3);
    // Also by a clock that is behind that of the authority.
    world.nowMs -= 1;
    expect(epochOf()).toBe(before + 3);
    world.nowMs += 1;
    expect(shops.map(({ deliveries }) => deliveries.length).reduce((a, b) => a + b)).toBe(8);
    expect(worker.refusals()).toEqual([]);
    // Who came when the newest had been announced has never seen the one before as the newest.
    world.authority.rotate(world.front, world.nowMs, { notBeforeMs: world.nowMs + 60 * second });
    const late = world.join('late');
    world.authority.grant({ keyId32: late.keyId32, action: 'publish', pattern: '**', join: 'now' }, world.nowMs);
    world.advance(2 * second);
    expect(codeOf(() => late.client.checkRequest(topic, world.nowMs))).toBe('E_EPOCH');
    world.advance(60 * second);
    expect(codeOf(() => late.client.checkRequest(topic, world.nowMs))).toBe(undefined);
  });

  it('patterns.12: by none older than that of the epoch before: one between may have revoked somebody', () => {
    const world = new PoolWorld();
    const caller = world.caller();
    const [worker, other] = [world.worker(), world.worker('other')];
    const settle = (delivery: WorkDelivery, { member }: Workshop) => member.client.settle(delivery.lease, 'done');
    openShop(worker, {}, settle);
    const check = () => codeOf(() => caller.client.checkRequest(topic, world.nowMs));
    const before = caller.client.push(topic, [job('x')], world.nowMs).epoch;
    // The broker keeps the record that revokes from who asks.
    const isThatRevokes = (bytes: Uint8Array) => {
      if (!ofType(addressTypes.poolRecord)(bytes)) return false;
      return decodePoolRecord(world.provider, parseObject(world.provider, bytes, objectKinds.poolRecord)).revokes;
    };
    caller.lets = (what, bytes) => what !== 'object' || !isThatRevokes(bytes);
    world.authority.revoke(other.keyId32, world.nowMs);
    expect(check()).toBe('E_STALE');
    world.authority.rotate(world.front, world.nowMs, { notBeforeMs: world.nowMs + 10 * second });
    world.advance(second);
    expect(caller.client.trust.poolRecord(world.front)!.epoch).toBe(before + 2);
    expect(check()).toBe('E_EPOCH');
    world.advance(10 * second);
    expect(caller.client.push(topic, [job('x')], world.nowMs).epoch).toBe(before + 2);
  });

  it('patterns.12: after the end of the newest there is nothing to seal by', () => {
    const world = new PoolWorld({ epochLifeMs: 30_000 });
    const caller = world.caller();
    world.worker();
    const check = () => codeOf(() => caller.client.checkRequest(topic, world.nowMs));
    // Heads are fresh for longer than this, and nothing else comes.
    world.nowMs = caller.client.trust.poolRecord(world.front)!.notAfterMs;
    expect(check()).toBe(undefined);
    world.nowMs += 1;
    expect([check(), caller.view(world.front)!.fresh]).toEqual(['E_EPOCH', true]);
  });
});

it('topics.13: answers are subscribed to over the periods, exactly and from the first request on', () => {
  const world = new PoolWorld({ periodMs: 60_000, maxHeadAgeMs: 60_000 });
  const caller = world.caller();
  const worker = world.worker();
  openShop(worker, {}, (delivery, own) => own.answer(delivery));
  const subscribed = () => [
    ...(caller.link as unknown as { subscriptions: Map<string, unknown> }).subscriptions.keys(),
  ];
  expect(subscribed()).toEqual([]);
  const heard: string[] = [];
  const ask = () =>
    caller.client.request(topic, [request('a', world.nowMs + second)], world.nowMs, (reply) =>
      heard.push(shown(reply)),
    );
  ask();
  const first = subscribed();
  expect(first.length).toBeGreaterThan(0);
  for (let i = 0; i < 6; i++) {
    world.advance(60 * second);
    ask();
  }
  expect(heard).toEqual(Array.from({ length: 7 }, () => '0 final A'));
  expect(subscribed().some((name) => first.includes(name))).toBe(false);
});

it('topics.13: answers come after the broker forgot everything, too', () => {
  const world = new PoolWorld();
  const [caller, worker] = [world.caller(), world.worker()];
  const shop = openShop(worker);
  const heard: string[] = [];
  caller.client.request(topic, [request('a', world.nowMs + 60_000)], world.nowMs, (reply) => heard.push(shown(reply)));
  const tags = [...world.tagsOf(caller)];
  for (const match of tags) caller.link.unsubscribe(match);
  shop.answer(shop.deliveries[0]!);
  expect([tags.length, heard]).toEqual([1, []]);
  caller.client.reconnected(world.nowMs);
  // What the broker ends later is told, and asked for under the next policy.
  const [match] = world.tagsOf(caller);
  caller.link.unsubscribe(match!);
  caller.events.splice(0);
  caller.client.subscriptionRefused(match!, new TridcommError('E_POLICY'), world.nowMs);
  caller.client.subscriptionRefused({ ...match!, level: 1 }, new TridcommError('E_POLICY'), world.nowMs);
  expect([caller.refusals(), world.tagsOf(caller)]).toEqual([['subscription E_POLICY'], []]);
  world.authority.addGroup({ patterns: ['else'] }, world.nowMs);
  expect(world.tagsOf(caller)).toEqual([match]);
  const { works } = shop.deliveries[0]!;
  worker.client.reply(shop.deliveries[0]!, [{ ...works[0]!, status: 'refused', code: 'E_LIMIT' }], world.nowMs);
  expect(heard).toEqual(['0 refused E_LIMIT']);
});

describe('whether a reply may open later', () => {
  it('patterns.23 principals.24: of a responder whose record is on its way', () => {
    const world = new PoolWorld();
    const caller = world.caller();
    const worker = world.join('worker');
    const ofWorker = Buffer.from(worker.identity.key.publicKey32);
    caller.lets = (what, bytes) => what !== 'object' || !Buffer.from(bytes).includes(ofWorker);
    world.authority.grant({ keyId32: worker.keyId32, action: 'subscribe', pattern: '**' }, world.nowMs);
    world.advance(second);
    const shop = openShop(worker, {}, (delivery, own) => own.answer(delivery));
    caller.holds = true;
    const { client } = caller;
    client.request(topic, [request('a', world.nowMs + 60 * second)], world.nowMs);
    const [bytes] = caller.held as [Uint8Array];
    expect(shop.deliveries.length).toBe(1);
    const mayLater = (code: 'E_EPOCH' | 'E_SENDER', envelope: Uint8Array) =>
      (['live', 'log'] as const).map((source) => client.mayOpenLater(code, envelope, world.nowMs, source));
    expect(codeOf(() => client.envelope(bytes, world.nowMs))).toBe('E_SENDER');
    expect(mayLater('E_SENDER', bytes)).toEqual([true, false]);
    const stranger = bytes.slice();
    stranger.set(new Uint8Array(16), 32);
    expect(mayLater('E_SENDER', stranger)).toEqual([false, false]);
    // Whatever epoch comes: a reply is of that of its request.
    const ahead = bytes.slice();
    ahead[27]! += 1;
    expect(mayLater('E_EPOCH', ahead)).toEqual([false, false]);
    caller.lets = () => true;
    client.reconnected(world.nowMs);
    expect(codeOf(() => client.envelope(bytes, world.nowMs))).toBe(undefined);
    expect(caller.events.some(({ type }) => type === 'reply')).toBe(true);
  });

  it('patterns.23 principals.31: of a responder who has a newer view', () => {
    const world = new PoolWorld();
    const [caller, worker] = [world.caller(), world.worker()];
    const right = { keyId32: worker.keyId32, action: 'subscribe', pattern: '**' } as const;
    const shop = openShop(worker);
    const { client } = caller;
    client.request(topic, [request('a', world.nowMs + 60 * second)], world.nowMs);
    world.authority.withdraw(right, world.nowMs);
    caller.lets = () => false;
    caller.holds = true;
    world.authority.grant(right, world.nowMs);
    const replied = worker.client.reply(
      shop.deliveries[0]!,
      [{ leaf: 0, index: 0, status: 'in progress' }],
      world.nowMs,
    );
    const [bytes] = replied.envelopes as [Uint8Array];
    const mayLater = () => client.mayOpenLater('E_POLICY', bytes, world.nowMs);
    expect(codeOf(() => client.envelope(bytes, world.nowMs))).toBe('E_POLICY');
    expect(mayLater()).toBe(true);
    caller.lets = () => true;
    client.reconnected(world.nowMs);
    expect(mayLater()).toBe(false);
    expect(codeOf(() => client.envelope(bytes, world.nowMs))).toBe(undefined);
    expect(caller.events.some(({ type }) => type === 'reply')).toBe(true);
  });
});
