import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { Identity, signingKeyOf, TridcommError } from '@tridcomm/core';
import { readSignRequest } from '../../src/authority/sign-request.ts';
import { runAuthority } from '../../src/cli/authority.ts';
import type { AuthorityIo } from '../../src/cli/authority-io.ts';
import { provider, settle, temporaryDirectory, TestBroker, TestClock } from '../authority/world.ts';

const brokerUrl = 'tls://b.example';
const keyOf = (seed: number) => signingKeyOf(provider, new Uint8Array(32).fill(seed));
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** What a command wrote, and its exit code. */
interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A terminal, or what a pipe gives; and the world round a command. */
class Shell {
  readonly cwd: string = temporaryDirectory();
  readonly clock = new TestClock();
  readonly brokers = new Map([
    [brokerUrl, new TestBroker('b', this.clock)],
    ['tls://c.example', new TestBroker('c', this.clock)],
  ]);
  env: Record<string, string> = {};

  async run(args: readonly string[], more: { stdin?: string; tty?: boolean; signal?: AbortSignal } = {}): Promise<Ran> {
    const [out, err]: [string[], string[]] = [[], []];
    const stdin = Object.assign(new PassThrough(), {
      isTTY: more.tty === true,
      setRawMode: (isRaw: boolean) => void err.push(isRaw ? '<raw>' : '<cooked>'),
    });
    if (more.stdin !== undefined) stdin.write(more.stdin);
    if (more.tty !== true) stdin.end();
    const io: AuthorityIo = {
      stdin,
      stdout: { write: (text) => void out.push(text) },
      stderr: { write: (text) => void err.push(text) },
      env: this.env,
      cwd: this.cwd,
      clock: this.clock,
      connectSink: (url, { authorityId32 }) => this.#broker(url).sink(authorityId32),
      connectSource: (url, { authorityId32 }) => this.#broker(url).source(authorityId32),
      ...(more.signal !== undefined && { signal: more.signal }),
    };
    const code = await runAuthority(args, io);
    return { code, out: out.join(''), err: err.join('') };
  }

  /** As {@link run}, and it must do what was asked for: what it says as JSON. */
  async json(...args: readonly string[]): Promise<Record<string, unknown>> {
    const { code, out, err } = await this.run([...args, '--json']);
    expect(code, `${args.join(' ')}: ${out}${err}`).toBe(0);
    return JSON.parse(out) as Record<string, unknown>;
  }

  /** A new authority under a key file. */
  async init(): Promise<Record<string, unknown>> {
    return await this.json('init', '--key-file', 'key');
  }

  /** Runs `serve` while something is done. */
  async serving(work: () => Promise<void>, ...args: readonly string[]): Promise<Ran> {
    const end = new AbortController();
    const words = ['serve', '--key-file', 'key', '--broker', brokerUrl, ...args];
    const served = this.run(words, { signal: end.signal });
    const socket = join(this.cwd, 'tridcomm-authority', 'admin.sock');
    for (let i = 0; i < 500 && !existsSync(socket); i++) await new Promise((resolve) => setTimeout(resolve, 10));
    try {
      await work();
    } finally {
      end.abort();
    }
    return await served;
  }

  #broker(url: string): TestBroker {
    const broker = this.brokers.get(url);
    if (broker === undefined) throw new TridcommError('E_USAGE', `address ${url}`);
    return broker;
  }
}

