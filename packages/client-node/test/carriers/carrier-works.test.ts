import { matchKinds } from '@tridcomm/core/link';
import { expect, test } from 'vitest';
import { CarrierWorks } from '../../src/carriers/carrier-works.ts';

const match = (byte: number) => ({ matchKind: matchKinds.exact, level: 0, match16: new Uint8Array(16).fill(byte) });

test('bindings.16: what is held for handlers is bounded, and what is settled makes room', () => {
  const works = new CarrierWorks(100);
  works.find(3, match(1).match16);
  expect(works.add(match(2), new Uint8Array(1))).toBeUndefined();
  expect(works.add(match(1), new Uint8Array(60))).toEqual({ work: 3, lease: 1 });
  expect(works.add(match(1), new Uint8Array(41))).toBe('full');
  expect(works.add(match(1), new Uint8Array(40))).toEqual({ work: 3, lease: 2 });
  works.settled(3, 1);
  works.settled(3, 1);
  works.settled(4, 1);
  expect(works.add(match(1), new Uint8Array(61))).toBe('full');
  expect(works.add(match(1), new Uint8Array(60))).toEqual({ work: 3, lease: 3 });
  expect(works.delete(3)?.match).toEqual(match(1));
  expect(works.delete(3)).toBeUndefined();
  works.find(5, match(1).match16);
  expect(works.add(match(1), new Uint8Array(100))).toEqual({ work: 5, lease: 1 });
});
