import { expect, test } from 'vitest';
import type { ClientOptions, WorkClient } from '../src/peers/peer.ts';
import { doneUs, WorkRole } from '../src/processes/work-role.ts';

const options: ClientOptions = { kind: 'nats', port: 0, tls: { ca: '', certificate: '', privateKey: '' } };
const requests = { topic: 't', count: 100, bytes: 8, inFlight: 4 };

/** A client whose only worker is itself. */
class EchoClient implements WorkClient {
  outstanding = 0;
  most = 0;
  readonly pushed: number[] = [];
  #answer: ((body: Uint8Array) => Uint8Array) | undefined;
  #take: ((job: Uint8Array) => void) | undefined;

  async respond(_topic: string, answer: (body: Uint8Array) => Uint8Array): Promise<void> {
    this.#answer = answer;
    return Promise.resolve();
  }

  async request(_topic: string, body: Uint8Array): Promise<Uint8Array> {
    this.most = Math.max(this.most, ++this.outstanding);
    await turn();
    this.outstanding--;
    return this.#answer!(body).slice();
  }

  async pull(_topic: string, take: (job: Uint8Array) => void): Promise<void> {
    this.#take = take;
    return Promise.resolve();
  }

  async push(_topic: string, jobs: readonly Uint8Array[]): Promise<void> {
    this.pushed.push(jobs.length);
    for (const job of jobs) this.#take!(job);
    return Promise.resolve();
  }
}

async function roleWith(client: WorkClient): Promise<WorkRole> {
  const role = new WorkRole(async () => Promise.resolve(client));
  await role.open(options);
  return role;
}

const turn = async () => new Promise((resolve) => setImmediate(resolve));

test('all is asked, no more at a time than may be unanswered', async () => {
  const client = new EchoClient();
  const role = await roleWith(client);
  await role.respond('t');
  const { perSecond, p50Us, p99Us } = await role.ask(requests);
  expect([client.most, client.outstanding]).toEqual([4, 0]);
  expect(perSecond).toBeGreaterThan(0);
  expect(p50Us).toBeGreaterThan(0);
  expect(p99Us).toBeGreaterThanOrEqual(p50Us);
});

test('an answer to another request is no answer', async () => {
  const client = new EchoClient();
  const role = await roleWith(client);
  let last = new Uint8Array(8);
  await client.respond('t', (body) => {
    const before = last;
    last = body.slice();
    return before;
  });
  await expect(role.ask(requests)).rejects.toThrow(/request \d+ got another answer/);
});

test('jobs are counted from the last time on that counting began', async () => {
  const client = new EchoClient();
  const role = await roleWith(client);
  await role.pull('t');
  const jobs = { topic: 't', count: 25, bytes: 8, perCall: 10, inFlight: 2 };
  await role.push(jobs);
  role.arm();
  const fromUs = await role.push(jobs);
  const atOnce = role.came();
  expect(atOnce).toMatchObject({ count: 25, bytes: 200 });
  expect(client.pushed).toEqual([10, 10, 5, 10, 10, 5]);
  await turn();
  const { atUs } = role.came();
  expect(atOnce.atUs).toBeGreaterThan(fromUs);
  expect(atUs).toBeGreaterThanOrEqual(atOnce.atUs);
  await turn();
  expect(role.came().atUs).toBe(atUs);
});

const of = (...counts: readonly number[]) => counts.map((count, i) => ({ count, bytes: count * 8, atUs: 100 + i }));

test('a round is over when all jobs came, with the last of them', () => {
  expect(doneUs(of(3, 6), { count: 10, bytes: 8 })).toBeUndefined();
  expect(doneUs(of(3, 7), { count: 10, bytes: 8 })).toBe(101);
});

test.each([
  ['a job that came twice', of(4, 7), '11 jobs came, 10 were pushed'],
  ['other bytes', [...of(3), { count: 7, bytes: 57, atUs: 1 }], '81 bytes came'],
  ['a worker with nothing to do', of(10, 0), 'a worker got nothing'],
])('%s: no figure', (_, came, reason) => {
  expect(() => doneUs(came, { count: 10, bytes: 8 })).toThrow(reason);
});
