import type { ClientStore, Identity, PrincipalRecord } from '@tridcomm/core';
import { names } from '../store/identity-store.ts';
import type { ClientStatus } from './status.ts';

/** Who an identity goes to when its records are to be renewed. */
export interface AuthorityAccess {
  /** Hands a key record in. */
  readonly keyRecord: ((record: Uint8Array) => void | Promise<void>) | undefined;
  /** Lets the authority issue the next record of the principal, under the same name, and stores it. */
  readonly principalRecord: ((name: string) => Promise<void>) | undefined;
}

/** What renewals need of their client. */
export interface RenewalParts {
  readonly identity: Identity;
  readonly store: ClientStore;
  readonly access: AuthorityAccess;
  /** The newest record of the principal itself; undefined before the first. */
  readonly own: () => PrincipalRecord | undefined;
  readonly tell: (status: ClientStatus) => void;
}

/**
 * Sees to it that an identity goes on: its key records last two days, and its principal record a month.
 */
export class Renewals {
  readonly #parts: RenewalParts;
  #nextKeyRecordMs = 0;
  #nextRecordMs = 0;
  #isClosed = false;

  constructor(parts: RenewalParts) {
    this.#parts = parts;
  }

  /** Keeps a key record that was made until the authority has it, also in the next life. */
  keep(keyRecord: Uint8Array): void {
    const { store, identity } = this.#parts;
    // Its prekey first: who has the record would seal to a key that is lost otherwise.
    store.put(names.identity, identity.export());
    store.put(names.keyRecord, keyRecord);
    this.#nextKeyRecordMs = 0;
  }

  /** About once a second. */
  tick(nowMs: number): void {
    this.#handIn(nowMs);
    this.#renew(nowMs);
  }

  close(): void {
    this.#isClosed = true;
  }

  /** Hands the newest key record in until that succeeds. */
  #handIn(nowMs: number): void {
    const { store, access, tell } = this.#parts;
    const bytes = store.get(names.keyRecord);
    if (bytes === undefined || nowMs < this.#nextKeyRecordMs) return;
    const { keyRecord } = access;
    if (keyRecord === undefined) {
      this.#nextKeyRecordMs = Infinity;
      tell({ type: 'keyRecord', bytes, error: undefined });
      return;
    }
    this.#nextKeyRecordMs = nowMs + keyRecordAgainMs;
    this.#attempt(
      async () => {
        await keyRecord(bytes);
        // Another may have been made meanwhile.
        if (!this.#isClosed && store.get(names.keyRecord) === bytes) store.delete(names.keyRecord);
      },
      (error) => tell({ type: 'keyRecord', bytes, error }),
    );
  }

  /**
   * Once an hour: asks for the next record when a third of the time of this one is over, and tells where that does not work out; without anybody
   * to ask, tells when two thirds are over.
   */
  #renew(nowMs: number): void {
    const { access, own, tell } = this.#parts;
    if (nowMs < this.#nextRecordMs) return;
    this.#nextRecordMs = nowMs + recordAgainMs;
    const record = own();
    if (record === undefined) return;
    const { notBeforeMs, notAfterMs, name } = record;
    const lifeMs = notAfterMs - notBeforeMs;
    const { principalRecord } = access;
    if (nowMs < notAfterMs - (principalRecord === undefined ? lifeMs / 3 : (2 * lifeMs) / 3)) return;
    const failed = (error: unknown) => tell({ type: 'recordEnds', atMs: notAfterMs, error });
    if (principalRecord === undefined) failed(undefined);
    else this.#attempt(async () => principalRecord(name), failed);
  }

  #attempt(act: () => Promise<void>, failed: (error: unknown) => void): void {
    act().catch((error: unknown) => {
      if (!this.#isClosed) failed(error);
    });
  }
}

const keyRecordAgainMs = 60_000;
const recordAgainMs = 3_600_000;