describe('help', () => {
  it('teaches each command by an example that is one', async () => {
    const shell = new Shell();
    const { code, out } = await shell.run(['--help']);
    expect(code).toBe(0);
    const names = [...out.matchAll(/^ {2}([a-z][a-z-]*) {2,}[a-z]/gm)].map(([, name]) => name!);
    expect(names).toEqual([
      'init',
      'serve',
      'issue',
      'key-record',
      'add-group',
      'remove-group',
      'grant',
      'withdraw',
      'revoke',
      'rotate',
      'certificate',
      'status',
      'restore',
    ]);
    for (const name of names) {
      const help = await shell.run([name, '--help']);
      expect(help.code).toBe(0);
      expect(help.out).toContain('Example\n  ');
      expect(help.out).toContain(`tridcomm authority ${name} `);
      expect(help.err).toBe('');
      // No colour, on whatever terminal.
      expect(help.out).not.toContain('\u001b');
      // Every option of the examples is one that the command has.
      for (const [line] of help.out.matchAll(/^ {2}tridcomm authority .*$/gm)) {
        for (const [, option] of line.matchAll(/ (--[a-z-]+)/g)) {
          const { err } = await shell.run([name, option!, '--unknown-option']);
          expect(err, line).not.toContain(`Unknown option '${option}'`);
        }
      }
    }
    expect((await shell.run([])).code).toBe(2);
    expect((await shell.run(['help'])).out).toBe(out);
  });
});

describe('a command line that is not understood', () => {
  const cases: readonly (readonly string[])[] = [
    ['destroy'],
    ['constructor'],
    ['init', '--passphrase', 'secret words here'],
    ['init', 'somewhere'],
    ['init', '--dir'],
    ['serve'],
    ['serve', '--broker', brokerUrl, 'x'],
    ['issue', '--name', 'a'],
    ['issue', '--public-key', '00'],
    ['issue', '--public-key', '00', '--name', 'a', '--days', '31'],
    ['issue', '--public-key', '00', '--name', 'a', '--days', 'x'],
    ['grant', '00', 'publish'],
    ['grant', '00', 'publish', 'a', '--until', 'whenever'],
    ['withdraw'],
    ['revoke'],
    ['revoke', 'a', 'b'],
    ['rotate'],
    ['add-group'],
    ['remove-group'],
    ['key-record'],
    ['certificate', '00'],
    ['status', 'now'],
    ['status', '--broker', brokerUrl],
    ['restore'],
    // No terminal, no file.
    ['init'],
  ];
  it.each(cases)('%s %s', async (...args) => {
    const shell = new Shell();
    const { code, out, err } = await shell.run(args.filter((one) => one !== undefined));
    expect(code).toBe(2);
    expect(out).toBe('');
    expect(err).toMatch(/^tridcomm: .*see tridcomm authority .*--help\n$/);
    expect(existsSync(join(shell.cwd, 'tridcomm-authority'))).toBe(false);
  });
});

