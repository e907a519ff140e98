/** Chapter 07: bodies, signed objects, lists, heads, bundles. Makers only; what a receiver does is in trust.ts. */
import { cat, hex, put, text, u16, u32, u64, u8, zeros, type Bytes } from './bytes.ts';
import { publicKeyOf, sign } from './ed25519.ts';
import { H } from './hash.ts';
import { merklePath, merkleRoot } from './merkle.ts';
import { ED25519, rawKeyId, X25519 } from './schedule.ts';
import { encodeVarint } from './varint.ts';

// ---- Schema, from the tables of chapters 04, 07 and 08

export interface Field {
  number: number;
  name: string;
  type: 'uint32' | 'uint64' | 'bool' | 'bytes' | 'string' | 'message';
  message?: string;
  required?: boolean;
  repeated?: boolean;
  maxCount?: number;
  bytes?: number;
  maxBytes?: number;
  mask?: number;
  values?: number[];
}

const u32f = (number: number, name: string, more: Partial<Field> = {}): Field => ({
  number,
  name,
  type: 'uint32',
  ...more,
});
const u64f = (number: number, name: string, more: Partial<Field> = {}): Field => ({
  number,
  name,
  type: 'uint64',
  ...more,
});
const fixed = (number: number, name: string, bytes: number, more: Partial<Field> = {}): Field => ({
  number,
  name,
  type: 'bytes',
  bytes,
  ...more,
});
const textf = (number: number, name: string, maxBytes: number, more: Partial<Field> = {}): Field => ({
  number,
  name,
  type: 'string',
  maxBytes,
  ...more,
});
/** An object in an auth: as long as an auth may be. */
const blob = (number: number, name: string, more: Partial<Field> = {}): Field => ({
  number,
  name,
  type: 'bytes',
  maxBytes: 49_152,
  ...more,
});
const flag = (number: number, name: string): Field => ({ number, name, type: 'bool' });
const sub = (number: number, name: string, message: string, more: Partial<Field> = {}): Field => ({
  number,
  name,
  type: 'message',
  message,
  ...more,
});
const req: Partial<Field> = { required: true };
const many = (maxCount: number, required = true): Partial<Field> =>
  required ? { repeated: true, maxCount, required: true } : { repeated: true, maxCount };

