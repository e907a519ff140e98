import { addressTypes } from '../codepoints/address-types.gen.ts';
import { hexOf } from '../client/hex.ts';
import type { AddressedObject } from '../keys/bundle.ts';
import type { KeyBlockHeader } from '../keys/key-block-format.ts';
import type { TakenObject } from './control-plane.ts';

/** One object that a broker keeps. */
interface Kept extends AddressedObject {
  readonly block: KeyBlockHeader | undefined;
  readonly pool: TakenObject['pool'];
  readonly groupId: string | undefined;
  readonly serial: number | undefined;
}

/**
 * What a broker keeps under each address: the newest object, the whole chain of authority records, and the key blocks of epochs that
 * drain with their pool records.
 */
export class Retained {
  readonly #kept = new Map<string, Kept[]>();
  /** By group id: the name of the address of its blocks. */
  readonly #blockNames = new Map<string, string>();
  /** By front: the same of its pool records. */
  readonly #poolNames = new Map<string, string>();

  /** Keeps an object that was applied. */
  add({ type, address16, bytes, block, pool, groupId, serial }: TakenObject, nowMs: number): void {
    const name = hexOf(address16);
    const kept = { address16, bytes, block, pool, groupId, serial };
    const held = this.#kept.get(name) ?? [];
    if (type === addressTypes.authorityRecord) this.#kept.set(name, bySerial([...held, kept]));
    else if (type === addressTypes.keyBlock) this.#kept.set(name, draining([...held, kept], nowMs));
    else if (type === addressTypes.poolRecord) this.#kept.set(name, this.#inUse([...held, kept], nowMs));
    else this.#kept.set(name, [kept]);
    if (groupId === undefined) return;
    if (type === addressTypes.keyBlock) this.#blockNames.set(groupId, name);
    if (type === addressTypes.poolRecord) this.#poolNames.set(groupId, name);
  }

  /** What is kept under an address, oldest first. */
  under(address16: Uint8Array, nowMs: number): readonly Uint8Array[] {
    return this.#under(hexOf(address16), nowMs).map(({ bytes }) => bytes);
  }

  /** Everything, of each address oldest first. */
  all(nowMs: number): readonly AddressedObject[] {
    return [...this.#kept.keys()].flatMap((name) => this.#under(name, nowMs));
  }

  /** What the signatures of an epoch are bound to: of the newest epoch of a group, or of one that drains. */
  epochCommit32(groupId: string, epoch: number, nowMs: number): Uint8Array | undefined {
    const name = this.#blockNames.get(groupId);
    if (name === undefined) return undefined;
    const kept = this.#under(name, nowMs).find(({ block }) => block?.epoch === epoch);
    return kept?.bytes.subarray(blockHeaderBytes, blockHeaderBytes + 32);
  }

  /** The pool_hash32 of an epoch of the crew of a front. */
  poolHash32(groupId: string, epoch: number, nowMs: number): Uint8Array | undefined {
    const name = this.#poolNames.get(groupId);
    if (name === undefined) return undefined;
    return this.#under(name, nowMs).find(({ pool }) => pool?.epoch === epoch)?.pool?.hash32;
  }

  #under(name: string, nowMs: number): readonly Kept[] {
    const held = this.#kept.get(name) ?? [];
    if (held[0]?.pool !== undefined) return this.#inUse(held, nowMs);
    return held[0]?.block === undefined ? held : draining(held, nowMs);
  }

  /** The newest pool record, and those whose blocks are kept. */
  #inUse(records: readonly Kept[], nowMs: number): Kept[] {
    return records.filter(({ pool }, i) => {
      const isNewest = i === records.length - 1;
      return isNewest || (pool !== undefined && this.epochCommit32(pool.crewId, pool.epoch, nowMs) !== undefined);
    });
  }

  /** Lets go of everything of a group that is no more. */
  dropGroup(groupId: string): void {
    for (const [name, [first]] of this.#kept) if (first?.groupId === groupId) this.#kept.delete(name);
    this.#blockNames.delete(groupId);
    this.#poolNames.delete(groupId);
  }
}

/** A link may bring a record while the one before it, of a bundle, is still being kept. */
function bySerial(records: Kept[]): Kept[] {
  return records.sort((a, b) => a.serial! - b.serial!);
}

/** The newest block, and each whose successor says that it is not over. */
function draining(blocks: readonly Kept[], nowMs: number): Kept[] {
  return blocks.filter((_, i) => {
    const next = blocks[i + 1]?.block;
    return next === undefined || nowMs <= next.drainUntilMs;
  });
}

/** `epoch_commit32` stands behind the header. */
const blockHeaderBytes = 184;
