/** traffic.json: open links, chapters 02, 04 and 05. */
import { VectorFile } from '../cases.ts';
import { ALL, NI, NR, Runs, TI, TR, type Where } from '../linkruns.ts';
import { meet, type Met, type Setup } from '../linkworld.ts';
import { cat, put, seeded, u8, zeros, type Bytes } from '../twin/bytes.ts';
import { encodeFrame, GREASE_TYPES, rawFrameHeader, type Frame } from '../twin/frame.ts';
import { authFrame, helloFrame, MODE } from '../twin/link.ts';
import { bodyOf, TYPE } from '../twin/messages.ts';
import { NOW } from '../world.ts';

const OVER = 1n << 53n;
const LEAST_CAP = 1_048_584;
const MOST_CAP = 16_777_216;
const MATCH: Bytes = seeded('traffic match', 16);
const ADDRESS: Bytes = seeded('traffic address', 16);
const ENVELOPE: Bytes = seeded('traffic envelope', 60);
const JOB: Bytes = seeded('traffic job', 70);

export const frame = (type: number, channel: number, body: Bytes): Frame => ({ type, channel, body });
export const SUB: Frame = frame(TYPE.sub, 5, bodyOf.sub({ matchKind: 2, level: 1, match: MATCH, from: 0n }));
export const PONG: Frame = frame(TYPE.ping, 1, bodyOf.ping(9, NOW));
const CLOSE = frame(TYPE.close, 0, bodyOf.close('E_LIMIT', 500));
export const END: Frame = frame(TYPE.close, 0, zeros(0));

/** One of each type that a side sends on an open link; a question and a close are left out. */
const FROM_INITIATOR: readonly Frame[] = [
  SUB,
  frame(TYPE.envelope, 0, ENVELOPE),
  frame(TYPE.envelope, 2, ENVELOPE),
  frame(TYPE.bundle, 0, seeded('traffic bundle', 30)),
  frame(TYPE.watch, 1, bodyOf.watch([ADDRESS, MATCH])),
  frame(TYPE.credit, 0, bodyOf.credit(5_000_000)),
  frame(TYPE.work, 6, bodyOf.work(MATCH, 8)),
  frame(TYPE.settle, 6, bodyOf.settle(1, 1)),
  PONG,
  frame(TYPE.unsub, 5, zeros(0)),
];
const FROM_RESPONDER: readonly Frame[] = [
  frame(TYPE.envelope, 0, ENVELOPE),
  frame(TYPE.stored, 5, bodyOf.stored(77, ENVELOPE)),
  frame(TYPE.leased, 6, bodyOf.leased(1, ENVELOPE)),
  frame(TYPE.job, 6, bodyOf.leased(2, JOB)),
  frame(TYPE.object, 0, bodyOf.object(ADDRESS, seeded('traffic object', 50))),
  frame(TYPE.reject, 0, bodyOf.reject(2, 5, 'E_REFUSED')),
  frame(TYPE.ack, 0, bodyOf.ack(3)),
  PONG,
];
/** Of the peer of the end at `w`, and of that end itself. */
export const theirs = (w: Where): readonly Frame[] => (w.side === 'initiator' ? FROM_RESPONDER : FROM_INITIATOR);
export const ours = (w: Where): readonly Frame[] => (w.side === 'initiator' ? FROM_INITIATOR : FROM_RESPONDER);
export const bytesOf = (list: readonly Frame[]): Bytes => cat(...list.map(encodeFrame));
export const grease = (type: number, length: number): Bytes =>
  encodeFrame(frame(type, 7, seeded('traffic grease', length)));

export function traffic(): VectorFile {
  const file = new VectorFile('traffic');
  const runs = (name: string): Runs => new Runs(file.group(name, 'link.run', 'link', 'link'));
  received(runs('received'));
  refused(runs('refused'));
  caps(runs('cap'));
  ends(runs('end'));
  sent(runs('sent'));
  return file;
}

