/*
 * A member, as a process of its own: its keys are made here and stay here.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, readFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { addressTypes, Identity, MemoryStore, type PrincipalRecord } from '@tridcomm/core';
import { decodePrincipalRecord, objectKinds, parseObject } from '@tridcomm/core/internal';
import { durabilities } from '@tridcomm/core/link';
import { nodeProvider } from '@tridcomm/core/node';
import { connect, enrol, FileStore, type TridcommClient } from '@tridcomm/client-node';
import { Thief } from '../thief.ts';
import { Flow, type Flowed } from './flow.ts';
import { Inbox, type Received } from './inbox.ts';
import { RawLink, secured, type Opener } from './raw-link.ts';
import { codeOf, serve } from './serve.ts';

/** A status event, as far as the story needs it. */
export interface Heard {
  readonly type: string;
  readonly code: string | undefined;
  readonly epoch: number | undefined;
  readonly atMs: number;
}

/** What became of a file that was sent. */
export interface SentFile {
  readonly bytes: number;
  readonly messages: number;
  readonly sha256: string;
}

/** What keys on a disk open. */
export interface Tried {
  readonly epochKeys: number;
  readonly nodeKeys: number;
  readonly oldOpened: number;
  readonly newOpened: number;
  readonly blockEntries: number;
  readonly blockOpened: number;
}

/** What the process serves. */
export class MemberProcess {
  #directory = '';
  #authorityId32 = new Uint8Array(0);
  #store!: FileStore;
  #client!: TridcommClient;
  #flow: Flow | undefined;
  readonly #inboxes = new Map<string, Inbox>();
  readonly #heard: Heard[] = [];

  /** Makes keys, and has the authority sign a record and a certificate for them. @returns the key id, in hex */
  async enrol(directory: string, socket: string, name: string): Promise<string> {
    const { keyId32, authorityId32 } = await enrol(directory, socket, name, { tls: true });
    this.#directory = directory;
    this.#authorityId32 = authorityId32.slice();
    return Buffer.from(keyId32).toString('hex');
  }

