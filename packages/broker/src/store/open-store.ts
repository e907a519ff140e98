import type { RandomSource } from '@tridcomm/core';
import { blockBytes } from './checked-block.ts';
import type { LogFile, LogFiles } from './files.ts';
import type { Manifest } from './manifest.ts';
import { recoverTail, type Tail } from './recover.ts';
import { createSegment } from './segment-file.ts';
import { segmentName } from './segment-header.ts';
import { Segment } from './segment.ts';
import { survey, type Survey } from './survey.ts';

/** What was found wrong when a log was opened. */
export interface Recovery {
  /** Bytes of an append that a power cut or a kill interrupted; it was not acknowledged. */
  readonly tornBytes: number;
  /** Something that was durable is damaged or gone. Older segments are not looked at before they are read. */
  readonly isDamaged: boolean;
  /** The manifest is damaged or gone; what it told was taken from the segments. */
  readonly isManifestDamaged: boolean;
}

/** A log as it was found, made ready for more. */
export interface OpenedStore {
  readonly logId16: Uint8Array;
  readonly manifest: Manifest;
  /** Oldest first; the last one takes what is appended. */
  readonly segments: Segment[];
  /** The last segment; undefined where {@link failure} says why nothing can be appended. */
  readonly file: LogFile | undefined;
  readonly oldestPosition: number;
  readonly nextPosition: number;
  /** Check of the last batch. */
  readonly check32: Uint8Array;
  readonly recovery: Recovery;
  /** What a write on the way was rejected with. What is there can be read all the same. */
  readonly failure: unknown;
}

/**
 * Opens the log of a folder: cuts off what a power cut tore, and makes sure that all the rest is durable.
 *
 * Of the segments, only the last one is read. Where something durable is damaged or gone, what is appended goes to a new segment.
 *
 * @throws TridcommError `E_ENCODING`, `E_VERSION`; what `files` rejects with where the folder cannot be read
 * @spec storage.11, storage.12, storage.13, storage.16
 */
export async function openStore(files: LogFiles, random: RandomSource, nowMs: number): Promise<OpenedStore> {
  const found = await survey(files, random, nowMs);
  const { manifest, state, logId16 } = found;
  const segments = [...found.segments];
  const last = segments.at(-1);
  const fileBytes = last?.endOffset ?? 0;
  let file: LogFile | undefined;
  try {
    file = last && (await files.open(segmentName(last.firstPosition), 'write'));
    const tail = last && file && (await recoverTail(logId16, last, file, wasClosed(found)));
    if (last && tail) last.endOffset = tail.end.offset;
    const { nextPosition, isDamaged } = continuation(found, tail);
    const check32 = tail?.end.check32 ?? new Uint8Array(32);
    const lowest = segments[0]?.firstPosition ?? nextPosition;
    const oldestPosition = manifest.isDamaged ? lowest : (state?.oldestPosition ?? lowest);

    let isSettled = false;
    const failure = await failureOf(async () => {
      if (file && tail && !wasClosed(found)) await settle(file, tail);
      isSettled = true;
      for (const position of found.unused) await files.remove(segmentName(position));
      if (isDamaged || !last) {
        await file?.close();
        file = undefined;
        // A damaged segment that holds nothing may have the name that the new one needs.
        if (last?.firstPosition === nextPosition) await files.remove(segmentName(segments.pop()!.firstPosition));
        const header = { firstPosition: nextPosition, createdMs: nowMs, logId16, previous32: check32 };
        file = await createSegment(files, header);
        segments.push(new Segment({ ...header, endOffset: blockBytes }));
      }
      await files.syncDirectory();
      const newestSegment = segments.at(-1)!.firstPosition;
      await manifest.write({ logId16, oldestPosition, newestSegment, floorPosition: nextPosition, isClosed: false });
      for (const position of found.dropped) await files.remove(segmentName(position));
    });
    const recovery = {
      tornBytes: tail?.isTorn ? fileBytes - tail.end.offset : 0,
      isDamaged,
      isManifestDamaged: manifest.isDamaged || (state === undefined && fileBytes > blockBytes),
    };
    const opened = { logId16, manifest, segments, file, oldestPosition, recovery, failure };
    if (isSettled || !last || !tail?.last) return { ...opened, nextPosition, check32 };
    // What may not be durable is not shown: it could be gone after the next power cut, and its positions name something else.
    last.endOffset = tail.last.offset;
    return { ...opened, nextPosition: tail.last.firstPosition, check32: tail.last.previous32 };
  } catch (error) {
    await file?.close();
    await manifest.close();
    throw error;
  }
}

/** The log was ended in order, and its manifest says where. */
function wasClosed({ manifest, state }: Survey): boolean {
  return state?.isClosed === true && !manifest.isDamaged;
}

/**
 * Where the log goes on. What is gone may have held any number of acknowledged positions, so then it goes on far behind them, unless
 * the log was closed and said how many there were.
 */
function continuation(found: Survey, tail: Tail | undefined): { nextPosition: number; isDamaged: boolean } {
  const { state, segments } = found;
  const last = segments.at(-1);
  const seen = tail?.end.position ?? 1;
  const floor = state?.floorPosition ?? 1;
  const isShort = seen < floor || (last?.firstPosition ?? 0) < (state?.newestSegment ?? 0);
  const isOpenEnded = tail?.isOpenEnded === true || (last !== undefined && last.endOffset < blockBytes);
  const isUnknown = (isShort || isOpenEnded) && !wasClosed(found);
  return {
    nextPosition: Math.max(seen, floor) + (isUnknown ? lostPositions : 0),
    isDamaged:
      isShort || isOpenEnded || tail?.isDamaged === true || (last !== undefined && last.previous32 === undefined),
  };
}

/**
 * Makes durable what the last segment holds.
 *
 * Its last batch, or its header where it has none, is written once more: a sync that failed in an earlier life may have left it in
 * the system's memory alone, marked as written, where a sync of today would pass it over.
 *
 * @spec storage.12
 */
async function settle(file: LogFile, { end, last, isTorn }: Tail): Promise<void> {
  if (isTorn) await file.truncate(end.offset);
  const { offset, endOffset } = last ?? { offset: 0, endOffset: blockBytes };
  await file.write(await file.read(offset, endOffset - offset), offset);
  await file.sync();
}

async function failureOf(work: () => Promise<void>): Promise<unknown> {
  try {
    await work();
    return undefined;
  } catch (error) {
    return error;
  }
}

/** More than a segment can hold: an envelope takes 5 bytes or more of its 2^30. */
const lostPositions = 2 ** 30;
