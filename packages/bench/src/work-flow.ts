import type { Peer, PeerServer } from './peers/peer.ts';
import { Child } from './processes/child.ts';
import type { WorkRole } from './processes/work-program.ts';
import { doneUs, sumOf, type Asked, type Jobs, type Requests } from './processes/work-role.ts';

/** One who asks or pushes, and workers, of one peer, each a process, with a server of their own. */
export class WorkFlow {
  readonly #server: PeerServer;
  readonly #asker: Child<WorkRole> = new Child(program);
  readonly #workers: readonly Child<WorkRole>[];

  private constructor(server: PeerServer) {
    this.#server = server;
    this.#workers = server.subscribers.map(() => new Child<WorkRole>(program));
  }

  /** Starts the processes of a peer, and lets its workers take what there is of a topic. */
  static async open(peer: Peer, workers: number, what: 'respond' | 'pull', topic: string): Promise<WorkFlow> {
    const server = await peer.start(workers);
    const flow = new WorkFlow(server);
    try {
      await flow.#asker.call('open', server.publisher);
      for (const [i, worker] of flow.#workers.entries()) {
        await worker.call('open', server.subscribers[i]!);
        await worker.call(what, topic);
      }
      return flow;
    } catch (error) {
      await flow.close();
      throw error;
    }
  }

  /** Asks until all is answered. */
  async ask(requests: Requests): Promise<Asked> {
    return await this.#asker.call('ask', requests);
  }

  /** Pushes jobs, and waits until the workers have them all. @throws Error where some do not come, or too much does */
  async push(jobs: Jobs): Promise<{ readonly perSecond: number }> {
    for (const worker of this.#workers) await worker.call('arm');
    const fromUs = await this.#asker.call('push', jobs);
    const endMs = performance.now() + mostWaitMs;
    for (;;) {
      const came = await Promise.all(this.#workers.map(async (worker) => await worker.call('came')));
      const untilUs = doneUs(came, jobs);
      if (untilUs !== undefined) return { perSecond: (jobs.count * 1e6) / (untilUs - fromUs) };
      if (performance.now() > endMs) throw new Error(`${sumOf(came, 'count')} of ${jobs.count} jobs came in time`);
      await new Promise((resolve) => setTimeout(resolve, lookMs));
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#asker, ...this.#workers].map(async (child) => await child.end()));
    await this.#server.end();
  }
}

const program = 'processes/work-program.js';
const mostWaitMs = 60_000;
/** The workers tell when their last job came, so this is not in the figures. */
const lookMs = 20;
