import { expect, it } from 'vitest';
import { Recent } from '../../src/local/recent.ts';

it('keeps the latest thousand, and no more than 16 MiB of them', () => {
  const recent = new Recent<number>((bytes) => bytes);
  for (let i = 0; i < 1_005; i++) recent.add(i);
  expect(recent.items).toHaveLength(1_000);
  expect(recent.items[0]).toBe(5);
  expect(recent.take()).toHaveLength(1_000);
  expect(recent.items).toEqual([]);

  const mebibyte = 1024 * 1024;
  for (let i = 0; i < 20; i++) recent.add(mebibyte);
  expect(recent.items).toHaveLength(16);
  recent.add(17 * mebibyte);
  expect(recent.items).toEqual([17 * mebibyte]);
});
