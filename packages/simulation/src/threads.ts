import { Worker } from 'node:worker_threads';
import type { ViolationName } from './oracle.ts';
import { addTotals, noTotals, type Totals } from './report.ts';
import type { Finding, Job, Progress } from './worker.ts';

/** A range of seeds, and how to go through it. */
export interface Campaign {
  readonly firstSeed: number;
  readonly runs: number;
  readonly threads: number;
  /** Each thread ends with its first run that breaks this rule, and tells of no other. */
  readonly until?: ViolationName;
  /** Of the code to run; this package's own by default. */
  readonly workerUrl?: URL;
  readonly onProgress?: (totals: Totals, found: readonly Finding[]) => void;
}

/** Runs seeds on several threads. */
export async function runSeeds(campaign: Campaign): Promise<{ totals: Totals; findings: Finding[] }> {
  const { firstSeed, runs, until, onProgress, workerUrl = new URL('worker.js', import.meta.url) } = campaign;
  const threads = Math.max(1, Math.min(campaign.threads, runs));
  const totals = noTotals();
  const findings: Finding[] = [];
  const workers = Array.from({ length: threads }, (_, i) => {
    const job: Job = { firstSeed, runs, thread: i, threads, until };
    // Threads run what was built, whatever conditions the caller resolves packages by. What a run makes dies young.
    return new Worker(workerUrl, { workerData: job, execArgv: [], resourceLimits: { maxYoungGenerationSizeMb: 192 } });
  });
  const endAll = async (): Promise<void> => void (await Promise.all(workers.map(async (one) => one.terminate())));
  try {
    await Promise.all(
      workers.map(
        async (worker) =>
          new Promise<void>((resolve, reject) => {
            worker.on('message', (progress: Progress) => {
              addTotals(totals, progress.totals);
              findings.push(...progress.findings);
              onProgress?.(totals, progress.findings);
              if (progress.isOver) resolve();
            });
            worker.on('error', reject);
            worker.on('exit', (code) => reject(new Error(`a thread ended with ${code} before its seeds did`)));
          }),
      ),
    );
  } finally {
    await endAll();
  }
  return { totals, findings: findings.sort((a, b) => a.seed - b.seed) };
}
