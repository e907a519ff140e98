/** logs.json: a whole member that reads a broker's log; what the broker says of an envelope, and what it may not decide. */
import { VectorFile } from '../cases.ts';
import { ANNA, CARA } from '../groupworld.ts';
import * as w from '../nodeworld.ts';
import { flip, put, type Bytes } from '../twin/bytes.ts';
import { AT } from '../twin/header.ts';
import { NOW } from '../world.ts';
import { adder, type Add } from './nodes.ts';

const S = w.stage();
const START = w.start(S);
const SAFE = 2n ** 53n - 1n;
const CLAIM = { flags: ['BrokerClaim'] };
/** Of a node that reads the log alone. */
const LOG = { subscriptions: [], logSubscriptions: [w.TOPIC], ...CLAIM };
const at = (position: bigint, step: w.Step): w.Step => w.outOfLog(step, position);
const made = (seq: bigint, over: w.EnvelopeSpec = {}): w.Made =>
  w.envelope(S, { seq, name: 'log', payloads: [`${seq}`], ...over });

export function logs(): VectorFile {
  const file = new VectorFile('logs');
  const run = (id: string): Add => adder(file.group(id, 'node.run', 'node', 'source'));
  positions(run('positions'));
  senders(run('senders'));
  ways(run('ways'));
  return file;
}

/** E07: an offset that a broker makes up. */
function positions(add: Add): void {
  const [one, two, three] = [made(1n), made(2n), made(3n)];
  add(
    'typical',
    'Three envelopes at the positions at which they stand',
    [...START, at(1n, w.delivered(one)), at(2n, w.delivered(two)), at(9n, w.delivered(three))],
    ['delivery.12'],
    LOG,
  );
  add(
    'made-up',
    'Positions out of order, twice the same, the least and the highest: each envelope is new, and the gaps are those of its numbers',
    [
      ...START,
      at(SAFE, w.delivered(one)),
      at(0n, w.delivered(three, { gaps: [[2, 2]] })),
      at(0n, w.delivered(two)),
      at(500n, w.delivered(made(4n))),
    ],
    ['delivery.12', 'patterns.6'],
    LOG,
  );
  add(
    'again',
    'The same envelope at other positions is no other envelope',
    [
      ...START,
      at(7n, w.delivered(one)),
      at(7n, w.refused(one, 'E_REPLAY')),
      at(8n, w.refused(one, 'E_REPLAY')),
      at(SAFE, w.refused(one, 'E_REPLAY')),
      at(0n, w.delivered(two)),
    ],
    ['delivery.12', 'replay.30'],
    LOG,
  );
  add(
    'swapped',
    'The payload of one at the position of the other: what is delivered is what was signed',
    [...START, at(2n, w.delivered(one)), at(1n, w.delivered(two)), at(3n, w.refused(one, 'E_REPLAY'))],
    ['delivery.12', 'model.3'],
    LOG,
  );
  add(
    'epoch',
    'Of an epoch that the node has no block of: a low position does not make it an old one, nor a high one a new one',
    [
      ...START,
      at(1n, w.refused(made(1n, { epoch: 6 }), 'E_EPOCH')),
      at(SAFE, w.refused(made(1n, { epoch: 8 }), 'E_EPOCH')),
      at(2n, w.delivered(one)),
    ],
    ['delivery.12', 'storage.1', 'groups.26'],
    LOG,
  );
}

