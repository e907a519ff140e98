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
}

/** TriDComm itself: `@tridcomm/client-node` over a broker that runs; sealed, signed, authorised and checked for replay. */
export function tridcomm(site: Site, broker: BrokerProcess, use: TridcommUse = {}): Peer {
  const { name = 'TriDComm', durability = 'memory', listener = 'tls', isInMemory = false } = use;
  const address = broker.addressOf(listener);
  const optionsOf = async (member: string): Promise<ClientOptions> => {
    return { kind: 'tridcomm', address, directory: await site.member(member), durability, isInMemory };
  };
  return {
    name,
    version: 'TriDComm of this checkout',
    absent: undefined,
    start: async (count) => {
      const subscribers: ClientOptions[] = [];
      for (let i = 0; i < count; i++) subscribers.push(await optionsOf(`subscriber-${i}`));
      return {
        pid: broker.pid,
        publisher: await optionsOf('publisher'),
        subscribers,
        end: async () => Promise.resolve(),
      };
    },
  };
}
