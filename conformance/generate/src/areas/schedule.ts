/** schedule.json: key ids, XP, hedge, salt, record key, signature input. */
import { VectorFile } from '../cases.ts';
import { cat, flip, hex, put, seeded, text, u16, u32, u64, unhex, zeros, type Bytes } from '../twin/bytes.ts';
import { decodePoint, encodeY, littleEndian, P, SMALL_ORDER_Y } from '../twin/ed25519.ts';
import { encodeExtensions, type Extension } from '../twin/extensions.ts';
import { xp } from '../twin/hash.ts';
import { encodeHeader, type Header } from '../twin/header.ts';
import { frameRecords } from '../twin/records.ts';
import { ED25519, hedgeSecret, id32, keyId, recordKey, salt16, signInput, X25519 } from '../twin/schedule.ts';
import { x25519Public } from '../twin/x25519.ts';
import { ALICE, BOB, EPOCH, HEDGE, NOW, SOURCE, TAG } from '../world.ts';

function keyIds(file: VectorFile): void {
  const g = file.group('key-id', 'key.id', 'schedule', 'key');
  const good = (id: string, comment: string, alg: number, publicKey: Bytes): void => {
    const made = keyId(alg, publicKey);
    g.valid(id, {
      comment,
      in: { alg, publicKey: hex(publicKey) },
      out: { keyId: hex(made), senderId: hex(made.slice(0, 16)) },
      spec: ['suites.4'],
    });
  };
  const xPublic = x25519Public(seeded('x25519 key id', 32));
  good('ed25519-alice', 'an Ed25519 key', ED25519, ALICE.publicKey);
  good('ed25519-bob', 'another', ED25519, BOB.publicKey);
  good('x25519', 'an X25519 key', X25519, xPublic);
  good(
    'same-bytes-ed25519',
    'the base point of X25519 (u = 9) as Ed25519 bytes: the id depends on alg',
    ED25519,
    littleEndian(9n, 32),
  );
  good('same-bytes-x25519', 'the same bytes as X25519', X25519, littleEndian(9n, 32));
  good('x25519-u-max', 'u = p - 1 is canonical; what it is good for is suites.5', X25519, littleEndian(P - 1n, 32));
  let off = 2n;
  while (decodePoint(encodeY(off, 0)) !== undefined) off++;
  good('ed25519-off-curve', 'canonical in form, though there is no such point', ED25519, encodeY(off, 0));

  const bad = (
    id: string,
    comment: string,
    alg: number,
    publicKey: Bytes,
    from: string,
    flags: string[] = ['KeyUse'],
  ): void => {
    g.invalid(id, { comment, in: { alg, publicKey: hex(publicKey) }, error: 'E_KEY', spec: ['suites.4'], from, flags });
  };
  bad('ed25519-31-bytes', '31 bytes', ED25519, ALICE.publicKey.slice(0, 31), 'ed25519-alice');
  bad('ed25519-33-bytes', '33 bytes', ED25519, cat(ALICE.publicKey, zeros(1)), 'ed25519-alice');
  bad('ed25519-empty', 'no bytes', ED25519, zeros(0), 'ed25519-alice');
  SMALL_ORDER_Y.forEach((y, i) => {
    bad(`ed25519-small-order-${i}`, `small-order y number ${i}`, ED25519, encodeY(y, 0), 'ed25519-alice', [
      'KeyUse',
      'SmallOrder',
    ]);
    bad(
      `ed25519-small-order-${i}-sign`,
      `small-order y number ${i}, sign bit set`,
      ED25519,
      encodeY(y, 1),
      'ed25519-alice',
      ['KeyUse', 'SmallOrder'],
    );
  });
  bad('ed25519-y-p', 'y = p', ED25519, encodeY(P, 0), 'ed25519-alice', ['KeyUse', 'NonCanonical']);
  bad('ed25519-y-p-plus-9', 'y = p + 9', ED25519, encodeY(P + 9n, 0), 'ed25519-alice', ['KeyUse', 'NonCanonical']);
  bad('ed25519-y-max', 'y = 2^255 - 1', ED25519, encodeY(P + 18n, 1), 'ed25519-alice', ['KeyUse', 'NonCanonical']);
  for (const alg of [0x0000, 0x0002, 0x0003, 0x0010, 0x0100, 0x2000, 0x647a, 0xffff]) {
    const name = alg.toString(16).padStart(4, '0');
    bad(`alg-${name}`, `alg 0x${name} is not in the table`, alg, ALICE.publicKey, 'ed25519-alice');
  }
  bad('x25519-31-bytes', '31 bytes', X25519, xPublic.slice(0, 31), 'x25519');
  bad('x25519-33-bytes', '33 bytes', X25519, cat(xPublic, zeros(1)), 'x25519');
  bad('x25519-u-p', 'u = p', X25519, littleEndian(P, 32), 'x25519-u-max', ['KeyUse', 'NonCanonical']);
  bad('x25519-u-p-plus-9', 'u = p + 9', X25519, littleEndian(P + 9n, 32), 'same-bytes-x25519', [
    'KeyUse',
    'NonCanonical',
  ]);
  bad(
    'x25519-top-bit',
    'top bit set',
    X25519,
    put(xPublic, 31, new Uint8Array([(xPublic[31] ?? 0) | 0x80])),
    'x25519',
    ['KeyUse', 'NonCanonical'],
  );
}