const MESSAGES: Readonly<Record<string, readonly Field[]>> = {
  Key: [u32f(1, 'alg', { values: [1, 32], ...req }), fixed(2, 'public_key', 32, req)],
  Delegation: [
    sub(1, 'key', 'Key', req),
    u32f(2, 'roles', { mask: 7, ...req }),
    u64f(3, 'not_before_ms', req),
    u64f(4, 'not_after_ms', req),
  ],
  AuthorityRecord: [
    u64f(1, 'serial', req),
    u32f(2, 'threshold', req),
    sub(3, 'root_keys', 'Key', many(8)),
    sub(4, 'delegations', 'Delegation', many(32, false)),
    fixed(5, 'previous_hash32', 32),
    textf(6, 'name', 255),
  ],
  PrincipalRecord: [
    sub(1, 'key', 'Key', req),
    u64f(2, 'serial', req),
    u64f(3, 'not_before_ms', req),
    u64f(4, 'not_after_ms', req),
    textf(5, 'name', 255, req),
    textf(6, 'tenant', 255),
    u32f(7, 'roles', { mask: 7, ...req }),
    u32f(8, 'suites', many(16)),
    u32f(9, 'suite_floor', req),
    u32f(10, 'max_version', req),
  ],
  KeyRecord: [
    fixed(1, 'principal_key_id32', 32, req),
    u64f(2, 'principal_serial', req),
    u64f(3, 'serial', req),
    u64f(4, 'not_before_ms', req),
    u64f(5, 'not_after_ms', req),
    sub(6, 'prekeys', 'Key', many(4)),
    sub(7, 'noise_static', 'Key'),
  ],
  Policy: [
    u64f(1, 'version', req),
    fixed(2, 'authority_record_hash32', 32, req),
    sub(3, 'groups', 'GroupEntry', many(1024, false)),
  ],
  GroupEntry: [
    fixed(1, 'group_id16', 16, req),
    fixed(2, 'group_record_hash32', 32, req),
    fixed(3, 'writers_root32', 32, req),
    fixed(4, 'edge_root32', 32, req),
    fixed(5, 'private_hash32', 32, req),
  ],
  GroupRecord: [
    fixed(1, 'group_id16', 16, req),
    u64f(2, 'serial', req),
    u32f(3, 'purpose', { values: [1, 2, 3, 4, 5], ...req }),
    u32f(4, 'suite', { values: [1, 2], ...req }),
    u32f(5, 'block_kind', { values: [1, 2, 5], ...req }),
    sub(6, 'controller', 'Key', req),
    u32f(7, 'max_head_age_ms', req),
    u32f(8, 'epoch_life_ms', req),
    u32f(9, 'drain_ms'),
    u32f(10, 'period_ms', req),
    flag(11, 'topic_chains'),
    flag(12, 'stale_ok'),
    fixed(13, 'crew_id16', 16),
  ],
  PoolRecord: [
    fixed(1, 'group_id16', 16, req),
    fixed(2, 'crew_id16', 16, req),
    u32f(3, 'generation', req),
    u32f(4, 'epoch', req),
    fixed(5, 'block_hash32', 32, req),
    u32f(6, 'suite', { values: [1, 2], ...req }),
    fixed(7, 'public_key32', 32, req),
    u64f(8, 'not_before_ms', req),
    u64f(9, 'not_after_ms', req),
    flag(10, 'revokes'),
  ],
  GroupPrivate: [textf(1, 'patterns', 2047, many(256)), sub(2, 'route_secrets', 'RouteSecret', many(8))],
  RouteSecret: [u32f(1, 'from_period'), fixed(2, 'secret32', 32, req)],
  Hello: [
    u32f(1, 'versions', many(8)),
    u32f(2, 'mode', { values: [1, 2], ...req }),
    u32f(3, 'suites', many(32, false)),
    fixed(4, 'nonce32', 32, req),
    fixed(5, 'authority_id32', 32, req),
    u64f(6, 'authority_serial'),
    u32f(7, 'frame_cap', req),
    u64f(8, 'credit'),
  ],
  Auth: [
    blob(1, 'principal_record', req),
    fixed(2, 'signature64', 64, req),
    blob(3, 'authority_records', many(256, false)),
  ],
  Reject: [
    u32f(1, 'about', { values: [1, 2, 3], ...req }),
    u64f(2, 'number', req),
    textf(3, 'code', 32, req),
    u32f(4, 'retry_ms'),
  ],
  Close: [textf(1, 'code', 32), u32f(2, 'retry_ms')],
};

/** A field may also be text in place of its UTF-8 bytes. */
export type Value = number | bigint | boolean | string | Bytes | Fields | Value[];
export interface Fields {
  [name: string]: Value;
}

export function schemaOf(message: string): readonly Field[] {
  const schema = MESSAGES[message];
  if (schema === undefined) throw new Error(`no message ${message}`);
  return schema;
}

// ---- Writing bodies: `wire` writes anything, encodeBody the one form

export const wire = {
  tag: (number: number, type: number): Bytes => encodeVarint(BigInt(number) * 8n + BigInt(type)),
  /** a field of wire type 0 */
  number: (number: number, value: number | bigint): Bytes => cat(wire.tag(number, 0), encodeVarint(BigInt(value))),
  /** a field of wire type 2 */
  bytes: (number: number, value: Bytes): Bytes => cat(wire.tag(number, 2), encodeVarint(BigInt(value.length)), value),
  packed: (number: number, values: readonly (number | bigint)[]): Bytes =>
    wire.bytes(number, cat(...values.map((v) => encodeVarint(BigInt(v))))),
};

