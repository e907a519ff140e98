/** poolrecords.json: pool records, patterns.10, and the records of fronts and crews. */
import { VectorFile, type Group } from '../cases.ts';
import { AUTHORITY, groupFields, HOUR, named, POLICY_KEY, STRANGER } from '../authority.ts';
import { FIRST, KNOWN, objectStep, runner, type Run, type TrustStep } from '../steps.ts';
import { cat, flip, hex, put, seeded, u8, unhex, zeros, type Bytes } from '../twin/bytes.ts';
import {
  bodyJson,
  edKey,
  encodeBody,
  encodeField,
  encodeObject,
  groupRecord,
  KIND,
  poolRecord,
  schemaOf,
  wire,
  type Fields,
  type KeyPair,
  type SignedObject,
  type Signer,
} from '../twin/objects.ts';
import { poolKey } from '../twin/pools.ts';
import { LOW_ORDER } from '../twin/trust.ts';
import { NOW } from '../world.ts';

const ID = AUTHORITY.authorityId;
const SKEW = 30_000n;
const FRONT = seeded('front', 16);
const CREW = seeded('crew', 16);
const CHIEF = named('crew controller');
const P = ['patterns.10'];

function group(over: Fields, serial = 1): SignedObject {
  return groupRecord(ID, POLICY_KEY, groupFields(serial, over));
}
const frontRecord = (over: Fields = {}, serial = 1): SignedObject =>
  group({ group_id16: FRONT, purpose: 4, crew_id16: CREW, ...over }, serial);
const crewRecord = (over: Fields = {}, serial = 1): SignedObject =>
  group({ group_id16: CREW, purpose: 5, controller: edKey(CHIEF.publicKey), ...over }, serial);

function poolFields(epoch: number, over: Fields = {}): Fields {
  return {
    group_id16: FRONT,
    crew_id16: CREW,
    generation: 1,
    epoch,
    block_hash32: seeded(`block hash ${epoch}`, 32),
    suite: 1,
    public_key32: poolKey(seeded(`crew epoch secret ${epoch}`, 32), seeded(`crew ctx ${epoch}`, 32)).publicKey,
    not_before_ms: NOW,
    not_after_ms: NOW + HOUR,
    ...over,
  };
}
const USUAL = poolFields(7)['public_key32'] as Bytes;
const OWN_NOT_CANONICAL: Fields = { crew_id16: FRONT, public_key32: unhex('ff'.repeat(32)) };
const pool = (epoch: number, over: Fields = {}, by: KeyPair = CHIEF): SignedObject =>
  poolRecord(ID, by, poolFields(epoch, over));
const signed = (fields: Fields, signers: readonly Signer[]): SignedObject =>
  encodeObject(KIND.pool, ID, encodeBody('PoolRecord', fields), signers);
const by = (key: KeyPair, label = 'pool'): Signer => ({ seed: key.seed, label });

const offer = (o: { bytes: Bytes } | Bytes, result?: string | typeof KNOWN, now: bigint = NOW): TrustStep =>
  objectStep(KIND.pool, o, result, now);
const record = (o: SignedObject, result?: string): TrustStep => objectStep(KIND.group, o, result);
const START: TrustStep[] = [FIRST, record(frontRecord()), record(crewRecord())];

export function poolrecords(): VectorFile {
  const file = new VectorFile('poolrecords');
  make(file.group('make', 'object.make', 'pools', 'body', false));
  form(
    file.group('decode', 'body.decode', 'principals', 'body'),
    file.group('encode', 'body.encode', 'principals', 'body', false),
  );
  const run = (name: string): Run => runner(file.group(name, 'trust.run', 'pools', 'signature'));
  groups(run('groups'));
  place(run('place'));
  claims(run('claims'));
  signers(run('signers'));
  order(run('order'));
  return file;
}

