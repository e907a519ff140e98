import { describe, expect, it } from 'vitest';
import { checkFreshness, type FreshnessRule } from '../../src/replay/freshness.ts';
import { codeOf } from './steps.ts';

const now = 1_700_000_000_000;

function check(ageMs: number, expiryMs?: number, rule: FreshnessRule = {}): string {
  return codeOf(() => {
    checkFreshness(rule, now - ageMs, expiryMs, now);
    return 'fresh';
  });
}

describe('checkFreshness', () => {
  it('replay.2 takes 120 seconds of age and no more', () => {
    expect([check(120_000), check(120_001)]).toEqual(['fresh', 'E_EXPIRED']);
    expect([check(5, undefined, { maxAgeMs: 5 }), check(6, undefined, { maxAgeMs: 5 })]).toEqual([
      'fresh',
      'E_EXPIRED',
    ]);
  });

  it('replay.3 takes 30 seconds of lead and no more', () => {
    expect([check(-30_000), check(-30_001)]).toEqual(['fresh', 'E_FUTURE']);
    expect([check(-5, undefined, { skewMs: 5 }), check(-6, undefined, { skewMs: 5 })]).toEqual(['fresh', 'E_FUTURE']);
  });

  it('replay.4 takes an expiry that is not past, on every topic', () => {
    for (const stored of [false, true]) {
      expect([check(0, now, { stored }), check(0, now - 1, { stored })]).toEqual(['fresh', 'E_EXPIRED']);
    }
  });

  it('replay.2 replay.3 stored topics take any timestamp', () => {
    expect([check(10 ** 9, undefined, { stored: true }), check(-(10 ** 9), undefined, { stored: true })]).toEqual([
      'fresh',
      'fresh',
    ]);
  });

  it('replay.3 comes before replay.4', () => {
    expect(check(-30_001, now - 1)).toBe('E_FUTURE');
  });

  it('replay.5 hears nobody but the receiver itself', () => {
    // The function has no memory and no input but the rule, the envelope's own two times and the clock.
    expect([check(-40_000), check(200_000), check(0)]).toEqual(['E_FUTURE', 'E_EXPIRED', 'fresh']);
    expect([check(-30_001), check(120_001)]).toEqual(['E_FUTURE', 'E_EXPIRED']);
  });
});
