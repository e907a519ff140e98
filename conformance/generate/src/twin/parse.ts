/** Steps 1 to 6 of chapter 03 for envelopes and jobs. */
import { number, type Bytes } from './bytes.ts';
import { parseExtensions, type Extension } from './extensions.ts';
import { BATCH, MERKLE, PADDED, readHeader, type Header } from './header.ts';
import { refuse } from './refusal.ts';

export interface Common {
  header: Header;
  extensions: Extension[];
  /** header ‖ extensions, as received */
  ph: Bytes;
  keyinfo: Bytes;
  signature: Bytes;
  merkle?: { root: Bytes; leafCount: number; jobsPerLeaf: number };
}
export interface Envelope extends Common {
  body: Bytes;
  /** ct ‖ tag of each leaf, in a Merkle batch */
  leaves: Bytes[];
}
export interface Job extends Common {
  leaf: number;
  /** ct ‖ tag */
  sealed: Bytes;
  path: Bytes[];
}

const KINDS: ReadonlyMap<number, readonly number[]> = new Map([
  [2, [0]],
  [3, [0, 1]],
  [4, [0]],
  [5, [0, 1]],
  [6, [0]],
  [7, [0, 1, 2]],
]);
const MAX_PLAINTEXT = 983_040;
const MAX_TIME: bigint = (1n << 53n) - 1n;

/** Steps 1 to 3. */
function start(bytes: Bytes, job: boolean): Header {
  if (bytes.length < 160) refuse('E_LENGTH', 'step 1');
  if (bytes.length > 1_048_576) refuse('E_LIMIT', 'step 1');
  if (bytes[0] !== 0x54 || bytes[1] !== 0x44) refuse('E_ENCODING', 'magic');
  if (bytes[2] !== 1) refuse('E_VERSION', 'version');
  const h = readHeader(bytes);
  if (h.suite !== 1 && h.suite !== 2) refuse('E_SUITE', 'unknown suite');
  if ((h.flags & ~(BATCH | MERKLE | PADDED)) !== 0) refuse('E_ENCODING', 'reserved flags');
  if ((h.flags & (MERKLE | PADDED)) !== 0 && (h.flags & BATCH) === 0) refuse('E_ENCODING', 'flag 1 or 4 without 0');
  if (!KINDS.get(h.patternKind >> 4)?.includes(h.patternKind & 15)) refuse('E_ENCODING', 'pattern and kind');
  if (job && (h.flags & MERKLE) === 0) refuse('E_ENCODING', 'a job without flag 1');
  return h;
}

/** The limits of step 4. */
function lengths(h: Header): void {
  if (h.extLen > 4096) refuse('E_LIMIT', 'ext_len');
  if (h.keyinfoLen > 4096) refuse('E_LIMIT', 'keyinfo_len');
  if (h.bodyLen > 1_040_224) refuse('E_LIMIT', 'body_len');
}

/** Step 6 up to what needs the body; records of each leaf for a Merkle batch. */
function numbers(h: Header, merkle: Common['merkle']): void {
  if (h.count === 0) refuse('E_ENCODING', 'count 0');
  if (h.seq === 0n) refuse('E_ENCODING', 'seq 0');
  if (h.count > 65_535) refuse('E_LIMIT', 'count');
  if (h.seq > 1n << 40n) refuse('E_LIMIT', 'seq');
  if (h.timestamp > MAX_TIME) refuse('E_LIMIT', 'timestamp');
  if ((h.flags & BATCH) === 0 && h.count !== 1) refuse('E_ENCODING', 'single with count other than 1');
  if (merkle === undefined) {
    if (h.bodyLen - 16 > MAX_PLAINTEXT) refuse('E_LIMIT', 'plaintext');
    if (h.bodyLen < 16) refuse('E_ENCODING', 'body without a tag');
    if ((h.flags & BATCH) !== 0 && h.bodyLen - 16 < 3 * h.count) refuse('E_ENCODING', 'body too small for count');
    return;
  }
  if (merkle.leafCount > 4096) refuse('E_LIMIT', 'leaf_count');
  if (merkle.jobsPerLeaf === 0) refuse('E_ENCODING', 'jobs_per_leaf 0');
  if (merkle.leafCount !== Math.ceil(h.count / merkle.jobsPerLeaf)) refuse('E_ENCODING', 'leaf_count');
  if (h.bodyLen < 20 * merkle.leafCount + 3 * h.count) refuse('E_ENCODING', 'body too small for count');
}

