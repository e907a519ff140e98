import { afterEach, beforeEach, expect, test } from 'vitest';
import { randomBytes } from 'node:crypto';
import type { EffectMap, FileEffectStore, JobInput } from '@tridcomm/client-node';
import { Crew } from './patterns-crew.ts';
import { RequestLoad, seeded } from './patterns-load.ts';
import { Scene, wait } from './scene.ts';

/*
 * Workers are processes of their own, and are killed with SIGKILL while they work; so is the process of their effect store. The transaction of
 * that store is one record of its file: the entry of the key with the result, and what the handler wrote. What stands in docs/explain/patterns.md
 * under "What is done twice, and what stands against it" is what is looked for here.
 */

let scene: Scene;
let random: () => number;

beforeEach(async () => {
  scene = await Scene.create();
  random = seeded(seed);
}, 120_000);

afterEach(async () => scene.close(), 120_000);

test(
  'patterns.26, delivery.24: kill -9 of workers under load: every request is answered or failed by its deadline, and what was answered was done',
  { timeout: 600_000 },
  async () => {
    const crew = await Crew.create(scene, [{ topic: 'stock/count', kind: 'request', isStored: false }], 30);
    const load = new RequestLoad(crew, random, 'stock/count', (body) => `echo ${body}`, ['E_EXPIRED']);
    await load.during(async () => {
      for (let i = 0; i < kills; i++) await crew.killOne(random);
      // None is left that takes up what these had: it may fail, and what is asked afterwards is answered.
      await crew.killAll();
      const before = load.answers.size;
      await crew.until('they go on after that', () => load.answers.size > before + 200);
    });

    const { begun, ended } = crew.notes();
    const interrupted = sum([...begun].map(([key, count]) => count - (ended.get(key) ?? 0)));
    const twice = [...ended.values()].filter((count) => count > 1).length;
    console.log(
      `seed ${seed}: ${load.told}; ${interrupted} handlers interrupted, ${twice} requests done more than once`,
    );
    load.check();
    expect([...load.answers.keys()].filter((key) => !ended.has(key))).toEqual([]);
    expect(interrupted).toBeGreaterThan(0);
  },
);

test(
  'kill -9 of workers and of the process of their effect store under load: each key has one effect, and one answer',
  { timeout: 600_000 },
  async () => {
    const crew = await Crew.create(scene, [{ topic: 'stock/take', kind: 'request', isStored: true }], 20);
    const expected = (body: string, answer: string) => `${body} ${Number(answer.split(' ').at(-1))}`;
    // The handler whose transaction ends with the process of the store throws, and nothing of it has happened.
    const load = new RequestLoad(crew, random, 'stock/take', expected, ['E_EXPIRED']);
    await load.during(async () => {
      for (let i = 0; i < kills; i++) {
        await crew.killOne(random);
        if (i === kills >> 1) await crew.killStore();
      }
      const before = load.answers.size;
      await crew.until('they go on after that', () => load.answers.size > before + 200);
    });
    // Whoever asks again is told the same.
    const again = [...load.asked].filter((_, i) => i % 25 === 0);
    await Promise.all(again.map(async ([key, body]) => load.ask(Buffer.from(key, 'hex'), body)));

    console.log(`seed ${seed}: ${load.told}; ${crew.left} transactions left open by workers that were killed`);
    load.check();
    expect(crew.left).toBeGreaterThan(0);
    await using store = await crew.openStore();
    const numbers = await numbersOf(store);
    const keys = [...load.answers.keys()];
    expect(keys.filter((key) => numbers(`count/${key}`) !== 1)).toEqual([]);
    // The answers say how much stood on an account then: each number was said for one key alone.
    const perAccount = groupsOf(load.answers.values());
    for (const [account, answers] of perAccount) {
      const balances = answers.map((answer) => Number(answer.split(' ')[2])).toSorted((a, b) => a - b);
      expect(balances).toEqual(balances.map((_, i) => i + 1));
      expect(numbers(`balance/${account}`)).toBe(balances.length);
    }
  },
);

