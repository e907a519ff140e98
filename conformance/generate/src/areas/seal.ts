/** seal.json: deterministic sealing. Every answer is opened again before it is written. */
import { isDeepStrictEqual } from 'node:util';
import { VectorFile } from '../cases.ts';
import { answer, recordsJson } from '../check.ts';
import type { Json, Members } from '../json.ts';
import { FRONT, frontEpoch, MESSAGE, type FrontEpoch } from '../routerworld.ts';
import { cat, hex, seeded, text, u32, u64, unhex, vec16, zeros, type Bytes } from '../twin/bytes.ts';
import { publicKeyOf } from '../twin/ed25519.ts';
import { sealEnvelope, type Recipe, type RoutingRecipe } from '../twin/envelope.ts';
import { known } from '../twin/extensions.ts';
import { parseEnvelope } from '../twin/parse.ts';
import { ED25519, rawKeyId } from '../twin/schedule.ts';
import { ALICE, BOB, known as knownSource, messages, NOW, receiver, recipe, sourceJson, writer } from '../world.ts';

function sealIn(r: Recipe, rng: Bytes = r.random): Members {
  const out: Members = {
    form: r.form,
    patternKind: r.patternKind,
    suite: r.suite,
    topicTag: hex(r.topicTag),
    epoch: r.epoch,
    streamId: hex(r.streamId),
    seq: r.seq.toString(),
    timestamp: r.timestamp.toString(),
    seed: hex(r.seed),
    source: sourceJson(r.source),
    hedgeSecret: hex(r.hedgeSecret),
    rng: hex(rng),
    records: recordsJson(r.records),
    padded: r.padded,
    extensions: r.extensions.map((x) => ({ number: x.number, value: hex(x.value) })),
    recordCommit: r.recordCommit,
    keyinfo: hex(r.keyinfo),
  };
  if (r.form === 'merkle') out['jobsPerLeaf'] = r.jobsPerLeaf;
  if (r.routing !== undefined) {
    const { front, epoch, data } = r.routing;
    const { suite, epochSecret, groupCtx } = front;
    out['routing'] = { suite, epoch, epochSecret: hex(epochSecret), groupCtx: hex(groupCtx), data: hex(data) };
  }
  return out;
}

/** Opens what was sealed with the independent opener. */
function confirm(id: string, r: Recipe, envelope: string): void {
  const now = r.timestamp.toString();
  const input = {
    receiver: receiver(
      [knownSource({ tag: r.topicTag, epoch: r.epoch, suite: r.suite, source: r.source })],
      [writer(ALICE), writer(BOB)],
    ),
    now,
    envelope,
  };
  const got = answer('envelope.open', input) as { out?: { records?: Json } };
  if (!isDeepStrictEqual(got.out?.records, recordsJson(r.records)))
    throw new Error(`${id} does not open: ${JSON.stringify(got)}`);
  if (r.routing !== undefined) confirmRouting(id, r, r.routing, envelope);
}

/** The routing data, with the independent opener of them. */
function confirmRouting(id: string, r: Recipe, routing: RoutingRecipe, envelope: string): void {
  const { header, extensions } = parseEnvelope(unhex(envelope));
  const { suite, epochSecret, groupCtx } = routing.front;
  const input = {
    suite,
    epochSecret: hex(epochSecret),
    groupCtx: hex(groupCtx),
    senderKeyId: hex(rawKeyId(ED25519, publicKeyOf(r.seed))),
    streamId: hex(r.streamId),
    seq: r.seq.toString(),
    salt: hex(header.salt),
    value: hex(extensions.find((x) => x.number === 12)?.value ?? zeros(0)),
  };
  const got = answer('routing.open', input);
  if (!isDeepStrictEqual(got, { out: { epoch: routing.epoch, data: hex(routing.data) } }))
    throw new Error(`${id}: the routing data do not open: ${JSON.stringify(got)}`);
}

