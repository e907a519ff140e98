import { constants } from 'node:crypto';
import { createServer as createTcpServer } from 'node:net';
import { createSecureContext, createServer, type SecureContextOptions, type TLSSocket } from 'node:tls';
import { uriNamesOf } from '@tridcomm/client-node/internal';
import { TridcommError } from '@tridcomm/core';
import { linkModes, tlsExporterLabel } from '@tridcomm/core/link';
import { Arrivals } from './arrivals.ts';
import type { LinkDriver } from './link-driver.ts';
import { driveSocket, listening, Sockets, type Listener, type ListenerHost } from './listener.ts';
import { listenerOf } from './noise-listener.ts';
import type { Opening } from './openings.ts';

/** PEM. */
export interface TlsFiles {
  /** Of who issues the certificates of peers. */
  readonly ca: string;
  readonly certificate: string;
  readonly privateKey: string;
}

/** Of T: what the listener was made with. */
export interface TlsAddress extends TlsFiles {
  /** Undefined for every address. */
  readonly host: string | undefined;
  readonly port: number;
}

/** A listener that may be given other certificates. */
export interface TlsListener extends Listener {
  /**
   * Shows them to who connects from now on. Links that are there go on.
   *
   * @throws TridcommError `E_USAGE` for what cannot be used: it goes on with those that it has
   */
  useCertificates(files: TlsFiles): void;
}

/**
 * Takes links of mode T: TLS 1.3, certificates on both sides, and no session outlives its connection.
 *
 * @throws TridcommError `E_USAGE` for an address that cannot be had, or certificates that cannot be used
 * @spec link.14, link.15, link.8
 */
export async function listenTls(host: ListenerHost, name: string, address: TlsAddress): Promise<TlsListener> {
  const sockets = new Sockets();
  const arrivals = new Arrivals(host, name);
  const tls = makeServer(name, address);
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    if (arrivals.add(socket)) tls.emit('connection', socket);
  });
  tls.on('secureConnection', (socket: TLSSocket) => {
    sockets.add(socket);
    const arrival = arrivals.of(socket);
    if (arrival === undefined) socket.destroy();
    else arrival.driver = take(host, name, socket, arrival.opening);
  });
  tls.on('tlsClientError', (_error, socket: TLSSocket) => socket.destroy());
  await listening(server, name, () => server.listen({ port: address.port, host: address.host }));
  const useCertificates = (files: TlsFiles): void => tls.setSecureContext(contextOf(name, files));
  return { ...listenerOf(name, server, sockets), useCertificates };
}

function makeServer(name: string, files: TlsFiles): ReturnType<typeof createServer> {
  return createServer({
    ...contextOf(name, files),
    requestCert: true,
    rejectUnauthorized: true,
    handshakeTimeout: handshakeTimeoutMs,
  });
}

/** What both a server and a change of it are made of. @throws TridcommError `E_USAGE` */
function contextOf(name: string, { ca, certificate, privateKey }: TlsFiles): SecureContextOptions {
  const options: SecureContextOptions = {
    ca,
    cert: certificate,
    key: privateKey,
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    // Tickets are numbers then, and nobody remembers what they stand for: a session that is offered again is not found.
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
  };
  try {
    createSecureContext(options);
  } catch (cause) {
    throw new TridcommError('E_USAGE', `listener ${name}: certificate, key or CA cannot be used`, { cause });
  }
  return options;
}

function take(host: ListenerHost, name: string, socket: TLSSocket, opening: Opening): LinkDriver | undefined {
  const remote = socket.remoteAddress ?? '';
  const certificate = socket.getPeerX509Certificate();
  // An extended usage that is absent would allow every use.
  if (!socket.authorized || certificate?.keyUsage?.includes(clientAuth) !== true) {
    socket.destroy();
    return undefined;
  }
  const exporter32 = socket.exportKeyingMaterial(32, tlsExporterLabel, Buffer.alloc(0));
  const certificateNames = uriNamesOf(certificate.subjectAltName);
  const origin = { listener: name, remote, mode: linkModes.tls, tls: { exporter32, certificateNames } };
  return driveSocket(host, socket, origin, opening);
}

/** id-kp-clientAuth. */
const clientAuth = '1.3.6.1.5.5.7.3.2';
/** A little more than the opening has as a whole, which ends it first. */
const handshakeTimeoutMs = 6_000;
