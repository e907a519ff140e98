import { afterEach, beforeEach, expect, test } from 'vitest';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TridcommError } from '@tridcomm/core';
import { configKeys, parseConfig, readConfigFile } from '../src/config.ts';
import { ConfigError } from '../src/config-rules.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tridcomm-config-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

const least = { identity: '/i', listeners: [{ type: 'noise' }] };

function message(value: unknown): string {
  try {
    parseConfig(value);
  } catch (error) {
    expect(error).toBeInstanceOf(TridcommError);
    expect(error).toMatchObject({ code: 'E_USAGE' });
    return (error as Error).message;
  }
  throw new Error('taken');
}

test('what is left out has its default, and the defaults are safe', () => {
  const config = parseConfig(least);
  expect(config).toMatchObject({
    listeners: [{ type: 'noise', host: undefined, port: 7302 }],
    store: { type: 'none' },
    insecure: undefined,
    metrics: undefined,
    limits: { connections: 10_000, principal: { messagesPerSecond: 1_000, envelopesPerSecond: 2_000 } },
  });
  const unix = parseConfig({ ...least, listeners: [{ type: 'unix', path: '/s' }] });
  expect(unix.listeners[0]).toMatchObject({ shared: false });
  expect(parseConfig({ ...least, metrics: {} }).metrics).toEqual({ host: '127.0.0.1', port: 9464 });
  expect(parseConfig({ ...least, limits: { principal: { subs: 5 } } }).limits.principal).toMatchObject({
    subs: 5,
    connections: 64,
  });
});

/** What stands there, where, and what the refusal says. */
const bad: readonly (readonly [unknown, string, string])[] = [
  [null, 'the whole', 'null'],
  [[], 'the whole', 'a list'],
  [{}, 'identity', 'absent'],
  [{ ...least, identity: 5 }, 'identity', 'a number'],
  [{ ...least, identity: '' }, 'identity', 'text of another form'],
  [{ ...least, identity: 'a\0b' }, 'identity', 'text of another form'],
  [{ ...least, lisseners: [] }, 'lisseners', 'a key that is not known'],
  [JSON.parse('{"identity":"/i","listeners":[],"__proto__":{}}'), '__proto__', 'a key that is not known'],
  [{ ...least, constructor: 1 }, 'constructor', 'a key that is not known'],
  [{ ...least, listeners: {} }, 'listeners', 'an object'],
  [{ ...least, listeners: [] }, 'listeners', 'a list of 0'],
  [{ ...least, listeners: [7] }, 'listeners[0]', 'a number'],
  [{ ...least, listeners: [{}] }, 'listeners[0].type', 'a undefined'],
  [{ ...least, listeners: [{ type: 'tcp' }] }, 'listeners[0].type', 'another text'],
  [{ ...least, listeners: [{ type: 'noise' }, { type: 'noise', port: '1' }] }, 'listeners[1].port', 'a string'],
  [{ ...least, listeners: [{ type: 'noise', port: 65_536 }] }, 'listeners[0].port', 'a number above'],
  [{ ...least, listeners: [{ type: 'noise', port: -1 }] }, 'listeners[0].port', 'a number below'],
  [{ ...least, listeners: [{ type: 'noise', port: 1.5 }] }, 'listeners[0].port', 'a number that is no integer'],
  [{ ...least, listeners: [{ type: 'noise', path: '/x' }] }, 'listeners[0].path', 'a key that is not known'],
  [{ ...least, listeners: [{ type: 'unix' }] }, 'listeners[0].path', 'absent'],
  [{ ...least, listeners: [{ type: 'unix', path: '/x', shared: 'no' }] }, 'listeners[0].shared', 'a string'],
  [
    { ...least, insecure: 'loopback', listeners: [{ type: 'websocket', path: 'x' }] },
    'listeners[0].path',
    'another form',
  ],
  [{ ...least, listeners: [{ type: 'websocket' }] }, 'listeners[0].certificate', 'absent'],
  [{ ...least, listeners: [{ type: 'websocket', certificate: 'c' }] }, 'listeners[0]', 'belong together'],
  [{ ...least, insecure: true }, 'insecure', 'a boolean'],
  [{ ...least, insecure: 'everywhere' }, 'insecure', 'another text'],
  [{ ...least, authorityId: 'ab' }, 'authorityId', 'text of another form'],
  [{ ...least, authorityId: 'A'.repeat(64) }, 'authorityId', 'text of another form'],
  [{ ...least, store: { type: 'disk' } }, 'store.folder', 'absent'],
  [{ ...least, store: { type: 'none', folder: 'x' } }, 'store.folder', 'a key that is not known'],
  [{ ...least, store: { type: 'memory', maxBytes: 0 } }, 'store.maxBytes', 'a number below'],
  [{ ...least, store: { type: 'memory', maxBytes: null } }, 'store.maxBytes', 'null'],
  [{ ...least, limits: { queueBytes: 1_000 } }, 'limits.queueBytes', 'a number below'],
  [{ ...least, limits: { principal: { subs: Infinity } } }, 'limits.principal.subs', 'a number that is no integer'],
  [
    { ...least, limits: { principal: { subscriptions: 1 } } },
    'limits.principal.subscriptions',
    'a key that is not known',
  ],
  [{ ...least, metrics: { port: true } }, 'metrics.port', 'a boolean'],
  [{ ...least, metrics: 9464 }, 'metrics', 'a number'],
];

