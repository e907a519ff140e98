/** link.json: the opening of links, chapter 05. */
import { ALICE_KEY } from '../authority.ts';
import { VectorFile, type Group } from '../cases.ts';
import { ALL, NI, NR, Runs, TI, TR, type Where } from '../linkruns.ts';
import {
  AUTHORITY,
  BROKER,
  BROKER_KEY,
  CLIENT,
  clientRecord,
  helloBody,
  meet,
  type Lie,
  type Met,
  type Party,
  type Setup,
} from '../linkworld.ts';
import { cat, flip, hex, put, seeded, text, u16, u8, unhex, zeros, type Bytes } from '../twin/bytes.ts';
import { littleEndian, P } from '../twin/ed25519.ts';
import { encodeFrame, rawFrameHeader, type Frame } from '../twin/frame.ts';
import { H } from '../twin/hash.ts';
import { authBody, authFrame, linkSignInput, MODE, PREFACE, record, transcript } from '../twin/link.ts';
import { bodyOf, TYPE } from '../twin/messages.ts';
import { encodeBody, padded, wire, type Fields, type KeyPair } from '../twin/objects.ts';
import { LOW_ORDER } from '../twin/trust.ts';

const ID: Bytes = AUTHORITY.authorityId;
const grease = (type: number, length = 5): Bytes =>
  encodeFrame({ type, channel: 0, body: seeded('grease body', length) });

const MATCH: Bytes = seeded('link match', 16);
const SUB: Frame = {
  type: TYPE.sub,
  channel: 1,
  body: bodyOf.sub({ matchKind: 1, level: 0, match: MATCH, from: 0n }),
};
const ENVELOPE: Frame = { type: TYPE.envelope, channel: 0, body: seeded('link envelope', 40) };
const firstSend = (w: Where): Frame[] => [w.side === 'initiator' ? SUB : ENVELOPE];

export function link(): VectorFile {
  const file = new VectorFile('link');
  transcripts(file.group('transcript', 'link.transcript', 'link', 'link'));
  signInputs(file.group('sign-input', 'link.signInput', 'link', 'link'));
  const runs = (name: string): Runs => new Runs(file.group(name, 'link.run', 'link', 'link'));
  opened(file.group('open', 'link.run', 'link', 'link'));
  waiting(runs('waiting'));
  offers(runs('offer'));
  choices(runs('choice'));
  greetings(runs('greeting'));
  sequence(runs('sequence'));
  downgrades(runs('downgrade'));
  handshakes(runs('noise'));
  return file;
}

// ---- What is signed

const HELLO: Fields = {
  versions: [1],
  mode: 1,
  nonce32: seeded('transcript nonce', 32),
  authority_id32: ID,
  authority_serial: 1n,
  frame_cap: 1_048_584,
};

function transcripts(g: Group): void {
  const add = (id: string, comment: string, i: Fields, r: Fields, more: Bytes = zeros(0)): void => {
    const [a, b] = [cat(encodeBody('Hello', i), more), encodeBody('Hello', r)];
    g.valid(id, {
      comment,
      in: { initiatorHello: hex(a), responderHello: hex(b) },
      out: { transcript: hex(transcript(a, b)) },
      spec: ['link.9', 'link.10'],
      flags: [],
    });
  };
  const answer: Fields = { ...HELLO, nonce32: seeded('transcript nonce 2', 32) };
  add('t', 'T: no suites', HELLO, answer);
  add('exchanged', 'the same with the hellos exchanged is another', answer, HELLO);
  add('n', 'N: an offer and a choice', { ...HELLO, mode: 2, suites: [1, 2] }, { ...answer, mode: 2, suites: [2] });
  add('equal', 'two hellos that are the same', HELLO, HELLO);
  add('unknown-field', 'a field that is ignored is in what is hashed', HELLO, answer, wire.bytes(1024, text('later')));
  add(
    'grease',
    'versions and suites that nobody knows',
    { ...HELLO, versions: [1, 0x0a0a], mode: 2, suites: [1, 0x1a1a] },
    { ...answer, mode: 2, suites: [1] },
  );
}

