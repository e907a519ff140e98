import { afterEach, beforeEach, expect, test } from 'vitest';
import { randomBytes } from 'node:crypto';
import { request } from 'node:https';
import { linkModes } from '@tridcomm/core/link';
import { WebSocket, type ClientOptions } from 'ws';
import { listenWebSocket } from '../../src/listeners/websocket-listener.ts';
import { serverAuth } from './certificates.ts';
import { eventually, TestLink, wait, World, type Person } from './world.ts';

let world: World;
let alice: Person;
let port: number;

const path = '/links';

beforeEach(async () => {
  world = await World.create();
  alice = world.person('alice');
  const tls = await world.ca.issue({ uris: [], dns: ['localhost'], usages: [serverAuth] });
  const listener = await listenWebSocket(world.host, 'wss', { host: '127.0.0.1', port: 0, path, tls });
  world.listeners.push(listener);
  port = listener.port!;
});

afterEach(async () => {
  await world.close();
});

interface Dial extends ClientOptions {
  readonly path?: string;
  readonly protocols?: readonly string[];
}

function dial({ path: at = path, protocols = ['tridcomm.v1'], ...options }: Dial = {}): WebSocket {
  const socket = new WebSocket(`wss://localhost:${port}${at}`, [...protocols], {
    ca: world.ca.pem,
    perMessageDeflate: false,
    family: 4,
    ...options,
  });
  socket.on('error', () => undefined);
  return socket;
}

/** How the attempt ends: `open`, or the status or error. */
async function outcome(socket: WebSocket): Promise<string> {
  return new Promise((resolve) => {
    socket.once('open', () => resolve('open'));
    socket.once('unexpected-response', (_request, response) => resolve(String(response.statusCode)));
    socket.once('error', (error) => resolve(error.message));
  });
}

async function closeCode(socket: WebSocket): Promise<number> {
  return new Promise((resolve) => socket.once('close', resolve));
}

async function link(person: Person, socket: WebSocket = dial()): Promise<TestLink & { readonly socket: WebSocket }> {
  const result = new TestLink({ ...world.options(person), mode: linkModes.noise }, (bytes) => socket.send(bytes));
  socket.binaryType = 'nodebuffer';
  socket.on('message', (data: Buffer) => result.receive(data));
  socket.on('close', () => result.cut());
  expect(await outcome(socket)).toBe('open');
  return Object.assign(await result.start().opened(), { socket });
}

test('bindings.2, bindings.3: a link opens inside binary messages; no extension is negotiated, whatever is offered', async () => {
  const socket = dial({ perMessageDeflate: true });
  const opened = await link(alice, socket);
  await opened.pinged();
  expect(socket.extensions).toBe('');
  expect(socket.protocol).toBe('tridcomm.v1');
  opened.engine.close();
  await eventually(() => world.engine.connectionCount === 0);
});

test('where messages begin and end means nothing', async () => {
  const socket = dial();
  const whole = new TestLink({ ...world.options(alice), mode: linkModes.noise }, (bytes) => {
    for (const byte of bytes) socket.send(Uint8Array.of(byte));
  });
  socket.binaryType = 'nodebuffer';
  socket.on('message', (data: Buffer) => whole.receive(data));
  await outcome(socket);
  await (await whole.start().opened()).pinged();
  expect(whole.ended).toBe(undefined);
});

test('bindings.2: no upgrade without the subprotocol, or for another path', async () => {
  expect(await outcome(dial({ protocols: ['chat'] }))).toBe('400');
  expect(await outcome(dial({ protocols: [] }))).toBe('400');
  expect(await outcome(dial({ path: '/elsewhere' }))).toBe('400');
  expect(world.engine.connectionCount).toBe(0);
});

test('bindings.4: a text message ends the connection, on an open link too', async () => {
  const socket = dial();
  await outcome(socket);
  socket.send('hello');
  expect(await closeCode(socket)).toBe(1003);
  await world.refused(['E_ENCODING']);
  const opened = await link(alice);
  opened.socket.send('hello');
  await opened.over();
  expect(world.events.at(-1)).toMatchObject({ type: 'linkEnded', code: 'E_ENCODING' });
});

test('bindings.4: a message above 1 MiB ends it before it is held', async () => {
  const opened = await link(alice);
  opened.socket.send(Buffer.alloc(1_048_577));
  await opened.over();
  expect(world.events.at(-1)).toMatchObject({ type: 'linkEnded', code: 'E_LIMIT' });
});

test('link.8: what is not open holds no more than 64 KiB', async () => {
  const socket = dial();
  await outcome(socket);
  // A message that is allowed in size, and that nobody waits for on a link that is not open.
  socket.send(Buffer.alloc(200_000));
  await closeCode(socket);
  expect(world.refusals()).toHaveLength(1);
});

test('a flood of fragments without an end is refused', async () => {
  const opened = await link(alice);
  for (let i = 0; i < 10_000 && opened.ended === undefined; i++) {
    opened.socket.send(Buffer.alloc(1), { fin: false });
    if (i % 500 === 0) await wait(5);
  }
  await opened.over();
  expect(world.events.at(-1)).toMatchObject({ type: 'linkEnded', code: 'E_LIMIT' });
});

test('a compressed frame that nobody agreed to is refused', async () => {
  const opened = await link(alice);
  // FIN, RSV1, binary; masked; 4 bytes.
  const { _socket: raw } = opened.socket as unknown as { readonly _socket: { write(bytes: Buffer): void } };
  raw.write(Buffer.of(0xc2, 0x84, 0, 0, 0, 0, 1, 2, 3, 4));
  await opened.over();
  expect(world.events.at(-1)).toMatchObject({ type: 'linkEnded', code: 'E_ENCODING' });
});

test('garbage inside the WebSocket, and what is no WebSocket, is refused', async () => {
  const socket = dial();
  await outcome(socket);
  socket.send(randomBytes(100));
  await closeCode(socket);
  await world.refused(['E_ENCODING']);
  const status = await new Promise((resolve, reject) => {
    request({ port, host: '127.0.0.1', servername: 'localhost', path, ca: world.ca.pem }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });
  expect(status).toBe(426);
});

test('link.8: a WebSocket that says nothing is let go after 5 s', async () => {
  const socket = dial();
  await outcome(socket);
  await closeCode(socket);
  await world.refused(['E_HANDSHAKE']);
  expect(world.host.openings.count).toBe(0);
});

test('bindings.1: without TLS it listens on loopback only', async () => {
  const plain = (host: string) => listenWebSocket(world.host, 'ws', { host, port: 0, path, tls: undefined });
  await expect(plain('0.0.0.0')).rejects.toMatchObject({ code: 'E_USAGE' });
  const listener = await plain('127.0.0.1');
  world.listeners.push(listener);
  const socket = new WebSocket(`ws://127.0.0.1:${listener.port!}${path}`, ['tridcomm.v1']);
  const opened = await link(alice, socket);
  await opened.pinged();
});

test('a certificate that cannot be used stops the start with a code', async () => {
  const tls = { certificate: 'x', privateKey: 'y' };
  const refused = listenWebSocket(world.host, 'bad', { host: '127.0.0.1', port: 0, path, tls });
  await expect(refused).rejects.toMatchObject({ code: 'E_USAGE' });
});
