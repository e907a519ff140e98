import { readFile } from 'node:fs/promises';

import { CannotRun } from './cannot-run.ts';
import { matches } from './patterns.ts';
import type { CaseResult } from './result.ts';
import type { Case } from './vector-file.ts';

/** One line of a known-failing file. */
export interface KnownFailure {
  readonly pattern: string;
  readonly reason: string;
  /** `FILE:LINE`, for messages. */
  readonly where: string;
}

/**
 * Reads a known-failing file: a pattern per line, then the reason; empty lines and lines that start with `#` are ignored.
 *
 * @param selected - the cases of this run
 * @throws {@link CannotRun} if the file can't be read, or a pattern matches no selected case and so has gone stale
 */
export async function readKnownFailing(path: string, selected: readonly Case[]): Promise<KnownFailure[]> {
  const known = parseKnownFailing(await readText(path), path);
  for (const { pattern, where } of known) {
    if (!selected.some(({ test }) => matches(pattern, test.id))) {
      throw new CannotRun(`${where}: ${pattern} matches no selected case`);
    }
  }
  return known;
}

/** Turns failures that are listed into expected ones, and listed cases that pass into failures. */
export function applyKnownFailing(result: CaseResult, known: readonly KnownFailure[]): CaseResult {
  const listed = known.find(({ pattern }) => matches(pattern, result.case.test.id));
  if (listed === undefined || result.result === 'skipped') return result;
  if (result.result === 'failed') return { ...result, expectedFailure: listed.reason || `listed at ${listed.where}` };
  return { ...result, result: 'failed', reason: `passes, but is listed as known failing at ${listed.where}` };
}

function parseKnownFailing(text: string, path: string): KnownFailure[] {
  return text.split('\n').flatMap((line, index) => {
    const [, pattern, reason = ''] = /^\s*([^#\s]\S*)\s*(.*?)\s*$/.exec(line) ?? [];
    return pattern === undefined ? [] : [{ pattern, reason, where: `${path}:${index + 1}` }];
  });
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new CannotRun(`can't read the known-failing file: ${(cause as Error).message}`, { cause });
  }
}