describe('without serve', () => {
  it('makes an authority, and all that a first broker needs to be given', async () => {
    const shell = new Shell();
    const { authorityId, directory } = await shell.init();
    expect(directory).toBe(join(shell.cwd, 'tridcomm-authority'));
    expect(statSync(join(shell.cwd, 'key')).mode & 0o777).toBe(0o600);
    const again = await shell.run(['init', '--key-file', 'key', '--json']);
    expect(again.code).toBe(1);
    expect(JSON.parse(again.out)).toMatchObject({ error: { code: 'E_USAGE' } });
    const { groupId } = await shell.json('add-group', 'orders/**', 'invoices', '--kind', 'list', '--key-file', 'key');
    expect(groupId).toMatch(/^[0-9a-f]{32}$/);
    const stored = await shell.json('status', '--key-file', 'key');
    expect(stored).toMatchObject({ isRunning: false, isHandedOut: false, authorityId, principals: 1 });
    expect(stored['groups']).toMatchObject([{ groupId, patterns: ['orders/**', 'invoices'] }]);
    // Status begins no life.
    expect(await shell.json('status', '--key-file', 'key')).toEqual(stored);
    const text = await shell.run(['status', '--key-file', 'key']);
    expect(text.out).toContain(`not running\nauthority  ${String(authorityId)}\n`);
    expect(text.out).toContain('orders/**');
  });

  it('makes groups for what is to be done with them, and ends them', async () => {
    const shell = new Shell();
    await shell.init();
    const groupsNow = async () => (await shell.json('status', '--key-file', 'key'))['groups'];
    const { groupId } = await shell.json('add-group', 'jobs/a', '--purpose', 'front', '--key-file', 'key');
    await shell.json('add-group', 'ask', '--purpose', 'survey', '--key-file', 'key');
    expect(await groupsNow()).toMatchObject([
      { groupId, purpose: 'front', patterns: ['jobs/a'] },
      { purpose: 'survey', patterns: ['ask'] },
    ]);
    const text = await shell.run(['status', '--key-file', 'key']);
    expect(text.out).toMatch(/^group {6}[0-9a-f]{32} {2}front {2}epoch \d+ {2}jobs\/a$/m);
    for (const [args, sentence] of [
      [['add-group', 'jobs/**', '--purpose', 'front'], 'E_POLICY: a front or a group for surveys has whole topics'],
      [['add-group', 'x', '--purpose', 'pool'], 'E_USAGE: purpose: not one of pubSub, bus, survey, front'],
      [['remove-group', 'nothing'], 'E_USAGE: no group of this id or pattern'],
    ] as const) {
      const refused = await shell.run([...args, '--key-file', 'key']);
      expect(refused.code).toBe(1);
      expect(refused.err).toContain(sentence);
    }
    expect(await shell.json('remove-group', 'jobs/a', '--key-file', 'key')).toEqual({ groupId });
    expect(await groupsNow()).toMatchObject([{ purpose: 'survey' }]);
  });

  it.each([
    [['status']],
    [['serve', '--broker', brokerUrl]],
    [['add-group', 'orders/**']],
    [['status', '--key-file', 'key']],
  ])('%j says that there is none, before it asks for a passphrase', async (args) => {
    const shell = new Shell();
    const found = await shell.run(args, { tty: true });
    const where = join(shell.cwd, 'tridcomm-authority');
    expect(found).toMatchObject({ code: 1, out: '' });
    expect(found.err).toBe(
      `E_USAGE: there is no authority in ${where}: make one with tridcomm authority init, or say where it is with --dir\n`,
    );
  });

  it('asks for a signature in JSON where JSON is wanted', async () => {
    const shell = new Shell();
    await shell.init();
    const args = ['issue', '--public-key', hex(keyOf(1).publicKey32), '--name', 'alice', '--key-file', 'key', '--json'];
    const asked = await shell.run(args);
    expect(JSON.parse(asked.out.split('\n')[0]!)).toMatchObject({ request: expect.stringMatching(/^tdreq1\./) });
  });

  it('issues a record to who signs at once', async () => {
    const shell = new Shell();
    await shell.init();
    const alice = keyOf(1);
    const args = ['issue', '--public-key', hex(alice.publicKey32), '--name', 'alice', '--key-file', 'key'];
    const none = await shell.run(args);
    expect(none.code).toBe(2);
    expect(none.err).toContain('without `serve` it has to be entered here');
    // A terminal where somebody takes the request elsewhere and comes back.
    let written = '';
    const stdin = new PassThrough();
    const io: AuthorityIo = {
      stdin,
      stdout: {
        write: (text) => {
          written += text;
          if (!text.startsWith('tdreq1.')) return;
          const { signInput, record } = readSignRequest(provider, text);
          expect([record.name, record.notAfterMs - record.notBeforeMs]).toEqual(['alice', 7 * 86_400_000]);
          stdin.write(`${hex(alice.sign(signInput))}\nmore`);
        },
      },
      stderr: { write: () => {} },
      env: {},
      cwd: shell.cwd,
      clock: shell.clock,
      connectSink: () => expect.fail('no broker'),
      connectSource: () => expect.fail('no broker'),
    };
    expect(await runAuthority([...args, '--days', '7'], io)).toBe(0);
    expect(written).toContain(`key id     ${hex(alice.keyId32)}\n`);
    expect(await shell.json('status', '--key-file', 'key')).toMatchObject({ principals: 2 });
  });

  it('asks brokers once something was given to one, and says which have not got it', async () => {
    const shell = new Shell();
    await shell.init();
    await shell.serving(async () => {});
    const args = ['add-group', 'a', '--key-file', 'key'];
    const alone = await shell.run(args);
    expect(alone.code).toBe(1);
    expect(alone.err).toMatch(/^E_USAGE: .*1 of 2 sources.*no broker was asked/);
    await shell.json(...args, '--broker', brokerUrl);
    const broker = shell.brokers.get(brokerUrl)!;
    broker.isDown = true;
    const down = await shell.run([
      'add-group',
      'b',
      '--key-file',
      'key',
      '--broker',
      brokerUrl,
      '--accept-single-source',
    ]);
    expect(down).toMatchObject({ code: 0, err: 'tridcomm: b has not taken this yet; `serve` will see to it\n' });
    broker.isDown = false;
    const unknown = await shell.run([...args, '--broker', 'tls://nobody']);
    expect(unknown).toMatchObject({ code: 1, out: '' });
    expect(unknown.err).toContain('address tls://nobody');
  });

  it('goes on from a backup', async () => {
    const shell = new Shell();
    await shell.init();
    const state = join(shell.cwd, 'tridcomm-authority', 'authority.state');
    await shell.serving(async () => void (await shell.json('add-group', 'a')));
    copyFileSync(state, join(shell.cwd, 'backup'));
    const { keyId } = await serveAlice(shell);
    await shell.serving(async () => void (await shell.json('revoke', keyId)));
    await shell.clock.advance(120_000);
    const args = ['restore', '--backup', 'backup', '--key-file', 'key'];
    const refused = await shell.run([...args, '--json']);
    expect(refused.code).toBe(1);
    expect(JSON.parse(refused.out)).toMatchObject({ error: { code: 'E_USAGE' } });
    const restored = await shell.run([...args, '--broker', brokerUrl]);
    expect(restored).toMatchObject({ code: 0, err: '' });
    expect(restored.out).toMatch(/source {4}archive: head\nsource {4}b: head\nbroker {4}b: has it all\n/);
    expect(existsSync(`${state}.replaced`)).toBe(true);
    await shell.serving(async () => {
      const running = await shell.run(args);
      expect(running.code).toBe(1);
      expect(running.err).toContain('end `serve` first');
      const again = await shell.run(['issue', '--public-key', hex(keyOf(1).publicKey32), '--name', 'alice']);
      expect(again.err).toContain('E_REVOKED');
    });
  });
});

