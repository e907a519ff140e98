import { expect, test } from 'vitest';
import { hexOf } from '../../src/client/hex.ts';
import { limits } from '../../src/codepoints/limits.gen.ts';
import { matchKinds } from '../../src/codepoints/match-kinds.gen.ts';
import { patternKinds } from '../../src/codepoints/patterns.gen.ts';
import { parseEnvelope } from '../../src/wire/envelope.ts';
import { job, message, openShop, PoolWorld, request, shown, topic } from '../client/pool-world.ts';
import { codeOf, encode } from '../client/world.ts';

test('delivery.24: what a link had that is detached goes to another at once', () => {
  const world = new PoolWorld();
  const [caller, a, b] = [world.caller(), world.worker('a'), world.worker('b')];
  openShop(a);
  caller.client.push(topic, [job('x')], world.nowMs);
  const shop = openShop(b);
  expect(shop.texts()).toEqual([]);
  a.link.detach();
  expect(shop.texts()).toEqual(['x']);
});

test('delivery.25: what nobody did is told of, with its tag and its sender', () => {
  const world = new PoolWorld();
  const [caller, worker] = [world.caller(), world.worker()];
  const { envelopes } = caller.client.push(topic, [job('x')], world.nowMs);
  world.relayEvents.splice(0);
  world.nowMs += limits.maxAgeMs + limits.skewMs + 1;
  world.relay.tick();
  const tag = hexOf(parseEnvelope(envelopes[0]!).header.topicTag);
  const dropped = { type: 'dropped', why: 'tooOld', tag, sender: hexOf(caller.keyId32) };
  expect(world.relayEvents.filter(({ type }) => type === 'dropped')).toEqual([dropped]);
  expect(openShop(worker).texts()).toEqual([]);
});

test('delivery.26: one sender does not fill the relay for others', () => {
  const world = new PoolWorld();
  const [caller, other] = [world.caller('caller'), world.caller('other')];
  const [large] = caller.client.push(topic, [job('x'.repeat(900_000))], world.nowMs).envelopes;
  for (let i = 1; i < Math.floor(limits.workBytes / large!.length); i++) caller.link.publish(large!);
  expect(codeOf(() => caller.link.publish(large!))).toBe('E_LIMIT');
  other.client.push('jobs/print', [job('x'.repeat(900_000))], world.nowMs);
  expect(world.relayEvents.filter(({ type }) => type === 'refused')).toHaveLength(1);
});

test('principals.38: what many had who lose their right at once does not go round between them', () => {
  const world = new PoolWorld();
  const [caller, worker] = [world.caller(), world.worker()];
  const { topicTag } = parseEnvelope(caller.client.push(topic, [job('x')], world.nowMs).envelopes[0]!).header;
  let units = 0;
  for (let i = 0; i < limits.leasesPerUnit + 1; i++) {
    const link = world.relay.attach(worker.keyId32, { envelope() {}, object() {}, leased: () => void units++ });
    link.work({ matchKind: matchKinds.exact, level: 0, match16: topicTag }, 1);
  }
  world.authority.removeGroup(world.front, world.nowMs);
  expect(units).toBe(1);
  expect(world.relayEvents.filter(({ type }) => type === 'dropped')).toEqual([]);
});

test('replay.18: replies are of streams that who asks began, and do not count', () => {
  const topics = Array.from({ length: limits.newStreamsBurst + 36 }, (_, i) => `jobs/t${i}`);
  const world = new PoolWorld({ patterns: topics });
  const [caller, worker] = [world.caller(), world.worker()];
  for (const of of topics) openShop(worker, { of }, (delivery, shop) => shop.answer(delivery));
  const heard: string[] = [];
  for (const of of topics) {
    const asked = request('x', world.nowMs + 5_000);
    caller.client.request(of, [asked], world.nowMs, (reply) => void heard.push(shown(reply)));
  }
  const refused = world.relayEvents.flatMap((event) => (event.type === 'refused' ? [event.error.message] : []));
  expect(refused).toEqual([]);
  expect(heard).toHaveLength(topics.length);
});

test('replay.18: nor do replies to messages of dealers', () => {
  const topics = Array.from({ length: limits.newStreamsBurst + 6 }, (_, i) => `jobs/t${i}`);
  const world = new PoolWorld({ patterns: topics });
  const [caller, worker] = [world.caller(), world.worker()];
  for (const of of topics) openShop(worker, { of }, (delivery, shop) => shop.answer(delivery));
  const heard: string[] = [];
  for (const of of topics) {
    const dealt = message('x', 'y', world.nowMs + 5_000);
    caller.client.deal(of, [dealt], world.nowMs, (reply) => void heard.push(shown(reply)));
  }
  expect(heard).toEqual(topics.map(() => '0 final X'));
});

test('replay.18: nor do replies to surveys', () => {
  const of = 'lunch/where';
  const world = new PoolWorld();
  const [asker, responder] = [world.join('asker'), world.join('responder')];
  world.authority.addGroup({ patterns: [of], purpose: 'survey' }, world.nowMs);
  world.authority.grant({ keyId32: asker.keyId32, action: 'publish', pattern: of }, world.nowMs);
  world.authority.grant({ keyId32: responder.keyId32, action: 'subscribe', pattern: of }, world.nowMs);
  world.advance(1_000);
  responder.subscribe(of);
  let heard = 0;
  for (let i = 0; i < limits.newStreamsBurst + 36; i++) {
    const answers = { onReply: () => heard++, onEnd: () => undefined };
    asker.client.ask(of, encode('where?'), { deadlineMs: world.nowMs + 10_000 }, world.nowMs, answers);
    responder.client.answer(responder.deliveries.at(-1)!, encode('here'), world.nowMs);
  }
  expect(heard).toBe(limits.newStreamsBurst + 36);
});

