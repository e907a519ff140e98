import { describe, expect, it } from 'vitest';
import { EvidencePool } from '../../src/replay/evidence.ts';
import { ReplayGuard } from '../../src/replay/guard.ts';
import { LeafBudget } from '../../src/replay/leaves.ts';
import { codeOf, headerOf, idOf, Receiver, streamOf, type Offer } from './steps.ts';

const hashKey16 = new Uint8Array(16);
const now = 1_000_000;

/** Envelope `seq` of a stream, with the id and time that its number gives it. */
function envelope(seq: number, rest: Partial<Offer> = {}): Offer {
  return { stream: streamOf(1), seq, timestampMs: now + seq, id32: idOf(seq), ...rest };
}

function offers(receiver: Receiver, ...seqs: readonly number[]): string[] {
  return seqs.map((seq) => receiver.offer(envelope(seq)));
}

describe('window', () => {
  it('replay.1 keeps streams apart that differ in one field', () => {
    const receiver = new Receiver();
    const streams = [streamOf(1), streamOf(2), streamOf(1, 2), streamOf(1, 1, 2), streamOf(1, 1, 1, 2)];
    expect(streams.map((stream) => receiver.offer(envelope(1, { stream })))).toEqual(streams.map(() => 'new'));
    expect(streams.map((stream) => receiver.offer(envelope(1, { stream })))).toEqual(streams.map(() => 'E_REPLAY'));
  });

  it.each([64, 128, 1024, 4096])('replay.6 replay.8 the window of %i ends where it says', (window) => {
    const receiver = new Receiver({ window });
    expect(offers(receiver, 5000, 5000 - window, 5001 - window, 5001 - window)).toEqual([
      'new',
      'E_TOO_OLD',
      'new',
      'E_REPLAY',
    ]);
  });

  it('replay.7 replay.8 accepts a shuffled window once', () => {
    const receiver = new Receiver();
    const seqs = Array.from({ length: 1024 }, (_, i) => ((i * 541) % 1024) + 1);
    expect(new Set(offers(receiver, ...seqs))).toEqual(new Set(['new']));
    expect(new Set(offers(receiver, ...seqs))).toEqual(new Set(['E_REPLAY']));
  });

  it('replay.8 takes the highest number of a stream', () => {
    const receiver = new Receiver();
    expect(offers(receiver, 2 ** 40, 2 ** 40 - 1, 2 ** 40, 2 ** 40 - 1024)).toEqual([
      'new',
      'new',
      'E_REPLAY',
      'E_TOO_OLD',
    ]);
  });

  it.each(['forged', 'badTag'] as const)('replay.9 an envelope that fails as %s changes nothing', (fails) => {
    const receiver = new Receiver();
    expect(receiver.offer(envelope(1_000_000, { fails }))).toBe(fails === 'forged' ? 'E_SIG' : 'E_AEAD');
    expect(receiver.guard.streamCount).toBe(0);
    expect(offers(receiver, 1, 1_000_000)).toEqual(['new', 'new']);
  });

  it('replay.9 records that do not parse are recorded as seen', () => {
    const receiver = new Receiver();
    expect(receiver.offer(envelope(1, { fails: 'badGrammar' }))).toBe('E_ENCODING');
    expect(offers(receiver, 1)).toEqual(['E_REPLAY']);
  });

  it('replay.10 jumps of any size cost no more than the window', () => {
    const receiver = new Receiver();
    // Were it not so, this would take years.
    for (let seq = 1; seq < 2 ** 40; seq = seq * 2 + 1) expect(offers(receiver, seq, seq)).toEqual(['new', 'E_REPLAY']);
  });

  it.each([0, 32, 63, 96, 1000, 8192, Number.NaN])('refuses a window of %d', (window) => {
    expect(codeOf(() => typeof new Receiver({ window }))).toBe('E_USAGE');
  });
});

