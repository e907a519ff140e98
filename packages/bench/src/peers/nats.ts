import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, Program, versionOf } from '../processes/program.ts';
import { times, type ClientOptions, type MessageKeys, type Peer } from './peer.ts';
import { folderIn, type Site } from './site.ts';
import { packageVersion } from './versions.ts';

/** How NATS is used. */
export type NatsUse = 'plain' | 'secured' | 'jetstream';

/** nats-server over TLS with client certificates, and its official client. */
export function nats(site: Site, use: NatsUse = 'plain'): Peer {
  const version = versionOf('nats-server', ['--version'], /v([\d.]+)/);
  return {
    name: names[use],
    version: `nats-server ${version ?? 'absent'}${isOld(version) ? ' (old)' : ''}, client ${packageVersion('@nats-io/transport-node')}`,
    absent: version === undefined ? 'nats-server is not installed' : undefined,
    start: async (subscribers) => {
      const port = await freePort();
      const folder = folderIn(site, `nats-${use}-${port}`);
      const config = join(folder, 'nats.conf');
      writeFileSync(config, configOf(site, port, use === 'jetstream' ? join(folder, 'jetstream') : undefined));
      const server = await Program.start('nats-server', ['-c', config], port);
      const options = optionsOf(site, port, use);
      return {
        pid: server.pid,
        publisher: options,
        subscribers: times(subscribers, options),
        end: async () => await server.end(),
      };
    },
  };
}

function optionsOf(site: Site, port: number, use: NatsUse): ClientOptions {
  const common = { port, tls: site.clientTls };
  if (use === 'jetstream') return { kind: 'jetstream', ...common };
  return { kind: 'nats', ...common, ...(use === 'secured' && { secured: messageKeys() }) };
}

/** As both ends would have them: one key that all share, and a pair for the sender. */
function messageKeys(): MessageKeys {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return {
    key32: randomBytes(32).toString('base64'),
    privateKey: privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64'),
    publicKey: publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
  };
}

function configOf({ serverTls }: Site, port: number, storeFolder: string | undefined): string {
  const { ca, certificate, privateKey } = serverTls;
  const lines = [
    `listen: "127.0.0.1:${port}"`,
    `tls { cert_file: "${certificate}", key_file: "${privateKey}", ca_file: "${ca}", verify: true, timeout: 20 }`,
    // A subscriber that is behind is not let go: what waits for it counts as long as it takes.
    'max_pending: 1000000000',
    'write_deadline: "60s"',
    'max_connections: 100000',
    'max_payload: 1048576',
    ...(storeFolder === undefined ? [] : [`jetstream { store_dir: "${storeFolder}", max_file_store: 8000000000 }`]),
  ];
  return `${lines.join('\n')}\n`;
}

function isOld(version: string | undefined): boolean {
  const [major = 0, minor = 0] = (version ?? '').split('.').map(Number);
  return major < 2 || (major === 2 && minor < 10);
}

const names: Readonly<Record<NatsUse, string>> = {
  plain: 'NATS TLS',
  secured: 'NATS TLS, each message AES-GCM and Ed25519',
  jetstream: 'JetStream, file storage',
};
