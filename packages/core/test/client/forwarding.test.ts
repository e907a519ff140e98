import { describe, expect, it, vi } from 'vitest';
import type { WorkOutcome } from '../../src/client/carrier.ts';
import type { HeardReply, RoutedDelivery } from '../../src/client/route-delivery.ts';
import { MemoryStore } from '../../src/client/store.ts';
import type { WorkDelivery } from '../../src/client/work-delivery.ts';
import { addressTypes } from '../../src/codepoints/address-types.gen.ts';
import { limits } from '../../src/codepoints/limits.gen.ts';
import { patternKinds } from '../../src/codepoints/patterns.gen.ts';
import { typeOfObject } from '../../src/relay/object-form.ts';
import { parseEnvelope } from '../../src/wire/envelope.ts';
import {
  message,
  openShop,
  otherTopic,
  PoolWorld,
  request,
  shown,
  textOf,
  topic,
  type Workshop,
} from './pool-world.ts';
import { codeOf, encode, type Member } from './world.ts';

const minute = 60_000;

/** A dealer, a router, and two who work and take nothing from the broker itself. */
function routedPool() {
  const world = new PoolWorld();
  const dealer = world.caller('dealer');
  const [one, two] = [world.worker('one'), world.worker('two')];
  const router = world.router();
  const shops = [openShop(one, { capacity: 0 }), openShop(two, { capacity: 0 })];
  return { world, dealer, router, one, two, shops };
}

/** Hands what it routes to who is called as the routing data say, and settles. */
function routeByName(router: Member, workers: readonly Member[], capacity = 16): RoutedDelivery[] {
  const routed: RoutedDelivery[] = [];
  const { client, world } = router;
  client.route(
    topic,
    world.nowMs,
    (delivery) => {
      routed.push(delivery);
      const worker = workers.find(({ name }) => name === textOf(delivery.routing));
      if (worker !== undefined) client.forward(delivery, worker.keyId32, world.nowMs);
      client.settle(delivery.lease, worker === undefined ? 'given back' : 'done');
    },
    { capacity },
  );
  return routed;
}

function heardOf(
  dealer: Member,
  ...messages: readonly [string, string][]
): { heard: string[]; envelopes: readonly Uint8Array[] } {
  const heard: string[] = [];
  const { client, world } = dealer;
  const fields = messages.map(([text, routing]) => message(text, routing, world.nowMs + minute));
  const { envelopes } = client.deal(topic, fields, world.nowMs, (reply) => heard.push(shown(reply)));
  return { heard, envelopes };
}

const texts = ({ deliveries }: Workshop): string[] =>
  deliveries.flatMap(({ works }) => works.map(({ body }) => textOf(body)));