function expansion(file: VectorFile): void {
  const g = file.group('xp', 'xp', 'schedule', 'key');
  const secret = seeded('xp secret', 32);
  const good = (id: string, comment: string, s: Bytes, label: string, context: Bytes, length: number): void => {
    g.valid(id, {
      comment,
      in: { secret: hex(s), label, context: hex(context), length },
      out: { output: hex(xp(s, label, context, length)) },
      spec: ['suites.9'],
    });
  };
  good('plain', '32 bytes', secret, 'stream', seeded('xp context', 32), 32);
  good('empty-context', 'the hash of no bytes stands in the info', secret, 'hedge', zeros(0), 32);
  good('label-space', 'a label with a space', secret, 'topic root', u32(1), 32);
  good(
    'length-44',
    '44 bytes: two blocks of HKDF, and L is part of the info',
    secret,
    'record',
    seeded('xp salt', 16),
    44,
  );
  good('length-32-of-44', 'not the first 32 bytes of the case before', secret, 'record', seeded('xp salt', 16), 32);
  good('length-1', 'one byte', secret, 'record', seeded('xp salt', 16), 1);
  good('length-255', '255 bytes', secret, 'record', zeros(0), 255);
  good('length-256', '256 bytes: L has two bytes', secret, 'record', zeros(0), 256);
  good('other-secret', 'another secret', seeded('xp other secret', 32), 'stream', seeded('xp context', 32), 32);
  good('other-label', 'another label', secret, 'route', seeded('xp context', 32), 32);
  good('other-context', 'another context', secret, 'stream', seeded('xp other context', 32), 32);
  good(
    'long-context',
    'a context of 300 bytes: only its hash stands in the info',
    secret,
    'stream',
    seeded('xp long', 300),
    32,
  );
  for (const length of [0, 16, 31, 33, 64]) {
    g.invalid(`secret-${length}`, {
      comment: `a secret of ${length} bytes`,
      in: {
        secret: hex(seeded('xp secret', length)),
        label: 'stream',
        context: hex(seeded('xp context', 32)),
        length: 32,
      },
      error: 'E_USAGE',
      spec: ['suites.9'],
      from: 'plain',
      flags: ['KeyUse'],
    });
  }
  g.invalid('secret-zero-padded', {
    comment: '33 bytes, the last one zero: HMAC would take it for another key of the same value',
    in: { secret: hex(cat(secret, zeros(1))), label: 'stream', context: hex(seeded('xp context', 32)), length: 32 },
    error: 'E_USAGE',
    spec: ['suites.9'],
    from: 'plain',
    flags: ['KeyUse'],
  });

  const h = file.group('hedge', 'hedge', 'schedule', 'key');
  const hedge = (id: string, comment: string, random: Bytes, local: Bytes): void => {
    h.valid(id, {
      comment,
      in: { processRandom: hex(random), localSecret: hex(local) },
      out: { hedgeSecret: hex(hedgeSecret(random, local)) },
      spec: ['suites.10', 'suites.11', 'suites.12'],
    });
  };
  hedge('plain', 'both are there', seeded('process random', 32), seeded('local secret', 32));
  hedge('no-local-secret', '32 zero bytes where there is none', seeded('process random', 32), zeros(32));
  hedge('dead-random', 'a dead random source: the local secret still counts', zeros(32), seeded('local secret', 32));
  hedge('swapped', 'salt and ikm are not the same thing', seeded('local secret', 32), seeded('process random', 32));
}

