import type { RevocationList } from '../keys/revocation-list.ts';
import { hexOf } from './hex.ts';

/**
 * Revocation lists that came. A list has no signature: which of them count, heads say. So those that no head has named yet, which anybody
 * can make, have places of their own and push out none that was named.
 */
export class RevocationLists {
  readonly #named = new Map<string, RevocationList>();
  readonly #unnamed = new Map<string, RevocationList>();

  /** Adds one that no head has named so far. */
  add(list: RevocationList): void {
    put(this.#unnamed, hexOf(list.hash32), list, mostUnnamed);
  }

  has(hash32: Uint8Array): boolean {
    const name = hexOf(hash32);
    return this.#named.has(name) || this.#unnamed.has(name);
  }

  /** The list that a head names, if it is there: from now on it is one that was named. */
  named(hash32: Uint8Array): RevocationList | undefined {
    const name = hexOf(hash32);
    const list = this.#named.get(name) ?? this.#unnamed.get(name);
    if (list === undefined) return undefined;
    this.#unnamed.delete(name);
    put(this.#named, name, list, mostNamed);
    return list;
  }
}

/** Adds one as the latest, and lets the earliest go where there are too many. */
function put(lists: Map<string, RevocationList>, name: string, list: RevocationList, most: number): void {
  lists.delete(name);
  lists.set(name, list);
  if (lists.size > most) lists.delete(lists.keys().next().value!);
}

const mostNamed = 4;
const mostUnnamed = 2;
