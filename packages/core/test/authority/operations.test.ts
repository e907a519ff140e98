import { describe, expect, it } from 'vitest';
import { addressTypes } from '../../src/codepoints/address-types.gen.ts';
import { keyBlockKinds } from '../../src/codepoints/key-block-kinds.gen.ts';
import { hexOf } from '../../src/client/hex.ts';
import { isFresh } from '../../src/keys/head.ts';
import { keyBlockFlags } from '../../src/keys/key-block-format.ts';
import { codeOf, startMs, World } from './world.ts';

const { authorityRecord, principalRecord, keyRecord, policy, groupRecord, writers } = addressTypes;
const { edgeList, revocationList, enrolment, keyBlock, groupHead, head } = addressTypes;

describe('what operations publish', () => {
  it('begins with a record, a policy, a revocation list and a head', () => {
    const world = new World();
    expect(world.receiver.lastTypes).toEqual([authorityRecord, policy, revocationList, head]);
    expect(world.authority.head.headSeq).toBe(1);
  });

  it('publishes records alone, without a head', () => {
    const world = new World();
    const member = world.member('a');
    expect(world.receiver.lastTypes).toEqual([keyRecord]);
    const record = world.authority.issue(member.key, { name: 'a again' }, world.nowMs);
    expect(world.receiver.lastTypes).toEqual([principalRecord]);
    expect(world.receiver.last[0]!.bytes).toEqual(record);
    expect(world.receiver.trust.principal(member.key.keyId32)!.serial).toBe(2);
  });

  it('adds a group with a first block', () => {
    const world = new World();
    const group = world.group();
    expect(world.receiver.lastTypes).toEqual([policy, groupRecord, writers, edgeList, keyBlock, groupHead, head]);
    const { generation, epoch, baseEpoch, height, flags } = world.block(group).header;
    expect({ generation, epoch, baseEpoch, height, flags }).toEqual({
      generation: 1,
      epoch: 1,
      baseEpoch: 1,
      height: 4,
      flags: 0,
    });
    expect(world.receiver.trust.groupRecord(group)!.topicChains).toBe(true);
    const plain = world.group({ patterns: ['plain', 'other/one'] });
    expect(world.receiver.trust.groupRecord(plain)!.topicChains).toBe(false);
  });

  it('enrols before the block, and sends what changed and only that (principals.40)', () => {
    const world = new World();
    const group = world.group();
    const other = world.group({ patterns: ['other/**'] });
    const a = world.member('a');
    world.grant(a, 'publish');
    expect(world.receiver.lastTypes).toEqual([
      policy,
      writers,
      edgeList,
      enrolment,
      keyBlock,
      groupHead,
      groupHead,
      head,
    ]);
    expect(world.opens(group, a)).toBe(true);
    expect(world.opens(other, a)).toBe(false);
    expect(world.block(group).header.epoch).toBe(2);
    expect(world.receiver.group(group).enrolments.at(-1)!.epoch).toBe(2);
    // A right to read for who has a seat: nothing but the edge list.
    world.grant(a, 'subscribe');
    expect(world.receiver.lastTypes).toEqual([policy, edgeList, groupHead, groupHead, head]);
    expect(world.block(group).header.epoch).toBe(2);
  });

  it('joins the running epoch from its start where that is asked for', () => {
    const world = new World();
    const group = world.group();
    const a = world.member('a');
    world.grant(a, 'subscribe', 'orders/**', 'now');
    expect(world.receiver.lastTypes).toEqual([policy, edgeList, enrolment, groupHead, head]);
    expect(world.block(group).header.epoch).toBe(1);
    expect(world.opens(group, a)).toBe(true);
    // With a block ahead, the keys of the running epoch are gone.
    world.authority.rotate(group, world.nowMs, { notBeforeMs: world.nowMs + 1000 });
    const b = world.member('b');
    world.grant(b, 'subscribe', 'orders/**', 'now');
    expect(world.block(group).header.epoch).toBe(3);
    expect(world.opens(group, b)).toBe(true);
  });

  it('gives a right that is wider than one group in all of them', () => {
    const world = new World();
    const groups = [world.group(), world.group({ patterns: ['other/**'] })];
    const a = world.member('a');
    world.grant(a, 'subscribe', '**');
    for (const group of groups) expect(world.opens(group, a)).toBe(true);
    expect(world.receiver.lastTypes.filter((type) => type === keyBlock)).toHaveLength(2);
  });

  it('makes a list block for each epoch, for who can be reached', () => {
    const world = new World();
    const group = world.group({ blockKind: keyBlockKinds.list });
    const [a, b] = [world.member('a'), world.member('b')];
    world.grant(a, 'publish');
    world.grant(b, 'subscribe');
    expect(world.opens(group, a) && world.opens(group, b)).toBe(true);
    expect(world.block(group).count).toBe(2);
    // The key records end; only one of both sends another.
    world.nowMs += 47 * 3_600_000;
    world.authority.tick(world.nowMs);
    world.sendKeys(a);
    world.nowMs += 2 * 3_600_000;
    world.authority.tick(world.nowMs);
    expect(world.block(group).count).toBe(1);
    expect(world.opens(group, b)).toBe(false);
    expect(world.authority.waiting(group)).toEqual([{ keyId32: b.key.keyId32, reason: 'no valid key record' }]);
    world.sendKeys(b);
    expect(world.authority.nextTickMs(world.nowMs)).toBe(world.nowMs);
    world.authority.tick(world.nowMs);
    expect(world.opens(group, a) && world.opens(group, b)).toBe(true);
    expect(world.authority.waiting(group)).toEqual([]);
    world.authority.reseat(group, b.key.keyId32, world.nowMs);
    expect(world.block(group).header.flags).toBe(keyBlockFlags.revocation);
    world.authority.withdraw({ keyId32: b.key.keyId32, action: 'subscribe', pattern: 'orders/**' }, world.nowMs);
    expect(world.opens(group, a)).toBe(true);
    expect(world.opens(group, b)).toBe(false);
  });

  it('makes psk blocks without seats', () => {
    const world = new World();
    const psk32 = world.random(32);
    const group = world.group({ blockKind: keyBlockKinds.psk, psk32 });
    const a = world.member('a', {}, psk32);
    const epochBefore = world.block(group).header.epoch;
    world.grant(a, 'subscribe');
    expect(world.block(group).header.epoch).toBe(epochBefore);
    world.grant(a, 'publish');
    expect(world.block(group).header.epoch).toBe(epochBefore + 1);
    expect(world.opens(group, a)).toBe(true);
    expect(codeOf(() => world.group({ blockKind: keyBlockKinds.psk, patterns: ['x'] }))).toBe('E_USAGE');
    expect(codeOf(() => world.group({ psk32, patterns: ['x'] }))).toBe('E_USAGE');
    expect(codeOf(() => world.authority.reseat(group, a.key.keyId32, world.nowMs))).toBe('E_USAGE');
  });

  it('grants many rights in one epoch, and grows the tree', () => {
    const world = new World();
    const members = Array.from({ length: 13 }, (_, i) => world.member(`${i}`));
    const group = world.group();
    const before = world.receiver.bundles.length;
    const grants = members.map(({ key }) => ({ keyId32: key.keyId32, action: 'publish', pattern: '**' }) as const);
    world.authority.grantAll([...grants, ...grants], world.nowMs);
    expect(world.receiver.bundles.length - before).toBe(1);
    expect(members.every((member) => world.opens(group, member))).toBe(true);
    // 13 of 16 leaves are more than three quarters.
    const { generation, height, epoch } = world.block(group).header;
    expect([generation, epoch, height]).toEqual([2, 2, 5]);
  });

  it('answers a nonce with a head that is fresh', () => {
    const world = new World();
    const nonce32 = world.random(32);
    world.nowMs += 500_000;
    const bytes = world.authority.answer(nonce32, world.nowMs);
    expect(world.receiver.trust.takeHeadAnswer(bytes, nonce32, world.nowMs)).toBe('known');
    expect(isFresh(world.authority.head, world.nowMs, 30_000, 60_000)).toBe(true);
    expect(codeOf(() => world.authority.answer(world.random(31), world.nowMs))).toBe('E_USAGE');
  });

  it('never uses a number twice, also where a bundle was lost', () => {
    const world = new World();
    const group = world.group();
    const a = world.member('a');
    world.isDown = true;
    expect(() => world.grant(a, 'publish')).toThrow('carrier is down');
    expect(() => world.authority.rotate(group, world.nowMs)).toThrow('carrier is down');
    world.isDown = false;
    expect(world.opens(group, a)).toBe(false);
    world.authority.republish(world.nowMs);
    expect(world.opens(group, a)).toBe(true);
    expect(world.block(group).header.epoch).toBe(3);
  });

  it('sends everything once more', () => {
    const world = new World();
    const group = world.group();
    const a = world.member('a');
    world.grant(a, 'publish');
    world.authority.republish(world.nowMs);
    expect(world.receiver.lastTypes).toEqual([
      authorityRecord,
      principalRecord,
      keyRecord,
      policy,
      groupRecord,
      writers,
      edgeList,
      revocationList,
      enrolment,
      keyBlock,
      keyBlock,
      groupHead,
      head,
    ]);
    expect(world.opens(group, a)).toBe(true);
  });
});

