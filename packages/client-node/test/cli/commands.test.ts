import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn, type ChildProcess } from 'node:child_process';
import { PassThrough } from 'node:stream';
import { signingKeyOf } from '@tridcomm/core';
import { nodeProvider } from '@tridcomm/core/node';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { readDevWorld, writeDevWorld } from '../../src/cli/dev-world.ts';
import { run as runHere } from '../../src/cli/run.ts';
import { writeSignRequest } from '../../src/authority/sign-request.ts';
import { readProposal } from '@tridcomm/core';
import { bundle, ended, start, type Ended } from '../bundled.ts';
import { texts, until, World } from '../world.ts';
import { DevBroker } from './dev-broker.ts';

let program: string;
let root: string;
beforeAll(async () => {
  program = await bundle(new URL('../../src/cli/main.ts', import.meta.url));
  root = mkdtempSync(join(tmpdir(), 'tdc-cli-'));
}, 120_000);
afterAll(() => rmSync(root, { recursive: true, force: true }));

const nowhere = (): Readonly<Record<string, string>> => ({ XDG_RUNTIME_DIR: root, NO_COLOR: '1' });

async function run(args: readonly string[], stdin: string | Uint8Array = '', env = nowhere()): Promise<Ended> {
  const child = start(program, args, env);
  child.stdin!.on('error', () => {});
  child.stdin!.end(stdin);
  return ended(child);
}

