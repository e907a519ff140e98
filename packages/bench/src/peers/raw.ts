import { Child } from '../processes/child.ts';
import { times, type Peer } from './peer.ts';
import type { RawServer } from './raw-server.ts';
import type { Site } from './site.ts';

/** TLS of Node with client certificates and nothing else: what the platform leaves to do without. */
export function rawTls(site: Site): Peer {
  return {
    name: 'raw Node TLS, batched writes',
    version: `OpenSSL ${process.versions.openssl}`,
    absent: undefined,
    start: async (subscribers) => {
      const server = new Child<RawServer>('peers/raw-server.js');
      const port = await server.call('listen', site.serverTls);
      const options = { kind: 'raw', port, tls: site.clientTls } as const;
      return {
        pid: server.pid,
        publisher: options,
        subscribers: times(subscribers, options),
        end: async () => await server.end(),
      };
    },
  };
}