const BASE: Header = {
  patternKind: 0x20,
  suite: 1,
  flags: 0,
  topicTag: TAG,
  epoch: EPOCH,
  count: 1,
  senderId: ALICE.senderId,
  streamId: seeded('salt stream', 8),
  seq: 1n,
  timestamp: NOW,
  salt: zeros(16),
  extLen: 0,
  keyinfoLen: 0,
  bodyLen: 16 + 3,
};

function ph(over: Partial<Header>, list: Extension[] = []): Bytes {
  const area = encodeExtensions(list);
  return cat(encodeHeader({ ...BASE, ...over, extLen: area.length }), area);
}

function merkleExtension(root: Bytes, leafCount: number, jobsPerLeaf: number): Extension {
  return { number: 1, critical: true, value: cat(root, u32(leafCount), u16(jobsPerLeaf)) };
}

/** The cases of one file whose answers must differ from each other: same random bytes, other content. */
function salts(file: VectorFile): void {
  const g = file.group('salt', 'salt', 'schedule', 'key');
  const random = seeded('salt random', 16);
  const abc = text('abc');
  const seen = new Map<string, string>();
  const salt = (
    id: string,
    comment: string,
    header: Bytes,
    plaintexts: Bytes[],
    more: { hedge?: Bytes; random?: Bytes; bind?: Bytes; sameAs?: string } = {},
  ): void => {
    const hedge = more.hedge ?? HEDGE;
    const rnd = more.random ?? random;
    const bind = more.bind ?? SOURCE.bind;
    const made = hex(salt16(hedge, rnd, header, bind, plaintexts));
    const twin = seen.get(made);
    if (twin !== more.sameAs)
      throw new Error(`${id}: salt as in ${twin ?? 'no case'}, expected ${more.sameAs ?? 'none'}`);
    if (twin === undefined) seen.set(made, id);
    g.valid(id, {
      comment,
      in: {
        hedgeSecret: hex(hedge),
        random: hex(rnd),
        protectedHeader: hex(header),
        bind: hex(bind),
        plaintexts: plaintexts.map(hex),
      },
      out: { salt: made },
      spec: ['suites.10', 'suites.16'],
      flags: ['SaltHedge'],
    });
  };
  const other = 'same random bytes, so a cloned or dead source: another salt because of';
  salt('plain', 'a single of three bytes', ph({}), [abc]);
  salt('equal', 'everything equal: the same salt, hence the same ciphertext; that is allowed', ph({}), [abc], {
    sameAs: 'plain',
  });
  salt('salt-field-ignored', 'the salt field of PH counts as zeros', ph({ salt: seeded('some salt', 16) }), [abc], {
    sameAs: 'plain',
  });
  salt('other-random', 'other random bytes', ph({}), [abc], { random: seeded('salt random 2', 16) });
  salt('other-hedge', 'another process', ph({}), [abc], { hedge: seeded('another hedge', 32) });
  salt('zero-random', 'a dead source', ph({}), [abc], { random: zeros(16) });
  salt('other-plaintext', `${other} the plaintext`, ph({}), [text('abd')]);
  salt('other-bind', `${other} the binding`, ph({}), [abc], { bind: seeded('another bind', 32) });
  salt('other-timestamp', `${other} the timestamp (H16)`, ph({ timestamp: NOW + 1n }), [abc]);
  salt('other-seq', `${other} seq`, ph({ seq: 2n }), [abc]);
  salt('other-stream', `${other} the stream`, ph({ streamId: seeded('salt stream 2', 8) }), [abc]);
  salt('other-epoch', `${other} the epoch`, ph({ epoch: EPOCH + 1 }), [abc]);
  salt('other-tag', `${other} the topic tag`, ph({ topicTag: seeded('salt tag', 16) }), [abc]);
  salt('other-suite', `${other} the suite`, ph({ suite: 2 }), [abc]);
  salt('other-pattern', `${other} the pattern`, ph({ patternKind: 0x60 }), [abc]);
  salt('other-keyinfo-length', `${other} keyinfo_len`, ph({ keyinfoLen: 1 }), [abc]);
  const expiry = (t: bigint): Extension[] => [{ number: 4, critical: true, value: u64(t) }];
  salt('with-extension', `${other} an extension`, ph({}, expiry(NOW)), [abc]);
  salt('other-extension', `${other} the value of an extension`, ph({}, expiry(NOW + 1n)), [abc]);
  const commit = (v: Bytes): Extension[] => [{ number: 11, critical: true, value: v }];
  salt('record-commit-zero', 'extension 11 with zeros', ph({}, commit(zeros(32))), [abc]);
  salt(
    'record-commit-ignored',
    'the value of extension 11 counts as zeros',
    ph({}, commit(seeded('commit', 32))),
    [abc],
    {
      sameAs: 'record-commit-zero',
    },
  );
  salt(
    'record-commit-after-expiry',
    'and also behind another extension',
    ph({}, [...expiry(NOW), ...commit(zeros(32))]),
    [abc],
  );
  salt(
    'record-commit-after-expiry-ignored',
    'the same with a value there',
    ph({}, [...expiry(NOW), ...commit(seeded('commit', 32))]),
    [abc],
    { sameAs: 'record-commit-after-expiry' },
  );

  // Extension 12: the epoch counts, what is sealed does not, and the routing data follow the plaintexts.
  const routed = (epoch: number, sealed: Bytes): Extension[] => [
    { number: 12, critical: true, value: cat(u32(epoch), sealed) },
  ];
  const message: Partial<Header> = { patternKind: 0x70, flags: 1 };
  const data = text('to whom');
  const empty = zeros(16 + data.length);
  const own = (h: Bytes, d: Bytes[] = [data]): [Bytes, Bytes[]] => [h, [abc, ...d]];
  salt('routing-zero', 'extension 12 with zeros behind the epoch', ...own(ph(message, routed(3, empty))));
  salt(
    'routing-ignored',
    'the value of extension 12 behind its first 4 bytes counts as zeros',
    ...own(ph(message, routed(3, seeded('sealed routing', empty.length)))),
    { sameAs: 'routing-zero' },
  );
  salt('routing-epoch', `${other} the epoch in extension 12`, ...own(ph(message, routed(4, empty))));
  salt('routing-epoch-high', `${other} its first byte`, ...own(ph(message, routed(0x0100_0003, empty))));
  salt('routing-data', `${other} the routing data`, ...own(ph(message, routed(3, empty)), [text('to whoM')]));
  salt(
    'routing-data-none',
    `${other} the routing data, which are not there`,
    ...own(ph(message, routed(3, zeros(16))), []),
  );
  salt(
    'routing-data-long',
    `${other} the length of extension 12`,
    ...own(ph(message, routed(3, zeros(17 + data.length)))),
  );
  salt(
    'routing-data-first',
    `${other} the order: the routing data before the plaintext`,
    ph(message, routed(3, empty)),
    [data, abc],
  );
  salt('routing-1024', '1,024 bytes of routing data', ph(message, routed(3, zeros(1040))), [
    abc,
    seeded('much routing', 1024),
  ]);
  salt(
    'routing-behind-others',
    'extension 12 behind 4 and 11',
    ...own(ph(message, [...expiry(NOW), ...commit(zeros(32)), ...routed(3, empty)])),
  );
  salt(
    'routing-behind-others-ignored',
    'the same with values in 11 and 12',
    ...own(
      ph(message, [
        ...expiry(NOW),
        ...commit(seeded('commit', 32)),
        ...routed(3, seeded('sealed routing', empty.length)),
      ]),
    ),
    { sameAs: 'routing-behind-others' },
  );
  salt('routing-dead', 'a dead source', ...own(ph(message, routed(3, empty))), { random: zeros(16) });
  salt(
    'routing-dead-data',
    'a dead source: another salt because of the routing data',
    ...own(ph(message, routed(3, empty)), [text('to whoM')]),
    {
      random: zeros(16),
    },
  );

  // H16: the cut. "ab|c" and "a|bc" join to the same bytes; framed they do not.
  const time = (s: string): { timestamp: bigint; payload: Bytes } => ({ timestamp: NOW, payload: text(s) });
  const framed = (...parts: string[]): Bytes => frameRecords(parts.map(time), NOW, false);
  const batch: Partial<Header> = { flags: 1, count: 2, bodyLen: 16 + 9 };
  salt('cut-ab-c', 'a whole batch of the records "ab" and "c"', ph(batch), [framed('ab', 'c')]);
  salt('cut-a-bc', `${other} the cut: the records "a" and "bc"`, ph(batch), [framed('a', 'bc')]);
  const root = merkleExtension(zeros(32), 2, 1);
  const merkle: Partial<Header> = { flags: 3, count: 2, bodyLen: 40 + 9 };
  salt('merkle-ab-c', 'a Merkle batch of the leaves "ab" and "c"', ph(merkle, [root]), [framed('ab'), framed('c')]);
  salt('merkle-a-bc', `${other} the cut: the leaves "a" and "bc"`, ph(merkle, [root]), [framed('a'), framed('bc')]);
  salt(
    'merkle-root-ignored',
    'root32 counts as zeros: it does not exist when the salt is made (C5)',
    ph(merkle, [merkleExtension(seeded('root', 32), 2, 1)]),
    [framed('ab'), framed('c')],
    { sameAs: 'merkle-ab-c' },
  );
  salt(
    'merkle-jobs-per-leaf',
    `${other} jobs_per_leaf, which is not zeroed: the same two records in one leaf`,
    ph({ ...merkle, bodyLen: 20 + 9 }, [merkleExtension(zeros(32), 1, 2)]),
    [framed('ab', 'c')],
  );
  salt(
    'merkle-commit-and-root-ignored',
    'root32 and the commitment both count as zeros',
    ph(merkle, [merkleExtension(seeded('root', 32), 2, 1), ...commit(seeded('commit', 32))]),
    [framed('ab'), framed('c')],
  );
}

