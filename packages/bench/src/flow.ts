import { countFor } from './measure.ts';
import type { Peer, PeerServer } from './peers/peer.ts';
import { Child } from './processes/child.ts';
import type { Role, Sending } from './processes/role.ts';
import { cpuSeconds } from './processes/usage.ts';

/** What one round came to. */
export interface Ran {
  /** Messages a second that every subscriber got; without subscribers those that were acknowledged. */
  readonly perSecond: number;
  /** Of the broker's process for each message that one subscriber got, µs; undefined where there is none, or the system does not say. */
  readonly brokerUs: number | undefined;
  /** Of all processes together, in the same way. */
  readonly totalUs: number | undefined;
}

/** A publisher and subscribers of one peer, each a process, with a server of their own. */
export class Flow {
  readonly peer: Peer;
  readonly publisher: Child<Role>;
  readonly subscribers: readonly Child<Role>[];
  readonly #server: PeerServer;

  private constructor(peer: Peer, server: PeerServer) {
    this.peer = peer;
    this.#server = server;
    this.publisher = new Child(roleProgram);
    this.subscribers = server.subscribers.map(() => new Child<Role>(roleProgram));
  }

  /** Starts the processes of a peer, and lets its subscribers hear of a topic. */
  static async open(peer: Peer, subscribers: number, topic: string): Promise<Flow> {
    const server = await peer.start(subscribers);
    const flow = new Flow(peer, server);
    try {
      await flow.publisher.call('open', server.publisher);
      for (const [i, subscriber] of flow.subscribers.entries()) {
        await subscriber.call('open', server.subscribers[i]!);
        await subscriber.call('subscribe', topic);
      }
      return flow;
    } catch (error) {
      await flow.close();
      throw error;
    }
  }

  /** Sends messages, and waits until each subscriber has them all. @throws Error where some do not come */
  async run(sending: Sending): Promise<Ran> {
    for (const subscriber of this.subscribers) await subscriber.call('arm', sending.count);
    const before = this.#cpu();
    const { fromUs, untilUs } = await this.publisher.call('send', sending);
    const arrived = await Promise.all(this.subscribers.map(async (one) => await one.call('arrived', mostWaitMs)));
    const after = this.#cpu();
    for (const { bytes } of arrived) {
      if (bytes !== sending.count * sending.bytes) throw new Error(`${bytes} bytes came`);
    }
    const endUs = this.subscribers.length === 0 ? untilUs : Math.max(...arrived.map(({ atUs }) => atUs));
    const received = Math.max(1, this.subscribers.length);
    const usOf = (from: number | undefined, to: number | undefined) =>
      from === undefined || to === undefined ? undefined : ((to - from) * 1e6) / (sending.count * received);
    return {
      perSecond: (sending.count * received * 1e6) / (endUs - fromUs),
      brokerUs: usOf(before.broker, after.broker),
      totalUs: usOf(before.total, after.total),
    };
  }

  async close(): Promise<void> {
    await Promise.all([this.publisher, ...this.subscribers].map(async (child) => await child.end()));
    await this.#server.end();
  }

  #cpu(): { readonly broker: number | undefined; readonly total: number | undefined } {
    const { pid } = this.#server;
    const broker = pid === undefined ? undefined : cpuSeconds(pid);
    const clients = [this.publisher, ...this.subscribers].map((child) => cpuSeconds(child.pid));
    const isKnown = clients.every((seconds) => seconds !== undefined);
    return { broker, total: isKnown ? clients.reduce((sum, one) => sum + one, broker ?? 0) : undefined };
  }
}

/** Finds out how many messages make a round of about so long; warms everything up on the way. */
export async function calibrate(flow: Flow, sending: Omit<Sending, 'count'>, roundMs: number): Promise<number> {
  const { bytes, perCall: step } = sending;
  const receivers = Math.max(1, flow.subscribers.length);
  const most = Math.max(step, Math.floor(mostBytesInRound / bytes / receivers));
  const run = async (count: number) => {
    const { perSecond } = await flow.run({ ...sending, count });
    return (count * receivers * 1_000) / perSecond;
  };
  return await countFor(run, { step, most, roundMs });
}

const roleProgram = 'processes/role.js';
const mostWaitMs = 60_000;
const mostBytesInRound = 400_000_000;
