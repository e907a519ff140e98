/** messages.json: bodies of frames, chapter 04. */
import { authJson, helloJson } from '../check-links.ts';
import { VectorFile, type Group } from '../cases.ts';
import type { Members } from '../json.ts';
import { cat, hex, put, seeded, text, u64, u8, unhex, zeros, type Bytes } from '../twin/bytes.ts';
import { bodyOf, TYPE } from '../twin/messages.ts';
import type { Side } from '../twin/noise.ts';
import { encodeBody, padded, schemaOf, wire, type Field, type Fields, type Value } from '../twin/objects.ts';
import { stretchVarint } from '../twin/varint.ts';

const SAFE = (1n << 53n) - 1n;
const OVER = 1n << 53n;
const ENVELOPE: Bytes = seeded('envelope on a link', 60);
const JOB: Bytes = seeded('job on a link', 70);
const MATCH: Bytes = seeded('match', 16);
/** Types whose channel is the number of a sub or a work. */
const OF_SUBS: readonly string[] = ['sub', 'unsub', 'stored'];
const OF_WORKS: readonly string[] = ['work', 'settle', 'leased', 'job'];
const address = (name: string | number): Bytes => seeded(`address ${name}`, 16);

const HELLO: Fields = {
  versions: [1],
  mode: 2,
  suites: [1, 2],
  nonce32: seeded('hello nonce', 32),
  authority_id32: seeded('hello authority', 32),
  authority_serial: 3n,
  frame_cap: 1_048_584,
  credit: 4_194_304n,
};
const AUTH: Fields = {
  principal_record: seeded('principal record', 50),
  signature64: seeded('auth signature', 64),
  authority_records: [seeded('authority record 2', 40), seeded('authority record 3', 45)],
};
const REJECT: Fields = { about: 1, number: 300n, code: 'E_LIMIT', retry_ms: 2000 };
const CLOSE: Fields = { code: 'E_EXT', retry_ms: 1000 };

type Out = Members;
type Good = (
  id: string,
  comment: string,
  from: Side,
  type: number,
  channel: number,
  body: Bytes,
  out: Out,
  spec?: string[],
  flags?: string[],
) => void;
type Bad = (
  id: string,
  comment: string,
  from: Side,
  type: number,
  channel: number,
  body: Bytes,
  error: string | string[],
  base: string,
  spec?: string[],
  flags?: string[],
) => void;

const rejectOut = (f: { about?: number; number?: bigint; code?: string; retry?: number } = {}): Out => ({
  about: f.about ?? 1,
  number: (f.number ?? 300n).toString(),
  code: f.code ?? 'E_LIMIT',
  retryMs: f.retry ?? 2000,
});
const closeOut = (code = 'E_EXT', retryMs = 1000): Out => ({ code, retryMs });
const helloOut = (more: Fields = {}): Out => helloJson({ ...HELLO, ...more });
const without = (base: Fields, ...names: string[]): Fields =>
  Object.fromEntries(Object.entries(base).filter(([n]) => !names.includes(n)));

export function messages(): VectorFile {
  const file = new VectorFile('messages');
  const dec = file.group('decode', 'message.decode', 'messages', 'body');
  const good: Good = (id, comment, from, type, channel, body, out, spec = ['messages.2'], flags = []) => {
    dec.valid(id, { comment, in: { from, type, channel, body: hex(body) }, out, spec, flags });
  };
  const bad: Bad = (id, comment, from, type, channel, body, error, base, spec = ['messages.2'], flags = []) => {
    const list = typeof error === 'string' ? [error] : error;
    dec.invalid(id, {
      comment,
      in: { from, type, channel, body: hex(body) },
      error: list,
      spec,
      from: base,
      flags,
      layer: 'body',
    });
  };
  typical(good);
  edges(good);
  directions(good, bad);
  channels(good, bad);
  lengths(bad);
  fields(good, bad);
  numbers(good, bad);
  codes(good);
  sizes(good, bad);
  form(good, bad, 'hello', TYPE.hello, 'Hello', HELLO, helloOut());
  form(good, bad, 'auth', TYPE.auth, 'Auth', AUTH, authJson(AUTH));
  form(good, bad, 'reject', TYPE.reject, 'Reject', REJECT, rejectOut());
  form(good, bad, 'close', TYPE.close, 'Close', CLOSE, closeOut());
  bounds(good, bad);
  encoding(file.group('encode', 'message.encode', 'messages', 'body', false));
  return file;
}

const sub = (more: Partial<Parameters<typeof bodyOf.sub>[0]> = {}): Bytes =>
  bodyOf.sub({ matchKind: 1, level: 0, match: MATCH, from: 0n, ...more });
const subOut = (more: Members = {}): Out => ({
  sub: 7,
  matchKind: 1,
  level: 0,
  match: hex(MATCH),
  from: '0',
  ...more,
});

const workOut = (more: Members = {}): Out => ({ work: 7, match: hex(MATCH), capacity: 32, ...more });
const settleOut = (more: Members = {}): Out => ({ work: 7, lease: '12', outcome: 1, ...more });

interface Sample {
  id: string;
  comment: string;
  from: Side;
  type: number;
  channel: number;
  body: Bytes;
  out: Out;
}
const I: Side = 'initiator';
const R: Side = 'responder';
const sample = (
  id: string,
  comment: string,
  from: Side,
  type: number,
  channel: number,
  body: Bytes,
  out: Out,
): Sample => ({ id, comment, from, type, channel, body, out });

/** One of each type, from who sends it. */
const SAMPLES: readonly Sample[] = [
  sample('hello', 'an offer with every field', I, TYPE.hello, 0, encodeBody('Hello', HELLO), helloOut()),
  sample('auth', 'an auth with two authority records', I, TYPE.auth, 0, encodeBody('Auth', AUTH), authJson(AUTH)),
  sample('reject', 'a reject of a numbered frame', R, TYPE.reject, 0, encodeBody('Reject', REJECT), rejectOut()),
  sample('envelope', 'an envelope for disk', I, TYPE.envelope, 2, ENVELOPE, {
    durability: 2,
    envelope: hex(ENVELOPE),
  }),
  sample('stored', 'a stored envelope', R, TYPE.stored, 7, bodyOf.stored(1000, ENVELOPE), {
    sub: 7,
    position: '1000',
    envelope: hex(ENVELOPE),
  }),
  sample('job', 'a job', R, TYPE.job, 7, bodyOf.leased(12, JOB), { work: 7, lease: '12', job: hex(JOB) }),
  sample('leased', 'an envelope of work', R, TYPE.leased, 7, bodyOf.leased(12, ENVELOPE), {
    work: 7,
    lease: '12',
    envelope: hex(ENVELOPE),
  }),
  sample('object', 'a retained object', R, TYPE.object, 0, bodyOf.object(address('a'), seeded('any object', 45)), {
    address: hex(address('a')),
    object: hex(seeded('any object', 45)),
  }),
  sample('bundle', 'a bundle', I, TYPE.bundle, 0, seeded('any bundle', 45), { bundle: hex(seeded('any bundle', 45)) }),
  sample('watch', 'two addresses to watch', I, TYPE.watch, 1, bodyOf.watch([address('a'), address('b')]), {
    keeps: true,
    addresses: [hex(address('a')), hex(address('b'))],
  }),
  sample('sub', 'a live subscription to one topic', I, TYPE.sub, 7, sub(), subOut()),
  sample('unsub', 'the end of a subscription', I, TYPE.unsub, 7, bodyOf.unsub(), { sub: 7 }),
  sample('credit', 'more credit', I, TYPE.credit, 0, bodyOf.credit(8_388_608), { bytes: '8388608' }),
  sample('ack', 'an acknowledgement', R, TYPE.ack, 0, bodyOf.ack(300), { number: '300' }),
  sample('work', 'work that a link takes', I, TYPE.work, 7, bodyOf.work(MATCH, 32), workOut()),
  sample('settle', 'a unit is done', I, TYPE.settle, 7, bodyOf.settle(12, 1), settleOut()),
  sample('ping', 'a question', I, TYPE.ping, 0, bodyOf.ping(5, 1_750_000_000_000n), {
    answers: false,
    token: '5',
    timeMs: '1750000000000',
  }),
  sample('close', 'a close with its reason', I, TYPE.close, 0, encodeBody('Close', CLOSE), closeOut()),
];

