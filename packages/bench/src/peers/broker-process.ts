import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { profileArguments } from '../processes/child.ts';

/** Where a broker keeps envelopes. */
export type BrokerStore = 'none' | 'disk';

/** The program `tridcomm-broker` as a process, with limits that no sender of the bench meets. */
export class BrokerProcess {
  readonly #folder: string;
  readonly #store: BrokerStore;
  readonly #ports = new Map<string, number>();
  #process: ChildProcess | undefined;
  #said = '';
  #rest = '';

  /** @param folder - its identity; gets the configuration, and the store */
  constructor(folder: string, store: BrokerStore) {
    this.#folder = folder;
    this.#store = store;
  }

  get pid(): number {
    return this.#process!.pid!;
  }

  /** Resolves when it listens. */
  async start(): Promise<void> {
    const config = join(this.#folder, 'broker.json');
    writeFileSync(config, JSON.stringify(configOf(this.#store)));
    const program = fileURLToPath(new URL('bin.js', import.meta.resolve('@tridcomm/broker')));
    const broker = fork(program, ['--config', config], {
      execArgv: ['--import', `data:text/javascript,${leash}`, ...profileArguments()],
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    });
    this.#process = broker;
    broker.stderr!.setEncoding('utf8').on('data', (text: string) => this.#read(text));
    const endMs = performance.now() + 60_000;
    while (this.#ports.size < 2) {
      if (performance.now() > endMs || broker.exitCode !== null) throw new Error(`no broker; it said\n${this.#said}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  addressOf(listener: 'tls' | 'noise'): string {
    return `${listener}://127.0.0.1:${this.#ports.get(listener)}`;
  }

  async end(): Promise<void> {
    const broker = this.#process;
    if (broker === undefined || broker.exitCode !== null || broker.signalCode !== null) return;
    broker.kill('SIGTERM');
    await once(broker, 'exit');
  }

  /** Its log: one event a line. */
  #read(text: string): void {
    this.#said = `${this.#said}${text}`.slice(-4_000);
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop()!;
    for (const line of lines) {
      if (!line.includes('"listening"')) continue;
      const { listener, port } = JSON.parse(line) as { readonly listener: string; readonly port: number };
      this.#ports.set(listener.startsWith('noise') ? 'noise' : 'tls', port);
    }
  }
}

/** No process of the bench outlives the one that started it. */
const leash = 'process.on("disconnect",()=>process.exit(1));process.channel.unref()';

function configOf(store: BrokerStore): object {
  return {
    identity: '.',
    listeners: [
      { type: 'tls', host: '127.0.0.1', port: 0 },
      { type: 'noise', host: '127.0.0.1', port: 0 },
    ],
    store:
      store === 'disk' ? { type: 'disk', folder: 'envelopes', maxBytes: 4 * 1024 * 1024 * 1024 } : { type: 'none' },
    limits: {
      connections: 100_000,
      openings: 10_000,
      queueBytes: 1_000_000_000,
      principal: {
        connections: 100_000,
        messagesPerSecond: 1e9,
        envelopesPerSecond: 1e9,
        bytesPerSecond: 1e12,
      },
    },
  };
}
