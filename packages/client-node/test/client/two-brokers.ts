import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AdminServer,
  AuthorityService,
  BrokerLink,
  connect,
  enrol,
  type BundleSink,
  type ClientStatus,
  type ServicePrincipal,
  type TridcommClient,
} from '@tridcomm/client-node';
import type { GrantFields } from '@tridcomm/core';
import { createBroker } from '../../../broker/src/broker.ts';

type BrokerName = 'left' | 'right';

/** One authority that leads two brokers, which know nothing of each other, behind local sockets. */
export class TwoBrokers {
  readonly statuses = new Map<TridcommClient, ClientStatus[]>();
  readonly #folder: string = mkdtempSync(join(tmpdir(), 'tdc-two-'));
  readonly #undo: (() => Promise<void>)[] = [];
  readonly #service: AuthorityService;
  readonly #begin: () => void;

  private constructor() {
    let begin!: () => void;
    const begun = new Promise<void>((resolve) => (begin = resolve));
    this.#begin = begin;
    this.#service = AuthorityService.inMemory({
      connect: (self) => ({ sinks: names.map((name) => this.#sink(name, self, begun)), sources: [] }),
    });
  }

  static async create(): Promise<TwoBrokers> {
    const two = new TwoBrokers();
    const server = await AdminServer.listen(two.#service, two.#adminSocket, 'admin');
    two.#undo.push(async () => server.close());
    for (const name of names) {
      const identity = join(two.#folder, name);
      await enrol(identity, two.#adminSocket, name, { roles: ['broker'] });
      const broker = await createBroker({ identity, listeners: [{ type: 'unix', path: `${identity}.sock` }] });
      two.#undo.push(async () => broker.close());
    }
    two.#begin();
    return two;
  }

  /** Somebody with a directory. @returns the key id */
  async enrol(name: string): Promise<Uint8Array> {
    return (await enrol(join(this.#folder, name), this.#adminSocket, name)).keyId32;
  }

  /** A pool on a topic. */
  async pool(topic: string, rights: readonly Pick<GrantFields, 'keyId32' | 'action'>[]): Promise<void> {
    this.#service.perform((authority, nowMs) => {
      authority.addGroup({ patterns: [topic], purpose: 'front' }, nowMs);
      authority.grantAll(
        rights.map((right) => ({ ...right, pattern: topic, join: 'now' as const })),
        nowMs,
      );
    });
    await this.#service.rest();
  }

  async connect(name: string, brokerName: BrokerName): Promise<TridcommClient> {
    const client = await connect(`unix:${join(this.#folder, brokerName)}.sock`, {
      identity: join(this.#folder, name),
      brokerName,
    });
    const statuses: ClientStatus[] = [];
    client.addEventListener('status', ({ status }) => statuses.push(status));
    this.statuses.set(client, statuses);
    this.#undo.push(async () => client.close());
    await client.ready();
    return client;
  }

  async close(): Promise<void> {
    for (const step of this.#undo.splice(0).toReversed()) await step();
    await this.#service.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #adminSocket(): string {
    return join(this.#folder, 'admin.sock');
  }

  #sink(name: BrokerName, self: ServicePrincipal, begun: Promise<void>): BundleSink {
    let link: BrokerLink | undefined;
    return {
      name,
      publish: async (bundle) => {
        await begun;
        link ??= new BrokerLink({ address: `unix:${join(this.#folder, name)}.sock`, brokerName: name }, self);
        await link.publish(bundle);
      },
      close: async () => link?.close(),
    };
  }
}

const names: readonly BrokerName[] = ['left', 'right'];
