import { describe, expect, it } from 'vitest';
import { writeU32 } from '../../src/bytes/bytes.ts';
import { StreamRate } from '../../src/replay/stream-rate.ts';
import { codeOf, headerOf, streamOf } from './steps.ts';

const hashKey16 = new Uint8Array(16);

describe('StreamRate', () => {
  const rateOf = (maxSenders = 100): ((n: number, nowMs: number, sender?: number, epoch?: number) => string) => {
    const rate = new StreamRate({ hashKey16, maxSenders });
    return (n, nowMs, sender = 1, epoch = 1) => {
      const header = headerOf({ stream: streamOf(0, sender, epoch), seq: 1, timestampMs: 1 });
      writeU32(header, 52, n);
      return codeOf(() => {
        rate.check(header, nowMs);
        return 'ok';
      });
    };
  };

  it('replay.18 lets 64 start at once, and then one each second', () => {
    const check = rateOf();
    for (let n = 0; n < 64; n++) expect(check(n, 0)).toBe('ok');
    expect([check(64, 0), check(64, 999), check(64, 1_000), check(65, 1_000), check(65, 2_000)]).toEqual([
      'E_LIMIT',
      'E_LIMIT',
      'ok',
      'E_LIMIT',
      'ok',
    ]);
  });

  it('replay.18 a stream that is remembered costs nothing', () => {
    const check = rateOf();
    for (let n = 0; n < 64; n++) check(n, 0);
    for (let n = 0; n < 64; n++) expect(check(n, 0)).toBe('ok');
    expect(check(99, 0)).toBe('E_LIMIT');
  });

  it('replay.18 the stream seen longest ago is forgotten, and is new again', () => {
    const check = rateOf();
    for (let n = 0; n < 64; n++) check(n, 0);
    check(0, 0);
    expect(check(64, 1_000)).toBe('ok');
    expect([check(0, 1_000), check(1, 1_000), check(1, 2_000)]).toEqual(['ok', 'E_LIMIT', 'ok']);
  });

  it('replay.18 saves no more than 64 tokens, and none of a clock that goes back', () => {
    const check = rateOf();
    check(0, 1_000_000);
    for (let n = 1; n <= 64; n++) expect(check(n, 2_000_000)).toBe('ok');
    expect([check(65, 2_000_000), check(65, 0), check(65, 2_000_000)]).toEqual(['E_LIMIT', 'E_LIMIT', 'E_LIMIT']);
  });

  it('replay.18 counts senders apart, and their epochs together', () => {
    const check = rateOf();
    for (let n = 0; n < 64; n++) check(n, 0, 1, n);
    expect([check(0, 0, 1, 64), check(0, 0, 2)]).toEqual(['E_LIMIT', 'ok']);
  });

  it('replay.18 remembers so many senders', () => {
    const check = rateOf(2);
    for (let n = 0; n < 64; n++) check(n, 0, 1);
    check(0, 0, 2);
    expect(check(64, 0, 1)).toBe('E_LIMIT');
    check(0, 0, 3);
    check(0, 0, 4);
    expect(check(64, 0, 1)).toBe('ok');
  });
});
