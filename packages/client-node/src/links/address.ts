import { isIPv4 } from 'node:net';
import { TridcommError } from '@tridcomm/core';

/** Where a broker is, and how a link lies on what leads there. */
export interface Address {
  readonly binding: 'tcp-tls' | 'tcp-noise' | 'websocket' | 'ipc' | 'inproc';
  /** As it was given: for messages. */
  readonly text: string;
  /** Lower case, an IPv6 address without brackets; empty for ipc and inproc. */
  readonly host: string;
  /** 0 for ipc and inproc. */
  readonly port: number;
  /** Of the WebSocket, or of the local socket; empty for the others. */
  readonly path: string;
  /** Whether a WebSocket goes without TLS. */
  readonly isPlain: boolean;
  /** The name that the broker's record has to have, unless the caller says another. */
  readonly name: string;
}

/**
 * Reads the address of a broker: `tls://host:port`, `noise://host:port`, `wss://host:port/path`, `unix:path`, or `inproc:` for a stream that is at
 * hand.
 *
 * @param allowsPlain - whether `ws://` to a loopback host is taken
 * @throws TridcommError `E_USAGE`
 * @spec bindings.1
 */
export function parseAddress(text: string, allowsPlain = false): Address {
  if (text === inproc)
    return { binding: 'inproc', text, host: '', port: 0, path: '', isPlain: false, name: 'localhost' };
  if (text.startsWith('unix:')) return parseLocal(text);
  const parts = /^(tls|noise|wss?):\/\/([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(\d{1,5}))?(\/[^?#\s]*)?$/.exec(text);
  if (parts === null) throw refusal(text, 'tls://host:port, noise://host:port, wss://host:port/path or unix:path');
  const [, scheme, hostText, portText, path] = parts as unknown as [
    string,
    keyof typeof schemes,
    string,
    string?,
    string?,
  ];
  const { binding, defaultPort } = schemes[scheme];
  const host = hostText.replace(/^\[|\]$/g, '').toLowerCase();
  const port = portText === undefined ? defaultPort : Number(portText);
  if (port < 1 || port > 65_535) throw refusal(text, 'a port from 1 to 65535');
  if (path !== undefined && binding !== 'websocket') throw refusal(text, 'host and port, without a path');
  if (scheme === 'ws' && !(allowsPlain && isLoopback(host))) {
    throw refusal(text, 'wss://; ws:// is for a loopback host, and with the option that allows it');
  }
  return {
    binding,
    text,
    host,
    port,
    path: path ?? (binding === 'websocket' ? '/' : ''),
    isPlain: scheme === 'ws',
    name: host,
  };
}

function parseLocal(text: string): Address {
  const path = text.slice('unix:'.length);
  const lengthBytes = Buffer.byteLength(path);
  if (lengthBytes === 0 || path.includes('\0')) throw refusal(text, 'unix: and the path of a socket');
  if (process.platform !== 'win32' && lengthBytes > mostPathBytes) {
    throw refusal(text, `a path of at most ${mostPathBytes} bytes, not ${lengthBytes}: more fits no socket`);
  }
  return { binding: 'ipc', text, host: '', port: 0, path, isPlain: false, name: 'localhost' };
}

/** Whether a host is this machine and nothing else. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}

function refusal(text: string, wanted: string): TridcommError {
  return new TridcommError('E_USAGE', `address ${JSON.stringify(text)}: ${wanted} is taken`);
}

/** The address of what no address leads to. */
export const inproc = 'inproc:';

const schemes = {
  tls: { binding: 'tcp-tls', defaultPort: 7301 },
  noise: { binding: 'tcp-noise', defaultPort: 7302 },
  wss: { binding: 'websocket', defaultPort: 7303 },
  ws: { binding: 'websocket', defaultPort: 7303 },
} as const;
const mostPathBytes = process.platform === 'darwin' ? 103 : 107;
