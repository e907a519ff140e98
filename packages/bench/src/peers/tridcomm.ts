import type { BrokerProcess } from './broker-process.ts';
import type { ClientOptions, Peer } from './peer.ts';
import type { Site } from './site.ts';

/** Adjusts how TriDComm is used. */
export interface TridcommUse {
  readonly name?: string;
  readonly durability?: 'memory' | 'disk';
  readonly listener?: 'tls' | 'noise';
  /** Whether clients keep their identity in memory: what many connections of one process need. */
  readonly isInMemory?: boolean;
  /** Ask, push and work in the pool of the site, in place of publishing and hearing. */
  readonly isPool?: boolean;
  /** Jobs that the broker may not part; default all of an envelope. */
  readonly jobsPerLeaf?: number;
}

/** TriDComm itself: `@tridcomm/client-node` over a broker that runs; sealed, signed, authorised and checked for replay. */
export function tridcomm(site: Site, broker: BrokerProcess, use: TridcommUse = {}): Peer {
  const { name = 'TriDComm', durability = 'memory', listener = 'tls', isInMemory = false, jobsPerLeaf } = use;
  const common = { kind: 'tridcomm', address: broker.addressOf(listener), durability, isInMemory } as const;
  const ofPool = { ...common, ...(jobsPerLeaf !== undefined && { jobsPerLeaf }) };
  const sender = async (): Promise<ClientOptions> => {
    if (use.isPool === true) return { ...ofPool, directory: await site.asker('asker') };
    return { ...common, directory: await site.member('publisher') };
  };
  const receiver = async (number: number): Promise<ClientOptions> => {
    if (use.isPool === true) return { ...ofPool, directory: await site.worker(`worker-${number}`) };
    return { ...common, directory: await site.member(`subscriber-${number}`) };
  };
  return {
    name,
    version: 'TriDComm of this checkout',
    absent: undefined,
    start: async (count) => {
      const subscribers: ClientOptions[] = [];
      for (let i = 0; i < count; i++) subscribers.push(await receiver(i));
      return {
        pid: broker.pid,
        publisher: await sender(),
        subscribers,
        end: async () => Promise.resolve(),
      };
    },
  };
}