function merkleOf(list: readonly Extension[]): Common['merkle'] {
  const found = list.find((x) => x.number === 1);
  if (found === undefined) return undefined;
  return {
    root: found.value.slice(0, 32),
    leafCount: Number(number(found.value.slice(32, 36))),
    jobsPerLeaf: Number(number(found.value.slice(36, 38))),
  };
}

/** How many records a leaf holds. */
export function recordsOfLeaf(count: number, leafCount: number, jobsPerLeaf: number, leaf: number): number {
  return leaf + 1 < leafCount ? jobsPerLeaf : count - jobsPerLeaf * (leafCount - 1);
}

export function parseEnvelope(bytes: Bytes): Envelope {
  const header = start(bytes, false);
  lengths(header);
  const total = 96 + header.extLen + header.keyinfoLen + header.bodyLen + 64;
  if (total !== bytes.length) refuse('E_LENGTH', 'step 4');
  let at = 96 + header.extLen;
  const extensions = parseExtensions(bytes.slice(96, at), (header.flags & MERKLE) !== 0, header.seq);
  const keyinfo = bytes.slice(at, at + header.keyinfoLen);
  at += header.keyinfoLen;
  const body = bytes.slice(at, at + header.bodyLen);
  const merkle = merkleOf(extensions);
  numbers(header, merkle);
  const leaves: Bytes[] = [];
  if (merkle !== undefined) {
    let p = 0;
    for (let i = 0; i < merkle.leafCount; i++) {
      if (body.length - p < 4) refuse('E_LENGTH', 'a leaf overruns the body');
      const ctLen = Number(number(body.slice(p, p + 4)));
      if (body.length - p - 4 < ctLen + 16) refuse('E_LENGTH', 'a leaf overruns the body');
      leaves.push(body.slice(p + 4, p + 4 + ctLen + 16));
      p += 4 + ctLen + 16;
    }
    if (p !== body.length) refuse('E_LENGTH', 'bytes after the last leaf');
    if (leaves.reduce((sum, leaf) => sum + leaf.length - 16, 0) > MAX_PLAINTEXT) refuse('E_LIMIT', 'plaintext');
    leaves.forEach((leaf, i) => {
      const records = recordsOfLeaf(header.count, merkle.leafCount, merkle.jobsPerLeaf, i);
      if (leaf.length - 16 < 3 * records) refuse('E_ENCODING', 'leaf too small for its records');
    });
  }
  const out: Envelope = {
    header,
    extensions,
    ph: bytes.slice(0, 96 + header.extLen),
    keyinfo,
    body,
    leaves,
    signature: bytes.slice(bytes.length - 64),
  };
  if (merkle !== undefined) out.merkle = merkle;
  return out;
}

export function parseJob(bytes: Bytes): Job {
  const header = start(bytes, true);
  lengths(header);
  let at = 96 + header.extLen + header.keyinfoLen;
  if (bytes.length < at + 8 + 16 + 1 + 64) refuse('E_LENGTH', 'too short for its fixed fields');
  const leaf = Number(number(bytes.slice(at, at + 4)));
  const ctLen = Number(number(bytes.slice(at + 4, at + 8)));
  at += 8;
  if (bytes.length < at + ctLen + 16 + 1 + 64) refuse('E_LENGTH', 'ct_len');
  const sealed = bytes.slice(at, at + ctLen + 16);
  at += ctLen + 16;
  const pathLength = bytes[at] ?? 0;
  at += 1;
  if (bytes.length !== at + 32 * pathLength + 64) refuse('E_LENGTH', 'path_len');
  const path = Array.from({ length: pathLength }, (_, i) => bytes.slice(at + 32 * i, at + 32 * i + 32));
  const extensions = parseExtensions(bytes.slice(96, 96 + header.extLen), true, header.seq);
  const merkle = merkleOf(extensions);
  numbers(header, merkle);
  if (merkle === undefined) throw new Error('unreachable');
  if (ctLen > MAX_PLAINTEXT) refuse('E_LIMIT', 'plaintext');
  if (leaf < merkle.leafCount) {
    const records = recordsOfLeaf(header.count, merkle.leafCount, merkle.jobsPerLeaf, leaf);
    if (ctLen < 3 * records) refuse('E_ENCODING', 'leaf too small for its records');
  }
  return {
    header,
    extensions,
    ph: bytes.slice(0, 96 + header.extLen),
    keyinfo: bytes.slice(96 + header.extLen, 96 + header.extLen + header.keyinfoLen),
    signature: bytes.slice(bytes.length - 64),
    merkle,
    leaf,
    sealed,
    path,
  };
}