describe('the command line', { timeout: 120_000 }, () => {
  test.each([
    [['--help'], 0, 'stdout', 'tridcomm pub TOPIC'],
    [['help'], 0, 'stdout', 'COMMAND --help'],
    [[], 2, 'stderr', 'Usage'],
    [['nothing'], 2, 'stderr', 'unknown command "nothing"; see tridcomm --help'],
    [['constructor'], 2, 'stderr', 'unknown command'],
    [['pub', '--help'], 0, 'stdout', '--durability'],
    [['sub', '-h'], 0, 'stdout', '--count'],
    [['inspect', '--help'], 0, 'stdout', 'xxd'],
    [['keys', '--help'], 0, 'stdout', 'keys enrol'],
    [['authority', '--help'], 0, 'stdout', 'tridcomm authority'],
    [['pub'], 2, 'stderr', 'topic is missing; see tridcomm pub --help'],
    [['pub', 't', '--durability', 'cluster'], 2, 'stderr', '--durability cluster'],
    [['pub', 't', '--nothing'], 2, 'stderr', "Unknown option '--nothing'; see tridcomm pub --help"],
    [['sub'], 2, 'stderr', 'pattern is missing'],
    [['sub', 'a', 'b'], 2, 'stderr', 'quote it'],
    [['sub', 'a', '--count', '0'], 2, 'stderr', '--count 0'],
    [['sub', 'a', '--from', 'yesterday'], 2, 'stderr', 'or cursor'],
    [['inspect'], 2, 'stderr', 'one file'],
    [['keys', 'nothing'], 2, 'stderr', 'unknown command "nothing"'],
    [['keys', 'sign'], 2, 'stderr', 'a request is taken'],
    [['sub', 'a', '--broker', 'noise://x'], 2, 'stderr', '--broker needs --identity'],
    [['authority', 'nothing'], 2, 'stderr', 'unknown command'],
  ] as const)('%j ends with %i', async (args, code, stream, says) => {
    const found = await run(args);
    expect(found.code, found.stderr).toBe(code);
    expect(found[stream]).toContain(says);
    expect(found[stream === 'stdout' ? 'stderr' : 'stdout']).toBe('');
  });

  test.each([
    [['sub', 'a'], 'E_USAGE: no broker: start tridcomm-broker --dev, or name one with --broker and --identity\n'],
    [['pub', 'a', '--broker', 'ws://x', '--identity', 'x'], 'E_USAGE: address "ws://x"'],
    [['pub', 'a', '--broker', 'noise://x', '--identity', '/nowhere'], 'E_USAGE: there is no identity in /nowhere'],
    [['pub', 'a/**'], 'E_ENCODING: topic with an asterisk\n'],
    [['sub', 'a/**/b'], 'E_ENCODING: '],
    [['inspect', '/nowhere'], 'E_USAGE: /nowhere: there is no such file (ENOENT)\n'],
    [['inspect', '/'], 'E_USAGE: /: that is a folder, not a file (EISDIR)\n'],
    [
      ['keys', 'show', '--identity', '/nowhere'],
      'E_USAGE: there is no identity in /nowhere: tridcomm keys create makes one there\n',
    ],
  ])('%j fails with one line: code and sentence', async (args, line) => {
    const found = await run(args);
    expect(found.code).toBe(1);
    expect(found.stdout).toBe('');
    expect(found.stderr.startsWith(line), found.stderr).toBe(true);
    expect(found.stderr.split('\n').length).toBe(2);
  });

  test('tells its version', async () => {
    const written: string[] = [];
    const stdout = { write: (text: string | Uint8Array) => written.push(String(text)) > 0, once: () => undefined };
    const { signal } = new AbortController();
    const io = { stdin: new PassThrough(), stdout, stderr: stdout, env: {}, cwd: root, signal };
    expect(await runHere(['--version'], io)).toBe(0);
    expect(written.join('')).toMatch(/^\d+\.\d+\.\d+.*\n$/);
  });

  test.each([
    ['inspect', '-'],
    ['inspect', '-', '--json'],
  ])('%s %s waits for its input no longer than it is let', async (...args) => {
    const end = new AbortController();
    const stdin = new PassThrough();
    const silent = { write: () => true, once: () => undefined };
    const done = runHere(args, { stdin, stdout: silent, stderr: silent, env: {}, cwd: root, signal: end.signal });
    stdin.write('54');
    setImmediate(() => end.abort());
    expect(await done).toBe(1);
    expect(stdin.destroyed).toBe(true);
  });

  test.each([[['--help']], [['keys', 'create', '--identity', 'full']]])(
    '%j to a full disk says so in one line',
    async (args) => {
      if (!existsSync('/dev/full')) return console.log('SKIP a full disk: this system has no /dev/full');
      const full = openSync('/dev/full', 'w');
      const child = spawn(process.execPath, [program, ...args], { cwd: root, stdio: ['ignore', full, 'pipe'] });
      const found = await ended(child);
      closeSync(full);
      expect(found.code).toBe(1);
      expect(found.stderr).toMatch(/^E_USAGE: standard output cannot be written: ENOSPC.*\n$/);
    },
  );
});

