import { existsSync, readFileSync, statSync } from 'node:fs';
import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { nodeProvider } from '@tridcomm/core/node';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AdminRefusal } from '../../src/authority/admin-client.ts';
import { allowInDev, readDevWorld } from '../../src/cli/dev-world.ts';
import { connect } from '../../src/client/connect.ts';
import { accessBy, enrol } from '../../src/client/enrol.ts';
import { random } from '../../src/client/random.ts';
import { FileStore } from '../../src/store/file-store.ts';
import { identityOf, names, ownRecordOf } from '../../src/store/identity-store.ts';
import { uriNamesOf } from '../../src/links/certificate-names.ts';
import { DevBroker } from '../cli/dev-broker.ts';
import { texts } from '../world.ts';

let dev: DevBroker;
beforeEach(async () => {
  dev = await DevBroker.start();
});
afterEach(async () => dev.close());

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const at = (name: string) => join(dev.root, name);

test('keys are made here, and the authority gives them a name; then there is a client', async () => {
  const enrolled = await enrol(at('alice'), dev.enrolSocket, 'alice');
  expect(enrolled.name).toBe('alice');
  expect(enrolled.authorityId32).toEqual(dev.service.authorityId32);
  expect(readFileSync(join(at('alice'), 'authority-id'), 'utf8').trim()).toBe(hex(dev.service.authorityId32));
  expect(statSync(at('alice')).mode & 0o777).toBe(0o700);
  const world = readDevWorld(dev.directory)!;
  await allowInDev(world, enrolled.keyId32, 'publish', 'a/b');
  await allowInDev(world, enrolled.keyId32, 'subscribe', 'a/*');
  const client = await connect(world.address, { identity: at('alice') });
  const found = client.subscribe('a/*');
  await client.ready();
  expect(client.name).toBe('alice');
  await client.publish('a/b', 'x');
  expect(await texts(found, 1)).toEqual(['x']);
  await client.close();
});

test('in development there is a group for what a topic is first used for, and for nothing else', async () => {
  const { keyId32 } = await enrol(at('alice'), dev.enrolSocket, 'alice');
  const world = readDevWorld(dev.directory)!;
  await allowInDev(world, keyId32, 'subscribe', 'jobs/a', ['front']);
  await allowInDev(world, keyId32, 'publish', 'jobs/a', ['front']);
  await allowInDev(world, keyId32, 'publish', 'ask', ['survey']);
  await allowInDev(world, keyId32, 'publish', 'news/one');
  const { groups, grants } = dev.service.status();
  expect(groups.map(({ purpose, patterns }) => [purpose, ...patterns])).toEqual([
    ['front', 'jobs/a'],
    ['survey', 'ask'],
    ['pubSub', 'news/one'],
  ]);
  expect(grants).toBe(4);
  await expect(allowInDev(world, keyId32, 'publish', 'jobs/a')).rejects.toThrow(
    'jobs/a is of a group for front (jobs/a), and not for pubSub: tridcomm-broker --dev --group pubSub:TOPIC',
  );
  await expect(allowInDev(world, keyId32, 'subscribe', '**', ['front'])).resolves.toBeUndefined();
  await expect(allowInDev(world, keyId32, 'subscribe', 'news/one', ['survey'])).rejects.toMatchObject({
    code: 'E_POLICY',
  });
});

test('who is there already gets another record, with the same keys', async () => {
  const first = await enrol(at('alice'), dev.enrolSocket, 'alice');
  const second = await enrol(at('alice'), dev.enrolSocket, 'alicia');
  expect(second.keyId32).toEqual(first.keyId32);
  const client = await connect(`unix:${dev.brokerSocket}`, { identity: at('alice') });
  await client.ready();
  expect(client.name).toBe('alicia');
  await client.close();
});

test('a client renews its records at the socket that it enrolled by', async () => {
  const { keyId32 } = await enrol(at('alice'), dev.enrolSocket, 'alice');
  const store = FileStore.open(at('alice'));
  const { serial } = ownRecordOf(store, nodeProvider, keyId32)!;
  const identity = identityOf(store, nodeProvider, random);
  const access = accessBy(dev.enrolSocket, store, identity, dev.service.authorityId32);
  await access.principalRecord!('alice');
  const renewed = ownRecordOf(store, nodeProvider, keyId32)!;
  expect([renewed.serial, renewed.name]).toEqual([serial + 1, 'alice']);
  await access.keyRecord!(identity.keyRecord(dev.service.authorityId32, renewed.serial, Date.now()));
  expect(Buffer.from(store.get(names.socket)!).toString()).toBe(dev.enrolSocket);
  store.close();
  const client = await connect(`unix:${dev.brokerSocket}`, { identity: at('alice') });
  await client.ready();
  await client.close();
});

test('another authority than the one that is meant is refused, before anything is signed', async () => {
  const meant = '11'.repeat(32);
  await expect(enrol(at('alice'), dev.enrolSocket, 'alice', { authorityId: meant })).rejects.toThrow(
    'answers, not 1111',
  );
  await enrol(at('alice'), dev.enrolSocket, 'alice');
  const other = await DevBroker.start();
  await expect(enrol(at('alice'), other.enrolSocket, 'alice')).rejects.toThrow('E_USAGE');
  await other.close();
});

test('nobody there, and a name that cannot be', async () => {
  await expect(enrol(at('alice'), at('nobody.sock'), 'alice')).rejects.toMatchObject({ code: 'E_USAGE' });
  expect(existsSync(at('alice'))).toBe(false);
  await expect(enrol(at('alice'), dev.enrolSocket, '')).rejects.toBeInstanceOf(AdminRefusal);
});

test('a certificate, where the socket gives such', async () => {
  await expect(enrol(at('alice'), dev.enrolSocket, 'alice', { tls: true })).rejects.toMatchObject({ code: 'E_POLICY' });
  const { keyId32 } = await enrol(at('bob'), dev.adminSocket, 'bob', { tls: true });
  const certificate = new X509Certificate(readFileSync(join(at('bob'), 'tls-cert.pem')));
  expect(uriNamesOf(certificate.subjectAltName)).toEqual([`tdc:${hex(keyId32)}`]);
  expect(certificate.verify(new X509Certificate(readFileSync(join(at('bob'), 'tls-ca.pem'))).publicKey)).toBe(true);
  expect(statSync(join(at('bob'), 'tls-key.pem')).mode & 0o777).toBe(0o600);
});
