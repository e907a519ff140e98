import { hexOf } from '../client/hex.ts';
import { TridcommError } from '../errors.ts';
import type { PrincipalRecord } from '../keys/principal-record.ts';

/** What the authority knows of one principal. */
export interface Principal {
  /** The newest that was issued. */
  readonly record: PrincipalRecord;
  /** When the last record that was issued for this key ends at the latest, the newest or an earlier one. */
  readonly lastRecordEndsMs: number;
}

/** Whether a record allows its principal less than the one before did, in anything: then the one before must not come back. */
export function isNarrower(record: PrincipalRecord, before: PrincipalRecord): boolean {
  return (
    before.suites.some((suite) => !record.suites.includes(suite)) ||
    record.suiteFloor > before.suiteFloor ||
    record.maxVersion < before.maxVersion ||
    (before.roles & ~record.roles) !== 0
  );
}

/** All principals that the authority ever issued a record for, and the keys that it ended for good. */
export class Principals {
  readonly #byKeyId = new Map<string, Principal>();
  /** In hex; stays when the entry in the revocation list is no longer needed. */
  readonly #ended = new Set<string>();

  /** @throws TridcommError `E_REVOKED` for a key that was ended, `E_SENDER` for one that no record was issued for */
  get(keyId32: Uint8Array): Principal {
    if (this.isEnded(keyId32)) throw new TridcommError('E_REVOKED', 'principal was revoked');
    const principal = this.find(keyId32);
    if (principal === undefined) throw new TridcommError('E_SENDER', 'no record was issued for this key id');
    return principal;
  }

  find(keyId32: Uint8Array): Principal | undefined {
    return this.#byKeyId.get(hexOf(keyId32));
  }

  all(): readonly Principal[] {
    return [...this.#byKeyId.values()];
  }

  /** In hex, the key ids that were ended. */
  ended(): readonly string[] {
    return [...this.#ended];
  }

  isEnded(keyId32: Uint8Array): boolean {
    return this.#ended.has(hexOf(keyId32));
  }

  /**
   * Holds a record that was issued.
   *
   * @param earlierRecordsEndMs - where it is known from elsewhere
   */
  hold(record: PrincipalRecord, earlierRecordsEndMs = 0): void {
    const { keyId32 } = record.key;
    const heldEndsMs = this.find(keyId32)?.lastRecordEndsMs ?? 0;
    const lastRecordEndsMs = Math.max(heldEndsMs, earlierRecordsEndMs, record.notAfterMs);
    this.#byKeyId.set(hexOf(keyId32), { record, lastRecordEndsMs });
  }

  /** Ends a key for good, known or not. */
  end(keyId32: Uint8Array): void {
    this.#ended.add(hexOf(keyId32));
  }
}