function signInputs(g: Group): void {
  const [exporter, script] = [seeded('any exporter', 32), seeded('any transcript', 32)];
  const h = seeded('any handshake hash', 32);
  const add = (
    id: string,
    comment: string,
    mode: number,
    side: number,
    key: KeyPair,
    rec: Bytes,
    over: { exporter?: Bytes; h?: Bytes } = {},
  ): void => {
    const bound = mode === MODE.T ? H(over.exporter ?? exporter, script) : (over.h ?? h);
    g.valid(id, {
      comment,
      in: {
        mode,
        side,
        keyId: hex(key.keyId),
        transcript: hex(script),
        ...(mode === MODE.T ? { exporter: hex(over.exporter ?? exporter) } : { handshakeHash: hex(over.h ?? h) }),
        principalRecord: hex(rec),
      },
      out: { signInput: hex(linkSignInput(mode, side, key.keyId, bound, rec)) },
      spec: ['link.9', 'link.10'],
      flags: [],
    });
  };
  for (const mode of [MODE.T, MODE.N]) {
    const m = mode === MODE.T ? 't' : 'n';
    add(`${m}-initiator`, 'the side is 1', mode, 1, ALICE_KEY, CLIENT.record);
    add(`${m}-responder`, 'the side is 2', mode, 2, BROKER_KEY, BROKER.record);
    add(`${m}-other-side`, 'the initiator, with the side of the responder', mode, 2, ALICE_KEY, CLIENT.record);
    add(`${m}-other-record`, 'another record of the same key', mode, 1, ALICE_KEY, clientRecord({}, 2));
  }
  add('t-other-exporter', 'another connection', MODE.T, 1, ALICE_KEY, CLIENT.record, {
    exporter: seeded('other exporter', 32),
  });
  add('n-other-hash', 'another handshake', MODE.N, 1, ALICE_KEY, CLIENT.record, { h: seeded('other hash', 32) });
}

// ---- The opening, frame by frame

/** The bases of all that is refused. */
function opened(g: Group): void {
  const runs = new Runs(g);
  for (const w of ALL) {
    const spec = ['link.1', 'link.2', 'link.9', 'link.10', 'framing.1', ...(w.mode === MODE.N ? ['link.16'] : [])];
    runs.good(w, 'silent', 'opens, and has nothing to send', {}, { spec });
    runs.good(w, 'sends', 'opens, and sends one frame at once', { send: firstSend(w) }, { spec });
    if (w.mode === MODE.N)
      for (const suite of [1, 2])
        runs.good(
          w,
          `suite-${suite}`,
          `the only suite that the end under test knows is ${suite}`,
          { own: { suites: [suite] }, send: firstSend(w) },
          { spec: [...spec, 'link.3', 'link.5'] },
        );
    else
      runs.good(
        w,
        'suites-unused',
        'suites that the end under test knows stand in no hello of T',
        { input: { suites: [1, 2] } },
        { spec: ['link.5'] },
      );
  }
}

/** Where a stream may stand still, or end. */
function waiting(runs: Runs): void {
  for (const w of ALL) {
    const met = meet({ mode: w.mode, side: w.side });
    const [first = zeros(0), second = zeros(0)] = met.flights;
    const hello = 12 + Number(BigInt(`0x${hex(first.slice(8, 12))}`));
    const last = second.length > 0 ? first.length : hello;
    const total = first.length + second.length;
    const places: [string, number, string][] = [
      ['nothing', 0, 'nothing came'],
      ['preface-3', 3, 'three bytes of the preface came'],
      ['preface', 4, 'the preface came'],
      ['header-7', 11, 'seven bytes of the header of hello came'],
      ['hello-cut', hello - 1, 'hello came but for its last byte'],
      ['hello', hello, 'hello came'],
      ['auth-1', last + 1, 'hello and one byte of what carries the auth came'],
      ['auth-cut', total - 1, 'all of the opening but its last byte came'],
    ];
    for (const [id, bytes, comment] of places) {
      const cut = (all: Bytes): Bytes[] => (bytes === 0 ? [] : [all.slice(0, bytes)]);
      if (['nothing', 'preface', 'hello', 'auth-cut'].includes(id))
        runs.good(w, id, `${comment}: the link is not open`, {}, { spec: ['link.6', 'link.7'], cut });
      if (id === 'preface' || (id === 'header-7' && w.side === 'initiator')) continue;
      const early = bytes < 4 && bytes > 0;
      const inside = ['header-7', 'hello-cut', 'auth-1', 'auth-cut'].includes(id) && w.mode === MODE.T;
      const other = early ? 'framing.3' : inside ? 'framing.12' : undefined;
      runs.bad(
        w,
        `${id}-ends`,
        `${comment}, and the connection ends${other === undefined ? '' : ` (ambiguous: ${other} says E_LENGTH)`}`,
        {},
        other === undefined ? 'E_HANDSHAKE' : ['E_HANDSHAKE', 'E_LENGTH'],
        { spec: ['link.6'], flags: ['Truncated'], cut, ends: true },
      );
    }
  }
}

