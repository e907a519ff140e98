import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { TridcommError } from '@tridcomm/core';
import { expect, onTestFinished, test } from 'vitest';
import { createCertifier, drawCredentials } from '../../src/authority/certificates.ts';
import { highWaterBytes, type StreamHandlers } from '../../src/links/byte-stream.ts';
import { SocketStream } from '../../src/links/socket-stream.ts';

/** A byte stream over TLS, and the other end of it, which does not read yet. */
async function pair(handlers: Partial<StreamHandlers> = {}): Promise<{ stream: SocketStream; peer: TLSSocket }> {
  const certifier = await createCertifier(new Uint8Array(32).fill(1), Date.now());
  const fields = { keyId32: new Uint8Array(32), isBroker: true, names: ['localhost'] };
  const { ca, certificate, privateKey } = await drawCredentials(certifier, fields, Date.now());
  const server = createServer({ cert: certificate, key: privateKey });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const socket = connect({ host: '127.0.0.1', port, ca, servername: 'localhost' });
  const [peer] = (await once(server, 'secureConnection')) as [TLSSocket];
  peer.on('error', () => {});
  onTestFinished(() => {
    peer.destroy();
    socket.destroy();
    server.close();
  });
  const quiet = { onData: () => {}, onDrain: () => {}, onEnd: () => {} };
  const errorOf = (cause: Error) => new TridcommError('E_TRANSPORT', undefined, { cause });
  return { stream: new SocketStream(socket, { ...quiet, ...handlers }, errorOf), peer };
}

test('over TLS everything comes once and in order, whatever the sizes, and the end behind it', async () => {
  const { stream, peer } = await pair();
  const [sent, received] = [createHash('sha256'), createHash('sha256')];
  peer.on('data', (chunk) => received.update(chunk));
  for (const size of [8, 300_000, 8, 1, 70_000, 20, 65_536, 65_537, 3_000, 3_000, 3_000, 1_000_000, 8]) {
    const chunks = [randomBytes(8), randomBytes(size)];
    for (const chunk of chunks) sent.update(chunk);
    stream.write(chunks);
    // Some of them in one turn, some not.
    if (size % 2 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  stream.end();
  await once(peer, 'end');
  expect(received.digest('hex')).toBe(sent.digest('hex'));
});

test.each([1_000, 50_000, 300_000])(
  'over TLS who was full of pieces of %i bytes is told that it is not',
  async (size) => {
    let drained: () => void = () => {};
    const isDrained = new Promise<void>((resolve) => (drained = resolve));
    const { stream, peer } = await pair({
      onDrain: () => {
        if (!stream.isFull) drained();
      },
    });
    // More than the buffers of the system hold.
    let written = 0;
    while (written < 64 * highWaterBytes) {
      stream.write([randomBytes(size)]);
      written += size;
    }
    expect(stream.isFull).toBe(true);
    let received = 0;
    peer.on('data', (chunk) => (received += chunk.length));
    await isDrained;
    stream.end();
    await once(peer, 'end');
    expect(received).toBe(written);
    expect(stream.bufferedBytes).toBe(0);
  },
);

test('over TLS what a peer that is gone was to get is let go', async () => {
  let ended: () => void = () => {};
  const isOver = new Promise<void>((resolve) => (ended = resolve));
  const { stream, peer } = await pair({ onEnd: () => ended() });
  stream.write([randomBytes(1_000_000), randomBytes(1_000_000)]);
  peer.destroy();
  await isOver;
  stream.write([randomBytes(100)]);
  await new Promise((resolve) => setImmediate(resolve));
  stream.destroy();
});
