import { hexOf } from '../client/hex.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { encodeRevocationList, RevocationList } from '../keys/revocation-list.ts';

/** One entry of the revocation list, and how long it is needed. */
export interface Revocation {
  readonly keyId32: Uint8Array;
  readonly minSerial: number;
  /** When no record that it concerns can be valid anywhere any more. */
  readonly neededUntilMs: number;
}

/** Who is revoked. Never changed: a change is another one. */
export class Revocations {
  /** By key id. */
  readonly #entries: ReadonlyMap<string, Revocation>;
  readonly list: RevocationList;

  /** @throws TridcommError `E_LIMIT` for more than a list may hold */
  constructor(provider: CryptoProvider, entries: Iterable<Revocation>) {
    this.#entries = new Map([...entries].map((entry) => [hexOf(entry.keyId32), entry]));
    this.list = RevocationList.decode(provider, encodeRevocationList([...this.#entries.values()]));
  }

  get entries(): readonly Revocation[] {
    return [...this.#entries.values()];
  }

  /**
   * The same with this entry; where there is one of its key, it does not fall behind that.
   *
   * @throws TridcommError `E_LIMIT` for more than a list may hold
   */
  with(provider: CryptoProvider, { keyId32, minSerial, neededUntilMs }: Revocation): Revocations {
    const held = this.#entries.get(hexOf(keyId32));
    const entry = {
      keyId32,
      minSerial: Math.max(minSerial, held?.minSerial ?? 0),
      neededUntilMs: Math.max(neededUntilMs, held?.neededUntilMs ?? 0),
    };
    return new Revocations(provider, [...this.entries, entry]);
  }

  /** Below which serial no record of a key counts; 0 where there is no entry. */
  minSerialOf(keyId32: Uint8Array): number {
    return this.#entries.get(hexOf(keyId32))?.minSerial ?? 0;
  }

  /**
   * The same without the entries that are no longer needed; itself where there are none.
   *
   * @spec principals.25
   */
  pruned(provider: CryptoProvider, nowMs: number): Revocations {
    const needed = this.entries.filter(({ neededUntilMs }) => nowMs <= neededUntilMs);
    return needed.length === this.#entries.size ? this : new Revocations(provider, needed);
  }
}
