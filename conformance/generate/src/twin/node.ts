/** A whole member of groups, from objects to delivered messages: chapters 07 (view), 08 and 09. */
import * as aead from './aead.ts';
import { parseBlock } from './blocks.ts';
import { cat, hex, number, same, text, zeros, type Bytes } from './bytes.ts';
import { verify } from './ed25519.ts';
import { parseEnrolment } from './enrolments.ts';
import { checkFreshness } from './freshness.ts';
import { BATCH, MERKLE, PADDED, type Header } from './header.ts';
import { H } from './hash.ts';
import { Member, type GroupState, type MemberState, type Opened } from './member.ts';
import { ACTION, labelled, USE, type Entry, type Fields, type KeyPair, type Value } from './objects.ts';
import { parseEnvelope, type Envelope } from './parse.ts';
import { covers } from './policy.ts';
import { privateHash } from './private.ts';
import { parseRecords, type Message } from './records.ts';
import { refuse, Refusal } from './refusal.ts';
import { ReplayModel, type Offer } from './replay.ts';
import { aadHeader, id32, rawKeyId, recordKey, signInput } from './schedule.ts';
import { chainOf, matches, parseTopic, periodsOf, tokenOf } from './topics.ts';
import { allows, checkList, checkRevoked, decodeBody, Trust } from './trust.ts';

const SKEW = 30_000n;
const MAX_AGE = 120_000n;
const FOREVER_NOT = 2n ** 63n;
const BEHIND = 5_000n;
/** pattern and kind of what the members of a group send each other, by its purpose */
const PATTERN: Readonly<Record<number, number>> = { 1: 0x20, 2: 0x60, 3: 0x50 };

const asBytes = (v: Value | undefined): Bytes => (v instanceof Uint8Array ? v : zeros(0));
const asNumber = (v: Value | undefined): bigint => (typeof v === 'bigint' ? v : 0n);
const asFields = (v: Value | undefined): Fields => (v ?? {}) as Fields;
const asList = (v: Value | undefined): Value[] => (Array.isArray(v) ? v : []);

interface HeadSeen {
  seq: bigint;
  issued: bigint;
  freshUntil: bigint;
  policyVersion: bigint;
  policyHash: string;
  revokedHash: string;
}
function readHead(head: Bytes): HeadSeen {
  return {
    seq: number(head.slice(40, 48)),
    issued: number(head.slice(48, 56)),
    freshUntil: number(head.slice(56, 64)),
    policyVersion: number(head.slice(64, 72)),
    policyHash: hex(head.slice(72, 104)),
    revokedHash: hex(head.slice(136, 168)),
  };
}

interface View {
  head: HeadSeen;
  policyVersion: bigint;
  authoritySerial: bigint;
  recordSerial: bigint;
  record: Fields;
  writers: Entry[];
  revoked: Map<string, bigint>;
  block: Opened;
}

interface Group {
  id: Bytes;
  member: Member;
  /** accepted, by epoch */
  blocks: Map<number, Opened>;
  pending?: { head: HeadSeen; blockHash: string };
  view?: View;
  /** higher numbers than that of the view, and since when they are known */
  /** `from`: the sender of the extension that said so */
  learnt: { seq: bigint; at: bigint; from?: string }[];
}

export interface Delivered {
  messages: Bytes[];
  topic: Bytes;
  sender: Bytes;
  stale: boolean;
  gaps: { from: bigint; to: bigint }[];
  survey?: Survey;
}
export interface Survey {
  surveyId: Bytes;
  deadline: bigint;
  maxReply: number;
  replyKey: Bytes;
}

/** patterns.28 */
function surveyOf(value: Bytes | undefined, timestamp: bigint): Survey {
  if (value === undefined) return refuse('E_EXT', 'patterns.28: extension 2');
  const s: Survey = {
    surveyId: value.slice(0, 16),
    deadline: number(value.slice(16, 24)),
    maxReply: Number(number(value.slice(24, 28))),
    replyKey: value.slice(30),
  };
  if (s.deadline < timestamp || s.deadline > timestamp + 3_600_000n) refuse('E_EXT', 'patterns.28: deadline');
  if (s.maxReply === 0 || s.maxReply > 65_535) refuse('E_EXT', 'patterns.28: max_reply');
  if (s.replyKey.length !== 32) refuse('E_EXT', 'patterns.28: reply_pk');
  return s;
}

