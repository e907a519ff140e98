import { expect, test } from 'vitest';
import type { Peer } from '../src/peers/peer.ts';
import { alternateRounds, peerRows, perSecond, ratioRow, runnerOf } from '../src/suites/rounds.ts';

/** A peer that cannot be started: what it does here is in the test. */
function peerOf(name: string, absent?: string): Peer {
  return { name, version: '1', absent, start: async () => Promise.reject(new Error('not started here')) };
}

const [own, other, gone] = [peerOf('own'), peerOf('other'), peerOf('gone', 'not installed')];
const effort = { note: () => undefined };

test('peers take turns, and all are closed at the end', async () => {
  const order: string[] = [];
  const found = await alternateRounds('t', [own, gone, other], 2, effort, async ({ name }) => {
    order.push(`open ${name}`);
    return {
      run: async () => Promise.resolve(order.push(`run ${name}`)),
      close: async () => void order.push(`close ${name}`),
    };
  });
  const round = ['run own', 'run other'];
  expect(order).toEqual(['open own', 'open other', ...round, ...round, 'close own', 'close other']);
  expect([...found.ran]).toEqual([
    ['own', [3, 5]],
    ['other', [4, 6]],
  ]);
  expect([...found.absent]).toEqual([['gone', 'not installed']]);
});

test('who fails in a round is closed at once and has no figure, and the others go on', async () => {
  const order: string[] = [];
  let runs = 0;
  const found = await alternateRounds('t', [own, other], 3, effort, async ({ name }) => ({
    run: async () => {
      order.push(name);
      if (name === 'own' && ++runs === 2) throw new Error('lost\nmore');
      return Promise.resolve({ perSecond: 7 });
    },
    close: async () => void order.push(`close ${name}`),
  }));
  expect(order).toEqual(['own', 'other', 'own', 'close own', 'other', 'other', 'close other']);
  const shape = { title: 't', unit: '/s' };
  expect(peerRows(found, [own, other], shape, perSecond)).toEqual([
    { name: 't: own', value: undefined, unit: '/s', note: 'lost' },
    { name: 't: other', value: 7, unit: '/s', spread: [7, 7] },
  ]);
  const goal = { goal: 'P6', atLeast: 1 };
  expect(ratioRow(found, 'r', ['own', 'other'], goal, perSecond)).toEqual({
    name: 'r',
    value: undefined,
    unit: '×',
    note: 'lost',
    ...goal,
  });
});

test('who cannot be made ready is told of, and the others go on', async () => {
  const found = await alternateRounds('t', [own, other], 1, effort, async ({ name }) => {
    if (name === 'own') throw new Error('no broker');
    return Promise.resolve({ run: async () => Promise.resolve(1), close: async () => Promise.resolve() });
  });
  expect([...found.absent, ...found.ran]).toEqual([
    ['own', 'no broker'],
    ['other', [1]],
  ]);
});

test('ratios are those of rounds, and what one of them does not tell has none', () => {
  const ran = new Map([
    ['own', [{ perSecond: 2 }, { perSecond: 30 }, { perSecond: 400 }]],
    ['other', [{ perSecond: 1 }, { perSecond: 10 }, { perSecond: 100 }]],
  ]);
  const found = { ran, absent: new Map<string, string>() };
  expect(ratioRow(found, 'r', ['own', 'other'], { atLeast: 1 }, perSecond)).toEqual({
    name: 'r',
    value: 3,
    unit: '×',
    spread: [2, 4],
    atLeast: 1,
  });
  const some = (one: { readonly perSecond: number }) => (one.perSecond === 30 ? undefined : one.perSecond);
  expect(ratioRow(found, 'r', ['own', 'other'], {}, some)).toMatchObject({
    value: undefined,
    note: 'the system does not tell',
  });
});

test('rounds are as long as wanted by what came after the first step, which is not timed', async () => {
  const counts: number[] = [];
  let closed = 0;
  const sizes = { step: 10, most: 1_000, roundMs: 40 };
  const flow = { close: async () => Promise.resolve(void closed++) };
  const runner = await runnerOf(flow, sizes, async (count) => {
    counts.push(count);
    // The first is slow.
    return Promise.resolve({ perSecond: counts.length === 1 ? 1 : 10_000 });
  });
  expect(counts).toEqual([10, 10, 40, 160]);
  expect(await runner.run()).toEqual({ perSecond: 10_000 });
  expect(counts.at(-1)).toBe(400);
  expect(closed).toBe(0);
  await runner.close();
  expect(closed).toBe(1);
});

test.each([1, 2])('what fails at try %i of getting ready is closed', async (tryThatFails) => {
  let closed = 0;
  let tries = 0;
  const flow = { close: async () => Promise.resolve(void closed++) };
  const made = runnerOf(flow, { step: 1, most: 1, roundMs: 1 }, async () => {
    if (++tries === tryThatFails) throw new Error('no');
    return Promise.resolve({ perSecond: 1 });
  });
  await expect(made).rejects.toThrow('no');
  expect(closed).toBe(1);
});
