import { TridcommError, type JobFields } from '@tridcomm/core';
import { hexOf } from '@tridcomm/core/internal';
import { workHeadBytes } from './pattern-bounds.ts';
import type { PatternParts } from './pattern-parts.ts';
import { payloadOf } from './payloads.ts';
import type { Durability, Receipt } from './publish-outcome.ts';
import type { Sealed } from './publisher.ts';
import { checkKey, checkObject, type JobInput, type PushOptions } from './request-options.ts';
import type { Sized } from './send-queue.ts';

/** A job that waits to be sealed. */
interface JobItem extends JobFields, Sized {}

/**
 * Pushes jobs: as a publication, and each is for one of those who take the work of the topic.
 *
 * @param durability - that of the client, where the options have none
 * @spec patterns.15, delivery.28
 */
export async function pushJobs(
  parts: PatternParts,
  topic: string,
  jobs: readonly (Uint8Array | string | JobInput)[],
  { durability, jobsPerLeaf, signal }: PushOptions & { readonly durability: Durability },
): Promise<Receipt> {
  signal?.throwIfAborted();
  checkForm(parts.carrier, durability, jobsPerLeaf);
  if (!Array.isArray(jobs)) throw new TridcommError('E_USAGE', 'jobs: an array is taken');
  const items = jobs.map((job) => itemOf(topic, job));
  if (items.length === 0) throw new TridcommError('E_USAGE', 'no job: at least one is taken');
  const options = jobsPerLeaf === undefined ? {} : { jobsPerLeaf };
  const seal = (waiting: readonly JobItem[]): Sealed =>
    parts.inParts(waiting, (part) => {
      const { envelopes, names } = parts.client().push(topic, part, Date.now(), options);
      // The names of an envelope share its id.
      const ids = new Map(names.map(({ id32 }) => [hexOf(id32), id32] as const));
      return { envelopes, ids: [...ids.values()] };
    });
  const kind = `job/${jobsPerLeaf ?? ''}`;
  const ids = await parts.publisher().send({ topic, durability, kind, items, seal }, signal);
  return { topic, durability, id: ids[0]!, ids };
}

/** @throws TridcommError `E_POLICY` for what nobody, or this carrier, can do with jobs; `E_USAGE` @spec bindings.20, delivery.28 */
function checkForm(carrier: string | undefined, durability: Durability, jobsPerLeaf: number | undefined): void {
  if (durability === 'disk') throw new TridcommError('E_POLICY', 'durability disk: brokers hold jobs in their memory');
  if (carrier !== undefined && durability !== 'none') {
    throw new TridcommError(
      'E_POLICY',
      `durability ${durability}: ${carrier} gives a job at most once; push with none`,
    );
  }
  if (jobsPerLeaf === undefined) return;
  if (carrier !== undefined) throw new TridcommError('E_POLICY', `jobsPerLeaf: ${carrier} gives whole envelopes`);
  if (!Number.isInteger(jobsPerLeaf) || jobsPerLeaf < 1 || jobsPerLeaf > mostJobsPerLeaf) {
    throw new TridcommError('E_USAGE', `jobsPerLeaf ${jobsPerLeaf}, from 1 to ${mostJobsPerLeaf}`);
  }
}

function itemOf(topic: string, job: Uint8Array | string | JobInput): JobItem {
  if (typeof job === 'string' || job instanceof Uint8Array) {
    const body = payloadOf(topic, job);
    return { body, length: workHeadBytes + body.length };
  }
  checkObject('job', job);
  const { key, deadlineMs = 0 } = job;
  checkKey(key);
  if (!Number.isSafeInteger(deadlineMs) || deadlineMs < 0) throw new TridcommError('E_USAGE', `deadline ${deadlineMs}`);
  const body = payloadOf(topic, job.body);
  const key16 = key === undefined ? {} : { key16: new Uint8Array(key) };
  return { body, length: workHeadBytes + body.length, deadlineMs, ...key16 };
}

const mostJobsPerLeaf = 0xffff;
