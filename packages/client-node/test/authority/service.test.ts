import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { addressOf, addressTypes, decodeBundle, readProposal, signingKeyOf, TridcommError } from '@tridcomm/core';
import { decodeGroupRecord, objectKinds, parseObject } from '@tridcomm/core/internal';
import { AuthorityService } from '../../src/authority/service.ts';
import { readSignRequest } from '../../src/authority/sign-request.ts';
import type { ServiceEvent } from '../../src/authority/service-options.ts';
import { StoreError } from '../../src/store/fs-error.ts';
import { codeOf, Member, provider, settle, startMs, TestBroker, TestClock, World } from './world.ts';

const dayMs = 86_400_000;
const groupOf = (record: Uint8Array) =>
  decodeGroupRecord(provider, parseObject(provider, record, objectKinds.groupRecord));
const poolAddressOf = (authorityId32: Uint8Array, front: Uint8Array) =>
  addressOf(provider, authorityId32, addressTypes.poolRecord, front);

describe('a state directory', () => {
  it('is made for its owner alone, and holds no secret in the clear', async () => {
    const world = new World('b');
    const authorityId32 = await world.init();
    expect(statSync(world.directory).mode & 0o777).toBe(0o700);
    for (const name of ['authority.state', 'archive']) {
      expect(statSync(join(world.directory, name)).mode & 0o777).toBe(0o600);
    }
    expect(authorityId32).toHaveLength(32);
    expect(world.brokers[0]!.bundles).toEqual([]);
    // The snapshot has its id in it, the archive too.
    const state = readFileSync(join(world.directory, 'authority.state'));
    expect(state.includes(Buffer.from(authorityId32))).toBe(false);
    expect(readFileSync(join(world.directory, 'archive')).includes(Buffer.from(authorityId32))).toBe(true);
    expect(existsSync(join(world.directory, 'lock'))).toBe(false);
  });

  it('is refused where there is an authority, none, one of others, or another secret', async () => {
    const world = new World();
    expect(await codeOf(() => world.open())).toBe('E_USAGE');
    await world.init();
    expect(await codeOf(() => world.init())).toBe('E_USAGE');
    const other = { kind: 'keyFile', key32: new Uint8Array(32) } as const;
    expect(await codeOf(() => world.open({ secret: other }))).toBe('E_KEY');
    for (const [path, mode] of [
      [world.directory, 0o710],
      [join(world.directory, 'authority.state'), 0o640],
      [join(world.directory, 'archive'), 0o604],
    ] as const) {
      const before = statSync(path).mode & 0o777;
      chmodSync(path, mode);
      expect(await codeOf(() => world.open()), path).toBe('E_USAGE');
      chmodSync(path, before);
    }
    // None of it left anything behind.
    await (await world.open()).close();
  });

  it('is for one at a time', async () => {
    const world = new World();
    await world.init();
    const service = await world.open();
    expect(await codeOf(() => world.open())).toBe('E_USAGE');
    await service.close();
    await (await world.open()).close();
  });

  it('of an init that failed is as if it had never been', async () => {
    const world = new World();
    mkdirSync(join(world.directory, 'authority.state.new'), { recursive: true, mode: 0o700 });
    chmodSync(world.directory, 0o700);
    await expect(world.init()).rejects.toThrow(StoreError);
    rmSync(join(world.directory, 'authority.state.new'), { recursive: true });
    expect(await world.init()).toHaveLength(32);
  });

  it('that another process took is written no more', async () => {
    const world = new World('b');
    await world.init();
    const service = await world.open();
    const before = readFileSync(join(world.directory, 'authority.state'));
    const count = world.brokers[0]!.bundles.length;
    renameSync(join(world.directory, 'lock'), join(world.directory, 'lock.before'));
    writeFileSync(join(world.directory, 'lock'), 'of another');
    expect(await codeOf(() => service.perform((authority, nowMs) => authority.republish(nowMs)))).toBe('E_CLOSED');
    const spki = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'der' });
    expect(await codeOf(() => service.certificate(service.self.key.keyId32, new Uint8Array(spki)))).toBe('E_CLOSED');
    await world.clock.advance(60_000);
    expect(readFileSync(join(world.directory, 'authority.state')).equals(before)).toBe(true);
    expect(world.brokers[0]!.bundles).toHaveLength(count);
    expect(world.events.filter(({ type }) => type === 'tickFailed')).toHaveLength(1);
    await service.close();
    expect(readFileSync(join(world.directory, 'lock'), 'utf8')).toBe('of another');
  });
});

