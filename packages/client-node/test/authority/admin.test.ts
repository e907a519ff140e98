import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { decodeBundle, Identity, signingKeyOf } from '@tridcomm/core';
import { AdminClient, AdminRefusal } from '../../src/authority/admin-client.ts';
import type { AdminScope } from '../../src/authority/admin-protocol.ts';
import { AdminServer } from '../../src/authority/admin-server.ts';
import { AuthorityService } from '../../src/authority/service.ts';
import { readSignRequest } from '../../src/authority/sign-request.ts';
import { codeOf, provider, temporaryDirectory, TestBroker, TestClock } from './world.ts';

interface Place {
  readonly service: AuthorityService;
  readonly server: AdminServer;
  readonly path: string;
  readonly faults: unknown[];
  readonly clock: TestClock;
}

async function listen(scope: AdminScope = 'admin'): Promise<Place> {
  const clock = new TestClock();
  const broker = new TestBroker('b', clock);
  const service = AuthorityService.inMemory({
    clock,
    connect: ({ authorityId32 }) => ({ sinks: [broker.sink(authorityId32)], sources: [] }),
  });
  const path = join(temporaryDirectory(), 'admin.sock');
  const faults: unknown[] = [];
  const server = await AdminServer.listen(service, path, scope, (error) => faults.push(error));
  onTestFinished(async () => {
    await server.close();
    await service.close();
  });
  return { service, server, path, faults, clock };
}

async function connectTo(path: string): Promise<AdminClient> {
  const client = await AdminClient.connect(path);
  onTestFinished(() => client.close());
  return client;
}

/** What a request is refused with; undefined where it is not. */
async function refusalOf(answer: Promise<unknown>): Promise<string | undefined> {
  try {
    await answer;
    return undefined;
  } catch (error) {
    if (error instanceof AdminRefusal) return error.code;
    throw error;
  }
}

/** Sends bytes as they are, then ends; all that comes back until the other side ends too. */
async function exchange(path: string, ...chunks: readonly (string | Uint8Array)[]): Promise<unknown[]> {
  const socket = connect(path);
  const received: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => received.push(chunk));
  socket.on('error', () => {});
  const over = new Promise((resolve) => socket.on('close', resolve));
  for (const chunk of chunks) {
    await new Promise((resolve) => socket.write(chunk, resolve));
    await new Promise((resolve) => setImmediate(resolve));
  }
  socket.end();
  await over;
  const lines = Buffer.concat(received).toString('utf8').split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line) as unknown);
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const keyOf = (seed: number) => signingKeyOf(provider, new Uint8Array(32).fill(seed));

async function enrol(client: AdminClient, seed: number, name: string): Promise<string> {
  const key = keyOf(seed);
  const { request } = await client.request('propose', { publicKey: hex(key.publicKey32), name });
  const { signInput } = readSignRequest(provider, request as string);
  const { keyId } = await client.request('enrol', { request, signature: hex(key.sign(signInput)) });
  expect(keyId).toBe(hex(key.keyId32));
  return keyId as string;
}

