/** Key blocks and partial blocks of chapter 08: making, taking apart, reading. A hook at each stage for negative cases. */
import * as aead from './aead.ts';
import { cat, hex, number, same, text, u16, u32, u64, u8, zeros, type Bytes } from './bytes.ts';
import { publicKeyOf, sign } from './ed25519.ts';
import { H, xp } from './hash.ts';
import { openBase, sealBase } from './hpke.ts';
import { merklePath, merkleRoot } from './merkle.ts';
import { sigin } from './objects.ts';
import { refuse } from './refusal.ts';
import { ED25519, keyId, rawKeyId, X25519 } from './schedule.ts';
import { leavesUnder } from './subtree.ts';

export interface BlockHeader {
  kind: number;
  suite: number;
  groupId: Bytes;
  generation: number;
  epoch: number;
  notBefore: bigint;
  notAfter: bigint;
  drainUntil: bigint;
  salt: Bytes;
  prevBlockHash: Bytes;
  policyRoot: Bytes;
  policyVersion: bigint;
  baseEpoch: number;
  purpose: number;
  flags: number;
  height: number;
}

/** Offsets in hdr184. */
export const HDR = {
  version: 4,
  kind: 5,
  suite: 6,
  groupId: 8,
  generation: 24,
  epoch: 28,
  notBefore: 32,
  notAfter: 40,
  drainUntil: 48,
  salt: 56,
  prevBlockHash: 72,
  policyRoot: 104,
  controllerKeyId: 136,
  policyVersion: 168,
  baseEpoch: 176,
  purpose: 180,
  flags: 181,
  height: 182,
  last: 183,
} as const;

function encodeBlockHeader(h: BlockHeader, controllerKeyId: Bytes): Bytes {
  const out = cat(
    text('TDKB'),
    u8(1),
    u8(h.kind),
    u16(h.suite),
    h.groupId,
    u32(h.generation),
    u32(h.epoch),
    u64(h.notBefore),
    u64(h.notAfter),
    u64(h.drainUntil),
    h.salt,
    h.prevBlockHash,
    h.policyRoot,
    controllerKeyId,
    u64(h.policyVersion),
    u32(h.baseEpoch),
    u8(h.purpose),
    u8(h.flags),
    u8(h.height),
    u8(0),
  );
  if (out.length !== 184) throw new Error(`a block header of ${out.length} bytes`);
  return out;
}

function entryLength(kind: number): number {
  return kind === 1 ? 96 : kind === 2 ? 56 : 0;
}

export function entryName(groupCtx: Bytes, prekeyId: Bytes): Bytes {
  return H(text('tdc1 le'), u8(0), groupCtx, prekeyId).slice(0, 16);
}

export function listInfo(groupCtx: Bytes): Bytes {
  return cat(text('tdc1 kb list'), u8(0), groupCtx);
}

export function wrapKey(nodeKey: Bytes, groupCtx: Bytes, node: bigint): Bytes {
  return xp(nodeKey, 'kb wrap', cat(groupCtx, u64(node)), 32);
}

function entriesRootOf(entries: readonly Bytes[]): Bytes {
  return merkleRoot(entries.map((e) => H(u8(0), e)));
}

export interface BlockRecipe {
  header: BlockHeader;
  /** of the controller */
  seed: Bytes;
  private: Bytes;
  /** kinds 1 and 2 */
  epochSecret?: Bytes;
  /** kind 1: prekeys, public halves */
  recipients?: Bytes[];
  /** 32 bytes for each recipient, in the order of the entries */
  rng?: Bytes;
  /** kind 2: the node keys at this epoch */
  nodes?: { node: bigint; key: Bytes }[];
  /** kind 5 */
  psk?: Bytes;
  bend?: BlockBend;
}

/** What a dishonest or broken controller does otherwise; all that follows is computed from it. */
export interface BlockBend {
  hdr?: (right: Bytes) => Bytes;
  groupCtx?: (right: Bytes, hdr: Bytes) => Bytes;
  commit?: (right: Bytes) => Bytes;
  /** what an entry wraps, by its place */
  wrapped?: (index: number, right: Bytes) => Bytes;
  entries?: (right: Bytes[], groupCtx: Bytes, commit: Bytes) => Bytes[];
  count?: number;
  privateSealed?: (right: Bytes) => Bytes;
  signInput?: (right: Bytes) => Bytes;
  signSeed?: Bytes;
  controllerKeyId?: Bytes;
}

