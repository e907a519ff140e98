/** relaymessages.json, relayforwards.json: what a broker verifies of ROUTER/DEALER, delivery.6 and delivery.7. */
import { VectorFile } from '../cases.ts';
import * as p from '../poolworld.ts';
import * as w from '../relayworld.ts';
import * as r from '../routerworld.ts';
import { runsOf, type AddRun } from '../runs.ts';
import { cat, flip, put, seeded, text, u8, zeros, type Bytes } from '../twin/bytes.ts';
import { resign, type Recipe } from '../twin/envelope.ts';
import { known as ext } from '../twin/extensions.ts';
import { H } from '../twin/hash.ts';
import { AT } from '../twin/header.ts';
import { poolInfo, replyContext, type PoolStream } from '../twin/pools.ts';
import { ALICE, BOB, MALLORY, NOW, type Person } from '../world.ts';

const { verified, refused, applied, ROBIN, RITA, CARLA } = w;
const S = ['delivery.7'];
const F = ['BrokerCheck'];
type Add = AddRun<w.Step>;

const STATE = { grants: w.ROUTED, people: w.ROUTERS };
const POOL = w.state(STATE);
const START = applied(POOL);
const TOPIC = w.tagOf('front');

/** The front's block, as who seals has it. */
function frontOf(s: w.State): r.FrontEpoch {
  const block = s.blocks.front;
  if (block === undefined) throw new Error('no front');
  const { epochSecret, groupCtx, epochCommit } = block;
  return { epoch: s.spec.frontEpoch, suite: s.spec.suite, epochSecret, groupCtx, epochCommit };
}
const stream = (name: string, over: p.StreamSpec = {}, s: w.State = POOL): PoolStream =>
  p.stream(name, { pool: s.pool, ...over });
const ON = stream('routed by a broker');
const OTHER = stream('routed otherwise');
function asked(name: string, over: r.MessageSpec = {}, s: w.State = POOL): r.Message {
  const { epoch, suite } = s.pool;
  const own = over.from === undefined ? ON : stream('routed by a broker', { from: over.from }, s);
  return r.message(name, { stream: own, topicTag: TOPIC, epoch, suite, front: frontOf(s), ...over });
}
const MESSAGE = asked('message');
const TO_ALICE = w.answerTo('front', ALICE);
const TO_BOB = w.inboxTo('front', BOB);
const under = (t: { tag: Bytes; chain: Bytes }): { topicTag: Bytes; extensions: Recipe['extensions'] } => ({
  topicTag: t.tag,
  extensions: [p.HEAD_SEQ, ext(9, t.chain)],
});
function answered(name: string, over: Partial<p.ReplySpec> = {}, s: w.State = POOL): p.Replied {
  const { epoch, suite, poolHash } = s.pool;
  const answers = [p.answer(MESSAGE)];
  return p.reply(name, { on: ON, poolHash, epoch, suite, answers, patternKind: r.ANSWER, ...under(TO_ALICE), ...over });
}
const ANSWER = answered('answer');
function sent(name: string, over: r.ForwardSpec = {}, s: w.State = POOL): r.Forward {
  return r.forward(name, [MESSAGE.bytes], { front: frontOf(s), ...under(TO_BOB), ...over });
}
const FORWARD = sent('forward');
const RETURNED = sent('returned', { ...under(TO_ALICE), records: [{ timestamp: NOW, payload: ANSWER.bytes }] });

/** A key source that does not open, as what is verified is the signature. */
const bound = (bind: Bytes): Partial<Recipe> => ({
  source: { sourceSecret: seeded('any source secret', 32), groupCtx: bind, bind },
});

export function relayMessages(): VectorFile {
  const file = new VectorFile('relaymessages');
  const group = (name: string): Add => runsOf(file.group(name, 'relay.run', 'relay', 'signature'), w.relayIn, S, F);
  messages(group('messages'));
  prefixes(group('prefixes'));
  answers(group('answers'));
  return file;
}
export function relayForwards(): VectorFile {
  const file = new VectorFile('relayforwards');
  const group = (name: string): Add => runsOf(file.group(name, 'relay.run', 'relay', 'signature'), w.relayIn, S, F);
  forwards(group('forwards'));
  epochs(group('epochs'));
  return file;
}