test(
  'delivery.24, delivery.25: kill -9 of workers under load: each job is done or said to be dropped, and once with an effect store',
  { timeout: 600_000 },
  async () => {
    const kind = 'job';
    const topics = [
      { topic: 'stock/note', kind, isStored: false },
      { topic: 'stock/move', kind, isStored: true },
    ] as const;
    const crew = await Crew.create(scene, topics, 30);
    const pushed = { 'stock/note': new Set<string>(), 'stock/move': new Set<string>() };
    const all = () => pushed['stock/note'].size + pushed['stock/move'].size;
    const end = new AbortController();
    const loads = Array.from({ length: 8 }, async (_, i) => {
      const { topic } = topics[i % 2]!;
      while (!end.signal.aborted) {
        const jobs = Array.from(
          { length: 1 + Math.floor(random() * 20) },
          (): JobInput & { readonly key: Uint8Array } => {
            return { body: `${i} a${Math.floor(random() * 64)}`, key: new Uint8Array(randomBytes(16)) };
          },
        );
        await crew.client.push(topic, jobs, { jobsPerLeaf });
        for (const { key } of jobs) pushed[topic].add(Buffer.from(key).toString('hex'));
        await wait(10 + random() * 20);
        while (all() > crew.did + 300 && !end.signal.aborted) await wait(10);
      }
    });
    try {
      for (let i = 0; i < kills; i++) await crew.killOne(random);
    } finally {
      end.abort();
      await Promise.all(loads);
    }
    const missing = () => {
      const { ended } = crew.notes();
      const noted = [...pushed['stock/note']].filter((key) => !ended.has(key));
      return noted.length + [...pushed['stock/move']].filter((key) => !crew.committed.has(key)).length;
    };
    // A unit is dropped when it is too old, at the latest, and its jobs with it.
    const isOver = () => missing() <= crew.dropped * jobsPerLeaf;
    await crew.until('all jobs are done, or dropped', isOver, 200_000);
    const { begun, ended } = crew.notes();
    const interrupted = sum([...begun].map(([key, count]) => count - (ended.get(key) ?? 0)));
    const twice = [...ended.values()].filter((count) => count > 1).length;
    console.log(
      `seed ${seed}: ${crew.kills} kills, ${all()} jobs, ${missing()} dropped; ${interrupted} handlers interrupted, ` +
        `${crew.left} transactions left open; ${twice} of ${pushed['stock/note'].size} done more than once without the store`,
    );
    expect(interrupted).toBeGreaterThan(0);
    expect(crew.left).toBeGreaterThan(0);
    const { committed } = crew;
    await using store = await crew.openStore();
    const numbers = await numbersOf(store);
    const counts = [...pushed['stock/move']].map((key) => [key, numbers(`count/${key}`)] as const);
    expect(counts.filter(([key, count]) => count > 1 || (count === 0 && committed.has(key)))).toEqual([]);
  },
);

/** The numbers of a store, by name. */
async function numbersOf(store: FileEffectStore): Promise<(name: string) => number> {
  const nowMs = Date.now();
  const nothing = { requesterKeyId32: new Uint8Array(32), frontId16: new Uint8Array(16), key16: new Uint8Array(16) };
  const work = { ...nothing, bodyHash32: new Uint8Array(32), sealedMs: nowMs, deadlineMs: 0 };
  const begun = await store.begin(work, 1_000, nowMs);
  if (begun.status !== 'run') throw new Error(begun.status);
  const transaction: EffectMap = begun.run.transaction;
  return (name) => Number(Buffer.from(transaction.get(name) ?? []).toString());
}

/** Answers by the account that they name. */
function groupsOf(answers: Iterable<string>): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const answer of answers) {
    const account = answer.split(' ')[1]!;
    groups.set(account, [...(groups.get(account) ?? []), answer]);
  }
  return groups;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

const kills = 10;
const jobsPerLeaf = 4;
const seed = Number(process.env['SEED'] ?? 20_261_122) >>> 0;