/** How an envelope came, and what was asked for that way. */
export type Way = 'live' | 'log';
interface Pattern {
  bytes: Bytes;
  segments: Bytes[];
}

interface Routed {
  group: Group;
  view: View;
  /** what the tag alone says */
  topic?: Bytes;
  period: number;
}

export class Node {
  private readonly trust: Trust;
  private readonly authorityId: Bytes;
  private readonly me: KeyPair;
  private readonly prekeys: Bytes[];
  private readonly subscriptions: Readonly<Record<Way, readonly Pattern[]>>;
  private readonly replay: ReplayModel;
  private authority: { serial: bigint; hash: string } | undefined;
  private newestPolicy: Fields | undefined;
  private readonly policies: Map<string, Fields> = new Map();
  private readonly records: Map<string, Fields> = new Map();
  private readonly newestRecord: Map<string, Fields> = new Map();
  private readonly principals: Map<string, Fields> = new Map();
  private readonly writers: Map<string, Entry[]> = new Map();
  private readonly revocations: Map<string, Map<string, bigint>> = new Map();
  /** principals.41 */
  private readonly liars = new Set<string>();
  private newestRevoked: string | undefined;
  private readonly groups: Map<string, Group> = new Map();
  private readonly numbers: Map<string, Set<bigint>> = new Map();

  constructor(
    authorityId: Bytes,
    me: KeyPair,
    prekeys: Bytes[],
    subscriptions: Readonly<Record<Way, readonly Pattern[]>>,
    boot: bigint,
  ) {
    this.trust = new Trust(authorityId, SKEW);
    this.authorityId = authorityId;
    this.me = me;
    this.prekeys = prekeys;
    this.subscriptions = subscriptions;
    this.replay = new ReplayModel({
      window: 1024n,
      durable: false,
      bootMs: boot,
      skewMs: SKEW,
      streamCap: 64,
      evidenceStreams: 10_000,
      stored: false,
    });
    this.replay.start(boot);
  }

  private group(id: Bytes): Group {
    const name = hex(id);
    const record = this.newestRecord.get(name);
    if (record === undefined) return refuse('E_POLICY', 'groups.1: no group record');
    const own = asFields(this.principals.get(hex(this.me.keyId)));
    const state: GroupState = {
      groupId: id,
      purpose: Number(asNumber(record['purpose'])),
      suite: Number(asNumber(record['suite'])),
      blockKind: Number(asNumber(record['block_kind'])),
      controllerPublicKey: asBytes(asFields(record['controller'])['public_key']),
      topicChains: record['topic_chains'] === true,
    };
    let g = this.groups.get(name);
    if (g === undefined) {
      const member: MemberState = {
        keyId: this.me.keyId,
        suites: asList(own['suites']).map((s) => Number(asNumber(s))),
        suiteFloor: Number(asNumber(own['suite_floor'])),
        prekeys: this.prekeys,
      };
      g = { id, member: new Member(this.authorityId, member, state), blocks: new Map(), learnt: [] };
      this.groups.set(name, g);
    }
    g.member.group = state;
    return g;
  }

  object(now: bigint, type: number, bytes: Bytes): 'held' | 'known' {
    const known = this.take(now, type, bytes);
    for (const g of this.groups.values()) this.goOver(g);
    return known ? 'known' : 'held';
  }