const GREASE = ['Grease'];
const LIMIT = ['Limit'];
const firstFlight = (m: Met): Bytes[] => m.flights.slice(0, 1);
/** The first flight up to the end of hello. */
const helloAlone = (m: Met): Bytes[] =>
  firstFlight(m).map((f) => f.slice(0, 12 + Number(BigInt(`0x${hex(f.slice(8, 12))}`))));
const count = (n: number, from = 1): number[] => Array.from({ length: n }, (_, i) => i + from);
const other = (w: Where): 'initiator' | 'responder' => (w.side === 'initiator' ? 'responder' : 'initiator');

/** What a responder makes of an offer. */
function offers(runs: Runs): void {
  const say = (w: Where, id: string, comment: string, hello: Fields, spec: string[], flags: string[] = []): void =>
    runs.good(w, id, comment, { lie: { hello } }, { spec, flags });
  const no = (
    w: Where,
    id: string,
    comment: string,
    more: Partial<Setup>,
    error: string | string[],
    spec: string[],
    flags: string[] = [],
  ): void => runs.bad(w, id, comment, more, error, { spec, flags, pieces: firstFlight });
  for (const w of [TR, NR]) {
    const S = ['link.3', 'link.4'];
    say(w, 'versions-1-2', 'versions 1 and 2: 1 is chosen', { versions: [1, 2] }, S);
    say(w, 'versions-0-1', 'versions 0 and 1: 1 is chosen', { versions: [0, 1] }, S);
    say(w, 'versions-grease', 'version 1 and GREASE', { versions: [1, 0x0a0a, 0xfafa] }, S, GREASE);
    say(w, 'versions-8', 'eight versions', { versions: count(8) }, S, LIMIT);
    no(
      w,
      'version-2',
      'version 2 alone',
      { lie: { hello: { versions: [2] } } },
      'E_HANDSHAKE',
      ['link.3'],
      ['Downgrade'],
    );
    no(
      w,
      'version-0',
      'version 0 alone',
      { lie: { hello: { versions: [0] } } },
      'E_HANDSHAKE',
      ['link.3'],
      ['Downgrade'],
    );
    no(
      w,
      'version-grease',
      'a GREASE version alone',
      { lie: { hello: { versions: [0x0a0a] } } },
      'E_HANDSHAKE',
      S,
      GREASE,
    );
    no(
      w,
      'other-mode',
      `a hello of ${w.mode === MODE.T ? 'N' : 'T'}, which names that mode`,
      { lie: { hello: w.mode === MODE.T ? { mode: 2, suites: [1, 2] } : { mode: 1, suites: [] } } },
      'E_HANDSHAKE',
      ['link.3'],
      ['Downgrade'],
    );
    no(
      w,
      'other-authority',
      'another authority',
      { lie: { hello: { authority_id32: seeded('another authority', 32) } } },
      'E_HANDSHAKE',
      ['link.3'],
    );
  }
  say(
    TR,
    'suites',
    'suites in a T offer: nothing refuses them (ambiguous: they should be absent)',
    { suites: [1, 2] },
    ['link.3'],
  );
  const suites = (id: string, comment: string, list: number[], own: number[], flags: string[] = []): void =>
    runs.good(
      NR,
      id,
      comment,
      { lie: { hello: { suites: list } }, own: { suites: own } },
      { spec: ['link.3', 'link.4'], flags },
    );
  suites('prefers-2', 'both know both, the responder prefers 2', [1, 2], [2, 1]);
  suites('prefers-1', 'both know both, the responder prefers 1', [1, 2], [1, 2]);
  suites('second-choice', 'the responder prefers 2, the initiator knows 1 alone', [1], [2, 1]);
  suites('only-2', 'the responder knows 2 alone', [1, 2], [2]);
  suites(
    'reserved',
    'suites that are reserved beside 1',
    [1, 3, 0x11, 0x12, 0x13, 0x21, 0x22, 0x23],
    [2, 1],
    ['Reserved'],
  );
  suites(
    'grease',
    'GREASE, private and invalid suites beside 2',
    [0, 2, 0x0a0a, 0xfafa, 0xff00, 0xffff],
    [1, 2],
    GREASE,
  );
  suites('32', 'thirty-two suites', [1, ...count(31, 100)], [1, 2], LIMIT);
  const none = (id: string, comment: string, list: number[], own: number[], spec: string[], flags: string[]): void =>
    no(NR, id, comment, { lie: { hello: { suites: list } }, own: { suites: own } }, 'E_HANDSHAKE', spec, flags);
  none('no-suite', 'an empty list of suites (I10)', [], [1, 2], ['link.3'], ['Downgrade']);
  none('no-common-suite', 'the initiator knows 1, the responder 2', [1], [2], ['link.3'], []);
  none('unknown-suites', 'none that is known', [3, 0x11, 0x21], [1, 2], ['link.3', 'link.4'], ['Reserved']);
  none('grease-suites', 'GREASE alone', [0x0a0a, 0x1a1a], [1, 2], ['link.3', 'link.4'], GREASE);
}

