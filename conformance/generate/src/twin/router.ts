/** A router, chapter 09: messages of dealers, of which it reads the routing data alone. */
import { same, type Bytes } from './bytes.ts';
import { H } from './hash.ts';
import { BATCH, MERKLE } from './header.ts';
import { poolInfo, readKeyinfo, streamIdOf } from './pools.ts';
import { conclude, extensionOf, replayFor, senderOf, unpack, type Memory, type Sender, type Times } from './receive.ts';
import { refuse } from './refusal.ts';
import { openRouting, routingEpoch, type FrontKeys } from './routing.ts';

const MESSAGE = 0x70;

interface FrontOfRouter extends FrontKeys {
  epoch: number;
  open: boolean;
}
interface PoolOfRouter {
  epoch: number;
  suite: number;
  poolHash: Bytes;
  notBefore: bigint;
  notAfter: bigint;
}
export interface RouterState extends Times {
  tags: Bytes[];
  fresh: boolean;
  front: FrontOfRouter[];
  pools: PoolOfRouter[];
  senders: Sender[];
}
interface Routed {
  id: Bytes;
  sender: Bytes;
  data: Bytes;
}

export class Router {
  private readonly state: RouterState;
  private readonly replay: Memory;

  constructor(state: RouterState) {
    this.state = state;
    this.replay = replayFor(state);
  }

  receive(now: bigint, bytes: Bytes): Routed | undefined {
    const u = unpack(bytes, false);
    const h = u.e.header;
    if (!this.state.tags.some((t) => same(t, h.topicTag))) return undefined;
    if (h.patternKind !== MESSAGE) refuse('E_ENCODING', 'patterns.37: no message');
    const pool = this.state.pools.find((p) => p.epoch === h.epoch);
    if (pool === undefined) return refuse('E_EPOCH', 'patterns.37: no pool record');
    const { skew } = this.state;
    if (h.timestamp < pool.notBefore - skew || h.timestamp > pool.notAfter + skew) refuse('E_EPOCH', 'patterns.37');
    if (!this.state.fresh) refuse('E_STALE', 'patterns.37');
    if ((h.flags & BATCH) === 0 || (h.flags & MERKLE) !== 0) refuse('E_ENCODING', 'patterns.16: form');
    if (extensionOf(u.e, 8) === undefined) refuse('E_EXT', 'patterns.16: extension 8');
    const routing = extensionOf(u.e, 12) ?? refuse('E_EXT', 'patterns.16: extension 12');
    const { enc, started } = readKeyinfo(u.e.keyinfo);
    if (!same(h.streamId, streamIdOf(enc))) refuse('E_ENCODING', 'patterns.16: stream_id');
    if (started > h.timestamp) refuse('E_ENCODING', 'patterns.16: started');
    if (h.timestamp > started + 600_000n) refuse('E_EXPIRED', 'patterns.16');
    if (h.seq > 1n << 20n) refuse('E_LIMIT', 'patterns.16: seq');
    if (h.suite !== pool.suite) refuse('E_SUITE', 'patterns.37');
    const front = this.state.front.find((f) => f.epoch === routingEpoch(routing));
    if (front === undefined || !front.open) return refuse('E_EPOCH', 'patterns.37: epoch of the front');
    const sender = senderOf(this.state.senders, u.e);
    let data: Bytes = new Uint8Array(0);
    const { id } = conclude(u, {
      now,
      times: this.state,
      memory: this.replay,
      sender,
      bind: H(poolInfo(h.suite, pool.poolHash, sender.keyId, started)),
      source: () => refuse('E_USAGE', 'a router has no key of the crew'),
      instead: () => {
        data = openRouting(front, { senderKeyId: sender.keyId, streamId: h.streamId, seq: h.seq }, routing);
      },
    });
    return { id, sender: sender.keyId, data };
  }
}
