/*
 * Somebody who asks, or works, as a process of its own: its keys are made here and stay here.
 */
import { randomBytes } from 'node:crypto';
import { connect, enrol, FileStore, type TridcommClient } from '@tridcomm/client-node';
import { addressTypes, Identity, parseEnvelope, type SigningKey } from '@tridcomm/core';
import { openSurveyReply, signInput } from '@tridcomm/core/internal';
import { durabilities } from '@tridcomm/core/link';
import { nodeProvider } from '@tridcomm/core/node';
import { RawLink } from '../network/raw-link.ts';
import { serve } from '../network/serve.ts';
import { Bench, nameOf, type Got } from './bench.ts';
import { TillStore } from './till-store.ts';

/** What a dealer heard of a message: the answer, and what was said before it. */
export interface Dealt extends Got {
  readonly news: readonly string[];
}

/** How a survey stands. */
export interface Surveyed {
  readonly replies: readonly Got[];
  readonly isOver: boolean;
}

/** What the process serves. */
export class Party {
  #directory = '';
  #store!: FileStore;
  #client!: TridcommClient;
  #till: TillStore | undefined;
  readonly #benches = new Map<string, { readonly bench: Bench; readonly close: () => unknown }>();
  readonly #surveys: { replies: Got[]; isOver: boolean }[] = [];
  readonly #refused: string[] = [];

  /** Makes keys, and has the authority sign a record and a certificate for them. @returns the key id, in hex */
  async enrol(directory: string, socket: string, name: string): Promise<string> {
    const { keyId32 } = await enrol(directory, socket, name, { tls: true });
    return Buffer.from(keyId32).toString('hex');
  }