/** What an initiator makes of the answer. */
function choices(runs: Runs): void {
  const no = (
    w: Where,
    id: string,
    comment: string,
    hello: Fields,
    error: string,
    more: { spec?: string[]; flags?: string[]; own?: Partial<Party> } = {},
  ): void =>
    runs.bad(w, id, comment, { lie: { hello }, ...(more.own === undefined ? {} : { own: more.own }) }, error, {
      spec: more.spec ?? ['link.5'],
      flags: more.flags ?? ['Downgrade'],
      pieces: helloAlone,
    });
  for (const w of [TI, NI]) {
    no(w, 'version-2', 'version 2, which was not offered', { versions: [2] }, 'E_HANDSHAKE');
    no(w, 'version-0', 'version 0', { versions: [0] }, 'E_HANDSHAKE');
    no(w, 'two-versions', 'two versions', { versions: [1, 2] }, 'E_HANDSHAKE');
    no(
      w,
      'version-and-grease',
      'version 1 and GREASE: who chooses writes no GREASE',
      { versions: [1, 0x0a0a] },
      'E_HANDSHAKE',
      {
        flags: GREASE,
      },
    );
    no(w, 'no-version', 'no version: the field is required', { versions: [] }, 'E_ENCODING', { spec: ['messages.2'] });
    no(w, 'other-authority', 'another authority', { authority_id32: seeded('another authority', 32) }, 'E_HANDSHAKE');
  }
  no(TI, 'other-mode', 'mode 2 in T', { mode: 2 }, 'E_HANDSHAKE');
  no(TI, 'suite', 'a suite in T', { suites: [1] }, 'E_HANDSHAKE');
  no(NI, 'other-mode', 'mode 1 in N', { mode: 1 }, 'E_HANDSHAKE');
  no(NI, 'other-mode-no-suite', 'mode 1 without a suite: an answer of T', { mode: 1, suites: [] }, 'E_HANDSHAKE');
  no(NI, 'no-suite', 'no suite', { suites: [] }, 'E_HANDSHAKE');
  no(NI, 'two-suites', 'both suites that were offered', { suites: [1, 2] }, 'E_HANDSHAKE');
  no(NI, 'suite-not-offered', 'suite 1, of which only 2 was offered', { suites: [1] }, 'E_HANDSHAKE', {
    own: { suites: [2] },
  });
  no(NI, 'suite-unknown', 'suite 3, which was not offered', { suites: [3] }, 'E_HANDSHAKE');
  no(NI, 'suite-grease', 'a GREASE suite', { suites: [0x0a0a] }, 'E_HANDSHAKE', { flags: GREASE });
  for (const suite of [1, 2]) {
    const more: Partial<Setup> = { peer: { suites: [suite] }, send: [SUB] };
    runs.good(NI, `takes-${suite}`, `the responder chooses ${suite} of both`, more, { spec: ['link.5'] });
  }
  runs.good(
    NI,
    'offer-ascends',
    'an initiator that prefers 2 offers 1 and 2, ascending',
    { own: { suites: [2, 1] }, peer: { suites: [2] } },
    { spec: ['link.5', 'messages.4'] },
  );
}

