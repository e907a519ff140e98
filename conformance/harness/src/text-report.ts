import { styleText } from 'node:util';

import { excerpt } from './excerpt.ts';
import { groupBy } from './group-by.ts';
import { printable } from './printable.ts';
import type { Run } from './report.ts';
import { summarize } from './result.ts';
import type { CaseResult, Summary } from './result.ts';
import type { Members, VectorTest } from './vector-file.ts';

/** The report for people: what failed and why, then the counts. */
export function textReport(run: Run, colour: boolean): string {
  const paint: Paint = (format, text) => (colour ? styleText(format, text, { validateStream: false }) : text);
  const { name, version, language } = run.implementation;
  const unexpected = run.results.filter(({ result, expectedFailure }) => result === 'failed' && !expectedFailure);
  return [
    `${printable(`${name} ${version} (${language})`)}, vectors ${run.vectorsVersion}\n`,
    ...unexpected.map((result) => failure(result, paint)),
    ...run.results.flatMap((result) => remark(result, paint)),
    ...skips(run.results).map((line) => paint('dim', line)),
    closingLine(summarize(run.results), paint),
  ].join('\n');
}

type Paint = (format: 'red' | 'yellow' | 'green' | 'dim', text: string) => string;

function failure({ case: { file, group, test }, reason, got, stderr }: CaseResult, paint: Paint): string {
  const rows: [string, string][] = [
    ['spec', test.spec.join(', ')],
    ['from', `${file}, op ${group.op}`],
    ...members('in', test.in),
    ...expected(test),
    ['got', got === undefined ? 'no answer' : excerpt(got)],
    ['why', paint('red', printable(reason ?? ''))],
    ...(stderr ?? []).map((line): [string, string] => ['stderr', `| ${line}`]),
  ];
  const lines = rows.map(([label, text]) => `  ${label.padEnd(10)} ${text}\n`);
  return `${paint('red', 'FAIL')} ${test.id}: ${test.comment}\n${lines.join('')}`;
}

function expected({ result, out, error, layer }: VectorTest): [string, string][] {
  if (result === 'valid') return members('expected', out ?? {});
  const where = layer === undefined ? '' : ` by the layer ${layer}`;
  return [['expected', `refusal${where} with ${error?.join(' or ')}`]];
}

function members(label: string, values: Members): [string, string][] {
  return Object.entries(values).map(([name, value], index) => [
    index === 0 ? label : '',
    `${name} = ${excerpt(value)}`,
  ]);
}

function remark({ case: { test }, result, reason = '', expectedFailure }: CaseResult, paint: Paint): string[] {
  const why = printable(reason);
  if (result === 'warned') return [`${paint('yellow', 'WARN')} ${test.id}: ${why}`];
  if (expectedFailure === undefined) return [];
  return [`${paint('dim', 'KNOWN')} ${test.id}: ${expectedFailure} (${why})`];
}

function skips(results: readonly CaseResult[]): string[] {
  const skipped = results.filter(({ result }) => result === 'skipped');
  return [...groupBy(skipped, ({ reason = '' }) => printable(reason))].map(
    ([reason, cases]) => `SKIP ${cases.length}: ${reason}`,
  );
}

function closingLine({ passed, failed, skipped, warned, expectedFailures }: Summary, paint: Paint): string {
  const notes = [
    ...(warned === 0 ? [] : [`${warned} passed with a warning`]),
    ...(expectedFailures === 0 ? [] : [`${expectedFailures} failed as expected`]),
  ];
  const counts = `${passed} passed, ${failed} failed, ${skipped} skipped`;
  return `${paint(failed === 0 ? 'green' : 'red', counts)}${notes.length === 0 ? '' : ` (${notes.join(', ')})`}\n`;
}
