import { addressTypes } from '../codepoints/address-types.gen.ts';
import { hexOf } from '../client/hex.ts';
import type { KeyBlockHeader } from '../keys/key-block-format.ts';
import type { TakenObject } from './control-plane.ts';

/** One object that a broker keeps. */
interface Kept {
  readonly bytes: Uint8Array;
  readonly block: KeyBlockHeader | undefined;
  readonly groupId: string | undefined;
}

/**
 * What a broker keeps under each address: the newest object, the whole chain of authority records, and the key blocks of epochs that
 * drain.
 */
export class Retained {
  readonly #kept = new Map<string, Kept[]>();

  /** Keeps an object that was applied. */
  add({ type, address16, bytes, block, groupId }: TakenObject, nowMs: number): void {
    const name = hexOf(address16);
    const kept = { bytes, block, groupId };
    const held = this.#kept.get(name) ?? [];
    if (type === addressTypes.authorityRecord) this.#kept.set(name, [...held, kept]);
    else if (type === addressTypes.keyBlock) this.#kept.set(name, draining([...held, kept], nowMs));
    else this.#kept.set(name, [kept]);
  }

  /** What is kept under an address, oldest first. */
  under(address16: Uint8Array, nowMs: number): readonly Uint8Array[] {
    const held = this.#kept.get(hexOf(address16)) ?? [];
    return (held[0]?.block === undefined ? held : draining(held, nowMs)).map(({ bytes }) => bytes);
  }

  /** Lets go of everything of a group that is no more. */
  dropGroup(groupId: string): void {
    for (const [name, [first]] of this.#kept) if (first?.groupId === groupId) this.#kept.delete(name);
  }
}

/** The newest block, and each whose successor says that it is not over. */
function draining(blocks: readonly Kept[], nowMs: number): Kept[] {
  return blocks.filter((_, i) => {
    const next = blocks[i + 1]?.block;
    return next === undefined || nowMs <= next.drainUntilMs;
  });
}
