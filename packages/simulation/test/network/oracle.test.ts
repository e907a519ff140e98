import { describe, expect, it } from 'vitest';
import { NetworkOracle, type Calm, type Publication, type ReaderMemory } from '../../src/network/oracle.ts';

const endMs = 100_000;

function published(content: string, changes: Partial<Publication> = {}): Publication {
  return {
    writer: 'writer',
    life: 1,
    topic: 'n/x',
    durability: 'disk',
    contents: [content],
    askedMs: 20_000,
    deadlineMs: undefined,
    epoch: 1,
    settledEpoch: changes.epoch ?? 1,
    isEarly: false,
    isOrphan: false,
    outcome: 'acknowledged',
    settledMs: 20_100,
    brokerLife: { number: 1, endedMs: Infinity, logFailedMs: Infinity },
    calm: [{ fromMs: 0, toMs: Infinity }],
    afterHeal: false,
    ...changes,
  };
}

function reader(source: 'live' | 'log', changes: Partial<ReaderMemory> = {}): ReaderMemory {
  return {
    member: 'reader',
    source,
    sinceMs: 0,
    resumedMs: Infinity,
    viewMs: 0,
    epochs: new Set([1]),
    calm: [{ fromMs: 0, toMs: Infinity }],
    linked: [{ fromMs: 0, toMs: Infinity }],
    fresh: new Set(),
    done: new Set(),
    isGone: false,
    ...changes,
  };
}

/** What the oracle says of publications that a reader got in some order, if at all. */
function judged(
  publications: readonly Publication[],
  one: ReaderMemory,
  got: readonly string[] = [],
  verdict: 'new' | 'redelivered' = 'new',
  brokerCalm: readonly Calm[] = [{ fromMs: 0, toMs: Infinity }],
): string[] {
  const oracle = new NetworkOracle();
  oracle.brokerCalm.push(...brokerCalm);
  for (const publication of publications) oracle.ask(publication);
  oracle.readers.push(one);
  for (const content of got) {
    oracle.deliver(one, { sender: 'writer', topic: 'n/x', contents: [content], verdict, life: 'reader 1' }, 30_000);
    one.done.add(content);
  }
  oracle.judge({ endMs, isWhole: true, refused: undefined });
  return oracle.violations.map(({ name }) => name);
}

