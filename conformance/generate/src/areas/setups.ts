/** setups.json: keys and contexts of pools and surveys with every intermediate value, and answer tags. */
import { VectorFile, type Group } from '../cases.ts';
import type { Members } from '../json.ts';
import { POOL, poolEpoch } from '../poolworld.ts';
import { cat, hex, seeded, text, u64, unhex, zeros, type Bytes } from '../twin/bytes.ts';
import { H, hmac, xp } from '../twin/hash.ts';
import { deriveSecretKey, receiverKey, senderKey } from '../twin/hpke.ts';
import { LOW_ORDER } from '../twin/trust.ts';
import { poolKey, poolSetup, surveySetup } from '../twin/pools.ts';
import { chainOf } from '../twin/topics.ts';
import { x25519Public } from '../twin/x25519.ts';
import { ALICE, BOB, NOW, type Person } from '../world.ts';

const SAFE = (1n << 53n) - 1n;
const S = ['patterns.15', 'patterns.21'];

export function setups(): VectorFile {
  anchor();
  const file = new VectorFile('setups');
  keys(file.group('pool-key', 'pool.key', 'pools', 'key'));
  pools(
    file.group('pool-setup', 'pool.setup', 'pools', 'key'),
    file.group('pool-open', 'pool.open', 'pools', 'source'),
  );
  contexts(file.group('reply-context', 'reply.context', 'pools', 'key'));
  surveys(
    file.group('survey-setup', 'survey.setup', 'surveys', 'key'),
    file.group('survey-open', 'survey.open', 'surveys', 'source'),
  );
  answers(file.group('answer-tag', 'answer.tag', 'topics', 'topic'));
  return file;
}

/** RFC 9180 A.2.1, so that Export and DeriveKeyPair do not rest on this twin alone. */
function anchor(): void {
  const info = unhex('4f6465206f6e2061204772656369616e2055726e');
  const ikmE = unhex('909a9b35d3dc4713a5e72a4da274b55d3d3821a37e5d099e74a647db583a904b');
  const secret = deriveSecretKey(unhex('1ac01f181fdf9f352797655161c58b75c656a6cc2716dcb66372da835542e1df'));
  const sender = senderKey(1, x25519Public(secret), info, ikmE);
  const got = [
    secret,
    sender.enc,
    ...[sender, receiverKey(1, secret, sender.enc, info)].flatMap((k) =>
      [zeros(0), zeros(1), text('TestContext')].map((context) => k.exports(context, 32)),
    ),
  ].map(hex);
  const exported = [
    '4bbd6243b8bb54cec311fac9df81841b6fd61f56538a775e7c80a9f40160606e',
    '8c1df14732580e5501b00f82b10a1647b40713191b7c1240ac80e2b68808ba69',
    '5acb09211139c43b3090489a9da433e8a30ee7188ba8b0a9a1ccf0c229283e53',
  ];
  const right = [
    '8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb',
    '1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a',
    ...exported,
    ...exported,
  ];
  if (got.join() !== right.join()) throw new Error('HPKE is not that of RFC 9180 A.2.1');
}

function keys(g: Group): void {
  const one = (id: string, comment: string, epochSecret: Bytes, groupCtx: Bytes): void => {
    const privateKey = deriveSecretKey(xp(epochSecret, 'pool kem', groupCtx, 32));
    g.valid(id, {
      comment,
      in: { epochSecret: hex(epochSecret), groupCtx: hex(groupCtx) },
      out: { privateKey: hex(privateKey), publicKey: hex(x25519Public(privateKey)) },
      spec: ['patterns.13'],
    });
  };
  one('plain', 'the key pair of an epoch', POOL.epochSecret, POOL.groupCtx);
  one('other-secret', 'of another epoch secret', seeded('another epoch secret', 32), POOL.groupCtx);
  one('other-block', 'of another block with the same epoch secret', POOL.epochSecret, seeded('another ctx', 32));
  one('zeros', 'of zeros', zeros(32), zeros(32));
  for (const length of [0, 31, 33])
    g.invalid(`secret-${length}`, {
      comment: `an epoch secret of ${length} bytes`,
      in: { epochSecret: hex(seeded('short', length)), groupCtx: hex(POOL.groupCtx) },
      error: 'E_USAGE',
      layer: 'key',
      spec: ['suites.9'],
      from: 'plain',
    });
}