function typical(good: Good): void {
  for (const s of SAMPLES)
    good(s.id, s.comment, s.from, s.type, s.channel, s.body, s.out, ['messages.2', 'messages.3', 'messages.4']);
}

/** Least and odd forms. */
function edges(good: Good): void {
  good(
    'hello-least',
    'a hello with only what is required',
    R,
    TYPE.hello,
    0,
    encodeBody('Hello', without(HELLO, 'suites', 'authority_serial', 'credit')),
    helloOut({ suites: [], authority_serial: 0n, credit: 0n }),
  );
  good(
    'auth-least',
    'an auth without authority records',
    R,
    TYPE.auth,
    0,
    encodeBody('Auth', without(AUTH, 'authority_records')),
    authJson({ ...AUTH, authority_records: [] }),
  );
  good(
    'auth-record-empty',
    'an authority record of no bytes: an element may be empty; chapter 07 refuses it',
    R,
    TYPE.auth,
    0,
    cat(encodeBody('Auth', without(AUTH, 'authority_records')), wire.bytes(3, zeros(0))),
    authJson({ ...AUTH, authority_records: [zeros(0)] }),
    ['messages.2'],
    ['BodyForm'],
  );
  good(
    'reject-least',
    'a reject that says nothing of when',
    R,
    TYPE.reject,
    0,
    encodeBody('Reject', without(REJECT, 'retry_ms')),
    rejectOut({ retry: 0 }),
  );
  good('close-least', 'an orderly end: no byte', R, TYPE.close, 0, zeros(0), closeOut('', 0));
  good('close-code', 'a close with a code alone', R, TYPE.close, 0, bodyOf.close('E_LIMIT'), closeOut('E_LIMIT', 0));
  good('close-retry', 'a close with a time alone', R, TYPE.close, 0, bodyOf.close('', 7), closeOut('', 7));
  good('stored-least', 'a stored envelope of one byte, at position 0', R, TYPE.stored, 1, bodyOf.stored(0, u8(9)), {
    sub: 1,
    position: '0',
    envelope: '09',
  });
  for (const [id, type, member] of [
    ['leased', TYPE.leased, 'envelope'],
    ['job', TYPE.job, 'job'],
  ] as [string, number, string][])
    good(
      `${id}-least`,
      `a ${id} frame of one byte behind its lease, 0: that leases begin at 1 is chapter 11's`,
      R,
      type,
      1,
      bodyOf.leased(0, u8(9)),
      { work: 1, lease: '0', [member]: '09' },
    );
  for (const capacity of [0, 1, 0xffff_ffff])
    good(
      `work-capacity-${capacity}`,
      `a capacity of ${capacity}`,
      I,
      TYPE.work,
      7,
      bodyOf.work(MATCH, capacity),
      workOut({ capacity }),
    );
  good('settle-back', 'a unit is given back', I, TYPE.settle, 7, bodyOf.settle(12, 2), settleOut({ outcome: 2 }));
  good('settle-0', 'lease 0: chapter 11 says what becomes of it', I, TYPE.settle, 7, bodyOf.settle(0, 1), {
    ...settleOut({ lease: '0' }),
  });
  good('reject-work', 'a reject of a work', R, TYPE.reject, 0, bodyOf.reject(2, 7, 'E_LIMIT', 9), {
    ...rejectOut({ about: 2, number: 7n, retry: 9 }),
  });
  good('object-least', 'an object of one byte', R, TYPE.object, 0, bodyOf.object(address('a'), u8(9)), {
    address: hex(address('a')),
    object: '09',
  });
  good(
    'envelope-empty',
    'no byte is an envelope here: chapter 03 refuses it, this chapter takes bytes (ambiguous: messages.3 names object and stored alone)',
    I,
    TYPE.envelope,
    0,
    zeros(0),
    { durability: 0, envelope: '' },
    ['messages.3', 'messages.8'],
  );
  good(
    'bundle-empty',
    'no byte is a bundle here: chapter 07 refuses it (ambiguous, as for the envelope)',
    I,
    TYPE.bundle,
    0,
    zeros(0),
    { bundle: '' },
    ['messages.3'],
  );
  good('watch-least', 'one address to fetch', I, TYPE.watch, 0, bodyOf.watch([address('a')]), {
    keeps: false,
    addresses: [hex(address('a'))],
  });
  good('credit-0', 'a credit of nothing', I, TYPE.credit, 0, bodyOf.credit(0), { bytes: '0' });
  good('ping-0', 'token and time 0', R, TYPE.ping, 1, bodyOf.ping(0, 0), { answers: true, token: '0', timeMs: '0' });
  good('reject-sub', 'a reject of a sub', R, TYPE.reject, 0, bodyOf.reject(2, 7, 'E_REFUSED'), {
    ...rejectOut({ about: 2, number: 7n, code: 'E_REFUSED', retry: 0 }),
  });
  good('reject-watch', 'a reject of a watch', R, TYPE.reject, 0, bodyOf.reject(3, 1, 'E_LIMIT', 1), {
    ...rejectOut({ about: 3, number: 1n, retry: 1 }),
  });
  // messages.8, E05
  const inside: [string, string, Bytes][] = [
    ['close', 'a whole close frame', unhex('3f00000000000000')],
    ['preface', 'a preface and the head of a hello', unhex('544443010100000000000000')],
    ['envelope-frame', 'another envelope frame', cat(unhex('1000000000000004'), seeded('inner', 4))],
  ];
  for (const [id, what, body] of inside) {
    good(
      `envelope-of-${id}`,
      `an envelope whose bytes are ${what}: they mean nothing (E05)`,
      I,
      TYPE.envelope,
      1,
      body,
      { durability: 1, envelope: hex(body) },
      ['messages.8'],
    );
    good(
      `stored-of-${id}`,
      `a stored envelope whose bytes are ${what}: they mean nothing (E05)`,
      R,
      TYPE.stored,
      3,
      bodyOf.stored(9, body),
      { sub: 3, position: '9', envelope: hex(body) },
      ['messages.8'],
    );
    good(
      `leased-of-${id}`,
      `a leased envelope whose bytes are ${what}: they mean nothing (E05)`,
      R,
      TYPE.leased,
      3,
      bodyOf.leased(9, body),
      { work: 3, lease: '9', envelope: hex(body) },
      ['messages.8'],
    );
    good(
      `job-of-${id}`,
      `a job whose bytes are ${what}: they mean nothing (E05)`,
      R,
      TYPE.job,
      3,
      bodyOf.leased(9, body),
      { work: 3, lease: '9', job: hex(body) },
      ['messages.8'],
    );
  }
}

