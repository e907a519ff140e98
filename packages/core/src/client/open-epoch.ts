import { concat, readU32, writeU32 } from '../bytes/bytes.ts';
import { limits } from '../codepoints/limits.gen.ts';
import type { KeySource } from '../envelope/key-source.ts';
import { decodeGroupPrivate } from '../keys/group-private.ts';
import { parseBlock } from '../keys/key-block-format.ts';
import { openPrivate } from '../keys/key-block.ts';
import type { OpenedBlock } from '../keys/member-keys.ts';
import { ReplayGuard } from '../replay/guard.ts';
import { GapTracker } from './gaps.ts';
import { hexOf } from './hex.ts';
import type { Holdings } from './holdings.ts';
import { ReplayStore } from './replay-store.ts';

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

  /** @param bytes - of the block; stored with its secret in a durable member, and not kept */
  constructor(holdings: Holdings, block: OpenedBlock, bytes: Uint8Array) {
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
    const size = new Uint8Array(4);
    writeU32(size, 0, bytes.length);
    store?.put(this.#storeName, concat(size, bytes, epochSecret32));
  }

  get number(): number {
    return this.block.header.epoch;
  }

  /**
   * Ends the epoch: its secret is overwritten, its replay state is given back.
   *
   * @spec groups.12
   */
  close(): void {
    this.block.epochSecret32.fill(0);
    this.guard.release();
    this.replayStore?.clear();
    this.#holdings.store?.delete(this.#storeName);
  }
}

/** The epochs of a group that an earlier life stored, ascending. */
export function storedEpochs(holdings: Holdings, groupId16: Uint8Array, topicChains: boolean): OpenEpoch[] {
  const { provider, store } = holdings;
  if (store === undefined) return [];
  const epochs: OpenEpoch[] = [];
  for (const value of Array.from(store.entries(epochPrefix(hexOf(groupId16))), ([, held]) => held)) {
    const end = 4 + readU32(value, 0);
    const bytes = value.slice(4, end);
    const epochSecret32 = value.slice(end);
    const parsed = parseBlock(provider, bytes);
    const body = openPrivate(provider, parsed, epochSecret32);
    if (body === undefined) continue;
    const { header, groupContext32, epochCommit32, blockHash32 } = parsed;
    const own = decodeGroupPrivate(body, topicChains);
    const block = { header, groupContext32, epochCommit32, blockHash32, epochSecret32, private: own };
    epochs.push(new OpenEpoch(holdings, block, bytes));
  }
  return epochs.sort((a, b) => a.number - b.number);
}

/** One name for a stream of an epoch. */
export function streamName(senderId: Uint8Array, topicTag: Uint8Array, streamId: Uint8Array): string {
  return `${hexOf(senderId.subarray(0, 16))}${hexOf(topicTag)}${hexOf(streamId)}`;
}

function epochPrefix(groupId: string): string {
  return `epoch/${groupId}/`;
}
