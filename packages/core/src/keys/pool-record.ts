import { equalBytes } from '../bytes/bytes.ts';
import { keyAlgorithms } from '../codepoints/key-algorithms.gen.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { TridcommError } from '../errors.ts';
import { decodeBody, encodeBody } from './body.ts';
import { publicKeyOf } from './public-key.ts';
import type { SignedObject } from './signed-object.ts';

/** The public key of a pool for one epoch of its crew. */
export interface PoolRecord {
  /** Its `hash32` is pool_hash32. */
  readonly object: SignedObject;
  /** The front. */
  readonly groupId16: Uint8Array;
  readonly crewId16: Uint8Array;
  /** Of the crew's block, as all that follows but the key. */
  readonly generation: number;
  readonly epoch: number;
  readonly blockHash32: Uint8Array;
  readonly suite: number;
  /** X25519. */
  readonly publicKey32: Uint8Array;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** Sealing goes over to it at once, as to the block. */
  readonly revokes: boolean;
}

/** What a pool record says. */
export type PoolRecordFields = Omit<PoolRecord, 'object'>;

/**
 * Step 5 of a pool record.
 *
 * @param object - of kind 6; what comes out holds views of it
 * @throws TridcommError `E_ENCODING`, `E_LIMIT`, `E_KEY`
 * @spec principals.8, suites.5
 */
export function decodePoolRecord(provider: CryptoProvider, object: SignedObject): PoolRecord {
  const body = decodeBody('PoolRecord', object.body);
  const { group_id16: groupId16, crew_id16: crewId16, public_key32: publicKey32 } = body;
  const { not_before_ms: notBeforeMs, not_after_ms: notAfterMs } = body;
  if (notBeforeMs > notAfterMs) throw new TridcommError('E_ENCODING', `from ${notBeforeMs} to ${notAfterMs}`);
  if (equalBytes(groupId16, crewId16)) throw new TridcommError('E_ENCODING', 'crew that is its own front');
  publicKeyOf(provider, keyAlgorithms.x25519, publicKey32);
  // What gives no shared secret with one clamped secret gives none with any: who seals to it must not be the first to see that.
  provider.x25519(anySecret32, publicKey32);
  return {
    object,
    groupId16,
    crewId16,
    generation: body.generation,
    epoch: body.epoch,
    blockHash32: body.block_hash32,
    suite: body.suite,
    publicKey32,
    notBeforeMs,
    notAfterMs,
    revokes: body.revokes ?? false,
  };
}

/**
 * The body of a pool record; the caller's.
 *
 * @throws TridcommError `E_USAGE`, `E_LIMIT` for what the form does not allow
 * @spec principals.1
 */
export function encodePoolRecordBody(fields: PoolRecordFields): Uint8Array {
  return encodeBody('PoolRecord', {
    group_id16: fields.groupId16,
    crew_id16: fields.crewId16,
    generation: fields.generation,
    epoch: fields.epoch,
    block_hash32: fields.blockHash32,
    suite: fields.suite,
    public_key32: fields.publicKey32,
    not_before_ms: fields.notBeforeMs,
    not_after_ms: fields.notAfterMs,
    revokes: fields.revokes,
  });
}

const anySecret32 = new Uint8Array(32);