function directions(good: Good, bad: Bad): void {
  const spec = ['messages.7'];
  const both = ['hello', 'auth', 'envelope', 'ping', 'close'];
  for (const s of SAMPLES) {
    const other: Side = s.from === I ? R : I;
    if (both.includes(s.id)) {
      const channel = s.id === 'envelope' ? 0 : s.channel;
      const out = s.id === 'envelope' ? { ...s.out, durability: 0 } : s.out;
      good(`${s.id}-of-${other}`, `a ${s.id} of the ${other}`, other, s.type, channel, s.body, out, spec);
    } else
      bad(
        `${s.id}-of-${other}`,
        `a ${s.id} of the ${other}, who sends none`,
        other,
        s.type,
        s.channel,
        s.body,
        'E_ENCODING',
        s.id,
        spec,
      );
  }
  const absent: [number, string][] = [
    [0x11, 'pair'],
    [0x12, 'blob'],
    [0x34, 'proof'],
    [0x35, 'checkpoint'],
  ];
  for (const [type, name] of absent)
    for (const from of [I, R])
      bad(
        `${name}-of-${from}`,
        `type ${name}, which belongs to chapters that are not there yet, of the ${from}`,
        from,
        type,
        0,
        ENVELOPE,
        'E_ENCODING',
        'envelope',
        spec,
        ['Reserved'],
      );
  for (const type of [0x00, 0x04, 0x0f, 0x16, 0x23, 0x38, 0x3d, 0x40, 0xff])
    bad(
      `type-${type.toString(16).padStart(2, '0')}`,
      'a type that is not defined',
      I,
      type,
      0,
      ENVELOPE,
      'E_ENCODING',
      'envelope',
      ['framing.11', ...spec],
      ['Reserved'],
    );
}

function channels(good: Good, bad: Bad): void {
  const spec = ['messages.4'];
  for (const d of [0, 1, 3])
    good(
      `durability-${d}`,
      d === 3 ? 'durability 3 is reserved: chapter 11 refuses it, this one passes it on' : `durability ${d}`,
      I,
      TYPE.envelope,
      d,
      ENVELOPE,
      { durability: d, envelope: hex(ENVELOPE) },
      spec,
    );
  for (const s of SAMPLES) {
    const wrong: [Side, number][] = [];
    if (s.id === 'envelope') wrong.push([I, 4], [I, 0xffff], [R, 1], [R, 2], [R, 3]);
    else if (s.id === 'watch' || s.id === 'ping') wrong.push([s.from, 2], [s.from, 0xffff]);
    else if (OF_SUBS.includes(s.id) || OF_WORKS.includes(s.id)) wrong.push([s.from, 0]);
    else wrong.push([s.from, 1], [s.from, 0x0100]);
    for (const [from, channel] of wrong)
      bad(
        `${s.id}-channel-${channel}${from === s.from ? '' : `-of-${from}`}`,
        `a ${s.id} of the ${from} on channel ${channel}`,
        from,
        s.type,
        channel,
        s.body,
        'E_ENCODING',
        s.id,
        spec,
      );
    const member = OF_SUBS.includes(s.id) ? 'sub' : 'work';
    if (OF_SUBS.includes(s.id) || OF_WORKS.includes(s.id))
      for (const channel of [1, 256, 0xffff])
        good(
          `${s.id}-channel-${channel}`,
          `a ${s.id} with the number ${channel}`,
          s.from,
          s.type,
          channel,
          s.body,
          { ...s.out, [member]: channel },
          spec,
        );
  }
}

function lengths(bad: Bad): void {
  const spec = ['messages.3'];
  const at = (id: string): Sample => {
    const found = SAMPLES.find((s) => s.id === id);
    if (found === undefined) throw new Error(id);
    return found;
  };
  const short = (id: string, bytes: Bytes, what: string, name: string): void => {
    const s = at(id);
    bad(`${id}-${name}`, `a ${id} ${what}`, s.from, s.type, s.channel, bytes, 'E_LENGTH', id, spec, [
      bytes.length < s.body.length ? 'Truncated' : 'Trailing',
    ]);
  };
  for (const id of ['sub', 'credit', 'ack', 'ping', 'work', 'settle']) {
    const { body } = at(id);
    short(id, body.slice(0, -1), 'of one byte less', 'minus-1');
    short(id, cat(body, zeros(1)), 'of one byte more', 'plus-1');
    short(id, zeros(0), 'of no bytes', 'empty');
    short(id, cat(body, body), 'twice in one body', 'doubled');
  }
  short('unsub', zeros(1), 'of one byte', 'plus-1');
  short('unsub', zeros(16), 'of 16 bytes', 'plus-16');
  short('watch', zeros(0), 'of no address', 'empty');
  short('watch', at('watch').body.slice(0, -1), 'of 31 bytes', 'minus-1');
  short('watch', cat(at('watch').body, zeros(1)), 'of 33 bytes', 'plus-1');
  short('watch', zeros(1), 'of one byte', '1');
  short('watch', zeros(15), 'of 15 bytes', '15');
  short('watch', zeros(24), 'of one address and a half', '24');
  for (const id of ['stored', 'leased'])
    for (const n of [0, 1, 7, 8]) short(id, zeros(n), `of ${n} bytes: no envelope`, `${n}`);
  for (const n of [0, 1, 7, 8]) short('job', zeros(n), `of ${n} bytes: no job`, `${n}`);
  short('work', MATCH, 'of a match alone', '16');
  short('settle', u64(12), 'of a lease alone', '8');
  for (const n of [0, 1, 15, 16]) short('object', zeros(n), `of ${n} bytes: no object`, `${n}`);
}

