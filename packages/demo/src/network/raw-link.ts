import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { Trust, type SigningKey } from '@tridcomm/core';
import { LinkEngine, linkModes, tlsExporterLabel, type LinkMessage } from '@tridcomm/core/link';
import { nodeProvider } from '@tridcomm/core/node';

/** Who opens a link. */
export interface Opener {
  readonly key: SigningKey;
  readonly principalRecord: Uint8Array;
  readonly authorityId32: Uint8Array;
  /** Of the identity: its certificate is in there. */
  readonly directory: string;
}

/** A link over a socket of its own, for who sends what the client would not. */
export class RawLink {
  readonly messages: LinkMessage[] = [];
  readonly #socket: TLSSocket;
  readonly #engine: LinkEngine;
  #isOver = false;

  private constructor(socket: TLSSocket, { key, principalRecord, authorityId32 }: Opener) {
    this.#socket = socket;
    const exporter32 = new Uint8Array(socket.exportKeyingMaterial(32, tlsExporterLabel, Buffer.alloc(0)));
    const names = socket.getPeerX509Certificate()?.subjectAltName ?? '';
    const provider = nodeProvider;
    this.#engine = new LinkEngine(
      {
        provider,
        random: (length) => new Uint8Array(randomBytes(length)),
        now: Date.now,
        side: 'initiator',
        mode: linkModes.tls,
        key,
        principalRecord,
        trust: new Trust({ provider, authorityId32 }),
        authorityRecords: () => [],
        expectedName: 'broker',
        tls: { exporter32, certificateNames: names.match(/tdc:[0-9a-f]{64}/g) ?? [] },
      },
      (chunks) => {
        for (const chunk of chunks) socket.write(Uint8Array.from(chunk));
      },
    );
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('error', () => (this.#isOver = true));
    socket.on('close', () => (this.#isOver = true));
    this.#engine.start();
  }

  /** Resolves when the link is open. */
  static async open(port: number, opener: Opener): Promise<RawLink> {
    const link = new RawLink(await secured(port, opener.directory), opener);
    await link.until(() => link.#engine.state === 'open');
    return link;
  }

  send(message: LinkMessage): void {
    this.#engine.send(message);
  }

  /** Writes bytes past the engine. */
  write(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** @returns false where the link is over, or nothing of it came within 10 s */
  async until(test: () => boolean): Promise<boolean> {
    const endMs = performance.now() + 10_000;
    while (!test()) {
      if (this.#isOver || performance.now() > endMs) return false;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return true;
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(chunk: Uint8Array): void {
    if (this.#isOver) return;
    try {
      this.#engine.receive(chunk, (message) => void this.messages.push(message));
    } catch {
      this.#isOver = true;
    }
  }
}

/** A TLS connection to the broker with the certificate of an identity. */
export async function secured(port: number, directory: string): Promise<TLSSocket> {
  const pem = (name: string): Buffer => readFileSync(join(directory, name));
  const socket = connect({
    host: '127.0.0.1',
    port,
    ca: pem('tls-ca.pem'),
    cert: pem('tls-cert.pem'),
    key: pem('tls-key.pem'),
    minVersion: 'TLSv1.3',
    // Whose it is the link says.
    checkServerIdentity: () => undefined,
  });
  await once(socket, 'secureConnect');
  return socket;
}
