import { expect, test } from 'vitest';
import { durabilities } from '@tridcomm/core/link';
import type { BrokerEvent } from '../src/engine/events.ts';
import { EventLog } from '../src/event-log.ts';
import { Metrics } from '../src/metrics.ts';
import { Openings } from '../src/listeners/openings.ts';
import { FakeLog } from './engine/fake-log.ts';
import { World } from './engine/world.ts';

test('an event is a line of JSON, with the fields of its table and no others', () => {
  const lines: string[] = [];
  const log = new EventLog(
    (line) => lines.push(line) > 0,
    () => 1_790_000_000_000,
  );
  const event = { type: 'subTaken', link: 1, keyId: 'ab', sub: 2, stored: false, topic: 'orders/secret', payload: 'x' };
  log.write(event as BrokerEvent);
  expect(lines).toHaveLength(1);
  expect(lines[0]!.endsWith('\n')).toBe(true);
  expect(JSON.parse(lines[0]!)).toEqual({
    time: '2026-09-21T14:13:20.000Z',
    type: 'subTaken',
    link: 1,
    keyId: 'ab',
    sub: 2,
    stored: false,
  });
});

test('what comes too often is left out, and the next line of its type says how many', () => {
  const lines: string[] = [];
  let nowMs = 0;
  const log = new EventLog(
    (line) => lines.push(line) > 0,
    () => nowMs,
  );
  for (let i = 0; i < 1_000; i++) log.write({ type: 'notKept', code: 'E_TRANSPORT' });
  log.write({ type: 'draining' });
  expect(lines).toHaveLength(101);
  nowMs += 1_000;
  log.write({ type: 'notKept', code: 'E_TRANSPORT' });
  expect(JSON.parse(lines.at(-1)!)).toMatchObject({ type: 'notKept', leftOut: 900 });
  log.write({ type: 'notKept', code: 'E_TRANSPORT' });
  expect(JSON.parse(lines.at(-1)!)).not.toHaveProperty('leftOut');
});

test('a sink that takes nothing costs lines, which are counted', () => {
  let takes = false;
  const lines: string[] = [];
  const log = new EventLog(
    (line) => takes && lines.push(line) > 0,
    () => 0,
  );
  for (let i = 0; i < 5; i++) log.write({ type: 'stopped' });
  takes = true;
  log.write({ type: 'stopped' });
  expect(lines.map((line) => (JSON.parse(line) as { leftOut: number }).leftOut)).toEqual([5]);
});

test('errors.5: no topic, tag, payload, key or signature is in any event, line or metric', async () => {
  const log = new FakeLog();
  const events: BrokerEvent[] = [];
  const world = new World({
    store: { log, isDurable: true },
    principalLimits: { envelopesPerSecond: 6 },
    onEvent: (event) => events.push(event),
    keep: async () => Promise.reject(Object.assign(new Error('payload canary'), { name: 'Canary' })),
  });
  const [alice, bob, eve] = [world.join('alice'), world.join('bob'), world.join('eve')];
  const topic = 'orders/canary-topic';
  world.group('orders/**', [alice], [bob]);
  await world.settle();
  bob.subscribe('orders/**');
  await world.settle();
  const payload = 'canary-payload';
  alice.durability = durabilities.disk;
  const envelope = alice.publish(topic, payload);
  eve.peer.publish(envelope, 1);
  alice.peer.publish(envelope.subarray(3), 1);
  const spoilt = new Uint8Array(envelope);
  spoilt[spoilt.length - 1]! ^= 1;
  bob.peer.says({ type: 'sub', sub: 99, match: { ...bob.matches[0]!, level: 5 }, from: 0 });
  bob.link().says({ type: 'credit', bytes: 0 });
  alice.peer.publish(spoilt, 2);
  await world.settle();
  for (let i = 0; i < 10; i++) eve.peer.publish(envelope, 1);
  world.authority.revoke(bob.keyId32, world.nowMs);
  await world.settle();
  expect(new Set(events.map(({ type }) => type)).size).toBeGreaterThanOrEqual(5);
  const lines: string[] = [];
  const out = new EventLog(
    (line) => lines.push(line) > 0,
    () => world.nowMs,
  );
  const metrics = new Metrics();
  for (const event of events) {
    out.write(event);
    metrics.note(event);
  }
  const all = [
    JSON.stringify(events),
    ...lines,
    metrics.text({ engine: world.engine, openings: new Openings(1) }),
  ].join('\n');
  const header = envelope.subarray(0, 96);
  const hidden = [
    envelope.subarray(8, 24),
    header.subarray(48, 56),
    envelope.subarray(-64),
    bob.matches[0]!.match16,
    ...[alice, bob].flatMap(({ identity }) => [identity.export().subarray(1, 33), identity.key.publicKey32]),
  ];
  for (const text of [topic, payload, 'canary', 'orders']) expect(all).not.toContain(text);
  for (const bytes of hidden) {
    const buffer = Buffer.from(bytes);
    for (const form of ['hex', 'base64', 'base64url', 'latin1'] as const)
      expect(all).not.toContain(buffer.toString(form));
    expect(all).not.toContain([...bytes].join(','));
  }
  // Who it was about is there.
  expect(all).toContain(alice.peer.connection!.keyId);
});