function make(g: Group): void {
  const one = (id: string, comment: string, fields: Fields): void => {
    const body = encodeBody('PoolRecord', fields);
    const o = encodeObject(KIND.pool, ID, body, [by(CHIEF)]);
    g.valid(id, {
      comment,
      in: {
        kind: KIND.pool,
        authorityId: hex(ID),
        body: hex(body),
        signers: [{ seed: hex(CHIEF.seed), label: 'pool' }],
      },
      out: { object: hex(o.bytes), objectHash: hex(o.hash) },
      spec: ['principals.9', 'patterns.10'],
    });
  };
  one('plain', 'a pool record; its object hash is pool_hash32', poolFields(7));
  one('revokes', 'of a block that revokes', poolFields(8, { revokes: true }));
  one('suite-2', 'of a crew in suite 0x0002', poolFields(7, { suite: 2 }));
}

function form(decode: Group, encode: Group): void {
  const F = ['BodyForm'];
  const good = (id: string, comment: string, message: string, fields: Fields, spec = ['principals.3']): void => {
    const [body, json] = [hex(encodeBody(message, fields)), bodyJson(message, fields)];
    decode.valid(id, { comment, in: { message, bytes: body }, out: { fields: json }, spec, flags: F });
    encode.valid(id, {
      comment,
      in: { message, fields: json },
      out: { bytes: body },
      spec: ['principals.1'],
      flags: F,
    });
  };
  const all = poolFields(7, { revokes: true });
  good('pool', 'a PoolRecord with every field', 'PoolRecord', all);
  good('least-pool', 'without revokes', 'PoolRecord', poolFields(7), ['principals.4']);
  good('pool-numbers', 'numbers at their limits', 'PoolRecord', {
    ...all,
    generation: 0xffff_ffff,
    epoch: 0xffff_ffff,
    suite: 2,
    not_before_ms: (1n << 53n) - 1n,
    not_after_ms: (1n << 53n) - 1n,
  });
  const front = groupFields(1, { purpose: 4, crew_id16: CREW });
  good('front', 'a GroupRecord with crew_id16', 'GroupRecord', front);

  const schema = schemaOf('PoolRecord');
  const parts = (over: { [name: string]: Bytes }): Bytes =>
    cat(
      ...schema.map((f) => {
        const value = all[f.name];
        return over[f.name] ?? (value === undefined ? zeros(0) : encodeField(f, value));
      }),
    );
  const bad = (
    id: string,
    comment: string,
    bytes: Bytes,
    spec: string[],
    from = 'pool',
    message = 'PoolRecord',
  ): void => {
    decode.invalid(id, { comment, in: { message, bytes: hex(bytes) }, error: 'E_ENCODING', spec, from, flags: F });
  };
  for (const f of schema.filter((x) => x.required === true)) {
    bad(`no-${f.name}`, `without ${f.name}`, parts({ [f.name]: zeros(0) }), ['principals.3']);
    if (f.bytes === undefined) {
      bad(`zero-${f.name}`, `${f.name} 0, written out`, parts({ [f.name]: wire.number(f.number, 0) }), [
        'principals.4',
      ]);
      continue;
    }
    for (const length of [f.bytes - 1, f.bytes + 1])
      bad(
        `${f.name}-${length}`,
        `${f.name} of ${length} bytes`,
        parts({ [f.name]: wire.bytes(f.number, seeded('other length', length)) }),
        ['principals.5'],
      );
  }
  for (const suite of [3, 17])
    bad(`suite-${suite}`, `suite ${suite}`, parts({ suite: wire.number(6, suite) }), ['principals.4']);
  for (const [name, number] of [
    ['generation', 3],
    ['epoch', 4],
  ] as [string, number][])
    bad(`${name}-2-32`, `${name} 2^32`, parts({ [name]: wire.number(number, 1n << 32n) }), ['principals.4']);
  for (const [name, number] of [
    ['not_before_ms', 8],
    ['not_after_ms', 9],
  ] as [string, number][])
    bad(`${name}-2-53`, `${name} 2^53`, parts({ [name]: cat(wire.tag(number, 0), unhex('8080808080808010')) }), [
      'principals.2',
    ]);
  bad('revokes-2', 'revokes 2', parts({ revokes: wire.number(10, 2) }), ['principals.4']);
  bad('revokes-0', 'revokes false, written out', parts({ revokes: wire.number(10, 0) }), ['principals.4']);
  const body = encodeBody('PoolRecord', all);
  bad('unknown', 'field 11', cat(body, wire.number(11, 1)), ['principals.3']);
  bad('twice', 'revokes twice', cat(body, wire.number(10, 1)), ['principals.3']);
  bad('type', 'public_key32 as a number', parts({ public_key32: wire.number(7, 1) }), ['principals.3']);
  bad(
    'order',
    'epoch before generation',
    parts({ generation: zeros(0), epoch: cat(wire.number(4, 7), wire.number(3, 1)) }),
    ['principals.2'],
  );
  bad('cut', 'without its last byte', body.slice(0, -1), ['principals.2']);
  for (const length of [15, 17])
    bad(
      `crew_id16-of-front-${length}`,
      `a crew_id16 of ${length} bytes in a GroupRecord`,
      cat(
        encodeBody('GroupRecord', groupFields(1, { purpose: 4 })),
        wire.bytes(13, seeded('crew', 32).slice(0, length)),
      ),
      ['principals.5'],
      'front',
      'GroupRecord',
    );
}