describe('keys', { timeout: 120_000 }, () => {
  test('an identity is made once, shown, and signs what it is asked', async () => {
    const identity = join(root, 'alice');
    const made = await run(['keys', 'create', '--identity', identity, '--json']);
    expect(made, made.stderr).toMatchObject({ code: 0, stderr: '' });
    const { publicKey, keyId } = JSON.parse(made.stdout) as { publicKey: string; keyId: string };
    expect(publicKey).toMatch(/^[0-9a-f]{64}$/);
    const again = await run(['keys', 'create', '--identity', identity]);
    expect(again.stdout).toContain(`key id      ${keyId}`);
    expect(again.stdout).toContain('none yet');
    const shown = await run(['keys', '--identity', identity]);
    expect(shown.stdout).toBe(again.stdout);

    const world = await World.create();
    const { authority } = world;
    const { body, signInput } = authority.proposeRecord(Buffer.from(publicKey, 'hex'), { name: 'alice' }, Date.now());
    const request = writeSignRequest(authority.authorityId32, body, new Uint8Array(32));
    const signed = await run(['keys', 'sign', request, '--identity', identity, '--json']);
    const { name, signature } = JSON.parse(signed.stdout) as { name: string; signature: string };
    expect(name).toBe('alice');
    expect(readProposal(nodeProvider, authority.authorityId32, body).signInput).toEqual(signInput);
    const record = authority.issueProposed({ body }, Buffer.from(signature, 'hex'), Date.now());

    expect((await run(['keys', 'key-record', '--identity', identity])).code).toBe(1);
    const kept = await run(['keys', 'record', Buffer.from(record).toString('hex'), '--identity', identity]);
    expect(kept.stdout).toContain('name        alice');
    expect(kept.stdout).toContain(`authority   ${Buffer.from(authority.authorityId32).toString('hex')}`);
    const keyRecord = await run(['keys', 'key-record', '--identity', identity]);
    authority.takeKeyRecord(Buffer.from(keyRecord.stdout.trim(), 'hex'), Date.now());

    world.group('t');
    const options = ['--broker', world.address, '--broker-name', 'broker', '--identity', identity];
    const refused = await run(['pub', 't', ...options], 'hello\n');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/^E_POLICY: .*: tridcomm authority grant lets you publish, .*\n$/);
    world.allow('t', 'publish', { name, directory: identity, keyId32: Buffer.from(keyId, 'hex'), record });
    const published = await run(['pub', 't', ...options], 'hello\n');
    expect(published, published.stderr).toMatchObject({ code: 0, stdout: '', stderr: '' });
    expect(world.broker.log.length).toBe(1);
    await world.close();
  });

  test('what is for another key is not signed', async () => {
    const identity = join(root, 'bob');
    await run(['keys', 'create', '--identity', identity]);
    const world = await World.create();
    const other = signingKeyOf(nodeProvider, new Uint8Array(32).fill(3));
    const { body } = world.authority.proposeRecord(other.publicKey32, { name: 'mallory' }, Date.now());
    const request = writeSignRequest(world.authority.authorityId32, body, new Uint8Array(32));
    const signed = await run(['keys', 'sign', request, '--identity', identity]);
    expect(signed.code).toBe(1);
    expect(signed.stderr).toContain('E_BINDING: the request is for key');
    const record = world.authority.issue(other, { name: 'mallory' }, Date.now());
    const kept = await run(['keys', 'record', Buffer.from(record).toString('hex'), '--identity', identity]);
    expect(kept).toMatchObject({ code: 1, stdout: '', stderr: 'E_BINDING: record of another key\n' });
    await world.close();
  });
});

