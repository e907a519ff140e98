import { expect, it } from 'vitest';
import { addressTypes } from '../../src/codepoints/address-types.gen.ts';
import type { KeyBlockHeader } from '../../src/keys/key-block-format.ts';
import type { TakenObject } from '../../src/relay/control-plane.ts';
import { Retained } from '../../src/relay/retained.ts';

const filled = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);

it('principals.37 pool records are kept as long as the blocks of their epochs', () => {
  const retained = new Retained();
  const [fronts, blocks] = [filled(16, 1), filled(16, 2)];
  const begin = (epoch: number) => {
    const common = { taken: 'held', bytes: filled(256, epoch) } as const;
    const block = { epoch, drainUntilMs: epoch * 1000 } as KeyBlockHeader;
    const crew: TakenObject = { ...common, type: addressTypes.keyBlock, address16: blocks, groupId: 'crew', block };
    const pool = { crewId: 'crew', epoch, hash32: filled(32, epoch) };
    retained.add(crew, epoch * 1000 - 500);
    retained.add(
      { ...common, type: addressTypes.poolRecord, address16: fronts, groupId: 'front', pool },
      epoch * 1000 - 500,
    );
  };
  const kept = (nowMs: number) => retained.under(fronts, nowMs).map((bytes) => bytes[0]);
  begin(7);
  begin(8);
  expect([kept(8000), kept(8001)]).toEqual([[7, 8], [8]]);
  expect(retained.poolHash32('front', 7, 8000)).toEqual(filled(32, 7));
  expect([retained.poolHash32('front', 7, 8001), retained.poolHash32('crew', 8, 8000)]).toEqual([undefined, undefined]);
  retained.dropGroup('front');
  expect([kept(8000), retained.poolHash32('front', 8, 8000)]).toEqual([[], undefined]);
});
