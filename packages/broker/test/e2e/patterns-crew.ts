import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FileEffectStore, type TridcommClient } from '@tridcomm/client-node';
import { bundle } from '../../../client-node/test/bundled.ts';
import { Speaker } from './patterns-speaker.ts';
import type { WorkerJob } from './patterns-worker.ts';
import { Scene, until, wait, type BrokerProcess, type Member } from './scene.ts';

type TopicJob = WorkerJob['topics'][number];

/** Paths of what the processes run. */
type Programs = Readonly<Record<'worker' | 'store', string>>;

/**
 * A pool of workers that are processes of their own, as their broker is, at the other end of TLS: they are killed with SIGKILL, and others
 * are started in their places. Each has an identity, which the next one takes over.
 */
export class Crew {
  readonly scene: Scene;
  readonly broker: BrokerProcess;
  /** Who asks and pushes. */
  readonly client: TridcommClient;
  /** Keys whose effect and entry are in the store. */
  readonly committed = new Set<string>();
  /** Runs of the store whose worker was killed. */
  left = 0;
  kills = 0;
  readonly #programs: Programs;
  readonly #jobs: readonly WorkerJob[];
  #noted = 0;
  #processes: Speaker[] = [];
  #store: Speaker | undefined;

  private constructor(
    parts: Pick<Crew, 'scene' | 'broker' | 'client'>,
    programs: Programs,
    jobs: readonly WorkerJob[],
  ) {
    ({ scene: this.scene, broker: this.broker, client: this.client } = parts);
    this.#programs = programs;
    this.#jobs = jobs;
  }

  /** @param mostPauseMs - handlers take half of it on average */
  static async create(scene: Scene, topics: readonly TopicJob[], mostPauseMs: number): Promise<Crew> {
    const asker = await scene.member('asker');
    const workers = await Promise.all(workerNames.map(async (name) => scene.member(name)));
    scene.service.perform((authority, nowMs) => {
      authority.addGroup({ patterns: topics.map(({ topic }) => topic), purpose: 'front' }, nowMs);
      const grants = (members: readonly Member[], action: 'publish' | 'subscribe') =>
        topics.flatMap(({ topic }) =>
          members.map(({ keyId32 }) => ({ keyId32, action, pattern: topic, join: 'now' as const })),
        );
      authority.grantAll([...grants([asker], 'publish'), ...grants(workers, 'subscribe')], nowMs);
    });
    const tls = { type: 'tls', host: '127.0.0.1', port: 0 };
    const broker = await scene.brokerProcess({ listeners: [tls], store: { type: 'memory' } });
    const [port] = Object.values(broker.ports).filter((one) => one > 0);
    const address = `tls://127.0.0.1:${port}`;
    scene.lead();
    await until('the broker has the word of the authority', () =>
      broker.lines().some(({ type }) => type === 'bundleTaken'),
    );
    await scene.service.rest();
    programs ??= bundleAll();
    const client = await scene.connect(asker, address);
    const [notes, socket] = [join(scene.folder, 'notes'), join(scene.folder, 'effects.sock')];
    appendFileSync(notes, '');
    const jobs = workers.map(({ directory: identity }): WorkerJob => {
      return { address, identity, topics, notes, store: socket, mostPauseMs };
    });
    const crew = new Crew({ scene, broker, client }, await programs, jobs);
    if (topics.some(({ isStored }) => isStored)) await crew.#startStore();
    crew.#processes = jobs.map((job) => crew.#startWorker(job));
    await crew.until('all workers are there', () => crew.#processes.every(({ isThere }) => isThere));
    return crew;
  }

  /** About how much was done. */
  get did(): number {
    return this.#noted + this.committed.size;
  }

  /** Kills a worker that does something, at a random moment, and starts another in its place. */
  async killOne(random: () => number): Promise<void> {
    let ready: number[] = [];
    await this.until('all workers are at work', () => {
      ready = [...this.#processes.keys()].filter((i) => this.#processes[i]!.said > 0);
      return ready.length === this.#processes.length;
    });
    await wait(random() * 200);
    await this.#killThese([ready[Math.floor(random() * ready.length)]!]);
  }

  /** Kills all workers at one moment. */
  async killAll(): Promise<void> {
    await this.#killThese([...this.#processes.keys()]);
  }

  /** Kills the process of the store while transactions are open, and starts another. */
  async killStore(): Promise<void> {
    await this.#store!.kill();
    await this.#startStore();
  }

  /** Ends all workers, and the process of the store, and opens what it leaves. */
  async openStore(): Promise<FileEffectStore> {
    for (const process of [...this.#processes, this.#store!]) await process.kill();
    this.#processes = [];
    this.#store = undefined;
    return FileEffectStore.open(this.#effects);
  }

  /** What handlers without the store noted: by key, how often it was begun, and how often it came to its end. */
  notes(): { readonly begun: ReadonlyMap<string, number>; readonly ended: ReadonlyMap<string, number> } {
    const [begun, ended] = [new Map<string, number>(), new Map<string, number>()];
    for (const line of readFileSync(this.#jobs[0]!.notes, 'utf8').split('\n').slice(0, -1)) {
      const [word, key] = line.split(' ') as [string, string];
      const counts = word === 'begun' ? begun : ended;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    return { begun, ended };
  }

  /** How many units the broker has dropped, as it says. @spec delivery.25 */
  get dropped(): number {
    const lines = this.broker.lines().filter(({ type }) => type === 'workDropped');
    return lines.reduce((sum, { leftOut }) => sum + 1 + Number(leftOut ?? 0), 0);
  }

  /** Waits for something, as long as no process ends by itself. */
  async until(what: string, test: () => boolean, withinMs = 120_000): Promise<void> {
    const check = () => {
      for (const process of this.#processes) process.check();
      this.#store?.check();
      return test();
    };
    await until(what, check, withinMs);
  }

  get #effects(): string {
    return join(this.scene.folder, 'effects');
  }

  async #startStore(): Promise<void> {
    const socket = this.#jobs[0]!.store;
    this.#store = new Speaker(this.scene.start([this.#programs.store, this.#effects, socket]), (line) => {
      if (line === 'left') this.left++;
      else if (line.startsWith('done ')) this.committed.add(line.slice(5));
    });
    await this.until('the store is there', () => this.#store!.isThere);
  }

  #startWorker(job: WorkerJob): Speaker {
    return new Speaker(this.scene.start([this.#programs.worker, JSON.stringify(job)]), (line) => {
      if (line === 'noted') this.#noted++;
    });
  }

  async #killThese(which: readonly number[]): Promise<void> {
    await Promise.all(which.map(async (i) => this.#processes[i]!.kill()));
    this.kills += which.length;
    for (const i of which) this.#processes[i] = this.#startWorker(this.#jobs[i]!);
  }
}

export const workerNames: readonly string[] = ['one', 'two', 'three'];

/** Once for all tests of a file. */
let programs: Promise<Programs> | undefined;

async function bundleAll(): Promise<Programs> {
  const worker = await bundle(new URL('patterns-worker.ts', import.meta.url));
  const store = await bundle(new URL('patterns-store-process.ts', import.meta.url));
  return { worker, store };
}
