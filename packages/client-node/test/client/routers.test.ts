import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  MemoryEffectStore,
  RequestRefused,
  type RequestContext,
  type RouteContext,
  type TopicRoute,
  type TridcommClient,
} from '@tridcomm/client-node';
import { bundle, start } from '../bundled.ts';
import { codeOf, later, PoolWorld, settled, text, until, untilCount, type Member } from './pool-world.ts';

const topic = 'kitchen/brew';
const patient = { timeoutMs: 120_000 };
const forwarded = { effects: 'idempotent', forwardedOnly: true } as const;
let world: PoolWorld;
let dealer: Member;
let routers: readonly [Member, Member];
let workers: readonly [Member, Member, Member];
beforeEach(async () => {
  world = await PoolWorld.create();
  dealer = await world.member('dealer');
  routers = [await world.member('ruth'), await world.member('rolf')];
  workers = [await world.member('one'), await world.member('two'), await world.member('three')];
  world.group('front', [topic], { ask: [dealer], work: workers, route: routers });
}, 60_000);
afterEach(async () => world.close());

/** By what the dealer tells routers: the name of a worker. */
async function byName({ routing, forward }: Pick<RouteContext, 'routing' | 'forward'>): Promise<void> {
  await forward(workers.find(({ directory }) => directory.endsWith(`/${text(routing)}`))!.keyId32);
}

const upper = ({ data }: { readonly data: Uint8Array }) => text(data).toUpperCase();

async function refusalOf(work: Promise<unknown>): Promise<RequestRefused> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(RequestRefused);
  return error as RequestRefused;
}

function refusalsOf(client: TridcommClient, what: string): string[] {
  return world.statuses(client).flatMap((status) => {
    return status.type === 'refused' && status.what === what ? [status.error.code] : [];
  });
}

