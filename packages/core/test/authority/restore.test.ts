import { describe, expect, it } from 'vitest';
import { equalBytes } from '../../src/bytes/bytes.ts';
import { Authority } from '../../src/authority/authority.ts';
import { GroupPlan } from '../../src/authority/controlled-group.ts';
import { heldKeyOf } from '../../src/authority/delegated-keys.ts';
import { readAuthorityRecord } from '../../src/authority/evidence.ts';
import type { RestoreSources } from '../../src/authority/options.ts';
import { PolicySource } from '../../src/authority/policy-source.ts';
import { bytesOfHex, hexOf } from '../../src/client/hex.ts';
import { Identity } from '../../src/client/identity.ts';
import { addressTypes } from '../../src/codepoints/address-types.gen.ts';
import { delegatedRoles } from '../../src/codepoints/delegated-roles.gen.ts';
import { keyBlockKinds } from '../../src/codepoints/key-block-kinds.gen.ts';
import { addressOf } from '../../src/keys/address.ts';
import type { AuthorityRecord } from '../../src/keys/authority-record.ts';
import { decodeBundle } from '../../src/keys/bundle.ts';
import { encodeHead, type HeadFields } from '../../src/keys/head.ts';
import { signingKeyOf } from '../../src/keys/signing-key.ts';
import { Relay } from '../../src/relay/relay.ts';
import { newest, restore, sourcesOf } from './restoring.ts';
import { codeOf, randomOf, World } from './world.ts';

const dayMs = 86_400_000;

function worldWithGroup(): { world: World; group: Uint8Array; a: Identity; b: Identity } {
  const world = new World();
  const group = world.group();
  const [a, b] = [world.member('a'), world.member('b')];
  world.grant(a, 'publish');
  world.grant(b, 'subscribe');
  return { world, group, a, b };
}