describe('a service', () => {
  it('gives members their epochs, and lives on in the next process', async () => {
    const world = new World('b');
    await world.init();
    const holder = { current: await world.open() };
    const [broker] = world.brokers as [TestBroker];
    const group = holder.current.perform((authority, nowMs) => authority.addGroup({ patterns: ['orders/**'] }, nowMs));
    const [a, b] = ['a', 'b'].map((name) => new Member(name, holder, broker, world.clock)) as [Member, Member];
    holder.current.perform((authority, nowMs) => {
      authority.grantAll(
        [
          { keyId32: a.keyId32, action: 'publish', pattern: 'orders/**' },
          { keyId32: b.keyId32, action: 'subscribe', pattern: 'orders/**' },
        ],
        nowMs,
      );
    });
    await settle();
    b.client.subscribe('orders/**', world.clock.nowMs());
    a.publish('orders/new', 'one');
    expect(b.texts()).toEqual(['one']);
    const first = holder.current.status();
    expect(first.brokers).toEqual([{ name: 'b', takenHeadSeq: first.headSeq, isCurrent: true, error: undefined }]);
    expect(first.groups).toHaveLength(1);
    expect(first.groups[0]).toMatchObject({ patterns: ['orders/**'], waiting: 0, error: undefined });
    expect(first.sources).toEqual([
      { name: 'archive', kind: 'head' },
      { name: 'b', kind: 'nothing' },
    ]);
    const views = [a, b].map((member) => member.client.view(group, world.clock.nowMs())!);
    // What came before its record did was refused.
    for (const member of [a, b]) member.refusals();
    await holder.current.close();
    await world.clock.advance(10_000);

    holder.current = await world.open();
    const second = holder.current.status();
    expect(second.headSeq).toBeGreaterThanOrEqual(first.headSeq + 2 ** 20);
    expect(second.groups[0]!.epoch).toBeGreaterThanOrEqual(first.groups[0]!.epoch + 2 ** 16);
    expect(second.sources.map(({ kind }) => kind)).toEqual(['head', 'head']);
    await settle();
    for (const [i, member] of [a, b].entries()) {
      member.tick();
      const view = member.client.view(group, world.clock.nowMs())!;
      expect(view.headSeq).toBeGreaterThan(views[i]!.headSeq);
      expect(view.fresh).toBe(true);
    }
    a.publish('orders/new', 'two');
    expect(b.texts()).toEqual(['two']);
    expect([...a.refusals(), ...b.refusals()]).toEqual([]);
    // Revoked in this life, and in the next.
    holder.current.perform((authority, nowMs) => authority.revoke(a.keyId32, nowMs));
    await settle();
    await holder.current.close();
    await world.clock.advance(1_000);
    holder.current = await world.open();
    const again = holder.current;
    expect(
      await codeOf(() => again.perform((authority, nowMs) => authority.issue(a.identity.key, { name: 'a' }, nowMs))),
    ).toBe('E_REVOKED');
    expect(await codeOf(() => a.publish('orders/new', 'three'))).not.toBe(undefined);
    await again.close();
  });

  it('brings a pool over into the next process, and not one that was removed', async () => {
    const world = new World('b');
    await world.init();
    const holder = { current: await world.open() };
    const [broker] = world.brokers as [TestBroker];
    const worker = new Member('w', holder, broker, world.clock);
    const add = (topic: string) =>
      holder.current.perform((authority, nowMs) => authority.addGroup({ patterns: [topic], purpose: 'front' }, nowMs));
    const [front, gone] = [add('jobs/a'), add('jobs/b')];
    const { crewId16: crew } = groupOf(holder.current.memory().groups[0]!.record);
    const grant = { keyId32: worker.keyId32, action: 'subscribe', pattern: '**' } as const;
    holder.current.perform((authority, nowMs) => authority.grant(grant, nowMs));
    holder.current.perform((authority, nowMs) => authority.removeGroup(gone, nowMs));
    await settle();
    const views = () => [front, crew!].map((id) => worker.client.view(id, world.clock.nowMs()));
    expect(views().map((view) => view?.fresh)).toEqual([true, true]);
    const [before] = holder.current.status().groups;
    expect(before).toMatchObject({ purpose: 'front', patterns: ['jobs/a'], waiting: 0, error: undefined });
    const epochs = views().map((view) => view!.epoch);
    await holder.current.close();
    await world.clock.advance(10_000);

    holder.current = await world.open();
    await settle();
    worker.tick();
    expect(holder.current.status().groups.map(({ groupId16, purpose }) => [groupId16, purpose])).toEqual([
      [front, 'front'],
    ]);
    expect(views().map((view) => view?.fresh)).toEqual([true, true]);
    for (const [i, view] of views().entries()) expect(view!.epoch).toBe(epochs[i]! + 2 ** 16);
    // That of this life, and two that drain.
    expect(broker.relay!.retained(poolAddressOf(world.authorityId32, front))).toHaveLength(3);
    expect(broker.relay!.retained(poolAddressOf(world.authorityId32, gone))).toEqual([]);
    await holder.current.close();
  });

  it('tells at a front what its crew failed with, and names the crew in the event', async () => {
    const clock = new TestClock();
    const events: ServiceEvent[] = [];
    let fails = false;
    const publicKey: typeof provider.publicKey = (algorithm, secretKey) => {
      // What a pool record is made with, and a block is not.
      if (fails && algorithm === 'x25519') throw new TridcommError('E_INTERNAL');
      return provider.publicKey(algorithm, secretKey);
    };
    const service = AuthorityService.inMemory({
      provider: { ...provider, publicKey },
      clock,
      onEvent: (event) => void events.push(event),
    });
    service.perform((authority, nowMs) => authority.addGroup({ patterns: ['jobs'], purpose: 'front' }, nowMs));
    const { crewId16 } = groupOf(service.memory().groups[0]!.record);
    expect(service.status().groups[0]!.error).toBeUndefined();
    fails = true;
    await clock.advance(3_600_000);
    const [front] = service.status().groups;
    expect(front).toMatchObject({ epoch: 2, error: { code: 'E_INTERNAL' } });
    expect(events).toMatchObject([{ type: 'groupFailed', groupId16: crewId16 }]);
    fails = false;
    await clock.advance(20_000);
    expect(service.status().groups[0]!.error).toBeUndefined();
    await service.close();
  });

  it('makes a head every 20 s, and its own record anew before it ends', { timeout: 120_000 }, async () => {
    const world = new World('b');
    await world.init();
    const service = await world.open();
    const { headSeq } = service.status();
    await world.clock.advance(61_000);
    expect(service.status().headSeq).toBe(headSeq + 3);
    expect(service.status().brokers[0]!.isCurrent).toBe(true);
    expect(service.self.record!.roles).toBe(4);
    const { serial, notAfterMs } = service.self.record!;
    expect(notAfterMs).toBe(startMs + 30 * dayMs);
    await service.close();
    const later = new TestClock(startMs + 16 * dayMs);
    const next = await AuthorityService.open(world.options({ clock: later, acceptSingleSource: true }));
    expect(next.self.record!.serial).toBeGreaterThan(serial);
    expect(next.self.record!.notAfterMs).toBe(startMs + 46 * dayMs);
    expect(next.self.key.keyId32).toEqual(service.self.key.keyId32);
    await next.close();
    expect(await codeOf(() => next.perform(() => 1))).toBe('E_CLOSED');
  });

  it('in memory is as any other, and gone at its end', async () => {
    const clock = new TestClock();
    const broker = new TestBroker('b', clock);
    const service = AuthorityService.inMemory({
      clock,
      connect: ({ authorityId32 }) => ({ sinks: [broker.sink(authorityId32)], sources: [] }),
    });
    await service.rest();
    await clock.advance(20_000);
    expect(service.status()).toMatchObject({ headSeq: 2, isUnwritten: false, sources: [] });
    expect(service.status().brokers[0]!.isCurrent).toBe(true);
    const bundles = service.bundles();
    const other = new TestBroker('c', clock);
    const relay = other.serve(service.authorityId32);
    for (const bundle of bundles) relay.apply(bundle);
    const address16 = addressOf(
      provider,
      service.authorityId32,
      addressTypes.principalRecord,
      service.self.key.keyId32,
    );
    expect(relay.retained(address16)).toHaveLength(1);
    await service.close();
    await clock.advance(60_000);
    expect(service.status().headSeq).toBe(3);
  });

  it('issues a record to a key that is elsewhere, and to nobody who changed the request', async () => {
    const world = new World('b');
    await world.init();
    const service = await world.open();
    const alice = signingKeyOf(provider, new Uint8Array(32).fill(5));
    const request = service.propose(alice.publicKey32, { name: 'alice' });
    const read = readSignRequest(provider, ` ${request}\n`);
    expect(read.authorityId32).toEqual(service.authorityId32);
    expect(read.record.name).toBe('alice');
    expect(read.record.key.keyId32).toEqual(alice.keyId32);
    const signature64 = alice.sign(read.signInput);
    const record = service.enrol(request, signature64);
    expect(Buffer.from(record).includes('alice')).toBe(true);
    expect(await codeOf(() => service.enrol(request, signature64))).toBe('E_STALE');

    // Bob writes himself another name into what he is to sign.
    const bob = signingKeyOf(provider, new Uint8Array(32).fill(6));
    const his = service.propose(bob.publicKey32, { name: 'bob' });
    const bytes = Buffer.from(his.slice('tdreq1.'.length), 'base64url');
    bytes.write('eve', bytes.indexOf('bob'));
    const changed = `tdreq1.${bytes.toString('base64url')}`;
    const body = new Uint8Array(bytes.subarray(32, -32));
    const { signInput, record: hers } = readProposal(provider, service.authorityId32, body);
    expect(hers.name).toBe('eve');
    expect(await codeOf(() => service.enrol(changed, bob.sign(signInput)))).toBe('E_SIG');
    const other = AuthorityService.inMemory({ clock: world.clock });
    expect(await codeOf(() => other.enrol(his, bob.sign(signInput)))).toBe('E_BINDING');
    await other.close();
    const cases: readonly [string, string][] = [
      ['', 'E_ENCODING'],
      ['tdreq1.', 'E_ENCODING'],
      ['tdreq2.AAAA', 'E_ENCODING'],
      ['tdreq1.A*A', 'E_ENCODING'],
      ['tdreq1.AAAA', 'E_LENGTH'],
      [`tdreq1.${'A'.repeat(20_000)}`, 'E_LIMIT'],
      [`tdreq1.${'A'.repeat(100)}`, 'E_BINDING'],
    ];
    for (const [text, code] of cases)
      expect(await codeOf(() => service.enrol(text, signature64)), text.slice(0, 30)).toBe(code);
    // Serials begin anew in every life, so a request ends with the life that made it.
    await service.close();
    await world.clock.advance(1_000);
    const next = await world.open();
    expect(await codeOf(() => next.enrol(his, bob.sign(readSignRequest(provider, his).signInput)))).toBe('E_SIG');
    await next.close();
  });
});

