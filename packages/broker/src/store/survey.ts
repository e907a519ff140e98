import { TridcommError, type RandomSource } from '@tridcomm/core';
import { blockBytes } from './checked-block.ts';
import type { LogFiles } from './files.ts';
import { Manifest, type ManifestState } from './manifest.ts';
import { holdsBatch, lookAt, type SegmentFile } from './segment-file.ts';
import { positionInName } from './segment-header.ts';
import { Segment } from './segment.ts';

/** What a folder holds. */
export interface Survey {
  readonly manifest: Manifest;
  readonly state: ManifestState | undefined;
  readonly logId16: Uint8Array;
  /** Oldest first. They end where their files end. */
  readonly segments: readonly Segment[];
  /** Segments that were dropped, by their names. They may go once a manifest that says so is durable; this one may not be. */
  readonly dropped: readonly number[];
  /** Segments that were made and never used. */
  readonly unused: readonly number[];
}

/**
 * Goes through a folder without changing it, but for a manifest where there is none.
 *
 * @param random - gives a new log its id
 * @throws TridcommError `E_ENCODING` where there are segments and nothing tells the log's id, `E_VERSION`; what `files` rejects with
 * @spec storage.10, storage.11
 */
export async function survey(files: LogFiles, random: RandomSource, nowMs: number): Promise<Survey> {
  const names = await files.list();
  const manifest = await Manifest.open(files, names);
  try {
    const state = manifest.found;
    const dropped: number[] = [];
    const unused: number[] = [];
    const kept: SegmentFile[] = [];
    for (const position of names.flatMap((name) => positionInName(name) ?? []).sort((a, b) => a - b)) {
      if (state !== undefined && position < state.oldestPosition) dropped.push(position);
      else kept.push(await lookAt(files, position));
    }
    const known16 = state?.logId16 ?? kept.find(({ header }) => header !== undefined)?.header?.logId16;
    if (known16 === undefined) {
      if (manifest.isDamaged || kept.some(({ size }) => size > blockBytes)) {
        throw new TridcommError('E_ENCODING', 'neither the manifest nor a segment tells the id of the log');
      }
      // The process that made them ended before it could use them.
      unused.push(...kept.splice(0).map(({ position }) => position));
    }
    const logId16 = known16 ?? random(16);
    unused.push(...(await takeUnused(files, logId16, kept, state)));
    return { manifest, state, logId16, segments: segmentsOf(logId16, kept, nowMs), dropped, unused };
  } catch (error) {
    await manifest.close();
    throw error;
  }
}

/**
 * Takes away the segments at the end that were never used: the manifest does not name them, and they hold nothing. One that does
 * says that this manifest is not the newest.
 */
async function takeUnused(
  files: LogFiles,
  logId16: Uint8Array,
  kept: SegmentFile[],
  state: ManifestState | undefined,
): Promise<number[]> {
  const newest = state?.newestSegment ?? Infinity;
  const unused: number[] = [];
  for (let last = kept.at(-1); last !== undefined && last.position > newest; last = kept.at(-1)) {
    if (await holdsBatch(files, logId16, last)) break;
    unused.push(last.position);
    kept.pop();
  }
  return unused;
}

function segmentsOf(logId16: Uint8Array, files: readonly SegmentFile[], nowMs: number): Segment[] {
  const segments: Segment[] = [];
  // From behind: one whose header is damaged was made before the one that follows.
  let createdMs = nowMs;
  for (const { position, size, header } of files.toReversed()) {
    const isOwn = header?.firstPosition === position && Buffer.compare(header.logId16, logId16) === 0;
    if (isOwn) createdMs = header.createdMs;
    const previous32 = isOwn ? header.previous32 : undefined;
    segments.unshift(new Segment({ firstPosition: position, createdMs, previous32, endOffset: size }));
  }
  return segments;
}
