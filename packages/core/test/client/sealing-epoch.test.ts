import { expect, test } from 'vitest';
import { codeOf, World } from './world.ts';

const pattern = 'orders/**';

test('groups.25: nothing is sealed under an older epoch when the one between was missed, as it may have revoked somebody', () => {
  const world = new World();
  const [alice, bob, eve] = [world.join('alice'), world.join('bob'), world.join('eve')];
  const groupId16 = world.group(pattern, [alice], [bob, eve]);
  bob.subscribe(pattern);
  const { epoch } = alice.view(groupId16)!;
  // The revocation does not reach alice, the block after it does, well before it counts.
  alice.lets = () => false;
  world.authority.revoke(eve.keyId32, world.nowMs);
  alice.lets = (_what, bytes) => !isBlock(bytes) || new DataView(bytes.buffer).getUint32(28) !== epoch + 1;
  world.authority.rotate(groupId16, world.nowMs, { notBeforeMs: world.nowMs + 10_000 });
  world.advance(2_000);
  expect(alice.view(groupId16)!.epoch).toBe(epoch + 2);
  expect(codeOf(() => alice.publish('orders/new', 'for eve too'))).toBe('E_EPOCH');
  world.advance(9_000);
  alice.publish('orders/new', 'for bob alone');
  expect(bob.texts()).toEqual(['for bob alone']);
});

test('groups.27: who came with an epoch does not seal under the one before, where nobody would take it', () => {
  const world = new World();
  const [alice, bob] = [world.join('alice'), world.join('bob')];
  world.group(pattern, [], [bob]);
  bob.subscribe(pattern);
  world.advance(60_000);
  world.authority.grant({ keyId32: alice.keyId32, action: 'publish', pattern, join: 'now' }, world.nowMs);
  // A clock that is behind: the epoch that alice came with has not begun.
  const behindMs = world.nowMs - 5_000;
  expect(codeOf(() => alice.client.publish('orders/new', [new Uint8Array(1)], behindMs))).toBe('E_EPOCH');
  expect(bob.refusals()).toEqual([]);
  alice.publish('orders/new', 'now');
  expect(bob.texts()).toEqual(['now']);
});

function isBlock(bytes: Uint8Array): boolean {
  return String.fromCharCode(...bytes.subarray(0, 4)) === 'TDKB';
}
