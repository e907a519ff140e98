/** A small independent opener: the fifteen steps, one after the other. It only double-checks what the areas state. */
import * as aead from './aead.ts';
import { cat, number, same, u32, zeros, type Bytes } from './bytes.ts';
import { checkPublicKey, verify } from './ed25519.ts';
import { leafNonce } from './envelope.ts';
import { checkFreshness } from './freshness.ts';
import { hex } from './bytes.ts';
import { BATCH, MERKLE, PADDED } from './header.ts';
import { leafHash, merkleRoot, verifyPath } from './merkle.ts';
import { parseEnvelope, parseJob, recordsOfLeaf, type Common } from './parse.ts';
import { parseRecords, type Message } from './records.ts';
import { refuse, Refusal } from './refusal.ts';
import { ReplayModel, type Offer } from './replay.ts';
import { aadHeader, ED25519, id32, rawKeyId, recordKey, signInput } from './schedule.ts';

export interface OpenSource {
  topicTag: Bytes;
  epoch: number;
  suite: number;
  sourceSecret: Bytes;
  groupCtx: Bytes;
  bind: Bytes;
  open: boolean;
}
export interface Receiver {
  sources: OpenSource[];
  senders: { publicKey: Bytes; mayWrite: boolean }[];
  stored: boolean;
  maxAge: bigint;
  skew: bigint;
  boot: bigint;
  window: bigint;
}
export interface Opening {
  id: Bytes;
  records: Message[];
  leaf?: number;
}

export function replayFor(r: Receiver): ReplayModel {
  const model = new ReplayModel({
    window: r.window,
    durable: false,
    bootMs: r.boot,
    skewMs: r.skew,
    streamCap: 64,
    evidenceStreams: 10_000,
    stored: r.stored,
  });
  model.start(r.boot);
  return model;
}

interface Unsealed {
  bodyForSignature: Bytes;
  sealed: Bytes[];
  firstLeaf: number;
  leaf?: number;
}

/** undefined: not delivered, no code. */
export function openOne(
  r: Receiver,
  replay: ReplayModel,
  now: bigint,
  bytes: Bytes,
  job: boolean,
): Opening | undefined {
  let e: Common;
  let u: Unsealed;
  let proof: () => void = () => undefined;
  if (job) {
    const j = parseJob(bytes);
    e = j;
    u = { bodyForSignature: zeros(0), sealed: [j.sealed], firstLeaf: j.leaf, leaf: j.leaf };
    const m = j.merkle ?? refuse('E_EXT', 'unreachable');
    proof = (): void => verifyPath(leafHash(j.leaf, j.sealed), j.leaf, m.leafCount, j.path, m.root);
  } else {
    const p = parseEnvelope(bytes);
    e = p;
    const isMerkle = (p.header.flags & MERKLE) !== 0;
    u = { bodyForSignature: isMerkle ? zeros(0) : p.body, sealed: isMerkle ? p.leaves : [p.body], firstLeaf: 0 };
    proof = (): void => {
      if (p.merkle === undefined) return;
      const root = merkleRoot(p.leaves.map((l, i) => leafHash(i, l)));
      if (!same(root, p.merkle.root)) refuse('E_PROOF', 'envelope.26');
    };
  }
  const h = e.header;
  // 7, 8
  const forTag = r.sources.filter((s) => same(s.topicTag, h.topicTag));
  if (forTag.length === 0) return undefined;
  const source = forTag.find((s) => s.epoch === h.epoch);
  if (source === undefined || !source.open) return refuse('E_EPOCH', 'step 8');
  if (source.suite !== h.suite) refuse('E_SUITE', 'step 8');
  // 9
  const sender = r.senders.find((s) => same(rawKeyId(ED25519, s.publicKey).slice(0, 16), h.senderId));
  if (sender === undefined) return refuse('E_SENDER', 'step 9');
  if (!sender.mayWrite) refuse('E_POLICY', 'step 9');
  const senderKeyId = rawKeyId(ED25519, sender.publicKey);
  // 10
  const expiry = e.extensions.find((x) => x.number === 4);
  checkFreshness({
    timestamp: h.timestamp,
    now,
    maxAge: r.maxAge,
    skew: r.skew,
    stored: r.stored,
    ...(expiry === undefined ? {} : { expiry: number(expiry.value) }),
  });
  // 11
  const sigin = signInput(senderKeyId, source.bind, e.ph, e.keyinfo, u.bodyForSignature);
  const id = id32(sigin);
  const prev = e.extensions.find((x) => x.number === 3);
  const offer: Offer = {
    stream: { sender: hex(senderKeyId), epoch: h.epoch, tag: hex(h.topicTag), id: hex(h.streamId) },
    seq: h.seq,
    timestamp: h.timestamp,
    id32: hex(id),
    ...(prev === undefined ? {} : { prev32: hex(prev.value) }),
    ...(u.leaf === undefined ? {} : { leaf: u.leaf, leafCount: e.merkle?.leafCount ?? 0 }),
  };
  const look = replay.lookUp(offer);
  // 12
  checkPublicKey(sender.publicKey);
  proof();
  verify(sender.publicKey, sigin, e.signature);
  replay.underSignature(offer, look);
  // 13
  const keys = recordKey(source.sourceSecret, source.groupCtx, senderKeyId, h.streamId, h.salt);
  const commit = e.extensions.find((x) => x.number === 11);
  if (commit !== undefined && !same(commit.value, keys.recordCommit)) refuse('E_COMMIT', 'suites.15');
  const aadh = aadHeader(e.ph);
  const merkle = (h.flags & MERKLE) !== 0;
  const plaintexts = u.sealed.map((sealed, i) => {
    const leaf = u.firstLeaf + i;
    return merkle
      ? aead.open(h.suite, keys.key, leafNonce(keys.nonce, leaf), cat(aadh, source.bind, u32(leaf)), sealed)
      : aead.open(h.suite, keys.key, keys.nonce, cat(aadh, source.bind), sealed);
  });
  // 14
  let records: Message[] = [];
  let grammar: Refusal | undefined;
  try {
    records = plaintexts.flatMap((p, i) => {
      if ((h.flags & BATCH) === 0) return [{ timestamp: h.timestamp, payload: p }];
      const m = e.merkle;
      const expected = m === undefined ? h.count : recordsOfLeaf(h.count, m.leafCount, m.jobsPerLeaf, u.firstLeaf + i);
      return parseRecords(p, expected, h.timestamp, (h.flags & PADDED) !== 0);
    });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    grammar = error;
  }
  // 15
  replay.accept(offer, true);
  if (grammar !== undefined) throw grammar;
  return { id, records, ...(u.leaf === undefined ? {} : { leaf: u.leaf }) };
}