describe('the admin socket', () => {
  it('does all that an authority is for', async () => {
    const { path, service, clock } = await listen();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const client = await connectTo(path);
    const { groupId } = await client.request('addGroup', {
      patterns: ['orders/**'],
      epochLifeMs: 60_000,
      kind: 'list',
    });
    const random = (length: number) => new Uint8Array(length).fill(9);
    const alice = new Identity(provider, random, new Uint8Array(32).fill(1), clock.nowMs(), [
      new Uint8Array(32).fill(2),
    ]);
    const keyId = await enrol(client, 1, 'alice');
    const record = alice.keyRecord(service.authorityId32, 1, clock.nowMs());
    expect(await client.request('keyRecord', { record: hex(record) })).toEqual({});
    const right = { keyId, action: 'subscribe', pattern: 'orders/**' };
    await client.request('grant', { ...right, join: 'now', notAfterMs: clock.nowMs() + 60_000 });
    const before = await client.request('status');
    expect(before).toMatchObject({
      authorityId: hex(service.authorityId32),
      principals: 2,
      grants: 1,
      isUnwritten: false,
      groups: [{ groupId, patterns: ['orders/**'], waiting: 0 }],
    });
    await client.request('rotate', { groupId });
    const after = await client.request('status');
    const epochOf = (status: Record<string, unknown>) => (status['groups'] as { epoch: number }[])[0]!.epoch;
    expect(epochOf(after)).toBe(epochOf(before) + 1);
    await client.request('withdraw', right);
    expect(await refusalOf(client.request('withdraw', right))).toBe('E_USAGE');
    await client.request('revoke', { keyId });
    expect(await refusalOf(client.request('revoke', { keyId }))).toBe('E_REVOKED');
    const { bundle, count, index } = await client.request('bundle');
    expect([count, index]).toEqual([1, 0]);
    const objects = decodeBundle(new Uint8Array(Buffer.from(bundle as string, 'base64')));
    expect(objects.length).toBeGreaterThan(5);
    expect(await refusalOf(client.request('bundle', { index: 1 }))).toBe('E_USAGE');
  });

  it('principals.19: lets somebody route in a pool, and nowhere else', async () => {
    const { path, service, clock } = await listen();
    const client = await connectTo(path);
    await client.request('addGroup', { patterns: ['jobs/a', 'jobs/b'], purpose: 'front' });
    await client.request('addGroup', { patterns: ['orders/**'] });
    const keyId = await enrol(client, 1, 'ruth');
    const random = (length: number) => new Uint8Array(length).fill(9);
    const ruth = new Identity(provider, random, new Uint8Array(32).fill(1), clock.nowMs(), [
      new Uint8Array(32).fill(2),
    ]);
    await client.request('keyRecord', { record: hex(ruth.keyRecord(service.authorityId32, 1, clock.nowMs())) });
    const right = { keyId, action: 'route', pattern: 'jobs/b' };
    expect(await client.request('grant', { ...right, join: 'now' })).toEqual({});
    expect(await client.request('status')).toMatchObject({ grants: 1 });
    expect(await refusalOf(client.request('grant', { ...right, pattern: 'orders/**' }))).toBe('E_POLICY');
    expect(await refusalOf(client.request('grant', { ...right, action: 'respond' }))).toBe('E_USAGE');
    await client.request('withdraw', right);
    expect(await client.request('status')).toMatchObject({ grants: 0 });
  });

  it('adds a pool, tells of it as of one group, and ends it', async () => {
    const { path, service } = await listen();
    const client = await connectTo(path);
    const groupsNow = async () => (await client.request('status'))['groups'];
    const { groupId } = await client.request('addGroup', { patterns: ['jobs/a', 'jobs/b'], purpose: 'front' });
    const { groupId: busId } = await client.request('addGroup', { patterns: ['bus/**'], purpose: 'bus' });
    const [, ...others] = service.memory().groups;
    expect(others).toHaveLength(2);
    expect(await groupsNow()).toEqual([
      { groupId, purpose: 'front', patterns: ['jobs/a', 'jobs/b'], generation: 1, epoch: 1, waiting: 0 },
      { groupId: busId, purpose: 'bus', patterns: ['bus/**'], generation: 1, epoch: 1, waiting: 0 },
    ]);
    await client.request('rotate', { groupId });
    expect(service.memory().groups.map(({ epoch }) => epoch)).toEqual([2, 2, 1]);
    await client.request('removeGroup', { groupId });
    expect(await groupsNow()).toMatchObject([{ groupId: busId }]);
    expect(await refusalOf(client.request('removeGroup', { groupId }))).toBe('E_USAGE');
    await client.request('addGroup', { patterns: ['jobs/a'], purpose: 'survey' });
  });

  it('answers in order, whoever asks at once', async () => {
    const { path } = await listen();
    const clients = await Promise.all(Array.from({ length: 8 }, () => connectTo(path)));
    const answers = clients.flatMap((client, i) => {
      return Array.from({ length: 20 }, (_, j) => client.request('addGroup', { patterns: [`topic/${i}/${j}`] }));
    });
    const ids = (await Promise.all(answers)).map(({ groupId }) => groupId);
    expect(new Set(ids).size).toBe(160);
    const lines = Array.from({ length: 50 }, (_, i) => `{"id":${i},"op":"status"}\n`).join('');
    // However the bytes are cut.
    const cut = lines.match(/[^]{1,700}/g)!;
    expect((await exchange(path, ...cut)).map((answer) => (answer as { id: number }).id)).toEqual(
      Array.from({ length: 50 }, (_, i) => i),
    );
  });

  const good = '"op":"grant","action":"publish","pattern":"a"';
  const cases: readonly (readonly [string, string | Uint8Array, unknown, string])[] = [
    ['no JSON', 'hello', null, 'E_ENCODING'],
    ['an empty line', '', null, 'E_ENCODING'],
    ['half a value', '{"id":1', null, 'E_ENCODING'],
    ['no UTF-8', Uint8Array.of(0x22, 0xff, 0x22), null, 'E_ENCODING'],
    ['null', 'null', null, 'E_ENCODING'],
    ['a number', '5', null, 'E_ENCODING'],
    ['a list', '[{"id":1,"op":"status"}]', null, 'E_ENCODING'],
    ['no id', '{"op":"status"}', null, 'E_USAGE'],
    ['an id that is no id', '{"id":{},"op":"status"}', null, 'E_USAGE'],
    ['an id of half', '{"id":1.5,"op":"status"}', null, 'E_USAGE'],
    ['an id that is too long', `{"id":"${'x'.repeat(65)}","op":"status"}`, null, 'E_USAGE'],
    ['no operation', '{"id":1}', 1, 'E_USAGE'],
    ['an operation that is no text', '{"id":1,"op":["status"]}', 1, 'E_USAGE'],
    ['an unknown operation', '{"id":"a","op":"destroy"}', 'a', 'E_USAGE'],
    ['an operation of every object', '{"id":1,"op":"constructor"}', 1, 'E_USAGE'],
    ['an argument of none', '{"id":1,"op":"status","deep":true}', 1, 'E_USAGE'],
    ['a prototype', '{"id":1,"op":"status","__proto__":{"admin":true}}', 1, 'E_USAGE'],
    ['no key id', `{"id":1,${good}}`, 1, 'E_USAGE'],
    ['a key id that is a number', `{"id":1,${good},"keyId":5}`, 1, 'E_USAGE'],
    ['a key id that is no hex', `{"id":1,${good},"keyId":"${'zz'.repeat(32)}"}`, 1, 'E_USAGE'],
    ['a key id that is short', `{"id":1,${good},"keyId":"${'00'.repeat(31)}"}`, 1, 'E_USAGE'],
    ['a key id of nobody', `{"id":1,${good},"keyId":"${'00'.repeat(32)}"}`, 1, 'E_SENDER'],
    ['an action that is none', '{"id":1,"op":"withdraw","action":"own","pattern":"a","keyId":"00"}', 1, 'E_USAGE'],
    ['a time that is text', `{"id":1,${good},"keyId":"${'00'.repeat(32)}","notAfterMs":"tomorrow"}`, 1, 'E_USAGE'],
    ['a time below 0', `{"id":1,${good},"keyId":"${'00'.repeat(32)}","notAfterMs":-1}`, 1, 'E_USAGE'],
    ['a join that is none', `{"id":1,${good},"keyId":"${'00'.repeat(32)}","join":"never"}`, 1, 'E_USAGE'],
    [
      'a public key that must not be used',
      `{"id":1,"op":"propose","name":"a","publicKey":"${'00'.repeat(32)}"}`,
      1,
      'E_KEY',
    ],
    [
      'a role that is none',
      `{"id":1,"op":"propose","name":"a","roles":["king"],"publicKey":"${hex(keyOf(1).publicKey32)}"}`,
      1,
      'E_USAGE',
    ],
    [
      'roles that are text',
      `{"id":1,"op":"propose","name":"a","roles":"member","publicKey":"${hex(keyOf(1).publicKey32)}"}`,
      1,
      'E_USAGE',
    ],
    [
      'a name that is too long',
      `{"id":1,"op":"propose","name":"${'x'.repeat(256)}","publicKey":"${hex(keyOf(1).publicKey32)}"}`,
      1,
      'E_LIMIT',
    ],
    ['a request that is none', `{"id":1,"op":"enrol","request":"x","signature":"${'00'.repeat(64)}"}`, 1, 'E_ENCODING'],
    ['a signature that is short', `{"id":1,"op":"enrol","request":"x","signature":"${'00'.repeat(63)}"}`, 1, 'E_USAGE'],
    ['a record that is none', '{"id":1,"op":"keyRecord","record":"00"}', 1, 'E_LENGTH'],
    ['a group of nobody', `{"id":1,"op":"rotate","groupId":"${'00'.repeat(16)}"}`, 1, 'E_USAGE'],
    ['a group without patterns', '{"id":1,"op":"addGroup","patterns":[]}', 1, 'E_USAGE'],
    ['patterns that are numbers', '{"id":1,"op":"addGroup","patterns":[1]}', 1, 'E_USAGE'],
    ['a pattern that is none', '{"id":1,"op":"addGroup","patterns":["a//b"]}', 1, 'E_ENCODING'],
    ['a kind that is none', '{"id":1,"op":"addGroup","patterns":["a"],"kind":"toString"}', 1, 'E_USAGE'],
    ['a purpose that is none', '{"id":1,"op":"addGroup","patterns":["a"],"purpose":"crew"}', 1, 'E_USAGE'],
    ['a pool without whole topics', '{"id":1,"op":"addGroup","patterns":["a/**"],"purpose":"front"}', 1, 'E_POLICY'],
    ['the end of no group', `{"id":1,"op":"removeGroup","groupId":"${'00'.repeat(16)}"}`, 1, 'E_USAGE'],
    ['an epoch that is too long', '{"id":1,"op":"addGroup","patterns":["a"],"epochLifeMs":9999999999}', 1, 'E_LIMIT'],
    ['a flag that is a number', '{"id":1,"op":"addGroup","patterns":["a"],"staleOk":1}', 1, 'E_USAGE'],
    [
      'a certificate of nobody',
      `{"id":1,"op":"tlsCertificate","keyId":"${'00'.repeat(32)}","publicKey":"00"}`,
      1,
      'E_SENDER',
    ],
  ];
  it.each(cases)('refuses %s', async (_, line, id, code) => {
    const { path, service, faults } = await listen();
    const { headSeq, principals, grants } = service.status();
    const wanted = { id, error: { code, message: expect.stringContaining(code) as unknown } };
    const bytes = typeof line === 'string' ? Buffer.from(line) : line;
    // And goes on answering.
    const answers = await exchange(path, bytes, '\n', '{"id":2,"op":"status"}\n');
    expect(answers).toEqual([wanted, { id: 2, result: expect.anything() as unknown }]);
    expect(service.status()).toMatchObject({ headSeq, principals, grants });
    expect(faults).toEqual([]);
  });

  it('ends a connection with a line that is too long, and serves the others', async () => {
    const { path } = await listen();
    const client = await connectTo(path);
    const tooLong = { id: null, error: { code: 'E_LIMIT', message: expect.any(String) as unknown } };
    const padded = (length: number) => `{"id":1,"op":"status"}${' '.repeat(length - 22)}\n`;
    expect(await exchange(path, padded(65_536))).toEqual([{ id: 1, result: expect.anything() as unknown }]);
    expect(await exchange(path, padded(65_537))).toEqual([tooLong]);
    // Without an end.
    expect(await exchange(path, 'x'.repeat(70_000))).toEqual([tooLong]);
    // Who goes on sending may not hear of it any more, but is cut off.
    const deaf = await exchange(path, padded(65_537), ...Array.from({ length: 300 }, () => '{"id":1,"op":"status"}\n'));
    expect([[], [tooLong]]).toContainEqual(deaf);
    expect(await client.request('status')).toBeTruthy();
    // The client does not even send it.
    expect(await codeOf(() => client.request('status', { filler: 'x'.repeat(70_000) }))).toBe('E_LIMIT');
    expect(await client.request('status')).toBeTruthy();
  });

  it('answers who sends all and ends, and takes it when somebody breaks off', async () => {
    const { path, service } = await listen();
    expect(await exchange(path, '{"id":1,"op":"status"}\n{"id":2,"op":"bundle"}\n')).toHaveLength(2);
    // What has no end is no request.
    expect(await exchange(path, '{"id":1,"op":"bundle"}')).toEqual([]);
    const { headSeq } = service.status();
    for (let i = 0; i < 20; i++) {
      const socket = connect(path);
      socket.on('error', () => {});
      socket.write('{"id":1,"op":"bundle"}\n{"id":1,"op":"bundle"}\n{"id":1');
      await new Promise((resolve) => setImmediate(resolve));
      socket.destroy();
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(service.status().headSeq).toBeGreaterThanOrEqual(headSeq);
    expect(await exchange(path, '{"id":1,"op":"status"}\n')).toHaveLength(1);
  });

  it('says nothing of faults of its own', async () => {
    const { path, service, faults } = await listen();
    const secret = new Error('seed 1234');
    service.perform = () => {
      throw secret;
    };
    const client = await connectTo(path);
    const answer = client.request('revoke', { keyId: '00'.repeat(32) });
    await expect(answer).rejects.toMatchObject({
      code: 'E_INTERNAL',
      message: expect.not.stringContaining('1234') as unknown,
    });
    expect(faults).toEqual([secret]);
  });

  it('is told apart from a connection that ends', async () => {
    const { path, server } = await listen();
    const client = await connectTo(path);
    await client.request('status');
    await server.close();
    expect(existsSync(path)).toBe(false);
    expect(await codeOf(() => client.request('status'))).toMatch(/E_CLOSED|E_TRANSPORT/);
    expect(await codeOf(() => AdminClient.connect(path))).toBe('E_USAGE');
  });

  it('is refused an authority that makes no sense', async () => {
    const path = join(temporaryDirectory(), 's');
    for (const [answer, code] of [
      ['nonsense\n', 'E_TRANSPORT'],
      ['{"id":null}\n', 'E_TRANSPORT'],
      ['', 'E_TRANSPORT'],
    ] as const) {
      const server = createServer((socket) => {
        socket.on('error', () => {});
        socket.once('data', () => socket.end(answer));
      });
      await new Promise<void>((resolve) => server.listen(path, resolve));
      const client = await AdminClient.connect(path);
      expect(await codeOf(() => client.request('status'))).toBe(code);
      client.close();
      await new Promise((resolve) => server.close(resolve));
    }
  });
});

describe('the enrol socket', () => {
  it('is for principals that enrol themselves, as members', async () => {
    const { path, service } = await listen('enrol');
    const client = await connectTo(path);
    await enrol(client, 1, 'alice');
    // Her own key renews the name; another one does not get it, also where both asked before either had it.
    await enrol(client, 1, 'alice');
    const others = { publicKey: hex(keyOf(3).publicKey32), name: 'carol' };
    const { request } = await client.request('propose', others);
    await enrol(client, 4, 'carol');
    const { signInput } = readSignRequest(provider, request as string);
    const signature = hex(keyOf(3).sign(signInput));
    expect(await refusalOf(client.request('enrol', { request, signature }))).toBe('E_POLICY');
    expect(await refusalOf(client.request('propose', { ...others, name: 'alice' }))).toBe('E_POLICY');
    expect(await client.request('status')).toMatchObject({ authorityId: hex(service.authorityId32) });
    const publicKey = hex(keyOf(2).publicKey32);
    for (const more of [{ roles: ['broker'] }, { roles: ['member'] }, { tenant: 't' }]) {
      expect(await refusalOf(client.request('propose', { publicKey, name: 'b', ...more }))).toBe('E_POLICY');
    }
    const keyId = hex(keyOf(1).keyId32);
    for (const op of ['grant', 'withdraw', 'revoke', 'rotate', 'addGroup', 'removeGroup', 'bundle', 'tlsCertificate']) {
      expect(await refusalOf(client.request(op, { keyId })), op).toBe('E_POLICY');
    }
    expect(await refusalOf(client.request('nothing'))).toBe('E_USAGE');
    expect(await refusalOf(client.request('keyRecord', { record: '00' }))).toBe('E_LENGTH');
  });
});

describe('a socket', () => {
  it('is for one user, one process, and a path that fits', async () => {
    const { path, service } = await listen();
    const directory = temporaryDirectory();
    for (const mode of [0o750, 0o701, 0o770]) {
      chmodSync(directory, mode);
      expect(await codeOf(() => AdminServer.listen(service, join(directory, 's'), 'admin'))).toBe('E_USAGE');
    }
    chmodSync(directory, 0o700);
    expect(existsSync(join(directory, 's'))).toBe(false);
    expect(await codeOf(() => AdminServer.listen(service, path, 'admin'))).toBe('E_USAGE');
    expect(await codeOf(() => AdminServer.listen(service, join(directory, 'x'.repeat(100)), 'admin'))).toBe('E_USAGE');
    expect(await codeOf(() => AdminClient.connect(join(directory, 'x'.repeat(100))))).toBe('E_USAGE');
    expect(await codeOf(() => AdminServer.listen(service, join(directory, 'none', 's'), 'admin'))).toBe('E_USAGE');
    writeFileSync(join(directory, 'file'), 'kept');
    expect(await codeOf(() => AdminServer.listen(service, join(directory, 'file'), 'admin'))).toBe('E_USAGE');
    expect(statSync(join(directory, 'file')).size).toBe(4);
    mkdirSync(join(directory, 'd'));
    expect(await codeOf(() => AdminServer.listen(service, join(directory, 'd'), 'admin'))).toBe('E_USAGE');
    // The first one still answers.
    const client = await connectTo(path);
    expect(await client.request('status')).toBeTruthy();
  });

  it('that a killed process left is taken over', async () => {
    const { service } = await listen();
    const path = join(temporaryDirectory(), 's');
    const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
    expect(() => execFileSync(process.execPath, ['-e', script], { stdio: 'ignore' })).toThrow();
    expect(statSync(path).isSocket()).toBe(true);
    const server = await AdminServer.listen(service, path, 'admin');
    const client = await AdminClient.connect(path);
    expect(await client.request('status')).toBeTruthy();
    client.close();
    await server.close();
    expect(existsSync(path)).toBe(false);
  });
});
