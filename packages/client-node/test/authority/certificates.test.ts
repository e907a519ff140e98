import { createPrivateKey, generateKeyPairSync, sign, verify, X509Certificate } from 'node:crypto';
import { connect, createServer, type TLSSocket } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { signingKeyOf } from '@tridcomm/core';
import { certificateOf, certify, createCertifier, drawCredentials } from '../../src/authority/certificates.ts';
import { AuthorityService } from '../../src/authority/service.ts';
import { codeOf, provider, startMs, TestClock, World } from './world.ts';

const dayMs = 86_400_000;
const keyId32 = new Uint8Array(32).fill(0xab);
const authorityId32 = new Uint8Array(32).fill(1);

function spki(curve = 'P-256'): Uint8Array {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: curve });
  return new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
}

describe('certificates', () => {
  it('say which principal a TLS key is of, for as long as was asked for', async () => {
    const certifier = await createCertifier(authorityId32, startMs);
    const publicKey = spki();
    const fields = { keyId32, publicKey, isBroker: true, names: ['broker.example', '127.0.0.1', '::1', 'localhost'] };
    const leaf = new X509Certificate(await certify(certifier, fields, startMs));
    const ca = new X509Certificate(certificateOf(certifier));
    expect(ca.ca).toBe(true);
    expect(leaf.ca).toBe(false);
    expect(leaf.checkIssued(ca)).toBe(true);
    expect(leaf.verify(ca.publicKey)).toBe(true);
    const names = leaf.subjectAltName!.split(', ').toSorted();
    expect(names).toEqual([
      'DNS:broker.example',
      'DNS:localhost',
      'IP Address:0:0:0:0:0:0:0:1',
      'IP Address:127.0.0.1',
      `URI:tdc:${'ab'.repeat(32)}`,
    ]);
    expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(Buffer.from(leaf.publicKey.export({ type: 'spki', format: 'der' })).equals(publicKey)).toBe(true);
    expect(Date.parse(leaf.validTo) - startMs).toBe(30 * dayMs);
    expect(Date.parse(leaf.validFrom)).toBe(startMs - 30_000);
    expect(leaf.checkHost('broker.example')).toBe('broker.example');
    expect(leaf.checkHost('other.example')).toBe(undefined);
    const short = await certify(
      certifier,
      { keyId32, publicKey, isBroker: false, notAfterMs: startMs + 60_000 },
      startMs,
    );
    const member = new X509Certificate(short);
    expect(member.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
    expect(Date.parse(member.validTo)).toBe(startMs + 60_000);
    expect(member.subjectAltName).toBe(`URI:tdc:${'ab'.repeat(32)}`);
    expect(member.serialNumber).not.toBe(leaf.serialNumber);
    expect(leaf.serialNumber).toMatch(/^[4-7][0-9A-F]{31}$/);
  });

  it('are refused for keys, names and times that cannot be', async () => {
    const certifier = await createCertifier(authorityId32, startMs);
    const good = { keyId32, publicKey: spki(), isBroker: true };
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ type: 'spki', format: 'der' });
    const ed = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'der' });
    for (const publicKey of [
      spki('P-384'),
      new Uint8Array(rsa),
      new Uint8Array(ed),
      new Uint8Array(0),
      good.publicKey.slice(1),
    ]) {
      expect(await codeOf(() => certify(certifier, { ...good, publicKey }, startMs))).toBe('E_KEY');
    }
    for (const name of [
      '',
      'a b',
      '*.example',
      'a_b',
      '-a',
      'x'.repeat(64),
      'tdc:00',
      'a..b',
      'example.',
      '300.1.1.1/8',
    ]) {
      expect(await codeOf(() => certify(certifier, { ...good, names: [name] }, startMs)), name).toBe('E_USAGE');
    }
    const many = Array.from({ length: 17 }, (_, i) => `host${i}`);
    expect(await codeOf(() => certify(certifier, { ...good, names: many }, startMs))).toBe('E_USAGE');
    expect(await codeOf(() => certify(certifier, { ...good, isBroker: false, names: ['a'] }, startMs))).toBe('E_USAGE');
    for (const notAfterMs of [startMs, startMs - 1, startMs + 30 * dayMs + 1, NaN, 1.5]) {
      expect(await codeOf(() => certify(certifier, { ...good, notAfterMs }, startMs))).toBe('E_USAGE');
    }
  });

  it('open TLS between those who have them, and nobody else', async () => {
    const nowMs = Date.now();
    const certifier = await createCertifier(authorityId32, nowMs);
    const broker = await drawCredentials(certifier, { keyId32, isBroker: true, names: ['localhost'] }, nowMs);
    const member = await drawCredentials(certifier, { keyId32: new Uint8Array(32).fill(2), isBroker: false }, nowMs);
    const strangers = await createCertifier(authorityId32, nowMs);
    const stranger = await drawCredentials(strangers, { keyId32, isBroker: false }, nowMs);
    const server = createServer({
      key: broker.privateKey,
      cert: broker.certificate,
      ca: broker.ca,
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.3',
    });
    server.on('secureConnection', (socket: TLSSocket) => socket.end(socket.getPeerX509Certificate()!.subjectAltName!));
    server.on('tlsClientError', () => {});
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const reach = async (how: object) => {
      const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', minVersion: 'TLSv1.3', ...how });
      return await new Promise<string>((resolve) => {
        let text = '';
        socket.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
        socket.on('end', () => resolve(text === '' ? 'refused' : text));
        socket.on('error', () => resolve('refused'));
      });
    };
    const as = (one: typeof member) => ({ key: one.privateKey, cert: one.certificate, ca: broker.ca });
    expect(await reach(as(member))).toBe(`URI:tdc:${'02'.repeat(32)}`);
    expect(await reach({ ...as(member), servername: 'elsewhere' })).toBe('refused');
    expect(await reach({ ...as(member), ca: stranger.ca })).toBe('refused');
    expect(await reach({ ca: broker.ca })).toBe('refused');
    expect(await reach(as(stranger))).toBe('refused');
    // A broker's is not for who opens.
    expect(await reach(as(broker))).toBe('refused');
    const probe = Buffer.from('probe');
    const signature = sign('sha256', probe, createPrivateKey(member.privateKey));
    expect(verify('sha256', probe, new X509Certificate(member.certificate).publicKey, signature)).toBe(true);
  });
});