describe('inspect', { timeout: 120_000 }, () => {
  test('an envelope is taken apart, without keys and with', async () => {
    const world = await World.create();
    const [alice, bob, carol] = [world.member('alice'), world.member('bob'), world.member('carol')];
    world.group('orders/**');
    world.allow('orders/**', 'publish', alice);
    world.allow('orders/**', 'subscribe', bob);
    const [from, to, other] = [await world.connect(alice), await world.connect(bob), await world.connect(carol)];
    const orders = to.subscribe('orders/**');
    await Promise.all([to.ready(), other.ready()]);
    const { id } = await from.publish('orders/new', ['two coffees', 'and a tea']);
    expect(await texts(orders, 2)).toEqual(['two coffees', 'and a tea']);
    const file = join(root, 'envelope.bin');
    const { envelope } = world.broker.log[0]!;
    writeFileSync(file, envelope);

    const plain = await run(['inspect', file, '--json']);
    expect(plain, plain.stderr).toMatchObject({ code: 0, stderr: '' });
    const found = JSON.parse(plain.stdout) as Record<string, Record<string, unknown>>;
    expect(found['envelope']).toMatchObject({ bytes: envelope.length });
    expect(found['header']).toMatchObject({
      pattern: 'pubSub data (0x20)',
      flags: ['batch'],
      records: 3,
      number: 1,
      senderId: Buffer.from(alice.keyId32.subarray(0, 16)).toString('hex'),
    });
    expect(Object.keys(found['extensions']!)).toEqual(['bytes', 'headSeq (8)', 'topicChain (9)']);
    expect(found['withKeys']).toBeUndefined();

    const asHex = Buffer.from(envelope)
      .toString('hex')
      .replaceAll(/(.{60})/g, '$1\n');
    const text = await run(['inspect', '-'], asHex);
    expect(text.stdout.split('\n')[0]).toBe(`envelope of ${envelope.length} bytes: signed and sealed`);
    expect(text.stdout).toMatch(/topicTag +[0-9a-f]{32} {2}stands for the topic/);
    expect(text.stdout).toMatch(/needs keys: --identity DIR\n$/);
    expect(text.stdout).not.toContain('coffees');

    // While the client runs.
    const opened = await run(['inspect', file, '--identity', bob.directory, '--payload', '--json']);
    expect(opened.code).toBe(0);
    expect((JSON.parse(opened.stdout) as typeof found)['withKeys']).toMatchObject({
      sender: 'alice',
      keyId: Buffer.from(alice.keyId32).toString('hex'),
      id,
      opens: true,
      payloadBytes: [11, 9],
      payloads: ['two coffees', 'and a tea'],
    });
    const sizes = await run(['inspect', file, '--identity', bob.directory]);
    expect(sizes.stdout).toContain('payloadBytes   11, 9');
    expect(sizes.stdout).not.toContain('coffees');

    const closed = await run(['inspect', file, '--identity', carol.directory]);
    expect(closed.code).toBe(1);
    expect(closed.stdout).toMatch(/E_EPOCH: this identity holds no epoch 1|E_SENDER: this identity does not know/);

    const changed = Uint8Array.from(envelope);
    changed[envelope.length - 100]! ^= 1;
    writeFileSync(file, changed);
    const forged = await run(['inspect', file, '--identity', bob.directory]);
    expect(forged.code).toBe(1);
    expect(forged.stdout).toContain('E_SIG');
    await world.close();
  });

  test.each([
    ['', 'E_LENGTH'],
    ['not an envelope', 'E_LENGTH'],
    ['00'.repeat(300), 'E_ENCODING'],
    [`544402${'00'.repeat(300)}`, 'E_VERSION'],
  ])('what is none says why: %#', async (input, code) => {
    const found = await run(['inspect', '-'], input);
    expect(found).toMatchObject({ code: 1, stdout: '' });
    expect(found.stderr).toMatch(new RegExp(`^${code}: standard input holds no envelope: .*\n$`));
  });
});

