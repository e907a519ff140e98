/** The twin's answers to the operations of the sections `pools`, `surveys` and `relay` of OPERATIONS.md. */
import { arr, int, obj, str, type Json, type Members } from './json.ts';
import { Requester, Surveyor, type AskerState } from './twin/askers.ts';
import { cat, hex, unhex, type Bytes } from './twin/bytes.ts';
import { Crew } from './twin/crew.ts';
import type { FrontEpoch } from './twin/forward.ts';
import { H } from './twin/hash.ts';
import { poolKey, poolOpen, poolSetup, replyContext, surveyOpen, surveySetup } from './twin/pools.ts';
import type { Sender, Times } from './twin/receive.ts';
import { Refusal } from './twin/refusal.ts';
import { Relay } from './twin/relay.ts';
import { Router } from './twin/router.ts';
import { openRouting, routingEpoch, sealRouting, type FrontKeys, type Place } from './twin/routing.ts';
import { answerOf, inboxOf } from './twin/topics.ts';

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

const frontKeysOf = (m: Members): FrontKeys => ({
  suite: int(m['suite']),
  epochSecret: bytes(m['epochSecret']),
  groupCtx: bytes(m['groupCtx']),
});
const frontOf = (j: Members): FrontEpoch[] =>
  arr(j['front'] ?? []).map((f) => {
    const m = obj(f);
    const { epoch, open } = m;
    return { ...frontKeysOf(m), epoch: int(epoch), epochCommit: bytes(m['epochCommit']), open: open === true };
  });

function askerOf(j: Members): AskerState {
  return {
    ...timesOf(j),
    tags: arr(j['tags']).map(bytes),
    fresh: j['fresh'] !== false,
    responders: sendersOf(j['responders'], 'mayRespond'),
  };
}

/** undefined is an envelope that is not delivered. */
function resultOf(one: () => Members | undefined): Members {
  try {
    return one() ?? { delivered: false };
  } catch (error) {
    if (error instanceof Refusal) return { error: error.code };
    throw error;
  }
}
/** One result for each step. */
function steps(j: Members, one: (now: bigint, step: Members) => Members | undefined): Members {
  return {
    results: arr(j['steps']).map((s): Json => {
      const step = obj(s);
      return resultOf(() => one(big(step['now']), step));
    }),
  };
}
/** The result of a forward, of which each record is received as `one` does. */
function forwarded(f: { id: Bytes; envelopes: Bytes[] }, one: (envelope: Bytes) => Members | undefined): Members {
  return { verdict: 'new', id: hex(f.id), forwarded: f.envelopes.map((e): Json => resultOf(() => one(e))) };
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
    inboxes: arr(j['inboxes'] ?? []).map(bytes),
    front: frontOf(j),
    routers: sendersOf(j['senders'], 'mayRoute'),
  });
  const one = (now: bigint, envelope: Bytes, job: boolean): Members | undefined => {
    const t = crew.receive(now, envelope, job);
    if (t === undefined) return undefined;
    if ('envelopes' in t) return forwarded(t, (inner) => one(now, inner, false));
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
  };
  return steps(j, (now, step) => {
    const job = step['job'] !== undefined;
    return one(now, bytes(job ? step['job'] : step['envelope']), job);
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
    {
      pattern: j['pattern'] === undefined ? 3 : int(j['pattern']),
      front: frontOf(j),
      // who may respond is known, and may not route for that
      routers: [
        ...arr(j['routers'] ?? []).map((key) => ({ publicKey: bytes(key), may: true })),
        ...sendersOf(j['responders'], 'mayRoute'),
      ],
    },
  );
  const one = (now: bigint, envelope: Bytes): Members | undefined => {
    const t = requester.receive(now, envelope);
    if (t === undefined) return undefined;
    if ('envelopes' in t) return forwarded(t, (inner) => one(now, inner));
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
  };
  return steps(j, (now, step) => one(now, bytes(step['envelope'])));
}

function routerRun(j: Members): Members {
  const router = new Router({
    ...timesOf(j),
    tags: arr(j['tags']).map(bytes),
    fresh: j['fresh'] !== false,
    front: arr(j['front']).map((f) => {
      const m = obj(f);
      return { ...frontKeysOf(m), epoch: int(m['epoch']), open: m['open'] === true };
    }),
    pools: arr(j['pools']).map((p) => {
      const m = obj(p);
      return {
        epoch: int(m['epoch']),
        suite: int(m['suite']),
        poolHash: bytes(m['poolHash']),
        notBefore: big(m['notBefore']),
        notAfter: big(m['notAfter']),
      };
    }),
    senders: sendersOf(j['senders'], 'mayWrite'),
    responders: sendersOf(j['senders'], 'mayRespond'),
  });
  return steps(j, (now, step) => {
    if (step['reply'] !== undefined) {
      router.reply(bytes(step['reply']));
      return { forwards: true };
    }
    const t = router.receive(now, bytes(step['envelope']));
    if (t === undefined) return undefined;
    return { verdict: 'new', id: hex(t.id), sender: hex(t.sender), data: hex(t.data) };
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
    case 'answer.tag':
    case 'inbox.tag': {
      const tagOf = op === 'answer.tag' ? answerOf : inboxOf;
      const a = tagOf(bytes(j['routeSecret']), bytes(j['groupId']), int(j['period']), bytes(j['keyId']));
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
    case 'routing.seal':
    case 'routing.open': {
      const place: Place = {
        senderKeyId: bytes(j['senderKeyId']),
        streamId: bytes(j['streamId']),
        seq: big(j['seq']),
        salt: bytes(j['salt']),
      };
      if (op === 'routing.seal') {
        const made = sealRouting(frontKeysOf(j), int(j['epoch']), place, bytes(j['data']));
        return { key: hex(made.key), nonce: hex(made.nonce), value: hex(made.value) };
      }
      const value = bytes(j['value']);
      const data = openRouting(frontKeysOf(j), place, value);
      return { epoch: routingEpoch(value), data: hex(data) };
    }
    case 'router.run':
      return routerRun(j);
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
