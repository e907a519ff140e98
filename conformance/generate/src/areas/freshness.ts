/** freshness.json: replay.2 to replay.4, and the rate of new streams at a broker. */
import { VectorFile } from '../cases.ts';
import type { Members } from '../json.ts';
import { hex, seeded } from '../twin/bytes.ts';
import { ALICE, BOB, EPOCH, NOW, OTHER_TAG, TAG } from '../world.ts';

function times(file: VectorFile): void {
  const g = file.group('freshness', 'freshness', 'replay', 'freshness');
  const input = (timestamp: bigint, more: Members): Members => ({
    timestamp: timestamp.toString(),
    now: NOW.toString(),
    ...more,
  });
  const good = (
    id: string,
    comment: string,
    timestamp: bigint,
    more: Members = {},
    spec = ['replay.2', 'replay.3'],
  ): void => {
    g.valid(id, { comment, in: input(timestamp, more), out: {}, spec, flags: ['Freshness'] });
  };
  const bad = (
    id: string,
    comment: string,
    timestamp: bigint,
    more: Members,
    error: string,
    spec: string[],
    from: string,
    flags: string[] = [],
  ): void => {
    g.invalid(id, { comment, in: input(timestamp, more), error, spec, from, flags: ['Freshness', ...flags] });
  };
  good('now', 'sealed now', NOW);
  good('max-age', 'exactly max_age old', NOW - 120_000n);
  bad('max-age-plus-1', 'a millisecond older than max_age', NOW - 120_001n, {}, 'E_EXPIRED', ['replay.2'], 'max-age');
  bad('very-old', 'from 1970', 0n, {}, 'E_EXPIRED', ['replay.2'], 'now');
  good('skew', 'exactly skew ahead', NOW + 30_000n);
  bad('skew-plus-1', 'a millisecond further ahead than skew', NOW + 30_001n, {}, 'E_FUTURE', ['replay.3'], 'skew');
  bad('far-future', 'the last timestamp there is', (1n << 53n) - 1n, {}, 'E_FUTURE', ['replay.3'], 'now');
  good('other-max-age', 'a max_age of ten minutes', NOW - 600_000n, { maxAgeMs: '600000' });
  bad(
    'other-max-age-plus-1',
    'a millisecond more',
    NOW - 600_001n,
    { maxAgeMs: '600000' },
    'E_EXPIRED',
    ['replay.2'],
    'other-max-age',
  );
  good('other-skew', 'a skew of a second', NOW + 1000n, { skewMs: '1000' });
  bad(
    'other-skew-plus-1',
    'a millisecond more',
    NOW + 1001n,
    { skewMs: '1000' },
    'E_FUTURE',
    ['replay.3'],
    'other-skew',
  );
  good('zero-max-age', 'max_age 0 and skew 0: only now itself', NOW, { maxAgeMs: '0', skewMs: '0' });
  g.valid('early-clock', {
    comment: 'a clock near 1970: now - max_age is negative and must not wrap',
    in: { timestamp: '0', now: '1000' },
    out: {},
    spec: ['replay.2'],
    flags: ['Freshness'],
  });

  const e = ['replay.4'];
  good('expiry-now', 'it expires now: now is not later than expiry', NOW, { expiry: NOW.toString() }, e);
  good('expiry-later', 'it expires later', NOW, { expiry: (NOW + 1n).toString() }, e);
  bad(
    'expiry-passed',
    'it expired a millisecond ago',
    NOW - 10n,
    { expiry: (NOW - 1n).toString() },
    'E_EXPIRED',
    e,
    'expiry-now',
  );
  bad('expiry-0', 'it expired in 1970', NOW, { expiry: '0' }, 'E_EXPIRED', e, 'expiry-now');
  bad(
    'expiry-before-timestamp',
    'it expired before it was sealed; skew does not help',
    NOW + 20_000n,
    { expiry: (NOW - 1n).toString() },
    'E_EXPIRED',
    e,
    'expiry-now',
  );

  good('stored-old', 'on a stored topic the timestamp informs: a day old', NOW - 86_400_000n, { stored: true });
  good('stored-future', 'on a stored topic: an hour ahead', NOW + 3_600_000n, { stored: true });
  good(
    'stored-expiry-now',
    'on a stored topic, it expires now',
    NOW - 86_400_000n,
    { stored: true, expiry: NOW.toString() },
    e,
  );
  bad(
    'stored-expired',
    'expiry counts on every topic',
    NOW - 86_400_000n,
    { stored: true, expiry: (NOW - 1n).toString() },
    'E_EXPIRED',
    e,
    'stored-expiry-now',
  );

  bad(
    'order-future-expired',
    'too far ahead and past its expiry: replay.3 comes before replay.4',
    NOW + 30_001n,
    { expiry: (NOW - 1n).toString() },
    'E_FUTURE',
    ['replay.3', 'replay.4'],
    'skew',
    ['Order'],
  );
}

