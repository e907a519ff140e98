import { connect as connectSocket, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { TridcommError } from '@tridcomm/core';
import { linkModes, tlsExporterLabel, type LinkOptions } from '@tridcomm/core/link';
import { WebSocket } from 'ws';
import type { Address } from './address.ts';
import type { ByteStream, StreamHandlers } from './byte-stream.ts';
import { uriNamesOf } from './certificate-names.ts';
import { dialError } from './dial-errors.ts';
import { SocketStream } from './socket-stream.ts';
import { mostMessageBytes, subprotocol, WebSocketStream } from './websocket-stream.ts';

/** Certificates, as PEM. */
export interface TlsFiles {
  /** Of the CA that signs brokers' certificates; for `wss` default those that Node trusts. */
  readonly ca?: string | Buffer;
  /** One's own certificate and its key: needed for `tls`. */
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
}

/** A connection that is there, and what a link on it has to know. */
export interface Connection {
  readonly stream: ByteStream;
  readonly mode: number;
  readonly tls?: NonNullable<LinkOptions['tls']>;
}

/** Opens the connection that a link lies on: {@link dial}, or what stands for it. */
export type Dial = typeof dial;

/**
 * Opens the connection that a link lies on. It gives up as soon as `signal` says so, with its reason.
 *
 * @param handlers - of the connection, from the moment on at which it is there
 * @throws TridcommError `E_USAGE` for certificates that are lacking; `E_TRANSPORT`, `E_BINDING`, `E_HANDSHAKE`
 * @spec link.14, bindings.2, bindings.3
 */
export async function dial(
  address: Address,
  tls: TlsFiles,
  handlers: StreamHandlers,
  signal: AbortSignal,
): Promise<Connection> {
  signal.throwIfAborted();
  const { binding, host, port, path } = address;
  if (binding === 'tcp-noise') return dialNoise(address, connectSocket({ host, port }), handlers, signal);
  if (binding === 'ipc') return dialNoise(address, connectSocket({ path }), handlers, signal);
  if (binding === 'websocket') return dialWebSocket(address, tls, handlers, signal);
  if (binding === 'inproc') throw new TridcommError('E_USAGE', `${address.text} is reached by overStream`);
  return dialTls(address, tls, handlers, signal);
}

async function dialNoise(
  address: Address,
  socket: Socket,
  handlers: StreamHandlers,
  signal: AbortSignal,
): Promise<Connection> {
  return opened(
    address,
    socket,
    'connect',
    () => socket.destroy(),
    signal,
    () => ({
      stream: new SocketStream(socket, handlers, (error) => dialError(address, error)),
      mode: linkModes.noise,
    }),
  );
}

async function dialTls(
  address: Address,
  { ca, cert, key }: TlsFiles,
  handlers: StreamHandlers,
  signal: AbortSignal,
): Promise<Connection> {
  if (ca === undefined || cert === undefined || key === undefined) {
    throw new TridcommError(
      'E_USAGE',
      'tls:// needs tls.ca, tls.cert and tls.key: an identity that was enrolled with a certificate has them',
    );
  }
  const isName = !/^[\d.]+$|:/.test(address.host);
  const socket = connectTls({
    host: address.host,
    port: address.port,
    ...(isName && { servername: address.host }),
    ca,
    cert,
    key,
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    rejectUnauthorized: true,
    // Whose certificate it is, is for the link to say, by its key: chapter 05.
    checkServerIdentity: () => undefined,
  });
  return opened(
    address,
    socket,
    'secureConnect',
    () => socket.destroy(),
    signal,
    () => ({
      stream: new SocketStream(socket, handlers, (error) => dialError(address, error)),
      mode: linkModes.tls,
      tls: {
        exporter32: new Uint8Array(socket.exportKeyingMaterial(32, tlsExporterLabel, Buffer.alloc(0))),
        certificateNames: uriNamesOf(socket.getPeerX509Certificate()?.subjectAltName),
      },
    }),
  );
}

async function dialWebSocket(
  address: Address,
  { ca, cert, key }: TlsFiles,
  handlers: StreamHandlers,
  signal: AbortSignal,
): Promise<Connection> {
  const { host, port, path, isPlain } = address;
  const authority = host.includes(':') ? `[${host}]` : host;
  const socket = new WebSocket(`${isPlain ? 'ws' : 'wss'}://${authority}:${port}${path}`, subprotocol, {
    perMessageDeflate: false,
    maxPayload: mostMessageBytes,
    followRedirects: false,
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  });
  return opened(
    address,
    socket,
    'open',
    () => socket.terminate(),
    signal,
    () => {
      if (socket.protocol !== subprotocol || socket.extensions !== '') {
        throw new TridcommError('E_HANDSHAKE', `${address.text}: a WebSocket that is not for ${subprotocol}`);
      }
      return {
        stream: new WebSocketStream(socket, handlers, (error) => dialError(address, error)),
        mode: linkModes.noise,
      };
    },
  );
}

/** Waits until a connection is there, or cannot be. @param make - called inside the event, so that nothing that follows is missed */
async function opened(
  address: Address,
  emitter: NodeJS.EventEmitter,
  event: string,
  destroy: () => void,
  signal: AbortSignal,
  make: () => Connection,
): Promise<Connection> {
  return new Promise<Connection>((resolve, reject) => {
    const leave = () => {
      emitter.off(event, there);
      emitter.off('error', failed);
      emitter.off('close', closed);
      signal.removeEventListener('abort', aborted);
    };
    const giveUp = (reason: unknown) => {
      leave();
      // What else becomes of it is nobody's concern.
      emitter.on('error', () => {});
      destroy();
      reject(reason as Error);
    };
    const there = () => {
      try {
        const connection = make();
        leave();
        resolve(connection);
      } catch (error) {
        giveUp(error);
      }
    };
    const failed = (error: Error) => giveUp(dialError(address, error));
    const closed = () => giveUp(new TridcommError('E_TRANSPORT', `${address.text}: the connection was ended at once`));
    const aborted = () => giveUp(signal.reason);
    emitter.on(event, there);
    emitter.on('error', failed);
    emitter.on('close', closed);
    signal.addEventListener('abort', aborted);
  });
}
