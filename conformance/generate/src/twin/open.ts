/** A small independent opener with plain key sources. It only double-checks what the areas state. */
import { same, type Bytes } from './bytes.ts';
import { conclude, senderOf, unpack, type Opening, type Sender, type Times } from './receive.ts';
import { refuse } from './refusal.ts';
import type { ReplayModel } from './replay.ts';

export interface OpenSource {
  topicTag: Bytes;
  epoch: number;
  suite: number;
  sourceSecret: Bytes;
  groupCtx: Bytes;
  bind: Bytes;
  open: boolean;
}
export interface Receiver extends Times {
  sources: OpenSource[];
  senders: Sender[];
}

/** undefined: not delivered, no code. */
export function openOne(
  r: Receiver,
  replay: ReplayModel,
  now: bigint,
  bytes: Bytes,
  job: boolean,
): Opening | undefined {
  const u = unpack(bytes, job);
  const h = u.e.header;
  // 7, 8
  const forTag = r.sources.filter((s) => same(s.topicTag, h.topicTag));
  if (forTag.length === 0) return undefined;
  const source = forTag.find((s) => s.epoch === h.epoch);
  if (source === undefined || !source.open) return refuse('E_EPOCH', 'step 8');
  if (source.suite !== h.suite) refuse('E_SUITE', 'step 8');
  const sender = senderOf(r.senders, u.e);
  return conclude(u, { now, times: r, memory: replay, sender, bind: source.bind, source: () => source });
}