function fields(good: Good, bad: Bad): void {
  const spec = ['messages.4'];
  const one = (id: string, comment: string, over: Partial<Parameters<typeof bodyOf.sub>[0]>): void =>
    good(
      id,
      comment,
      I,
      TYPE.sub,
      7,
      sub(over),
      subOut({
        ...(over.matchKind === undefined ? {} : { matchKind: over.matchKind }),
        ...(over.level === undefined ? {} : { level: over.level }),
        ...(over.from === undefined ? {} : { from: over.from.toString() }),
      }),
      spec,
    );
  one('sub-prefix-0', 'a prefix of level 0', { matchKind: 2 });
  one('sub-prefix-7', 'a prefix of level 7, stored from 1 on', { matchKind: 2, level: 7, from: 1n });
  one('sub-stored', 'exact, stored from 1,000 on', { from: 1000n });
  const wrong: [string, string, Partial<Parameters<typeof bodyOf.sub>[0]>, string][] = [
    ['kind-0', 'match kind 0, the whole group', { matchKind: 0 }, 'sub'],
    ['kind-3', 'match kind 3', { matchKind: 3 }, 'sub'],
    ['kind-255', 'match kind 255', { matchKind: 255 }, 'sub'],
    ['exact-level-1', 'an exact match with level 1', { level: 1 }, 'sub'],
    ['exact-level-7', 'an exact match with level 7', { level: 7 }, 'sub'],
    ['level-8', 'a prefix of level 8', { matchKind: 2, level: 8 }, 'sub-prefix-7'],
    ['level-255', 'a prefix of level 255', { matchKind: 2, level: 255 }, 'sub-prefix-7'],
  ];
  for (const [id, comment, over, base] of wrong)
    bad(`sub-${id}`, comment, I, TYPE.sub, 7, sub(over), 'E_ENCODING', base, spec);

  for (const outcome of [0, 3, 4, 0x80, 0xff])
    bad(
      `settle-outcome-${outcome}`,
      `outcome ${outcome}`,
      I,
      TYPE.settle,
      7,
      bodyOf.settle(12, outcome),
      'E_ENCODING',
      'settle',
      spec,
    );

  const order = ['Order'];
  const both = (id: string, comment: string, type: number, channel: number, body: Bytes, error: string): void => {
    const base = type === TYPE.work ? 'work' : type === TYPE.settle ? 'settle' : type === TYPE.job ? 'job' : 'leased';
    const from = base === 'work' || base === 'settle' ? I : R;
    bad(`order-${id}`, comment, from, type, channel, body, error, base, ['messages.3', 'messages.5', ...spec], order);
  };
  const long = (body: Bytes): Bytes => cat(body, zeros(1));
  const { work, settle, leased, job } = TYPE;
  both(
    'work-channel-length',
    'a work on channel 0, and a byte too many',
    work,
    0,
    long(bodyOf.work(MATCH, 1)),
    'E_ENCODING',
  );
  both('settle-channel-u64', 'a settle on channel 0, above 2^53 - 1', settle, 0, bodyOf.settle(OVER, 1), 'E_ENCODING');
  both('settle-length-u64', 'a byte too many, above 2^53 - 1', settle, 7, long(bodyOf.settle(OVER, 1)), 'E_LENGTH');
  both('settle-length-outcome', 'a byte too many, and outcome 3', settle, 7, long(bodyOf.settle(12, 3)), 'E_LENGTH');
  both('settle-lease-outcome', 'a lease above 2^53 - 1, and outcome 3', settle, 7, bodyOf.settle(OVER, 3), 'E_LIMIT');
  for (const [id, type] of [
    ['leased', leased],
    ['job', job],
  ] as [string, number][]) {
    both(`${id}-u64-length`, 'a lease above 2^53 - 1, and nothing behind it', type, 7, u64(OVER), 'E_LENGTH');
    both(`${id}-channel-length`, 'channel 0, and nothing behind the lease', type, 0, u64(12), 'E_ENCODING');
    both(`${id}-channel-u64`, 'channel 0, and a lease above 2^53 - 1', type, 0, bodyOf.leased(OVER, JOB), 'E_ENCODING');
  }
  bad(
    'order-channel-length',
    'a sub on channel 0, and a byte too many: the channel comes first',
    I,
    TYPE.sub,
    0,
    cat(sub(), zeros(1)),
    'E_ENCODING',
    'sub',
    ['messages.3', ...spec],
    order,
  );
  bad(
    'order-channel-u64',
    'a credit on channel 1, above 2^53 - 1: the channel comes first',
    I,
    TYPE.credit,
    1,
    bodyOf.credit(OVER),
    'E_ENCODING',
    'credit',
    ['messages.5', ...spec],
    order,
  );
  bad(
    'order-length-kind',
    'a byte too many, and match kind 3: the length comes first',
    I,
    TYPE.sub,
    7,
    cat(sub({ matchKind: 3 }), zeros(1)),
    'E_LENGTH',
    'sub',
    ['messages.3', ...spec],
    order,
  );
  bad(
    'order-length-u64',
    'a credit of nine bytes that begins above 2^53 - 1',
    I,
    TYPE.credit,
    0,
    cat(bodyOf.credit(OVER), zeros(1)),
    'E_LENGTH',
    'credit',
    ['messages.3', 'messages.5'],
    order,
  );
  bad(
    'order-kind-from',
    'match kind 3, and from above 2^53 - 1: the fields in their order',
    I,
    TYPE.sub,
    7,
    sub({ matchKind: 3, from: OVER }),
    'E_ENCODING',
    'sub',
    ['messages.5', ...spec],
    order,
  );
  bad(
    'order-level-from',
    'level 8, and from above 2^53 - 1',
    I,
    TYPE.sub,
    7,
    sub({ matchKind: 2, level: 8, from: OVER }),
    'E_ENCODING',
    'sub-prefix-7',
    ['messages.5', ...spec],
    order,
  );
  bad(
    'order-stored-u64-length',
    'a position above 2^53 - 1, and no envelope: the length comes first',
    R,
    TYPE.stored,
    7,
    u64(OVER),
    'E_LENGTH',
    'stored',
    ['messages.3', 'messages.5'],
    order,
  );
  bad(
    'order-channel-form',
    'a reject on channel 1 with a code of 33 bytes: the channel comes first',
    R,
    TYPE.reject,
    1,
    encodeBody('Reject', { ...REJECT, code: 'x'.repeat(33) }),
    'E_ENCODING',
    'reject',
    ['messages.2', ...spec],
    order,
  );
}

function numbers(good: Good, bad: Bad): void {
  const spec = ['messages.5'];
  const flags = ['Limit'];
  interface Numbered {
    id: string;
    from: Side;
    type: number;
    channel: number;
    body: (n: bigint) => Bytes;
    out: (n: string) => Out;
    base: string;
  }
  const list: Numbered[] = [
    {
      id: 'stored',
      from: R,
      type: TYPE.stored,
      channel: 7,
      body: (n) => bodyOf.stored(n, ENVELOPE),
      out: (position) => ({ sub: 7, position, envelope: hex(ENVELOPE) }),
      base: 'stored-position',
    },
    {
      id: 'leased',
      from: R,
      type: TYPE.leased,
      channel: 7,
      body: (n) => bodyOf.leased(n, ENVELOPE),
      out: (lease) => ({ work: 7, lease, envelope: hex(ENVELOPE) }),
      base: 'leased-lease',
    },
    {
      id: 'job',
      from: R,
      type: TYPE.job,
      channel: 7,
      body: (n) => bodyOf.leased(n, JOB),
      out: (lease) => ({ work: 7, lease, job: hex(JOB) }),
      base: 'job-lease',
    },
    {
      id: 'settle',
      from: I,
      type: TYPE.settle,
      channel: 7,
      body: (n) => bodyOf.settle(n, 2),
      out: (lease) => settleOut({ lease, outcome: 2 }),
      base: 'settle-lease',
    },
    {
      id: 'sub',
      from: I,
      type: TYPE.sub,
      channel: 7,
      body: (from) => sub({ from }),
      out: (from) => subOut({ from }),
      base: 'sub-from',
    },
    {
      id: 'credit',
      from: I,
      type: TYPE.credit,
      channel: 0,
      body: (n) => bodyOf.credit(n),
      out: (bytes) => ({ bytes }),
      base: 'credit-bytes',
    },
    {
      id: 'ack',
      from: R,
      type: TYPE.ack,
      channel: 0,
      body: (n) => bodyOf.ack(n),
      out: (number) => ({ number }),
      base: 'ack-number',
    },
    {
      id: 'ping',
      from: R,
      type: TYPE.ping,
      channel: 1,
      body: (n) => bodyOf.ping(n, 1n),
      out: (token) => ({ answers: true, token, timeMs: '1' }),
      base: 'ping-token',
    },
    {
      id: 'ping',
      from: I,
      type: TYPE.ping,
      channel: 0,
      body: (n) => bodyOf.ping(1n, n),
      out: (timeMs) => ({ answers: false, token: '1', timeMs }),
      base: 'ping-time',
    },
  ];
  for (const x of list) {
    for (const [name, n] of [
      ['2p32', 1n << 32n],
      ['max', SAFE],
    ] as [string, bigint][])
      good(
        `${x.base}-${name}`,
        `${x.base}: ${n}`,
        x.from,
        x.type,
        x.channel,
        x.body(n),
        x.out(n.toString()),
        spec,
        flags,
      );
    for (const [name, n] of [
      ['2p53', OVER],
      ['2p63', 1n << 63n],
      ['2p64-1', (1n << 64n) - 1n],
    ] as [string, bigint][])
      bad(`${x.base}-${name}`, `${x.base}: ${n}`, x.from, x.type, x.channel, x.body(n), 'E_LIMIT', x.id, spec, flags);
  }
}