describe('restore', () => {
  it('begins a new life that every receiver follows', () => {
    const { world, group, a, b } = worldWithGroup();
    const list = world.group({ patterns: ['list'], blockKind: keyBlockKinds.list });
    const psk32 = world.random(32);
    const psk = world.group({ patterns: ['psk'], blockKind: keyBlockKinds.psk, psk32 });
    world.grant(a, 'publish', 'list');
    const snapshot = world.authority.snapshot();
    // What came after the backup.
    world.authority.delegate(world.nowMs);
    for (let i = 0; i < 5; i++) world.authority.rotate(group, world.nowMs);
    world.authority.newGeneration(list, world.nowMs);
    const { headSeq } = world.authority.head;
    const before = { ...world.block(group).header };
    world.nowMs += 3_600_000;
    const secretsBefore = world.secretsOf(group, a);
    const restored = restore(world, snapshot, sourcesOf(world));
    expect(restored.authorityId32).toEqual(world.authority.authorityId32);
    expect(restored.head.headSeq).toBe(headSeq + 2 ** 20);
    for (const one of [group, list, psk]) {
      const { header } = world.block(one);
      expect(header.flags).toBe(1);
      expect(header.baseEpoch).toBe(header.epoch);
    }
    expect(world.block(group).header.epoch).toBe(before.epoch + 2 ** 16);
    expect(world.block(group).header.generation).toBe(before.generation + 2 ** 16);
    expect(world.block(list).header.generation).toBe(2 + 2 ** 16);
    for (const who of [a, b]) expect(world.opens(group, who)).toBe(true);
    expect(world.opens(list, a)).toBe(true);
    const secrets = world.secretsOf(group, a);
    expect(secrets.map(({ fromPeriod }) => fromPeriod)).toEqual([0, Math.floor(world.nowMs / 86_400_000) + 1]);
    expect(secrets[0]).toEqual(secretsBefore[0]);
    // It goes on as any authority does.
    restored.issue(a.key, { name: 'a' }, world.nowMs);
    restored.rotate(group, world.nowMs);
    restored.revoke(b.key.keyId32, world.nowMs);
    expect(world.opens(group, a)).toBe(true);
    expect(world.opens(group, b)).toBe(false);
    restored.tick(world.nowMs + 20_000);
    // And again, from its own backup.
    const again = restore(world, restored.snapshot(), { ...sourcesOf(world), policies: [], edgeLists: [] }, 100);
    expect(again.head.headSeq).toBeGreaterThan(restored.head.headSeq + 2 ** 20 - 1);
    expect(codeOf(() => again.issue(b.key, { name: 'b' }, world.nowMs))).toBe('E_REVOKED');
    expect(world.opens(group, b)).toBe(false);
  });

  it('does not readmit who was revoked, or lost a right, after the backup', () => {
    const { world, group, a, b } = worldWithGroup();
    const c = world.member('c');
    world.grant(c, 'publish');
    world.grant(c, 'subscribe');
    const snapshot = world.authority.snapshot();
    world.authority.revoke(a.key.keyId32, world.nowMs);
    world.authority.withdraw({ keyId32: c.key.keyId32, action: 'publish', pattern: 'orders/**' }, world.nowMs);
    world.authority.withdraw({ keyId32: b.key.keyId32, action: 'subscribe', pattern: 'orders/**' }, world.nowMs);
    const restored = restore(world, snapshot, sourcesOf(world));
    expect(world.opens(group, a)).toBe(false);
    expect(world.opens(group, b)).toBe(false);
    expect(world.opens(group, c)).toBe(true);
    expect(world.receiver.revocations!.isRevoked(a.key.keyId32, 1)).toBe(true);
    expect(world.receiver.group(group).writers!.entries).toEqual([]);
    expect(codeOf(() => restored.revoke(a.key.keyId32, world.nowMs))).toBe('E_REVOKED');
    restored.grant({ keyId32: b.key.keyId32, action: 'subscribe', pattern: 'orders/**' }, world.nowMs);
    expect(world.opens(group, b)).toBe(true);
  });

  it('knows no more than its sources: a grant withdrawn after the backup is back without edge lists', () => {
    const { world, group, b } = worldWithGroup();
    const snapshot = world.authority.snapshot();
    world.authority.withdraw({ keyId32: b.key.keyId32, action: 'subscribe', pattern: 'orders/**' }, world.nowMs);
    restore(world, snapshot, { ...sourcesOf(world), edgeLists: [] });
    expect(world.opens(group, b)).toBe(true);
  });

  it('does not go on without what the highest head names (groups.29)', () => {
    const { world, group, a, b } = worldWithGroup();
    const snapshot = world.authority.snapshot();
    // Later heads that name the same are no reason.
    world.authority.tick((world.nowMs += 20_000));
    const { heads, blocks } = sourcesOf(world);
    expect(codeOf(() => restore(world, snapshot, { heads, blocks }))).toBe(undefined);
    expect(world.opens(group, b)).toBe(true);
    const other = worldWithGroup();
    const backup = other.world.authority.snapshot();
    other.world.authority.revoke(other.a.key.keyId32, other.world.nowMs);
    const sources = sourcesOf(other.world);
    for (const missing of ['policies', 'revocationLists'] as const) {
      expect(codeOf(() => restore(other.world, backup, { ...sources, edgeLists: [], [missing]: [] }))).toBe('E_STALE');
    }
    expect(codeOf(() => restore(other.world, backup, { ...sources, edgeLists: [] }))).toBe(undefined);
    expect(other.world.opens(other.group, other.a)).toBe(false);
    expect(a.key.keyId32).toHaveLength(32);
  });

  it('counts with records that were issued after the backup (principals.25, principals.37)', () => {
    const { world, group, a, b } = worldWithGroup();
    world.group({ patterns: ['list'], blockKind: keyBlockKinds.list });
    world.grant(b, 'subscribe', 'list');
    const snapshot = world.authority.snapshot();
    const { serial } = world.receiver.trust.principal(b.key.keyId32)!;
    world.nowMs += 20 * dayMs;
    world.authority.issue(b.key, { name: 'b' }, world.nowMs);
    world.sendKeys(b);
    world.authority.tick(world.nowMs);
    const relay = new Relay({
      provider: world.provider,
      authorityId32: world.authority.authorityId32,
      now: () => world.nowMs,
    });
    world.authority.republish(world.nowMs);
    relay.apply(world.receiver.bundles.at(-1)!);
    // The bundle of the restored one has records from before; neither a relay nor a receiver goes back.
    const restored = restore(world, snapshot, sourcesOf(world));
    relay.apply(world.receiver.bundles.at(-1)!);
    const address16 = addressOf(world.provider, restored.authorityId32, addressTypes.principalRecord, b.key.keyId32);
    expect(relay.retained(address16)).toHaveLength(1);
    expect(world.receiver.trust.principal(b.key.keyId32)!.serial).toBe(serial + 1);
    restored.revoke(b.key.keyId32, world.nowMs);
    expect(world.receiver.revocations!.isRevoked(b.key.keyId32, serial + 1)).toBe(true);
    // The record that the snapshot knows of has ended long before the one that it does not.
    world.nowMs += 29 * dayMs;
    restored.tick(world.nowMs);
    expect(world.receiver.revocations!.isRevoked(b.key.keyId32, serial + 1)).toBe(true);
    expect(world.opens(group, a)).toBe(false);
  });

  it('takes a min_serial for the end of records, not of the key', () => {
    const { world, group, b } = worldWithGroup();
    const snapshot = world.authority.snapshot();
    world.authority.issue(b.key, { name: 'b', suites: [1] }, world.nowMs);
    const restored = restore(world, snapshot, sourcesOf(world));
    // The record of the snapshot is one that the list ends.
    expect(world.opens(group, b)).toBe(false);
    expect(restored.waiting(group).map(({ reason }) => reason)).toEqual(['record not valid']);
    restored.issue(b.key, { name: 'b', suites: [1] }, world.nowMs);
    const { serial } = world.receiver.trust.principal(b.key.keyId32)!;
    restored.takeKeyRecord(b.keyRecord(restored.authorityId32, serial, world.nowMs), world.nowMs);
    restored.tick(world.nowMs);
    expect(world.opens(group, b)).toBe(true);
  });

  it('takes the highest of what sources and blocks show (groups.22, groups.23)', () => {
    const { world, group } = worldWithGroup();
    const snapshot = world.authority.snapshot();
    const old = sourcesOf(world);
    world.authority.rotate(group, world.nowMs);
    world.authority.rotate(group, world.nowMs);
    const { epoch } = world.block(group).header;
    const { headSeq } = world.authority.head;
    const current = sourcesOf(world);
    restore(world, snapshot, { ...current, heads: [...old.heads, current.heads[0]!] });
    expect(world.block(group).header.epoch).toBe(epoch + 2 ** 16);
    expect(world.receiver.trust.head!.headSeq).toBe(headSeq + 2 ** 20);
  });

  it('refuses sources that it cannot verify', () => {
    const { world, group, a } = worldWithGroup();
    const snapshot = world.authority.snapshot();
    const sources = sourcesOf(world);
    const { heads, blocks } = sources;
    const [first] = heads as [Uint8Array];
    const flip = (bytes: Uint8Array, at: number) => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));
    const stranger = signingKeyOf(world.provider, world.random(32));
    const fields: HeadFields = { ...world.authority.head, headSeq: 1000 };
    const foreign = encodeHead(world.provider, world.authority.authorityId32, stranger, fields);
    const cases: [string, Uint8Array, RestoreSources][] = [
      ['E_USAGE', snapshot, { heads: [], blocks }],
      ['E_USAGE', snapshot, { heads: [first], blocks }],
      ['E_POLICY', snapshot, { heads: [first, foreign], blocks }],
      ['E_SIG', snapshot, { heads: [first, flip(first, 47)], blocks }],
      ['E_PROOF', snapshot, { heads: [first, flip(heads[1]!, 264 + 20)], blocks }],
      ['E_SIG', snapshot, { heads, blocks: [flip(blocks[0]!, 31)] }],
      ['E_POLICY', snapshot, { heads, blocks: [flip(blocks[0]!, 140)] }],
      [
        'E_POLICY',
        snapshot,
        {
          ...sources,
          revocationLists: [flip(sources.revocationLists![0]!, 11).fill(0, 11)].map(
            (list) => new Uint8Array([...list.subarray(0, 11), 1, ...world.random(40).fill(0, 32)]),
          ),
        },
      ],
      ['E_POLICY', snapshot, { ...sources, policies: [flip(sources.policies![0]!, 47)] }],
      ['E_POLICY', snapshot, { ...sources, policies: [] }],
      ['E_VERSION', flip(snapshot, 7), sources],
      ['E_ENCODING', flip(snapshot, 0), sources],
      ['E_LENGTH', snapshot.subarray(0, -1), sources],
      ['E_LENGTH', new Uint8Array([...snapshot, 0]), sources],
    ];
    const bundles = world.receiver.bundles.length;
    for (const [i, [code, bytes, given]] of cases.entries()) {
      expect([i, codeOf(() => restore(world, bytes, given))]).toEqual([i, code]);
    }
    expect(world.receiver.bundles.length).toBe(bundles);
    // Heads signed by keys that were delegated after the backup need the record that says so.
    world.authority.delegate(world.nowMs);
    const later = sourcesOf(world);
    const { authorityRecords = [], ...without } = later;
    expect(codeOf(() => restore(world, snapshot, without))).toBe('E_POLICY');
    // A root that was rolled over no longer speaks.
    world.authority.rollover(world.nowMs);
    expect(authorityRecords).not.toHaveLength(0);
    expect(codeOf(() => restore(world, snapshot, sourcesOf(world)))).toBe('E_KEY');
    expect(world.opens(group, a)).toBe(true);
  });

  /** The key that issues, by the record that receivers hold. */
  const issuerOf = (world: World): string => {
    const { delegations } = world.receiver.trust.authorityRecord!;
    const issuers = delegations.filter(({ roles }) => roles === delegatedRoles.issuer);
    return hexOf(issuers.reduce((a, b) => (b.notBeforeMs > a.notBeforeMs ? b : a)).key.keyId32);
  };

  it('goes on with its issuer: 60 times within a day', { timeout: 300_000 }, () => {
    const { world, group, a, b } = worldWithGroup();
    const issuer = issuerOf(world);
    let snapshot = world.authority.snapshot();
    for (let life = 1; life <= 60; life++) {
      world.nowMs += 20 * 60_000;
      const restored = restore(world, snapshot, sourcesOf(world), 99 + life);
      // So that the issuer of each life has to stay.
      restored.issue(Identity.create(world.provider, world.random, world.nowMs).key, { name: `${life}` }, world.nowMs);
      snapshot = restored.snapshot();
      expect(world.receiver.trust.authorityRecord!.delegations).toHaveLength(3);
    }
    expect(issuerOf(world)).toBe(issuer);
    expect(world.receiver.trust.authorityRecord!.serial).toBe(61);
    for (const who of [a, b]) expect(world.opens(group, who)).toBe(true);
  });

  it('takes records that were issued after the backup for what they are, under the same issuer', () => {
    const { world } = worldWithGroup();
    const snapshot = world.authority.snapshot();
    const late = world.member('late');
    restore(world, snapshot, sourcesOf(world));
    const { trust } = world.receiver;
    expect(codeOf(() => trust.checkPrincipalNow(trust.principal(late.key.keyId32)!, world.nowMs))).toBeUndefined();
  });

  it('draws another issuer once that of the snapshot is distrusted', () => {
    const { world, a } = worldWithGroup();
    const [snapshot, first] = [world.authority.snapshot(), issuerOf(world)];
    world.authority.distrust(bytesOfHex(first), world.nowMs);
    const second = issuerOf(world);
    const sources = sourcesOf(world);
    // What only a record shows that nobody gives is not taken for granted.
    expect(codeOf(() => restore(world, snapshot, { ...sources, authorityRecords: [] }))).toBe('E_STALE');
    const restored = restore(world, snapshot, sources);
    const third = issuerOf(world);
    const all = world.receiver.trust.authorityRecord!.delegations.map(({ key }) => hexOf(key.keyId32));
    expect(all).not.toContain(first);
    expect([first, second]).not.toContain(third);
    restored.issue(a.key, { name: 'a' }, world.nowMs);
    restored.distrust(bytesOfHex(third), world.nowMs);
    const fourth = issuerOf(world);
    expect(fourth).not.toBe(third);
    // One that was drawn goes on from there.
    restore(world, restored.snapshot(), sourcesOf(world), 100);
    expect(issuerOf(world)).toBe(fourth);
  });

  it.each([
    ['has ended', 90 * dayMs + 1, false],
    ['is about to end', 90 * dayMs, true],
    ['has not begun, by this clock', -1, false],
  ])('draws another issuer where the delegation of its own %s', (_name, afterMs, goesOn) => {
    const world = new World();
    const issuer = issuerOf(world);
    const snapshot = world.authority.snapshot();
    const head = newest(world, addressTypes.head)[0]!;
    const address16 = addressOf(
      world.provider,
      world.authority.authorityId32,
      addressTypes.authorityRecord,
      new Uint8Array(0),
    );
    let record: AuthorityRecord | undefined;
    const publish = (bundle: Uint8Array): void => {
      const sent = decodeBundle(bundle).filter((object) => equalBytes(object.address16, address16));
      record = readAuthorityRecord(world.provider, sent.at(-1)!.bytes);
    };
    const options = { provider: world.provider, random: randomOf(99), publish };
    Authority.restore(options, snapshot, { heads: [head, head], blocks: [] }, world.nowMs + afterMs);
    const all = record!.delegations.filter(({ roles }) => roles === delegatedRoles.issuer);
    expect(all.map(({ key }) => hexOf(key.keyId32) === issuer)).toEqual([goesOn]);
  });

  it('refuses a generation or an epoch that is not above what was used', () => {
    const { world, group } = worldWithGroup();
    const record = world.receiver.trust.groupRecord(group)!;
    const foundation = {
      record,
      frontId16: undefined,
      patterns: ['orders/**'],
      psk32: undefined,
      leastHeight: 0,
      generation: 7,
      epoch: 9,
      blockHash32: new Uint8Array(32),
      routeSecrets: [],
    };
    const controller = {
      provider: world.provider,
      random: world.random,
      authorityId32: world.authority.authorityId32,
      key: heldKeyOf(world.provider, world.random(32)),
      skewMs: 30_000,
    };
    const source = new PolicySource([], []);
    const planFor = (generation: number, epoch: number) =>
      new GroupPlan(
        controller,
        foundation,
        { opens: { generation, epoch } },
        source,
        () => 'record not valid',
        world.nowMs,
      );
    expect(codeOf(() => planFor(8, 9))).toBe('E_EPOCH');
    expect(codeOf(() => planFor(7, 10))).toBe('E_EPOCH');
    expect(codeOf(() => planFor(8, 10))).toBe(undefined);
  });
});
