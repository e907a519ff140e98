import { describe, expect, it } from 'vitest';
import { equalBytes } from '../../src/bytes/bytes.ts';
import { hexOf } from '../../src/client/hex.ts';
import type { Identity } from '../../src/client/identity.ts';
import { addressTypes } from '../../src/codepoints/address-types.gen.ts';
import { keyBlockKinds } from '../../src/codepoints/key-block-kinds.gen.ts';
import { purposes } from '../../src/codepoints/purposes.gen.ts';
import type { AccessEntry } from '../../src/keys/access-list.ts';
import { addressOf } from '../../src/keys/address.ts';
import { keyBlockFlags } from '../../src/keys/key-block-format.ts';
import { entryOf } from '../../src/keys/policy.ts';
import { RelayState } from '../../src/relay/relay-state.ts';
import { codeOf, World } from './world.ts';

const { policy, groupRecord, writers, edgeList, revocationList } = addressTypes;
const { enrolment, keyBlock, poolRecord, groupHead, head } = addressTypes;
const pattern = 'jobs/resize';

/** A pool with one who asks and two who work. */
function worldWithPool() {
  const world = new World();
  const pool = world.pool();
  const [caller, worker, other] = [world.member('caller'), world.member('worker'), world.member('other')];
  world.grant(caller, 'publish', pattern);
  for (const who of [worker, other]) world.grant(who, 'subscribe', '**');
  return { world, ...pool, caller, worker, other };
}

function epochOf(world: World, groupId16: Uint8Array): number {
  return world.block(groupId16).header.epoch;
}

