import { expect, it } from 'vitest';
import { RecordMap } from '../../src/patterns/record-map.ts';

const idOf = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);
const nameOf = (fill: number, leaf = 0, index = 0) => ({ id32: idOf(fill), leaf, index });

it('holds values by id, leaf and index, whatever it was asked for before', () => {
  const map = new RecordMap<string>();
  const names = [1, 2].flatMap((fill) =>
    [0, 1, 65_535].flatMap((leaf) => [0, 1, 65_535].map((i) => nameOf(fill, leaf, i))),
  );
  for (const [i, name] of names.entries()) map.set(name, `value ${i}`);
  expect(map.size).toBe(18);
  for (const [i, name] of [...names.entries()].toReversed()) expect(map.get(name)).toBe(`value ${i}`);
  expect([...map.values()]).toEqual(names.map((_, i) => `value ${i}`));
  map.set(names[3]!, 'other');
  expect([map.size, map.get(names[3]!)]).toEqual([18, 'other']);
  for (const name of names) {
    map.delete(name);
    map.delete(name);
    expect(map.get(name)).toBe(undefined);
  }
  expect([map.size, [...map.values()]]).toEqual([0, []]);
});

it('finds nothing under names that no envelope has, and that would be the number of another', () => {
  const map = new RecordMap<string>();
  map.set(nameOf(1, 1, 0), 'value');
  const impossible = [nameOf(1, 0, 65_536), nameOf(1, 0xffff_ffff, 0), nameOf(1, 0, 0xffff_ffff)];
  for (const name of impossible) {
    expect(map.get(name)).toBe(undefined);
    map.delete(name);
  }
  expect(map.get(nameOf(1, 1, 0))).toBe('value');
});

it('is not led astray by an id that is written over', () => {
  const map = new RecordMap<string>();
  const name = nameOf(1);
  map.set(name, 'value');
  name.id32.fill(2);
  expect([map.get(name), map.get(nameOf(1))]).toEqual([undefined, 'value']);
  map.clear();
  expect([map.size, map.get(nameOf(1))]).toEqual([0, undefined]);
});
