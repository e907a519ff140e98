import { TridcommError } from '@tridcomm/core';
import { durabilities, matchKinds, type LinkMessage } from '@tridcomm/core/link';
import { expect, test } from 'vitest';
import { openCarrierLink } from '../../src/carriers/carrier-link.ts';
import type { CarrierSession, SessionHandlers } from '../../src/carriers/foreign-carrier.ts';
import { MqttFilters } from '../../src/carriers/mqtt-filters.ts';
import type { MqttClientLike } from '../../src/carriers/mqtt-types.ts';
import { encodeValue } from '../../src/carriers/retained-value.ts';
import type { Link } from '../../src/links/link.ts';

const address16 = new Uint8Array(16).fill(0xab);
const address = 'ab'.repeat(16);
const match = { matchKind: matchKinds.exact, level: 0, match16: address16 };
const lost = new TridcommError('E_TRANSPORT', 'lost');

/** A link whose session answers what a test says. */
async function scene(session: Partial<CarrierSession> = {}, early?: (handlers: SessionHandlers) => void) {
  const told: LinkMessage[] = [];
  const refused: string[] = [];
  const ends: unknown[] = [];
  let handlers!: SessionHandlers;
  let link!: Link;
  await openCarrierLink(
    {
      carrier: {
        kind: 'nats',
        open: async (given) => {
          handlers = given;
          early?.(given);
          return Promise.resolve({
            mostBytes: 1_000,
            pushesValues: false,
            isFull: false,
            subscribe: async () => Promise.resolve(),
            watch: async () => Promise.resolve(undefined),
            settle: async () => Promise.resolve(),
            end: () => {},
            ...session,
          } as CarrierSession);
        },
      },
      onRefused: (what, { code }) => refused.push(`${what} ${code}`),
    },
    { creditBytes: 100 },
    {
      onOpen: (opened) => (link = opened),
      onMessage: (message) => told.push(message),
      onDrain: () => {},
      onEnd: (error) => ends.push(error),
    },
  );
  return { link, handlers, told, refused, ends };
}

const settle = async () => new Promise((resolve) => setImmediate(resolve));

test('the newest object of a value is handed over each time, those before it once', async () => {
  const { handlers, told } = await scene();
  const objects = () => told.splice(0).map((message) => (message.type === 'object' ? message.object[0] : message.type));
  handlers.onValue(address, encodeValue(address16, [Uint8Array.of(1)]), false);
  expect(objects()).toEqual([1]);
  handlers.onValue(address, encodeValue(address16, [Uint8Array.of(1), Uint8Array.of(2)]), true);
  expect(objects()).toEqual([2]);
  handlers.onValue(address, encodeValue(address16, [Uint8Array.of(1), Uint8Array.of(2)]), true);
  expect(objects()).toEqual([2]);
  handlers.onValue(address, encodeValue(address16, [Uint8Array.of(1), Uint8Array.of(2)]), false);
  expect(objects()).toEqual([1, 2]);
});

test('bindings.12, bindings.13: what a carrier has not is answered as a broker would', async () => {
  const { link, told } = await scene();
  link.send({ type: 'envelope', durability: durabilities.disk, envelope: Uint8Array.of(1) });
  link.send({ type: 'sub', sub: 1, match, from: 1 });
  await settle();
  expect(told).toEqual([
    { type: 'reject', about: 'numbered', number: 1, code: 'E_POLICY', retryMs: 0 },
    { type: 'ack', number: 1 },
    { type: 'reject', about: 'sub', number: 1, code: 'E_POLICY', retryMs: 0 },
  ]);
});

test('a question that the server says no to is rejected, one that is lost is not', async () => {
  const no = new TridcommError('E_POLICY', 'no');
  const { link, told } = await scene({
    watch: async (asked) => Promise.reject(asked === address ? no : lost),
    subscribe: async () => Promise.reject(lost),
  });
  link.send({ type: 'watch', keeps: true, addresses: [new Uint8Array(16)] });
  link.send({ type: 'watch', keeps: true, addresses: [address16, address16] });
  link.send({ type: 'sub', sub: 1, match, from: 0 });
  link.send({ type: 'ping', answers: false, token: 5, timeMs: 0 });
  await settle();
  expect(told).toMatchObject([
    { type: 'reject', about: 'watch', number: 2, code: 'E_POLICY' },
    { type: 'ping', answers: true, token: 5 },
  ]);
});

test('bindings.16: credit is what may come', async () => {
  const { link, handlers, told, refused } = await scene();
  handlers.onEnvelope(new Uint8Array(60));
  handlers.onEnvelope(new Uint8Array(50));
  handlers.onEnvelope(new Uint8Array(40));
  expect([told.length, refused]).toEqual([2, ['envelope E_LIMIT']]);
  link.send({ type: 'credit', bytes: 150 });
  handlers.onEnvelope(new Uint8Array(50));
  expect([told.length, refused.length]).toEqual([3, 1]);
});

test('a session that ends tells of it once, and one that ended before it was used is no link', async () => {
  const { link, handlers, ends } = await scene();
  handlers.onEnd(lost);
  handlers.onEnd(lost);
  expect(ends).toEqual([lost]);
  expect(() => link.send({ type: 'credit', bytes: 1 })).toThrow('E_CLOSED');
  await expect(scene({}, (given) => given.onEnd(lost))).rejects.toThrow('E_TRANSPORT');
});

test('a topic filter is given up when nobody of one client object wants it any more', () => {
  const calls: string[] = [];
  const client = {
    connected: true,
    disconnecting: false,
    subscribe: (topics: object) => calls.push(`sub ${Object.keys(topics).join()}`),
    unsubscribe: (topics: string[]) => calls.push(`unsub ${topics.join()}`),
  };
  const filters = MqttFilters.of(client as unknown as MqttClientLike);
  expect(MqttFilters.of(client as unknown as MqttClientLike)).toBe(filters);
  filters.ask('a', true, () => {});
  filters.ask('a', true, () => {});
  filters.ask('b', true, () => {});
  filters.ask('b', false, () => {});
  expect(calls.splice(0)).toHaveLength(4);
  filters.leave(['a']);
  expect(calls).toEqual([]);
  client.connected = false;
  filters.leave(['a', 'b']);
  expect(calls).toEqual([]);
  client.connected = true;
  filters.ask('b', true, () => {});
  calls.splice(0);
  filters.leave([]);
  expect(calls).toEqual(['unsub a']);
});