function codes(good: Good): void {
  const spec = ['messages.6'];
  const both = (id: string, comment: string, code: string | Bytes, out: string): void => {
    good(
      `reject-code-${id}`,
      `a reject with ${comment}`,
      R,
      TYPE.reject,
      0,
      encodeBody('Reject', { ...REJECT, code }),
      rejectOut({ code: out }),
      spec,
    );
    good(
      `close-code-${id}`,
      `a close with ${comment}`,
      R,
      TYPE.close,
      0,
      encodeBody('Close', { ...CLOSE, code }),
      closeOut(out),
      spec,
    );
  };
  for (const code of ['E_LENGTH', 'E_LIMIT', 'E_ENCODING', 'E_VERSION', 'E_SUITE', 'E_EXT', 'E_REFUSED', 'E_CLOSED'])
    both(code.slice(2).toLowerCase(), `the code ${code}, which travels`, code, code);
  const unknown: [string, string, string | Bytes][] = [
    ['later', 'a code of a later version', 'E_LATER'],
    ['lower-case', 'a code in lower case', 'e_limit'],
    ['space', 'a code and a space', 'E_LIMIT '],
    ['nul', 'a code and a zero byte', 'E_LIMIT\0'],
    ['bom', 'a code behind a byte order mark', '\ufeffE_LIMIT'],
    ['no-prefix', 'a code without its E_', 'LIMIT'],
    ['umlaut', 'text that is not ASCII', 'E_GRÜN'],
    ['proto', '__proto__', '__proto__'],
    ['constructor', 'constructor', 'constructor'],
    ['to-string', 'toString', 'toString'],
    ['32-bytes', '32 bytes, the longest', `E_${'X'.repeat(30)}`],
  ];
  for (const [id, comment, code] of unknown) both(`unknown-${id}`, `${comment}: taken as E_REFUSED`, code, 'E_REFUSED');
}

function sizes(good: Good, bad: Bad): void {
  const spec = ['messages.9'];
  const flags = ['Limit'];
  const bodies: [string, Side, number, Bytes, number, Out][] = [
    ['hello', I, TYPE.hello, encodeBody('Hello', HELLO), 1024, helloOut()],
    ['auth', R, TYPE.auth, encodeBody('Auth', AUTH), 49_152, authJson(AUTH)],
    ['reject', R, TYPE.reject, encodeBody('Reject', REJECT), 4096, rejectOut()],
    ['close', I, TYPE.close, encodeBody('Close', CLOSE), 4096, closeOut()],
  ];
  for (const [id, from, type, body, most, out] of bodies) {
    good(
      `${id}-largest`,
      `a ${id} of ${most} bytes, by a field that v1 does not know`,
      from,
      type,
      0,
      padded(body, most),
      out,
      spec,
      [...flags, 'UnknownField'],
    );
    bad(
      `${id}-too-large`,
      `a ${id} of ${most + 1} bytes`,
      from,
      type,
      0,
      padded(body, most + 1),
      'E_LIMIT',
      `${id}-largest`,
      spec,
      flags,
    );
  }
  const many = Array.from({ length: 257 }, (_, i) => address(i));
  good(
    'watch-256',
    'as many addresses as may be',
    I,
    TYPE.watch,
    0,
    bodyOf.watch(many.slice(0, 256)),
    { keeps: false, addresses: many.slice(0, 256).map(hex) },
    ['messages.3', ...spec],
    flags,
  );
  bad(
    'watch-257',
    'one address too many: 4,112 bytes are above the size of the type, which the header shows (ambiguous: messages.3 says E_LENGTH)',
    I,
    TYPE.watch,
    0,
    bodyOf.watch(many),
    ['E_LIMIT', 'E_LENGTH'],
    'watch-256',
    ['messages.3', ...spec],
    [...flags, 'Order'],
  );
  for (const [id, from, type, channel] of [
    ['sub', I, TYPE.sub, 7],
    ['unsub', I, TYPE.unsub, 7],
    ['credit', I, TYPE.credit, 0],
    ['ack', R, TYPE.ack, 0],
    ['work', I, TYPE.work, 7],
    ['settle', I, TYPE.settle, 7],
    ['ping', I, TYPE.ping, 0],
  ] as [string, Side, number, number][]) {
    bad(`${id}-too-large`, `a ${id} of 4,097 bytes`, from, type, channel, zeros(4097), 'E_LIMIT', id, spec, flags);
    if (id === 'unsub' || id === 'ack')
      bad(
        `${id}-4096`,
        `a ${id} of 4,096 bytes: not above the size of its type, and too long all the same`,
        from,
        type,
        channel,
        zeros(4096),
        'E_LENGTH',
        id,
        ['messages.3', ...spec],
        flags,
      );
  }
  bad(
    'order-size-channel',
    'a hello of 1,025 bytes on channel 1: the size stands in the header',
    I,
    TYPE.hello,
    1,
    padded(encodeBody('Hello', HELLO), 1025),
    'E_LIMIT',
    'hello-largest',
    ['messages.4', ...spec],
    ['Order', ...flags],
  );
}

