import { describe, expect, it } from 'vitest';
import { equalBytes } from '../../src/bytes/bytes.ts';
import { rightsOf } from '../../src/authority/recalled-rights.ts';
import { hexOf } from '../../src/client/hex.ts';
import type { Identity } from '../../src/client/identity.ts';
import { actions } from '../../src/codepoints/actions.gen.ts';
import { keyBlockKinds } from '../../src/codepoints/key-block-kinds.gen.ts';
import { chanceOf, type Chance } from '../replay/chance.ts';
import { codeOf, World } from './world.ts';

const histories = 150;
/** A right to route is given in pools alone. */
const patterns: Readonly<Record<'group' | 'pool', Readonly<Record<Action, readonly string[]>>>> = {
  group: { publish: ['orders/**', 'orders/eu', 'orders/eu/**'], subscribe: ['orders/**', '**'], route: [] },
  pool: { publish: ['orders', '**'], subscribe: ['orders', '**'], route: ['orders', '**'] },
};

type Action = 'publish' | 'subscribe' | 'route';

/** What is left of the grants and members of a history, kept by hand. */
class Model {
  readonly patterns: Readonly<Record<Action, readonly string[]>>;
  readonly grants = new Set<string>();
  readonly ended = new Set<Identity>();

  constructor(kind: keyof typeof patterns) {
    this.patterns = patterns[kind];
  }

  /** All rights to read are of the same group, so they end together (principals.42). */
  endReading(keyId32: Uint8Array): void {
    const prefix = `${hexOf(keyId32)} ${actions.subscribe} `;
    for (const grant of this.grants) if (grant.startsWith(prefix)) this.grants.delete(grant);
  }

  has(who: Identity, action?: Action): boolean {
    const prefix = action === undefined ? hexOf(who.key.keyId32) : `${hexOf(who.key.keyId32)} ${actions[action]} `;
    return [...this.grants].some((grant) => grant.startsWith(prefix));
  }
}

describe('random histories (groups.16, groups.17, groups.20)', () => {
  it(`keep every promise in ${histories} of them`, { timeout: 240_000 }, () => {
    const seed = Number(process.env['TRIDCOMM_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
    console.log(`seed ${seed}`);
    for (let i = 0; i < histories; i++) {
      try {
        runHistory(seed + i);
      } catch (error) {
        throw new Error(`history of seed ${seed + i}`, { cause: error });
      }
    }
  });
});

function runHistory(seed: number): void {
  const chance = chanceOf(seed);
  const world = new World(seed);
  const isTree = chance(4) > 0;
  const isPool = chance(3) === 0;
  const group = world.group({
    ...(isPool && { purpose: 'front', patterns: ['orders'] }),
    blockKind: isTree ? keyBlockKinds.completeSubtree : keyBlockKinds.list,
    periodMs: 60_000 * 60 ** chance(2),
  });
  const members = [world.member('a'), world.member('b'), world.member('c')];
  const model = new Model(isPool ? 'pool' : 'group');
  for (let step = 0; step < 6; step++) {
    world.nowMs += chance(3) * 10_000;
    const who = members[chance(3)]!;
    const before = world.authority.snapshot();
    const bundles = world.receiver.bundles.length;
    const [work, expected] = operation(world, model, group, who, chance, isTree);
    const code = codeOf(work);
    expect(code).toBe(expected);
    if (code !== undefined) {
      expect(equalBytes(world.authority.snapshot(), before)).toBe(true);
      expect(world.receiver.bundles.length).toBe(bundles);
    }
    checkPromises(world, model, group, members, isTree);
  }
}

/** One operation at random, what it does to the model, and how it should be refused. */
function operation(
  world: World,
  model: Model,
  group: Uint8Array,
  who: Identity,
  chance: Chance,
  isTree: boolean,
): [() => void, string | undefined] {
  const { authority, nowMs } = world;
  const { keyId32 } = who.key;
  const hasEnded = model.ended.has(who);
  const allowed = (['publish', 'subscribe', 'route'] as const).filter((one) => model.patterns[one].length > 0);
  const action = allowed[chance(allowed.length)]!;
  const pattern = model.patterns[action][chance(model.patterns[action].length)]!;
  const name = `${hexOf(keyId32)} ${actions[action]} ${pattern}`;
  switch (chance(10)) {
    case 0:
    case 1:
    case 2: {
      if (!hasEnded) model.grants.add(name);
      const join = chance(2) === 0 ? 'now' : 'next';
      return [() => authority.grant({ keyId32, action, pattern, join }, nowMs), hasEnded ? 'E_REVOKED' : undefined];
    }
    case 3: {
      const expected = hasEnded ? 'E_REVOKED' : model.grants.has(name) ? undefined : 'E_USAGE';
      if (model.grants.delete(name) && action === 'subscribe') model.endReading(keyId32);
      return [() => authority.withdraw({ keyId32, action, pattern }, nowMs), expected];
    }
    case 4: {
      for (const grant of model.grants) if (grant.startsWith(hexOf(keyId32))) model.grants.delete(grant);
      model.ended.add(who);
      return [() => authority.revoke(keyId32, nowMs), hasEnded ? 'E_REVOKED' : undefined];
    }
    case 5: {
      const notBeforeMs = nowMs + chance(2) * 5_000;
      const { crewId16 } = world.receiver.trust.groupRecord(group)!;
      const newest = [group, ...(crewId16 === undefined ? [] : [crewId16])].map((id) => world.block(id).header);
      const isSecond = notBeforeMs > nowMs && newest.some((header) => header.notBeforeMs > nowMs);
      return [() => authority.rotate(group, nowMs, { notBeforeMs }), isSecond ? 'E_USAGE' : undefined];
    }
    case 6: {
      const expected = hasEnded ? 'E_REVOKED' : model.has(who) ? undefined : 'E_USAGE';
      return [() => authority.reseat(group, keyId32, nowMs), expected];
    }
    case 7:
      return [() => authority.newGeneration(group, nowMs), undefined];
    case 8:
      return [() => (chance(2) === 0 ? authority.delegate(nowMs) : authority.rollover(nowMs)), undefined];
    default:
      world.nowMs += isTree ? 20_000 * 180 ** chance(2) : 20_000;
      return [() => authority.tick(world.nowMs), undefined];
  }
}

function checkPromises(
  world: World,
  model: Model,
  group: Uint8Array,
  members: readonly Identity[],
  isTree: boolean,
): void {
  for (const who of members) expect(world.opens(group, who)).toBe(model.has(who));
  const { edge } = world.receiver.group(group);
  const { crewId16, purpose } = world.receiver.trust.groupRecord(group)!;
  const granted = new Set([...model.grants].map((grant) => grant.split(' ').slice(0, 2).join(' ')));
  expect([...rightsOf(edge!, purpose)].toSorted()).toEqual(
    [...granted].map((one) => one.replace(' ', ', ')).toSorted(),
  );
  if (crewId16 !== undefined) {
    for (const who of members) expect(world.opens(crewId16, who)).toBe(model.has(who, 'subscribe'));
  }
  if (!isTree) return;
  for (const { enrolments } of world.receiver.groups.values()) {
    const leaves = enrolments.map(({ generation, leaf }) => `${generation} ${leaf}`);
    expect(new Set(leaves).size).toBe(leaves.length);
  }
}
