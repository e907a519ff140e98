/** What the tools share: where the repository is, walking and reading it, running commands, and how a check ends. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Root folder of this checkout. */
export const repoRoot = fileURLToPath(new URL('../../..', import.meta.url)).replace(/[\\/]$/, '');

const skipped = new Set(['node_modules', 'dist', 'dist-node', '.turbo', '.git']);

/**
 * Files below the named folders, sorted, as paths relative to `root` with forward slashes. A `*` stands for one folder
 * name; a folder that does not exist holds no files.
 * @param {string} root
 * @param {readonly string[]} folders such as `packages` or `conformance/*`
 * @param {RegExp} name what the path has to match
 * @returns {string[]}
 */
export function filesIn(root, folders, name) {
  return folders
    .flatMap((folder) => foldersLike(root, folder.split('/')))
    .flatMap((folder) => walk(root, folder))
    .filter((path) => name.test(path))
    .sort();
}

/** @param {string} root @param {readonly string[]} parts @returns {string[]} */
function foldersLike(root, parts) {
  /** @type {string[]} */
  let found = [''];
  for (const part of parts) {
    found = found.flatMap((base) => (part === '*' ? subfolders(root, base) : [part]).map((name) => joined(base, name)));
  }
  return found.filter((folder) => existsSync(join(root, folder)));
}

/** @param {string} root @param {string} folder @returns {string[]} */
function subfolders(root, folder) {
  if (!existsSync(join(root, folder))) return [];
  const entries = readdirSync(join(root, folder), { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory() && !skipped.has(entry.name)).map((entry) => entry.name);
}

/** @param {string} root @param {string} folder @returns {string[]} */
function walk(root, folder) {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    if (skipped.has(entry.name)) return [];
    const path = joined(folder, entry.name);
    return entry.isDirectory() ? walk(root, path) : [path];
  });
}

/** @param {string} base @param {string} name */
function joined(base, name) {
  return base === '' ? name : `${base}/${name}`;
}

/** @param {string} root @param {string} path */
export function readText(root, path) {
  return readFileSync(join(root, path), 'utf8');
}

/** @param {string} root @param {string} path @returns {any} the caller checks the shape it needs */
export function readJson(root, path) {
  try {
    return JSON.parse(readText(root, path));
  } catch (error) {
    throw new Error(`${path} is no JSON`, { cause: error });
  }
}

/**
 * @typedef {object} Published
 * @property {string} name npm name
 * @property {string} folder relative to the root
 * @property {any} manifest its package.json
 */

/** The workspace's packages that go to npm. @param {string} root @returns {Published[]} */
export function publishedPackages(root) {
  return filesIn(root, ['packages', 'conformance'], /^[^/]+\/[^/]+\/package\.json$/)
    .map((path) => ({ folder: path.replace('/package.json', ''), manifest: readJson(root, path) }))
    .filter(({ manifest }) => manifest.private !== true)
    .map(({ folder, manifest }) => ({ name: manifest.name, folder, manifest }));
}

/**
 * Runs a command to its end with the workspace's programs on PATH and no terminal.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, timeoutMs?: number }} [options]
 * @returns {Promise<{ status: number, stdout: string, output: string }>} `output` is stdout and stderr as they came
 */
export function run(command, args, { cwd = repoRoot, timeoutMs = 600_000 } = {}) {
  const env = {
    ...process.env,
    PATH: [join(repoRoot, 'node_modules', '.bin'), process.env['PATH']].join(delimiter),
    NO_COLOR: '1',
    FORCE_COLOR: undefined,
    TURBO_TELEMETRY_DISABLED: '1',
  };
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const limit = setTimeout(() => child.kill(), timeoutMs);
    let stdout = '';
    let output = '';
    /** @param {number} status @param {string} [why] */
    const end = (status, why = '') => {
      clearTimeout(limit);
      resolve({ status, stdout, output: output + why });
    };
    child.stdout.setEncoding('utf8').on('data', (chunk) => {
      stdout += chunk;
      output += chunk;
    });
    child.stderr.setEncoding('utf8').on('data', (chunk) => (output += chunk));
    child.on('error', (error) => end(127, `${command}: ${error.message}\n`));
    child.on('close', (code, signal) => end(code ?? 1, signal === null ? '' : `${command}: ended by ${signal}\n`));
  });
}

/** True when the module is the program that Node was started with. @param {string} moduleUrl */
export function isMain(moduleUrl) {
  const started = process.argv[1];
  return started !== undefined && existsSync(started) && realpathSync(started) === fileURLToPath(moduleUrl);
}

/**
 * Ends a check: prints its problems and sets the exit status, or prints the one line that says what was found good.
 * @param {readonly string[]} problems
 * @param {string} good
 */
export function finish(problems, good) {
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exitCode = 1;
  console.log(problems.length > 0 ? `${problems.length} problem${problems.length === 1 ? '' : 's'}` : good);
}
