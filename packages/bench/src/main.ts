import { runGroups } from './groups.ts';
import { runRecord } from './record.ts';
import { printTable, type Row } from './report.ts';

const suites: Readonly<Record<string, () => Row[]>> = { record: runRecord, groups: runGroups };

const args = process.argv.slice(2);
if (args.includes('--help')) {
  process.stdout.write(`usage: npm run bench [-- NAME…] [--json]      names: ${Object.keys(suites).join(', ')}\n`);
  process.exit(0);
}
const json = args.includes('--json');
const names = args.filter((arg) => arg !== '--json');
const chosen = names.length === 0 ? Object.keys(suites) : names;
const unknown = chosen.filter((name) => suites[name] === undefined);
if (unknown.length > 0) {
  process.stderr.write(`no benchmark ${unknown.join(', ')}; there are: ${Object.keys(suites).join(', ')}\n`);
  process.exit(2);
}
const rows = chosen.flatMap((name) => suites[name]!());
if (json) process.stdout.write(`${JSON.stringify({ node: process.version, rows }, undefined, 2)}\n`);
else printTable(rows);
