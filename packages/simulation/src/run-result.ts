import type { Violation } from './oracle.ts';
import type { Schedule } from './schedule.ts';
import type { Tally } from './tally.ts';

/** What came of a run. */
export interface RunResult {
  readonly seed: number;
  /** `links`: the run over links and a broker with a disk; with `patterns`: of requests, jobs, messages, surveys and a bus; all others of the run over messages. */
  readonly setting: Schedule['setting'] | 'links' | `patterns, ${Schedule['setting']}`;
  readonly messages: number;
  readonly envelopes: number;
  readonly deliveries: number;
  readonly gapNumbers: number;
  readonly staleEvents: number;
  readonly forkEvents: number;
  readonly simulatedMs: number;
  readonly faults: Tally;
  readonly deeds: Tally;
  readonly refusals: Tally;
  readonly violations: readonly Violation[];
  /** Of everything that happened, in order. */
  readonly traceHash: string;
  /** One line for each, where it was asked for. */
  readonly trace: readonly string[];
}