function received(runs: Runs): void {
  for (const w of ALL) {
    const all = theirs(w);
    runs.good(
      w,
      'each-type',
      'one frame of each type that the peer sends, one in each piece',
      {},
      { spec: ['messages.2', 'messages.3', 'messages.4'], after: (m) => all.map((f) => m.pack(encodeFrame(f))) },
      { frames: [...all] },
    );
    runs.good(
      w,
      'together',
      'the same in one piece, together with the last of the opening',
      {},
      {
        spec: ['framing.13'],
        flags: ['Chunking'],
        pieces: (m) => [...m.flights.slice(0, -1), cat(m.flights.at(-1) ?? zeros(0), m.pack(bytesOf(all)))],
      },
      { frames: [...all] },
    );
    runs.good(
      w,
      'grease',
      'a frame of each GREASE type around others: dropped',
      {},
      {
        spec: ['framing.10'],
        flags: ['Grease'],
        after: (m) => [
          m.pack(
            cat(
              ...GREASE_TYPES.slice(0, 8).map((t) => grease(t, 3)),
              encodeFrame(PONG),
              ...GREASE_TYPES.slice(8).map((t) => grease(t, 0)),
              encodeFrame(END),
            ),
          ),
        ],
      },
      { frames: [PONG, END], state: 'closed' },
    );
    const inner: [string, string, Bytes][] = [
      ['close', 'a close', encodeFrame(END)],
      ['hello', 'a preface and a hello', cat(new Uint8Array([0x54, 0x44, 0x43, 1]), helloFrame(zeros(0)))],
      ['grease', 'a GREASE frame', grease(0x0a, 1)],
    ];
    for (const [id, what, body] of inner) {
      if (w === TI || w === NR || id === 'close')
        runs.good(
          w,
          `envelope-of-${id}`,
          `an envelope whose bytes are ${what} is an envelope (E05)`,
          {},
          { spec: ['messages.8'], after: (m) => [m.pack(encodeFrame(frame(TYPE.envelope, 0, body)))] },
          { frames: [frame(TYPE.envelope, 0, body)] },
        );
    }
  }
  runs.good(
    TI,
    'stored-of-close',
    'a stored envelope whose bytes are a close is one (E05)',
    {},
    {
      spec: ['messages.8'],
      after: (m) => [m.pack(encodeFrame(frame(TYPE.stored, 5, bodyOf.stored(1, encodeFrame(END)))))],
    },
    { frames: [frame(TYPE.stored, 5, bodyOf.stored(1, encodeFrame(END)))] },
  );
  for (const [name, type] of [
    ['leased', TYPE.leased],
    ['job', TYPE.job],
  ] as [string, number][]) {
    const f = frame(type, 6, bodyOf.leased(1, encodeFrame(END)));
    runs.good(
      TI,
      `${name}-of-close`,
      `a ${name} frame whose bytes are a close is one (E05)`,
      {},
      { spec: ['messages.8'], after: (m) => [m.pack(encodeFrame(f))] },
      { frames: [f] },
    );
  }
  runs.good(
    TI,
    'early',
    'a frame behind the auth of the responder, which no honest one sends: the initiator has opened',
    {},
    { spec: ['link.6'], pieces: (m) => [cat(...m.flights, encodeFrame(PONG))] },
    { frames: [PONG] },
  );
}