describe('forks', () => {
  it('replay.11 replay.12 knows the latest 64 envelopes', () => {
    const receiver = new Receiver();
    for (let seq = 1; seq <= 100; seq++) receiver.offer(envelope(seq));
    const other = (seq: number, fails?: 'forged'): string => receiver.offer(envelope(seq, { id32: idOf(-seq), fails }));
    expect([other(100), other(37), other(36)]).toEqual(['E_FORK', 'E_FORK', 'E_REPLAY']);
    expect([other(100, 'forged'), other(36, 'forged')]).toEqual(['E_SIG', 'E_REPLAY']);
    expect(receiver.offer(envelope(100, { fails: 'forged' }))).toBe('E_REPLAY');
  });

  it('replay.11 keeps evidence of the streams used last', () => {
    const receiver = new Receiver({ evidence: () => new EvidencePool(2) });
    const from = (streamId: number, seq: number, id = seq): string =>
      receiver.offer(envelope(seq, { stream: streamOf(streamId), id32: idOf(id) }));
    from(1, 1);
    from(2, 1);
    from(1, 2);
    from(3, 1);
    expect([from(1, 1, -1), from(2, 1, -1), from(3, 1, -1)]).toEqual(['E_FORK', 'E_REPLAY', 'E_FORK']);
  });

  it('replay.13 compares the previous envelope where it is known', () => {
    const receiver = new Receiver();
    offers(receiver, 1, 2);
    const previous32 = idOf(-1);
    expect(receiver.offer(envelope(3, { previous32 }))).toBe('E_FORK');
    expect(receiver.offer(envelope(3, { previous32, fails: 'forged' }))).toBe('E_SIG');
    expect(receiver.offer(envelope(3, { previous32: idOf(2) }))).toBe('new');
    expect(receiver.offer(envelope(5, { previous32 }))).toBe('new');
    for (let seq = 6; seq < 80; seq++) receiver.offer(envelope(seq));
    expect(receiver.offer(envelope(4, { previous32: idOf(-3) }))).toBe('new');
  });

  it('replay.14 keeps what came first and goes on', () => {
    const receiver = new Receiver();
    offers(receiver, 1);
    expect(receiver.offer(envelope(1, { id32: idOf(-1) }))).toBe('E_FORK');
    expect(receiver.offer(envelope(2, { previous32: idOf(1) }))).toBe('new');
    expect(offers(receiver, 1)).toEqual(['E_REPLAY']);
  });

  it('replay.12 the slower of two with one number is a fork or a replay', () => {
    const receiver = new Receiver();
    expect(receiver.offer2(envelope(1), envelope(1))).toEqual(['new', 'E_REPLAY']);
    expect(receiver.offer2(envelope(2), envelope(2, { id32: idOf(-2) }))).toEqual(['new', 'E_FORK']);
  });
});

describe('admission', () => {
  const stream = (n: number, timestampMs: number): Offer => envelope(1, { stream: streamOf(n), timestampMs });

  it('replay.15 replay.16 evicts the lowest timestamp, and what it could replay', () => {
    const receiver = new Receiver({ streamCap: 3, skewMs: 0 });
    expect([30, 10, 20].map((time, i) => receiver.offer(stream(i + 1, time)))).toEqual(['new', 'new', 'new']);
    expect(receiver.offer(stream(4, 15))).toBe('new');
    expect(receiver.offer(stream(2, 10))).toBe('E_TOO_OLD');
    expect(receiver.offer(stream(5, 10))).toBe('E_TOO_OLD');
    expect(receiver.offer(stream(1, 30))).toBe('E_REPLAY');
    expect(receiver.offer(stream(5, 11))).toBe('new');
    expect(receiver.offer(stream(4, 15))).toBe('E_TOO_OLD');
  });

  it('replay.16 evicts the earliest admitted of equals, also after others went', () => {
    const receiver = new Receiver({ streamCap: 2, skewMs: 0 });
    for (const [n, time] of [[1, 10], [2, 20], [3, 20], [4, 20]] as const) receiver.offer(stream(n, time)); // prettier-ignore
    expect(receiver.offer(stream(4, 20))).toBe('E_REPLAY');
    expect(receiver.offer(stream(3, 20))).toBe('E_REPLAY');
    expect(receiver.offer(stream(2, 20))).toBe('E_TOO_OLD');
  });

  it('replay.16 counts 64 streams for each sender, epoch and tag', () => {
    const receiver = new Receiver({ skewMs: 0 });
    for (let n = 1; n <= 64; n++) receiver.offer(stream(n, n));
    expect(receiver.offer({ ...stream(1, 1), stream: streamOf(1, 2) })).toBe('new');
    expect(receiver.offer(stream(1, 1))).toBe('E_REPLAY');
    expect(receiver.offer(stream(65, 65))).toBe('new');
    expect(receiver.offer(stream(1, 1))).toBe('E_TOO_OLD');
    expect(receiver.guard.streamCount).toBe(65);
  });

  it('replay.17 a stream of highest timestamp stays, however many come', () => {
    const receiver = new Receiver({ streamCap: 2, skewMs: 0 });
    receiver.offer(stream(1, 1_000_000));
    for (let n = 2; n < 200; n++) expect(receiver.offer(stream(n, n))).toBe('new');
    expect(receiver.offer(stream(1, 1_000_000))).toBe('E_REPLAY');
  });

  it('replay.15 replay.16 an evicted stream takes evidence and leaves with it', () => {
    const leafBudget = new LeafBudget();
    const evidence = new EvidencePool();
    const receiver = new Receiver({ streamCap: 1, skewMs: 0, leafBudget: () => leafBudget, evidence: () => evidence });
    receiver.offer({ ...stream(1, 10), part: { leaf: 0, leafCount: 2 } });
    expect([leafBudget.held, evidence.count]).toEqual([1, 1]);
    receiver.offer(stream(2, 20));
    expect([leafBudget.held, evidence.count]).toEqual([0, 1]);
    expect(receiver.offer({ ...stream(2, 20), id32: idOf(-1) })).toBe('E_FORK');
  });
});