describe('what the disk does not take', () => {
  it('goes nowhere, and goes out when it does again', async () => {
    const world = new World('b');
    await world.init();
    const service = await world.open();
    const [broker] = world.brokers as [TestBroker];
    const alice = signingKeyOf(provider, new Uint8Array(32).fill(5));
    const issue = (name: string) => service.perform((authority, nowMs) => authority.issue(alice, { name }, nowMs));
    const address16 = addressOf(provider, service.authorityId32, addressTypes.principalRecord, alice.keyId32);
    const blocked = join(world.directory, 'authority.state.new');
    mkdirSync(blocked);
    expect(() => issue('alice')).toThrow(StoreError);
    await settle();
    expect(broker.relay!.retained(address16)).toEqual([]);
    expect(service.status().isUnwritten).toBe(true);
    // Nothing more is begun.
    const { headSeq } = service.status();
    expect(() => issue('alice again')).toThrow(StoreError);
    await world.clock.advance(60_000);
    expect(service.status().headSeq).toBe(headSeq);
    expect(world.events.some(({ type }) => type === 'tickFailed')).toBe(true);
    rmSync(blocked, { recursive: true });
    await world.clock.advance(2_000);
    expect(service.status().isUnwritten).toBe(false);
    expect(service.status().headSeq).toBeGreaterThan(headSeq);
    const [record] = broker.relay!.retained(address16);
    expect(Buffer.from(record!).includes('alice')).toBe(true);
    expect(Buffer.from(record!).includes('again')).toBe(false);
    expect(service.status().brokers[0]!.isCurrent).toBe(true);
    await service.close();
  });
});