  /** Whether it was known. */
  private take(now: bigint, type: number, bytes: Bytes): boolean {
    if (type <= 5) {
      if ('known' in this.trust.object(type, now, bytes)) return true;
      const length = Number(number(bytes.slice(40, 44)));
      const body = bytes.slice(44, 44 + length);
      const hash = hex(labelled('object', bytes.slice(0, 44), body));
      if (type === 1) this.authority = { serial: asNumber(decodeBody('AuthorityRecord', body)['serial']), hash };
      if (type === 2) {
        const f = decodeBody('PrincipalRecord', body);
        this.principals.set(hex(rawKeyId(1, asBytes(asFields(f['key'])['public_key']))), f);
      }
      if (type === 4) {
        this.newestPolicy = decodeBody('Policy', body);
        this.policies.set(hash, this.newestPolicy);
      }
      if (type === 5) {
        const f = decodeBody('GroupRecord', body);
        this.records.set(hash, f);
        this.newestRecord.set(hex(asBytes(f['group_id16'])), f);
      }
      return false;
    }
    switch (type) {
      case 6: {
        const list = checkRevoked(bytes);
        const hash = hex(H(bytes));
        const had = this.revocations.has(hash);
        this.revocations.set(hash, new Map(list.map((e) => [hex(e.keyId), e.minSerial])));
        return had;
      }
      case 7: {
        const id = bytes.slice(8, 24);
        const entry = asList(this.newestPolicy?.['groups'])
          .map(asFields)
          .find((g) => same(asBytes(g['group_id16']), id));
        const root = asBytes(entry?.['writers_root32']);
        const had = this.writers.has(`${hex(id)}${hex(root)}`);
        this.writers.set(`${hex(id)}${hex(root)}`, checkList(bytes, USE.writers, id, root));
        return had;
      }
      case 9: {
        const partial = same(bytes.slice(0, 4), text('TDKP'));
        const g = this.group(parseBlock(bytes, partial).header.groupId);
        const opened = g.member.block(bytes);
        if (opened === 'known') return true;
        g.blocks.set(opened.header.epoch, opened);
        return false;
      }
      case 10:
        return this.group(parseEnrolment(bytes).groupId).member.enrolment(bytes) === 'known';
      case 11: {
        const id = bytes.slice(265, 281);
        const taken = this.trust.takeGroupHead(now, bytes, id);
        this.learnHead(now, bytes.slice(0, 264));
        if ('known' in taken) return true;
        const g = this.group(id);
        g.pending = { head: readHead(bytes), blockHash: hex(taken.blockHash ?? zeros(0)) };
        this.learn(g, g.pending.head.seq, now);
        return false;
      }
      case 12: {
        const taken = this.trust.takeHead(now, bytes);
        this.learnHead(now, bytes);
        return 'known' in taken;
      }
      default:
        throw new Error(`object type ${type}`);
    }
  }

  private learn(g: Group, seq: bigint, now: bigint, from?: string): void {
    // principals.41
    if (from !== undefined && this.liars.has(from)) return;
    if (seq > (g.view?.head.seq ?? 0n)) g.learnt.push({ seq, at: now, ...(from === undefined ? {} : { from }) });
  }

  /** principals.32: a head teaches its number to every group, and disproves higher ones. */
  private learnHead(now: bigint, head: Bytes): void {
    const h = readHead(head);
    this.newestRevoked = h.revokedHash;
    for (const g of this.groups.values()) {
      const isFalse = (l: { seq: bigint; at: bigint; from?: string }): boolean =>
        l.from !== undefined && l.seq > h.seq && h.issued >= l.at + SKEW;
      for (const l of g.learnt) if (isFalse(l) && l.from !== undefined) this.liars.add(l.from);
      g.learnt = g.learnt.filter((l) => l.from === undefined || !this.liars.has(l.from));
      this.learn(g, h.seq, now);
    }
  }

  /** principals.34 to principals.36 */
  private goOver(g: Group): void {
    const p = g.pending;
    if (p === undefined) return;
    const before = g.view;
    if (before !== undefined && p.head.policyVersion < before.policyVersion) {
      delete g.pending;
      refuse('E_EPOCH', 'principals.36: policy');
    }
    const policy = this.policies.get(p.head.policyHash);
    const revoked = this.revocations.get(p.head.revokedHash);
    if (policy === undefined || revoked === undefined || this.authority === undefined) return;
    if (hex(asBytes(policy['authority_record_hash32'])) !== this.authority.hash) return;
    const entry = asList(policy['groups'])
      .map(asFields)
      .find((x) => same(asBytes(x['group_id16']), g.id));
    if (entry === undefined) return;
    const record = this.records.get(hex(asBytes(entry['group_record_hash32'])));
    const root = asBytes(entry['writers_root32']);
    const writers = this.writers.get(`${hex(g.id)}${hex(root)}`);
    const block = [...g.blocks.values()].find((b) => hex(b.blockHash) === p.blockHash);
    if (record === undefined || block === undefined) return;
    delete g.pending;
    if (!same(block.header.policyRoot, root)) refuse('E_POLICY', 'principals.35: policy_root32');
    if (!same(privateHash(g.id, block.private), asBytes(entry['private_hash32']))) refuse('E_POLICY', 'principals.35');
    const version = asNumber(policy['version']);
    const serial = asNumber(record['serial']);
    if (
      before !== undefined &&
      (version < before.policyVersion || serial < before.recordSerial || this.authority.serial < before.authoritySerial)
    ) {
      refuse('E_EPOCH', 'principals.36');
    }
    if (writers === undefined || block.header.policyVersion > version) {
      g.pending = p;
      return;
    }
    g.view = {
      head: p.head,
      policyVersion: version,
      authoritySerial: this.authority.serial,
      recordSerial: serial,
      record,
      writers,
      revoked,
      block,
    };
    g.learnt = g.learnt.filter((l) => l.seq > p.head.seq);
  }

