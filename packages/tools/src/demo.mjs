/**
 * `npm run demo [-- patterns | [local] PATH]`: names PATH as its caller sees it. npm and pnpm run scripts in the root of the repository, and
 * each overwrites INIT_CWD, so only the first of them knows where the caller stood.
 */
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

const words = new Set(['local', 'patterns']);
const stood = process.env['INIT_CWD'] ?? '.';
const isPath = (arg, i) => arg !== '' && !arg.startsWith('-') && !(i === 0 && words.has(arg));
const args = process.argv.slice(2).map((arg, i) => (isPath(arg, i) ? resolve(stood, arg) : arg));
const { status, signal } = spawnSync('npx', ['-y', 'pnpm@12.21.0', 'run', 'demo:run', ...args], {
  stdio: 'inherit',
  shell: process.platform === 'win32',
});
process.exitCode = status ?? (signal === 'SIGINT' ? 130 : 1);
