/** routing.json: inbox tags, and routing data with key and nonce, patterns.36 and patterns.38. */
import { VectorFile, type Group } from '../cases.ts';
import type { Members } from '../json.ts';
import { FRONT, frontEpoch, type FrontEpoch } from '../routerworld.ts';
import { cat, flip, hex, seeded, text, u32, u64, unhex, zeros, type Bytes } from '../twin/bytes.ts';
import { seal as sealBytes } from '../twin/aead.ts';
import { hmac, xp } from '../twin/hash.ts';
import { chainOf } from '../twin/topics.ts';
import { ALICE, BOB, type Person } from '../world.ts';

export function routing(): VectorFile {
  const file = new VectorFile('routing');
  inboxes(file.group('inbox-tag', 'inbox.tag', 'topics', 'topic'));
  data(file.group('seal', 'routing.seal', 'routers', 'key'), file.group('open', 'routing.open', 'routers', 'aead'));
  return file;
}

interface Inbox {
  route: Bytes;
  group: Bytes;
  period: number;
  who: Person;
}
function inboxes(g: Group): void {
  const usual: Inbox = {
    route: seeded('answer route secret', 32),
    group: seeded('answer group', 16),
    period: 20_254,
    who: BOB,
  };
  const one = (id: string, comment: string, over: Partial<Inbox> = {}): void => {
    const { route, group, period, who } = { ...usual, ...over };
    const first = chainOf(route, group, period, []).values[0] ?? zeros(32);
    const root = hmac(first, cat(unhex('0600'), text('inbox')));
    const own = hmac(root, cat(unhex('20'), who.keyId));
    g.valid(id, {
      comment,
      in: { routeSecret: hex(route), groupId: hex(group), period, keyId: hex(who.keyId) },
      out: {
        tag: hex(own.slice(0, 16)),
        root: hex(root.slice(0, 16)),
        chain: hex(cat(first.slice(0, 16), root.slice(0, 16))),
      },
      spec: ['patterns.39'],
      flags: ['Inbox'],
    });
  };
  one('plain', 'the inbox tag of one who works; t_0 is that of the answers');
  one('other-worker', 'of another: the root is the same', { who: ALICE });
  one('other-period', 'in the next period', { period: 20_255 });
  one('period-0', 'in period 0', { period: 0 });
  one('period-max', 'in period 2^32 - 1', { period: 4_294_967_295 });
  one('other-group', 'in another group', { group: seeded('another answer group', 16) });
  one('other-route', 'under another route secret', { route: seeded('another answer route', 32) });
}

interface Sealing {
  front: FrontEpoch;
  who: Person;
  streamId: Bytes;
  seq: bigint;
  salt: Bytes;
  data: Bytes;
}
const USUAL: Sealing = {
  front: FRONT,
  who: ALICE,
  streamId: seeded('routing stream', 8),
  seq: 1n,
  salt: seeded('routing salt', 16),
  data: text('to whom it goes'),
};
const contextOf = (s: Sealing): Bytes => cat(s.front.groupCtx, s.who.keyId, s.streamId, u64(s.seq), s.salt);
const P36 = ['patterns.36'];
const P38 = ['patterns.38'];

