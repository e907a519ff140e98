import { describe, expect, it } from 'vitest';
import { hexOf } from '../../src/client/hex.ts';
import { addressTypes } from '../../src/codepoints/address-types.gen.ts';
import { delegatedRoles } from '../../src/codepoints/delegated-roles.gen.ts';
import { keyBlockKinds } from '../../src/codepoints/key-block-kinds.gen.ts';
import { keyBlockFlags } from '../../src/keys/key-block-format.ts';
import { encodeKeyRecordBody } from '../../src/keys/key-record.ts';
import { labels } from '../../src/codepoints/labels.gen.ts';
import { objectKinds } from '../../src/codepoints/object-kinds.gen.ts';
import { encodeObject } from '../../src/keys/signed-object.ts';
import { Authority } from '../../src/authority/authority.ts';
import { drawKeys, eraseReplaced, redrawKeys } from '../../src/authority/delegated-keys.ts';
import { eraseDropped } from '../../src/authority/route-secrets.ts';
import { codeOf, startMs, World } from './world.ts';

const dayMs = 86_400_000;

describe('rights to read the same group (principals.42)', () => {
  const subscribe = (world: World, keyId32: Uint8Array, pattern: string, notAfterMs?: number) => {
    const until = notAfterMs === undefined ? {} : { notAfterMs };
    world.authority.grant({ keyId32, action: 'subscribe', pattern, ...until }, world.nowMs);
  };

  it('end together, when the time of one is over', () => {
    const world = new World();
    const group = world.group({ patterns: ['a/**', 'b'] });
    const a = world.member('a');
    const { keyId32 } = a.key;
    const endMs = world.nowMs + 5_000;
    world.authority.grantAll(
      [
        { keyId32, action: 'subscribe', pattern: 'a/**', notAfterMs: endMs },
        { keyId32, action: 'subscribe', pattern: 'b' },
      ],
      world.nowMs,
    );
    world.grant(a, 'publish', 'b');
    world.nowMs = endMs + 1;
    world.authority.tick(world.nowMs);
    expect(world.authority.failures).toEqual([]);
    const { edge } = world.receiver.group(group);
    expect(new Set(edge!.entries.map(({ actions }) => actions))).toEqual(new Set([1]));
    expect(world.block(group).header.flags).toBe(keyBlockFlags.revocation);
    expect(world.opens(group, a)).toBe(true);
  });

  it('end together, when one is withdrawn, in every group that they reach', () => {
    const world = new World();
    const groups = [world.group({ patterns: ['a/**'] }), world.group({ patterns: ['b/**'] })];
    const [a, b] = [world.member('a'), world.member('b')];
    for (const pattern of ['a/**', '**', 'b/**']) subscribe(world, a.key.keyId32, pattern);
    subscribe(world, b.key.keyId32, 'b/**');
    world.authority.withdraw({ keyId32: a.key.keyId32, action: 'subscribe', pattern: 'a/**' }, world.nowMs);
    for (const group of groups) expect(world.opens(group, a)).toBe(false);
    expect(world.opens(groups[1]!, b)).toBe(true);
    const again = { keyId32: a.key.keyId32, action: 'subscribe', pattern: 'b/**' } as const;
    expect(codeOf(() => world.authority.withdraw(again, world.nowMs))).toBe('E_USAGE');
  });
});

