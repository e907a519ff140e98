/** The loop of a coverage-guided fuzzer: change an input that is known, run it, keep what reaches something new. */
import { SeenEdges } from './edges.mjs';
import { mutate } from './mutate.mjs';

/**
 * @typedef {object} Target what is fuzzed, and what must hold
 * @property {string} name
 * @property {RegExp} files the instrumented files that count as this target's
 * @property {readonly Uint8Array[]} seeds
 * @property {(input: Uint8Array) => void | Promise<void>} run throws on anything but a proper answer
 * @property {number} [headerAt] where an envelope's header starts in the inputs, if one does
 * @property {number} [maxBytes] of an input; default 4,096
 * @property {number} [slowMs] of an input of 64 KiB; default 1
 * @property {number} [reservedBytes] of memory, whatever the size of the input; default 65,536
 */

/** @typedef {{ why: string, input: Uint8Array, stack: string, times: number }} Crash */

/**
 * @typedef {object} Report
 * @property {string} target
 * @property {number} inputs
 * @property {number} seconds
 * @property {{ covered: number, total: number }} edges
 * @property {{ seeds: number, found: number, bytes: number }} corpus inputs that reach something, by where they come from
 * @property {{ ms: number, input: Uint8Array }} slowest
 * @property {Crash[]} crashes one of a kind
 */

/**
 * @param {Target} target
 * @param {object} run
 * @param {import('./instrument.mjs').Coverage} run.coverage
 * @param {import('./random.mjs').Random} run.random
 * @param {readonly Uint8Array[]} [run.dictionary] bytes that mutations may insert
 * @param {number} run.maxInputs
 * @param {number} [run.deadlineMs] as `performance.now()`
 * @param {(input: Uint8Array) => void} [run.onInput] called before each run
 * @returns {Promise<Report>}
 */
export async function fuzz(target, { coverage, random, dictionary = [], maxInputs, deadlineMs = Infinity, onInput }) {
  const { headerAt, maxBytes = 4_096 } = target;
  const seen = new SeenEdges(coverage.edges);
  /** @type {Uint8Array[]} */
  const corpus = [];
  /** @type {Map<string, Crash>} */
  const crashes = new Map();
  /** @type {Report['slowest']} */
  let slowest = { ms: 0, input: new Uint8Array(0) };
  let inputs = 0;

  /** @param {Uint8Array} input */
  const attempt = async (input) => {
    onInput?.(input);
    inputs++;
    const ran = await execute(target, coverage, input);
    // Before it is judged, which may run it again.
    if (seen.take()) corpus.push(ran.before);
    if (ran.ms > slowest.ms) slowest = { ms: ran.ms, input: ran.before };
    const crash = await judge(target, ran);
    if (crash === undefined) return;
    const known = crashes.get(crash.why);
    if (known === undefined) crashes.set(crash.why, crash);
    else known.times++;
  };

  const started = performance.now();
  // A Buffer is another kind of array; which kind comes in is the target's to say.
  for (const seed of target.seeds) await attempt(new Uint8Array(seed));
  const seeds = corpus.length;
  if (corpus.length === 0) corpus.push(new Uint8Array(0));
  const pool = [...dictionary, ...target.seeds];
  const other = () => random.pick(random.below(2) === 0 || pool.length === 0 ? corpus : pool);
  const goesOn = () => inputs < maxInputs && performance.now() < deadlineMs;
  while (goesOn()) {
    // Half of the time from the latest finds, which are the least explored.
    const recent = random.below(2) === 0 ? Math.floor(corpus.length * 0.75) : 0;
    const parent = corpus[recent + random.below(corpus.length - recent)] ?? new Uint8Array(0);
    await attempt(mutate(parent, { random, other, headerAt, maxBytes }));
  }
  return {
    target: target.name,
    inputs,
    seconds: (performance.now() - started) / 1000,
    edges: coveredOf(target, coverage, seen),
    corpus: { seeds, found: corpus.length - seeds, bytes: corpus.reduce((sum, { length }) => sum + length, 0) },
    slowest,
    crashes: [...crashes.values()],
  };
}

/** @typedef {{ input: Uint8Array, before: Uint8Array, ms: number, allocated: number, thrown?: { error: unknown } }} Ran */

/**
 * Runs one input, whatever comes of it.
 * @param {Target} target
 * @param {import('./instrument.mjs').Coverage} coverage
 * @param {Uint8Array} input
 * @returns {Promise<Ran>}
 */
async function execute(target, { edges, allocated }, input) {
  const before = new Uint8Array(input);
  edges.fill(0);
  allocated.total = 0;
  /** @type {Ran['thrown']} */
  let thrown;
  const started = performance.now();
  try {
    const answer = target.run(input);
    // Most targets have answered by now, and need no turn of their own.
    if (answer !== undefined) await answer;
  } catch (error) {
    thrown = { error };
  }
  const ms = performance.now() - started;
  return { input, before, ms, allocated: allocated.total, ...(thrown && { thrown }) };
}

/**
 * What was wrong with a run, if anything. Runs the input again where it seems slow.
 * @param {Target} target
 * @param {Ran} ran
 * @returns {Promise<Crash | undefined>}
 */
async function judge(target, { input, before, ms, allocated, thrown }) {
  const { slowMs = 1, reservedBytes = 65_536 } = target;
  /** @param {string} why @param {string} stack @returns {Crash} */
  const crash = (why, stack) => ({ why, input: before, stack, times: 1 });
  if (thrown !== undefined) return crash(...nameOf(thrown.error));
  if (Buffer.compare(before, input) !== 0) return crash('changes its input', '');
  if (allocated > reservedBytes + 4 * input.length) return crash('reserves too much memory', `${allocated} bytes`);
  const limitMs = slowMs * Math.max(1, input.length / 65_536);
  if (ms > limitMs && (await fastestOf(target, input)) > limitMs)
    return crash('takes too long', `${ms} ms, limit ${limitMs}`);
  return undefined;
}

/**
 * Runs and judges one input.
 * @param {Target} target
 * @param {import('./instrument.mjs').Coverage} coverage
 * @param {Uint8Array} input
 */
export async function runOnce(target, coverage, input) {
  const ran = await execute(target, coverage, input);
  return { ms: ran.ms, crash: await judge(target, ran) };
}

/** The shortest of some more runs: what is slow each time is not the collector's or another process's doing. @param {Target} target @param {Uint8Array} input */
async function fastestOf(target, input) {
  let fastest = Infinity;
  for (let i = 0; i < 9; i++) {
    const started = performance.now();
    await target.run(input);
    fastest = Math.min(fastest, performance.now() - started);
  }
  return fastest;
}

/** A name for a kind of crash, and its stack. @param {unknown} error @returns {[string, string]} */
function nameOf(error) {
  const { message, stack = '' } = error instanceof Error ? error : new Error(String(error));
  // Numbers differ from input to input; the place and the words tell one kind from another.
  const place = /\n\s+at (.*)/.exec(stack)?.[1] ?? '';
  return [`${message.replaceAll(/\d+/g, 'N')} ${place.replace(/file:\/\/.*\//, '')}`.trim(), stack];
}

/** @param {Target} target @param {import('./instrument.mjs').Coverage} coverage @param {SeenEdges} seen */
function coveredOf({ files }, coverage, seen) {
  const edges = { covered: 0, total: 0 };
  for (const [path, [start, end]] of coverage.files) {
    if (!files.test(path)) continue;
    edges.covered += seen.count(start, end);
    edges.total += end - start;
  }
  return edges;
}
