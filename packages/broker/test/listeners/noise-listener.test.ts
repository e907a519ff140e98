import { afterEach, beforeEach, expect, test } from 'vitest';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TridcommError } from '@tridcomm/core';
import { principalRoles } from '@tridcomm/core/link';
import { listenNoise } from '../../src/listeners/noise-listener.ts';
import { eventually, noiseLink, wait, World, type Person } from './world.ts';

let world: World;
let alice: Person;
let port: number;
let folder: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tridcomm-broker-'));
  world = await World.create();
  alice = world.person('alice');
  const listener = await listenNoise(world.host, 'noise', { host: '127.0.0.1', port: 0 });
  world.listeners.push(listener);
  port = listener.port!;
});

afterEach(async () => {
  await world.close();
  rmSync(folder, { recursive: true });
});

function rawSocket(): Socket {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  return socket;
}

async function closed(socket: Socket): Promise<void> {
  socket.resume();
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve));
}

test('a link in N opens, answers, and ends in order', async () => {
  const link = await noiseLink(world, alice, port);
  await link.pinged();
  expect(world.engine.connectionCount).toBe(1);
  expect(world.host.openings.count).toBe(0);
  link.engine.close();
  await eventually(() => world.engine.connectionCount === 0);
  expect(world.events.map(({ type }) => type)).toEqual(['linkOpened', 'linkEnded']);
  await closed(link.socket);
});

test('link.21: a link that is cut is told as cut', async () => {
  const link = await noiseLink(world, alice, port);
  await link.pinged();
  link.socket.destroy();
  await eventually(() => world.engine.connectionCount === 0);
  expect(world.events.at(-1)).toMatchObject({ type: 'linkEnded', by: 'peer', code: 'E_TRANSPORT' });
});

test('link.8: a socket that says nothing, and one that says a byte a second, are let go after 5 s', async () => {
  const [silent, slow] = [rawSocket(), rawSocket()];
  // A preface, and the beginning of a hello of 200 bytes.
  const bytes = [0x54, 0x44, 0x43, 0x01, 0x01, 0, 0, 0, 0, 0, 0, 200];
  const timer = setInterval(() => slow.write(Uint8Array.of(bytes.shift() ?? 0)), 700);
  await Promise.all([closed(silent), closed(slow)]);
  clearInterval(timer);
  expect(bytes.length).toBeLessThan(12);
  await world.refused(['E_HANDSHAKE', 'E_HANDSHAKE']);
  expect(world.host.openings.count).toBe(0);
});

test('link.6, link.23: garbage is refused without a word, and everybody else goes on', async () => {
  const link = await noiseLink(world, alice, port);
  for (const bytes of [
    randomBytes(70_000),
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    Buffer.from('TDC\x01\xff\xff\xff'),
  ]) {
    const socket = rawSocket();
    let heard = 0;
    socket.on('data', (chunk) => (heard += chunk.length));
    socket.end(bytes);
    await closed(socket);
    expect(heard).toBe(0);
  }
  await link.pinged();
  expect(link.ended).toBe(undefined);
  expect(world.engine.connectionCount).toBe(1);
});

test('what breaks an open link ends it with its outward code, and nobody else', async () => {
  const good = await noiseLink(world, alice, port);
  const records = [
    ['E_REFUSED', Buffer.concat([Buffer.of(0, 32), randomBytes(32)])],
    ['E_LENGTH', Buffer.of(0, 16)],
  ] as const;
  for (const [code, record] of records) {
    const bad = await noiseLink(world, world.person('mallory'), port);
    bad.socket.write(record);
    expect(await bad.over()).toBe(code);
  }
  await good.pinged();
  expect(world.engine.connectionCount).toBe(1);
});

test('500 connections that say nothing make nothing, and others get in', async () => {
  const sockets = Array.from({ length: 500 }, rawSocket);
  await eventually(() => world.host.openings.count === 500);
  const link = await noiseLink(world, alice, port);
  await link.pinged();
  const memory = (): number => process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
  const before = memory();
  // A hello each, and not one byte more: now there is state.
  for (const socket of sockets) socket.write(Buffer.from('TDC\x01'));
  await wait(500);
  expect(memory() - before).toBeLessThan(500 * 20_000);
  for (const socket of sockets) socket.destroy();
  await eventually(() => world.host.openings.count === 0);
});

