import { generateKeyPairSync } from 'node:crypto';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { uriNamesOf } from '@tridcomm/client-node/internal';
import { Identity, Trust } from '@tridcomm/core';
import { LinkEngine, linkModes, tlsExporterLabel, type LinkOptions } from '@tridcomm/core/link';
import { WebSocket } from 'ws';
import type { Broker } from '../../src/broker.ts';
import { provider, random, TestLink } from '../listeners/world.ts';
import type { Scene } from './scene.ts';

/** What a broker of these tests listens on. */
export const listeners = [
  { type: 'tls', host: '127.0.0.1', port: 0 },
  { type: 'noise', host: '127.0.0.1', port: 0 },
  { type: 'websocket', host: '127.0.0.1', port: 0 },
] as const;

export const bindings = ['tls', 'noise', 'ws', 'unix'] as const;
export type Binding = (typeof bindings)[number];

/** Somebody with keys, a record and a certificate, at hand and not in a directory. */
export interface Outsider {
  readonly identity: Identity;
  readonly record: Uint8Array;
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string };
}

export async function outsider(scene: Scene, name: string): Promise<Outsider> {
  const identity = Identity.create(provider, random, Date.now());
  const record = scene.service.perform((authority, nowMs) => authority.issue(identity.key, { name }, nowMs));
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const der = publicKey.export({ type: 'spki', format: 'der' });
  const { ca, certificate } = await scene.service.certificate(identity.key.keyId32, der);
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  return { identity, record, tls: { ca, cert: certificate, key } };
}

/** A connection below the link: bytes in and out. */
export interface RawConnection {
  readonly mode: number;
  readonly tls: LinkOptions['tls'];
  /** So many bytes came. */
  heard: number;
  readonly isClosed: boolean;
  onData: (chunk: Uint8Array) => void;
  onClose: () => void;
  write(bytes: Uint8Array): void;
  /** Says that nothing more comes. */
  end(): void;
  /** Breaks it, with a reset where there is such a thing. */
  break(): void;
  readonly closed: Promise<void>;
}

/** Where a broker of {@link Scene.broker} with {@link listeners} can be reached, as `connect` takes it. */
export function addressOf(scene: Scene, broker: Broker, binding: Binding): string {
  return binding === 'unix' ? scene.localAddress : `${binding}://127.0.0.1:${portOf(broker, binding)}`;
}

/** Of the listeners above. */
export function portOf(broker: Broker, binding: Exclude<Binding, 'unix'>): number {
  return broker.addresses[1 + ['tls', 'noise', 'ws'].indexOf(binding)]!.port!;
}

/** Connects below TLS and WebSocket. */
async function rawSocket(scene: Scene, broker: Broker, binding: Binding): Promise<Socket> {
  const socket = binding === 'unix' ? connectTcp(scene.localSocket) : connectTcp(portOf(broker, binding), '127.0.0.1');
  socket.on('error', () => undefined);
  await new Promise<void>((resolve) => socket.once('connect', resolve).once('close', () => resolve()));
  return socket;
}

/** Connects up to where a link begins. */
export async function rawConnection(
  scene: Scene,
  broker: Broker,
  binding: Binding,
  tls: Outsider['tls'],
): Promise<RawConnection> {
  if (binding === 'ws') return await webSocket(portOf(broker, 'ws'));
  if (binding !== 'tls') return overSocket(await rawSocket(scene, broker, binding), linkModes.noise, undefined);
  // As of a client: whose certificate it is, is for the link to say.
  const checkServerIdentity = () => undefined;
  const socket = connectTls({ port: portOf(broker, 'tls'), host: '127.0.0.1', ...tls, checkServerIdentity });
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
  socket.on('error', () => undefined);
  const exporter32 = socket.exportKeyingMaterial(32, tlsExporterLabel, Buffer.alloc(0));
  const certificateNames = uriNamesOf(socket.getPeerX509Certificate()?.subjectAltName);
  return overSocket(socket, linkModes.tls, { exporter32, certificateNames });
}

/** A link of somebody, as far as it comes. */
export async function rawLink(
  scene: Scene,
  broker: Broker,
  binding: Binding,
  { identity, record, tls }: Outsider,
  more: Partial<LinkOptions> = {},
): Promise<TestLink & { readonly connection: RawConnection }> {
  const connection = await rawConnection(scene, broker, binding, tls);
  const link = new TestLink(
    {
      ...optionsOf(scene),
      mode: connection.mode,
      ...(connection.tls && { tls: connection.tls }),
      key: identity.key,
      principalRecord: record,
      ...more,
    },
    (bytes) => connection.write(bytes),
  );
  connection.onData = (chunk) => link.receive(chunk);
  connection.onClose = () => link.cut();
  return Object.assign(link.start(), { connection });
}

/** The first bytes of an opening, as an honest initiator sends them. */
export function firstFlight(scene: Scene, mode: number, { identity, record }: Outsider): Buffer {
  const chunks: Uint8Array[] = [];
  const tls = mode === linkModes.tls ? { tls: { exporter32: random(32), certificateNames: [] } } : {};
  const options = { ...optionsOf(scene), mode, ...tls, key: identity.key, principalRecord: record };
  new LinkEngine(options, (sent) => chunks.push(...sent)).start();
  return Buffer.concat(chunks);
}

function optionsOf(scene: Scene): Omit<LinkOptions, 'mode' | 'key' | 'principalRecord'> {
  const { authorityId32, self } = scene.service;
  const trust = new Trust({ provider, authorityId32 });
  for (const one of self.authorityRecords) trust.takeAuthorityRecord(one, Date.now());
  return {
    provider,
    random,
    now: Date.now,
    side: 'initiator',
    trust,
    authorityRecords: (after) => self.authorityRecords.slice(after),
    expectedName: 'localhost',
  };
}

function overSocket(socket: Socket, mode: number, tls: LinkOptions['tls']): RawConnection {
  const connection = {
    mode,
    tls,
    heard: 0,
    get isClosed(): boolean {
      return socket.closed;
    },
    onData: (_chunk: Uint8Array): void => undefined,
    onClose: (): void => undefined,
    write: (bytes: Uint8Array) => void (socket.writable && socket.write(bytes)),
    end: () => void socket.end(),
    break: () => {
      if ('encrypted' in socket || socket.remotePort === undefined) socket.destroy();
      else socket.resetAndDestroy();
    },
    closed: new Promise<void>((resolve) => socket.once('close', () => resolve())),
  };
  socket.on('data', (chunk: Buffer) => {
    connection.heard += chunk.length;
    connection.onData(chunk);
  });
  socket.on('close', () => connection.onClose());
  return connection;
}

async function webSocket(port: number): Promise<RawConnection> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, ['tridcomm.v1'], { perMessageDeflate: false });
  socket.binaryType = 'nodebuffer';
  socket.on('error', () => undefined);
  const connection = {
    mode: linkModes.noise,
    tls: undefined,
    heard: 0,
    get isClosed(): boolean {
      return socket.readyState === socket.CLOSED;
    },
    onData: (_chunk: Uint8Array): void => undefined,
    onClose: (): void => undefined,
    write: (bytes: Uint8Array) => void (socket.readyState === socket.OPEN && socket.send(bytes)),
    end: () => socket.close(),
    break: () => socket.terminate(),
    closed: new Promise<void>((resolve) => socket.once('close', () => resolve())),
  };
  socket.on('message', (data: Buffer) => {
    connection.heard += data.length;
    connection.onData(data);
  });
  socket.on('close', () => connection.onClose());
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  return connection;
}
