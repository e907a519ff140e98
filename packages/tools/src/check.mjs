/**
 * The whole static loop: one line and one time for each step, and the output of those that fail. Arguments name the steps
 * to run, e.g. `npm run check -- layers trace`.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { repoRoot, run } from './lib.mjs';

const node = process.execPath;
/** @param {string} name @param {string[]} args @returns {[string, ...string[]]} */
const tool = (name, ...args) => [node, `packages/tools/src/${name}.mjs`, ...args];

/** @type {{ name: string, command: string[], onlyWith?: string }[]} a step with `onlyWith` is left out where that file is absent */
const steps = [
  { name: 'build', command: ['turbo', 'run', 'build', '--output-logs=errors-only'] },
  { name: 'types-tests', command: ['tsc', '-p', 'tsconfig.test.json'] },
  { name: 'types-tools', command: ['tsc', '-p', 'packages/tools'] },
  { name: 'lint', command: ['oxlint', '--type-aware', '--deny-warnings'] },
  { name: 'format', command: ['prettier', '--check', '--log-level', 'warn', '.'] },
  { name: 'dead-code', command: ['knip'] },
  { name: 'layers', command: tool('layers') },
  { name: 'gen', command: tool('gen-codepoints', '--check') },
  { name: 'vectors-fresh', command: [node, 'conformance/generate/dist/main.js', '--check'] },
  {
    name: 'vectors-lint',
    command: [node, 'conformance/generate/dist/lint.js'],
    onlyWith: 'conformance/generate/src/lint.ts',
  },
  { name: 'docs-code', command: tool('docs-code') },
  { name: 'packages', command: tool('packages') },
  { name: 'size', command: tool('size') },
  { name: 'trace', command: tool('trace', '--check') },
];

const chosen = process.argv.slice(2);
const unknown = chosen.filter((name) => !steps.some((step) => step.name === name));
if (unknown.length > 0) {
  console.error(`no step ${unknown.join(', ')}; steps are ${steps.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}

const failed = [];
let ran = 0;
let left = 0;
for (const { name, command, onlyWith } of steps) {
  if (chosen.length > 0 && !chosen.includes(name)) continue;
  if (onlyWith !== undefined && !existsSync(join(repoRoot, onlyWith))) {
    console.log(`SKIP  ${name}: no ${onlyWith}`);
    left++;
    continue;
  }
  ran++;
  const [program = '', ...args] = command;
  const started = performance.now();
  const { status, output } = await run(program, args);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const lines = output.trim().split('\n');
  console.log(
    `${status === 0 ? 'ok   ' : 'FAIL '} ${name.padEnd(14)} ${seconds.padStart(5)} s  ${status === 0 ? lines.at(-1) : ''}`.trimEnd(),
  );
  if (status !== 0) {
    failed.push(name);
    console.log(lines.map((line) => `      ${line}`).join('\n'));
  }
}
console.log(failed.length === 0 ? 'all checks passed' : `failed: ${failed.join(', ')}`);
console.log(`${ran - failed.length} passed, ${failed.length} failed, ${left} skipped`);
process.exitCode = failed.length === 0 ? 0 : 1;
