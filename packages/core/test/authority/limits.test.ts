import { describe, expect, it } from 'vitest';
import { Authority } from '../../src/authority/authority.ts';
import { readSnapshot, writeSnapshot } from '../../src/authority/snapshot.ts';
import { Outgoing } from '../../src/authority/outgoing.ts';
import { PolicySource } from '../../src/authority/policy-source.ts';
import { addressTypes } from '../../src/codepoints/address-types.gen.ts';
import { actions } from '../../src/codepoints/actions.gen.ts';
import { keyBlockKinds } from '../../src/codepoints/key-block-kinds.gen.ts';
import { Identity } from '../../src/client/identity.ts';
import { objectKinds } from '../../src/codepoints/object-kinds.gen.ts';
import { signGroupRecord } from '../../src/authority/state.ts';
import { decodeBundle } from '../../src/keys/bundle.ts';
import type { Grant, Rule } from '../../src/keys/compile-policy.ts';
import { decodeGroupRecord } from '../../src/keys/group-record.ts';
import { parseObject } from '../../src/keys/signed-object.ts';
import { signingKeyOf } from '../../src/keys/signing-key.ts';
import { nodeProvider } from '../../src/node/index.ts';
import { parsePattern } from '../../src/topics/grammar.ts';
import { codeOf, randomOf, startMs, World } from './world.ts';