describe('NetworkOracle', () => {
  it('wants out of the log what was acknowledged at disk, whatever ended', () => {
    const ended = { number: 1, endedMs: 20_101, logFailedMs: 20_101 };
    expect(judged([published('a')], reader('log'), ['a'])).toEqual([]);
    expect(judged([published('a', { brokerLife: ended })], reader('log'))).toEqual(['acknowledged and lost']);
    expect(judged([published('a', { outcome: 'refused' })], reader('log'))).toEqual([]);
    expect(judged([published('a')], reader('log', { isGone: true }))).toEqual([]);
    expect(judged([published('a')], reader('log', { sinceMs: 19_000 }))).toEqual([]);
  });

  it('wants nothing out of the log of an epoch that began and was followed while its reader was away', () => {
    const third = [published('a', { epoch: 3 })];
    expect(judged(third, reader('log', { epochs: new Set([1, 2, 3]) }))).toEqual(['acknowledged and lost']);
    expect(judged(third, reader('log', { epochs: new Set([3]) }))).toEqual(['acknowledged and lost']);
    expect(judged(third, reader('log', { epochs: new Set([1, 3]) }))).toEqual([]);
    expect(judged(third, reader('log', { epochs: new Set([1, 2]) }))).toEqual([]);
    const fourth = [published('a', { epoch: 4 })];
    expect(judged(fourth, reader('log', { epochs: new Set([1, 3, 4]) }))).toEqual(['acknowledged and lost']);
  });

  it('wants what was acknowledged at memory where the broker lived on', () => {
    const ended = { number: 1, endedMs: 20_101, logFailedMs: Infinity };
    expect(judged([published('a', { durability: 'memory' })], reader('log'))).toEqual(['acknowledged and lost']);
    expect(judged([published('a', { durability: 'memory', brokerLife: ended })], reader('log'))).toEqual([]);
  });

  it('wants a message that was handed over and not acknowledged once more', () => {
    const one = reader('log');
    const oracle = new NetworkOracle();
    oracle.ask(published('a'));
    oracle.readers.push(one);
    oracle.deliver(one, { sender: 'writer', topic: 'n/x', contents: ['a'], verdict: 'new', life: 'reader 1' }, 30_000);
    oracle.judge({ endMs, isWhole: true, refused: undefined });
    expect(oracle.violations.map(({ name }) => name)).toEqual(['acknowledged and lost']);
  });

  it('wants news where nothing was in the way', () => {
    expect(judged([published('a')], reader('live'))).toEqual(['lost']);
    expect(judged([published('a', { afterHeal: true })], reader('live'))).toEqual(['not resumed']);
    expect(judged([published('a')], reader('live', { calm: [{ fromMs: 19_000, toMs: Infinity }] }))).toEqual([]);
    expect(judged([published('a')], reader('live', { calm: [{ fromMs: 0, toMs: 21_000 }] }))).toEqual([]);
    const behind = [{ fromMs: 0, toMs: 21_000 }];
    for (const one of [{ viewMs: 19_000 }, { viewMs: Infinity }, { epochs: new Set([2]) }]) {
      // Only as long as the broker may not know of the reader, or the writer of the epoch.
      expect(judged([published('a')], reader('live', one), [], 'new', behind)).toEqual([]);
      expect(judged([published('a')], reader('live', one))).toEqual(['lost']);
      const last = published('a', { afterHeal: true });
      expect(judged([last], reader('live', one), [], 'new', behind)).toEqual(['not resumed']);
    }
    const cutOff = published('a', { calm: behind });
    expect(judged([cutOff], reader('live', { epochs: new Set([2]) }))).toEqual([]);
    expect(judged([published('a', { isEarly: true })], reader('live', { epochs: new Set([2]) }))).toEqual([]);
    const silent = [published('a', { durability: 'none' })];
    expect(judged(silent, reader('live'))).toEqual(['lost']);
    expect(judged(silent, reader('live'), [], 'new', [{ fromMs: 0, toMs: 21_000 }])).toEqual([]);
    expect(judged([published('a', { durability: 'none', calm: [] })], reader('live'))).toEqual([]);
  });

  it('takes nothing twice as new, from nobody else, and in order', () => {
    const both = [published('a'), published('b')];
    expect(judged(both, reader('log'), ['a', 'b'])).toEqual([]);
    expect(judged(both, reader('log'), ['b', 'a'])).toEqual(['out of order']);
    expect(judged([published('a'), published('b', { life: 2 })], reader('log'), ['b', 'a'])).toEqual([]);
    expect(judged(both, reader('live'), ['b', 'a'])).toEqual(['out of order']);
    expect(judged(both, reader('live', { calm: [] }), ['b', 'a'])).toEqual(['out of order']);
    expect(judged(both, reader('live', { linked: [{ fromMs: 20_001, toMs: Infinity }] }), ['b', 'a'])).toEqual([]);
    expect(judged(both, reader('live', { linked: [{ fromMs: 0, toMs: 29_000 }] }), ['b', 'a'])).toEqual([]);
    expect(judged(both, reader('log'), ['a', 'a', 'b'])).toEqual(['delivered twice']);
    expect(judged(both, reader('log'), ['a', 'b', 'a'], 'redelivered')).toEqual([]);
    expect(judged([published('a', { writer: 'other' })], reader('live'), ['a'])).toContain('forged');
    expect(judged([], reader('live'), ['made up'])).toEqual(['forged']);
  });

  it('wants every call to come to an end by its time', () => {
    const open = { outcome: undefined, settledMs: Infinity } as const;
    expect(judged([published('a', open)], reader('live'))).toEqual(['never settled']);
    expect(judged([published('a', { ...open, isOrphan: true })], reader('live'))).toEqual([]);
    const late = { outcome: 'refused', settledMs: 25_000, deadlineMs: 21_000 } as const;
    expect(judged([published('a', late)], reader('live'))).toEqual(['never settled']);
    expect(judged([published('a', { ...late, settledMs: 21_000 })], reader('live'))).toEqual([]);
  });
});
