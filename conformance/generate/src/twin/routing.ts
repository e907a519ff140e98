/** Routing data of chapter 09: extension 12. */
import { open, seal } from './aead.ts';
import { cat, number, u32, u64, type Bytes } from './bytes.ts';
import { xp } from './hash.ts';
import { refuse } from './refusal.ts';

/** Whose envelope it is: no two have the same sender, stream and number, but of clones. */
export interface Place {
  senderKeyId: Bytes;
  streamId: Bytes;
  seq: bigint;
  salt: Bytes;
}
export interface FrontKeys {
  suite: number;
  epochSecret: Bytes;
  groupCtx: Bytes;
}

function keysOf(f: FrontKeys, p: Place): { key: Bytes; nonce: Bytes } {
  const context = cat(f.groupCtx, p.senderKeyId, p.streamId, u64(p.seq), p.salt);
  const out = xp(f.epochSecret, 'pool routing', context, 44);
  return { key: out.slice(0, 32), nonce: out.slice(32) };
}

const NONE: Bytes = new Uint8Array(0);

export function sealRouting(
  f: FrontKeys,
  epoch: number,
  p: Place,
  data: Bytes,
): { key: Bytes; nonce: Bytes; value: Bytes } {
  if (data.length > 1024) refuse('E_LIMIT', 'patterns.36');
  return rawRouting(f, epoch, p, data);
}
/** Without the limit. */
export function rawRouting(
  f: FrontKeys,
  epoch: number,
  p: Place,
  data: Bytes,
): { key: Bytes; nonce: Bytes; value: Bytes } {
  const k = keysOf(f, p);
  return { ...k, value: cat(u32(epoch), seal(f.suite, k.key, k.nonce, NONE, data)) };
}

export const routingEpoch = (value: Bytes): number => Number(number(value.slice(0, 4)));

export function openRouting(f: FrontKeys, p: Place, value: Bytes): Bytes {
  if (value.length < 20) refuse('E_AEAD', 'too short for a tag');
  const k = keysOf(f, p);
  return open(f.suite, k.key, k.nonce, NONE, value.slice(4));
}