function data(seal: Group, open: Group): void {
  const placeIn = (s: Sealing): Members => ({
    suite: s.front.suite,
    epochSecret: hex(s.front.epochSecret),
    groupCtx: hex(s.front.groupCtx),
    senderKeyId: hex(s.who.keyId),
    streamId: hex(s.streamId),
    seq: s.seq.toString(),
    salt: hex(s.salt),
  });
  const sealIn = (s: Sealing): Members => ({ ...placeIn(s), epoch: s.front.epoch, data: hex(s.data) });
  const openIn = (s: Sealing, value: Bytes): Members => ({ ...placeIn(s), value: hex(value) });
  /** Stated anew from the words of the chapter. */
  const made = (s: Sealing): { key: Bytes; nonce: Bytes; value: Bytes } => {
    const out = xp(s.front.epochSecret, 'pool routing', contextOf(s), 44);
    const [key, nonce] = [out.slice(0, 32), out.slice(32, 44)];
    return { key, nonce, value: cat(u32(s.front.epoch), sealBytes(s.front.suite, key, nonce, zeros(0), s.data)) };
  };
  const both = (id: string, comment: string, over: Partial<Sealing> = {}, flags: string[] = []): void => {
    const s = { ...USUAL, ...over };
    const { key, nonce, value } = made(s);
    seal.valid(id, {
      comment,
      in: sealIn(s),
      out: { key: hex(key), nonce: hex(nonce), value: hex(value) },
      spec: P36,
      flags,
    });
    const out = { epoch: s.front.epoch, data: hex(s.data) };
    open.valid(id, { comment, in: openIn(s, value), out, spec: P38, flags });
  };
  const two = frontEpoch('three', 3, 2);
  const B = ['RoutingBinding'];
  both('plain', 'routing data');
  both('suite-2', 'in suite 0x0002', { front: two });
  for (const [suite, front] of [
    ['', FRONT],
    ['suite-2-', two],
  ] as [string, FrontEpoch][]) {
    both(`${suite}empty`, 'no routing data: 20 bytes', { front, data: zeros(0) }, ['Limit']);
    both(`${suite}one`, 'one byte', { front, data: zeros(1) });
    both(`${suite}1024`, '1,024 bytes of routing data', { front, data: seeded('much routing', 1024) }, ['Limit']);
  }
  both('next-seq', 'the next envelope of the stream', { seq: 2n }, B);
  both('seq-limit', 'number 2^20 of a stream', { seq: 1n << 20n }, ['Limit']);
  both('seq-2-40', 'number 2^40', { seq: 1n << 40n }, ['Limit']);
  both('other-stream', 'another stream', { streamId: seeded('another routing stream', 8) }, B);
  both('other-sender', 'another sender', { who: BOB }, B);
  const other = seeded('another routing salt', 16);
  both('other-salt', 'another salt, as a clone of the sender draws it', { salt: other }, B);
  both('salt-zeros', 'a salt of zeros', { salt: zeros(16) }, B);
  both('other-salt-suite-2', 'another salt in suite 0x0002', { salt: other, front: two }, B);
  both('other-data', 'other data under the same salt: a sealer of envelopes never does that', {
    data: text('elsewhere'),
  });
  both('other-block', 'another block', { front: { ...FRONT, groupCtx: seeded('another ctx', 32) } }, B);
  both('other-secret', 'another epoch', { front: frontEpoch('four', 4) }, B);
  both('epoch-0', 'epoch 0', { front: frontEpoch('nought', 0) });
  both('epoch-max', 'epoch 2^32 - 1', { front: frontEpoch('last', 4_294_967_295) }, ['Limit']);

  const noSeal = (id: string, comment: string, over: Partial<Sealing>, error: string, spec: string[]): void => {
    const flags = error === 'E_LIMIT' ? ['Limit'] : ['KeyUse'];
    seal.invalid(id, { comment, in: sealIn({ ...USUAL, ...over }), error, layer: 'key', spec, from: '1024', flags });
  };
  for (const length of [1025, 1044, 4096]) {
    const over = { data: seeded('too much routing', length) };
    noSeal(`data-${length}`, `${length.toLocaleString('en')} bytes of routing data`, over, 'E_LIMIT', P36);
  }
  noSeal('suite-2-1025', '1,025 bytes in suite 0x0002', { front: two, data: zeros(1025) }, 'E_LIMIT', P36);
  for (const length of [0, 31, 33]) {
    const front = { ...FRONT, epochSecret: seeded('short', length) };
    noSeal(`secret-${length}`, `an epoch secret of ${length} bytes`, { front }, 'E_USAGE', ['suites.9']);
  }

  const { value } = made(USUAL);
  const noOpen = (
    id: string,
    comment: string,
    over: Partial<Sealing>,
    bytes = value,
    flag = 'RoutingBinding',
  ): void => {
    const s = { ...USUAL, ...over };
    open.invalid(id, { comment, in: openIn(s, bytes), error: 'E_AEAD', spec: P38, from: 'plain', flags: [flag] });
  };
  noOpen('sender', "as another sender's", { who: BOB });
  noOpen('stream', 'as of another stream', { streamId: seeded('another routing stream', 8) });
  noOpen('seq', 'as of the next envelope', { seq: 2n });
  noOpen('salt', 'as under another salt', { salt: other });
  noOpen('salt-bit', 'as under a salt with one other bit, the last one', { salt: flip(USUAL.salt, -1) });
  noOpen('under-zeros', 'as under a salt of zeros', { salt: zeros(16) });
  noOpen('seq-0', 'as of number 0', { seq: 0n });
  noOpen('seq-high', 'as of a number with another high half', { seq: (1n << 32n) + 1n });
  noOpen('epoch-secret', 'with another epoch secret', {
    front: { ...FRONT, epochSecret: seeded('another secret', 32) },
  });
  noOpen('block', 'with another block', { front: { ...FRONT, groupCtx: seeded('another ctx', 32) } });
  noOpen('suite', 'in the other suite', { front: two });
  noOpen('suite-1', 'sealed in suite 0x0002', {}, made({ ...USUAL, front: two }).value);
  noOpen('ciphertext', 'one bit of the ciphertext', {}, flip(value, 4), 'Tampered');
  noOpen('tag', 'one bit of the tag', {}, flip(value, -1), 'Tampered');
  noOpen('short', 'without its last byte', {}, value.slice(0, -1), 'Truncated');
  noOpen('long', 'with a byte more', {}, cat(value, zeros(1)), 'Trailing');
  noOpen('20-zeros', '20 bytes of zeros', {}, zeros(20), 'Tampered');
  noOpen('19', '19 bytes', {}, value.slice(0, 19), 'Truncated');
  noOpen('4', 'the epoch alone', {}, value.slice(0, 4), 'Truncated');
  noOpen('nothing', 'no bytes', {}, zeros(0), 'Truncated');
  const context = contextOf(USUAL);
  const sealedWith = (key: Bytes, nonce: Bytes, aad: Bytes): Bytes =>
    cat(u32(FRONT.epoch), sealBytes(1, key, nonce, aad, USUAL.data));
  const right = made(USUAL);
  noOpen('aad-epoch', 'sealed with the epoch as aad', {}, sealedWith(right.key, right.nonce, u32(FRONT.epoch)));
  const label = xp(FRONT.epochSecret, 'pool kem', context, 44);
  noOpen('label', 'sealed under another label', {}, sealedWith(label.slice(0, 32), label.slice(32), zeros(0)));
  const order = cat(USUAL.salt, FRONT.groupCtx, ALICE.keyId, USUAL.streamId, u64(1n));
  for (const [id, comment, wrong] of [
    ['no-salt', 'sealed without the salt in the context', context.slice(0, -16)],
    ['salt-first', 'sealed with the salt in front of the context', order],
    ['salt-8', 'sealed with half of the salt', context.slice(0, -8)],
  ] as [string, string, Bytes][]) {
    const keys = xp(FRONT.epochSecret, 'pool routing', wrong, 44);
    noOpen(id, comment, {}, sealedWith(keys.slice(0, 32), keys.slice(32), zeros(0)));
  }
  const short = xp(FRONT.epochSecret, 'pool routing', context, 32);
  noOpen('length', 'sealed with a key of an output of 32 bytes', {}, sealedWith(short, right.nonce, zeros(0)));
  open.valid('epoch-renamed', {
    comment: 'Another number of the epoch: which secret opens is for the caller to know, and the signature binds it',
    in: openIn(USUAL, cat(u32(9), value.slice(4))),
    out: { epoch: 9, data: hex(USUAL.data) },
    spec: P38,
    flags: B,
  });
}
