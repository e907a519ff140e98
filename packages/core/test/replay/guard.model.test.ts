import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EvidencePool } from '../../src/replay/evidence.ts';
import { LeafBudget } from '../../src/replay/leaves.ts';
import { Model, type ModelSettings } from './model.ts';
import { chanceOf, type Chance } from './chance.ts';
import { idOf, Receiver, streamKey, streamOf, type Offer } from './steps.ts';

/** How far a number stands above the stream's highest: mostly 1, and all that lies about the edges. */
function move(chance: Chance, window: number): number {
  const kind = chance(22);
  if (kind < 12) return 1;
  if (kind < 16) return chance(8) - 3;
  if (kind < 18) return chance(141) - 70;
  if (kind < 21) return chance(2 * window + 7) - window - 3;
  const edges = [-window, 1 - window, -63, -64, 63, 64, 65, window - 1, window, 2 ** 33];
  return edges[chance(edges.length)] ?? 1;
}

/** What a run draws from: streams in each of so many groups, and a restart once in so many steps. */
interface Extent {
  readonly streams: number;
  readonly groups: number;
  readonly restartEvery: number;
}

function offerOf(chance: Chance, model: Model, window: number, { streams, groups }: Extent): Offer {
  const group = chance(groups);
  const stream = streamOf(1 + chance(streams), 1 + (group & 1), 1 + ((group >> 1) & 1), 1 + (group >> 2));
  const seq = Math.min(2 ** 40, Math.max(1, model.hi(streamKey(stream)) + move(chance, window)));
  const previous = chance(10);
  const leafCount = 1 + chance(3);
  return {
    stream,
    seq,
    // Most within the bound that runs ahead, some far past it.
    timestampMs: chance(400) * (chance(10) === 0 ? 1000 : 1),
    id32: idOf(chance(20) === 0 ? seq + 0.5 : seq),
    previous32: seq === 1 || previous > 5 ? undefined : idOf(previous === 0 ? -seq : seq - 1),
    part: chance(4) === 0 ? { leaf: chance(leafCount), leafCount } : undefined,
    control: chance(40) === 0,
    fails: (['forged', 'badTag', 'badGrammar', 'unstored'] as const)[chance(50)],
  };
}

let taken = 0;

function run(settings: ModelSettings, extent: Extent, steps: number): void {
  // The steps follow from the seed that fast-check draws and prints: a list of thousands would take hours to shrink.
  const property = fc.property(fc.noShrink(fc.integer()), (seed) => {
    const chance = chanceOf(seed);
    const receiver = new Receiver({
      ...settings,
      bootMs: 20,
      evidence: () => new EvidencePool(settings.evidenceStreams),
      leafBudget: () => new LeafBudget(settings.partialEnvelopes),
    });
    const model = new Model(settings, 20);
    for (let i = 0; i < steps; i++, taken++) {
      const first = offerOf(chance, model, settings.window, extent);
      if (chance(extent.restartEvery) === 0) {
        receiver.restart(30);
        model.restart(30);
      } else if (chance(6) === 0) {
        const second = offerOf(chance, model, settings.window, extent);
        expect(`${i}: ${receiver.offer2(first, second).join()}`).toBe(`${i}: ${model.offer2(first, second).join()}`);
      } else {
        expect(`${i}: ${receiver.offer(first)}`).toBe(`${i}: ${model.offer(first)}`);
      }
    }
  });
  fc.assert(property, { numRuns: 10 });
}

describe('replay.1 … replay.27 against sets and maps', () => {
  const settings = { streamCap: 64, skewMs: 10, evidenceStreams: 5, partialEnvelopes: 6 };

  it('replay.6 replay.7 replay.8 replay.12 replay.13 replay.19 volatile, window of 64', () => {
    run({ ...settings, durable: false, window: 64 }, { streams: 1, groups: 1, restartEvery: 900 }, 3_000);
  });

  it('replay.6 replay.7 replay.8 replay.10 volatile, window of 1,024', () => {
    run({ ...settings, durable: false, window: 1024 }, { streams: 2, groups: 1, restartEvery: 2_000 }, 4_000);
  });

  it('replay.11 replay.15 replay.16 replay.17 replay.25 volatile, many streams and few places', () => {
    run(
      { ...settings, durable: false, window: 128, streamCap: 3 },
      { streams: 4, groups: 5, restartEvery: 500 },
      4_000,
    );
  });

  it('replay.22 replay.23 replay.24 replay.27 durable, many streams and few places', () => {
    run({ ...settings, durable: true, window: 128, streamCap: 3 }, { streams: 4, groups: 2, restartEvery: 150 }, 4_000);
  });

  it('takes 100,000 steps in all', () => expect(taken).toBeGreaterThan(100_000));
});
