import { readU64, writeU64 } from '../bytes/bytes.ts';
import type { DurableLife } from '../replay/guard-options.ts';
import type { ReplayWrites, StoredEviction, StoredFloor } from '../replay/stored-state.ts';
import type { HeaderView } from '../wire/header.ts';
import { bytesOfHex, hexOf } from './hex.ts';
import type { ClientStore } from './store.ts';

/**
 * What a durable member stores of the replay state of one group and epoch.
 *
 * @spec replay.22, replay.24
 */
export class ReplayStore {
  readonly #store: ClientStore;
  readonly #prefix: string;
  readonly #epoch: number;
  #admitted = 0;

  constructor(store: ClientStore, groupId: string, epoch: number) {
    this.#store = store;
    this.#prefix = `${replayPrefix(groupId)}${epoch}/`;
    this.#epoch = epoch;
  }

  /** What an earlier life stored. */
  life(): DurableLife {
    const floors: { readonly order: number; readonly floor: StoredFloor }[] = [];
    const evictions: StoredEviction[] = [];
    for (const [name, value] of this.#store.entries(this.#prefix)) {
      const [kind, ...ids] = name.slice(this.#prefix.length).split('/');
      const [senderId, topicTag, streamId] = ids.map(bytesOfHex);
      const group = { senderId: senderId!, epoch: this.#epoch, topicTag: topicTag! };
      if (kind === 'evict') evictions.push({ group, evictTs: readU64(value, 0) });
      else {
        const floor = {
          stream: { ...group, streamId: streamId! },
          floor: readU64(value, 8),
          boundMs: readU64(value, 16),
        };
        floors.push({ order: readU64(value, 0), floor });
      }
    }
    floors.sort((a, b) => a.order - b.order);
    this.#admitted = floors.at(-1)?.order ?? 0;
    return { kind: 'durable', floors: floors.map(({ floor }) => floor), evictions };
  }

  /** Stores what {@link ReplayGuard.pendingWrites} asks for; lowers nothing. */
  write(header: HeaderView, { floor, boundMs, evictTs }: ReplayWrites): void {
    const group = `${hexOf(header.senderId)}/${hexOf(header.topicTag)}`;
    if (evictTs !== undefined) {
      const value = new Uint8Array(8);
      writeU64(value, 0, evictTs);
      this.#store.put(`${this.#prefix}evict/${group}`, value);
    }
    const name = `${this.#prefix}floor/${group}/${hexOf(header.streamId)}`;
    const held = this.#store.get(name);
    const value = new Uint8Array(24);
    writeU64(value, 0, held === undefined ? ++this.#admitted : readU64(held, 0));
    writeU64(value, 8, Math.max(floor, held === undefined ? 0 : readU64(held, 8)));
    writeU64(value, 16, Math.max(boundMs, held === undefined ? 0 : readU64(held, 16)));
    this.#store.put(name, value);
  }

  /** The stream that another displaced. */
  forget(header: HeaderView, streamId8: Uint8Array): void {
    const group = `${hexOf(header.senderId)}/${hexOf(header.topicTag)}`;
    this.#store.delete(`${this.#prefix}floor/${group}/${hexOf(streamId8)}`);
  }

  /** All of it: the epoch is closed. */
  clear(): void {
    for (const name of Array.from(this.#store.entries(this.#prefix), ([held]) => held)) this.#store.delete(name);
  }
}

/** Deletes what a crash left behind of a group's epochs up to one. */
export function clearReplay(store: ClientStore, groupId: string, closedEpoch: number): void {
  const prefix = replayPrefix(groupId);
  for (const name of Array.from(store.entries(prefix), ([held]) => held)) {
    if (parseInt(name.slice(prefix.length), 10) <= closedEpoch) store.delete(name);
  }
}

function replayPrefix(groupId: string): string {
  return `replay/${groupId}/`;
}
