import { expect, test, vi } from 'vitest';
import { addressTypes } from '../src/codepoints/address-types.gen.ts';
import { patternKinds } from '../src/codepoints/patterns.gen.ts';
import { MemoryStore } from '../src/client/store.ts';
import { Client } from '../src/client/client.ts';
import { decodeBundle } from '../src/keys/bundle.ts';
import { addressOf } from '../src/keys/address.ts';
import { typeOfObject } from '../src/relay/object-form.ts';
import { parseBlock } from '../src/keys/key-block-format.ts';
import { openPrivate } from '../src/keys/key-block.ts';
import { decodeGroupPrivate } from '../src/keys/group-private.ts';
import { StreamSealer } from '../src/envelope/stream-sealer.ts';
import { pubSubInput } from '../src/patterns/pub-sub.ts';
import { routeSecretAt } from '../src/client/route-secrets.ts';
import { deriveRouteKey, tagPeriod, tagTopic } from '../src/topics/tags.ts';
import { parseTopic } from '../src/topics/grammar.ts';
import { readU32 } from '../src/bytes/bytes.ts';
import { hexOf } from '../src/client/hex.ts';
import { codeOf, encode, startMs, World, type Member } from './client/world.ts';
import { TridcommError } from '../src/errors.ts';

function evil(world: World, m: Member, groupId16: Uint8Array, topicText: string, headSeq: number, chains = true) {
  const p = world.provider;
  const entries = m.store!.entries(`epoch/${hexOf(groupId16)}/`);
  const all = [...entries].map(([, v]) => v);
  const value = all.at(-1)!;
  const end = 4 + readU32(value, 0);
  const block = parseBlock(p, value.slice(4, end));
  const secret = value.slice(end);
  const own = decodeGroupPrivate(openPrivate(p, block, secret)!, chains);
  const period = tagPeriod(world.nowMs, 86_400_000);
  const topic = parseTopic(topicText);
  const tag = tagTopic(
    p,
    deriveRouteKey(p, routeSecretAt(own.routeSecrets, period)!, groupId16, period),
    period,
    topic,
  );
  const sealer = new StreamSealer({
    provider: p,
    random: world.random,
    keySource: {
      suite: block.header.suite,
      sourceSecret32: secret,
      groupContext32: block.groupContext32,
      bind32: block.epochCommit32,
    },
    senderKeyId32: m.keyId32,
    hedgeSecret32: world.random(32),
    patternKind: patternKinds.pubSub.data,
    topicTag16: tag.tag16,
    epoch: block.header.epoch,
  });
  const u = sealer.seal(
    pubSubInput({ topic, chain: chains ? tag.chain : undefined, headSeq, timestampMs: world.nowMs }, [
      { timestampMs: world.nowMs, payload: encode('x') },
    ]),
  );
  return u.finish(m.identity.key.sign(u.signInput));
}

test('A crash between epoch/ and member/ : two epochs of one number', () => {
  const world = new World();
  const store = new MemoryStore();
  const alice = world.join('alice');
  const bob = world.join('bob', store);
  const g = world.group('orders/**', [alice], [bob]);
  bob.subscribe('orders/**');
  world.advance(1000);
  // crash: put of member/ is lost
  const put = store.put.bind(store);
  let crashed = false;
  store.put = (n, v) => {
    if (crashed) return;
    if (n.startsWith('member/')) {
      crashed = true;
      return;
    }
    put(n, v);
  };
  world.authority.rotate(g, world.nowMs);
  console.log('crashed', crashed);
  bob.end();
  store.put = put;
  bob.begin();
  bob.subscribe('orders/**');
  world.advance(1000);
  alice.publish('orders/new', 'one');
  console.log('A first', bob.texts(), bob.refusals());
  world.advance(590_000);
  const env = alice.publish('orders/new', 'two');
  console.log('A before drain', bob.texts(), bob.refusals());
  world.advance(8_500);
  const env2 = alice.publish('orders/new', 'three');
  console.log('A', bob.texts(), bob.refusals());
  world.advance(2_500);
  alice.publish('orders/new', 'four');
  console.log('A after drain', bob.texts(), bob.refusals());
  for (const e of [env, env2])
    console.log(
      'A replay',
      codeOf(() => bob.client.envelope(e, world.nowMs)),
      bob.texts(),
    );
});

