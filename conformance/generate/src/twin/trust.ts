/** The receiver of chapter 07, written from its tables: bodies, objects, lists, heads, bundles. */
import { hex, number, same, text, u8, zeros, cat, type Bytes } from './bytes.ts';
import { verify } from './ed25519.ts';
import { H } from './hash.ts';
import { verifyPath } from './merkle.ts';
import {
  authorityIdOf,
  headHash,
  KIND,
  labelled,
  ROLE,
  schemaOf,
  sigin,
  treeHead,
  type Entry,
  type Field,
  type Fields,
  type Revoked,
  type Value,
} from './objects.ts';
import { refuse } from './refusal.ts';
import { ED25519, keyId, rawKeyId, X25519 } from './schedule.ts';
import { readVarint } from './varint.ts';

const SAFE: bigint = (1n << 53n) - 1n;
const DAY = 86_400_000n;

// ---- Bodies

const encoding = (why: string): never => refuse('E_ENCODING', why);

function checkNumber(f: Field, value: bigint, element: boolean): Value {
  if (value === 0n && !element) encoding('principals.4: default');
  if (f.type === 'bool') return value === 1n ? true : encoding('principals.4: bool');
  if (f.type === 'uint32' && value > 0xffff_ffffn) encoding('principals.4: bound');
  if (f.values !== undefined && !f.values.includes(Number(value))) encoding('principals.4: values');
  if (f.mask !== undefined && (value & ~BigInt(f.mask)) !== 0n) encoding('principals.4: mask');
  return value;
}

function checkUtf8(bytes: Bytes): void {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    encoding('principals.5: UTF-8');
  }
}

/** principals.2 to principals.7; throws what is met first. */
export function decodeBody(message: string, bytes: Bytes, depth = 1): Fields {
  if (depth > 8) encoding('principals.5: depth');
  const schema = schemaOf(message);
  const out: Fields = {};
  let at = 0;
  let last = 0;
  while (at < bytes.length) {
    const tag = readVarint(bytes, at);
    const n = Number(tag.value >> 3n);
    const type = Number(tag.value & 7n);
    at = tag.next;
    if ((type !== 0 && type !== 2) || n < 1 || n > 536_870_911) encoding('principals.2: tag');
    if (n < last) encoding('principals.2: order');
    const f = schema.find((x) => x.number === n);
    if (f === undefined && n < 1024) encoding('principals.3: unknown');
    const scalar = f !== undefined && (f.type === 'uint32' || f.type === 'uint64' || f.type === 'bool');
    if (f !== undefined && (scalar && f.repeated !== true ? 0 : 2) !== type) encoding('principals.3: wire type');
    if (f !== undefined && n === last && (scalar || f.repeated !== true)) encoding('principals.3: twice');
    last = n;
    const list = f?.repeated === true ? ((out[f.name] ?? []) as Value[]) : undefined;
    if (f !== undefined && list !== undefined && !scalar && list.length >= (f.maxCount ?? Infinity))
      refuse('E_LIMIT', 'principals.6: elements');
    const value = readVarint(bytes, at);
    at = value.next;
    if (type === 0) {
      if (f !== undefined) out[f.name] = checkNumber(f, value.value, false);
      continue;
    }
    if (value.value > BigInt(bytes.length - at)) encoding('principals.2: beyond the end');
    const content = bytes.slice(at, at + Number(value.value));
    at += content.length;
    if (f === undefined) continue;
    if (scalar) {
      if (content.length === 0) encoding('principals.4: empty list');
      const numbers: Value[] = [];
      for (let p = 0; p < content.length;) {
        if (numbers.length >= (f.maxCount ?? Infinity)) refuse('E_LIMIT', 'principals.6: elements');
        const v = readVarint(content, p);
        numbers.push(checkNumber(f, v.value, true));
        p = v.next;
      }
      out[f.name] = numbers;
      continue;
    }
    if (content.length === 0 && list === undefined && f.type !== 'message') encoding('principals.4: empty');
    if (f.bytes !== undefined && content.length !== f.bytes) encoding('principals.5: width');
    if (f.maxBytes !== undefined && content.length > f.maxBytes) refuse('E_LIMIT', 'principals.6: text');
    if (f.type === 'string') checkUtf8(content);
    const one: Value = f.type === 'message' ? decodeBody(f.message ?? '', content, depth + 1) : content;
    if (list === undefined) out[f.name] = one;
    else out[f.name] = [...list, one];
  }
  for (const f of schema) if (f.required === true && out[f.name] === undefined) encoding(`principals.3: ${f.name}`);
  return out;
}

