import { expect, it } from 'vitest';
import { LocalNetwork } from '../../src/local/index.ts';
import { nodeProvider } from '../../src/node/index.ts';
import { codeOf } from '../client/world.ts';

async function networkOfTwo() {
  const network = await LocalNetwork.create({ provider: nodeProvider });
  const [alice, bob] = [network.join('alice'), network.join('bob')];
  network.allow('a', { write: [alice], read: [bob] });
  return { network, alice, bob };
}

it('refuses what callers without types may hand in, with E_USAGE', async () => {
  const { network, alice, bob } = await networkOfTwo();
  const loose = (value: unknown) => value as string;
  for (const message of ['\ud800', 5, {}, undefined, null, [1], new ArrayBuffer(1), new Uint16Array(1)]) {
    expect(codeOf(() => alice.publish('a', loose(message)))).toBe('E_USAGE');
  }
  expect(codeOf(() => alice.publish(loose(undefined), 'x'))).toBe('E_USAGE');
  expect(codeOf(() => bob.subscribe(loose(undefined)))).toBe('E_USAGE');
  expect(codeOf(() => network.allow('b', { write: loose(alice) as never }))).toBe('E_USAGE');
  expect(codeOf(() => network.allow('b', { read: ['alice'] as never }))).toBe('E_USAGE');
});

it('loops over a subscription end when the member leaves, and leaving a loop ends the subscription', async () => {
  const { network, alice, bob } = await networkOfTwo();
  const left = bob.subscribe('a');
  alice.publish('a', 'one', 'two');
  for await (const message of left) {
    expect(message.text()).toBe('one');
    break;
  }
  alice.publish('a', 'three');
  expect(left.received().map((message) => message.text())).toEqual(['two']);

  const ended = bob.subscribe('a');
  alice.publish('a', 'four');
  network.leave(bob);
  const texts: string[] = [];
  for await (const message of ended) texts.push(message.text());
  expect(texts).toEqual(['four']);
});