/** What chapter 08 asks of purposes 3 to 5. */
function groups(run: Run): void {
  const S = ['principals.8'];
  const one = (id: string, comment: string, over: Fields, error?: string, flags = ['Purpose']): void =>
    run(id, comment, S, flags, [FIRST, record(group(over), error)]);
  one('front', 'a front with its crew', { purpose: 4, crew_id16: CREW });
  one('crew', 'a crew', { purpose: 5 });
  one('front-alone', 'a front without crew_id16', { purpose: 4 }, 'E_ENCODING');
  one('front-own', 'a front that is its own crew', { group_id16: FRONT, purpose: 4, crew_id16: FRONT }, 'E_ENCODING');
  for (const [purpose, name] of [
    [1, 'PUB/SUB'],
    [2, 'BUS'],
    [3, 'SURVEY'],
    [5, 'a crew'],
  ] as [number, string][])
    one(`crew-of-${purpose}`, `crew_id16 in a group for ${name}`, { purpose, crew_id16: CREW }, 'E_ENCODING');
  for (const [purpose, name, more] of [
    [3, 'a group for SURVEY', {}],
    [4, 'a front', { crew_id16: CREW }],
    [5, 'a crew', {}],
  ] as [number, string, Fields][])
    one(`chains-${purpose}`, `topic_chains in ${name}`, { purpose, topic_chains: true, ...more }, 'E_ENCODING');
  one('chains-2', 'topic_chains in a group for BUS', { purpose: 2, topic_chains: true });
  one('stale-ok', 'stale_ok in a front', { purpose: 4, crew_id16: CREW, stale_ok: true });
  run(
    'head-age-crew',
    'max_head_age_ms of a crew: 60,001 is refused',
    S,
    ['Limit'],
    [
      FIRST,
      record(crewRecord({ max_head_age_ms: 60_001 }), 'E_LIMIT'),
      record(crewRecord({ max_head_age_ms: 60_000 })),
    ],
  );
  one('head-age-bus', 'max_head_age_ms of a bus may be longer', { purpose: 2, max_head_age_ms: 60_001 }, undefined, [
    'Limit',
  ]);
}