describe('brokers', () => {
  it('that fail get everything, and hold up no other', async () => {
    const world = new World('good', 'bad');
    await world.init();
    const service = await world.open();
    const [good, bad] = world.brokers as [TestBroker, TestBroker];
    const alice = signingKeyOf(provider, new Uint8Array(32).fill(5));
    bad.isDown = true;
    service.perform((authority, nowMs) => authority.issue(alice, { name: 'alice' }, nowMs));
    await world.clock.advance(32_000);
    const { headSeq, brokers } = service.status();
    expect(brokers[0]).toEqual({ name: 'good', takenHeadSeq: headSeq, isCurrent: true, error: undefined });
    expect(brokers[1]).toMatchObject({ name: 'bad', isCurrent: false });
    expect((brokers[1]!.error as TridcommError).code).toBe('E_TRANSPORT');
    const behind = world.events.filter(({ type }) => type === 'brokerBehind');
    // 1, 2, 4, 8, 10 s apart, and not with every head.
    expect(behind.length).toBeGreaterThanOrEqual(4);
    expect(behind.length).toBeLessThanOrEqual(6);
    bad.isDown = false;
    const goodCount = good.bundles.length;
    const badCount = bad.bundles.length;
    await world.clock.advance(10_500);
    // The first that it takes is everything: the heads that it is offered meanwhile would be of no use to it.
    expect(decodeBundle(bad.bundles[badCount]!).some(({ bytes }) => Buffer.from(bytes).includes('alice'))).toBe(true);
    const after = service.status();
    expect(after.brokers.map(({ isCurrent }) => isCurrent)).toEqual([true, true]);
    expect(world.events.at(-1)).toMatchObject({ type: 'brokerCurrent', name: 'bad' });
    const address16 = addressOf(provider, service.authorityId32, addressTypes.principalRecord, alice.keyId32);
    expect(bad.relay!.retained(address16)).toHaveLength(1);
    // What was sent again went to who missed it.
    const types = good.bundles.slice(goodCount).flatMap((bundle) => decodeBundle(bundle));
    expect(types.some(({ bytes }) => Buffer.from(bytes).includes('alice'))).toBe(false);
    await service.close();
  });

  it('that never answer are told apart from those that do, and get everything when they answer', async () => {
    const world = new World('good');
    await world.init();
    let answer: (() => void) | undefined;
    const got: Uint8Array[] = [];
    const service = await AuthorityService.open(
      world.options({
        connect: ({ authorityId32 }) => ({
          sinks: [
            world.brokers[0]!.sink(authorityId32),
            {
              name: 'slow',
              publish: async (bundle) => {
                got.push(bundle);
                await new Promise<void>((resolve) => {
                  answer = resolve;
                });
              },
            },
          ],
          sources: [world.brokers[0]!.source(authorityId32)],
        }),
      }),
    );
    await world.clock.advance(30 * 60_000);
    expect(service.status().brokers.map(({ isCurrent }) => isCurrent)).toEqual([true, false]);
    expect(got).toHaveLength(1);
    answer!();
    await settle();
    expect(world.events.at(-1)).toMatchObject({ type: 'brokerBehind', name: 'slow' });
    await world.clock.advance(1_000);
    // The chain, which every broker needs first.
    const all = decodeBundle(got.at(-1)!);
    expect(all.length).toBeGreaterThan(3);
    await service.close();
  });

  it('hold up no end', async () => {
    const world = new World();
    await world.init();
    const service = await AuthorityService.open(
      world.options({
        connect: () => ({
          sinks: [{ name: 'never', publish: async () => await new Promise<void>(() => {}) }],
          sources: [{ name: 'empty', retained: async () => await Promise.resolve([]) }],
        }),
      }),
    );
    const rest = service.rest();
    await service.close();
    await rest;
  });
});