const asBytes = (v: Value | undefined): Bytes => (v instanceof Uint8Array ? v : zeros(0));
const asNumber = (v: Value | undefined): bigint => (typeof v === 'bigint' ? v : 0n);
const asList = (v: Value | undefined): Value[] => (Array.isArray(v) ? v : []);
const asFields = (v: Value | undefined): Fields => v as Fields;

// ---- Lists, bundles

class Reader {
  readonly bytes: Bytes;
  at = 0;
  constructor(bytes: Bytes) {
    this.bytes = bytes;
  }
  take(n: number): Bytes {
    if (n > this.bytes.length - this.at) refuse('E_LENGTH', 'ends early');
    const out = this.bytes.slice(this.at, this.at + n);
    this.at += n;
    return out;
  }
  uint(n: number): bigint {
    return number(this.take(n));
  }
  left(): number {
    return this.bytes.length - this.at;
  }
}

function opening(r: Reader, least: number, magic: string): void {
  if (r.bytes.length < least) refuse('E_LENGTH', 'too short');
  if (!same(r.take(4), text(magic))) encoding('magic');
  if (r.uint(1) !== 1n) refuse('E_VERSION', 'version');
}

export function readEntry(bytes: Bytes): Entry {
  return {
    keyId: bytes.slice(0, 32),
    actions: Number(number(bytes.slice(32, 34))),
    matchKind: bytes[34] ?? 0,
    level: bytes[35] ?? 0,
    match: bytes.slice(36, 52),
    notAfter: number(bytes.slice(52, 60)),
  };
}

export function checkList(list: Bytes, use: number, groupId: Bytes, root: Bytes): Entry[] {
  const r = new Reader(list);
  opening(r, 28, 'TDAL');
  if (r.uint(1) !== BigInt(use) || (use !== 1 && use !== 2)) encoding('use');
  if (r.uint(2) !== 0n) encoding('zeros');
  if (!same(r.take(16), groupId)) refuse('E_BINDING', 'group');
  const count = r.uint(4);
  if (count > (use === 1 ? 4096n : 65_536n)) refuse('E_LIMIT', 'principals.21: count');
  if (count * 60n !== BigInt(r.left())) refuse('E_LENGTH', 'length');
  const raw: Bytes[] = [];
  for (let i = 0n; i < count; i++) {
    const bytes = r.take(60);
    const e = readEntry(bytes);
    if (e.notAfter > SAFE) refuse('E_LIMIT', 'u64');
    const before = raw[raw.length - 1];
    if (before !== undefined) {
      if (Buffer.compare(before, bytes) >= 0) encoding('principals.20: order');
      if (!same(before.slice(0, 32), e.keyId) && same(before.slice(0, 16), e.keyId.slice(0, 16)))
        encoding('principals.20: sender ids');
    }
    if (e.actions === 0 || (e.actions & ~(use === 1 ? 15 : 11)) !== 0) encoding('principals.20: actions');
    if (e.matchKind > 2 || (e.matchKind === 0 && use !== 1)) encoding('principals.20: match kind');
    if (e.matchKind !== 2 && e.level !== 0) encoding('principals.20: level');
    if (e.level > 7) encoding('principals.20: level');
    if (e.matchKind === 0 && !same(e.match, zeros(16))) encoding('principals.20: match');
    raw.push(bytes);
  }
  if (!same(treeHead(raw.map((e) => cat(u8(use), groupId, e))), root)) refuse('E_POLICY', 'principals.21: root');
  return raw.map(readEntry);
}

export interface Asked {
  timestamp?: bigint;
  tag?: Bytes;
  chain?: Bytes[];
  now?: bigint;
  matchKind?: number;
  level?: number;
  match?: Bytes;
}
export function allows(entries: readonly Entry[], who: Bytes, action: number, a: Asked): boolean {
  return entries.some((e) => {
    if (!same(e.keyId, who) || (e.actions & action) !== action) return false;
    if (a.timestamp !== undefined) {
      if (a.timestamp > e.notAfter) return false;
      if (e.matchKind === 0) return true;
      if (e.matchKind === 1) return a.tag !== undefined && same(a.tag, e.match);
      const value = a.chain?.[e.level];
      return value !== undefined && same(value, e.match);
    }
    return (
      (a.now ?? 0n) <= e.notAfter &&
      e.matchKind === a.matchKind &&
      e.level === a.level &&
      a.match !== undefined &&
      same(e.match, a.match)
    );
  });
}

