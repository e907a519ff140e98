import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ByteStream } from '@tridcomm/client-node/internal';
import { linkModes } from '@tridcomm/core/link';
import { LinkDriver } from '../../src/listeners/link-driver.ts';
import { eventually, TestLink, World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await World.create();
});
afterEach(async () => {
  await world.close();
});

/** A transport that takes what the test lets it. */
class SlowStream implements ByteStream {
  bufferedBytes = 0;
  readonly isFull = false;
  isFlowing = true;
  isDestroyed = false;
  readonly #take: (chunk: Uint8Array) => void;

  constructor(take: (chunk: Uint8Array) => void) {
    this.#take = take;
  }

  write(chunks: readonly Uint8Array[]): void {
    for (const chunk of chunks) {
      if (this.isFlowing) setImmediate(this.#take, Uint8Array.from(chunk));
      else this.bufferedBytes += chunk.length;
    }
  }

  setReading(): void {}
  end(): void {}

  destroy(): void {
    this.isDestroyed = true;
  }
}

test('delivery.16: who takes nothing and says nothing is let go after a minute, who takes a little is not', async () => {
  let nowMs = Date.now();
  const origin = { listener: 'test', remote: '', mode: linkModes.noise };
  const driver = new LinkDriver({ ...world.host.links, now: () => nowMs }, origin, { done: () => undefined });
  const stream = new SlowStream((chunk) => link.receive(chunk));
  const options = { ...world.options(world.person('alice')), mode: linkModes.noise };
  const link = new TestLink(options, (bytes) => void setImmediate(() => driver.onData(bytes)));
  driver.start(stream);
  const tick = (ms: number): void => {
    nowMs += ms;
    for (const one of world.stalled) one.checkStalled(nowMs);
  };
  await (await link.start().opened()).pinged();
  // What went out at once is nothing to wait for.
  stream.bufferedBytes = 0;
  tick(500);
  tick(60_000);
  expect([stream.isDestroyed, world.stalled.size]).toEqual([false, 0]);
  stream.isFlowing = false;
  link.engine.send({ type: 'ping', answers: false, token: 1, timeMs: 0 });
  await eventually(() => stream.bufferedBytes > 0);
  for (let i = 0; i < 3; i++) {
    tick(59_000);
    stream.bufferedBytes--;
    tick(500);
    expect(stream.isDestroyed).toBe(false);
  }
  tick(59_999);
  expect(stream.isDestroyed).toBe(false);
  tick(1);
  expect([stream.isDestroyed, world.stalled.size, world.engine.connectionCount]).toEqual([true, 0, 0]);
  expect(world.events.at(-1)).toMatchObject({ type: 'linkEnded', by: 'broker', code: 'E_LIMIT' });
});