function recordKeys(file: VectorFile): void {
  const g = file.group('record-key', 'record.key', 'schedule', 'key');
  const stream = seeded('record key stream', 8);
  const salt = seeded('record key salt', 16);
  const base = {
    suite: 1,
    sourceSecret: SOURCE.sourceSecret,
    groupCtx: SOURCE.groupCtx,
    senderKeyId: ALICE.keyId,
    streamId: stream,
    salt,
  };
  const input = (v: typeof base): Record<string, string | number> => ({
    suite: v.suite,
    sourceSecret: hex(v.sourceSecret),
    groupCtx: hex(v.groupCtx),
    senderKeyId: hex(v.senderKeyId),
    streamId: hex(v.streamId),
    salt: hex(v.salt),
  });
  const good = (id: string, comment: string, over: Partial<typeof base>): void => {
    const v = { ...base, ...over };
    const k = recordKey(v.sourceSecret, v.groupCtx, v.senderKeyId, v.streamId, v.salt);
    g.valid(id, {
      comment,
      in: input(v),
      out: {
        streamSecret: hex(k.streamSecret),
        key: hex(k.key),
        nonce: hex(k.nonce),
        recordCommit: hex(k.recordCommit),
      },
      spec: ['suites.13', 'suites.15'],
    });
  };
  good('suite-1', 'suite 0x0001', {});
  good('suite-2', 'suite 0x0002: the same derivation; the suite is not part of it', { suite: 2 });
  good('other-source', 'another source secret', { sourceSecret: seeded('another source', 32) });
  good('other-group', 'another group_ctx32', { groupCtx: seeded('another group', 32) });
  good('other-sender', 'another sender: the whole key id is in the stream secret', { senderKeyId: BOB.keyId });
  good('same-sender-id', 'a key id that differs only after the 16 bytes of sender_id', {
    senderKeyId: flip(ALICE.keyId, 31),
  });
  good('other-stream', 'another stream', { streamId: seeded('record key stream 2', 8) });
  good('other-salt', 'another salt: the stream secret stays', { salt: seeded('record key salt 2', 16) });
  for (const length of [16, 31, 33]) {
    g.invalid(`source-secret-${length}`, {
      comment: `a source secret of ${length} bytes`,
      in: input({ ...base, sourceSecret: seeded('source secret orders', length) }),
      error: 'E_USAGE',
      spec: ['suites.9'],
      from: 'suite-1',
      flags: ['KeyUse'],
    });
  }
}