function place(run: Run): void {
  const F = ['PoolRecord', 'Rollback'];
  const again = offer(pool(7), KNOWN);
  run('held', 'held, then known', [...P, 'principals.10'], F, [...START, offer(pool(7)), again]);
  run('crew-first', 'the record of the crew came before that of the front', P, F, [
    FIRST,
    record(crewRecord()),
    record(frontRecord()),
    offer(pool(7)),
  ]);
  run('next', 'of the next epoch, of one after a gap, and of a block that revokes', P, F, [
    ...START,
    offer(pool(7)),
    offer(pool(8)),
    offer(pool(20)),
    offer(pool(21, { revokes: true })),
    offer(pool(21, { revokes: true }), KNOWN),
  ]);
  const later: Fields = { not_before_ms: NOW + HOUR, not_after_ms: NOW + 2n * HOUR };
  run('before', 'the one before, while the newest has not begun, is held (patterns.12), and known', P, F, [
    ...START,
    offer(pool(7)),
    offer(pool(8, later)),
    again,
    offer(pool(8, later), KNOWN),
  ]);
  run('before-lower', 'one before that is neither of the two', P, F, [
    ...START,
    offer(pool(7)),
    offer(pool(8)),
    offer(pool(9, later)),
    offer(pool(6), 'E_EPOCH'),
    offer(pool(8), KNOWN),
  ]);
  run(
    'before-fork',
    'of the epoch before, and another',
    P,
    ['PoolRecord', 'Fork'],
    [...START, offer(pool(7)), offer(pool(8, later)), offer(pool(7, { revokes: true }), 'E_EPOCH'), again],
  );
  run('lower', 'of a lower epoch', P, F, [...START, offer(pool(8)), offer(pool(7), 'E_EPOCH'), offer(pool(8), KNOWN)]);
  run('generation', 'the generation counts first', P, F, [
    ...START,
    offer(pool(9)),
    offer(pool(3, { generation: 2 })),
    offer(pool(10), 'E_EPOCH'),
    offer(pool(4_294_967_295), 'E_EPOCH'),
    offer(pool(2, { generation: 2 }), 'E_EPOCH'),
    offer(pool(4, { generation: 2 })),
  ]);
  for (const [id, comment, over] of [
    ['fork-block', 'the same epoch, another block', { block_hash32: seeded('another block', 32) }],
    ['fork-key', 'the same epoch, another key', { public_key32: poolKey(zeros(32), zeros(32)).publicKey }],
    ['fork-times', 'the same epoch, a later end', { not_after_ms: NOW + HOUR + 1n }],
    ['fork-revokes', 'the same epoch, which revokes', { revokes: true }],
  ] as [string, string, Fields][])
    run(
      id,
      comment,
      P,
      ['PoolRecord', 'Fork'],
      [...START, offer(pool(7)), offer(pool(7, over), 'E_FORK'), again, offer(pool(8))],
    );
  const front2 = seeded('second front', 16);
  const crew2 = seeded('second crew', 16);
  run('two-pools', 'numbers of two pools are apart', P, F, [
    ...START,
    record(frontRecord({ group_id16: front2, crew_id16: crew2 })),
    record(crewRecord({ group_id16: crew2 })),
    offer(pool(8)),
    offer(pool(7, { group_id16: front2, crew_id16: crew2 })),
  ]);
  const V = ['PoolRecord', 'Validity'];
  run('not-begun', 'one that begins tomorrow is held', P, V, [
    ...START,
    offer(pool(7, { not_before_ms: NOW + 24n * HOUR, not_after_ms: NOW + 25n * HOUR })),
  ]);
  run('expired', 'not_after passed by more than the skew', P, V, [
    ...START,
    offer(pool(7, { not_before_ms: NOW - HOUR, not_after_ms: NOW - SKEW - 1n }), 'E_EXPIRED'),
    offer(pool(7, { not_before_ms: NOW - HOUR, not_after_ms: NOW - SKEW })),
  ]);
  run('expired-since', 'one that was held and has expired since', [...P, 'principals.10'], V, [
    ...START,
    offer(pool(7)),
    offer(pool(7), KNOWN, NOW + HOUR + SKEW),
    offer(pool(7), 'E_EXPIRED', NOW + HOUR + SKEW + 1n),
  ]);
  run('skew', 'another skew', P, V, [FIRST, ...START.slice(1), offer(pool(7), 'E_EXPIRED', NOW + HOUR + 1n)], {
    skewMs: 0n,
  });
}