/** A body of exactly `length` bytes: field 1,024, which v1 does not know, fills it. */
export function padded(body: Bytes, length: number): Bytes {
  for (let n = length - body.length; n >= 0; n--) {
    const out = cat(body, wire.bytes(1024, zeros(n)));
    if (out.length === length) return out;
  }
  throw new Error('cannot pad to this length');
}

const bytesOf = (value: Value): Bytes => {
  if (typeof value === 'string') return text(value);
  if (value instanceof Uint8Array) return value;
  throw new Error('not bytes');
};
const numberOf = (value: Value): bigint => {
  if (typeof value === 'number' || typeof value === 'bigint') return BigInt(value);
  if (typeof value === 'boolean') return value ? 1n : 0n;
  throw new Error('not a number');
};
const fieldsOf = (value: Value): Fields => {
  if (typeof value === 'object' && !(value instanceof Uint8Array) && !Array.isArray(value)) return value;
  throw new Error('not a message');
};

/** Writes a present value, whatever it is; only tag, order and packing are taken care of. */
export function encodeField(f: Field, value: Value): Bytes {
  const scalar = f.type === 'uint32' || f.type === 'uint64' || f.type === 'bool';
  if (f.repeated === true) {
    if (!Array.isArray(value)) throw new Error(`${f.name} is repeated`);
    if (scalar) return wire.packed(f.number, value.map(numberOf));
    return cat(...value.map((v) => encodeField({ ...f, repeated: false }, v)));
  }
  if (scalar) return wire.number(f.number, numberOf(value));
  if (f.type === 'message') return wire.bytes(f.number, encodeBody(f.message ?? '', fieldsOf(value)));
  return wire.bytes(f.number, bytesOf(value));
}

function isDefault(f: Field, value: Value): boolean {
  if (f.type === 'message') return Array.isArray(value) && value.length === 0;
  if (Array.isArray(value)) return value.length === 0;
  if (typeof value === 'string' || value instanceof Uint8Array) return value.length === 0;
  return numberOf(value) === 0n;
}

/** The form of principals.1; no bounds are checked, and a name that the message does not have is a mistake of ours. */
export function encodeBody(message: string, fields: Fields): Bytes {
  const schema = schemaOf(message);
  for (const name of Object.keys(fields))
    if (!schema.some((f) => f.name === name)) throw new Error(`${message} has no ${name}`);
  return cat(
    ...schema.map((f) => {
      const value = fields[f.name];
      return value === undefined || isDefault(f, value) ? zeros(0) : encodeField(f, value);
    }),
  );
}

type Json = string | number | boolean | Json[] | { [member: string]: Json };

/** A body as OPERATIONS.md writes it. */
export function bodyJson(message: string, fields: Fields): { [member: string]: Json } {
  const out: { [member: string]: Json } = {};
  for (const f of schemaOf(message)) {
    const value = fields[f.name];
    if (value === undefined || isDefault(f, value)) continue;
    const one = (v: Value): Json => {
      if (f.type === 'message') return bodyJson(f.message ?? '', fieldsOf(v));
      if (f.type === 'bool') return v === true;
      if (f.type === 'uint32') return Number(numberOf(v));
      if (f.type === 'uint64') return numberOf(v).toString();
      return hex(bytesOf(v));
    };
    out[f.name] = Array.isArray(value) ? value.map(one) : one(value);
  }
  return out;
}

// ---- Keys

export interface KeyPair {
  seed: Bytes;
  publicKey: Bytes;
  keyId: Bytes;
}
export function keyPair(seed: Bytes): KeyPair {
  const publicKey = publicKeyOf(seed);
  return { seed, publicKey, keyId: rawKeyId(ED25519, publicKey) };
}
export const edKey = (publicKey: Bytes): Fields => ({ alg: ED25519, public_key: publicKey });
export const xKey = (publicKey: Bytes): Fields => ({ alg: X25519, public_key: publicKey });
const byId = (a: { keyId: Bytes }, b: { keyId: Bytes }): number => Buffer.compare(a.keyId, b.keyId);
/** Ascending by key id. */
export function ascending<T extends { keyId: Bytes }>(keys: readonly T[]): T[] {
  return [...keys].sort(byId);
}