/** Preface and hello by themselves: the same for each end. */
function greetings(runs: Runs): void {
  for (const w of [TR, NI]) {
    const S = ['link.7'];
    const no = (
      id: string,
      comment: string,
      lie: Lie,
      error: string | string[],
      spec: string[] = S,
      flags: string[] = [],
    ): void =>
      runs.bad(w, id, comment, { lie }, error, {
        spec: [...new Set([...spec, ...S])],
        flags,
        pieces: lie.hello === undefined && lie.helloBody === undefined ? firstFlight : helloAlone,
      });
    const frame = (
      id: string,
      comment: string,
      change: (right: Bytes) => Bytes,
      error: string,
      spec: string[],
      flags?: string[],
    ): void => no(id, comment, { helloFrame: change }, error, spec, flags);
    no('preface', 'a preface of another protocol', { preface: unhex('54444201') }, 'E_ENCODING', ['framing.2']);
    no('preface-http', 'an HTTP request', { preface: text('GET /') }, 'E_ENCODING', ['framing.2']);
    no(
      'preface-version',
      'version 2 in the preface',
      { preface: unhex('54444302') },
      'E_VERSION',
      ['framing.3'],
      ['Downgrade'],
    );
    no('no-preface', 'a hello without a preface', { preface: zeros(0) }, 'E_ENCODING', ['framing.2']);
    no(
      'preface-twice',
      'two prefaces: as a frame, the second is too long',
      { preface: cat(PREFACE, PREFACE) },
      'E_LIMIT',
      ['framing.7'],
    );
    frame('flags', 'flags in the header of hello', (f) => put(f, 1, u8(1)), 'E_ENCODING', ['framing.9'], ['Reserved']);
    frame('channel', 'a hello on channel 1', (f) => put(f, 2, u16(1)), 'E_ENCODING', ['messages.4']);
    frame(
      'size-1025',
      'the header of a hello of 1,025 bytes',
      () => rawFrameHeader(1, 0, 0, 1025),
      'E_LIMIT',
      ['messages.9'],
      LIMIT,
    );
    frame(
      'size-max',
      'the header of a hello of 2^32 - 1 bytes (D01)',
      () => rawFrameHeader(1, 0, 0, 2 ** 32 - 1),
      'E_LIMIT',
      ['framing.7', 'messages.9'],
      LIMIT,
    );
    frame(
      'length-short',
      'a length of one byte less',
      (f) => put(f, 7, u8((f[7] ?? 0) - 1)),
      'E_ENCODING',
      ['messages.2'],
      ['Truncated'],
    );
    const body = (
      id: string,
      comment: string,
      change: (right: Bytes) => Bytes,
      error: string,
      spec: string[],
      flags: string[] = ['BodyForm'],
    ): void => no(id, comment, { helloBody: change }, error, spec, flags);
    body('empty', 'a hello of no bytes', () => zeros(0), 'E_ENCODING', ['messages.2']);
    body('unknown-field', 'field 9', (b) => cat(b, wire.number(9, 1)), 'E_ENCODING', ['messages.2'], ['UnknownField']);
    const hello = (
      id: string,
      comment: string,
      more: Fields,
      error: string,
      spec: string[],
      flags: string[] = LIMIT,
    ): void => no(id, comment, { hello: more }, error, spec, flags);
    hello('versions-descend', 'versions 2 and 1', { versions: [2, 1] }, 'E_ENCODING', ['messages.4'], ['BodyForm']);
    hello('cap-least-1', 'a frame_cap of 1,048,583', { frame_cap: 1_048_583 }, 'E_LIMIT', ['messages.11']);
    hello('cap-most-1', 'a frame_cap of 16,777,217', { frame_cap: 16_777_217 }, 'E_LIMIT', ['messages.11']);
    hello('cap-2p32-1', 'a frame_cap of 2^32 - 1', { frame_cap: 0xffff_ffff }, 'E_LIMIT', ['messages.11']);
    hello('cap-1', 'a frame_cap of 1', { frame_cap: 1 }, 'E_LIMIT', ['messages.11']);
    const yes = (id: string, comment: string, lie: Lie, spec: string[], flags: string[] = []): void =>
      runs.good(w, id, comment, { lie }, { spec, flags });
    yes('cap-least', 'the least frame_cap', { hello: { frame_cap: 1_048_584 } }, ['messages.11'], LIMIT);
    yes('cap-most', 'the largest frame_cap', { hello: { frame_cap: 16_777_216 } }, ['messages.11'], LIMIT);
    yes(
      'credit-max',
      'the largest credit, and no serial',
      { hello: { credit: (1n << 53n) - 1n } },
      ['messages.2'],
      LIMIT,
    );
    yes(
      'ignored-field',
      'a field that v1 does not know: ignored, and part of what is signed',
      { helloBody: (b) => cat(b, wire.bytes(1024, text('later'))) },
      ['messages.2', 'link.10'],
      ['UnknownField'],
    );
    if (w.mode === MODE.T)
      yes('size-1024', 'a hello of 1,024 bytes', { helloBody: (b) => padded(b, 1024) }, ['messages.9'], LIMIT);
    const cap = (id: string, comment: string, frameCap: number, error: string[]): void =>
      runs.bad(w, id, comment, { own: { frameCap } }, error, {
        spec: ['messages.11', 'framing.8'],
        flags: LIMIT,
        pieces: () => [],
      });
    if (w.mode === MODE.T) {
      cap('own-cap-most-1', 'it is asked to announce 16,777,217', 16_777_217, ['E_USAGE']);
      cap(
        'own-cap-least-1',
        'it is asked to announce 1,048,583 (ambiguous: messages.11 names no code for the caller)',
        1_048_583,
        ['E_USAGE', 'E_LIMIT'],
      );
    }
  }
}

