import { afterEach, beforeEach, expect, test } from 'vitest';
import { codeOf, PoolWorld, settled, text, untilCount, type Member } from './pool-world.ts';

const topic = 'images/resize';
const patient = { timeoutMs: 120_000 };
const idempotent = { effects: 'idempotent' } as const;
let world: PoolWorld;
let asker: Member;
let worker: Member;
beforeEach(async () => {
  world = await PoolWorld.create();
  asker = await world.member('asker');
  worker = await world.member('worker');
  world.group('front', [topic], { ask: [asker], work: [worker] });
}, 60_000);
afterEach(async () => world.close());

test('replay.35: a worker that starts again does what comes, also what an earlier life may have had', async () => {
  const client = await world.connect(asker);
  const first = await world.connect(worker);
  first.respond(topic, ({ data }) => `did ${text(data)}`, idempotent);
  await settled(client, first);
  // The stream of these goes on below.
  expect(text((await client.request(topic, 'one', patient)).data)).toBe('did one');
  await first.close();
  const second = await world.connect(worker);
  second.respond(topic, ({ data }) => `did ${text(data)} again`, idempotent);
  await settled(second);
  const answers: string[] = [];
  for (const what of ['two', 'three', 'four']) {
    answers.push(await client.request(topic, what, patient).then(({ data }) => text(data)));
  }
  expect(answers).toEqual(['did two again', 'did three again', 'did four again']);
  expect(world.statuses(second).filter((status) => status.type === 'refused' && status.what === 'envelope')).toEqual(
    [],
  );
}, 180_000);

test('replay.35: so does one that takes jobs', async () => {
  const client = await world.connect(asker);
  const first = await world.connect(worker);
  const done: string[] = [];
  first.pull(topic, ({ data }) => void done.push(text(data)), idempotent);
  await settled(client, first);
  await client.push(topic, ['one']);
  await untilCount('jobs', done, 1);
  await first.close();
  const second = await world.connect(worker);
  second.pull(topic, ({ data }) => void done.push(text(data)), idempotent);
  await settled(second);
  // Each is an envelope of its own.
  for (let i = 0; i < 5; i++) await client.push(topic, [`${i}`]);
  await untilCount('jobs', done, 6);
  expect(done.toSorted()).toEqual(['0', '1', '2', '3', '4', 'one']);
  expect(await codeOf(second.close())).toBe('nothing thrown');
}, 180_000);
