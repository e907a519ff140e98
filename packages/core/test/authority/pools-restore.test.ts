import { describe, expect, it } from 'vitest';
import type { Authority } from '../../src/authority/authority.ts';
import type { GrantName } from '../../src/authority/options.ts';
import { readSnapshot, writeSnapshot } from '../../src/authority/snapshot.ts';
import type { Identity } from '../../src/client/identity.ts';
import { keyBlockFlags } from '../../src/keys/key-block-format.ts';
import { restore, sourcesOf } from './restoring.ts';
import { codeOf, World } from './world.ts';

const topic = 'jobs/resize';

/** A pool and a group for surveys; in each one who asks, one who answers, and one who does both. */
function worldWithAnswers() {
  const world = new World();
  const pool = world.pool();
  const survey = world.group({ patterns: ['ask'], purpose: 'survey' });
  const [asks, works, both] = [world.member('asks'), world.member('works'), world.member('both')];
  for (const publisher of [asks, both])
    for (const pattern of [topic, 'ask']) world.grant(publisher, 'publish', pattern);
  for (const reader of [works, both]) world.grant(reader, 'subscribe', '**');
  return { world, ...pool, survey, asks, works, both };
}

function withdraw({ authority, nowMs }: World, who: Identity, action: GrantName['action'], pattern: string): void {
  authority.withdraw({ keyId32: who.key.keyId32, action, pattern }, nowMs);
}

/** The actions that writers of a group have, each once. */
function actionsOf(world: World, groupId16: Uint8Array, who: Identity): number[] {
  const { entries } = world.receiver.group(groupId16).writers!;
  const own = entries.filter(({ keyId32 }) => Buffer.compare(keyId32, who.key.keyId32) === 0);
  return [...new Set(own.map(({ actions }) => actions))].toSorted((a, b) => a - b);
}

/** Of one topic, of those of the pool, or of all. */
function grantOf(action: GrantName['action']): string {
  return { publish: topic, subscribe: 'jobs/**', route: '**' }[action];
}

describe('a pool that is restored', () => {
  it('groups.22 patterns.10: goes on above all that anybody has seen, with everybody in', () => {
    const { world, front, crew, asks, works, both } = worldWithAnswers();
    const snapshot = world.authority.snapshot();
    for (let i = 0; i < 3; i++) world.authority.rotate(front, world.nowMs);
    world.authority.newGeneration(crew, world.nowMs);
    const before = world.receiver.trust.poolRecord(front)!;
    world.nowMs += 1_000;
    const restored = restore(world, snapshot, sourcesOf(world));
    const after = world.receiver.trust.poolRecord(front)!;
    expect([after.generation, after.epoch]).toEqual([before.generation + 2 ** 16, before.epoch + 2 ** 16]);
    expect([after.crewId16, after.revokes, after.notBeforeMs]).toEqual([crew, true, world.nowMs]);
    expect(world.receiver.trust.groupRecord(front)!.crewId16).toEqual(crew);
    for (const id of [front, crew]) expect(world.block(id).header.flags).toBe(keyBlockFlags.revocation);
    expect([asks, works, both].map((who) => world.opens(front, who))).toEqual([true, true, true]);
    expect([asks, works, both].map((who) => world.opens(crew, who))).toEqual([false, true, true]);
    // It is a pool as before.
    restored.revoke(works.key.keyId32, world.nowMs);
    expect([front, crew].map((id) => world.opens(id, works))).toEqual([false, false]);
    const again = restore(world, restored.snapshot(), sourcesOf(world), 100);
    expect(world.opens(crew, both)).toBe(true);
    again.removeGroup(front, world.nowMs);
    expect(world.receiver.trust.policy!.groups).toHaveLength(1);
  });

  it('groups.22: goes above a pool record that the snapshot knows and no source shows', () => {
    const { world, front } = worldWithAnswers();
    const { heads, ...old } = sourcesOf(world);
    for (let i = 0; i < 3; i++) world.authority.rotate(front, world.nowMs);
    const before = world.receiver.trust.poolRecord(front)!;
    const own = sourcesOf(world);
    restore(world, world.authority.snapshot(), { ...own, blocks: old.blocks, heads: [heads[0]!, own.heads[0]!] });
    const after = world.receiver.trust.poolRecord(front)!;
    expect(after.epoch).toBe(before.epoch + 2 ** 16);
  });
});

