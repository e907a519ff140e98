import type { WorkClient } from './peer.ts';
import { openTridcomm, type TridcommOptions } from './tridcomm-client.ts';

/** Requests and jobs by the public API. */
export async function workOverTridcomm({ jobsPerLeaf, ...options }: TridcommOptions): Promise<WorkClient> {
  const client = await openTridcomm(options);
  return {
    respond: async (topic, answer) => {
      client.respond(topic, ({ data }) => answer(data), { effects: 'idempotent', concurrency });
      await client.ready();
    },
    request: async (topic, body) => (await client.request(topic, body, { timeoutMs: answerMs })).data,
    pull: async (topic, take) => {
      client.pull(topic, ({ data }) => take(data), { effects: 'idempotent', concurrency });
      await client.ready();
    },
    push: async (topic, jobs) =>
      void (await client.push(topic, jobs, jobsPerLeaf === undefined ? {} : { jobsPerLeaf })),
  };
}

/** As many as are in flight: workers of the others take all that comes. */
const concurrency = 64;
const answerMs = 30_000;