function claims(run: Run): void {
  const F = ['PoolRecord'];
  const no = (id: string, comment: string, over: Fields, error: string, flags = F): void =>
    run(id, comment, P, flags, [...START, offer(pool(7, over), error), offer(pool(7))]);
  no('ends-first', 'it ends before it begins', { not_before_ms: NOW + 1n, not_after_ms: NOW }, 'E_ENCODING', [
    'PoolRecord',
    'Validity',
  ]);
  run(
    'moment',
    'it ends when it begins',
    P,
    ['PoolRecord', 'Validity'],
    [...START, offer(pool(7, { not_after_ms: NOW }))],
  );
  no('own-crew', 'a crew that is the front', { crew_id16: FRONT }, 'E_ENCODING');
  let n = 0;
  for (const low of LOW_ORDER)
    no(`low-order-${n++}`, 'a public key that gives 32 zero bytes', { public_key32: unhex(low) }, 'E_KEY', [
      'PoolRecord',
      'KeyUse',
    ]);
  no('low-order-p', 'p, which is zero', { public_key32: unhex(`ed${'ff'.repeat(30)}7f`) }, 'E_KEY', [
    'PoolRecord',
    'KeyUse',
  ]);
  no('low-order-top-bit', 'zero with the top bit set', { public_key32: cat(zeros(31), unhex('80')) }, 'E_KEY', [
    'PoolRecord',
    'KeyUse',
  ]);
  for (const [id, name, key] of [
    ['top-bit', 'the right key with the top bit set', put(USUAL, 31, u8((USUAL[31] ?? 0) | 0x80))],
    ['p-2', 'p + 2', unhex(`ef${'ff'.repeat(30)}7f`)],
    ['p-18', 'p + 18, the highest below 2^255', unhex(`ff${'ff'.repeat(30)}7f`)],
    ['max', '2^256 - 1', unhex('ff'.repeat(32))],
  ] as [string, string, Bytes][])
    no(`not-canonical-${id}`, `a public key that is not canonical: ${name}`, { public_key32: key }, 'E_KEY', [
      'PoolRecord',
      'KeyUse',
    ]);
  run(
    'p-1',
    'the highest canonical public key that gives no zeros: p - 2',
    P,
    ['PoolRecord', 'KeyUse'],
    [...START, offer(pool(7, { public_key32: unhex(`eb${'ff'.repeat(30)}7f`) }))],
  );
  run('no-front', 'without the record of the front', P, F, [FIRST, record(crewRecord()), offer(pool(7), 'E_POLICY')]);
  run('no-crew', 'without the record of the crew', P, F, [FIRST, record(frontRecord()), offer(pool(7), 'E_POLICY')]);
  run('no-groups', 'without both', P, F, [FIRST, offer(pool(7), 'E_POLICY'), ...START.slice(1), offer(pool(7))]);
  const other = seeded('another crew', 16);
  run('other-crew', 'a crew that the record of the front does not name', P, F, [
    ...START,
    record(crewRecord({ group_id16: other })),
    offer(pool(7, { crew_id16: other }), 'E_BINDING'),
    offer(pool(7)),
  ]);
  run('crew-replaced', 'the front has another crew since', P, F, [
    ...START,
    record(crewRecord({ group_id16: other })),
    offer(pool(7)),
    record(frontRecord({ crew_id16: other }, 2)),
    offer(pool(8), 'E_BINDING'),
    offer(pool(8, { crew_id16: other })),
  ]);
  for (const [purpose, name] of [
    [1, 'PUB/SUB'],
    [2, 'BUS'],
    [3, 'SURVEY'],
    [5, 'a crew'],
  ] as [number, string][]) {
    const id16 = seeded(`group of purpose ${purpose}`, 16);
    run(
      `front-is-${purpose}`,
      `the front is a group for ${name}`,
      P,
      ['PoolRecord', 'Purpose'],
      [...START, record(group({ group_id16: id16, purpose })), offer(pool(7, { group_id16: id16 }), 'E_BINDING')],
    );
  }
  for (const [purpose, name] of [
    [1, 'PUB/SUB'],
    [2, 'BUS'],
    [3, 'SURVEY'],
  ] as [number, string][]) {
    const id16 = seeded(`group of purpose ${purpose}`, 16);
    const controller = edKey(CHIEF.publicKey);
    run(
      `crew-is-${purpose}`,
      `the crew is a group for ${name}, which the record of the front names`,
      P,
      ['PoolRecord', 'Purpose'],
      [
        FIRST,
        record(frontRecord({ crew_id16: id16 })),
        record(group({ group_id16: id16, purpose, controller })),
        offer(pool(7, { crew_id16: id16 }), 'E_BINDING'),
      ],
    );
  }
  const second = seeded('second front', 16);
  run(
    'crew-is-4',
    'the crew is another front',
    P,
    ['PoolRecord', 'Purpose'],
    [
      FIRST,
      record(frontRecord({ crew_id16: second })),
      record(frontRecord({ group_id16: second, controller: edKey(CHIEF.publicKey) })),
      offer(pool(7, { crew_id16: second }), 'E_BINDING'),
    ],
  );
  no('suite', "a suite other than that of the crew's record", { suite: 2 }, 'E_SUITE', ['PoolRecord', 'Downgrade']);
  run('suite-of-crew', 'the suite is that of the crew, also where the front has another', P, F, [
    FIRST,
    record(frontRecord()),
    record(crewRecord({ suite: 2 })),
    offer(pool(7), 'E_SUITE'),
    offer(pool(7, { suite: 2 })),
  ]);
}

