/** What every receiver of an envelope or a job does, steps 1 to 6 and 9 to 15 of chapter 03; steps 7 and 8 are the caller's. */
import * as aead from './aead.ts';
import { cat, hex, number, same, u32, zeros, type Bytes } from './bytes.ts';
import { checkPublicKey, verify } from './ed25519.ts';
import { leafNonce } from './envelope.ts';
import { checkFreshness } from './freshness.ts';
import { BATCH, MERKLE, PADDED } from './header.ts';
import { leafHash, merkleRoot, verifyPath } from './merkle.ts';
import { parseEnvelope, parseJob, recordsOfLeaf, type Common } from './parse.ts';
import { parseRecords, type Message } from './records.ts';
import { refuse, Refusal } from './refusal.ts';
import { ReplayModel, type Look, type Offer } from './replay.ts';
import { aadHeader, ED25519, id32, rawKeyId, recordKey, signInput } from './schedule.ts';

const REPLIES: readonly number[] = [0x31, 0x71];

export interface Times {
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
/** One who may be allowed to write. */
export interface Sender {
  publicKey: Bytes;
  may: boolean;
}

/** The replay state, or what stands in its place. */
export interface Memory {
  lookUp: (o: Offer) => Look;
  underSignature: (o: Offer, look: Look) => void;
  accept: (o: Offer, storing: boolean) => void;
}

export function replayFor(t: Times): ReplayModel {
  const model = new ReplayModel({
    window: t.window,
    durable: false,
    bootMs: t.boot,
    skewMs: t.skew,
    streamCap: 64,
    evidenceStreams: 10_000,
    stored: t.stored,
  });
  model.start(t.boot);
  return model;
}

export interface Unpacked {
  e: Common;
  bodyForSignature: Bytes;
  /** ct ‖ tag, of each leaf in a Merkle batch */
  sealed: Bytes[];
  firstLeaf: number;
  leaf?: number;
  proof: () => void;
}

/** Steps 1 to 6. */
export function unpack(bytes: Bytes, job: boolean): Unpacked {
  if (job) {
    const j = parseJob(bytes);
    const m = j.merkle ?? refuse('E_EXT', 'unreachable');
    return {
      e: j,
      bodyForSignature: zeros(0),
      sealed: [j.sealed],
      firstLeaf: j.leaf,
      leaf: j.leaf,
      proof: () => verifyPath(leafHash(j.leaf, j.sealed), j.leaf, m.leafCount, j.path, m.root),
    };
  }
  const p = parseEnvelope(bytes);
  const isMerkle = (p.header.flags & MERKLE) !== 0;
  return {
    e: p,
    bodyForSignature: isMerkle ? zeros(0) : p.body,
    sealed: isMerkle ? p.leaves : [p.body],
    firstLeaf: 0,
    proof: () => {
      if (p.merkle === undefined) return;
      const root = merkleRoot(p.leaves.map((l, i) => leafHash(i, l)));
      if (!same(root, p.merkle.root)) refuse('E_PROOF', 'envelope.26');
    },
  };
}

export const extensionOf = (e: Common, n: number): Bytes | undefined => e.extensions.find((x) => x.number === n)?.value;

/** Step 9 as far as the sender's key tells. */
export function senderOf(senders: readonly Sender[], e: Common): { publicKey: Bytes; keyId: Bytes } {
  const sender = senders.find((s) => same(rawKeyId(ED25519, s.publicKey).slice(0, 16), e.header.senderId));
  if (sender === undefined) return refuse('E_SENDER', 'step 9');
  if (!sender.may) refuse('E_POLICY', 'step 9');
  return { publicKey: sender.publicKey, keyId: rawKeyId(ED25519, sender.publicKey) };
}

export interface Conclusion {
  now: bigint;
  times: Times;
  memory: Memory;
  sender: { publicKey: Bytes; keyId: Bytes };
  bind: Bytes;
  /** asked for in step 13 only */
  source: () => { sourceSecret: Bytes; groupCtx: Bytes };
  /** of one who reads nothing else that is sealed: its step 13, after which there is no 14 */
  instead?: () => void;
  /** what the pattern asks in step 14 */
  grammar?: (records: readonly Message[]) => void;
}

/** Steps 10 to 15. */
export function conclude(u: Unpacked, c: Conclusion): Opening {
  const { e } = u;
  const h = e.header;
  // 10
  const expiry = extensionOf(e, 4);
  checkFreshness({
    timestamp: h.timestamp,
    now: c.now,
    maxAge: c.times.maxAge,
    skew: c.times.skew,
    stored: c.times.stored,
    ...(expiry === undefined ? {} : { expiry: number(expiry) }),
  });
  // 11
  const sigin = signInput(c.sender.keyId, c.bind, e.ph, e.keyinfo, u.bodyForSignature);
  const id = id32(sigin);
  const prev = extensionOf(e, 3);
  // replay.1
  const answered = REPLIES.includes(h.patternKind) ? `/${hex(e.keyinfo)}` : '';
  const offer: Offer = {
    stream: { sender: hex(c.sender.keyId), epoch: h.epoch, tag: hex(h.topicTag) + answered, id: hex(h.streamId) },
    seq: h.seq,
    timestamp: h.timestamp,
    id32: hex(id),
    ...(prev === undefined ? {} : { prev32: hex(prev) }),
    ...(u.leaf === undefined ? {} : { leaf: u.leaf, leafCount: e.merkle?.leafCount ?? 0 }),
  };
  const look = c.memory.lookUp(offer);
  // 12
  checkPublicKey(c.sender.publicKey);
  u.proof();
  verify(c.sender.publicKey, sigin, e.signature);
  c.memory.underSignature(offer, look);
  // 13
  if (c.instead !== undefined) {
    c.instead();
    c.memory.accept(offer, true);
    return { id, records: [] };
  }
  const { sourceSecret, groupCtx } = c.source();
  const keys = recordKey(sourceSecret, groupCtx, c.sender.keyId, h.streamId, h.salt);
  const commit = extensionOf(e, 11);
  if (commit !== undefined && !same(commit, keys.recordCommit)) refuse('E_COMMIT', 'suites.15');
  const aadh = aadHeader(e.ph);
  const merkle = (h.flags & MERKLE) !== 0;
  const plaintexts = u.sealed.map((sealed, i) => {
    const leaf = u.firstLeaf + i;
    return merkle
      ? aead.open(h.suite, keys.key, leafNonce(keys.nonce, leaf), cat(aadh, c.bind, u32(leaf)), sealed)
      : aead.open(h.suite, keys.key, keys.nonce, cat(aadh, c.bind), sealed);
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
    c.grammar?.(records);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    grammar = error;
  }
  // 15
  c.memory.accept(offer, true);
  if (grammar !== undefined) throw grammar;
  return { id, records, ...(u.leaf === undefined ? {} : { leaf: u.leaf }) };
}
