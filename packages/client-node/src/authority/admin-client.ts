import { connect, type Socket } from 'node:net';
import { TridcommError } from '@tridcomm/core';
import { mostRequestBytes } from './admin-protocol.ts';
import { fileError } from './private-files.ts';
import { checkSocketPath } from './unix-socket.ts';

/** What an authority answered when it refused a request. */
export class AdminRefusal extends Error {
  override readonly name = 'AdminRefusal';
  /** Of chapter 14. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

interface Waiting {
  readonly resolve: (result: Record<string, unknown>) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Asks a running authority, over its socket. See `admin-operations.ts` for what can be asked.
 */
export class AdminClient {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, Waiting>();
  #rest: Buffer[] = [];
  #restBytes = 0;
  #lastId = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(undefined));
  }

  /** @throws TridcommError `E_USAGE` where nobody listens, or the socket is another user's */
  static async connect(path: string): Promise<AdminClient> {
    checkSocketPath(path);
    const socket = connect(path);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', (error) => reject(fileError(error, `socket ${path}`)));
    });
    return new AdminClient(socket);
  }

  /**
   * Asks for one operation.
   *
   * @param args - JSON; bytes in hex. What is undefined is not sent
   * @throws AdminRefusal where the authority refuses; TridcommError `E_LIMIT` for a request that is too long, `E_CLOSED` on a connection that is
   * over, `E_TRANSPORT` where the connection ends before it answers: then it is not
   * known what became of the request
   */
  async request(op: string, args: Readonly<Record<string, unknown>> = {}): Promise<Record<string, unknown>> {
    const id = ++this.#lastId;
    const line = JSON.stringify({ ...args, id, op });
    if (Buffer.byteLength(line) > mostRequestBytes) throw new TridcommError('E_LIMIT', `request ${op}`);
    return await new Promise((resolve, reject) => {
      if (this.#socket.destroyed) {
        reject(new TridcommError('E_CLOSED', 'connection to the authority'));
        return;
      }
      this.#waiting.set(id, { resolve, reject });
      this.#socket.write(`${line}\n`);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    this.#rest.push(chunk);
    this.#restBytes += chunk.length;
    try {
      checkAnswer(this.#restBytes);
      if (!chunk.includes(newline)) return;
      const bytes = Buffer.concat(this.#rest);
      const end = bytes.lastIndexOf(newline);
      this.#rest = [bytes.subarray(end + 1)];
      this.#restBytes = bytes.length - end - 1;
      for (const line of bytes.toString('utf8', 0, end).split('\n')) this.#take(line);
    } catch (error) {
      this.#fail(error);
      this.#socket.destroy();
    }
  }

  #take(line: string): void {
    const { id, result, error } = JSON.parse(line) as {
      readonly id: number | null;
      readonly result?: Record<string, unknown>;
      readonly error?: { readonly code: string; readonly message: string };
    };
    const refusal = error && new AdminRefusal(error.code, error.message);
    // What the authority cannot tell apart ends the connection.
    if (id === null) throw refusal ?? new TridcommError('E_ENCODING', 'answer without an id');
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (refusal !== undefined) waiting?.reject(refusal);
    else waiting?.resolve(result ?? {});
  }

  #fail(error: unknown): void {
    const cause = error === undefined ? {} : { cause: error };
    for (const { reject } of this.#waiting.values()) {
      const ended = () => new TridcommError('E_TRANSPORT', 'connection to the authority ended', cause);
      reject(error instanceof AdminRefusal ? error : ended());
    }
    this.#waiting.clear();
  }
}

function checkAnswer(lengthBytes: number): void {
  if (lengthBytes > mostAnswerBytes) throw new TridcommError('E_LIMIT', 'answer of the authority');
}

/** The largest bundle in base64, and what is round it. */
const mostAnswerBytes = 33_554_432;
const newline = 10;