test('B one writer locks sealing in all groups, for ever', () => {
  const world = new World();
  const mallory = world.join('mallory', new MemoryStore());
  const [alice, bob] = [world.join('alice'), world.join('bob')];
  const g = world.group('low/**', [mallory], [bob]);
  world.group('high/**', [bob], [alice]);
  bob.subscribe('low/**');
  world.advance(1000);
  let refused = 0,
    ok = 0;
  for (let i = 0; i < 600; i++) {
    world.advance(1000);
    if (i % 4 === 0) mallory.link.publish(evil(world, mallory, g, 'low/x', 1_000_000 + i));
    const c = codeOf(() => bob.publish('high/x', 'x'));
    if (c === undefined) ok++;
    else refused++;
  }
  console.log('B', { ok, refused }, bob.texts().length);
  console.log('B events', new Set(bob.events.map((e) => e.type)));
});

test('C durable restart loses writers of a draining epoch', () => {
  const world = new World();
  const store = new MemoryStore();
  const [alice, carol] = [world.join('alice'), world.join('carol')];
  const bob = world.join('bob', store);
  const g = world.group('orders/**', [alice, carol], [bob]);
  bob.subscribe('orders/**');
  world.advance(1000);
  alice.publish('orders/new', 'warm');
  console.log('C warm', bob.texts());
  bob.holds = true;
  alice.publish('orders/new', 'in flight under the old epoch');
  const flight = bob.held.splice(0)[0]!;
  bob.holds = false;
  world.authority.withdraw({ keyId32: carol.keyId32, action: 'publish', pattern: 'orders/**' }, world.nowMs);
  world.advance(1000);
  bob.end();
  bob.begin();
  bob.subscribe('orders/**');
  world.advance(1000);
  console.log(
    'C',
    bob.view(g),
    codeOf(() => bob.client.envelope(flight, world.nowMs)),
    bob.texts(),
  );
});

test('D 1100 topics', () => {
  const world = new World();
  const [alice, bob] = [world.join('alice'), world.join('bob')];
  world.group('t/**', [alice], [bob]);
  world.advance(1000);
  const codes = new Map<string, number>();
  for (let round = 0; round < 75; round++) {
    world.nowMs += 100;
    for (let i = 0; i < 1030; i++) {
      const c = codeOf(() => alice.client.publish(`t/${i}`, [new Uint8Array(1)], world.nowMs)) ?? 'ok';
      codes.set(`${c} round ${Math.floor(round / 15)}`, (codes.get(`${c} round ${Math.floor(round / 15)}`) ?? 0) + 1);
    }
    world.relayEvents.length = 0;
  }
  console.log('D', codes);
}, 100_000);

test('E handlers', () => {
  const world = new World();
  const [alice, bob, carol] = [world.join('alice'), world.join('bob'), world.join('carol')];
  world.group('t/**', [alice], [bob, carol]);
  world.advance(1000);
  bob.client.subscribe('t/**', world.nowMs, () => {
    throw new Error('bug of bob');
  });
  carol.subscribe('t/**');
  let thrown: unknown;
  try {
    alice.publish('t/a', 'x');
  } catch (e) {
    thrown = e;
  }
  console.log('E alice got', String(thrown), 'carol', carol.texts());
  const dave = world.join('dave');
  world.authority.grantAll([{ keyId32: dave.keyId32, action: 'subscribe', pattern: 't/**' }], world.nowMs);
  world.advance(1000);
  let second = 0;
  dave.client.subscribe('t/**', world.nowMs, () => {
    dave.client.publish('nowhere', [encode('x')], world.nowMs);
  });
  dave.client.subscribe('t/a', world.nowMs, () => {
    second++;
  });
  try {
    alice.publish('t/a', 'y');
  } catch {}
  console.log('E dave second handler', second, dave.refusals());
});

