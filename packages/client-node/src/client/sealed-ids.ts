import type { CryptoProvider } from '@tridcomm/core';
import { envelopeId } from '@tridcomm/core/internal';

/**
 * Tells the identities of the envelopes that a member seals: what it signs is what they follow from.
 */
export class SealedIds {
  /** To be given to the member, in place of the one that it is made of. */
  readonly provider: CryptoProvider;
  readonly #inner: CryptoProvider;
  #signed: Uint8Array[] | undefined;

  constructor(inner: CryptoProvider) {
    this.#inner = inner;
    this.provider = {
      ...inner,
      ed25519Sign: (seed32, message) => {
        this.#signed?.push(message);
        return inner.ed25519Sign(seed32, message);
      },
    };
  }

  /** Runs a call that seals, and gives what it gave, with the identities of the envelopes that it signed, in order; 32 bytes each. */
  of<T>(seal: () => T): { readonly result: T; readonly ids: readonly Uint8Array[] } {
    const signed: Uint8Array[] = [];
    this.#signed = signed;
    try {
      const result = seal();
      return { result, ids: signed.map((message) => envelopeId(this.#inner, message)) };
    } finally {
      this.#signed = undefined;
    }
  }
}