interface Setup {
  suite: number;
  poolHash: Bytes;
  who: Person;
  started: bigint;
  drawn: Bytes;
  publicKey: Bytes;
}
const PAIR = poolKey(POOL.epochSecret, POOL.groupCtx);
const SETUP: Setup = {
  suite: 1,
  poolHash: POOL.poolHash,
  who: ALICE,
  started: NOW,
  drawn: seeded('ikmE', 32),
  publicKey: PAIR.publicKey,
};

function pools(setup: Group, open: Group): void {
  const setupIn = (s: Setup): Members => ({
    suite: s.suite,
    poolHash: hex(s.poolHash),
    publicKey: hex(s.publicKey),
    senderKeyId: hex(s.who.keyId),
    started: s.started.toString(),
    rng: hex(s.drawn),
  });
  const openIn = (s: Setup, keyinfo: Bytes): Members => ({
    suite: s.suite,
    poolHash: hex(s.poolHash),
    privateKey: hex(PAIR.privateKey),
    senderKeyId: hex(s.who.keyId),
    keyinfo: hex(keyinfo),
  });
  const both = (id: string, comment: string, over: Partial<Setup>, flags: string[] = []): void => {
    const s = { ...SETUP, ...over };
    const made = poolSetup(s.suite, s.poolHash, s.publicKey, s.who.keyId, s.started, s.drawn);
    // stated anew from the words of the chapter
    const info = cat(
      text('tdc1 pool'),
      zeros(1),
      unhex(s.suite === 1 ? '0001' : '0002'),
      s.poolHash,
      s.who.keyId,
      u64(s.started),
    );
    const out: Members = {
      info: hex(info),
      bind: hex(H(info)),
      sourceSecret: hex(made.sourceSecret),
      replySecret: hex(made.replySecret),
      streamId: hex(H(made.enc).slice(0, 8)),
    };
    const keyinfo = cat(made.enc, u64(s.started));
    setup.valid(id, {
      comment,
      in: setupIn(s),
      out: { enc: hex(made.enc), ...out, keyinfo: hex(keyinfo) },
      spec: S,
      flags,
    });
    open.valid(id, { comment, in: openIn(s, keyinfo), out, spec: ['patterns.17', 'patterns.18'], flags });
  };
  both('plain', 'a pool stream', {});
  both('suite-2', 'in suite 0x0002', { suite: 2 });
  both('other-pool-hash', 'with another pool record', { poolHash: seeded('another pool hash', 32) }, ['PoolBinding']);
  both('other-sender', 'of another sender', { who: BOB }, ['PoolBinding']);
  both('other-started', 'a millisecond later', { started: NOW + 1n }, ['PoolBinding']);
  both('started-0', 'started is 0', { started: 0n }, ['Limit']);
  both('started-limit', 'started is 2^53 - 1', { started: SAFE }, ['Limit']);
  both('other-ephemeral', 'with another ephemeral', { drawn: seeded('another ikmE', 32) });
  {
    const made = poolSetup(1, SETUP.poolHash, SETUP.publicKey, ALICE.keyId, NOW, SETUP.drawn);
    setup.valid('rng-more', {
      comment: 'random bytes are left over: no more are drawn than 32',
      in: { ...setupIn(SETUP), rng: hex(cat(SETUP.drawn, seeded('not drawn', 8))) },
      out: {
        enc: hex(made.enc),
        info: hex(made.info),
        bind: hex(made.bind),
        sourceSecret: hex(made.sourceSecret),
        replySecret: hex(made.replySecret),
        streamId: hex(made.streamId),
        keyinfo: hex(made.keyinfo),
      },
      spec: ['conventions.5'],
      flags: ['TestRandomness'],
    });
  }

  const noSetup = (id: string, comment: string, over: Partial<Setup>, error: string, spec: string[]): void => {
    const flags = [error === 'E_USAGE' ? 'TestRandomness' : 'KeyUse'];
    setup.invalid(id, {
      comment,
      in: setupIn({ ...SETUP, ...over }),
      error,
      layer: 'key',
      spec,
      from: 'plain',
      flags,
    });
  };
  noSetup('rng-31', '31 random bytes', { drawn: SETUP.drawn.slice(0, 31) }, 'E_USAGE', ['conventions.6']);
  noSetup('rng-none', 'no random bytes', { drawn: zeros(0) }, 'E_USAGE', ['conventions.6']);
  for (const length of [31, 33])
    noSetup(`key-${length}`, `a public key of ${length} bytes`, { publicKey: seeded('key', length) }, 'E_KEY', [
      'suites.5',
    ]);
  let n = 0;
  for (const low of LOW_ORDER)
    noSetup(`low-order-${n++}`, 'a public key that gives 32 zero bytes', { publicKey: unhex(low) }, 'E_KEY', [
      'suites.5',
    ]);

  const right = cat(poolSetup(1, SETUP.poolHash, SETUP.publicKey, ALICE.keyId, NOW, SETUP.drawn).enc, u64(NOW));
  const noOpen = (id: string, comment: string, keyinfo: Bytes, error: string, spec: string[], flag: string): void => {
    open.invalid(id, {
      comment,
      in: openIn(SETUP, keyinfo),
      error,
      layer: 'source',
      spec,
      from: 'plain',
      flags: [flag],
    });
  };
  const P16 = ['patterns.16'];
  noOpen('empty', 'no keyinfo', zeros(0), 'E_LENGTH', P16, 'Truncated');
  noOpen('enc-alone', 'enc32 alone', right.slice(0, 32), 'E_LENGTH', P16, 'Truncated');
  noOpen('39', '39 bytes', right.slice(0, 39), 'E_LENGTH', P16, 'Truncated');
  noOpen('41', '41 bytes', cat(right, zeros(1)), 'E_LENGTH', P16, 'Trailing');
  noOpen('started-2-53', 'started is 2^53', cat(right.slice(0, 32), u64(SAFE + 1n)), 'E_LIMIT', P16, 'Limit');
  noOpen(
    'started-high',
    'the highest bit of started',
    cat(right.slice(0, 32), u64((1n << 63n) + NOW)),
    'E_LIMIT',
    P16,
    'Limit',
  );
  n = 0;
  for (const low of LOW_ORDER)
    noOpen(
      `low-order-${n++}`,
      'an enc32 that gives no shared secret',
      cat(unhex(low), u64(NOW)),
      'E_AEAD',
      ['patterns.18'],
      'KeyUse',
    );
  noOpen(
    'low-order-top-bit',
    'zero with the top bit set, which X25519 masks',
    cat(zeros(31), unhex('80'), u64(NOW)),
    'E_AEAD',
    ['patterns.18'],
    'KeyUse',
  );
  noOpen(
    'low-order-p',
    'p, which is zero',
    cat(unhex(`ed${'ff'.repeat(30)}7f`), u64(NOW)),
    'E_AEAD',
    ['patterns.18'],
    'KeyUse',
  );
  noOpen(
    'limit-before-key',
    'started is 2^53, and enc32 is zeros',
    cat(zeros(32), u64(SAFE + 1n)),
    'E_LIMIT',
    ['patterns.16', 'patterns.18'],
    'Order',
  );
}

