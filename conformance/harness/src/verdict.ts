import { firstDifference } from './difference.ts';
import type { RunReply } from './protocol.ts';
import type { ResultKind } from './result.ts';
import type { Case } from './vector-file.ts';

/** What a reply is worth. */
export interface Verdict {
  readonly result: ResultKind;
  readonly reason?: string;
}

/**
 * Compares a reply with what its case expects. A wrong code on a rightful refusal warns, unless `strictErrors`: the input
 * did no harm, and implementers should not have to get codes right before anything is green.
 */
export function judge(vector: Case, reply: RunReply, strictErrors: boolean): Verdict {
  if (reply.kind === 'skip') return { result: 'skipped', reason: reply.reason };
  if (vector.test.result === 'valid') return judgeValid(vector, reply);
  if (reply.kind === 'out') return { result: 'failed', reason: 'accepted what must be refused' };
  const allowed = vector.test.error ?? [];
  if (strictErrors) {
    if (reply.code === allowed[0]) return { result: 'passed' };
    const required = `${allowed[0]}, the first listed code, which --strict-errors requires`;
    return { result: 'failed', reason: `refused with ${reply.code} instead of ${required}` };
  }
  if (allowed.includes(reply.code)) return { result: 'passed' };
  return { result: 'warned', reason: `refused with ${reply.code} instead of ${allowed.join(' or ')}` };
}

function judgeValid({ group, test }: Case, reply: Exclude<RunReply, { kind: 'skip' }>): Verdict {
  if (reply.kind === 'error') {
    return { result: 'failed', reason: `refused with ${reply.code} what must be accepted` };
  }
  const reason = firstDifference(test.out, reply.out, 'out', group.extraOut ?? false);
  return reason === undefined ? { result: 'passed' } : { result: 'failed', reason };
}
