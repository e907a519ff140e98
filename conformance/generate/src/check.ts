/** The twin's answer to an operation of OPERATIONS.md. It checks the answers that the areas state; it writes none of them. */
import { cat, hex, u32, unhex, zeros } from './twin/bytes.ts';
import * as ed from './twin/ed25519.ts';
import { leafNonce, makeJob } from './twin/envelope.ts';
import * as aead from './twin/aead.ts';
import { decodeFrames, decodePreface } from './twin/frame.ts';
import { checkFreshness, StreamRate } from './twin/freshness.ts';
import { MERKLE, type Header } from './twin/header.ts';
import type { Extension } from './twin/extensions.ts';
import { verifyPath } from './twin/merkle.ts';
import { openOne, type Receiver } from './twin/open.ts';
import { replayFor, type Opening } from './twin/receive.ts';
import { parseEnvelope, parseJob } from './twin/parse.ts';
import { padme, parseRecords, type Message } from './twin/records.ts';
import { Refusal, refuse } from './twin/refusal.ts';
import {
  groupName,
  ReplayModel,
  stepLast,
  stepsBefore,
  streamName,
  type Defect,
  type Offer,
  type Stored,
} from './twin/replay.ts';
import type { StreamName } from './twin/replay.ts';
import { aadHeader, id32, keyId, rawKeyId, recordKey, signInput } from './twin/schedule.ts';
import { matches, parsePattern, parseTopic, periodsOf } from './twin/topics.ts';
import { readVarint } from './twin/varint.ts';
import { x25519 } from './twin/x25519.ts';
import { xp } from './twin/hash.ts';
import { answerGroups } from './check-groups.ts';
import { answerLinks } from './check-links.ts';
import { answerPools } from './check-pools.ts';
import { answerPrincipals } from './check-principals.ts';
import { arr, int, obj, str, type Json, type Members } from './json.ts';

const big = (value: Json | undefined): bigint => BigInt(str(value));
const bytes = (value: Json | undefined): Uint8Array => unhex(str(value));
const orBig = (value: Json | undefined, fallback: bigint): bigint => (value === undefined ? fallback : big(value));

export function headerJson(h: Header): Members {
  return {
    patternKind: h.patternKind,
    suite: h.suite,
    flags: h.flags,
    topicTag: hex(h.topicTag),
    epoch: h.epoch,
    count: h.count,
    senderId: hex(h.senderId),
    streamId: hex(h.streamId),
    seq: h.seq.toString(),
    timestamp: h.timestamp.toString(),
    salt: hex(h.salt),
    extLen: h.extLen,
    keyinfoLen: h.keyinfoLen,
    bodyLen: h.bodyLen,
  };
}

export function extensionsJson(list: readonly Extension[]): Json {
  return list.map((x) => ({ number: x.number, critical: x.critical, value: hex(x.value) }));
}

export function recordsJson(list: readonly Message[]): Json {
  return list.map((m) => ({ timestamp: m.timestamp.toString(), payload: hex(m.payload) }));
}

function openingJson(o: Opening | undefined): Members {
  if (o === undefined) return { delivered: false };
  const out: Members = { verdict: 'new', id: hex(o.id), records: recordsJson(o.records) };
  if (o.leaf !== undefined) out['leaf'] = o.leaf;
  return out;
}

function receiverOf(j: Members): Receiver {
  return {
    sources: arr(j['sources']).map((s) => {
      const m = obj(s);
      return {
        topicTag: bytes(m['topicTag']),
        epoch: int(m['epoch']),
        suite: int(m['suite']),
        sourceSecret: bytes(m['sourceSecret']),
        groupCtx: bytes(m['groupCtx']),
        bind: bytes(m['bind']),
        open: m['open'] === true,
      };
    }),
    senders: arr(j['senders']).map((s) => {
      const m = obj(s);
      return { publicKey: bytes(m['publicKey']), may: m['mayWrite'] === true };
    }),
    stored: j['stored'] === true,
    maxAge: orBig(j['maxAgeMs'], 120_000n),
    skew: orBig(j['skewMs'], 30_000n),
    boot: orBig(j['bootMs'], 0n),
    window: j['window'] === undefined ? 1024n : BigInt(int(j['window'])),
  };
}