describe('rights after a backup (groups.29)', () => {
  it('are not taken for those that answers need', () => {
    const { world, front, crew, survey, works, both } = worldWithAnswers();
    const snapshot = world.authority.snapshot();
    // Each keeps entries of the action that it lost: of its answers, or of those of others.
    for (const pattern of [topic, 'ask']) withdraw(world, both, 'publish', pattern);
    withdraw(world, works, 'subscribe', '**');
    for (const pattern of [topic, 'ask']) world.grant(works, 'publish', pattern);
    restore(world, snapshot, sourcesOf(world));
    for (const id of [front, survey]) {
      expect([actionsOf(world, id, both), actionsOf(world, id, works)]).toEqual([[4], []]);
      expect(world.opens(id, works)).toBe(false);
    }
    expect([world.opens(crew, works), world.opens(crew, both)]).toEqual([false, true]);
  });

  it('stay where nothing was lost', () => {
    const { world, front, crew, survey, asks, works, both } = worldWithAnswers();
    const snapshot = world.authority.snapshot();
    world.authority.rotate(front, world.nowMs);
    const rights = () => [front, survey].map((id) => [asks, works, both].map((who) => actionsOf(world, id, who)));
    const before = rights();
    expect(before).toEqual([
      [[1], [4], [1, 4]],
      [[1], [4], [1, 4]],
    ]);
    restore(world, snapshot, sourcesOf(world));
    expect(rights()).toEqual(before);
    expect([asks, works, both].map((who) => world.opens(crew, who))).toEqual([false, true, true]);
  });

  it('to route are told from those to publish and to subscribe', () => {
    const rights = ['publish', 'subscribe', 'route'] as const;
    const world = new World();
    const { front, crew } = world.pool();
    // Another group that a right to route matches, and means nothing in.
    const news = world.group({ patterns: ['news'] });
    // Every set of rights, and what is left of it after one is withdrawn that the backup does not know of.
    const sets = [1, 2, 3, 4, 5, 6, 7].map((bits) => rights.filter((_, i) => (bits & (1 << i)) !== 0));
    const cases = sets.flatMap((own) => [undefined, ...own].map((lost) => ({ own, lost, who: world.member('one') })));
    for (const { own, who } of cases) for (const action of own) world.grant(who, action, grantOf(action));
    const snapshot = world.authority.snapshot();
    for (const { lost, who } of cases) if (lost !== undefined) withdraw(world, who, lost, grantOf(lost));
    restore(world, snapshot, sourcesOf(world));
    const bitOf = { publish: 1, subscribe: 4, route: 8 };
    const expected = cases.map(({ own, lost }) =>
      own.filter((action) => action !== lost).map((action) => bitOf[action]),
    );
    expect(cases.map(({ who }) => actionsOf(world, front, who))).toEqual(expected);
    const inCrew = cases.map(({ own, lost }) => own.includes('subscribe') && lost !== 'subscribe');
    expect(cases.map(({ who }) => world.opens(crew, who))).toEqual(inCrew);
    expect(cases.some(({ who }) => world.opens(news, who))).toBe(false);
  }, 120_000);

  it('do not come back with a group that was removed', () => {
    const { world, front, crew, survey, asks, works } = worldWithAnswers();
    const snapshot = world.authority.snapshot();
    world.authority.removeGroup(front, world.nowMs);
    const { policies: _, ...without } = sourcesOf(world);
    expect(codeOf(() => restore(world, snapshot, { ...without, edgeLists: [] }))).toBe('E_STALE');
    const restored = restore(world, snapshot, sourcesOf(world));
    expect(restored.groupIds).toEqual([survey]);
    expect(world.receiver.trust.policy!.groups.map(({ groupId16 }) => groupId16)).toEqual([survey]);
    expect([front, crew].map((id) => codeOf(() => restored.rotate(id, world.nowMs)))).toEqual(['E_USAGE', 'E_USAGE']);
    // A grant for its topics alone is gone, one that reaches others is not.
    const { keyId32 } = asks.key;
    expect(codeOf(() => restored.withdraw({ keyId32, action: 'publish', pattern: topic }, world.nowMs))).toBe(
      'E_USAGE',
    );
    expect(world.opens(survey, works)).toBe(true);
    // One that was added later is not known to a backup, and its topics are free.
    restored.addGroup({ patterns: [topic], purpose: 'front' }, world.nowMs);
  });
});

describe('a crew that fails (principals.43)', () => {
  /** A pool whose crew has no number left for an epoch. */
  function exhausted(): ReturnType<typeof worldWithAnswers> & { readonly authority: Authority } {
    const made = worldWithAnswers();
    const { world, crew } = made;
    const memory = readSnapshot(world.authority.snapshot());
    const groups = memory.groups.map((group, i) => (i === 1 ? { ...group, epoch: 0xffff_ffff - 65_536 } : group));
    // The receiver asks that blocks follow one another, and the block before the last number is not there.
    world.receiver.group(crew).blocks.length = 0;
    const { heads } = sourcesOf(world);
    const authority = restore(world, writeSnapshot({ ...memory, groups }), { heads, blocks: [] });
    expect(world.block(crew).header.epoch).toBe(0xffff_ffff);
    return { ...made, authority };
  }

  it('keeps its front from nothing, and is reported under its own id', () => {
    const { world, authority, front, crew, works } = exhausted();
    const before = world.block(front).header.epoch;
    authority.revoke(works.key.keyId32, world.nowMs);
    expect(authority.failures.map(({ groupId16 }) => groupId16)).toEqual([crew]);
    expect(world.block(front).header).toMatchObject({ epoch: before + 1, flags: keyBlockFlags.revocation });
    expect(world.opens(front, works)).toBe(false);
    expect(actionsOf(world, front, works)).toEqual([]);
    // When its last epoch is over its pool record does not go out any more, and brokers take all the rest.
    world.nowMs = world.block(crew).header.notAfterMs + 1;
    authority.republish(world.nowMs);
    expect(codeOf(() => authority.rotate(front, world.nowMs))).toBe('E_LIMIT');
    // What heals it is another pool.
    authority.removeGroup(front, world.nowMs);
    expect(authority.failures).toEqual([]);
    authority.addGroup({ patterns: [topic], purpose: 'front' }, world.nowMs);
  });
});