  /** Connects, and waits until all is known that the authority says. */
  async connect(address: string): Promise<void> {
    this.#store = FileStore.open(this.#directory);
    this.#client = await connect(address, { identity: this.#store, brokerName: 'broker' });
    this.#client.addEventListener('status', ({ status }) => {
      const code = 'error' in status && status.error !== undefined ? codeOf(status.error) : undefined;
      const epoch = status.type === 'view' ? status.epoch : undefined;
      const type = status.type === 'refused' ? `refused ${status.what}` : status.type;
      this.#heard.push({ type, code, epoch, atMs: Date.now() });
    });
    await this.#client.ready();
  }

  /** Subscribes, and keeps what comes under a name. @param from - a position of the broker's log, or `live` */
  async subscribe(inbox: string, pattern: string, from: number | 'live'): Promise<void> {
    this.#inboxes.set(inbox, new Inbox(this.#client.subscribe(pattern, { from }), from !== 'live'));
    await this.#client.ready();
  }

  /** @returns what an inbox has when it has so many messages, or after the time */
  async received(inbox: string, messages: number, withinMs: number): Promise<Received> {
    return await this.#inboxes.get(inbox)!.until(messages, withinMs);
  }

  /** Sends each text on its own, and waits until the broker has it on its disk. */
  async send(topic: string, texts: readonly string[]): Promise<void> {
    for (const text of texts) await this.#client.publish(topic, text, { durability: 'disk' });
  }

  /** Sends a file in messages of up to 16 KiB, and waits until the broker has them on its disk. */
  async sendFile(topic: string, path: string): Promise<SentFile> {
    const hash = createHash('sha256');
    const unanswered = new Set<Promise<unknown>>();
    let [bytes, messages] = [0, 0];
    const send = async (payload: Uint8Array): Promise<void> => {
      const one = this.#client.publish(topic, payload, { durability: 'disk' }).finally(() => unanswered.delete(one));
      unanswered.add(one);
      messages++;
      if (unanswered.size >= mostUnanswered) await Promise.race(unanswered);
    };
    for await (const chunk of createReadStream(path, { highWaterMark: messageBytes })) {
      const payload = Uint8Array.from(chunk as Buffer);
      hash.update(payload);
      bytes += payload.length;
      await send(payload);
    }
    if (messages === 0) await send(new Uint8Array(0));
    await Promise.all(unanswered);
    return { bytes, messages, sha256: hash.digest('hex') };
  }

  /** Begins to send numbered messages. */
  startFlow(topic: string, label: string): void {
    this.#flow = new Flow(this.#client, topic, label);
  }

  flowed(): Flowed {
    return this.#flow!.flowed;
  }

  async stopFlow(): Promise<Flowed> {
    return await this.#flow!.stop();
  }

  /** What happened so far. */
  heard(): readonly Heard[] {
    return this.#heard;
  }

  /** Ends the client. */
  async leave(): Promise<void> {
    await this.#client.close();
  }

  /**
   * Connects once more, with something that is wrong.
   *
   * @param certificateOf - directory of the identity whose certificate is shown; default the own one
   * @returns the code of the refusal, as the member sees it
   */
  async knock(port: number, certificateOf: string | undefined, brokerName: string): Promise<string> {
    const pem = (name: string): Buffer => readFileSync(join(certificateOf ?? this.#directory, name));
    const tls = { ca: pem('tls-ca.pem'), cert: pem('tls-cert.pem'), key: pem('tls-key.pem') };
    // One client at a time has a store.
    const identity = new MemoryStore();
    for (const [name, value] of this.#store.entries('')) identity.put(name, value);
    const { authorityId32: authorityId } = this.#opener();
    try {
      const client = await connect(`tls://127.0.0.1:${port}`, { identity, authorityId, brokerName, tls });
      // Over TLS the broker has the last word, which a client has not heard when its own part is done.
      const lost = new Promise<string>((resolve) => {
        client.addEventListener('status', ({ status }) => {
          if (status.type === 'disconnected') resolve(status.error === undefined ? 'closed' : codeOf(status.error));
        });
      });
      const outcome = await Promise.race([lost, client.ready().then(() => 'accepted')]);
      await client.close();
      return outcome;
    } catch (error) {
      return codeOf(error);
    }
  }

  /** Sends bytes to the port of the broker without TLS, and waits for the end. @returns what it answered, in bytes */
  async speakPlainly(port: number, bytes: Uint8Array): Promise<number> {
    const socket = connectTcp(port, '127.0.0.1');
    return await answered(socket, bytes);
  }

  /** The same over TLS, in place of a link. */
  async speakNonsense(port: number, bytes: Uint8Array): Promise<number> {
    return await answered(await secured(port, this.#directory), bytes);
  }

  /** Opens a link in order, and then sends bytes past it, until the broker ends it. */
  async garble(port: number, bytes: Uint8Array): Promise<void> {
    const link = await RawLink.open(port, this.#opener());
    link.write(bytes);
    await link.until(() => link.messages.some(({ type }) => type === 'close'));
    link.close();
  }

  /** Opens a link in order, and hands an envelope in. @returns the code of the refusal, or `accepted` */
  async handIn(port: number, envelope: Uint8Array): Promise<string> {
    const link = await RawLink.open(port, this.#opener());
    link.send({ type: 'envelope', durability: durabilities.disk, envelope: Uint8Array.from(envelope) });
    const isAnswer = ({ type }: { readonly type: string }): boolean => type === 'ack' || type === 'reject';
    await link.until(() => link.messages.some(isAnswer));
    link.close();
    const answer = link.messages.find(isAnswer);
    if (answer === undefined) return 'cut';
    return answer.type === 'reject' ? answer.code : 'accepted';
  }

  /** Tries every key on this member's disk, with signatures unchecked. */
  tryKeys(
    groupId16: Uint8Array,
    sender: { readonly keyId32: Uint8Array; readonly publicKey32: Uint8Array },
    old: readonly Uint8Array[],
    fresh: readonly Uint8Array[],
    block: Uint8Array,
  ): Tried {
    const loot = {
      store: this.#store,
      prekeys: this.#identity().prekeys,
      record: this.#record(),
      authorityId32: this.#authorityId32,
      groupId16: Uint8Array.from(groupId16),
    };
    const thief = new Thief(loot, {
      keyId32: Uint8Array.from(sender.keyId32),
      publicKey32: Uint8Array.from(sender.publicKey32),
    });
    const { entries, opened } = thief.unlocks(Uint8Array.from(block));
    const copies = (all: readonly Uint8Array[]): Uint8Array[] => all.map((one) => Uint8Array.from(one));
    return {
      epochKeys: thief.epochKeys.length,
      nodeKeys: thief.nodeKeyCount,
      oldOpened: thief.opens(copies(old)),
      newOpened: thief.opens(copies(fresh)),
      blockEntries: entries,
      blockOpened: opened,
    };
  }

  #identity(): Identity {
    const stored = this.#store.get('identity')!;
    return Identity.restore(nodeProvider, (length) => new Uint8Array(randomBytes(length)), stored);
  }

  #record(): PrincipalRecord {
    const bytes = this.#recordBytes();
    return decodePrincipalRecord(nodeProvider, parseObject(nodeProvider, bytes, objectKinds.principalRecord));
  }

  #recordBytes(): Uint8Array {
    const { keyId32 } = this.#identity().key;
    const name = `object/${addressTypes.principalRecord}/${Buffer.from(keyId32).toString('hex')}`;
    return (this.#store.get(name) ?? this.#store.get('client/principal-record'))!;
  }

  #opener(): Opener {
    return {
      key: this.#identity().key,
      principalRecord: this.#recordBytes(),
      authorityId32: this.#authorityId32,
      directory: this.#directory,
    };
  }
}

/** Sends bytes, and counts those that come back until the other side ends. */
async function answered(
  socket: Pick<NodeJS.WritableStream, 'write'> & NodeJS.ReadableStream & { destroy(): unknown },
  bytes: Uint8Array,
): Promise<number> {
  let count = 0;
  await new Promise<void>((resolve) => {
    socket.on('data', (chunk: Buffer) => (count += chunk.length));
    socket.on('error', () => resolve());
    socket.on('close', () => resolve());
    socket.on('end', () => resolve());
    socket.write(Buffer.from(bytes));
  });
  socket.destroy();
  return count;
}

serve(new MemberProcess());

const messageBytes = 16 * 1024;
const mostUnanswered = 64;
