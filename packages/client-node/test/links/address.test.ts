import { TridcommError } from '@tridcomm/core';
import { expect, test } from 'vitest';
import { isLoopback, parseAddress } from '../../src/links/address.ts';

test.each([
  [
    'tls://broker.example',
    { binding: 'tcp-tls', host: 'broker.example', port: 7301, path: '', name: 'broker.example' },
  ],
  ['tls://Broker.Example:1', { binding: 'tcp-tls', host: 'broker.example', port: 1, name: 'broker.example' }],
  ['noise://10.0.0.1', { binding: 'tcp-noise', host: '10.0.0.1', port: 7302, name: '10.0.0.1' }],
  ['noise://[::1]:65535', { binding: 'tcp-noise', host: '::1', port: 65_535, name: '::1' }],
  ['wss://a-b_c.example', { binding: 'websocket', host: 'a-b_c.example', port: 7303, path: '/', isPlain: false }],
  ['wss://a:443/tridcomm/v1', { binding: 'websocket', port: 443, path: '/tridcomm/v1' }],
  ['unix:/run/tridcomm.sock', { binding: 'ipc', host: '', port: 0, path: '/run/tridcomm.sock', name: 'localhost' }],
  ['unix:relative/path with space', { binding: 'ipc', path: 'relative/path with space' }],
])('bindings.1: %s is taken', (text, expected) => {
  expect(parseAddress(text)).toMatchObject({ text, ...expected });
});

test.each([
  '',
  'broker.example',
  'broker.example:7301',
  'tls:broker.example',
  'tls://',
  'tls:///path',
  'tls://:7301',
  'tls://host:',
  'tls://host:0',
  'tls://host:65536',
  'tls://host:123456',
  'tls://host:7301/',
  'noise://host/path',
  'tls://user@host',
  'tls://host?x',
  'tls://host#x',
  'tls://host name',
  ' tls://host',
  'tls://host\n',
  'TLS://host',
  'noise://::1',
  'noise://[::1',
  'https://host',
  'wss://host/path?query',
  'wss://host/path#fragment',
  'wss://host/a b',
  'unix:',
  'unix:a\0b',
  `unix:/${'a'.repeat(107)}`,
])('bindings.1: %j is refused', (text) => {
  let code: string | undefined;
  try {
    parseAddress(text, true);
  } catch (error) {
    code = error instanceof TridcommError ? error.code : 'another error';
  }
  expect(code).toBe('E_USAGE');
});

test.each(['ws://localhost:1', 'ws://127.0.0.1/x', 'ws://127.255.0.9', 'ws://[::1]:7'])(
  'bindings.1: %s needs that the caller allows it',
  (text) => {
    expect(() => parseAddress(text)).toThrow('E_USAGE');
    expect(parseAddress(text, true)).toMatchObject({ binding: 'websocket', isPlain: true });
  },
);

test.each(['ws://broker.example', 'ws://128.0.0.1', 'ws://localhost.example', 'ws://[::2]', 'ws://127.0.0.1.example'])(
  'bindings.1: %s is no loopback host, and is refused whatever is allowed',
  (text) => {
    expect(() => parseAddress(text, true)).toThrow('E_USAGE');
  },
);

test('bindings.1: what is this machine and nothing else', () => {
  expect(['localhost', '127.0.0.1', '127.9.9.9', '::1'].every(isLoopback)).toBe(true);
  expect(['0.0.0.0', '::', '10.0.0.1', '127.example.com', '127.0.0.256', '128.0.0.1', ''].some(isLoopback)).toBe(false);
});
