/** Steps of `trust.run` and the answer that each must have. */
import type { Group } from './cases.ts';
import type { Json, Members } from './json.ts';
import { hex, type Bytes } from './twin/bytes.ts';
import { AUTHORITY } from './authority.ts';
import { NOW } from './world.ts';

export interface TrustStep {
  in: Members;
  result: Json;
}

export const HELD: Json = { held: true };
export const KNOWN: Json = { known: true };
const resultOf = (r: Json): Json => (typeof r === 'string' ? { error: r } : r);

/** `result` is a code, or one of the two above. */
export function objectStep(
  kind: number,
  o: { bytes: Bytes } | Bytes,
  result: Json = HELD,
  now: bigint = NOW,
): TrustStep {
  const bytes = o instanceof Uint8Array ? o : o.bytes;
  return { in: { now: now.toString(), object: hex(bytes), kind }, result: resultOf(result) };
}
export function headStep(o: { bytes: Bytes } | Bytes, result: Json = HELD, now: bigint = NOW): TrustStep {
  const bytes = o instanceof Uint8Array ? o : o.bytes;
  return { in: { now: now.toString(), head: hex(bytes) }, result: resultOf(result) };
}
export function groupHeadStep(bytes: Bytes, groupId: Bytes, result: Json, now: bigint = NOW): TrustStep {
  return { in: { now: now.toString(), groupHead: hex(bytes), groupId: hex(groupId) }, result: resultOf(result) };
}
export function answerStep(bytes: Bytes, nonce: Bytes, result: Json = HELD, now: bigint = NOW): TrustStep {
  return { in: { now: now.toString(), answer: hex(bytes), nonce: hex(nonce) }, result: resultOf(result) };
}

/** The authority record with which most runs begin. */
export const FIRST: TrustStep = objectStep(1, AUTHORITY.object);

export type Run = (
  id: string,
  comment: string,
  spec: string[],
  flags: string[],
  steps: TrustStep[],
  over?: { authorityId?: Bytes; skewMs?: bigint },
) => void;

export function runner(g: Group): Run {
  return (id, comment, spec, flags, steps, over = {}) => {
    const input: Members = { authorityId: hex(over.authorityId ?? AUTHORITY.authorityId) };
    if (over.skewMs !== undefined) input['skewMs'] = over.skewMs.toString();
    input['steps'] = steps.map((s) => s.in);
    g.valid(id, { comment, in: input, out: { results: steps.map((s) => s.result) }, spec, flags });
  };
}
