import { afterEach, beforeEach, expect, test } from 'vitest';
import { X509Certificate } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { FileStore } from '@tridcomm/client-node';
import { parseDevGroups } from '../src/dev/dev-groups.ts';
import { main, type MainIo } from '../src/main.ts';
import { TestCa } from './listeners/certificates.ts';
import { Setting } from './set-up.ts';
import { eventually } from './listeners/world.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tridcomm-main-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

interface TestIo extends MainIo {
  readonly out: string[];
  readonly lines: string[];
  signal(): void;
  hangUp(): void;
}

function io(): TestIo {
  const out: string[] = [];
  const lines: string[] = [];
  let handler: () => void = () => undefined;
  let hungUp: () => void = () => undefined;
  return {
    version: '1.2.3',
    out,
    lines,
    write: (text) => void out.push(text),
    writeLine: (line) => lines.push(line) > 0,
    onSignal: (given) => (handler = given),
    onHangup: (given) => (hungUp = given),
    signal: () => handler(),
    hangUp: () => hungUp(),
  };
}

test('help and version', async () => {
  const help = io();
  expect(await main(['--help'], help)).toBe(0);
  expect(help.out.join('')).toContain('limits.principal.envelopesPerSecond');
  const version = io();
  expect(await main(['--version'], version)).toBe(0);
  expect(version.out).toEqual(['1.2.3\n']);
});

test.each([
  [[]],
  [['--config']],
  [['--confg', 'x']],
  [['--help', 'x']],
  [['--config', 'a', 'b']],
  [['serve']],
  [['--dev', 'x']],
  [['--dev', '--group']],
  [['--dev', '--group', 'front']],
  [['--dev', '--group', 'front:']],
  [['--dev', '--group', 'crew:jobs']],
  [['--dev', '--group', 'front:jobs', '--group']],
])('%j is not understood: 2, and one line', async (args) => {
  const given = io();
  expect(await main(args, given)).toBe(2);
  expect(given.lines).toHaveLength(1);
  expect(given.out).toEqual([]);
});

test('groups of a broker for development are read as they are written', () => {
  expect(parseDevGroups([])).toEqual([]);
  expect(parseDevGroups(['--group', 'front:jobs/a', '--group', 'pubSub:a:b/**'])).toEqual([
    { purpose: 'front', pattern: 'jobs/a' },
    { purpose: 'pubSub', pattern: 'a:b/**' },
  ]);
});

const noise = [{ type: 'noise', host: '127.0.0.1', port: 0 }];

const mistakes: readonly (readonly [string, () => string])[] = [
  ['a file that is not there', () => join(folder, 'none')],
  ['no JSON', () => file('{')],
  ['an unknown key', () => file({ identity: 'x', listeners: noise, speling: 1 })],
  ['an identity that is not there', () => file({ identity: 'x', listeners: noise })],
  ['an identity that is a file', () => file({ identity: 'broker.json', listeners: noise })],
  [
    'an identity without keys',
    () => {
      mkdirSync(join(folder, 'empty'), { mode: 0o700 });
      return file({ identity: 'empty', listeners: noise });
    },
  ],
];

