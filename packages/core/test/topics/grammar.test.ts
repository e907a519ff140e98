import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TridcommError } from '../../src/errors.ts';
import { matchesTopic, parsePattern, parseTopic } from '../../src/topics/grammar.ts';
import { isNfc } from '../../src/topics/nfc.ts';
import { decodeUtf8, encodeUtf8, utf8Length } from '../../src/topics/utf8.ts';

function codeOf(run: () => unknown): string {
  try {
    run();
    return 'ok';
  } catch (error) {
    if (error instanceof TridcommError) return error.code;
    throw error;
  }
}

const topic = (text: string | Uint8Array): string => codeOf(() => parseTopic(text));
const pattern = (text: string | Uint8Array): string => codeOf(() => parsePattern(text));
const eight = 'a/b/c/d/e/f/g/h';

describe('parseTopic', () => {
  it('gives the segments', () => {
    expect(parseTopic('orders/eu/neu ü').segments).toEqual(['orders', 'eu', 'neu ü']);
    expect(parseTopic(new TextEncoder().encode('a/😀')).segments).toEqual(['a', '😀']);
    expect(parseTopic(`\ufeffa`).segments).toEqual(['\ufeffa']);
  });

  it.each(['', '/', '/a', 'a/', 'a//b', '//'])('topics.1 topics.6 refuses %j', (text) => {
    expect([topic(text), pattern(text)]).toEqual(['E_ENCODING', 'E_ENCODING']);
  });

  it('topics.2 topics.6 takes 8 segments of 255 bytes', () => {
    const long = Array.from({ length: 8 }, () => 'ü'.repeat(127) + 'x').join('/');
    expect([topic(long), pattern(long), topic(eight)]).toEqual(['ok', 'ok', 'ok']);
    expect([topic(`${eight}/i`), pattern(`${eight}/**`)]).toEqual(['E_LIMIT', 'E_LIMIT']);
    for (const segment of ['x'.repeat(256), 'ü'.repeat(128), '漢'.repeat(86), '😀'.repeat(64)]) {
      expect([topic(segment), pattern(`a/${segment}`)]).toEqual(['E_LIMIT', 'E_LIMIT']);
    }
  });

  it.each([
    ['a continuation alone', [0x80]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['an overlong two', [0xe0, 0x9f, 0xbf]],
    ['an overlong three', [0xf0, 0x8f, 0xbf, 0xbf]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['a point above 10FFFF', [0xf4, 0x90, 0x80, 0x80]],
    ['a byte that starts nothing', [0xf8, 0x88, 0x80, 0x80, 0x80]],
    ['a cut point', [0x61, 0xe2, 0x82]],
    ['a point that a letter cuts', [0xe2, 0x61, 0x82]],
  ])('topics.3 topics.6 refuses %s', (_, bytes) => {
    expect([topic(Uint8Array.from(bytes)), pattern(Uint8Array.from(bytes))]).toEqual(['E_ENCODING', 'E_ENCODING']);
  });

  it.each(['\ud800', 'a\udc00', '\ud83dx', '\ude00\ud83d'])('topics.3 refuses the lone surrogate in %j', (text) => {
    expect([topic(text), pattern(text)]).toEqual(['E_ENCODING', 'E_ENCODING']);
  });

  it.each(['e\u0301', '\u212b', 'a\u0323\u0307\u0323'.normalize('NFD') + '\u0300\u0323', '\u1100\u1161'])(
    'topics.3 topics.6 refuses %j, which is not composed',
    (text) => {
      expect([topic(text), pattern(text)]).toEqual(['E_ENCODING', 'E_ENCODING']);
      expect([topic(text.normalize('NFC')), pattern(text.normalize('NFC'))]).toEqual(['ok', 'ok']);
    },
  );

  it.each(['\0', '\x1f', 'a\x7fb', '\x80', 'x\x9f', 'a/\n'])('topics.4 topics.6 refuses the control in %j', (text) => {
    expect([topic(text), pattern(text)]).toEqual(['E_ENCODING', 'E_ENCODING']);
  });

  it('topics.4 takes what stands next to the controls', () => {
    expect([topic(' '), topic('~'), topic('\xa0')]).toEqual(['ok', 'ok', 'ok']);
  });

  it.each(['*', 'a/*', 'a*b', '**', 'a/b*'])('topics.4 refuses the asterisk in %j', (text) => {
    expect(topic(text)).toBe('E_ENCODING');
  });

  it('topics.1 topics.2 topics.3 topics.4 the first failure wins', () => {
    const long = 'x'.repeat(256);
    expect([topic(`${long}/e\u0301`), topic(`${long}//a`), topic(`${long}/*`), topic(`${eight}/\0`)]).toEqual([
      'E_ENCODING',
      'E_ENCODING',
      'E_ENCODING',
      'E_ENCODING',
    ]);
    expect(pattern(`${eight}/a*`)).toBe('E_ENCODING');
  });
});

describe('parsePattern', () => {
  it('topics.5 knows where wildcards may stand', () => {
    expect(['*', '**', 'a/*', '*/a', 'a/*/b/**', '*/*', '*/**'].map(pattern)).toEqual(Array(7).fill('ok'));
    expect(['**/a', 'a/**/b', 'a*', '*a', 'a/b*c', '***', 'a/***', '**/**', '**/*', 'a**'].map(pattern)).toEqual(
      Array(10).fill('E_ENCODING'),
    );
  });

  it('topics.5 counts the literals before the first wildcard', () => {
    expect(['a/b', 'a/*', '**', '*/a', 'a/b/**'].map((text) => parsePattern(text).literals)).toEqual([2, 1, 0, 0, 2]);
  });
});

describe('matchesTopic', () => {
  const match = (of: string, text: string): boolean => matchesTopic(parsePattern(of), parseTopic(text));

  it.each([
    ['orders/**', 'orders/new', true],
    ['orders/**', 'orders/eu/new', true],
    ['orders/**', 'orders', false],
    ['orders/*', 'orders/new', true],
    ['orders/*', 'orders/eu/new', false],
    ['orders/*', 'orders', false],
    ['**', 'a', true],
    ['**', eight, true],
    ['*', 'a', true],
    ['*', 'a/b', false],
    ['*/b', 'a/b', true],
    ['*/b', 'a/c', false],
    ['a/b', 'a/b', true],
    ['a/b', 'A/b', false],
    ['a/b', 'a', false],
    ['a', 'a/b', false],
    ['*/*/**', 'a/b', false],
    ['*/*/**', 'a/b/c', true],
    ['ß', 'ss', false],
  ])('topics.7 topics.12 %s and %s: %j', (of, text, expected) => {
    expect(match(of, text)).toBe(expected);
  });

  it('topics.7 matches as the definition does', () => {
    const segment = fc.constantFrom('a', 'b', 'A');
    const wild = fc.tuple(fc.array(fc.constantFrom('a', 'b', '*'), { maxLength: 4 }), fc.constantFrom('a', '*', '**'));
    const texts = fc.array(segment, { minLength: 1, maxLength: 6 });
    const byDefinition = (of: readonly string[], text: readonly string[]): boolean => {
      const [first, ...rest] = of;
      if (first === undefined) return text.length === 0;
      if (first === '**') return text.length > 0;
      return text.length > 0 && (first === '*' || first === text[0]) && byDefinition(rest, text.slice(1));
    };
    fc.assert(
      fc.property(wild, texts, ([before, last], text) => {
        const of = [...before, last];
        expect(match(of.join('/'), text.join('/'))).toBe(byDefinition(of, text));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('hostile input', () => {
  const inputs: readonly [string, string][] = [
    ['separators', 'a/'.repeat(32_500) + 'a'],
    ['nothing but separators', '/'.repeat(65_000)],
    ['asterisks', '*'.repeat(65_000)],
    ['wildcards', '*/'.repeat(32_500) + '*'],
    ['one segment', 'a'.repeat(65_000)],
    ['marks in the wrong order', 'a' + '\u0301'.repeat(16_000) + '\u0323'.repeat(16_000)],
    ['marks in the right order', 'q' + '\u0323'.repeat(16_000) + '\u0301'.repeat(16_000)],
    ['one mark that composes, at the end', 'e' + '\u0334'.repeat(32_000) + '\u0301'],
  ];

  it.each(inputs)('topics.2 topics.3 topics.6 %s: refused in time that is linear', (_, text) => {
    const bytes = encodeUtf8(text);
    const started = performance.now();
    for (const input of [text, bytes]) expect([topic(input), pattern(input)]).not.toContain('ok');
    // Quadratic work on inputs like these takes seconds; the bound is wide for the sake of busy machines.
    expect(performance.now() - started).toBeLessThan(500);
  });
});

describe('UTF-8 and Normalization Form C', () => {
  it('topics.3 agrees with the platform on any bytes', () => {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 12 }),
      fc.string({ unit: 'binary', maxLength: 40 }).map((text) => new TextEncoder().encode(text)),
      fc.array(fc.constantFrom(0x61, 0x80, 0xbf, 0xc2, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0x90, 0xa0), { maxLength: 8 }).map((list) => Uint8Array.from(list)), // prettier-ignore
    );
    fc.assert(
      fc.property(bytes, (input) => {
        let expected: string | undefined;
        try {
          expected = decoder.decode(input);
        } catch {
          expected = undefined;
        }
        expect(decodeUtf8(input)).toBe(expected);
        if (expected !== undefined) expect(encodeUtf8(expected)).toEqual(input);
      }),
      { numRuns: 5_000 },
    );
    expect(decodeUtf8(encodeUtf8('aü漢😀'.repeat(5_000)))).toBe('aü漢😀'.repeat(5_000));
  });

  it('topics.3 counts bytes and finds lone surrogates', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', 'ü', '漢', '\ud83d', '\ude00', '\udfff'), maxLength: 8 }),
        (text) => {
          const wellFormed = new TextDecoder().decode(new TextEncoder().encode(text)) === text;
          expect(utf8Length(text)).toBe(wellFormed ? new TextEncoder().encode(text).length : -1);
        },
      ),
    );
  });

  it('topics.3 looks through windows and sees what the whole text shows', () => {
    const unit = fc.constantFrom('a', 'e', 'é', 'ṩ', '\u0301', '\u0323', '\u0334', '\u0345', '각', '\u11a8', '\u1161', '😀', '\u{1d15f}', '\u0344'); // prettier-ignore
    const text = fc.string({ unit, maxLength: 300, size: 'max' });
    const check = (each: string): void => expect(isNfc(each)).toBe(each === each.normalize('NFC'));
    fc.assert(
      fc.property(text, (each) => {
        check(each);
        check(each.normalize('NFC'));
      }),
      { numRuns: 1_000 },
    );
  });
});
