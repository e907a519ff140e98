import { limits } from '@tridcomm/core/internal';
import { BatchWalk, type Place, type WalkedBatch } from './batch-walk.ts';
import { decodeBatchHeader, decodeBody } from './batch.ts';
import { blockBytes } from './checked-block.ts';
import { FileWindow } from './file-window.ts';
import type { LogFile } from './files.ts';
import type { Segment } from './segment.ts';

/** What the last segment holds. */
export interface Tail {
  /** Behind its last batch. Its position is one more than the highest that the segment is known to have held. */
  readonly end: Place;
  /** Its last batch, where nothing is wrong behind it. */
  readonly last: WalkedBatch | undefined;
  /** What stands behind {@link end} was torn by a power cut, and never acknowledged. */
  readonly isTorn: boolean;
  /** Something that was durable is not as it was: nothing may be appended to this file. */
  readonly isDamaged: boolean;
  /** What is damaged may have held positions above that of {@link end}. */
  readonly isOpenEnded: boolean;
}

/**
 * Reads the last segment of a log whole, and tells an end that was torn from one that was damaged.
 *
 * A batch is written when the one before it is durable, so whatever is broken before a sound header was durable once: it is damaged.
 * What is broken at the end is taken for torn only where it looks as a cut write does: it ends early, or a sector of it is all zeros.
 *
 * @param segment - its end is the size of the file; its index is filled
 * @param wasClosed - the log was closed in order, so nothing can be torn
 * @throws what `file` rejects with
 * @spec storage.12, storage.13
 */
export async function recoverTail(
  logId16: Uint8Array,
  segment: Segment,
  file: LogFile,
  wasClosed: boolean,
): Promise<Tail> {
  const size = segment.endOffset;
  const window = new FileWindow(file);
  const fileEnd = { offset: size, position: limits.safeInteger, check32: undefined };
  const walk = new BatchWalk(window, logId16, segment.start, fileEnd);
  /** Where the newest batch stands, if its body is broken and no header was found behind it. */
  let broken: Place | undefined;
  let isDamaged = false;
  let last: WalkedBatch | undefined;
  for (;;) {
    const place = walk.place;
    const batch = await walk.next();
    if (batch === undefined) break;
    last = batch;
    segment.note(batch.firstPosition, batch.offset);
    const isNext = batch.offset === place.offset && batch.firstPosition === place.position && batch.isLinked;
    if (broken !== undefined || !isNext) isDamaged = true;
    const body = await window.bytes(batch.offset + blockBytes, batch.bodyBytes);
    const isBroken = decodeBody(batch, body) === undefined;
    broken = isBroken ? { offset: batch.offset, position: batch.firstPosition, check32: place.check32 } : undefined;
  }
  const end = walk.place;
  const hasRest = end.offset < size;
  if (!hasRest && broken === undefined) return { end, last, isTorn: false, isDamaged, isOpenEnded: false };
  // What stands behind a broken batch was written when that one was durable.
  if (hasRest && broken !== undefined) isDamaged = true;
  const tornAt = hasRest ? end : broken!;
  if (!wasClosed && (await looksTorn(window, logId16, tornAt.offset, size))) {
    return { end: tornAt, last: undefined, isTorn: true, isDamaged, isOpenEnded: false };
  }
  return { end: { ...end, offset: size }, last: undefined, isTorn: false, isDamaged: true, isOpenEnded: hasRest };
}

async function looksTorn(window: FileWindow, logId16: Uint8Array, offset: number, size: number): Promise<boolean> {
  if (size - offset < blockBytes) return true;
  const header = decodeBatchHeader(logId16, await window.bytes(offset, blockBytes));
  if (header !== undefined && offset + blockBytes + header.bodyBytes > size) return true;
  return await window.hasZeroSector(offset, size);
}
