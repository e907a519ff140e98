import type { AeadAlgorithm, CryptoProvider, RandomSource } from '../../src/crypto/provider.ts';
import { deriveKeyPair } from '../../src/hpke/kem.ts';
import { setupReceiver, setupSender } from '../../src/hpke/setup.ts';
import { utf8 } from '../crypto/support.ts';

export const aeads: readonly AeadAlgorithm[] = ['chacha20-poly1305', 'aes-256-gcm'];

/** Gives bytes of one value, a fresh array for each draw. */
export function drawing(value: number): RandomSource {
  return (length) => new Uint8Array(length).fill(value);
}

export const info = utf8('info');
export const aad = utf8('aad');
export const plaintext = utf8('plaintext');
export const psk = { psk: new Uint8Array(32).fill(7), pskId: utf8('id') };

/** What a sender and its receiver make of the values above: in mode PSK, or in mode Base. */
export function newPair(provider: CryptoProvider, aead: AeadAlgorithm, mode: 'base' | 'psk') {
  const shared = mode === 'psk' ? psk : undefined;
  const keyPair = deriveKeyPair(provider, new Uint8Array(32).fill(1));
  const { enc32, context } = setupSender(provider, aead, keyPair.publicKey, info, { random: drawing(2), psk: shared });
  const receiver = setupReceiver(provider, aead, enc32, keyPair, info, shared);
  return { keyPair, enc32, sender: context, receiver, shared };
}
