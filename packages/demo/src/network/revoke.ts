import { addressTypes, parseEnvelope } from '@tridcomm/core';
import { addressOf, decodeBundle, decodePrincipalRecord, objectKinds, parseObject } from '@tridcomm/core/internal';
import { nodeProvider } from '@tridcomm/core/node';
import { claim, heading, line } from '../story.ts';
import type { Heard } from './member.ts';
import { textTopic, type Person, type Site } from './site.ts';

/** Part 5: one loses all rights, and gets hold of the broker's disk. */
export async function revoke(site: Site): Promise<void> {
  const { alice, bob, carol, broker } = site;
  heading("5  carol is revoked, and gets hold of the broker's disk");
  await carol.process.call('subscribe', 'live', textTopic, 'live');
  await alice.process.call('send', textTopic, ['coffee before']);
  const before = await carol.process.call('received', 'live', 1, 10_000);
  claim(before.texts.at(-1) === 'coffee before', `Before, carol reads what alice sends: "${before.texts.at(-1)}".`);

  const { mark } = broker;
  const revokedMs = Date.now();
  await site.order('revoke', { keyId: carol.keyId });
  const cut = await heard(carol, ({ type, atMs }) => type === 'disconnected' && atMs >= revokedMs);
  const ended = await broker.event(mark, ({ type, keyId }) => type === 'linkEnded' && keyId === carol.keyId);
  const cutMs = (cut?.atMs ?? Infinity) - revokedMs;
  claim(
    cutMs < mostCutMs && ended.code === 'E_REVOKED',
    `The authority revokes her: her link is cut after ${cutMs} ms (link.22 allows 1000); the broker's log says ${ended.code}.`,
  );
  const again = await broker.event(mark, ({ type, code }) => type === 'openingRefused' && code === 'E_REVOKED');
  const told = await heard(carol, ({ type, atMs, code }) => {
    return type === 'disconnected' && atMs > cut!.atMs && code !== undefined;
  });
  claim(
    told !== undefined && told.code !== again.code,
    `Her client connects again: the broker's log says ${again.code}, and her client no more than ${told?.code}.`,
  );
  await attemptToRead(site, bob);
}

/** Messages of after, and all that she has. */
async function attemptToRead(site: Site, bob: Person): Promise<void> {
  const { alice, carol } = site;
  const before = await site.newestEnvelopes(200);
  const old = ofNewestEpoch(before.envelopes, alice);
  const had = await bob.process.call('received', 'texts', 0, 0);
  const texts = Array.from({ length: 10 }, (_, i) => `coffee after ${i}`);
  await alice.process.call('send', textTopic, texts);
  const got = await bob.process.call('received', 'texts', had.messages + texts.length, 20_000);
  const { envelopes: fresh, nextPosition } = await site.newestEnvelopes(texts.length);
  claim(
    nextPosition - before.nextPosition === texts.length && texts.every((text) => got.texts.includes(text)),
    `alice sends ${texts.length} more: bob has them all, carol is handed the ${fresh.length} envelopes from the broker's log.`,
  );
  const objects = await retained(site);
  const block = objects.at(addressOf(nodeProvider, id32(site), addressTypes.keyBlock, site.groupId16));
  const record = objects.at(
    addressOf(nodeProvider, id32(site), addressTypes.principalRecord, Buffer.from(alice.keyId, 'hex')),
  );
  const { key } = decodePrincipalRecord(nodeProvider, parseObject(nodeProvider, record, objectKinds.principalRecord));
  const sender = { keyId32: key.keyId32, publicKey32: key.publicKey32 };
  const tried = await carol.process.call('tryKeys', site.groupId16, sender, old, fresh, block);
  line('She tries every key on her disk, with signatures unchecked:');
  claim(
    old.length > 0 && tried.oldOpened === old.length,
    `    before: ${tried.oldOpened} of ${old.length} envelopes of the last epoch that she was in open`,
  );
  claim(
    tried.newOpened === 0 && tried.blockOpened === 0 && tried.blockEntries > 0,
    `    after:  ${tried.newOpened} of ${fresh.length} envelopes open with ${tried.epochKeys} epoch keys, and ${tried.blockOpened} of ` +
      `${tried.blockEntries} entries of the new key block with ${tried.nodeKeys} node keys`,
  );
  const after = await carol.process.call('received', 'live', 0, 0);
  claim(!after.texts.some((text) => texts.includes(text)), 'Her own client got none of them.');
  await carol.process.call('leave');
}

/** What a sender sealed in the newest epoch of these. */
function ofNewestEpoch(envelopes: readonly Uint8Array[], { keyId }: Person): Uint8Array[] {
  const senderId = keyId.slice(0, 32);
  const own = envelopes.filter((one) => Buffer.from(one.subarray(32, 48)).toString('hex') === senderId);
  const epochs = own.map((one) => parseEnvelope(one).header.epoch);
  const newest = Math.max(...epochs);
  return own.filter((_, i) => epochs[i] === newest);
}

/** Everything that the authority has its broker retain. */
async function retained(site: Site): Promise<{ at(address16: Uint8Array): Uint8Array }> {
  const objects: { readonly address16: Uint8Array; readonly bytes: Uint8Array }[] = [];
  let count = 1;
  for (let index = 0; index < count; index++) {
    const answer = await site.order('bundle', { index });
    count = Number(answer['count']);
    objects.push(...decodeBundle(new Uint8Array(Buffer.from(String(answer['bundle']), 'base64'))));
  }
  return {
    at: (address16) => objects.findLast((one) => Buffer.compare(one.address16, address16) === 0)!.bytes,
  };
}

/** The first event of a member that is meant; undefined where none comes. */
async function heard({ process: member }: Person, test: (one: Heard) => boolean): Promise<Heard | undefined> {
  const endMs = performance.now() + 20_000;
  while (performance.now() < endMs) {
    const found = (await member.call('heard')).find(test);
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return undefined;
}

function id32({ authorityId }: Site): Uint8Array {
  return Uint8Array.from(Buffer.from(authorityId, 'hex'));
}

/** More than the specification says, for a machine that does much else. */
const mostCutMs = 5_000;
