import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { TridcommError, type TridcommClient } from '@tridcomm/client-node';
import { bundle, start } from '../bundled.ts';
import { PoolWorld, text, until, wait, type Member } from './pool-world.ts';

/*
 * A worker in a process of its own, with an effect store on the disk, which is killed with SIGKILL and started again.
 */

const topic = 'stock/reserve';
let world: PoolWorld;
let asker: Member;
let worker: Member;
let program: string;
const living = new Set<Life>();

beforeAll(async () => {
  program = await bundle(new URL('kill-store-child.ts', import.meta.url));
}, 120_000);

beforeEach(async () => {
  world = await PoolWorld.create();
  [asker, worker] = [await world.member('asker'), await world.member('worker')];
  world.group('front', [topic], { ask: [asker], work: [worker] });
}, 120_000);

afterEach(async () => {
  for (const life of living) await life.kill();
  await world.close();
}, 120_000);

test(
  'kill -9 of a worker with its store: who asks again gets the stored answer, and nothing is done twice',
  { timeout: 300_000 },
  async () => {
    const before = await world.connect(asker);
    const first = await live('0');
    const asked = Array.from({ length: 300 }, (_, i) => ({ name: `item ${i}`, key: new Uint8Array(randomBytes(16)) }));
    const answers = new Map<string, string>();
    const early = asked.map(async ({ name, key }) => {
      const answer = await attempt(before, name, key, 240_000);
      if (answer !== undefined) answers.set(name, answer);
    });
    await until('some are answered', () => answers.size >= 50, 120_000);
    await first.kill();
    await before.close();
    await Promise.all(early);
    expect(answers.size).toBeLessThan(asked.length);

    // Its stream is a new one: of that before, up to 64 envelopes would be refused after the crash (replay.22).
    const client = await world.connect(asker);
    const second = await live();
    const again = new Map<string, string>();
    await Promise.all(asked.map(async ({ name, key }) => again.set(name, await ask(client, name, key))));
    console.log(`${answers.size} of ${asked.length} answered before the kill, ${countOf(again, first)} done by then`);
    expect([...answers].filter(([name, answer]) => again.get(name) !== answer)).toEqual([]);
    const once = asked.map(({ name }) => `${name}: 1 by ${again.get(name)!.split(' ').at(-1)}`);
    expect([...again.values()].toSorted()).toEqual(once.toSorted());
    expect(countOf(again, first) + countOf(again, second)).toBe(asked.length);
  },
);

test(
  'replay.25: a store that is lost does nothing that was sealed before, and serves what is sealed anew',
  { timeout: 300_000 },
  async () => {
    const first = await live('0');
    const key = new Uint8Array(randomBytes(16));
    const before = await world.connect(asker);
    expect(await ask(before, 'item', key)).toBe(`item: 1 by ${first.pid}`);
    await first.kill();
    await before.close();
    rmSync(effects(), { recursive: true });

    // A stream that the worker never saw, so that nothing but the store can refuse what is sealed on it.
    const client = await world.connect(asker);
    const sealedMs = Date.now();
    const old = attempt(client, 'item', key, 240_000);
    await client.ready();
    await wait(500);
    const skewMs = 30_000;
    const second = await live(String(sealedMs + 500 - skewMs));
    await until('the store refuses it', () => second.said.includes('refused E_TOO_OLD'), 120_000);
    // It cannot know that it was done once: whoever seals it anew says that it is to be done.
    expect(await ask(client, 'item', key)).toBe(`item: 1 by ${second.pid}`);
    expect(await ask(client, 'other', new Uint8Array(randomBytes(16)))).toBe(`other: 1 by ${second.pid}`);
    expect(await ask(client, 'item', key)).toBe(`item: 1 by ${second.pid}`);
    await client.close();
    // By then it may have been told what was done under its key meanwhile.
    expect([undefined, `item: 1 by ${second.pid}`]).toContain(await old);
  },
);

/** A life of the worker. */
class Life {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #errors = '';
  #text = '';

  constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = once(child, 'close');
    child.stdout!.setEncoding('utf8').on('data', (chunk: string) => (this.#text += chunk));
    child.stderr!.setEncoding('utf8').on('data', (chunk: string) => (this.#errors += chunk));
    living.add(this);
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get said(): readonly string[] {
    return this.#text.split('\n').slice(0, -1);
  }

  async there(): Promise<void> {
    await until(
      'the worker is there',
      () => {
        if (this.#child.exitCode !== null) throw new Error(`the worker ended: ${this.#errors}`);
        return this.said.includes('there');
      },
      120_000,
    );
  }

  async kill(): Promise<void> {
    living.delete(this);
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}

/** @param bornMs - of a store that is made anew */
async function live(bornMs?: string): Promise<Life> {
  await world.scene.service.rest();
  const args = [world.scene.localAddress, worker.directory, topic, effects()];
  const life = new Life(start(program, bornMs === undefined ? args : [...args, bornMs]));
  await life.there();
  return life;
}

function effects(): string {
  return join(world.scene.folder, 'effects');
}

/** Asks until there is an answer. */
async function ask(client: TridcommClient, name: string, key: Uint8Array): Promise<string> {
  for (;;) {
    const answer = await attempt(client, name, key, 20_000);
    if (answer !== undefined) return answer;
  }
}

/** @returns the answer; undefined where there is none in time, or before the client is closed */
async function attempt(
  client: TridcommClient,
  name: string,
  key: Uint8Array,
  timeoutMs: number,
): Promise<string | undefined> {
  try {
    return text((await client.request(topic, name, { timeoutMs, key })).data);
  } catch (error) {
    if (error instanceof TridcommError && ['E_EXPIRED', 'E_CLOSED'].includes(error.code)) return undefined;
    throw error;
  }
}

/** How many answers are of a life. */
function countOf(answers: ReadonlyMap<string, string>, { pid }: Life): number {
  return [...answers.values()].filter((answer) => answer.endsWith(` by ${pid}`)).length;
}
