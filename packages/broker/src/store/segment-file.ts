import { BatchWalk } from './batch-walk.ts';
import { blockBytes } from './checked-block.ts';
import { FileWindow } from './file-window.ts';
import type { LogFile, LogFiles } from './files.ts';
import { decodeSegmentHeader, encodeSegmentHeader, segmentName, type SegmentHeader } from './segment-header.ts';
import { limits } from '@tridcomm/core/internal';

/** The file of a segment, before it is known whether it belongs to the log. */
export interface SegmentFile {
  /** By its name. */
  readonly position: number;
  readonly size: number;
  /** Undefined where it is damaged. */
  readonly header: SegmentHeader | undefined;
}

/** Looks at the file of a segment: its size and its header. */
export async function lookAt(files: LogFiles, position: number): Promise<SegmentFile> {
  return await withFile(files, position, async (file) => {
    const header = decodeSegmentHeader(await file.read(0, blockBytes));
    return { position, size: await file.size(), header };
  });
}

/** Whether a segment's file holds a batch of this log. */
export async function holdsBatch(
  files: LogFiles,
  logId16: Uint8Array,
  { position, size }: SegmentFile,
): Promise<boolean> {
  return await withFile(files, position, async (file) => {
    const start = { offset: blockBytes, position, check32: undefined };
    const end = { offset: size, position: limits.safeInteger, check32: undefined };
    return (await new BatchWalk(new FileWindow(file), logId16, start, end).next()) !== undefined;
  });
}

/**
 * A new segment; that it is there outlives a power cut when this resolves.
 *
 * @spec storage.9
 */
export async function createSegment(files: LogFiles, header: SegmentHeader): Promise<LogFile> {
  const file = await files.open(segmentName(header.firstPosition), 'create');
  try {
    await file.write(encodeSegmentHeader(header), 0);
    await file.sync();
    await files.syncDirectory();
  } catch (error) {
    await file.close();
    throw error;
  }
  return file;
}

/** Opens a segment to read, for one piece of work. */
export async function withFile<T>(files: LogFiles, position: number, use: (file: LogFile) => Promise<T>): Promise<T> {
  const file = await files.open(segmentName(position), 'read');
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}
