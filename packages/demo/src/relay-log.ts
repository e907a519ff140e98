import type { LocalNetwork } from '@tridcomm/core/local';
import { addressOf, decodeBundle } from '@tridcomm/core/internal';
import { nodeProvider } from '@tridcomm/core/node';

type RelayEvent = LocalNetwork['relay']['events'][number];

/** Object types of chapter 07. */
export const objectTypes = { keyBlock: 9, enrolment: 10, head: 12 } as const;

/** Everything that the relay saw, read before its own log, which is short, drops it. */
export class RelayLog {
  readonly bundles: Uint8Array[] = [];
  envelopes = 0;
  bytes = 0;
  /** How often something was found that it must not see. */
  leaks = 0;
  readonly #network: LocalNetwork;
  readonly #secrets: readonly string[];
  #last: RelayEvent | undefined;

  /** @param secrets - what must not be in anything that the relay sees */
  constructor(network: LocalNetwork, secrets: readonly string[]) {
    this.#network = network;
    this.#secrets = secrets;
  }

  /**
   * Reads on.
   *
   * @param plaintexts - what was sealed since the last time, beyond the secrets that are known
   * @returns envelopes since the last time
   */
  read(plaintexts: readonly Uint8Array[] = []): Uint8Array[] {
    const { events } = this.#network.relay;
    const from = this.#last === undefined ? 0 : events.lastIndexOf(this.#last) + 1;
    if (this.#last !== undefined && from === 0) throw new Error('the log of the relay was not read often enough');
    this.#last = events.at(-1);
    const envelopes: Uint8Array[] = [];
    for (const event of events.slice(from)) {
      if (event.type === 'envelope') {
        envelopes.push(event.bytes);
        this.note(event.bytes, plaintexts);
      } else if (event.type === 'bundle') {
        this.bundles.push(event.bytes);
        this.#search(event.bytes, []);
      }
    }
    return envelopes;
  }

  /** Counts an envelope as seen, and searches it. */
  note(envelope: Uint8Array, plaintexts: readonly Uint8Array[] = []): void {
    this.envelopes++;
    this.#search(envelope, plaintexts);
  }

  /** Objects of the authority under an address, oldest first. */
  objects(type: number, ...id: readonly Uint8Array[]): Uint8Array[] {
    this.read();
    const { authorityId32 } = this.#network.authority;
    const address16 = addressOf(nodeProvider, authorityId32, type, Buffer.concat(id));
    const all = this.bundles.flatMap((bundle) => decodeBundle(bundle));
    return all.filter((object) => Buffer.compare(object.address16, address16) === 0).map(({ bytes }) => bytes);
  }

  #search(bytes: Uint8Array, plaintexts: readonly Uint8Array[]): void {
    const seen = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.bytes += seen.length;
    this.leaks += this.#secrets.filter((secret) => seen.includes(secret)).length;
    this.leaks += plaintexts.filter((plaintext) => isTelling(plaintext) && seen.indexOf(plaintext) >= 0).length;
  }
}

/** Whether bytes are enough of them that they are not found by chance. */
function isTelling(bytes: Uint8Array): boolean {
  return bytes.length >= 8;
}