describe('messages of a dealer', () => {
  it('patterns.36 patterns.37 patterns.39 patterns.41: go where a router sends them by the routing data, which alone it reads', () => {
    const { world, dealer, router, one, two, shops } = routedPool();
    const routed = routeByName(router, [one, two]);
    const { envelopes } = heardOf(dealer, ['secret a', 'two'], ['secret b', 'one'], ['secret c', 'one']);
    // Neighbours with the same routing data share an envelope.
    expect(envelopes).toHaveLength(2);
    expect(shops.map(texts)).toEqual([['secret b', 'secret c'], ['secret a']]);
    expect(routed.map(({ routing, sender }) => [textOf(routing), sender.name])).toEqual([
      ['two', 'dealer'],
      ['one', 'dealer'],
    ]);
    expect(routed.map(({ envelope }) => envelope)).toEqual(envelopes);
    expect(
      shops.flatMap(({ deliveries }) => deliveries.map(({ kind, sender }) => `${kind} of ${sender.name}`)),
    ).toEqual(['message of dealer', 'message of dealer']);
    // Nothing of the crew is at the router, so it could not read more.
    expect([router.view(world.front)?.fresh, router.view(world.crew)]).toEqual([true, undefined]);
    expect([one.refusals(), two.refusals(), router.refusals(), dealer.refusals()]).toEqual([[], [], [], []]);
    // What was forwarded is done at the broker.
    world.advance(minute);
    expect(routed).toHaveLength(2);
  });

  it('patterns.42: are answered several times, whenever who works likes, and never after the last', () => {
    const { world, dealer, router, one, two, shops } = routedPool();
    routeByName(router, [one, two]);
    const { heard } = heardOf(dealer, ['a', 'one'], ['b', 'one']);
    const [delivery] = shops[0]!.deliveries as [WorkDelivery];
    const say = (index: number, status: 'news' | 'final', text: string) =>
      one.client.reply(delivery, [{ leaf: 0, index, status, body: encode(text) }], world.nowMs);
    say(1, 'news', '10 %');
    say(0, 'news', '20 %');
    world.advance(5_000);
    say(1, 'news', '30 %');
    say(1, 'final', 'done');
    say(1, 'news', 'too late');
    expect(heard).toEqual(['1 news 10 %', '0 news 20 %', '1 news 30 %', '1 final done']);
    one.client.reply(delivery, [{ leaf: 0, index: 0, status: 'in progress' }], world.nowMs);
    one.client.reply(delivery, [{ leaf: 0, index: 0, status: 'refused', code: 'E_LIMIT' }], world.nowMs);
    expect(heard.slice(4)).toEqual(['0 news', '0 refused E_LIMIT']);
    // What the router sent has no lease of the broker, so to settle means nothing.
    one.client.settle(delivery.lease, 'given back');
    expect(texts(shops[0]!)).toEqual(['a', 'b']);
  });

  it('patterns.42: are not answered after their deadline', () => {
    const { world, dealer, router, one, two, shops } = routedPool();
    routeByName(router, [one, two]);
    const { heard } = heardOf(dealer, ['a', 'one']);
    dealer.holds = true;
    world.advance(minute);
    one.client.reply(shops[0]!.deliveries[0]!, [{ leaf: 0, index: 0, status: 'news', body: encode('x') }], world.nowMs);
    // It was sealed in time, and is on its way too long.
    world.nowMs += 1;
    dealer.release();
    expect(heard).toEqual([]);
    dealer.client.tick(world.nowMs);
    expect(heard).toEqual(['0 late E_EXPIRED']);
  });

  it('delivery.21: go to a member of the crew as any work where nobody routes', () => {
    const world = new PoolWorld();
    const dealer = world.caller('dealer');
    const shop = openShop(world.worker('one'), {}, (delivery, own) => own.answer(delivery));
    const { heard } = heardOf(dealer, ['a', 'x'], ['b', 'y']);
    expect(heard).toEqual(['0 final A', '1 final B']);
    expect(shop.deliveries.map(({ kind, verdict }) => `${kind} ${verdict}`)).toEqual(['message new', 'message new']);
    // Without a router there is no inbox, and nobody asks for one.
    expect([world.tagsOf(shop.member), shop.member.refusals()]).toEqual([[], []]);
    // News are of messages alone.
    dealer.client.request(topic, [request('r', world.nowMs + minute)], world.nowMs);
    const ofRequest = shop.deliveries.at(-1)!;
    const news = [{ leaf: 0, index: 0, status: 'news' as const, body: encode('x') }];
    expect(codeOf(() => shop.member.client.reply(ofRequest, news, world.nowMs))).toBe('E_USAGE');
  });

  it('patterns.36: with too much routing data are refused before anything is sealed', () => {
    const { world, dealer } = routedPool();
    const published: Uint8Array[] = [];
    const deal = (bytes: number) =>
      codeOf(() => {
        const fields = { body: encode('x'), routing: new Uint8Array(bytes), deadlineMs: world.nowMs + 1 };
        published.push(
          ...dealer.client.deal(topic, [{ ...fields, routing: new Uint8Array(0) }, fields], world.nowMs).envelopes,
        );
      });
    expect([deal(1_025), deal(1_024), deal(0)]).toEqual(['E_LIMIT', undefined, undefined]);
    expect(published).toHaveLength(2 + 1);
    expect(codeOf(() => dealer.client.checkDeal(topic, world.nowMs))).toBe(undefined);
    expect(codeOf(() => dealer.client.checkDeal('nobody', world.nowMs))).toBe('E_POLICY');
    world.advance(10_000);
    expect(dealer.events.flatMap((event) => (event.type === 'reply' ? [event.reply.status] : []))).toEqual([
      'late',
      'late',
      'late',
      'late',
    ]);
  });
});