/** What principals.2 to principals.7 say, for one message. */
function form(good: Good, bad: Bad, id: string, type: number, message: string, full: Fields, out: Out): void {
  const from: Side = R;
  const schema = schemaOf(message);
  const spec = ['messages.1', 'messages.2'];
  const flags = ['BodyForm'];
  const parts = schema
    .filter((f) => full[f.name] !== undefined)
    .map((f) => ({ f, bytes: encodeBody(message, { [f.name]: full[f.name] as Value }) }));
  const whole = cat(...parts.map((p) => p.bytes));
  const instead = (name: string, bytes: Bytes): Bytes =>
    cat(...parts.map((p) => (p.f.name === name ? bytes : p.bytes)));
  const no = (name: string, comment: string, body: Bytes, more: string[] = flags, error = 'E_ENCODING'): void =>
    bad(`${id}-${name}`, `${id}: ${comment}`, from, type, 0, body, error, id, spec, more);
  const scalar = (f: Field): boolean => f.type === 'uint32' || f.type === 'uint64';

  parts.forEach(({ f, bytes }, i) => {
    const name = f.name.replaceAll('_', '-');
    if (f.required === true) no(`without-${name}`, `no ${f.name}, which is required`, instead(f.name, zeros(0)));
    if (f.repeated !== true || scalar(f)) no(`twice-${name}`, `${f.name} twice`, instead(f.name, cat(bytes, bytes)));
    const asNumber = scalar(f) && f.repeated !== true;
    no(
      `wire-type-${name}`,
      `${f.name} with wire type ${asNumber ? 2 : 0}`,
      instead(f.name, asNumber ? wire.bytes(f.number, u8(1)) : wire.number(f.number, 1)),
    );
    if (f.repeated !== true || scalar(f))
      no(
        `default-${name}`,
        `${f.name} with its default value, written out`,
        instead(f.name, asNumber ? wire.number(f.number, 0) : wire.bytes(f.number, zeros(0))),
      );
    const tag = wire.tag(f.number, asNumber ? 0 : 2);
    no(
      `overlong-tag-${name}`,
      `the tag of ${f.name} in two bytes`,
      instead(f.name, cat(put(tag, 0, u8((tag[0] ?? 0) | 0x80)), zeros(1), bytes.slice(1))),
      [...flags, 'NonMinimal'],
    );
    const value = bytes.slice(1);
    const overlong = asNumber
      ? cat(value.slice(0, -1), u8((value.at(-1) ?? 0) | 0x80), zeros(1))
      : cat(u8((value[0] ?? 0) | 0x80), zeros(1), value.slice(1));
    no(
      `overlong-${name}`,
      asNumber ? `${f.name} in a byte more than it needs` : `the length of ${f.name} in a byte more than it needs`,
      instead(f.name, cat(tag, overlong)),
      [...flags, 'NonMinimal'],
    );
    const next = parts[i + 1];
    if (next !== undefined)
      no(
        `swapped-${name}`,
        `${next.f.name} before ${f.name}`,
        cat(...parts.map((p) => (p.f === f ? next.bytes : p.f === next.f ? bytes : p.bytes))),
      );
  });
  const last = Math.max(...schema.map((f) => f.number));
  no('unknown-number', `field ${last + 1} with a number`, cat(whole, wire.number(last + 1, 1)), [
    ...flags,
    'UnknownField',
  ]);
  no('unknown-bytes', `field ${last + 1} with bytes`, cat(whole, wire.bytes(last + 1, text('later'))), [
    ...flags,
    'UnknownField',
  ]);
  no('unknown-1023', 'field 1,023', cat(whole, wire.number(1023, 1)), [...flags, 'UnknownField']);
  no('unknown-first', 'field 1,024 before the others', cat(wire.number(1024, 1), whole), [...flags, 'UnknownField']);
  no('field-0', 'field 0', cat(u8(0), u8(1), whole));
  no('field-2p29', 'field 536,870,912', cat(whole, wire.tag(536_870_912, 0), u8(1)), [...flags, 'UnknownField']);
  for (const w of [1, 3, 4, 5, 6, 7])
    no(`wire-${w}`, `field 1,024 with wire type ${w}`, cat(whole, wire.tag(1024, w), zeros(8)));
  no('truncated', 'the last byte is missing', whole.slice(0, -1), [...flags, 'Truncated']);
  no('tag-alone', 'a tag at the end, and nothing behind it', cat(whole, wire.tag(1024, 2)), [...flags, 'Truncated']);
  no('beyond', 'field 1,024 longer than what is left', cat(whole, wire.tag(1024, 2), u8(2), u8(1)), [
    ...flags,
    'Truncated',
  ]);
  no('overlong-9', 'a varint of nine bytes', cat(whole, wire.tag(1024, 0), stretchVarint(1n << 56n, 9)), [
    ...flags,
    'Limit',
  ]);
  const ok = (name: string, comment: string, body: Bytes): void =>
    good(`${id}-${name}`, `${id}: ${comment}`, from, type, 0, body, out, ['messages.2'], ['UnknownField']);
  ok('ignored-number', 'field 1,024 with a number is ignored', cat(whole, wire.number(1024, 7)));
  ok('ignored-bytes', 'field 1,024 with bytes is ignored', cat(whole, wire.bytes(1024, text('later'))));
  ok('ignored-empty', 'field 1,024 without content is ignored', cat(whole, wire.bytes(1024, zeros(0))));
  ok(
    'ignored-several',
    'fields 1,024 twice, 5,000 and 536,870,911 are ignored',
    cat(whole, wire.bytes(1024, u8(1)), wire.bytes(1024, u8(2)), wire.number(5000, SAFE), wire.number(536_870_911, 1)),
  );
}

