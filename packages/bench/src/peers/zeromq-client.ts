import { Publisher, Subscriber } from 'zeromq';
import type { ClientOptions, PeerClient } from './peer.ts';

/** Of ZeroMQ. */
export type ZeromqOptions = Extract<ClientOptions, { readonly kind: 'zeromq' }>;

/** A socket that publishes or hears, as it is first used: the publisher is the server. */
export async function connectZeromq({ port, keys }: ZeromqOptions): Promise<PeerClient> {
  const address = `tcp://127.0.0.1:${port}`;
  let publisher: Publisher | undefined;
  let subscriber: Subscriber | undefined;
  return {
    subscribe: async (topic, take) => {
      subscriber = new Subscriber({
        receiveHighWaterMark: 0,
        curveServerKey: keys.serverPublic,
        curvePublicKey: keys.clientPublic,
        curveSecretKey: keys.clientSecret,
      });
      subscriber.connect(address);
      subscriber.subscribe(topic);
      void hear(subscriber, take);
      return Promise.resolve();
    },
    publish: async (topic, messages) => {
      if (publisher === undefined) {
        publisher = new Publisher({ sendHighWaterMark: 0, curveServer: true, curveSecretKey: keys.serverSecret });
        await publisher.bind(address);
        await new Promise((resolve) => setTimeout(resolve, joinMs));
      }
      for (const message of messages) await publisher.send([topic, message as Buffer]);
    },
    close: async () => {
      publisher?.close();
      subscriber?.close();
      return Promise.resolve();
    },
  };
}

async function hear(subscriber: Subscriber, take: (message: Uint8Array) => void): Promise<void> {
  for await (const [, message] of subscriber) take(message!);
}

/** After that everybody is connected: nobody says when. */
export const joinMs = 1_000;