describe('what takes rights away', () => {
  it('revokes in one bundle, in all groups (principals.39)', () => {
    const world = new World();
    const groups = [world.group(), world.group({ patterns: ['other/**'], blockKind: keyBlockKinds.list })];
    const [a, b] = [world.member('a'), world.member('b')];
    for (const pattern of ['orders/**', 'other/**']) {
      world.grant(a, 'publish', pattern);
      world.grant(b, 'subscribe', pattern);
    }
    const before = world.receiver.bundles.length;
    const secretsBefore = groups.map((group) => world.secretsOf(group, b));
    world.nowMs += 1000;
    world.authority.revoke(a.key.keyId32, world.nowMs);
    expect(world.receiver.bundles.length).toBe(before + 1);
    for (const type of [policy, revocationList, head]) expect(world.receiver.lastTypes).toContain(type);
    for (const [i, group] of groups.entries()) {
      const { flags, notBeforeMs } = world.block(group).header;
      expect([flags, notBeforeMs]).toEqual([keyBlockFlags.revocation, world.nowMs]);
      expect(world.opens(group, a)).toBe(false);
      expect(world.opens(group, b)).toBe(true);
      // A new route secret, from the next period on.
      const secrets = world.secretsOf(group, b);
      expect(secrets.slice(0, -1)).toEqual(secretsBefore[i]);
      expect(secrets.at(-1)!.fromPeriod).toBe(Math.floor(world.nowMs / 86_400_000) + 1);
      expect(world.receiver.group(group).writers!.entries).toEqual([]);
    }
    expect(world.receiver.revocations!.isRevoked(a.key.keyId32, 2 ** 40)).toBe(true);
    for (const refused of [
      () => world.authority.revoke(a.key.keyId32, world.nowMs),
      () => world.grant(a, 'publish'),
      () => world.sendKeys(a),
      () => world.authority.issue(a.key, { name: 'a' }, world.nowMs),
      () => world.authority.reseat(groups[0]!, a.key.keyId32, world.nowMs),
    ]) {
      expect(codeOf(refused)).toBe('E_REVOKED');
    }
  });

  it('keeps the seat of who has another right', () => {
    const world = new World();
    const group = world.group();
    const a = world.member('a');
    world.grant(a, 'publish');
    world.grant(a, 'subscribe');
    world.authority.withdraw({ keyId32: a.key.keyId32, action: 'publish', pattern: 'orders/**' }, world.nowMs);
    expect(world.receiver.lastTypes).toEqual([policy, writers, edgeList, revocationList, keyBlock, groupHead, head]);
    expect(world.opens(group, a)).toBe(true);
    expect(world.block(group).header.flags).toBe(keyBlockFlags.revocation);
    expect(world.block(group).count).toBe(1);
    world.authority.withdraw({ keyId32: a.key.keyId32, action: 'subscribe', pattern: 'orders/**' }, world.nowMs);
    expect(world.opens(group, a)).toBe(false);
    expect(world.block(group).count).toBe(4);
    // Comes back: to another leaf.
    world.grant(a, 'subscribe');
    expect(world.opens(group, a)).toBe(true);
    const [first, second] = world.receiver.group(group).enrolments;
    expect(first!.leaf).not.toBe(second!.leaf);
    expect(codeOf(() => world.authority.withdraw({ keyId32: a.key.keyId32, action: 'publish', pattern: 'x' }, 1))).toBe(
      'E_USAGE',
    );
  });

  it('ends a grant when its time is over', () => {
    const world = new World();
    const group = world.group();
    const a = world.member('a');
    const notAfterMs = world.nowMs + 5000;
    const { keyId32 } = a.key;
    world.authority.grant({ keyId32, action: 'publish', pattern: 'orders/**', notAfterMs }, world.nowMs);
    expect(world.authority.nextTickMs(world.nowMs)).toBe(notAfterMs + 1);
    world.nowMs = notAfterMs + 1;
    world.authority.tick(world.nowMs);
    expect(world.opens(group, a)).toBe(false);
    expect(world.receiver.group(group).edge!.entries).toEqual([]);
    expect(
      codeOf(() => world.authority.grant({ keyId32, action: 'publish', pattern: '**', notAfterMs }, world.nowMs)),
    ).toBe('E_USAGE');
  });

  it('reseats a member', () => {
    const world = new World();
    const group = world.group();
    const a = world.member('a');
    world.grant(a, 'publish');
    world.nowMs += 1000;
    world.sendKeys(a);
    world.authority.reseat(group, a.key.keyId32, world.nowMs);
    expect(world.receiver.lastTypes).toContain(enrolment);
    expect(world.opens(group, a)).toBe(true);
    const [first, second] = world.receiver.group(group).enrolments;
    expect(second!.leaf).not.toBe(first!.leaf);
    expect(hexOf(second!.kemKeyId32)).not.toBe(hexOf(first!.kemKeyId32));
    expect(world.block(group).header.flags).toBe(keyBlockFlags.revocation);
    expect(world.block(group).count).toBe(4);
  });

  it('prunes the revocation list when no record is valid any more (principals.25)', () => {
    const world = new World();
    const a = world.member('a');
    world.authority.issue(a.key, { name: 'short', notAfterMs: world.nowMs + 1000 }, world.nowMs);
    world.authority.revoke(a.key.keyId32, world.nowMs);
    // The earlier record is the longer one.
    world.nowMs = startMs + 30 * 86_400_000 + 60_000;
    world.authority.tick(world.nowMs);
    expect(world.receiver.revocations!.entries).toHaveLength(1);
    world.nowMs += 1;
    expect(world.authority.nextTickMs(world.nowMs)).toBe(world.nowMs);
    world.authority.tick(world.nowMs);
    expect(world.receiver.revocations!.entries).toHaveLength(0);
    expect(codeOf(() => world.authority.issue(a.key, { name: 'a' }, world.nowMs))).toBe('E_REVOKED');
  });
});

