/** What a broker holds and checks, chapters 07 and 11: bundles, the edge, and signatures of what it carries. */
import { parseBlock, rootOf, tailOf } from './blocks.ts';
import { hex, number, same, type Bytes } from './bytes.ts';
import { verify } from './ed25519.ts';
import { H } from './hash.ts';
import { MERKLE } from './header.ts';
import {
  ACTION,
  ADDRESS,
  address16,
  KIND,
  labelled,
  sigin,
  USE,
  type Entry,
  type Fields,
  type Value,
} from './objects.ts';
import { parseEnvelope, type Envelope } from './parse.ts';
import { poolInfo, readKeyinfo, replyContextOf, surveyInfo } from './pools.ts';
import { refuse } from './refusal.ts';
import { ED25519, rawKeyId, signInput } from './schedule.ts';
import { allows, checkList, checkRevoked, decodeBody, parseBundle, Trust, verifyOnce } from './trust.ts';

const SKEW = 30_000n;
const FRONT = 4n;
const REPLIES: readonly number[] = [0x31, 0x71];
const FORWARD = 0x72;
const SURVEY_REPLY = 0x51;
const UNITS: readonly number[] = [0x30, 0x40, 0x70];

const asBytes = (v: Value | undefined): Bytes => (v instanceof Uint8Array ? v : new Uint8Array(0));
const asFields = (v: Value | undefined): Fields => (v ?? {}) as Fields;
const asList = (v: Value | undefined): Value[] => (Array.isArray(v) ? v : []);
const asNumber = (v: Value | undefined): bigint => (typeof v === 'bigint' ? v : 0n);

/** By epoch of a group. */
type Bound = Map<number, Bytes>;

class Held {
  readonly trust: Trust;
  /** public keys and serials by key id */
  readonly principals: Map<string, { publicKey: Bytes; serial: bigint }> = new Map();
  readonly groups: Map<string, Fields> = new Map();
  readonly edges: Map<string, Entry[]> = new Map();
  /** commitments of blocks, and of fronts the hashes of pool records */
  readonly commits: Map<string, Bound> = new Map();
  readonly pools: Map<string, Bound> = new Map();
  private policy: Fields = {};

  constructor(authorityId: Bytes) {
    this.trust = new Trust(authorityId, SKEW);
  }

  private bind(all: Map<string, Bound>, group: Bytes, epoch: number, value: Bytes): void {
    const known = all.get(hex(group)) ?? new Map();
    all.set(hex(group), known.set(epoch, value));
  }

  private rootIn(group: Bytes, field: string): Bytes {
    const all = asList(this.policy['groups']).map(asFields);
    return asBytes(all.find((g) => same(asBytes(g['group_id16']), group))?.[field]);
  }

  /** A block, which nobody opens here. */
  private block(bytes: Bytes): void {
    const b = parseBlock(bytes);
    const { groupId, kind, suite, purpose, epoch } = b.header;
    const record = this.groups.get(hex(groupId)) ?? refuse('E_POLICY', 'groups.1');
    const key = asBytes(asFields(record['controller'])['public_key']);
    if (!same(b.controllerKeyId, rawKeyId(ED25519, key))) refuse('E_POLICY', 'groups.1');
    const said = [record['block_kind'], record['suite'], record['purpose']].map(asNumber);
    if ([kind, suite, purpose].some((n, i) => BigInt(n) !== said[i])) refuse('E_POLICY', 'not as its record says');
    const signed = sigin('keyblock', b.controllerKeyId, b.groupCtx, b.hdr, tailOf(b, rootOf(b)));
    verifyOnce(key, signed, b.signature);
    this.bind(this.commits, groupId, epoch, b.epochCommit);
  }

  /** One object of a bundle; the id is that of its address. */
  take(now: bigint, type: number, bytes: Bytes): Bytes {
    const body = bytes.slice(44, 44 + Number(number(bytes.slice(40, 44))));
    const hash = labelled('object', bytes.slice(0, 44), body);
    switch (type) {
      case ADDRESS.authority:
        this.trust.object(KIND.authority, now, bytes);
        return new Uint8Array(0);
      case ADDRESS.principal: {
        const f = decodeBody('PrincipalRecord', body);
        const publicKey = asBytes(asFields(f['key'])['public_key']);
        const [keyId, serial] = [rawKeyId(ED25519, publicKey), asNumber(f['serial'])];
        // principals.37: older ones are left out
        if ((this.principals.get(hex(keyId))?.serial ?? 0n) <= serial) {
          this.trust.object(KIND.principal, now, bytes);
          this.principals.set(hex(keyId), { publicKey, serial });
        }
        return keyId;
      }
      case ADDRESS.policy:
        this.trust.object(KIND.policy, now, bytes);
        this.policy = decodeBody('Policy', body);
        return new Uint8Array(0);
      case ADDRESS.group: {
        this.trust.object(KIND.group, now, bytes);
        const f = decodeBody('GroupRecord', body);
        this.groups.set(hex(asBytes(f['group_id16'])), f);
        return asBytes(f['group_id16']);
      }
      case ADDRESS.revoked:
        checkRevoked(bytes);
        return new Uint8Array(0);
      case ADDRESS.writers:
      case ADDRESS.edge: {
        const id = bytes.slice(8, 24);
        const [use, field] = type === ADDRESS.edge ? [USE.edge, 'edge_root32'] : [USE.writers, 'writers_root32'];
        const entries = checkList(bytes, use, id, this.rootIn(id, field));
        if (type === ADDRESS.edge) this.edges.set(hex(id), entries);
        return id;
      }
      case ADDRESS.block:
        this.block(bytes);
        return bytes.slice(8, 24);
      case ADDRESS.groupHead:
        this.trust.takeGroupHead(now, bytes, bytes.slice(265, 281));
        return bytes.slice(265, 281);
      case ADDRESS.head:
        this.trust.takeHead(now, bytes);
        return new Uint8Array(0);
      case ADDRESS.pool: {
        this.trust.object(KIND.pool, now, bytes);
        const f = decodeBody('PoolRecord', body);
        this.bind(this.pools, asBytes(f['group_id16']), Number(asNumber(f['epoch'])), hash);
        return asBytes(f['group_id16']);
      }
      default:
        return refuse('E_ENCODING', 'no object of a bundle');
    }
  }
}

