/** Seeds of one thread: its share of a range, or up to the first that breaks the rule that is asked for. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Violation, ViolationName } from './oracle.ts';
import { addRun, noTotals, type Totals } from './report.ts';
import { runSeed } from './run.ts';

/** What a thread is told. */
export interface Job {
  /** The range of all threads. */
  readonly firstSeed: number;
  readonly runs: number;
  /** Of so many threads, counted from 0. */
  readonly thread: number;
  readonly threads: number;
  /** Ends with the first run that breaks this rule, and tells of no other. */
  readonly until?: ViolationName | undefined;
}

/** A seed whose run broke a rule. */
export interface Finding {
  readonly seed: number;
  readonly violations: readonly Violation[];
}

/** What a thread tells now and then; the last time `isOver`. */
export interface Progress {
  readonly totals: Totals;
  readonly findings: readonly Finding[];
  readonly isOver: boolean;
}

// Refusals are many and expected; their stacks would take a good part of the time.
Error.stackTraceLimit = 2;

const { firstSeed, runs, thread, threads, until } = workerData as Job;
let totals = noTotals();
let findings: Finding[] = [];
for (let i = 0; i < runs; i++) {
  // By fours: seeds are of worlds of three kinds, and one takes longer.
  if (Math.floor(i / 4) % threads !== thread) continue;
  const seed = firstSeed + i;
  const violations = await runOne(seed);
  const isFound = until === undefined ? violations.length > 0 : violations.some(({ name }) => name === until);
  if (isFound) findings.push({ seed, violations });
  if (isFound && until !== undefined) break;
  if (totals.runs >= 50) tell(false);
}
tell(true);

function tell(isOver: boolean): void {
  const progress: Progress = { totals, findings, isOver };
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  parentPort!.postMessage(progress);
  totals = noTotals();
  findings = [];
}

/** What a run that does not come to its end has broken is one thing, and the others go on. */
async function runOne(seed: number): Promise<readonly Violation[]> {
  try {
    const result = await runSeed(seed);
    addRun(totals, result);
    return oneOfEach(result.violations);
  } catch (error) {
    totals.runs++;
    const sentence = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return [{ name: 'broken', atMs: 0, sentence: `the run ended early: ${sentence}` }];
  }
}

/** The first few of every kind. */
function oneOfEach(violations: readonly Violation[]): Violation[] {
  return violations.filter(({ name }, i) => violations.slice(0, i).filter((one) => one.name === name).length < 3);
}