describe('a router', () => {
  it('patterns.44: that may work too is given nothing to route, and told', () => {
    const { world, dealer, router, one, two, shops } = routedPool();
    world.authority.grant({ keyId32: router.keyId32, action: 'subscribe', pattern: '**' }, world.nowMs);
    world.advance(2_000);
    const routed = routeByName(router, [one, two]);
    shops[0]!.subscription.setCapacity(9, world.nowMs);
    dealer.client.push(topic, [{ body: encode('j') }], world.nowMs);
    heardOf(dealer, ['a', 'two']);
    world.advance(2_000);
    expect([texts(shops[0]!).toSorted(), routed, router.units]).toEqual([['a', 'j'], [], []]);
    expect(router.refusals()).toEqual(['subscription E_POLICY']);
    // Without the right to work it routes.
    world.authority.withdraw({ keyId32: router.keyId32, action: 'subscribe', pattern: '**' }, world.nowMs);
    shops[0]!.subscription.setCapacity(0, world.nowMs);
    world.advance(10_000);
    heardOf(dealer, ['b', 'two']);
    expect(texts(shops[1]!)).toEqual(['b']);
  });

  it('patterns.37: gives back what is no message, at once', () => {
    const { world, dealer, router, one, two } = routedPool();
    const routed = routeByName(router, [one, two]);
    const { envelopes } = dealer.client.request(topic, [request('r', world.nowMs + minute)], world.nowMs);
    const outcomes: WorkOutcome[] = [];
    const lease = { settle: (outcome: WorkOutcome) => outcomes.push(outcome) };
    router.client.receiver(() => world.nowMs).leased(envelopes[0]!, 'envelope', lease);
    expect([outcomes, routed, router.refusals()]).toEqual([['given back'], [], ['envelope E_ENCODING']]);
  });

  it('patterns.38: gives back what does not open for it, as who works may open it', () => {
    const { world, dealer, router, one, two, shops } = routedPool();
    const routed = routeByName(router, [one, two]);
    const aeadSeal = world.provider.aeadSeal.bind(world.provider);
    // Routing data alone are sealed without associated data.
    const sealing = vi.spyOn(world.provider, 'aeadSeal').mockImplementation((...args) => {
      const sealed = aeadSeal(...args);
      if (args[3].length === 0) sealed[0]! ^= 1;
      return sealed;
    });
    try {
      heardOf(dealer, ['a', 'one']);
    } finally {
      sealing.mockRestore();
    }
    expect([routed, router.refusals()]).toEqual([[], ['envelope E_AEAD']]);
    shops[1]!.subscription.setCapacity(1, world.nowMs);
    world.advance(3_000);
    expect(texts(shops[1]!)).toEqual(['a']);
  });

  it('patterns.37 delivery.29: gives back what it refuses by its own old record of who deals', () => {
    const { world, dealer, router, shops } = routedPool();
    world.authority.issue(dealer.identity.key, { name: 'dealer', notAfterMs: world.nowMs + 120_000 }, world.nowMs);
    world.advance(2_000);
    const routed = routeByName(router, []);
    router.lets = (what, bytes) => what !== 'object' || typeOfObject(bytes) !== addressTypes.principalRecord;
    world.authority.issue(dealer.identity.key, { name: 'dealer' }, world.nowMs);
    world.advance(170_000, 1_000);
    router.refusals();
    heardOf(dealer, ['a', 'one']);
    expect([routed, router.refusals()]).toEqual([[], ['envelope E_EXPIRED']]);
    shops[0]!.subscription.setCapacity(1, world.nowMs);
    world.advance(3_000);
    expect(texts(shops[0]!)).toEqual(['a']);
  });

  it('patterns.37 replay.7: may hand on once more what it has seen, and who works does not do it twice', () => {
    const { world, dealer, router, one, shops } = routedPool();
    const routed: RoutedDelivery[] = [];
    const { client } = router;
    const subscription = client.route(topic, world.nowMs, (delivery) => routed.push(delivery), { capacity: 1 });
    heardOf(dealer, ['a', 'one']);
    client.settle(routed[0]!.lease, 'given back');
    world.advance(1_000);
    expect(routed.map(({ verdict, routing }) => `${verdict} ${textOf(routing)}`)).toEqual(['new one', 'again one']);
    for (const delivery of routed) client.forward(delivery, one.keyId32, world.nowMs);
    expect(shops[0]!.deliveries.map(({ verdict }) => verdict)).toEqual(['new', 'again']);
    client.settle(routed[1]!.lease, 'done');
    subscription.close(world.nowMs);
    heardOf(dealer, ['b', 'one']);
    expect(routed).toHaveLength(2);
    // The topic is free for another use of it.
    expect(codeOf(() => client.route(topic, world.nowMs, undefined, { capacity: 1 }))).toBe(undefined);
    expect(codeOf(() => client.work(topic, world.nowMs, undefined, { capacity: 1 }))).toBe('E_USAGE');
  });

  it('replay.22 replay.35: a durable router says after a restart what it may have seen, and routes on', () => {
    const world = new PoolWorld();
    const dealer = world.caller('dealer');
    const store = new MemoryStore();
    const router = world.router('router', store);
    const routed: RoutedDelivery[] = [];
    const route = () => router.client.route(topic, world.nowMs, (delivery) => routed.push(delivery), { capacity: 4 });
    route();
    heardOf(dealer, ['a', 'x']);
    router.end();
    world.advance(1_000);
    router.begin();
    world.advance(1_000);
    route();
    heardOf(dealer, ['b', 'y']);
    dealer.end();
    dealer.begin();
    world.advance(1_000);
    heardOf(dealer, ['c', 'z']);
    // Of a stream that an earlier life saw, numbers up to its floor may have been seen.
    expect(routed.map(({ verdict, routing }) => `${verdict} ${textOf(routing)}`)).toEqual([
      'new x',
      'redelivered x',
      'redelivered y',
      'new z',
    ]);
    router.client.settle(routed[1]!.lease, 'given back');
    world.advance(2_000);
    expect(routed.slice(4).map(({ verdict, routing }) => `${verdict} ${textOf(routing)}`)).toEqual(['again x']);
    // What was seen of an epoch of the crew goes with the last record of it.
    const states = () => new Set([...store.entries('replay/route-')].map(([name]) => name.split('/')[2]));
    expect(states().size).toBe(1);
    const [old] = states();
    for (let i = 0; i < 4; i++) {
      world.authority.rotate(world.front, world.nowMs);
      world.advance(700_000, 5_000);
      heardOf(dealer, ['d', 'later']);
    }
    expect([states().has(old), states().size]).toEqual([false, 2]);
  });

  it('patterns.38: refuses what was changed on the way, and a forward that was replayed is one', () => {
    const { world, dealer, router, one, two, shops } = routedPool();
    const routed = routeByName(router, [one, two]);
    const { front } = world;
    router.lets = (what, bytes) => {
      if (what === 'envelope' && bytes[3] === patternKinds.routerDealer.message) {
        // The last byte of extension 12.
        const { protectedHeader } = parseEnvelope(bytes);
        protectedHeader[protectedHeader.length - 1]! ^= 1;
      }
      return true;
    };
    heardOf(dealer, ['a', 'one']);
    expect([routed, router.refusals()]).toEqual([[], ['envelope E_SIG']]);
    router.lets = () => true;
    one.holds = true;
    const { heard } = heardOf(dealer, ['b', 'one']);
    const [forward] = one.held as [Uint8Array];
    one.holds = false;
    const receiver = one.client.receiver(() => world.nowMs);
    receiver.envelope(forward.slice());
    receiver.envelope(forward.slice());
    expect([texts(shops[0]!), one.refusals(), heard]).toEqual([['b'], ['envelope E_REPLAY'], []]);
    expect(one.client.groupIds).toContainEqual(front);
  });

  it('principals.19 principals.22: needs the grant, at the broker and at who works', () => {
    const { world, dealer, router, one, two, shops } = routedPool();
    const routed = routeByName(router, [one, two]);
    heardOf(dealer, ['a', 'one']);
    // Who asks, and who works, may not.
    for (const member of [dealer, one]) {
      expect(codeOf(() => member.client.forward(routed[0]!, two.keyId32, world.nowMs))).toBe('E_POLICY');
    }
    dealer.client.route(topic, world.nowMs, undefined, { capacity: 1 });
    dealer.client.hearReplies(topic, world.nowMs);
    expect(dealer.refusals()).toEqual(['subscription E_POLICY', 'subscription E_POLICY']);
    const inboxes = () => [one, two].map((member) => world.tagsOf(member).length);
    expect(inboxes()).toEqual([1, 1]);
    const other = world.router('other');
    two.holds = true;
    router.client.forward(routed[0]!, two.keyId32, world.nowMs);
    const epoch = router.view(world.front)!.epoch;
    world.authority.withdraw({ keyId32: router.keyId32, action: 'route', pattern: '**' }, world.nowMs);
    world.advance(2_000);
    // Its seat in the front is gone.
    expect(one.view(world.front)!.epoch).toBe(epoch + 1);
    expect(router.view(world.front)?.epoch).toBe(epoch);
    // It does not know, but the broker does, and who works.
    expect(codeOf(() => router.client.forward(routed[0]!, one.keyId32, world.nowMs))).toBe('E_POLICY');
    two.refusals();
    two.release();
    expect([two.refusals(), texts(shops[1]!), texts(shops[0]!)]).toEqual([['envelope E_POLICY'], [], ['a']]);
    expect(inboxes()).toEqual([1, 1]);
    world.authority.withdraw({ keyId32: other.keyId32, action: 'route', pattern: '**' }, world.nowMs);
    world.advance(2_000);
    // With the last router the inboxes end.
    expect(inboxes()).toEqual([0, 0]);
  });

  it('patterns.40: is believed by the grant to route, and by no other', () => {
    const { world, dealer, router, one, two, shops } = routedPool();
    // With the last router the inboxes end.
    world.router('other');
    world.advance(2_000);
    const routed = routeByName(router, [one]);
    heardOf(dealer, ['a', 'nobody']);
    for (const action of ['publish', 'subscribe'] as const) {
      world.authority.grant({ keyId32: router.keyId32, action, pattern: '**' }, world.nowMs);
    }
    world.advance(2_000);
    two.holds = true;
    router.client.forward(routed[0]!, two.keyId32, world.nowMs);
    world.authority.withdraw({ keyId32: router.keyId32, action: 'route', pattern: '**' }, world.nowMs);
    world.advance(2_000);
    two.refusals();
    two.release();
    expect([two.refusals(), texts(shops[1]!)]).toEqual([['envelope E_POLICY'], []]);
  });

  it('replay.35: a durable member that works loses no forward after a restart, and says what it may have had', () => {
    const world = new PoolWorld();
    const dealer = world.caller('dealer');
    const worker = world.worker('worker', new MemoryStore());
    const router = world.router();
    const routed = routeByName(router, [worker]);
    openShop(worker, { capacity: 0 });
    const forwards: Uint8Array[] = [];
    worker.lets = (what, bytes) => {
      if (what === 'envelope') forwards.push(bytes.slice());
      return true;
    };
    heardOf(dealer, ['a', 'worker']);
    expect([forwards.length, routed.length]).toEqual([1, 1]);
    world.advance(1_000);
    worker.end();
    worker.begin();
    world.advance(1_000);
    const shop = openShop(worker, { capacity: 0 });
    worker.refusals();
    const receiver = worker.client.receiver(() => world.nowMs);
    receiver.envelope(forwards[0]!.slice());
    receiver.envelope(forwards[0]!.slice());
    expect([worker.refusals(), texts(shop)]).toEqual([['envelope E_REPLAY'], ['a']]);
    for (let i = 0; i < 65; i++) heardOf(dealer, [`m${i}`, 'worker']);
    expect(shop.deliveries).toHaveLength(1 + 65);
    const verdicts = shop.deliveries.map(({ verdict }) => verdict);
    expect([verdicts.slice(0, 65), verdicts[65]]).toEqual([Array.from({ length: 65 }, () => 'redelivered'), 'new']);
    expect(worker.refusals()).toEqual([]);
  });

  it('patterns.41: brings messages of its own front alone', () => {
    const { world, dealer, router, one, shops } = routedPool();
    const elsewhere = 'else/where';
    world.authority.addGroup({ patterns: [elsewhere], purpose: 'front' }, world.nowMs);
    for (const [{ keyId32 }, action] of [
      [dealer, 'publish'],
      [one, 'subscribe'],
    ] as const) {
      world.authority.grant({ keyId32, action, pattern: elsewhere }, world.nowMs);
    }
    world.advance(2_000);
    const routed = routeByName(router, [one]);
    const there = openShop(one, { capacity: 0, of: elsewhere });
    const { envelopes } = dealer.client.deal(elsewhere, [message('a', 'one', world.nowMs + minute)], world.nowMs);
    router.client.forward({ groupId16: world.front, envelope: envelopes[0]! }, one.keyId32, world.nowMs);
    expect([texts(there), one.refusals()]).toEqual([[], []]);
    heardOf(dealer, ['b', 'one']);
    expect([texts(shops[0]!), routed.length]).toEqual([['b'], 1]);
  });

  it('patterns.39: on two brokers hands messages one way and replies the other, and changes no byte', () => {
    const world = new PoolWorld();
    const dealer = world.caller('dealer');
    const far = world.addRelay();
    const worker = world.worker('worker', undefined, far);
    const near = world.router();
    const there = world.joinAt(near, far);
    world.advance(2_000);
    const shop = openShop(worker);
    const { client } = near;
    const routed: RoutedDelivery[] = [];
    const replies: Uint8Array[] = [];
    client.route(
      topic,
      world.nowMs,
      (delivery) => {
        routed.push(delivery);
        there.client.forward(delivery, worker.keyId32, world.nowMs);
        client.settle(delivery.lease, 'done');
      },
      { capacity: 4 },
    );
    there.client.hearReplies(topic, world.nowMs, (reply) => {
      replies.push(reply.envelope);
      client.forwardReply(reply, world.nowMs);
    });
    const { heard, envelopes } = heardOf(dealer, ['a', 'far']);
    expect([routed.map(({ envelope }) => envelope), texts(shop)]).toEqual([envelopes, ['a']]);
    const [delivery] = shop.deliveries as [WorkDelivery];
    const said = [
      worker.client.reply(delivery, [{ leaf: 0, index: 0, status: 'news', body: encode('half') }], world.nowMs),
      worker.client.reply(delivery, [{ leaf: 0, index: 0, status: 'final', body: encode('A') }], world.nowMs),
    ];
    expect(replies).toEqual(said.flatMap((one) => one.envelopes));
    expect(heard).toEqual(['0 news half', '0 final A']);
    expect([dealer, near, there, worker].map((member) => member.refusals())).toEqual([[], [], [], []]);
    // Who works may answer the dealer, and not hand on what others answer.
    expect(
      codeOf(() => worker.client.forwardReply({ groupId16: world.front, envelope: replies[0]! }, world.nowMs)),
    ).toBe('E_POLICY');
    // Only replies are handed on as such.
    expect(codeOf(() => client.forwardReply({ groupId16: world.front, envelope: envelopes[0]! }, world.nowMs))).toBe(
      'E_ENCODING',
    );
    expect(
      codeOf(() => client.forward({ groupId16: world.front, envelope: replies[0]! }, worker.keyId32, world.nowMs)),
    ).toBe('E_USAGE');
  });

  it('patterns.41: what one envelope in a forward is refused for is of that one alone, and of who may not ask too', () => {
    const { world, dealer, router, one, two, shops } = routedPool();
    const routed = routeByName(router, [one, two]);
    heardOf(dealer, ['a', 'nobody']);
    const changed = routed[0]!.envelope.slice();
    changed[changed.length - 1]! ^= 1;
    router.client.forward({ groupId16: world.front, envelope: changed }, one.keyId32, world.nowMs);
    expect([texts(shops[0]!), one.refusals()]).toEqual([[], ['envelope E_SIG']]);
    router.client.forward(routed[0]!, one.keyId32, world.nowMs);
    expect([texts(shops[0]!), one.refusals()]).toEqual([['a'], []]);
    // It may come from the broker as well, and is then known.
    shops[1]!.subscription.setCapacity(1, world.nowMs);
    router.client.forward(routed[0]!, two.keyId32, world.nowMs);
    expect(shops[1]!.deliveries.map(({ verdict }) => verdict)).toEqual(['new', 'again']);
  });

  it('delivery.7: what it sends, and messages and their replies, a broker verifies by what it retains', () => {
    const { world, dealer, router, one, two, shops } = routedPool();
    const routed = routeByName(router, [one, two]);
    heardOf(dealer, ['a', 'one']);
    const [delivery] = shops[0]!.deliveries as [WorkDelivery];
    const news = [{ leaf: 0, index: 0, status: 'news' as const, body: encode('x') }];
    const sent: [Member, Uint8Array][] = [
      [dealer, routed[0]!.envelope],
      [router, router.client.forward(routed[0]!, two.keyId32, world.nowMs).envelopes[0]!],
      [one, one.client.reply(delivery, news, world.nowMs).envelopes[0]!],
    ];
    const broker = world.brokerState();
    for (const [member, bytes] of sent) {
      const { keyId32, publicKey32 } = { keyId32: member.keyId32, publicKey32: member.identity.key.publicKey32 };
      const edge = { keyId32, keyId: Buffer.from(keyId32).toString('hex') };
      const verify = (envelope: Uint8Array) => {
        const view = parseEnvelope(envelope);
        const groupId16 = broker.checkEnvelope(edge, view, world.nowMs);
        broker.verifyEnvelope(edge, publicKey32, view, groupId16, world.nowMs);
      };
      expect(codeOf(() => verify(bytes))).toBe(undefined);
      const changed = bytes.slice();
      changed[changed.length - 70]! ^= 1;
      expect(codeOf(() => verify(changed))).toBe('E_SIG');
    }
    expect(sent.map(([, bytes]) => bytes[3])).toEqual([0x70, 0x72, 0x71]);
  });

  it('patterns.43: hears and hands on no reply that nobody may give', () => {
    const world = new PoolWorld();
    const dealer = world.caller('dealer');
    const far = world.addRelay();
    const [worker, other] = [world.worker('worker', undefined, far), world.worker('other', undefined, far)];
    const near = world.router();
    const there = world.joinAt(near, far);
    world.advance(2_000);
    const shop = openShop(worker);
    near.client.route(topic, world.nowMs, (delivery) => there.client.forward(delivery, worker.keyId32, world.nowMs), {
      capacity: 4,
    });
    const heard: Uint8Array[] = [];
    const replies: HeardReply[] = [];
    there.client.hearReplies(topic, world.nowMs, (reply) => {
      heard.push(reply.envelope);
      replies.push(reply);
    });
    heardOf(dealer, ['a', 'far']);
    there.holds = true;
    const said = [{ leaf: 0, index: 0, status: 'final' as const, body: encode('A') }];
    const [good] = worker.client.reply(shop.deliveries[0]!, said, world.nowMs).envelopes as [Uint8Array];
    const forged = good.slice();
    forged[forged.length - 70]! ^= 1;
    there.refusals();
    const receiver = there.client.receiver(() => world.nowMs);
    receiver.envelope(forged);
    expect([heard, there.refusals()]).toEqual([[], ['envelope E_SIG']]);
    const forward = (envelope: Uint8Array) =>
      codeOf(() => near.client.forwardReply({ groupId16: world.front, envelope }, world.nowMs));
    expect([forward(forged), forward(good)]).toEqual(['E_SIG', undefined]);
    receiver.envelope(good.slice());
    expect([heard, there.refusals()]).toEqual([[good], []]);
    // Who works no more may not answer any more, and another may.
    world.authority.withdraw({ keyId32: worker.keyId32, action: 'subscribe', pattern: '**' }, world.nowMs);
    world.advance(2_000);
    there.refusals();
    receiver.envelope(good.slice());
    expect([heard.length, there.refusals(), forward(good)]).toEqual([1, ['envelope E_POLICY'], 'E_POLICY']);
    // Nor is what was heard while he might.
    expect(codeOf(() => near.client.forwardReply(replies[0]!, world.nowMs))).toBe('E_POLICY');
    expect(other.refusals()).toEqual([]);
  });

  it('patterns.43: hears by each topic of a pool, and what a client of the same principal asked elsewhere', () => {
    const world = new PoolWorld();
    const far = world.addRelay();
    const worker = world.worker('worker', undefined, far);
    const near = world.router('both');
    world.authority.grant({ keyId32: near.keyId32, action: 'publish', pattern: '**' }, world.nowMs);
    const there = world.joinAt(near, far);
    world.advance(2_000);
    const shop = openShop(worker, {}, (delivery, own) => own.answer(delivery));
    near.client.route(topic, world.nowMs, (delivery) => there.client.forward(delivery, worker.keyId32, world.nowMs), {
      capacity: 4,
    });
    const heard: string[] = [];
    const first = there.client.hearReplies(otherTopic, world.nowMs, () => heard.push('other topic'));
    there.client.hearReplies(topic, world.nowMs, (reply) => {
      heard.push('topic');
      near.client.forwardReply(reply, world.nowMs);
    });
    // It waits for an answer of its own on the far broker.
    const own = heardOf(there, ['b', '']);
    expect([own.heard, heard]).toEqual([['0 final B'], []]);
    const asked = heardOf(near, ['a', 'far']);
    expect([texts(shop), asked.heard, heard]).toEqual([['b', 'a'], ['0 final A'], ['other topic', 'topic']]);
    first.close(world.nowMs);
    expect(heardOf(near, ['c', 'far']).heard).toEqual(['0 final C']);
    expect(heard.slice(2)).toEqual(['topic']);
    expect(codeOf(() => there.client.hearReplies(topic, world.nowMs))).toBe('E_USAGE');
    expect([near, there, worker].map((member) => member.refusals())).toEqual([[], [], []]);
  });
});

