import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { connect, type ClientStatus, type TridcommClient } from '@tridcomm/client-node';
import { Scene, until, wait, type Member } from './scene.ts';

let scene: Scene;
let alice: Member;
let bob: Member;
let carol: Member;

beforeEach(async () => {
  scene = await Scene.create();
  [alice, bob, carol] = [await scene.member('alice'), await scene.member('bob'), await scene.member('carol')];
  scene.group('orders/**', { write: [alice], read: [bob, carol] });
  await scene.broker();
});

afterEach(async () => {
  await scene.close();
});

/** A member that reads, and what it got. */
async function reader(member: Member): Promise<{ client: TridcommClient; texts: string[]; statuses: ClientStatus[] }> {
  const client = await scene.connect(member, scene.localAddress);
  const texts: string[] = [];
  client.subscribe('orders/**', { onBatch: (batch) => void texts.push(...Array.from(batch, (one) => one.text())) });
  await client.ready();
  return { client, texts, statuses: scene.statuses.get(client)! };
}

/** Publishes without end, until it is stopped. */
function stream(client: TridcommClient): { readonly sent: string[]; stop: () => Promise<void> } {
  const sent: string[] = [];
  const end = new AbortController();
  onTestFinished(() => end.abort());
  const running = (async () => {
    while (!end.signal.aborted) {
      const text = `order ${sent.length}`;
      sent.push(text);
      await client.publish('orders/new', text);
      await wait(2);
    }
  })();
  return {
    sent,
    stop: async () => {
      end.abort();
      await running;
    },
  };
}

test('principals.38, link.22: a revocation cuts the live link, ends deliveries, and lets nobody back in', async () => {
  const [atBob, atCarol] = [await reader(bob), await reader(carol)];
  const orders = stream(await scene.connect(alice, scene.localAddress));
  await until('both get orders', () => atBob.texts.length > 20 && atCarol.texts.length > 20);

  const startMs = performance.now();
  scene.service.perform((authority, nowMs) => authority.revoke(bob.keyId32, nowMs));
  await until('the link of bob is cut', () => !atBob.client.isOpen);
  const cutMs = performance.now() - startMs;
  console.log(`revocation: the link was cut ${cutMs.toFixed(0)} ms after the call to the authority`);
  expect(cutMs).toBeLessThan(5_000);

  const [gotByBob, gotByCarol] = [atBob.texts.length, atCarol.texts.length];
  await until('carol gets 100 more', () => atCarol.texts.length > gotByCarol + 100);
  await until('bob has tried again twice', () => lost(atBob.statuses).length >= 3);
  expect(atBob.client.isOpen).toBe(false);
  expect(atBob.texts).toHaveLength(gotByBob);
  expect(lost(atBob.statuses)[0]).toMatchObject({ error: { code: 'E_REFUSED' } });
  expect(scene.events).toContainEqual(
    expect.objectContaining({ type: 'linkEnded', keyId: bob.keyId, by: 'broker', code: 'E_REVOKED' }),
  );
  // What a refused opening looks like from outside is the end of a stream; the broker tells its own log why.
  expect(refusals()).toBeGreaterThanOrEqual(2);

  await orders.stop();
  await until('carol has everything', () => atCarol.texts.length === orders.sent.length);
  expect(atCarol.texts).toEqual(orders.sent);
  await atBob.client.close();
  const before = refusals();
  const again = connect(scene.localAddress, { identity: bob.directory, brokerName: 'localhost' });
  await expect(again).rejects.toMatchObject({ code: 'E_HANDSHAKE' });
  expect(refusals()).toBeGreaterThan(before);
  // Once, before it was revoked.
  expect(scene.events.filter((event) => event.type === 'linkOpened' && event.keyId === bob.keyId)).toHaveLength(1);
});

/** Openings that the broker refused to who was revoked. */
function refusals(): number {
  return scene.events.filter((event) => event.type === 'openingRefused' && event.code === 'E_REVOKED').length;
}

test('delivery.11: a grant that is withdrawn ends the sub with a status; link and other subs go on', async () => {
  const [atBob, atCarol] = [await reader(bob), await reader(carol)];
  const orders = stream(await scene.connect(alice, scene.localAddress));
  await until('both get orders', () => atBob.texts.length > 20 && atCarol.texts.length > 20);

  const startMs = performance.now();
  const grant = { keyId32: bob.keyId32, action: 'subscribe', pattern: 'orders/**' } as const;
  scene.service.perform((authority, nowMs) => authority.withdraw(grant, nowMs));
  const isTold = () => atBob.statuses.some((status) => status.type === 'refused' && status.what === 'subscription');
  await until('bob is told', isTold);
  console.log(`withdrawal: the status came ${(performance.now() - startMs).toFixed(0)} ms after the call`);
  const told = atBob.statuses.find((status) => status.type === 'refused' && status.what === 'subscription');
  // A broker has one word for all refusals of this kind: errors.3.
  expect(told).toMatchObject({ error: { code: 'E_REFUSED' } });

  const gotByCarol = atCarol.texts.length;
  await until('carol gets 100 more', () => atCarol.texts.length > gotByCarol + 100);
  const gotByBob = atBob.texts.length;
  await until('carol gets 100 more', () => atCarol.texts.length > gotByCarol + 200);
  expect(atBob.texts).toHaveLength(gotByBob);
  expect(atBob.client.isOpen).toBe(true);
  await orders.stop();
  await until('carol has everything', () => atCarol.texts.length === orders.sent.length);
});

test('principals.22: who may not publish any more is refused, with the code', async () => {
  const atCarol = await reader(carol);
  const publisher = await scene.connect(alice, scene.localAddress);
  await publisher.publish('orders/new', 'before');
  const grant = { keyId32: alice.keyId32, action: 'publish', pattern: 'orders/**' } as const;
  scene.service.perform((authority, nowMs) => authority.withdraw(grant, nowMs));
  await scene.service.rest();
  await publisher.ready();
  await expect(publisher.publish('orders/new', 'after')).rejects.toMatchObject({ code: 'E_REFUSED' });
  expect(publisher.isOpen).toBe(true);
  await atCarol.client.ready();
  expect(atCarol.texts).toEqual(['before']);
});

function lost(statuses: readonly ClientStatus[]): readonly ClientStatus[] {
  return statuses.filter(({ type }) => type === 'disconnected');
}
