import { EventEmitter } from 'node:events';
import { TridcommError } from '@tridcomm/core';
import { expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import { WebSocketStream } from '../../src/links/websocket-stream.ts';

/** A WebSocket whose system takes everything at once. */
class GreedySocket extends EventEmitter {
  readonly OPEN = 1;
  readonly readyState = 1;
  readonly bufferedAmount = 0;
  binaryType = '';
  sentBytes = 0;

  send(bytes: Uint8Array, _options: unknown, done: () => void): void {
    this.sentBytes += bytes.length;
    process.nextTick(done);
  }
}

async function drainsOf(sizes: readonly number[]): Promise<number> {
  const socket = new GreedySocket();
  let drains = 0;
  const handlers = { onData: () => undefined, onEnd: () => undefined, onDrain: () => void drains++ };
  const stream = new WebSocketStream(socket as unknown as WebSocket, handlers, () => new TridcommError('E_TRANSPORT'));
  stream.write(sizes.map((size) => new Uint8Array(size)));
  await new Promise((resolve) => setImmediate(resolve));
  expect([socket.sentBytes, stream.bufferedBytes]).toEqual([sizes.reduce((sum, size) => sum + size, 0), 0]);
  return drains;
}

test('who stopped because so much waited is called, also where the system takes all of it at once', async () => {
  expect(await drainsOf([256 * 1024])).toBe(1);
  expect(await drainsOf(Array.from({ length: 300 }, () => 1_000))).toBe(1);
  expect(await drainsOf([1_000])).toBe(0);
});
