/**
 * Plants mutants in core, one at a time, and sees that the vectors or the tests of core find each of them.
 *
 *   npm run mutants [-- --only NAME …]
 *
 * Exit status 1 where one survives, or where the list has fallen behind the code.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { repoRoot } from '../lib.mjs';
import { mutants } from './list.mjs';
import { complaints } from './mutate.mjs';
import { Workshop } from './workshop.mjs';

/** Vector files by folder of core. @type {Readonly<Record<string, readonly string[]>>} */
const nearby = {
  bytes: ['framing', 'records'],
  wire: ['framing', 'header', 'extensions', 'records', 'parse'],
  crypto: ['ed25519', 'x25519', 'schedule'],
  node: ['ed25519'],
  envelope: ['merkle', 'derive', 'seal', 'open', 'receiver'],
  replay: ['freshness', 'replay', 'receiver'],
  topics: ['topics', 'policy'],
  keys: ['bodies', 'objects', 'lists', 'heads', 'policy', 'subtree', 'blocks', 'members', 'openings', 'enrolments'],
};

/** @typedef {import('./mutate.mjs').Mutant} Mutant */
/** @typedef {{ mutant: Mutant, foundBy?: string, problem?: string }} Outcome */

const { values } = parseArgs({ options: { only: { type: 'string', multiple: true } } });
const chosen = mutants.filter(({ name }) => values.only?.includes(name) ?? true);
const problems = complaints(mutants);
if (chosen.length === 0) problems.push(`no mutant ${values.only?.join(', ')}`);
if (problems.length > 0) throw new Error(problems.join('\n'));

const folder = mkdtempSync(join(tmpdir(), 'tridcomm-mutants-'));
try {
  const sound = new Workshop(join(folder, 'sound'));
  // What fails without a mutant finds none.
  const broken = new Set([...(await sound.failingVectors('node')), ...(await sound.failingVectors('noble'))]);
  for (const id of broken) console.log(`fails without any mutant: vector ${id}`);
  /** @type {Promise<ReadonlySet<string>> | undefined} */
  let brokenTests;
  /** Likewise for tests; asked for once, and only if some mutant passes all vectors. */
  const findBrokenTests = () => {
    brokenTests ??= sound.failingTests([], true).then((names) => {
      for (const name of names) console.log(`fails without any mutant: test ${name}`);
      return new Set(names);
    });
    return brokenTests;
  };

  const waiting = [...chosen];
  /** @type {Outcome[]} */
  const outcomes = [];
  const width = Math.max(...chosen.map(({ name }) => name.length));
  /** One of two that work side by side. @param {Workshop} workshop */
  const work = async (workshop) => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const outcome = await tryMutant(workshop, mutant, broken, findBrokenTests);
      outcomes.push(outcome);
      const { name, spec } = mutant;
      console.log(`${name.padEnd(width)}  ${spec.padEnd(14)}  ${outcome.foundBy ?? outcome.problem ?? 'SURVIVED'}`);
    }
  };
  await Promise.all(['left', 'right'].map((name) => work(new Workshop(join(folder, name)))));

  const found = outcomes.filter(({ foundBy }) => foundBy !== undefined).length;
  const untried = outcomes.filter(({ problem }) => problem !== undefined).length;
  const survived = outcomes.length - found - untried;
  if (untried > 0) console.log(`${untried} mutants could not be tried`);
  console.log(`${outcomes.length} mutants, ${found} found, ${survived} survived`);
  const isSound = broken.size === 0 && ((await brokenTests)?.size ?? 0) === 0;
  process.exitCode = found === outcomes.length && isSound ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true });
}

/**
 * @param {Workshop} workshop
 * @param {Mutant} mutant
 * @param {ReadonlySet<string>} brokenVectors what fails without it
 * @param {() => Promise<ReadonlySet<string>>} findBrokenTests
 * @returns {Promise<Outcome>}
 */
async function tryMutant(workshop, mutant, brokenVectors, findBrokenTests) {
  try {
    return await workshop.with(mutant, async () => {
      // Those that are near come first, as they find nearly all.
      for (const suites of [suitesNear(mutant), undefined]) {
        const vectors = await workshop.failingVectors(mutant.provider ?? 'node', suites);
        const vector = vectors.find((id) => !brokenVectors.has(id));
        if (vector !== undefined) return { mutant, foundBy: `vector ${vector}` };
      }
      const brokenTests = await findBrokenTests();
      // The tests of the mutant's own folder, and those that take a whole path through core.
      const folders = new Set([...mutant.file.split('/').slice(0, -1), 'envelope', 'property']);
      const tests = await workshop.failingTests([...folders], brokenTests.size > 0);
      const test = tests.find((name) => !brokenTests.has(name));
      return test === undefined ? { mutant } : { mutant, foundBy: `test ${test}` };
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
