import type { ClientOptions, WorkClient } from '../peers/peer.ts';

/** Connects as the options say, for requests and jobs; what a peer needs is loaded with its first connection. */
export async function connectWork(options: ClientOptions): Promise<WorkClient> {
  if (options.kind === 'tridcomm') return await (await import('../peers/tridcomm-work.ts')).workOverTridcomm(options);
  if (options.kind === 'nats') return await (await import('../peers/nats-work.ts')).workOverNats(options);
  if (options.kind === 'zeromq') return await (await import('../peers/zeromq-work.ts')).workOverZeromq(options);
  throw new Error(`no requests or jobs over ${options.kind}`);
}
