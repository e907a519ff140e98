/**
 * Fuzzes what takes bytes from outside, in core, client-node and the broker, with coverage as its guide.
 *
 *   npm run fuzz -- --minutes 1 [--seed S] [--target NAME] [--inputs N] [--json]
 *   node packages/tools/src/fuzz/main.mjs --target NAME --replay HEX
 *
 * `--minutes` is shared out over the targets; `--inputs` ends each of them after so many, which with a seed makes the run the
 * same everywhere. Exit status 1 where anything but a proper answer came back.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { linkModules } from '../copies.mjs';
import { repoRoot } from '../lib.mjs';
import { instrumentFolder } from './instrument.mjs';
import { describe, totals } from './report.mjs';
import { fromHex } from './seeds.mjs';
import { packagesOf, targetNames } from './targets/index.mjs';
import { inputsBegun, lastInput, newShared } from './watch.mjs';

/** @typedef {import('./engine.mjs').Report & { heapGrowth: number }} TargetReport */

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 32)) },
    target: { type: 'string', multiple: true, default: targetNames },
    inputs: { type: 'string', default: 'Infinity' },
    replay: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const seed = Number(values.seed);
const unknown = values.target.filter((name) => !targetNames.includes(name));
if (unknown.length > 0) throw new Error(`no target ${unknown.join(', ')}; targets are ${targetNames.join(', ')}`);
if (!Number.isInteger(seed) || !(Number(values.minutes) > 0)) throw new Error('--seed and --minutes are numbers');

/** No target takes longer for one input, not even on a machine that is busy. */
const hangMs = 20_000;

const seconds = (Number(values.minutes) * 60) / values.target.length;
const folder = mkdtempSync(join(tmpdir(), 'tridcomm-fuzz-'));
try {
  const files = instrumentPackages(new Set(['core', ...values.target.flatMap(packagesOf)]));
  if (!values.json) console.log(`seed ${seed}`);
  /** @type {TargetReport[]} */
  const reports = [];
  for (const target of values.target) {
    const report = await runTarget(target, files);
    reports.push(report);
    if (!values.json) console.log(describe(report));
  }
  const sum = totals(reports);
  console.log(values.json ? JSON.stringify({ seed, ...sum.json }, null, 2) : sum.text);
  process.exitCode = sum.crashes > 0 ? 1 : 0;
} finally {
  rmSync(folder, { recursive: true });
}

/** Copies packages with counters in them, one behind the other. @param {Iterable<string>} names @returns {import('./instrument.mjs').EdgeMap} */
function instrumentPackages(names) {
  /** @type {import('./instrument.mjs').EdgeMap} */
  const all = new Map();
  let firstEdge = 0;
  for (const name of names) {
    const [from, to] = [join(repoRoot, 'packages', name), join(folder, name)];
    if (!existsSync(join(from, 'dist/index.js'))) throw new Error(`packages/${name} is not built`);
    mkdirSync(to);
    cpSync(join(from, 'package.json'), join(to, 'package.json'));
    linkModules(join(from, 'node_modules'), join(to, 'node_modules'));
    const prefix = name === 'core' ? '' : `${name}/`;
    for (const [path, [start, end]] of instrumentFolder(join(from, 'dist'), join(to, 'dist'), { prefix, firstEdge })) {
      all.set(path, [start, end]);
      firstEdge = end;
    }
  }
  return all;
}

/** @param {string} target @param {import('./instrument.mjs').EdgeMap} files @returns {Promise<TargetReport>} */
function runTarget(target, files) {
  const replay = values.replay === undefined ? undefined : fromHex(values.replay);
  const shared = newShared(Math.max(8_192, replay?.length ?? 0));
  /** @type {import('./worker.mjs').Job} */
  const job = {
    target,
    folder,
    files,
    seed,
    maxInputs: Number(values.inputs),
    seconds,
    shared,
    ...(replay === undefined ? {} : { replay }),
  };
  const worker = new Worker(new URL('worker.mjs', import.meta.url), {
    workerData: job,
    resourceLimits: { maxOldGenerationSizeMb: 512 },
  });
  return new Promise((resolve, reject) => {
    let begun = -1;
    const watch = setInterval(() => {
      const now = inputsBegun(shared);
      // Before the first input the worker still loads.
      if (now > 0 && now === begun) end(lost('does not end'));
      begun = now;
    }, hangMs);
    /** @param {TargetReport} report */
    const end = (report) => {
      clearInterval(watch);
      void worker.terminate();
      resolve(report);
    };
    /** The report of a target that cannot make its own. @param {string} why @param {string} [stack] */
    const lost = (why, stack = '') => ({
      target,
      inputs: inputsBegun(shared),
      seconds: 0,
      edges: { covered: 0, total: 0 },
      corpus: { seeds: 0, found: 0, bytes: 0 },
      slowest: { ms: 0, input: new Uint8Array(0) },
      crashes: [{ why, input: lastInput(shared), stack, times: 1 }],
      heapGrowth: 0,
    });
    worker.on('message', end);
    worker.on('error', (error) => {
      // Without an input it is the fuzzer that does not work.
      if (inputsBegun(shared) === 0) {
        clearInterval(watch);
        reject(error);
      } else end(lost(`ends the thread: ${error.message}`, error.stack));
    });
  });
}
