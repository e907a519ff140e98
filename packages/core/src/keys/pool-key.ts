import { equalBytes } from '../bytes/bytes.ts';
import { labels } from '../codepoints/labels.gen.ts';
import { purposes } from '../codepoints/purposes.gen.ts';
import { expandLabel } from '../crypto/key-schedule.ts';
import type { CryptoProvider, KeyPair } from '../crypto/provider.ts';
import { TridcommError } from '../errors.ts';
import { deriveKeyPair } from '../hpke/kem.ts';
import type { OpenedBlock } from './member-keys.ts';
import type { PoolRecord } from './pool-record.ts';

/**
 * The key pair of a pool; both halves of 32 bytes, the caller's.
 *
 * @param epochSecret32 - of an epoch of the crew; not changed, not kept
 * @param groupContext32 - of its block
 */
export function derivePoolKeyPair(
  provider: CryptoProvider,
  epochSecret32: Uint8Array,
  groupContext32: Uint8Array,
): KeyPair {
  const ikm = expandLabel(provider, epochSecret32, labels.poolKey, groupContext32, 32);
  const keyPair = deriveKeyPair(provider, ikm);
  ikm.fill(0);
  return keyPair;
}

/**
 * The key pair of a pool from a block of its crew.
 *
 * @throws TridcommError `E_POLICY` for a block of another purpose
 * @spec patterns.14
 */
export function poolKeyPairOf(provider: CryptoProvider, block: OpenedBlock): KeyPair {
  if (block.header.purpose !== purposes.crew)
    throw new TridcommError('E_POLICY', 'pool key of a group that is no crew');
  return derivePoolKeyPair(provider, block.epochSecret32, block.groupContext32);
}

/**
 * Makes sure that a pool record says the key that a member of the crew derives from the same block.
 *
 * @param keyPair - of {@link poolKeyPairOf}
 * @throws TridcommError `E_FORK`: the controller, or who has its key, leads those who ask elsewhere
 * @spec patterns.13
 */
export function checkDerivedKey(keyPair: KeyPair, record: PoolRecord): void {
  if (!equalBytes(keyPair.publicKey, record.publicKey32)) {
    throw new TridcommError('E_FORK', `pool record of epoch ${record.epoch} with another key`);
  }
}