  private fresh(v: View, now: bigint): boolean {
    const until = v.head.issued + asNumber(v.record['max_head_age_ms']);
    return v.head.issued - SKEW <= now && now <= (until < v.head.freshUntil ? until : v.head.freshUntil);
  }

  view(groupId: Bytes, now: bigint): { seq: bigint; epoch: number; fresh: boolean } | undefined {
    const v = this.groups.get(hex(groupId))?.view;
    return v === undefined ? undefined : { seq: v.head.seq, epoch: v.block.header.epoch, fresh: this.fresh(v, now) };
  }

  private secretOf(v: View, period: number): Bytes | undefined {
    return v.block.body.routeSecrets.filter((s) => s.fromPeriod <= period).pop()?.secret;
  }

  private routes(now: bigint, h: Header, chain: Bytes[], way: Way): Routed | undefined {
    for (const group of this.groups.values()) {
      const view = group.view;
      if (view === undefined) continue;
      for (const period of periodsOf(now, asNumber(view.record['period_ms']), MAX_AGE, SKEW)) {
        const secret = this.secretOf(view, period);
        if (secret === undefined) continue;
        for (const rule of view.block.body.patterns) {
          for (const s of this.subscriptions[way]) {
            if (view.record['topic_chains'] !== true) {
              if (!matches(s.segments, rule.segments)) continue;
              const token = tokenOf(secret, group.id, period, rule.segments).token;
              if (same(token, h.topicTag)) return { group, view, topic: rule.bytes, period };
              continue;
            }
            const t = tokenOf(secret, group.id, period, covers(s.segments, rule.segments) ? rule.segments : s.segments);
            const value = t.kind === 'exact' ? h.topicTag : chain[t.level ?? 0];
            if (value !== undefined && same(value, t.token)) return { group, view, period };
          }
        }
      }
    }
    return undefined;
  }

  /** groups.26 */
  private epochOf(g: Group, h: Header, now: bigint): Opened {
    const block = g.blocks.get(h.epoch);
    if (block === undefined) return refuse('E_EPOCH', 'unknown');
    const b = block.header;
    const later = [...g.blocks.keys()].filter((e) => e > h.epoch).sort((x, y) => x - y)[0];
    if (later === undefined) {
      if (now < b.notBefore - SKEW) refuse('E_EPOCH', 'groups.26: not yet');
    } else if (now > (g.blocks.get(later)?.header.drainUntil ?? 0n)) refuse('E_EPOCH', 'groups.26: drained');
    if (h.timestamp < b.notBefore - SKEW || h.timestamp > b.notAfter + SKEW) refuse('E_EPOCH', 'groups.26: timestamp');
    return block;
  }

