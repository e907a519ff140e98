import { createServer as createHttp, type Server as HttpServer } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { createServer as createTls, type TlsOptions, type TLSSocket } from 'node:tls';
import { TridcommError } from '@tridcomm/core';
import { tlsExporterLabel } from '@tridcomm/core/link';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocketServer, type ServerOptions } from 'ws';
import { createCertifier, drawCredentials, type TlsCredentials } from '../../src/authority/certificates.ts';
import type { TlsFiles } from '../../src/links/dial.ts';
import { uriNamesOf } from '../../src/links/certificate-names.ts';
import { texts, until, World, type Member } from '../world.ts';

type Certifier = Awaited<ReturnType<typeof createCertifier>>;

let world: World;
let alice: Member;
let bob: Member;
let certifier: Certifier;
const closing: (() => void)[] = [];
beforeEach(async () => {
  world = await World.create();
  [alice, bob] = [world.member('alice'), world.member('bob')];
  certifier = await createCertifier(world.authority.authorityId32, Date.now());
});
afterEach(async () => {
  await world.close();
  for (const close of closing.splice(0)) close();
});

const forBroker = async (keyId32 = world.brokerKeyId32) =>
  drawCredentials(certifier, { keyId32, isBroker: true, names: ['localhost', '127.0.0.1'] }, Date.now());
const filesOf = ({ ca, certificate, privateKey }: TlsCredentials): TlsFiles => ({
  ca,
  cert: certificate,
  key: privateKey,
});
const filesFor = async ({ keyId32 }: Member) =>
  filesOf(await drawCredentials(certifier, { keyId32, isBroker: false }, Date.now()));

async function portOf(server: Server | HttpServer): Promise<number> {
  closing.push(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

async function refusal(promise: Promise<unknown>): Promise<[string, string]> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof TridcommError) return [error.code, error.message];
    throw error;
  }
  return ['nothing thrown', ''];
}

/** What a client publishes over an address comes to another over the same. */
async function checkBothWays(address: string, files: (member: Member) => Promise<TlsFiles>): Promise<void> {
  world.group('t/**');
  world.allow('t/**', 'publish', alice);
  world.allow('t/**', 'subscribe', bob);
  const from = await world.connect(alice, { tls: await files(alice), allowPlainLoopback: true }, address);
  const to = await world.connect(bob, { tls: await files(bob), allowPlainLoopback: true }, address);
  const received = to.subscribe('t/**');
  await to.ready();
  const large = 'x'.repeat(900_000);
  await from.publish('t/a', ['small', large, ...Array.from({ length: 3_000 }, (_, i) => `${i}`)]);
  const found = await texts(received, 3_002);
  expect([found[0], found[1]!.length, found.at(-1)]).toEqual(['small', 900_000, '2999']);
}

