import type { Case } from './vector-file.ts';

/** How a case ended. A warned case passed, though not with the code it should have. */
export type ResultKind = 'passed' | 'failed' | 'skipped' | 'warned';

/** What is known about one case after the run. */
export interface CaseResult {
  readonly case: Case;
  readonly result: ResultKind;
  /** Why; absent if passed. */
  readonly reason?: string;
  /** From the sending of the case to its answer, with what the adapter did for other cases in between. */
  readonly ms: number;
  /** The adapter's reply without its id; absent if there was none. */
  readonly got?: unknown;
  /** The last lines that the adapter wrote to stderr before the failure. */
  readonly stderr?: readonly string[];
  /** The reason in the known-failing file, if the case failed and is listed there. */
  readonly expectedFailure?: string;
}

/** The counts that each report shows: passed (warned ones included) + failed + skipped + expectedFailures = all. */
export interface Summary {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly warned: number;
  readonly expectedFailures: number;
}

/** Counts results. */
export function summarize(results: readonly CaseResult[]): Summary {
  const count = (kind: ResultKind): number => results.filter(({ result }) => result === kind).length;
  const expectedFailures = results.filter(({ expectedFailure }) => expectedFailure !== undefined).length;
  return {
    passed: count('passed') + count('warned'),
    failed: count('failed') - expectedFailures,
    skipped: count('skipped'),
    warned: count('warned'),
    expectedFailures,
  };
}
