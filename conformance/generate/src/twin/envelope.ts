/** The sealer of chapters 03 and 06, with a hook at each stage so that negative cases can bend one of them. */
import { cat, put, u16, u32, u8, zeros, type Bytes } from './bytes.ts';
import * as aead from './aead.ts';
import { publicKeyOf, sign } from './ed25519.ts';
import { encodeExtensions, extensionSpans, type Extension } from './extensions.ts';
import { BATCH, encodeHeader, MERKLE, PADDED, readHeader, type Header } from './header.ts';
import { leafHash, merklePath, merkleRoot } from './merkle.ts';
import { parseEnvelope } from './parse.ts';
import { frameRecords, type Message } from './records.ts';
import { rawRouting, type FrontKeys } from './routing.ts';
import { aadHeader, id32, rawKeyId, recordKey, salt16, signInput, ED25519, type RecordKey } from './schedule.ts';

export type Form = 'single' | 'batch' | 'merkle';

export interface Source {
  sourceSecret: Bytes;
  groupCtx: Bytes;
  bind: Bytes;
}

export interface RoutingRecipe {
  front: FrontKeys;
  epoch: number;
  data: Bytes;
  /** what stands in place of the value that follows */
  change?: (right: Bytes, salt: Bytes) => Bytes;
}

export interface Recipe {
  form: Form;
  patternKind: number;
  suite: number;
  topicTag: Bytes;
  epoch: number;
  streamId: Bytes;
  seq: bigint;
  timestamp: bigint;
  seed: Bytes;
  source: Source;
  hedgeSecret: Bytes;
  random: Bytes;
  records: Message[];
  padded: boolean;
  jobsPerLeaf: number;
  /** without 1, 11 and 12 */
  extensions: Extension[];
  /** of a message of ROUTER/DEALER: what extension 12 is made of */
  routing?: RoutingRecipe;
  recordCommit: boolean;
  keyinfo: Bytes;
  /** What a dishonest or broken sender does otherwise. */
  bend?: Bend;
}

export interface Bend {
  /** the framed plaintexts, in place of those that follow from the records */
  plaintexts?: Bytes[];
  header?: (h: Header) => Header;
  /** the whole list, before it is encoded and with root32 still zero */
  extensions?: (list: Extension[]) => Extension[];
  senderKeyId?: Bytes;
  commit?: (right: Bytes) => Bytes;
  aad?: (leaf: number | undefined, right: Bytes, aadh: Bytes, bind: Bytes) => Bytes;
  nonce?: (leaf: number | undefined, right: Bytes, base: Bytes) => Bytes;
  suite?: number;
  sealed?: (leaf: number | undefined, right: Bytes) => Bytes;
  root?: (leaves: Bytes[], right: Bytes) => Bytes;
  signInput?: (right: Bytes, parts: { ph: Bytes; keyinfo: Bytes; body: Bytes }) => Bytes;
  signSeed?: Bytes;
}

export interface Sealed extends RecordKey {
  bytes: Bytes;
  header: Header;
  ph: Bytes;
  aadh: Bytes;
  salt: Bytes;
  plaintexts: Bytes[];
  aads: Bytes[];
  keyinfo: Bytes;
  body: Bytes;
  /** ct ‖ tag of each leaf */
  leaves: Bytes[];
  senderKeyId: Bytes;
  signInput: Bytes;
  id: Bytes;
}

/** Cuts records into leaves. */
export function cut(records: readonly Message[], jobsPerLeaf: number): Message[][] {
  const out: Message[][] = [];
  for (let i = 0; i < records.length; i += jobsPerLeaf) out.push(records.slice(i, i + jobsPerLeaf));
  return out;
}

function plaintextsOf(r: Recipe): Bytes[] {
  if (r.form === 'single') return [r.records[0]?.payload ?? zeros(0)];
  if (r.form === 'batch') return [frameRecords(r.records, r.timestamp, r.padded)];
  return cut(r.records, r.jobsPerLeaf).map((leaf) => frameRecords(leaf, r.timestamp, r.padded));
}

/** nonce XOR (4 zero bytes ‖ u64 leaf) */
export function leafNonce(base: Bytes, leaf: number): Bytes {
  const mask = cat(zeros(8), u32(leaf));
  return base.map((b, i) => b ^ (mask[i] ?? 0));
}

/** Overwrites the value of one extension in PH. */
function setExtension(ph: Bytes, n: number, value: Bytes): Bytes {
  for (const span of extensionSpans(ph.slice(96))) if (span.number === n) return put(ph, 96 + span.start, value);
  return ph;
}

