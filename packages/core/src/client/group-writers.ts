import { listUses } from '../codepoints/list-uses.gen.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { TridcommError } from '../errors.ts';
import { AccessList } from '../keys/access-list.ts';
import { hexOf } from './hex.ts';
import type { ClientStore } from './store.ts';

/**
 * The lists of writers of one group by their roots, in a durable member also in its store: what is accepted of an epoch that drains is
 * judged by a list that nobody hands out any more.
 *
 * @spec groups.27
 */
export class GroupWriters {
  readonly #store: ClientStore | undefined;
  readonly #prefix: string;
  /** By root in hex, in the order in which they came. */
  readonly #held = new Map<string, AccessList>();

  constructor(store: ClientStore | undefined, groupId: string) {
    this.#store = store;
    this.#prefix = `writers/${groupId}/`;
  }

  /** Takes up what an earlier life stored. */
  load(provider: CryptoProvider, groupId16: Uint8Array): void {
    for (const [name, bytes] of this.#store?.entries(this.#prefix) ?? []) {
      try {
        const list = AccessList.decode(provider, bytes, listUses.writers, groupId16);
        this.#held.set(hexOf(list.root32), list);
      } catch (error) {
        if (!(error instanceof TridcommError)) throw error;
        this.#store?.delete(name);
      }
    }
  }

  get(root: string): AccessList | undefined {
    return this.#held.get(root);
  }

  add(root: string, list: AccessList): void {
    this.#store?.put(this.#prefix + root, list.bytes);
    this.#held.set(root, list);
  }

  /** Forgets what is not used, but for the latest few, which the next view may name. */
  prune(used: ReadonlySet<string>): void {
    const spare = [...this.#held.keys()].filter((root) => !used.has(root));
    for (const root of spare.slice(0, -mostSpare)) {
      this.#held.delete(root);
      this.#store?.delete(this.#prefix + root);
    }
  }
}

const mostSpare = 4;