export function checkRevoked(list: Bytes): Revoked[] {
  const r = new Reader(list);
  opening(r, 12, 'TDRV');
  if (r.uint(3) !== 0n) encoding('zeros');
  const count = r.uint(4);
  if (count > 16_384n) refuse('E_LIMIT', 'count');
  if (count * 40n !== BigInt(r.left())) refuse('E_LENGTH', 'length');
  const out: Revoked[] = [];
  for (let i = 0n; i < count; i++) {
    const e = { keyId: r.take(32), minSerial: r.uint(8) };
    if (e.minSerial > SAFE) refuse('E_LIMIT', 'u64');
    const before = out[out.length - 1];
    if (before !== undefined && Buffer.compare(before.keyId, e.keyId) >= 0) encoding('order');
    out.push(e);
  }
  return out;
}

export function parseBundle(bundle: Bytes): { address: Bytes; bytes: Bytes }[] {
  const r = new Reader(bundle);
  if (bundle.length > 16_777_216) refuse('E_LIMIT', 'bytes');
  opening(r, 12, 'TDBU');
  if (r.uint(3) !== 0n) encoding('zeros');
  const count = r.uint(4);
  if (count > 16_384n) refuse('E_LIMIT', 'objects');
  const out: { address: Bytes; bytes: Bytes }[] = [];
  for (let i = 0n; i < count; i++) out.push({ address: r.take(16), bytes: r.take(Number(r.uint(4))) });
  if (r.left() > 0) refuse('E_LENGTH', 'bytes after the end');
  return out;
}

// ---- What a node holds

interface KeyField {
  alg: bigint;
  publicKey: Bytes;
  /** the formula alone */
  id: Bytes;
}
function keyOf(v: Value | undefined): KeyField {
  const f = asFields(v);
  const alg = asNumber(f['alg']);
  const publicKey = asBytes(f['public_key']);
  return { alg, publicKey, id: rawKeyId(Number(alg), publicKey) };
}
interface Delegated {
  key: KeyField;
  roles: number;
  from: bigint;
  to: bigint;
}
interface Authority {
  serial: bigint;
  hash: Bytes;
  threshold: bigint;
  roots: KeyField[];
  delegations: Delegated[];
}
interface Placed {
  serial: bigint;
  hash: Bytes;
  publicKey: Bytes;
}

const ascend = (list: readonly Bytes[]): boolean =>
  list.every((x, i) => i === 0 || Buffer.compare(list[i - 1] ?? x, x) < 0);
const only = (keys: readonly KeyField[], alg: number): void => {
  if (keys.some((k) => k.alg !== BigInt(alg))) encoding('another algorithm');
};
/** The canonical u of the points whose order divides 8, RFC 7748: every clamped secret gives zeros with them. */
export const LOW_ORDER: ReadonlySet<string> = new Set([
  '00'.repeat(32),
  `01${'00'.repeat(31)}`,
  `ec${'ff'.repeat(30)}7f`,
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
]);

const usable = (keys: readonly KeyField[]): void => {
  for (const k of keys) keyId(Number(k.alg), k.publicKey);
};
function interval(from: bigint, to: bigint, most: bigint): void {
  if (to < from) encoding('ends before it begins');
  if (to - from > most) refuse('E_LIMIT', 'too long');
}
const between = (n: bigint, low: bigint, high: bigint): void => {
  if (n < low || n > high) refuse('E_LIMIT', 'out of bounds');
};

const verified: Map<string, unknown> = new Map();
export function verifyOnce(publicKey: Bytes, message: Bytes, signature: Bytes): void {
  const name = hex(H(publicKey, message, signature));
  if (!verified.has(name)) {
    try {
      verify(publicKey, message, signature);
      verified.set(name, undefined);
    } catch (error) {
      verified.set(name, error);
    }
  }
  const error = verified.get(name);
  if (error !== undefined) throw error;
}

export type Taken = { known: true } | { held: true; generation?: number; epoch?: number; blockHash?: Bytes };

