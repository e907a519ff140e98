import { existsSync, mkdirSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { addressTypes, Authority, Identity, MemoryStore, TridcommError } from '@tridcomm/core';
import { nodeProvider } from '@tridcomm/core/node';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connect } from '../../src/client/connect.ts';
import { random } from '../../src/client/random.ts';
import { Connection } from '../../src/client/connection.ts';
import { FileStore } from '../../src/store/file-store.ts';
import { names, ownRecordOf } from '../../src/store/identity-store.ts';
import { texts, until, World, type Member } from '../world.ts';

let world: World;
let alice: Member;
beforeEach(async () => {
  world = await World.create();
  alice = world.member('alice');
});
afterEach(async () => world.close());

/** Code and sentence of a refusal. */
async function refusal(promise: Promise<unknown>): Promise<[string, string]> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof TridcommError) return [error.code, error.message];
    throw error;
  }
  return ['nothing thrown', ''];
}

/** A server on a port of this machine that treats connections in its own way. */
async function serverOf(serve: (socket: Socket) => void): Promise<{ port: number; close: () => void }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { port: (server.address() as AddressInfo).port, close };
}

describe('each failure says what to do', () => {
  test('nobody listens', async () => {
    await world.broker.close();
    const [code, says] = await refusal(world.connect(alice));
    expect(code).toBe('E_TRANSPORT');
    expect(says).toContain(`${world.address}: nothing listens there: start the broker`);
  });

  test('no such socket', async () => {
    const [code, says] = await refusal(world.connect(alice, {}, 'unix:/nowhere/at.all'));
    expect(code).toBe('E_TRANSPORT');
    expect(says).toContain('there is no such socket');
  });

  test('no such host', async () => {
    const [code, says] = await refusal(world.connect(alice, {}, 'noise://no-such-host.invalid'));
    expect(code).toBe('E_TRANSPORT');
    expect(says).toMatch(/no such host|cannot be looked up/);
  });

  test('link.11: another name', async () => {
    const [code, says] = await refusal(world.connect(alice, { brokerName: 'elsewhere.example' }));
    expect(code).toBe('E_HANDSHAKE');
    expect(says).toContain('the peer has another name');
    expect(says).toContain('brokerName');
  });

  test('link.3: another authority', async () => {
    const other = Authority.create({ provider: nodeProvider, random, publish: () => {} }, Date.now());
    const authorityId = Buffer.from(other.authorityId32).toString('hex');
    const { directory } = alice;
    const identity = Identity.restore(nodeProvider, random, readIdentity(directory));
    const store = new MemoryStore();
    store.put(names.identity, identity.export());
    store.put(names.record, other.issue(identity.key, { name: 'alice' }, Date.now()));
    const [code, says] = await refusal(connect(world.address, { identity: store, authorityId, brokerName: 'broker' }));
    expect(code).toBe('E_HANDSHAKE');
    expect(says).toContain('a broker does not say why it refuses');
  });

  test('link.23: an identity that is revoked', async () => {
    world.authority.revoke(alice.keyId32, Date.now());
    world.broker.isRevoked = () => true;
    const [code, says] = await refusal(world.connect(alice));
    // The broker's link is open to the client before the broker has seen who it is.
    if (code !== 'nothing thrown') expect([code, says.includes('enrolled')]).toEqual(['E_HANDSHAKE', true]);
    await until(() => world.broker.errors.some((error) => (error as TridcommError).code === 'E_REVOKED'));
  });

  test('link.8: a server that says nothing', async () => {
    const server = await serverOf(() => {});
    const [code, says] = await refusal(world.connect(alice, {}, `noise://127.0.0.1:${server.port}`));
    expect(code).toBe('E_TRANSPORT');
    expect(says).toContain('no link within 5000 ms');
    server.close();
  });

  test.each([
    ['another protocol', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['a web server', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
  ])('%s', async (_name, banner) => {
    const server = await serverOf((socket) => socket.write(banner));
    const [code, says] = await refusal(world.connect(alice, {}, `noise://127.0.0.1:${server.port}`));
    expect(code).toBe('E_ENCODING');
    expect(says).toContain('check scheme and port');
    server.close();
  });

  test('a server that hangs up', async () => {
    const server = await serverOf((socket) => socket.end());
    const [code, says] = await refusal(world.connect(alice, {}, `noise://127.0.0.1:${server.port}`));
    expect(code).toBe('E_HANDSHAKE');
    expect(says).toContain('a broker does not say why it refuses');
    server.close();
  });

  test('an identity that is not there, is in use, or was never enrolled', async () => {
    const missing = { ...alice, directory: join(world.directory, 'missing') };
    expect((await refusal(world.connect(missing)))[1]).toContain('there is no identity');
    expect(existsSync(missing.directory)).toBe(false);
    mkdirSync(missing.directory, { mode: 0o700 });
    const authorityId = '00'.repeat(32);
    expect((await refusal(world.connect(missing, { authorityId })))[1]).toContain('holds no identity');
    await world.connect(alice);
    expect((await refusal(world.connect(alice)))[1]).toContain(`process ${process.pid} uses this directory`);
    const store = new MemoryStore();
    store.put(names.identity, Identity.create(nodeProvider, random, Date.now()).export());
    const [code, says] = await refusal(connect(world.address, { identity: store, authorityId }));
    expect([code, says.includes('enrol it first')]).toEqual(['E_USAGE', true]);
  });

  test.each([
    [{ authorityId: '12' }, '64 hex digits'],
    [{ authorityId: new Uint8Array(31) }, '31 bytes'],
    [{ windowBytes: 1_000 }, 'windowBytes'],
    [{ lingerMs: -1 }, 'lingerMs'],
  ])('options %j', async (options, says) => {
    const [code, message] = await refusal(world.connect(alice, options));
    expect([code, message.includes(says)]).toEqual(['E_USAGE', true]);
    // The identity is free again.
    FileStore.open(alice.directory).close();
  });

  test('a failure leaves the identity free', async () => {
    await refusal(world.connect(alice, { brokerName: 'other' }));
    await world.connect(alice);
  });
});

test('a signal gives up connecting, with its reason, and closes who is connected', async () => {
  const reason = new Error('enough');
  const server = await serverOf(() => {});
  const stop = new AbortController();
  setTimeout(() => stop.abort(reason), 100);
  const address = `noise://127.0.0.1:${server.port}`;
  await expect(world.connect(alice, { signal: stop.signal }, address)).rejects.toBe(reason);
  await expect(world.connect(alice, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  server.close();
  const later = new AbortController();
  const client = await world.connect(alice, { signal: later.signal });
  later.abort();
  await until(() => !client.isOpen);
  await until(() => world.statuses.get(client)!.some(({ type }) => type === 'closed'));
  await world.connect(alice);
});

test('a store of the caller stays open', async () => {
  const store = FileStore.open(alice.directory);
  const client = await connect(world.address, { identity: store, brokerName: 'broker' });
  await client.close();
  store.put('still', Uint8Array.of(1));
  store.close();
});

test('await using ends a client', async () => {
  {
    await using client = await world.connect(alice);
    expect(client.isOpen).toBe(true);
  }
  FileStore.open(alice.directory).close();
});

test('over a local socket, as localhost', async () => {
  const path = join(world.directory, 's');
  await world.broker.listen(path);
  await refusal(world.connect(alice, {}, `unix:${path}`)).then(([code]) => expect(code).toBe('nothing thrown'));
});

test('it comes back by itself, with what it asked for', async () => {
  const bob = world.member('bob');
  world.group('t');
  world.allow('t', 'publish', alice);
  world.allow('t', 'subscribe', bob);
  const [from, to] = [await world.connect(alice), await world.connect(bob)];
  const orders = to.subscribe('t');
  await to.ready();
  await from.ready();
  for (let round = 0; round < 3; round++) {
    world.broker.cut();
    await until(() => !from.isOpen && !to.isOpen);
    await until(() => from.isOpen && to.isOpen);
    await to.ready();
    await from.publish('t', `${round}`);
  }
  expect(await texts(orders, 3)).toEqual(['0', '1', '2']);
});

test('what the member learnt is there in its next life: it goes on without the authority', async () => {
  const first = await world.connect(alice);
  await first.ready();
  await first.close();
  const store = FileStore.open(alice.directory);
  expect(ownRecordOf(store, nodeProvider, alice.keyId32)?.name).toBe('alice');
  // Its own record, and what all of it is verified by.
  expect(store.entries(`object/${addressTypes.authorityRecord}/`).length).toBe(1);
  store.close();
});

test('a broker that falls silent loses its link', async () => {
  const identity = Identity.restore(nodeProvider, random, readIdentity(alice.directory));
  const lost: unknown[] = [];
  const connection = new Connection(
    { address: world.address, brokerName: 'broker' },
    () => ({
      provider: nodeProvider,
      random,
      now: Date.now,
      key: identity.key,
      principalRecord: alice.record,
      trust: world.trust(),
      authorityRecords: () => [],
    }),
    {
      onConnecting: () => {},
      onOpen: () => {},
      onMessage: () => {},
      onDrain: () => {},
      onLost: (error) => lost.push(error),
      onClock: () => {},
    },
    random,
    100,
  );
  await connection.start();
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(lost).toEqual([]);
  const asked = connection.ping();
  await asked;
  world.broker.isMute = true;
  const unanswered = connection.ping().catch((error: unknown) => error);
  await until(() => lost.length > 0);
  expect(lost[0]).toMatchObject({ code: 'E_TRANSPORT' });
  expect(String(lost[0])).toContain('does not answer');
  expect(await unanswered).toMatchObject({ code: 'E_TRANSPORT' });
  connection.close();
});

describe('key records', () => {
  test('one that is due is made, handed in, and not kept when that went well', async () => {
    const carol = world.member('carol', Date.now() - 25 * 3_600_000);
    const handed: Uint8Array[] = [];
    const client = await world.connect(carol, {
      onKeyRecord: (record) => {
        handed.push(record);
        world.authority.takeKeyRecord(record, Date.now());
      },
    });
    await until(() => handed.length === 1);
    await client.close();
    const store = FileStore.open(carol.directory);
    expect(store.get(names.keyRecord)).toBeUndefined();
    store.close();
    const again = await world.connect(carol, { onKeyRecord: (record) => void handed.push(record) });
    await again.ready();
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(handed.length).toBe(1);
  });

  test('one that is not taken is told, and handed in by the next life', async () => {
    const carol = world.member('carol', Date.now() - 25 * 3_600_000);
    const client = await world.connect(carol, {
      onKeyRecord: async () => Promise.reject(new Error('authority is away')),
    });
    const told = () => world.statuses.get(client)!.filter((status) => status.type === 'keyRecord');
    await until(() => told().length === 1);
    expect(told()[0]).toMatchObject({ error: new Error('authority is away') });
    await client.close();
    const handed: Uint8Array[] = [];
    await world.connect(carol, { onKeyRecord: (record) => void handed.push(record) });
    await until(() => handed.length === 1);
    world.authority.takeKeyRecord(handed[0]!, Date.now());
  });

  test('without anybody to take it, it is told once', async () => {
    const carol = world.member('carol', Date.now() - 25 * 3_600_000);
    const client = await world.connect(carol);
    const told = () => world.statuses.get(client)!.filter((status) => status.type === 'keyRecord');
    await until(() => told().length === 1);
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    expect(told().length).toBe(1);
  });
});

function readIdentity(directory: string): Uint8Array {
  const store = FileStore.open(directory);
  const identity = store.get(names.identity)!;
  store.close();
  return identity;
}
