import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EvidencePool } from '../../src/replay/evidence.ts';
import { LeafBudget } from '../../src/replay/leaves.ts';
import { Model, type ModelSettings } from './model.ts';
import { idOf, Receiver, streamKey, streamOf, type Offer } from './steps.ts';

/** One step; `move` is where the number stands to the stream's highest. */
interface Step {
  readonly kind: 'offer' | 'offer2' | 'restart';
  readonly offers: readonly (Omit<Offer, 'seq' | 'id32' | 'previous32' | 'stream'> & {
    readonly stream: readonly [number, number, number, number];
    readonly move: number;
    readonly other: boolean;
    readonly previous: 'none' | 'right' | 'wrong';
  })[];
}

const moves = (window: number): fc.Arbitrary<number> =>
  fc.oneof(
    { weight: 12, arbitrary: fc.constant(1) },
    { weight: 4, arbitrary: fc.integer({ min: -3, max: 4 }) },
    { weight: 2, arbitrary: fc.integer({ min: -70, max: 70 }) },
    { weight: 2, arbitrary: fc.integer({ min: -window - 3, max: window + 3 }) },
    { weight: 1, arbitrary: fc.constantFrom(-window, 1 - window, -63, -64, 63, 64, 65, window - 1, window, 2 ** 33) },
  );

const rarely = <T>(value: T): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 20, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.constant(value) });

function steps(window: number, streams: number): fc.Arbitrary<Step[]> {
  const id = fc.integer({ min: 1, max: streams });
  const few = fc.integer({ min: 1, max: 2 });
  const part = fc.integer({ min: 1, max: 3 }).chain((leafCount) => {
    return fc.record({ leaf: fc.integer({ min: 0, max: leafCount - 1 }), leafCount: fc.constant(leafCount) });
  });
  const offer = fc.record({
    stream: fc.tuple(id, few, few, few),
    move: moves(window),
    timestampMs: fc.integer({ min: 0, max: 400 }),
    other: rarely(true).map((other) => other === true),
    previous: fc.constantFrom('none' as const, 'none' as const, 'right' as const, 'right' as const, 'wrong' as const),
    part: fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: part }),
    control: rarely(true).map((control) => control === true),
    fails: fc.oneof(
      { weight: 12, arbitrary: fc.constant(undefined) },
      { weight: 1, arbitrary: fc.constantFrom('forged', 'badTag', 'badGrammar', 'unstored') },
    ),
  });
  const step = fc.record({
    kind: fc.oneof(
      { weight: 60, arbitrary: fc.constant('offer' as const) },
      { weight: 12, arbitrary: fc.constant('offer2' as const) },
      { weight: 1, arbitrary: fc.constant('restart' as const) },
    ),
    offers: fc.tuple(offer, offer),
  });
  return fc.array(step, { minLength: 200, maxLength: 1_500, size: 'max' });
}

function offerOf(step: Step['offers'][number], model: Model): Offer {
  const { stream: fields, move, other, previous, ...rest } = step;
  const stream = streamOf(...fields);
  const seq = Math.min(2 ** 40, Math.max(1, model.hi(streamKey(stream)) + move));
  const previous32 = previous === 'none' || seq === 1 ? undefined : idOf(previous === 'right' ? seq - 1 : -seq);
  return { ...rest, stream, seq, id32: idOf(other ? seq + 0.5 : seq), previous32 };
}

let taken = 0;

function run(settings: ModelSettings, streams: number, numRuns: number): void {
  const property = fc.property(steps(settings.window, streams), (list) => {
    const receiver = new Receiver({
      ...settings,
      bootMs: 20,
      evidence: () => new EvidencePool(settings.evidenceStreams),
      leafBudget: () => new LeafBudget(settings.partialEnvelopes),
    });
    const model = new Model(settings, 20);
    for (const [i, { kind, offers }] of list.entries()) {
      taken++;
      const [first, second] = offers.map((offer) => offerOf(offer, model)) as [Offer, Offer];
      if (kind === 'restart') {
        receiver.restart(30);
        model.restart(30);
      } else if (kind === 'offer') {
        expect(`${i}: ${receiver.offer(first)}`).toBe(`${i}: ${model.offer(first)}`);
      } else {
        expect(`${i}: ${receiver.offer2(first, second).join()}`).toBe(`${i}: ${model.offer2(first, second).join()}`);
      }
    }
  });
  fc.assert(property, { numRuns });
}

describe('replay.1 … replay.27 against sets and maps', () => {
  const settings = { streamCap: 64, skewMs: 10, evidenceStreams: 3, partialEnvelopes: 6 };

  it('replay.6 replay.7 replay.8 replay.12 replay.13 replay.19 volatile, one window of 64', () => {
    run({ ...settings, durable: false, window: 64 }, 1, 30);
  });

  it('replay.6 replay.7 replay.8 volatile, window of 1,024', () => {
    run({ ...settings, durable: false, window: 1024 }, 1, 50);
  });

  it('replay.15 replay.16 replay.17 replay.25 volatile, many streams and few places', () => {
    run({ ...settings, durable: false, window: 128, streamCap: 3 }, 6, 40);
  });

  it('replay.22 replay.23 replay.24 replay.27 durable, many streams and few places', () => {
    run({ ...settings, durable: true, window: 128, streamCap: 3 }, 5, 60);
  });

  it('takes 100,000 steps in all', () => expect(taken).toBeGreaterThan(100_000));
});