describe('a pool that is added', () => {
  it('patterns.9: is a front and a crew, with the pool record in the bundle of the first block', () => {
    const world = new World();
    const { front, crew } = world.pool({ epochLifeMs: 60_000, drainMs: 5_000, suite: 2 });
    const twice = [groupRecord, writers, edgeList, keyBlock].flatMap((type) => [type, type]);
    expect(world.receiver.lastTypes).toEqual([policy, ...twice, poolRecord, groupHead, groupHead, head]);
    const [ofFront, ofCrew] = [front, crew].map((id) => world.receiver.trust.groupRecord(id)!);
    expect(ofFront).toMatchObject({
      purpose: purposes.front,
      crewId16: crew,
      topicChains: false,
      maxHeadAgeMs: 60_000,
    });
    const { object: _, groupId16: __, ...settings } = ofFront!;
    expect(ofCrew).toMatchObject({ ...settings, purpose: purposes.crew, crewId16: undefined });
    expect(world.receiver.trust.poolRecord(front)).toMatchObject({ generation: 1, epoch: 1, suite: 2, revokes: false });
    expect(world.block(crew).header).toMatchObject({ generation: 1, epoch: 1, purpose: purposes.crew });
    expect(world.authority.groupIds).toEqual([front, crew]);
  });

  it('gives seats by the grants on its front: who asks in the front, who works in both', () => {
    const { world, front, crew, caller, worker } = worldWithPool();
    expect([front, crew].map((id) => world.opens(id, caller))).toEqual([true, false]);
    expect([front, crew].map((id) => world.opens(id, worker))).toEqual([true, true]);
    const { writers: list, edge } = world.receiver.group(crew);
    expect([list!.entries, edge!.entries]).toEqual([[], []]);
    // One who asks is no news for the crew.
    const before = epochOf(world, crew);
    const late = world.member('late');
    world.grant(late, 'publish', pattern);
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
    expect(epochOf(world, crew)).toBe(before);
    // And takes work too, from now on.
    world.grant(late, 'subscribe', '**');
    expect(epochOf(world, crew)).toBe(before + 1);
    expect(world.receiver.lastTypes.filter((type) => type === poolRecord)).toHaveLength(1);
    expect(world.opens(crew, late)).toBe(true);
  });

  it('principals.19: who may route has a seat in the front, and none in the crew; there is no such right elsewhere', () => {
    const { world, front, crew, caller, worker } = worldWithPool();
    const router = world.member('router');
    const before = epochOf(world, crew);
    world.grant(router, 'route', pattern);
    expect([front, crew].map((id) => world.opens(id, router))).toEqual([true, false]);
    expect(epochOf(world, crew)).toBe(before);
    const { writers: list, edge } = world.receiver.group(front);
    const of = (entries: readonly AccessEntry[], { key }: Identity) =>
      entries.filter(({ keyId32 }) => equalBytes(keyId32, key.keyId32));
    const shown = (entries: readonly AccessEntry[]) =>
      new Set(entries.map(({ actions, matchKind, level }) => `${actions}/${matchKind}/${level}`));
    expect(of(list!.entries, router)).toMatchObject([{ actions: 8, matchKind: 0, level: 0 }]);
    // The topic, and the roots of answers and inboxes.
    expect(shown(of(edge!.entries, router))).toEqual(new Set(['8/1/0', '1/2/1', '2/2/1']));
    // Topics and inbox, and the root of the answers.
    const periods = of(edge!.entries, caller).filter(({ actions }) => actions === 1).length;
    expect(of(edge!.entries, worker).filter(({ actions }) => actions === 2)).toHaveLength((2 + 1) * periods);
    // Its right ends with all that came with it.
    world.authority.withdraw({ keyId32: router.key.keyId32, action: 'route', pattern }, world.nowMs);
    expect(world.opens(front, router)).toBe(false);
    const after = world.receiver.group(front).edge!.entries;
    expect([of(after, router), of(after, worker).filter(({ actions }) => actions === 2).length]).toEqual([
      [],
      2 * periods,
    ]);
  });

  it('principals.19: a right to route is of the fronts that it reaches, and of no other group, earlier or later', () => {
    const { world, front } = worldWithPool();
    const router = world.member('router');
    const news = world.group({ patterns: ['news/**'] });
    expect(codeOf(() => world.grant(router, 'route', 'news/x'))).toBe('E_POLICY');
    world.grant(router, 'route', '**');
    const more = world.group({ patterns: ['more'] });
    const poll = world.group({ patterns: ['poll'], purpose: 'survey' });
    const later = world.group({ patterns: ['jobs/later'], purpose: 'front' });
    expect([front, news, more, poll, later].map((id) => world.opens(id, router))).toEqual([
      true,
      false,
      false,
      false,
      true,
    ]);
    for (const id of [news, more, poll]) {
      const { writers: list, edge } = world.receiver.group(id);
      const entries = [list, edge].flatMap((one) => one!.entries);
      expect(entries.filter(({ keyId32 }) => equalBytes(keyId32, router.key.keyId32))).toEqual([]);
    }
    // It ends with the last front, whatever else its pattern matches.
    const { keyId32 } = router.key;
    const withdraw = () =>
      codeOf(() => world.authority.withdraw({ keyId32, action: 'route', pattern: '**' }, world.nowMs));
    world.authority.removeGroup(front, world.nowMs);
    expect(world.opens(later, router)).toBe(true);
    world.authority.removeGroup(later, world.nowMs);
    expect(withdraw()).toBe('E_USAGE');
  });

  it('reaches whom earlier grants reach, and enrols into running epochs where that is asked for', () => {
    const world = new World();
    const [early, now] = [world.member('early'), world.member('now')];
    world.group({ patterns: ['other'] });
    world.grant(early, 'subscribe', '**');
    const { front, crew } = world.pool();
    expect([front, crew].map((id) => world.opens(id, early))).toEqual([true, true]);
    world.grant(now, 'subscribe', '**', 'now');
    expect(epochOf(world, crew)).toBe(1);
    expect(world.opens(crew, now)).toBe(true);
  });

  it('is of list blocks where that is asked for', () => {
    const world = new World();
    const { front, crew } = world.pool({ blockKind: keyBlockKinds.list });
    const [caller, worker] = [world.member('caller'), world.member('worker')];
    world.grant(caller, 'publish', pattern);
    world.grant(worker, 'subscribe', '**');
    expect([world.block(front).count, world.block(crew).count]).toEqual([2, 1]);
    expect([caller, worker].map((who) => world.opens(crew, who))).toEqual([false, true]);
  });

  it('is refused as a whole', () => {
    const { world, caller } = worldWithPool();
    const before = hexOf(world.authority.snapshot());
    const psk = { blockKind: keyBlockKinds.psk, psk32: world.random(32) };
    const refused: [string, () => unknown][] = [
      ['E_POLICY', () => world.pool({ patterns: ['jobs/**'] })],
      ['E_POLICY', () => world.pool({ patterns: [pattern] })],
      ['E_POLICY', () => world.group({ patterns: ['ask/**'], purpose: 'survey' })],
      ['E_USAGE', () => world.pool({ patterns: ['psk'], ...psk })],
      ['E_LIMIT', () => world.pool({ patterns: ['slow'], maxHeadAgeMs: 60_001 })],
      // Some topics of a front and not all: as of every group.
      ['E_POLICY', () => world.grant(caller, 'subscribe', pattern)],
    ];
    for (const [code, work] of refused) {
      expect(codeOf(work)).toBe(code);
      expect(hexOf(world.authority.snapshot())).toBe(before);
    }
  });
});

