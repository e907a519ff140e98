import { describe, expect, it } from 'vitest';
import { hexOf } from '../../src/client/hex.ts';
import { addressTypes } from '../../src/codepoints/address-types.gen.ts';
import { delegatedRoles } from '../../src/codepoints/delegated-roles.gen.ts';
import { limits } from '../../src/codepoints/limits.gen.ts';
import { actions } from '../../src/codepoints/actions.gen.ts';
import { matchOf, routeSecretOf } from '../../src/keys/compile-policy.ts';
import { isFresh } from '../../src/keys/head.ts';
import { parsePattern } from '../../src/topics/grammar.ts';
import { codeOf, startMs, World } from './world.ts';

const dayMs = 86_400_000;

describe('tick', () => {
  it('makes a head every 20 s, and nothing in between (principals.26)', () => {
    const world = new World();
    const group = world.group();
    for (let i = 1; i <= 10; i++) {
      const { issuedMs, headSeq } = world.authority.head;
      expect(world.authority.nextTickMs(world.nowMs)).toBe(issuedMs + 20_000);
      world.nowMs = issuedMs + 19_999;
      world.authority.tick(world.nowMs);
      expect(world.authority.head.headSeq).toBe(headSeq);
      world.nowMs++;
      world.authority.tick(world.nowMs);
      expect(world.authority.head.headSeq).toBe(headSeq + 1);
      expect(world.receiver.lastTypes).toEqual([addressTypes.groupHead, addressTypes.head]);
      expect(isFresh(world.receiver.trust.head!, world.nowMs, 0, 60_000)).toBe(true);
    }
    expect(world.receiver.group(group).blocks).toHaveLength(1);
  });

  it('publishes the next block ahead, once', () => {
    const world = new World();
    const group = world.group({ epochLifeMs: 600_000 });
    const a = world.member('a');
    world.grant(a, 'publish');
    const { notAfterMs, epoch } = world.block(group).header;
    while (world.block(group).header.epoch === epoch) {
      world.nowMs = world.authority.nextTickMs(world.nowMs);
      world.authority.tick(world.nowMs);
    }
    expect(world.nowMs).toBe(notAfterMs - 60_000);
    const { notBeforeMs, drainUntilMs, flags } = world.block(group).header;
    expect([notBeforeMs, drainUntilMs, flags]).toEqual([notAfterMs, notAfterMs + 600_000, 0]);
    expect(world.opens(group, a)).toBe(true);
    world.nowMs += 59_000;
    world.authority.tick(world.nowMs);
    expect(world.block(group).header.epoch).toBe(epoch + 1);
    // Late: from now on, not from an end that has passed.
    world.nowMs += 3_600_000;
    world.authority.tick(world.nowMs);
    expect(world.block(group).header.notBeforeMs).toBe(world.nowMs);
    // A revocation comes at once, block ahead or not.
    world.authority.rotate(group, world.nowMs, { notBeforeMs: world.nowMs + 1000 });
    world.authority.revoke(a.key.keyId32, world.nowMs);
    expect(world.block(group).header.notBeforeMs).toBe(world.nowMs);
    expect(world.opens(group, a)).toBe(false);
  });

  it('makes lists for the periods of the block, and keeps those in use', () => {
    const world = new World();
    const group = world.group({ epochLifeMs: 30_000, periodMs: 60_000 });
    const a = world.member('a');
    world.authority.grant({ keyId32: a.key.keyId32, action: 'publish', pattern: 'orders/eu/**' }, world.nowMs);
    world.grant(a, 'subscribe');
    const endMs = world.nowMs + 600_000;
    while (world.nowMs < endMs) {
      world.nowMs = world.authority.nextTickMs(world.nowMs + 1);
      world.authority.tick(world.nowMs);
      const opening = world.receiver.opening(group, a.key.keyId32);
      if (typeof opening !== 'object') throw new Error(`not open: ${opening}`);
      const { routeSecrets } = opening.private;
      const { writers, edge } = world.receiver.group(group);
      // What is sent now, and what a receiver routes by now.
      for (const atMs of [world.nowMs - 120_000, world.nowMs, world.nowMs + 30_000]) {
        const period = Math.floor(atMs / 60_000);
        const match = (pattern: string) =>
          matchOf(world.provider, routeSecretOf(routeSecrets, period), group, period, parsePattern(pattern));
        const { match16 } = match('orders/eu/**');
        const chain = new Uint8Array(48);
        chain.set(match16, 32);
        const tag16 = new Uint8Array(16);
        expect(writers!.allowsEnvelope(a.key.keyId32, actions.publish, atMs, tag16, chain)).toBe(true);
        const subscribed = match('orders/**');
        expect(edge!.allowsSubscription(a.key.keyId32, actions.subscribe, world.nowMs, subscribed)).toBe(true);
      }
    }
  });

  it('holds at most eight route secrets, however often it revokes', () => {
    const world = new World();
    const group = world.group({ periodMs: 60_000 });
    const a = world.member('a');
    const b = world.member('b');
    world.grant(b, 'subscribe');
    for (let i = 0; i < 40; i++) {
      world.nowMs += 17_000;
      world.grant(a, 'publish');
      world.authority.withdraw({ keyId32: a.key.keyId32, action: 'publish', pattern: 'orders/**' }, world.nowMs);
      const opening = world.receiver.opening(group, b.key.keyId32);
      if (typeof opening !== 'object') throw new Error(`not open: ${opening}`);
      // Later than any sender can seal by a view that is older.
      const period = Math.floor((world.nowMs + limits.headFreshMs) / 60_000);
      expect(opening.private.routeSecrets.at(-1)!.fromPeriod).toBe(period + 1);
      expect(routeSecretOf(opening.private.routeSecrets, Math.floor((world.nowMs - 120_000) / 60_000))).toHaveLength(
        32,
      );
      expect(opening.private.routeSecrets.length).toBeLessThanOrEqual(6);
    }
  });

  it('renews delegations and lives for months', { timeout: 60_000 }, () => {
    const world = new World(7, { headIntervalMs: 20_000 });
    const group = world.group();
    const a = world.member('a');
    world.grant(a, 'publish');
    let issuedMs = world.nowMs;
    for (let day = 1; day <= 120; day++) {
      world.nowMs = startMs + day * dayMs;
      if (world.nowMs > issuedMs + 20 * dayMs) {
        world.authority.issue(a.key, { name: 'a' }, world.nowMs);
        issuedMs = world.nowMs;
      }
      world.sendKeys(a);
      world.authority.tick(world.nowMs);
      expect(world.opens(group, a)).toBe(true);
    }
    const { serial, delegations } = world.receiver.trust.authorityRecord!;
    expect(serial).toBeGreaterThan(30);
    expect(delegations.length).toBeLessThanOrEqual(4);
    // A newcomer verifies everything by what is current.
    const newcomer = new World(7).receiver;
    expect(newcomer.authorityId32).toEqual(world.authority.authorityId32);
    newcomer.nowMs = world.nowMs;
    world.authority.republish(world.nowMs);
    newcomer.take(world.receiver.bundles.at(-1)!);
    expect(newcomer.trust.principal(a.key.keyId32)).toBeDefined();
  });
});

