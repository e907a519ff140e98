import { decodeBundle, type MemoryStore } from '@tridcomm/core/internal';
import type { Cast } from './deliver.ts';
import { objectTypes } from './relay-log.ts';
import { pattern, refusedEnvelopes, textTopic, type Stage } from './stage.ts';
import { claim, countText, heading, line, outcome, refusal } from './story.ts';
import { Thief } from './thief.ts';

/** Part 3: one loses all rights, and the relay is on her side. */
export function revoke(stage: Stage, cast: Cast, carolsDisk: MemoryStore): void {
  const { alice, bob, carol, atBob, atCarol } = cast;
  const { network, log } = stage;
  heading('3  carol is revoked, and the relay is on her side');
  const groupId16 = network.groupId(pattern);
  const sizeBefore = log.bundles.length;

  bob.wire.holds = true;
  const [old] = alice.member.publish(textTopic, 'coffee, sent before').envelopes;
  carol.member.publish(textTopic, 'coffee, carol, sent before');
  network.revoke(carol.member);
  log.read();
  const bundles = log.bundles.slice(sizeBefore);
  const objects = bundles.flatMap((bundle) => decodeBundle(bundle));
  const block = log.objects(objectTypes.keyBlock, groupId16).at(-1)!;
  claim(
    bundles.length === 1 && objects.some(({ bytes }) => Buffer.compare(bytes, block) === 0),
    `The authority revokes her: ${countText(bundles.length, 'bundle')} of ${objects.length} objects, with a new key block.`,
  );

  atCarol.received();
  bob.member.events();
  bob.wire.holds = false;
  for (const envelope of bob.wire.takeHeld()) bob.wire.hand(envelope);
  const inFlight = atBob.received().map((message) => message.text());
  const [refusedInFlight] = refusedEnvelopes(bob);
  claim(
    inFlight.join() === 'coffee, sent before',
    `What alice had sent before arrives: bob gets "${inFlight.join()}".`,
  );
  refusal('What carol had sent before arrives too', refusedInFlight ?? 'accepted', 'E_REVOKED', 'principals.24');

  const fresh = Array.from(
    { length: 10 },
    (_, i) => alice.member.publish(textTopic, `coffee, after ${i}`).envelopes[0]!,
  );
  const atBobNow = atBob.received().length;
  claim(atBobNow === 10, `alice sends 10 more messages: bob gets ${atBobNow}, without having done anything.`);

  line('');
  handEverything(stage, cast, block, fresh);
  const { client } = carol.member;
  const loot = {
    store: carolsDisk,
    prekeys: client.identity.prekeys,
    record: client.trust.principal(client.keyId32)!,
    authorityId32: network.authority.authorityId32,
    groupId16,
  };
  const thief = new Thief(loot, alice.member.client.identity.key);
  tryKeys(thief, log.objects(objectTypes.keyBlock, groupId16), old!, fresh);

  line('');
  carol.wire.sends = false;
  const [forged] = carol.member.publish(textTopic, 'coffee for carol').envelopes;
  bob.member.events();
  stage.carry(forged!, bob);
  const [met] = refusedEnvelopes(bob);
  refusal(
    'carol signs on, under the old key, which still drains; the relay carries it',
    met ?? 'accepted',
    'E_REVOKED',
    'principals.24',
  );
  claim(atBob.received().length === 0, 'bob got nothing of it.');
}

/** The relay hands her every object and every envelope that it has, old and new. */
function handEverything(
  { network, log, nowMs }: Stage,
  { carol, atCarol }: Cast,
  block: Uint8Array,
  fresh: readonly Uint8Array[],
): void {
  const { client } = carol.member;
  let ofBlock = 'not handed over';
  let objects = 0;
  for (const { address16, bytes } of log.bundles.flatMap((bundle) => decodeBundle(bundle))) {
    objects++;
    const met = outcome(() => client.objectAt(address16, bytes, nowMs));
    if (Buffer.compare(bytes, block) === 0) ofBlock = met;
  }
  const envelopes = network.relay.events.flatMap((event) => (event.type === 'envelope' ? [event.bytes] : []));
  for (const bytes of envelopes) outcome(() => client.envelope(bytes, nowMs));
  const codes = new Set(fresh.map((bytes) => outcome(() => client.envelope(bytes, nowMs))));
  const got = atCarol.received().length;
  line(
    `The relay hands carol all that it has: ${objects} objects of the authority, ${countText(envelopes.length, 'envelope')}.`,
  );
  refusal('The new key block', ofBlock, 'E_REVOKED', 'groups.10');
  const met = [...codes].join(', ');
  claim(
    met === 'E_EPOCH',
    `The ${fresh.length} new messages: refused ${met}, each of an epoch to which she has no key`,
  );
  claim(got === 0, `carol got ${got} new messages. What she had read before, she has read.`);
}

/** The same with software of her own, which tries every key on her disk and checks nothing. */
function tryKeys(thief: Thief, blocks: readonly Uint8Array[], old: Uint8Array, fresh: readonly Uint8Array[]): void {
  const { epochKeys, nodeKeyCount } = thief;
  const [before, after] = blocks.slice(-2).map((bytes) => thief.unlocks(bytes));
  line('She tries every key on her disk, with signatures unchecked:');
  claim(
    thief.opens([old]) === 1 && before!.opened > 0,
    `    before: 1 of 1 message opens, ${before!.opened} of ${before!.entries} entries of the key block open`,
  );
  const opened = thief.opens(fresh);
  claim(
    opened === 0 && after!.entries > 0 && after!.opened === 0 && epochKeys.length > 1,
    `    after:  ${opened} of ${fresh.length} messages open with ${epochKeys.length} epoch keys; ${after!.opened} of ${after!.entries} entries ` +
      `with ${nodeKeyCount} node keys`,
  );
}
