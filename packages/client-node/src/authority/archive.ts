import { addressOf, addressTypes, decodeBundle, type CryptoProvider } from '@tridcomm/core';
import { type AddressedObject, encodeBundle, hexOf, objectKinds } from '@tridcomm/core/internal';
import { StoreError } from '../store/fs-error.ts';
import { ArchiveFile } from './archive-file.ts';

/** A bundle on its way, and what of it the archive did not have yet. */
export interface ArchivedBundle {
  readonly bundle: Uint8Array;
  /** The same without what was published before; undefined where nothing is left. */
  readonly changed: Uint8Array | undefined;
}

/**
 * What an authority published: under each address the newest object, of authority records the whole chain, of key blocks and pool records the
 * newest few.
 *
 * A bundle is written here before it is handed to anybody, so that the archive never knows less than a broker does.
 */
export class Archive {
  readonly #chainAddress: string;
  /** By address in hex. */
  readonly #held = new Map<string, AddressedObject[]>();
  readonly #file: ArchiveFile | undefined;
  #heldBytes = 0;

  private constructor(provider: CryptoProvider, authorityId32: Uint8Array, file: ArchiveFile | undefined) {
    const nothing = new Uint8Array(0);
    this.#chainAddress = nameOf(addressOf(provider, authorityId32, addressTypes.authorityRecord, nothing));
    this.#file = file;
  }

  /** An archive that ends with the process. */
  static inMemory(provider: CryptoProvider, authorityId32: Uint8Array): Archive {
    return new Archive(provider, authorityId32, undefined);
  }

  /** The archive of a file, which is made where there is none. @throws TridcommError those of `ArchiveFile.open` */
  static open(provider: CryptoProvider, authorityId32: Uint8Array, path: string): Archive {
    const { file, objects } = ArchiveFile.open(path, authorityId32);
    const archive = new Archive(provider, authorityId32, file);
    for (const object of objects) archive.#hold(object);
    return archive;
  }

  /**
   * Takes bundles in; they are on the disk when it returns.
   *
   * @throws StoreError where the disk does not take them; then nothing is held of them
   */
  add(bundles: readonly Uint8Array[]): ArchivedBundle[] {
    const changes = bundles.map((bundle) => {
      const objects = decodeBundle(bundle);
      return { bundle, objects, added: objects.filter((object) => !this.#has(object)).map(copyOf) };
    });
    const added = changes.flatMap((change) => change.added);
    if (added.length > 0) this.#file?.append(added);
    for (const object of added) this.#hold(object);
    this.#compact();
    return changes.map(({ bundle, objects, added }) => {
      if (added.length === 0) return { bundle, changed: undefined };
      return { bundle, changed: added.length === objects.length ? bundle : encodeBundle(added) };
    });
  }

  /** What is held under an address, oldest first; views. */
  under(address16: Uint8Array): readonly Uint8Array[] {
    return (this.#held.get(nameOf(address16)) ?? []).map(({ bytes }) => bytes);
  }

  close(): void {
    this.#file?.close();
  }

  #has({ address16, bytes }: AddressedObject): boolean {
    const held = this.#held.get(nameOf(address16)) ?? [];
    return held.some((one) => Buffer.compare(one.bytes, bytes) === 0);
  }

  #hold(object: AddressedObject): void {
    const name = nameOf(object.address16);
    const held = [...(this.#held.get(name) ?? []), object];
    const most = name === this.#chainAddress ? Infinity : isOfEpoch(object) ? mostEpochs : 1;
    const dropped = held.splice(0, Math.max(0, held.length - most));
    this.#held.set(name, held);
    for (const { bytes } of dropped) this.#heldBytes -= bytes.length;
    this.#heldBytes += object.bytes.length;
  }

  /** A file that is mostly history is written anew. */
  #compact(): void {
    if (this.#file === undefined || this.#file.lengthBytes < 2 * this.#heldBytes + leastBytes) return;
    try {
      this.#file.rewrite([...this.#held.values()].flat());
    } catch (error) {
      // The longer file says the same, and what came now is in it.
      if (!(error instanceof StoreError)) throw error;
    }
  }
}

function nameOf(address16: Uint8Array): string {
  return hexOf(address16);
}

/** Whether several count at a time: key blocks, and the pool records that belong to them. */
function isOfEpoch({ bytes }: AddressedObject): boolean {
  const magic = Buffer.from(bytes.subarray(0, 4)).toString('latin1');
  return magic === 'TDKB' || (magic === 'TDOB' && bytes[kindOffset] === objectKinds.poolRecord);
}

function copyOf({ address16, bytes }: AddressedObject): AddressedObject {
  return { address16: new Uint8Array(address16), bytes: new Uint8Array(bytes) };
}

/** Of one group: those that are in use when epochs drain, and a few more. */
const mostEpochs = 8;
const kindOffset = 5;
/** Below this a file is not worth writing anew. */
const leastBytes = 1_048_576;
