import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addressOf, addressTypes, Authority, Identity, Trust, type GroupFields } from '@tridcomm/core';
import { principalRoles } from '@tridcomm/core/link';
import { nodeProvider } from '@tridcomm/core/node';
import { connect } from '../src/client/connect.ts';
import { random } from '../src/client/random.ts';
import type { TridcommClient } from '../src/client/client.ts';
import type { ConnectOptions } from '../src/client/options.ts';
import type { ClientStatus } from '../src/client/status.ts';
import { FileStore } from '../src/store/file-store.ts';
import { identityIn, names } from '../src/store/identity-store.ts';
import { TestBroker } from './test-broker.ts';

/** A principal of a world: its directory, and the client that acts for it. */
export interface Member {
  readonly name: string;
  readonly directory: string;
  readonly keyId32: Uint8Array;
  readonly record: Uint8Array;
}

/** An authority, a broker on a port of this machine, and members with directories: real sockets, files and time. */
export class World {
  readonly directory: string = mkdtempSync(join(tmpdir(), 'tridcomm-world-'));
  readonly authority: Authority;
  readonly broker: TestBroker;
  readonly clients: TridcommClient[] = [];
  readonly statuses = new Map<TridcommClient, ClientStatus[]>();
  readonly #brokerIdentity: Identity;
  port = 0;
  readonly #ticker: NodeJS.Timeout;

  private constructor() {
    const early: Uint8Array[] = [];
    let apply = (bundle: Uint8Array): void => void early.push(bundle);
    this.authority = Authority.create(
      { provider: nodeProvider, random, publish: (bundle) => apply(bundle) },
      Date.now(),
    );
    const identity = Identity.create(nodeProvider, random, Date.now());
    this.#brokerIdentity = identity;
    this.broker = new TestBroker(this.authority.authorityId32, identity);
    apply = (bundle) => this.broker.apply(bundle);
    for (const bundle of early) apply(bundle);
    this.broker.record = this.authority.issue(
      identity.key,
      { name: 'broker', roles: principalRoles.broker },
      Date.now(),
    );
    this.#ticker = setInterval(() => this.authority.tick(Date.now()), 250);
  }

  get brokerKeyId32(): Uint8Array {
    return this.#brokerIdentity.key.keyId32;
  }

  /** A record for the broker, until then: where that has passed, it still holds for as long as clocks may differ. */
  issueBroker(notAfterMs = Date.now() + 86_400_000): Uint8Array {
    const fields = { name: 'broker', roles: principalRoles.broker, notAfterMs };
    return this.authority.issue(this.#brokerIdentity.key, fields, Math.min(Date.now(), notAfterMs - 1));
  }

  static async create(): Promise<World> {
    const world = new World();
    world.port = await world.broker.listen(0);
    return world;
  }

  get address(): string {
    return `noise://127.0.0.1:${this.port}`;
  }

  /** What a node holds that knows of the authority. */
  trust(): Trust {
    const { authorityId32 } = this.authority;
    const trust = new Trust({ provider: nodeProvider, authorityId32 });
    const address16 = addressOf(nodeProvider, authorityId32, addressTypes.authorityRecord, new Uint8Array(0));
    for (const record of this.broker.relay.retained(address16)) trust.takeAuthorityRecord(record, Date.now());
    return trust;
  }

  /** A principal with keys of its own and a record. @param keyRecordMs - when it made its key record */
  member(name: string, keyRecordMs = Date.now()): Member {
    const directory = join(this.directory, name);
    const store = FileStore.open(directory);
    const identity = identityIn(store, nodeProvider, random);
    const record = this.authority.issue(identity.key, { name }, Date.now());
    store.put(names.record, record);
    this.authority.takeKeyRecord(identity.keyRecord(this.authority.authorityId32, 1, keyRecordMs), Date.now());
    store.put(names.identity, identity.export());
    store.close();
    writeFileSync(join(directory, 'authority-id'), Buffer.from(this.authority.authorityId32).toString('hex'));
    return { name, directory, keyId32: identity.key.keyId32, record };
  }

  group(pattern: string, fields: Partial<GroupFields> = {}): Uint8Array {
    return this.authority.addGroup({ patterns: [pattern], ...fields }, Date.now());
  }

  allow(pattern: string, action: 'publish' | 'subscribe', ...members: readonly Member[]): void {
    this.authority.grantAll(
      members.map(({ keyId32 }) => ({ keyId32, action, pattern, join: 'now' as const })),
      Date.now(),
    );
  }

  async connect(
    member: Member,
    options: Partial<ConnectOptions> = {},
    address = this.address,
  ): Promise<TridcommClient> {
    const client = await connect(address, { identity: member.directory, brokerName: 'broker', ...options });
    const statuses: ClientStatus[] = [];
    client.addEventListener('status', ({ status }) => statuses.push(status));
    this.statuses.set(client, statuses);
    this.clients.push(client);
    return client;
  }

  async close(): Promise<void> {
    await Promise.all(this.clients.map(async (client) => client.close()));
    clearInterval(this.#ticker);
    await this.broker.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** The next so many texts of a subscription. */
export async function texts(
  subscription: AsyncIterable<{ text(): string; ack(): void }>,
  count: number,
  acks = false,
): Promise<string[]> {
  const found: string[] = [];
  const loop = subscription[Symbol.asyncIterator]();
  while (found.length < count) {
    const { value, done } = await loop.next();
    if (done === true) break;
    found.push((value as { text(): string }).text());
    if (acks) (value as { ack(): void }).ack();
  }
  return found;
}

/** Waits for something to be so. */
export async function until(what: () => boolean, timeoutMs = 20_000): Promise<void> {
  const startMs = performance.now();
  while (!what()) {
    if (performance.now() - startMs > timeoutMs) throw new Error(`not so after ${timeoutMs} ms: ${what.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