describe('the epochs of a pool', () => {
  it('patterns.9: rotate together, also ahead of time, each with its pool record', () => {
    const { world, front, crew } = worldWithPool();
    const before = [front, crew].map((id) => epochOf(world, id));
    world.authority.rotate(front, world.nowMs);
    expect([front, crew].map((id) => epochOf(world, id))).toEqual(before.map((epoch) => epoch + 1));
    world.authority.rotate(front, world.nowMs, { notBeforeMs: world.nowMs + 10_000 });
    expect(world.receiver.trust.poolRecord(front)).toMatchObject({ notBeforeMs: world.nowMs + 10_000, revokes: false });
    const second = { notBeforeMs: world.nowMs + 5_000 };
    expect(codeOf(() => world.authority.rotate(front, world.nowMs, second))).toBe('E_USAGE');
    // A crew is a group of its own all the same.
    world.authority.rotate(front, world.nowMs);
    world.authority.rotate(crew, world.nowMs, { notBeforeMs: world.nowMs + 10_000 });
    expect([front, crew].map((id) => epochOf(world, id))).toEqual(before.map((epoch, i) => epoch + 3 + i));
    expect(codeOf(() => world.authority.rotate(front, world.nowMs, second))).toBe('E_USAGE');
  });

  it('follow one another by themselves', () => {
    const { world, front, crew, caller, worker } = worldWithPool();
    const before = epochOf(world, crew);
    for (let epoch = 1; epoch <= 12; epoch++) {
      world.nowMs = world.block(crew).header.notAfterMs - 60_000;
      world.authority.tick(world.nowMs);
      expect([world.authority.failures, epochOf(world, crew)]).toEqual([[], before + epoch]);
    }
    expect([world.opens(front, caller), world.opens(crew, worker)]).toEqual([true, true]);
    expect(world.receiver.trust.poolRecord(front)!.notAfterMs).toBeGreaterThan(world.nowMs);
  });

  it('begin anew together, and one member gets another leaf in each', () => {
    const { world, front, crew, caller, worker } = worldWithPool();
    world.authority.newGeneration(front, world.nowMs);
    expect([front, crew].map((id) => world.block(id).header.generation)).toEqual([2, 2]);
    const epochs = () => [front, crew].map((id) => epochOf(world, id));
    const before = epochs();
    world.authority.reseat(front, caller.key.keyId32, world.nowMs);
    expect(epochs()).toEqual([before[0]! + 1, before[1]]);
    world.authority.reseat(front, worker.key.keyId32, world.nowMs);
    expect(epochs()).toEqual([before[0]! + 2, before[1]! + 1]);
    expect(world.receiver.trust.poolRecord(front)!.revokes).toBe(true);
    expect(world.opens(crew, worker)).toBe(true);
    const refused = () => world.authority.reseat(crew, caller.key.keyId32, world.nowMs);
    expect(codeOf(refused)).toBe('E_USAGE');
  });

  it('groups.24: leave out who cannot be reached, in both', () => {
    const { world, front, crew, worker, other } = worldWithPool();
    world.authority.issue(worker.key, { name: 'worker', notAfterMs: world.nowMs + 1_000 }, world.nowMs);
    world.nowMs += 81_000;
    world.authority.tick(world.nowMs);
    for (const id of [front, crew]) {
      expect([world.opens(id, worker), world.opens(id, other)]).toEqual([false, true]);
      expect(world.block(id).header.flags).toBe(keyBlockFlags.revocation);
    }
    expect(world.authority.waiting(front)).toEqual([{ keyId32: worker.key.keyId32, reason: 'record not valid' }]);
    world.authority.issue(worker.key, { name: 'worker' }, world.nowMs);
    world.sendKeys(worker);
    world.authority.tick(world.nowMs);
    for (const id of [front, crew]) expect(world.opens(id, worker)).toBe(true);
    expect(world.authority.waiting(front)).toEqual([]);
  });
});