export class Trust {
  readonly authorityId: Bytes;
  readonly skew: bigint;
  private authority: Authority | undefined;
  /** issuer of each principal record held, by key id */
  private readonly issuers = new Map<string, Bytes>();
  private readonly placed: Map<string, Placed> = new Map();
  private readonly groups: Map<string, Fields> = new Map();
  private readonly poolBefore: Map<string, { hash: Bytes; until: bigint }> = new Map();
  private head: { seq: bigint; hash: Bytes } | undefined;
  private readonly leaves: Map<string, string> = new Map();

  constructor(authorityId: Bytes, skew: bigint) {
    this.authorityId = authorityId;
    this.skew = skew;
  }

  private during(now: bigint, from: bigint, to: bigint): void {
    if (now + this.skew < from || now - this.skew > to) refuse('E_EXPIRED', 'not now');
  }

  /** Step 7 for issuer and policy keys. */
  private delegated(signer: Bytes, role: number, now: bigint): Bytes {
    const d = this.authority?.delegations.find((x) => same(x.key.id, signer));
    if (d === undefined) return refuse('E_SENDER', 'not delegated');
    if ((d.roles & role) === 0) refuse('E_POLICY', 'another role');
    this.during(now, d.from, d.to);
    return d.key.publicKey;
  }