describe('deal and route', { timeout: 180_000 }, () => {
  test('patterns.36, 37, 42: two routers send each message to the worker that its routing data name, and the worker answers the dealer', async () => {
    const [client, ruth, rolf] = await Promise.all([dealer, ...routers].map(async (one) => world.connect(one)));
    const staff = await Promise.all(workers.map(async (one) => world.connect(one)));
    const asked: object[] = [];
    for (const worker of staff) {
      const handler = (request: RequestContext) => (asked.push(request), `${text(request.data)} by ${worker.name}`);
      worker.respond(topic, handler, forwarded);
    }
    const routed: [string, RouteContext][] = [];
    const both = later();
    for (const router of [ruth, rolf]) {
      router!.route(
        topic,
        async (message) => {
          routed.push([router!.name!, message]);
          if (new Set(routed.map(([name]) => name)).size === 2) both.resolve();
          // With one place each, the second message goes to the other.
          await both.promise;
          await byName(message);
        },
        { capacity: 1 },
      );
    }
    await settled(...staff, ruth!, rolf!);
    const names = ['one', 'two', 'three', 'two', 'one', 'three'];
    const replies = await Promise.all(
      names.map(async (name, i) => client!.deal(topic, `cup ${i}`, { ...patient, routing: name })),
    );
    expect(replies.map(({ data }) => text(data))).toEqual(names.map((name, i) => `cup ${i} by ${name}`));
    expect(replies.map(({ sender }) => sender.name)).toEqual(names);
    // What is told alike shares an envelope.
    expect(routed.map(([, { routing }]) => text(routing)).toSorted()).toEqual(['one', 'three', 'two']);
    expect(new Set(routed.map(([name]) => name))).toEqual(new Set(['ruth', 'rolf']));
    for (const [, message] of routed) {
      expect(message).toMatchObject({ topic, verdict: 'new', sender: { name: 'dealer', keyId32: dealer.keyId32 } });
      expect(replies.map(({ id }) => id)).toContain(message.id);
      expect(message).not.toHaveProperty('data');
    }
    expect(asked).toHaveLength(6);
    for (const request of asked) expect(request).toMatchObject({ kind: 'message', sender: { name: 'dealer' } });
  });

  test('patterns.42: what a worker says comes in its order before the answer, and that it is at it besides', async () => {
    const [client, ruth, one] = await Promise.all(
      [dealer, routers[0], workers[0]].map(async (who) => world.connect(who)),
    );
    ruth!.route(topic, byName);
    const go = later();
    let say!: RequestContext['say'];
    one!.respond(
      topic,
      async (message) => {
        ({ say } = message);
        message.progress();
        for (let i = 0; i < 20; i++) void message.say(`step ${i}`);
        await message.say(new Uint8Array([1]));
        await go.promise;
        return 'done';
      },
      forwarded,
    );
    await settled(ruth!, one!);
    const news: { readonly data: Uint8Array; readonly sender: object }[] = [];
    let progress = 0;
    const answer = client!.deal(topic, 'x', {
      ...patient,
      routing: new TextEncoder().encode('one'),
      onNews: (one) => news.push(one),
      onProgress: () => progress++,
    });
    await untilCount('news', news, 21);
    go.resolve();
    const { data, sender } = await answer;
    expect([text(data), sender.name]).toEqual(['done', 'one']);
    expect(news.slice(0, 20).map((one) => text(one.data))).toEqual(Array.from({ length: 20 }, (_, i) => `step ${i}`));
    expect(news.at(-1)).toEqual({ data: new Uint8Array([1]), sender: { name: 'one', keyId32: one!.keyId32 } });
    expect(progress).toBe(1);
    expect(() => say('late')).toThrow('E_USAGE');
  });

  test('without a router a broker chooses who works; requests come to the same handler, and nobody hears news of them', async () => {
    const [client, one] = await Promise.all([dealer, workers[0]].map(async (who) => world.connect(who)));
    const kinds: string[] = [];
    const refusals: unknown[] = [];
    one!.respond(
      topic,
      (request) => {
        kinds.push(request.kind);
        try {
          void request.say('news');
        } catch (error) {
          refusals.push(error);
        }
        return upper(request);
      },
      { effects: 'idempotent' },
    );
    await settled(one!);
    const news: string[] = [];
    const dealt = await client!.deal(topic, 'a', {
      ...patient,
      routing: '',
      onNews: ({ data }) => news.push(text(data)),
    });
    const asked = await client!.request(topic, 'b', patient);
    expect([text(dealt.data), text(asked.data), news, kinds]).toEqual(['A', 'B', ['news'], ['message', 'request']]);
    expect(refusals).toMatchObject([{ code: 'E_USAGE' }]);
  });

  test('with one key, what is asked again is done once, and what a message and a request ask for is not the same', async () => {
    const [client, ruth, one, two] = await Promise.all(
      [dealer, routers[0], workers[0], workers[1]].map(async (who) => world.connect(who)),
    );
    const effects = new MemoryEffectStore({ bornMs: 0 });
    const ran: string[] = [];
    for (const worker of [one, two]) {
      worker!.respond(topic, ({ data }) => (ran.push(text(data)), `by ${worker!.name}`), {
        effects,
        forwardedOnly: true,
      });
    }
    ruth!.route(topic, byName);
    await settled(ruth!, one!, two!);
    const key = new Uint8Array(16).fill(3);
    const first = await client!.deal(topic, 'pay', { ...patient, key, routing: 'one' });
    const second = await client!.deal(topic, 'pay', { ...patient, key, routing: 'two' });
    expect([text(first.data), first.sender.name]).toEqual(['by one', 'one']);
    expect([text(second.data), second.sender.name]).toEqual(['by one', 'two']);
    expect(ran).toEqual(['pay']);
    const other = client!.deal(topic, 'pay more', { ...patient, key, routing: 'two' });
    // Who asks learns no more of it.
    expect((await refusalOf(other)).code).toBe('E_REFUSED');
    const three = await world.connect(workers[2]);
    three.respond(topic, upper, { effects });
    await settled(three);
    expect((await refusalOf(client!.request(topic, 'pay', { ...patient, key }))).code).toBe('E_REFUSED');
    expect(ran).toEqual(['pay']);
  });

  test('what a router throws, or forwards to nobody, goes to the other; what it forwarded does not', async () => {
    const [client, ruth, rolf, one] = await Promise.all(
      [dealer, ...routers, workers[0]].map(async (who) => world.connect(who)),
    );
    one!.respond(topic, upper, forwarded);
    const [byRuth, byRolf]: [string[], string[]] = [[], []];
    const trouble = new Error('no table');
    ruth!.route(topic, ({ routing }) => {
      byRuth.push(text(routing));
      if (byRuth.length % 2 === 1) throw trouble;
    });
    await settled(ruth!, one!);
    const first = client!.deal(topic, 'a', { ...patient, routing: 'one' });
    await untilCount('messages at ruth', byRuth, 2);
    rolf!.route(topic, async (message) => (byRolf.push(text(message.routing)), byName(message)));
    await settled(rolf!);
    expect(text((await first).data)).toBe('A');
    expect(byRolf).toEqual(['one']);
    expect(world.statuses(ruth!)).toContainEqual({ type: 'failed', what: 'handler', error: trouble });
  });

  test('what a router had when it was closed, or its link broke, reaches the other router', async () => {
    const [client, ruth, rolf, one] = await Promise.all(
      [dealer, ...routers, workers[0]].map(async (who) => world.connect(who)),
    );
    one!.respond(topic, upper, forwarded);
    const held: RouteContext[] = [];
    const never = new Promise<void>(() => undefined);
    ruth!.route(topic, async (message) => (held.push(message), never));
    await settled(ruth!, one!);
    const answer = client!.deal(topic, 'a', { ...patient, routing: 'one' });
    await untilCount('messages at ruth', held, 1);
    rolf!.route(topic, byName);
    await settled(rolf!);
    // It does not wait for a handler that never ends longer than it says.
    await ruth!.close();
    expect(held[0]!.signal.aborted).toBe(true);
    expect(text((await answer).data)).toBe('A');
  });

  test('principals.19: who may not route is told so by the broker, and gets nothing; who works may not forward', async () => {
    const [client, ruth, one, two] = await Promise.all(
      [dealer, routers[0], workers[0], workers[1]].map(async (who) => world.connect(who)),
    );
    const seen: string[] = [];
    const stranger = await world.connect(await world.member('stranger'));
    for (const intruder of [client!, stranger]) intruder.route(topic, () => void seen.push(intruder.name!));
    one!.respond(topic, ({ data }) => (seen.push('one'), upper({ data })), forwarded);
    await settled(client!, stranger, one!, two!);
    await until('the broker refused it', () => refusalsOf(client!, 'subscription').length > 0, 60_000);
    // A broker does not say why.
    expect(refusalsOf(client!, 'subscription')).toContain('E_REFUSED');
    const held: RouteContext[] = [];
    ruth!.route(topic, async (message) => {
      held.push(message);
      await message.forward(workers[0].keyId32, two);
    });
    await settled(ruth!);
    expect(await codeOf(client!.deal(topic, 'a', { timeoutMs: 4_000, routing: 'one' }))).toBe('E_EXPIRED');
    await until('the forward was refused', () => refusalsOf(ruth!, 'forward').length > 0, 60_000);
    expect(refusalsOf(ruth!, 'forward')[0]).toBe('E_POLICY');
    expect(held.length).toBeGreaterThan(0);
    expect(seen).toEqual([]);
  });

  test('patterns.41: of more forwards than may wait for a slow worker those above the bound are refused, and the others done', async () => {
    const [client, ruth, one] = await Promise.all(
      [dealer, routers[0], workers[0]].map(async (who) => world.connect(who)),
    );
    const go = later();
    let ran = 0;
    one!.respond(topic, async () => (ran++, await go.promise, 'done'), { ...forwarded, concurrency: 1 });
    ruth!.route(topic, byName);
    await settled(ruth!, one!);
    const outcomes: string[] = [];
    const dealt = Array.from({ length: 1_030 }, async (_, i) => {
      const outcome = await client!.deal(topic, `${i}`, { ...patient, routing: 'one' }).then(
        ({ data }) => text(data),
        (error: unknown) => (error as RequestRefused).code,
      );
      outcomes.push(outcome);
    });
    // One may run by the time that the last comes.
    await untilCount('refusals', outcomes, 5);
    expect(ran).toBe(1);
    const refused = outcomes.length;
    expect(new Set(outcomes)).toEqual(new Set(['E_LIMIT']));
    go.resolve();
    await Promise.all(dealt);
    const done = outcomes.filter((outcome) => outcome === 'done').length;
    expect([outcomes.length, ran]).toEqual([1_030, done]);
    expect(done).toBeGreaterThanOrEqual(1_024);
    expect(outcomes.filter((outcome) => outcome === 'E_LIMIT').length).toBeGreaterThanOrEqual(refused);
  });

  test('a forward that waits for a handler outlives its link, and what comes again is answered again', async () => {
    const [client, ruth, one] = await Promise.all(
      [dealer, routers[0], workers[0]].map(async (who) => world.connect(who)),
    );
    const go = later();
    const seen: string[] = [];
    one!.respond(topic, async (request) => (seen.push(text(request.data)), await go.promise, upper(request)), {
      ...forwarded,
      concurrency: 1,
    });
    const verdicts: string[] = [];
    ruth!.route(topic, async (message) => (verdicts.push(message.verdict), byName(message)));
    await settled(ruth!, one!);
    const first = client!.deal(topic, 'a', { ...patient, routing: 'one' });
    await untilCount('handlers', seen, 1);
    const second = client!.deal(topic, 'b', { ...patient, routing: 'one' });
    await untilCount('messages at the router', verdicts, 2);
    await settled(ruth!, one!);
    await world.restartBroker();
    await settled(client!, ruth!, one!);
    // The dealer asks again on its new link, and the router has had it.
    await until('the router hears of it again', () => verdicts.includes('again'), 60_000);
    go.resolve();
    expect([text((await first).data), text((await second).data)]).toEqual(['A', 'B']);
    expect(seen).toEqual(['a', 'b']);
  });

  test('the largest message and the largest answer pass a router; longer ones are refused', async () => {
    const [client, ruth, one] = await Promise.all(
      [dealer, routers[0], workers[0]].map(async (who) => world.connect(who)),
    );
    one!.respond(topic, ({ data }) => new Uint8Array(Number(text(data.subarray(0, 6)))), forwarded);
    ruth!.route(topic, byName);
    await settled(ruth!, one!);
    const most = 983_000 - 512;
    const body = Buffer.alloc(981_000);
    body.write(`${most}`);
    const { data } = await client!.deal(topic, body, { ...patient, routing: 'one' });
    expect(data.length).toBe(most);
    const longer = client!.deal(topic, `${most + 1}`, { ...patient, routing: 'one' });
    expect((await refusalOf(longer)).code).toBe('E_LIMIT');
    expect(await codeOf(client!.deal(topic, Buffer.alloc(983_000), { ...patient, routing: 'one' }))).toBe('E_LIMIT');
    expect(refusalsOf(one!, 'answer')).toEqual([]);
  });

  test('what cannot be is refused before anything is sealed', async () => {
    const [client, ruth] = await Promise.all([dealer, routers[0]].map(async (who) => world.connect(who)));
    const codes = await Promise.all([
      codeOf(client!.deal(topic, 'x', { ...patient, routing: new Uint8Array(1_025) })),
      codeOf(client!.deal(topic, 'x', patient as { timeoutMs: number; routing: string })),
      codeOf(client!.deal(topic, 'x', { routing: '' })),
      codeOf(client!.deal(topic, 'x', { deadlineMs: Date.now() - 1, routing: '' })),
      codeOf(client!.deal('kitchen//', 'x', { ...patient, routing: '' })),
    ]);
    expect(codes).toEqual(['E_LIMIT', 'E_USAGE', 'E_USAGE', 'E_EXPIRED', 'E_ENCODING']);
    expect(() => ruth!.route(topic, byName, { capacity: 0 })).toThrow('E_USAGE');
    expect(() => ruth!.route(topic, undefined as unknown as typeof byName)).toThrow('E_USAGE');
    expect(() => ruth!.route('kitchen/*', byName)).toThrow('E_ENCODING');
    expect(() => ruth!.forwardReplies(topic, ruth!)).toThrow('E_USAGE');
    const route: TopicRoute = ruth!.route(topic, byName);
    expect(() => ruth!.route(topic, byName)).toThrow('E_USAGE');
    await route.close();
    await ruth!.route(topic, byName).close();
  });

  test('a handler that forwards to no key id, or when it has ended, is told so', async () => {
    const [client, ruth, one] = await Promise.all(
      [dealer, routers[0], workers[0]].map(async (who) => world.connect(who)),
    );
    one!.respond(topic, upper, forwarded);
    const refusals: unknown[] = [];
    let kept!: RouteContext;
    ruth!.route(topic, async (message) => {
      kept = message;
      try {
        void message.forward(new Uint8Array(31));
      } catch (error) {
        refusals.push(error);
      }
      // That nobody awaits it does not matter: it is settled by what becomes of it.
      void byName(message);
      await Promise.resolve();
    });
    await settled(ruth!, one!);
    expect(text((await client!.deal(topic, 'a', { ...patient, routing: 'one' })).data)).toBe('A');
    expect(refusals).toMatchObject([{ code: 'E_USAGE' }]);
    expect(() => kept.forward(workers[0].keyId32)).toThrow('E_USAGE');
  });

  test('what a router process had when it was killed reaches the other router, and is done once', async () => {
    const [client, rolf, one] = await Promise.all(
      [dealer, routers[1], workers[0]].map(async (who) => world.connect(who)),
    );
    const seen: string[] = [];
    one!.respond(topic, (request) => (seen.push(text(request.data)), upper(request)), forwarded);
    await settled(one!);
    const child = start(await bundle(new URL('routing-child.ts', import.meta.url)), [
      world.scene.localAddress,
      routers[0].directory,
      topic,
      Buffer.from(workers[0].keyId32).toString('hex'),
    ]);
    let out = '';
    let err = '';
    child.stdout!.setEncoding('utf8').on('data', (chunk: string) => (out += chunk));
    child.stderr!.setEncoding('utf8').on('data', (chunk: string) => (err += chunk));
    const ended = new Promise((resolve) => child.once('exit', resolve));
    try {
      await until('the child routes', () => out.includes('there') || child.exitCode !== null, 120_000);
      expect(err).toBe('');
      // It forwards the first, and settles none.
      const first = client!.deal(topic, 'a', { ...patient, routing: 'forward' });
      await until('the worker has it', () => seen.length > 0, 60_000);
      const second = client!.deal(topic, 'b', { ...patient, routing: 'hold' });
      await until('the child has it', () => out.includes('got hold'), 60_000);
      rolf!.route(topic, async ({ forward }) => forward(workers[0].keyId32));
      await settled(rolf!);
      child.kill('SIGKILL');
      expect([text((await first).data), text((await second).data)]).toEqual(['A', 'B']);
      expect(seen).toEqual(['a', 'b']);
    } finally {
      child.kill('SIGKILL');
      await ended;
    }
  });
});
