import { Authority } from '../../src/authority/authority.ts';
import type { RestoreSources } from '../../src/authority/options.ts';
import { addressTypes } from '../../src/codepoints/address-types.gen.ts';
import { randomOf, type World } from './world.ts';

/** The newest objects of a type that the receiver got. */
export function newest(world: World, type: number, count = 1): Uint8Array[] {
  return world.arrivals
    .filter((one) => one.type === type)
    .slice(-count)
    .map(({ bytes }) => bytes);
}

/** All that the carriers of a world would show. */
export function sourcesOf(world: World): RestoreSources {
  const head = newest(world, addressTypes.head)[0]!;
  const groups = world.authority.groupIds;
  return {
    heads: [head, ...newest(world, addressTypes.groupHead, groups.length)],
    blocks: groups.flatMap((group) => world.receiver.group(group).blockBytes.slice(-1)),
    authorityRecords: newest(world, addressTypes.authorityRecord, 10),
    policies: newest(world, addressTypes.policy),
    revocationLists: newest(world, addressTypes.revocationList),
    edgeLists: groups.map((group) => world.receiver.group(group).edge!.bytes),
  };
}

/** Begins the next life of the authority of a world, whose receiver goes on. */
export function restore(world: World, snapshot: Uint8Array, sources: RestoreSources, seed = 99): Authority {
  const publish = (bundle: Uint8Array): void => world.take(bundle);
  return Authority.restore(
    { provider: world.provider, random: randomOf(seed), publish },
    snapshot,
    sources,
    world.nowMs,
  );
}
