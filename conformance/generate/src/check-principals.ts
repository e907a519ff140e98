/** The twin's answers to the operations of chapter 07. */
import { arr, int, obj, str, type Json, type Members } from './json.ts';
import { hex, unhex, type Bytes } from './twin/bytes.ts';
import { address16, bodyJson, treeHead, type Entry } from './twin/objects.ts';
import { compile } from './twin/policy.ts';
import { Refusal } from './twin/refusal.ts';
import {
  allows,
  checkList,
  checkRevoked,
  decodeBody,
  parseBundle,
  readEntry,
  Trust,
  type Taken,
} from './twin/trust.ts';

const bytes = (value: Json | undefined): Bytes => unhex(str(value));
const big = (value: Json | undefined): bigint => BigInt(str(value));

export function entryJson(e: Entry): Members {
  return {
    keyId: hex(e.keyId),
    actions: e.actions,
    matchKind: e.matchKind,
    level: e.level,
    match: hex(e.match),
    notAfter: e.notAfter.toString(),
  };
}

function taken(t: Taken): Members {
  if ('known' in t) return { known: true };
  const out: Members = { held: true };
  if (t.generation !== undefined) out['generation'] = t.generation;
  if (t.epoch !== undefined) out['epoch'] = t.epoch;
  if (t.blockHash !== undefined) out['blockHash'] = hex(t.blockHash);
  return out;
}

function take(node: Trust, step: Members): Taken {
  const now = big(step['now']);
  if (step['object'] !== undefined) return node.object(int(step['kind']), now, bytes(step['object']));
  if (step['head'] !== undefined) return node.takeHead(now, bytes(step['head']));
  if (step['groupHead'] !== undefined) return node.takeGroupHead(now, bytes(step['groupHead']), bytes(step['groupId']));
  return node.takeAnswer(now, bytes(step['answer']), bytes(step['nonce']));
}

function trustRun(j: Members): Members {
  const node = new Trust(bytes(j['authorityId']), j['skewMs'] === undefined ? 30_000n : big(j['skewMs']));
  return {
    results: arr(j['steps']).map((s): Json => {
      try {
        return taken(take(node, obj(s)));
      } catch (error) {
        if (error instanceof Refusal) return { error: error.code };
        throw error;
      }
    }),
  };
}

function listAllows(j: Members): Members {
  const list = bytes(j['list']);
  const entries = Array.from({ length: (list.length - 28) / 60 }, (_, i) =>
    readEntry(list.slice(28 + 60 * i, 88 + 60 * i)),
  );
  const chain = j['chain'] === undefined ? undefined : bytes(j['chain']);
  return {
    allows: allows(entries, bytes(j['keyId']), int(j['action']), {
      ...(j['timestamp'] === undefined ? {} : { timestamp: big(j['timestamp']) }),
      ...(j['tag'] === undefined ? {} : { tag: bytes(j['tag']) }),
      ...(chain === undefined
        ? {}
        : { chain: Array.from({ length: chain.length / 16 }, (_, i) => chain.slice(16 * i, 16 * i + 16)) }),
      ...(j['now'] === undefined ? {} : { now: big(j['now']) }),
      ...(j['matchKind'] === undefined ? {} : { matchKind: int(j['matchKind']) }),
      ...(j['level'] === undefined ? {} : { level: int(j['level']) }),
      ...(j['match'] === undefined ? {} : { match: bytes(j['match']) }),
    }),
  };
}

export function answerPrincipals(op: string, j: Members): Members | undefined {
  switch (op) {
    case 'body.decode': {
      const message = str(j['message']);
      return { fields: bodyJson(message, decodeBody(message, bytes(j['bytes']))) };
    }
    case 'tree.root':
      return { root: hex(treeHead(arr(j['leaves']).map(bytes))) };
    case 'list.check':
      return {
        entries: checkList(bytes(j['list']), int(j['use']), bytes(j['groupId']), bytes(j['root'])).map(entryJson),
      };
    case 'list.allows':
      return listAllows(j);
    case 'policy.compile': {
      const made = compile(
        arr(j['rules']).map((r) => ({ pattern: bytes(obj(r)['pattern']), groupId: bytes(obj(r)['groupId']) })),
        arr(j['grants']).map((g) => ({
          keyId: bytes(obj(g)['keyId']),
          action: int(obj(g)['action']),
          pattern: bytes(obj(g)['pattern']),
          notAfter: big(obj(g)['notAfter']),
        })),
        arr(j['groups']).map((g) => ({
          groupId: bytes(obj(g)['groupId']),
          purpose: obj(g)['purpose'] === undefined ? 1 : int(obj(g)['purpose']),
          routeSecrets: arr(obj(g)['routeSecrets']).map((s) => ({
            fromPeriod: int(obj(s)['fromPeriod']),
            secret: bytes(obj(s)['secret']),
          })),
          periods: arr(obj(g)['periods']).map(int),
        })),
      );
      return {
        groups: made.map((g) => ({
          groupId: hex(g.groupId),
          writers: g.writers.map(entryJson),
          edge: g.edge.map(entryJson),
        })),
      };
    }
    case 'revoked.check':
      return {
        entries: checkRevoked(bytes(j['list'])).map((e) => ({
          keyId: hex(e.keyId),
          minSerial: e.minSerial.toString(),
        })),
      };
    case 'address':
      return { address: hex(address16(bytes(j['authorityId']), int(j['type']), bytes(j['id']))) };
    case 'bundle.parse':
      return {
        objects: parseBundle(bytes(j['bundle'])).map((o) => ({ address: hex(o.address), bytes: hex(o.bytes) })),
      };
    case 'trust.run':
      return trustRun(j);
    default:
      return undefined;
  }
}