  /** replay.29, replay.30: what comes out of a log goes to who asked for the log; where it stood there decides nothing (delivery.12). */
  envelope(now: bigint, bytes: Bytes, way: Way = 'live'): Delivered | undefined {
    const e: Envelope = parseEnvelope(bytes);
    const h = e.header;
    const extension = (n: number): Bytes | undefined => e.extensions.find((x) => x.number === n)?.value;
    const chainBytes = extension(9) ?? zeros(0);
    const chain = Array.from({ length: chainBytes.length / 16 }, (_, i) => chainBytes.slice(16 * i, 16 * i + 16));
    // 7
    const r = this.routes(now, h, chain, way);
    if (r === undefined) return undefined;
    const { group, view } = r;
    const chains = view.record['topic_chains'] === true;
    // 8
    const block = this.epochOf(group, h, now);
    const stale = !this.fresh(view, now);
    if (stale && view.record['stale_ok'] !== true) refuse('E_STALE', 'principals.30');
    if (block.header.suite !== h.suite) refuse('E_SUITE', 'step 8');
    const purpose = Number(asNumber(view.record['purpose']));
    if (h.patternKind !== PATTERN[purpose] || (h.flags & MERKLE) !== 0 || e.keyinfo.length > 0) {
      refuse('E_ENCODING', 'patterns.3');
    }
    const headSeq = extension(8);
    if (headSeq === undefined || (chains && extension(9) === undefined)) return refuse('E_EXT', 'patterns.3');
    if (purpose === 3 && (h.flags & BATCH) !== 0) refuse('E_ENCODING', 'patterns.28: a batch');
    const survey = purpose === 3 ? surveyOf(extension(2), h.timestamp) : undefined;
    // 9
    const found = [...this.principals].find(([id]) => id.startsWith(hex(h.senderId)));
    if (found === undefined) return refuse('E_SENDER', 'step 9');
    const [senderName, record] = found;
    const publicKey = asBytes(asFields(record['key'])['public_key']);
    const senderId = rawKeyId(1, publicKey);
    if (now + SKEW < asNumber(record['not_before_ms']) || now - SKEW > asNumber(record['not_after_ms'])) {
      refuse('E_EXPIRED', 'step 9');
    }
    const gone = this.revocations.get(this.newestRevoked ?? '') ?? view.revoked;
    if ((gone.get(senderName) ?? 0n) > asNumber(record['serial'])) refuse('E_REVOKED', 'principals.24');
    const asked = { timestamp: h.timestamp, tag: h.topicTag, chain };
    const ofEpoch = this.writers.get(`${hex(group.id)}${hex(block.header.policyRoot)}`) ?? [];
    if (!allows(ofEpoch, senderId, ACTION.publish, asked)) refuse('E_POLICY', 'groups.27: epoch');
    if (!allows(view.writers, senderId, ACTION.publish, asked)) refuse('E_POLICY', 'groups.27: view');
    // 10
    const expiry = extension(4);
    checkFreshness({
      timestamp: h.timestamp,
      now,
      maxAge: MAX_AGE,
      skew: SKEW,
      stored: way === 'log',
      ...(expiry === undefined ? {} : { expiry: number(expiry) }),
    });
    // 11
    const sigin = signInput(senderId, block.epochCommit, e.ph, e.keyinfo, e.body);
    const prev = extension(3);
    const offer: Offer = {
      stream: { sender: senderName, epoch: h.epoch, tag: hex(h.topicTag), id: hex(h.streamId) },
      seq: h.seq,
      timestamp: h.timestamp,
      id32: hex(id32(sigin)),
      ...(prev === undefined ? {} : { prev32: hex(prev) }),
      ...(way === 'log' ? { log: true } : {}),
    };
    const look = this.replay.lookUp(offer);
    // 12
    verify(publicKey, sigin, e.signature);
    this.learn(group, number(headSeq), now, senderName);
    this.replay.underSignature(offer, look);
    // 13
    const k = recordKey(block.epochSecret, block.groupCtx, senderId, h.streamId, h.salt);
    const commit = extension(11);
    if (commit !== undefined && !same(commit, k.recordCommit)) refuse('E_COMMIT', 'suites.15');
    const plain = aead.open(h.suite, k.key, k.nonce, cat(aadHeader(e.ph), block.epochCommit), e.body);
    // 14
    let records: Message[] = [];
    let topic = r.topic ?? zeros(0);
    let grammar: Refusal | undefined;
    try {
      records =
        (h.flags & BATCH) === 0
          ? [{ timestamp: h.timestamp, payload: plain }]
          : parseRecords(plain, h.count, h.timestamp, (h.flags & PADDED) !== 0);
      if (chains) {
        const [first, ...rest] = records;
        if ((h.flags & BATCH) === 0 || first === undefined || rest.length === 0)
          return refuse('E_ENCODING', 'patterns.4');
        topic = this.ownTopic(r, first.payload, h, chainBytes);
        records = rest;
      }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      grammar = error;
    }
    const wants = (w: Way): boolean => this.subscriptions[w].some((s) => matches(s.segments, parseTopic(topic)));
    // What nobody asked for this way, and may ask for from the log, stays new.
    if (grammar === undefined && !wants(way) && (way === 'log' || wants('log'))) return undefined;
    // 15
    this.replay.accept(offer, true);
    if (grammar !== undefined) throw grammar;
    const gaps = this.gapsOf(offer);
    if (!wants(way)) return undefined;
    const messages = records.map((m) => m.payload);
    return { messages, topic, sender: senderId, stale, gaps, ...(survey === undefined ? {} : { survey }) };
  }

