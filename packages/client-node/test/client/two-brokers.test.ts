import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { TridcommClient } from '@tridcomm/client-node';
import { Client, parseEnvelope } from '@tridcomm/core';
import { codeOf, settled, text, until, untilCount } from './pool-world.ts';
import { TwoBrokers } from './two-brokers.ts';

const topic = 'kitchen/brew';
const patient = { timeoutMs: 120_000, routing: 'one' };
let world: TwoBrokers;
let workerKeyId32: Uint8Array;
beforeEach(async () => {
  world = await TwoBrokers.create();
  const keyIds = new Map<string, Uint8Array>();
  for (const name of ['dealer', 'leftRouter', 'rightRouter', 'one', 'guest']) keyIds.set(name, await world.enrol(name));
  workerKeyId32 = keyIds.get('one')!;
  await world.pool(topic, [
    { keyId32: keyIds.get('dealer')!, action: 'publish' },
    { keyId32: keyIds.get('guest')!, action: 'publish' },
    { keyId32: keyIds.get('leftRouter')!, action: 'route' },
    { keyId32: keyIds.get('rightRouter')!, action: 'route' },
    { keyId32: workerKeyId32, action: 'subscribe' },
  ]);
}, 60_000);
afterEach(async () => {
  vi.restoreAllMocks();
  await world.close();
});

/** A dealer and a router at the left broker, a router and a worker at the right one. */
async function everybody(): Promise<readonly [TridcommClient, TridcommClient, TridcommClient, TridcommClient]> {
  return [
    await world.connect('dealer', 'left'),
    await world.connect('leftRouter', 'left'),
    await world.connect('rightRouter', 'right'),
    await world.connect('one', 'right'),
  ];
}

/** Envelopes that calls made. */
function sealedBy(spy: {
  readonly mock: { readonly results: readonly { readonly type: string; readonly value: unknown }[] };
}): Uint8Array[] {
  // Until the pool record is there nothing is sealed, and it is tried again.
  const sealed = spy.mock.results.filter(({ type }) => type === 'return');
  return sealed.flatMap(({ value }) => (value as { readonly envelopes: readonly Uint8Array[] }).envelopes);
}

test('patterns.39, 43: messages and replies go through two brokers that do not know each other, and no byte changes', async () => {
  const [dealer, left, right, one] = await everybody();
  const [deal, reply, forward, forwardReply] = [
    vi.spyOn(Client.prototype, 'deal'),
    vi.spyOn(Client.prototype, 'reply'),
    vi.spyOn(Client.prototype, 'forward'),
    vi.spyOn(Client.prototype, 'forwardReply'),
  ];
  left.route(topic, async (message) => message.forward(workerKeyId32, right));
  right.forwardReplies(topic, left);
  one.respond(
    topic,
    async ({ data, say, sender }) => {
      await say(`${sender.name} asks`);
      return text(data).toUpperCase();
    },
    { effects: 'idempotent', forwardedOnly: true },
  );
  await settled(left, right, one);
  const news: string[] = [];
  const replies = await Promise.all(
    ['a', 'b', 'c'].map(async (body) =>
      dealer.deal(topic, body, {
        ...patient,
        onNews: ({ data, sender }) => news.push(`${sender.name}: ${text(data)}`),
      }),
    ),
  );
  expect(replies.map(({ data, sender }) => `${sender.name}: ${text(data)}`)).toEqual(['one: A', 'one: B', 'one: C']);
  expect(news).toEqual(['one: dealer asks', 'one: dealer asks', 'one: dealer asks']);
  const messages = sealedBy(deal);
  const answers = sealedBy(reply);
  // All of one turn are told alike, and share an envelope.
  expect(messages).toHaveLength(1);
  expect(forward.mock.calls.map(([{ envelope }]) => envelope)).toEqual(messages);
  expect(forwardReply.mock.calls.map(([{ envelope }]) => envelope)).toEqual(answers);
  const senderOf = (bytes: Uint8Array) => parseEnvelope(bytes).header.senderId;
  for (const bytes of messages) expect(senderOf(bytes)).toEqual(dealer.keyId32.subarray(0, 16));
  for (const bytes of answers) expect(senderOf(bytes)).toEqual(one.keyId32.subarray(0, 16));
});

test('without who hands replies on the dealer hears nothing, and from then on what was asked before is answered', async () => {
  const [dealer, left, right, one] = await everybody();
  const seen: string[] = [];
  left.route(topic, async (message) => message.forward(workerKeyId32, right));
  one.respond(topic, ({ data }) => (seen.push(text(data)), 'done'), { effects: 'idempotent', forwardedOnly: true });
  await settled(left, right, one);
  const answer = dealer.deal(topic, 'a', { ...patient, timeoutMs: 60_000 });
  await untilCount('handlers', seen, 1);
  const forwarding = right.forwardReplies(topic, left);
  expect(() => right.forwardReplies(topic, left)).toThrow('E_USAGE');
  await settled(right);
  expect(text((await answer).data)).toBe('done');
  expect(seen).toEqual(['a']);
  forwarding.close();
  await settled(right);
  expect(await codeOf(dealer.deal(topic, 'b', { ...patient, timeoutMs: 3_000 }))).toBe('E_EXPIRED');
  expect(seen).toEqual(['a', 'b']);
});

test('what the other broker does not take goes back to the first, and a client that is closed is no way', async () => {
  const [dealer, left, right, one] = await everybody();
  const guest = await world.connect('guest', 'right');
  const ways = [guest, right];
  let tries = 0;
  left.route(topic, async (message) => message.forward(workerKeyId32, ways[Math.min(tries++, 1)]!));
  right.forwardReplies(topic, left);
  one.respond(topic, () => 'done', { effects: 'idempotent', forwardedOnly: true });
  await settled(left, right, one);
  expect(text((await dealer.deal(topic, 'a', patient)).data)).toBe('done');
  expect(tries).toBeGreaterThan(1);
  const told = () =>
    world.statuses.get(left)!.flatMap((status) => {
      return status.type === 'refused' && status.what === 'forward' ? [status.error.code] : [];
    });
  await until('it is told', () => told().length > 0);
  expect(told()[0]).toBe('E_POLICY');
  await right.close();
  expect(await codeOf(dealer.deal(topic, 'b', { ...patient, timeoutMs: 3_000 }))).toBe('E_EXPIRED');
});