describe('a group that fails (principals.43)', () => {
  /** A world where the first of two groups has no number left for an epoch. */
  function exhausted(): { world: World; authority: Authority; groups: Uint8Array[]; members: Identity[] } {
    const world = new World();
    const groups = [world.group(), world.group({ patterns: ['other/**'] })];
    const members = [world.member('a'), world.member('b')];
    for (const who of members) for (const pattern of ['orders/**', 'other/**']) world.grant(who, 'publish', pattern);
    const memory = readSnapshot(world.authority.snapshot());
    const used = memory.groups.map((group, i) => (i === 0 ? { ...group, epoch: 0xffff_ffff - 65_536 } : group));
    const options = {
      provider: world.provider,
      random: randomOf(99),
      publish: (bundle: Uint8Array) => world.take(bundle),
    };
    const newest = (type: number) => world.arrivals.filter((one) => one.type === type).slice(-2);
    const heads = [...newest(addressTypes.head), ...newest(addressTypes.groupHead)].map(({ bytes }) => bytes);
    // The receiver asks that blocks follow one another, and the block before the last number is not there.
    world.receiver.group(groups[0]!).blocks.length = 0;
    const snapshot = writeSnapshot({ ...memory, groups: used });
    const authority = Authority.restore(options, snapshot, { heads, blocks: [] }, world.nowMs);
    expect(world.block(groups[0]!).header.epoch).toBe(0xffff_ffff);
    return { world, authority, groups, members };
  }

  it('keeps its former state, is reported, and holds up no head', () => {
    const { world, authority, groups } = exhausted();
    const [stuck, fine] = groups as [Uint8Array, Uint8Array];
    const before = world.block(fine).header.epoch;
    world.nowMs += 3_600_000;
    authority.tick(world.nowMs);
    expect(authority.failures.map(({ groupId16 }) => groupId16)).toEqual([stuck]);
    expect(
      authority.failures.map(({ error }) =>
        codeOf(() => {
          throw error;
        }),
      ),
    ).toEqual(['E_LIMIT']);
    expect(world.block(fine).header.epoch).toBe(before + 1);
    expect(world.block(stuck).header.epoch).toBe(0xffff_ffff);
    for (let i = 0; i < 3; i++) {
      const { headSeq } = authority.head;
      world.nowMs = authority.nextTickMs(world.nowMs);
      authority.tick(world.nowMs);
      expect(authority.head.headSeq).toBe(headSeq + 1);
    }
    authority.delegate(world.nowMs);
    authority.tick((world.nowMs += 20_000));
    expect(authority.failures).toHaveLength(1);
    // What is asked of that group alone is refused.
    expect(codeOf(() => authority.rotate(stuck, world.nowMs))).toBe('E_LIMIT');
  });

  it('does not keep a revocation from all others', () => {
    const { world, authority, groups, members } = exhausted();
    const [stuck, fine] = groups as [Uint8Array, Uint8Array];
    const [a, b] = members as [Identity, Identity];
    authority.revoke(a.key.keyId32, world.nowMs);
    expect(authority.failures).toHaveLength(1);
    expect(world.receiver.revocations!.isRevoked(a.key.keyId32, 1)).toBe(true);
    expect(world.opens(fine, a)).toBe(false);
    expect(world.opens(fine, b)).toBe(true);
    const ids = world.receiver.group(stuck).writers!.entries.map(({ keyId32 }) => keyId32);
    expect(ids).toContainEqual(a.key.keyId32);
  });

  it('is made up for when it can be', () => {
    const options = { fails: false };
    const world = new World();
    const { provider } = world;
    const random = randomOf(5);
    const early: Uint8Array[] = [];
    const broken = {
      ...provider,
      hmacSha256: (key: Uint8Array, ...parts: readonly Uint8Array[]) => provider.hmacSha256(key, ...parts),
      aeadSeal: (...args: Parameters<typeof provider.aeadSeal>) => {
        if (options.fails) throw new Error('engine is broken');
        return provider.aeadSeal(...args);
      },
    };
    const authority = Authority.create({ provider: broken, random, publish: (one) => early.push(one) }, startMs);
    const group = authority.addGroup({ patterns: ['orders/**'] }, startMs);
    const who = Identity.create(provider, random, startMs);
    authority.issue(who.key, { name: 'a' }, startMs);
    authority.takeKeyRecord(who.keyRecord(authority.authorityId32, 1, startMs), startMs);
    for (const action of ['publish', 'subscribe'] as const) {
      authority.grant({ keyId32: who.key.keyId32, action, pattern: 'orders/**' }, startMs);
    }
    options.fails = true;
    const { headSeq } = authority.head;
    authority.withdraw({ keyId32: who.key.keyId32, action: 'publish', pattern: 'orders/**' }, startMs);
    expect(authority.head.headSeq).toBe(headSeq + 1);
    expect(authority.failures).toHaveLength(1);
    authority.tick(startMs + 20_000);
    authority.delegate(startMs + 20_000);
    options.fails = false;
    authority.tick(startMs + 40_000);
    expect(authority.failures).toEqual([]);
    const types = decodeBundle(early.at(-1)!).map(({ bytes }) => String.fromCharCode(...bytes.subarray(0, 4)));
    // Policy, the record under the new policy key, both lists, the block, and heads.
    expect(types).toEqual(['TDOB', 'TDOB', 'TDAL', 'TDAL', 'TDKB', 'TDHD', 'TDHD']);
    const block = decodeBundle(early.at(-1)!)[4]!.bytes;
    expect(block[181]).toBe(1);
    expect(authority.waiting(group)).toEqual([]);
  });

  it('leaves out of a bundle what it has no room for', () => {
    const out = new Outgoing(nodeProvider, new Uint8Array(32));
    const part = (type: number, bytes: number) => {
      const own = new Outgoing(nodeProvider, new Uint8Array(32));
      own.add(type, new Uint8Array(type === addressTypes.enrolment ? 48 : 16), new Uint8Array(bytes));
      return own;
    };
    out.addAll(part(addressTypes.keyBlock, 8_000_000));
    expect(codeOf(() => out.addAll(part(addressTypes.keyBlock, 7_000_000)))).toBe('E_LIMIT');
    out.addAll(part(addressTypes.enrolment, 12_000_000));
    out.addAll(part(addressTypes.keyBlock, 6_000_000));
    expect(out.bundles().map((bundle) => decodeBundle(bundle).length)).toEqual([1, 2]);
  });
});

