import { checkWidth, concat, readU64, writeU64 } from '../bytes/bytes.ts';
import { limits } from '../codepoints/limits.gen.ts';
import { patternKinds } from '../codepoints/patterns.gen.ts';
import type { Opened } from '../envelope/open.ts';
import { checkLimit, TridcommError } from '../errors.ts';
import type { EnvelopeView, JobView } from '../wire/envelope.ts';
import type { Records } from '../wire/records.ts';

/* record = key16 ‖ u64 deadline ‖ body */

/** One request or job, as its sender wrote it. */
export interface WorkRecord {
  /** The idempotency key. */
  readonly key16: Uint8Array;
  /** In ms; 0 is none, in jobs only. */
  readonly deadlineMs: number;
  readonly body: Uint8Array;
}

/** What names a record: everybody who holds the envelope calls it the same. */
export interface RecordName {
  readonly id32: Uint8Array;
  /** 0 in a whole batch. */
  readonly leaf: number;
  /** In the leaf, from 0. */
  readonly index: number;
}

/** A request or job that arrived. */
export interface Work extends WorkRecord, RecordName {
  /** Its deadline has passed: it goes to no handler. A request is answered as refused, with `E_EXPIRED`. */
  readonly isLate: boolean;
}

/**
 * The payload of a request or job; the caller's.
 *
 * @throws TridcommError `E_LIMIT`, `E_USAGE` for a deadline or key that cannot be
 */
export function encodeWork({ key16, deadlineMs, body }: WorkRecord): Uint8Array {
  checkWidth('idempotency key', key16, 16);
  checkLimit('deadline', deadlineMs, limits.safeInteger);
  if (!Number.isInteger(deadlineMs) || deadlineMs < 0) throw new TridcommError('E_USAGE', `deadline ${deadlineMs}`);
  const deadline = new Uint8Array(8);
  writeU64(deadline, 0, deadlineMs);
  return concat(key16, deadline, body);
}

/** Bytes of the payload of a request or job. */
export function workBytes({ body }: Pick<WorkRecord, 'body'>): number {
  return headBytes + body.length;
}

/**
 * What step 14 asks of the records of requests and jobs, from the front.
 *
 * @throws TridcommError `E_ENCODING`, `E_LIMIT`
 * @spec patterns.19
 */
export function checkWorkRecords({ header }: EnvelopeView | JobView, records: Records): void {
  const needsDeadline = header.patternKind !== patternKinds.pipeline.push;
  for (let i = 0; i < records.count; i++) {
    const payload = records.payload(i);
    if (payload.length < headBytes) throw new TridcommError('E_ENCODING', `record of ${payload.length} bytes`);
    const deadlineMs = readU64(payload, 16);
    if (needsDeadline && deadlineMs === 0)
      throw new TridcommError('E_ENCODING', 'request or message without a deadline');
    checkLimit('deadline', deadlineMs, limits.safeInteger);
  }
}

/**
 * The requests or jobs of an envelope, or of a leaf, that passed every check; views of its plaintext.
 *
 * @param nowMs - the clock
 * @spec patterns.20
 */
export function workOf({ id32, leaf, records, extensions }: Opened, nowMs: number): Work[] {
  const perLeaf = extensions.merkle?.jobsPerLeaf ?? records.count;
  return Array.from(records, ({ payload }, i) => {
    const deadlineMs = readU64(payload, 16);
    return {
      id32,
      leaf: leaf ?? Math.floor(i / perLeaf),
      index: leaf === undefined ? i % perLeaf : i,
      key16: payload.subarray(0, 16),
      deadlineMs,
      body: payload.subarray(headBytes),
      isLate: deadlineMs !== 0 && nowMs > deadlineMs,
    };
  });
}

const headBytes = 16 + 8;
