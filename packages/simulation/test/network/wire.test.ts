import { SeededRandom } from '@tridcomm/core/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Machine, VirtualTime } from '../../src/network/virtual-time.ts';
import { Wire, type WireEnd, type WireQuality } from '../../src/network/wire.ts';

const startMs = 1_000_000;
const quality: WireQuality = { minDelayMs: 1, maxDelayMs: 30, pieceShare: 0.5, systemBytes: 100, weight: 1 };
let time: VirtualTime;
let giveBack: () => void;

beforeEach(() => {
  time = new VirtualTime(startMs);
  giveBack = time.install();
});
afterEach(() => giveBack());

/** A wire, and what its ends got. */
function laid(seed: number, changes: Partial<WireQuality> = {}) {
  const random = new SeededRandom(seed);
  const counts: string[] = [];
  const world = {
    time,
    random,
    quality: { ...quality, ...changes },
    count: (what: string): void => void counts.push(what),
  };
  const wire = new Wire(world, new Machine(time), new Machine(time));
  const [near, far] = wire.ends.map((end) => listenTo(end)) as [Heard, Heard];
  return { wire, near, far, counts, random };
}

interface Heard {
  readonly end: WireEnd;
  bytes: Buffer;
  pieces: number;
  drains: number;
  ended: string | undefined;
}

function listenTo(end: WireEnd): Heard {
  const heard: Heard = { end, bytes: Buffer.alloc(0), pieces: 0, drains: 0, ended: undefined };
  end.handlers = {
    onData: (chunk) => {
      heard.bytes = Buffer.concat([heard.bytes, chunk]);
      heard.pieces++;
    },
    onDrain: () => void heard.drains++,
    onEnd: (error) => {
      expect(heard.ended).toBeUndefined();
      heard.ended = error?.code ?? 'in order';
    },
  };
  return heard;
}

const words = Array.from({ length: 40 }, (_, i) => Buffer.from(`word ${i};`));
const whole = Buffer.concat(words);

async function send(end: WireEnd): Promise<void> {
  for (const [i, word] of words.entries()) time.clock.after(i * 3, () => end.write([word]));
  await time.advanceTo(time.nowMs + 200);
}

describe('Wire', () => {
  it('brings all bytes in their order, in any pieces, and then the end', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { wire, near, far } = laid(seed);
      time.clock.after(50, () => wire.stall(time.nowMs + 60));
      await send(near.end);
      near.end.end();
      await time.advanceTo(time.nowMs + 2_000);
      expect(far.bytes.equals(whole)).toBe(true);
      expect(far.pieces).toBeGreaterThan(words.length);
      expect([far.ended, near.ended]).toEqual(['in order', undefined]);
    }
  });

  it('that breaks leaves a beginning of what was under way, and tells both ends', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { wire, near, far } = laid(seed);
      time.clock.after(60, () => wire.break());
      await send(near.end);
      await time.advanceTo(time.nowMs + 200);
      expect(far.bytes.length).toBeLessThan(whole.length);
      expect(whole.subarray(0, far.bytes.length).equals(far.bytes)).toBe(true);
      expect([far.ended, near.ended]).toEqual(['E_TRANSPORT', 'E_TRANSPORT']);
    }
  });

  it('that falls silent tells nobody, in one direction or both, until it is found to be broken', async () => {
    const { wire, near, far } = laid(3);
    wire.silence(0);
    await send(near.end);
    far.end.write([Buffer.from('back')]);
    await time.advanceTo(time.nowMs + 200);
    expect([far.bytes.length, near.bytes.toString()]).toEqual([0, 'back']);
    expect([far.ended, near.ended]).toEqual([undefined, undefined]);
    wire.breakSilence();
    await time.advanceTo(time.nowMs + 200);
    expect([far.ended, near.ended]).toEqual(['E_TRANSPORT', 'E_TRANSPORT']);
  });

  it('counts what is not read, and says when it is', async () => {
    const { near, far } = laid(4, { weight: 10 });
    far.end.setReading(false);
    await send(near.end);
    expect(near.end.bufferedBytes).toBe((whole.length - quality.systemBytes) * 10);
    expect([far.bytes.length, near.drains]).toEqual([0, 0]);
    far.end.setReading(true);
    await time.advanceTo(time.nowMs + 1_000);
    expect(far.bytes.equals(whole)).toBe(true);
    expect([near.end.bufferedBytes, near.drains]).toEqual([0, 1]);
  });
});
