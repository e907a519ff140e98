import { cpSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { nodeFiles, SegmentLog } from '@tridcomm/broker';

/** What was looked for in files, and how much was searched. */
export interface Search {
  readonly bytes: number;
  readonly found: number;
}

/** Looks for bytes in every file under a folder. */
export function searchFolder(folder: string, secrets: readonly Uint8Array[]): Search {
  let [bytes, found] = [0, 0];
  for (const entry of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const path = join(folder, entry);
    if (!statSync(path).isFile()) continue;
    const content = readFileSync(path);
    bytes += content.length;
    found += searchBytes(content, secrets);
  }
  return { bytes, found };
}

/** How many of the secrets are in there. */
export function searchBytes(content: Buffer, secrets: readonly Uint8Array[]): number {
  return secrets.filter((secret) => content.indexOf(secret) >= 0).length;
}

/** What was read of a broker's log. */
export interface LogRead {
  readonly envelopes: readonly Uint8Array[];
  /** The position behind the last one. */
  readonly nextPosition: number;
}

/**
 * Reads a broker's log, out of a copy of it, as the broker has the log itself.
 *
 * @param scratch - folder for the copy, which is removed
 * @param last - reads so many envelopes, the newest
 */
export async function readLog(storeFolder: string, scratch: string, last: number): Promise<LogRead> {
  rmSync(scratch, { recursive: true, force: true });
  const isLock = (path: string): boolean => /[/\\]lock-\d+-\w+$/.test(path);
  cpSync(join(storeFolder, 'log'), scratch, { recursive: true, filter: (path) => !isLock(path) });
  const random = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length));
  const log = await SegmentLog.open({ files: nodeFiles(scratch), now: Date.now, random, retention: {} });
  try {
    const { firstPosition, nextPosition } = log;
    const envelopes: Uint8Array[] = [];
    let position = Math.max(firstPosition, nextPosition - last);
    while (position < nextPosition) {
      const read = await log.read(position, readBytes);
      envelopes.push(...read.map(({ bytes }) => bytes));
      position += read.length;
    }
    return { envelopes, nextPosition };
  } finally {
    await log.close();
    rmSync(scratch, { recursive: true, force: true });
  }
}

const readBytes = 1024 * 1024;