describe('keys of the authority', () => {
  it('puts fresh delegated keys in place, and keeps an issuer that is needed', () => {
    const world = new World();
    const group = world.group();
    const a = world.member('a');
    world.grant(a, 'publish');
    const before = world.receiver.trust.authorityRecord!;
    world.authority.delegate(world.nowMs);
    const after = world.receiver.trust.authorityRecord!;
    expect(after.serial).toBe(2);
    expect(after.delegations).toHaveLength(4);
    const kept = after.delegations.filter(({ key }) =>
      before.delegations.some((one) => hexOf(one.key.keyId32) === hexOf(key.keyId32)),
    );
    expect(kept.map(({ roles }) => roles)).toEqual([delegatedRoles.issuer]);
    expect(world.receiver.trust.groupRecord(group)!.serial).toBe(2);
    expect(world.receiver.group(group).blocks).toHaveLength(2);
    world.authority.issue(a.key, { name: 'a' }, world.nowMs);
    world.authority.delegate(world.nowMs);
    world.authority.issue(a.key, { name: 'a' }, world.nowMs);
    world.authority.delegate(world.nowMs);
    expect(world.receiver.trust.authorityRecord!.delegations).toHaveLength(4);
  });

  it('rolls its root key over', () => {
    const world = new World();
    const group = world.group();
    const a = world.member('a');
    world.grant(a, 'publish');
    const before = world.receiver.trust.authorityRecord!.rootKeys[0]!;
    world.authority.rollover(world.nowMs);
    const record = world.receiver.trust.authorityRecord!;
    expect(record.rootKeys.map(({ keyId32 }) => hexOf(keyId32))).not.toContain(hexOf(before.keyId32));
    expect(record.object.signatures).toHaveLength(2);
    expect(world.receiver.trust.policy!.version).toBeGreaterThan(1);
    world.authority.rollover(world.nowMs);
    world.authority.delegate(world.nowMs);
    expect(world.receiver.trust.authorityRecord!.serial).toBe(4);
    world.authority.rotate(group, world.nowMs);
    expect(world.opens(group, a)).toBe(true);
  });

  it('refuses heads that would be too far apart, or fresh for too long', () => {
    expect(codeOf(() => new World(1, { headIntervalMs: 20_001 }))).toBe('E_USAGE');
    expect(codeOf(() => new World(1, { headFreshMs: dayMs + 1 }))).toBe('E_USAGE');
    expect(codeOf(() => new World(1, { headFreshMs: 5_000, headIntervalMs: 1_000 }))).toBe(undefined);
  });
});
