import { afterEach, beforeEach, expect, test } from 'vitest';
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { listenTls } from '../../src/listeners/tls-listener.ts';
import { clientAuth, serverAuth, TestCa, type CertificateFields } from './certificates.ts';
import { eventually, tlsLink, tlsSocket, wait, World, type Person } from './world.ts';

let world: World;
let alice: Person;
let port: number;

beforeEach(async () => {
  world = await World.create();
  alice = world.person('alice');
  const credentials = await world.credentials(world.broker, true);
  const listener = await listenTls(world.host, 'tls', { host: '127.0.0.1', port: 0, ...credentials });
  world.listeners.push(listener);
  port = listener.port!;
});

afterEach(async () => {
  await world.close();
});

test('link.14: a link in T opens between two certificates of the CA, on TLS 1.3, and answers', async () => {
  const link = await tlsLink(world, alice, port, await world.credentials(alice));
  expect(link.ended).toBe(undefined);
  expect(link.socket.getProtocol()).toBe('TLSv1.3');
  await link.pinged();
  expect(world.engine.connectionCount).toBe(1);
  expect(world.host.openings.count).toBe(0);
  link.engine.close();
  link.socket.end();
  await eventually(() => world.engine.connectionCount === 0);
  expect(world.events.at(-1)).toMatchObject({ type: 'linkEnded', by: 'peer', code: 'none', keyId: alice.keyId });
});

test('link.14: no session is resumed, whatever the client kept of it', async () => {
  const { ca, certificate, privateKey } = await world.credentials(alice);
  const sessions: Buffer[] = [];
  const first = connectTls({
    port,
    host: '127.0.0.1',
    servername: 'localhost',
    ca,
    cert: certificate,
    key: privateKey,
  });
  first.on('error', () => undefined);
  first.on('session', (session: Buffer) => sessions.push(session));
  await new Promise((resolve) => first.once('secureConnect', resolve));
  await wait(300);
  for (const session of [...sessions, first.getSession()!]) {
    const socket = await tlsSocket(port, { ca, cert: certificate, key: privateKey, session });
    if (typeof socket === 'string') throw new Error(socket);
    expect(socket.isSessionReused()).toBe(false);
  }
});

test('link.14: TLS below 1.3 is refused', async () => {
  const { ca, certificate, privateKey } = await world.credentials(alice);
  const versions = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const;
  expect(typeof (await tlsSocket(port, { ca, cert: certificate, key: privateKey, ...versions }))).toBe('string');
  await eventually(() => world.events.length > 0);
  await world.refused(['E_HANDSHAKE']);
});

const uris = (): string[] => [`tdc:${alice.keyId}`];
const badCertificates: readonly (readonly [
  string,
  () => Promise<{ certificate: string; privateKey: string } | undefined>,
])[] = [
  ['none', () => Promise.resolve(undefined)],
  ['of another CA', async () => (await TestCa.create('another')).issue({ uris: uris() })],
  ['of a CA with the same name', async () => (await TestCa.create()).issue({ uris: uris() })],
  ['expired', () => issue({ notAfterMs: Date.now() - 1_000 })],
  ['not yet valid', () => issue({ notBeforeMs: Date.now() + 60_000 })],
  ['for servers', () => issue({ usages: [serverAuth] })],
  ['for no use', () => issue({ usages: [] })],
  ['for another use', () => issue({ usages: ['1.3.6.1.5.5.7.3.4'] })],
];

async function issue(fields: Partial<CertificateFields>): Promise<{ certificate: string; privateKey: string }> {
  return world.ca.issue({ uris: uris(), ...fields });
}

test.each(badCertificates)('link.14: a certificate %s opens nothing', async (_what, make) => {
  const bad = await make();
  const socket = await tlsSocket(port, {
    ca: world.ca.pem,
    ...(bad && { cert: bad.certificate, key: bad.privateKey }),
  });
  if (typeof socket !== 'string') await closed(socket);
  await eventually(() => world.events.length > 0);
  await world.refused(['E_HANDSHAKE']);
  expect(world.engine.connectionCount).toBe(0);
});