describe('with a broker for development', { timeout: 120_000 }, () => {
  let dev: DevBroker | undefined;
  const children: ChildProcess[] = [];
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    await dev?.close();
    dev = undefined;
  });

  /** A subscriber that has subscribed. */
  async function subscriber(args: readonly string[]): Promise<{ child: ChildProcess; end: Promise<Ended> }> {
    const before = subs();
    const child = start(program, ['sub', ...args], dev!.env);
    children.push(child);
    const end = ended(child);
    await Promise.race([until(() => subs() > before), end]);
    return { child, end };
  }
  const subs = () => [...dev!.broker.links].filter(({ live, stored }) => live.size + stored.length > 0).length;

  test('sub and pub find it, enrol themselves, and need no option', async () => {
    dev = await DevBroker.start();
    const { end } = await subscriber(['orders/**', '--count', '3']);
    const published = await run(['pub', 'orders/new'], 'two coffees\nand a tea\nlast, without an end', dev.env);
    expect(published, published.stderr).toMatchObject({ code: 0, stdout: '', stderr: '' });
    expect(await end).toMatchObject({ code: 0, stdout: 'two coffees\nand a tea\nlast, without an end\n', stderr: '' });
    // Nothing is left of who came and went.
    expect(readdirSync(dev.directory).filter((name) => name.startsWith('member-'))).toEqual([]);
  });

  test('in JSON, with what a message says, and what became of it', async () => {
    dev = await DevBroker.start();
    const { end } = await subscriber(['a/*', '--json', '--count', '2', '--name', 'reader']);
    const file = join(root, 'bytes');
    writeFileSync(file, Uint8Array.of(0xff, 0x0a, 0x00));
    const published = await run(
      ['pub', 'a/b', file, '-', '--json', '--name', 'writer', '--durability', 'disk'],
      'as a\nwhole',
      dev.env,
    );
    expect(published.code, published.stderr).toBe(0);
    const receipts = published.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const messages = (await end).stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(messages[0]).toMatchObject({ topic: 'a/b', sender: 'writer', verdict: 'new', base64: '/woA' });
    expect(messages[1]).toMatchObject({ text: 'as a\nwhole', stale: false });
    expect(receipts.map(({ durability }) => durability)).toEqual(['disk', 'disk']);
    expect(new Set(messages.map(({ id }) => id))).toEqual(new Set(receipts.flatMap(({ ids }) => ids)));
  });

  test('a reader goes on where it was', async () => {
    dev = await DevBroker.start();
    const identity = join(dev.root, 'reader');
    await run(['pub', 't'], '1\n2\n3\n', dev.env);
    const first = await run(['sub', 't', '--from', 'cursor', '--identity', identity, '--count', '2'], '', dev.env);
    expect(first, first.stderr).toMatchObject({ code: 0, stdout: '1\n2\n' });
    const second = await run(['sub', 't', '--from', 'cursor', '--identity', identity, '--count', '3'], '', dev.env);
    // All three were one envelope, which was not done with.
    expect(second.stdout).toBe('1\n2\n3\n');
    await run(['pub', 't'], '4\n', dev.env);
    const third = await run(['sub', 't', '--from', 'cursor', '--identity', identity, '--count', '1'], '', dev.env);
    expect(third.stdout).toBe('4\n');
    const all = await run(['sub', 't', '--from', '1', '--identity', identity, '--count', '4'], '', dev.env);
    expect(all.stdout).toBe('1\n2\n3\n4\n');
  });

  test('who is refused after it has connected ends', async () => {
    dev = await DevBroker.start();
    writeDevWorld({ ...readDevWorld(dev.directory)!, adminSocket: join(dev.directory, 'none.sock') }, dev.directory);
    const found = await run(['pub', 't'], 'x\n', dev.env);
    expect(found).toMatchObject({ code: 1, stdout: '' });
    expect(found.stderr).toMatch(/^E_USAGE: socket .*none\.sock cannot be used: ENOENT\n$/);
    await until(() => dev!.broker.links.size === 0);
    expect(readdirSync(dev.directory).filter((name) => name.startsWith('member-'))).toEqual([]);
  });

  test('a signal ends it in order', async () => {
    dev = await DevBroker.start();
    const { child, end } = await subscriber(['x']);
    child.kill('SIGINT');
    expect(await end).toMatchObject({ code: 0, signal: null, stdout: '', stderr: '' });
    await until(() => dev!.broker.links.size === 0);
  });

  test('a reader of the output that goes away ends it quietly', async () => {
    dev = await DevBroker.start();
    const { child, end } = await subscriber(['x']);
    child.stdout!.destroy();
    for (let i = 0; i < 3; i++) await run(['pub', 'x'], `${i}\n`, dev.env);
    expect(await end).toMatchObject({ code: 0, signal: null, stderr: '' });
  });

  test('many lines go through, in their order', async () => {
    dev = await DevBroker.start();
    const lines = Array.from({ length: 20_000 }, (_, i) => `line ${i}`);
    const { end } = await subscriber(['many', '--count', '20000']);
    const published = await run(['pub', 'many', '--durability', 'none'], `${lines.join('\n')}\n`, dev.env);
    expect(published.code, published.stderr).toBe(0);
    expect((await end).stdout).toBe(`${lines.join('\n')}\n`);
  });

  test('a message that is too large fails with its code', async () => {
    dev = await DevBroker.start();
    const file = join(root, 'large');
    writeFileSync(file, new Uint8Array(1_000_000));
    const found = await run(['pub', 'x', file], '', dev.env);
    expect(found).toMatchObject({ code: 1, stdout: '', stderr: 'E_LIMIT: message of 1000000 bytes\n' });
  });
});