/** Each of several changes alone: one run, as a bundle is long. */
const flips = (from: Person, bytes: Bytes, at: readonly number[]): w.Step[] =>
  at.map((offset) => refused(from, flip(bytes, offset), 'E_SIG'));
const pool = POOL.pool.poolHash;
const [ofCrew, ofFront] = [POOL.blocks.crew?.epochCommit ?? zeros(32), frontOf(POOL).epochCommit];
const info = (who: Person, suite = 1, hash = pool, started = NOW - 1000n): Bytes =>
  H(poolInfo(suite, hash, who.keyId, started));
const P = ['delivery.6', 'principals.22'];

function messages(add: Add): void {
  const good = verified(ALICE, MESSAGE.bytes);
  const yes = (id: string, comment: string, m: r.Message): void => add(id, comment, [START, verified(ALICE, m.bytes)]);
  yes('message', 'a message, whose binding is that of a request', MESSAGE);
  yes('data-1024', 'with 1,024 bytes of routing data', asked('data', { data: seeded('much routing', 1024) }));
  yes(
    'sealed-for-nobody',
    'routing data that nobody can open: it is not for a broker to see',
    asked('data', {
      change: (right) => flip(right, -1),
    }),
  );
  yes('no-routing', 'without extension 12, which its receivers ask for', asked('no routing', { without: [12] }));
  const two = w.state({ ...STATE, suite: 2 });
  const in2 = asked('suite 2', { stream: stream('routed in 2', {}, two) }, two);
  add('suite-2', 'in suite 0x0002', [applied(two), verified(ALICE, in2.bytes)]);
  const no = (id: string, comment: string, steps: w.Step[], flags: string[] = []): void =>
    add(id, comment, [START, ...steps, good], S, [...F, ...flags]);
  const one = (id: string, comment: string, bytes: Bytes, flags: string[] = []): void =>
    no(id, comment, [refused(ALICE, bytes, 'E_SIG')], flags);
  const T = ['Tampered'];
  const { bytes } = MESSAGE;
  const keyinfoAt = 96 + MESSAGE.sealed.header.extLen;
  no(
    'flips',
    'one bit of timestamp, salt, stream_id, extension 8, the epoch in extension 12, the routing data, enc32, started, body and signature',
    flips(ALICE, bytes, [
      AT.timestamp + 7,
      AT.salt,
      AT.streamId,
      96 + 11,
      96 + 12 + 7,
      keyinfoAt - 1,
      keyinfoAt,
      keyinfoAt + 39,
      keyinfoAt + 40,
      -1,
    ]),
    T,
  );
  const as = (m: Bytes, patternKind: number): Bytes => put(m, AT.patternKind, u8(patternKind));
  no(
    'pattern',
    'A message presented as a request, and as a job; and these as a message',
    [
      refused(ALICE, as(bytes, p.REQUEST), 'E_SIG'),
      refused(ALICE, as(bytes, p.PUSH), 'E_SIG'),
      refused(ALICE, as(asked('request', { patternKind: p.REQUEST }).bytes, r.MESSAGE), 'E_SIG'),
      refused(ALICE, as(asked('job', { patternKind: p.PUSH }).bytes, r.MESSAGE), 'E_SIG'),
    ],
    [...T, 'Purpose'],
  );
  const exchanged = put(put(bytes, keyinfoAt, OTHER.keyinfo), AT.streamId, OTHER.streamId);
  one('stream-exchanged', 'The keyinfo and stream_id of another stream', exchanged, T);
  one('signed-by-other', "Bob signs in alice's name", asked('e01', { bend: { signSeed: BOB.seed } }).bytes, [
    'Impersonation',
  ]);
  const names: [string, Bytes][] = [
    ['other pool', info(ALICE, 1, seeded('another pool hash', 32))],
    ['other sender', info(BOB)],
    ['other start', info(ALICE, 1, pool, NOW)],
    ['other suite', info(ALICE, 2)],
    ['crew', ofCrew],
    ['front', ofFront],
    ['reply', replyContext(ON.enc, pool)],
    ['zeros', zeros(32)],
  ];
  no(
    'bound',
    "Bound to another pool record, sender, start and suite, to the crew's block, the front's, the rctx32 of its stream, and zeros",
    names.map(([name, bind]) => refused(ALICE, asked(`bound ${name}`, bound(bind)).bytes, 'E_SIG')),
    ['PoolBinding'],
  );
  no(
    'keyinfo-length',
    'Without keyinfo, with 39 bytes of it, and with 41: bound by no signature',
    [zeros(0), ON.keyinfo.slice(0, 39), cat(ON.keyinfo, zeros(1))].map((keyinfo) =>
      refused(ALICE, asked(`keyinfo ${keyinfo.length}`, { keyinfo }).bytes, 'E_SIG'),
    ),
  );
  no('epoch', 'Of an epoch that the broker holds nothing of', [
    refused(ALICE, asked('epoch', { epoch: 9 }).bytes, 'E_EPOCH'),
  ]);
  const edge = (id: string, comment: string, steps: w.Step[]): void =>
    add(id, comment, [START, ...steps, good], P, [...F, 'AccessList']);
  const not = (from: Person, m: { bytes: Bytes }): w.Step => refused(from, m.bytes, 'E_POLICY');
  edge('router', 'A message of a router, who may only take them', [not(ROBIN, asked('by robin', { from: ROBIN }))]);
  edge('worker', 'Of one who may only work', [not(BOB, asked('by bob', { from: BOB }))]);
  edge('mallory', 'Of one without any right', [not(MALLORY, asked('by mallory', { from: MALLORY }))]);
  edge('other-link', "Alice's message on the link of a router, and of a worker", [
    not(ROBIN, MESSAGE),
    not(BOB, MESSAGE),
  ]);
  edge('inbox', 'A message of a dealer, straight to an inbox', [
    not(ALICE, asked('to inbox', { topicTag: TO_BOB.tag, more: [ext(9, TO_BOB.chain)] })),
  ]);
}