describe('what is too long for a forward', () => {
  it('patterns.36: is refused before it is sealed, and the longest goes to and fro by routers', () => {
    const world = new PoolWorld();
    const dealer = world.caller('dealer');
    const far = world.addRelay();
    const worker = world.worker('worker', undefined, far);
    const near = world.router();
    const there = world.joinAt(near, far);
    world.advance(2_000);
    const shop = openShop(worker);
    const routed: RoutedDelivery[] = [];
    near.client.route(
      topic,
      world.nowMs,
      (delivery) => {
        routed.push(delivery);
        there.client.forward(delivery, worker.keyId32, world.nowMs);
        near.client.settle(delivery.lease, 'done');
      },
      { capacity: 4 },
    );
    const replies: number[] = [];
    there.client.hearReplies(topic, world.nowMs, (reply) => {
      replies.push(reply.envelope.length);
      near.client.forwardReply(reply, world.nowMs);
    });
    const heard: number[] = [];
    const deal = (...bytes: readonly number[]) =>
      codeOf(() => {
        const messages = bytes.map((length) => ({
          body: new Uint8Array(length),
          routing: new Uint8Array(1_024),
          deadlineMs: world.nowMs + minute,
        }));
        dealer.client.deal(topic, messages, world.nowMs, (reply) => {
          if (reply.status === 'final') heard.push(reply.body.length);
        });
      });
    deal(100_000);
    const most = limits.forwardableBytes - (routed[0]!.envelope.length - 100_000);
    expect(deal(1, most + 1)).toBe('E_LIMIT');
    expect([deal(most), routed.length]).toEqual([undefined, 2]);
    expect(routed[1]!.envelope).toHaveLength(limits.forwardableBytes);
    expect(shop.deliveries[1]!.works[0]!.body).toHaveLength(most);
    const answer = (length: number) =>
      codeOf(() => {
        const said = { leaf: 0, index: 0, status: 'final' as const, body: new Uint8Array(length) };
        worker.client.reply(shop.deliveries[1]!, [said], world.nowMs);
      });
    const beside = 96 + 12 + 36 + 32 + 41 + 5 + 16 + 64;
    expect([answer(limits.forwardableBytes - beside + 1), replies]).toEqual(['E_LIMIT', []]);
    expect([answer(limits.forwardableBytes - beside), replies]).toEqual([undefined, [limits.forwardableBytes]]);
    expect(heard).toEqual([limits.forwardableBytes - beside]);
    // Two that one envelope holds, but no forward of it.
    expect([deal(491_200, 491_200), routed.length]).toEqual([undefined, 4]);
    expect([deal(100_000, 100_000), routed.length]).toEqual([undefined, 5]);
    expect([near, there, worker, dealer].map((member) => member.refusals())).toEqual([[], [], [], []]);
  });
});