describe('what is refused', () => {
  it('changes nothing and publishes nothing', () => {
    const world = new World();
    const group = world.group({ patterns: ['orders/**', 'bills/one'] });
    const a = world.member('a');
    const keyless = world.member('b');
    const stranger = world.random(32);
    const { keyId32 } = a.key;
    const refused: [string, () => unknown][] = [
      ['E_POLICY', () => world.group({ patterns: ['orders/eu'] })],
      ['E_POLICY', () => world.group({ patterns: ['**'] })],
      ['E_POLICY', () => world.group({ patterns: ['a/*'] })],
      ['E_POLICY', () => world.grant(a, 'publish', 'orders/*')],
      ['E_POLICY', () => world.grant(a, 'publish', 'elsewhere')],
      ['E_POLICY', () => world.grant(a, 'subscribe', 'orders/eu/**')],
      ['E_ENCODING', () => world.grant(a, 'publish', 'a//b')],
      ['E_LIMIT', () => world.group({ patterns: ['x'], epochLifeMs: 1 })],
      ['E_LIMIT', () => world.group({ patterns: ['x'], drainMs: 3_600_001 })],
      ['E_USAGE', () => world.group({ patterns: ['x'], height: 25 })],
      ['E_USAGE', () => world.group({ patterns: [] })],
      ['E_SENDER', () => world.authority.grant({ keyId32: stranger, action: 'publish', pattern: '**' }, world.nowMs)],
      ['E_SENDER', () => world.authority.revoke(stranger, world.nowMs)],
      ['E_SENDER', () => world.authority.withdraw({ keyId32: stranger, action: 'publish', pattern: '**' }, 1)],
      ['E_USAGE', () => world.authority.rotate(world.random(16), world.nowMs)],
      ['E_USAGE', () => world.authority.rotate(group, world.nowMs, { notBeforeMs: world.nowMs - 1 })],
      ['E_USAGE', () => world.authority.reseat(group, keyId32, world.nowMs)],
      ['E_USAGE', () => world.authority.newGeneration(world.random(16), world.nowMs)],
      ['E_LIMIT', () => world.authority.issue(a.key, { name: 'a', notAfterMs: world.nowMs + 3e9 }, world.nowMs)],
      [
        'E_EXPIRED',
        () => world.authority.grant({ keyId32, action: 'publish', pattern: '**' }, world.nowMs + 31 * 86_400_000),
      ],
      [
        'E_KEY',
        () => world.authority.grant({ keyId32, action: 'publish', pattern: '**' }, world.nowMs + 49 * 3_600_000),
      ],
    ];
    expect(keyless.key.keyId32).toHaveLength(32);
    const before = hexOf(world.authority.snapshot());
    const bundles = world.receiver.bundles.length;
    for (const [code, work] of refused) {
      expect(codeOf(work)).toBe(code);
      expect(hexOf(world.authority.snapshot())).toBe(before);
      expect(world.receiver.bundles.length).toBe(bundles);
    }
  });

  it('refuses a suite that the principal does not allow (groups.24), and a grant that a new rule would cut', () => {
    const world = new World();
    const a = world.member('a', { suites: [2] });
    const floor = world.member('b', { suiteFloor: 2 });
    world.group();
    expect(codeOf(() => world.grant(a, 'publish'))).toBe('E_POLICY');
    expect(codeOf(() => world.grant(floor, 'publish'))).toBe('E_POLICY');
    world.group({ patterns: ['gcm'], suite: 2 });
    world.grant(a, 'subscribe', 'gcm');
    expect(codeOf(() => world.authority.rotate(world.authority.groupIds[1]!, world.nowMs))).toBe(undefined);
  });
});
