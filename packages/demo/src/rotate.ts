import type { Cast } from './deliver.ts';
import { pattern, refusedEnvelopes, textTopic, type Stage } from './stage.ts';
import { claim, heading } from './story.ts';

const perEpoch = 20;

/** Part 2: keys change while messages are on their way. */
export function rotate(stage: Stage, { alice, bob, atBob, atCarol }: Cast): void {
  heading('2  Keys rotate with messages in flight');
  bob.wire.holds = true;
  const epochs: number[] = [];
  const sent: string[] = [];
  for (let turn = 0; turn < 3; turn++) {
    if (turn > 0) stage.network.rotate(pattern);
    for (let i = 0; i < perEpoch; i++) {
      const text = `coffee ${turn}/${i}`;
      const { epoch } = alice.member.publish(textTopic, text);
      sent.push(text);
      if (!epochs.includes(epoch)) epochs.push(epoch);
    }
  }
  const held = bob.wire.takeHeld();
  bob.wire.holds = false;
  claim(
    epochs.length === 3 && held.length === sent.length && atBob.received().length === 0,
    `alice sends ${sent.length} messages and the authority rotates twice between them: epochs ${epochs.join(', ')}. The relay holds ` +
      'them all back.',
  );
  bob.member.events();
  for (const envelope of held.toReversed()) bob.wire.hand(envelope);
  const deliveredIn = new Map<number, number>();
  for (const event of bob.member.events()) {
    if (event.type !== 'message') continue;
    const { epoch } = event.delivery;
    deliveredIn.set(epoch, (deliveredIn.get(epoch) ?? 0) + 1);
  }
  const got = atBob.received().map((message) => message.text());
  const areAllOnce = got.length === sent.length && sent.every((text) => got.includes(text));
  const perEpochText = epochs.map((epoch) => `${deliveredIn.get(epoch) ?? 0} of epoch ${epoch}`).join(', ');
  claim(
    areAllOnce && epochs.every((epoch) => deliveredIn.get(epoch) === perEpoch),
    `It lets them go, the last first: bob got ${got.length} of ${sent.length}, each once: ${perEpochText}.`,
  );
  for (const envelope of held) bob.wire.hand(envelope);
  const refused = refusedEnvelopes(bob).filter((code) => code === 'E_REPLAY').length;
  claim(
    refused === held.length && atBob.received().length === 0,
    `It brings all of them once more: ${refused} refused with E_REPLAY, none delivered twice.`,
  );
  stage.log.read();
  atCarol.received();
}
