/** What a router forwards, at who takes it: patterns.40. */
import { same, text, type Bytes } from './bytes.ts';
import { BATCH, MERKLE } from './header.ts';
import { conclude, extensionOf, senderOf, type Memory, type Sender, type Times, type Unpacked } from './receive.ts';
import { refuse } from './refusal.ts';

export const FORWARD = 0x72;

export interface FrontEpoch {
  epoch: number;
  suite: number;
  epochSecret: Bytes;
  groupCtx: Bytes;
  epochCommit: Bytes;
  open: boolean;
}
export interface ForwardState {
  fresh: boolean;
  front: readonly FrontEpoch[];
  routers: readonly Sender[];
  memory: Memory;
  times: Times;
}

/** From step 8 on; `inner` is the pattern and kind that each record has to have. */
export function takeForward(
  u: Unpacked,
  now: bigint,
  inner: number,
  s: ForwardState,
): { id: Bytes; envelopes: Bytes[] } {
  const h = u.e.header;
  if ((h.flags & BATCH) === 0 || (h.flags & MERKLE) !== 0) refuse('E_ENCODING', 'patterns.40: form');
  if (u.e.keyinfo.length > 0) refuse('E_ENCODING', 'patterns.40: keyinfo');
  if (extensionOf(u.e, 8) === undefined) refuse('E_EXT', 'patterns.40: extension 8');
  if (extensionOf(u.e, 9)?.length !== 32) refuse('E_EXT', 'patterns.40: extension 9');
  const epoch = s.front.find((x) => x.epoch === h.epoch);
  if (epoch === undefined || !epoch.open) return refuse('E_EPOCH', 'groups.26');
  if (!s.fresh) refuse('E_STALE', 'principals.30');
  if (h.suite !== epoch.suite) refuse('E_SUITE', 'suites.3');
  const sender = senderOf(s.routers, u.e);
  const opening = conclude(u, {
    now,
    times: s.times,
    memory: s.memory,
    sender,
    bind: epoch.epochCommit,
    source: () => ({ sourceSecret: epoch.epochSecret, groupCtx: epoch.groupCtx }),
    grammar: (records) => {
      for (const { payload } of records) {
        if (payload.length < 96) refuse('E_ENCODING', 'patterns.40: no header');
        if (!same(payload.slice(0, 2), text('TD')) || payload[2] !== 1) refuse('E_ENCODING', 'patterns.40: no header');
        if (payload[3] !== inner) refuse('E_ENCODING', 'patterns.40: pattern and kind');
      }
    },
  });
  return { id: opening.id, envelopes: opening.records.map((r) => r.payload) };
}