/** Entries of match kind 2 allow no request, no job and no message: principals.22 with what an entry allows. */
function prefixes(add: Add): void {
  const F2 = [...F, 'AccessList', 'Inbox'];
  const units: [string, number][] = [
    ['message', r.MESSAGE],
    ['request', p.REQUEST],
    ['job', p.PUSH],
  ];
  /** With extension 12 where it belongs: a broker asks for none. */
  const unit = (name: string, patternKind: number, over: r.MessageSpec, s?: w.State): r.Message =>
    asked(`${name} ${patternKind}`, { patternKind, without: patternKind === r.MESSAGE ? [] : [12], ...over }, s);
  const each = (id: string, comment: string, from: Person, t: { tag: Bytes; chain: Bytes }): void => {
    for (const [name, patternKind] of units) {
      const m = unit(id, patternKind, { from, topicTag: t.tag, more: [ext(9, t.chain)] });
      add(
        `${name}-${id}`,
        `A ${name} ${comment}`,
        [START, refused(from, m.bytes, 'E_POLICY'), verified(ALICE, MESSAGE.bytes)],
        [...P, 'principals.20'],
        F2,
      );
    }
  };
  each('router-inbox', 'of a router under an inbox tag, with the chain that its forwards have', ROBIN, TO_BOB);
  each('router-answer', 'of a router under an answer tag', ROBIN, TO_ALICE);
  each('worker-answer', 'of one who works, under an answer tag, with the chain of its replies', BOB, TO_ALICE);

  const wide = w.state({ rules: w.WIDE_RULES, grants: w.WIDE, people: w.ROUTERS });
  const chain = w.chainTo('front');
  const own = (from: Person): PoolStream => stream('on a prefix', { from }, wide);
  const steps = (from: Person, step: (m: Bytes) => w.Step): w.Step[] =>
    units.flatMap(([name, patternKind]) =>
      [true, false].map((chained) => {
        const over = { from, stream: own(from), more: chained ? [ext(9, chain)] : [] };
        return step(unit(`wide ${name} ${String(chained)}`, patternKind, over, wide).bytes);
      }),
    );
  add(
    'granted',
    'A message, a request and a job, each with extension 9 and without, of one who may publish by a prefix alone',
    [applied(wide), ...steps(ALICE, (m) => refused(ALICE, m, 'E_POLICY'))],
    [...P, 'principals.20'],
    F2,
  );
  add(
    'exact',
    'The same of one who may by an exact entry',
    [
      applied(wide),
      ...steps(w.DAVID, (m) => verified(w.DAVID, m)),
      ...steps(ALICE, (m) => refused(ALICE, m, 'E_POLICY')).slice(0, 1),
    ],
    [...P, 'principals.20'],
    F2,
  );
  const onRoute = (patternKind: number): w.Step =>
    refused(
      ROBIN,
      unit('by route', patternKind, { from: ROBIN, stream: own(ROBIN), more: [ext(9, chain)] }, wide).bytes,
      'E_POLICY',
    );
  add(
    'route',
    'A message, a request and a job by one who may route on a prefix: route allows no publishing',
    [applied(wide), ...units.map(([, patternKind]) => onRoute(patternKind))],
    [...P, 'principals.20'],
    F2,
  );
}

