import type { HelloReply } from './protocol.ts';
import { summarize } from './result.ts';
import type { CaseResult, ResultKind, Summary } from './result.ts';

/** Everything that a run found out. */
export interface Run {
  readonly implementation: Implementation;
  readonly vectorsVersion: string;
  readonly strictErrors: boolean;
  readonly results: readonly CaseResult[];
  /** Why the adapter was given up before the end; absent if it wasn't. */
  readonly broken?: string;
}

/** Who was tested. */
export type Implementation = Pick<HelloReply, 'name' | 'version' | 'language' | 'url' | 'features'>;

/** The JSON report. */
export interface Report {
  readonly schema: typeof reportSchema;
  readonly implementation: Implementation;
  readonly vectorsVersion: string;
  readonly strictErrors: boolean;
  readonly summary: Summary;
  readonly results: readonly ReportedResult[];
}

/** One case in the JSON report. */
export interface ReportedResult {
  readonly id: string;
  readonly file: string;
  readonly result: ResultKind;
  readonly reason?: string;
  /** True on a failed case that is listed as known failing; the summary counts it under expectedFailures. */
  readonly expected?: true;
  readonly ms: number;
}

/** Name and version of the JSON report's shape. */
export const reportSchema = 'tridcomm-report/1';

/** Turns a run into its JSON report. */
export function buildReport({ implementation, vectorsVersion, strictErrors, results }: Run): Report {
  return {
    schema: reportSchema,
    implementation,
    vectorsVersion,
    strictErrors,
    summary: summarize(results),
    results: results.map(reportResult),
  };
}

function reportResult({ case: vector, result, reason, expectedFailure, ms }: CaseResult): ReportedResult {
  return {
    id: vector.test.id,
    file: vector.file,
    result,
    ...(reason === undefined ? {} : { reason }),
    ...(expectedFailure === undefined ? {} : { expected: true }),
    ms: Math.round(ms * 100) / 100,
  };
}