  object(kind: number, now: bigint, bytes: Bytes): Taken {
    if (bytes.length < 45) refuse('E_LENGTH', 'step 1');
    if (bytes.length > 262_144) refuse('E_LIMIT', 'step 1');
    const r = new Reader(bytes);
    opening(r, 45, 'TDOB');
    if (r.uint(1) !== BigInt(kind)) encoding('step 2: kind');
    if (r.uint(2) !== 0n) encoding('step 2: zeros');
    const authorityId = r.take(32);
    const body = r.take(Number(r.uint(4)));
    const count = Number(r.uint(1));
    if (r.left() !== count * 96) refuse('E_LENGTH', 'step 3');
    if (count > 16) refuse('E_LIMIT', 'step 3');
    const prefix = bytes.slice(0, 44);
    const signatures = Array.from({ length: count }, () => ({ signer: r.take(32), signature: r.take(64) }));
    const hash = labelled('object', prefix, body);
    if (!same(authorityId, this.authorityId)) refuse('E_BINDING', 'step 4');
    const check = (i: number, label: string, publicKey: Bytes): void => {
      const s = signatures[i];
      if (s === undefined) return refuse('E_SIG', 'step 6');
      verifyOnce(publicKey, sigin(label, s.signer, authorityId, prefix, body), s.signature);
    };
    const named = (n: number): Bytes[] => {
      if (count !== n) refuse('E_SIG', 'step 6: number');
      return signatures.map((s) => s.signer);
    };
    switch (kind) {
      case KIND.authority:
        return this.takeAuthority(
          body,
          hash,
          signatures.map((s) => s.signer),
          check,
        );
      case KIND.principal: {
        const f = decodeBody('PrincipalRecord', body);
        const key = keyOf(f['key']);
        const [from, to] = [asNumber(f['not_before_ms']), asNumber(f['not_after_ms'])];
        only([key], ED25519);
        interval(from, to, 30n * DAY);
        const suites = asList(f['suites']).map(asNumber);
        if (suites.some((s, i) => i > 0 && s <= (suites[i - 1] ?? s))) encoding('suites');
        usable([key]);
        const [subject, issuer] = named(2);
        if (!same(subject ?? body, key.id)) refuse('E_SIG', 'step 6: subject');
        const issuerKey = this.delegated(issuer ?? body, ROLE.issuer, now);
        check(0, 'principal', key.publicKey);
        check(1, 'issuer', issuerKey);
        this.during(now, from, to);
        const taken = this.place(`principal ${hex(key.id)}`, asNumber(f['serial']), hash, 'E_EXPIRED', key.publicKey);
        this.issuers.set(hex(key.id), issuer ?? body);
        return taken;
      }
      case KIND.keys: {
        const f = decodeBody('KeyRecord', body);
        const [from, to] = [asNumber(f['not_before_ms']), asNumber(f['not_after_ms'])];
        const keys = [...asList(f['prekeys']), ...(f['noise_static'] === undefined ? [] : [f['noise_static']])].map(
          keyOf,
        );
        only(keys, X25519);
        if (new Set(keys.map((k) => hex(k.id))).size !== keys.length) encoding('a key twice');
        interval(from, to, 2n * DAY);
        usable(keys);
        if (keys.some((k) => LOW_ORDER.has(hex(k.publicKey)))) refuse('E_KEY', 'suites.5: 32 zero bytes');
        const subject = asBytes(f['principal_key_id32']);
        const [signer] = named(1);
        if (!same(signer ?? body, subject)) refuse('E_SIG', 'step 6: subject');
        const principal = this.placed.get(`principal ${hex(subject)}`);
        if (principal === undefined) return refuse('E_SENDER', 'principals.16');
        if (!this.isIssuer(this.issuers.get(hex(subject)) ?? body)) refuse('E_EXPIRED', 'principals.14: issuer');
        check(0, 'keys', principal.publicKey);
        this.during(now, from, to);
        if (asNumber(f['principal_serial']) < principal.serial) refuse('E_EXPIRED', 'principals.16');
        return this.place(`keys ${hex(subject)}`, asNumber(f['serial']), hash, 'E_EXPIRED');
      }
      case KIND.policy: {
        const f = decodeBody('Policy', body);
        if (!ascend(asList(f['groups']).map((g) => asBytes(asFields(g)['group_id16'])))) encoding('groups');
        const [signer] = named(1);
        check(0, 'policy', this.delegated(signer ?? body, ROLE.policy, now));
        return this.place('policy', asNumber(f['version']), hash, 'E_EPOCH');
      }
      case KIND.group: {
        const f = decodeBody('GroupRecord', body);
        const controller = keyOf(f['controller']);
        only([controller], ED25519);
        const purpose = asNumber(f['purpose']);
        const crew = f['crew_id16'];
        if ((purpose === 4n) !== (crew !== undefined)) encoding('crew_id16');
        if (crew !== undefined && same(asBytes(crew), asBytes(f['group_id16']))) encoding('its own crew');
        if (f['topic_chains'] === true && purpose >= 3n) encoding('topic_chains');
        between(asNumber(f['max_head_age_ms']), 5000n, purpose >= 4n ? 60_000n : 86_400_000n);
        between(asNumber(f['epoch_life_ms']), 1000n, 3_600_000n);
        between(asNumber(f['drain_ms']), 0n, 3_600_000n);
        between(asNumber(f['period_ms']), 60_000n, 604_800_000n);
        usable([controller]);
        const [signer] = named(1);
        check(0, 'group', this.delegated(signer ?? body, ROLE.policy, now));
        const taken = this.place(`group ${hex(asBytes(f['group_id16']))}`, asNumber(f['serial']), hash, 'E_EPOCH');
        this.groups.set(hex(asBytes(f['group_id16'])), f);
        return taken;
      }
      case KIND.pool: {
        const f = decodeBody('PoolRecord', body);
        const [front, crew] = [asBytes(f['group_id16']), asBytes(f['crew_id16'])];
        const [from, to] = [asNumber(f['not_before_ms']), asNumber(f['not_after_ms'])];
        if (from > to) encoding('ends before it begins');
        if (same(front, crew)) encoding('a crew that is the front');
        const publicKey = asBytes(f['public_key32']);
        keyId(X25519, publicKey);
        if (LOW_ORDER.has(hex(publicKey))) refuse('E_KEY', 'step 5: 32 zero bytes');
        const [signer] = named(1);
        const frontRecord = this.groups.get(hex(front)) ?? refuse('E_POLICY', 'step 7: no record of the front');
        const crewRecord = this.groups.get(hex(crew)) ?? refuse('E_POLICY', 'step 7: no record of the crew');
        if (frontRecord['purpose'] !== 4n) refuse('E_BINDING', 'step 7: no front');
        if (crewRecord['purpose'] !== 5n) refuse('E_BINDING', 'step 7: no crew');
        if (!same(asBytes(frontRecord['crew_id16']), crew)) refuse('E_BINDING', 'step 7: another crew');
        if (f['suite'] !== crewRecord['suite']) refuse('E_SUITE', 'step 7');
        const controller = keyOf(crewRecord['controller']);
        if (!same(signer ?? body, controller.id)) refuse('E_POLICY', 'step 7: another signer');
        check(0, 'pool', controller.publicKey);
        if (now - this.skew > to) refuse('E_EXPIRED', 'step 9');
        // the generation counts first
        const serial = (asNumber(f['generation']) << 32n) + asNumber(f['epoch']);
        const name = `pool ${hex(front)}`;
        const [held, before] = [this.placed.get(name), this.poolBefore.get(name)];
        // patterns.12: until the newest has begun, the one before is held too
        if (held !== undefined && before !== undefined && same(before.hash, hash) && now < before.until)
          return { known: true };
        const taken = this.place(name, serial, hash, 'E_EPOCH');
        if (held !== undefined && 'held' in taken)
          this.poolBefore.set(name, { hash: held.hash, until: f['revokes'] === true ? 0n : from });
        return taken;
      }
      default:
        return encoding('step 2: kind');
    }
  }

