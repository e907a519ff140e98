import { writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { Child } from '../processes/child.ts';
import { freePort, Program, versionOf } from '../processes/program.ts';
import type { AedesServer } from './aedes-server.ts';
import { times, type Peer } from './peer.ts';
import { folderIn, type Site } from './site.ts';
import { packageVersion } from './versions.ts';

/** Mosquitto over TLS with client certificates, and mqtt.js. */
export function mosquitto(site: Site): Peer {
  const version = versionOf('mosquitto', ['-h'], /version ([\d.]+)/);
  return {
    name: 'Mosquitto TLS',
    version: `mosquitto ${version ?? 'absent'}, mqtt.js ${packageVersion('mqtt')}`,
    absent: version === undefined ? 'mosquitto is not installed' : undefined,
    start: async (subscribers) => {
      const port = await freePort();
      const config = join(folderIn(site, `mosquitto-${port}`), 'mosquitto.conf');
      writeFileSync(config, configOf(site, port));
      const server = await Program.start('mosquitto', ['-c', config], port);
      const options = { kind: 'mqtt', port, tls: site.clientTls } as const;
      return {
        pid: server.pid,
        publisher: options,
        subscribers: times(subscribers, options),
        end: async () => await server.end(),
      };
    },
  };
}

/** Aedes over TLS with client certificates, and mqtt.js. */
export function aedes(site: Site): Peer {
  return {
    name: 'Aedes TLS',
    version: `aedes ${packageVersion('aedes')}, mqtt.js ${packageVersion('mqtt')}`,
    absent: undefined,
    start: async (subscribers) => {
      const server = new Child<AedesServer>('peers/aedes-server.js');
      const port = await server.call('listen', site.serverTls);
      const options = { kind: 'mqtt', port, tls: site.clientTls } as const;
      return {
        pid: server.pid,
        publisher: options,
        subscribers: times(subscribers, options),
        end: async () => await server.end(),
      };
    },
  };
}

function configOf({ serverTls }: Site, port: number): string {
  const lines = [
    `listener ${port} 127.0.0.1`,
    `cafile ${serverTls.ca}`,
    `certfile ${serverTls.certificate}`,
    `keyfile ${serverTls.privateKey}`,
    'require_certificate true',
    'allow_anonymous true',
    'tls_version tlsv1.3',
    // Nothing is dropped for a subscriber that is behind.
    'max_queued_messages 0',
    'max_queued_bytes 0',
    'max_inflight_messages 0',
    'queue_qos0_messages true',
    'set_tcp_nodelay true',
    // Started by root it would become somebody who may not read the certificates.
    `user ${userInfo().username}`,
  ];
  return `${lines.join('\n')}\n`;
}
