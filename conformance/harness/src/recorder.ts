import type { JsonObject } from './parse-line.ts';
import { ProtocolFault } from './protocol.ts';
import { readRunReply } from './parse-line.ts';
import type { CaseResult } from './result.ts';
import type { Case } from './vector-file.ts';
import { judge } from './verdict.ts';

/** What surrounds an answer or its absence. */
export interface Circumstances {
  readonly ms: number;
  /** Gives the stderr lines since the last call; called only where they will be shown. */
  readonly takeStderr: () => readonly string[];
}

/** Collects the results of a run. */
export class Recorder {
  readonly #results = new Map<Case, CaseResult>();
  readonly #strictErrors: boolean;

  /** @param strictErrors - whether a wrong code is a failure */
  constructor(strictErrors: boolean) {
    this.#strictErrors = strictErrors;
  }

  /** Judges a reply. */
  answer(vector: Case, line: JsonObject, circumstances: Circumstances): void {
    const { id: _, ...got } = line;
    try {
      const verdict = judge(vector, readRunReply(line), this.#strictErrors);
      const stderr = verdict.result === 'failed' ? circumstances.takeStderr() : [];
      this.#results.set(vector, { case: vector, ...verdict, ms: circumstances.ms, got, stderr });
    } catch (fault) {
      if (!(fault instanceof ProtocolFault)) throw fault;
      this.fail(vector, `the adapter ${fault.message}`, circumstances, got);
    }
  }

  /** Fails a case whatever it answered before. */
  fail(vector: Case, reason: string, { ms, takeStderr }: Circumstances, got?: unknown): void {
    this.#results.set(vector, { case: vector, result: 'failed', reason, ms, got, stderr: takeStderr() });
  }

  /** Notes a case that wasn't sent. */
  skip(vector: Case, reason: string): void {
    this.#results.set(vector, { case: vector, result: 'skipped', reason, ms: 0 });
  }

  /** Skips those of the cases that have no result yet. */
  skipRest(cases: readonly Case[], reason: string): void {
    for (const vector of cases) if (!this.#results.has(vector)) this.skip(vector, reason);
  }

  /** The results, in the order of the given cases; those without one are left out. */
  results(cases: readonly Case[]): CaseResult[] {
    return cases.flatMap((vector) => this.#results.get(vector) ?? []);
  }
}
