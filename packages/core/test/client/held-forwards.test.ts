import { expect, it } from 'vitest';
import { EventSink } from '../../src/client/event-sink.ts';
import type { Group } from '../../src/client/group.ts';
import { HeldForwards, type ForwardTaker } from '../../src/client/held-forwards.ts';
import { TridcommError } from '../../src/errors.ts';

const front = { groupId16: new Uint8Array(16) } as Group;

/** What waits while `isMissing`, with room for 10 bytes. */
function holding() {
  const refused: string[] = [];
  const taken: number[] = [];
  const events = new EventSink((event) => {
    if (event.type === 'refused') refused.push(event.error.code);
  });
  const held = new HeldForwards(events, 10);
  const state = { isMissing: true };
  const taker: ForwardTaker = {
    take: (bytes) => {
      if (bytes.length === 0) throw new TridcommError('E_LENGTH');
      if (state.isMissing) throw new TridcommError('E_EPOCH');
      taken.push(bytes.length);
    },
    mayPass: ({ code }, bytes) => {
      // What has no form cannot be read once more.
      expect(bytes.length).toBeGreaterThan(0);
      return code === 'E_EPOCH';
    },
  };
  const take = (nowMs: number, ...lengths: readonly number[]) =>
    held.take(
      front,
      lengths.map((length) => new Uint8Array(length)),
      taker,
      nowMs,
    );
  return { held, take, state, taken, refused };
}

it('patterns.41 what a forward brought too early waits in its order, and what is refused for good does not', () => {
  const { held, take, state, taken, refused } = holding();
  take(0, 3, 0, 2);
  expect([taken, refused]).toEqual([[], ['E_LENGTH']]);
  held.tick(1_000);
  state.isMissing = false;
  take(1_500, 1);
  held.tick(2_000);
  held.tick(3_000);
  expect([taken, refused]).toEqual([[1, 3, 2], ['E_LENGTH']]);
});

it('patterns.41 waits no longer than a moment, whatever the clock does, and each is told of once', () => {
  const { held, take, refused } = holding();
  take(0, 1);
  held.tick(4_999);
  expect(refused).toEqual([]);
  held.tick(5_000);
  held.tick(6_000);
  expect(refused).toEqual(['E_EPOCH']);
  take(9_000, 1);
  held.tick(8_000);
  expect(refused).toEqual(['E_EPOCH', 'E_EPOCH']);
});

it('patterns.41 a bounded number of bytes waits, and room comes again', () => {
  const { held, take, state, taken, refused } = holding();
  take(0, 6, 5, 4);
  expect(refused).toEqual(['E_EPOCH']);
  held.tick(1_000);
  expect(refused).toEqual(['E_EPOCH']);
  state.isMissing = false;
  held.tick(2_000);
  expect(taken).toEqual([6, 4]);
  state.isMissing = true;
  take(2_000, 10);
  expect(refused).toEqual(['E_EPOCH']);
  held.stop();
  state.isMissing = false;
  held.tick(3_000);
  expect(taken).toEqual([6, 4]);
});

it('patterns.41 keeps alive no more of a forward than what waits', () => {
  const { held, state } = holding();
  const forward = new Uint8Array(1_000_000);
  const kept: Uint8Array[] = [];
  const taker: ForwardTaker = {
    take: (bytes) => {
      if (state.isMissing) throw new TridcommError('E_EPOCH');
      kept.push(bytes);
    },
    mayPass: () => true,
  };
  held.take(front, [forward.subarray(7, 11).fill(9)], taker, 0);
  state.isMissing = false;
  held.tick(1_000);
  expect(kept.map((bytes) => [[...bytes], bytes.buffer.byteLength])).toEqual([[[9, 9, 9, 9], 4]]);
});
