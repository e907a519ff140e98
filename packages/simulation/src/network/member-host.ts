import { MemoryStore, TridcommError, type CryptoProvider, type RandomSource, type SigningKey } from '@tridcomm/core';
import { Identity } from '@tridcomm/core';
import { connectIn, storeNames, type Surroundings } from '@tridcomm/client-node/testing';
import type { ClientStatus, Subscription, TridcommClient } from '@tridcomm/client-node';
import { textOf } from '../bytes.ts';
import type { Calm, NetworkDelivery, ReaderMemory } from './oracle.ts';
import type { AskedDurability, NetworkMember, NetworkPlan } from './plan.ts';
import type { Caller, Switchboard } from './switchboard.ts';
import { Machine, type VirtualTime } from './virtual-time.ts';

/** What a member's machine needs of its world. */
export interface MemberHostParts {
  readonly time: VirtualTime;
  readonly provider: CryptoProvider;
  readonly source: RandomSource;
  readonly plan: NetworkPlan;
  readonly switchboard: Switchboard;
  readonly authorityId32: Uint8Array;
  onStatus(member: MemberHost, status: ClientStatus): void;
  onDelivery(member: MemberHost, reader: ReaderMemory, delivery: NetworkDelivery): void;
  /** What `connect` threw. */
  onNotConnected(member: MemberHost, error: unknown): void;
  onKeyRecord(record: Uint8Array): void;
  onBroken(member: MemberHost, error: unknown): void;
  addReader(reader: ReaderMemory): void;
}

/** The machine of a member: an application with a client, and the store that stays when the process ends. */
export class MemberHost implements Caller {
  readonly plan: NetworkMember;
  machine: Machine;
  client: TridcommClient | undefined;
  unreachableUntilMs = 0;
  /** Its application does nothing before that time. */
  slowUntilMs = 0;
  life = 0;
  epoch = 0;
  isClosing = false;
  enrolledMs = 0;
  readers: ReaderMemory[] = [];
  readonly calm: Calm[] = [];
  /** When it had one and the same link. */
  readonly linked: Calm[] = [];
  readonly #parts: MemberHostParts;
  #isRetired = false;
  #isCutOff = false;
  #disturbedUntilMs = 0;
  #identity!: Identity;
  #store = new MemoryStore();
  #subscriptions: Subscription[] = [];

  constructor(plan: NetworkMember, parts: MemberHostParts) {
    this.plan = plan;
    this.#parts = parts;
    this.machine = new Machine(parts.time, plan.skewMs);
  }

  get name(): string {
    return this.plan.name;
  }

  get keyId32(): Uint8Array {
    return this.key.keyId32;
  }

  get key(): SigningKey {
    return this.#identity.key;
  }

  get isUp(): boolean {
    return this.life > 0 && this.machine.isAlive;
  }

  /** Batches that wait for its application. */
  get waiting(): number {
    return this.#subscriptions.reduce((sum, { waiting }) => sum + waiting, 0);
  }

  /** Begins anew as somebody that the authority has just enrolled. @returns its first key record */
  enrol(issue: (key: SigningKey) => Uint8Array): Uint8Array {
    const { provider, source, authorityId32, time } = this.#parts;
    this.#store = new MemoryStore();
    this.#identity = Identity.create(provider, source, this.machine.localMs);
    for (const reader of this.readers) reader.isGone = true;
    this.readers = [];
    this.epoch = 0;
    this.enrolledMs = time.nowMs;
    const keyRecord = this.#identity.keyRecord(authorityId32, 1, this.machine.localMs);
    this.#store.put(storeNames.record, issue(this.#identity.key));
    this.#store.put(storeNames.identity, this.#identity.export());
    for (const source of ['live', 'log'] as const) {
      if (!this.plan[source]) continue;
      const reader: ReaderMemory = {
        member: this.name,
        source,
        sinceMs: time.nowMs,
        resumedMs: Infinity,
        viewMs: Infinity,
        epochs: new Set(),
        calm: this.calm,
        linked: this.linked,
        fresh: new Set(),
        done: new Set(),
        isGone: false,
      };
      this.readers.push(reader);
      this.#parts.addReader(reader);
    }
    return keyRecord;
  }

