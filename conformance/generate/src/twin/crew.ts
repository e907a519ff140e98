/** A member of a crew, chapter 09: requests, jobs and messages of one front, and what routers forward. */
import { number, same, type Bytes } from './bytes.ts';
import { BATCH, MERKLE } from './header.ts';
import { H } from './hash.ts';
import { poolInfo, poolKey, poolOpen, readKeyinfo, streamIdOf } from './pools.ts';
import { FORWARD, takeForward, type FrontEpoch } from './forward.ts';
import { conclude, extensionOf, replayFor, senderOf, unpack, type Sender, type Times } from './receive.ts';
import { refuse } from './refusal.ts';
import type { ReplayModel } from './replay.ts';

const SAFE: bigint = (1n << 53n) - 1n;
const REQUEST = 0x30;
const PUSH = 0x40;
const MESSAGE = 0x70;

export interface CrewEpoch {
  epoch: number;
  suite: number;
  epochSecret: Bytes;
  groupCtx: Bytes;
  poolHash?: Bytes;
  open: boolean;
}
export interface CrewState extends Times {
  tags: Bytes[];
  fresh: boolean;
  epochs: CrewEpoch[];
  senders: Sender[];
  inboxes: Bytes[];
  front: FrontEpoch[];
  routers: Sender[];
}
export interface Work {
  key: Bytes;
  deadline: bigint;
  body: Bytes;
  late: boolean;
}
export interface Taken {
  id: Bytes;
  records: Work[];
  leaf?: number;
}
export interface Forwarded {
  id: Bytes;
  envelopes: Bytes[];
}

export class Crew {
  private readonly state: CrewState;
  private readonly replay: ReplayModel;

  constructor(state: CrewState) {
    this.state = state;
    this.replay = replayFor(state);
  }

  receive(now: bigint, bytes: Bytes, job: boolean): Taken | Forwarded | undefined {
    const u = unpack(bytes, job);
    const h = u.e.header;
    if (this.state.inboxes.some((t) => same(t, h.topicTag))) {
      if (h.patternKind !== FORWARD) refuse('E_ENCODING', 'no forward under an inbox tag');
      return takeForward(u, now, MESSAGE, { ...this.state, memory: this.replay, times: this.state });
    }
    if (!this.state.tags.some((t) => same(t, h.topicTag))) return undefined;
    // 8: the crew's epoch, freshness of the view, patterns.16, suite
    const epoch = this.state.epochs.find((x) => x.epoch === h.epoch);
    if (epoch === undefined || !epoch.open) return refuse('E_EPOCH', 'groups.26');
    const poolHash = epoch.poolHash ?? refuse('E_EPOCH', 'patterns.17');
    if (!this.state.fresh) refuse('E_STALE', 'principals.30');
    if (![REQUEST, PUSH, MESSAGE].includes(h.patternKind)) refuse('E_ENCODING', 'patterns.16: none of a pool');
    if (h.patternKind !== PUSH && (h.flags & MERKLE) !== 0) refuse('E_ENCODING', 'patterns.16: leaves');
    if ((h.flags & BATCH) === 0) refuse('E_ENCODING', 'patterns.16: a single');
    if (extensionOf(u.e, 8) === undefined) refuse('E_EXT', 'patterns.16');
    if ((h.patternKind === MESSAGE) !== (extensionOf(u.e, 12) !== undefined)) refuse('E_EXT', 'patterns.16: routing');
    const { enc, started } = readKeyinfo(u.e.keyinfo);
    if (!same(h.streamId, streamIdOf(enc))) refuse('E_ENCODING', 'patterns.16: stream_id');
    if (started > h.timestamp) refuse('E_ENCODING', 'patterns.16: started');
    if (h.timestamp > started + 600_000n) refuse('E_EXPIRED', 'patterns.16');
    if (h.seq > 1n << 20n) refuse('E_LIMIT', 'patterns.16: seq');
    if (h.suite !== epoch.suite) refuse('E_SUITE', 'suites.3');
    const sender = senderOf(this.state.senders, u.e);
    const bind = H(poolInfo(h.suite, poolHash, sender.keyId, started));
    let work: Work[] = [];
    const opening = conclude(u, {
      now,
      times: this.state,
      memory: this.replay,
      sender,
      bind,
      source: () => {
        const { privateKey } = poolKey(epoch.epochSecret, epoch.groupCtx);
        const { sourceSecret } = poolOpen(h.suite, poolHash, privateKey, sender.keyId, u.e.keyinfo);
        return { sourceSecret, groupCtx: bind };
      },
      grammar: (records) => {
        work = records.map(({ payload }) => {
          if (payload.length < 24) refuse('E_ENCODING', 'patterns.19: short');
          const deadline = number(payload.slice(16, 24));
          if (deadline === 0n && h.patternKind !== PUSH) refuse('E_ENCODING', 'patterns.19: no deadline');
          if (deadline > SAFE) refuse('E_LIMIT', 'patterns.19: deadline');
          return {
            key: payload.slice(0, 16),
            deadline,
            body: payload.slice(24),
            late: deadline !== 0n && now > deadline,
          };
        });
      },
    });
    return {
      id: opening.id,
      records: work,
      ...(opening.leaf === undefined ? {} : { leaf: opening.leaf }),
    };
  }
}
