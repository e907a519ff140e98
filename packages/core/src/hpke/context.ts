/**
 * The two ends of an HPKE context: RFC 9180 sections 5.2 and 5.3.
 *
 * Only the sender seals and only the receiver opens: two sealing ends would use one nonce twice.
 */
import type { CryptoProvider } from '../crypto/provider.ts';
import { TridcommError } from '../errors.ts';
import type { ContextKeys } from './key-schedule.ts';
import { labeledExpand } from './labeled.ts';
import { sequenceNonce } from './sequence.ts';

/** The end that seals; from `setupSender`. */
export class SenderContext {
  readonly #provider: CryptoProvider;
  readonly #keys: ContextKeys;
  #seq = 0;

  /** @param keys - from `deriveContextKeys`; this context's from now on */
  constructor(provider: CryptoProvider, keys: ContextKeys) {
    this.#provider = provider;
    this.#keys = keys;
  }

  /**
   * Seals the next message.
   *
   * Source: RFC 9180 section 5.2, ContextS.Seal.
   *
   * @param aad - any length; not changed, not kept
   * @param plaintext - any length; not changed, not kept
   * @returns ciphertext ‖ 16-byte tag, the caller's
   * @throws TridcommError `E_LIMIT` where the sequence numbers are used up
   */
  seal(aad: Uint8Array, plaintext: Uint8Array): Uint8Array {
    const { aead, key32, baseNonce12 } = this.#keys;
    const sealed = this.#provider.aeadSeal(aead, key32, sequenceNonce(baseNonce12, this.#seq), aad, plaintext);
    this.#seq += 1;
    return sealed;
  }

  /**
   * A secret that the other end can export too, and nobody else; `lengthBytes` bytes, the caller's.
   *
   * Source: RFC 9180 section 5.3, Context.Export.
   *
   * @param exporterContext - what it is for; any length
   * @param lengthBytes - 1 to 8,160
   * @throws TridcommError `E_USAGE` for another length
   */
  export(exporterContext: Uint8Array, lengthBytes: number): Uint8Array {
    return exportSecret(this.#provider, this.#keys, exporterContext, lengthBytes);
  }
}

/** The end that opens; from `setupReceiver`. */
export class ReceiverContext {
  readonly #provider: CryptoProvider;
  readonly #keys: ContextKeys;
  #seq = 0;

  /** @param keys - from `deriveContextKeys`; this context's from now on */
  constructor(provider: CryptoProvider, keys: ContextKeys) {
    this.#provider = provider;
    this.#keys = keys;
  }

  /**
   * Opens the next message; what does not open is forgotten, and the next one may be tried in its place.
   *
   * Source: RFC 9180 section 5.2, ContextR.Open.
   *
   * @param aad - not changed, not kept
   * @param sealed - ciphertext ‖ 16-byte tag; not changed, not kept
   * @returns the plaintext, the caller's; undefined where the tag does not fit or is not there
   * @throws TridcommError `E_LIMIT` where the sequence numbers are used up
   */
  open(aad: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
    const { aead, key32, baseNonce12 } = this.#keys;
    const plaintext = this.#provider.aeadOpen(aead, key32, sequenceNonce(baseNonce12, this.#seq), aad, sealed);
    // An attacker's bytes must not push the receiver out of step.
    if (plaintext !== undefined) this.#seq += 1;
    return plaintext;
  }

  /**
   * The same as {@link SenderContext.export} at the other end; `lengthBytes` bytes, the caller's.
   *
   * In mode Base it may be had before anything was opened, and then says nothing about who sent `enc`.
   *
   * Source: RFC 9180 section 5.3, Context.Export.
   *
   * @param exporterContext - what it is for; any length
   * @param lengthBytes - 1 to 8,160
   * @throws TridcommError `E_USAGE` for another length
   */
  export(exporterContext: Uint8Array, lengthBytes: number): Uint8Array {
    return exportSecret(this.#provider, this.#keys, exporterContext, lengthBytes);
  }
}

function exportSecret(
  provider: CryptoProvider,
  keys: ContextKeys,
  exporterContext: Uint8Array,
  lengthBytes: number,
): Uint8Array {
  if (!Number.isInteger(lengthBytes)) throw new TridcommError('E_USAGE', `HPKE export length ${lengthBytes}`);
  return labeledExpand(provider, keys.suiteId, keys.exporterSecret32, 'sec', exporterContext, lengthBytes);
}