function bounds(good: Good, bad: Bad): void {
  const spec = ['messages.2'];
  const asc = ['messages.4'];
  const limit = ['BodyForm', 'Limit'];
  const hello = (more: Fields): Bytes => encodeBody('Hello', { ...HELLO, ...more });
  const ok = (id: string, comment: string, more: Fields, s = spec, flags = limit): void =>
    good(`hello-${id}`, comment, I, TYPE.hello, 0, hello(more), helloOut(more), s, flags);
  const no = (id: string, comment: string, body: Bytes, error: string, s = spec, flags = limit, base = 'hello'): void =>
    bad(`hello-${id}`, comment, I, TYPE.hello, 0, body, error, base, s, flags);
  const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);
  ok('versions-8', 'eight versions', { versions: upTo(8) }, [...spec, ...asc]);
  no('versions-9', 'nine versions', hello({ versions: upTo(9) }), 'E_LIMIT', spec, limit, 'hello-versions-8');
  ok('versions-0', 'version 0 among others: an element may be 0', { versions: [0, 1] }, [...spec, ...asc]);
  ok('version-max', 'version 2^32 - 1', { versions: [1, 0xffff_ffff] });
  ok('suites-32', 'thirty-two suites', { suites: upTo(32) }, [...spec, ...asc]);
  no('suites-33', 'thirty-three suites', hello({ suites: upTo(33) }), 'E_LIMIT', spec, limit, 'hello-suites-32');
  ok('suites-grease', 'GREASE and reserved suites', { suites: [0, 1, 3, 0x0a0a, 0xff00, 0xffff] }, asc, ['Grease']);
  ok('suite-2p32-1', 'suite 2^32 - 1', { suites: [1, 0xffff_ffff] });
  const order = ['BodyForm'];
  for (const [name, list] of [
    ['equal', [1, 1]],
    ['descend', [2, 1]],
    ['last-equal', [1, 2, 3, 3]],
    ['last-descends', [1, 2, 4, 3]],
  ] as [string, number[]][]) {
    no(`versions-${name}`, `versions ${list.join(', ')}`, hello({ versions: list }), 'E_ENCODING', asc, order);
    no(`suites-${name}`, `suites ${list.join(', ')}`, hello({ suites: list }), 'E_ENCODING', asc, order);
  }
  const withPart = (name: string, bytes: Bytes): Bytes =>
    cat(
      ...schemaOf('Hello').map((f) =>
        f.name === name ? bytes : encodeBody('Hello', { [f.name]: HELLO[f.name] as Value }),
      ),
    );
  no(
    'version-2p32',
    'version 2^32',
    withPart('versions', wire.packed(1, [1, 1n << 32n])),
    'E_ENCODING',
    spec,
    limit,
    'hello-version-max',
  );
  no(
    'suite-2p32',
    'suite 2^32',
    withPart('suites', wire.packed(3, [1, 1n << 32n])),
    'E_ENCODING',
    spec,
    limit,
    'hello-suite-2p32-1',
  );
  no(
    'version-overlong',
    'a version that is not minimal inside the list',
    withPart('versions', wire.bytes(1, stretchVarint(1n, 2))),
    'E_ENCODING',
    spec,
    ['BodyForm', 'NonMinimal'],
  );
  no(
    'version-cut',
    'a list that ends inside a version',
    withPart('versions', wire.bytes(1, unhex('0180'))),
    'E_ENCODING',
    spec,
    ['BodyForm', 'Truncated'],
  );
  no(
    'versions-9-broken',
    'eight versions, then one that is not minimal: the element too many comes first',
    withPart('versions', wire.bytes(1, cat(u8(1), u8(2), u8(3), u8(4), u8(5), u8(6), u8(7), u8(8), unhex('8000')))),
    'E_LIMIT',
    spec,
    [...limit, 'Order'],
    'hello-versions-8',
  );
  for (const mode of [3, 255, 0x0a])
    no(`mode-${mode}`, `mode ${mode}`, hello({ mode }), 'E_ENCODING', spec, ['BodyForm']);
  ok('mode-1', 'mode 1', { mode: 1, suites: [] }, spec, ['BodyForm']);
  for (const n of [31, 33]) {
    no(`nonce-${n}`, `a nonce of ${n} bytes`, hello({ nonce32: seeded('n', n) }), 'E_ENCODING', spec, ['BodyForm']);
    no(
      `authority-${n}`,
      `an authority_id32 of ${n} bytes`,
      hello({ authority_id32: seeded('n', n) }),
      'E_ENCODING',
      spec,
      ['BodyForm'],
    );
  }
  ok('serial-max', 'authority_serial and credit 2^53 - 1', { authority_serial: SAFE, credit: SAFE });
  ok('cap-max', 'the largest frame_cap', { frame_cap: 16_777_216 });
  const over = stretchVarint(OVER, 8);
  no('serial-2p53', 'authority_serial 2^53', withPart('authority_serial', cat(wire.tag(6, 0), over)), 'E_ENCODING');
  no(
    'credit-2p53',
    'credit 2^53: a varint, and so not messages.5',
    withPart('credit', cat(wire.tag(8, 0), over)),
    'E_ENCODING',
  );
  no('cap-2p32', 'frame_cap 2^32', withPart('frame_cap', wire.number(7, 1n << 32n)), 'E_ENCODING');

  for (const n of [63, 65])
    bad(
      `auth-signature-${n}`,
      `a signature of ${n} bytes`,
      I,
      TYPE.auth,
      0,
      encodeBody('Auth', { ...AUTH, signature64: seeded('s', n) }),
      'E_ENCODING',
      'auth',
      spec,
      ['BodyForm'],
    );
  const many = (n: number): Fields => ({
    ...AUTH,
    authority_records: Array.from({ length: n }, (_, i) => u8(i % 256)),
  });
  good(
    'auth-records-256',
    '256 authority records',
    I,
    TYPE.auth,
    0,
    encodeBody('Auth', many(256)),
    authJson(many(256)),
    spec,
    limit,
  );
  bad(
    'auth-records-257',
    '257 authority records',
    I,
    TYPE.auth,
    0,
    encodeBody('Auth', many(257)),
    'E_LIMIT',
    'auth-records-256',
    spec,
    limit,
  );

  const reject = (more: Fields): Bytes => encodeBody('Reject', { ...REJECT, ...more });
  for (const about of [4, 255])
    bad(`reject-about-${about}`, `about ${about}`, R, TYPE.reject, 0, reject({ about }), 'E_ENCODING', 'reject', spec, [
      'BodyForm',
    ]);
  good(
    'reject-largest-numbers',
    'number 2^53 - 1, retry_ms 2^32 - 1',
    R,
    TYPE.reject,
    0,
    reject({ number: SAFE, retry_ms: 0xffff_ffff }),
    rejectOut({ number: SAFE, retry: 0xffff_ffff }),
    spec,
    limit,
  );
  bad(
    'reject-number-2p53',
    'number 2^53: a varint, and so not messages.5',
    R,
    TYPE.reject,
    0,
    cat(wire.number(1, 1), wire.tag(2, 0), over, wire.bytes(3, text('E_LIMIT'))),
    'E_ENCODING',
    'reject-largest-numbers',
    spec,
    limit,
  );
  bad(
    'reject-retry-2p32',
    'retry_ms 2^32',
    R,
    TYPE.reject,
    0,
    reject({ retry_ms: 1n << 32n }),
    'E_ENCODING',
    'reject-largest-numbers',
    spec,
    limit,
  );
  bad(
    'close-retry-2p32',
    'retry_ms 2^32',
    R,
    TYPE.close,
    0,
    encodeBody('Close', { ...CLOSE, retry_ms: 1n << 32n }),
    'E_ENCODING',
    'close',
    spec,
    limit,
  );
  for (const [id, type, message, base] of [
    ['reject', TYPE.reject, 'Reject', REJECT],
    ['close', TYPE.close, 'Close', CLOSE],
  ] as [string, number, string, Fields][]) {
    bad(
      `${id}-code-33`,
      'a code of 33 bytes',
      R,
      type,
      0,
      encodeBody(message, { ...base, code: 'E'.repeat(33) }),
      'E_LIMIT',
      `${id}-code-unknown-32-bytes`,
      spec,
      limit,
    );
    for (const [name, bytes] of [
      ['ff', 'ff'],
      ['overlong', 'c180'],
      ['surrogate', 'eda080'],
      ['cut', 'e282'],
    ] as [string, string][])
      bad(
        `${id}-code-utf8-${name}`,
        'a code that is not UTF-8',
        R,
        type,
        0,
        encodeBody(message, { ...base, code: unhex(bytes) }),
        'E_ENCODING',
        id,
        spec,
        ['BodyForm', 'Unicode'],
      );
  }
}

