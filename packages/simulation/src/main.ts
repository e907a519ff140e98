/**
 * Runs seeded schedules, and says what of them broke a rule.
 *
 *   npm run simulate -- [--runs N] [--seed S] [--workers W] [--trace] [--planted [NAME]]
 *
 * Seeds are S, S + 1, …: even ones run links to a broker with a disk; of odd ones every second messages past a relay that may be hostile, the
 * others requests, jobs, surveys, a bus and what routers forward past a broker that may be, with workers that die. `--trace` prints
 * every event of one run; `--planted` runs the seeds against copies of the packages with a bug in each. Exit status 1 where a rule was broken, or a planted bug was not found.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { violationNames } from './oracle.ts';
import { findPlanted, plantedBugs } from './planted.ts';
import { describeTotals } from './report.ts';
import { runSeed } from './run.ts';
import { runSeeds } from './threads.ts';
import type { Finding } from './worker.ts';

const usage = 'usage: npm run simulate -- [--runs N] [--seed S] [--workers W] [--trace] [--planted [NAME …]]\n';
const { values, positionals } = parsedArguments();
const [runs, firstSeed, threads] = [values.runs, values.seed, values.workers].map(Number) as [number, number, number];
if (![runs, firstSeed, threads].every((value) => Number.isSafeInteger(value) && value >= 1)) {
  refuseArguments('--runs, --seed and --workers are whole numbers from 1 on');
}
process.exitCode = values.planted ? await simulatePlanted() : values.trace ? await traceOne() : await simulate();

function parsedArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        runs: { type: 'string', default: '1000' },
        seed: { type: 'string', default: '1' },
        workers: { type: 'string', default: String(availableParallelism()) },
        trace: { type: 'boolean', default: false },
        planted: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    return refuseArguments(error instanceof Error ? error.message : String(error));
  }
}

function refuseArguments(why: string): never {
  process.stderr.write(`${why}\n${usage}`);
  process.exit(2);
}

function line(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function simulate(): Promise<number> {
  const started = performance.now();
  let toldMs = started;
  const { totals, findings } = await runSeeds({
    firstSeed,
    runs,
    threads,
    onProgress: (sum, found) => {
      for (const finding of found) describe(finding);
      if (performance.now() < toldMs + 10_000) return;
      toldMs = performance.now();
      line(`${sum.runs} of ${runs} runs, ${rate(sum.runs, started)}`);
    },
  });
  line(describeTotals(totals));
  line(`${totals.runs} runs from seed ${firstSeed}, ${rate(totals.runs, started)}: ${findings.length} violated`);
  return findings.length === 0 ? 0 : 1;
}

/** As soon as it is found, so that it is there even if the run is ended. */
function describe({ seed, violations }: Finding): void {
  for (const { name, atMs, sentence } of violations) {
    line(`seed ${seed} at ${atMs} ms: ${name}: ${sentence}`);
    line(`  ${violationNames[name]}`);
  }
  line(`  alone: npm run simulate -- --runs 1 --seed ${seed} --trace`);
}

async function traceOne(): Promise<number> {
  const { trace, traceHash, violations, messages, setting } = await runSeed(firstSeed, true);
  for (const event of trace) line(event);
  for (const { name, atMs, sentence } of violations) line(`VIOLATION at ${atMs} ms: ${name}: ${sentence}`);
  line(`seed ${firstSeed}, ${setting}, ${messages} messages, trace ${traceHash}: ${violations.length} violations`);
  return violations.length === 0 ? 0 : 1;
}

async function simulatePlanted(): Promise<number> {
  const chosen = plantedBugs.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  if (chosen.length === 0) throw new Error(`no planted bug ${positionals.join(', ')}`);
  let found = 0;
  for (const bug of chosen) {
    const { finding, seconds } = await findPlanted(bug, { firstSeed, runs, threads });
    if (finding !== undefined) found++;
    const what = finding === undefined ? 'NOT FOUND' : `seed ${finding.seed}: ${finding.names.join(', ')}`;
    line(`${bug.name.padEnd(34)} ${bug.spec.padEnd(14)} ${what}  (${seconds.toFixed(1)} s)`);
  }
  line(`${found} of ${chosen.length} planted bugs found`);
  return found === chosen.length ? 0 : 1;
}

function rate(done: number, started: number): string {
  const seconds = (performance.now() - started) / 1_000;
  return `${seconds.toFixed(1)} s, ${(done / seconds).toFixed(1)} runs/s on ${threads} threads`;
}