test('link.8: where openings are many, who has most of them loses its oldest', async () => {
  await world.close();
  world = await World.create({}, 20);
  alice = world.person('alice');
  const listener = await listenNoise(world.host, 'noise', { host: '127.0.0.1', port: 0 });
  world.listeners.push(listener);
  port = listener.port!;
  const sockets = Array.from({ length: 20 }, rawSocket);
  await eventually(() => world.host.openings.count === 20);
  const link = await noiseLink(world, alice, port);
  await link.pinged();
  expect(link.ended).toBe(undefined);
  expect(world.host.openings.count).toBe(19);
  for (const socket of sockets) socket.destroy();
});

test('large frames that never end are bounded for all links together, but not for an authority', async () => {
  const boss = await noiseLink(world, world.person('boss', principalRoles.authority), port);
  const links = [boss];
  for (let i = 0; i < 6; i++) links.push(await noiseLink(world, alice, port));
  for (const { socket, engine } of links) {
    // Of a bundle of 15 MiB, the last one never comes.
    const write = socket.write.bind(socket);
    let left = 14 * 1024 * 1024;
    socket.write = (bytes: Uint8Array) => (left -= bytes.length) < 0 || write(bytes);
    engine.send({ type: 'bundle', bundle: new Uint8Array(15 * 1024 * 1024) });
  }
  await eventually(() => links.some(({ ended }) => ended !== undefined));
  await eventually(() => world.host.links.partial.bytes <= 64 * 1024 * 1024);
  expect(links.flatMap(({ ended }) => ended ?? []).every((ended) => ended === 'E_LIMIT')).toBe(true);
  expect(boss.ended).toBe(undefined);
  expect(world.engine.connectionCount).toBeGreaterThanOrEqual(4);
  for (const link of links) link.socket.destroy();
  await eventually(() => world.engine.connectionCount === 0);
  expect(world.host.links.partial.bytes).toBe(0);
});

test('connections of all kinds are bounded', async () => {
  const host = { ...world.host, mostConnections: 2 };
  const listener = await listenNoise(host, 'small', { host: '127.0.0.1', port: 0 });
  world.listeners.push(listener);
  for (let i = 0; i < 2; i++) await (await noiseLink(world, alice, listener.port!)).pinged();
  const third = connect(listener.port!, '127.0.0.1');
  third.on('error', () => undefined);
  await closed(third);
  expect(world.refusals()).toContain('E_LIMIT');
});

test('bindings.5: the file of a local socket is its user’s alone, and links open on it', async () => {
  const path = join(folder, 'broker.sock');
  const listener = await listenNoise(world.host, 'local', { path, isShared: false });
  world.listeners.push(listener);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const link = await noiseLink(world, alice, path);
  await link.pinged();
  await expect(listenNoise(world.host, 'again', { path, isShared: false })).rejects.toMatchObject({ code: 'E_USAGE' });
  await listener.close();
  expect(existsSync(path)).toBe(false);
});

test('a socket that a process left behind is replaced, and another file is not', async () => {
  const path = join(folder, 'broker.sock');
  const server = createServer().listen(path);
  await new Promise((resolve) => server.once('listening', resolve));
  // What is left when a process is killed: the file without anybody behind it.
  const { linkSync } = await import('node:fs');
  linkSync(path, join(folder, 'kept'));
  await new Promise((resolve) => server.close(resolve));
  const { renameSync } = await import('node:fs');
  renameSync(join(folder, 'kept'), path);
  const listener = await listenNoise(world.host, 'local', { path, isShared: true });
  expect(statSync(path).mode & 0o777).toBe(0o777);
  await listener.close();
  const file = join(folder, 'precious');
  writeFileSync(file, 'x');
  chmodSync(file, 0o600);
  const refused = listenNoise(world.host, 'local', { path: file, isShared: false });
  await expect(refused).rejects.toBeInstanceOf(TridcommError);
  expect(existsSync(file)).toBe(true);
});

test('an address that is taken stops the start with a code', async () => {
  await expect(listenNoise(world.host, 'again', { host: '127.0.0.1', port })).rejects.toMatchObject({
    code: 'E_USAGE',
  });
});