/** One life of `serve` in which alice is issued a record. */
async function serveAlice(shell: Shell): Promise<{ readonly keyId: string }> {
  let keyId = '';
  await shell.serving(async () => {
    const alice = keyOf(1);
    const asked = await shell.run(['issue', '--public-key', hex(alice.publicKey32), '--name', 'alice']);
    expect(asked.code).toBe(0);
    const request = asked.out.trim();
    const signature = hex(alice.sign(readSignRequest(provider, request).signInput));
    keyId = (await shell.json('issue', '--request', request, '--signature', signature))['keyId'] as string;
  });
  return { keyId };
}

describe('with serve', () => {
  it('does everything in the process that runs', async () => {
    const shell = new Shell();
    const { authorityId } = await shell.init();
    const enrolSocket = join(shell.cwd, 'enrol.sock');
    const served = await shell.serving(
      async () => {
        const alice = new Identity(
          provider,
          (n) => new Uint8Array(n).fill(9),
          new Uint8Array(32).fill(1),
          shell.clock.nowMs(),
          [new Uint8Array(32).fill(2)],
        );
        expect(statSync(enrolSocket).mode & 0o777).toBe(0o600);
        const publicKey = hex(alice.key.publicKey32);
        const asked = await shell.run([
          'issue',
          '--public-key',
          publicKey,
          '--name',
          'alice',
          '--role',
          'member',
          '--role',
          'broker',
        ]);
        expect(asked.code).toBe(0);
        expect(asked.err).toContain('Not issued yet');
        const { signInput, record, authorityId32 } = readSignRequest(provider, asked.out);
        expect([hex(authorityId32), record.name, record.roles]).toEqual([authorityId, 'alice', 3]);
        const signature = hex(alice.key.sign(signInput));
        const wrong = await shell.run(['issue', '--request', asked.out.trim(), '--signature', hex(new Uint8Array(64))]);
        expect(wrong.err).toContain('E_SIG');
        const { keyId } = await shell.json('issue', '--request', asked.out.trim(), '--signature', signature);
        expect(keyId).toBe(hex(alice.key.keyId32));
        const keys = alice.keyRecord(authorityId32, record.serial, shell.clock.nowMs());
        await shell.json('key-record', hex(keys));
        const { groupId } = await shell.json('add-group', 'orders/**');
        const right = [keyId as string, 'subscribe', 'orders/**'];
        await shell.json('grant', ...right, '--until', '2040-01-01T00:00:00Z', '--join', 'now');
        const before = await shell.json('status');
        expect(before).toMatchObject({ isRunning: true, authorityId, principals: 2, grants: 1 });
        expect(before['groups']).toMatchObject([{ groupId, waiting: 0 }]);
        expect(await shell.json('rotate', 'orders/**')).toEqual({ groupId });
        expect(await shell.json('rotate', groupId as string)).toEqual({ groupId });
        expect((await shell.run(['rotate', 'nothing'])).err).toContain('E_USAGE');
        await shell.json('add-group', 'kitchen/brew', 'kitchen/pay', '--purpose', 'front');
        const toRoute = [keyId as string, 'route', 'kitchen/brew'];
        await shell.json('grant', ...toRoute);
        expect(await shell.json('status')).toMatchObject({ grants: 2 });
        // Who works has to be let in to all topics of a front.
        expect((await shell.run(['grant', keyId as string, 'subscribe', 'kitchen/brew'])).err).toContain('E_POLICY');
        await shell.json('grant', keyId as string, 'subscribe', 'kitchen/**');
        await shell.json('withdraw', ...toRoute);
        await shell.json('remove-group', 'kitchen/brew');
        const { publicKey: tls } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
        writeFileSync(join(shell.cwd, 'tls.pub'), tls.export({ type: 'spki', format: 'pem' }));
        const pem = await shell.run([
          'certificate',
          keyId as string,
          '--public-key-file',
          'tls.pub',
          '--host',
          'localhost',
          '--host',
          '::1',
        ]);
        const [leaf, ca] = pem.out.split(/(?<=-----END CERTIFICATE-----\n)/).map((one) => new X509Certificate(one));
        expect(leaf!.verify(ca!.publicKey)).toBe(true);
        expect(leaf!.subjectAltName).toContain(`tdc:${String(keyId)}`);
        expect((await shell.run(['certificate', keyId as string, '--public-key-file', 'key'])).err).toContain(
          'no public key',
        );
        await settle();
        const text = await shell.run(['status']);
        expect(text.out).toMatch(
          /^running\nauthority {2}[0-9a-f]{64}\nhead {7}\d+\nprincipals 2, grants 1\ngroup {6}[0-9a-f]{32} {2}pubSub {2}epoch \d+ {2}orders\/\*\*\nbroker {5}b has the newest head\n$/,
        );
        await shell.json('withdraw', ...right);
        await shell.json('revoke', keyId as string);
        const refused = await shell.run(['revoke', keyId as string, '--json']);
        expect(refused).toMatchObject({ code: 1, err: '' });
        expect(JSON.parse(refused.out)).toMatchObject({ error: { code: 'E_REVOKED' } });
        const second = await shell.run(['serve', '--key-file', 'key', '--broker', brokerUrl]);
        expect(second).toMatchObject({ code: 1, out: '' });
      },
      '--enrol-socket',
      'enrol.sock',
      '--json',
    );
    expect(served.code).toBe(0);
    expect(served.err).toBe('');
    expect(JSON.parse(served.out)).toMatchObject({ authorityId });
    expect(existsSync(join(shell.cwd, 'tridcomm-authority', 'admin.sock'))).toBe(false);
    expect(existsSync(enrolSocket)).toBe(false);
  });

  it('says when a broker falls behind, and ends when its state is taken', async () => {
    const shell = new Shell();
    await shell.init();
    const broker = shell.brokers.get(brokerUrl)!;
    const directory = join(shell.cwd, 'tridcomm-authority');
    const served = await shell.serving(async () => {
      broker.isDown = true;
      await shell.clock.advance(21_000);
      const { out } = await shell.run(['status']);
      expect(out).toMatch(/broker {5}b is behind, at head \d+, E_TRANSPORT/);
      broker.isDown = false;
      await shell.clock.advance(61_000);
      writeFileSync(join(directory, 'lock.other'), 'of another');
      copyFileSync(join(directory, 'lock.other'), join(directory, 'lock.new'));
      const { renameSync } = await import('node:fs');
      renameSync(join(directory, 'lock.new'), join(directory, 'lock'));
      await shell.clock.advance(21_000);
    });
    expect(served.code).toBe(1);
    expect(served.err).toMatch(/b has not taken what was published: E_TRANSPORT/);
    expect(served.err).toMatch(/b has everything again, up to head \d+/);
    expect(served.err).toMatch(/another process has taken the state/);
  });
});

