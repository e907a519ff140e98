/**
 * Plants mutants in core, client-node and the broker, one at a time, and sees that the vectors or the tests find each of them.
 *
 *   npm run mutants [-- --only NAME …] [-- --list FILE …]
 *
 * A list is one of `list/`, such as `links`. Exit status 1 where a mutant survives, or where the list has fallen behind the code.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { repoRoot } from '../lib.mjs';
import { lists, mutants } from './list.mjs';
import { complaints, folderOf } from './mutate.mjs';
import { Workshop } from './workshop.mjs';

/** Vector files by folder of core. @type {Readonly<Record<string, readonly string[]>>} */
const nearby = {
  bytes: ['framing', 'records'],
  wire: ['framing', 'header', 'extensions', 'records', 'parse'],
  crypto: ['ed25519', 'x25519', 'schedule'],
  node: ['ed25519'],
  envelope: ['merkle', 'derive', 'seal', 'open', 'receiver'],
  replay: ['freshness', 'replay', 'receiver', 'logs'],
  topics: ['topics', 'policy'],
  keys: ['bodies', 'objects', 'lists', 'heads', 'policy', 'subtree', 'blocks', 'members', 'openings', 'enrolments'],
  link: ['messages', 'auth', 'link', 'traffic'],
  noise: ['noise', 'link'],
  client: ['logs', 'nodes', 'views', 'chains'],
  patterns: ['setups', 'crew', 'requester', 'surveys', 'routing', 'routers', 'heard', 'dealers', 'forwards', 'returns'],
  relay: ['relay', 'relaymessages', 'relayforwards'],
};

/** @typedef {import('./mutate.mjs').Mutant} Mutant */
/** @typedef {{ mutant: Mutant, foundBy?: string, problem?: string }} Outcome */

const { values } = parseArgs({
  options: { only: { type: 'string', multiple: true }, list: { type: 'string', multiple: true } },
});
const listed = values.list?.flatMap((name) => lists[name] ?? []) ?? mutants;
const chosen = listed.filter(({ name }) => values.only?.includes(name) ?? true);
const problems = complaints(mutants);
if (chosen.length === 0) problems.push('no such mutant');
if (problems.length > 0) throw new Error(problems.join('\n'));

const folder = mkdtempSync(join(tmpdir(), 'tridcomm-mutants-'));
try {
  const sound = new Workshop(join(folder, 'sound'));
  // What fails without a mutant finds none. Each is asked for once, and only if something fails with one.
  const brokenVectors = once(async () => new Set(await sound.failingVectors('node')));
  const brokenByNoble = once(async () => new Set(await sound.failingVectors('noble')));
  /** @type {Map<string, Promise<ReadonlySet<string>>>} */
  const brokenTests = new Map();
  /** @type {Baseline} */
  const baseline = {
    vectors: (provider) => (provider === 'noble' ? brokenByNoble() : brokenVectors()),
    tests: (paths) => {
      const key = paths.join(' ');
      const known = brokenTests.get(key) ?? sound.failingTests(paths, true).then((names) => new Set(names));
      brokenTests.set(key, known);
      return known;
    },
  };

  const waiting = [...chosen];
  /** @type {Outcome[]} */
  const outcomes = [];
  const width = Math.max(...chosen.map(({ name }) => name.length));
  /** One of two that work side by side. @param {Workshop} workshop */
  const work = async (workshop) => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const outcome = await tryMutant(workshop, mutant, baseline);
      outcomes.push(outcome);
      const { name, spec } = mutant;
      console.log(`${name.padEnd(width)}  ${spec.padEnd(14)}  ${outcome.foundBy ?? outcome.problem ?? 'SURVIVED'}`);
    }
  };
  await Promise.all(['left', 'right'].map((name) => work(new Workshop(join(folder, name)))));

  const found = outcomes.filter(({ foundBy }) => foundBy !== undefined).length;
  const untried = outcomes.filter(({ problem }) => problem !== undefined).length;
  const survived = outcomes.length - found - untried;
  const asked = await Promise.all([...brokenTests.values(), ...brokenVectors.asked(), ...brokenByNoble.asked()]);
  const broken = new Set(asked.flatMap((names) => [...names]));
  for (const name of broken) console.log(`fails without any mutant: ${name}`);
  if (untried > 0) console.log(`${untried} mutants could not be tried`);
  console.log(`${outcomes.length} mutants, ${found} found, ${survived} survived`);
  process.exitCode = found === outcomes.length && broken.size === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true });
}

/**
 * @typedef {object} Baseline what fails without a mutant
 * @property {(provider: string) => Promise<ReadonlySet<string>>} vectors
 * @property {(paths: readonly string[]) => Promise<ReadonlySet<string>>} tests
 */

/**
 * @param {Workshop} workshop
 * @param {Mutant} mutant
 * @param {Baseline} baseline
 * @returns {Promise<Outcome>}
 */
async function tryMutant(workshop, mutant, baseline) {
  const provider = mutant.provider ?? 'node';
  /** @param {readonly string[]} [suites] */
  const byVectors = async (suites) => {
    const failing = await workshop.failingVectors(provider, suites);
    const broken = failing.length > 0 ? await baseline.vectors(provider) : new Set();
    const vector = failing.find((id) => !broken.has(id));
    return vector && `vector ${vector}`;
  };
  /** @param {readonly string[]} paths */
  const byTests = async (paths) => {
    if (paths.length === 0) return undefined;
    const failing = await workshop.failingTests(paths, false);
    if (failing.length === 0) return undefined;
    const broken = await baseline.tests(paths);
    // The run has ended at the first that failed, which may fail without the mutant too.
    const all = broken.size > 0 ? await workshop.failingTests(paths, true) : failing;
    const test = all.find((name) => !broken.has(name));
    return test && `test ${test}`;
  };
  const isOfCore = mutant.package === undefined;
  const near = isOfCore ? suitesNear(mutant) : undefined;
  try {
    return await workshop.with(mutant, async () => {
      // Those that are near come first, as they find nearly all.
      const foundBy =
        (near && (await byVectors(near))) ??
        (await byTests((mutant.tests ?? []).map((path) => `${folderOf(mutant)}/test/${path}`))) ??
        (isOfCore ? await byVectors() : undefined) ??
        (await byTests(foldersNear(mutant)));
      return foundBy === undefined ? { mutant } : { mutant, foundBy };
    });
  } catch (error) {
    return { mutant, problem: error instanceof Error ? error.message : String(error) };
  }
}

/** The vector files about a mutant's folder; undefined, for all, where none are. @param {Mutant} mutant */
function suitesNear({ file }) {
  const near = nearby[file.split('/')[0] ?? ''] ?? [];
  const suites = near.filter((suite) => existsSync(join(repoRoot, `conformance/vectors/v1/${suite}.json`)));
  return suites.length > 0 ? suites : undefined;
}

/** The tests of the mutant's own folder, in core also those that take a whole path through it. @param {Mutant} mutant */
function foldersNear(mutant) {
  const [first = ''] = mutant.file.split('/').slice(0, -1);
  const folders = mutant.package === undefined ? [...new Set([first, 'envelope', 'property'])] : [first];
  return folders.filter((name) => name !== '').map((name) => `${folderOf(mutant)}/test/${name}/`);
}

/** @template T @param {() => Promise<T>} ask */
function once(ask) {
  /** @type {Promise<T> | undefined} */
  let answer;
  const asking = () => (answer ??= ask());
  /** The answer, where it was asked for. */
  asking.asked = () => (answer === undefined ? [] : [answer]);
  return asking;
}
