import { once } from 'node:events';
import { connect } from 'node:tls';
import type { ClientOptions, PeerClient } from './peer.ts';
import { publisherByte, subscriberByte } from './raw-protocol.ts';
import { clientOptions } from './tls-options.ts';

type Options = Extract<ClientOptions, { readonly kind: 'raw' }>;

/** Messages behind their lengths, many in one write. */
export async function connectRaw({ port, tls }: Options): Promise<PeerClient> {
  const socket = connect({ host: '127.0.0.1', port, ...clientOptions(tls) });
  await once(socket, 'secureConnect');
  socket.setNoDelay(true);
  socket.on('error', () => {});
  let isPublisher = false;
  return {
    subscribe: async (_, take) => {
      socket.write(Uint8Array.of(subscriberByte));
      await once(socket, 'data');
      const cutter = new Cutter(take);
      socket.on('data', (chunk) => cutter.push(chunk));
    },
    publish: async (_, messages) => {
      if (!isPublisher) {
        isPublisher = true;
        socket.write(Uint8Array.of(publisherByte));
        // Otherwise what follows is taken for a part of it.
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      if (!socket.write(framed(messages))) await once(socket, 'drain');
    },
    close: async () => {
      socket.destroy();
      return Promise.resolve();
    },
  };
}

function framed(messages: readonly Uint8Array[]): Buffer {
  let length = 0;
  for (const message of messages) length += 4 + message.length;
  const out = Buffer.allocUnsafe(length);
  let at = 0;
  for (const message of messages) {
    out.writeUInt32BE(message.length, at);
    out.set(message, at + 4);
    at += 4 + message.length;
  }
  return out;
}

/** Cuts a stream into messages. */
class Cutter {
  readonly #take: (message: Uint8Array) => void;
  #rest: Buffer = Buffer.alloc(0);

  constructor(take: (message: Uint8Array) => void) {
    this.#take = take;
  }

  push(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (bytes.length - at >= 4) {
      const end = at + 4 + bytes.readUInt32BE(at);
      if (end > bytes.length) break;
      this.#take(bytes.subarray(at + 4, end));
      at = end;
    }
    this.#rest = bytes.subarray(at);
  }
}
