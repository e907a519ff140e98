/** extensions.json: step 5. */
import { VectorFile } from '../cases.ts';
import { merkleValue, rawEnvelope, rawLeaf, rawOut, type Raw } from '../raw.ts';
import { cat, hex, seeded, text, u16, u32, u64, u8, vec16, zeros, type Bytes } from '../twin/bytes.ts';
import { encodeExtension, encodeExtensions, known, type Extension } from '../twin/extensions.ts';
import { NOW } from '../world.ts';

const SAFE = (1n << 53n) - 1n;

function survey(deadline: bigint, replyKey: Bytes): Bytes {
  return cat(seeded('survey id', 16), u64(deadline), u32(20), vec16(replyKey));
}

const VALUES: Record<number, Bytes> = {
  2: survey(NOW + 1000n, seeded('reply pk', 32)),
  3: seeded('prev envelope', 32),
  4: u64(NOW + 60_000n),
  5: seeded('compaction', 16),
  6: seeded('trace', 32),
  7: seeded('idempotency', 16),
  8: u64(41),
  9: seeded('chain', 48),
  10: seeded('reply route', 16),
  11: seeded('commit', 32),
  12: seeded('routing', 52),
};
const NAMES: Record<number, string> = {
  1: 'merkle',
  2: 'survey',
  3: 'prev-envelope',
  4: 'expiry',
  5: 'compaction-tag',
  6: 'trace',
  7: 'idempotency-key',
  8: 'head-seq',
  9: 'topic-chain',
  10: 'reply-route',
  11: 'record-commit',
  12: 'routing',
};