/** E07: who sent it, and when, is in what was signed and nowhere else. */
function senders(add: Add): void {
  const honest = made(1n);
  const no = (id: string, comment: string, bytes: Bytes, error: string, spec: string[]): void =>
    add(
      id,
      comment,
      [
        ...START,
        at(1n, w.refused(bytes, error)),
        w.refused(bytes, error),
        at(2n, w.delivered(honest)),
        w.refused(honest, 'E_REPLAY'),
      ],
      ['model.2', 'model.3', ...spec],
      { ...LOG, subscriptions: [w.TOPIC] },
    );
  const other = put(honest.sealed.bytes, AT.senderId, ANNA.keyId.slice(0, 16));
  no('other-writer', "Ben's envelope with the sender_id of another writer", other, 'E_SIG', ['suites.18']);
  const unknown = put(honest.sealed.bytes, AT.senderId, CARA.keyId.slice(0, 16));
  no('unknown', "Ben's envelope with the sender_id of somebody unknown", unknown, 'E_SENDER', ['principals.24']);
  no('signature', 'With a signature that does not verify', flip(honest.sealed.bytes, -1), 'E_SIG', ['suites.18']);
  const later = put(
    honest.sealed.bytes,
    AT.timestamp + 7,
    new Uint8Array([(honest.sealed.bytes[AT.timestamp + 7] ?? 0) ^ 1]),
  );
  no('timestamp', 'With another timestamp in its header', later, 'E_SIG', ['suites.18']);
  const seq = put(honest.sealed.bytes, AT.seq + 7, new Uint8Array([9]));
  no('seq', 'With another number in its header', seq, 'E_SIG', ['suites.18', 'replay.9']);
  add(
    'no-writer',
    'A broker that is laxer than the policy: by a member whom the writers do not name',
    [
      ...w.start(S, [w.CARAS]),
      at(1n, w.refused(w.envelope(S, { from: CARA }), 'E_POLICY')),
      at(2n, w.delivered(honest)),
    ],
    ['model.2', 'groups.27'],
    LOG,
  );
}

/** The two ways that an envelope may come. */
function ways(add: Add): void {
  const early = w.stage({ block: { notBefore: NOW - 600_000n } });
  const begin = w.start(early);
  const old = w.envelope(early, { timestamp: NOW - 300_000n, name: 'old' });
  const both = { logSubscriptions: [w.TOPIC], ...CLAIM };
  add(
    'old',
    'Five minutes old: as news it is expired, out of the log it is new, and then seen both ways',
    [
      ...begin,
      w.refused(old, 'E_EXPIRED'),
      at(4n, w.delivered(old)),
      at(5n, w.refused(old, 'E_REPLAY')),
      w.refused(old, 'E_EXPIRED'),
    ],
    ['replay.29', 'replay.30', 'replay.2'],
    both,
  );
  const future = w.envelope(early, { timestamp: NOW + 60_000n, name: 'future' });
  add(
    'ahead',
    'A minute ahead of the clock',
    [...begin, w.refused(future, 'E_FUTURE'), at(4n, w.delivered(future))],
    ['replay.29', 'replay.3'],
    both,
  );
  const one = made(1n, { timestamp: NOW });
  add(
    'before-boot',
    'Sealed before the node began: not news, but it may stand in the log',
    [...START, w.refused(one, 'E_TOO_OLD'), at(1n, w.delivered(one)), w.refused(one, 'E_TOO_OLD')],
    ['replay.29', 'replay.25', 'conventions.4'],
    { ...both, bootMs: NOW - 30_000n },
  );
  add(
    'once',
    'What came as news is not new out of the log, and the other way round',
    [
      ...START,
      w.delivered(one),
      at(1n, w.refused(one, 'E_REPLAY')),
      at(2n, w.delivered(made(2n))),
      w.refused(made(2n), 'E_REPLAY'),
    ],
    ['replay.30'],
    both,
  );
  add(
    'news-as-log',
    'A node that asked for news alone: what a broker calls stored reaches no handler, and stays new',
    [...START, at(1n, w.notDelivered(one.sealed.bytes)), w.delivered(one)],
    ['replay.29', 'delivery.12'],
    CLAIM,
  );
  add(
    'log-as-news',
    'A node that asked for the log alone: what a broker calls news reaches no handler, and stays new',
    [...START, w.notDelivered(one.sealed.bytes), at(1n, w.delivered(one))],
    ['replay.29', 'delivery.12'],
    LOG,
  );
  const two = w.stage({ patterns: ['orders/new', 'orders/old'] });
  const elsewhere = w.envelope(two, { topic: 'orders/old', name: 'elsewhere' });
  add(
    'other-topic',
    'A broker that sends for a subscription what it does not cover',
    [...w.start(two), at(1n, w.notDelivered(elsewhere.sealed.bytes)), at(2n, w.delivered(w.envelope(two)))],
    ['model.2', 'topics.12'],
    LOG,
  );
}
