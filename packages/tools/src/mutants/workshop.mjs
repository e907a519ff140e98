/**
 * Copies of the packages that mutants are planted in, in a folder of its own and with the module layout of the real ones, where a file
 * can be changed and all be run.
 */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { transformSync } from 'esbuild';
import { linkModules } from '../copies.mjs';
import { filesIn, repoRoot, run } from '../lib.mjs';
import { applyMutant, folderOf } from './mutate.mjs';

const core = 'packages/core';
const packages = [core, 'packages/client-node', 'packages/broker'];
/** What is found by its path from a package, and only read. */
const borrowed = ['node_modules', 'conformance', 'spec', 'tsconfig.base.json'];
/** What may be changed. */
const copied = ['src', 'test', 'conformance/src', 'package.json', 'tsconfig.json', 'tsconfig.node.json'];

export class Workshop {
  #folder;

  /** @param {string} folder must not exist */
  constructor(folder) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
    for (const path of borrowed) symlinkSync(join(repoRoot, path), join(folder, path));
    for (const name of packages) {
      for (const path of copied.filter((one) => existsSync(join(repoRoot, name, one)))) {
        cpSync(join(repoRoot, name, path), join(folder, name, path), { recursive: true });
      }
      linkModules(join(repoRoot, name, 'node_modules'), join(folder, name, 'node_modules'));
    }
    for (const path of filesIn(folder, [`${core}/src`, `${core}/conformance/src`], /\.ts$/)) this.#build(path);
    writeFileSync(join(folder, 'vitest.config.mjs'), vitestConfig);
  }

  /** Runs `work` with the mutant in the code. @template T @param {import('./mutate.mjs').Mutant} mutant @param {() => Promise<T>} work */
  async with(mutant, work) {
    const path = `${folderOf(mutant)}/src/${mutant.file}`;
    const text = readFileSync(join(this.#folder, path), 'utf8');
    writeFileSync(join(this.#folder, path), applyMutant(text, mutant));
    try {
      this.#build(path);
      return await work();
    } finally {
      writeFileSync(join(this.#folder, path), text);
      this.#build(path);
    }
  }

  /**
   * Runs the golden vectors against the adapter of core on this copy.
   * @param {string} provider
   * @param {readonly string[]} [suites] the vector files to run; all unless given
   * @returns {Promise<string[]>} ids of the tests that fail
   * @throws where the adapter does not work at all
   */
  async failingVectors(provider, suites = ['**']) {
    const harness = [join(repoRoot, 'conformance/harness/dist/cli.js'), 'vectors', '--strict-errors', '--json'];
    const vectors = ['--vectors-dir', join(repoRoot, 'conformance/vectors/v1'), '--timeout', String(caseMs)];
    const patterns = suites.flatMap((suite) => ['--run', suite === '**' ? suite : `${suite}/**`]);
    const adapter = [process.execPath, join(this.#folder, core, 'conformance/dist/adapter.js'), '--provider', provider];
    const { status, stdout, output } = await run(
      process.execPath,
      [...harness, ...vectors, ...patterns, '--', ...adapter],
      { timeoutMs: harnessMs },
    );
    if (!stdout.startsWith('{')) throw new Error(`the harness ended with ${status}:\n${output}`);
    /** @type {{ results: { id: string, result: string }[] }} */
    const { results } = JSON.parse(stdout);
    return results.filter(({ result }) => result === 'failed' || result === 'warned').map(({ id }) => id);
  }

  /**
   * Runs tests on this copy.
   * @param {readonly string[]} paths files or folders, as from the root of the repository
   * @param {boolean} all whether to go on after the first failure
   * @returns {Promise<string[]>} names of those that fail
   */
  async failingTests(paths, all) {
    const report = join(this.#folder, 'vitest.json');
    rmSync(report, { force: true });
    const vitest = [join(repoRoot, 'node_modules/vitest/vitest.mjs'), 'run', '--no-file-parallelism'];
    const options = ['--reporter', 'json', '--outputFile', report, ...(all ? [] : ['--bail', '1'])];
    const { status, output } = await run(process.execPath, [...vitest, ...options, ...paths], { cwd: this.#folder });
    if (status === 0) return [];
    if (!existsSync(report)) throw new Error(`vitest ended with ${status}:\n${output}`);
    /** @type {{ testResults: { name: string, status: string, assertionResults: { status: string, fullName: string }[] }[] }} */
    const { testResults } = JSON.parse(readFileSync(report, 'utf8'));
    return testResults.flatMap(({ name, status, assertionResults }) => {
      const failed = assertionResults.filter((one) => one.status === 'failed').map(({ fullName }) => fullName);
      // A file that cannot be loaded has failed without a test.
      return failed.length === 0 && status === 'failed' ? [`loading ${basename(name)}`] : failed;
    });
  }

  /** Strips the types of one file of core into `dist`, as the compiler would lay it out: the adapter runs from there. @param {string} path */
  #build(path) {
    if (!path.startsWith(`${core}/`)) return;
    const source = readFileSync(join(this.#folder, path), 'utf8');
    const { code } = transformSync(source, {
      loader: 'ts',
      target: 'node20',
      tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
    });
    const out = join(this.#folder, path.replace('/src/', '/dist/').replace(/\.ts$/, '.js'));
    mkdirSync(dirname(out), { recursive: true });
    writeFileSync(out, code.replaceAll(/(from\s*"\.[^"]*)\.ts"/g, '$1.js"'));
  }
}

/** Long enough for a machine that is busy; a mutant that hangs costs so much once. */
const caseMs = 20_000;
const harnessMs = 600_000;

/** As the repository's own, for the tests of these packages; the vectors run apart from them. */
const vitestConfig = `const conditions = ['@tridcomm/source', 'module', 'node', 'development|production'];
export default {
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: { include: ['packages/*/test/**/*.test.ts'], exclude: ['${core}/test/vectors/**'], testTimeout: 120_000 },
};
`;