function derive(j: Members): Members {
  const e = parseEnvelope(bytes(j['envelope']));
  const source = obj(j['source']);
  if (int(source['suite']) !== e.header.suite) refuse('E_SUITE', 'suites.3');
  const publicKey = bytes(j['senderPublicKey']);
  const sender = rawKeyId(1, publicKey);
  const bind = bytes(source['bind']);
  const merkle = (e.header.flags & MERKLE) !== 0;
  const input = signInput(sender, bind, e.ph, e.keyinfo, merkle ? zeros(0) : e.body);
  ed.verify(publicKey, input, e.signature);
  const k = recordKey(
    bytes(source['sourceSecret']),
    bytes(source['groupCtx']),
    sender,
    e.header.streamId,
    e.header.salt,
  );
  const commit = e.extensions.find((x) => x.number === 11);
  if (commit !== undefined && hex(commit.value) !== hex(k.recordCommit)) refuse('E_COMMIT', 'suites.15');
  const aadh = aadHeader(e.ph);
  const sealed = merkle ? e.leaves : [e.body];
  const aads = sealed.map((_, i) => (merkle ? cat(aadh, bind, u32(i)) : cat(aadh, bind)));
  const plaintexts = sealed.map((s, i) =>
    aead.open(e.header.suite, k.key, merkle ? leafNonce(k.nonce, i) : k.nonce, aads[i] ?? aadh, s),
  );
  return {
    protectedHeader: hex(e.ph),
    aadHeader: hex(aadh),
    streamSecret: hex(k.streamSecret),
    key: hex(k.key),
    nonce: hex(k.nonce),
    aads: aads.map(hex),
    plaintexts: plaintexts.map(hex),
    signInput: hex(input),
    id: hex(id32(input)),
  };
}

function streamOf(j: Json | undefined): StreamName {
  const m = obj(j);
  return { sender: str(m['sender']), epoch: int(m['epoch']), tag: str(m['tag']), id: str(m['id']) };
}

function offerOf(j: Json | undefined): { offer: Offer; defect: Defect } {
  const m = obj(j);
  const offer: Offer = {
    stream: streamOf(m['stream']),
    seq: big(m['seq']),
    timestamp: big(m['timestamp']),
    id32: str(m['id32']),
  };
  if (m['prev32'] !== undefined) offer.prev32 = str(m['prev32']);
  if (m['leaf'] !== undefined) offer.leaf = int(m['leaf']);
  if (m['leafCount'] !== undefined) offer.leafCount = int(m['leafCount']);
  if (m['control'] === true) offer.control = true;
  const names = ['forged', 'badTag', 'badGrammar', 'unstored'] as const;
  return { offer, defect: names.find((n) => m[n] === true) };
}

/** Runs `act`; a refusal becomes a result. */
function result(act: () => Members): Members {
  try {
    return act();
  } catch (error) {
    if (error instanceof Refusal) return { error: error.code };
    throw error;
  }
}

function verdict(stored: Stored): Members {
  const out: Members = { verdict: 'new' };
  if (stored.floor !== undefined) out['floor'] = stored.floor.toString();
  if (stored.bound !== undefined) out['bound'] = stored.bound.toString();
  if (stored.evictTs !== undefined) out['evictTs'] = stored.evictTs.toString();
  return out;
}

function replayRun(j: Members): Members {
  const model = new ReplayModel({
    window: j['window'] === undefined ? 1024n : BigInt(int(j['window'])),
    durable: j['durable'] === true,
    bootMs: orBig(j['bootMs'], 0n),
    skewMs: orBig(j['skewMs'], 30_000n),
    streamCap: j['streamCap'] === undefined ? 64 : int(j['streamCap']),
    evidenceStreams: j['evidenceStreams'] === undefined ? 10_000 : int(j['evidenceStreams']),
    stored: false,
  });
  for (const f of arr(j['floors'] ?? [])) {
    const m = obj(f);
    model.storeFloor(streamOf(m['stream']), big(m['floor']), big(m['bound']));
  }
  for (const f of arr(j['evictions'] ?? [])) {
    const m = obj(f);
    const g = obj(m['group']);
    model.storeEviction(
      groupName({ sender: str(g['sender']), epoch: int(g['epoch']), tag: str(g['tag']) }),
      big(m['evictTs']),
    );
  }
  model.start(orBig(j['bootMs'], 0n));
  const results = arr(j['steps']).map((s): Json => {
    const step = obj(s);
    if (step['restart'] !== undefined) {
      model.start(big(obj(step['restart'])['bootMs']));
      return {};
    }
    if (step['offer2'] !== undefined) {
      const pair = arr(step['offer2']).map(offerOf);
      const halves = pair.map(({ offer, defect }) => {
        try {
          return stepsBefore(model, offer, defect);
        } catch (error) {
          if (error instanceof Refusal) return error;
          throw error;
        }
      });
      return {
        results: halves.map((half, i) => {
          if (half instanceof Refusal) return { error: half.code };
          const p = pair[i];
          if (p === undefined) throw new Error('unreachable');
          return result(() => verdict(stepLast(model, p.offer, p.defect, half)));
        }),
      };
    }
    const { offer, defect } = offerOf(step['offer']);
    return result(() => verdict(stepLast(model, offer, defect, stepsBefore(model, offer, defect))));
  });
  return { results };
}

function streamRate(j: Members): Members {
  const rates = new Map<string, StreamRate>();
  const results = arr(j['steps']).map((s): Json => {
    const step = obj(s);
    const stream = streamOf(step['stream']);
    const name = `${stream.sender}/${stream.tag}`;
    const rate = rates.get(name) ?? new StreamRate();
    rates.set(name, rate);
    return rate.offer(big(step['now']), streamName(stream)) ? { ok: true } : { error: 'E_LIMIT' };
  });
  return { results };
}

