/** topics.json: chapter 12. */
import { VectorFile } from '../cases.ts';
import type { Members } from '../json.ts';
import { cat, hex, seeded, text, unhex, type Bytes } from '../twin/bytes.ts';
import { chainOf, parsePattern, parseTopic, periodsOf, tokenOf } from '../twin/topics.ts';
import { NOW } from '../world.ts';

const S255 = 'a'.repeat(255);
const S256 = 'a'.repeat(256);
const EIGHT = 'a/b/c/d/e/f/g/h';

function names(file: VectorFile): void {
  const topic = file.group('parse', 'topic.parse', 'topics', 'topic');
  const pattern = file.group('pattern', 'pattern.parse', 'topics', 'topic');
  const good = (
    id: string,
    comment: string,
    value: string,
    spec: string[],
    flags: string[] = [],
    both = true,
  ): void => {
    const bytes = text(value);
    const out = { segments: value.split('/').map((s) => hex(text(s))) };
    topic.valid(id, { comment, in: { topic: hex(bytes) }, out, spec, flags });
    if (both) pattern.valid(`literal-${id}`, { comment, in: { pattern: hex(bytes) }, out, spec: ['topics.6'], flags });
  };
  const bad = (
    id: string,
    comment: string,
    value: string | Bytes,
    error: string,
    spec: string[],
    from: string,
    flags: string[] = [],
    both = true,
  ): void => {
    const bytes = typeof value === 'string' ? text(value) : value;
    topic.invalid(id, { comment, in: { topic: hex(bytes) }, error, spec, from, flags });
    if (both) {
      pattern.invalid(`literal-${id}`, {
        comment,
        in: { pattern: hex(bytes) },
        error,
        spec: ['topics.6', ...spec],
        from: `topics/pattern/literal-${from}`,
        flags,
      });
    }
  };
  good('one', 'one segment', 'orders', ['topics.1']);
  good('two', 'two segments', 'orders/new', ['topics.1']);
  good('eight', 'eight segments', EIGHT, ['topics.2'], ['Limit']);
  good('bytes-255', 'a segment of 255 bytes', S255, ['topics.2'], ['Limit']);
  good('bytes-255-utf8', '85 characters of three bytes each', '\u20ac'.repeat(85), ['topics.2'], ['Limit', 'Unicode']);
  good(
    'all-limits',
    'eight segments of 255 bytes',
    Array.from({ length: 8 }, () => S255).join('/'),
    ['topics.2'],
    ['Limit'],
  );
  good('nfc', 'e with acute as one character', 'caf\u00e9', ['topics.3'], ['Unicode']);
  good('astral', 'a character of four bytes', 'a/\u{1f600}', ['topics.3'], ['Unicode']);
  good('bom', 'U+FEFF is a character like any other, also first', '\ufeffa', ['topics.3'], ['Unicode']);
  good('spaces', 'spaces are characters, also at the ends', ' a / b ', ['topics.4']);
  good('nbsp', 'U+00A0 stands just above the control characters', '\u00a0', ['topics.4'], ['Unicode']);
  good('tilde', 'U+007E stands just below them', '~', ['topics.4']);
  good('punctuation', 'characters that other systems give a meaning', 'a+b/#/$SYS/{x}/a.b', ['topics.4']);
  good('case', 'case stays as it is', 'Orders/NEW', ['topics.7']);
  good('dots', 'dot segments are segments', '../.', ['topics.1']);

  bad('empty', 'no byte', '', 'E_ENCODING', ['topics.1'], 'one');
  bad('slash', 'only a slash: two empty segments', '/', 'E_ENCODING', ['topics.1'], 'two');
  bad('leading-slash', 'a slash at the start', '/orders', 'E_ENCODING', ['topics.1'], 'one');
  bad('trailing-slash', 'a slash at the end', 'orders/', 'E_ENCODING', ['topics.1'], 'one');
  bad('double-slash', 'two slashes', 'orders//new', 'E_ENCODING', ['topics.1'], 'two');
  bad('nine', 'nine segments', `${EIGHT}/i`, 'E_LIMIT', ['topics.2'], 'eight', ['Limit']);
  bad('bytes-256', 'a segment of 256 bytes', S256, 'E_LIMIT', ['topics.2'], 'bytes-255', ['Limit']);
  bad(
    'bytes-256-utf8',
    '128 characters of two bytes each: bytes count, not characters',
    '\u00e9'.repeat(128),
    'E_LIMIT',
    ['topics.2'],
    'bytes-255-utf8',
    ['Limit', 'Unicode'],
  );
  bad('bytes-256-last', 'the last of two segments has 256 bytes', `a/${S256}`, 'E_LIMIT', ['topics.2'], 'two', [
    'Limit',
  ]);
  const utf8: [string, string, string][] = [
    ['lone-continuation', 'a continuation byte alone', '6180'],
    ['truncated', 'a character that ends early', '61e282'],
    ['overlong-slash', 'the slash in two bytes', '61c0af62'],
    ['overlong-nul', 'U+0000 in two bytes', 'c080'],
    ['surrogate', 'a surrogate, U+D800', 'eda080'],
    ['surrogate-pair', 'a pair of surrogates (CESU-8)', 'eda0bdedb880'],
    ['above-max', 'U+110000', 'f4908080'],
    ['fe', 'the byte fe', '61fe'],
  ];
  for (const [id, comment, bytes] of utf8)
    bad(`utf8-${id}`, comment, unhex(bytes), 'E_ENCODING', ['topics.3'], 'one', ['Unicode']);
  bad('nfd', 'e and a combining acute', 'cafe\u0301', 'E_ENCODING', ['topics.3'], 'nfc', ['Unicode']);
  bad('angstrom', 'U+212B, whose NFC is U+00C5', '\u212b', 'E_ENCODING', ['topics.3'], 'nfc', ['Unicode']);
  bad('hangul-jamo', 'two jamo that compose', '\u1100\u1161', 'E_ENCODING', ['topics.3'], 'nfc', ['Unicode']);
  bad(
    'mark-order',
    'combining marks in an order that NFC changes',
    'q\u0307\u0323',
    'E_ENCODING',
    ['topics.3'],
    'nfc',
    ['Unicode'],
  );
  bad('singleton-excluded', 'U+0958, which NFC decomposes', '\u0958', 'E_ENCODING', ['topics.3'], 'nfc', ['Unicode']);
  for (const code of [0x00, 0x09, 0x0a, 0x1f, 0x7f, 0x80, 0x85, 0x9f]) {
    const name = code.toString(16).padStart(4, '0');
    bad(`control-${name}`, `U+${name}`, `a${String.fromCodePoint(code)}b`, 'E_ENCODING', ['topics.4'], 'one');
  }
  bad('star', 'a star alone', 'orders/*', 'E_ENCODING', ['topics.4'], 'two', ['Wildcard'], false);
  bad('star-inside', 'a star inside a segment', 'or*ers', 'E_ENCODING', ['topics.4'], 'one', ['Wildcard'], false);
  bad('star-star', 'two stars', 'orders/**', 'E_ENCODING', ['topics.4'], 'two', ['Wildcard'], false);
  // Order: topics.3, topics.1, topics.4, topics.2
  bad(
    'order-nine-with-empty',
    'nine segments, one of them empty',
    `a//${EIGHT}`,
    'E_ENCODING',
    ['topics.1', 'topics.2'],
    'eight',
    ['Order'],
  );
  bad(
    'order-nine-with-control',
    'nine segments, one with a control character',
    `${EIGHT}/\u0001`,
    'E_ENCODING',
    ['topics.4', 'topics.2'],
    'eight',
    ['Order'],
  );
  bad(
    'order-long-not-nfc',
    '256 bytes or more, not in NFC',
    'e\u0301'.repeat(100),
    'E_ENCODING',
    ['topics.3', 'topics.2'],
    'bytes-255',
    ['Order', 'Unicode'],
  );

  const pat = (id: string, comment: string, value: string, flags: string[] = ['Wildcard']): void => {
    pattern.valid(id, {
      comment,
      in: { pattern: hex(text(value)) },
      out: { segments: value.split('/').map((s) => hex(text(s))) },
      spec: ['topics.5', 'topics.6'],
      flags,
    });
  };
  const badPat = (
    id: string,
    comment: string,
    value: string,
    error: string,
    spec: string[],
    from: string,
    flags = ['Wildcard'],
  ): void => {
    pattern.invalid(id, { comment, in: { pattern: hex(text(value)) }, error, spec, from, flags });
  };
  pat('star-last', 'a star as last segment', 'orders/*');
  pat('star-first', 'a star as first segment', '*/new');
  pat('star-only', 'a star alone', '*');
  pat('stars', 'several stars', '*/*/*');
  pat('rest-last', 'two stars as last segment', 'orders/**');
  pat('rest-only', 'two stars alone', '**');
  pat('star-rest', 'a star and then two', 'orders/*/**');
  pat('rest-eighth', 'two stars as eighth segment', 'a/b/c/d/e/f/g/**', ['Wildcard', 'Limit']);
  badPat('rest-first', 'two stars not last', '**/new', 'E_ENCODING', ['topics.5'], 'rest-only');
  badPat('rest-middle', 'two stars in the middle', 'orders/**/new', 'E_ENCODING', ['topics.5'], 'rest-last');
  badPat('rest-twice', 'two stars twice', 'orders/**/**', 'E_ENCODING', ['topics.5'], 'rest-last');
  badPat('star-prefix', 'a star before other characters', 'orders/*new', 'E_ENCODING', ['topics.5'], 'star-last');
  badPat('star-suffix', 'a star after other characters', 'orders/new*', 'E_ENCODING', ['topics.5'], 'star-last');
  badPat('star-inside', 'a star inside', 'orders/n*w', 'E_ENCODING', ['topics.5'], 'star-last');
  badPat('three-stars', 'three stars', 'orders/***', 'E_ENCODING', ['topics.5'], 'rest-last');
  badPat('rest-suffix', 'two stars after other characters', 'orders/a**', 'E_ENCODING', ['topics.5'], 'rest-last');
  badPat(
    'rest-ninth',
    'two stars as ninth segment',
    `${EIGHT}/**`,
    'E_LIMIT',
    ['topics.2', 'topics.6'],
    'rest-eighth',
    ['Wildcard', 'Limit'],
  );
  badPat(
    'order-rest-middle-ninth',
    'nine segments, one of them ** in the middle: topics.5 comes before topics.2',
    `a/**/${EIGHT}`,
    'E_ENCODING',
    ['topics.5', 'topics.2'],
    'rest-last',
    ['Wildcard', 'Order'],
  );
  badPat('star-empty', 'an empty segment next to a star', '*//a', 'E_ENCODING', ['topics.1', 'topics.6'], 'star-first');
  badPat('rest-trailing-slash', 'a slash after two stars', '**/', 'E_ENCODING', ['topics.1', 'topics.6'], 'rest-only');
}

