import type { Report, ReportedResult } from './report.ts';

/** A matrix of files × implementations in Markdown, padded so that it reads well as plain text too. */
export function table(reports: readonly Report[]): string {
  const files = [...new Set(reports.flatMap(({ results }) => results.map(({ file }) => file)))];
  const rows = [
    ['', ...reports.map(({ implementation }) => `${implementation.name} ${implementation.version}`)],
    ['language', ...reports.map(({ implementation }) => implementation.language)],
    ['vectors', ...reports.map(({ vectorsVersion }) => vectorsVersion)],
    ...files.map((file) => [file, ...reports.map(({ results }) => cell(results.filter((one) => one.file === file)))]),
    ['all', ...reports.map(({ results }) => cell(results))],
  ].map((row) => row.map((text) => text.replaceAll('|', String.raw`\|`).replaceAll('\n', ' ')));
  const widths = (rows[0] ?? []).map((_, column) => Math.max(3, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((text, column) => text.padEnd(widths[column] ?? 0)).join(' | ')} |\n`;
  const [head = [], ...body] = rows.map(line);
  return [head, line(widths.map((width) => '-'.repeat(width))), ...body].join('');
}

/** Cases passed of cases run: `12/12`, `10/12, 3 skipped`, or `-` if none was run. */
function cell(results: readonly ReportedResult[]): string {
  const passed = results.filter(({ result }) => result === 'passed' || result === 'warned').length;
  const skipped = results.filter(({ result }) => result === 'skipped').length;
  const run = results.length - skipped;
  if (run === 0) return '-';
  return `${passed}/${run}${skipped === 0 ? '' : `, ${skipped} skipped`}`;
}
