import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { Client, Identity, Relay, TridcommError, type ClientEvent, type Delivery } from '@tridcomm/core';
import { decodePrincipalRecord, objectKinds, parseObject } from '@tridcomm/core/internal';
import { nodeProvider } from '@tridcomm/core/node';
import { ManualClock } from '@tridcomm/core/testing';
import type { BundleSink } from '../../src/authority/broker-feed.ts';
import type { Clock } from '../../src/authority/clock.ts';
import type { RestoreSource } from '../../src/authority/restore-sources.ts';
import { AuthorityService } from '../../src/authority/service.ts';
import type { DurableServiceOptions, ServiceEvent } from '../../src/authority/service-options.ts';
import type { StateSecret } from '../../src/authority/state-secret.ts';

export const provider = nodeProvider;
export const startMs = 1_790_000_000_000;

/** A key file's secret: quick, where a passphrase takes its time. */
export const secret: StateSecret = { kind: 'keyFile', key32: new Uint8Array(32).fill(7) };

const made: string[] = [];

afterEach(() => {
  for (const path of made.splice(0)) rmSync(path, { recursive: true, force: true });
});

/** A directory that is removed after the test; short, as sockets have to fit in it. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'tdc-'));
  made.push(path);
  return path;
}

/** A clock that a test moves. */
export class TestClock implements Clock {
  readonly #manual: ManualClock;

  constructor(nowMs = startMs) {
    this.#manual = new ManualClock(nowMs);
  }

  nowMs(): number {
    return this.#manual.nowMs;
  }

  after(delayMs: number, action: () => void): () => void {
    let isOn = true;
    this.#manual.after(delayMs, () => {
      if (isOn) action();
    });
    return () => {
      isOn = false;
    };
  }

  /** Lets time pass in steps, with everything that happens meanwhile. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#manual.nowMs + ms;
    while (this.#manual.nowMs < untilMs) {
      this.#manual.advanceTo(Math.min(untilMs, this.#manual.nowMs + 500));
      await settle();
    }
  }
}

/** Lets promises run. */
export async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

/** A broker in this process. */
export class TestBroker {
  readonly name: string;
  readonly clock: Clock;
  relay: Relay | undefined;
  isDown = false;
  readonly bundles: Uint8Array[] = [];

  constructor(name: string, clock: Clock) {
    this.name = name;
    this.clock = clock;
  }

  /** What it applies from now on is of this authority. */
  serve(authorityId32: Uint8Array): Relay {
    this.relay ??= new Relay({ provider, authorityId32, now: () => this.clock.nowMs() });
    return this.relay;
  }

  sink(authorityId32: Uint8Array): BundleSink {
    const relay = this.serve(authorityId32);
    return {
      name: this.name,
      publish: async (bundle) => {
        await Promise.resolve();
        if (this.isDown) throw new TridcommError('E_TRANSPORT', 'broker is down');
        relay.apply(bundle);
        this.bundles.push(bundle);
      },
    };
  }

  source(authorityId32: Uint8Array): RestoreSource {
    const relay = this.serve(authorityId32);
    return {
      name: this.name,
      retained: async (address16) => {
        await Promise.resolve();
        if (this.isDown) throw new TridcommError('E_TRANSPORT', 'broker is down');
        return relay.retained(address16);
      },
    };
  }
}

/** A state directory, brokers, and the lives that run on it. */
export class World {
  readonly clock: TestClock = new TestClock();
  readonly directory: string = join(temporaryDirectory(), 'a');
  readonly brokers: TestBroker[];
  readonly events: ServiceEvent[] = [];
  authorityId32!: Uint8Array;

  constructor(...names: readonly string[]) {
    this.brokers = names.map((name) => new TestBroker(name, this.clock));
  }

  options(more: Partial<DurableServiceOptions> = {}): DurableServiceOptions {
    return {
      directory: this.directory,
      secret,
      clock: this.clock,
      connect: ({ authorityId32 }) => ({
        sinks: this.brokers.map((broker) => broker.sink(authorityId32)),
        sources: this.brokers.map((broker) => broker.source(authorityId32)),
      }),
      onEvent: (event) => this.events.push(event),
      ...more,
    };
  }

  async init(): Promise<Uint8Array> {
    this.authorityId32 = await AuthorityService.init(this.options());
    return this.authorityId32;
  }

  async open(more: Partial<DurableServiceOptions> = {}): Promise<AuthorityService> {
    const service = await AuthorityService.open(this.options(more));
    await service.rest();
    return service;
  }
}

/** A member that is attached to a broker of this process. */
export class Member {
  readonly identity: Identity;
  readonly client: Client;
  readonly events: ClientEvent[] = [];
  readonly deliveries: Delivery[] = [];
  readonly #clock: Clock;

  /** @param service - issues a record to it, and takes its key records */
  constructor(name: string, service: { current: AuthorityService }, broker: TestBroker, clock: Clock) {
    this.#clock = clock;
    const random = (length: number) => provider.sha256(crypto.getRandomValues(new Uint8Array(32))).subarray(0, length);
    this.identity = Identity.create(provider, random, clock.nowMs());
    const { authorityId32 } = service.current;
    const sendKeys = (bytes: Uint8Array) =>
      service.current.perform((authority, nowMs) => authority.takeKeyRecord(bytes, nowMs));
    const record = service.current.perform((authority, nowMs) => {
      return authority.issue(this.identity.key, { name }, nowMs);
    });
    const { serial } = decodePrincipalRecord(provider, parseObject(provider, record, objectKinds.principalRecord));
    sendKeys(this.identity.keyRecord(authorityId32, serial, clock.nowMs()));
    const link = broker.relay!.attach(this.identity.key.keyId32, {
      envelope: (bytes) => receiver.envelope(bytes),
      object: (address16, bytes) => receiver.object(address16, bytes),
    });
    this.client = new Client({
      provider,
      random,
      authorityId32,
      identity: this.identity,
      carrier: link,
      startMs: clock.nowMs(),
      onEvent: (event) => {
        this.events.push(event);
        if (event.type === 'message') this.deliveries.push(event.delivery);
        if (event.type === 'keyRecord') sendKeys(event.bytes);
      },
    });
    const receiver = this.client.receiver(() => clock.nowMs());
    this.client.start(clock.nowMs());
  }

  get keyId32(): Uint8Array {
    return this.identity.key.keyId32;
  }

  tick(): void {
    this.client.tick(this.#clock.nowMs());
  }

  publish(topic: string, text: string): void {
    this.client.publish(topic, [Buffer.from(text)], this.#clock.nowMs());
  }

  /** Texts that were delivered since the last time. */
  texts(): string[] {
    return this.deliveries
      .splice(0)
      .flatMap(({ messages }) => messages.map(({ payload }) => Buffer.from(payload).toString('utf8')));
  }

  /** Codes of what was refused since the last time. */
  refusals(): string[] {
    return this.events
      .splice(0)
      .flatMap((event) => (event.type === 'refused' ? [`${event.what} ${event.error.message}`] : []));
  }
}

/** The code of a refusal; undefined where nothing is refused. */
export async function codeOf(work: () => unknown): Promise<string | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (error instanceof TridcommError) return error.code;
    throw error;
  }
}
