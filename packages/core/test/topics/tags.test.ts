import { createHash, createHmac, hkdfSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { concat } from '../../src/bytes/bytes.ts';
import type { CryptoProvider } from '../../src/crypto/provider.ts';
import { TridcommError } from '../../src/errors.ts';
import { parsePattern, parseTopic } from '../../src/topics/grammar.ts';
import { deriveRouteKey, routedPeriods, tagPeriod, tagTopic, tokenOfPattern } from '../../src/topics/tags.ts';

const day = 86_400_000;
const routeSecret = Uint8Array.from({ length: 32 }, (_, i) => i);
const groupId = Uint8Array.from({ length: 16 }, (_, i) => 0xf0 - i);
const period = 20_000;

/** What tags need of a provider, on the platform. */
const provider = {
  name: 'test',
  sha256: (...parts: readonly Uint8Array[]) =>
    new Uint8Array(
      createHash('sha256')
        .update(concat(...parts))
        .digest(),
    ),
  hmacSha256: (key: Uint8Array, ...parts: readonly Uint8Array[]) =>
    new Uint8Array(
      createHmac('sha256', key)
        .update(concat(...parts))
        .digest(),
    ),
} as unknown as CryptoProvider;

/** The chain by the formulas of chapter 12, t_0 to t_n whole. */
function chainByHand(...segments: readonly string[]): Buffer[] {
  const u32 = Buffer.alloc(4);
  u32.writeUInt32BE(period);
  const xp = (secret: Uint8Array, label: string, context: Uint8Array): Buffer => {
    const name = Buffer.from(`tdc1 ${label}`);
    const hash = createHash('sha256').update(context).digest();
    const info = Buffer.concat([Buffer.of(0, 32, name.length), name, Buffer.of(32), hash]);
    return expand(secret, info);
  };
  const routeKey = xp(routeSecret, 'route', Buffer.concat([groupId, u32]));
  const chain = [xp(routeKey, 'topic root', u32)];
  for (const segment of segments) {
    const bytes = Buffer.from(segment);
    chain.push(
      createHmac('sha256', chain.at(-1) ?? '')
        .update(Buffer.of(bytes.length))
        .update(bytes)
        .digest(),
    );
  }
  return chain;
}

/** HKDF-Expand alone: one block, as 32 bytes are one. */
function expand(secret: Uint8Array, info: Buffer): Buffer {
  return createHmac('sha256', secret).update(info).update(Buffer.of(1)).digest();
}

const routeKey = (): Uint8Array => deriveRouteKey(provider, routeSecret, groupId, period);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const head = (value: Buffer | undefined): string => hex(value ?? new Uint8Array()).slice(0, 32);

function codeOf(run: () => unknown): string {
  try {
    run();
    return 'ok';
  } catch (error) {
    return error instanceof TridcommError ? error.code : String(error);
  }
}

describe('tagTopic', () => {
  it('uses an expansion that the platform has too', () => {
    // Extract and expand of the platform against expand alone: the hand-made chain stands on it.
    const prk = createHmac('sha256', 'salt').update('key').digest();
    expect(expand(prk, Buffer.from('info'))).toEqual(Buffer.from(hkdfSync('sha256', 'key', 'salt', 'info', 32)));
  });

  it.each([[['a']], [['orders', 'eu', 'neu ü']], [['a', 'b', 'c', 'd', 'e', 'f', 'g', 'x'.repeat(255)]]])(
    'topics.8 topics.9 topics.11 gives 16 bytes for each segment of %j, and the tag',
    (segments) => {
      const chain = chainByHand(...segments);
      const { tag16, chain: given } = tagTopic(provider, routeKey(), period, parseTopic(segments.join('/')));
      expect(hex(tag16)).toBe(head(chain.at(-1)));
      expect(hex(given)).toBe(chain.slice(0, -1).map(head).join(''));
      expect([tag16.buffer.byteLength, given.buffer.byteLength]).toEqual([16, 16 * segments.length]);
    },
  );

  it('topics.8 differs with group, period, secret and segment borders', () => {
    const of = (text: string, at = period, secret: Uint8Array = routeSecret, group: Uint8Array = groupId): string =>
      hex(tagTopic(provider, deriveRouteKey(provider, secret, group, at), at, parseTopic(text)).tag16);
    const tags = [
      of('a/b'),
      of('ab'),
      of('a/b', period + 1),
      of('a/b', period, groupIdAs32()),
      of('a/b', period, routeSecret, routeSecret.slice(0, 16)),
    ];
    expect(new Set(tags).size).toBe(tags.length);
  });

  it('refuses what is no route secret, group id or period', () => {
    expect(codeOf(() => deriveRouteKey(provider, groupId, groupId, 1))).toBe('E_USAGE');
    expect(codeOf(() => deriveRouteKey(provider, routeSecret, routeSecret, 1))).toBe('E_USAGE');
    for (const bad of [-1, 0.5, 2 ** 32]) {
      expect(codeOf(() => deriveRouteKey(provider, routeSecret, groupId, bad))).toBe('E_USAGE');
    }
  });
});

describe('tokenOfPattern', () => {
  it.each([
    ['orders/eu', 'exact', 2],
    ['orders/**', 'prefix', 1],
    ['orders/*', 'prefix', 1],
    ['orders/*/new', 'prefix', 1],
    ['orders/eu/**', 'prefix', 2],
    ['**', 'prefix', 0],
    ['*/new', 'prefix', 0],
  ] as const)('topics.11 %s: %s of level %i', (text, kind, level) => {
    const token = tokenOfPattern(provider, routeKey(), period, parsePattern(text));
    expect(hex(token.token16)).toBe(head(chainByHand('orders', 'eu')[level]));
    expect(token.token16.buffer.byteLength).toBe(16);
    expect(token.kind).toBe(kind);
    if (token.kind === 'prefix') expect(token.level).toBe(level);
  });

  it('topics.9 topics.11 a prefix equals the value of the chain at its level', () => {
    const { chain } = tagTopic(provider, routeKey(), period, parseTopic('a/b/c'));
    for (const [text, level] of [
      ['**', 0],
      ['a/**', 1],
      ['a/b/*', 2],
    ] as const) {
      const { token16 } = tokenOfPattern(provider, routeKey(), period, parsePattern(text));
      expect(hex(token16)).toBe(hex(chain.subarray(16 * level, 16 * level + 16)));
    }
  });
});

describe('periods', () => {
  it('topics.8 the period of a timestamp is the whole part', () => {
    expect([0, day - 1, day, 3 * day].map((time) => tagPeriod(time))).toEqual([0, 0, 1, 3]);
    expect([tagPeriod(9, 10), tagPeriod(10, 10)]).toEqual([0, 1]);
    for (const [time, ms] of [
      [-1, 10],
      [2 ** 53 - 1, 1],
      [1, 0],
      [1, 0.5],
      [Number.NaN, 1],
    ] as const) {
      expect(codeOf(() => tagPeriod(time, ms))).toBe('E_USAGE');
    }
  });

  it('topics.10 routes by what overlaps the time of fresh messages, both ends included', () => {
    const at = (offsetMs: number): readonly number[] => routedPeriods(5 * day + offsetMs);
    expect([at(day / 2), at(120_000), at(119_999), at(0), at(-30_000), at(-30_001)]).toEqual([
      [5],
      [5],
      [4, 5],
      [4, 5],
      [4, 5],
      [4],
    ]);
  });

  it('topics.10 routes by many short periods, from the start of time', () => {
    expect(routedPeriods(100, { periodMs: 10, maxAgeMs: 25, skewMs: 5 })).toEqual([7, 8, 9, 10]);
    expect(routedPeriods(10, { periodMs: 10, maxAgeMs: 25, skewMs: 5 })).toEqual([0, 1]);
  });
});

function groupIdAs32(): Uint8Array {
  return concat(groupId, groupId);
}
