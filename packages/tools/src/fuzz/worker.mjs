/** One target in a thread of its own, which can be ended when an input does not. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parentPort, workerData } from 'node:worker_threads';
import { repoRoot } from '../lib.mjs';
import { loadCore } from './core.mjs';
import { fuzz, runOnce } from './engine.mjs';
import { attachCounters } from './instrument.mjs';
import { Random } from './random.mjs';
import { byteStringsIn, distinct, readVectorTests } from './seeds.mjs';
import { makeTarget } from './targets/index.mjs';
import { noteInput } from './watch.mjs';

/**
 * @typedef {object} Job
 * @property {string} target
 * @property {string} folder with the instrumented copies
 * @property {import('./instrument.mjs').EdgeMap} files
 * @property {number} seed
 * @property {number} maxInputs
 * @property {number} seconds
 * @property {SharedArrayBuffer} shared
 * @property {Uint8Array} [replay] the one input to run
 */

const { target: name, folder, files, seed, maxInputs, seconds, shared, replay } = /** @type {Job} */ (workerData);

const coverage = attachCounters(files);
const tests = readVectorTests(repoRoot);
const target = await makeTarget(name, await loadCore(folder), tests, folder);
const seeds = distinct(target.seeds, target.maxBytes ?? 4_096);

setFlagsFromString('--expose-gc');
/** @type {() => void} */
const collect = runInNewContext('gc');
collect();
const before = process.memoryUsage().heapUsed;
const report = await (replay ? replayed(replay) : fuzzed());
collect();
// Of this thread alone; the corpus is gone by now, so what is left was kept by the code under test.
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
parentPort?.postMessage({ ...report, heapGrowth: process.memoryUsage().heapUsed - before });

async function fuzzed() {
  return fuzz(
    { ...target, seeds },
    {
      coverage,
      random: new Random(seed),
      dictionary: distinct(
        tests.flatMap((test) => byteStringsIn(test.in)),
        256,
      ),
      maxInputs,
      deadlineMs: performance.now() + 1000 * seconds,
      onInput: (input) => noteInput(shared, input),
    },
  );
}

/** @param {Uint8Array} input @returns {Promise<import('./engine.mjs').Report>} */
async function replayed(input) {
  noteInput(shared, input);
  const { crash, ms } = await runOnce(target, coverage, input);
  return {
    target: name,
    inputs: 1,
    seconds: ms / 1000,
    edges: { covered: 0, total: 0 },
    corpus: { seeds: 0, found: 0, bytes: 0 },
    slowest: { ms, input },
    crashes: crash ? [crash] : [],
  };
}