test('delivery.21 delivery.22: who may route is given messages alone, and who loses its right to subscribe keeps those', () => {
  const world = new PoolWorld();
  const [caller, router, both] = [world.caller(), world.router(), world.worker('both')];
  world.authority.grant({ keyId32: both.keyId32, action: 'route', pattern: '**' }, world.nowMs);
  world.advance(1_000);
  const { topicTag } = parseEnvelope(caller.client.push(topic, [job('x')], world.nowMs).envelopes[0]!).header;
  const exact = { matchKind: matchKinds.exact, level: 0, match16: topicTag };
  const kinds: string[][] = [[], []];
  const links = [router, both].map(({ keyId32 }, i) => {
    const leased = (bytes: Uint8Array) => void kinds[i]!.push(parseEnvelope(bytes).header.patternKind.toString(16));
    return world.relay.attach(keyId32, { envelope() {}, object() {}, leased });
  });
  const asker = world.relay.attach(caller.keyId32, { envelope() {}, object() {}, leased() {} });
  expect(codeOf(() => asker.work(exact, 1))).toBe('E_POLICY');
  expect(codeOf(() => links[0]!.work({ ...exact, matchKind: matchKinds.prefix }, 1))).toBe('E_POLICY');
  for (const link of links) link.work(exact, 9);
  // A request waits before the message that the router gets.
  expect(kinds).toEqual([[], ['40']]);
  links[1]!.work(exact, 1);
  caller.client.request(topic, [request('r', world.nowMs + 60_000)], world.nowMs);
  caller.client.deal(topic, [message('m', '', world.nowMs + 60_000)], world.nowMs);
  expect(kinds).toEqual([['70'], ['40']]);
  // What it had goes back, and what waits for it is not handed over any more, however much room it has.
  world.authority.withdraw({ keyId32: both.keyId32, action: 'subscribe', pattern: '**' }, world.nowMs);
  links[1]!.work(exact, 9);
  world.relay.tick();
  expect(kinds).toEqual([['70'], ['40']]);
  links[0]!.endWork(exact);
  expect(kinds).toEqual([['70'], ['40', '70']]);
  expect(world.relayEvents.filter(({ type }) => type === 'ended')).toEqual([]);
  world.authority.grant({ keyId32: both.keyId32, action: 'subscribe', pattern: '**' }, world.nowMs);
  expect(kinds[1]!.toSorted()).toEqual(['30', '40', '40', '70']);
  // Its last right takes it all.
  for (const action of ['subscribe', 'route'] as const) {
    world.authority.withdraw({ keyId32: both.keyId32, action, pattern: '**' }, world.nowMs);
  }
  expect(world.relayEvents.filter(({ type }) => type === 'ended')).toHaveLength(1);
});

test('principals.38: a request on its way to who may not have it any more does not come', () => {
  const world = new PoolWorld();
  const [caller, both] = [world.caller(), world.worker('both')];
  world.authority.grant({ keyId32: both.keyId32, action: 'route', pattern: '**' }, world.nowMs);
  world.advance(1_000);
  const { topicTag } = parseEnvelope(caller.client.push(topic, [job('x')], world.nowMs).envelopes[0]!).header;
  let units = 0;
  const leased = () => {
    if (units++ > 0) return;
    // The next one is leased already, and waits behind this call.
    world.authority.withdraw({ keyId32: both.keyId32, action: 'subscribe', pattern: '**' }, world.nowMs);
  };
  const link = world.relay.attach(both.keyId32, { envelope() {}, object() {}, leased });
  caller.client.push(topic, [job('y')], world.nowMs);
  link.work({ matchKind: matchKinds.exact, level: 0, match16: topicTag }, 9);
  expect(units).toBe(1);
});

test('principals.22: the right to answer is none to ask, whatever chain an envelope says', () => {
  const world = new PoolWorld();
  const [caller, worker] = [world.caller(), world.worker()];
  const shop = openShop(worker);
  const [asked] = caller.client.request(topic, [request('x', world.nowMs + 1_000)], world.nowMs).envelopes;
  const [delivery] = shop.deliveries;
  const replies = [{ ...delivery!.works[0]!, status: 'in progress' as const }];
  const [reply] = worker.client.reply(delivery!, replies, world.nowMs).envelopes;
  const state = world.brokerState();
  const edge = { keyId: hexOf(worker.keyId32), keyId32: worker.keyId32 };
  const check = (bytes: Uint8Array) => codeOf(() => state.checkEnvelope(edge, parseEnvelope(bytes), world.nowMs));
  expect(check(reply!)).toBeUndefined();
  // Nor is it one to deal.
  const message = reply!.slice();
  message[3] = patternKinds.routerDealer.message;
  expect(check(message)).toBe('E_POLICY');
  // Pattern, kind and tag of the request; sender and chain as they are in the reply.
  const unit = reply!.slice();
  unit.set(asked!.subarray(2, 4), 2);
  unit.set(parseEnvelope(asked!).header.topicTag, 8);
  expect(parseEnvelope(unit).header.patternKind).toBe(parseEnvelope(asked!).header.patternKind);
  expect(check(unit)).toBe('E_POLICY');
});
