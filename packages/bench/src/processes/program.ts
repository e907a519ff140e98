import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** What a program says of itself; undefined where it is not installed. */
export function versionOf(program: string, args: readonly string[], pattern: RegExp): string | undefined {
  const { error, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (error !== undefined) return undefined;
  return pattern.exec(`${stdout}${stderr}`)?.[1];
}

/** Another server's program, running. */
export class Program {
  readonly #process: ChildProcess;
  #said = '';

  private constructor(program: string, args: readonly string[]) {
    this.#process = spawn(program, [...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#process.stdout!, this.#process.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => (this.#said = `${this.#said}${text}`.slice(-4_000)));
    }
  }

  /** Starts it; resolves when it takes connections. */
  static async start(program: string, args: readonly string[], port: number): Promise<Program> {
    const started = new Program(program, args);
    const kill = () => started.#process.kill('SIGKILL');
    process.on('exit', kill);
    started.#process.once('exit', () => process.off('exit', kill));
    const endMs = performance.now() + 60_000;
    while (!(await answers(port))) {
      if (performance.now() > endMs || started.#process.exitCode !== null) {
        kill();
        throw new Error(`${program} does not start; it said\n${started.#said}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return started;
  }

  get pid(): number {
    return this.#process.pid!;
  }

  async end(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    this.#process.kill('SIGTERM');
    await once(this.#process, 'exit');
  }
}

/** A port of this machine that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { readonly port: number };
  server.close();
  await once(server, 'close');
  return port;
}

async function answers(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const done = (isThere: boolean) => {
      socket.destroy();
      resolve(isThere);
    };
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
  });
}
