/** parse.json: lengths, bodies and leaves, steps 1, 4 and 6, of envelopes and jobs. */
import { VectorFile } from '../cases.ts';
import { merkleValue, rawEnvelope, rawJob, rawJobOut, rawLeaf, rawOut, type Raw, type RawJob } from '../raw.ts';
import { cat, hex, put, seeded, u16, u32, u8, zeros, type Bytes } from '../twin/bytes.ts';
import type { Extension } from '../twin/extensions.ts';
import { AT } from '../twin/header.ts';

const TRACE: Extension = { number: 6, critical: false, value: seeded('trace', 32) };
const ROOT: Bytes = seeded('raw root', 32);

function envelopes(file: VectorFile): void {
  const g = file.group('envelope', 'envelope.parse', 'codec', 'body');
  const good = (id: string, comment: string, r: Partial<Raw>, spec: string[], flags: string[] = []): void => {
    g.valid(id, { comment, in: { bytes: hex(rawEnvelope(r)) }, out: rawOut(r), spec, flags });
  };
  const bad = (
    id: string,
    comment: string,
    bytes: Bytes,
    error: string,
    spec: string[],
    from: string,
    flags: string[] = [],
    layer = 'body',
  ): void => {
    g.invalid(id, { comment, in: { bytes: hex(bytes) }, error, spec, from, flags, layer });
  };
  const full: Partial<Raw> = { extensions: [TRACE], keyinfo: seeded('raw keyinfo', 20) };
  const base = rawEnvelope(full);
  const l = ['envelope.34'];
  good('full', 'extensions, keyinfo and body', full, ['envelope.31', ...l]);
  good('keyinfo-4096', 'keyinfo_len 4,096', { keyinfo: seeded('large keyinfo', 4096) }, l, ['Limit']);
  good('empty-payload', 'a single whose payload has no bytes: the body is a tag', { body: seeded('tag', 16) }, [
    'envelope.35',
  ]);
  good(
    'batch-3-per-record',
    'a whole batch with just three bytes for each of four records',
    { header: { flags: 1, count: 4 }, body: seeded('b', 16 + 12) },
    ['envelope.35'],
    ['Limit'],
  );

  // Every class of truncation
  const names: Record<number, string> = {
    0: 'nothing',
    1: 'one byte',
    2: 'the magic',
    3: 'magic and version',
    8: 'the header up to the flags',
    95: 'one byte less than a header',
    96: 'the header',
    97: 'header and one byte',
    132: 'header and extensions',
    152: 'all up to the body',
    159: 'one byte less than the shortest envelope',
    160: 'as much as the shortest envelope',
    192: 'all but the signature',
    193: 'one byte of the signature',
    255: 'all but one byte',
  };
  for (const [length, name] of Object.entries(names)) {
    bad(
      `truncated-${length}`,
      `the input ends after ${length} bytes: ${name}`,
      base.slice(0, Number(length)),
      'E_LENGTH',
      l,
      'full',
      ['Truncated'],
      'header',
    );
  }
  if (base.length !== 256) throw new Error('the names above are for 256 bytes');
  bad(
    'trailing-1',
    'one byte after the signature (T50)',
    cat(base, zeros(1)),
    'E_LENGTH',
    l,
    'full',
    ['Trailing'],
    'header',
  );
  bad(
    'trailing-64',
    'a second signature (T50)',
    cat(base, seeded('second signature', 64)),
    'E_LENGTH',
    l,
    'full',
    ['Trailing'],
    'header',
  );
  bad('twice', 'the envelope twice', cat(base, base), 'E_LENGTH', l, 'full', ['Trailing'], 'header');
  const off = (field: 'extLen' | 'keyinfoLen' | 'bodyLen', by: number): Bytes => {
    const width = field === 'bodyLen' ? 4 : 2;
    const value = { extLen: 36, keyinfoLen: 20, bodyLen: 40 }[field] + by;
    return put(base, AT[field], width === 4 ? u32(value) : u16(value));
  };
  for (const field of ['extLen', 'keyinfoLen', 'bodyLen'] as const) {
    bad(`${field}-plus-1`, `${field} one too large (T48)`, off(field, 1), 'E_LENGTH', l, 'full', [], 'header');
    bad(`${field}-minus-1`, `${field} one too small (T48)`, off(field, -1), 'E_LENGTH', l, 'full', [], 'header');
    bad(
      `${field}-0`,
      `${field} 0 (T48)`,
      off(field, { extLen: -36, keyinfoLen: -20, bodyLen: -40 }[field]),
      'E_LENGTH',
      l,
      'full',
      [],
      'header',
    );
  }
  bad(
    'keyinfo-4097',
    'keyinfo_len 4,097, and the bytes are there',
    rawEnvelope({ keyinfo: seeded('large keyinfo', 4097) }),
    'E_LIMIT',
    l,
    'keyinfo-4096',
    ['Limit'],
    'header',
  );
  bad(
    'keyinfo-65535',
    'keyinfo_len 65,535',
    put(base, AT.keyinfoLen, u16(65_535)),
    'E_LIMIT',
    l,
    'keyinfo-4096',
    ['Limit'],
    'header',
  );
  bad(
    'body-limit',
    'body_len 1,040,224 is allowed: it is the sum that does not fit',
    put(base, AT.bodyLen, u32(1_040_224)),
    'E_LENGTH',
    l,
    'full',
    ['Limit'],
    'header',
  );
  bad(
    'body-limit-plus-1',
    'body_len 1,040,225',
    put(base, AT.bodyLen, u32(1_040_225)),
    'E_LIMIT',
    ['envelope.6', ...l],
    'full',
    ['Limit'],
    'header',
  );
  bad(
    'body-16-mib',
    'body_len 16 MiB + 1 (D02)',
    put(base, AT.bodyLen, u32(16_777_217)),
    'E_LIMIT',
    l,
    'full',
    ['Limit'],
    'header',
  );
  bad(
    'body-max',
    'body_len 2^32 - 1',
    put(base, AT.bodyLen, u32(4_294_967_295)),
    'E_LIMIT',
    l,
    'full',
    ['Limit'],
    'header',
  );
  bad(
    'sum-wraps',
    'lengths whose sum modulo 2^32 is what was received (T49): the limit of body_len is met first',
    rawEnvelope({ header: { keyinfoLen: 4, bodyLen: 4_294_967_292 }, body: zeros(0) }),
    'E_LIMIT',
    l,
    'full',
    ['Limit'],
    'header',
  );

  // Bodies
  const b = ['envelope.35'];
  bad(
    'body-15',
    'a single whose body has 15 bytes, one less than a tag',
    rawEnvelope({ body: seeded('b', 15) }),
    'E_ENCODING',
    b,
    'empty-payload',
  );
  bad('body-empty', 'a single without a body', rawEnvelope({ body: zeros(0) }), 'E_ENCODING', b, 'empty-payload');
  bad(
    'batch-body-15',
    'a whole batch whose body has 15 bytes',
    rawEnvelope({ header: { flags: 1, count: 1 }, body: seeded('b', 15) }),
    'E_ENCODING',
    b,
    'batch-3-per-record',
  );
  bad(
    'batch-too-small',
    'a whole batch of four records with 11 bytes of plaintext',
    rawEnvelope({ header: { flags: 1, count: 4 }, body: seeded('b', 16 + 11) }),
    'E_ENCODING',
    b,
    'batch-3-per-record',
    ['Limit'],
  );
  bad(
    'batch-only-tag',
    'count 1 and no plaintext (T51)',
    rawEnvelope({ header: { flags: 1, count: 1 }, body: seeded('b', 16) }),
    'E_ENCODING',
    b,
    'batch-3-per-record',
  );
  bad(
    'batch-count-65535',
    'count 65,535 with a tiny body (D04): refused before memory is reserved by count',
    rawEnvelope({ header: { flags: 1, count: 65_535 } }),
    'E_ENCODING',
    b,
    'batch-3-per-record',
    ['Limit'],
  );

  // Merkle bodies
  const merkle = (leafCount: number, jobsPerLeaf: number, count: number, body: Bytes): Partial<Raw> => ({
    header: { flags: 3, count },
    extensions: [merkleValue(ROOT, leafCount, jobsPerLeaf)],
    body,
  });
  const m21 = ['envelope.21'];
  const m22 = ['envelope.22'];
  good('merkle-full-leaves', 'four records in two leaves of two', merkle(2, 2, 4, cat(rawLeaf(6), rawLeaf(6))), m21);
  good(
    'merkle-rest',
    'five records in three leaves: the last has one',
    merkle(3, 2, 5, cat(rawLeaf(6), rawLeaf(7), rawLeaf(3))),
    [...m21, ...m22],
  );
  good('merkle-one-leaf', 'three records in one leaf of up to 65,535', merkle(1, 65_535, 3, rawLeaf(9)), m21, [
    'Limit',
  ]);
  good(
    'merkle-job-by-job',
    'three leaves of one record',
    merkle(3, 1, 3, cat(rawLeaf(3), rawLeaf(4), rawLeaf(5))),
    m21,
  );
  const rest = cat(rawLeaf(6), rawLeaf(7), rawLeaf(3));
  const mbad = (
    id: string,
    comment: string,
    r: Partial<Raw>,
    error: string,
    spec: string[],
    flags: string[] = [],
  ): void => bad(id, comment, rawEnvelope(r), error, spec, 'merkle-rest', flags);
  mbad('merkle-jobs-0', 'jobs_per_leaf 0', merkle(3, 0, 5, rest), 'E_ENCODING', m21);
  mbad(
    'merkle-leaves-minus-1',
    'leaf_count one too small',
    merkle(2, 2, 5, cat(rawLeaf(6), rawLeaf(14))),
    'E_ENCODING',
    m21,
  );
  mbad('merkle-leaves-plus-1', 'leaf_count one too large', merkle(4, 2, 5, cat(rest, rawLeaf(3))), 'E_ENCODING', m21);
  mbad('merkle-leaves-0', 'leaf_count 0', merkle(0, 2, 5, rest), 'E_ENCODING', m21);
  mbad(
    'merkle-leaves-records',
    'leaf_count is the number of records',
    merkle(5, 2, 5, cat(rawLeaf(6), rawLeaf(6), rawLeaf(6), rawLeaf(6), rawLeaf(6))),
    'E_ENCODING',
    m21,
  );
  mbad('merkle-leaves-4097', 'leaf_count 4,097', merkle(4097, 1, 4097, rest), 'E_LIMIT', ['envelope.36'], ['Limit']);
  mbad(
    'merkle-leaves-max',
    'leaf_count 2^32 - 1',
    merkle(4_294_967_295, 1, 5, rest),
    'E_LIMIT',
    ['envelope.36'],
    ['Limit'],
  );
  mbad(
    'merkle-leaves-4096-small',
    '4,096 leaves in a small body',
    merkle(4096, 1, 4096, rest),
    'E_ENCODING',
    ['envelope.35'],
    ['Limit'],
  );
  mbad(
    'merkle-body-small',
    'a body one byte too small for three leaves and five records',
    merkle(3, 2, 5, rest.slice(0, 74)),
    'E_ENCODING',
    ['envelope.35'],
    ['Limit'],
  );
  mbad(
    'merkle-leaf-long',
    'ct_len of the last leaf one too large',
    merkle(3, 2, 5, cat(rawLeaf(6), rawLeaf(7), rawLeaf(3, 4))),
    'E_LENGTH',
    m22,
  );
  mbad(
    'merkle-leaf-short',
    'ct_len of the last leaf one too small: a byte is left',
    merkle(3, 2, 5, cat(rawLeaf(6), rawLeaf(7), rawLeaf(4, 3))),
    'E_LENGTH',
    m22,
  );
  mbad(
    'merkle-leaf-max',
    'ct_len 2^32 - 1',
    merkle(3, 2, 5, cat(rawLeaf(6, 4_294_967_295), rawLeaf(7), rawLeaf(3))),
    'E_LENGTH',
    m22,
    ['Limit'],
  );
  mbad(
    'merkle-leaf-wraps',
    'ct_len 2^32 - 16: with the tag it is 0 where 32 bits are kept',
    merkle(3, 2, 5, cat(rawLeaf(6), rawLeaf(7), rawLeaf(3, 4_294_967_280))),
    'E_LENGTH',
    m22,
    ['Limit'],
  );
  mbad(
    'merkle-first-leaf-swallows',
    'ct_len of the first leaf reaches into the second',
    merkle(3, 2, 5, cat(rawLeaf(6, 60), rawLeaf(7), rawLeaf(3))),
    'E_LENGTH',
    m22,
  );
  mbad(
    'merkle-one-leaf-less',
    'the third leaf is missing, the second is as large as two',
    merkle(3, 2, 5, cat(rawLeaf(6), rawLeaf(30))),
    'E_LENGTH',
    m22,
  );
  mbad(
    'merkle-one-leaf-more',
    'four leaves where three are due',
    merkle(3, 2, 5, cat(rest, rawLeaf(3))),
    'E_LENGTH',
    m22,
  );
  mbad('merkle-trailing', 'a byte after the last leaf', merkle(3, 2, 5, cat(rest, zeros(1))), 'E_LENGTH', m22, [
    'Trailing',
  ]);
  mbad(
    'merkle-leaf-too-small',
    'the first leaf has five bytes for two records; the sum is large enough',
    merkle(3, 2, 5, cat(rawLeaf(5), rawLeaf(8), rawLeaf(3))),
    'E_ENCODING',
    ['envelope.35'],
    ['Limit'],
  );
  mbad(
    'merkle-last-leaf-too-small',
    'the last leaf has two bytes for one record',
    merkle(3, 2, 5, cat(rawLeaf(6), rawLeaf(8), rawLeaf(2))),
    'E_ENCODING',
    ['envelope.35'],
    ['Limit'],
  );
  const order = ['Order'];
  mbad(
    'order-leaf-limit-count',
    'leaf_count 4,097 and jobs_per_leaf 0: the limit comes first',
    merkle(4097, 0, 5, rest),
    'E_LIMIT',
    ['envelope.21', 'envelope.36'],
    order,
  );
  mbad(
    'order-count-walk',
    'a wrong leaf_count, and a body that cannot be walked',
    merkle(2, 2, 5, cat(rawLeaf(6), rawLeaf(7, 4_294_967_295), rawLeaf(3))),
    'E_ENCODING',
    ['envelope.21', 'envelope.22'],
    order,
  );
  mbad(
    'order-walk-small',
    'a leaf too small, and a byte after the last: the walk comes first',
    merkle(3, 2, 5, cat(rawLeaf(5), rawLeaf(8), rawLeaf(3), zeros(1))),
    'E_LENGTH',
    ['envelope.22', 'envelope.35'],
    order,
  );
}

