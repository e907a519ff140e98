import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { join } from 'node:path';
import type { TridcommClient } from '@tridcomm/client-node';
import { Scene, until, wait, type BrokerProcess } from './scene.ts';

/*
 * The broker is a process of its own with its log on a disk, and is killed with SIGKILL while messages come in. The listener is a local
 * socket: what follows the kill there is the same as over TCP, and nobody else can take its address meanwhile.
 */

let scene: Scene;

beforeEach(async () => {
  scene = await Scene.create();
});

afterEach(async () => {
  vi.restoreAllMocks();
  await scene.close();
});

test(
  'storage.3, delivery.3, delivery.10: kill -9 under load, 20 times, loses nothing that was acknowledged and repeats nothing',
  { timeout: 180_000 },
  async () => {
    const random = seeded(seed);
    const putForward = clockInHand();
    const [alice, bob, carol] = [await scene.member('alice'), await scene.member('bob'), await scene.member('carol')];
    scene.group('orders/**', { write: [alice], read: [bob, carol] });
    const config = { store: { type: 'disk', folder: join(scene.folder, 'store') } };
    let broker = await scene.brokerProcess(config);
    scene.lead();
    await until('the broker has the word of the authority', () => tookBundle(broker));

    const publisher = await scene.connect(alice, scene.localAddress, { durability: 'disk' });
    const throughout = await scene.connect(bob, scene.localAddress);
    const gotThroughout = collect(throughout);
    const acknowledged: string[] = [];
    const failed: unknown[] = [];
    const end = new AbortController();
    let sent = 0;
    const loads = Array.from({ length: 4 }, async () => {
      while (!end.signal.aborted) {
        const texts = Array.from({ length: 1 + Math.floor(random() * 20) }, () => `order ${sent++}`);
        try {
          await publisher.publish('orders/new', texts);
          acknowledged.push(...texts);
        } catch (error) {
          failed.push(error);
        }
        await wait(1);
      }
    });

    const perRound: number[] = [];
    try {
      for (let round = 0; round < rounds; round++) {
        const before = acknowledged.length;
        await until(`something is acknowledged in round ${round}`, () => acknowledged.length > before);
        await wait(random() * 300);
        perRound.push(acknowledged.length - before);
        putForward();
        await broker.kill();
        broker = await scene.brokerProcess(config);
      }
      const before = acknowledged.length;
      await until('the publisher goes on after the last', () => acknowledged.length > before + 100);
    } finally {
      end.abort();
      await Promise.all(loads);
    }
    console.log(
      `seed ${seed}: ${rounds} kills, ${acknowledged.length} of ${sent} messages acknowledged, per round ${perRound.join(' ')}`,
    );
    expect(failed).toEqual([]);

    const afterwards = await scene.connect(carol, scene.localAddress);
    for (const got of [collect(afterwards), gotThroughout]) {
      await until('everything has come', () => got.size >= acknowledged.length, 60_000);
      await wait(500);
      expect(acknowledged.filter((text) => !got.has(text))).toEqual([]);
      expect(Array.from(got).filter(([, count]) => count !== 1)).toEqual([]);
    }
    expect(scene.statuses.get(publisher)!.filter(({ type }) => type === 'disconnected').length).toBeGreaterThanOrEqual(
      rounds,
    );
  },
);

/** How often each text came, out of the log from its beginning. */
function collect(client: TridcommClient): Map<string, number> {
  const got = new Map<string, number>();
  client.subscribe('orders/**', {
    from: 1,
    onBatch: (batch) => {
      for (const message of batch) got.set(message.text(), (got.get(message.text()) ?? 0) + 1);
      batch.ack();
    },
  });
  return got;
}

function tookBundle(broker: BrokerProcess): boolean {
  return broker.lines().some(({ type }) => type === 'bundleTaken');
}

/**
 * Only a link that held for 10 s makes a client try again as soon as at first. Rounds are shorter here, so the clock by which clients
 * measure that can be put forward.
 *
 * @returns puts it forward
 */
function clockInHand(): () => void {
  const now = performance.now.bind(performance);
  let aheadMs = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => now() + aheadMs);
  return () => void (aheadMs += 10_000);
}

/** Numbers from 0 up to 1: a linear congruential generator. */
function seeded(from: number): () => number {
  let state = from;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const rounds = 20;
const seed = Number(process.env['SEED'] ?? 20_261_122) >>> 0;