// ---- Signed objects

export const KIND = { authority: 1, principal: 2, keys: 3, policy: 4, group: 5, pool: 6 } as const;

/** SIGIN of chapters 03 and 07, also for heads, blocks, enrolments and links. */
export function sigin(label: string, signerKeyId: Bytes, bind: Bytes, first: Bytes, second: Bytes): Bytes {
  return cat(text('tdc1 sig '), text(label), u8(0), signerKeyId, bind, H(first), H(second));
}

/** `H("tdc1 …" ‖ 0x00 ‖ …)` */
export function labelled(label: string, ...parts: Bytes[]): Bytes {
  return H(text(`tdc1 ${label}`), u8(0), ...parts);
}

export const authorityIdOf = (firstBody: Bytes): Bytes => labelled('authority', firstBody);

export interface Signer {
  seed: Bytes;
  label: string;
  /** what is written and signed in place of its own key id */
  keyId?: Bytes;
  /** what is signed in place of the right SIGIN */
  message?: Bytes;
}

export interface Bend {
  magic?: Bytes;
  version?: number;
  zero?: number;
  bodyLen?: number;
  sigCount?: number;
}

export interface SignedObject {
  bytes: Bytes;
  hash: Bytes;
  prefix: Bytes;
  body: Bytes;
}

export function encodeObject(
  kind: number,
  authorityId: Bytes,
  body: Bytes,
  signers: readonly Signer[],
  bend: Bend = {},
): SignedObject {
  const prefix = cat(
    bend.magic ?? text('TDOB'),
    u8(bend.version ?? 1),
    u8(kind),
    u16(bend.zero ?? 0),
    authorityId,
    u32(bend.bodyLen ?? body.length),
  );
  const signatures = signers.map((s) => {
    const keyId = s.keyId ?? keyPair(s.seed).keyId;
    return cat(keyId, sign(s.seed, s.message ?? sigin(s.label, keyId, authorityId, prefix, body)));
  });
  return {
    bytes: cat(prefix, body, u8(bend.sigCount ?? signers.length), ...signatures),
    hash: labelled('object', prefix, body),
    prefix,
    body,
  };
}

/** Signers of an authority record in their order. */
export function rootSigners(keys: readonly KeyPair[]): Signer[] {
  return ascending(keys).map((k) => ({ seed: k.seed, label: 'authority' }));
}

export interface DelegationSpec {
  key: KeyPair;
  roles: number;
  notBefore: bigint;
  notAfter: bigint;
}
export const ROLE = { issuer: 1, policy: 2, status: 4 } as const;

/** Fields of an authority record, keys and delegations put in order. */
export function authorityFields(
  serial: number | bigint,
  threshold: number,
  rootKeys: readonly KeyPair[],
  delegations: readonly DelegationSpec[],
  more: Fields = {},
): Fields {
  return {
    serial: BigInt(serial),
    threshold,
    root_keys: ascending(rootKeys).map((k) => edKey(k.publicKey)),
    delegations: [...delegations]
      .sort((a, b) => byId(a.key, b.key))
      .map((d) => ({
        key: edKey(d.key.publicKey),
        roles: d.roles,
        not_before_ms: d.notBefore,
        not_after_ms: d.notAfter,
      })),
    ...more,
  };
}

/** The first record of an authority; its id follows from the body. */
export function firstAuthority(
  fields: Fields,
  signers: readonly KeyPair[],
): { authorityId: Bytes; object: SignedObject } {
  const body = encodeBody('AuthorityRecord', fields);
  const authorityId = authorityIdOf(body);
  return { authorityId, object: encodeObject(KIND.authority, authorityId, body, rootSigners(signers)) };
}