describe('a forward that comes before what it takes', () => {
  /** A worker that a router forwards to, and that gets some objects late. */
  function lateWorker(isLate: (bytes: Uint8Array) => boolean) {
    const pool = routedPool();
    const { world, dealer, router, one } = pool;
    const gone = world.worker('gone');
    const routed = routeByName(router, []);
    one.lets = (what, bytes) => what !== 'object' || !isLate(bytes);
    // Begins an epoch of front and crew at once.
    world.authority.withdraw({ keyId32: gone.keyId32, action: 'subscribe', pattern: '**' }, world.nowMs);
    for (const { client } of [router, dealer]) client.tick(world.nowMs);
    const { heard } = heardOf(dealer, ['a', 'nobody']);
    one.refusals();
    return { ...pool, routed, heard };
  }

  it('patterns.41 groups.26: may open later, where the block of the front is on its way', () => {
    const { world, router, one, shops, routed } = lateWorker(() => true);
    one.holds = true;
    const [forward] = router.client.forward(routed[0]!, one.keyId32, world.nowMs).envelopes as [Uint8Array];
    expect(codeOf(() => one.client.envelope(forward, world.nowMs))).toBe('E_EPOCH');
    const later = (code: 'E_EPOCH' | 'E_POLICY' | 'E_SIG') => one.client.mayOpenLater(code, forward, world.nowMs);
    expect([later('E_EPOCH'), later('E_POLICY'), later('E_SIG')]).toEqual([true, true, false]);
    one.lets = () => true;
    one.client.reconnected(world.nowMs);
    expect([later('E_EPOCH'), later('E_POLICY')]).toEqual([false, false]);
    one.client.envelope(forward, world.nowMs);
    expect(texts(shops[0]!)).toEqual(['a']);
  });

  it('patterns.41: brings what waits for the pool record of its epoch, once', () => {
    const { world, router, one, shops, routed } = lateWorker(
      (bytes) => typeOfObject(bytes) === addressTypes.poolRecord,
    );
    router.client.forward(routed[0]!, one.keyId32, world.nowMs);
    world.advance(1_000);
    expect([texts(shops[0]!), one.refusals()]).toEqual([[], []]);
    one.lets = () => true;
    world.advance(4_000);
    // The broker has the record of the epoch before, too.
    expect([texts(shops[0]!), one.refusals()]).toEqual([['a'], ['object E_EPOCH']]);
  });

  it('patterns.41: is refused as one event where that does not come', () => {
    const { world, router, one, shops, routed } = lateWorker(
      (bytes) => typeOfObject(bytes) === addressTypes.poolRecord,
    );
    router.client.forward(routed[0]!, one.keyId32, world.nowMs);
    world.advance(10_000);
    expect([texts(shops[0]!), one.refusals()]).toEqual([[], ['envelope E_EPOCH']]);
  });

  it('patterns.41 patterns.42: brings a reply whose signer is not known yet to who deals', () => {
    const world = new PoolWorld();
    const dealer = world.caller('dealer');
    const far = world.addRelay();
    const near = world.router();
    const there = world.joinAt(near, far);
    const shopOf = (name: string) =>
      openShop(world.worker(name, undefined, far), {}, (delivery, own) => own.answer(delivery));
    shopOf('first');
    dealer.lets = (what, bytes) => what !== 'object' || typeOfObject(bytes) !== addressTypes.principalRecord;
    const { member } = shopOf('second');
    world.advance(2_000);
    near.client.route(topic, world.nowMs, (delivery) => there.client.forward(delivery, member.keyId32, world.nowMs), {
      capacity: 4,
    });
    there.client.hearReplies(topic, world.nowMs, (reply) => near.client.forwardReply(reply, world.nowMs));
    dealer.refusals();
    const { heard } = heardOf(dealer, ['a', '']);
    expect([heard, dealer.refusals()]).toEqual([[], []]);
    dealer.lets = () => true;
    world.advance(4_000);
    expect([heard, dealer.refusals()]).toEqual([['0 final A'], []]);
  });
});