/** What an open link takes from nobody. */
function refused(runs: Runs): void {
  runs.only(NI, ['type-30', 'hello', 'undefined', 'channel']);
  runs.only(TR, [
    'type-3',
    'type-13',
    'type-14',
    'type-15',
    'type-20',
    'type-33',
    'hello',
    'auth',
    'flags',
    'form',
    'envelope-channel',
    'sub-kind-0',
    'watch-24',
    'work-channel',
    'work-length',
    'settle-channel',
    'settle-outcome',
    'settle-u64',
  ]);
  const wrongSide: readonly Frame[] = [
    frame(TYPE.reject, 0, bodyOf.reject(1, 1, 'E_LIMIT')),
    frame(TYPE.stored, 5, bodyOf.stored(77, ENVELOPE)),
    frame(TYPE.leased, 6, bodyOf.leased(1, ENVELOPE)),
    frame(TYPE.job, 6, bodyOf.leased(2, JOB)),
    frame(TYPE.object, 0, bodyOf.object(ADDRESS, ENVELOPE)),
    frame(TYPE.ack, 0, bodyOf.ack(3)),
  ];
  const ofInitiators: readonly Frame[] = [
    SUB,
    frame(TYPE.bundle, 0, ENVELOPE),
    frame(TYPE.watch, 0, ADDRESS),
    frame(TYPE.credit, 0, bodyOf.credit(1)),
    frame(TYPE.unsub, 5, zeros(0)),
    frame(TYPE.work, 6, bodyOf.work(MATCH, 8)),
    frame(TYPE.settle, 6, bodyOf.settle(1, 1)),
  ];
  for (const w of ALL) {
    const no = (id: string, comment: string, bytes: Bytes, error: string, spec: string[], flags: string[] = []): void =>
      runs.bad(w, id, comment, {}, error, {
        spec,
        flags,
        from: `traffic/received/${w.id}-each-type`,
        after: (m) => [m.pack(bytes)],
      });
    for (const f of w.side === 'initiator' ? ofInitiators : wrongSide)
      if (w.mode === MODE.T || f.type === TYPE.sub || f.type === TYPE.ack)
        no(
          `type-${f.type.toString(16)}`,
          `a frame of type 0x${f.type.toString(16)}, which this end sends itself`,
          encodeFrame(f),
          'E_ENCODING',
          ['messages.7'],
        );
    const hello = '(ambiguous: no requirement names it on an open link; messages.7 is the nearest)';
    no('hello', `a hello on an open link ${hello}`, helloOf(w), 'E_ENCODING', ['messages.7']);
    no('auth', `an auth on an open link ${hello}`, authFrame(zeros(0)), 'E_ENCODING', ['messages.7']);
    no(
      'undefined',
      'type 0x40',
      encodeFrame(frame(0x40, 0, ENVELOPE)),
      'E_ENCODING',
      ['framing.11', 'messages.7'],
      ['Reserved'],
    );
    no('flags', 'flags in a header', put(encodeFrame(PONG), 1, u8(1)), 'E_ENCODING', ['framing.9'], ['Reserved']);
    if (w === TI || w === NR) {
      for (const type of [0x11, 0x12, 0x34, 0x35])
        no(
          `type-${type.toString(16)}`,
          `type 0x${type.toString(16)}, which no chapter carries yet`,
          encodeFrame(frame(type, 0, ENVELOPE)),
          'E_ENCODING',
          ['messages.7'],
          ['Reserved'],
        );
      no(
        'grease-flags',
        'a GREASE frame with flags',
        put(grease(0x1a, 2), 1, u8(4)),
        'E_ENCODING',
        ['framing.9'],
        ['Grease'],
      );
    }
    no('channel', 'a ping on channel 2', encodeFrame(frame(TYPE.ping, 2, PONG.body)), 'E_ENCODING', ['messages.4']);
    no('length', 'a ping of 17 bytes', encodeFrame(frame(TYPE.ping, 1, cat(PONG.body, zeros(1)))), 'E_LENGTH', [
      'messages.3',
    ]);
    no('u64', 'a ping with the token 2^53', encodeFrame(frame(TYPE.ping, 1, bodyOf.ping(OVER, 1))), 'E_LIMIT', [
      'messages.5',
    ]);
    no('form', 'a close with field 3', encodeFrame(frame(TYPE.close, 0, new Uint8Array([0x18, 1]))), 'E_ENCODING', [
      'messages.2',
    ]);
    no(
      'behind-good',
      'a good frame, then one of type 0x40: the refusal is the answer',
      cat(encodeFrame(PONG), encodeFrame(frame(0x40, 0, zeros(0)))),
      'E_ENCODING',
      ['framing.11', 'framing.14'],
    );
  }
  const own = (w: Where, id: string, comment: string, bytes: Bytes, error: string, spec: string[]): void =>
    runs.bad(w, id, comment, {}, error, {
      spec,
      from: `traffic/received/${w.id}-each-type`,
      after: (m) => [m.pack(bytes)],
    });
  own(
    TI,
    'envelope-channel',
    'an envelope of a responder on channel 1',
    encodeFrame(frame(TYPE.envelope, 1, ENVELOPE)),
    'E_ENCODING',
    ['messages.4'],
  );
  own(
    TR,
    'envelope-channel',
    'an envelope on channel 4',
    encodeFrame(frame(TYPE.envelope, 4, ENVELOPE)),
    'E_ENCODING',
    ['messages.4'],
  );
  own(TI, 'stored-8', 'a stored frame without an envelope', encodeFrame(frame(TYPE.stored, 5, zeros(8))), 'E_LENGTH', [
    'messages.3',
  ]);
  own(TI, 'object-16', 'an object frame without an object', encodeFrame(frame(TYPE.object, 0, zeros(16))), 'E_LENGTH', [
    'messages.3',
  ]);
  own(TR, 'sub-kind-0', 'a sub to the whole group', encodeFrame(frame(TYPE.sub, 5, zeros(26))), 'E_ENCODING', [
    'messages.4',
  ]);
  own(TR, 'watch-24', 'an address and a half', encodeFrame(frame(TYPE.watch, 0, zeros(24))), 'E_LENGTH', [
    'messages.3',
  ]);
  for (const [name, type] of [
    ['leased', TYPE.leased],
    ['job', TYPE.job],
  ] as [string, number][]) {
    const one = (id: string, comment: string, channel: number, body: Bytes, error: string, spec: string): void =>
      own(TI, `${name}-${id}`, comment, encodeFrame(frame(type, channel, body)), error, [spec]);
    one('channel', `a ${name} frame on channel 0`, 0, bodyOf.leased(1, ENVELOPE), 'E_ENCODING', 'messages.4');
    one('8', `a ${name} frame that is a lease alone`, 6, bodyOf.leased(1, zeros(0)), 'E_LENGTH', 'messages.3');
    one('u64', `a ${name} frame with a lease of 2^53`, 6, bodyOf.leased(OVER, ENVELOPE), 'E_LIMIT', 'messages.5');
  }
  const taker = (id: string, comment: string, f: Frame, error: string, spec: string): void =>
    own(TR, id, comment, encodeFrame(f), error, [spec]);
  const { work, settle } = TYPE;
  taker('work-channel', 'a work on channel 0', frame(work, 0, bodyOf.work(MATCH, 8)), 'E_ENCODING', 'messages.4');
  taker('work-length', 'a match without a capacity', frame(work, 6, MATCH), 'E_LENGTH', 'messages.3');
  taker('settle-channel', 'a settle on channel 0', frame(settle, 0, bodyOf.settle(1, 1)), 'E_ENCODING', 'messages.4');
  taker('settle-outcome', 'outcome 3', frame(settle, 6, bodyOf.settle(1, 3)), 'E_ENCODING', 'messages.4');
  taker('settle-u64', 'a lease of 2^53', frame(settle, 6, bodyOf.settle(OVER, 1)), 'E_LIMIT', 'messages.5');
  own(
    TI,
    'stored-u64',
    'a position of 2^53',
    encodeFrame(frame(TYPE.stored, 5, bodyOf.stored(OVER, ENVELOPE))),
    'E_LIMIT',
    ['messages.5'],
  );
}
const helloOf = (w: Where): Bytes => {
  const first = meet({ mode: w.mode, side: w.side }).flights[0] ?? zeros(0);
  return first.slice(4, 12 + (first[10] ?? 0) * 256 + (first[11] ?? 0));
};

