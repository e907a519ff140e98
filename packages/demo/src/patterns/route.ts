import { parseEnvelope, patternKinds } from '@tridcomm/core';
import { until } from '../network/until.ts';
import { claim, heading, line } from '../story.ts';
import type { Got } from './bench.ts';
import { orderTopic, type Cafe, type Guest } from './cafe.ts';
import type { Dealt } from './party.ts';
import { givenTo, later, sentBy, tellReaders } from './readers.ts';

const orders = [
  { text: 'a wedding cake for table 4', routing: 'to wanda' },
  { text: 'a biscuit for table 7', routing: 'to willi' },
] as const;
const ofBob = { text: 'a scone for bob', routing: 'to wanda' } as const;

/** Part 6: ROUTER/DEALER. */
export async function routeOrders(cafe: Cafe): Promise<void> {
  const { alice, bob, rita, wanda, willi } = cafe;
  heading('6  ROUTER/DEALER: a router says who works, by what it may read, and hands the same bytes on');
  const mark = await cafe.tap.call('mark');
  await wanda.process.call('serve', orderTopic, true);
  await willi.process.call('serve', orderTopic, false);
  await rita.process.call('route', orderTopic, { wanda: wanda.keyId, willi: willi.keyId });
  await answerLater(cafe);
  await routeByWho(cafe);
  const passed = await cafe.passed(mark);
  const messages = [...sentBy(alice, passed), ...sentBy(bob, passed)];
  const toRita = givenToRouter(rita, passed);
  const forwards = sentBy(rita, passed);
  const isSame = (bytes: Uint8Array): boolean => messages.some((other) => Buffer.compare(bytes, other) === 0);
  const taken = (await Promise.all([wanda, willi].map(async ({ process }) => process.call('got', orderTopic)))).flat();
  const dealers = [alice, bob].map(({ name, keyId }) => `${name} ${keyId}`);
  claim(
    toRita.length === messages.length &&
      toRita.every(isSame) &&
      forwards.every(isForward) &&
      taken.every(({ sender }) => dealers.includes(sender)),
    `rita got the ${toRita.length} envelopes of alice and bob byte for byte, and handed in ${forwards.length} of her own around them: ` +
      'who worked took each as signed by alice or bob, and not by rita.',
  );
  const secrets = [orderTopic, ofBob.text, 'cake', 'biscuit', 'to wanda', 'to willi', 'begins'];
  const envelopes = [...messages, ...givenTo(alice, passed), ...givenTo(bob, passed)];
  tellReaders(cafe, {
    passed,
    secrets,
    envelopes,
    keys: [
      [rita, 0, 'routes it'],
      [willi, envelopes.length, 'works in the pool'],
    ],
  });
  for (const { process } of [rita, wanda, willi]) await process.call('stop', orderTopic);
}

/** Two orders: who was asked first answers last. */
async function answerLater({ alice, rita, wanda, willi }: Cafe): Promise<void> {
  const [cake, biscuit] = orders;
  const first = later(alice.process.call('deal', orderTopic, cake.text, cake.routing));
  await until('wanda has the order', async () => (await wanda.process.call('got', orderTopic)).length > 0);
  const second = await alice.process.call('deal', orderTopic, biscuit.text, biscuit.routing);
  const isBiscuitFirst = (await wanda.process.call('done', orderTopic)).length === 0;
  await wanda.process.call('release', orderTopic);
  const firstAnswer = await first;
  const routed = await rita.process.call('got', orderTopic);
  line('alice gives two orders, and tells routers for whom each is:');
  claim(
    isRouted(routed, orders, alice),
    `    rita    read ${routed.map(({ text }) => `"${text}"`).join(' and ')}, signed by alice, and nothing else`,
  );
  for (const [answer, { name, keyId }, { text }] of [
    [second, willi, biscuit],
    [firstAnswer, wanda, cake],
  ] as const) {
    claim(
      isServed(answer, text, name, keyId) && isBiscuitFirst,
      `    ${name}   said "${answer.news.join('", "')}", then "${answer.text}", each signed by ${name}`,
    );
  }
}

/** One whose orders the router sends elsewhere than they ask for, and twice. */
async function routeByWho({ bob, rita, willi }: Cafe): Promise<void> {
  const answer = await bob.process.call('deal', orderTopic, ofBob.text, ofBob.routing);
  const last = (await rita.process.call('got', orderTopic)).at(-1);
  const done = (await willi.process.call('done', orderTopic)).filter((text) => text === ofBob.text);
  claim(
    last?.sender === `bob ${bob.keyId}` && isServed(answer, ofBob.text, willi.name, willi.keyId) && done.length === 1,
    `bob asks for wanda; rita knows by his signature that it is bob, and sends willi his order, twice. willi does it once: "${answer.text}".`,
  );
}

function isRouted(got: readonly Got[], asked: readonly { readonly routing: string }[], by: Guest): boolean {
  const isHers = got.every(({ sender }) => sender === `${by.name} ${by.keyId}`);
  return isHers && got.map(({ text }) => text).join() === asked.map(({ routing }) => routing).join();
}

function isServed({ text, sender, news }: Dealt, order: string, name: string, keyId: string): boolean {
  return text === `${order}, made by ${name}` && sender === `${name} ${keyId}` && news.join() === `${name} begins`;
}

function isForward(bytes: Uint8Array): boolean {
  return parseEnvelope(bytes).header.patternKind === patternKinds.routerDealer.forward;
}

function givenToRouter({ keyId: own }: Guest, passed: Parameters<typeof givenTo>[1]): readonly Uint8Array[] {
  return passed
    .filter(({ way, type, keyId }) => way === 'out' && type === 'leased' && keyId === own)
    .map(({ bytes }) => bytes);
}
