import { ascii, checkWidth, concat, copyOf, readU64, writeU16, writeU64 } from '../bytes/bytes.ts';
import { labels } from '../codepoints/labels.gen.ts';
import { limits } from '../codepoints/limits.gen.ts';
import type { CryptoProvider, KeyPair, RandomSource } from '../crypto/provider.ts';
import { requireAead } from '../crypto/suite.ts';
import type { KeySource } from '../envelope/key-source.ts';
import { checkLimit, TridcommError } from '../errors.ts';
import type { ReceiverContext, SenderContext } from '../hpke/context.ts';
import { setupSender } from '../hpke/setup.ts';
import { exportedSource, receiverContext } from './hpke-source.ts';
import { refusal } from './refusal.ts';

/*
 * info    = "tdc1 pool" ‖ 0x00 ‖ u16 suite ‖ pool_hash32 ‖ sender_key_id32 ‖ u64 started
 * keyinfo = enc32 ‖ u64 started
 */

/** What both ends know of a pool stream besides its keyinfo. */
export interface PoolTerms {
  /** Of the pool record. */
  readonly suite: number;
  readonly poolHash32: Uint8Array;
  /** Who asks or pushes. */
  readonly senderKeyId32: Uint8Array;
}

/** What the keyinfo of a pool stream says; nothing in it is authenticated. */
export interface PoolKeyinfo {
  readonly enc32: Uint8Array;
  /** The sender's clock at the setup. */
  readonly startedMs: number;
}

/** One end of a pool stream, set up. */
export interface PoolSetup {
  readonly info: Uint8Array;
  /** For the requests and jobs of the stream. */
  readonly keySource: KeySource;
  /** For the replies to its requests. */
  readonly replySecret32: Uint8Array;
  readonly streamId8: Uint8Array;
}

/** The sender's end. */
export interface SenderPoolSetup extends PoolSetup, PoolKeyinfo {
  readonly keyinfo: Uint8Array;
}

/**
 * Reads the keyinfo of a pool stream.
 *
 * @param keyinfo - as received; viewed
 * @throws TridcommError `E_LENGTH`, `E_LIMIT`
 * @spec patterns.16
 */
export function decodePoolKeyinfo(keyinfo: Uint8Array): PoolKeyinfo {
  if (keyinfo.length !== keyinfoBytes) throw refusal('E_LENGTH', `keyinfo of ${keyinfo.length} bytes, not 40`);
  const startedMs = readU64(keyinfo, 32);
  if (startedMs > limits.safeInteger) throw refusal('E_LIMIT', 'start of a pool stream above 2^53-1');
  return { enc32: keyinfo.subarray(0, 32), startedMs };
}

/** The stream_id of a pool stream; 8 bytes, the caller's. */
export function poolStreamId(provider: CryptoProvider, enc32: Uint8Array): Uint8Array {
  return copyOf(provider.sha256(enc32), 0, 8);
}

/**
 * What HPKE is told of a pool stream; the caller's. Its hash is group_ctx32 and bind32, so who verifies needs no private key.
 *
 * @throws TridcommError `E_USAGE` for widths that cannot be
 */
export function poolInfo({ suite, poolHash32, senderKeyId32 }: PoolTerms, startedMs: number): Uint8Array {
  checkWidth('pool hash', poolHash32, 32);
  checkWidth('key id', senderKeyId32, 32);
  const suiteBytes = new Uint8Array(2);
  writeU16(suiteBytes, 0, suite);
  const started = new Uint8Array(8);
  writeU64(started, 0, startedMs);
  return concat(infoPrefix, suiteBytes, poolHash32, senderKeyId32, started);
}

/**
 * Begins a pool stream: one KEM operation, for all its requests or jobs.
 *
 * @param publicKey32 - of the pool record; not changed, not kept
 * @param startedMs - the clock
 * @param random - asked once, for 32 bytes, which are overwritten
 * @throws TridcommError `E_KEY` for a public key of small order; `E_LIMIT`, `E_USAGE` for a clock, suite or width that cannot be
 * @spec patterns.15
 */
export function setupPoolStream(
  provider: CryptoProvider,
  terms: PoolTerms,
  publicKey32: Uint8Array,
  startedMs: number,
  random: RandomSource,
): SenderPoolSetup {
  checkLimit('start of a pool stream', startedMs, limits.safeInteger);
  if (!Number.isInteger(startedMs) || startedMs < 0) throw new TridcommError('E_USAGE', `clock ${startedMs}`);
  const info = poolInfo(terms, startedMs);
  const { enc32, context } = setupSender(provider, requireAead(terms.suite), publicKey32, info, { random });
  const keyinfo = concat(enc32, info.subarray(info.length - 8));
  return { ...setupOf(provider, terms, info, context, enc32), enc32, startedMs, keyinfo };
}

/**
 * The same at the other end.
 *
 * @param keyPair - of the pool, for the epoch of the pool record
 * @throws TridcommError `E_AEAD` for an `enc` that gives no shared secret; `E_USAGE` for a suite or width that cannot be
 * @spec patterns.18
 */
export function openPoolStream(
  provider: CryptoProvider,
  terms: PoolTerms,
  keyPair: KeyPair,
  { enc32, startedMs }: PoolKeyinfo,
): PoolSetup {
  const info = poolInfo(terms, startedMs);
  const context = receiverContext(provider, terms.suite, enc32, keyPair, info);
  return setupOf(provider, terms, info, context, enc32);
}

/** What both ends export: the context itself seals nothing. */
function setupOf(
  provider: CryptoProvider,
  { suite }: PoolTerms,
  info: Uint8Array,
  context: SenderContext | ReceiverContext,
  enc32: Uint8Array,
): PoolSetup {
  return {
    info,
    keySource: exportedSource(provider, suite, info, context, streamContext),
    replySecret32: context.export(replyContext, 32),
    streamId8: poolStreamId(provider, enc32),
  };
}

const keyinfoBytes = 32 + 8;
const infoPrefix = ascii(`${labels.poolInfo}\0`);
const streamContext = ascii(labels.poolStream);
const replyContext = ascii(labels.poolReply);