function matching(file: VectorFile): void {
  const g = file.group('match', 'topic.match', 'topics', 'topic');
  const rows: [string, string, boolean][] = [
    ['orders', 'orders', true],
    ['orders', 'order', false],
    ['orders', 'orders/new', false],
    ['orders/new', 'orders', false],
    ['orders/new', 'orders/new', true],
    ['Orders', 'orders', false],
    ['stra\u00dfe', 'strasse', false],
    ['orders/*', 'orders/new', true],
    ['orders/*', 'orders', false],
    ['orders/*', 'orders/eu/new', false],
    ['orders/*', 'other/new', false],
    ['*', 'orders', true],
    ['*', 'orders/new', false],
    ['*/new', 'orders/new', true],
    ['*/new', 'orders/old', false],
    ['*/*', 'a/b', true],
    ['*/*', 'a', false],
    ['*/*', 'a/b/c', false],
    ['a/*/c', 'a/b/c', true],
    ['a/*/c', 'a/b/d', false],
    ['a/*/c', 'a/c', false],
    ['orders/**', 'orders/new', true],
    ['orders/**', 'orders/eu/new', true],
    ['orders/**', 'orders', false],
    ['orders/**', 'other/new', false],
    ['**', 'orders', true],
    ['**', EIGHT, true],
    ['*/**', 'a', false],
    ['*/**', 'a/b', true],
    ['*/**', 'a/b/c', true],
    ['a/*/**', 'a/b', false],
    ['a/*/**', 'a/b/c', true],
    ['a/b/c/d/e/f/g/**', EIGHT, true],
    ['ab', 'a', false],
    ['a.c', 'abc', false],
    ['a+', 'aa', false],
    ['#', 'a', false],
    ['caf\u00e9', 'caf\u00e9', true],
  ];
  rows.forEach(([p, t, match], i) => {
    g.valid(`${String(i + 1).padStart(2, '0')}-${match ? 'yes' : 'no'}`, {
      comment: `${p} ${match ? 'matches' : 'does not match'} ${t}`,
      in: { pattern: hex(text(p)), topic: hex(text(t)) },
      out: { match },
      spec: ['topics.7', 'topics.12'],
      flags: ['Wildcard'],
    });
  });
  g.invalid('bad-pattern', {
    comment: 'a pattern that is none',
    in: { pattern: hex(text('**/a')), topic: hex(text('b/a')) },
    error: 'E_ENCODING',
    spec: ['topics.5'],
    from: '03-no',
    flags: ['Wildcard'],
  });
  g.invalid('bad-topic', {
    comment: 'a topic that is a pattern',
    in: { pattern: hex(text('orders/*')), topic: hex(text('orders/*')) },
    error: 'E_ENCODING',
    spec: ['topics.4'],
    from: '08-yes',
    flags: ['Wildcard'],
  });
}