export interface MadeBlock {
  bytes: Bytes;
  hdr: Bytes;
  groupCtx: Bytes;
  epochSecret: Bytes;
  epochCommit: Bytes;
  entries: Bytes[];
  entriesRoot: Bytes;
  privateSealed: Bytes;
  blockHash: Bytes;
  signInput: Bytes;
}

export function makeBlock(r: BlockRecipe): MadeBlock {
  const bend = r.bend ?? {};
  const controller = bend.controllerKeyId ?? rawKeyId(ED25519, publicKeyOf(r.seed));
  let hdr = encodeBlockHeader(r.header, controller);
  if (bend.hdr) hdr = bend.hdr(hdr);
  let groupCtx = H(hdr);
  if (bend.groupCtx) groupCtx = bend.groupCtx(groupCtx, hdr);
  const suite = r.header.suite;
  const epochSecret = r.psk === undefined ? (r.epochSecret ?? zeros(32)) : xp(r.psk, 'kb psk', groupCtx, 32);
  let epochCommit = xp(epochSecret, 'epoch commit', groupCtx, 32);
  if (bend.commit) epochCommit = bend.commit(epochCommit);
  const wrapped = (i: number): Bytes => (bend.wrapped ? bend.wrapped(i, epochSecret) : epochSecret);

  let entries: Bytes[] = [];
  if (r.recipients !== undefined) {
    const named = r.recipients.map((pk) => ({ pk, id: entryName(groupCtx, keyId(X25519, pk)) }));
    named.sort((a, b) => (hex(a.id) < hex(b.id) ? -1 : 1));
    const rng = r.rng ?? zeros(0);
    if (rng.length < 32 * named.length) refuse('E_USAGE', 'conventions.6');
    entries = named.map(({ pk, id }, i) => {
      const drawn = rng.slice(32 * i, 32 * i + 32);
      const { enc, ct } = sealBase(suite, pk, listInfo(groupCtx), cat(epochCommit, id), wrapped(i), drawn);
      return cat(id, enc, ct);
    });
  } else if (r.nodes !== undefined) {
    entries = r.nodes.map(({ node, key }, i) => {
      const wrap = wrapKey(key, groupCtx, node);
      return cat(u64(node), aead.seal(suite, wrap, zeros(12), cat(groupCtx, epochCommit), wrapped(i)));
    });
  }
  if (bend.entries) entries = bend.entries(entries, groupCtx, epochCommit);
  const count = u32(bend.count ?? entries.length);
  const entriesRoot = entriesRootOf(entries);
  let privateSealed = aead.seal(
    suite,
    xp(epochSecret, 'kb private', groupCtx, 32),
    zeros(12),
    cat(groupCtx, epochCommit),
    r.private,
  );
  if (bend.privateSealed) privateSealed = bend.privateSealed(privateSealed);
  const tail = cat(epochCommit, count, entriesRoot, H(privateSealed));
  let signInput = sigin('keyblock', controller, groupCtx, hdr, tail);
  if (bend.signInput) signInput = bend.signInput(signInput);
  return {
    bytes: cat(
      hdr,
      epochCommit,
      count,
      ...entries,
      u32(privateSealed.length),
      privateSealed,
      sign(bend.signSeed ?? r.seed, signInput),
    ),
    hdr,
    groupCtx,
    epochSecret,
    epochCommit,
    entries,
    entriesRoot,
    privateSealed,
    blockHash: H(text('tdc1 block'), u8(0), hdr, tail),
    signInput,
  };
}

export interface PartialParts {
  hdr: Bytes;
  epochCommit: Bytes;
  count: number;
  index: number;
  entry: Bytes;
  pathLen: number;
  path: Bytes[];
  privateLen: number;
  privateSealed: Bytes;
  signature: Bytes;
}

export function encodePartial(p: PartialParts): Bytes {
  return cat(
    text('TDKP'),
    p.hdr,
    p.epochCommit,
    u32(p.count),
    u32(p.index),
    p.entry,
    u8(p.pathLen),
    ...p.path,
    u32(p.privateLen),
    p.privateSealed,
    p.signature,
  );
}