describe('the certificates of an authority', () => {
  const keyOf = (seed: number) => signingKeyOf(provider, new Uint8Array(32).fill(seed));

  it('are for principals whose record is valid, and no longer than that', async () => {
    const clock = new TestClock();
    const service = AuthorityService.inMemory({ clock });
    onTestFinished(async () => await service.close());
    const [broker, member] = [keyOf(1), keyOf(2)];
    service.perform((authority, nowMs) => {
      authority.issue(broker, { name: 'broker', roles: 2, notAfterMs: nowMs + dayMs }, nowMs);
      authority.issue(member, { name: 'member' }, nowMs);
    });
    const publicKey = spki();
    const { certificate, ca } = await service.certificate(broker.keyId32, publicKey, ['localhost']);
    const leaf = new X509Certificate(certificate);
    expect(leaf.verify(new X509Certificate(ca).publicKey)).toBe(true);
    expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(Date.parse(leaf.validTo)).toBe(startMs + dayMs);
    const other = await service.certificate(member.keyId32, publicKey);
    expect(other.ca).toBe(ca);
    expect(new X509Certificate(other.certificate).keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
    expect(await codeOf(() => service.certificate(member.keyId32, publicKey, ['localhost']))).toBe('E_USAGE');
    expect(await codeOf(() => service.certificate(keyOf(3).keyId32, publicKey))).toBe('E_SENDER');
    service.perform((authority, nowMs) => authority.revoke(member.keyId32, nowMs));
    expect(await codeOf(() => service.certificate(member.keyId32, publicKey))).toBe('E_REVOKED');
    await clock.advance(dayMs / 1_000);
    service.perform((authority, nowMs) => authority.issue(keyOf(4), { name: 'd', notAfterMs: nowMs + 1_000 }, nowMs));
    await clock.advance(2_000);
    expect(await codeOf(() => service.certificate(keyOf(4).keyId32, publicKey))).toBe('E_EXPIRED');
  });

  it('come from one CA, also when they are asked for at once, and in the next life', async () => {
    const world = new World();
    await world.init();
    const service = await world.open();
    expect(await codeOf(() => service.self.tls(world.clock.nowMs()))).toBe('E_USAGE');
    service.perform((authority, nowMs) => authority.issue(keyOf(1), { name: 'broker', roles: 2 }, nowMs));
    const all = await Promise.all(Array.from({ length: 5 }, () => service.certificate(keyOf(1).keyId32, spki())));
    expect(new Set(all.map(({ ca }) => ca)).size).toBe(1);
    const { ca } = all[0]!;
    expect((await service.self.tls(world.clock.nowMs())).ca).toBe(ca);
    await service.close();
    await world.clock.advance(1_000);
    const next = await world.open();
    expect((await next.certificate(keyOf(1).keyId32, spki())).ca).toBe(ca);
    const own = await next.self.tls(world.clock.nowMs());
    expect(new X509Certificate(own.certificate).subjectAltName).toBe(
      `URI:tdc:${Buffer.from(next.self.key.keyId32).toString('hex')}`,
    );
    await next.close();
  });
});