describe('principal records', () => {
  it('that end take the seats with them (groups.24)', () => {
    const world = new World();
    const groups = [world.group(), world.group({ patterns: ['list'], blockKind: keyBlockKinds.list })];
    const a = world.member('a', { notAfterMs: world.nowMs + 60_000 });
    const b = world.member('b');
    for (const who of [a, b]) for (const pattern of ['orders/**', 'list']) world.grant(who, 'publish', pattern);
    const epochs = groups.map((group) => world.block(group).header.epoch);
    world.nowMs += 60_000;
    world.authority.tick(world.nowMs);
    expect(groups.map((group) => world.block(group).header.epoch)).toEqual(epochs);
    world.nowMs += 20_000;
    world.authority.tick(world.nowMs);
    for (const group of groups) {
      expect(world.block(group).header.flags).toBe(keyBlockFlags.revocation);
      expect([world.opens(group, a), world.opens(group, b)]).toEqual([false, true]);
      expect(world.authority.waiting(group)).toEqual([{ keyId32: a.key.keyId32, reason: 'record not valid' }]);
    }
    // Once, and back with the next record.
    world.authority.tick((world.nowMs += 20_000));
    expect(groups.map((group) => world.block(group).header.epoch)).toEqual(epochs.map((epoch) => epoch + 1));
    world.authority.issue(a.key, { name: 'a' }, world.nowMs);
    world.sendKeys(a);
    world.authority.tick(world.nowMs);
    for (const group of groups) expect(world.opens(group, a)).toBe(true);
  });

  it('that allow less end those before, until these have ended anyway', () => {
    const world = new World();
    const group = world.group();
    const a = world.member('a');
    const { keyId32 } = a.key;
    world.grant(a, 'publish');
    world.authority.issue(a.key, { name: 'renamed' }, world.nowMs);
    expect(world.receiver.lastTypes).toEqual([addressTypes.principalRecord]);
    for (const fields of [{ suites: [2] }, { suites: [2], suiteFloor: 2 }, { suites: [2], suiteFloor: 2, roles: 2 }]) {
      world.authority.issue(a.key, { name: 'a', ...fields }, world.nowMs);
      const { serial } = world.receiver.trust.principal(keyId32)!;
      const { principalRecord, revocationList, groupHead, head } = addressTypes;
      expect(world.receiver.lastTypes).toEqual([principalRecord, revocationList, groupHead, head]);
      expect(world.receiver.revocations!.isRevoked(keyId32, serial - 1)).toBe(true);
      expect(world.receiver.revocations!.isRevoked(keyId32, serial)).toBe(false);
    }
    world.authority.issue(a.key, { name: 'a', suites: [1, 2], roles: 3 }, world.nowMs);
    expect(world.receiver.lastTypes).toEqual([addressTypes.principalRecord]);
    // A record that does not allow the suite of a group has no place in it.
    world.authority.issue(a.key, { name: 'a', suites: [2] }, world.nowMs);
    world.authority.tick((world.nowMs += 20_000));
    expect(world.opens(group, a)).toBe(false);
    world.nowMs = startMs + 30 * dayMs + 60_000;
    world.authority.tick(world.nowMs);
    expect(world.receiver.revocations!.entries).toHaveLength(1);
    world.authority.tick((world.nowMs += 20_000));
    expect(world.receiver.revocations!.entries).toHaveLength(0);
  });
});

describe('distrust', () => {
  it('ends an issuer, and what it signed until it is issued again', () => {
    const world = new World();
    const group = world.group();
    const a = world.member('a');
    world.grant(a, 'publish');
    const { delegations } = world.receiver.trust.authorityRecord!;
    const issuer = delegations.find(({ roles }) => roles === delegatedRoles.issuer)!.key.keyId32;
    world.authority.distrust(issuer, world.nowMs);
    const after = world.receiver.trust.authorityRecord!.delegations;
    expect(after).toHaveLength(3);
    expect(after.map(({ key }) => hexOf(key.keyId32))).not.toContain(hexOf(issuer));
    const { trust } = world.receiver;
    expect(codeOf(() => trust.checkPrincipalNow(trust.principal(a.key.keyId32)!, world.nowMs))).toBe('E_EXPIRED');
    world.authority.republish(world.nowMs);
    expect(world.receiver.lastTypes).not.toContain(addressTypes.principalRecord);
    world.authority.tick((world.nowMs += 20_000));
    expect(world.opens(group, a)).toBe(false);
    world.authority.issue(a.key, { name: 'a' }, world.nowMs);
    world.sendKeys(a);
    world.authority.tick(world.nowMs);
    expect(world.opens(group, a)).toBe(true);
    expect(codeOf(() => world.authority.distrust(issuer, world.nowMs))).toBe('E_USAGE');
  });

  it('ends an issuer that only stayed for its records, and the other keys', () => {
    const world = new World();
    const group = world.group();
    const a = world.member('a');
    world.grant(a, 'publish');
    const of = (role: number) =>
      world.receiver.trust.authorityRecord!.delegations.find(({ roles }) => roles === role)!.key.keyId32;
    const old = of(delegatedRoles.issuer);
    world.authority.delegate(world.nowMs);
    expect(world.receiver.trust.authorityRecord!.delegations).toHaveLength(4);
    world.authority.distrust(old, world.nowMs);
    expect(world.receiver.trust.authorityRecord!.delegations).toHaveLength(3);
    for (const role of [delegatedRoles.policy, delegatedRoles.status]) {
      const key = of(role);
      world.authority.distrust(key, world.nowMs);
      expect(of(role)).not.toEqual(key);
    }
    expect(world.receiver.trust.groupRecord(group)!.serial).toBe(3);
  });
});