describe('split batches', () => {
  const job = (seq: number, leaf: number, leafCount: number): Offer => envelope(seq, { part: { leaf, leafCount } });

  it('replay.19 takes each leaf once, and the number with the last', () => {
    const receiver = new Receiver();
    expect([1, 0, 1, 2].map((leaf) => receiver.offer(job(9, leaf, 3)))).toEqual(['new', 'new', 'E_REPLAY', 'new']);
    expect([receiver.offer(job(9, 0, 3)), receiver.offer(envelope(9))]).toEqual(['E_REPLAY', 'E_REPLAY']);
    expect(receiver.offer(envelope(8))).toBe('new');
  });

  it('replay.19 takes 4,096 leaves', () => {
    const receiver = new Receiver();
    for (let leaf = 4095; leaf >= 0; leaf--) expect(receiver.offer(job(1, leaf, 4096))).toBe('new');
    expect(receiver.offer(job(1, 77, 4096))).toBe('E_REPLAY');
  });

  it('replay.20 refuses the whole envelope after a leaf, and leaves after the whole', () => {
    const receiver = new Receiver();
    receiver.offer(job(1, 0, 2));
    expect(receiver.offer(envelope(1))).toBe('E_REPLAY');
    receiver.offer(envelope(2));
    expect(receiver.offer(job(2, 0, 2))).toBe('E_REPLAY');
  });

  it('replay.14 replay.19 never mixes the leaves of two envelopes', () => {
    const receiver = new Receiver();
    receiver.offer(job(1, 0, 3));
    expect(receiver.offer({ ...job(1, 1, 3), id32: idOf(-1) })).toBe('E_FORK');
    expect(receiver.offer(job(1, 1, 3))).toBe('new');
    for (let seq = 2; seq < 100; seq++) receiver.offer(envelope(seq));
    // The evidence is gone, so it cannot be told apart from a replay.
    expect(receiver.offer({ ...job(1, 5, 9), id32: idOf(-1) })).toBe('E_REPLAY');
    expect(receiver.offer(job(1, 2, 3))).toBe('new');
  });

  it('replay.21 holds so many partial envelopes and no more', () => {
    const receiver = new Receiver({ window: 64, leafBudget: () => new LeafBudget(2) });
    receiver.offer(job(1, 0, 2));
    receiver.offer(job(2, 0, 2));
    expect(receiver.offer(job(3, 0, 2))).toBe('E_LIMIT');
    expect(receiver.offer({ ...job(1, 0, 2), stream: streamOf(2) })).toBe('E_LIMIT');
    expect(receiver.offer(job(3, 0, 1))).toBe('new');
    expect(receiver.offer(job(1, 1, 2))).toBe('new');
    expect(receiver.offer(job(4, 0, 2))).toBe('new');
    // 2 and 4 become too old, one by one.
    expect([receiver.offer(envelope(66)), receiver.offer(job(65, 0, 2)), receiver.offer(job(64, 0, 2))]).toEqual([
      'new',
      'new',
      'E_LIMIT',
    ]);
    expect(receiver.offer(job(2, 1, 2))).toBe('E_TOO_OLD');
    expect([receiver.offer(envelope(68)), receiver.offer(job(64, 0, 2))]).toEqual(['new', 'new']);
  });

  it('replay.21 gives the place of what freshness refuses by now to others, in all guards that share it', () => {
    const leafBudget = new LeafBudget(3);
    const shared = { skewMs: 30_000, leafBudget: () => leafBudget };
    const receiver = new Receiver(shared);
    const other = new Receiver(shared);
    const stored = new Receiver({ ...shared, stored: true });
    const at = (seq: number, timestampMs: number): Offer => ({ ...job(seq, 0, 2), timestampMs });
    const startMs = 1_000_000;
    expect([receiver.offer(at(1, startMs)), other.offer(at(1, startMs + 1))]).toEqual(['new', 'new']);
    // Its timestamp says nothing about when it may come.
    expect(stored.offer(at(1, 1))).toBe('new');
    const lastMs = startMs + 120_000 + 30_000;
    expect([receiver.offer(at(2, lastMs)), leafBudget.held]).toEqual(['E_LIMIT', 3]);
    // Out of a log, no timestamp tells the clock.
    expect(receiver.offer({ ...at(2, lastMs + 2), source: 'log' })).toBe('E_LIMIT');
    expect([receiver.offer(at(2, lastMs + 1)), leafBudget.held]).toEqual(['new', 3]);
    expect(other.offer(at(2, lastMs + 1))).toBe('E_LIMIT');
    expect([other.offer(at(2, lastMs + 2)), leafBudget.held]).toEqual(['new', 3]);
    // Whatever the clock does: no leaf of it is taken any more.
    expect([receiver.offer(job(1, 0, 2)), receiver.offer(job(1, 1, 2))]).toEqual(['E_REPLAY', 'E_REPLAY']);
    expect(stored.offer({ ...job(1, 1, 2), timestampMs: 1 })).toBe('new');
    const held = [120_001, 120_002, 120_003].map((ms) => {
      leafBudget.dropStale(lastMs + ms);
      return leafBudget.held;
    });
    expect([held, receiver.offer(job(2, 1, 2))]).toEqual([[2, 1, 0], 'E_REPLAY']);
  });

  it('replay.21 is not reached by split batches of many, whose other leaves went elsewhere', () => {
    const { guard } = new Receiver();
    const answers = new Set<string>();
    const part = { leaf: 0, leafCount: 2 };
    // 250 a second, of 100 pushers, for six minutes.
    for (let i = 0; i < 90_000; i++) {
      const stream = streamOf(1, 1 + (i % 100));
      const header = headerOf({ stream, seq: 1 + Math.floor(i / 100), timestampMs: now + 4 * i });
      answers.add(codeOf(() => (guard.lookUp(header, part), guard.commit(header, idOf(i), part), 'new')));
    }
    expect([...answers]).toEqual(['new']);
  });

  it('replay.21 counts 65,536 where nothing else is said', () => {
    expect(new LeafBudget().max).toBe(65_536);
  });

  it('refuses a leaf that is none at the latest when it commits', () => {
    const { guard } = new Receiver();
    const part = { leaf: 3, leafCount: 3 };
    expect(codeOf(() => String(guard.commit(headerOf(envelope(1)), idOf(1), part)))).toBe('E_USAGE');
  });
});

