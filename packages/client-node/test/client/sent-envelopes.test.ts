import { expect, test } from 'vitest';
import { patienceOf, SentEnvelopes, type SentEnvelope } from '../../src/client/sent-envelopes.ts';

function envelope(fields: Partial<SentEnvelope> = {}): SentEnvelope {
  return {
    bytes: new Uint8Array(1),
    groupId16: new Uint8Array(16),
    epoch: 1,
    sealedMs: 0,
    waiting: new Set(),
    patienceMs: 1_000,
    heardMs: 0,
    isOnItsWay: false,
    ...fields,
  };
}
const never = () => false;
const due = (all: SentEnvelopes, nowMs: number, isNewLink = false, isOver: (one: SentEnvelope) => boolean = never) =>
  Array.from(all.due(nowMs, isOver, isNewLink), ([{ epoch }, again]) => `${epoch} ${again}`);

test('what nobody answers is repeated while receivers take its bytes, and then sealed anew', () => {
  const all = new SentEnvelopes();
  all.add(envelope());
  expect(due(all, 999)).toEqual([]);
  expect(due(all, 1_000)).toEqual(['1 repeat']);
  expect(due(all, 89_999)).toEqual(['1 repeat']);
  expect(due(all, 90_000)).toEqual(['1 seal anew']);
});

test('on a new link all is repeated at once, but what waits for the broker, which goes out by itself', () => {
  const all = new SentEnvelopes();
  all.add(envelope({ epoch: 1 }));
  all.add(envelope({ epoch: 2, isOnItsWay: true }));
  expect(due(all, 10, true)).toEqual(['1 repeat']);
});

test('what nobody may open any more is sealed anew at once', () => {
  const all = new SentEnvelopes();
  all.add(envelope({ epoch: 1 }));
  all.add(envelope({ epoch: 2 }));
  expect(due(all, 10, false, ({ epoch }) => epoch === 1)).toEqual(['1 seal anew']);
});

test('the more time a request has, the longer it waits, within bounds', () => {
  expect([0, 100, 8_000, 60_000, 1e9].map(patienceOf)).toEqual([1_000, 1_000, 2_000, 15_000, 15_000]);
});