export function extensions(): VectorFile {
  const file = new VectorFile('extensions');
  const g = file.group('parse', 'envelope.parse', 'codec', 'extensions');
  const ext = (n: number, value: Bytes = VALUES[n] ?? zeros(0)): Extension => known(n, value);
  const unknown = (number: number, value: Bytes = zeros(0), critical = false): Extension => ({
    number,
    critical,
    value,
  });
  const good = (
    id: string,
    comment: string,
    list: Extension[],
    spec: string[],
    flags: string[] = [],
    r: Partial<Raw> = {},
  ): void => {
    const raw = { ...r, extensions: list };
    g.valid(id, { comment, in: { bytes: hex(rawEnvelope(raw)) }, out: rawOut(raw), spec, flags });
  };
  const bad = (
    id: string,
    comment: string,
    area: Bytes | Extension[],
    spec: string[],
    from: string,
    flags: string[] = [],
    error = 'E_EXT',
    r: Partial<Raw> = {},
  ): void => {
    const bytes = Array.isArray(area) ? encodeExtensions(area) : area;
    g.invalid(id, {
      comment,
      in: { bytes: hex(rawEnvelope({ ...r, area: bytes })) },
      error,
      spec,
      from,
      flags,
      layer: 'extensions',
    });
  };
  const merkleRaw: Partial<Raw> = { header: { flags: 3, count: 4 }, body: cat(rawLeaf(6), rawLeaf(6)) };
  const merkleExt = merkleValue(seeded('raw root', 32), 2, 2);

  good('none', 'no extension', [], ['envelope.10']);
  good(
    'merkle',
    'extension 1 in a Merkle batch',
    [merkleExt],
    ['envelope.8', 'envelope.13', 'envelope.14'],
    [],
    merkleRaw,
  );
  for (const n of [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]) {
    good(
      NAMES[n] ?? '',
      `extension ${n} alone`,
      [ext(n)],
      n === 3 ? ['envelope.7', 'envelope.9', 'envelope.13'] : ['envelope.7', 'envelope.13'],
    );
  }
  good(
    'all',
    'all that a single may carry, in order',
    [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12].map((n) => ext(n)),
    ['envelope.7', 'envelope.10'],
  );
  good(
    'all-merkle',
    'all in a Merkle batch',
    [merkleExt, ...[2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12].map((n) => ext(n))],
    ['envelope.7', 'envelope.10'],
    [],
    merkleRaw,
  );
  good('survey-no-key', 'a survey whose reply_pk has no bytes', [ext(2, survey(NOW, zeros(0)))], ['envelope.13']);
  good(
    'survey-long-key',
    'a survey with a reply_pk of 300 bytes',
    [ext(2, survey(NOW, seeded('long', 300)))],
    ['envelope.13'],
  );
  good('chain-1', 'a chain of one value', [ext(9, seeded('chain', 16))], ['envelope.13'], ['Limit']);
  good('chain-8', 'a chain of eight values', [ext(9, seeded('chain', 128))], ['envelope.13'], ['Limit']);
  good('routing-20', 'routing data of no bytes', [ext(12, seeded('routing', 20))], ['envelope.13'], ['Limit']);
  good('routing-1044', 'routing data of 1,024 bytes', [ext(12, seeded('routing', 1044))], ['envelope.13'], ['Limit']);
  good('expiry-0', 'expiry 0', [ext(4, u64(0))], ['envelope.13']);
  good('expiry-limit', 'expiry 2^53 - 1', [ext(4, u64(SAFE))], ['envelope.34', 'envelope.13'], ['Limit']);
  good('head-seq-limit', 'head_seq 2^53 - 1', [ext(8, u64(SAFE))], ['envelope.34', 'envelope.13'], ['Limit']);
  good(
    'deadline-limit',
    'deadline 2^53 - 1',
    [ext(2, survey(SAFE, seeded('reply pk', 32)))],
    ['envelope.34', 'envelope.13'],
    ['Limit'],
  );
  good(
    'unknown',
    'an unknown extension without the critical bit',
    [unknown(13, text('later'))],
    ['envelope.11', 'envelope.12'],
  );
  good('unknown-empty', 'an unknown extension without a value', [unknown(13)], ['envelope.12']);
  good('unknown-last-number', 'number 0x7fff', [unknown(0x7fff, u8(1))], ['envelope.12']);
  good('private', 'a private number', [unknown(0x7f00, text('ours'))], ['envelope.12']);
  good(
    'unknown-between',
    'unknown ones behind known ones',
    [ext(6), unknown(13, u8(1)), unknown(300, u8(2))],
    ['envelope.12', 'envelope.10'],
  );
  for (const grease of [0x0a0a, 0x3a3a, 0x7a7a]) {
    const name = grease.toString(16).padStart(4, '0');
    good(
      `grease-${name}`,
      `GREASE number 0x${name} is ignored (I08)`,
      [ext(6), unknown(grease, seeded('grease', 7))],
      ['envelope.12'],
      ['Grease'],
    );
  }
  const many = (count: number): Extension[] => Array.from({ length: count }, (_, i) => unknown(100 + i));
  good('32', '32 extensions', many(32), ['envelope.15'], ['Limit']);
  good('area-4096', 'ext_len 4,096', [unknown(13, seeded('large extension', 4092))], ['envelope.34'], ['Limit']);

  // Order and overrun
  const o = ['envelope.10'];
  bad('duplicate', 'the same extension twice (T39)', [ext(6), ext(6)], o, 'trace');
  bad(
    'duplicate-other-value',
    'the same number with another value (T39)',
    [ext(6), ext(6, seeded('trace 2', 32))],
    o,
    'trace',
  );
  bad('duplicate-unknown', 'an unknown extension twice', [unknown(13), unknown(13)], o, 'unknown');
  bad('number-0', 'number 0: numbers increase from 1 on', [unknown(0)], o, 'unknown');
  bad('number-0-critical', 'number 0 with the critical bit', [unknown(0, zeros(0), true)], o, 'unknown');
  bad(
    'number-0-zeros',
    'four zero bytes, as if the area were padded',
    cat(encodeExtension(ext(6)), zeros(4)),
    o,
    'trace',
    ['Trailing'],
  );
  bad('unsorted', '6 before 4 (T40)', [ext(6), ext(4)], o, 'all');
  bad('unsorted-by-type', 'sorted by type with the critical bit, not by number: 5, 4', [ext(5), ext(4)], o, 'all');
  bad('unsorted-unknown', 'a known one behind an unknown one', [unknown(13), ext(6)], o, 'unknown-between');
  bad('overrun-value', 'a value that is one byte short (T42)', encodeExtension(ext(6)).slice(0, -1), o, 'trace', [
    'Truncated',
  ]);
  bad('overrun-value-all', 'a type and a length, and nothing more (T42)', cat(u16(6), u16(32)), o, 'trace', [
    'Truncated',
  ]);
  bad('overrun-length-max', 'a length of 65,535 (T42)', cat(u16(13), u16(65_535), zeros(4)), o, 'unknown', [
    'Truncated',
  ]);
  for (const left of [1, 2, 3]) {
    bad(
      `overrun-head-${left}`,
      `${left} of the four bytes of type and len are left`,
      cat(encodeExtension(ext(6)), encodeExtension(ext(8)).slice(0, left)),
      o,
      'trace',
      ['Truncated'],
    );
  }
  bad('trailing-zero', 'a zero byte after the last extension', cat(encodeExtension(ext(6)), zeros(1)), o, 'trace', [
    'Trailing',
  ]);

  // Criticality
  const c = ['envelope.11'];
  bad('unknown-critical', 'number 13 with the critical bit (T41)', [unknown(13, text('later'), true)], c, 'unknown', [
    'UnknownCritical',
  ]);
  bad(
    'grease-critical',
    'a GREASE number with the critical bit',
    [unknown(0x0a0a, seeded('grease', 7), true)],
    c,
    'grease-0a0a',
    ['UnknownCritical', 'Grease'],
  );
  bad(
    'private-critical',
    'a private number with the critical bit',
    [unknown(0x7f00, text('ours'), true)],
    c,
    'private',
    ['UnknownCritical'],
  );
  bad(
    'unknown-critical-last',
    'the last of several is unknown and critical',
    [ext(4), ext(6), unknown(500, zeros(0), true)],
    c,
    'unknown-between',
    ['UnknownCritical'],
  );
  for (const n of [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]) {
    const right = ext(n);
    bad(
      `criticality-${n}`,
      `extension ${n} with the other criticality`,
      [{ ...right, critical: !right.critical }],
      ['envelope.13', 'envelope.7'],
      NAMES[n] ?? '',
      ['Criticality'],
    );
  }
  bad(
    'criticality-1',
    'extension 1 without the critical bit in a Merkle batch',
    [{ ...merkleExt, critical: false }],
    ['envelope.13', 'envelope.7'],
    'merkle',
    ['Criticality'],
    'E_EXT',
    merkleRaw,
  );

  // Lengths
  const l = ['envelope.13'];
  for (const n of [3, 4, 5, 6, 7, 8, 10, 11]) {
    const value = VALUES[n] ?? zeros(0);
    bad(`length-${n}-short`, `extension ${n} one byte short`, [ext(n, value.slice(0, -1))], l, NAMES[n] ?? '');
    bad(`length-${n}-long`, `extension ${n} one byte long`, [ext(n, cat(value, zeros(1)))], l, NAMES[n] ?? '');
    bad(`length-${n}-empty`, `extension ${n} without a value`, [ext(n, zeros(0))], l, NAMES[n] ?? '');
  }
  bad(
    'length-1-short',
    'extension 1 one byte short',
    [{ ...merkleExt, value: merkleExt.value.slice(0, -1) }],
    l,
    'merkle',
    [],
    'E_EXT',
    merkleRaw,
  );
  bad(
    'length-1-long',
    'extension 1 one byte long',
    [{ ...merkleExt, value: cat(merkleExt.value, zeros(1)) }],
    l,
    'merkle',
    [],
    'E_EXT',
    merkleRaw,
  );
  bad('survey-29', 'a survey of 29 bytes', [ext(2, survey(NOW, zeros(0)).slice(0, 29))], l, 'survey-no-key');
  bad(
    'survey-key-short',
    'reply_pk is one byte shorter than its length says',
    [ext(2, survey(NOW, seeded('reply pk', 32)).slice(0, -1))],
    l,
    'survey',
  );
  bad(
    'survey-key-long',
    'a byte follows reply_pk',
    [ext(2, cat(survey(NOW, seeded('reply pk', 32)), zeros(1)))],
    l,
    'survey',
  );
  bad('chain-0', 'a chain of no values', [ext(9, zeros(0))], l, 'chain-1', ['Limit']);
  bad('chain-15', 'a chain of 15 bytes', [ext(9, seeded('chain', 15))], l, 'chain-1');
  bad('chain-17', 'a chain of 17 bytes', [ext(9, seeded('chain', 17))], l, 'chain-1');
  bad('chain-9', 'a chain of nine values', [ext(9, seeded('chain', 144))], l, 'chain-8', ['Limit']);

  for (const length of [0, 4, 16, 19])
    bad(`routing-${length}`, `extension 12 of ${length} bytes`, [ext(12, seeded('routing', length))], l, 'routing-20', [
      'Limit',
    ]);
  bad('routing-1045', 'extension 12 of 1,045 bytes', [ext(12, seeded('routing', 1045))], l, 'routing-1044', ['Limit']);
  bad('routing-4092', 'extension 12 of 4,092 bytes', [ext(12, seeded('routing', 4092))], l, 'routing-1044', ['Limit']);
  bad('routing-twice', 'extension 12 twice', [ext(12), ext(12)], o, 'routing');
  bad(
    'routing-criticality-length',
    'extension 12 of 19 bytes, without the critical bit',
    [{ ...ext(12, seeded('routing', 19)), critical: false }],
    l,
    'routing',
    ['Criticality', 'Order'],
  );

  // Misplaced
  const m = ['envelope.14'];
  bad('merkle-in-single', 'extension 1 in a single', [merkleExt], ['envelope.8', ...m], 'merkle');
  bad('merkle-in-batch', 'extension 1 in a whole batch', [merkleExt], ['envelope.8', ...m], 'merkle', [], 'E_EXT', {
    header: { flags: 1, count: 4 },
  });
  bad(
    'merkle-missing',
    'a Merkle batch without extension 1',
    [],
    ['envelope.8', ...m],
    'merkle',
    [],
    'E_EXT',
    merkleRaw,
  );
  bad(
    'merkle-missing-others',
    'a Merkle batch with other extensions only',
    [ext(4), ext(6)],
    ['envelope.8', ...m],
    'merkle',
    [],
    'E_EXT',
    merkleRaw,
  );
  bad('prev-first', 'extension 3 where seq is 1', [ext(3)], ['envelope.9', ...m], 'prev-envelope', [], 'E_EXT', {
    header: { seq: 1n },
  });

  // Limits
  const limit = ['Limit'];
  bad('33', '33 extensions', many(33), ['envelope.15'], '32', limit, 'E_LIMIT');
  bad('1024', '4,096 bytes of empty extensions', many(1024), ['envelope.15'], '32', limit, 'E_LIMIT');
  bad(
    'area-4097',
    'ext_len 4,097',
    [unknown(13, seeded('large extension', 4093))],
    ['envelope.34'],
    'area-4096',
    limit,
    'E_LIMIT',
  );
  g.invalid('area-65535', {
    comment: 'ext_len 65,535, and no such bytes (D03): the limit is met before the sum',
    in: { bytes: hex(rawEnvelope({ header: { extLen: 65_535 } })) },
    error: 'E_LIMIT',
    spec: ['envelope.34'],
    from: 'none',
    flags: limit,
    layer: 'header',
  });
  bad('expiry-2p53', 'expiry 2^53', [ext(4, u64(1n << 53n))], ['envelope.34'], 'expiry-limit', limit, 'E_LIMIT');
  bad(
    'expiry-max',
    'expiry 2^64 - 1',
    [ext(4, u64((1n << 64n) - 1n))],
    ['envelope.34'],
    'expiry-limit',
    limit,
    'E_LIMIT',
  );
  bad('head-seq-2p53', 'head_seq 2^53', [ext(8, u64(1n << 53n))], ['envelope.34'], 'head-seq-limit', limit, 'E_LIMIT');
  bad(
    'deadline-2p53',
    'deadline 2^53',
    [ext(2, survey(1n << 53n, seeded('reply pk', 32)))],
    ['envelope.34'],
    'deadline-limit',
    limit,
    'E_LIMIT',
  );

  // The order within one extension, and from the front
  const order = (id: string, comment: string, area: Bytes | Extension[], error: string, r: Partial<Raw> = {}): void =>
    bad(
      id,
      comment,
      area,
      ['envelope.10', 'envelope.11', 'envelope.13', 'envelope.15', 'errors.2'],
      'all',
      ['Order'],
      error,
      r,
    );
  order(
    'order-front-first',
    'a u64 above its limit, and behind it an unknown critical one',
    [ext(4, u64(1n << 60n)), unknown(13, zeros(0), true)],
    'E_LIMIT',
  );
  order(
    'order-front-first-2',
    'an unknown critical one, and behind it 40 more',
    [unknown(50, zeros(0), true), ...many(40)],
    'E_EXT',
  );
  order(
    'order-number-before-critical',
    'the 33rd is also unknown and critical: the number of extensions comes first',
    [...many(32), unknown(200, zeros(0), true)],
    'E_LIMIT',
  );
  order(
    'order-order-before-number',
    'the 33rd is also a duplicate: the order comes first',
    [...many(32), unknown(131)],
    'E_EXT',
  );
  order(
    'order-overrun-before-number',
    'the 33rd also overruns: that comes first',
    cat(encodeExtensions(many(32)), u16(300), u16(1)),
    'E_EXT',
  );
  order(
    'order-length-before-u64',
    'a head_seq of nine bytes that is also above its limit',
    [ext(8, cat(u64(1n << 63n), zeros(1)))],
    'E_EXT',
  );
  order(
    'order-merkle-missing-last',
    'a Merkle batch without extension 1 whose expiry is above its limit: the missing one is found last',
    [ext(4, u64(1n << 60n))],
    'E_LIMIT',
    merkleRaw,
  );
  order('order-before-count', 'a duplicate, and count 0: step 5 comes before step 6', [ext(6), ext(6)], 'E_EXT', {
    header: { count: 0 },
  });
  return file;
}