describe('prekeys', () => {
  it('that two principals name get one entry of a list', () => {
    const world = new World();
    const group = world.group({ blockKind: keyBlockKinds.list });
    const [a, b] = [world.member('a'), world.member('b')];
    const { authorityId32 } = world.authority;
    const [prekey] = world.receiver.trust.keyRecord(a.key.keyId32)!.prekeys;
    const body = encodeKeyRecordBody({
      principalKeyId32: b.key.keyId32,
      principalSerial: 1,
      serial: 2 ** 50,
      notBeforeMs: world.nowMs,
      notAfterMs: world.nowMs + dayMs,
      prekeys: [prekey!],
    });
    const signers = [{ label: labels.keyRecord, key: b.key }];
    const stolen = encodeObject(world.provider, objectKinds.keyRecord, authorityId32, body, signers);
    world.authority.takeKeyRecord(stolen, world.nowMs);
    world.grant(a, 'publish');
    world.grant(b, 'publish');
    expect(world.block(group).count).toBe(1);
    expect(world.opens(group, a)).toBe(true);
  });
});

describe('blocks ahead', () => {
  it('are one at a time', () => {
    const world = new World();
    const group = world.group();
    const ahead = (ms: number) => world.authority.rotate(group, world.nowMs, { notBeforeMs: world.nowMs + ms });
    ahead(10_000);
    expect(codeOf(() => ahead(20_000))).toBe('E_USAGE');
    world.nowMs += 9_999;
    expect(codeOf(() => ahead(1))).toBe('E_USAGE');
    world.nowMs += 1;
    expect(codeOf(() => ahead(10_000))).toBe(undefined);
    // One that begins at once is none of them, and takes the place of the one that waits.
    expect(codeOf(() => ahead(0))).toBe(undefined);
    expect(codeOf(() => ahead(5_000))).toBe(undefined);
  });
});

describe('secrets that others took the place of', () => {
  it('are overwritten', () => {
    const world = new World();
    const keys = drawKeys(world.provider, world.random);
    const renewed = redrawKeys(world.provider, world.random, keys, ['issuer', 'status']);
    eraseReplaced(keys, renewed);
    const zeros = new Uint8Array(32);
    expect([keys.issuer.seed32, keys.status.seed32]).toEqual([zeros, zeros]);
    expect(keys.policy.seed32).not.toEqual(zeros);
    expect(renewed.issuer.seed32).not.toEqual(zeros);
    const [one, two] = [
      { fromPeriod: 0, secret32: world.random(32) },
      { fromPeriod: 1, secret32: world.random(32) },
    ];
    eraseDropped([one, two], [two]);
    expect(one.secret32).toEqual(zeros);
    expect(two.secret32).not.toEqual(zeros);
  });

  it('go with the operation that replaces them', () => {
    const { provider, random } = new World(3);
    const drawn: Uint8Array[] = [];
    const noting = (length: number) => {
      const bytes = random(length);
      drawn.push(bytes);
      return bytes;
    };
    const erased = () => drawn.filter((bytes) => bytes.length === 32 && bytes.every((byte) => byte === 0)).length;
    const authority = Authority.create({ provider, random: noting, publish: () => undefined }, startMs);
    const group = authority.addGroup({ patterns: ['a'] }, startMs);
    authority.delegate(startMs);
    authority.rollover(startMs);
    const before = erased();
    // The secret of the block, and the route secret of a period that is long over.
    authority.newGeneration(group, startMs);
    authority.newGeneration(group, startMs + 10 * dayMs);
    authority.newGeneration(group, startMs + 20 * dayMs);
    expect(erased()).toBeGreaterThanOrEqual(before + 3 + 2);
    expect(before).toBeGreaterThanOrEqual(4);
  });
});