describe('who loses a right in a pool', () => {
  it('principals.39 groups.21: who works leaves front and crew in one bundle, by revoking blocks', () => {
    const { world, front, crew, caller, worker, other } = worldWithPool();
    const before = world.receiver.bundles.length;
    world.nowMs += 1_000;
    world.authority.revoke(worker.key.keyId32, world.nowMs);
    expect(world.receiver.bundles.length).toBe(before + 1);
    for (const id of [front, crew]) {
      const { flags, notBeforeMs } = world.block(id).header;
      expect([flags, notBeforeMs]).toEqual([keyBlockFlags.revocation, world.nowMs]);
      expect([world.opens(id, worker), world.opens(id, other)]).toEqual([false, true]);
    }
    expect(world.opens(front, caller)).toBe(true);
    expect(world.receiver.trust.poolRecord(front)).toMatchObject({ revokes: true, notBeforeMs: world.nowMs });
  });

  it('who still asks keeps the front, and loses the crew', () => {
    const { world, front, crew, worker } = worldWithPool();
    world.grant(worker, 'publish', pattern);
    world.authority.withdraw({ keyId32: worker.key.keyId32, action: 'subscribe', pattern: '**' }, world.nowMs);
    expect([front, crew].map((id) => world.opens(id, worker))).toEqual([true, false]);
    expect(world.receiver.trust.poolRecord(front)!.revokes).toBe(true);
  });

  it.each([
    ['is revoked', (world: World, keyId32: Uint8Array) => world.authority.revoke(keyId32, world.nowMs)],
    [
      'loses the grant',
      ({ authority, nowMs }: World, keyId32: Uint8Array) =>
        authority.withdraw({ keyId32, action: 'publish', pattern }, nowMs),
    ],
  ])('who asks and %s leaves the crew as it is', (_name, take) => {
    const { world, front, crew, caller, worker } = worldWithPool();
    const before = epochOf(world, crew);
    take(world, caller.key.keyId32);
    expect([world.opens(front, caller), world.opens(front, worker)]).toEqual([false, true]);
    expect(world.block(front).header.flags).toBe(keyBlockFlags.revocation);
    expect(epochOf(world, crew)).toBe(before);
    expect(world.receiver.lastTypes).not.toContain(poolRecord);
  });

  it('when its time is over, loses both', () => {
    const { world, front, crew, other } = worldWithPool();
    const late = world.member('late');
    const notAfterMs = world.nowMs + 5_000;
    const { keyId32 } = late.key;
    world.authority.grant({ keyId32, action: 'subscribe', pattern: '**', notAfterMs }, world.nowMs);
    expect(world.opens(crew, late)).toBe(true);
    world.nowMs = notAfterMs + 1;
    world.authority.tick(world.nowMs);
    for (const id of [front, crew]) expect([world.opens(id, late), world.opens(id, other)]).toEqual([false, true]);
  });
});

describe('a group that is removed', () => {
  it('ends with its crew, its heads and the grants that were for it alone', () => {
    const { world, front, crew, worker } = worldWithPool();
    const rest = world.group({ patterns: ['rest'] });
    world.authority.removeGroup(front, world.nowMs);
    expect(world.receiver.lastTypes).toEqual([policy, revocationList, groupHead, head]);
    expect(world.receiver.trust.policy!.groups.map(({ groupId16 }) => groupId16)).toEqual([rest]);
    expect(world.authority.groupIds).toEqual([rest]);
    const gone = { keyId32: worker.key.keyId32, action: 'publish', pattern } as const;
    expect(codeOf(() => world.authority.withdraw(gone, world.nowMs))).toBe('E_USAGE');
    expect(codeOf(() => world.authority.withdraw({ ...gone, action: 'subscribe', pattern: '**' }, world.nowMs))).toBe(
      undefined,
    );
    for (const id of [front, crew]) expect(codeOf(() => world.authority.removeGroup(id, world.nowMs))).toBe('E_USAGE');
    // The topics are free again.
    const again = world.pool();
    expect(again.front).not.toEqual(front);
    world.authority.tick((world.nowMs += 3_600_000));
    expect(world.authority.failures).toEqual([]);
  });

  it('is not a crew alone, and takes its secrets with it', () => {
    const { world, front, crew } = worldWithPool();
    expect(codeOf(() => world.authority.removeGroup(crew, world.nowMs))).toBe('E_USAGE');
    expect(entryOf(world.receiver.trust.policy!, crew)).toBeDefined();
    const plain = world.group({ patterns: ['plain'] });
    world.authority.removeGroup(plain, world.nowMs);
    expect(world.receiver.trust.policy!.groups).toHaveLength(2);
    world.authority.removeGroup(front, world.nowMs);
    expect(world.receiver.trust.policy!.groups).toHaveLength(0);
  });
});

