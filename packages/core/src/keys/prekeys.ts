import { keyAlgorithms } from '../codepoints/key-algorithms.gen.ts';
import { copyOf } from '../bytes/bytes.ts';
import { keyId } from '../crypto/key-id.ts';
import type { CryptoProvider } from '../crypto/provider.ts';

/** A prekey of one's own, with its secret half. */
export interface Prekey {
  readonly keyId32: Uint8Array;
  readonly publicKey: Uint8Array;
  /** The store's: gone after {@link PrekeyStore.erase}. */
  readonly secretKey: Uint8Array;
}

/** The prekeys that a node holds, for all its groups: what others seal enrolments and list entries to. */
export class PrekeyStore {
  readonly #provider: CryptoProvider;
  readonly #prekeys: Prekey[] = [];

  constructor(provider: CryptoProvider) {
    this.#provider = provider;
  }

  /**
   * Holds a prekey; one that is held already stays as it is.
   *
   * @param secretKey32 - copied
   * @throws TridcommError `E_USAGE` for a secret of another length
   */
  add(secretKey32: Uint8Array): Prekey {
    const secretKey = copyOf(secretKey32);
    const publicKey = this.#provider.publicKey('x25519', secretKey);
    const keyId32 = keyId(this.#provider, keyAlgorithms.x25519, publicKey);
    const held = this.find(keyId32);
    if (held !== undefined) {
      secretKey.fill(0);
      return held;
    }
    const prekey = { keyId32, publicKey, secretKey };
    this.#prekeys.push(prekey);
    return prekey;
  }

  /** The prekey of a key id; undefined where it is not held, or no longer. */
  find(keyId32: Uint8Array): Prekey | undefined {
    return this.#prekeys.find((prekey) => sameBytes(prekey.keyId32, keyId32));
  }

  /** All prekeys that are held, the oldest first. */
  all(): readonly Prekey[] {
    return this.#prekeys;
  }

  /**
   * Overwrites the secret half of a prekey and forgets it; nothing where it is not held.
   *
   * @spec groups.12, principals.17
   */
  erase(keyId32: Uint8Array): void {
    const at = this.#prekeys.findIndex((prekey) => sameBytes(prekey.keyId32, keyId32));
    if (at < 0) return;
    this.#prekeys[at]!.secretKey.fill(0);
    this.#prekeys.splice(at, 1);
  }
}

/** Key ids are public, so the time that this takes tells nothing. */
function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