export function seal(): VectorFile {
  const file = new VectorFile('seal');
  const g = file.group('seal', 'envelope.seal', 'seal', 'body', false);
  const good = (id: string, comment: string, over: Partial<Recipe>, spec: string[], flags: string[] = []): void => {
    const r = recipe(`seal ${id}`, over);
    const made = sealEnvelope(r);
    confirm(id, r, hex(made.bytes));
    g.valid(id, { comment, in: sealIn(r), out: { envelope: hex(made.bytes), id: hex(made.id) }, spec, flags });
  };
  const survey = cat(seeded('survey id', 16), u64(NOW + 1000n), u32(20), vec16(seeded('reply pk', 32)));
  const several = [
    known(3, seeded('prev envelope', 32)),
    known(4, u64(NOW + 60_000n)),
    known(6, seeded('trace', 32)),
    known(7, seeded('idempotency', 16)),
    known(9, seeded('chain', 48)),
  ];
  for (const suite of [1, 2]) {
    const s = `suite-${suite}`;
    const base = ['envelope.1', 'suites.1', 'suites.10', 'suites.13', 'suites.17'];
    good(`single-${s}`, `a single, suite ${suite}`, { suite }, base);
    good(
      `single-empty-${s}`,
      'a single whose payload has no bytes',
      { suite, records: [{ timestamp: NOW, payload: zeros(0) }] },
      base,
    );
    good(`batch-${s}`, 'a whole batch of five records', { suite, form: 'batch', records: messages(5) }, [
      'envelope.2',
      'envelope.16',
      ...base,
    ]);
    good(`batch-padded-${s}`, 'a padded whole batch', { suite, form: 'batch', padded: true, records: messages(5) }, [
      'envelope.2',
      'envelope.17',
      ...base,
    ]);
    good(
      `merkle-${s}`,
      'a Merkle batch of five records, two a leaf',
      { suite, form: 'merkle', records: messages(5), jobsPerLeaf: 2 },
      ['envelope.8', 'envelope.18', ...base],
    );
    good(
      `merkle-padded-${s}`,
      'a padded Merkle batch: each leaf is padded alone',
      { suite, form: 'merkle', padded: true, records: messages(7), jobsPerLeaf: 3 },
      ['envelope.8', 'envelope.17', ...base],
    );
    good(
      `commit-single-${s}`,
      'a single with extension 11',
      { suite, recordCommit: true },
      ['suites.15', ...base],
      ['Commitment'],
    );
    good(
      `commit-merkle-${s}`,
      'a Merkle batch with extension 11: the commitment stands in AADH, root32 does not',
      { suite, form: 'merkle', records: messages(5), jobsPerLeaf: 2, recordCommit: true },
      ['suites.15', ...base],
      ['Commitment'],
    );
  }
  good('batch-one', 'a whole batch of one record', { form: 'batch', records: messages(1) }, [
    'envelope.16',
    'envelope.2',
  ]);
  good(
    'batch-ages',
    'records that waited 0, 127, 128 and 100,000 ms',
    {
      form: 'batch',
      records: [0n, 127n, 128n, 100_000n].map((age) => ({ timestamp: NOW - age, payload: text(`waited ${age}`) })),
    },
    ['envelope.5', 'envelope.16'],
  );
  good(
    'merkle-one-leaf',
    'a Merkle batch of one leaf: its hash is the root',
    { form: 'merkle', records: messages(3), jobsPerLeaf: 16 },
    ['envelope.18'],
  );
  good('merkle-one-record', 'a Merkle batch of one record', { form: 'merkle', records: messages(1), jobsPerLeaf: 1 }, [
    'envelope.18',
  ]);
  good(
    'merkle-full',
    'four records, two a leaf: the last leaf is full too',
    { form: 'merkle', records: messages(4), jobsPerLeaf: 2 },
    ['envelope.18'],
  );
  good('merkle-job-by-job', 'nine records, one a leaf', { form: 'merkle', records: messages(9), jobsPerLeaf: 1 }, [
    'envelope.18',
  ]);
  good('keyinfo', 'with keyinfo, which is signed but not in the AAD', { keyinfo: seeded('keyinfo', 40) }, [
    'suites.17',
  ]);
  good('extensions', 'with several extensions', { seq: 2n, extensions: several }, ['envelope.7', 'envelope.9']);
  good(
    'extensions-commit',
    'with several extensions and a commitment behind them',
    { seq: 2n, extensions: several, recordCommit: true },
    ['envelope.7', 'suites.15'],
    ['Commitment'],
  );
  good(
    'extensions-merkle',
    'a Merkle batch with several extensions behind extension 1, and a commitment',
    {
      seq: 2n,
      form: 'merkle',
      records: messages(5),
      jobsPerLeaf: 2,
      extensions: several,
      recordCommit: true,
      keyinfo: seeded('keyinfo', 40),
    },
    ['envelope.7', 'envelope.8', 'suites.15'],
    ['Commitment'],
  );
  good(
    'survey',
    'a survey question with extensions 2 and 10',
    { patternKind: 0x50, extensions: [known(2, survey), known(10, seeded('reply route', 16))] },
    ['envelope.7'],
  );
  const routing = (data: Bytes = text('to whom it goes'), front: FrontEpoch = FRONT): Partial<Recipe> => ({
    form: 'batch',
    patternKind: MESSAGE,
    extensions: [known(8, u64(10))],
    routing: { front, epoch: front.epoch, data },
  });
  const R = ['patterns.36', 'suites.10'];
  for (const suite of [1, 2])
    for (const front of [FRONT, frontEpoch('three', 3, 2)])
      good(
        `routing-suite-${suite}-front-${front.suite}`,
        `a message of ROUTER/DEALER, suite ${suite}, in a front of suite ${front.suite}`,
        { suite, ...routing(undefined, front) },
        ['envelope.7', ...R],
      );
  good('routing-empty', 'a message without routing data: 20 bytes', routing(zeros(0)), R, ['Limit']);
  good('routing-1024', 'a message with 1,024 bytes of them', routing(seeded('much routing', 1024)), R, ['Limit']);
  good('routing-padded', 'a padded one', { ...routing(), padded: true, records: messages(5) }, R);
  good(
    'routing-commit',
    'with extension 11 before 12',
    { ...routing(), recordCommit: true },
    [...R, 'suites.15'],
    ['Commitment'],
  );
  good(
    'routing-extensions',
    'with several extensions before it, and keyinfo',
    {
      ...routing(),
      seq: 2n,
      extensions: [known(3, seeded('prev envelope', 32)), known(4, u64(NOW + 60_000n)), known(8, u64(10))],
      recordCommit: true,
      keyinfo: seeded('keyinfo', 40),
    },
    [...R, 'envelope.7'],
  );
  good('routing-seq-limit', 'number 2^20 of a stream', { ...routing(), seq: 1n << 20n }, R, ['Limit']);
  good('routing-epoch-max', 'the last epoch', routing(text('late'), frontEpoch('last', 4_294_967_295)), R, ['Limit']);
  good('routing-other-sender', 'Bob seals', { ...routing(), seed: BOB.seed }, R);
  for (const kind of [0x30, 0x31, 0x40, 0x51, 0x60, 0x71, 0x72])
    good(`kind-${kind.toString(16)}`, 'another pattern or kind', { patternKind: kind }, ['envelope.1']);
  good('seq-limit', 'the last envelope of a stream, seq 2^40', { seq: 1n << 40n }, ['envelope.4'], ['Limit']);
  good('other-sender', 'Bob seals', { seed: BOB.seed }, ['suites.17']);

  // Salts: one random source, other content (I13, H16)
  const random = seeded('one random source', 16);
  const streamId = seeded('one stream', 8);
  const hedged: [string, string, Partial<Recipe>][] = [
    ['plain', 'the envelope that the others differ from', {}],
    ['again', 'everything equal: the same envelope, byte by byte', {}],
    ['payload', 'another payload', { records: [{ timestamp: NOW, payload: text('other') }] }],
    [
      'timestamp',
      'another timestamp',
      { timestamp: NOW + 1n, records: [{ timestamp: NOW + 1n, payload: text('same') }] },
    ],
    ['seq', 'another seq', { seq: 2n }],
    ['extension', 'an extension', { extensions: [known(6, seeded('trace', 32))] }],
    [
      'batch-ab-c',
      'a batch of "ab" and "c"',
      { form: 'batch', records: ['ab', 'c'].map((t) => ({ timestamp: NOW, payload: text(t) })) },
    ],
    [
      'batch-a-bc',
      'a batch of "a" and "bc"',
      { form: 'batch', records: ['a', 'bc'].map((t) => ({ timestamp: NOW, payload: text(t) })) },
    ],
    [
      'merkle-ab-c',
      'leaves "ab" and "c"',
      { form: 'merkle', jobsPerLeaf: 1, records: ['ab', 'c'].map((t) => ({ timestamp: NOW, payload: text(t) })) },
    ],
    [
      'merkle-a-bc',
      'leaves "a" and "bc"',
      { form: 'merkle', jobsPerLeaf: 1, records: ['a', 'bc'].map((t) => ({ timestamp: NOW, payload: text(t) })) },
    ],
  ];
  const salts = new Map<string, string>();
  for (const [name, comment, over] of hedged) {
    const r = recipe('hedged', { random, streamId, records: [{ timestamp: NOW, payload: text('same') }], ...over });
    const made = sealEnvelope(r);
    confirm(name, r, hex(made.bytes));
    const before = salts.get(hex(made.salt));
    if (before !== (name === 'again' ? 'plain' : undefined))
      throw new Error(`hedged ${name} has the salt of ${before}`);
    salts.set(hex(made.salt), name);
    g.valid(`hedged-${name}`, {
      comment: `one random source for all of these: ${comment}${name === 'plain' || name === 'again' ? '' : ', so another salt'}`,
      in: sealIn(r),
      out: { envelope: hex(made.bytes), id: hex(made.id) },
      spec: ['suites.10', 'suites.16'],
      flags: ['SaltHedge'],
    });
  }

  // The same of messages of dealers: extension 12 takes the salt, and the salt what it is made of
  const dealt = (over: Partial<Recipe>): Recipe =>
    recipe('hedged message', {
      ...routing(text('to one')),
      random,
      streamId,
      records: [{ timestamp: NOW, payload: text('same') }],
      ...over,
    });
  const four = { ...FRONT, epoch: 4 };
  const dead = { random: zeros(16) };
  const cloned: [string, string, Partial<Recipe>, string?][] = [
    ['plain', 'the message that the others differ from', {}],
    ['again', 'everything equal: the same message, byte by byte', {}, 'plain'],
    ['data', 'other routing data of the same length, so another salt', routing(text('to two'))],
    ['data-longer', 'routing data with a byte more, so another salt', routing(text('to one!'))],
    ['data-empty', 'no routing data, so another salt', routing(zeros(0))],
    ['epoch', 'another epoch of the front, with its key, so another salt', routing(text('to one'), four)],
    [
      'secret',
      'the same epoch under another secret: what is sealed counts as zeros, so the same salt, and other routing data',
      routing(text('to one'), { ...FRONT, epochSecret: seeded('another secret', 32) }),
      'plain',
    ],
    ['payload', 'another payload, so another salt', { records: [{ timestamp: NOW, payload: text('else') }] }],
    ['commit', 'with extension 11, so another salt', { recordCommit: true }],
    ['dead', 'a dead random source', dead],
    [
      'dead-data',
      'a dead random source and other routing data, so another salt',
      { ...routing(text('to two')), ...dead },
    ],
    [
      'dead-epoch',
      'a dead random source and another epoch of the front',
      { ...routing(text('to one'), four), ...dead },
    ],
    ['dead-seq', 'a dead random source and another seq', { ...dead, seq: 2n }],
  ];
  const dealtSalts = new Map<string, string>();
  for (const [name, comment, over, sameAs] of cloned) {
    const r = dealt(over);
    const made = sealEnvelope(r);
    confirm(name, r, hex(made.bytes));
    const before = dealtSalts.get(hex(made.salt));
    if (before !== sameAs) throw new Error(`cloned ${name} has the salt of ${before}`);
    if (before === undefined) dealtSalts.set(hex(made.salt), name);
    g.valid(`cloned-${name}`, {
      comment: `one process, stream and random source for all of these: ${comment}`,
      in: sealIn(r),
      out: { envelope: hex(made.bytes), id: hex(made.id) },
      spec: ['suites.10', 'suites.16', 'patterns.36'],
      flags: ['SaltHedge', 'RoutingBinding'],
    });
  }

  // Test randomness
  const r = recipe('seal single-suite-1', { suite: 1 });
  const made = sealEnvelope(r);
  g.valid('rng-longer', {
    comment: '48 bytes of randomness: a seal draws 16 and no others',
    in: sealIn(r, cat(r.random, seeded('more randomness', 32))),
    out: { envelope: hex(made.bytes), id: hex(made.id) },
    spec: ['conventions.5', 'conventions.6'],
    flags: ['TestRandomness'],
  });
  for (const length of [0, 15]) {
    g.invalid(`rng-${length}`, {
      comment: `${length} bytes of randomness, 16 are needed`,
      in: sealIn(r, r.random.slice(0, length)),
      error: 'E_USAGE',
      spec: ['conventions.6'],
      from: 'single-suite-1',
      flags: ['TestRandomness'],
      layer: 'key',
    });
  }
  for (const length of [31, 33]) {
    g.invalid(`source-secret-${length}`, {
      comment: `a source secret of ${length} bytes`,
      in: sealIn({ ...r, source: { ...r.source, sourceSecret: seeded('source secret orders', length) } }),
      error: 'E_USAGE',
      spec: ['suites.9'],
      from: 'single-suite-1',
      flags: ['KeyUse'],
      layer: 'key',
    });
  }

  // What a sender must not write: E_LIMIT for a size or number and E_USAGE otherwise (chapter 14).
  const bad = (
    id: string,
    comment: string,
    over: Partial<Recipe>,
    error: string[],
    spec: string[],
    flags: string[] = [],
    from = 'single-suite-1',
  ): void => {
    g.invalid(id, { comment, in: sealIn(recipe(`seal ${id}`, over)), error, spec, from, flags });
  };
  bad('seq-0', 'seq 0: numbers start with 1', { seq: 0n }, ['E_USAGE', 'E_LIMIT'], ['envelope.4']);
  bad('seq-limit-plus-1', 'seq 2^40 + 1', { seq: (1n << 40n) + 1n }, ['E_LIMIT', 'E_USAGE'], ['envelope.4'], ['Limit']);
  bad(
    'prev-in-first',
    'extension 3 in the first envelope of a stream',
    { extensions: [known(3, seeded('prev envelope', 32))] },
    ['E_USAGE'],
    ['envelope.9'],
  );
  bad('single-padded', 'a padded single: flag 4 needs flag 0', { padded: true }, ['E_USAGE'], ['envelope.2']);
  bad(
    'jobs-0',
    'jobs_per_leaf 0',
    { form: 'merkle', records: messages(3), jobsPerLeaf: 0 },
    ['E_USAGE', 'E_LIMIT'],
    ['envelope.18'],
  );
  bad('no-records', 'a batch of no records', { form: 'batch', records: [] }, ['E_USAGE', 'E_LIMIT'], ['envelope.1']);
  bad(
    'record-from-the-future',
    'a record a millisecond later than the envelope: its age would be negative',
    { form: 'batch', records: [{ timestamp: NOW + 1n, payload: text('later') }] },
    ['E_USAGE'],
    ['envelope.5'],
  );
  for (const length of [1025, 1044, 4096])
    bad(
      `routing-${length}`,
      `${length.toLocaleString('en')} bytes of routing data`,
      routing(seeded('too much routing', length)),
      ['E_LIMIT'],
      ['patterns.36'],
      ['Limit'],
      'routing-1024',
    );
  for (const length of [31, 33])
    bad(
      `routing-secret-${length}`,
      `an epoch secret of the front of ${length} bytes`,
      routing(undefined, { ...FRONT, epochSecret: seeded('short', length) }),
      ['E_USAGE'],
      ['suites.9'],
      ['KeyUse'],
      'routing-suite-1-front-1',
    );
  bad(
    'leaves-4097',
    '4,097 leaves of one record',
    {
      form: 'merkle',
      jobsPerLeaf: 1,
      records: Array.from({ length: 4097 }, () => ({ timestamp: NOW, payload: zeros(0) })),
    },
    ['E_LIMIT'],
    ['envelope.6'],
    ['Limit'],
  );
  return file;
}