test('F head floor', () => {
  const world = new World();
  const store = new MemoryStore();
  const [alice] = [world.join('alice')];
  const bob = world.join('bob', store);
  const g = world.group('t/**', [alice], [bob]);
  bob.subscribe('t/**');
  world.advance(1000);
  const put = store.put.bind(store);
  store.put = (n, v) => {
    if (n === 'head') throw new Error('disk full');
    put(n, v);
  };
  const before = bob.view(g)!.headSeq;
  for (let i = 0; i < 60; i++) {
    try {
      world.advance(500);
    } catch {}
  }
  const floor = new DataView(store.get('head')!.buffer).getBigUint64(0);
  console.log('F view', before, bob.view(g), 'floor', floor, 'trust', bob.client.trust.head?.headSeq);
});

test('G transient subscribe failure', () => {
  const world = new World();
  const [alice, bob] = [world.join('alice'), world.join('bob')];
  world.group('t/**', [alice], [bob]);
  world.advance(1000);
  const sub = bob.link.subscribe.bind(bob.link);
  let fails = 1;
  bob.link.subscribe = (m) => {
    if (fails-- > 0) throw new TridcommError('E_CLOSED', 'reconnecting');
    sub(m);
  };
  bob.subscribe('t/**');
  world.advance(120_000);
  alice.publish('t/a', 'x');
  console.log('G', bob.texts(), bob.refusals());
});

test('H clock glitch', () => {
  for (const store of [undefined, new MemoryStore()]) {
    const world = new World();
    const [alice] = [world.join('alice')];
    const bob = world.join('bob', store);
    const g = world.group('t/**', [alice], [bob]);
    bob.subscribe('t/**');
    world.advance(1000);
    const env = alice.publish('t/a', 'pay 100');
    console.log('H first', bob.texts());
    bob.client.tick(world.nowMs + 4 * 3_600_000);
    console.log(
      'H immediately',
      codeOf(() => bob.client.envelope(env, world.nowMs)),
    );
    for (const b of world.relay.retained(
      addressOf(world.provider, world.authority.authorityId32, addressTypes.keyBlock, g),
    )) {
      console.log(
        'H block',
        codeOf(() => bob.client.object(addressTypes.keyBlock, b, world.nowMs)),
      );
    }
    console.log(
      'H replay',
      codeOf(() => bob.client.envelope(env, world.nowMs)),
      bob.texts(),
    );
  }
});

test('I relay leaks and shared buffers', () => {
  const world = new World();
  const stranger = world.random(32);
  const N = 20_000;
  const deleted = vi.spyOn(Map.prototype, 'delete');
  const setted = vi.spyOn(Map.prototype, 'set');
  const link = world.relay.attach(stranger, { envelope() {}, object() {} });
  const n0 = setted.mock.calls.length;
  for (let i = 0; i < 50; i++) {
    const l = world.relay.attach(stranger, { envelope() {}, object() {} });
    l.watch(world.random(16));
    l.detach();
  }
  console.log('I sets', setted.mock.calls.length - n0, 'deletes', deleted.mock.calls.length);
  setted.mockRestore();
  deleted.mockRestore();
  const addr = addressOf(world.provider, world.authority.authorityId32, addressTypes.policy, new Uint8Array(0));
  const l2 = world.relay.attach(stranger, {
    envelope() {},
    object(_a, b) {
      b.fill(0);
    },
  });
  l2.fetch(addr);
  console.log('I retained first bytes now', world.relay.retained(addr)[0]!.slice(0, 4));
});

test('J after stop', () => {
  const world = new World();
  const [alice, bob] = [world.join('alice'), world.join('bob')];
  const g = world.group('t/**', [alice], [bob]);
  bob.subscribe('t/**');
  world.advance(1000);
  const env = alice.publish('t/a', 'x');
  console.log('J', bob.texts());
  bob.client.stop();
  for (const b of world.relay.retained(
    addressOf(world.provider, world.authority.authorityId32, addressTypes.keyBlock, g),
  ))
    codeOf(() => bob.client.object(addressTypes.keyBlock, b, world.nowMs));
  console.log(
    'J replay after stop',
    codeOf(() => bob.client.envelope(env, world.nowMs)),
    bob.texts(),
  );
});
