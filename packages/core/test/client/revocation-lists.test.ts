import { expect, it } from 'vitest';
import { RevocationLists } from '../../src/client/revocation-lists.ts';
import { encodeRevocationList, RevocationList } from '../../src/keys/revocation-list.ts';
import { nodeProvider } from '../../src/node/index.ts';

const listOf = (byte: number) =>
  RevocationList.decode(nodeProvider, encodeRevocationList([{ keyId32: new Uint8Array(32).fill(byte), minSerial: 1 }]));

it('lists that anybody made push out none that a head named (principals.24)', () => {
  const lists = new RevocationLists();
  const genuine = listOf(1);
  lists.add(genuine);
  expect(lists.named(genuine.hash32)).toBe(genuine);
  const made = Array.from({ length: 10 }, (_, i) => listOf(i + 2));
  for (const list of made) lists.add(list);
  expect(lists.named(genuine.hash32)).toBe(genuine);
  expect(made.filter((list) => lists.has(list.hash32))).toEqual(made.slice(-2));
});
