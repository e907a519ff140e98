import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MemoryEffectStore, type TridcommClient } from '@tridcomm/client-node';
import { codeOf, later, PoolWorld, settled, text, until, untilCount, wait, type Member } from './pool-world.ts';

const topic = 'images/resize';
let world: PoolWorld;
let pusher: Member;
let workers: readonly [Member, Member];
beforeEach(async () => {
  world = await PoolWorld.create();
  pusher = await world.member('pusher');
  workers = [await world.member('one'), await world.member('two')];
  world.group('front', [topic], { ask: [pusher], work: workers });
}, 60_000);
afterEach(async () => world.close());

async function clients(): Promise<[TridcommClient, TridcommClient, TridcommClient]> {
  return [await world.connect(pusher), await world.connect(workers[0]), await world.connect(workers[1])];
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => `${i}`);
const idempotent = { effects: 'idempotent' } as const;

describe('push and pull', { timeout: 180_000 }, () => {
  test('each job is done by one, and its pusher learns that the broker has it', async () => {
    const [client, one, two] = await clients();
    const done: string[] = [];
    const seen: object[] = [];
    for (const worker of [one, two]) {
      worker.pull(topic, (job) => void (done.push(text(job.data)), seen.push(job)), { ...idempotent, concurrency: 2 });
    }
    await settled(one, two);
    const key = new Uint8Array(16).fill(5);
    const jobs = [...numbers(99), { body: '99', key }];
    const receipt = await client.push(topic, jobs, { jobsPerLeaf: 8 });
    expect(receipt).toMatchObject({ topic, durability: 'memory', ids: [receipt.id] });
    expect(receipt.id).toMatch(/^[0-9a-f]{32}$/);
    await untilCount('jobs', done, 100);
    await client.ready();
    expect(done.map(Number).toSorted((a, b) => a - b)).toEqual(numbers(100).map(Number));
    const withKey = seen.find((job) => text((job as { data: Uint8Array }).data) === '99');
    expect(withKey).toMatchObject({ topic, deadlineMs: 0, key, sender: { name: 'pusher' } });
    expect(withKey).not.toHaveProperty('progress');
    expect((await client.push(topic, ['x'], { durability: 'none' })).durability).toBe('none');
    // As callers without types write it.
    expect((await client.push(topic, ['x'], { durability: undefined as never })).durability).toBe('memory');
  });

  test('leaves of an envelope go to several, each of whom has as many as it said', async () => {
    const [client, one, two] = await clients();
    const go = later();
    const names: string[] = [];
    for (const worker of [one, two]) {
      worker.pull(topic, async () => (names.push(worker.name!), go.promise), { ...idempotent, concurrency: 1 });
    }
    await settled(one, two);
    await client.push(topic, numbers(4), { jobsPerLeaf: 1 });
    await untilCount('jobs that run', names, 2);
    await client.ready();
    expect(names.toSorted()).toEqual(['one', 'two']);
    go.resolve();
    await untilCount('jobs', names, 4);
  });

  test('a job whose handler throws is done by another, or later by the same', async () => {
    const [client, one] = await clients();
    const attempts: string[] = [];
    const error = new Error('not now');
    one.pull(
      topic,
      ({ data }) => {
        attempts.push(text(data));
        if (attempts.length === 2 || attempts.length === 4) throw error;
      },
      { ...idempotent, concurrency: 1 },
    );
    await settled(one);
    await client.push(topic, ['a', 'b', 'c']);
    await untilCount('attempts', attempts, 5);
    await wait(1_000);
    // What was done of an envelope is not done again with the rest.
    expect(attempts).toEqual(['a', 'b', 'c', 'b', 'b']);
    const told = world.statuses(one).filter(({ type }) => type === 'failed');
    expect(told).toEqual([
      { type: 'failed', what: 'handler', error },
      { type: 'failed', what: 'handler', error },
    ]);
  });

  test('what one worker cannot do the other does', async () => {
    const [client, one, two] = await clients();
    const tried: string[] = [];
    const done: string[] = [];
    one.pull(
      topic,
      ({ data }) => {
        tried.push(text(data));
        throw new Error('never here');
      },
      idempotent,
    );
    await settled(one);
    await client.push(topic, ['a']);
    await untilCount('attempts', tried, 1);
    two.pull(topic, ({ data }) => void done.push(text(data)), idempotent);
    await untilCount('jobs', done, 1);
    expect(done).toEqual(['a']);
  });

  test('what a worker had whose client ends goes to another', async () => {
    const [client, one, two] = await clients();
    const seen: string[] = [];
    one.pull(topic, async ({ data }) => (seen.push(text(data)), new Promise<void>(() => {})), idempotent);
    await settled(one);
    await client.push(topic, ['a']);
    await untilCount('jobs', seen, 1);
    const closing = one.close();
    const done: string[] = [];
    two.pull(topic, ({ data }) => void done.push(text(data)), idempotent);
    await closing;
    await untilCount('jobs', done, 1);
    expect(done).toEqual(['a']);
  });

  test('a job that is late goes to no handler', async () => {
    const [client, one] = await clients();
    const deadlineMs = Date.now() + 2_000;
    await client.push(topic, [{ body: 'late', deadlineMs }, 'in time']);
    await until('it is late', () => Date.now() > deadlineMs);
    const done: string[] = [];
    one.pull(topic, ({ data }) => void done.push(text(data)), idempotent);
    await untilCount('jobs', done, 1);
    await one.ready();
    expect(done).toEqual(['in time']);
  });

  test('with a store of effects, a job that comes twice is done once', async () => {
    const [client, one, two] = await clients();
    const effects = new MemoryEffectStore({ bornMs: 0 });
    const done: string[] = [];
    for (const worker of [one, two]) {
      worker.pull(topic, ({ data, transaction }) => (done.push(text(data)), transaction.put('last', data)), {
        effects,
      });
    }
    await settled(one, two);
    const key = new Uint8Array(16).fill(3);
    for (let i = 0; i < 3; i++) await client.push(topic, [{ body: 'pay', key }]);
    // Another body under the key is nothing that anybody does.
    await client.push(topic, [{ body: 'pay more', key }]);
    await client.push(topic, ['last']);
    await until('the last is done', () => done.includes('last'));
    const refusals = () =>
      [one, two].flatMap((worker) => world.statuses(worker).filter(({ type }) => type === 'refused'));
    await until('the other body is refused', () => refusals().length === 1);
    expect(refusals()).toMatchObject([{ what: 'envelope', error: { code: 'E_FORK' } }]);
    expect(done.toSorted()).toEqual(['last', 'pay']);
  });

  test('what cannot be is refused', async () => {
    const [client, one] = await clients();
    const codes = await Promise.all([
      codeOf(client.push(topic, ['x'], { durability: 'disk' })),
      codeOf(client.push(topic, ['x'], { durability: 'cluster' as 'disk' })),
      codeOf(client.push(topic, ['x'], { durability: 'paper' as 'disk' })),
      codeOf(client.push(topic, [])),
      codeOf(client.push(topic, ['x'], { jobsPerLeaf: 0 })),
      codeOf(client.push(topic, [{ body: 'x', deadlineMs: -1 }])),
      codeOf(client.push(topic, [{ body: 'x', key: new Uint8Array(3) }])),
      codeOf(one.push(topic, ['x'])),
    ]);
    expect(codes.join(' ')).toBe('E_POLICY E_POLICY E_USAGE E_USAGE E_USAGE E_USAGE E_USAGE E_POLICY');
  });
});