describe('restart', () => {
  it('replay.25 a volatile receiver takes what is newer than its start and the skew', () => {
    const receiver = new Receiver({ bootMs: 500, skewMs: 30 });
    const at = (timestampMs: number): string => receiver.offer(envelope(1, { timestampMs }));
    expect([at(530), at(531)]).toEqual(['E_TOO_OLD', 'new']);
    receiver.restart(501);
    expect([at(531), at(532)]).toEqual(['E_TOO_OLD', 'new']);
  });

  it('replay.26 control needs durable state', () => {
    expect(new Receiver().offer(envelope(1, { control: true, timestampMs: 0 }))).toBe('E_REPLAY_STATE');
    expect(new Receiver({ durable: true }).offer(envelope(1, { control: true }))).toBe('new floor 65');
  });

  it('replay.22 stores a floor once in 64 numbers', () => {
    const receiver = new Receiver({ durable: true });
    const answers = offers(receiver, ...Array.from({ length: 132 }, (_, i) => i + 1));
    expect(answers.flatMap((answer, i) => (answer === 'new' ? [] : [`${i + 1} ${answer}`]))).toEqual([
      '1 new floor 65',
      '66 new floor 130',
      '131 new floor 195',
    ]);
  });

  it('replay.23 refuses after a restart what stands at the floor or below', () => {
    const receiver = new Receiver({ durable: true });
    offers(receiver, 1, 3);
    receiver.restart();
    expect(offers(receiver, 1, 2, 65, 66, 65, 67)).toEqual(['E_REPLAY', 'E_REPLAY', 'E_REPLAY', 'new floor 130', 'E_REPLAY', 'new']); // prettier-ignore
  });

  it('replay.24 stores evict_ts and lives by it after a restart', () => {
    const receiver = new Receiver({ durable: true, streamCap: 2 });
    const from = (n: number, timestampMs: number): string =>
      receiver.offer(envelope(1, { stream: streamOf(n), timestampMs }));
    expect([from(1, 10), from(2, 20), from(3, 30)]).toEqual([
      'new floor 65',
      'new floor 65',
      'new floor 65 evictTs 10',
    ]);
    expect([...receiver.floors.values()].map(({ stream }) => stream.streamId[0])).toEqual([2, 3]);
    receiver.restart();
    // What was accepted of stream 2 after its bound was stored is not known: the bound stands for it.
    expect([from(1, 10), from(4, 11)]).toEqual(['E_TOO_OLD', 'new floor 65 evictTs 60020']);
    expect(from(2, 20)).toBe('E_TOO_OLD');
  });

  it('replay.15 a stream that comes back does not bring back what was accepted of it', () => {
    const receiver = new Receiver({ streamCap: 2 });
    const from = (n: number, seq: number, timestampMs: number): string =>
      receiver.offer(envelope(seq, { stream: streamOf(n), timestampMs: now + timestampMs }));
    expect([from(1, 1, 10), from(2, 1, 20), from(3, 1, 30), from(1, 2, 11)]).toEqual(['new', 'new', 'new', 'new']);
    expect(from(1, 1, 10)).toBe('E_TOO_OLD');
    expect(from(1, 3, 12)).toBe('new');
  });

  it('replay.22 replay.23 an eviction after a restart does not open what was accepted after the last write', () => {
    const receiver = new Receiver({ durable: true, streamCap: 1 });
    const from = (n: number, seq: number, timestampMs: number): string =>
      receiver.offer(envelope(seq, { stream: streamOf(n), timestampMs }));
    expect([from(1, 1, 100), from(1, 2, 200)]).toEqual(['new floor 65', 'new']);
    receiver.restart();
    expect(from(2, 1, 150)).toBe('new floor 65 evictTs 60100');
    expect(from(1, 2, 200)).toBe('E_TOO_OLD');
  });

  it('replay.22 stores anew for a timestamp above the bound', () => {
    const receiver = new Receiver({ durable: true });
    const at = (seq: number, timestampMs: number): string => receiver.offer(envelope(seq, { timestampMs }));
    expect([at(1, 100), at(2, 60_100), at(3, 60_101)]).toEqual(['new floor 65', 'new', 'new floor 67']);
  });

  it('replay.24 a list that still has an evicted stream is cut by the same rule', () => {
    const floors = [3, 1, 2].map((n) => ({ stream: streamOf(n), floor: 65, boundMs: n }));
    const life = { kind: 'durable', floors, evictions: [] } as const;
    const guard = new ReplayGuard({ hashKey16, life, streamCap: 2 });
    expect(guard.streamCount).toBe(2);
    expect(codeOf(() => guard.lookUp(headerOf(envelope(70, { stream: streamOf(1), timestampMs: 1 }))))).toBe(
      'E_TOO_OLD',
    );
    expect(codeOf(() => guard.lookUp(headerOf(envelope(70, { stream: streamOf(2), timestampMs: 1 }))))).toBe('new');
  });

  it('replay.27 accepts nothing that is not stored', () => {
    const receiver = new Receiver({ durable: true, streamCap: 1 });
    expect(receiver.offer(envelope(1, { fails: 'unstored' }))).toBe('E_REPLAY_STATE');
    expect(offers(receiver, 1)).toEqual(['new floor 65']);
    expect(receiver.offer(envelope(65, { fails: 'unstored' }))).toBe('new');
    expect(receiver.offer(envelope(66, { fails: 'unstored' }))).toBe('E_REPLAY_STATE');
    const late = { stream: streamOf(2), timestampMs: now * 2 };
    expect(receiver.offer(envelope(1, { ...late, fails: 'unstored' }))).toBe('E_REPLAY_STATE');
    expect(receiver.offer(envelope(66))).toBe('new floor 130');
    expect(receiver.offer(envelope(1, late))).toBe(`new floor 65 evictTs ${now + 66}`);
  });

  it('replay.22 replay.24 replay.27 writes that overtake each other never leave a stream unprotected', () => {
    const { guard } = new Receiver({ durable: true, streamCap: 1 });
    const headers = [1, 2, 3].map((n) => headerOf(envelope(1, { stream: streamOf(n), timestampMs: n * 10 })));
    const [first, second, third] = headers as [Uint8Array, Uint8Array, Uint8Array];
    const write = (header: Uint8Array) => guard.pendingWrites(header) ?? expect.fail('nothing to write');
    guard.stored(first, write(first));
    guard.commit(first, idOf(1));
    const secondWrites = write(second);
    const thirdWrites = write(third);
    expect([secondWrites.evictTs, thirdWrites.evictTs]).toEqual([10, 10]);
    expect(guard.stored(third, thirdWrites)).toEqual(streamOf(1).streamId);
    // The place is taken by a stream of a higher timestamp, which was not stored as evict_ts.
    expect(guard.stored(second, secondWrites)).toBeUndefined();
    expect(codeOf(() => String(guard.commit(second, idOf(1))))).toBe('E_REPLAY_STATE');
    expect(write(second).evictTs).toBe(30);
    guard.commit(third, idOf(1));
  });

  it('replay.22 a floor far above the highest number stands', () => {
    const { guard } = new Receiver({ durable: true });
    const far = headerOf(envelope(1_000));
    guard.stored(far, guard.pendingWrites(far) ?? expect.fail('nothing to write'));
    for (let seq = 1; seq <= 1_064; seq += 7) {
      expect(guard.pendingWrites(headerOf(envelope(seq)))).toBeUndefined();
      guard.commit(headerOf(envelope(seq)), idOf(seq));
    }
    expect(guard.pendingWrites(headerOf(envelope(1_065)))?.floor).toBe(1_129);
  });

  it('replay.22 asks for nothing that it would refuse', () => {
    const receiver = new Receiver({ durable: true });
    offers(receiver, 5_000);
    expect(receiver.guard.pendingWrites(headerOf(envelope(1)))).toBeUndefined();
    expect(new Receiver().guard.pendingWrites(headerOf(envelope(1)))).toBeUndefined();
  });

  it('replay.22 replay.25 stored topics start again from their log', () => {
    const durable = new Receiver({ durable: true, stored: true });
    expect(offers(durable, 1, 1)).toEqual(['new', 'E_REPLAY']);
    expect(new Receiver({ stored: true, bootMs: now * 2 }).offer(envelope(1))).toBe('new');
  });

  it.each([
    ['a floor of −1', { floor: -1, boundMs: 0 }],
    ['a floor past all numbers', { floor: 2 ** 40 + 65, boundMs: 0 }],
    ['a timestamp that is none', { floor: 1, boundMs: 0.5 }],
  ])('replay.23 refuses to start with %s', (_, stored) => {
    const life = { kind: 'durable', floors: [{ stream: streamOf(1), ...stored }], evictions: [] } as const;
    expect(codeOf(() => typeof new ReplayGuard({ hashKey16, life }))).toBe('E_USAGE');
  });

  it('replay.23 starts with the highest floor that can be stored', () => {
    const floors = [{ stream: streamOf(1), floor: 2 ** 40 + 64, boundMs: 2 ** 53 - 1 }];
    const guard = new ReplayGuard({ hashKey16, life: { kind: 'durable', floors, evictions: [] } });
    expect(codeOf(() => guard.lookUp(headerOf(envelope(2 ** 40))))).toBe('E_REPLAY');
  });
});

describe('release', () => {
  it('replay.11 replay.21 gives back what is shared', () => {
    const evidence = new EvidencePool(5);
    const leafBudget = new LeafBudget(5);
    const shared = { evidence: () => evidence, leafBudget: () => leafBudget };
    const closing = new Receiver(shared);
    const other = new Receiver(shared);
    for (const receiver of [closing, other]) {
      receiver.offer(envelope(1, { part: { leaf: 0, leafCount: 2 } }));
      receiver.offer(envelope(2));
    }
    expect([evidence.count, leafBudget.held]).toEqual([2, 2]);
    closing.guard.release();
    expect([evidence.count, leafBudget.held]).toEqual([1, 1]);
    expect(other.offer(envelope(2, { id32: idOf(-2) }))).toBe('E_FORK');
  });
});