function signers(run: Run): void {
  const F = ['PoolRecord', 'Delegation'];
  const who = (id: string, comment: string, key: KeyPair): void =>
    run(id, comment, P, F, [...START, offer(pool(7, {}, key), 'E_POLICY'), offer(pool(7))]);
  who('front-controller', 'by the controller of the front', named('controller'));
  who('policy', 'by the policy key', POLICY_KEY);
  who('stranger', 'by a stranger', STRANGER);
  run('controller-changed', 'the crew has another controller since', P, F, [
    ...START,
    offer(pool(7)),
    record(crewRecord({ controller: edKey(named('next controller').publicKey) }, 2)),
    offer(pool(8), 'E_POLICY'),
    offer(pool(8, {}, named('next controller'))),
  ]);
  const good = offer(pool(7));
  for (const label of ['group', 'keyblock', 'policy', 'envelope'])
    run(
      `label-${label}`,
      `with the label ${label}`,
      P,
      ['PoolRecord', 'LabelConfusion'],
      [...START, offer(signed(poolFields(7), [by(CHIEF, label)]), 'E_SIG'), good],
    );
  const shell = (id: string, comment: string, bytes: Bytes, error: string): void =>
    run(id, comment, ['principals.8', ...P], ['PoolRecord', 'SignedShell'], [...START, offer(bytes, error), good]);
  shell('unsigned', 'without a signature', signed(poolFields(7), []).bytes, 'E_SIG');
  shell('signed-twice', 'two signatures', signed(poolFields(7), [by(CHIEF), by(CHIEF)]).bytes, 'E_SIG');
  const right = pool(7).bytes;
  shell('flipped', 'one bit of the signature', flip(right, -1), 'E_SIG');
  const key = poolFields(7)['public_key32'] as Bytes;
  const at = hex(right).indexOf(hex(key)) / 2;
  shell(
    'key-changed',
    'another public key under the signature',
    put(right, at, poolKey(zeros(32), zeros(32)).publicKey),
    'E_SIG',
  );
  shell(
    'named-other',
    "another signer's name over this signature",
    signed(poolFields(7), [{ ...by(CHIEF), keyId: named('controller').keyId }]).bytes,
    'E_POLICY',
  );
  const foreign = encodeObject(KIND.pool, seeded('another authority', 32), encodeBody('PoolRecord', poolFields(7)), [
    by(CHIEF),
  ]);
  shell('authority', 'of another authority', foreign.bytes, 'E_BINDING');
  run(
    'as-group',
    'offered where a group record is expected, and the other way round',
    ['principals.8'],
    ['SignedShell'],
    [...START, objectStep(KIND.group, pool(7), 'E_ENCODING'), offer(crewRecord(), 'E_ENCODING')],
  );
  shell('trailing', 'a byte too many', cat(right, zeros(1)), 'E_LENGTH');
}