function encoding(g: Group): void {
  for (const s of SAMPLES)
    g.valid(s.id, {
      comment: s.comment,
      in: { type: s.type, ...s.out },
      out: { channel: s.channel, body: hex(s.body) },
      spec: ['messages.1'],
    });
  const good = (id: string, comment: string, type: number, fieldsIn: Members, channel: number, body: Bytes): void => {
    g.valid(id, {
      comment,
      in: { type, ...fieldsIn },
      out: { channel, body: hex(body) },
      spec: ['messages.1'],
      flags: [],
    });
  };
  good(
    'hello-least',
    'zeros and empty lists are not written',
    TYPE.hello,
    helloOut({ suites: [], authority_serial: 0n, credit: 0n }),
    0,
    encodeBody('Hello', without(HELLO, 'suites', 'authority_serial', 'credit')),
  );
  good(
    'auth-least',
    'no authority records',
    TYPE.auth,
    authJson({ ...AUTH, authority_records: [] }),
    0,
    encodeBody('Auth', without(AUTH, 'authority_records')),
  );
  good(
    'reject-least',
    'no retry_ms',
    TYPE.reject,
    rejectOut({ retry: 0 }),
    0,
    encodeBody('Reject', without(REJECT, 'retry_ms')),
  );
  good('close-least', 'an orderly end', TYPE.close, closeOut('', 0), 0, zeros(0));
  good('envelope-0', 'durability 0', TYPE.envelope, { durability: 0, envelope: hex(ENVELOPE) }, 0, ENVELOPE);
  good(
    'watch-fetch',
    'one address to fetch',
    TYPE.watch,
    { keeps: false, addresses: [hex(address('a'))] },
    0,
    address('a'),
  );
  good(
    'sub-prefix-7',
    'a prefix, stored, with the largest numbers',
    TYPE.sub,
    subOut({ sub: 0xffff, matchKind: 2, level: 7, from: SAFE.toString() }),
    0xffff,
    sub({ matchKind: 2, level: 7, from: SAFE }),
  );
  good(
    'work-none',
    'a work that takes nothing more, with the largest number',
    TYPE.work,
    workOut({ work: 0xffff, capacity: 0 }),
    0xffff,
    bodyOf.work(MATCH, 0),
  );
  good(
    'work-most',
    'the largest capacity',
    TYPE.work,
    workOut({ capacity: 0xffff_ffff }),
    7,
    bodyOf.work(MATCH, 0xffff_ffff),
  );
  good(
    'settle-back',
    'given back, with the largest lease',
    TYPE.settle,
    settleOut({ lease: SAFE.toString(), outcome: 2 }),
    7,
    bodyOf.settle(SAFE, 2),
  );
  good(
    'ping-answer',
    'an answer',
    TYPE.ping,
    { answers: true, token: SAFE.toString(), timeMs: '1' },
    1,
    bodyOf.ping(SAFE, 1),
  );

  const out = (id: string): Members => {
    const found = SAMPLES.find((s) => s.id === id);
    if (found === undefined) throw new Error(id);
    return { type: found.type, ...found.out };
  };
  const bad = (id: string, comment: string, base: string, more: Members, error: string[], spec: string[]): void => {
    g.invalid(id, {
      comment,
      in: { ...out(base), ...more },
      error,
      spec,
      from: base,
      flags: [],
      layer: 'body',
    });
  };
  const U = ['E_USAGE', 'E_LIMIT'];
  const LIMIT = ['E_LIMIT', 'E_USAGE'];
  const form = ['messages.1'];
  for (const [id, type] of [
    ['blob', 0x12],
    ['checkpoint', 0x35],
    ['undefined', 0x38],
  ] as [string, number][])
    bad(id, 'a type that this chapter does not have', 'envelope', { type }, ['E_USAGE'], ['messages.7']);
  bad('hello-no-version', 'no version', 'hello', { versions: [] }, ['E_USAGE'], form);
  bad('hello-versions-9', 'nine versions', 'hello', { versions: [1, 2, 3, 4, 5, 6, 7, 8, 9] }, LIMIT, form);
  bad('hello-descend', 'suites that descend', 'hello', { suites: [2, 1] }, ['E_USAGE'], ['messages.4']);
  bad('hello-mode-3', 'mode 3', 'hello', { mode: 3 }, U, form);
  bad('hello-nonce-31', 'a nonce of 31 bytes', 'hello', { nonce: hex(seeded('n', 31)) }, U, form);
  bad('hello-credit-2p53', 'credit 2^53', 'hello', { credit: OVER.toString() }, LIMIT, form);
  bad('auth-signature-63', 'a signature of 63 bytes', 'auth', { signature: hex(seeded('s', 63)) }, U, form);
  bad('reject-about-4', 'about 4', 'reject', { about: 4 }, U, form);
  bad('reject-number-0', 'number 0, which cannot be written', 'reject', { number: '0' }, ['E_USAGE'], form);
  bad('reject-no-code', 'no code', 'reject', { code: '' }, ['E_USAGE'], form);
  bad('reject-retry-2p32', 'retry_ms 2^32', 'reject', { retryMs: 2 ** 32 }, LIMIT, form);
  bad('stored-empty', 'no envelope', 'stored', { envelope: '' }, ['E_USAGE'], ['messages.3']);
  bad('stored-sub-0', 'sub 0', 'stored', { sub: 0 }, ['E_USAGE'], ['messages.4']);
  bad('stored-position-2p53', 'position 2^53', 'stored', { position: OVER.toString() }, LIMIT, ['messages.5']);
  for (const [id, member] of [
    ['leased', 'envelope'],
    ['job', 'job'],
  ] as [string, string][]) {
    bad(`${id}-empty`, `no ${member}`, id, { [member]: '' }, ['E_USAGE'], ['messages.3']);
    bad(`${id}-work-0`, 'work 0', id, { work: 0 }, ['E_USAGE'], ['messages.4']);
    bad(`${id}-lease-2p53`, 'lease 2^53', id, { lease: OVER.toString() }, LIMIT, ['messages.5']);
  }
  bad('work-0', 'work 0', 'work', { work: 0 }, ['E_USAGE'], ['messages.4']);
  bad('work-65536', 'work 65,536', 'work', { work: 65_536 }, LIMIT, ['messages.4']);
  bad('work-match-15', 'a match of 15 bytes', 'work', { match: hex(MATCH.slice(1)) }, U, ['messages.3']);
  bad('work-match-17', 'a match of 17 bytes', 'work', { match: hex(seeded('m', 17)) }, U, ['messages.3']);
  bad('work-capacity-2p32', 'a capacity of 2^32', 'work', { capacity: 2 ** 32 }, LIMIT, ['messages.3']);
  bad('settle-0', 'work 0', 'settle', { work: 0 }, ['E_USAGE'], ['messages.4']);
  bad('settle-lease-2p53', 'lease 2^53', 'settle', { lease: OVER.toString() }, LIMIT, ['messages.5']);
  bad('settle-outcome-0', 'outcome 0', 'settle', { outcome: 0 }, U, ['messages.4']);
  bad('settle-outcome-3', 'outcome 3', 'settle', { outcome: 3 }, U, ['messages.4']);
  bad('object-empty', 'no object', 'object', { object: '' }, ['E_USAGE'], ['messages.3']);
  bad('object-address-15', 'an address of 15 bytes', 'object', { address: hex(seeded('a', 15)) }, U, ['messages.3']);
  bad('watch-empty', 'no address', 'watch', { addresses: [] }, ['E_USAGE'], ['messages.3']);
  bad(
    'watch-257',
    '257 addresses',
    'watch',
    { addresses: Array.from({ length: 257 }, (_, i) => hex(address(i))) },
    LIMIT,
    ['messages.3'],
  );
  bad('watch-address-17', 'an address of 17 bytes', 'watch', { addresses: [hex(seeded('a', 17))] }, U, ['messages.3']);
  bad('sub-0', 'sub 0', 'sub', { sub: 0 }, ['E_USAGE'], ['messages.4']);
  bad('sub-65536', 'sub 65,536', 'sub', { sub: 65_536 }, LIMIT, ['messages.4']);
  bad('sub-kind-0', 'the whole group', 'sub', { matchKind: 0 }, U, ['messages.4']);
  bad('sub-kind-3', 'match kind 3', 'sub', { matchKind: 3 }, U, ['messages.4']);
  bad('sub-exact-level-1', 'level 1 of an exact match', 'sub', { level: 1 }, ['E_USAGE'], ['messages.4']);
  bad('sub-level-8', 'level 8', 'sub', { matchKind: 2, level: 8 }, LIMIT, ['messages.4']);
  bad('sub-from-2p53', 'from 2^53', 'sub', { from: OVER.toString() }, LIMIT, ['messages.5']);
  bad('unsub-0', 'sub 0', 'unsub', { sub: 0 }, ['E_USAGE'], ['messages.4']);
  bad('credit-2p53', 'credit 2^53', 'credit', { bytes: OVER.toString() }, LIMIT, ['messages.5']);
  bad('ack-2p53', 'ack 2^53', 'ack', { number: OVER.toString() }, LIMIT, ['messages.5']);
  bad('ping-token-2p53', 'token 2^53', 'ping', { token: OVER.toString() }, LIMIT, ['messages.5']);
  bad('ping-time-2p53', 'time 2^53', 'ping', { timeMs: OVER.toString() }, LIMIT, ['messages.5']);
  bad('envelope-durability-4', 'durability 4', 'envelope', { durability: 4 }, U, ['messages.4']);
}
