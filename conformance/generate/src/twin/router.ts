/** A router, chapter 09: messages of dealers, of which it reads the routing data alone. */
import { same, type Bytes } from './bytes.ts';
import { verify } from './ed25519.ts';
import { H } from './hash.ts';
import { BATCH, MERKLE } from './header.ts';
import { poolInfo, readKeyinfo, replyContextOf, streamIdOf } from './pools.ts';
import { conclude, extensionOf, replayFor, senderOf, unpack, type Memory, type Sender, type Times } from './receive.ts';
import { refuse } from './refusal.ts';
import { openRouting, routingEpoch, type FrontKeys } from './routing.ts';
import { signInput } from './schedule.ts';

const MESSAGE = 0x70;
const REPLY = 0x71;

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
  responders: Sender[];
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
        data = openRouting(
          front,
          { senderKeyId: sender.keyId, streamId: h.streamId, seq: h.seq, salt: h.salt },
          routing,
        );
      },
    });
    return { id, sender: sender.keyId, data };
  }

  /** patterns.43 */
  reply(bytes: Bytes): void {
    const { e, bodyForSignature } = unpack(bytes, false);
    const h = e.header;
    if (h.patternKind !== REPLY || (h.flags & BATCH) === 0 || (h.flags & MERKLE) !== 0) {
      refuse('E_ENCODING', 'patterns.23: form');
    }
    if (extensionOf(e, 8) === undefined) refuse('E_EXT', 'patterns.23: extension 8');
    if (extensionOf(e, 9)?.length !== 32) refuse('E_EXT', 'patterns.23: extension 9');
    if (e.keyinfo.length !== 32) refuse('E_LENGTH', 'patterns.23: keyinfo');
    const pool = this.state.pools.find((p) => p.epoch === h.epoch) ?? refuse('E_EPOCH', 'patterns.43');
    if (!this.state.fresh) refuse('E_STALE', 'patterns.43');
    if (h.suite !== pool.suite) refuse('E_SUITE', 'patterns.43');
    const { publicKey, keyId } = senderOf(this.state.responders, e);
    const bind = replyContextOf(e.keyinfo, pool.poolHash);
    verify(publicKey, signInput(keyId, bind, e.ph, e.keyinfo, bodyForSignature), e.signature);
  }
}
