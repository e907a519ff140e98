import { MemoryStore } from '@tridcomm/core/internal';
import { addressOf, TridcommError, type Authority, type Identity } from '@tridcomm/core';
import { decodePrincipalRecord, hexOf, objectKinds, parseObject } from '@tridcomm/core/internal';
import { nodeProvider } from '@tridcomm/core/node';
import { CarrierFeed } from '../../src/carriers/carrier-feed.ts';
import type { ForeignCarrier } from '../../src/carriers/foreign-carrier.ts';
import { AuthorityService } from '../../src/authority/service.ts';
import type { ServiceEvent } from '../../src/authority/service-options.ts';
import type { TridcommClient } from '../../src/client/client.ts';
import { connect } from '../../src/client/connect.ts';
import type { ConnectOptions } from '../../src/client/options.ts';
import { random } from '../../src/client/random.ts';
import type { ClientStatus } from '../../src/client/status.ts';
import { identityIn, names } from '../../src/store/identity-store.ts';
import { until } from '../world.ts';
import type { Kind, Plain } from './plain.ts';
import type { Server, ServerSettings } from './servers.ts';

/** Somebody with keys and a record. */
export interface Member {
  readonly name: string;
  readonly store: MemoryStore;
  readonly identity: Identity;
}

/** A client of a member, and what it told. */
export interface Connected {
  readonly client: TridcommClient;
  readonly plain: Plain;
  readonly statuses: ClientStatus[];
  /** Codes of what it refused, with what they were of. */
  refusals(): string[];
}

/** A server, an authority that retains what it says there, and members: real processes, sockets and time. */
export class CarrierWorld {
  readonly kind: Kind;
  readonly server: Server;
  readonly service: AuthorityService;
  readonly events: ServiceEvent[] = [];
  readonly #plains: Plain[] = [];
  readonly #clients: TridcommClient[] = [];

  private constructor(kind: Kind, server: Server, plain: Plain) {
    this.kind = kind;
    this.server = server;
    this.#plains.push(plain);
    this.service = AuthorityService.inMemory({
      headIntervalMs: 1_000,
      connect: (self) => {
        const feed = new CarrierFeed(plain.carrier, self);
        return { sinks: [feed], sources: [feed] };
      },
      onEvent: (event) => this.events.push(event),
    });
  }

  static async create(kind: Kind, settings?: ServerSettings, user?: string): Promise<CarrierWorld> {
    const server = await kind.server(settings);
    try {
      const world = new CarrierWorld(kind, server, await kind.plain(server.port, user));
      await world.retained();
      return world;
    } catch (error) {
      await server.close();
      throw error;
    }
  }

  /** The server retains all that the authority says. */
  async retained(): Promise<void> {
    await untilSo(() => this.service.status().brokers.every(({ isCurrent }) => isCurrent));
  }

  member(name: string): Member {
    const store = new MemoryStore();
    const identity = identityIn(store, nodeProvider, random);
    this.perform((authority, nowMs) => {
      const record = authority.issue(identity.key, { name }, nowMs);
      store.put(names.record, record);
      const { serial } = decodePrincipalRecord(
        nodeProvider,
        parseObject(nodeProvider, record, objectKinds.principalRecord),
      );
      authority.takeKeyRecord(identity.keyRecord(authority.authorityId32, serial, nowMs), nowMs);
    });
    store.put(names.identity, identity.export());
    return { name, store, identity };
  }

  perform<T>(work: (authority: Authority, nowMs: number) => T): T {
    return this.service.perform(work);
  }

  /** A group of patterns, of which these may write and read what is below the first. @returns its id */
  group(
    patterns: string | readonly string[],
    { write, read }: { readonly write: readonly Member[]; readonly read: readonly Member[] },
    fields: { readonly maxHeadAgeMs?: number } = {},
  ): Uint8Array {
    const all = [patterns].flat();
    return this.perform((authority, nowMs) => {
      const groupId16 = authority.addGroup({ patterns: all, ...fields }, nowMs);
      const grants = (members: readonly Member[], action: 'publish' | 'subscribe') =>
        members.map(({ identity }) => {
          return { keyId32: identity.key.keyId32, action, pattern: all[0]!, join: 'now' as const };
        });
      authority.grantAll([...grants(write, 'publish'), ...grants(read, 'subscribe')], nowMs);
      return groupId16;
    });
  }

  async plain(user?: string, version?: 4 | 5): Promise<Plain> {
    const plain = await this.kind.plain(this.server.port, user, version);
    this.#plains.push(plain);
    return plain;
  }

  /** @param plain - default one of its own */
  async connect(
    { store }: Member,
    options: Partial<ConnectOptions> = {},
    plain?: Plain,
    through: (carrier: ForeignCarrier) => ForeignCarrier = (carrier) => carrier,
  ): Promise<Connected> {
    const own = plain ?? (await this.plain());
    const { authorityId32: authorityId } = this.service;
    const onKeyRecord = (bytes: Uint8Array) =>
      this.perform((authority, nowMs) => {
        authority.takeKeyRecord(bytes, nowMs);
      });
    const client = await connect(through(own.carrier), { identity: store, authorityId, onKeyRecord, ...options });
    this.#clients.push(client);
    const statuses: ClientStatus[] = [];
    client.addEventListener('status', ({ status }) => statuses.push(status));
    const refusals = () =>
      statuses.flatMap((status) => (status.type === 'refused' ? [`${status.what} ${status.error.code}`] : []));
    return { client, plain: own, statuses, refusals };
  }

  /** In hex. */
  address(type: number, id: Uint8Array = new Uint8Array(0)): string {
    return hexOf(addressOf(nodeProvider, this.service.authorityId32, type, id));
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map(async (client) => client.close()));
    await this.service.close();
    await Promise.all(this.#plains.map(async (plain) => plain.close()));
    await this.server.close();
  }
}

/** The code of a refusal. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    return error instanceof TridcommError ? error.code : `no refusal: ${String(error)}`;
  }
  return 'nothing thrown';
}

/** A server that gives the values of some addresses or of none to nobody. @param isWithheld - of an address in hex */
export function withholding(isWithheld: (address: string) => boolean): (carrier: ForeignCarrier) => ForeignCarrier {
  return (carrier) => ({
    kind: carrier.kind,
    open: async (handlers, signal) => {
      const session = await carrier.open(
        {
          onEnvelope: (bytes) => handlers.onEnvelope(bytes),
          onWork: (match, bytes) => handlers.onWork(match, bytes),
          onDrain: () => handlers.onDrain(),
          onEnd: (error) => handlers.onEnd(error),
          onValue: (address, value, isNews) => {
            if (!isWithheld(address)) handlers.onValue(address, value, isNews);
          },
        },
        signal,
      );
      const watch = session.watch.bind(session);
      session.watch = async (address) => {
        const value = await watch(address);
        return isWithheld(address) ? undefined : value;
      };
      return session;
    },
  });
}

/** Waits for something to be so, for as long as a busy machine needs. */
export async function untilSo(what: () => boolean): Promise<void> {
  await until(what, 60_000);
}