function answers(add: Add): void {
  const good = verified(BOB, ANSWER.bytes);
  const yes = (id: string, comment: string, m: p.Replied, from: Person = BOB): void =>
    add(id, comment, [START, verified(from, m.bytes)]);
  yes('answer', 'a reply of pattern 7, whose binding is that of one of pattern 3', ANSWER);
  const news = [p.answer(MESSAGE, 0, { status: 1, body: text('so far') }), p.answer(MESSAGE)];
  yes('news', 'with news and an answer', answered('news', { answers: news }));
  yes('other-responder', 'of another who may respond', answered('of carla', { from: CARLA }), CARLA);
  yes('other-stream', 'to another stream', answered('other stream', { on: OTHER }));
  add(
    'router',
    'of a router, whom the edge lets use the answer root for what it forwards: who asked refuses it',
    [START, verified(ROBIN, answered('of robin', { from: ROBIN }).bytes)],
    [...S, ...P],
  );
  const two = w.state({ ...STATE, suite: 2 });
  const on2 = stream('routed in 2', {}, two);
  add('suite-2', 'in suite 0x0002', [applied(two), verified(BOB, answered('suite 2', { on: on2 }, two).bytes)]);
  const no = (id: string, comment: string, steps: w.Step[], flags: string[] = []): void =>
    add(id, comment, [START, ...steps, good], S, [...F, ...flags]);
  const { bytes } = ANSWER;
  const keyinfoAt = 96 + ANSWER.sealed.header.extLen;
  no(
    'flips',
    'one bit of timestamp, the first value of extension 9, keyinfo, body and signature',
    flips(BOB, bytes, [AT.timestamp + 7, 96 + 12 + 4, keyinfoAt, keyinfoAt + 32, -1]),
    ['Tampered'],
  );
  const as = (m: Bytes, patternKind: number): Bytes => put(m, AT.patternKind, u8(patternKind));
  no(
    'pattern',
    'A reply of pattern 7 presented as one of 3, one of 3 as one of 7, and one to a survey as one of 7',
    [
      refused(BOB, as(bytes, p.REPLY), 'E_SIG'),
      refused(BOB, as(answered('of 3', { patternKind: p.REPLY }).bytes, r.ANSWER), 'E_SIG'),
      refused(BOB, as(answered('of 5', { patternKind: p.SURVEY_REPLY }).bytes, r.ANSWER), 'E_SIG'),
    ],
    ['Tampered', 'Purpose'],
  );
  const exchanged = put(bytes, keyinfoAt, H(OTHER.enc));
  add('keyinfo-exchanged', 'The keyinfo of another stream; signed anew by its responder it is right to a broker', [
    START,
    refused(BOB, exchanged, 'E_SIG'),
    verified(BOB, resign(exchanged, BOB.seed, replyContext(OTHER.enc, pool))),
  ]);
  const names: [string, Bytes][] = [
    ['other stream', replyContext(OTHER.enc, pool)],
    ['other pool', replyContext(ON.enc, seeded('another pool hash', 32))],
    ['info', ON.bind],
    ['crew', ofCrew],
    ['front', ofFront],
    ['zeros', zeros(32)],
  ];
  no(
    'bound',
    "Bound to another stream, another pool record, the info of the stream, the crew's block, the front's, and zeros",
    names.map(([name, bind]) => refused(BOB, answered(`bound ${name}`, bound(bind)).bytes, 'E_SIG')),
    ['PoolBinding'],
  );
  no(
    'keyinfo-length',
    'Without keyinfo, with 31 bytes of it, and with 33',
    [zeros(0), H(ON.enc).slice(0, 31), cat(H(ON.enc), zeros(1))].map((keyinfo) =>
      refused(BOB, answered(`keyinfo ${keyinfo.length}`, { keyinfo }).bytes, 'E_SIG'),
    ),
  );
  no('epoch', 'Of an epoch that the broker holds nothing of', [
    refused(BOB, answered('epoch', { epoch: 9 }).bytes, 'E_EPOCH'),
  ]);
  no(
    'signed-by-other',
    "Carla signs in bob's name",
    [refused(BOB, answered('in name', { bend: { signSeed: CARLA.seed } }).bytes, 'E_SIG')],
    ['Impersonation'],
  );
  const edge = (id: string, comment: string, steps: w.Step[]): void =>
    add(id, comment, [START, ...steps, good], P, [...F, 'AnswerTag']);
  const not = (from: Person, m: { bytes: Bytes }): w.Step => refused(from, m.bytes, 'E_POLICY');
  edge('asker', 'By alice, who may only ask', [not(ALICE, answered('by alice', { from: ALICE }))]);
  edge('no-chain', 'Without extension 9', [not(BOB, answered('no chain', { extensions: [p.HEAD_SEQ] }))]);
  edge('inbox', 'By one who works, under an inbox tag', [not(BOB, answered('inbox', under(TO_BOB)))]);
}

