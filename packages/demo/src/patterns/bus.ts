import { patternKinds, parseEnvelope } from '@tridcomm/core';
import { until } from '../network/until.ts';
import { claim, heading } from '../story.ts';
import { callTopic, type Cafe } from './cafe.ts';
import type { Got } from './bench.ts';
import { tellReaders } from './readers.ts';

/** Part 7: BUS. */
export async function ride(cafe: Cafe): Promise<void> {
  const { alice, bob, wanda, willi } = cafe;
  heading('7  BUS: many to many, and nobody sends anybody a key');
  const mark = await cafe.tap.call('mark');
  const riders = [alice, wanda, willi];
  for (const { process } of riders) await process.call('listen', callTopic);
  const texts = new Map(riders.map(({ name }) => [name, `${name} calls table 4`]));
  for (const { name, process } of riders) await process.call('publish', callTopic, texts.get(name)!);
  const gotBy = async ({ process }: (typeof riders)[number]): Promise<readonly Got[]> =>
    await process.call('got', callTopic);
  for (const rider of riders) {
    const others = riders.filter((other) => other !== rider);
    const isFrom = (got: readonly Got[]): boolean =>
      others.every(({ name, keyId }) => {
        return got.filter((one) => one.text === texts.get(name) && one.sender === `${name} ${keyId}`).length === 1;
      });
    await until('what the others say', async () => isFrom(await gotBy(rider)));
    const heard = (await gotBy(rider)).filter(({ sender }) => sender !== `${rider.name} ${rider.keyId}`);
    claim(
      isFrom(heard) && heard.length === others.length,
      `    ${rider.name.padEnd(6)}has ${heard.map(({ text }) => `"${text}"`).join(' and ')}, each signed by who says so`,
    );
  }
  const passed = await cafe.passed(mark);
  const envelopes = passed.filter(({ way }) => way === 'in').map(({ bytes }) => bytes);
  const views = envelopes.map((bytes) => parseEnvelope(bytes));
  claim(
    envelopes.length === riders.length &&
      views.every(({ header, keyinfo }) => header.patternKind === patternKinds.bus.data && keyinfo.length === 0),
    `All that they handed to the broker for it: ${envelopes.length} envelopes for ${texts.size} messages, and no key in any.`,
  );
  tellReaders(cafe, {
    passed,
    secrets: [callTopic, ...texts.values()],
    envelopes,
    keys: [
      [willi, envelopes.length, 'of the group'],
      [bob, 0, 'of other groups'],
    ],
  });
  for (const { process } of riders) await process.call('stop', callTopic);
}