export function sealEnvelope(r: Recipe): Sealed {
  const bend = r.bend ?? {};
  const merkle = r.form === 'merkle';
  const plaintexts = bend.plaintexts ?? plaintextsOf(r);
  const senderKeyId = bend.senderKeyId ?? rawKeyId(ED25519, publicKeyOf(r.seed));

  let list = [...r.extensions];
  if (merkle) {
    const value = cat(zeros(32), u32(plaintexts.length), u16(r.jobsPerLeaf));
    list.push({ number: 1, critical: true, value });
  }
  if (r.recordCommit) list.push({ number: 11, critical: true, value: zeros(32) });
  if (r.routing !== undefined) {
    const value = cat(u32(r.routing.epoch), zeros(r.routing.data.length + 16));
    list.push({ number: 12, critical: true, value });
  }
  list.sort((a, b) => a.number - b.number);
  if (bend.extensions) list = bend.extensions(list);
  let area = encodeExtensions(list);

  const bodyLen = plaintexts.reduce((sum, p) => sum + p.length + 16 + (merkle ? 4 : 0), 0);
  let header: Header = {
    patternKind: r.patternKind,
    suite: r.suite,
    flags: (r.form === 'single' ? 0 : BATCH) | (merkle ? MERKLE : 0) | (r.padded ? PADDED : 0),
    topicTag: r.topicTag,
    epoch: r.epoch,
    count: r.records.length,
    senderId: senderKeyId.slice(0, 16),
    streamId: r.streamId,
    seq: r.seq,
    timestamp: r.timestamp,
    salt: zeros(16),
    extLen: area.length,
    keyinfoLen: r.keyinfo.length,
    bodyLen,
  };
  if (bend.header) header = bend.header(header);

  const hashed = r.routing === undefined ? plaintexts : [...plaintexts, r.routing.data];
  const salt = salt16(r.hedgeSecret, r.random, cat(encodeHeader(header), area), r.source.bind, hashed);
  header = { ...header, salt };
  if (r.routing !== undefined) {
    const { front, epoch, data, change } = r.routing;
    const right = rawRouting(front, epoch, { senderKeyId, streamId: r.streamId, seq: r.seq, salt }, data).value;
    const value = change === undefined ? right : change(right, salt);
    list = list.map((x) => (x.number === 12 ? { ...x, value } : x));
    area = encodeExtensions(list);
    // another length is a broken sender's
    if (value.length !== right.length) header = { ...header, extLen: area.length };
  }
  const keys = recordKey(r.source.sourceSecret, r.source.groupCtx, senderKeyId, r.streamId, salt);
  let ph = cat(encodeHeader(header), area);
  const commit = bend.commit ? bend.commit(keys.recordCommit) : keys.recordCommit;
  if (r.recordCommit) ph = setExtension(ph, 11, commit);

  const aadh = aadHeader(ph);
  const aads: Bytes[] = [];
  const pieces = plaintexts.map((plaintext, i) => {
    const leaf = merkle ? i : undefined;
    const rightAad = leaf === undefined ? cat(aadh, r.source.bind) : cat(aadh, r.source.bind, u32(leaf));
    const rightNonce = leaf === undefined ? keys.nonce : leafNonce(keys.nonce, leaf);
    const aad = bend.aad ? bend.aad(leaf, rightAad, aadh, r.source.bind) : rightAad;
    const nonce = bend.nonce ? bend.nonce(leaf, rightNonce, keys.nonce) : rightNonce;
    aads.push(aad);
    const sealed = aead.seal(bend.suite ?? r.suite, keys.key, nonce, aad, plaintext);
    return bend.sealed ? bend.sealed(leaf, sealed) : sealed;
  });

  let body = pieces[0] ?? zeros(0);
  if (merkle) {
    body = cat(...pieces.map((p) => cat(u32(p.length - 16), p)));
    const right = merkleRoot(pieces.map((p, i) => leafHash(i, p)));
    ph = setExtension(ph, 1, cat(bend.root ? bend.root(pieces, right) : right, valueAfterRoot(ph)));
  }
  let input = signInput(senderKeyId, r.source.bind, ph, r.keyinfo, merkle ? zeros(0) : body);
  if (bend.signInput) input = bend.signInput(input, { ph, keyinfo: r.keyinfo, body });
  const signature = sign(bend.signSeed ?? r.seed, input);
  return {
    ...keys,
    bytes: cat(ph, r.keyinfo, body, signature),
    header: readHeader(ph),
    ph,
    aadh,
    salt,
    plaintexts,
    aads,
    keyinfo: r.keyinfo,
    body,
    leaves: merkle ? pieces : [],
    senderKeyId,
    signInput: input,
    id: id32(input),
  };
}

/** leaf_count ‖ jobs_per_leaf, as they stand in PH. */
function valueAfterRoot(ph: Bytes): Bytes {
  const span = extensionSpans(ph.slice(96)).find((s) => s.number === 1);
  return span === undefined ? zeros(0) : ph.slice(96 + span.start + 32, 96 + span.start + span.length);
}

/** Signs anew over whatever stands in the envelope: the mutation of a sender who has the key. */
export function resign(envelope: Bytes, seed: Bytes, bind: Bytes, signerKeyId?: Bytes): Bytes {
  const h = readHeader(envelope);
  const ph = envelope.slice(0, 96 + h.extLen);
  const keyinfo = envelope.slice(96 + h.extLen, 96 + h.extLen + h.keyinfoLen);
  const body = envelope.slice(96 + h.extLen + h.keyinfoLen, envelope.length - 64);
  const id = signerKeyId ?? rawKeyId(ED25519, publicKeyOf(seed));
  const input = signInput(id, bind, ph, keyinfo, (h.flags & MERKLE) !== 0 ? zeros(0) : body);
  return cat(envelope.slice(0, envelope.length - 64), sign(seed, input));
}

export interface JobParts {
  ph: Bytes;
  keyinfo: Bytes;
  leaf: number;
  ctLen: number;
  sealed: Bytes;
  pathLen: number;
  path: Bytes[];
  signature: Bytes;
}

/** envelope.23 */
export function jobParts(envelope: Bytes, leaf: number): JobParts {
  const e = parseEnvelope(envelope);
  const sealed = e.leaves[leaf];
  if (sealed === undefined) throw new Error('no such leaf');
  const path = merklePath(
    e.leaves.map((l, i) => leafHash(i, l)),
    leaf,
  );
  const { ph, keyinfo, signature } = e;
  return { ph, keyinfo, leaf, ctLen: sealed.length - 16, sealed, pathLen: path.length, path, signature };
}

export function encodeJob(j: JobParts): Bytes {
  return cat(j.ph, j.keyinfo, u32(j.leaf), u32(j.ctLen), j.sealed, u8(j.pathLen), ...j.path, j.signature);
}

export function makeJob(envelope: Bytes, leaf: number): Bytes {
  return encodeJob(jobParts(envelope, leaf));
}