function contexts(g: Group): void {
  const enc = poolSetup(1, POOL.poolHash, PAIR.publicKey, ALICE.keyId, NOW, SETUP.drawn).enc;
  const other = poolSetup(1, POOL.poolHash, PAIR.publicKey, ALICE.keyId, NOW, seeded('another ikmE', 32)).enc;
  const one = (id: string, comment: string, e: Bytes, poolHash: Bytes): void => {
    g.valid(id, {
      comment,
      in: { enc: hex(e), poolHash: hex(poolHash) },
      out: { context: hex(H(text('tdc1 rctx'), zeros(1), H(e), poolHash)), keyinfo: hex(H(e)) },
      spec: ['patterns.21', 'patterns.22'],
      flags: id === 'plain' ? [] : ['PoolBinding'],
    });
  };
  one('plain', 'replies to a pool stream', enc, POOL.poolHash);
  one('other-stream', 'to another stream', other, POOL.poolHash);
  one('other-pool', 'by another pool record', enc, poolEpoch('eight').poolHash);
  one('zeros', 'of zeros', zeros(32), zeros(32));
}

interface SurveySetup {
  suite: number;
  questionId: Bytes;
  who: Person;
  drawn: Bytes;
  publicKey: Bytes;
}
const REPLY_SECRET = seeded('reply private key', 32);
const SURVEY: SurveySetup = {
  suite: 1,
  questionId: seeded('question id', 32),
  who: BOB,
  drawn: seeded('survey ikmE', 32),
  publicKey: x25519Public(REPLY_SECRET),
};