/** Frames that do not come next. */
function sequence(runs: Runs): void {
  const then = ['hello', 'reject', 'envelope', 'ping', 'close', 'job', 'grease'].map((name) => `then-${name}`);
  runs.only(TI, ['first-auth', 'first-envelope', ...then]);
  runs.only(NR, ['first-auth', 'first-envelope', 'plaintext-1', 'plaintext-3']);
  const S = ['link.1', 'link.6'];
  const five = seeded('sequence body', 5);
  const types: [string, Bytes][] = [
    ['reject', encodeFrame({ type: TYPE.reject, channel: 0, body: bodyOf.reject(1, 1, 'E_LIMIT') })],
    ['envelope', encodeFrame({ type: TYPE.envelope, channel: 0, body: five })],
    ['ping', encodeFrame({ type: TYPE.ping, channel: 0, body: bodyOf.ping(1, 1) })],
    ['close', encodeFrame({ type: TYPE.close, channel: 0, body: zeros(0) })],
    ['job', encodeFrame({ type: 0x13, channel: 0, body: five })],
  ];
  const both = 'ambiguous: framing.10 drops GREASE, link.6 takes nothing but what comes next';
  for (const w of ALL) {
    const instead = (
      id: string,
      comment: string,
      frame: Bytes,
      error: string | string[],
      spec = S,
      flags: string[] = [],
    ): void => runs.bad(w, id, comment, {}, error, { spec, flags, pieces: () => [cat(PREFACE, frame)] });
    for (const [name, frame] of [
      ['auth', encodeFrame({ type: TYPE.auth, channel: 0, body: five })] as [string, Bytes],
      ...types,
    ])
      instead(`first-${name}`, `${name} in place of hello`, frame, 'E_HANDSHAKE');
    instead(
      'first-undefined',
      'type 0x40 in place of hello (ambiguous: framing.11 or link.6)',
      encodeFrame({ type: 0x40, channel: 0, body: five }),
      ['E_ENCODING', 'E_HANDSHAKE'],
      ['framing.11', ...S],
      ['Reserved'],
    );
    instead(
      'first-too-long',
      'the header of an envelope of 2^32 - 1 bytes in place of hello (D01)',
      rawFrameHeader(TYPE.envelope, 0, 0, 2 ** 32 - 1),
      'E_LIMIT',
      ['framing.7', 'link.7'],
      [...LIMIT, 'Order'],
    );
    runs.bad(w, 'first-grease', `a GREASE frame before hello (${both})`, {}, 'E_HANDSHAKE', {
      spec: [...S, 'framing.10'],
      flags: GREASE,
      pieces: (m) => [cat(PREFACE, grease(0x0a), (m.flights[0] ?? zeros(0)).slice(4))],
    });
    // After hello
    const after = (id: string, comment: string, insert: Bytes, spec = S, flags: string[] = []): void =>
      runs.bad(
        w,
        id,
        comment,
        { lie: w.mode === MODE.T ? { authFrame: (a) => cat(insert, a) } : { noiseRecord: (a) => cat(insert, a) } },
        'E_HANDSHAKE',
        { spec, flags },
      );
    if (w.mode === MODE.T) {
      const again = encodeFrame({ type: TYPE.hello, channel: 0, body: helloBodyOf(w) });
      for (const [name, frame] of [['hello', again] as [string, Bytes], ...types])
        after(`then-${name}`, `${name} in place of auth`, frame);
      after('then-grease', `a GREASE frame before auth (${both})`, grease(0xfa), [...S, 'framing.10'], GREASE);
    }
  }
  // I09: plaintext where a message of Noise comes next
  const auth = authFrame(authBody(BROKER.record, seeded('signature', 64), [AUTHORITY.object.bytes]));
  const plain = 'the first two bytes of a frame are a length';
  runs.bad(NR, 'plaintext-1', `an auth frame in place of message 1: ${plain} that is not 32 (I09)`, {}, 'E_HANDSHAKE', {
    spec: S,
    flags: ['Downgrade'],
    pieces: () => [cat(PREFACE, encodeFrame({ type: TYPE.hello, channel: 0, body: helloBodyOf(NR) }), auth)],
  });
  for (const [w, id] of [
    [NI, 'plaintext-2'],
    [NR, 'plaintext-3'],
  ] as [Where, string][])
    runs.bad(
      w,
      id,
      `an auth frame in place of a message of Noise: ${plain}, and what follows does not open (I09; ambiguous: link.17 says E_AEAD)`,
      { lie: { noiseRecord: () => auth } },
      ['E_HANDSHAKE', 'E_AEAD'],
      { spec: [...S, 'link.17'], flags: ['Downgrade'] },
    );
}
const helloBodyOf = (w: Where): Bytes => helloBody(w.mode, other(w));