  /** patterns.4 */
  private ownTopic(r: Routed, payload: Bytes, h: Header, chain: Bytes): Bytes {
    let segments: Bytes[];
    try {
      segments = parseTopic(payload);
    } catch {
      return refuse('E_ENCODING', 'record 0 is no topic');
    }
    if (!r.view.block.body.patterns.some((p) => matches(p.segments, segments))) refuse('E_ENCODING', 'of no rule');
    const period = Number(h.timestamp / asNumber(r.view.record['period_ms']));
    const secret = this.secretOf(r.view, period) ?? refuse('E_ENCODING', 'no route secret');
    const values = chainOf(secret, r.group.id, period, segments).values.map((v) => v.slice(0, 16));
    const right = cat(...values.slice(0, -1));
    if (!same(values[values.length - 1] ?? right, h.topicTag) || !same(right, chain))
      refuse('E_ENCODING', 'tag or chain');
    return payload;
  }

  /** patterns.6: what is missing now and was not missing before. */
  private gapsOf(o: Offer): { from: bigint; to: bigint }[] {
    const name = `${o.stream.sender}/${o.stream.epoch}/${o.stream.tag}/${o.stream.id}`;
    const seen = this.numbers.get(name) ?? new Set([0n]);
    const highest = [...seen].reduce((a, b) => (b > a ? b : a), 0n);
    seen.add(o.seq);
    this.numbers.set(name, seen);
    return o.seq > highest + 1n ? [{ from: highest + 1n, to: o.seq - 1n }] : [];
  }

  publish(now: bigint, topic: Bytes): { epoch: number; headSeq: bigint } {
    const segments = parseTopic(topic);
    for (const g of this.groups.values()) {
      const v = g.view;
      if (v === undefined || !v.block.body.patterns.some((p) => matches(p.segments, segments))) continue;
      const period = Number(now / asNumber(v.record['period_ms']));
      const secret = this.secretOf(v, period) ?? refuse('E_POLICY', 'no route secret');
      const values = chainOf(secret, g.id, period, segments).values.map((x) => x.slice(0, 16));
      const asked = { timestamp: now, tag: values[values.length - 1] ?? topic, chain: values.slice(0, -1) };
      const mine = v.record['topic_chains'] === true ? asked : { timestamp: now, tag: asked.tag };
      if (!allows(v.writers, this.me.keyId, ACTION.publish, mine)) refuse('E_POLICY', 'patterns.2');
      if (!this.fresh(v, now)) refuse('E_STALE', 'principals.29');
      if (g.learnt.some((l) => l.seq > v.head.seq && now >= l.at + BEHIND)) refuse('E_STALE', 'principals.32');
      if (g.member.forked) refuse('E_FORK', 'groups.8');
      const epochs = [...g.blocks.keys()].sort((a, b) => b - a);
      const own = v.block.header.epoch;
      const unseen = epochs.flatMap((e) => (e > own ? [g.blocks.get(e)?.header] : []));
      if (unseen.some((u) => u !== undefined && (u.notBefore <= now || u.flags === 1))) refuse('E_STALE', 'groups.28');
      const newest = g.blocks.get(own);
      const begunAt = (e: number): bigint => g.blocks.get(e)?.header.notBefore ?? FOREVER_NOT;
      const before = g.blocks.get(epochs.find((e) => e < own && begunAt(e) <= now) ?? -1);
      const begun = newest !== undefined && (newest.header.notBefore <= now || newest.header.flags === 1);
      const block = begun ? newest : before;
      if (block === undefined || now > block.header.notAfter) return refuse('E_EPOCH', 'groups.25');
      return { epoch: block.header.epoch, headSeq: v.head.seq };
    }
    return refuse('E_POLICY', 'patterns.2: no rule');
  }
}
