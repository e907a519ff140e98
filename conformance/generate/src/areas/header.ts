/** header.json: the 96 bytes, and what step 2, 3 and 6 say of their fields. */
import { VectorFile } from '../cases.ts';
import { headerJson } from '../check.ts';
import { rawEnvelope, rawHeader, rawLeaf, rawOut, merkleValue, type Raw } from '../raw.ts';
import { cat, hex, put, seeded, u16, u64, u8, zeros, type Bytes } from '../twin/bytes.ts';
import { AT, encodeHeader, type Header } from '../twin/header.ts';
import { NOW } from '../world.ts';

const DEFINED: [number, string][] = [
  [0x20, 'PUB/SUB data'],
  [0x30, 'REQ/REP request'],
  [0x31, 'REQ/REP reply'],
  [0x40, 'PIPELINE push'],
  [0x50, 'SURVEY question'],
  [0x51, 'SURVEY reply'],
  [0x60, 'BUS data'],
  [0x70, 'ROUTER/DEALER message'],
  [0x71, 'ROUTER/DEALER reply'],
  [0x72, 'ROUTER/DEALER forward'],
];

function encode(file: VectorFile): void {
  const g = file.group('encode', 'header.encode', 'codec', 'header', false);
  const good = (id: string, comment: string, over: Partial<Header>): void => {
    const h = rawHeader({ header: over });
    g.valid(id, { comment, in: { header: headerJson(h) }, out: { bytes: hex(encodeHeader(h)) }, spec: ['envelope.1'] });
  };
  good('single', 'a single', {});
  good('batch', 'a whole batch of 300 records, padded', { flags: 17, count: 300, bodyLen: 65_536 });
  good('merkle', 'a Merkle batch', { flags: 3, count: 300, extLen: 42, keyinfoLen: 258, bodyLen: 65_537 });
  good('suite-2', 'suite 0x0002', { suite: 2 });
  for (const [kind, name] of DEFINED) good(`kind-${kind.toString(16)}`, name, { patternKind: kind });
  const bad = (id: string, comment: string, over: Partial<Header>, error: string, spec: string[]): void => {
    const flags = error === 'E_LIMIT' ? ['Limit'] : ['Reserved'];
    g.invalid(id, {
      comment,
      in: { header: headerJson(rawHeader({ header: over })) },
      error,
      spec,
      from: 'single',
      flags,
    });
  };
  bad('flag-reserved', 'a sender is asked for reserved flag 2', { flags: 4 }, 'E_USAGE', ['envelope.1']);
  bad('flag-padded-alone', 'a sender is asked for flag 4 without flag 0', { flags: 16 }, 'E_USAGE', ['envelope.2']);
  bad('seq-limit-plus-1', 'a sender is asked for seq 2^40 + 1', { seq: (1n << 40n) + 1n }, 'E_LIMIT', ['envelope.4']);
  bad('body-limit-plus-1', 'a sender is asked for a body of 1,040,225 bytes', { bodyLen: 1_040_225 }, 'E_LIMIT', [
    'envelope.6',
  ]);
  good('all-limits', 'every number at its limit', {
    flags: 1,
    epoch: 4_294_967_295,
    count: 65_535,
    seq: 1n << 40n,
    timestamp: (1n << 53n) - 1n,
    extLen: 4096,
    keyinfoLen: 4096,
    bodyLen: 1_040_224,
  });
  good('bytes-apart', 'every byte of the fields differs from its neighbours: the layout is visible', {
    topicTag: Uint8Array.from({ length: 16 }, (_, i) => 0x10 + i),
    epoch: 0x20212223,
    count: 0x2425,
    senderId: Uint8Array.from({ length: 16 }, (_, i) => 0x30 + i),
    streamId: Uint8Array.from({ length: 8 }, (_, i) => 0x40 + i),
    seq: 0x4a4b4c4d4en,
    timestamp: 0x01525354555657n,
    salt: Uint8Array.from({ length: 16 }, (_, i) => 0x60 + i),
    extLen: 0x0172,
    keyinfoLen: 0x0374,
    bodyLen: 0x00056778,
    flags: 1,
  });
}

