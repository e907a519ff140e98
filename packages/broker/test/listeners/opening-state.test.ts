import { afterEach, beforeEach, expect, test } from 'vitest';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { ByteStream } from '@tridcomm/client-node/internal';
import { LinkEngine, linkModes } from '@tridcomm/core/link';
import { LinkDriver } from '../../src/listeners/link-driver.ts';
import { Openings } from '../../src/listeners/openings.ts';
import { World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await World.create();
});
afterEach(async () => {
  await world.close();
});

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes of objects and buffers that are reachable. */
function heldBytes(): number {
  // Once more for what the first time made free.
  for (let i = 0; i < 3; i++) collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** A socket that takes everything: what a socket itself costs is not the link's. */
const stream: ByteStream = {
  bufferedBytes: 0,
  isFull: false,
  write: () => undefined,
  setReading: () => undefined,
  end: () => undefined,
  destroy: () => undefined,
};

/** What an initiator says first. */
function firstFlight(): Buffer {
  const chunks: Uint8Array[] = [];
  const options = { ...world.options(world.person('mallory')), mode: linkModes.noise };
  new LinkEngine(options, (sent) => chunks.push(...sent)).start();
  return Buffer.concat(chunks);
}

test('link.8: a handshake that was answered and stands still holds at most 4 KiB of ours', { timeout: 120_000 }, () => {
  const flight = firstFlight();
  const openings = new Openings(10_000);
  const origin = { listener: 'test', remote: '127.0.0.1', mode: linkModes.noise };
  const drivers: LinkDriver[] = [];
  /** Opens so many, each with bytes of its own, as a socket gives them. */
  const stand = (count: number): void => {
    for (let i = 0; i < count; i++) {
      const opening = openings.add(origin.remote, () => driver.displaced());
      const driver = new LinkDriver(world.host.links, origin, opening);
      driver.start(stream);
      driver.onData(Uint8Array.from(flight));
      drivers.push(driver);
    }
  };
  // What is made once, such as compiled code, is not of one handshake.
  stand(200);
  const before = heldBytes();
  stand(handshakes);
  const eachBytes = (heldBytes() - before) / handshakes;
  console.log(`${handshakes} handshakes that stand still: ${eachBytes.toFixed(0)} bytes of ours each`);
  expect(world.refusals()).toEqual([]);
  expect(openings.count).toBe(200 + handshakes);
  expect(eachBytes).toBeLessThan(4_096);
  for (const driver of drivers) driver.displaced();
  expect(openings.count).toBe(0);
});

/** Fewer than are asked of a broker: each costs the same, and a machine that is busy makes these in the 5 s that an opening has. */
const handshakes = 1_000;