export function nextAuthority(authorityId: Bytes, fields: Fields, signers: readonly KeyPair[]): SignedObject {
  return encodeObject(KIND.authority, authorityId, encodeBody('AuthorityRecord', fields), rootSigners(signers));
}

export function principalRecord(authorityId: Bytes, subject: KeyPair, issuer: KeyPair, fields: Fields): SignedObject {
  return encodeObject(
    KIND.principal,
    authorityId,
    encodeBody('PrincipalRecord', { key: edKey(subject.publicKey), ...fields }),
    [
      { seed: subject.seed, label: 'principal' },
      { seed: issuer.seed, label: 'issuer' },
    ],
  );
}

export function keyRecord(authorityId: Bytes, subject: KeyPair, fields: Fields): SignedObject {
  return encodeObject(
    KIND.keys,
    authorityId,
    encodeBody('KeyRecord', { principal_key_id32: subject.keyId, ...fields }),
    [{ seed: subject.seed, label: 'keys' }],
  );
}

export function policyObject(authorityId: Bytes, signer: KeyPair, fields: Fields): SignedObject {
  return encodeObject(KIND.policy, authorityId, encodeBody('Policy', fields), [{ seed: signer.seed, label: 'policy' }]);
}

export function groupRecord(authorityId: Bytes, signer: KeyPair, fields: Fields): SignedObject {
  return encodeObject(KIND.group, authorityId, encodeBody('GroupRecord', fields), [
    { seed: signer.seed, label: 'group' },
  ]);
}

export function poolRecord(authorityId: Bytes, controller: KeyPair, fields: Fields): SignedObject {
  return encodeObject(KIND.pool, authorityId, encodeBody('PoolRecord', fields), [
    { seed: controller.seed, label: 'pool' },
  ]);
}

// ---- Trees over data

export function treeHead(leaves: readonly Bytes[]): Bytes {
  return merkleRoot(leaves.map((l) => H(u8(0), l)));
}
export function treePath(leaves: readonly Bytes[], index: number): Bytes[] {
  return merklePath(
    leaves.map((l) => H(u8(0), l)),
    index,
  );
}
export function sortBytes(list: readonly Bytes[]): Bytes[] {
  return [...list].sort((a, b) => Buffer.compare(a, b));
}

// ---- Access lists

export const USE = { writers: 1, edge: 2 } as const;
export const ACTION = { publish: 1, subscribe: 2, respond: 4, route: 8 } as const;

export interface Entry {
  keyId: Bytes;
  actions: number;
  matchKind: number;
  level: number;
  match: Bytes;
  notAfter: bigint;
}
export function entry60(e: Entry): Bytes {
  return cat(e.keyId, u16(e.actions), u8(e.matchKind), u8(e.level), e.match, u64(e.notAfter));
}
/** The list over encoded entries as they stand, also a wrong one. */
export function rawList(use: number, groupId: Bytes, entries: readonly Bytes[]): { bytes: Bytes; root: Bytes } {
  return {
    bytes: cat(text('TDAL'), u8(1), u8(use), u16(0), groupId, u32(entries.length), ...entries),
    root: treeHead(entries.map((e) => cat(u8(use), groupId, e))),
  };
}
export function encodeList(use: number, groupId: Bytes, entries: readonly Entry[]): { bytes: Bytes; root: Bytes } {
  return rawList(use, groupId, sortBytes(entries.map(entry60)));
}

// ---- Revocation list

export interface Revoked {
  keyId: Bytes;
  minSerial: bigint;
}
export function encodeRevoked(entries: readonly Revoked[]): Bytes {
  const sorted = ascending(entries);
  return cat(text('TDRV'), u8(1), zeros(3), u32(entries.length), ...sorted.map((e) => cat(e.keyId, u64(e.minSerial))));
}

// ---- Heads

export interface HeadFields {
  headSeq: bigint;
  issued: bigint;
  freshUntil: bigint;
  policyVersion: bigint;
  policyHash: Bytes;
  groupsRoot: Bytes;
  revokedHash: Bytes;
  prevHeadHash: Bytes;
}
export interface Head {
  bytes: Bytes;
  hash: Bytes;
}