describe('a broker', () => {
  /** What is retained under an address of a pool. */
  function relayOf(world: World) {
    const state = new RelayState({ provider: world.provider, authorityId32: world.authority.authorityId32 });
    let applied = 0;
    return {
      state,
      /** Takes what was published since the last time. */
      apply: () => {
        const { bundles } = world.receiver;
        for (; applied < bundles.length; applied++) state.judge(bundles[applied]!, world.nowMs).commit(world.nowMs);
      },
      under: (type: number, id: Uint8Array) =>
        state.retained(addressOf(world.provider, world.authority.authorityId32, type, id), world.nowMs).length,
    };
  }

  it('principals.37: takes every bundle of a pool, keeps records as long as their blocks, and forgets a pool', () => {
    const { world, front, crew, worker, caller } = worldWithPool();
    const relay = relayOf(world);
    relay.apply();
    expect([relay.under(keyBlock, crew), relay.under(poolRecord, front)]).toEqual([3, 3]);
    world.nowMs += 1_000_000;
    world.authority.tick(world.nowMs);
    world.authority.revoke(worker.key.keyId32, world.nowMs);
    relay.apply();
    expect([relay.under(keyBlock, crew), relay.under(poolRecord, front)]).toEqual([2, 2]);
    world.nowMs += 600_001;
    world.authority.tick(world.nowMs);
    relay.apply();
    expect([relay.under(keyBlock, crew), relay.under(poolRecord, front)]).toEqual([1, 1]);
    const allowed = () => {
      const edge = world.receiver.group(front).edge!;
      const keyId = hexOf(caller.key.keyId32);
      return edge.entries
        .filter(({ keyId32, actions }) => hexOf(keyId32) === keyId && actions === 2)
        .map((match) => relay.state.maySubscribe({ keyId32: caller.key.keyId32, keyId }, match, world.nowMs));
    };
    // Its answers.
    expect(allowed()).toContain(true);
    world.authority.removeGroup(front, world.nowMs);
    relay.apply();
    for (const id of [front, crew]) expect([relay.under(keyBlock, id), relay.under(groupRecord, id)]).toEqual([0, 0]);
    expect(relay.under(poolRecord, front)).toBe(0);
    expect(allowed()).not.toContain(true);
  });

  it('takes everything once more, without the pool record of an epoch that is over', () => {
    const { world, front, crew } = worldWithPool();
    world.nowMs += 3_540_000;
    world.authority.tick(world.nowMs);
    world.nowMs += 200_000;
    world.authority.republish(world.nowMs);
    expect(world.receiver.lastTypes.filter((type) => type === keyBlock)).toHaveLength(4);
    expect(world.receiver.lastTypes.filter((type) => type === poolRecord)).toHaveLength(1);
    const relay = relayOf(world);
    const all = world.receiver.bundles.at(-1)!;
    relay.state.judge(all, world.nowMs).commit(world.nowMs);
    expect([relay.under(keyBlock, crew), relay.under(poolRecord, front)]).toEqual([2, 1]);
    // And again, when it has it.
    expect(relay.state.judge(all, world.nowMs).objects).toEqual([]);
  });
});

describe('other purposes', () => {
  it('are written into the record: BUS, and SURVEY with answers in its lists', () => {
    const world = new World();
    const bus = world.group({ patterns: ['bus/**'], purpose: 'bus' });
    const survey = world.group({ patterns: ['ask'], purpose: 'survey' });
    expect(world.receiver.trust.groupRecord(bus)).toMatchObject({ purpose: purposes.bus, topicChains: true });
    expect(world.receiver.trust.groupRecord(survey)).toMatchObject({ purpose: purposes.survey, topicChains: false });
    const [asks, answers] = [world.member('asks'), world.member('answers')];
    for (const group of ['bus/**', 'ask']) {
      world.grant(asks, 'publish', group);
      world.grant(answers, 'subscribe', group);
    }
    expect(world.receiver.group(bus).writers!.entries.map(({ actions }) => actions)).toEqual([1]);
    const { writers: list, edge } = world.receiver.group(survey);
    expect(new Set(list!.entries.map(({ actions }) => actions))).toEqual(new Set([1, 4]));
    const kinds = new Set(edge!.entries.map(({ actions, matchKind }) => `${actions} ${matchKind}`));
    expect(kinds).toEqual(new Set(['1 1', '1 2', '2 1']));
    for (const group of [bus, survey])
      expect([asks, answers].map((who) => world.opens(group, who))).toEqual([true, true]);
  });
});
