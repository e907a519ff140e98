import {
  addressOf,
  addressTypes,
  TridcommError,
  Trust,
  type ClientStore,
  type CryptoProvider,
  type PrincipalRecord,
} from '@tridcomm/core';
import { RevocationList, RevocationLists } from '@tridcomm/core/internal';
import { authorityRecordsOf } from '../store/identity-store.ts';

/** What a member knows of the newest head of its authority. */
type HeadOf = () => { readonly revokedHash32: Uint8Array } | undefined;

/**
 * By what a member judges the brokers that it has links to.
 *
 * It holds authority records of its own: a link that is being opened takes what the broker brings, and the member itself has to take the same
 * as news, so that it stores it.
 *
 * @spec link.10, link.22, principals.24
 */
export class PeerTrust {
  /** For links. */
  readonly trust: Trust;
  readonly #provider: CryptoProvider;
  readonly #head: HeadOf;
  readonly #addresses16: { readonly authorityRecord: Uint8Array; readonly revocationList: Uint8Array };
  readonly #lists = new RevocationLists();
  /** The last that a head named: it counts while that of the newest head is not there. */
  #counts: RevocationList | undefined;

  constructor(provider: CryptoProvider, authorityId32: Uint8Array, store: ClientStore, head: HeadOf) {
    this.#provider = provider;
    this.#head = head;
    const address = (type: number) => addressOf(provider, authorityId32, type, new Uint8Array(0));
    this.#addresses16 = {
      authorityRecord: address(addressTypes.authorityRecord),
      revocationList: address(addressTypes.revocationList),
    };
    this.trust = new Trust({ provider, authorityId32 });
    for (const record of authorityRecordsOf(store, 0)) this.#take(record, Date.now());
  }

  /** Sees an object that came to the member. What is wrong with it the member refuses, and tells. */
  see(address16: Uint8Array, bytes: Uint8Array, nowMs: number): void {
    // Before a head comes that names another.
    this.#goOver();
    if (Buffer.compare(address16, this.#addresses16.authorityRecord) === 0) this.#take(Uint8Array.from(bytes), nowMs);
    if (Buffer.compare(address16, this.#addresses16.revocationList) === 0) this.#takeList(Uint8Array.from(bytes));
  }

  /** Whether a principal is revoked under a record with this serial, as far as is known. */
  isRevoked(keyId32: Uint8Array, serial: number): boolean {
    this.#goOver();
    return this.#counts?.isRevoked(keyId32, serial) === true;
  }

  /**
   * Makes sure that a link may go on.
   *
   * @throws TridcommError `E_REVOKED`, `E_EXPIRED`
   */
  check(peer: PrincipalRecord, nowMs: number): void {
    if (this.isRevoked(peer.key.keyId32, peer.serial)) throw new TridcommError('E_REVOKED', 'broker of the link');
    this.trust.checkPrincipalNow(peer, nowMs);
  }

  #take(record: Uint8Array, nowMs: number): void {
    refusable(() => this.trust.takeAuthorityRecord(record, nowMs));
  }

  #takeList(bytes: Uint8Array): void {
    refusable(() => {
      const list = RevocationList.decode(this.#provider, bytes);
      if (!this.#lists.has(list.hash32)) this.#lists.add(list);
    });
  }

  #goOver(): void {
    const head = this.#head();
    this.#counts = (head && this.#lists.named(head.revokedHash32)) ?? this.#counts;
  }
}

function refusable(take: () => void): void {
  try {
    take();
  } catch (error) {
    if (!(error instanceof TridcommError)) throw error;
  }
}