  /** Begins a life: a process on this machine. */
  start(): void {
    if (this.#isRetired) return;
    this.life++;
    this.isClosing = false;
    const { nowMs } = this.#parts.time;
    for (const reader of this.readers)
      if (nowMs > reader.sinceMs + startsMs) reader.resumedMs = Math.min(reader.resumedMs, nowMs);
    const machine = new Machine(this.#parts.time, this.plan.skewMs);
    this.machine = machine;
    machine.after(1, () => this.#guarded(this.#run(machine)));
  }

  /** Ends for good. */
  retire(): void {
    this.#isRetired = true;
    this.kill(false);
  }

  /** Ends the process without a word. @param isSilent - with its machine, so that the broker is not told */
  kill(isSilent: boolean): void {
    this.machine.kill();
    this.#over();
    for (const wire of this.#parts.switchboard.wiresOf(this.name)) {
      if (isSilent) wire.silence();
      else wire.break();
    }
  }

  /** Ends the process in order. */
  close(then: () => void): void {
    const { client, machine } = this;
    this.isClosing = true;
    machine.after(0, () => {
      const end = async (): Promise<void> => {
        await client?.close();
        await machine.sleep(lastBytesMs);
        machine.kill();
        this.#over();
        then();
      };
      this.#guarded(end());
    });
  }

  /** @returns resolves as the client does */
  publish(
    topic: string,
    contents: readonly Uint8Array[],
    durability: AskedDurability,
    signal: AbortSignal | undefined,
  ): Promise<unknown> {
    return this.client!.publish(topic, contents, { durability, ...(signal !== undefined && { signal }) });
  }

  #over(): void {
    this.client = undefined;
    this.#subscriptions = [];
    this.disturb();
  }

  /** Something came in its way: for a time, or until it has another link. */
  disturb(forMs?: number): void {
    const { time } = this.#parts;
    if (forMs === undefined) {
      this.#isCutOff = true;
      const link = this.linked.at(-1);
      if (link !== undefined) link.toMs = Math.min(link.toMs, time.nowMs);
    } else {
      this.#disturbedUntilMs = Math.max(this.#disturbedUntilMs, time.nowMs + forMs);
      time.clock.after(forMs, () => this.settle());
    }
    const last = this.calm.at(-1);
    if (last !== undefined) last.toMs = Math.min(last.toMs, this.#parts.time.nowMs);
  }

  /** It has another link. */
  reopened(): void {
    this.#isCutOff = false;
    const { nowMs } = this.#parts.time;
    if (this.linked.at(-1)?.toMs !== Infinity) this.linked.push({ fromMs: nowMs, toMs: Infinity });
    this.settle();
  }

  /** From now on nothing is in its way, if that is so. */
  settle(): void {
    const { nowMs } = this.#parts.time;
    if (this.#isCutOff || nowMs < this.#disturbedUntilMs || this.calm.at(-1)?.toMs === Infinity) return;
    this.calm.push({ fromMs: nowMs, toMs: Infinity });
  }

  async #run(machine: Machine): Promise<void> {
    const { plan, provider, source, authorityId32, switchboard } = this.#parts;
    const surroundings: Surroundings = { random: source, dial: switchboard.dialOf(this), leastWindowBytes: 1 };
    const address = `${this.plan.isTls ? 'tls' : 'noise'}://broker`;
    for (;;) {
      try {
        const client = await connectIn(surroundings, address, {
          identity: this.#store,
          authorityId: authorityId32,
          provider,
          windowBytes: this.plan.windowBytes,
          lingerMs: this.plan.lingerMs,
          onKeyRecord: (record) => this.#parts.onKeyRecord(record),
        });
        client.addEventListener('status', ({ status }) => this.#parts.onStatus(this, status));
        this.client = client;
        break;
      } catch (error) {
        if (this.isClosing) return;
        this.#parts.onNotConnected(this, error);
        await machine.sleep(appRetryMs);
      }
    }
    this.reopened();
    for (const reader of this.readers) {
      const from = reader.source === 'live' ? 'live' : 'cursor';
      const subscription = this.client.subscribe(plan.pattern, { from });
      this.#subscriptions.push(subscription);
      this.#guarded(this.#read(machine, reader, subscription));
    }
  }

  async #read(machine: Machine, reader: ReaderMemory, subscription: Subscription): Promise<void> {
    const life = `${this.name} ${this.life}`;
    for await (const batch of subscription.batches()) {
      const contents = batch.records.map(({ payload }) => textOf(payload));
      const { topic, verdict } = batch;
      this.#parts.onDelivery(this, reader, { sender: batch.sender.name, topic, contents, verdict, life });
      const slowMs = this.slowUntilMs - this.#parts.time.nowMs;
      if (slowMs > 0) await machine.sleep(slowMs);
      const finish = (): void => {
        if (reader.source === 'log') batch.ack();
        for (const content of contents) reader.done.add(content);
      };
      if (this.plan.workMs > 0 && reader.source === 'log') machine.after(this.plan.workMs, finish);
      else finish();
    }
  }

  #guarded(work: Promise<void>): void {
    work.catch((error: unknown) => {
      if (error instanceof TridcommError && error.code === 'E_CLOSED' && this.isClosing) return;
      this.#parts.onBroken(this, error);
    });
  }
}

const appRetryMs = 700;
/** From the enrolment to the first process, at most. */
const startsMs = 2_000;
const lastBytesMs = 200;