/** By its first bytes. */
function typeOf(bytes: Bytes): number {
  const magic = Buffer.from(bytes.slice(0, 4)).toString('latin1');
  if (magic === 'TDOB') return bytes[5] === KIND.pool ? ADDRESS.pool : (bytes[5] ?? 0);
  if (magic === 'TDAL') return bytes[5] === USE.edge ? ADDRESS.edge : ADDRESS.writers;
  if (magic === 'TDRV') return ADDRESS.revoked;
  if (magic === 'TDKB') return ADDRESS.block;
  if (magic === 'TDHD') return bytes.length > 264 ? ADDRESS.groupHead : ADDRESS.head;
  return refuse('E_ENCODING', 'no object of a bundle');
}

export class Relay {
  private readonly authorityId: Bytes;
  private applied: { now: bigint; bundle: Bytes }[] = [];
  private held: Held;

  constructor(authorityId: Bytes) {
    this.authorityId = authorityId;
    this.held = new Held(authorityId);
  }

  /** principals.37: as a whole or not at all. */
  bundle(now: bigint, bundle: Bytes): void {
    const next = new Held(this.authorityId);
    const all = [...this.applied, { now, bundle }];
    for (const one of all)
      for (const { address, bytes } of parseBundle(one.bundle)) {
        const type = typeOf(bytes);
        const id = next.take(one.now, type, bytes);
        if (!same(address, address16(this.authorityId, type, id))) refuse('E_BINDING', 'another address');
      }
    this.applied = all;
    this.held = next;
  }

  /** delivery.6, delivery.7 */
  envelope(keyId: Bytes, bytes: Bytes): void {
    const e = parseEnvelope(bytes);
    const h = e.header;
    const who = this.held.principals.get(hex(keyId));
    if (who === undefined || !same(h.senderId, keyId.slice(0, 16))) return refuse('E_POLICY', 'delivery.6: sender_id');
    // principals.20: no prefix allows a request, a job or a message of a dealer
    const prefixed = UNITS.includes(h.patternKind) ? undefined : e.extensions.find((x) => x.number === 9);
    const chain = prefixed?.value ?? new Uint8Array(0);
    const asked = {
      timestamp: h.timestamp,
      tag: h.topicTag,
      chain: Array.from({ length: chain.length / 16 }, (_, i) => chain.slice(16 * i, 16 * i + 16)),
    };
    const [group] = [...this.held.edges].find(([, list]) => allows(list, keyId, ACTION.publish, asked)) ?? [];
    if (group === undefined) return refuse('E_POLICY', 'delivery.6: no edge entry');
    const body = (h.flags & MERKLE) === 0 ? e.body : new Uint8Array(0);
    verify(who.publicKey, signInput(keyId, this.bindOf(group, keyId, e), e.ph, e.keyinfo, body), e.signature);
  }

  private bindOf(group: string, keyId: Bytes, e: Envelope): Bytes {
    const { patternKind, suite, epoch } = e.header;
    /** keyinfo of another length is bound by no signature */
    const long = (bytes: number): void => {
      if (e.keyinfo.length !== bytes) refuse('E_SIG', 'delivery.7: keyinfo');
    };
    if (patternKind === SURVEY_REPLY) {
      long(64);
      return H(surveyInfo(suite, e.keyinfo.slice(0, 32), keyId));
    }
    const ofBlock = asNumber(this.held.groups.get(group)?.['purpose']) !== FRONT || patternKind === FORWARD;
    const all = ofBlock ? this.held.commits : this.held.pools;
    const known = all.get(group)?.get(epoch) ?? refuse('E_EPOCH', 'delivery.7: epoch');
    const isReply = REPLIES.includes(patternKind);
    long(ofBlock ? 0 : isReply ? 32 : 40);
    if (ofBlock) return known;
    if (isReply) return replyContextOf(e.keyinfo, known);
    return H(poolInfo(suite, known, keyId, readKeyinfo(e.keyinfo).started));
  }
}
