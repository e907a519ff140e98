/** The twin's answers to the operations of the sections `pools`, `surveys` and `relay` of OPERATIONS.md. */
import { arr, int, obj, str, type Json, type Members } from './json.ts';
import { Requester, Surveyor, type AskerState } from './twin/askers.ts';
import { cat, hex, unhex, type Bytes } from './twin/bytes.ts';
import { Crew } from './twin/crew.ts';
import { H } from './twin/hash.ts';
import { poolKey, poolOpen, poolSetup, replyContext, surveyOpen, surveySetup } from './twin/pools.ts';
import type { Sender, Times } from './twin/receive.ts';
import { Refusal } from './twin/refusal.ts';
import { Relay } from './twin/relay.ts';
import { answerOf } from './twin/topics.ts';

const bytes = (value: Json | undefined): Bytes => unhex(str(value));
const big = (value: Json | undefined): bigint => BigInt(str(value));
const orBig = (value: Json | undefined, fallback: bigint): bigint => (value === undefined ? fallback : big(value));

function timesOf(j: Members): Times {
  return {
    stored: false,
    maxAge: orBig(j['maxAgeMs'], 120_000n),
    skew: orBig(j['skewMs'], 30_000n),
    boot: orBig(j['bootMs'], 0n),
    window: j['window'] === undefined ? 1024n : BigInt(int(j['window'])),
  };
}
const sendersOf = (list: Json | undefined, right: string): Sender[] =>
  arr(list).map((s) => ({ publicKey: bytes(obj(s)['publicKey']), may: obj(s)[right] === true }));

function askerOf(j: Members): AskerState {
  return {
    ...timesOf(j),
    tags: arr(j['tags']).map(bytes),
    fresh: j['fresh'] !== false,
    responders: sendersOf(j['responders'], 'mayRespond'),
  };
}

/** One result for each step; undefined is an envelope that is not delivered. */
function steps(j: Members, one: (now: bigint, step: Members) => Members | undefined): Members {
  return {
    results: arr(j['steps']).map((s): Json => {
      const step = obj(s);
      try {
        return one(big(step['now']), step) ?? { delivered: false };
      } catch (error) {
        if (error instanceof Refusal) return { error: error.code };
        throw error;
      }
    }),
  };
}

function crewRun(j: Members): Members {
  const crew = new Crew({
    ...timesOf(j),
    tags: arr(j['tags']).map(bytes),
    fresh: j['fresh'] !== false,
    epochs: arr(j['epochs']).map((e) => {
      const m = obj(e);
      return {
        epoch: int(m['epoch']),
        suite: int(m['suite']),
        epochSecret: bytes(m['epochSecret']),
        groupCtx: bytes(m['groupCtx']),
        open: m['open'] === true,
        ...(m['poolHash'] === undefined ? {} : { poolHash: bytes(m['poolHash']) }),
      };
    }),
    senders: sendersOf(j['senders'], 'mayWrite'),
  });
  return steps(j, (now, step) => {
    const job = step['job'] !== undefined;
    const t = crew.receive(now, bytes(job ? step['job'] : step['envelope']), job);
    if (t === undefined) return undefined;
    const out: Members = {
      verdict: 'new',
      id: hex(t.id),
      records: t.records.map((r) => ({
        key: hex(r.key),
        deadline: r.deadline.toString(),
        body: hex(r.body),
        late: r.late,
      })),
    };
    if (t.leaf !== undefined) out['leaf'] = t.leaf;
    return out;
  });
}

function requesterRun(j: Members): Members {
  const requester = new Requester(
    askerOf(j),
    int(j['suite']),
    arr(j['streams']).map((s) => {
      const m = obj(s);
      return {
        enc: bytes(m['enc']),
        poolHash: bytes(m['poolHash']),
        epoch: int(m['epoch']),
        replySecret: bytes(m['replySecret']),
        requests: arr(m['requests']).map((r) => ({
          id: bytes(obj(r)['id']),
          leaf: int(obj(r)['leaf']),
          index: int(obj(r)['index']),
        })),
      };
    }),
  );
  return steps(j, (now, step) => {
    const t = requester.receive(now, bytes(step['envelope']));
    if (t === undefined) return undefined;
    return {
      verdict: 'new',
      id: hex(t.id),
      replies: t.replies.map((r) => ({
        id: hex(r.id),
        leaf: r.leaf,
        index: r.index,
        status: r.status,
        body: hex(r.body),
        ...(r.code === undefined ? {} : { code: r.code }),
      })),
      ignored: t.ignored,
    };
  });
}

