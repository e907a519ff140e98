import { join } from 'node:path';
import type { ClientStatus, ConnectOptions, TridcommClient } from '@tridcomm/client-node';
import { TridcommError } from '@tridcomm/core';
import { Scene, until, type Member } from '../../../broker/test/e2e/scene.ts';

export { until, wait, type Member } from '../../../broker/test/e2e/scene.ts';

/** What of a pool, or a group for surveys, is who. */
export interface People {
  /** Who may publish: request, push, ask. */
  readonly ask: readonly Member[];
  /** Who may subscribe: work, answer. */
  readonly work: readonly Member[];
  /** Who may route messages of dealers, in a pool. */
  readonly route?: readonly Member[];
}

/** An authority, a broker in this process behind a local socket, and members: real sockets, files and time. */
export class PoolWorld {
  readonly scene: Scene;
  #broker: Awaited<ReturnType<Scene['broker']>> | undefined;

  private constructor(scene: Scene) {
    this.scene = scene;
  }

  static async create(): Promise<PoolWorld> {
    const world = new PoolWorld(await Scene.create());
    await world.#start();
    return world;
  }

  async member(name: string): Promise<Member> {
    return this.scene.member(name);
  }

  /** A group of topics. @returns its id */
  group(
    purpose: 'front' | 'survey' | 'pubSub',
    topics: readonly string[],
    { ask, work, route = [] }: People,
  ): Uint8Array {
    return this.scene.service.perform((authority, nowMs) => {
      const groupId16 = authority.addGroup({ patterns: [...topics], purpose }, nowMs);
      const grants = (members: readonly Member[], action: 'publish' | 'subscribe' | 'route') =>
        topics.flatMap((pattern) => members.map(({ keyId32 }) => ({ keyId32, action, pattern, join: 'now' as const })));
      const rights = [...grants(ask, 'publish'), ...grants(work, 'subscribe'), ...grants(route, 'route')];
      authority.grantAll(rights, nowMs);
      return groupId16;
    });
  }

  async connect(member: Member, options: Partial<ConnectOptions> = {}): Promise<TridcommClient> {
    await this.scene.service.rest();
    return this.scene.connect(member, this.scene.localAddress, options);
  }

  statuses(client: TridcommClient): readonly ClientStatus[] {
    return this.scene.statuses.get(client)!;
  }

  /** Ends the broker, and all links with it, and begins another. */
  async restartBroker(): Promise<void> {
    await this.#broker!.close();
    await this.#start();
  }

  async close(): Promise<void> {
    await this.scene.close();
  }

  /** It keeps on its disk what the authority says, so that the next one knows it from the beginning. */
  async #start(): Promise<void> {
    this.#broker = await this.scene.broker({ store: { type: 'disk', folder: join(this.scene.folder, 'log') } });
  }
}

export const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

/** Waits for a client to have done what it was asked for so far. */
export async function settled(...clients: readonly TridcommClient[]): Promise<void> {
  await Promise.all(clients.map(async (client) => client.ready()));
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

/** A promise, and what settles it. */
export function later<T = void>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((settle) => (resolve = settle));
  return { promise, resolve };
}

/** Waits for so many of something. */
export async function untilCount(what: string, list: readonly unknown[], count: number): Promise<void> {
  await until(`${count} of ${what}`, () => list.length >= count, 60_000);
}
