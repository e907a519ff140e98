/** Pools and surveys, chapter 09: key pairs, contexts and what is exported from them. */
import { cat, number, text, u16, u64, u8, type Bytes } from './bytes.ts';
import { H, xp } from './hash.ts';
import { decapsulated, deriveSecretKey, senderKey, type HpkeKey } from './hpke.ts';
import { refuse } from './refusal.ts';
import { x25519Public } from './x25519.ts';

const SAFE: bigint = (1n << 53n) - 1n;

export interface PoolKey {
  privateKey: Bytes;
  publicKey: Bytes;
}
export function poolKey(epochSecret: Bytes, groupCtx: Bytes): PoolKey {
  const privateKey = deriveSecretKey(xp(epochSecret, 'pool kem', groupCtx, 32));
  return { privateKey, publicKey: x25519Public(privateKey) };
}

export interface PoolStream {
  enc: Bytes;
  info: Bytes;
  /** also group_ctx32 */
  bind: Bytes;
  sourceSecret: Bytes;
  replySecret: Bytes;
  streamId: Bytes;
  keyinfo: Bytes;
}

export function poolInfo(suite: number, poolHash: Bytes, senderKeyId: Bytes, started: bigint): Bytes {
  return cat(text('tdc1 pool'), u8(0), u16(suite), poolHash, senderKeyId, u64(started));
}
export const streamIdOf = (enc: Bytes): Bytes => H(enc).slice(0, 8);

function poolStream(k: HpkeKey, enc: Bytes, info: Bytes, started: bigint): PoolStream {
  return {
    enc,
    info,
    bind: H(info),
    sourceSecret: k.exports(text('tdc1 pool stream'), 32),
    replySecret: k.exports(text('tdc1 reply'), 32),
    streamId: streamIdOf(enc),
    keyinfo: cat(enc, u64(started)),
  };
}

export function poolSetup(
  suite: number,
  poolHash: Bytes,
  publicKey: Bytes,
  senderKeyId: Bytes,
  started: bigint,
  drawn: Bytes,
): PoolStream {
  if (drawn.length < 32) refuse('E_USAGE', 'conventions.6');
  if (publicKey.length !== 32) refuse('E_KEY', 'suites.5');
  const info = poolInfo(suite, poolHash, senderKeyId, started);
  const k = senderKey(suite, publicKey, info, drawn.slice(0, 32));
  return poolStream(k, k.enc, info, started);
}

/** The two halves of keyinfo. */
export function readKeyinfo(keyinfo: Bytes): { enc: Bytes; started: bigint } {
  if (keyinfo.length !== 40) refuse('E_LENGTH', 'patterns.16: keyinfo');
  const started = number(keyinfo.slice(32));
  if (started > SAFE) refuse('E_LIMIT', 'patterns.16: started');
  return { enc: keyinfo.slice(0, 32), started };
}

export function poolOpen(
  suite: number,
  poolHash: Bytes,
  privateKey: Bytes,
  senderKeyId: Bytes,
  keyinfo: Bytes,
): PoolStream {
  const { enc, started } = readKeyinfo(keyinfo);
  const info = poolInfo(suite, poolHash, senderKeyId, started);
  return poolStream(decapsulated(suite, privateKey, enc, info), enc, info, started);
}

/** rctx32, from the keyinfo of a reply: what a broker has of it. */
export function replyContextOf(keyinfo: Bytes, poolHash: Bytes): Bytes {
  return H(text('tdc1 rctx'), u8(0), keyinfo, poolHash);
}
/** rctx32 */
export function replyContext(enc: Bytes, poolHash: Bytes): Bytes {
  return replyContextOf(H(enc), poolHash);
}

export interface SurveyKey {
  enc: Bytes;
  info: Bytes;
  bind: Bytes;
  sourceSecret: Bytes;
  keyinfo: Bytes;
}

export function surveyInfo(suite: number, questionId: Bytes, responderKeyId: Bytes): Bytes {
  return cat(text('tdc1 survey'), u8(0), u16(suite), questionId, responderKeyId);
}

function surveyKey(k: HpkeKey, questionId: Bytes, enc: Bytes, info: Bytes): SurveyKey {
  return {
    enc,
    info,
    bind: H(info),
    sourceSecret: k.exports(text('tdc1 survey reply'), 32),
    keyinfo: cat(questionId, enc),
  };
}

export function surveySetup(
  suite: number,
  questionId: Bytes,
  responderKeyId: Bytes,
  publicKey: Bytes,
  drawn: Bytes,
): SurveyKey {
  if (drawn.length < 32) refuse('E_USAGE', 'conventions.6');
  if (publicKey.length !== 32) refuse('E_KEY', 'suites.5');
  const info = surveyInfo(suite, questionId, responderKeyId);
  const k = senderKey(suite, publicKey, info, drawn.slice(0, 32));
  return surveyKey(k, questionId, k.enc, info);
}

export function surveyOpen(
  suite: number,
  questionId: Bytes,
  responderKeyId: Bytes,
  privateKey: Bytes,
  enc: Bytes,
): SurveyKey {
  const info = surveyInfo(suite, questionId, responderKeyId);
  return surveyKey(decapsulated(suite, privateKey, enc, info), questionId, enc, info);
}