function surveyRun(j: Members): Members {
  const surveyor = new Surveyor(
    askerOf(j),
    arr(j['surveys']).map((s) => {
      const m = obj(s);
      return {
        questionId: bytes(m['questionId']),
        suite: int(m['suite']),
        epoch: int(m['epoch']),
        deadline: big(m['deadline']),
        maxReply: int(m['maxReply']),
        privateKey: bytes(m['privateKey']),
      };
    }),
  );
  return steps(j, (now, step) => {
    const t = surveyor.receive(now, bytes(step['envelope']));
    if (t === undefined) return undefined;
    return { verdict: 'new', id: hex(t.id), questionId: hex(t.questionId), body: hex(t.body), sender: hex(t.sender) };
  });
}

function relayRun(j: Members): Members {
  const relay = new Relay(bytes(j['authorityId']));
  return steps(j, (now, step) => {
    if (step['bundle'] !== undefined) {
      relay.bundle(now, bytes(step['bundle']));
      return { applied: true };
    }
    relay.envelope(bytes(step['keyId']), bytes(step['envelope']));
    return { verified: true };
  });
}

export function answerPools(op: string, j: Members): Members | undefined {
  switch (op) {
    case 'answer.tag': {
      const a = answerOf(bytes(j['routeSecret']), bytes(j['groupId']), int(j['period']), bytes(j['keyId']));
      const root = a.root.slice(0, 16);
      return { tag: hex(a.own.slice(0, 16)), root: hex(root), chain: hex(cat(a.first.slice(0, 16), root)) };
    }
    case 'pool.key': {
      const k = poolKey(bytes(j['epochSecret']), bytes(j['groupCtx']));
      return { privateKey: hex(k.privateKey), publicKey: hex(k.publicKey) };
    }
    case 'pool.setup':
    case 'pool.open': {
      const [suite, hash, who] = [int(j['suite']), bytes(j['poolHash']), bytes(j['senderKeyId'])];
      const s =
        op === 'pool.setup'
          ? poolSetup(suite, hash, bytes(j['publicKey']), who, big(j['started']), bytes(j['rng']))
          : poolOpen(suite, hash, bytes(j['privateKey']), who, bytes(j['keyinfo']));
      const both: Members = {
        info: hex(s.info),
        bind: hex(s.bind),
        sourceSecret: hex(s.sourceSecret),
        replySecret: hex(s.replySecret),
        streamId: hex(s.streamId),
      };
      return op === 'pool.setup' ? { enc: hex(s.enc), ...both, keyinfo: hex(s.keyinfo) } : both;
    }
    case 'reply.context': {
      const enc = bytes(j['enc']);
      return {
        context: hex(replyContext(enc, bytes(j['poolHash']))),
        keyinfo: hex(H(enc)),
      };
    }
    case 'survey.setup':
    case 'survey.open': {
      const [suite, question] = [int(j['suite']), bytes(j['questionId'])];
      const who = bytes(j['responderKeyId']);
      const s =
        op === 'survey.setup'
          ? surveySetup(suite, question, who, bytes(j['publicKey']), bytes(j['rng']))
          : surveyOpen(suite, question, who, bytes(j['privateKey']), bytes(j['enc']));
      const both: Members = { info: hex(s.info), bind: hex(s.bind), sourceSecret: hex(s.sourceSecret) };
      return op === 'survey.setup' ? { enc: hex(s.enc), ...both, keyinfo: hex(s.keyinfo) } : both;
    }
    case 'crew.run':
      return crewRun(j);
    case 'requester.run':
      return requesterRun(j);
    case 'survey.run':
      return surveyRun(j);
    case 'relay.run':
      return relayRun(j);
    default:
      return undefined;
  }
}
