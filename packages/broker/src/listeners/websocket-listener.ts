import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import {
  isLoopback,
  mostMessageBytes,
  subprotocol,
  webSocketRefusal,
  WebSocketStream,
} from '@tridcomm/client-node/internal';
import { TridcommError } from '@tridcomm/core';
import { limits } from '@tridcomm/core/internal';
import { linkModes } from '@tridcomm/core/link';
import { WebSocketServer, type WebSocket } from 'ws';
import { Arrivals } from './arrivals.ts';
import { LinkDriver } from './link-driver.ts';
import { listening, Sockets, type Listener, type ListenerHost } from './listener.ts';
import { listenerOf } from './noise-listener.ts';
import type { Opening } from './openings.ts';

/** Of a WebSocket listener: what it was made with. */
export interface WebSocketAddress {
  /** Undefined for every address. */
  readonly host: string | undefined;
  readonly port: number;
  /** Begins with `/`. */
  readonly path: string;
  /** PEM; undefined for `ws://`, on a loopback address only. */
  readonly tls: WebSocketTls | undefined;
}

/** PEM. */
export interface WebSocketTls {
  readonly certificate: string;
  readonly privateKey: string;
}

/** A listener that may be given another certificate. */
export interface WebSocketListener extends Listener {
  /**
   * Shows it to who connects from now on, where there is TLS. Links that are there go on.
   *
   * @throws TridcommError `E_USAGE` for what cannot be used: it goes on with the one that it has
   */
  useCertificates(tls: WebSocketTls): void;
}

/**
 * Takes links of mode N on WebSockets.
 *
 * @throws TridcommError `E_USAGE` for an address that cannot be had, and for one without TLS that is not of this machine
 * @spec bindings.1, bindings.2, bindings.3, bindings.4, link.8
 */
export async function listenWebSocket(
  host: ListenerHost,
  name: string,
  address: WebSocketAddress,
): Promise<WebSocketListener> {
  if (address.tls === undefined && !isLoopback(address.host ?? '')) {
    throw new TridcommError('E_USAGE', `listener ${name}: WebSockets without TLS are for loopback addresses`);
  }
  const sockets = new Sockets();
  const arrivals = new Arrivals(host, name);
  const server = makeServer(name, address);
  const upgrader = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: mostMessageBytes,
    maxFragments: mostParts,
    maxBufferedChunks: mostChunks,
    handleProtocols: (protocols) => (protocols.has(subprotocol) ? subprotocol : false),
    clientTracking: false,
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    arrivals.add(socket);
  });
  server.on('secureConnection', (socket: Socket) => sockets.add(socket));
  server.on('request', answerPlainRequest);
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    const arrival = arrivals.of(socket);
    if (arrival === undefined || !isForUs(request, address.path)) {
      refuseUpgrade(socket);
      return;
    }
    upgrader.handleUpgrade(request, socket, head, (webSocket) => {
      arrival.driver = take(host, name, webSocket, socket, arrival.opening);
    });
  });
  // What is no HTTP is no concern of anybody's: the answer of the platform would cost more than it says.
  server.on('clientError', (_error, socket) => socket.destroy());
  server.on('tlsClientError', (_error: Error, socket: Socket) => socket.destroy());
  await listening(server, name, () => server.listen({ port: address.port, host: address.host }));
  const useCertificates = (tls: WebSocketTls): void => server.setSecureContext(contextOf(name, tls));
  return { ...listenerOf(name, server, sockets), useCertificates };
}

function makeServer(name: string, { tls }: WebSocketAddress): HttpsServer {
  const options = {
    maxHeaderSize: mostHeaderBytes,
    headersTimeout: limits.openingMs,
    requestTimeout: limits.openingMs,
  };
  if (tls === undefined) return createHttpServer(options) as HttpsServer;
  return createHttpsServer({
    ...options,
    ...contextOf(name, tls),
    handshakeTimeout: limits.openingMs,
    ALPNProtocols: ['http/1.1'],
  });
}

/** What both a server and a change of it are made of. @throws TridcommError `E_USAGE` */
function contextOf(name: string, { certificate, privateKey }: WebSocketTls): SecureContextOptions {
  const options: SecureContextOptions = { cert: certificate, key: privateKey, minVersion: 'TLSv1.3' };
  try {
    createSecureContext(options);
  } catch (cause) {
    throw new TridcommError('E_USAGE', `listener ${name}: certificate or key cannot be used`, { cause });
  }
  return options;
}

/** @spec bindings.2 */
function isForUs({ url, headers }: IncomingMessage, path: string): boolean {
  const offered = headers['sec-websocket-protocol']?.split(',').map((protocol) => protocol.trim()) ?? [];
  return url === path && offered.includes(subprotocol);
}

function take(host: ListenerHost, name: string, webSocket: WebSocket, socket: Socket, opening: Opening): LinkDriver {
  // Until the link is open it may hold less than one message.
  let bytes = 0;
  let isOpen = false;
  const count = (chunk: Uint8Array): void => {
    bytes += chunk.length;
    if (bytes <= limits.openingBytes) return;
    driver.displaced();
    socket.destroy();
  };
  socket.on('data', count);
  const done = (): void => {
    opening.done();
    if (isOpen) return;
    isOpen = true;
    socket.off('data', count);
  };
  const origin = { listener: name, remote: socket.remoteAddress ?? '', mode: linkModes.noise };
  const driver = new LinkDriver(host.links, origin, { done });
  driver.start(new WebSocketStream(webSocket, driver, errorOf));
  return driver;
}

function answerPlainRequest(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(426, { connection: 'close', upgrade: 'websocket', 'content-length': '0' });
  response.end();
}

function refuseUpgrade(socket: Socket): void {
  socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
}

function errorOf(cause: Error): TridcommError {
  return new TridcommError(webSocketRefusal(cause) ?? 'E_TRANSPORT', undefined, { cause });
}

const mostHeaderBytes = 8 * 1024;
/** Frames of a message, and pieces in which it may arrive: each costs more than its bytes. */
const mostParts = 4_096;
const mostChunks = 16_384;
