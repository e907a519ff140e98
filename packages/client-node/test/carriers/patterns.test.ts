import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CarrierWorld, codeOf, untilSo, type Connected, type Member } from './carrier-world.ts';
import { mqttKind, nats, type Kind } from './plain.ts';
import { missing } from './servers.ts';

const patience = { timeout: 240_000 };
const topic = 'images/resize';
const idempotent = { effects: 'idempotent' } as const;
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

describe.each([nats, mqttKind])('over $kind', (kind: Kind) => {
  const skip = missing(kind.program, `patterns.test.ts over ${kind.kind}`);
  let world: CarrierWorld;
  let asker: Member;
  let workers: readonly [Member, Member];

  const group = (purpose: 'front' | 'survey', pattern: string) =>
    world.perform((authority, nowMs) => {
      authority.addGroup({ patterns: [pattern], purpose }, nowMs);
      const grant = (member: Member, action: 'publish' | 'subscribe') => {
        return { keyId32: member.identity.key.keyId32, action, pattern, join: 'now' as const };
      };
      authority.grantAll([grant(asker, 'publish'), ...workers.map((worker) => grant(worker, 'subscribe'))], nowMs);
    });

  beforeEach(async (context) => {
    context.skip(skip !== undefined, skip);
    world = await CarrierWorld.create(kind);
    asker = world.member('asker');
    workers = [world.member('one'), world.member('two')];
    group('front', topic);
    group('survey', 'nodes/load');
    await world.retained();
  }, patience.timeout);
  afterEach(async () => world?.close(), patience.timeout);

  const all = async (): Promise<readonly [Connected, Connected, Connected]> => {
    const [a, b, c] = await Promise.all([asker, ...workers].map(async (member) => world.connect(member)));
    await Promise.all([a, b, c].map(async (connected) => connected!.client.ready()));
    return [a!, b!, c!];
  };

  test('bindings.19: a request is answered by one of those who work, each time', patience, async () => {
    const [{ client }, one, two] = await all();
    const names: string[] = [];
    for (const worker of [one, two]) {
      worker.client.respond(topic, ({ data }) => (names.push(worker.client.name!), `${text(data)}!`), idempotent);
    }
    await Promise.all([one, two].map(async (worker) => worker.client.ready()));
    const replies: string[] = [];
    for (let i = 0; i < 30; i++) {
      replies.push(text((await client.request(topic, `${i}`, { timeoutMs: 120_000 })).data));
    }
    expect(replies).toEqual(Array.from({ length: 30 }, (_, i) => `${i}!`));
    expect(names.length).toBe(30);
    // Both had some: NATS draws lots, MQTT takes turns.
    expect(new Set(names)).toEqual(new Set(['one', 'two']));
  });

  test('a request whose worker is gone is asked again, and another answers', patience, async () => {
    const [{ client }, one, two] = await all();
    let got = 0;
    one.client.respond(topic, async () => (got++, new Promise<string>(() => {})), idempotent);
    await one.client.ready();
    const reply = client.request(topic, 'x', { timeoutMs: 60_000 });
    await untilSo(() => got === 1);
    await one.client.close();
    two.client.respond(topic, () => 'two', idempotent);
    await two.client.ready();
    expect(text((await reply).data)).toBe('two');
  });

  test(
    'bindings.20: a job comes at most once, and who asks for more is told no before anything is sealed',
    patience,
    async () => {
      const [{ client }, one, two] = await all();
      const done: string[] = [];
      for (const worker of [one, two]) worker.client.pull(topic, ({ data }) => void done.push(text(data)), idempotent);
      await Promise.all([one, two].map(async (worker) => worker.client.ready()));
      for (let i = 0; i < 5; i++) await client.push(topic, [`${i}`], { durability: 'none' });
      await untilSo(() => done.length === 5);
      expect(done.toSorted()).toEqual(['0', '1', '2', '3', '4']);
      expect(await codeOf(client.push(topic, ['x']))).toBe('E_POLICY');
      expect(await codeOf(client.push(topic, ['x'], { durability: 'disk' }))).toBe('E_POLICY');
      expect(await codeOf(client.push(topic, ['x'], { durability: 'none', jobsPerLeaf: 1 }))).toBe('E_POLICY');
    },
  );

  test('a topic whose work is closed is not asked for any more', patience, async () => {
    const [{ client }, one] = await all();
    const work = one.client.respond(topic, () => 'one', idempotent);
    await one.client.ready();
    expect(text((await client.request(topic, 'x', { timeoutMs: 120_000 })).data)).toBe('one');
    await work.close();
    await one.client.ready();
    expect(await codeOf(client.request(topic, 'x', { timeoutMs: 2_000 }))).toBe('E_EXPIRED');
    one.client.respond(topic, () => 'again', idempotent);
    expect(text((await client.request(topic, 'x', { timeoutMs: 120_000 })).data)).toBe('again');
  });

  test('after a restart of the server work and answers go on', patience, async () => {
    const [{ client }, one] = await all();
    one.client.respond(topic, ({ data }) => data, idempotent);
    await one.client.ready();
    expect(text((await client.request(topic, 'a', { timeoutMs: 120_000 })).data)).toBe('a');
    await world.server.kill();
    const reply = client.request(topic, 'b', { timeoutMs: 120_000 });
    await world.server.restart();
    expect(text((await reply).data)).toBe('b');
  });

  test('patterns.39: a message goes where a router sends it, and news and answer come back', patience, async () => {
    const router = world.member('router');
    world.perform((authority, nowMs) => {
      authority.grant({ keyId32: router.identity.key.keyId32, action: 'route', pattern: topic, join: 'now' }, nowMs);
    });
    await world.retained();
    const [{ client }, one, two] = await all();
    const { client: rita } = await world.connect(router);
    for (const worker of [one, two]) {
      worker.client.respond(
        topic,
        async ({ data, say }) => {
          await say('soon');
          return `${text(data)} by ${worker.client.name}`;
        },
        { ...idempotent, forwardedOnly: true },
      );
    }
    rita.route(topic, async ({ routing, forward }) => {
      await forward((text(routing) === 'one' ? workers[0] : workers[1]).identity.key.keyId32);
    });
    await Promise.all([rita, one.client, two.client].map(async (connected) => connected.ready()));
    const news: string[] = [];
    const ask = async (body: string, routing: string) => {
      const onNews = ({ data }: { readonly data: Uint8Array }) => news.push(text(data));
      return text((await client.deal(topic, body, { routing, timeoutMs: 120_000, onNews })).data);
    };
    for (let i = 0; i < 5; i++) {
      expect([await ask('a', 'one'), await ask('b', 'two')]).toEqual(['a by one', 'b by two']);
    }
    expect(news).toEqual(Array.from({ length: 10 }, () => 'soon'));
  });

  test('a survey is answered by each', patience, async () => {
    const [{ client }, one, two] = await all();
    for (const worker of [one, two]) worker.client.answer('nodes/load', () => worker.client.name!);
    await Promise.all([one, two].map(async (worker) => worker.client.ready()));
    const names: string[] = [];
    for await (const { data } of client.ask('nodes/load', '', { timeoutMs: 60_000, maxReplies: 2 })) {
      names.push(text(data));
    }
    expect(names.toSorted()).toEqual(['one', 'two']);
  });
});

describe('over mqtt', () => {
  const skip = missing('mosquitto', 'patterns.test.ts');
  test(
    'work of one topic is taken once by one client object, as all that it gets comes to all',
    patience,
    async (context) => {
      context.skip(skip !== undefined, skip);
      const world = await CarrierWorld.create(mqttKind);
      try {
        const workers = [world.member('one'), world.member('two')];
        world.perform((authority, nowMs) => {
          authority.addGroup({ patterns: [topic], purpose: 'front' }, nowMs);
          const grants = workers.map(({ identity }) => {
            return {
              keyId32: identity.key.keyId32,
              action: 'subscribe' as const,
              pattern: topic,
              join: 'now' as const,
            };
          });
          authority.grantAll(grants, nowMs);
        });
        await world.retained();
        const plain = await world.plain();
        const [one, two] = await Promise.all(workers.map(async (worker) => world.connect(worker, {}, plain)));
        const isMet = () => [one!, two!].some((connected) => connected.refusals().includes('subscription E_POLICY'));
        one!.client.respond(topic, () => 'one', idempotent);
        await one!.client.ready();
        two!.client.respond(topic, () => 'two', idempotent);
        await untilSo(isMet);
      } finally {
        await world.close();
      }
    },
  );
});