function rates(file: VectorFile): void {
  const g = file.group('stream-rate', 'stream.rate', 'replay', 'replay');
  const stream = (i: number, over: { sender?: string; tag?: string; epoch?: number } = {}): Members => ({
    sender: over.sender ?? hex(ALICE.keyId),
    epoch: over.epoch ?? EPOCH,
    tag: over.tag ?? hex(TAG),
    id: hex(seeded(`rate stream ${i}`, 8)),
  });
  const ok = { ok: true };
  const no = { error: 'E_LIMIT' };
  type Step = [number, Members, Members];
  const add = (id: string, comment: string, steps: Step[]): void => {
    g.valid(id, {
      comment,
      in: { steps: steps.map(([at, s]) => ({ now: (NOW + BigInt(at)).toString(), stream: s })) },
      out: { results: steps.map(([, , r]) => r) },
      spec: ['replay.18'],
      flags: ['Admission'],
    });
  };
  const burst = (at: number, from = 0, count = 64): Step[] =>
    Array.from({ length: count }, (_, i) => [at, stream(from + i), ok] as Step);
  add('burst', '64 new streams at once pass, the 65th and 66th do not (D11)', [
    ...burst(0),
    [0, stream(64), no],
    [0, stream(65), no],
  ]);
  add('refill', 'after 64: nothing at 999 ms, one at 1,000 ms, not two; one more at 2,000 ms', [
    ...burst(0),
    [999, stream(64), no],
    [1000, stream(64), ok],
    [1000, stream(65), no],
    [1999, stream(65), no],
    [2000, stream(65), ok],
  ]);
  add('refill-late', 'a token at 1,500 ms; the next at 2,000 ms, since half of one was left', [
    ...burst(0),
    [1500, stream(64), ok],
    [1500, stream(65), no],
    [2000, stream(65), ok],
  ]);
  add('bucket-is-64', 'an hour later the bucket holds 64, not 3,600', [
    ...burst(0),
    ...burst(3_600_000, 100),
    [3_600_000, stream(164), no],
  ]);
  add('known-streams-are-free', 'streams that are remembered cost nothing', [
    ...burst(0),
    [0, stream(0), ok],
    [0, stream(63), ok],
    [0, stream(0), ok],
    [0, stream(64), no],
  ]);
  add('refused-is-not-remembered', 'a refused stream stays new', [
    ...burst(0),
    [0, stream(64), no],
    [0, stream(64), no],
  ]);
  add(
    'forgotten-is-new',
    'the 65th stream takes the place of the first, which is new again and has no token; the second is remembered',
    [...burst(0), [1000, stream(64), ok], [1000, stream(0), no], [1000, stream(64), ok], [1000, stream(1), ok]],
  );
  add('other-tag', 'another topic tag has a bucket of its own', [
    ...burst(0),
    [0, stream(64, { tag: hex(OTHER_TAG) }), ok],
    [0, stream(64), no],
  ]);
  add('other-sender', 'another sender has a bucket of its own', [
    ...burst(0),
    [0, stream(64, { sender: hex(BOB.keyId) }), ok],
    [0, stream(64), no],
  ]);
  add('other-epoch', 'another epoch shares the bucket: it is for sender and tag', [
    ...burst(0),
    [0, stream(64, { epoch: EPOCH + 1 }), no],
  ]);
}

export function freshness(): VectorFile {
  const file = new VectorFile('freshness');
  times(file);
  rates(file);
  return file;
}
