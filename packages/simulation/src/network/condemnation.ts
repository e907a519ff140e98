import type { BrokerEvent } from '@tridcomm/broker/testing';
import type { CryptoProvider } from '@tridcomm/core';
import { RevocationList, type AddressedObject } from '@tridcomm/core/internal';
import { hexOf } from '../bytes.ts';
import { kindOfObject } from '../hostile-relay.ts';
import type { BrokerLife, NetworkOracle } from './oracle.ts';
import { condemnedName } from './plan.ts';
import type { VirtualTime } from './virtual-time.ts';

/** The revocation of a member: from when on the broker knows of it, and what its links must not do then. */
export class Condemnation {
  readonly #time: VirtualTime;
  readonly #provider: CryptoProvider;
  readonly #oracle: NetworkOracle;
  /** Links that are open at the broker, by number, with the key of the peer. */
  readonly #links = new Map<number, string>();
  #keyId32: Uint8Array | undefined;
  #brokerKnowsMs = Infinity;
  /** The broker has answered for it: its next life knows of it too. */
  #isTaken = false;
  /** The broker could not write it down. */
  #mayBeForgotten = false;

  constructor(time: VirtualTime, provider: CryptoProvider, oracle: NetworkOracle) {
    this.#time = time;
    this.#provider = provider;
    this.#oracle = oracle;
  }

  /** Whether somebody was revoked. */
  get isSpoken(): boolean {
    return this.#keyId32 !== undefined;
  }

  speak(keyId32: Uint8Array): void {
    this.#keyId32 = keyId32;
  }

  /** Whether what happened at the broker happened to somebody who was not revoked. */
  isOfHonest(event: BrokerEvent): boolean {
    return 'keyId' in event && !this.#isMeant(event.keyId);
  }

  /** A process of the broker is about to end. */
  brokerEnds(isSudden: boolean): void {
    if (isSudden) this.#links.clear();
    if (!this.#isTaken || this.#mayBeForgotten) this.#brokerKnowsMs = Infinity;
  }

  see(event: BrokerEvent): void {
    if (event.type === 'linkOpened') {
      this.#links.set(event.link, event.keyId);
      this.#judge(event.keyId, 'was opened');
    }
    if (event.type === 'linkEnded') this.#links.delete(event.link);
    if (event.type === 'notKept') this.#mayBeForgotten = this.isSpoken;
    if (event.type === 'bundleTaken') this.#isTaken = this.#brokerKnowsMs !== Infinity;
  }

  /** The broker has a bundle: from then on it has a second to end what a revocation ends. @param life - the process, as it is now */
  seeBundle(objects: readonly AddressedObject[], life: () => BrokerLife | undefined): void {
    const keyId32 = this.#keyId32;
    if (keyId32 === undefined || this.#brokerKnowsMs !== Infinity) return;
    const isRevoking = objects.some(
      ({ bytes }) =>
        kindOfObject(bytes) === 'revocations' && RevocationList.decode(this.#provider, bytes).isRevoked(keyId32, 1),
    );
    if (!isRevoking) return;
    this.#brokerKnowsMs = this.#time.nowMs;
    const before = life();
    this.#time.clock.after(cutMs, () => {
      if (life() !== before || before?.endedMs !== Infinity) return;
      for (const keyId of this.#links.values()) this.#judge(keyId, 'was open a second later');
    });
  }

  /** Who was revoked got something. */
  seeDelivery(contents: readonly string[]): void {
    const knewMs = this.#brokerKnowsMs + cutMs;
    if (!contents.some((content) => (this.#oracle.askedMs(content) ?? 0) > knewMs)) return;
    this.#oracle.report('revoked link served', this.#time.nowMs, `${condemnedName} got ${contents[0]}`);
  }

  #judge(keyId: string, what: string): void {
    if (!this.#isMeant(keyId) || this.#time.nowMs < this.#brokerKnowsMs + cutMs) return;
    this.#oracle.report('revoked link served', this.#time.nowMs, `a link of ${condemnedName} ${what}`);
  }

  #isMeant(keyId: string): boolean {
    return this.#keyId32 !== undefined && keyId === hexOf(this.#keyId32);
  }
}

/** What a revocation ends is over by then. @spec link.22 */
const cutMs = 1_001;
