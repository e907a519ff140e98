import { addressOf, addressTypes, Identity, MemoryStore } from '@tridcomm/core';
import { encodeRevocationList, RevocationList } from '@tridcomm/core/internal';
import { nodeProvider } from '@tridcomm/core/node';
import { expect, test } from 'vitest';
import { random } from '../../src/client/random.ts';
import { PeerTrust } from '../../src/client/peer-trust.ts';

const authorityId32 = new Uint8Array(32).fill(7);
const address16 = addressOf(nodeProvider, authorityId32, addressTypes.revocationList, new Uint8Array(0));
const { keyId32 } = Identity.create(nodeProvider, random, Date.now()).key;
const listOf = (...keyIds: readonly Uint8Array[]) =>
  encodeRevocationList(keyIds.map((one) => ({ keyId32: one, minSerial: 5 })));
const junk = (byte: number) => listOf(new Uint8Array(32).fill(byte));

function trustOf(): { peers: PeerTrust; name: (list: Uint8Array) => void; see: (list: Uint8Array) => void } {
  let head: { readonly revokedHash32: Uint8Array } | undefined;
  const peers = new PeerTrust(nodeProvider, authorityId32, new MemoryStore(), () => head);
  return {
    peers,
    name: (list) => (head = { revokedHash32: RevocationList.decode(nodeProvider, list).hash32 }),
    see: (list) => peers.see(address16, list, Date.now()),
  };
}

test('the list that the newest head names counts', () => {
  const { peers, name, see } = trustOf();
  see(listOf(keyId32));
  expect(peers.isRevoked(keyId32, 1)).toBe(false);
  name(listOf(keyId32));
  expect(peers.isRevoked(keyId32, 1)).toBe(true);
  expect(peers.isRevoked(keyId32, 5)).toBe(false);
});

test('principals.24: while that is not there the one before counts', () => {
  const { peers, name, see } = trustOf();
  name(listOf(keyId32));
  see(listOf(keyId32));
  // The head comes behind the list: nobody asked in between.
  see(junk(1));
  name(junk(2));
  expect(peers.isRevoked(keyId32, 1)).toBe(true);
  see(junk(2));
  expect(peers.isRevoked(keyId32, 1)).toBe(false);
});

test('lists that nobody named push out none that was', () => {
  const { peers, name, see } = trustOf();
  const first = listOf(keyId32);
  see(first);
  name(first);
  expect(peers.isRevoked(keyId32, 1)).toBe(true);
  name(junk(1));
  see(junk(1));
  expect(peers.isRevoked(keyId32, 1)).toBe(false);
  for (let i = 2; i < 20; i++) see(junk(i));
  name(first);
  expect(peers.isRevoked(keyId32, 1)).toBe(true);
});