const ROUTE: Bytes = seeded('route secret', 32);
const GROUP: Bytes = seeded('group id', 16);
const PERIOD: number = Number(NOW / 86_400_000n);

function tags(file: VectorFile): void {
  const g = file.group('tag', 'topic.tag', 'topics', 'topic', false);
  const base = { routeSecret: ROUTE, groupId: GROUP, period: PERIOD, topic: 'orders/eu/new' };
  const input = (v: typeof base): Members => ({
    routeSecret: hex(v.routeSecret),
    groupId: hex(v.groupId),
    period: v.period,
    topic: hex(text(v.topic)),
  });
  const good = (id: string, comment: string, over: Partial<typeof base>, flags: string[] = []): void => {
    const v = { ...base, ...over };
    const { routeKey, values } = chainOf(v.routeSecret, v.groupId, v.period, parseTopic(text(v.topic)));
    const short = values.map((t) => t.slice(0, 16));
    const tag = short.pop() ?? routeKey;
    g.valid(id, {
      comment,
      in: input(v),
      out: { routeKey: hex(routeKey), tag: hex(tag), chain: hex(cat(...short)) },
      spec: ['topics.8', 'topics.9', 'topics.11'],
      flags,
    });
  };
  good('three', 'three segments: a chain of three values, and the tag is the fourth', {});
  good('one', 'one segment: a chain of one value', { topic: 'orders' });
  good('two', 'the parent of the first case: its tag is the last chain value of it', { topic: 'orders/eu' });
  good('eight', 'eight segments: a chain of 128 bytes', { topic: EIGHT }, ['Limit']);
  good('next-period', 'the next period: another route key, another everything', { period: PERIOD + 1 });
  good('period-0', 'period 0', { period: 0 });
  good('period-max', 'period 2^32 - 1', { period: 4_294_967_295 }, ['Limit']);
  good('other-group', 'another group', { groupId: seeded('another group id', 16) });
  good('other-secret', 'another route secret', { routeSecret: seeded('another route secret', 32) });
  good('boundary-ab-c', '"ab/c": lengths stand in the chain', { topic: 'ab/c' });
  good('boundary-a-bc', '"a/bc": another tag', { topic: 'a/bc' });
  good('utf8', 'the bytes of the text count', { topic: 'caf\u00e9' }, ['Unicode']);
  good('segment-255', 'a segment of 255 bytes: its length fills a byte', { topic: S255 }, ['Limit']);
  const bad = (
    id: string,
    comment: string,
    over: Partial<typeof base>,
    error: string,
    spec: string[],
    flags: string[] = [],
  ): void => {
    g.invalid(id, { comment, in: input({ ...base, ...over }), error, spec, from: 'three', flags });
  };
  bad('empty-topic', 'no topic', { topic: '' }, 'E_ENCODING', ['topics.1']);
  bad('pattern', 'a pattern has no tag', { topic: 'orders/*' }, 'E_ENCODING', ['topics.4'], ['Wildcard']);
  bad('nine', 'nine segments', { topic: `${EIGHT}/i` }, 'E_LIMIT', ['topics.2'], ['Limit']);
  bad('nfd', 'not in NFC', { topic: 'cafe\u0301' }, 'E_ENCODING', ['topics.3'], ['Unicode']);
  bad(
    'secret-31',
    'a route secret of 31 bytes',
    { routeSecret: ROUTE.slice(0, 31) },
    'E_USAGE',
    ['suites.9'],
    ['KeyUse'],
  );

  const t = file.group('token', 'topic.token', 'topics', 'topic', false);
  const token = (id: string, comment: string, pattern: string): void => {
    const made = tokenOf(ROUTE, GROUP, PERIOD, parsePattern(text(pattern)));
    const out: Members = { kind: made.kind, token: hex(made.token) };
    if (made.level !== undefined) out['level'] = made.level;
    t.valid(id, {
      comment,
      in: { routeSecret: hex(ROUTE), groupId: hex(GROUP), period: PERIOD, pattern: hex(text(pattern)) },
      out,
      spec: ['topics.11', 'topics.12'],
      flags: ['Wildcard'],
    });
  };
  token('exact', 'no wildcard: the tag of the topic', 'orders/eu/new');
  token('exact-one', 'no wildcard, one segment', 'orders');
  token('prefix-1', 'one literal segment, then **', 'orders/**');
  token('prefix-2', 'two literal segments, then **', 'orders/eu/**');
  token('rest-only', '** alone: t_0, level 0', '**');
  token('star-last', 'a * after two literal segments: level 2', 'orders/eu/*');
  token('star-middle', 'a * after one literal segment: level 1, the rest is filtered later', 'orders/*/new');
  token('star-first', 'a * first: level 0', '*/new');
  token('star-only', 'a * alone: level 0', '*');
  token('star-rest', 'a * and then **: level 1', 'orders/*/**');
  t.invalid('bad-pattern', {
    comment: '** not last',
    in: { routeSecret: hex(ROUTE), groupId: hex(GROUP), period: PERIOD, pattern: hex(text('**/new')) },
    error: 'E_ENCODING',
    spec: ['topics.5'],
    from: 'rest-only',
    flags: ['Wildcard'],
  });
  t.invalid('empty-pattern', {
    comment: 'no pattern',
    in: { routeSecret: hex(ROUTE), groupId: hex(GROUP), period: PERIOD, pattern: '' },
    error: 'E_ENCODING',
    spec: ['topics.1', 'topics.6'],
    from: 'exact-one',
    flags: ['Wildcard'],
  });
}

