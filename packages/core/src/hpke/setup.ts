/**
 * HPKE with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and either AEAD of the suites, in modes Base and PSK: RFC 9180
 * section 5.1. The Auth modes are left out: the RFC's successor dropped them, and our senders sign.
 */
import type { AeadAlgorithm, CryptoProvider, KeyPair, RandomSource } from '../crypto/provider.ts';
import { ReceiverContext, SenderContext } from './context.ts';
import { decapsulate, encapsulate } from './kem.ts';
import { checkPreSharedKey, deriveContextKeys, type PreSharedKey } from './key-schedule.ts';

/** What a sender brings besides keys and info. */
export interface SenderOptions {
  /** Draws the 32 bytes that the ephemeral key pair is derived from; they are overwritten. */
  readonly random: RandomSource;
  /** Mode PSK with it, mode Base without. */
  readonly psk?: PreSharedKey | undefined;
}

/** A context and what the receiver needs to make its own end. */
export interface SenderSetup {
  readonly enc32: Uint8Array;
  readonly context: SenderContext;
}

/**
 * A context towards the holder of a public key.
 *
 * Source: RFC 9180 sections 5.1.1 and 5.1.2, SetupBaseS and SetupPSKS.
 *
 * @param aead - of the suite, by `aeadOfSuite`
 * @param publicKey32 - the receiver's; not changed, not kept
 * @param info - what the context is for; any length, not kept
 * @returns `enc32` is the caller's
 * @throws TridcommError `E_KEY` for a public key of another length or of small order; `E_USAGE` for a pre-shared key below
 *   32 bytes or without an id, and where `random` does not give 32 bytes
 */
export function setupSender(
  provider: CryptoProvider,
  aead: AeadAlgorithm,
  publicKey32: Uint8Array,
  info: Uint8Array,
  options: SenderOptions,
): SenderSetup {
  checkPreSharedKey(options.psk);
  const { sharedSecret32, enc32 } = encapsulate(provider, publicKey32, options.random);
  const keys = deriveContextKeys(provider, aead, sharedSecret32, info, options.psk);
  return { enc32, context: new SenderContext(provider, keys) };
}

/**
 * The receiver's end of a context. With a wrong `enc`, key, info or pre-shared key it is made all the same and opens nothing.
 *
 * Source: RFC 9180 sections 5.1.1 and 5.1.2, SetupBaseR and SetupPSKR.
 *
 * @param aead - of the suite, by `aeadOfSuite`
 * @param enc32 - as received; not changed, not kept
 * @param keyPair - the receiver's; the same secret array each time spares `@tridcomm/core/node` an import
 * @param info - the same as the sender's
 * @param psk - the same as the sender's: mode PSK with it, mode Base without
 * @throws TridcommError `E_KEY` for an `enc` or key of another length, and an `enc` of small order; `E_USAGE` for a
 *   pre-shared key below 32 bytes or without an id
 */
export function setupReceiver(
  provider: CryptoProvider,
  aead: AeadAlgorithm,
  enc32: Uint8Array,
  keyPair: KeyPair,
  info: Uint8Array,
  psk?: PreSharedKey,
): ReceiverContext {
  checkPreSharedKey(psk);
  const sharedSecret32 = decapsulate(provider, enc32, keyPair);
  return new ReceiverContext(provider, deriveContextKeys(provider, aead, sharedSecret32, info, psk));
}
