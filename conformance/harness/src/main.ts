import { readFile, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

import { parseArguments } from './arguments.ts';
import type { Outputs } from './arguments.ts';
import { CannotRun } from './cannot-run.ts';
import { help } from './help.ts';
import { junitReport } from './junit-report.ts';
import { runSmoke } from './modes/smoke.ts';
import { mergeReports } from './modes/table.ts';
import { runVectors } from './modes/vectors.ts';
import { buildReport } from './report.ts';
import type { Run } from './report.ts';
import { summarize } from './result.ts';
import { textReport } from './text-report.ts';

/** Where the program writes. */
export interface Console {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly colour: boolean;
}

/**
 * The program `tridcomm-conformance`.
 *
 * @param argv - arguments after the program's name
 * @returns exit status: 0 all passed, 1 a case failed, 2 the run could not be done
 */
export async function main(argv: readonly string[], console: Console): Promise<number> {
  try {
    return await serve(argv, console);
  } catch (error) {
    // Whatever else went wrong says nothing about the implementation either, so it must not look like a failing case.
    const text = error instanceof CannotRun ? error.message : String((error as Error).stack);
    console.err(`tridcomm-conformance: ${text}\n`);
    return 2;
  }
}

async function serve(argv: readonly string[], console: Console): Promise<number> {
  const request = parseArguments(argv);
  if (request.mode === 'vectors') {
    await requireFolders(request.outputs);
    return report(await runVectors(request.options), request.outputs, console);
  }
  if (request.mode === 'smoke') return report(await runSmoke(request.options), { json: false }, console);
  if (request.mode === 'table') console.out(await mergeReports(request.paths));
  else console.out(request.mode === 'version' ? `${await packageVersion()}\n` : help);
  return 0;
}

async function packageVersion(): Promise<string> {
  const manifest = await readFile(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}

// Before the run: a misspelt folder must not cost one.
async function requireFolders({ reportJson, reportJunit }: Outputs): Promise<void> {
  for (const path of [reportJson, reportJunit].filter((path) => path !== undefined)) {
    const folder = dirname(path);
    const found = await stat(folder).catch(() => undefined);
    if (!found?.isDirectory()) throw new CannotRun(`can't write the report ${path}: there is no folder ${folder}`);
  }
}

async function report(run: Run, { json, reportJson, reportJunit }: Outputs, console: Console): Promise<number> {
  const jsonText = `${JSON.stringify(buildReport(run), undefined, 2)}\n`;
  if (reportJson !== undefined) await write(reportJson, jsonText);
  if (reportJunit !== undefined) await write(reportJunit, junitReport(run));
  console.out(json ? jsonText : textReport(run, console.colour));
  if (run.broken !== undefined) throw new CannotRun(run.broken);
  if (run.results.every(({ result }) => result === 'skipped')) {
    // Green would say that something was tested.
    throw new CannotRun(
      `no case was run; the adapter offers these features: ${run.implementation.features.join(', ')}`,
    );
  }
  return summarize(run.results).failed === 0 ? 0 : 1;
}

async function write(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text);
  } catch (cause) {
    throw new CannotRun(`can't write the report: ${(cause as Error).message}`, { cause });
  }
}