function run(op: string, j: Members): Members | undefined {
  switch (op) {
    case 'varint.decode': {
      const b = bytes(j['bytes']);
      const v = readVarint(b, 0);
      if (v.next !== b.length) refuse('E_ENCODING', 'bytes after it');
      return { value: v.value.toString() };
    }
    case 'preface.decode':
      return { version: decodePreface(bytes(j['bytes'])) };
    case 'frame.decode': {
      const stream = cat(...arr(j['chunks']).map(bytes));
      const cap = j['cap'] === undefined ? 1_048_576 : int(j['cap']);
      const frames = decodeFrames(stream, cap);
      return { frames: frames.map((f) => ({ type: f.type, channel: f.channel, body: hex(f.body) })) };
    }
    case 'envelope.parse': {
      const e = parseEnvelope(bytes(j['bytes']));
      return {
        header: headerJson(e.header),
        extensions: extensionsJson(e.extensions),
        keyinfo: hex(e.keyinfo),
        body: hex(e.body),
        signature: hex(e.signature),
      };
    }
    case 'job.parse': {
      const e = parseJob(bytes(j['bytes']));
      return {
        header: headerJson(e.header),
        extensions: extensionsJson(e.extensions),
        keyinfo: hex(e.keyinfo),
        leaf: e.leaf,
        ciphertext: hex(e.sealed),
        path: e.path.map(hex),
        signature: hex(e.signature),
      };
    }
    case 'records.decode':
      return {
        records: recordsJson(
          parseRecords(bytes(j['bytes']), int(j['count']), big(j['timestamp']), j['padded'] === true),
        ),
      };
    case 'padme':
      return { padded: padme(int(j['length'])) };
    case 'merkle.verify':
      verifyPath(
        bytes(j['leafHash']),
        int(j['leaf']),
        int(j['leafCount']),
        arr(j['path']).map(bytes),
        bytes(j['root']),
      );
      return {};
    case 'envelope.split': {
      const envelope = bytes(j['envelope']);
      const e = parseEnvelope(envelope);
      if ((e.header.flags & MERKLE) === 0) refuse('E_ENCODING', 'flag 1 is not set');
      if (int(j['leaf']) >= e.leaves.length) refuse('E_PROOF', 'no such leaf');
      return { job: hex(makeJob(envelope, int(j['leaf']))) };
    }
    case 'key.id': {
      const id = keyId(int(j['alg']), bytes(j['publicKey']));
      return { keyId: hex(id), senderId: hex(id.slice(0, 16)) };
    }
    case 'xp':
      return { output: hex(xp(bytes(j['secret']), str(j['label']), bytes(j['context']), int(j['length']))) };
    case 'ed25519.verify':
      ed.verify(bytes(j['publicKey']), bytes(j['message']), bytes(j['signature']));
      return {};
    case 'x25519':
      return { shared: hex(x25519(bytes(j['secret']), bytes(j['publicKey']))) };
    case 'envelope.open': {
      const r = receiverOf(obj(j['receiver']));
      const job = j['job'] !== undefined;
      return openingJson(openOne(r, replayFor(r), big(j['now']), bytes(job ? j['job'] : j['envelope']), job));
    }
    case 'receiver.run': {
      const r = receiverOf(obj(j['receiver']));
      const model = replayFor(r);
      return {
        results: arr(j['steps']).map((s): Json => {
          const step = obj(s);
          const job = step['job'] !== undefined;
          const b = bytes(job ? step['job'] : step['envelope']);
          return result(() => openingJson(openOne(r, model, big(step['now']), b, job)));
        }),
      };
    }
    case 'envelope.derive':
      return derive(j);
    case 'replay.run':
      return replayRun(j);
    case 'freshness': {
      const expiry = j['expiry'];
      checkFreshness({
        timestamp: big(j['timestamp']),
        now: big(j['now']),
        maxAge: orBig(j['maxAgeMs'], 120_000n),
        skew: orBig(j['skewMs'], 30_000n),
        stored: j['stored'] === true,
        ...(expiry === undefined ? {} : { expiry: big(expiry) }),
      });
      return {};
    }
    case 'stream.rate':
      return streamRate(j);
    case 'topic.parse':
      return { segments: parseTopic(bytes(j['topic'])).map(hex) };
    case 'pattern.parse':
      return { segments: parsePattern(bytes(j['pattern'])).map(hex) };
    case 'topic.match':
      return { match: matches(parsePattern(bytes(j['pattern'])), parseTopic(bytes(j['topic']))) };
    case 'topic.periods':
      return {
        periods: periodsOf(
          big(j['now']),
          orBig(j['periodMs'], 86_400_000n),
          orBig(j['maxAgeMs'], 120_000n),
          orBig(j['skewMs'], 30_000n),
        ),
      };
    default:
      return answerGroups(op, j) ?? answerPrincipals(op, j) ?? answerLinks(op, j) ?? answerPools(op, j);
  }
}

export function answer(op: string, input: Members): Json | undefined {
  try {
    const out = run(op, input);
    return out === undefined ? undefined : { out };
  } catch (error) {
    if (error instanceof Refusal) return { error: error.code };
    throw error;
  }
}
