/*
 * An MQTT broker in Node, as a process of its own.
 */
import { once } from 'node:events';
import { createServer } from 'node:tls';
import { Aedes } from 'aedes';
import { serve } from '../processes/serve.ts';
import type { TlsPaths } from './peer.ts';
import { serverOptions } from './tls-options.ts';

/** What the process serves. */
export class AedesServer {
  /** @returns the port */
  async listen(tls: TlsPaths): Promise<number> {
    const broker = await Aedes.createBroker();
    const server = createServer(serverOptions(tls), (socket) => void broker.handle(socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as { readonly port: number }).port;
  }
}

serve(new AedesServer());