function periods(file: VectorFile): void {
  const g = file.group('periods', 'topic.periods', 'topics', 'topic');
  const DAY = 86_400_000n;
  const midnight = 20_000n * DAY;
  const add = (id: string, comment: string, now: bigint, more: Members, list: number[]): void => {
    const get = (name: string, fallback: bigint): bigint => BigInt((more[name] as string | undefined) ?? fallback);
    const model = periodsOf(now, get('periodMs', DAY), get('maxAgeMs', 120_000n), get('skewMs', 30_000n));
    if (model.join() !== list.join()) throw new Error(`${id}: ${model.join()}`);
    g.valid(id, {
      comment,
      in: { now: now.toString(), ...more },
      out: { periods: list },
      spec: ['topics.10', 'topics.8'],
    });
  };
  add('midday', 'far from the ends of a day: one period', midnight + DAY / 2n, {}, [20_000]);
  add('midnight', 'at midnight both days count', midnight, {}, [19_999, 20_000]);
  add(
    'after-max-age',
    'max_age after midnight: now - max_age is midnight itself, the new day',
    midnight + 120_000n,
    {},
    [20_000],
  );
  add(
    'after-max-age-minus-1',
    'one millisecond before that: the day before still counts',
    midnight + 119_999n,
    {},
    [19_999, 20_000],
  );
  add(
    'before-skew',
    'skew before midnight: now + skew is midnight itself, so the next day counts',
    midnight - 30_000n,
    {},
    [19_999, 20_000],
  );
  add('before-skew-minus-1', 'one millisecond before that: only the old day', midnight - 30_001n, {}, [19_999]);
  add('hour', 'periods of an hour', midnight + 60_000n, { periodMs: '3600000' }, [479_999, 480_000]);
  add(
    'minute',
    'periods of a minute: several overlap',
    midnight,
    { periodMs: '60000' },
    [28_799_998, 28_799_999, 28_800_000],
  );
  add('other-max-age', 'a max_age of ten minutes', midnight + 599_999n, { maxAgeMs: '600000' }, [19_999, 20_000]);
  add('other-skew', 'a skew of none', midnight - 1n, { skewMs: '0' }, [19_999]);
}

export function topics(): VectorFile {
  const file = new VectorFile('topics');
  names(file);
  matching(file);
  tags(file);
  periods(file);
  return file;
}