  /** principals.14 */
  private isIssuer(id: Bytes): boolean {
    return this.authority?.delegations.some((d) => same(d.key.id, id) && (d.roles & ROLE.issuer) !== 0) === true;
  }

  /** Step 10. */
  private place(name: string, serial: bigint, hash: Bytes, lower: string, publicKey: Bytes = zeros(0)): Taken {
    const held = this.placed.get(name);
    if (held !== undefined) {
      if (same(held.hash, hash)) return { known: true };
      if (serial < held.serial) refuse(lower, 'step 10: lower');
      if (serial === held.serial) refuse('E_FORK', 'step 10: same');
    }
    this.placed.set(name, { serial, hash, publicKey });
    return { held: true };
  }

  private takeAuthority(
    body: Bytes,
    hash: Bytes,
    signers: Bytes[],
    check: (i: number, label: string, publicKey: Bytes) => void,
  ): Taken {
    const held = this.authority;
    if (held === undefined && !same(authorityIdOf(body), this.authorityId)) {
      // A body that says a serial above 1 is no first record; it is refused for its place.
      let serial = 1n;
      try {
        serial = asNumber(decodeBody('AuthorityRecord', body)['serial']);
      } catch {
        serial = 1n;
      }
      if (serial === 1n) refuse('E_BINDING', 'step 4: not the hash of the body');
    }
    const f = decodeBody('AuthorityRecord', body);
    const serial = asNumber(f['serial']);
    if (serial === 1n && !same(authorityIdOf(body), this.authorityId)) refuse('E_BINDING', 'step 4');
    const roots = asList(f['root_keys']).map(keyOf);
    const delegations = asList(f['delegations']).map((v): Delegated => {
      const d = asFields(v);
      return {
        key: keyOf(d['key']),
        roles: Number(asNumber(d['roles'])),
        from: asNumber(d['not_before_ms']),
        to: asNumber(d['not_after_ms']),
      };
    });
    const threshold = asNumber(f['threshold']);
    const previous = f['previous_hash32'];
    if (threshold > BigInt(roots.length)) encoding('threshold');
    only([...roots, ...delegations.map((d) => d.key)], ED25519);
    if (!ascend(roots.map((k) => k.id)) || !ascend(delegations.map((d) => d.key.id))) encoding('order of keys');
    if (delegations.some((d) => roots.some((k) => same(k.id, d.key.id)))) encoding('a root key that is delegated');
    for (const d of delegations) interval(d.from, d.to, (d.roles & ROLE.status) === 0 ? 90n * DAY : 7n * DAY);
    if ((previous === undefined) !== (serial === 1n)) encoding('previous_hash32');
    usable([...roots, ...delegations.map((d) => d.key)]);
    // The record held says who signs
    if (held === undefined) {
      if (serial !== 1n) refuse('E_EPOCH', 'step 10: not the first');
    } else {
      if (same(held.hash, hash)) return { known: true };
      if (serial < held.serial) refuse('E_EPOCH', 'step 10: lower');
      if (serial > held.serial + 1n) refuse('E_EPOCH', 'step 10: a gap');
    }
    const all = [...roots, ...(held?.roots ?? [])];
    const by = (id: Bytes): KeyField | undefined => all.find((k) => same(k.id, id));
    if (!ascend(signers) || signers.some((s) => by(s) === undefined)) refuse('E_SIG', 'step 6');
    const of = (keys: readonly KeyField[]): bigint =>
      BigInt(signers.filter((s) => keys.some((k) => same(k.id, s))).length);
    if (of(roots) < threshold || (held !== undefined && of(held.roots) < held.threshold)) {
      refuse('E_POLICY', 'step 7: too few');
    }
    signers.forEach((s, i) => check(i, 'authority', by(s)?.publicKey ?? s));
    if (held !== undefined && (serial === held.serial || !same(asBytes(previous), held.hash))) {
      refuse('E_FORK', 'step 10');
    }
    this.authority = { serial, hash, threshold, roots, delegations };
    return { held: true };
  }