/** messages.9: what a header alone decides. */
function caps(runs: Runs): void {
  const S = ['messages.9'];
  const F = ['Limit'];
  interface Cap {
    w: Where;
    type: number;
    channel: number;
    most: number;
    frameCap: number;
    name: string;
  }
  const cap = (w: Where, name: string, type: number, channel: number, most: number, frameCap: number): Cap => ({
    w,
    name,
    type,
    channel,
    most,
    frameCap,
  });
  const list: Cap[] = [
    cap(TI, 'envelope', TYPE.envelope, 0, 1_048_576, LEAST_CAP),
    cap(TR, 'envelope', TYPE.envelope, 2, 1_048_576, MOST_CAP),
    cap(NR, 'envelope', TYPE.envelope, 2, 1_048_576, MOST_CAP),
    cap(TI, 'stored', TYPE.stored, 1, 1_048_584, LEAST_CAP),
    cap(NI, 'stored', TYPE.stored, 1, 1_048_584, MOST_CAP),
    cap(TI, 'leased', TYPE.leased, 1, 1_048_584, LEAST_CAP),
    cap(TI, 'job', TYPE.job, 1, 1_048_584, MOST_CAP),
    cap(TI, 'object', TYPE.object, 0, 8_388_624, MOST_CAP),
    cap(TI, 'object-under-cap', TYPE.object, 0, LEAST_CAP, LEAST_CAP),
    cap(NI, 'object-under-cap', TYPE.object, 0, 2_000_000, 2_000_000),
    cap(TR, 'bundle', TYPE.bundle, 0, MOST_CAP, MOST_CAP),
    cap(TR, 'bundle-under-cap', TYPE.bundle, 0, 2_000_000, 2_000_000),
    cap(TI, 'reject', TYPE.reject, 0, 4096, LEAST_CAP),
    cap(TR, 'watch', TYPE.watch, 0, 4096, MOST_CAP),
    cap(TR, 'sub', TYPE.sub, 1, 4096, MOST_CAP),
    cap(TR, 'unsub', TYPE.unsub, 1, 4096, MOST_CAP),
    cap(TR, 'credit', TYPE.credit, 0, 4096, MOST_CAP),
    cap(TR, 'work', TYPE.work, 1, 4096, MOST_CAP),
    cap(TR, 'settle', TYPE.settle, 1, 4096, MOST_CAP),
    cap(TI, 'ack', TYPE.ack, 0, 4096, LEAST_CAP),
    cap(TI, 'ping', TYPE.ping, 1, 4096, LEAST_CAP),
    cap(TR, 'ping', TYPE.ping, 1, 4096, MOST_CAP),
    cap(TI, 'close', TYPE.close, 0, 4096, LEAST_CAP),
    cap(NR, 'close', TYPE.close, 0, 4096, MOST_CAP),
    cap(TI, 'grease', 0x0a, 0, LEAST_CAP, LEAST_CAP),
    cap(TR, 'grease', 0xfa, 0, MOST_CAP, MOST_CAP),
  ];
  const waits = new Set([
    'envelope',
    'stored',
    'leased',
    'job',
    'object',
    'bundle',
    'reject',
    'watch',
    'close',
    'grease',
    'object-under-cap',
    'bundle-under-cap',
  ]);
  for (const c of list) {
    const header =
      (length: number) =>
      (m: Met): Bytes[] => [m.pack(rawFrameHeader(c.type, 0, c.channel, length))];
    const more: Partial<Setup> = { own: { frameCap: c.frameCap } };
    if (waits.has(c.name))
      runs.good(
        c.w,
        `${c.name}-most`,
        `the header of ${c.name} with ${c.most} bytes, under a frame_cap of ${c.frameCap}: its body is awaited`,
        more,
        { spec: S, flags: F, after: header(c.most) },
      );
    runs.bad(
      c.w,
      `${c.name}-above`,
      `the header of ${c.name} with ${c.most + 1} bytes, under a frame_cap of ${c.frameCap}`,
      more,
      'E_LIMIT',
      { spec: S, flags: F, after: header(c.most + 1) },
    );
  }
  for (const w of ALL)
    runs.bad(w, 'length-max', 'the header of a frame of 2^32 - 1 bytes (D01)', {}, 'E_LIMIT', {
      spec: ['framing.7', ...S],
      flags: F,
      after: (m) => [m.pack(rawFrameHeader(TYPE.envelope, 0, 0, 2 ** 32 - 1))],
    });
  const million = 16_000_000;
  for (const w of [TR, NR])
    for (const [name, type] of [
      ['sub', TYPE.sub],
      ['watch', TYPE.watch],
    ] as const)
      runs.bad(
        w,
        `${name}-million`,
        `the header of a ${name} with room for a million tags or addresses, under a frame_cap that has it (D14)`,
        { own: { frameCap: MOST_CAP } },
        'E_LIMIT',
        { spec: S, flags: F, after: (m) => [m.pack(rawFrameHeader(type, 0, 1, million))] },
      );
  runs.bad(TI, 'order-cap-flags', 'above the frame_cap, with flags, of an undefined type', {}, 'E_LIMIT', {
    spec: ['framing.7', 'framing.9', ...S],
    flags: ['Order', ...F],
    after: (m) => [m.pack(rawFrameHeader(0x40, 1, 0, LEAST_CAP + 1))],
  });
  runs.bad(
    TI,
    'order-flags-type',
    'flags, and a length above that of its type: flags come before types',
    {},
    'E_ENCODING',
    {
      spec: ['framing.9', ...S],
      flags: ['Order', ...F],
      after: (m) => [m.pack(rawFrameHeader(TYPE.ping, 1, 0, 4097))],
    },
  );
  runs.bad(
    TI,
    'order-size-channel',
    'a length above that of its type, on a channel that it does not have',
    {},
    'E_LIMIT',
    {
      spec: ['messages.4', ...S],
      flags: ['Order', ...F],
      after: (m) => [m.pack(rawFrameHeader(TYPE.ping, 0, 9, 4097))],
    },
  );
}