/** head[0..200] */
export function headBody(statusKeyId: Bytes, f: HeadFields): Bytes {
  return cat(
    text('TDHD'),
    u8(1),
    u8(0),
    u16(1),
    statusKeyId,
    u64(f.headSeq),
    u64(f.issued),
    u64(f.freshUntil),
    u64(f.policyVersion),
    f.policyHash,
    f.groupsRoot,
    f.revokedHash,
    f.prevHeadHash,
  );
}
/** Signs any 200 bytes as a head. */
export function signHead(authorityId: Bytes, key: KeyPair, body: Bytes, label = 'head'): Head {
  const signature = sign(key.seed, sigin(label, body.slice(8, 40), authorityId, body, zeros(0)));
  return { bytes: cat(body, signature), hash: headHash(body) };
}
export function makeHead(authorityId: Bytes, key: KeyPair, f: HeadFields): Head {
  return signHead(authorityId, key, headBody(key.keyId, f));
}
export function headHash(head: Bytes): Bytes {
  return labelled('head', head.slice(0, 200));
}

export interface GroupLeaf {
  groupId: Bytes;
  generation: number;
  epoch: number;
  blockHash: Bytes;
}
export function groupLeaf(l: GroupLeaf): Bytes {
  return cat(u8(1), l.groupId, u32(l.generation), u32(l.epoch), l.blockHash);
}
export function groupsRoot(leaves: readonly GroupLeaf[]): Bytes {
  return treeHead(sortBytes(leaves.map(groupLeaf)));
}
/** The group head of one of `leaves`, which are those of the head's groups_root32. */
export function groupHead(head: Bytes, leaves: readonly GroupLeaf[], groupId: Bytes): Bytes {
  const sorted = sortBytes(leaves.map(groupLeaf));
  const index = sorted.findIndex((l) => hex(l.slice(1, 17)) === hex(groupId));
  const leaf = sorted[index];
  if (leaf === undefined) throw new Error('no leaf of this group');
  return rawGroupHead(head, leaf, index, sorted.length, treePath(sorted, index));
}
export function rawGroupHead(
  head: Bytes,
  leaf: Bytes,
  index: number,
  count: number,
  path: readonly Bytes[],
  pathLen: number = path.length,
): Bytes {
  return cat(head, leaf, u32(index), u32(count), u8(pathLen), ...path);
}

export function headAnswer(authorityId: Bytes, key: KeyPair, head: Bytes, nonce: Bytes, label = 'head nonce'): Bytes {
  return cat(head, nonce, sign(key.seed, sigin(label, head.slice(8, 40), authorityId, head.slice(0, 200), nonce)));
}

// ---- Bundles

export const ADDRESS = {
  authority: 1,
  principal: 2,
  keys: 3,
  policy: 4,
  group: 5,
  revoked: 6,
  writers: 7,
  edge: 8,
  block: 9,
  enrolment: 10,
  groupHead: 11,
  head: 12,
  pool: 13,
} as const;

export function address16(authorityId: Bytes, type: number, id: Bytes): Bytes {
  return labelled('address', authorityId, u8(type), id).slice(0, 16);
}
export function encodeBundle(objects: readonly { address: Bytes; bytes: Bytes }[]): Bytes {
  return cat(
    text('TDBU'),
    u8(1),
    zeros(3),
    u32(objects.length),
    ...objects.map((o) => cat(o.address, u32(o.bytes.length), o.bytes)),
  );
}

/** Overwrites a big-endian number of `width` bytes. */
export function putNumber(bytes: Bytes, offset: number, width: 1 | 2 | 4 | 8, value: number | bigint): Bytes {
  const write =
    width === 8 ? u64(value) : width === 4 ? u32(Number(value)) : width === 2 ? u16(Number(value)) : u8(Number(value));
  return put(bytes, offset, write);
}
