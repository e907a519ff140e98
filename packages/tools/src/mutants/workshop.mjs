/** A copy of core in a folder of its own, with the module layout of the real one, where a file can be changed and all be run. */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { transformSync } from 'esbuild';
import { filesIn, repoRoot, run } from '../lib.mjs';
import { applyMutant } from './mutate.mjs';

const core = 'packages/core';
/** What is found by its path from core, and only read. */
const borrowed = ['node_modules', 'conformance', 'spec', 'tsconfig.base.json', `${core}/node_modules`];
/** What may be changed. */
const copied = ['src', 'test', 'conformance/src', 'package.json', 'tsconfig.json', 'tsconfig.node.json'];

export class Workshop {
  #folder;

  /** @param {string} folder must not exist */
  constructor(folder) {
    this.#folder = folder;
    mkdirSync(join(folder, core), { recursive: true });
    for (const path of borrowed) symlinkSync(join(repoRoot, path), join(folder, path));
    for (const path of copied) cpSync(join(repoRoot, core, path), join(folder, core, path), { recursive: true });
    for (const path of filesIn(folder, [`${core}/src`, `${core}/conformance/src`], /\.ts$/)) this.#build(path);
    writeFileSync(join(folder, 'vitest.config.mjs'), vitestConfig);
  }

  /** Runs `work` with the mutant in the code. @template T @param {import('./mutate.mjs').Mutant} mutant @param {() => Promise<T>} work */
  async with(mutant, work) {
    const path = `${core}/src/${mutant.file}`;
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
   * Runs the golden vectors against the adapter on this copy.
   * @param {string} provider
   * @param {readonly string[]} [suites] the vector files to run; all unless given
   * @returns {Promise<string[]>} ids of the tests that fail
   * @throws where the adapter does not work at all
   */
  async failingVectors(provider, suites = ['**']) {
    const harness = [join(repoRoot, 'conformance/harness/dist/cli.js'), 'vectors', '--strict-errors', '--json'];
    const vectors = ['--vectors-dir', join(repoRoot, 'conformance/vectors/v1'), '--timeout', '2000'];
    const patterns = suites.flatMap((suite) => ['--run', suite === '**' ? suite : `${suite}/**`]);
    const adapter = [process.execPath, join(this.#folder, core, 'conformance/dist/adapter.js'), '--provider', provider];
    const { status, stdout, output } = await run(
      process.execPath,
      [...harness, ...vectors, ...patterns, '--', ...adapter],
      {
        timeoutMs: 60_000,
      },
    );
    if (!stdout.startsWith('{')) throw new Error(`the harness ended with ${status}:\n${output}`);
    /** @type {{ results: { id: string, result: string }[] }} */
    const { results } = JSON.parse(stdout);
    return results.filter(({ result }) => result === 'failed' || result === 'warned').map(({ id }) => id);
  }

  /**
   * Runs tests of core on this copy.
   * @param {readonly string[]} folders of `test`; none for all
   * @param {boolean} all whether to go on after the first failure
   * @returns {Promise<string[]>} names of those that fail
   */
  async failingTests(folders, all) {
    const report = join(this.#folder, 'vitest.json');
    rmSync(report, { force: true });
    const vitest = [join(repoRoot, 'node_modules/vitest/vitest.mjs'), 'run', '--no-file-parallelism'];
    const options = ['--reporter', 'json', '--outputFile', report, ...(all ? [] : ['--bail', '1'])];
    const chosen = folders.map((name) => `${core}/test/${name}/`);
    const { status, output } = await run(process.execPath, [...vitest, ...options, ...chosen], { cwd: this.#folder });
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

  /** Strips the types of one file into `dist`, as the compiler would lay it out. @param {string} path */
  #build(path) {
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

/** As the repository's own, for the tests of core alone; the vectors run apart from them. */
const vitestConfig = `const conditions = ['@tridcomm/source', 'module', 'node', 'development|production'];
export default {
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: { include: ['${core}/test/**/*.test.ts'], exclude: ['${core}/test/vectors/**'], testTimeout: 30_000 },
};
`;