  /** Connects, and waits until all is known that the authority says. */
  async connect(directory: string, address: string): Promise<void> {
    this.#directory = directory;
    this.#store = FileStore.open(directory);
    this.#client = await connect(address, { identity: this.#store, brokerName: 'broker' });
    this.#client.addEventListener('status', ({ status }) => {
      if (status.type === 'refused' && status.what === 'envelope') this.#refused.push(status.error.code);
    });
    await this.#client.ready();
  }

  /** Codes with which this one refused envelopes so far. */
  refused(): readonly string[] {
    return this.#refused;
  }

  /** Asks, and gives the answer. */
  async request(topic: string, text: string): Promise<Got> {
    const { data, sender } = await this.#client.request(topic, text, { timeoutMs: patienceMs });
    return { text: Buffer.from(data).toString(), sender: nameOf(sender) };
  }

  /** Sends a message as a dealer. */
  async deal(topic: string, text: string, routing: string): Promise<Dealt> {
    const news: string[] = [];
    const { data, sender } = await this.#client.deal(topic, text, {
      timeoutMs: patienceMs,
      routing,
      onNews: (one) => news.push(Buffer.from(one.data).toString()),
    });
    return { text: Buffer.from(data).toString(), sender: nameOf(sender), news };
  }

  /** Routes messages to the worker that their routing data name, but for those of bob. @param workers - key ids in hex, by name */
  async route(topic: string, workers: Readonly<Record<'wanda' | 'willi', string>>): Promise<void> {
    const bench = new Bench(false);
    const routing = this.#client.route(topic, async (messages) => {
      const told = await bench.take(messages.routing, messages.sender);
      const isOfBob = messages.sender.name === 'bob';
      const worker = told === 'to willi' || isOfBob ? workers.willi : workers.wanda;
      const times = isOfBob ? 2 : 1;
      for (let i = 0; i < times; i++) await messages.forward(Uint8Array.from(Buffer.from(worker, 'hex')));
    });
    await this.#begun(topic, bench, routing);
  }

  /** Serves what routers send, and says when it begins. @param isHeld - none before {@link release} */
  async serve(topic: string, isHeld: boolean): Promise<void> {
    const bench = new Bench(isHeld);
    const work = this.#client.respond(
      topic,
      async ({ data, sender, say }) => {
        await say(`${this.#client.name} begins`);
        const text = await bench.take(data, sender);
        bench.done.push(text);
        return `${text}, made by ${this.#client.name}`;
      },
      { effects: 'idempotent', forwardedOnly: true },
    );
    await this.#begun(topic, bench, work);
  }

  async push(topic: string, texts: readonly string[], jobsPerLeaf: number): Promise<void> {
    await this.#client.push(topic, texts, { jobsPerLeaf });
  }

  /** Answers requests, one at a time. @param isHeld - none before {@link release} */
  async respond(topic: string, isHeld: boolean): Promise<void> {
    const bench = new Bench(isHeld);
    const work = this.#client.respond(
      topic,
      async ({ data, sender }) => {
        const text = await bench.take(data, sender);
        bench.done.push(text);
        return `${text}, made by ${this.#client.name}`;
      },
      { effects: 'idempotent', concurrency: 1 },
    );
    await this.#begun(topic, bench, work);
  }

  /** Takes money, in cents, into the till that all workers share. */
  async sell(topic: string, tillSocket: string): Promise<void> {
    const bench = new Bench(false);
    this.#till ??= new TillStore(tillSocket);
    const work = this.#client.respond(
      topic,
      async ({ data, sender, transaction }) => {
        const text = await bench.take(data, sender);
        const cents = await transaction.add(Number(text.split(' ')[1]));
        bench.done.push(text);
        return `${text}, taken by ${this.#client.name}; now ${cents}`;
      },
      { effects: this.#till, concurrency: 1 },
    );
    await this.#begun(topic, bench, work);
  }

  /** Whether it stops behind each commit, before anybody is answered. */
  stopBehindCommits(isStopping: boolean): void {
    this.#till!.afterCommit = async () => (isStopping ? new Promise(() => undefined) : Promise.resolve());
  }

  /** Does jobs, two at a time. */
  async pull(topic: string, isHeld: boolean): Promise<void> {
    const bench = new Bench(isHeld);
    const work = this.#client.pull(
      topic,
      async ({ data, sender }) => void bench.done.push(await bench.take(data, sender)),
      { effects: 'idempotent', concurrency: 2 },
    );
    await this.#begun(topic, bench, work);
  }

  /** Answers questions. */
  async answer(topic: string, text: string, isHeld: boolean): Promise<void> {
    const bench = new Bench(isHeld);
    const answers = this.#client.answer(topic, async ({ data, sender }) => {
      bench.done.push(await bench.take(data, sender));
      return text;
    });
    await this.#begun(topic, bench, answers);
  }

  /** Hears of what is published. */
  async listen(topic: string): Promise<void> {
    const bench = new Bench(false);
    const subscription = this.#client.subscribe(topic);
    await this.#begun(topic, bench, subscription);
    void (async () => {
      for await (const { bytes, sender } of subscription) bench.done.push(await bench.take(bytes, sender));
    })();
  }

  async publish(topic: string, text: string): Promise<void> {
    await this.#client.publish(topic, text, { durability: 'memory' });
  }

  release(topic: string): void {
    this.#benches.get(topic)!.bench.release();
  }

  got(topic: string): readonly Got[] {
    return this.#benches.get(topic)!.bench.got;
  }

  done(topic: string): readonly string[] {
    return this.#benches.get(topic)!.bench.done;
  }

  /** Takes nothing of a topic any more. */
  async stop(topic: string): Promise<void> {
    await this.#benches.get(topic)!.close();
    this.#benches.delete(topic);
    await this.#client.ready();
  }

  /** Begins a survey. @returns its number */
  ask(topic: string, text: string, timeoutMs: number, maxReplies: number): number {
    const survey = { replies: [] as Got[], isOver: false };
    const replies = this.#client.ask(topic, text, { timeoutMs, maxReplies });
    void (async () => {
      for await (const { data, sender } of replies) {
        survey.replies.push({ text: Buffer.from(data).toString(), sender: nameOf(sender) });
      }
      survey.isOver = true;
    })();
    return this.#surveys.push(survey) - 1;
  }

  surveyed(number: number): Surveyed {
    return this.#surveys[number]!;
  }

  /** Signs the reply of another to a survey as if it were its own, and hands it in. @returns what the broker says */
  async copyReply(port: number, envelope: Uint8Array, authorityId: string): Promise<string> {
    const { key } = this.#identity();
    const bytes = Uint8Array.from(envelope);
    bytes.set(key.keyId32.subarray(0, 16), senderOffset);
    const { header, protectedHeader, keyinfo, body } = parseEnvelope(bytes);
    const terms = { suite: header.suite, questionId32: keyinfo.subarray(0, 32), responderKeyId32: key.keyId32 };
    // Whose private key it is does not matter: what is signed everybody can tell.
    const { info } = openSurveyReply(nodeProvider, terms, new Uint8Array(randomBytes(32)), keyinfo.subarray(32));
    const signed = signInput(nodeProvider, key.keyId32, nodeProvider.sha256(info), protectedHeader, keyinfo, body);
    bytes.set(key.sign(signed), bytes.length - 64);
    return await this.#handIn(port, key, authorityId, bytes);
  }

  async #handIn(port: number, key: SigningKey, authorityId: string, envelope: Uint8Array): Promise<string> {
    const name = `object/${addressTypes.principalRecord}/${Buffer.from(key.keyId32).toString('hex')}`;
    const principalRecord = (this.#store.get(name) ?? this.#store.get('client/principal-record'))!;
    const authorityId32 = Uint8Array.from(Buffer.from(authorityId, 'hex'));
    const link = await RawLink.open(port, { key, principalRecord, authorityId32, directory: this.#directory });
    link.send({ type: 'envelope', durability: durabilities.memory, envelope });
    await link.until(() => link.messages.some(({ type }) => type === 'ack' || type === 'reject'));
    link.close();
    const answer = link.messages.find(({ type }) => type === 'ack' || type === 'reject');
    if (answer === undefined) return 'cut';
    return answer.type === 'reject' ? answer.code : 'accepted';
  }

  async #begun(topic: string, bench: Bench, work: { close(): unknown }): Promise<void> {
    this.#benches.set(topic, { bench, close: () => work.close() });
    await this.#client.ready();
  }

  #identity(): Identity {
    const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
    return Identity.restore(nodeProvider, random, this.#store.get('identity')!);
  }
}

serve(new Party());

const patienceMs = 120_000;
/** Of the sender's id in a header. */
const senderOffset = 32;