describe('limits of lists', () => {
  it('are those of the longest block, at the grant and not later', () => {
    const world = new World();
    // At most 1 + ceil((900 + 3600 + 60 + 120) / 60) periods; 4,096 writers of a part.
    const group = world.group({ periodMs: 60_000, epochLifeMs: 3_600_000 });
    const periods = 1 + (60 + 3_600 + 60 + 120) / 60;
    const most = Math.floor(4096 / periods);
    const a = world.member('a');
    const grants = Array.from({ length: most }, (_, i) => {
      return { keyId32: a.key.keyId32, action: 'publish', pattern: `orders/${i}` } as const;
    });
    const one = { keyId32: a.key.keyId32, action: 'publish', pattern: 'orders/one-more' } as const;
    expect(codeOf(() => world.authority.grantAll([...grants, one], world.nowMs))).toBe('E_LIMIT');
    world.authority.grantAll(grants, world.nowMs);
    expect(codeOf(() => world.authority.grant(one, world.nowMs))).toBe('E_LIMIT');
    for (let i = 0; i < 12; i++) {
      world.nowMs = world.block(group).header.notAfterMs - 60_000 + i * 7_000;
      world.authority.tick(world.nowMs);
      expect(world.authority.failures).toEqual([]);
    }
    // The right to all of the group counts once, whatever the periods.
    const b = world.member('b');
    world.authority.withdraw(grants[0]!, world.nowMs);
    world.grant(b, 'publish');
  });
});

describe('size', () => {
  it('has room for a revocation in 1,024 groups', () => {
    const random = randomOf(1);
    const bundles: Uint8Array[] = [];
    const options = { provider: nodeProvider, random, publish: (bundle: Uint8Array) => bundles.push(bundle) };
    const one = Authority.create(options, startMs);
    one.addGroup({ patterns: ['a'], blockKind: keyBlockKinds.psk, psk32: random(32) }, startMs);
    // As many, without making one after the other: from a snapshot.
    const memory = readSnapshot(one.snapshot());
    const [group] = memory.groups as [(typeof memory.groups)[number]];
    const record = decodeGroupRecord(nodeProvider, parseObject(nodeProvider, group.record, objectKinds.groupRecord));
    const key = signingKeyOf(nodeProvider, random(32));
    const groups = Array.from({ length: 1024 }, (_, i) => {
      const fields = { ...record, groupId16: random(16) };
      const { object } = signGroupRecord(nodeProvider, memory.authorityId32, key, fields);
      return { ...group, record: object.bytes, patterns: [`group-${i}`] };
    });
    const sources = { heads: [one.head.bytes, one.head.bytes], blocks: [] };
    const authority = Authority.restore(options, writeSnapshot({ ...memory, groups }), sources, startMs);
    const who = Identity.create(nodeProvider, random, startMs);
    authority.issue(who.key, { name: 'a' }, startMs);
    authority.grant({ keyId32: who.key.keyId32, action: 'publish', pattern: '**' }, startMs);
    bundles.length = 0;
    authority.revoke(who.key.keyId32, startMs);
    expect(authority.failures).toEqual([]);
    expect(bundles).toHaveLength(1);
    // For each group both lists, a block and a head; policy, revocation list and head.
    expect(decodeBundle(bundles[0]!)).toHaveLength(4 * 1024 + 3);
  });

  it('checks rules and grants in near linear time', { timeout: 20_000 }, () => {
    const rules = Array.from({ length: 50_000 }, (_, i): Rule => {
      const groupId16 = new Uint8Array(16);
      new DataView(groupId16.buffer).setUint32(0, Math.floor(i / 50));
      return { pattern: parsePattern(`a/${Math.floor(i / 50)}/${i}`), groupId16 };
    });
    const grants = Array.from({ length: 50_000 }, (_, i): Grant => {
      const keyId32 = new Uint8Array(32);
      new DataView(keyId32.buffer).setUint32(0, i);
      const pattern = parsePattern(`a/${i % 1000}/**`);
      return { keyId32, action: actions.subscribe, pattern, notAfterMs: 1 };
    });
    const startedMs = performance.now();
    const source = new PolicySource(rules, grants);
    expect(source.groupsOf({ action: actions.subscribe, pattern: parsePattern('a/7/**') })).toHaveLength(1);
    expect(
      codeOf(() => new PolicySource(rules, [...grants, { ...grants[0]!, pattern: parsePattern('a/7/350') }])),
    ).toBe('E_POLICY');
    // All pairs would take minutes.
    expect(performance.now() - startedMs).toBeLessThan(8_000);
  });
});
