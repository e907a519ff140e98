import { CannotRun } from './cannot-run.ts';
import { matches } from './patterns.ts';
import type { Case } from './vector-file.ts';

/** A case that is not sent to the adapter. */
export interface SkippedCase {
  readonly case: Case;
  readonly reason: string;
}

/** What `--run` and `--skip` leave. */
export interface Selection {
  readonly selected: readonly Case[];
  readonly skipped: readonly SkippedCase[];
}

/**
 * Applies `--run` (all cases if empty) and `--skip`. Withdrawn cases are skipped too.
 *
 * @throws {@link CannotRun} if a pattern matches no case: a misspelt pattern must not pass for a green run
 */
export function select(cases: readonly Case[], run: readonly string[], skip: readonly string[]): Selection {
  requireMatch('--run', run, cases);
  requireMatch('--skip', skip, cases);
  const selected: Case[] = [];
  const skipped: SkippedCase[] = [];
  for (const candidate of cases) {
    const { id, withdrawn } = candidate.test;
    if (run.length > 0 && !run.some((pattern) => matches(pattern, id))) continue;
    const skipPattern = skip.find((pattern) => matches(pattern, id));
    if (skipPattern !== undefined) skipped.push({ case: candidate, reason: `--skip ${skipPattern}` });
    else if (withdrawn !== undefined) skipped.push({ case: candidate, reason: `withdrawn: ${withdrawn}` });
    else selected.push(candidate);
  }
  return { selected, skipped };
}

function requireMatch(option: string, patterns: readonly string[], cases: readonly Case[]): void {
  for (const pattern of patterns) {
    if (!cases.some(({ test }) => matches(pattern, test.id))) {
      throw new CannotRun(`${option} ${pattern} matches no case`);
    }
  }
}
