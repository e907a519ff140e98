import fc from 'fast-check';
import { expect, it } from 'vitest';
import { nodeProvider } from '@tridcomm/core/node';
import { parseBlock } from '../../src/keys/key-block-format.ts';
import { partialBlock, type MadeBlock } from '../../src/keys/key-block.ts';
import { MemberKeys } from '../../src/keys/member-keys.ts';
import { writeMemberState } from '../../src/keys/member-state.ts';
import { refusedWith, useSeed } from '../property/support.ts';
import { keysOfLeaf, newMember, optionsOf, settings, TestController } from './controller.ts';

useSeed();

/*
 * Histories of a group of 64 leaves: members join, are revoked, sleep and wake, generations change. Whatever happens, a live
 * member opens every block, a revoked one none from its revocation on, and nobody a block from before its epoch of entry.
 */

const height = 6;
const group = settings();

type Step = readonly [what: 'join' | 'revoke' | 'epoch' | 'generation' | 'sleep', pick: number];
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.tuple(
    fc.constantFrom('join', 'join', 'join', 'revoke', 'epoch', 'epoch', 'generation', 'sleep'),
    fc.nat({ max: 2 ** 20 }),
  ),
  { minLength: 1, maxLength: 24 },
);

interface Seat {
  readonly keys: MemberKeys;
  readonly seed: number;
  leaf: number;
  since: number;
  asleep: boolean;
}

it('groups.10 groups.16 groups.17 lets no revoked member open, no live one miss, and nobody read the past', () => {
  fc.assert(
    fc.property(steps, (history) => play(history)),
    { numRuns: 300 },
  );
});

function play(history: readonly Step[]): void {
  const controller = new TestController(height, history.length);
  let live: Seat[] = [];
  const revoked: Seat[] = [];
  const used = new Set<number>();
  const gone = new Set<number>();
  const past: MadeBlock[] = [];
  const pickLeaf = (pick: number) => {
    const free = [...Array(2 ** height).keys()].filter((leaf) => !used.has(leaf));
    const leaf = free[pick % free.length] ?? -1;
    used.add(leaf);
    return leaf;
  };
  const publish = () => {
    const block = controller.block(gone);
    past.push(block);
    for (const seat of live) {
      if (!seat.asleep) opens(seat, block);
    }
    for (const { keys } of revoked) expect(refusedWith(() => keys.takeBlock(block.bytes, group))).toBe('E_REVOKED');
  };
  for (const [what, pick] of history) {
    if (what === 'join' && used.size < 2 ** height) {
      const seed = used.size + 1;
      const seat: Seat = { keys: newMember(seed), seed, leaf: pickLeaf(pick), since: controller.epoch, asleep: false };
      seat.keys.takeEnrolment(controller.enrol(seat.leaf, seat.seed), group);
      for (const block of past) {
        if (parseBlock(nodeProvider, block.bytes).header.epoch >= controller.epoch) continue;
        expect(refusedWith(() => seat.keys.takeBlock(block.bytes, group))).toBe('E_REVOKED');
      }
      live.push(seat);
      continue;
    }
    if (what === 'sleep') {
      for (const seat of live) seat.asleep = (seat.leaf + pick) % 3 === 0;
      continue;
    }
    if (what === 'generation') {
      controller.newGeneration();
      used.clear();
      gone.clear();
      for (const seat of live) {
        seat.leaf = pickLeaf(pick);
        seat.since = controller.epoch;
        seat.keys.takeEnrolment(controller.enrol(seat.leaf, seat.seed), group);
      }
    } else {
      controller.step(1 + (pick % 3));
    }
    const victim = what === 'revoke' ? live[pick % live.length] : undefined;
    if (victim !== undefined) {
      live = live.filter((seat) => seat !== victim);
      gone.add(victim.leaf);
      revoked.push(victim);
    }
    publish();
  }
  // Whoever slept opens the next block all the same.
  controller.step();
  for (const seat of live) seat.asleep = false;
  publish();
  // Keys that are stolen now open nothing of what was.
  for (const seat of live) {
    const { keys } = seat;
    expect([...(keys.enrolments[0]?.nodeKeys ?? [])]).toEqual([...keysOfLeaf(height, controller.keys, seat.leaf)]);
    const stolen = writeMemberState({ block: undefined, lastEnrolment: undefined, enrolments: keys.enrolments });
    for (const block of past.slice(0, -1)) {
      const thief = MemberKeys.restore(optionsOf(seat.seed), stolen);
      expect(refusedWith(() => thief.takeBlock(block.bytes, group))).toBe('E_REVOKED');
    }
  }
}

/** Takes every other block in parts. */
function opens({ keys, leaf }: Seat, block: MadeBlock): void {
  const parsed = parseBlock(nodeProvider, block.bytes);
  const index = parsed.indexOfLeaf(leaf);
  expect(index).toBeDefined();
  const bytes = parsed.header.epoch % 2 === 0 ? block.bytes : partialBlock(nodeProvider, block.bytes, index ?? -1);
  const opened = keys.takeBlock(bytes, group);
  expect(opened === 'known' ? opened : Buffer.compare(opened.epochSecret32, block.epochSecret32)).toBe(0);
}
