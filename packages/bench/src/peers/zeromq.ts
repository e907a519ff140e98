import { freePort } from '../processes/program.ts';
import { times, type CurveKeys, type Peer } from './peer.ts';
import { packageVersion } from './versions.ts';

/** PUB and SUB of libzmq with CURVE: there is no broker between them. */
export async function zeromq(): Promise<Peer> {
  let library: typeof import('zeromq') | undefined;
  let why = '';
  try {
    library = await import('zeromq');
  } catch (error) {
    why = `zeromq cannot be loaded: ${error instanceof Error ? error.message : String(error)}`;
  }
  return {
    name: 'ZeroMQ CURVE, no broker',
    version: `zeromq.js ${packageVersion('zeromq')}${library === undefined ? '' : `, libzmq ${library.version}`}`,
    absent: library === undefined ? why : library.capability.curve === true ? undefined : 'libzmq without CURVE',
    start: async (subscribers) => {
      const options = { kind: 'zeromq', port: await freePort(), keys: keysOf(library!) } as const;
      return {
        pid: undefined,
        publisher: options,
        subscribers: times(subscribers, options),
        end: async () => Promise.resolve(),
      };
    },
  };
}

function keysOf({ curveKeyPair }: typeof import('zeromq')): CurveKeys {
  const [server, client] = [curveKeyPair(), curveKeyPair()];
  return {
    serverPublic: server.publicKey,
    serverSecret: server.secretKey,
    clientPublic: client.publicKey,
    clientSecret: client.secretKey,
  };
}
