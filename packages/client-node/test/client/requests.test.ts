import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MemoryEffectStore, RequestRefused, TridcommError, type TridcommClient } from '@tridcomm/client-node';
import { bundle, start } from '../bundled.ts';
import { codeOf, later, PoolWorld, settled, text, until, untilCount, type Member } from './pool-world.ts';

const topic = 'images/resize';
const patient = { timeoutMs: 120_000 };
let world: PoolWorld;
let asker: Member;
let workers: readonly [Member, Member];
beforeEach(async () => {
  world = await PoolWorld.create();
  asker = await world.member('asker');
  workers = [await world.member('one'), await world.member('two')];
  world.group('front', [topic], { ask: [asker], work: workers });
}, 60_000);
afterEach(async () => world.close());

async function clients(): Promise<[TridcommClient, TridcommClient, TridcommClient]> {
  return [await world.connect(asker), await world.connect(workers[0]), await world.connect(workers[1])];
}

const upper = ({ data }: { readonly data: Uint8Array }) => text(data).toUpperCase();
const idempotent = { effects: 'idempotent' } as const;

describe('request and respond', { timeout: 180_000 }, () => {
  test('an answer tells who gave it, and both call the request the same', async () => {
    const [client, one] = await clients();
    const seen: object[] = [];
    one.respond(topic, (request) => (seen.push(request), upper(request)), idempotent);
    await settled(one);
    const key = new Uint8Array(16).fill(7);
    const deadlineMs = Date.now() + 120_000;
    const reply = await client.request(topic, 'hello', { deadlineMs, key });
    expect(text(reply.data)).toBe('HELLO');
    expect(reply.sender).toEqual({ name: 'one', keyId32: one.keyId32 });
    expect(reply.id).toMatch(/^[0-9a-f]{32}$/);
    expect(seen).toMatchObject([{ topic, deadlineMs, key, sender: { name: 'asker' }, transaction: undefined }]);
  });

  test('requests of one turn share an envelope, and each gets its own answer', async () => {
    const [client, one] = await clients();
    one.respond(topic, upper, { ...idempotent, concurrency: 3 });
    await settled(one);
    const texts = Array.from({ length: 200 }, (_, i) => `r${i}`);
    const replies = await Promise.all(texts.map(async (body) => client.request(topic, body, patient)));
    expect(replies.map(({ data }) => text(data))).toEqual(texts.map((body) => body.toUpperCase()));
    expect(new Set(replies.map(({ id }) => id)).size).toBe(1);
  });

  test('who works has no more handlers at a time than it said, and what is too much for one goes to the other', async () => {
    const [client, one, two] = await clients();
    const go = later();
    const names: string[] = [];
    for (const worker of [one, two]) {
      worker.respond(topic, async () => (names.push(worker.name!), await go.promise, worker.name!), {
        ...idempotent,
        concurrency: 1,
      });
    }
    await settled(one, two);
    const replies: Promise<string>[] = [];
    for (let i = 1; i <= 3; i++) {
      replies.push(client.request(topic, `${i}`, patient).then(({ data }) => text(data)));
      // So that each is an envelope of its own.
      await client.ready();
      await untilCount('handlers that run', names, Math.min(i, 2));
    }
    expect(names.toSorted()).toEqual(['one', 'two']);
    go.resolve();
    const [a, b] = await Promise.all(replies);
    expect([a, b].toSorted()).toEqual(['one', 'two']);
  });

  test('what a handler throws is a refusal, whose reason stays at home unless it is meant to be told', async () => {
    const [client, one] = await clients();
    const secret = new Error('the password is wrong');
    one.respond(
      topic,
      ({ data }) => {
        if (text(data) === 'limit') throw new TridcommError('E_LIMIT', 'too much of it');
        if (text(data) === 'inner') throw new TridcommError('E_SIG', 'something inside');
        if (text(data) === 'nothing') return undefined as unknown as string;
        throw secret;
      },
      idempotent,
    );
    await settled(one);
    const refusal = async (body: string) =>
      client.request(topic, body, patient).then(
        () => undefined,
        (error: unknown) => error as RequestRefused,
      );
    const [limit, inner, nothing, other] = await Promise.all(['limit', 'inner', 'nothing', 'x'].map(refusal));
    expect(limit).toBeInstanceOf(RequestRefused);
    expect([limit, inner, nothing, other].map((error) => error?.code)).toEqual([
      'E_LIMIT',
      'E_REFUSED',
      'E_REFUSED',
      'E_REFUSED',
    ]);
    expect(other?.sender.name).toBe('one');
    expect(other?.message).not.toContain('password');
    expect(world.statuses(one)).toContainEqual({ type: 'failed', what: 'handler', error: secret });
  });

  test('who works may say that it is at it', async () => {
    const [client, one] = await clients();
    const heard = later<string>();
    one.respond(topic, async ({ progress }) => (progress(), progress(), heard.promise), idempotent);
    await settled(one);
    const onProgress = ({ name }: { readonly name: string }) => heard.resolve(name);
    const reply = await client.request(topic, 'x', { ...patient, onProgress });
    expect(text(reply.data)).toBe('one');
  });

  test('a request that nobody answers ends at its deadline, one that is given up at once, and both for good', async () => {
    const [client, one] = await clients();
    const late = await codeOf(client.request(topic, 'x', { timeoutMs: 300 }));
    expect(late).toBe('E_EXPIRED');
    const end = new AbortController();
    const go = later();
    let count = 0;
    one.respond(topic, async () => (count++, await go.promise, 'late'), idempotent);
    await settled(one);
    const given = client.request(topic, 'y', { ...patient, signal: end.signal });
    await until('a handler runs', () => count === 1);
    const reason = new Error('changed my mind');
    end.abort(reason);
    await expect(given).rejects.toBe(reason);
    go.resolve();
    // The answer to the one that was given up comes before this one, and disturbs nobody.
    expect(text((await client.request(topic, 'z', patient)).data)).toBe('late');
    await expect(client.request(topic, 'z', { ...patient, signal: end.signal })).rejects.toBe(reason);
    expect(world.statuses(client).filter(({ type }) => type === 'failed')).toEqual([]);
  });

  test('patterns.20: what waited for a handler up to its deadline goes to none, and is refused', async () => {
    const [client, one] = await clients();
    const go = later();
    const seen: string[] = [];
    one.respond(
      topic,
      async ({ data }) => {
        seen.push(text(data));
        await go.promise;
        return 'done';
      },
      { ...idempotent, concurrency: 1 },
    );
    await settled(one);
    const first = client.request(topic, 'first', { timeoutMs: 20_000 });
    const second = codeOf(client.request(topic, 'second', { timeoutMs: 500 }));
    expect(await second).toBe('E_EXPIRED');
    await untilCount('handlers', seen, 1);
    go.resolve();
    expect(text((await first).data)).toBe('done');
    expect(text((await client.request(topic, 'third', patient)).data)).toBe('done');
    expect(seen).toEqual(['first', 'third']);
  });

  test('what cannot be is refused before anything is sealed', async () => {
    const [client, one] = await clients();
    const codes = await Promise.all([
      codeOf(client.request(topic, 'x', {})),
      codeOf(client.request(topic, 'x', { timeoutMs: 1, deadlineMs: Date.now() + 1_000 })),
      codeOf(client.request(topic, 'x', { deadlineMs: Date.now() - 1 })),
      codeOf(client.request(topic, 'x', { timeoutMs: Number.NaN })),
      codeOf(client.request(topic, 'x', { ...patient, key: new Uint8Array(15) })),
      codeOf(client.request(topic, 7 as unknown as string, patient)),
      codeOf(client.request(topic, new Uint8Array(983_040), patient)),
      codeOf(client.request('images//', 'x', patient)),
    ]);
    expect(codes).toEqual([
      'E_USAGE',
      'E_USAGE',
      'E_EXPIRED',
      'E_USAGE',
      'E_USAGE',
      'E_USAGE',
      'E_LIMIT',
      'E_ENCODING',
    ]);
    expect(() => one.respond(topic, upper, {} as typeof idempotent)).toThrow('E_USAGE');
    expect(() => one.respond(topic, upper, { ...idempotent, concurrency: 0 })).toThrow('E_USAGE');
    expect(() => one.respond('images/*', upper, idempotent)).toThrow('E_ENCODING');
    one.respond(topic, upper, idempotent);
    expect(() => one.pull(topic, () => {}, idempotent)).toThrow('E_USAGE');
  });

  test('who may not ask is told so, after a while in which the right may come', async () => {
    const [, one] = await clients();
    const stranger = await world.connect(await world.member('stranger'));
    const codes = await Promise.all([
      codeOf(stranger.request(topic, 'x', patient)),
      // Who works may not ask.
      codeOf(one.request(topic, 'x', patient)),
    ]);
    expect(codes).toEqual(['E_POLICY', 'E_POLICY']);
  });

  test('a largest answer arrives, and one that fits no envelope is a refusal', async () => {
    const [client, one] = await clients();
    one.respond(topic, ({ data }) => new Uint8Array(Number(text(data))), idempotent);
    await settled(one);
    const most = 983_040 - 12 - 41;
    const reply = await client.request(topic, `${most}`, patient);
    expect(reply.data.length).toBe(most);
    expect(await codeOf(client.request(topic, `${most + 1}`, patient))).toBe('E_LIMIT');
  });

  test('when the broker is another, what nobody had answered is asked again and answered once', async () => {
    const [client, one] = await clients();
    const go = later();
    const seen: string[] = [];
    one.respond(
      topic,
      async (request) => (seen.push(text(request.data)), await go.promise, upper(request)),
      idempotent,
    );
    await settled(one);
    const reply = client.request(topic, 'hello', patient);
    await untilCount('handlers', seen, 1);
    await world.restartBroker();
    await settled(client, one);
    go.resolve();
    expect(text((await reply).data)).toBe('HELLO');
    // Also when the copy comes only now.
    await client.ready();
    expect(text((await client.request(topic, 'more', patient)).data)).toBe('MORE');
    expect(seen).toEqual(['hello', 'more']);
  });

  test('the requests of a worker that is killed are answered by another', async () => {
    const [client, two] = [await world.connect(asker), await world.connect(workers[1])];
    const child = start(await bundle(new URL('working-child.ts', import.meta.url)), [
      world.scene.localAddress,
      workers[0].directory,
      topic,
    ]);
    let out = '';
    let err = '';
    child.stdout!.setEncoding('utf8').on('data', (chunk: string) => (out += chunk));
    child.stderr!.setEncoding('utf8').on('data', (chunk: string) => (err += chunk));
    const ended = new Promise((resolve) => child.once('exit', resolve));
    try {
      await until('the child works', () => out.includes('there') || child.exitCode !== null, 120_000);
      expect(err).toBe('');
      const reply = client.request(topic, 'hello', patient);
      await until('the child has it', () => out.includes('got'), 60_000);
      two.respond(topic, upper, idempotent);
      await settled(two);
      child.kill('SIGKILL');
      const { data, sender } = await reply;
      expect([text(data), sender.name]).toEqual(['HELLO', 'two']);
    } finally {
      child.kill('SIGKILL');
      await ended;
    }
  });

  test('with a store of effects, a key is done once in the pool, and never for something else', async () => {
    const [client, one, two] = await clients();
    const effects = new MemoryEffectStore({ bornMs: 0 });
    const runs: string[] = [];
    for (const worker of [one, two]) {
      worker.respond(
        topic,
        ({ data, transaction }) => {
          runs.push(worker.name!);
          transaction.put('last', data);
          return `${text(data)} by ${worker.name}`;
        },
        { effects, concurrency: 1 },
      );
    }
    await settled(one, two);
    const key = new Uint8Array(16).fill(9);
    const first = text((await client.request(topic, 'pay', { ...patient, key })).data);
    const more: string[] = [];
    for (let i = 0; i < 4; i++) more.push(text((await client.request(topic, 'pay', { ...patient, key })).data));
    expect(more).toEqual([first, first, first, first]);
    expect(await codeOf(client.request(topic, 'pay more', { ...patient, key }))).toBe('E_REFUSED');
    expect(runs.length).toBe(1);
  });

  test('who closes its work finishes what runs, and gives the rest to others', async () => {
    const [client, one, two] = await clients();
    const go = later();
    const seen: string[] = [];
    const work = one.respond(topic, async ({ data }) => (seen.push(text(data)), await go.promise, 'one'), {
      ...idempotent,
      concurrency: 1,
    });
    await settled(one);
    const running = client.request(topic, 'runs', patient);
    await untilCount('handlers', seen, 1);
    const waiting = client.request(topic, 'waits', patient);
    await client.ready();
    const closed = work.close();
    two.respond(topic, () => 'two', idempotent);
    expect(text((await waiting).data)).toBe('two');
    go.resolve();
    await closed;
    expect(text((await running).data)).toBe('one');
    expect(seen).toEqual(['runs']);
    expect(work.running).toBe(0);
    // The topic is free again.
    await one.respond(topic, () => 'one again', idempotent).close();
  });

  test('the end of a client ends what waits, and tells handlers', async () => {
    const [client, one] = await clients();
    const aborted = later();
    const started = later();
    one.respond(
      topic,
      async ({ signal }) => {
        signal.addEventListener('abort', () => aborted.resolve());
        started.resolve();
        return new Promise<string>(() => {});
      },
      idempotent,
    );
    await settled(one);
    const reply = codeOf(client.request(topic, 'x', patient));
    await started.promise;
    await client.close();
    expect(await reply).toBe('E_CLOSED');
    expect(await codeOf(client.request(topic, 'x', patient))).toBe('E_CLOSED');
    // It waits 5 s for the handler, and no longer.
    await one.close();
    await aborted.promise;
  });
});
