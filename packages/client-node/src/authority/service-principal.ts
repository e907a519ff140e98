import { limits, objectKinds, parseObject, readSnapshot, decodePrincipalRecord } from '@tridcomm/core/internal';
import {
  signingKeyOf,
  TridcommError,
  type CryptoProvider,
  type PrincipalRecord,
  type SigningKey,
} from '@tridcomm/core';
import type { TlsCredentials } from './certificates.ts';
import type { CertifierState } from './state-content.ts';

/**
 * The principal as which an authority's service opens links: it has the role authority, which is what brokers take bundles from, and nothing is
 * believed for its sake.
 *
 * @spec delivery.8
 */
export class ServicePrincipal {
  readonly authorityId32: Uint8Array;
  readonly key: SigningKey;
  readonly #provider: CryptoProvider;
  #snapshot: () => Uint8Array;
  #certifier: () => CertifierState | undefined;

  /**
   * @param snapshot - of the authority
   * @param certifier - undefined while there is none
   */
  constructor(
    provider: CryptoProvider,
    authorityId32: Uint8Array,
    seed32: Uint8Array,
    snapshot: () => Uint8Array,
    certifier: () => CertifierState | undefined,
  ) {
    this.authorityId32 = authorityId32;
    this.key = signingKeyOf(provider, seed32);
    this.#provider = provider;
    this.#snapshot = snapshot;
    this.#certifier = certifier;
  }

  /** Its newest record; undefined before the first. */
  get record(): PrincipalRecord | undefined {
    const provider = this.#provider;
    for (const { record } of readSnapshot(this.#snapshot()).principals) {
      const found = decodePrincipalRecord(provider, parseObject(provider, record, objectKinds.principalRecord));
      if (Buffer.compare(found.key.keyId32, this.key.keyId32) === 0) return found;
    }
    return undefined;
  }

  /** The chain of authority records, for a peer that lacks some. */
  get authorityRecords(): readonly Uint8Array[] {
    return readSnapshot(this.#snapshot()).chain;
  }

  /** Whether the authority has revoked a principal under a record with this serial. */
  isRevoked(keyId32: Uint8Array, serial: number): boolean {
    const { revocations } = readSnapshot(this.#snapshot());
    return revocations.some(
      (one) =>
        Buffer.compare(one.keyId32, keyId32) === 0 && (one.minSerial > serial || one.minSerial === limits.safeInteger),
    );
  }

  /**
   * A fresh TLS key with a certificate, for links in mode T.
   *
   * @throws TridcommError `E_USAGE` where no certificate was asked for yet, by a broker or anybody: then there is no CA, and nobody to meet
   */
  async tls(nowMs: number): Promise<TlsCredentials> {
    const certifier = this.#certifier();
    if (certifier === undefined)
      throw new TridcommError('E_USAGE', 'no certificate was ever issued: brokers need one first');
    const { drawCredentials } = await import('./certificates.ts');
    return await drawCredentials(certifier, { keyId32: this.key.keyId32, isBroker: false }, nowMs);
  }

  /** @internal From now on those of the life that has begun. */
  follow(snapshot: () => Uint8Array, certifier: () => CertifierState | undefined): void {
    this.#snapshot = snapshot;
    this.#certifier = certifier;
  }
}