function forwards(add: Add): void {
  const good = [verified(ROBIN, FORWARD.bytes), verified(ROBIN, RETURNED.bytes)];
  const yes = (id: string, comment: string, f: r.Forward, from: Person = ROBIN): void =>
    add(id, comment, [START, verified(from, f.bytes)], [...S, 'patterns.39']);
  yes('message', "a forward to an inbox, bound to the front's block", FORWARD);
  yes('answer', 'one to an answer tag', RETURNED);
  yes('other-inbox', 'to the inbox of another', sent('to carla', under(w.inboxTo('front', CARLA))));
  yes('no-inbox', 'to an inbox that nobody has', sent('to alice', under(w.inboxTo('front', ALICE))));
  yes(
    'nonsense',
    'of what is no envelope: a broker does not read it',
    sent('nonsense', {
      records: [{ timestamp: NOW, payload: text('no envelope') }],
    }),
  );
  add(
    'worker-returns',
    'of one who works, under an answer tag: the edge lets it pass, and who asked refuses it',
    [START, verified(BOB, sent('by bob', { from: BOB, ...under(TO_ALICE) }).bytes)],
    [...S, ...P],
  );
  const two = w.state({ ...STATE, suite: 2 });
  add('suite-2', 'in suite 0x0002', [applied(two), verified(ROBIN, sent('suite 2', {}, two).bytes)]);
  const no = (id: string, comment: string, steps: w.Step[], flags: string[] = []): void =>
    add(id, comment, [START, ...steps, ...good], S, [...F, ...flags]);
  const bodyAt = 96 + FORWARD.sealed.header.extLen;
  const at = [AT.timestamp + 7, AT.salt, AT.streamId, 96 + 12 + 4, bodyAt, -1];
  const what = 'one bit of timestamp, salt, stream_id, the first value of extension 9, body and signature';
  no('flips', `${what} of a forward to an inbox`, flips(ROBIN, FORWARD.bytes, at), ['Tampered']);
  no('flips-answer', `${what} of one to an answer tag`, flips(ROBIN, RETURNED.bytes, at), ['Tampered']);
  no(
    'tag-moved',
    "Moved to another's inbox, and to another's answer tag",
    [
      refused(ROBIN, put(FORWARD.bytes, AT.topicTag, w.inboxTo('front', CARLA).tag), 'E_SIG'),
      refused(ROBIN, put(RETURNED.bytes, AT.topicTag, w.answerTo('front', BOB).tag), 'E_SIG'),
    ],
    ['Tampered', 'Inbox'],
  );
  const as = (m: Bytes, patternKind: number): Bytes => put(m, AT.patternKind, u8(patternKind));
  no(
    'pattern',
    'A forward presented as a reply and as a message, and a reply presented as a forward',
    [
      refused(ROBIN, as(RETURNED.bytes, r.ANSWER), 'E_SIG'),
      refused(ROBIN, as(RETURNED.bytes, p.REPLY), 'E_SIG'),
      // by a prefix alone
      refused(ROBIN, as(FORWARD.bytes, r.MESSAGE), 'E_POLICY'),
      refused(BOB, as(ANSWER.bytes, r.FORWARD), 'E_SIG'),
    ],
    ['Tampered', 'Purpose'],
  );
  const { groupCtx } = frontOf(POOL);
  const names: [string, Bytes][] = [
    ['context', groupCtx],
    ['block hash', POOL.blocks.front?.blockHash ?? zeros(32)],
    ['crew', ofCrew],
    ['pool', pool],
    ['info', info(ROBIN)],
    ['reply', replyContext(ON.enc, pool)],
    ['zeros', zeros(32)],
  ];
  no(
    'bound',
    "Bound to group_ctx32, block_hash32, the crew's block, the pool record, an info of the pool, a rctx32, and zeros",
    names.map(([name, bind]) => refused(ROBIN, sent(`bound ${name}`, bound(bind)).bytes, 'E_SIG')),
    ['PoolBinding'],
  );
  no(
    'keyinfo-length',
    'With keyinfo of 1 byte, 32 bytes and 40 bytes',
    [zeros(1), H(ON.enc), ON.keyinfo].map((keyinfo) =>
      refused(ROBIN, sent(`keyinfo ${keyinfo.length}`, { keyinfo }).bytes, 'E_SIG'),
    ),
  );
  no(
    'signed-by-other',
    "Bob and rita sign in robin's name",
    [
      refused(ROBIN, sent('by bob', { bend: { signSeed: BOB.seed } }).bytes, 'E_SIG'),
      refused(ROBIN, sent('by rita', { bend: { signSeed: RITA.seed } }).bytes, 'E_SIG'),
    ],
    ['Impersonation'],
  );
  const edge = (id: string, comment: string, steps: w.Step[]): void =>
    add(id, comment, [START, ...steps, ...good], P, [...F, 'Inbox']);
  const not = (from: Person, m: { bytes: Bytes }): w.Step => refused(from, m.bytes, 'E_POLICY');
  const by = (from: Person, over: r.ForwardSpec = {}): w.Step =>
    not(from, sent(`by ${from.keyId[0]}`, { from, ...over }));
  edge('worker', 'By one who works', [by(BOB)]);
  edge('asker', 'By one who asks, to an inbox and to an answer tag', [by(ALICE), by(ALICE, under(TO_ALICE))]);
  edge('mallory', 'By one without any right', [by(MALLORY), by(MALLORY, under(TO_ALICE))]);
  edge('ended', 'By one whose right has ended', [by(RITA), by(RITA, under(TO_ALICE))]);
  add(
    'ended-before',
    'By the same, sealed while it had not',
    [
      START,
      verified(RITA, sent('earlier', { from: RITA, timestamp: NOW - 1n }).bytes),
      verified(RITA, sent('earlier', { from: RITA, timestamp: NOW - 1n, ...under(TO_ALICE) }).bytes),
    ],
    P,
  );
  edge(
    'other-link',
    "Robin's forward on the link of rita, of bob, and of alice",
    [RITA, BOB, ALICE].map((who) => not(who, FORWARD)),
  );
  edge('no-chain', 'Without extension 9', [not(ROBIN, sent('no chain', { extensions: [p.HEAD_SEQ] }))]);
  edge('chain-1', 'With one value in extension 9', [
    not(ROBIN, sent('chain 1', { extensions: [p.HEAD_SEQ, ext(9, TO_BOB.chain.slice(0, 16))] })),
  ]);
  const chain = (value: Bytes): r.ForwardSpec => ({ extensions: [p.HEAD_SEQ, ext(9, value)] });
  edge('other-root', 'Under another root, and with the inbox root in the first place only', [
    not(ROBIN, sent('root', chain(flip(TO_BOB.chain, 16)))),
    not(ROBIN, sent('root first', chain(cat(TO_BOB.chain.slice(16), zeros(16))))),
  ]);
  edge('topic', 'Under the tag of a topic', [not(ROBIN, sent('topic', { topicTag: TOPIC, extensions: [p.HEAD_SEQ] }))]);
  const gone = w.state({ prev: POOL, frontEpoch: 2, grants: w.GRANTS });
  add(
    'router-gone',
    'Robin loses the grant: what it forwards is refused, and messages and replies are not',
    [
      START,
      ...good,
      applied(gone),
      by(ROBIN),
      not(ROBIN, FORWARD),
      not(ROBIN, RETURNED),
      verified(ALICE, MESSAGE.bytes),
      verified(BOB, ANSWER.bytes),
    ],
    [...P, 'principals.37'],
    [...F, 'Bundle'],
  );
}