function jobs(file: VectorFile): void {
  const g = file.group('job', 'job.parse', 'codec', 'body');
  const good = (id: string, comment: string, r: Partial<RawJob>, spec: string[], flags: string[] = []): void => {
    g.valid(id, { comment, in: { bytes: hex(rawJob(r)) }, out: rawJobOut(r), spec, flags });
  };
  const bad = (
    id: string,
    comment: string,
    bytes: Bytes,
    error: string,
    spec: string[],
    from = 'plain',
    flags: string[] = [],
    layer = 'body',
  ): void => {
    g.invalid(id, { comment, in: { bytes: hex(bytes) }, error, spec, from, flags, layer });
  };
  const l = ['envelope.34'];
  const base = rawJob();
  const merkle = (leafCount: number, jobsPerLeaf: number): Extension[] => [merkleValue(ROOT, leafCount, jobsPerLeaf)];
  good('plain', 'leaf 0 of 3', {}, ['envelope.24', ...l]);
  good(
    'keyinfo',
    'with keyinfo and a further extension',
    { extensions: [...merkle(3, 2), TRACE], keyinfo: seeded('raw keyinfo', 20) },
    l,
  );
  good(
    'last-leaf',
    'the last leaf, with one record of three bytes',
    { leaf: 2, sealed: seeded('last', 16 + 3), path: [seeded('raw path 1', 32)] },
    ['envelope.35'],
    ['Limit'],
  );
  good('no-path', 'no path: whether it fits is left to step 12', { path: [] }, ['envelope.25']);
  good(
    'path-255',
    'a path of 255 values: left to step 12 (D10)',
    { path: Array.from({ length: 255 }, (_, i) => seeded(`path ${i}`, 32)) },
    ['envelope.25'],
    ['Limit'],
  );
  good(
    'leaf-3-of-3',
    'a leaf that does not exist: left to step 12, whatever its size',
    { leaf: 3, sealed: seeded('any', 16) },
    ['envelope.25'],
  );
  good('leaf-max', 'leaf 2^32 - 1: left to step 12', { leaf: 4_294_967_295 }, ['envelope.25'], ['Limit']);
  good(
    'leaves-4096',
    'leaf 4,095 of 4,096, of 4,096 records',
    { leaf: 4095, extensions: merkle(4096, 1), header: { count: 4096, bodyLen: 23 * 4096 } },
    ['envelope.36'],
    ['Limit'],
  );
  good(
    'count-65535',
    'a leaf of a batch of 65,535 records in 4,096 leaves',
    {
      extensions: merkle(4096, 16),
      header: { count: 65_535, bodyLen: 20 * 4096 + 3 * 65_535 },
      sealed: seeded('leaf of 16', 16 + 48),
    },
    ['envelope.36'],
    ['Limit'],
  );
  good(
    'body-limit',
    'a leaf of a batch whose body_len is 1,040,224',
    { header: { bodyLen: 1_040_224 } },
    ['envelope.6', ...l],
    ['Limit'],
  );
  good(
    'body-len-unrelated',
    'body_len is that of the batch: nothing in the job has to add up to it',
    { header: { bodyLen: 700_000 } },
    ['envelope.23'],
  );

  const m = ['envelope.24'];
  bad(
    'flags-batch',
    'flag 1 clear: a leaf of a whole batch',
    put(rawJob(), AT.flags, u16(1)),
    'E_ENCODING',
    m,
    'plain',
    [],
    'header',
  );
  bad('flags-single', 'flags 0 and 1 clear', put(rawJob(), AT.flags, u16(0)), 'E_ENCODING', m, 'plain', [], 'header');
  bad('magic', 'the magic', put(base, 0, u8(0)), 'E_ENCODING', ['envelope.32'], 'plain', [], 'header');
  bad(
    'version',
    'the version',
    put(base, AT.version, u8(2)),
    'E_VERSION',
    ['envelope.32'],
    'plain',
    ['Downgrade'],
    'header',
  );
  bad(
    'suite',
    'an unknown suite',
    put(base, AT.suite, u16(3)),
    'E_SUITE',
    ['envelope.33'],
    'plain',
    ['Downgrade'],
    'header',
  );
  bad(
    'reserved-flag',
    'a reserved flag',
    put(base, AT.flags, u16(7)),
    'E_ENCODING',
    ['envelope.33'],
    'plain',
    ['Reserved'],
    'header',
  );
  bad(
    'kind',
    'an undefined kind',
    put(base, AT.patternKind, u8(0x80)),
    'E_ENCODING',
    ['envelope.33'],
    'plain',
    ['Reserved'],
    'header',
  );
  bad(
    'no-extension-1',
    'without extension 1',
    rawJob({ extensions: [TRACE] }),
    'E_EXT',
    ['envelope.14'],
    'keyinfo',
    [],
    'extensions',
  );
  bad(
    'extension-order',
    'extensions out of order',
    rawJob({ extensions: [TRACE, ...merkle(3, 2)] }),
    'E_EXT',
    ['envelope.10'],
    'keyinfo',
    [],
    'extensions',
  );

  const total = base.length; // 96 + 42 + 8 + 36 + 1 + 64 + 64
  if (total !== 311) throw new Error(`the job has ${total} bytes`);
  for (const length of [0, 1, 95, 96, 137, 138, 145, 146, 159, 160, 184, 185, 222, 223, 246, 247, 310]) {
    bad(
      `truncated-${length}`,
      `the input ends after ${length} of ${total} bytes`,
      base.slice(0, length),
      'E_LENGTH',
      l,
      'plain',
      ['Truncated'],
    );
  }
  bad('trailing', 'a byte after the signature', cat(base, zeros(1)), 'E_LENGTH', l, 'plain', ['Trailing']);
  bad('path-len-plus-1', 'path_len one too large', rawJob({ pathLen: 3 }), 'E_LENGTH', l);
  bad('path-len-minus-1', 'path_len one too small', rawJob({ pathLen: 1 }), 'E_LENGTH', l);
  bad('path-len-255', 'path_len 255', rawJob({ pathLen: 255 }), 'E_LENGTH', l, 'path-255');
  bad('ct-len-plus-1', 'ct_len one too large', rawJob({ ctLen: 21 }), 'E_LENGTH', l);
  bad('ct-len-minus-1', 'ct_len one too small', rawJob({ ctLen: 19 }), 'E_LENGTH', l);
  bad('ct-len-max', 'ct_len 2^32 - 1', rawJob({ ctLen: 4_294_967_295 }), 'E_LENGTH', l, 'plain', ['Limit']);
  bad(
    'ct-len-wraps',
    'ct_len that makes the sum fit modulo 2^32',
    rawJob({ ctLen: 4_294_967_284, sealed: seeded('x', 16 + 20), pathLen: 3 }),
    'E_LENGTH',
    l,
    'plain',
    ['Limit'],
  );
  bad(
    'ext-len-plus-1',
    'ext_len one too large: what follows is read one byte later',
    put(base, AT.extLen, u16(43)),
    'E_LENGTH',
    l,
  );
  bad('keyinfo-len-plus-1', 'keyinfo_len one too large', put(base, AT.keyinfoLen, u16(1)), 'E_LENGTH', l);
  bad('ext-len-limit', 'ext_len 4,097', put(base, AT.extLen, u16(4097)), 'E_LIMIT', l, 'plain', ['Limit'], 'header');
  bad(
    'keyinfo-len-limit',
    'keyinfo_len 4,097',
    put(base, AT.keyinfoLen, u16(4097)),
    'E_LIMIT',
    l,
    'plain',
    ['Limit'],
    'header',
  );
  bad(
    'keyinfo-swallows',
    'keyinfo_len 200 reaches into the signature: the fixed fields have no room',
    put(base, AT.keyinfoLen, u16(200)),
    'E_LENGTH',
    l,
  );
  bad(
    'body-limit-plus-1',
    'body_len 1,040,225',
    rawJob({ header: { bodyLen: 1_040_225 } }),
    'E_LIMIT',
    l,
    'body-limit',
    ['Limit'],
    'header',
  );

  const six = ['envelope.35'];
  bad('count-0', 'count 0', rawJob({ header: { count: 0 } }), 'E_ENCODING', six);
  bad('seq-0', 'seq 0', rawJob({ header: { seq: 0n } }), 'E_ENCODING', six);
  bad(
    'seq-limit-plus-1',
    'seq 2^40 + 1',
    rawJob({ header: { seq: (1n << 40n) + 1n } }),
    'E_LIMIT',
    ['envelope.36'],
    'plain',
    ['Limit'],
  );
  bad(
    'timestamp-limit-plus-1',
    'timestamp 2^53',
    rawJob({ header: { timestamp: 1n << 53n } }),
    'E_LIMIT',
    ['envelope.36'],
    'plain',
    ['Limit'],
  );
  bad('count-65536', 'count 65,536', rawJob({ header: { count: 65_536 } }), 'E_LIMIT', ['envelope.36'], 'count-65535', [
    'Limit',
  ]);
  bad(
    'leaves-4097',
    'leaf_count 4,097',
    rawJob({ extensions: merkle(4097, 1), header: { count: 4097, bodyLen: 23 * 4097 } }),
    'E_LIMIT',
    ['envelope.36'],
    'leaves-4096',
    ['Limit'],
  );
  bad('jobs-0', 'jobs_per_leaf 0', rawJob({ extensions: merkle(3, 0) }), 'E_ENCODING', ['envelope.21']);
  bad('leaf-count', 'leaf_count one too large', rawJob({ extensions: merkle(4, 2) }), 'E_ENCODING', ['envelope.21']);
  bad(
    'body-too-small',
    'a body_len one too small for three leaves and five records',
    rawJob({ header: { bodyLen: 74 } }),
    'E_ENCODING',
    six,
    'plain',
    ['Limit'],
  );
  bad(
    'leaf-too-small',
    'five bytes for the two records of leaf 0',
    rawJob({ sealed: seeded('small', 16 + 5) }),
    'E_ENCODING',
    six,
    'plain',
    ['Limit'],
  );
  bad(
    'last-leaf-too-small',
    'two bytes for the one record of the last leaf',
    rawJob({ leaf: 2, sealed: seeded('small', 16 + 2) }),
    'E_ENCODING',
    six,
    'last-leaf',
    ['Limit'],
  );
  bad(
    'envelope-as-job',
    'a whole Merkle batch offered as a job',
    rawEnvelope({ header: { flags: 3, count: 4 }, extensions: merkle(2, 2), body: cat(rawLeaf(6), rawLeaf(6)) }),
    'E_LENGTH',
    l,
  );
  g.invalid('order-limit-fields', {
    comment: 'body_len above its limit, and the input ends after 160 bytes: the limits of step 4 come first',
    in: { bytes: hex(rawJob({ header: { bodyLen: 1_040_225 } }).slice(0, 160)) },
    error: 'E_LIMIT',
    spec: ['envelope.27', 'envelope.34'],
    from: 'plain',
    flags: ['Order'],
    layer: 'header',
  });
}

export function parse(): VectorFile {
  const file = new VectorFile('parse');
  envelopes(file);
  jobs(file);
  return file;
}