const badNames: readonly (readonly [string, (keyId: string, other: string) => Partial<CertificateFields>])[] = [
  ['the name of another principal', (_keyId, other) => ({ uris: [`tdc:${other}`] })],
  ['no name', () => ({ uris: [] })],
  ['two names', (keyId, other) => ({ uris: [`tdc:${keyId}`, `tdc:${other}`] })],
  ['the same name twice', (keyId) => ({ uris: [`tdc:${keyId}`, `tdc:${keyId}`] })],
  ['a name in capitals', (keyId) => ({ uris: [`tdc:${keyId.toUpperCase()}`] })],
  ['a name with more behind it', (keyId) => ({ uris: [`tdc:${keyId}0`] })],
  ['a name inside a name', (keyId) => ({ uris: [`http://a/, URI:tdc:${keyId}`] })],
  ['a name inside a name in quotes', (keyId) => ({ uris: [`http://a/", URI:tdc:${keyId}, DNS:"`] })],
  ['a name inside the name of a host', (keyId) => ({ uris: [], dns: [`a, URI:tdc:${keyId}`] })],
];

test.each(badNames)('link.15: a certificate with %s is bound to nobody', async (_what, fieldsOf) => {
  const { keyId: other } = world.person('other');
  const fields = { uris: [], usages: [clientAuth], ...fieldsOf(alice.keyId, other) };
  const link = await tlsLink(world, alice, port, await world.ca.issue(fields));
  // The initiator is open when it has taken the responder's auth, and is then cut without a word.
  await link.over();
  expect(link.ended).toBe('cut');
  await world.refused(['E_BINDING']);
  expect(world.engine.connectionCount).toBe(0);
});

test('link.15: other names beside the one that counts do no harm', async () => {
  const fields = { uris: ['http://a/,b', `tdc:${alice.keyId}`], dns: ['alice.example'] };
  const link = await tlsLink(world, alice, port, await world.ca.issue(fields));
  await link.pinged();
  expect(link.ended).toBe(undefined);
});

test('link.11: a member that means another broker does not open', async () => {
  const link = await tlsLink(world, alice, port, await world.credentials(alice), { expectedName: 'elsewhere' });
  expect(link.ended).toBe('refused E_HANDSHAKE');
});

test('link.13: who has the key of the broker opens nothing', async () => {
  const link = await tlsLink(world, world.broker, port, await world.credentials(world.broker));
  await link.over();
  await world.refused(['E_HANDSHAKE']);
});

test('a revoked principal opens nothing, and is not told why', async () => {
  world.authority.revoke(alice.identity.key.keyId32, Date.now());
  const link = await tlsLink(world, alice, port, await world.credentials(alice));
  expect(await link.over()).toBe('cut');
  await world.refused(['E_REVOKED']);
});

/** When the socket is closed. A socket that is not read never is, if a TLS alert came before the end. */
async function closed(socket: Socket): Promise<void> {
  socket.resume();
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve));
}

test('what is no TLS costs a connection and nothing more', async () => {
  for (const bytes of [randomBytes(2_000), Buffer.from('GET / HTTP/1.1\r\n\r\n'), Buffer.from('TDC\x01')]) {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    socket.on('error', () => undefined);
    await closed(socket);
  }
  await eventually(() => world.host.openings.count === 0);
  const link = await tlsLink(world, alice, port, await world.credentials(alice));
  await link.pinged();
});

test('link.8: who connects and says nothing, before TLS or above it, is let go', async () => {
  const { ca, certificate, privateKey } = await world.credentials(alice);
  const silent = connect(port, '127.0.0.1');
  silent.on('error', () => undefined);
  const secured = await tlsSocket(port, { ca, cert: certificate, key: privateKey });
  if (typeof secured === 'string') throw new Error(secured);
  await Promise.all([silent, secured].map(closed));
  await world.refused(['E_HANDSHAKE', 'E_HANDSHAKE']);
  expect(world.host.openings.count).toBe(0);
});