describe('the passphrase', { timeout: 120_000 }, () => {
  it('is typed twice at a terminal, and shown nowhere', async () => {
    const shell = new Shell();
    const passphrase = 'correct horse b\u00e4tt';
    // With a letter too many, taken back, and one beyond ASCII.
    const typed = `${passphrase}\u00e9\u007fery\r${passphrase}ery\r`;
    const made = await shell.run(['init'], { tty: true, stdin: typed });
    expect(made).toMatchObject({ code: 0 });
    expect(made.err).toBe('New passphrase of the authority: <raw><cooked>\nOnce more: <raw><cooked>\n');
    expect(made.out + made.err).not.toContain('horse');
    const right = await shell.run(['status'], { tty: true, stdin: `${passphrase}ery\n` });
    expect(right.code).toBe(0);
    const wrong = await shell.run(['status', '--json'], { tty: true, stdin: 'battery horse correct\r' });
    expect(wrong.code).toBe(1);
    expect(JSON.parse(wrong.out)).toMatchObject({ error: { code: 'E_KEY' } });
    writeFileSync(join(shell.cwd, 'passphrase'), `${passphrase}ery\n`, { mode: 0o600 });
    shell.env = { TRIDCOMM_PASSPHRASE_FILE: 'passphrase' };
    expect((await shell.run(['status'])).code).toBe(0);
    chmodSync(join(shell.cwd, 'passphrase'), 0o644);
    expect((await shell.run(['status'])).err).toContain('open to others');
    const both = await shell.run(['status', '--key-file', 'passphrase']);
    expect(both.code).toBe(2);
    const state = readFileSync(join(shell.cwd, 'tridcomm-authority', 'authority.state'));
    expect(state.includes('horse')).toBe(false);
  });

  it('is refused where it is short, typed in two ways, or broken off', async () => {
    const shell = new Shell();
    for (const [stdin, message] of [
      ['short\r', 'at least 12 characters'],
      ['\r', 'empty passphrase'],
      ['correct horse battery\rcorrect horse batterie\r', 'not the same'],
      ['correct\u0003', 'no passphrase was given'],
      ['\u0004', 'no passphrase was given'],
    ] as const) {
      const { code, err } = await shell.run(['init'], { tty: true, stdin });
      expect(code, message).toBeGreaterThan(0);
      expect(err).toContain(message);
      expect(err.split('<raw>').length).toBe(err.split('<cooked>').length);
    }
    expect(existsSync(join(shell.cwd, 'tridcomm-authority'))).toBe(false);
  });
});