/** Somebody between the two changes a hello. */
function downgrades(runs: Runs): void {
  const cuts = ['offer-cut', 'offer-cut-to-2', 'choice-changed'];
  runs.only(NI, [...cuts, 'own-version', 'own-serial', 'own-nonce', 'other-cap', 'other-credit', 'other-nonce']);
  runs.only(TI, ['own-cap', 'own-credit', 'own-nonce', 'other-version', 'other-serial']);
  runs.only(TR, ['other-version', 'other-cap', 'other-nonce']);
  const S = ['link.10'];
  const flags = ['Downgrade'];
  const noise = ['E_HANDSHAKE', 'E_AEAD'];
  const open = '(ambiguous: message 2 does not open, and link.17 says E_AEAD; decision 36 says E_HANDSHAKE)';
  const mine = (more: Fields) => (): Bytes => helloBody(MODE.N, 'initiator', more);
  runs.bad(
    NI,
    'offer-cut',
    `the offer of 1 and 2 is cut to 1 on its way (I04) ${open}`,
    { own: { suites: [2, 1] }, peer: { suites: [1] }, lie: { sawHello: mine({ suites: [1] }) } },
    noise,
    { spec: S, flags },
  );
  runs.bad(
    NI,
    'offer-cut-to-2',
    `the offer of 1 and 2 is cut to 2 on its way (I04) ${open}`,
    { peer: { suites: [2] }, lie: { sawHello: mine({ suites: [2] }) } },
    noise,
    { spec: S, flags },
  );
  runs.bad(
    NI,
    'choice-changed',
    `the responder chose 2, and 1 arrives ${open}`,
    {
      peer: { suites: [1] },
      lie: { suite: 2, meantHello: () => helloBody(MODE.N, 'responder', { suites: [2] }) },
    },
    noise,
    { spec: S, flags },
  );
  for (const [name, more] of [
    ['version', { versions: [1, 2] }],
    ['nonce', { nonce32: seeded('changed', 32) }],
    ['serial', { authority_serial: 2n }],
    ['cap', { frame_cap: 16_777_215 }],
    ['credit', { credit: 1n }],
  ] as [string, Fields][]) {
    const seen = (mode: number) => (): Bytes => helloBody(mode, 'initiator', more);
    const meant = (mode: number, side: 'initiator' | 'responder') => (): Bytes => helloBody(mode, side, more);
    runs.bad(
      NI,
      `own-${name}`,
      `its hello is changed on its way: ${name} ${open}`,
      { lie: { sawHello: seen(MODE.N) } },
      noise,
      {
        spec: S,
        flags,
      },
    );
    runs.bad(
      TI,
      `own-${name}`,
      `its hello is changed on its way: ${name}`,
      { lie: { sawHello: seen(MODE.T) } },
      'E_BINDING',
      {
        spec: S,
        flags,
      },
    );
    runs.bad(
      TI,
      `other-${name}`,
      `the responder's hello is changed on its way: ${name}`,
      { lie: { meantHello: meant(MODE.T, 'responder') } },
      'E_BINDING',
      {
        spec: S,
        flags,
      },
    );
    runs.bad(
      TR,
      `other-${name}`,
      `the initiator's hello is changed on its way: ${name}`,
      { lie: { meantHello: meant(MODE.T, 'initiator') } },
      'E_BINDING',
      {
        spec: S,
        flags,
      },
    );
    runs.bad(
      NI,
      `other-${name}`,
      `the responder's hello is changed on its way: ${name} ${open}`,
      { lie: { meantHello: meant(MODE.N, 'responder') } },
      noise,
      { spec: S, flags },
    );
  }
}

// ---- Messages of Noise

