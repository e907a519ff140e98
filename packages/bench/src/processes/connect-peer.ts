import type { ClientOptions, PeerClient } from '../peers/peer.ts';

/** Connects as the options say; what a peer needs is loaded with its first connection. */
export async function connectPeer(options: ClientOptions): Promise<PeerClient> {
  if (options.kind === 'tridcomm') return await (await import('../peers/tridcomm-client.ts')).connectTridcomm(options);
  if (options.kind === 'nats') return await (await import('../peers/nats-client.ts')).connectNats(options);
  if (options.kind === 'jetstream') return await (await import('../peers/nats-client.ts')).connectJetstream(options);
  if (options.kind === 'mqtt') return await (await import('../peers/mqtt-client.ts')).connectMqtt(options);
  if (options.kind === 'zeromq') return await (await import('../peers/zeromq-client.ts')).connectZeromq(options);
  return await (await import('../peers/raw-client.ts')).connectRaw(options);
}
