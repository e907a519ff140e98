/**
 * Runs the conformance harness against the repository's own adapters and prints vector files × adapters. Further arguments
 * go to the harness. Any failure fails the run, and so does a skip by an adapter of core.
 */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isMain, readJson, repoRoot, run } from './lib.mjs';

const builtHarness = 'conformance/harness/dist/cli.js';

/** @typedef {{ name: string, command: string[], mayMiss?: boolean, maySkip?: boolean }} Adapter */

const coreAdapter = ['node', 'packages/core/conformance/dist/adapter.js', '--provider'];
/** @type {Adapter[]} */
const adapters = [
  { name: 'core-noble', command: [...coreAdapter, 'noble'] },
  { name: 'core-node', command: [...coreAdapter, 'node'] },
  { name: 'python', command: ['python3', 'conformance/adapters/python/adapter.py'], mayMiss: true, maySkip: true },
];

/**
 * @typedef {{ passed: number, failed: number, skipped: number }} Count
 * @typedef {{ name: string, maySkip: boolean, status: number, files: Map<string, Count> }} Column
 */

/** Counts of a harness report by vector file. @param {{ results: { file: string, result: string }[] }} report @returns {Map<string, Count>} */
export function countByFile({ results }) {
  /** @type {Map<string, Count>} */
  const files = new Map();
  for (const { file, result } of results) {
    const count = files.get(file) ?? { passed: 0, failed: 0, skipped: 0 };
    count[result === 'failed' || result === 'skipped' ? result : 'passed']++;
    files.set(file, count);
  }
  return files;
}

/** @param {Iterable<Count>} counts @returns {Count} */
export function sum(counts) {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const { passed, failed, skipped } of counts) {
    total.passed += passed;
    total.failed += failed;
    total.skipped += skipped;
  }
  return total;
}

/** Why a column is not good enough. @param {Column} column @returns {string[]} */
export function complaints({ name, maySkip, status, files }) {
  const { passed, failed, skipped } = sum(files.values());
  if (passed + failed + skipped === 0) return [`${name}: the harness reported no case (exit ${status})`];
  if (failed > 0 || status !== 0) return [`${name}: ${failed} failed (exit ${status})`];
  return skipped > 0 && !maySkip ? [`${name}: ${skipped} skipped, and core skips nothing`] : [];
}

/** @param {readonly Column[]} columns @returns {string} the table: passed/failed/skipped of each file and adapter */
export function render(columns) {
  /** @param {Count | undefined} count */
  const cell = (count) => (count ? `${count.passed}/${count.failed}/${count.skipped}` : '-');
  const files = [...new Set(columns.flatMap((column) => [...column.files.keys()]))].sort();
  const rows = [
    ['passed/failed/skipped', ...columns.map(({ name }) => name)],
    ...files.map((file) => [file, ...columns.map((column) => cell(column.files.get(file)))]),
    ['total', ...columns.map((column) => cell(sum(column.files.values())))],
  ];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows
    .map((row) =>
      row
        .map((text, column) => text.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/**
 * @param {Adapter} adapter @param {string} harness @param {readonly string[]} extra
 * @returns {Promise<Column | { refusal: string }>} the harness's own message if it ran nothing, as for an unknown option
 */
async function runAdapter({ name, command, maySkip = false }, harness, extra) {
  const report = `reports/conformance-${name}.json`;
  rmSync(join(repoRoot, report), { force: true });
  const options = ['vectors', '--strict-errors', '--report-json', report, ...extra];
  const { status, output } = await run(process.execPath, [harness, ...options, '--', ...command]);
  const reported = existsSync(join(repoRoot, report));
  if (status === 2 && !reported) return { refusal: output };
  if (status !== 0) console.log(`${name}:\n${output}`);
  const files = reported ? countByFile(readJson(repoRoot, report)) : new Map();
  return { name, maySkip, status, files };
}

/**
 * Runs the harness against each adapter. One that is not on this machine counts as one skip.
 * @param {readonly string[]} extra arguments for the harness
 * @param {{ harness?: string, tested?: readonly Adapter[] }} [options]
 * @returns {Promise<number>} exit status: 0 all good, 1 a column is not, 2 the harness refused to run
 */
export async function main(extra, { harness = builtHarness, tested = adapters } = {}) {
  mkdirSync(join(repoRoot, 'reports'), { recursive: true });
  const columns = [];
  let missing = 0;
  for (const adapter of tested) {
    const [program = ''] = adapter.command;
    if (adapter.mayMiss && (await run(program, ['--version'])).status !== 0) {
      console.log(`SKIP ${adapter.name}: no ${program} on this machine`);
      missing++;
      continue;
    }
    const column = await runAdapter(adapter, harness, extra);
    if ('refusal' in column) {
      console.log(column.refusal.trimEnd());
      return 2;
    }
    columns.push(column);
  }
  const problems = columns.flatMap(complaints);
  const { passed, failed, skipped } = sum(columns.flatMap(({ files }) => [...files.values()]));
  console.log(`${render(columns)}\n`);
  for (const problem of problems) console.log(problem);
  console.log(`${passed} passed, ${failed} failed, ${skipped + missing} skipped`);
  return problems.length > 0 ? 1 : 0;
}

if (isMain(import.meta.url)) process.exitCode = await main(process.argv.slice(2));