describe('tls', () => {
  async function tlsBroker(credentials: TlsCredentials, options: Partial<TlsOptions> = {}): Promise<string> {
    const { ca, certificate: cert, privateKey: key } = credentials;
    const server = createTls(
      { ca, cert, key, requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3', ...options },
      (socket: TLSSocket) => {
        const exporter32 = new Uint8Array(socket.exportKeyingMaterial(32, tlsExporterLabel, Buffer.alloc(0)));
        const certificateNames = uriNamesOf(socket.getPeerX509Certificate()?.subjectAltName);
        world.broker.serve(socket, { exporter32, certificateNames });
      },
    );
    server.on('tlsClientError', (error) => world.broker.errors.push(error));
    return `tls://localhost:${await portOf(server)}`;
  }

  test('link.14, link.15: a link in mode T', async () => {
    await checkBothWays(await tlsBroker(await forBroker()), filesFor);
  });

  test('it needs certificates', async () => {
    const address = await tlsBroker(await forBroker());
    const [code, says] = await refusal(world.connect(alice, { tls: {} }, address));
    expect([code, says.includes('tls.ca, tls.cert and tls.key')]).toEqual(['E_USAGE', true]);
  });

  test('link.14: a certificate of another CA', async () => {
    const tls = await filesFor(alice);
    certifier = await createCertifier(world.authority.authorityId32, Date.now());
    const [code, says] = await refusal(world.connect(alice, { tls }, await tlsBroker(await forBroker())));
    expect(code).toBe('E_BINDING');
    expect(says).toContain('tls.ca');
  });

  test('link.15: a certificate of another key', async () => {
    const address = await tlsBroker(await forBroker(bob.keyId32));
    const [code, says] = await refusal(world.connect(alice, { tls: await filesFor(alice) }, address));
    expect(code).toBe('E_BINDING');
    expect(says).toContain('certificate of another key');
    expect(says).toContain('check the address');
  });

  test('link.15: an own certificate of another key', async () => {
    const address = await tlsBroker(await forBroker());
    const client = world.connect(alice, { tls: await filesFor(bob) }, address);
    // The link is open to the client before the broker has seen its auth.
    await refusal(client);
    await until(() => world.broker.errors.some((error) => (error as TridcommError).code === 'E_BINDING'));
  });

  test('link.14: an own certificate that the broker does not take', async () => {
    const address = await tlsBroker(await forBroker());
    const { ca } = await filesFor(alice);
    certifier = await createCertifier(world.authority.authorityId32, Date.now());
    const { cert, key } = await filesFor(alice);
    const [code, says] = await refusal(world.connect(alice, { tls: { ca: ca!, cert: cert!, key: key! } }, address));
    expect(code).toBe('E_HANDSHAKE');
    expect(says).toContain('tls.cert');
  });

  test('link.14: TLS 1.2 is not spoken', async () => {
    const address = await tlsBroker(await forBroker(), { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' });
    const [code, says] = await refusal(world.connect(alice, { tls: await filesFor(alice) }, address));
    expect(code).toBe('E_HANDSHAKE');
    expect(says).toContain('no TLS 1.3');
  });

  test('what is no TLS says so', async () => {
    const [code, says] = await refusal(
      world.connect(alice, { tls: await filesFor(alice) }, `tls://127.0.0.1:${world.port}`),
    );
    // The Noise side ends what does not begin with its preface.
    expect(['E_HANDSHAKE', 'E_TRANSPORT']).toContain(code);
    expect(says).toMatch(/no TLS|broke the connection|ended at once/);
  });
});

describe('wss', () => {
  const subprotocol = {
    handleProtocols: (offered: Set<string>) => (offered.has('tridcomm.v1') ? 'tridcomm.v1' : false),
  };

  function attach(server: HttpServer, options: ServerOptions = {}): WebSocketServer {
    const sockets = new WebSocketServer({ server, path: '/link', ...subprotocol, ...options });
    sockets.on('connection', (socket) => world.broker.serveWebSocket(socket));
    closing.push(() => {
      for (const socket of sockets.clients) socket.terminate();
    });
    return sockets;
  }

  async function wssBroker(options: ServerOptions = {}): Promise<string> {
    const { certificate: cert, privateKey: key } = await forBroker();
    const server = createHttps({ cert, key });
    attach(server, options);
    return `wss://localhost:${await portOf(server)}/link`;
  }

  const caOnly = async (member: Member): Promise<TlsFiles> => {
    const { ca } = await filesFor(member);
    return { ca: ca! };
  };

  test('bindings.2: a link over WebSocket, with TLS', async () => {
    await checkBothWays(await wssBroker(), caOnly);
  });

  test('bindings.1: without TLS, on this machine, where it is allowed', async () => {
    const server = createHttp();
    attach(server);
    const address = `ws://127.0.0.1:${await portOf(server)}/link`;
    expect((await refusal(world.connect(alice, {}, address)))[0]).toBe('E_USAGE');
    await checkBothWays(address, async () => Promise.resolve({}));
  });

  test('bindings.3: no extension is offered', async () => {
    const server = createHttp();
    const offered: (string | undefined)[] = [];
    server.on('upgrade', ({ headers }) => offered.push(headers['sec-websocket-extensions']));
    attach(server, { perMessageDeflate: true });
    await world.connect(alice, { allowPlainLoopback: true }, `ws://127.0.0.1:${await portOf(server)}/link`);
    expect(offered).toEqual([undefined]);
  });

  test('a certificate that this host may not show', async () => {
    const address = await wssBroker();
    const [code, says] = await refusal(world.connect(alice, { tls: {} }, address));
    expect(code).toBe('E_BINDING');
    expect(says).toContain('tls.ca for a CA of your own');
    const other = address.replace('localhost', '127.0.0.2');
    const [named] = await refusal(world.connect(alice, { tls: await caOnly(alice) }, other));
    expect(['E_BINDING', 'E_TRANSPORT']).toContain(named);
  });

  test('bindings.2: a WebSocket without the subprotocol, and no WebSocket', async () => {
    const server = createHttp((_request, response) => response.writeHead(404).end());
    attach(server, { handleProtocols: () => false });
    const base = `ws://127.0.0.1:${await portOf(server)}`;
    const [code, says] = await refusal(world.connect(alice, { allowPlainLoopback: true }, `${base}/link`));
    expect([code, says.includes('tridcomm.v1')]).toEqual(['E_HANDSHAKE', true]);
    const [other, explains] = await refusal(world.connect(alice, { allowPlainLoopback: true }, `${base}/elsewhere`));
    expect([other, explains.includes('check the path')]).toEqual(['E_TRANSPORT', true]);
  });

  test.each([
    ['a text message', 'E_ENCODING', (send: (data: string | Uint8Array) => void) => send('hello')],
    [
      'a message above 1 MiB',
      'E_LIMIT',
      (send: (data: string | Uint8Array) => void) => send(new Uint8Array(1_048_577)),
    ],
  ])('bindings.4: %s ends the link', async (_name, code, act) => {
    const server = createHttp();
    const sockets = attach(server);
    const client = await world.connect(
      alice,
      { allowPlainLoopback: true },
      `ws://127.0.0.1:${await portOf(server)}/link`,
    );
    const [socket] = sockets.clients;
    act((data) => socket!.send(data));
    const lost = () => world.statuses.get(client)!.find((status) => status.type === 'disconnected');
    await until(() => lost() !== undefined);
    expect(lost()).toMatchObject({ error: { code } });
  });
});
