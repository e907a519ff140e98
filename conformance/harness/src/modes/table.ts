import { readFile } from 'node:fs/promises';

import { CannotRun } from '../cannot-run.ts';
import { reportSchema } from '../report.ts';
import type { Report } from '../report.ts';
import { table } from '../table.ts';

/**
 * Merges JSON reports into one matrix.
 *
 * @throws {@link CannotRun} if a file is no report
 */
export async function mergeReports(paths: readonly string[]): Promise<string> {
  return table(await Promise.all(paths.map(readReport)));
}

async function readReport(path: string): Promise<Report> {
  try {
    const report = JSON.parse(await readFile(path, 'utf8')) as Partial<Report>;
    if (report.schema !== reportSchema) throw new CannotRun(`schema is not ${reportSchema}`);
    return report as Report;
  } catch (cause) {
    throw new CannotRun(`can't read the report ${path}: ${(cause as Error).message}`, { cause });
  }
}