function signInputs(file: VectorFile): void {
  const g = file.group('sigin', 'sigin', 'schedule', 'signature');
  const base = {
    signerKeyId: ALICE.keyId,
    bind: SOURCE.bind,
    protectedHeader: ph({}),
    keyinfo: zeros(0),
    body: seeded('sigin body', 19),
  };
  const good = (id: string, comment: string, over: Partial<typeof base>): void => {
    const v = { ...base, ...over };
    const made = signInput(v.signerKeyId, v.bind, v.protectedHeader, v.keyinfo, v.body);
    if (made.length !== 146) throw new Error('SIGIN has 146 bytes');
    g.valid(id, {
      comment,
      in: {
        signerKeyId: hex(v.signerKeyId),
        bind: hex(v.bind),
        protectedHeader: hex(v.protectedHeader),
        keyinfo: hex(v.keyinfo),
        body: hex(v.body),
      },
      out: { signInput: hex(made), id: hex(id32(made)) },
      spec: ['suites.17', 'envelope.37'],
    });
  };
  good('single', 'a single without keyinfo', {});
  good('keyinfo', 'keyinfo and body are hashed together, keyinfo first', { keyinfo: seeded('sigin keyinfo', 40) });
  good('keyinfo-boundary', 'one byte moved from body to keyinfo: the same hash; keyinfo_len in PH tells them apart', {
    keyinfo: base.body.slice(0, 1),
    body: base.body.slice(1),
    protectedHeader: ph({ keyinfoLen: 1, bodyLen: 18 }),
  });
  good('merkle', 'a Merkle batch: only keyinfo is hashed, root32 stands in PH', {
    protectedHeader: ph({ flags: 3, count: 2, bodyLen: 49 }, [merkleExtension(seeded('root', 32), 2, 1)]),
    keyinfo: seeded('sigin keyinfo', 40),
    body: zeros(0),
  });
  good('merkle-no-keyinfo', 'a Merkle batch without keyinfo: the hash of no bytes', {
    protectedHeader: ph({ flags: 3, count: 2, bodyLen: 49 }, [merkleExtension(seeded('root', 32), 2, 1)]),
    body: zeros(0),
  });
  good('extensions', 'PH includes the extensions', {
    protectedHeader: ph({}, [{ number: 6, critical: false, value: seeded('trace', 32) }]),
  });
  good('other-signer', 'another signer', { signerKeyId: BOB.keyId });
  good('other-bind', 'another binding', { bind: unhex('00'.repeat(32)) });
}

export function schedule(): VectorFile {
  const file = new VectorFile('schedule');
  keyIds(file);
  expansion(file);
  salts(file);
  recordKeys(file);
  signInputs(file);
  return file;
}
