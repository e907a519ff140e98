import { expect, test } from 'vitest';
import { UndoMap } from '../../src/keys/undo-map.ts';

test('a map goes back to its mark, and without one nowhere', () => {
  const map = new UndoMap<string, number>();
  map.set('a', 1).set('b', 2);
  map.undo();
  expect([...map]).toEqual([
    ['a', 1],
    ['b', 2],
  ]);
  map.mark();
  map.set('a', 3).set('a', 4).set('c', 5).delete('b');
  map.undo();
  expect(new Map(map)).toEqual(
    new Map([
      ['a', 1],
      ['b', 2],
    ]),
  );
  map.set('d', 6);
  map.undo();
  expect(map.get('d')).toBe(6);
});