function surveys(setup: Group, open: Group): void {
  const shared = (s: SurveySetup): Members => ({
    suite: s.suite,
    questionId: hex(s.questionId),
    responderKeyId: hex(s.who.keyId),
  });
  const openIn = (s: SurveySetup, enc: Bytes): Members => ({
    ...shared(s),
    privateKey: hex(REPLY_SECRET),
    enc: hex(enc),
  });
  const setupIn = (s: SurveySetup): Members => ({ ...shared(s), publicKey: hex(s.publicKey), rng: hex(s.drawn) });
  const both = (id: string, comment: string, over: Partial<SurveySetup>): void => {
    const s = { ...SURVEY, ...over };
    const made = surveySetup(s.suite, s.questionId, s.who.keyId, s.publicKey, s.drawn);
    const info = cat(text('tdc1 survey'), zeros(1), unhex(s.suite === 1 ? '0001' : '0002'), s.questionId, s.who.keyId);
    const out: Members = { info: hex(info), bind: hex(H(info)), sourceSecret: hex(made.sourceSecret) };
    const flags = id === 'plain' ? [] : ['SurveyBinding'];
    setup.valid(id, {
      comment,
      in: setupIn(s),
      out: { enc: hex(made.enc), ...out, keyinfo: hex(cat(s.questionId, made.enc)) },
      spec: ['patterns.27'],
      flags,
    });
    open.valid(id, { comment, in: openIn(s, made.enc), out, spec: ['patterns.34'], flags });
  };
  both('plain', 'a reply to a survey', {});
  both('suite-2', 'in suite 0x0002', { suite: 2 });
  both('other-question', 'to another question', { questionId: seeded('another question', 32) });
  both('other-responder', 'of another responder', { who: ALICE });
  both('other-ephemeral', 'with another ephemeral', { drawn: seeded('another survey ikmE', 32) });
  const noSetup = (id: string, comment: string, over: Partial<SurveySetup>, error: string, spec: string[]): void => {
    const flags = [error === 'E_USAGE' ? 'TestRandomness' : 'KeyUse'];
    setup.invalid(id, {
      comment,
      in: setupIn({ ...SURVEY, ...over }),
      error,
      layer: 'key',
      spec,
      from: 'plain',
      flags,
    });
  };
  noSetup('rng-31', '31 random bytes', { drawn: SURVEY.drawn.slice(0, 31) }, 'E_USAGE', ['conventions.6']);
  noSetup('key-31', 'a reply_pk of 31 bytes', { publicKey: SURVEY.publicKey.slice(1) }, 'E_KEY', ['suites.5']);
  let n = 0;
  for (const low of LOW_ORDER) {
    const id = `low-order-${n++}`;
    noSetup(id, 'a reply_pk that gives 32 zero bytes', { publicKey: unhex(low) }, 'E_KEY', ['suites.5']);
    open.invalid(id, {
      comment: 'an enc32 that gives no shared secret',
      in: openIn(SURVEY, unhex(low)),
      error: 'E_AEAD',
      spec: ['patterns.34'],
      from: 'plain',
      flags: ['KeyUse'],
    });
  }
}

function answers(g: Group): void {
  const routeSecret = seeded('answer route secret', 32);
  const groupId = seeded('answer group', 16);
  const one = (
    id: string,
    comment: string,
    over: { route?: Bytes; group?: Bytes; period?: number; who?: Person },
  ): void => {
    const [route, group, period, who] = [
      over.route ?? routeSecret,
      over.group ?? groupId,
      over.period ?? 20_254,
      over.who ?? ALICE,
    ];
    const first = chainOf(route, group, period, []).values[0] ?? zeros(32);
    const root = hmac(first, cat(unhex('0700'), text('answer')));
    const own = hmac(root, cat(unhex('20'), who.keyId));
    g.valid(id, {
      comment,
      in: { routeSecret: hex(route), groupId: hex(group), period, keyId: hex(who.keyId) },
      out: {
        tag: hex(own.slice(0, 16)),
        root: hex(root.slice(0, 16)),
        chain: hex(cat(first.slice(0, 16), root.slice(0, 16))),
      },
      spec: ['topics.13'],
      flags: ['AnswerTag'],
    });
  };
  one('plain', 'the answer tag of one who asks', {});
  one('other-asker', 'of another: the root is the same', { who: BOB });
  one('other-period', 'in the next period', { period: 20_255 });
  one('period-0', 'in period 0', { period: 0 });
  one('period-max', 'in period 2^32 - 1', { period: 4_294_967_295 });
  one('other-group', 'in another group', { group: seeded('another answer group', 16) });
  one('other-route', 'under another route secret', { route: seeded('another answer route', 32) });
}
