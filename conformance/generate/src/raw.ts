/** Structural envelopes and jobs: right in form, with bytes that no key ever made. For steps 1 to 6. */
import type { Members } from './json.ts';
import { extensionsJson, headerJson } from './check.ts';
import { cat, hex, seeded, u16, u32, u8, zeros, type Bytes } from './twin/bytes.ts';
import { encodeExtensions, type Extension } from './twin/extensions.ts';
import { encodeHeader, type Header } from './twin/header.ts';
import { ALICE, EPOCH, NOW, TAG } from './world.ts';

export interface Raw {
  header: Partial<Header>;
  extensions: Extension[];
  /** in place of the encoded list */
  area?: Bytes;
  keyinfo: Bytes;
  body: Bytes;
}

const SIGNATURE: Bytes = seeded('raw signature', 64);

/** Lengths follow from the parts unless `header` says otherwise. */
export function rawHeader(r: Partial<Raw>): Header {
  const area = r.area ?? encodeExtensions(r.extensions ?? []);
  return {
    patternKind: 0x20,
    suite: 1,
    flags: 0,
    topicTag: TAG,
    epoch: EPOCH,
    count: 1,
    senderId: ALICE.senderId,
    streamId: seeded('raw stream', 8),
    seq: 2n,
    timestamp: NOW,
    salt: seeded('raw salt', 16),
    extLen: area.length,
    keyinfoLen: (r.keyinfo ?? zeros(0)).length,
    bodyLen: (r.body ?? BODY).length,
    ...r.header,
  };
}

const BODY: Bytes = seeded('raw body', 16 + 24);

export function rawEnvelope(r: Partial<Raw> = {}): Bytes {
  const area = r.area ?? encodeExtensions(r.extensions ?? []);
  return cat(encodeHeader(rawHeader(r)), area, r.keyinfo ?? zeros(0), r.body ?? BODY, SIGNATURE);
}

/** What `envelope.parse` answers, stated from the parts that were put in. */
export function rawOut(r: Partial<Raw> = {}): Members {
  return {
    header: headerJson(rawHeader(r)),
    extensions: extensionsJson(r.extensions ?? []),
    keyinfo: hex(r.keyinfo ?? zeros(0)),
    body: hex(r.body ?? BODY),
    signature: hex(SIGNATURE),
  };
}

export function merkleValue(root: Bytes, leafCount: number, jobsPerLeaf: number): Extension {
  return { number: 1, critical: true, value: cat(root, u32(leafCount), u16(jobsPerLeaf)) };
}

/** One leaf of a Merkle body, with any ct_len. */
export function rawLeaf(ctBytes: number, ctLen: number = ctBytes): Bytes {
  return cat(u32(ctLen), seeded(`raw leaf ${ctBytes}`, ctBytes + 16));
}

export interface RawJob extends Raw {
  leaf: number;
  ctLen: number;
  sealed: Bytes;
  pathLen: number;
  path: Bytes[];
}

const JOB_BATCH = { flags: 3, count: 5, bodyLen: 3 * 20 + 50 };
const JOB_SEALED: Bytes = seeded('raw job', 16 + 20);
const JOB_PATH: Bytes[] = [seeded('raw path 0', 32), seeded('raw path 1', 32)];
const JOB_EXTENSIONS: Extension[] = [merkleValue(seeded('raw root', 32), 3, 2)];

export function rawJob(r: Partial<RawJob> = {}): Bytes {
  const extensions = r.extensions ?? JOB_EXTENSIONS;
  const area = r.area ?? encodeExtensions(extensions);
  const sealed = r.sealed ?? JOB_SEALED;
  const path = r.path ?? JOB_PATH;
  const header = rawHeader({ extensions, area, keyinfo: r.keyinfo ?? zeros(0), header: { ...JOB_BATCH, ...r.header } });
  return cat(
    encodeHeader(header),
    area,
    r.keyinfo ?? zeros(0),
    u32(r.leaf ?? 0),
    u32(r.ctLen ?? sealed.length - 16),
    sealed,
    u8(r.pathLen ?? path.length),
    ...path,
    SIGNATURE,
  );
}

export function rawJobOut(r: Partial<RawJob> = {}): Members {
  const extensions = r.extensions ?? JOB_EXTENSIONS;
  return {
    header: headerJson(
      rawHeader({ extensions, keyinfo: r.keyinfo ?? zeros(0), header: { ...JOB_BATCH, ...r.header } }),
    ),
    extensions: extensionsJson(extensions),
    keyinfo: hex(r.keyinfo ?? zeros(0)),
    leaf: r.leaf ?? 0,
    ciphertext: hex(r.sealed ?? JOB_SEALED),
    path: (r.path ?? JOB_PATH).map(hex),
    signature: hex(SIGNATURE),
  };
}
