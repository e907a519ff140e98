import { parseEnvelope } from '@tridcomm/core';
import { claim, countText, heading, line, toHex } from '../story.ts';
import { seconds } from './deliver.ts';
import type { Flowed } from './flow.ts';
import { textTopic, type Person, type Site } from './site.ts';
import { until } from './until.ts';

/** Part 3: the broker dies in the middle, and nothing that it acknowledged is lost. */
export async function killBroker(site: Site): Promise<void> {
  const { alice, bob, broker } = site;
  heading('3  kill -9 of the broker while alice is sending');
  const { nextPosition } = await site.newestEnvelopes(0);
  await bob.process.call('subscribe', 'texts', textTopic, nextPosition);
  await alice.process.call('startFlow', textTopic, 'coffee');
  await acknowledged(alice, 50);
  const pid = broker.pid;
  broker.kill();
  const killedMs = performance.now();
  await broker.ended();
  const before = await alice.process.call('flowed');
  line(
    `Process ${pid} is killed: alice has sent ${before.sent.length} messages, and ${before.acknowledged.length} are acknowledged ` +
      'to be on its disk. She goes on.',
  );
  await broker.start();
  const { sent } = await alice.process.call('flowed');
  line(`It is started again, as process ${broker.pid}; alice has sent ${sent.length} by then.`);
  await acknowledged(alice, before.acknowledged.length + 50);
  line(`    ${seconds(killedMs)} s after the kill messages are acknowledged again`);
  await compare(bob, await alice.process.call('stopFlow'));
}

/** Part 4: keys change while messages are on their way. */
export async function rotate(site: Site): Promise<void> {
  const { alice, bob } = site;
  heading('4  Keys rotate with messages in flight');
  const { nextPosition: first } = await site.newestEnvelopes(0);
  const earlier = await bob.process.call('received', 'texts', 0, 0);
  const firstEpoch = await newestEpoch(site);
  await alice.process.call('startFlow', textTopic, 'coffee, rotated');
  for (let turn = 1; turn <= 2; turn++) {
    const before = await alice.process.call('flowed');
    await acknowledged(alice, before.acknowledged.length + 40);
    await site.order('rotate', { groupId: toHex(site.groupId16) });
    // The broker was killed: the authority may have to find that out first, and then tells it everything anew.
    await until(`a message of epoch ${firstEpoch + turn}`, async () => (await newestEpoch(site)) >= firstEpoch + turn);
  }
  const rotated = await alice.process.call('flowed');
  await acknowledged(alice, rotated.acknowledged.length + 100);
  const flowed = await alice.process.call('stopFlow');
  await compare(bob, flowed, earlier.messages);
  const { nextPosition } = await site.newestEnvelopes(0);
  const { envelopes } = await site.newestEnvelopes(nextPosition - first);
  const epochs = new Map<number, number>();
  for (const bytes of envelopes) {
    const { epoch } = parseEnvelope(bytes).header;
    epochs.set(epoch, (epochs.get(epoch) ?? 0) + 1);
  }
  const counts = [...epochs].map(([epoch, count]) => `${count} of epoch ${epoch}`).join(', ');
  claim(epochs.size === 3, `The authority rotated twice meanwhile. Envelopes in the broker's log: ${counts}.`);
}

async function newestEpoch(site: Site): Promise<number> {
  const { envelopes } = await site.newestEnvelopes(1);
  return parseEnvelope(envelopes[0]!).header.epoch;
}

async function acknowledged(sender: Person, count: number): Promise<void> {
  await until(`${count} messages acknowledged`, async () => {
    const { acknowledged: taken } = await sender.process.call('flowed');
    return taken.length >= count;
  });
}

/** @param before - how many texts the receiver had when it began */
async function compare(receiver: Person, { sent, acknowledged: taken, failed }: Flowed, before = 0): Promise<void> {
  const { texts: all } = await receiver.process.call('received', 'texts', before + sent.length, 20_000);
  const texts = all.slice(before);
  const got = new Set(texts);
  const lost = taken.filter((text) => !got.has(text)).length;
  claim(
    lost === 0 && failed.length === 0 && taken.length === sent.length,
    `alice sent ${sent.length}, ${taken.length} were acknowledged; of these bob lacks ${lost}.`,
  );
  claim(
    texts.length === sent.length && got.size === texts.length && sent.every((text) => got.has(text)),
    `bob got ${countText(texts.length, 'message')}, each once.`,
  );
}
