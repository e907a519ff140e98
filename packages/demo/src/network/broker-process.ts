import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Caller } from './child.ts';

/** A line of the broker's log. */
export interface LoggedEvent {
  readonly type: string;
  readonly code?: string;
  readonly port?: number;
  readonly keyId?: string;
  readonly [field: string]: unknown;
}

/** The program `tridcomm-broker` as a process, with what it writes to its log. */
export class BrokerProcess {
  /** All that its lives wrote to the standard error. */
  text = '';
  readonly #folder: string;
  readonly #module: URL | undefined;
  readonly #events: LoggedEvent[] = [];
  #process: ChildProcess | undefined;
  #port = 0;
  #rest = '';

  /**
   * @param folder - with the identity, in `identity`; gets the configuration, and the store in `store`
   * @param module - is loaded into the process first; default none
   */
  constructor(folder: string, module?: URL) {
    this.#folder = folder;
    this.#module = module;
  }

  get storeFolder(): string {
    return join(this.#folder, 'store');
  }

  get port(): number {
    return this.#port;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Asks the module that was loaded into the process that runs now. */
  caller<T>(): Caller<T> {
    return new Caller<T>(this.#process!, 'the broker');
  }

  /** How many events there are: for {@link event}. */
  get mark(): number {
    return this.#events.length;
  }

  /** Starts it, on the port that it had before; resolves when it listens. */
  async start(): Promise<void> {
    const config = join(this.#folder, 'broker.json');
    writeFileSync(config, JSON.stringify(configOf(this.#port)));
    const program = fileURLToPath(new URL('bin.js', import.meta.resolve('@tridcomm/broker')));
    const { mark } = this;
    const modules = [`data:text/javascript,${leash}`, ...(this.#module === undefined ? [] : [this.#module.href])];
    this.#process = fork(program, ['--config', config], {
      execArgv: modules.flatMap((module) => ['--import', module]),
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    });
    this.#process.stderr!.setEncoding('utf8').on('data', (text: string) => this.#read(text));
    const { port } = await this.event(mark, ({ type }) => type === 'listening');
    this.#port = port!;
  }

  /** The first event behind a mark that is meant. @throws where none comes within 20 s */
  async event(mark: number, test: (event: LoggedEvent) => boolean): Promise<LoggedEvent> {
    const endMs = performance.now() + 20_000;
    for (;;) {
      const found = this.#events.slice(mark).find(test);
      if (found !== undefined) return found;
      const isOver = this.#process?.exitCode !== null || this.#process.signalCode !== null;
      if (performance.now() > endMs || isOver) {
        throw new Error(`the broker does not say what was expected; it said\n${this.text}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** `kill -9`. */
  kill(): void {
    this.#process?.kill('SIGKILL');
  }

  async ended(): Promise<void> {
    const broker = this.#process;
    if (broker !== undefined && broker.exitCode === null && broker.signalCode === null) await once(broker, 'exit');
  }

  #read(text: string): void {
    this.text += text;
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop()!;
    for (const line of lines) {
      // What the runtime itself writes is no event.
      if (line.startsWith('{')) this.#events.push(JSON.parse(line) as LoggedEvent);
    }
  }
}

/** No process of the demonstration outlives the one that started it. */
const leash = 'process.on("disconnect",()=>process.exit(1));process.channel.unref()';

function configOf(port: number): object {
  return {
    identity: 'identity',
    listeners: [{ type: 'tls', host: '127.0.0.1', port }],
    store: { type: 'disk', folder: 'store' },
    // One machine sends as fast as it can.
    limits: { principal: { messagesPerSecond: 1e9, envelopesPerSecond: 1e9, bytesPerSecond: 1e12 } },
  };
}
