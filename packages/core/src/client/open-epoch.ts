import { concat, copyOf, readU32, writeU32 } from '../bytes/bytes.ts';
import { limits } from '../codepoints/limits.gen.ts';
import type { KeySource } from '../envelope/key-source.ts';
import { forgetStreamSecrets } from '../envelope/stream-secrets.ts';
import { decodeGroupPrivate } from '../keys/group-private.ts';
import { parseBlock } from '../keys/key-block-format.ts';
import { openPrivate } from '../keys/key-block.ts';
import type { OpenedBlock } from '../keys/member-keys.ts';
import { ReplayGuard } from '../replay/guard.ts';
import { GapTracker } from './gaps.ts';
import { hexOf } from './hex.ts';
import type { Holdings } from './holdings.ts';
import { clearReplay, ReplayStore } from './replay-store.ts';

/**
 * One epoch of a group for as long as envelopes of it are sealed or accepted: its secret, and the replay state of its streams.
 */
export class OpenEpoch {
  readonly block: OpenedBlock;
  readonly keySource: KeySource;
  readonly guard: ReplayGuard;
  readonly gaps: GapTracker = new GapTracker();
  /** Present in a durable member. */
  readonly replayStore: ReplayStore | undefined;
  readonly #holdings: Holdings;
  readonly #storeName: string;
  #isOpen = true;

  constructor(holdings: Holdings, block: OpenedBlock) {
    const { store, evidence, leafBudget, maxAgeMs, skewMs, bootMs } = holdings;
    const { header, groupContext32, epochCommit32, epochSecret32 } = block;
    const groupId = hexOf(header.groupId16);
    this.#holdings = holdings;
    this.#storeName = `${epochPrefix(groupId)}${header.epoch}`;
    this.block = block;
    this.keySource = { suite: header.suite, sourceSecret32: epochSecret32, groupContext32, bind32: epochCommit32 };
    this.replayStore = store && new ReplayStore(store, groupId, header.epoch);
    const life = this.replayStore?.life() ?? ({ kind: 'volatile', bootMs } as const);
    const freshness = { maxAgeMs, skewMs };
    this.guard = new ReplayGuard({ hashKey16: holdings.random(16), life, freshness, evidence, leafBudget });
    if (life.kind === 'durable') {
      // What was accepted up to a floor is not known any more: from the number on at which it was stored, all may be lost.
      for (const { stream, floor } of life.floors) {
        this.gaps.resume(
          streamName(stream.senderId, stream.topicTag, stream.streamId),
          Math.max(0, floor - limits.floorSlackEnvelopes),
        );
      }
    }
  }

  get number(): number {
    return this.block.header.epoch;
  }

  /** Until its secret is overwritten. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Stores the block with its secret. */
  write(bytes: Uint8Array): void {
    const size = new Uint8Array(4);
    writeU32(size, 0, bytes.length);
    this.#holdings.store?.put(this.#storeName, concat(size, bytes, this.block.epochSecret32));
  }

  /** The block as it was stored. */
  storedBlock(): Uint8Array | undefined {
    const value = this.#holdings.store?.get(this.#storeName);
    return value && blockOf(value);
  }

  /**
   * Overwrites the secret, and gives the replay state back; what is stored stays.
   *
   * @spec groups.12
   */
  erase(): void {
    this.#isOpen = false;
    this.block.epochSecret32.fill(0);
    forgetStreamSecrets(this.keySource);
    this.guard.release();
  }

  /** Deletes what is stored: after it is stored that the epoch is closed, and the secret before the replay state. */
  remove(): void {
    this.#holdings.store?.delete(this.#storeName);
    this.replayStore?.clear();
  }
}

/** The epochs of a group that an earlier life stored, ascending. What it left behind of epochs up to `closedEpoch` is deleted. */
export function storedEpochs(
  holdings: Holdings,
  groupId16: Uint8Array,
  topicChains: boolean,
  closedEpoch: number,
): OpenEpoch[] {
  const { provider, store } = holdings;
  if (store === undefined) return [];
  const groupId = hexOf(groupId16);
  const epochs: OpenEpoch[] = [];
  for (const [name, value] of store.entries(epochPrefix(groupId))) {
    if (Number(name.slice(epochPrefix(groupId).length)) <= closedEpoch) {
      store.delete(name);
      continue;
    }
    const bytes = blockOf(value);
    const epochSecret32 = copyOf(value, 4 + bytes.length);
    const parsed = parseBlock(provider, bytes);
    const body = openPrivate(provider, parsed, epochSecret32);
    if (body === undefined) continue;
    const { header, groupContext32, epochCommit32, blockHash32 } = parsed;
    const own = decodeGroupPrivate(body, topicChains);
    epochs.push(
      new OpenEpoch(holdings, { header, groupContext32, epochCommit32, blockHash32, epochSecret32, private: own }),
    );
  }
  clearReplay(store, groupId, closedEpoch);
  return epochs.sort((a, b) => a.number - b.number);
}

/** One name for a stream of an epoch. */
export function streamName(senderId: Uint8Array, topicTag: Uint8Array, streamId: Uint8Array): string {
  return `${hexOf(senderId.subarray(0, 16))}${hexOf(topicTag)}${hexOf(streamId)}`;
}

function blockOf(value: Uint8Array): Uint8Array {
  return copyOf(value, 4, 4 + readU32(value, 0));
}

function epochPrefix(groupId: string): string {
  return `epoch/${groupId}/`;
}
