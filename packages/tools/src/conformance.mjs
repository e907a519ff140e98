/**
 * Runs the conformance harness against the repository's own adapters and prints vector files × adapters. Further arguments
 * go to the harness. Any failure fails the run, and so does a skip by an adapter of core.
 */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isMain, readJson, repoRoot, run } from './lib.mjs';

const harness = 'conformance/harness/dist/cli.js';

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
    count[result === 'passed' || result === 'skipped' ? result : 'failed']++;
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

/** @param {Adapter} adapter @param {readonly string[]} extra @returns {Promise<Column>} */
async function runAdapter({ name, command, maySkip = false }, extra) {
  const report = `reports/conformance-${name}.json`;
  rmSync(join(repoRoot, report), { force: true });
  const options = ['vectors', '--strict-errors', '--report-json', report, ...extra];
  const { status, output } = await run(process.execPath, [harness, ...options, '--', ...command]);
  if (status !== 0) console.log(`${name}:\n${output}`);
  const files = existsSync(join(repoRoot, report)) ? countByFile(readJson(repoRoot, report)) : new Map();
  return { name, maySkip, status, files };
}

if (isMain(import.meta.url)) {
  mkdirSync(join(repoRoot, 'reports'), { recursive: true });
  const columns = [];
  for (const adapter of adapters) {
    const [program = ''] = adapter.command;
    if (adapter.mayMiss && (await run(program, ['--version'])).status !== 0) {
      console.log(`SKIP ${adapter.name}: no ${program} on this machine`);
    } else columns.push(await runAdapter(adapter, process.argv.slice(2)));
  }
  const problems = columns.flatMap(complaints);
  const { passed, failed, skipped } = sum(columns.flatMap(({ files }) => [...files.values()]));
  console.log(`${render(columns)}\n`);
  for (const problem of problems) console.log(problem);
  if (problems.length > 0) process.exitCode = 1;
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
}
