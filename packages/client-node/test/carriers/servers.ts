import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectSocket, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** How a test wants its server. */
export interface ServerSettings {
  /** The largest message that it takes; bytes. */
  readonly mostBytes?: number;
  /** Of NATS; default true. */
  readonly hasJetStream?: boolean;
  /** Who may do what, in the words of the server: each user's password is the name. */
  readonly users?: string;
}

/** A messaging server as a process of its own, on a port of this machine, in a folder that is removed with it. */
export class Server {
  readonly port: number;
  readonly #folder: string;
  readonly #command: readonly [string, ...string[]];
  #child: ChildProcess | undefined;
  #output = '';
  /** Of a test that was given up. */
  readonly #onExit = (): void => void this.#child?.kill('SIGKILL');

  private constructor(port: number, folder: string, command: readonly [string, ...string[]]) {
    this.port = port;
    this.#folder = folder;
    this.#command = command;
  }

  static async nats({ mostBytes = 1_048_576, hasJetStream = true, users }: ServerSettings = {}): Promise<Server> {
    const { port, folder } = await place();
    const config = join(folder, 'nats.conf');
    const lines = [
      'host: 127.0.0.1',
      `port: ${port}`,
      `max_payload: ${mostBytes}`,
      ...(hasJetStream ? [`jetstream { store_dir: ${JSON.stringify(join(folder, 'store'))} }`] : []),
      ...(users === undefined ? [] : [`authorization { users: ${users} }`]),
    ];
    writeFileSync(config, lines.join('\n'));
    return new Server(port, folder, ['nats-server', '--config', config]).#start();
  }

  /** Retained messages of it end with its process. */
  static async mqtt({ mostBytes, users }: ServerSettings = {}): Promise<Server> {
    const { port, folder } = await place();
    const config = join(folder, 'mosquitto.conf');
    const lines = [
      // One that root starts would become another user otherwise, who does not see the folder.
      ...(process.getuid?.() === 0 ? ['user root'] : []),
      ...(mostBytes === undefined ? [] : [`max_packet_size ${mostBytes}`]),
      'persistence false',
      `listener ${port} 127.0.0.1`,
      // It asks for no password, and goes by the name.
      'allow_anonymous true',
      ...(users === undefined ? [] : [`acl_file ${join(folder, 'acl')}`]),
    ];
    if (users !== undefined) writeFileSync(join(folder, 'acl'), users);
    writeFileSync(config, lines.join('\n'));
    return new Server(port, folder, ['mosquitto', '-c', config]).#start();
  }

  /** As a crash does. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  async restart(): Promise<void> {
    await this.#start();
  }

  async close(): Promise<void> {
    process.off('exit', this.#onExit);
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #start(): Promise<this> {
    process.off('exit', this.#onExit);
    process.on('exit', this.#onExit);
    const [program, ...args] = this.#command;
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: process.env });
    this.#child = child;
    let failure: Error | undefined;
    child.once('error', (error) => (failure = error));
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (this.#output += text));
    }
    while (!(await isListening(this.port))) {
      if (failure !== undefined || child.exitCode !== null) {
        throw new Error(`${program} ended: ${failure?.message ?? ''}${this.#output}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return this;
  }
}

/** Why a test with a program cannot run; undefined where it can. */
export function missing(program: 'nats-server' | 'mosquitto', file: string): string | undefined {
  const { error } = spawnSync(program, [program === 'mosquitto' ? '-h' : '--version'], { stdio: 'ignore' });
  if (error === undefined) return undefined;
  const why = `${program} is not installed here`;
  console.log(`SKIP ${file}: ${why}`);
  return why;
}

async function place(): Promise<{ readonly port: number; readonly folder: string }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return { port, folder: mkdtempSync(join(tmpdir(), 'tdc-carrier-')) };
}

async function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectSocket(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