function order(run: Run): void {
  const F = ['Order'];
  const no = (id: string, comment: string, o: SignedObject, error: string, steps: TrustStep[] = START): void =>
    run(id, comment, ['principals.8', ...P], F, [...steps, offer(o, error)]);
  no('form-number', 'ends first, without a signature', signed(poolFields(7, { not_after_ms: 1n }), []), 'E_ENCODING');
  no(
    'key-number',
    'a key of small order, without a signature',
    signed(poolFields(7, { public_key32: unhex('01'.padEnd(64, '0')) }), []),
    'E_KEY',
  );
  const low = unhex('01'.padEnd(64, '0'));
  const ends: Fields = { not_after_ms: 1n };
  no('form-key', 'ends first, and a key of small order', pool(7, { ...ends, public_key32: low }), 'E_ENCODING');
  no('own-crew-key', 'its own crew, and a key that is not canonical', pool(7, OWN_NOT_CANONICAL), 'E_ENCODING');
  no('key-groups', 'a key of small order, without the records of its groups', pool(7, { public_key32: low }), 'E_KEY', [
    FIRST,
  ]);
  no(
    'number-groups',
    'without a signature, and without the records of its groups',
    signed(poolFields(7), []),
    'E_SIG',
    [FIRST],
  );
  const id16 = seeded('group of purpose 1', 16);
  no(
    'groups-binding',
    'the front is none, and the record of the crew is not there',
    pool(7, { group_id16: id16 }),
    'E_POLICY',
    [FIRST, record(group({ group_id16: id16 }))],
  );
  no(
    'binding-suite',
    'the front is none, and the suite another',
    pool(7, { group_id16: id16, suite: 2 }),
    'E_BINDING',
    [...START, record(group({ group_id16: id16 }))],
  );
  const noCrew = seeded('group that is no crew', 16);
  const wrongCrew = [
    FIRST,
    record(frontRecord({ crew_id16: noCrew })),
    record(group({ group_id16: noCrew, controller: edKey(CHIEF.publicKey) })),
  ];
  no(
    'crew-suite',
    'the crew is none, and the suite another',
    pool(7, { crew_id16: noCrew, suite: 2 }),
    'E_BINDING',
    wrongCrew,
  );
  no(
    'crew-signer',
    'the crew is none, by a stranger',
    pool(7, { crew_id16: noCrew }, STRANGER),
    'E_BINDING',
    wrongCrew,
  );
  no('suite-signer', 'another suite, by a stranger', pool(7, { suite: 2 }, STRANGER), 'E_SUITE');
  no(
    'signer-signature',
    'by a stranger, whose signature is broken',
    { ...pool(7), bytes: flip(pool(7, {}, STRANGER).bytes, -1) },
    'E_POLICY',
  );
  const old: Fields = { not_before_ms: 1n, not_after_ms: 2n };
  no(
    'signature-expiry',
    'a broken signature, and expired',
    { ...pool(7), bytes: flip(pool(7, old).bytes, -1) },
    'E_SIG',
  );
  no('expiry-place', 'expired, and of a lower epoch', pool(7, old), 'E_EXPIRED', [...START, offer(pool(8))]);
  no('signer-expiry', 'by a stranger, and expired', pool(7, old, STRANGER), 'E_POLICY');
}