function fields(file: VectorFile): void {
  const g = file.group('fields', 'envelope.parse', 'codec', 'header');
  const good = (id: string, comment: string, r: Partial<Raw>, spec: string[], flags: string[] = []): void => {
    g.valid(id, { comment, in: { bytes: hex(rawEnvelope(r)) }, out: rawOut(r), spec, flags });
  };
  const bad = (
    id: string,
    comment: string,
    bytes: Bytes,
    error: string,
    spec: string[],
    from = 'single',
    flags: string[] = [],
  ): void => {
    g.invalid(id, { comment, in: { bytes: hex(bytes) }, error, spec, from, flags, layer: 'header' });
  };
  const base = rawEnvelope();
  const batch: Partial<Raw> = { header: { flags: 1, count: 4 } };
  const merkle: Partial<Raw> = {
    header: { flags: 3, count: 4 },
    extensions: [merkleValue(seeded('raw root', 32), 2, 2)],
    body: cat(rawLeaf(6), rawLeaf(6)),
  };
  good('single', 'a single', {}, ['envelope.32', 'envelope.33', 'envelope.36']);
  good('batch', 'a whole batch', batch, ['envelope.2', 'envelope.33']);
  good('batch-padded', 'a padded whole batch', { header: { flags: 17, count: 4 } }, ['envelope.2', 'envelope.33']);
  good('merkle', 'a Merkle batch', merkle, ['envelope.2', 'envelope.33']);
  good('merkle-padded', 'a padded Merkle batch', { ...merkle, header: { flags: 19, count: 4 } }, [
    'envelope.2',
    'envelope.33',
  ]);
  good('suite-2', 'suite 0x0002', { header: { suite: 2 } }, ['envelope.33', 'suites.1']);
  for (const [kind, name] of DEFINED) {
    good(`kind-${kind.toString(16)}`, `${name} is defined`, { header: { patternKind: kind } }, ['envelope.33']);
  }

  const magic = ['envelope.32'];
  bad('magic-0', 'the first byte of the magic', put(base, 0, u8(0x55)), 'E_ENCODING', magic);
  bad('magic-1', 'the second byte of the magic', put(base, 1, u8(0x43)), 'E_ENCODING', magic);
  bad('magic-swapped', 'the magic backwards', put(base, 0, u16(0x4454)), 'E_ENCODING', magic);
  for (const version of [0, 2, 3, 0x81, 255]) {
    bad(
      `version-${version}`,
      `version ${version} (T01, I07)`,
      put(base, AT.version, u8(version)),
      'E_VERSION',
      magic,
      'single',
      ['Downgrade'],
    );
  }
  for (const suite of [
    0x0000, 0x0003, 0x0004, 0x0011, 0x0012, 0x0021, 0x0100, 0x0200, 0x0a0a, 0x8001, 0xff00, 0xffff,
  ]) {
    const name = suite.toString(16).padStart(4, '0');
    bad(
      `suite-${name}`,
      `suite 0x${name} is unknown to v1 (T03)`,
      put(base, AT.suite, u16(suite)),
      'E_SUITE',
      ['envelope.33'],
      'single',
      ['Reserved', 'Downgrade'],
    );
  }
  const FLAG_NAMES: Record<number, string> = {
    2: 'sealed sender (I15)',
    3: 'blob manifest',
    5: 'compressed (T45)',
    6: 'signed in PAIR',
    7: 'multi',
  };
  for (let flag = 2; flag < 16; flag++) {
    if (flag === 4) continue;
    const comment = `flag ${flag}${FLAG_NAMES[flag] === undefined ? '' : `, ${FLAG_NAMES[flag]}`}, is reserved (T44)`;
    bad(
      `flag-${flag}`,
      comment,
      put(base, AT.flags, u16(1 << flag)),
      'E_ENCODING',
      ['envelope.33', 'envelope.1'],
      'single',
      ['Reserved'],
    );
  }
  bad(
    'flag-1-alone',
    'flag 1 without flag 0',
    put(rawEnvelope(merkle), AT.flags, u16(2)),
    'E_ENCODING',
    ['envelope.33', 'envelope.2'],
    'merkle',
  );
  bad(
    'flag-4-alone',
    'flag 4 without flag 0',
    put(base, AT.flags, u16(16)),
    'E_ENCODING',
    ['envelope.33', 'envelope.2'],
    'batch-padded',
  );
  bad(
    'flags-1-4',
    'flags 1 and 4 without flag 0',
    put(rawEnvelope(merkle), AT.flags, u16(18)),
    'E_ENCODING',
    ['envelope.33', 'envelope.2'],
    'merkle-padded',
  );
  const undefinedKinds: [number, string][] = [
    [0x00, 'pattern 0'],
    [0x02, 'pattern and kind swapped'],
    [0x10, 'PAIR has a header of its own'],
    [0x21, 'the heartbeat of PUB/SUB is reserved'],
    [0x22, 'PUB/SUB kind 2'],
    [0x2f, 'PUB/SUB kind 15'],
    [0x32, 'REQ/REP kind 2'],
    [0x41, 'PIPELINE kind 1'],
    [0x52, 'SURVEY kind 2'],
    [0x61, 'BUS kind 1'],
    [0x73, 'ROUTER/DEALER kind 3'],
    [0x7f, 'ROUTER/DEALER kind 15'],
    [0x80, 'control is reserved'],
    [0x90, 'pattern 9'],
    [0xa0, 'pattern 10'],
    [0xf0, 'pattern 15'],
  ];
  for (const [kind, comment] of undefinedKinds) {
    const name = kind.toString(16).padStart(2, '0');
    bad(
      `kind-${name}`,
      `${comment} (T02)`,
      put(base, AT.patternKind, u8(kind)),
      'E_ENCODING',
      ['envelope.33'],
      'single',
      ['Reserved'],
    );
  }

  // Numbers, step 6
  const n = ['envelope.36'];
  const z = ['envelope.35'];
  good('epoch-0', 'epoch 0 is an epoch', { header: { epoch: 0 } }, ['envelope.36']);
  good('epoch-max', 'epoch 2^32 - 1', { header: { epoch: 4_294_967_295 } }, ['envelope.36'], ['Limit']);
  good('seq-1', 'seq 1', { header: { seq: 1n } }, z);
  good('seq-limit', 'seq 2^40', { header: { seq: 1n << 40n } }, ['envelope.4', ...n], ['Limit']);
  bad(
    'seq-limit-plus-1',
    'seq 2^40 + 1',
    put(base, AT.seq, u64((1n << 40n) + 1n)),
    'E_LIMIT',
    ['envelope.4', ...n],
    'seq-limit',
    ['Limit'],
  );
  bad('seq-2p52', 'seq 2^52 (D07)', put(base, AT.seq, u64(1n << 52n)), 'E_LIMIT', n, 'seq-limit', ['Limit']);
  bad('seq-2p53', 'seq 2^53 (R04)', put(base, AT.seq, u64(1n << 53n)), 'E_LIMIT', n, 'seq-limit', ['Limit']);
  bad('seq-max', 'seq 2^64 - 1', put(base, AT.seq, u64((1n << 64n) - 1n)), 'E_LIMIT', n, 'seq-limit', ['Limit']);
  bad('seq-0', 'seq 0', put(base, AT.seq, u64(0)), 'E_ENCODING', z, 'seq-1');
  good('timestamp-0', 'timestamp 0 is a time', { header: { timestamp: 0n } }, n);
  good('timestamp-limit', 'timestamp 2^53 - 1', { header: { timestamp: (1n << 53n) - 1n } }, n, ['Limit']);
  bad(
    'timestamp-limit-plus-1',
    'timestamp 2^53',
    put(base, AT.timestamp, u64(1n << 53n)),
    'E_LIMIT',
    n,
    'timestamp-limit',
    ['Limit'],
  );
  bad(
    'timestamp-max',
    'timestamp 2^64 - 1',
    put(base, AT.timestamp, u64((1n << 64n) - 1n)),
    'E_LIMIT',
    n,
    'timestamp-limit',
    ['Limit'],
  );
  bad('count-0', 'count 0 in a single (T51)', put(base, AT.count, zeros(4)), 'E_ENCODING', z);
  bad(
    'count-0-batch',
    'count 0 in a whole batch (T51)',
    put(rawEnvelope(batch), AT.count, zeros(4)),
    'E_ENCODING',
    z,
    'batch',
  );
  bad('count-2-single', 'count 2 in a single', rawEnvelope({ header: { count: 2 } }), 'E_ENCODING', z);
  bad('count-65536', 'count 65,536', rawEnvelope({ header: { flags: 1, count: 65_536 } }), 'E_LIMIT', n, 'batch', [
    'Limit',
  ]);
  bad(
    'count-max',
    'count 2^32 - 1',
    rawEnvelope({ header: { flags: 1, count: 4_294_967_295 } }),
    'E_LIMIT',
    n,
    'batch',
    ['Limit'],
  );
  bad(
    'count-65536-single',
    'count 65,536 in a single: the limit is met before the form',
    rawEnvelope({ header: { count: 65_536 } }),
    'E_LIMIT',
    n,
    'single',
    ['Limit', 'Order'],
  );

  // The order of steps 2, 3 and 6
  const o = (id: string, comment: string, bytes: Bytes, error: string, spec: string[]): void =>
    bad(id, comment, bytes, error, ['envelope.27', 'errors.2', ...spec], 'single', ['Order']);
  o('order-magic-version', 'magic and version', put(put(base, 0, u8(0)), AT.version, u8(2)), 'E_ENCODING', [
    'envelope.32',
  ]);
  o('order-version-suite', 'version and suite', put(put(base, AT.version, u8(2)), AT.suite, u16(9)), 'E_VERSION', [
    'envelope.32',
  ]);
  o(
    'order-version-length',
    'version and body_len: the version is met first',
    put(put(base, AT.version, u8(2)), AT.bodyLen, u8(0xff)),
    'E_VERSION',
    ['envelope.32', 'envelope.34'],
  );
  o('order-suite-flags', 'suite and a reserved flag', put(put(base, AT.suite, u16(9)), AT.flags, u16(4)), 'E_SUITE', [
    'envelope.33',
  ]);
  o('order-suite-length', 'suite and keyinfo_len', put(put(base, AT.suite, u16(9)), AT.keyinfoLen, u16(1)), 'E_SUITE', [
    'envelope.33',
    'envelope.34',
  ]);
  o(
    'order-kind-limit',
    'an undefined kind, and body_len above its limit',
    put(put(base, AT.patternKind, u8(0x80)), AT.bodyLen, u8(0xff)),
    'E_ENCODING',
    ['envelope.33', 'envelope.34'],
  );
  o(
    'order-limit-sum',
    'keyinfo_len above its limit, so the sum is wrong too',
    put(base, AT.keyinfoLen, u16(4097)),
    'E_LIMIT',
    ['envelope.34'],
  );
  o('order-length-seq', 'a byte missing, and seq 0', put(base, AT.seq, u64(0)).slice(0, -1), 'E_LENGTH', [
    'envelope.34',
    'envelope.35',
  ]);
  o(
    'order-count-seq-zero-limit',
    'seq 0 and timestamp above its limit: zeros are met before limits',
    put(put(base, AT.seq, u64(0)), AT.timestamp, u64(1n << 60n)),
    'E_ENCODING',
    ['envelope.35', 'envelope.36'],
  );
  o(
    'order-seq-limit-body',
    'seq above its limit, and a body without room for a tag',
    rawEnvelope({ header: { seq: 1n << 41n }, body: zeros(15) }),
    'E_LIMIT',
    ['envelope.35', 'envelope.36'],
  );
  good(
    'times-far',
    'a timestamp of year 2255 is only compared in chapter 10',
    { header: { timestamp: 9_000_000_000_000n + NOW } },
    n,
  );
}

export function header(): VectorFile {
  const file = new VectorFile('header');
  encode(file);
  fields(file);
  return file;
}