function ends(runs: Runs): void {
  runs.only(TR, ['close', 'orderly', 'close-then-more', 'close-then-end', 'cut', 'cut-in-frame']);
  runs.only(NI, ['close', 'orderly', 'close-then-more', 'close-then-end', 'cut', 'cut-in-frame', 'cut-in-record']);
  for (const w of ALL) {
    const close = (id: string, comment: string, f: Frame): void =>
      runs.good(
        w,
        id,
        comment,
        {},
        { spec: ['link.19', 'link.20'], after: (m) => [m.pack(encodeFrame(f))] },
        { frames: [f], state: 'closed' },
      );
    close('close', 'a close with its reason', CLOSE);
    close('orderly', 'a close without a code', END);
    runs.good(
      w,
      'close-then-more',
      'a close, and behind it in the same piece another frame and one that is refused: nothing of it is taken',
      {},
      {
        spec: ['link.20'],
        after: (m) => [m.pack(cat(bytesOf([PONG, END, PONG]), encodeFrame(frame(0x40, 0, zeros(0)))))],
      },
      { frames: [PONG, END], state: 'closed' },
    );
    runs.bad(
      w,
      'close-then-piece',
      'a close, then a piece with another frame (ambiguous: link.20 takes nothing, chapter 14 calls input after an end E_CLOSED)',
      {},
      'E_CLOSED',
      {
        spec: ['link.20', 'framing.14'],
        from: `traffic/end/${w.id}-orderly`,
        after: (m) => [m.pack(encodeFrame(END)), m.pack(encodeFrame(PONG))],
      },
    );
    runs.good(
      w,
      'close-then-end',
      'a close, and the end of the stream',
      {},
      { spec: ['link.20', 'link.21'], after: (m) => [m.pack(encodeFrame(END))], ends: true },
      { frames: [END], state: 'closed' },
    );
    const cut = (id: string, comment: string, error: string[], after: (m: Met) => Bytes[]): void =>
      runs.bad(w, id, comment, {}, error, {
        spec: ['link.21', 'framing.12'],
        flags: ['Truncated'],
        from: `traffic/end/${w.id}-close-then-end`,
        after,
        ends: true,
      });
    const why = '(ambiguous: the code of a cut link is stated nowhere but in the registry)';
    cut('cut', `the stream ends without a close ${why}`, ['E_TRANSPORT'], () => []);
    cut('cut-after-frame', `the stream ends after a frame, without a close ${why}`, ['E_TRANSPORT'], (m) => [
      m.pack(encodeFrame(PONG)),
    ]);
    const inside = '(ambiguous: framing.12 says E_LENGTH, link.21 that the link is cut)';
    cut('cut-in-frame', `the stream ends inside a frame ${inside}`, ['E_LENGTH', 'E_TRANSPORT'], (m) => [
      m.pack(encodeFrame(PONG).slice(0, 12)),
    ]);
    if (w.mode === MODE.N)
      cut('cut-in-record', `the stream ends inside a record ${inside}`, ['E_LENGTH', 'E_TRANSPORT'], (m) => [
        m.pack(encodeFrame(PONG)).slice(0, -1),
      ]);
  }
}

/** What the end under test writes when it has opened. In N each frame begins a record of its own. */
function sent(runs: Runs): void {
  const S = ['link.1', 'messages.1'];
  const each = '(ambiguous: where records are cut is the choice of the sender; here each frame begins one)';
  for (const w of ALL) {
    const spec = w.mode === MODE.N ? [...S, 'link.16'] : S;
    for (const [i, f] of ours(w).entries())
      if (w === TR || w === NI)
        runs.good(
          w,
          `frame-${i}-type-${f.type.toString(16)}`,
          `one frame of type 0x${f.type.toString(16)}`,
          { send: [f] },
          { spec },
        );
    runs.good(
      w,
      'several',
      `one frame of each type${w.mode === MODE.N ? ` ${each}` : ''}`,
      { send: [...ours(w)] },
      { spec },
    );
    runs.good(w, 'question', 'a ping that asks', { send: [frame(TYPE.ping, 0, bodyOf.ping(1, NOW))] }, { spec });
    if (w.mode === MODE.N)
      runs.good(w, 'suite-2', 'a frame under suite 2', { own: { suites: [2] }, send: [ours(w)[0] ?? SUB] }, { spec });
  }
}