test.each(bad)('%j is refused: the key, what stands there, what is allowed', (value, path, found) => {
  const said = message(value);
  expect(said).toContain(`configuration: ${path}`);
  expect(said).toContain(found);
  expect(said).toMatch(/allowed: .+|belong together|only where insecure/);
});

test('no refusal tells a value, or a key that is no name', () => {
  const secret = 'hunter2-hunter2';
  for (const value of [
    { ...least, authorityId: secret },
    { ...least, insecure: secret },
    { ...least, listeners: [{ type: secret }] },
    { ...least, [`${secret} `]: 1 },
    { ...least, [secret.repeat(10)]: 1 },
    { ...least, metrics: secret },
  ]) {
    expect(message(value)).not.toContain(secret);
  }
});

test('a file is read as JSON, and its paths count from where it is', () => {
  const path = join(folder, 'broker.json');
  const listeners = [
    { type: 'tls', certificate: 'c.pem', privateKey: '/k.pem' },
    { type: 'unix', path: 'sock' },
  ];
  writeFileSync(path, JSON.stringify({ identity: 'me', listeners, store: { type: 'disk', folder: '../log' } }));
  const config = readConfigFile(path);
  expect(config.identity).toBe(join(folder, 'me'));
  expect(config.store).toMatchObject({ folder: join(folder, '../log') });
  expect(config.listeners).toMatchObject([
    { certificate: join(folder, 'c.pem'), privateKey: '/k.pem', ca: undefined },
    { path: join(folder, 'sock') },
  ]);
});

test('a file that is not there, or is no JSON, is refused without its content', () => {
  expect(() => readConfigFile(join(folder, 'none.json'))).toThrow(/cannot be read/);
  const path = join(folder, 'bad.json');
  writeFileSync(path, '{"identity": "hunter2" hunter3}');
  expect(() => readConfigFile(path)).toThrow(TridcommError);
  expect(() => readConfigFile(path)).not.toThrow(/hunter/);
});

test('every key is documented, and the README has the table', () => {
  const keys = configKeys();
  const paths = keys.map(({ path }) => path);
  expect(paths).toContain('limits.principal.subs');
  expect(paths).toContain('listeners[].privateKey');
  for (const { path, allows, about } of keys) expect([path, allows + about]).not.toEqual([path, '']);
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const table = keys.map(
    ({ path, allows, fallback, about }) => `| \`${path}\` | ${allows} | ${fallback ?? ''} | ${about} |`,
  );
  const lines = readme.split('\n').map((line) => line.replace(/ +/g, ' ').trim());
  for (const line of table) expect(lines).toContain(line.replace(/ +/g, ' ').trim());
});

test('a refusal is of a class of its own, with the path', () => {
  expect(() => parseConfig({ ...least, metrics: 1 })).toThrow(ConfigError);
});