export function partialParts(block: Bytes, index: number): PartialParts {
  const b = parseBlock(block);
  const entry = b.entries[index];
  if (entry === undefined) return refuse('E_PROOF', 'no such entry');
  const path = merklePath(
    b.entries.map((e) => H(u8(0), e)),
    index,
  );
  const { hdr, epochCommit, count, privateSealed, signature } = b;
  return {
    hdr,
    epochCommit,
    count,
    index,
    entry,
    pathLen: path.length,
    path,
    privateLen: privateSealed.length,
    privateSealed,
    signature,
  };
}

export interface ParsedBlock {
  header: BlockHeader;
  controllerKeyId: Bytes;
  hdr: Bytes;
  groupCtx: Bytes;
  epochCommit: Bytes;
  count: number;
  /** one for a partial block */
  entries: Bytes[];
  partial?: { index: number; path: Bytes[] };
  privateSealed: Bytes;
  signature: Bytes;
}

const MAX_U64: bigint = (1n << 53n) - 1n;

function readBlockHeader(hdr: Bytes): BlockHeader {
  const int = (at: number, width: number): number => Number(number(hdr.slice(at, at + width)));
  const long = (at: number): bigint => number(hdr.slice(at, at + 8));
  return {
    kind: int(HDR.kind, 1),
    suite: int(HDR.suite, 2),
    groupId: hdr.slice(8, 24),
    generation: int(HDR.generation, 4),
    epoch: int(HDR.epoch, 4),
    notBefore: long(HDR.notBefore),
    notAfter: long(HDR.notAfter),
    drainUntil: long(HDR.drainUntil),
    salt: hdr.slice(56, 72),
    prevBlockHash: hdr.slice(72, 104),
    policyRoot: hdr.slice(104, 136),
    policyVersion: long(HDR.policyVersion),
    baseEpoch: int(HDR.baseEpoch, 4),
    purpose: int(HDR.purpose, 1),
    flags: int(HDR.flags, 1),
    height: int(HDR.height, 1),
  };
}

/** Steps 1 to 6. */
export function parseBlock(bytes: Bytes, partial = false): ParsedBlock {
  const at = (offset: number, width: number): number | undefined =>
    offset + width > bytes.length ? undefined : Number(number(bytes.slice(offset, offset + width)));
  // 1
  if (bytes.length < (partial ? 297 : 288)) refuse('E_LENGTH', 'step 1');
  if (bytes.length > 8_388_608) refuse('E_LIMIT', 'step 1');
  // 2
  const start = partial ? 4 : 0;
  if (partial && !same(bytes.slice(0, 4), text('TDKP'))) refuse('E_ENCODING', 'magic');
  const hdr = bytes.slice(start, start + 184);
  if (!same(hdr.slice(0, 4), text('TDKB'))) refuse('E_ENCODING', 'magic');
  if (hdr[4] !== 1) refuse('E_VERSION', 'version');
  const h = readBlockHeader(hdr);
  if (!(partial ? [1, 2] : [1, 2, 5]).includes(h.kind)) refuse('E_ENCODING', 'kind');
  if (h.suite !== 1 && h.suite !== 2) refuse('E_SUITE', 'suite');
  if (h.flags > 1) refuse('E_ENCODING', 'flags');
  if (hdr[183] !== 0) refuse('E_ENCODING', 'last byte');
  if (h.purpose < 1 || h.purpose > 5) refuse('E_ENCODING', 'purpose');
  // 3
  if ([h.notBefore, h.notAfter, h.drainUntil, h.policyVersion].some((v) => v > MAX_U64)) refuse('E_LIMIT', 'u64');
  if (h.height > 24) refuse('E_LIMIT', 'height');
  if (h.epoch - h.baseEpoch > 1_048_576) refuse('E_LIMIT', 'epoch - base_epoch');
  const count = at(start + 216, 4) ?? refuse('E_LENGTH', 'count');
  if (count > 65_536) refuse('E_LIMIT', 'count');
  const size = entryLength(h.kind);
  const body = start + 220;
  let end = body + count * size;
  let index = 0;
  let pathLen = 0;
  if (partial) {
    index = at(body, 4) ?? refuse('E_LENGTH', 'index');
    pathLen = at(body + 4 + size, 1) ?? refuse('E_LENGTH', 'path_len');
    end = body + 4 + size + 1 + 32 * pathLen;
  }
  const privateLen = at(end, 4);
  if (privateLen !== undefined && privateLen > 65_536) refuse('E_LIMIT', 'private_len');
  // 4
  if (h.height !== 0 && h.kind !== 2) refuse('E_ENCODING', 'height');
  if (h.baseEpoch > h.epoch) refuse('E_ENCODING', 'base_epoch');
  if (h.notBefore > h.notAfter) refuse('E_ENCODING', 'not_before');
  if (h.kind === 5 && count !== 0) refuse('E_ENCODING', 'count of kind 5');
  // 5
  if (privateLen === undefined || end + 4 + privateLen + 64 !== bytes.length) return refuse('E_LENGTH', 'lengths');
  if (pathLen > 64) refuse('E_PROOF', 'path_len');
  if (partial && index >= count) refuse('E_PROOF', 'index');
  const first = partial ? body + 4 : body;
  const entries = Array.from({ length: partial ? 1 : count }, (_, i) =>
    bytes.slice(first + i * size, first + (i + 1) * size),
  );
  // 6
  let behind = -1n;
  let before = '';
  for (const e of entries) {
    if (h.kind === 1) {
      const id = hex(e.slice(0, 16));
      if (id <= before) refuse('E_ENCODING', 'groups.4: id16');
      before = id;
    } else {
      const node = number(e.slice(0, 8));
      if (node > MAX_U64) refuse('E_LIMIT', 'node');
      const span = leavesUnder(h.height, node) ?? refuse('E_ENCODING', 'groups.4: not in the tree');
      if (span.first <= behind) refuse('E_ENCODING', 'groups.4: not disjoint');
      behind = span.last;
    }
  }
  const pathAt = body + 4 + size + 1;
  return {
    header: h,
    controllerKeyId: hdr.slice(136, 168),
    hdr,
    groupCtx: H(hdr),
    epochCommit: bytes.slice(start + 184, start + 216),
    count,
    entries,
    ...(partial
      ? {
          partial: {
            index,
            path: Array.from({ length: pathLen }, (_, i) => bytes.slice(pathAt + 32 * i, pathAt + 32 * i + 32)),
          },
        }
      : {}),
    privateSealed: bytes.slice(end + 4, end + 4 + privateLen),
    signature: bytes.slice(bytes.length - 64),
  };
}