  private checkHead(now: bigint, head: Bytes): { known: boolean; seq: bigint; hash: Bytes } {
    if (head.length !== 264) refuse('E_LENGTH', 'head');
    const r = new Reader(head);
    opening(r, 264, 'TDHD');
    if (r.uint(1) !== 0n || r.uint(2) !== 1n) encoding('zero byte, algorithm');
    const status = r.take(32);
    const [seq, issued, until, version] = [r.uint(8), r.uint(8), r.uint(8), r.uint(8)];
    if ([seq, issued, until, version].some((n) => n > SAFE)) refuse('E_LIMIT', 'u64');
    if (seq === 0n || until < issued) encoding('head_seq, fresh_until');
    if (until - issued > DAY) refuse('E_LIMIT', 'fresh_until');
    const d = this.authority?.delegations.find((x) => same(x.key.id, status));
    if (d === undefined || (d.roles & ROLE.status) === 0) return refuse('E_POLICY', 'status key');
    this.during(now, d.from, d.to);
    const signed = head.slice(0, 200);
    verifyOnce(d.key.publicKey, sigin('head', status, this.authorityId, signed, zeros(0)), head.slice(200));
    const hash = headHash(head);
    const before = this.head;
    if (before !== undefined) {
      if (seq < before.seq) refuse('E_EPOCH', 'rollback');
      if (seq === before.seq && !same(before.hash, hash)) refuse('E_FORK', 'same head_seq');
      if (seq === before.seq + 1n && !same(head.slice(168, 200), before.hash)) refuse('E_FORK', 'prev');
    }
    if (issued > now + this.skew) refuse('E_FUTURE', 'issued');
    if (now > until) refuse('E_STALE', 'fresh_until');
    return { known: before !== undefined && seq === before.seq, seq, hash };
  }

  takeHead(now: bigint, head: Bytes): Taken {
    const h = this.checkHead(now, head);
    this.head = { seq: h.seq, hash: h.hash };
    return h.known ? { known: true } : { held: true };
  }

  takeGroupHead(now: bigint, bytes: Bytes, groupId: Bytes): Taken {
    if (bytes.length < 330) refuse('E_LENGTH', 'group head');
    const leaf = bytes.slice(264, 321);
    if (leaf[0] !== 1) encoding('leaf');
    const pathLen = bytes[329] ?? 0;
    if (pathLen > 64) refuse('E_PROOF', 'path_len');
    if (bytes.length !== 330 + 32 * pathLen) refuse('E_LENGTH', 'group head');
    const head = bytes.slice(0, 264);
    const h = this.checkHead(now, head);
    if (!same(leaf.slice(1, 17), groupId)) refuse('E_BINDING', 'group');
    const path = Array.from({ length: pathLen }, (_, i) => bytes.slice(330 + 32 * i, 362 + 32 * i));
    const [index, count] = [Number(number(bytes.slice(321, 325))), Number(number(bytes.slice(325, 329)))];
    verifyPath(H(u8(0), leaf), index, count, path, head.slice(104, 136));
    this.head = { seq: h.seq, hash: h.hash };
    const name = hex(groupId);
    const seen = hex(h.hash);
    if (h.known && this.leaves.get(name) === seen) return { known: true };
    this.leaves.set(name, seen);
    return {
      held: true,
      generation: Number(number(leaf.slice(17, 21))),
      epoch: Number(number(leaf.slice(21, 25))),
      blockHash: leaf.slice(25, 57),
    };
  }

  takeAnswer(now: bigint, answer: Bytes, nonce: Bytes): Taken {
    if (answer.length !== 360) refuse('E_LENGTH', 'head answer');
    const head = answer.slice(0, 264);
    if (!same(answer.slice(264, 296), nonce)) refuse('E_SIG', 'principals.33: nonce');
    const status = head.slice(8, 40);
    const d = this.authority?.delegations.find((x) => same(x.key.id, status) && (x.roles & ROLE.status) !== 0);
    if (d === undefined) return refuse('E_POLICY', 'status key');
    verifyOnce(
      d.key.publicKey,
      sigin('head nonce', status, this.authorityId, head.slice(0, 200), nonce),
      answer.slice(296),
    );
    return this.takeHead(now, head);
  }
}
