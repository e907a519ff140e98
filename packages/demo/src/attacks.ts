import { parseEnvelope } from '@tridcomm/core';
import { parseBlock, signInput } from '@tridcomm/core/internal';
import { nodeProvider } from '@tridcomm/core/node';
import type { Cast } from './deliver.ts';
import { objectTypes } from './relay-log.ts';
import { fileTopic, pattern, textTopic, type Actor, type Stage } from './stage.ts';
import { claim, heading, line, outcome, refusal } from './story.ts';

/** Part 5: what a relay, or a member, may try. */
export function attack(stage: Stage, cast: Cast): void {
  const { alice, bob, atBob } = cast;
  heading('5  Attacks, refused by name');
  line('mallory joins, and may write but not read. The relay and she try what they can.');
  const mallory = stage.join('mallory');
  stage.network.allow(pattern, { write: [mallory.member] });
  const text = `One more coffee, with milk. ${'And another one. '.repeat(12)}`;
  bob.wire.holds = true;
  const [envelope] = alice.member.publish(textTopic, text).envelopes;
  const [other] = alice.member.publish(fileTopic, text).envelopes;
  bob.wire.takeHeld();
  bob.wire.holds = false;
  atBob.received();

  line('');
  attackEnvelope(stage, cast, mallory, envelope!, other!, text);
  line('');
  attackControl(stage, cast, mallory);
  line('');
  attackRelay(stage, cast, mallory, envelope!);
  claim(atBob.received().length === 0, 'bob got nothing of all that.');
}

/** Envelopes that are not as their sender made them. */
function attackEnvelope(
  stage: Stage,
  { bob, atBob }: Cast,
  mallory: Actor,
  envelope: Uint8Array,
  other: Uint8Array,
  text: string,
): void {
  const attempt = (bytes: Uint8Array) => outcome(() => bob.member.client.envelope(bytes, stage.nowMs));
  const end = envelope.length - 64;
  const flipped = patched(envelope, end - 1, [envelope[end - 1]! ^ 1]);
  refusal('the relay flips one bit', attempt(flipped), 'E_SIG', 'suites.18');
  const moved = patched(envelope, 8, other.subarray(8, 24));
  refusal('the relay moves it to another topic', attempt(moved), 'E_SIG', 'suites.18');
  const stripped = patched(envelope, end, new Uint8Array(64));
  refusal('the relay strips the signature', attempt(stripped), 'E_SIG', 'suites.19');
  refusal(
    'mallory puts her name and signature on it',
    attempt(renamed(stage, envelope, mallory)),
    'E_AEAD',
    'suites.14',
  );
  refusal('somebody sends the plaintext instead', attempt(Buffer.from(text)), 'E_ENCODING', 'envelope.32');
  const met = attempt(envelope);
  const [message] = atBob.received();
  claim(
    met === 'accepted' && message?.text() === text,
    `the relay delivers it as it is: ${met}, the refusals changed nothing`,
  );
  refusal('the relay delivers it once more', attempt(envelope), 'E_REPLAY', 'replay.7');
}

/** What only the authority may say, said by others, or out of time. */
function attackControl({ network, log, nowMs }: Stage, { alice, bob }: Cast, mallory: Actor): void {
  const attempt = (type: number, bytes: Uint8Array) => outcome(() => bob.member.client.object(type, bytes, nowMs));
  const groupId16 = network.groupId(pattern);
  const [oldHead] = log.objects(objectTypes.head);
  refusal(
    'the relay brings an old head, from before the revocations',
    attempt(objectTypes.head, oldHead!),
    'E_EPOCH',
    'principals.27',
  );
  const blocks = log.objects(objectTypes.keyBlock, groupId16);
  refusal('the relay brings an old key block', attempt(objectTypes.keyBlock, blocks[0]!), 'E_EPOCH', 'groups.7');
  const { key } = mallory.member.client.identity;
  const claimed = patched(blocks.at(-1)!, 136, key.keyId32);
  const forged = patched(claimed, claimed.length - 64, key.sign(parseBlock(nodeProvider, claimed).signInput));
  refusal('mallory signs a key block', attempt(objectTypes.keyBlock, forged), 'E_POLICY', 'groups.1');
  const [enrolment] = log.objects(objectTypes.enrolment, groupId16, alice.member.client.keyId32);
  refusal(
    "the relay gives bob alice's place in the group",
    attempt(objectTypes.enrolment, enrolment!),
    'E_BINDING',
    'groups.15',
  );
}

/** What an honest relay does not let through. */
function attackRelay({ attach }: Stage, { bob }: Cast, mallory: Actor, envelope: Uint8Array): void {
  mallory.member.subscribe(pattern);
  const subscription = mallory.member
    .events()
    .find((event) => event.type === 'refused' && event.what === 'subscription');
  const met = subscription?.type === 'refused' ? subscription.error.code : 'accepted';
  refusal('mallory, who may only write, subscribes', met, 'E_POLICY', 'principals.22');
  refusal(
    'bob, who may only read, publishes',
    outcome(() => bob.member.publish(textTopic, 'coffee')),
    'E_POLICY',
    'patterns.2',
  );
  const { keyId32 } = bob.member.client;
  const link = attach(keyId32, { envelope: () => {}, object: () => {} });
  const own = patched(envelope, 32, keyId32.subarray(0, 16));
  const atRelay = outcome(() => {
    link.publish(own);
    return true;
  });
  link.detach();
  refusal('bob hands the relay an envelope all the same', atRelay, 'E_POLICY', 'principals.22');
}

/** The envelope under another name, signed by it. */
function renamed({ network, log }: Stage, envelope: Uint8Array, { member }: Actor): Uint8Array {
  const { key } = member.client.identity;
  const bytes = patched(envelope, 32, key.keyId32.subarray(0, 16));
  const { protectedHeader, keyinfo, body } = parseEnvelope(bytes);
  const newest = log.objects(objectTypes.keyBlock, network.groupId(pattern)).at(-1)!;
  const { epochCommit32 } = parseBlock(nodeProvider, newest);
  const input = signInput(nodeProvider, key.keyId32, epochCommit32, protectedHeader, keyinfo, body);
  return patched(bytes, bytes.length - 64, key.sign(input));
}

function patched(bytes: Uint8Array, offset: number, values: ArrayLike<number>): Uint8Array {
  const copy = bytes.slice();
  copy.set(values, offset);
  return copy;
}