/** The root that entry and path give, RFC 9162 §2.1.3.2; a path of another length than asked for is E_PROOF. */
export function rootOf(b: ParsedBlock): Bytes {
  if (b.partial === undefined) return entriesRootOf(b.entries);
  let fn = b.partial.index;
  let sn = b.count - 1;
  let r = H(u8(0), b.entries[0] ?? zeros(0));
  for (const p of b.partial.path) {
    if (sn === 0) refuse('E_PROOF', 'path too long');
    if (fn % 2 === 1 || fn === sn) {
      r = H(u8(1), p, r);
      while (fn % 2 === 0 && fn !== 0) {
        fn = Math.floor(fn / 2);
        sn = Math.floor(sn / 2);
      }
    } else r = H(u8(1), r, p);
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  if (sn !== 0) refuse('E_PROOF', 'path too short');
  return r;
}

export function tailOf(b: ParsedBlock, root: Bytes): Bytes {
  return cat(b.epochCommit, u32(b.count), root, H(b.privateSealed));
}

export function blockHashOf(b: ParsedBlock, root: Bytes): Bytes {
  return H(text('tdc1 block'), u8(0), b.hdr, tailOf(b, root));
}

export function openListEntry(b: ParsedBlock, entry: Bytes, secret: Bytes): Bytes {
  const aad = cat(b.epochCommit, entry.slice(0, 16));
  return openBase(b.header.suite, secret, entry.slice(16, 48), listInfo(b.groupCtx), aad, entry.slice(48));
}

export function openNodeEntry(b: ParsedBlock, entry: Bytes, nodeKey: Bytes): Bytes {
  const wrap = wrapKey(nodeKey, b.groupCtx, number(entry.slice(0, 8)));
  return aead.open(b.header.suite, wrap, zeros(12), cat(b.groupCtx, b.epochCommit), entry.slice(8));
}

export function openPrivate(b: ParsedBlock, epochSecret: Bytes): Bytes {
  const key = xp(epochSecret, 'kb private', b.groupCtx, 32);
  return aead.open(b.header.suite, key, zeros(12), cat(b.groupCtx, b.epochCommit), b.privateSealed);
}
