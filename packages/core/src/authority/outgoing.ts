import { addressTypes } from '../codepoints/address-types.gen.ts';
import { limits } from '../codepoints/limits.gen.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { checkLimit } from '../errors.ts';
import { addressOf } from '../keys/address.ts';
import { encodeBundle } from '../keys/bundle.ts';

/** One object on its way to carriers. */
interface Entry {
  readonly rank: number;
  readonly address16: Uint8Array;
  readonly bytes: Uint8Array;
}

/**
 * The objects of one operation, brought into an order in which a receiver that takes one after the other can verify each.
 */
export class Outgoing {
  readonly #provider: CryptoProvider;
  readonly #authorityId32: Uint8Array;
  readonly #entries: Entry[] = [];
  /** Of what must not go ahead. */
  #lateBytes = 0;

  constructor(provider: CryptoProvider, authorityId32: Uint8Array) {
    this.#provider = provider;
    this.#authorityId32 = authorityId32;
  }

  /**
   * @param type - one of the registry of address types
   * @param id - as the type asks for
   * @param bytes - kept
   */
  add(type: number, id: Uint8Array, bytes: Uint8Array): void {
    const address16 = addressOf(this.#provider, this.#authorityId32, type, id);
    this.#entries.push({ rank: sendingOrder.indexOf(type), address16, bytes });
    if (!early.has(type)) this.#lateBytes += bundleEntryBytes + bytes.length;
  }

  /**
   * Adds all that another one holds.
   *
   * @throws TridcommError `E_LIMIT`, before anything is added, where one bundle would not hold what has to stay together, with the rest that
   * every bundle needs
   */
  addAll(other: Outgoing): void {
    const lateBytes = this.#lateBytes + other.#lateBytes;
    checkLimit('bytes of one bundle', lateBytes, limits.bundleBytes - restBytes);
    this.#lateBytes = lateBytes;
    for (const entry of other.#entries) this.#entries.push(entry);
  }

  /**
   * One bundle. Where there are too many objects for one, what may come early goes ahead in bundles of its own, in the same
   * order: records and enrolments, which change nothing before a head names what they are for.
   *
   * @throws TridcommError `E_LIMIT` where the rest is too large for one bundle, as it must not be taken apart
   * @spec principals.39, principals.40
   */
  bundles(): Uint8Array[] {
    const entries = this.#entries.toSorted((a, b) => a.rank - b.rank);
    if (fits(entries)) return [encodeBundle(entries)];
    const isEarly = ({ rank }: Entry) => early.has(sendingOrder[rank]!);
    const parts = [...partsOf(entries.filter(isEarly)), entries.filter((entry) => !isEarly(entry))];
    return parts.map((part) => encodeBundle(part));
  }
}

function fits(entries: readonly Entry[]): boolean {
  return partsOf(entries).length <= 1;
}

/** The entries in as few runs as the limits of a bundle allow. */
function partsOf(entries: readonly Entry[]): Entry[][] {
  const parts: Entry[][] = [];
  let room = 0;
  for (const entry of entries) {
    const bytes = bundleEntryBytes + entry.bytes.length;
    const part = parts.at(-1);
    if (part === undefined || part.length === limits.bundleObjects || bytes > room) {
      parts.push([entry]);
      room = limits.bundleBytes - bundleHeadBytes - bytes;
    } else {
      part.push(entry);
      room -= bytes;
    }
  }
  return parts;
}

/** Group records stand before lists and enrolments, which are checked against them; a head after all that it names. */
const sendingOrder: readonly number[] = [
  addressTypes.authorityRecord,
  addressTypes.principalRecord,
  addressTypes.keyRecord,
  addressTypes.policy,
  addressTypes.groupRecord,
  addressTypes.writers,
  addressTypes.edgeList,
  addressTypes.revocationList,
  addressTypes.enrolment,
  addressTypes.keyBlock,
  addressTypes.poolRecord,
  addressTypes.groupHead,
  addressTypes.head,
];
const early: ReadonlySet<number> = new Set([
  addressTypes.authorityRecord,
  addressTypes.principalRecord,
  addressTypes.keyRecord,
  addressTypes.groupRecord,
  addressTypes.enrolment,
]);
/** Room for policy, revocation list, and the heads of 1,024 groups. */
const restBytes = 2_097_152;
/** Magic, version, zeros and count; address and length of each object. */
const bundleHeadBytes = 12;
const bundleEntryBytes = 20;
