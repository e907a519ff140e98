import { chmodSync, copyFileSync, cpSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { addressOf, addressTypes, signingKeyOf, type SigningKey } from '@tridcomm/core';
import type { RestoreSource } from '../../src/authority/restore-sources.ts';
import { AuthorityService } from '../../src/authority/service.ts';
import type { DurableServiceOptions } from '../../src/authority/service-options.ts';
import { codeOf, provider, TestBroker, World } from './world.ts';

const minuteMs = 60_000;

/** What there is after a first life that handed out much, and some minutes. */
async function servedWorld(...names: readonly string[]): Promise<World> {
  const world = new World(...names);
  await world.init();
  await serve(world);
  return world;
}

/** One life of a minute, then a minute without. */
async function serve(world: World, work: (service: AuthorityService) => void = () => {}): Promise<void> {
  const service = await world.open();
  work(service);
  await world.clock.advance(minuteMs);
  await service.close();
  await world.clock.advance(2 * minuteMs);
}

function keyOf(seed: number): SigningKey {
  return signingKeyOf(provider, new Uint8Array(32).fill(seed));
}

function issue(service: AuthorityService, key: SigningKey): void {
  service.perform((authority, nowMs) => authority.issue(key, { name: 'somebody' }, nowMs));
}

function revoke(service: AuthorityService, key: SigningKey): void {
  service.perform((authority, nowMs) => authority.revoke(key.keyId32, nowMs));
}

const statePath = (world: World) => join(world.directory, 'authority.state');
const backupPath = (world: World) => `${world.directory}.backup`;

/** Asks brokers of these names alone. */
function withSources(world: World, ...sources: readonly RestoreSource[]): Partial<DurableServiceOptions> {
  return {
    connect: ({ authorityId32 }) => ({ sinks: world.brokers.map((broker) => broker.sink(authorityId32)), sources }),
  };
}

function lastHead(world: World): { readonly headSeq: number; readonly authorityId32: Uint8Array } {
  const { authorityId32 } = world;
  const address16 = addressOf(provider, authorityId32, addressTypes.head, new Uint8Array(0));
  const [head] = world.brokers[0]!.relay!.retained(address16);
  return { headSeq: Number(Buffer.from(head!).readBigUInt64BE(40)), authorityId32 };
}

describe('sources (groups.23)', () => {
  it('of a start are two: the archive, and a broker that answers', async () => {
    const world = await servedWorld('b');
    const [broker] = world.brokers as [TestBroker];
    broker.isDown = true;
    expect(await codeOf(() => world.open())).toBe('E_USAGE');
    expect(await codeOf(() => world.open(withSources(world)))).toBe('E_USAGE');
    await expect(world.open()).rejects.toThrow(/1 of 2 sources.*the archive counts; b: did not answer/);
    broker.isDown = false;
    await (await world.open()).close();
  });

  it('may be one where somebody says so, and never none', async () => {
    const world = await servedWorld('b');
    world.brokers[0]!.isDown = true;
    const one = await world.open({ acceptSingleSource: true });
    expect(one.status().sources).toEqual([
      { name: 'archive', kind: 'head' },
      { name: 'b', kind: 'silent' },
    ]);
    await one.close();
    rmSync(join(world.directory, 'archive'));
    expect(await codeOf(() => world.open({ acceptSingleSource: true }))).toBe('E_USAGE');
    world.brokers[0]!.isDown = false;
    await world.clock.advance(2 * minuteMs);
    expect(await codeOf(() => world.open())).toBe('E_USAGE');
    // The broker alone.
    const other = await world.open({ acceptSingleSource: true });
    expect(other.status().sources).toEqual([
      { name: 'archive', kind: 'nothing' },
      { name: 'b', kind: 'head' },
    ]);
    await other.close();
  });

  it('are none that lost what they were given', async () => {
    const world = await servedWorld('b');
    world.brokers[0]!.relay = undefined;
    await expect(world.open()).rejects.toThrow(/b: holds nothing of this authority/);
    await (await world.open({ acceptSingleSource: true })).close();
  });

  it('are none that show what does not verify', async () => {
    const world = await servedWorld('b');
    const [broker] = world.brokers as [TestBroker];
    const honest = broker.source(world.authorityId32);
    for (const change of [
      (bytes: Uint8Array) => Object.assign(bytes, { [bytes.length - 1]: bytes.at(-1)! ^ 1 }),
      (bytes: Uint8Array) => bytes.subarray(1),
      () => new Uint8Array(0),
      () => new Uint8Array(70_000).fill(1),
    ]) {
      const liar: RestoreSource = {
        name: 'liar',
        retained: async (address16) => (await honest.retained(address16)).map((bytes) => change(bytes.slice())),
      };
      await expect(world.open(withSources(world, liar))).rejects.toThrow(/liar: shows nothing that verifies/);
      // And it holds up nobody who is asked beside it.
      const service = await world.open(withSources(world, liar, honest));
      expect(service.status().sources.map(({ kind }) => kind)).toEqual(['head', 'unproven', 'head']);
      await service.close();
      await world.clock.advance(2 * minuteMs);
    }
  });

  it('that are late did not answer', async () => {
    const world = await servedWorld('b');
    const late: RestoreSource = { name: 'late', retained: async () => await new Promise(() => {}) };
    const opening = codeOf(() => world.open(withSources(world, late)));
    await world.clock.advance(29_000);
    await world.clock.advance(2_000);
    expect(await opening).toBe('E_USAGE');
    await (await world.open()).close();
  });

  it('of a state that was never handed out: nobody needs to know of it', async () => {
    const world = new World('b');
    await world.init();
    const alone: Partial<DurableServiceOptions> = { connect: () => ({ sinks: [], sources: [] }) };
    for (let i = 0; i < 3; i++) {
      const service = await world.open(alone);
      service.perform((authority, nowMs) => authority.addGroup({ patterns: [`topic${i}`] }, nowMs));
      await service.close();
    }
    world.brokers[0]!.isDown = true;
    expect(await codeOf(() => world.open())).toBe('E_USAGE');
    world.brokers[0]!.isDown = false;
    const service = await world.open();
    expect(service.status().groups).toHaveLength(3);
    // From now on it is known of.
    await service.close();
    expect(await codeOf(() => world.open(alone))).toBe('E_USAGE');
  });

  it('are needed from when bundles were asked for on', async () => {
    const world = new World();
    await world.init();
    const service = await world.open();
    expect(service.bundles()).toHaveLength(1);
    await service.close();
    expect(await codeOf(() => world.open())).toBe('E_USAGE');
  });
});

describe('a backup (groups.22, groups.23, groups.29)', () => {
  it('of the state alone goes on above everything, and readmits nobody', async () => {
    const world = await servedWorld('b');
    await serve(world, (service) => issue(service, keyOf(1)));
    copyFileSync(statePath(world), backupPath(world));
    let headSeq = 0;
    await serve(world, (service) => {
      revoke(service, keyOf(1));
      headSeq = service.status().headSeq;
    });
    const service = await world.open({ backup: backupPath(world) });
    expect(service.status().headSeq).toBeGreaterThan(headSeq + 2 ** 20 - 1);
    expect(service.status().brokers[0]!.isCurrent).toBe(true);
    expect(await codeOf(() => issue(service, keyOf(1)))).toBe('E_REVOKED');
    await service.close();
    expect(readdirSync(world.directory).toSorted()).toEqual(['archive', 'authority.state', 'authority.state.replaced']);
    await world.clock.advance(2 * minuteMs);
    await (await world.open()).close();
  });

  it('of the whole directory needs two brokers, as its archive is as old', async () => {
    const world = await servedWorld('b', 'c');
    await serve(world, (service) => issue(service, keyOf(1)));
    copyFolder(world.directory, backupPath(world));
    await serve(world, (service) => revoke(service, keyOf(1)));
    const { headSeq } = lastHead(world);
    rmSync(world.directory, { recursive: true });
    renameSync(backupPath(world), world.directory);
    const [b, c] = world.brokers as [TestBroker, TestBroker];
    c.isDown = true;
    await expect(world.open()).rejects.toThrow(/1 of 2 sources.*the archive is behind; b: shows a head; c: did not/);
    c.isDown = false;
    b.isDown = true;
    await expect(world.open()).rejects.toThrow(/1 of 2 sources/);
    b.isDown = false;
    const service = await world.open();
    expect(service.status().headSeq).toBeGreaterThan(headSeq + 2 ** 20 - 1);
    expect(service.status().brokers.map(({ isCurrent }) => isCurrent)).toEqual([true, true]);
    expect(await codeOf(() => issue(service, keyOf(1)))).toBe('E_REVOKED');
    await service.close();
  });

  it('is refused where the policy or the revocations of the highest head are held back', async () => {
    const world = await servedWorld('b');
    await serve(world, (service) => issue(service, keyOf(1)));
    copyFolder(world.directory, backupPath(world));
    await serve(world, (service) => revoke(service, keyOf(1)));
    rmSync(world.directory, { recursive: true });
    renameSync(backupPath(world), world.directory);
    const { authorityId32 } = lastHead(world);
    const honest = world.brokers[0]!.source(authorityId32);
    for (const type of [addressTypes.policy, addressTypes.revocationList]) {
      const hidden = addressOf(provider, authorityId32, type, new Uint8Array(0));
      const hiding: RestoreSource = {
        name: 'hiding',
        retained: async (address16) =>
          Buffer.compare(address16, hidden) === 0 ? [] : await honest.retained(address16),
      };
      const options = { ...withSources(world, hiding), acceptSingleSource: true };
      expect(await codeOf(() => world.open(options))).toBe('E_STALE');
    }
    await (await world.open({ acceptSingleSource: true })).close();
  });

  it('that went on without asking is found out', async () => {
    const world = new World('b');
    await world.init();
    // A copy of what was never handed out may be used without a broker, which makes its numbers high.
    copyFolder(world.directory, backupPath(world));
    await serve(world, (service) => issue(service, keyOf(1)));
    rmSync(world.directory, { recursive: true });
    renameSync(backupPath(world), world.directory);
    await (await world.open({ connect: () => ({ sinks: [], sources: [] }) })).close();
    for (const acceptSingleSource of [false, true]) {
      const code = await codeOf(() => world.open({ acceptSingleSource }));
      // Two lives from one state: their chains differ.
      expect(code).toBe('E_FORK');
    }
  });
});

describe('a life without a broker', () => {
  it('of a backup is found out by the heads that it passed', async () => {
    const world = new World('b');
    await world.init();
    const service = await world.open();
    await world.clock.advance(30_000);
    copyFolder(world.directory, backupPath(world), (path) => !path.endsWith('lock'));
    await world.clock.advance(minuteMs);
    issue(service, keyOf(1));
    revoke(service, keyOf(1));
    await service.rest();
    await service.close();
    await world.clock.advance(2 * minuteMs);
    rmSync(world.directory, { recursive: true });
    copyFolder(backupPath(world), world.directory);
    const alone = { connect: () => ({ sinks: [], sources: [] }), acceptSingleSource: true };
    await (await world.open(alone)).close();
    for (const acceptSingleSource of [false, true]) {
      expect(await codeOf(() => world.open({ acceptSingleSource }))).toBe('E_STALE');
    }
    const again = { backup: join(backupPath(world), 'authority.state'), acceptSingleSource: true };
    const next = await world.open(again);
    expect(await codeOf(() => issue(next, keyOf(1)))).toBe('E_REVOKED');
    await next.close();
  });
});

describe('two authorities with one state', () => {
  it('are found out while both run, and when both ran', async () => {
    const world = await servedWorld('b');
    const [broker] = world.brokers as [TestBroker];
    const copy = backupPath(world);
    copyFolder(world.directory, copy);
    const first = await world.open();
    await world.clock.advance(minuteMs);
    // It would go on above the other, which lives.
    expect(await codeOf(() => AuthorityService.open(world.options({ directory: copy })))).toBe('E_FORK');
    await first.close();
    await world.clock.advance(2 * minuteMs);
    const second = await AuthorityService.open(world.options({ directory: copy, acceptSingleSource: true }));
    await second.rest();
    await second.close();
    expect(second.status().brokers[0]!.isCurrent).toBe(true);
    await world.clock.advance(2 * minuteMs);
    // The first one's chain goes on with the second's, which knows of it.
    const { headSeq } = lastHead(world);
    const next = await world.open({ acceptSingleSource: true });
    expect(next.status().headSeq).toBeGreaterThan(headSeq);
    await next.close();
    expect(broker.bundles.length).toBeGreaterThan(3);
  });

  it('that never met have chains that nobody can join', async () => {
    const world = await servedWorld('b', 'c');
    const [b, c] = world.brokers as [TestBroker, TestBroker];
    const copy = backupPath(world);
    copyFolder(world.directory, copy);
    const options = (broker: TestBroker): Partial<DurableServiceOptions> => ({
      connect: ({ authorityId32 }) => ({
        sinks: [broker.sink(authorityId32)],
        sources: [broker.source(authorityId32)],
      }),
    });
    await (await world.open(options(b))).close();
    await (await world.open({ directory: copy, ...options(c) })).close();
    await world.clock.advance(2 * minuteMs);
    expect(await codeOf(() => world.open())).toBe('E_FORK');
    expect(await codeOf(() => world.open({ acceptSingleSource: true }))).toBe('E_FORK');
    // Who chooses one goes on with its broker.
    await (await world.open(options(b))).close();
  });
});

/** With the mode of the folder, which Node 24 does not copy. */
function copyFolder(from: string, to: string, filter: (path: string) => boolean = () => true): void {
  cpSync(from, to, { recursive: true, filter });
  chmodSync(to, 0o700);
}