function handshakes(runs: Runs): void {
  const S = ['link.10', 'link.17'];
  const open = '(ambiguous: link.17 says E_AEAD of a record that does not open)';
  const both = ['E_HANDSHAKE', 'E_AEAD'];
  for (const w of [NI, NR]) {
    const n = w === NI ? 2 : 3;
    const eBytes = w === NI ? 32 : 0;
    const least = w === NI ? 96 : 64;
    const broken = (id: string, comment: string, at: number): void =>
      runs.bad(
        w,
        id,
        `message ${n} with one bit changed in ${comment} ${open}`,
        { lie: { noise: (m) => flip(m, at) } },
        both,
        { spec: S, flags: ['Tampered'] },
      );
    if (w === NI) broken('e', 'the ephemeral key', 3);
    broken('s', 'the static key', eBytes + 3);
    broken('s-tag', 'the tag of the static key', eBytes + 40);
    broken('payload', 'the payload', eBytes + 48 + 5);
    broken('tag', 'its last byte', -1);
    const cut = (id: string, comment: string, change: (m: Bytes) => Bytes): void =>
      runs.bad(w, id, `message ${n} ${comment} ${open}`, { lie: { noise: change } }, both, {
        spec: S,
        flags: ['Truncated'],
      });
    cut('short', 'a byte shorter, with that length', (m) => m.slice(0, -1));
    cut('long', 'a byte longer, with that length', (m) => cat(m, zeros(1)));
    cut('tag-only', `cut to ${least} bytes`, (m) => m.slice(0, least));
    const length = (bytes: number): void =>
      runs.bad(
        w,
        `length-${bytes}`,
        `message ${n} with a length of ${bytes}: ${least} are the least`,
        { lie: { noiseRecord: () => cat(u16(bytes), zeros(bytes)) } },
        'E_HANDSHAKE',
        {
          spec: ['link.6', 'link.17'],
          flags: ['Limit'],
        },
      );
    for (const bytes of [0, 16, 32, least - 1]) length(bytes);
    runs.bad(
      w,
      'auth-49153',
      'a length that holds an auth of 49,153 bytes: the length alone shows it (ambiguous: an auth in N has no frame header)',
      { lie: { noiseRecord: () => u16(least + 49_153) } },
      ['E_LIMIT', 'E_HANDSHAKE'],
      { spec: ['messages.9', 'link.7'], flags: LIMIT },
    );
    runs.good(
      w,
      'top-bit',
      'keys of the peer with the top bit set: used as RFC 7748 says',
      {
        lie: { keys: { e: (k) => put(k, 31, u8((k[31] ?? 0) | 0x80)), s: (k) => put(k, 31, u8((k[31] ?? 0) | 0x80)) } },
      },
      { spec: ['suites.5'], flags: ['NonCanonical'] },
    );
  }
  runs.bad(
    NI,
    'other-suite',
    `the responder says suite 1, and runs Noise with that of 2 ${open}`,
    { peer: { suites: [1] }, lie: { suite: 2 } },
    both,
    { spec: S, flags: ['Downgrade'] },
  );
  const lows = [...LOW_ORDER].map(unhex);
  const more: Bytes[] = [littleEndian(P, 32), littleEndian(P + 1n, 32)];
  [...lows, ...more].forEach((low, i) => {
    const what = i < lows.length ? 'of small order' : 'of small order, not reduced';
    const spec = ['suites.5', 'link.6'];
    const flags = ['SmallOrder', 'KeyUse'];
    runs.bad(NR, `small-e-${i}`, `an ephemeral key ${what}`, { lie: { noise1: () => low } }, 'E_HANDSHAKE', {
      spec,
      flags,
      pieces: firstFlight,
    });
    runs.bad(NI, `small-e-${i}`, `an ephemeral key ${what}`, { lie: { noise: (m) => put(m, 0, low) } }, 'E_HANDSHAKE', {
      spec,
      flags,
    });
    if (i < 2)
      for (const w of [NI, NR])
        runs.bad(w, `small-s-${i}`, `a static key ${what}`, { lie: { keys: { s: () => low } } }, 'E_HANDSHAKE', {
          spec,
          flags,
        });
  });
  for (const bytes of [0, 1, 31, 33, 48])
    runs.bad(NR, `length-1-${bytes}`, `message 1 with a length of ${bytes}`, {}, 'E_HANDSHAKE', {
      spec: ['link.6', 'link.17'],
      flags: ['Limit'],
      pieces: (m) => {
        const first = m.flights[0] ?? zeros(0);
        return [cat(first.slice(0, -34), u16(bytes), zeros(bytes))];
      },
    });
  runs.bad(
    NR,
    'message-1-twice',
    'message 1 again in place of message 3: 32 bytes are too few',
    { lie: { noiseRecord: () => record(seeded('again', 32)) } },
    'E_HANDSHAKE',
    {
      spec: ['link.6'],
      flags: ['Replayed'],
    },
  );
  runs.bad(
    NI,
    'own-message',
    `message 3 of an earlier session in place of message 2 ${open}`,
    { lie: { noise: () => (meet({ mode: NR.mode, side: NR.side }).flights[1] ?? zeros(0)).slice(2) } },
    both,
    {
      spec: S,
      flags: ['Replayed'],
    },
  );
}