function file(content: unknown): string {
  const path = join(folder, 'broker.json');
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

test.each(mistakes)('%s: exit 1, one sentence, and no stack', async (_what, path) => {
  const given = io();
  expect(await main(['--config', path()], given)).toBe(1);
  const sentences = given.lines.filter((line) => line.startsWith('tridcomm-broker: '));
  expect(sentences).toHaveLength(1);
  expect(sentences[0]).toMatch(/^tridcomm-broker: E_[A-Z]+: .+\n$/);
  expect(sentences[0]!.slice(0, -1)).not.toContain('\n');
  expect(given.lines.join('')).not.toMatch(/ at .*:\d+/);
});

test('it runs with the identity of a directory until a signal comes, drains, and exits with 0', async () => {
  const setting = new Setting();
  const { identity, record } = setting.brokerPerson;
  const store = FileStore.open(join(folder, 'identity'));
  store.put('identity', identity.export());
  store.put('client/principal-record', record);
  store.close();
  writeFileSync(join(folder, 'identity', 'authority-id'), `${setting.authorityId}\n`);
  const given = io();
  const running = main(['--config', file({ identity: 'identity', listeners: noise })], given);
  await eventually(() => given.lines.some((line) => line.includes('"listening"')));
  const line = JSON.parse(given.lines.find((one) => one.includes('"listening"'))!) as {
    listener: string;
    port: number;
  };
  expect(line.listener).toBe('noise-1');
  const addresses = [{ listener: line.listener, port: line.port }];
  const link = await setting.open({ addresses } as never, setting.authorityPerson);
  setting.link = link;
  setting.authority.republish(Date.now());
  await link.pinged();
  // The authority renews the broker's record; the next life begins with it.
  await new Promise((resolve) => setTimeout(resolve, 5));
  const renewed = setting.authority.issue(identity.key, { name: 'localhost', roles: 2 }, Date.now());
  await link.pinged();
  await new Promise((resolve) => setTimeout(resolve, 700));
  given.signal();
  expect(await running).toBe(0);
  expect(await link.over()).toBe('orderly');
  expect(given.lines.map((one) => (JSON.parse(one) as { type: string }).type)).toEqual(
    expect.arrayContaining(['listening', 'linkOpened', 'bundleTaken', 'draining', 'linkEnded', 'stopped']),
  );
  const after = FileStore.open(join(folder, 'identity'));
  const name = `object/2/${Buffer.from(identity.key.keyId32).toString('hex')}`;
  expect(Buffer.from(after.get(name)!).equals(renewed)).toBe(true);
  after.close();
});

test('SIGHUP: it shows its new certificates to who connects then, and keeps those that it has where the new ones are none', async () => {
  const setting = new Setting();
  const { identity, record, keyId } = setting.brokerPerson;
  const directory = join(folder, 'identity');
  const store = FileStore.open(directory);
  store.put('identity', identity.export());
  store.put('client/principal-record', record);
  store.close();
  const ca = await TestCa.create();
  const issue = async (): Promise<string> => {
    const made = await ca.issue({ uris: [`tdc:${keyId}`], dns: ['localhost'], usages: ['1.3.6.1.5.5.7.3.1'] });
    writeFileSync(join(directory, 'tls-ca.pem'), made.ca);
    writeFileSync(join(directory, 'tls-cert.pem'), made.certificate);
    writeFileSync(join(directory, 'tls-key.pem'), made.privateKey);
    return new X509Certificate(made.certificate).fingerprint256;
  };
  const first = await issue();
  const given = io();
  const listeners = [
    { type: 'tls', host: '127.0.0.1', port: 0 },
    {
      type: 'websocket',
      host: '127.0.0.1',
      port: 0,
      certificate: 'identity/tls-cert.pem',
      privateKey: 'identity/tls-key.pem',
    },
  ];
  const running = main(
    ['--config', file({ identity: 'identity', authorityId: setting.authorityId, listeners })],
    given,
  );
  const events = (): { type: string; port: number; listener: string; code?: string }[] =>
    given.lines.map((line) => JSON.parse(line) as never);
  await eventually(() => events().filter(({ type }) => type === 'listening').length === 2);
  const ports = events().flatMap(({ type, port }) => (type === 'listening' ? [port] : []));
  const shown = async (): Promise<string[]> => await Promise.all(ports.map(fingerprintAt));
  expect(await shown()).toEqual([first, first]);
  const second = await issue();
  expect(await shown()).toEqual([first, first]);
  given.hangUp();
  expect(await shown()).toEqual([second, second]);
  writeFileSync(join(directory, 'tls-cert.pem'), 'no certificate');
  given.hangUp();
  expect(await shown()).toEqual([second, second]);
  rmSync(join(directory, 'tls-key.pem'));
  given.hangUp();
  expect(await shown()).toEqual([second, second]);
  expect(
    events().flatMap(({ type, listener, code }) => (type === 'certificatesRead' ? [`${listener} ${code}`] : [])),
  ).toEqual(['none', 'E_USAGE', 'E_USAGE'].flatMap((code) => [`tls-1 ${code}`, `websocket-2 ${code}`]));
  given.signal();
  expect(await running).toBe(0);
});

/** Of the certificate that a port shows to somebody without one. */
async function fingerprintAt(port: number): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', rejectUnauthorized: false });
  socket.on('error', () => undefined).resume();
  await new Promise((resolve) => socket.once('secureConnect', resolve));
  const { fingerprint256 } = socket.getPeerX509Certificate()!;
  socket.destroy();
  return fingerprint256;
}
