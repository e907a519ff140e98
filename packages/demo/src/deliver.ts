import { createHash } from 'node:crypto';
import type { ReceivedMessage, ReceivedMessages } from '@tridcomm/core/local';
import { printAnatomy } from './anatomy.ts';
import { batchesOf } from './source.ts';
import { fileTopic, pattern, textTopic, type Actor, type Stage } from './stage.ts';
import { claim, countText, heading, line, sizeText, toHex } from './story.ts';

/** The three whom the story is about. */
export interface Cast {
  readonly alice: Actor;
  readonly bob: Actor;
  readonly carol: Actor;
  readonly atBob: ReceivedMessages;
  readonly atCarol: ReceivedMessages;
}

/** Part 1: what the receiver got, what the relay saw, who signed. */
export async function deliver(stage: Stage, cast: Cast, path: string | URL, name: string): Promise<void> {
  heading('1  Three members and a relay');
  line('The authority knows alice, bob and carol. It lets alice and carol write, and bob and carol read, what is');
  line(`on ${pattern}. What they send goes through a relay that has no key.`);
  sendText(stage, cast);
  await sendFile(stage, cast, path, name);
}

function sendText(stage: Stage, { alice, atBob, atCarol }: Cast): void {
  const text = 'Two coffees for the third floor, please.';
  line('');
  line(`alice sends a text to ${textTopic}`);
  alice.member.publish(textTopic, text);
  const [envelope, ...more] = stage.log.read();
  const [message, ...others] = atBob.received();
  atCarol.received();
  const isWhole = message?.text() === text && others.length === 0;
  claim(isWhole && message.topic === textTopic, `    bob got        "${message?.text()}" on ${message?.topic}`);
  const { leaks } = stage.log;
  claim(
    envelope !== undefined && more.length === 0 && leaks === 0,
    `    the relay saw  ${envelope?.length} bytes, ${toHex(envelope!.subarray(0, 20))}…: neither text nor topic in them`,
  );
  claim(message !== undefined && isFrom(message, alice), `    who signed     ${signerText(message)}`);
  line('');
  line('the envelope, as the relay sees it');
  printAnatomy(envelope!);
}

async function sendFile(stage: Stage, cast: Cast, path: string | URL, name: string): Promise<void> {
  const { alice, bob, carol, atBob, atCarol } = cast;
  line('');
  line(`alice sends ${name} to ${fileTopic}, cut into messages of up to 16 KiB`);
  const [sent, received] = [createHash('sha256'), createHash('sha256')];
  const totals = { messages: 0, bytes: 0, receivedBytes: 0, fromAlice: 0, envelopes: 0, wireBytes: 0 };
  let first = '';
  let last: ReceivedMessage | undefined;
  for await (const batch of batchesOf(path)) {
    alice.member.publish(fileTopic, ...batch);
    const envelopes = stage.log.read(batch.map((payload) => payload.subarray(0, 32)));
    if (first === '') first = toHex(envelopes[0]!.subarray(0, 20));
    for (const payload of batch) {
      sent.update(payload);
      totals.bytes += payload.length;
    }
    for (const message of atBob.received()) {
      received.update(message.payload);
      totals.receivedBytes += message.payload.length;
      if (message.topic === fileTopic && isFrom(message, alice)) totals.fromAlice++;
      last = message;
    }
    totals.messages += batch.length;
    totals.envelopes += envelopes.length;
    totals.wireBytes += envelopes.reduce((sum, { length }) => sum + length, 0);
    // What a member heard and saw waits until it is taken.
    atCarol.received();
    for (const { member } of [alice, bob, carol]) member.events();
  }
  const [sentHash, receivedHash] = [sent.digest('hex'), received.digest('hex')];
  const isEqual = sentHash === receivedHash && totals.bytes === totals.receivedBytes;
  line(`    alice sent     ${sizeText(totals.bytes)}, SHA-256 ${sentHash}`);
  claim(isEqual, `    bob got        ${sizeText(totals.receivedBytes)}, SHA-256 ${receivedHash}`);
  claim(
    stage.log.leaks === 0,
    `    the relay saw  ${countText(totals.envelopes, 'envelope')}, ${sizeText(totals.wireBytes)}, ${first}…`,
  );
  claim(
    last !== undefined && totals.fromAlice === totals.messages,
    `    who signed     alice, with the same key: ${totals.fromAlice} of ${countText(totals.messages, 'message')}`,
  );
  line('');
  claim(
    stage.log.leaks === 0,
    `The relay's whole log, ${sizeText(stage.log.bytes)}, was searched for the topics, the text and the beginning of ` +
      'each message: not found.',
  );
  line('What it does know: who sends to whom, when, how much, and which messages are on one topic.');
}

/** Whether it is signed by a member, under the name that the authority gave. */
function isFrom({ sender }: ReceivedMessage, { member }: Actor): boolean {
  return sender.name === member.name && Buffer.compare(sender.key.keyId32, member.client.keyId32) === 0;
}

function signerText(message: ReceivedMessage | undefined): string {
  return message === undefined ? 'nobody' : `${message.sender.name}, key id ${toHex(message.sender.key.keyId32)}`;
}
