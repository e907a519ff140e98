/** The twin's answers to the operations of the sections `groups` and `node` of OPERATIONS.md. */
import { blockHeaderJson } from './groupworld.ts';
import { arr, int, obj, str, type Json, type Members } from './json.ts';
import { blockHashOf, encodePartial, parseBlock, partialParts, rootOf } from './twin/blocks.ts';
import { hex, unhex, type Bytes } from './twin/bytes.ts';
import { Member } from './twin/member.ts';
import { Node } from './twin/node.ts';
import { keyPair } from './twin/objects.ts';
import { Refusal } from './twin/refusal.ts';
import { cover, stepKey } from './twin/subtree.ts';
import { parsePattern } from './twin/topics.ts';

const bytes = (value: Json | undefined): Bytes => unhex(str(value));

function memberRun(j: Members): Members {
  const m = obj(j['member']);
  const g = obj(j['group']);
  const member = new Member(
    bytes(j['authorityId']),
    {
      keyId: bytes(m['keyId']),
      suites: arr(m['suites']).map(int),
      suiteFloor: int(m['suiteFloor']),
      prekeys: arr(m['prekeys']).map(bytes),
      ...(m['psk'] === undefined ? {} : { psk: bytes(m['psk']) }),
    },
    {
      groupId: bytes(g['groupId']),
      purpose: int(g['purpose']),
      suite: int(g['suite']),
      blockKind: int(g['blockKind']),
      controllerPublicKey: bytes(g['controllerPublicKey']),
      topicChains: g['topicChains'] === true,
    },
  );
  return {
    results: arr(j['steps']).map((s): Json => {
      const step = obj(s);
      try {
        if (step['block'] !== undefined) {
          const opened = member.block(bytes(step['block']));
          if (opened === 'known') return { known: true };
          return {
            opened: {
              epochSecret: hex(opened.epochSecret),
              epochCommit: hex(opened.epochCommit),
              groupCtx: hex(opened.groupCtx),
              blockHash: hex(opened.blockHash),
              private: hex(opened.private),
            },
          };
        }
        if (step['enrolment'] !== undefined) return { [member.enrolment(bytes(step['enrolment']))]: true };
        return {
          enrolments: member.keys().map((e) => ({
            generation: e.generation,
            epoch: e.epoch,
            leaf: e.leaf,
            nodeKeys: e.nodeKeys.map(hex),
          })),
        };
      } catch (error) {
        if (error instanceof Refusal) return { error: error.code };
        throw error;
      }
    }),
  };
}

const patternsOf = (value: Json | undefined): { bytes: Bytes; segments: Bytes[] }[] =>
  value === undefined ? [] : arr(value).map((s) => ({ bytes: bytes(s), segments: parsePattern(bytes(s)) }));

function nodeRun(j: Members): Members {
  const node = new Node(
    bytes(j['authorityId']),
    keyPair(bytes(j['seed'])),
    arr(j['prekeys']).map(bytes),
    { live: patternsOf(j['subscriptions']), log: patternsOf(j['logSubscriptions']) },
    j['bootMs'] === undefined ? 0n : BigInt(str(j['bootMs'])),
  );
  const one = (step: Members): Members => {
    const now = step['now'] === undefined ? 0n : BigInt(str(step['now']));
    if (step['object'] !== undefined) {
      const object = obj(step['object']);
      return { [node.object(now, int(object['type']), bytes(object['bytes']))]: true };
    }
    if (step['envelope'] !== undefined || step['stored'] !== undefined) {
      const stored = step['stored'] === undefined ? undefined : obj(step['stored']);
      const d = node.envelope(now, bytes((stored ?? step)['envelope']), stored === undefined ? 'live' : 'log');
      if (d === undefined) return { delivered: false };
      const out: Members = {
        messages: d.messages.map(hex),
        topic: hex(d.topic),
        sender: hex(d.sender),
        stale: d.stale,
      };
      if (d.gaps.length > 0) out['gaps'] = d.gaps.map((g) => ({ from: g.from.toString(), to: g.to.toString() }));
      if (d.survey !== undefined) {
        out['survey'] = {
          surveyId: hex(d.survey.surveyId),
          deadline: d.survey.deadline.toString(),
          maxReply: d.survey.maxReply,
          replyKey: hex(d.survey.replyKey),
        };
      }
      // As the broker said, and nothing else follows from it.
      if (stored !== undefined) out['position'] = str(stored['position']);
      return out;
    }
    if (step['publish'] !== undefined) {
      const p = node.publish(now, bytes(obj(step['publish'])['topic']));
      return { epoch: p.epoch, headSeq: p.headSeq.toString() };
    }
    const v = node.view(bytes(step['view']), now);
    return v === undefined ? { none: true } : { headSeq: v.seq.toString(), epoch: v.epoch, fresh: v.fresh };
  };
  return {
    results: arr(j['steps']).map((s): Json => {
      try {
        return one(obj(s));
      } catch (error) {
        if (error instanceof Refusal) return { error: error.code };
        throw error;
      }
    }),
  };
}

export function answerGroups(op: string, j: Members): Members | undefined {
  switch (op) {
    case 'cs.cover':
      return { nodes: cover(int(j['height']), arr(j['excluded']).map(int)).map(String) };
    case 'cs.step':
      return { nodeKey: hex(stepKey(bytes(j['nodeKey']), int(j['steps']))) };
    case 'block.parse': {
      const b = parseBlock(bytes(j['block']));
      const root = rootOf(b);
      return {
        header: { ...blockHeaderJson(b.header), controllerKeyId: hex(b.controllerKeyId) },
        epochCommit: hex(b.epochCommit),
        entries: b.entries.map(hex),
        private: hex(b.privateSealed),
        signature: hex(b.signature),
        groupCtx: hex(b.groupCtx),
        entriesRoot: hex(root),
        blockHash: hex(blockHashOf(b, root)),
      };
    }
    case 'block.partial':
      return { partial: hex(encodePartial(partialParts(bytes(j['block']), int(j['index'])))) };
    case 'member.run':
      return memberRun(j);
    case 'node.run':
      return nodeRun(j);
    default:
      return undefined;
  }
}