/** A front has blocks and pool records, whose epochs are counted apart. */
function epochs(add: Add): void {
  const front = w.state({ ...STATE, prev: POOL, frontEpoch: 2 });
  const crew = w.state({ ...STATE, prev: POOL, crewEpoch: 2 });
  const no = (from: Person, m: { bytes: Bytes }, code = 'E_EPOCH'): w.Step => refused(from, m.bytes, code);
  const B = [...F, 'PoolBinding'];
  add(
    'front-2',
    'The front is at epoch 2, the crew at 1: forwards of both epochs, messages and replies of 1 alone',
    [
      START,
      applied(front),
      verified(ROBIN, FORWARD.bytes),
      verified(ROBIN, sent('of 2', {}, front).bytes),
      verified(ALICE, MESSAGE.bytes),
      verified(BOB, ANSWER.bytes),
      no(ALICE, asked('of 2', { epoch: 2 })),
      no(BOB, answered('of 2', { epoch: 2 })),
    ],
    S,
    B,
  );
  const on2 = stream('routed by a broker', {}, crew);
  add(
    'crew-2',
    'The crew is at epoch 2, the front at 1: messages and replies of both, forwards of 1 alone',
    [
      START,
      applied(crew),
      verified(ALICE, MESSAGE.bytes),
      verified(ALICE, asked('of crew 2', { stream: on2 }, crew).bytes),
      verified(BOB, ANSWER.bytes),
      verified(BOB, answered('of crew 2', { on: on2 }, crew).bytes),
      verified(ROBIN, FORWARD.bytes),
      no(ROBIN, sent('of crew 2', { epoch: 2 })),
    ],
    S,
    B,
  );
  add(
    'renamed',
    'A forward of epoch 1 presented as one of 2, and one of 2 sealed for the block of 1',
    [
      START,
      applied(front),
      no(ROBIN, { bytes: put(FORWARD.bytes, AT.epoch + 3, u8(2)) }, 'E_SIG'),
      no(ROBIN, sent('of 1 as 2', { epoch: 2 }), 'E_SIG'),
      verified(ROBIN, FORWARD.bytes),
    ],
    S,
    [...B, 'Tampered'],
  );
  add('unknown', 'A forward of an epoch that the broker holds nothing of', [
    START,
    no(ROBIN, sent('of 9', { epoch: 9 })),
    no(ROBIN, sent('of 0', { epoch: 0 })),
    verified(ROBIN, FORWARD.bytes),
  ]);
}
