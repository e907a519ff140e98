import { createServer, type Server, type Socket } from 'node:net';
import { TridcommError } from '@tridcomm/core';
import { AdminArguments } from './admin-arguments.ts';
import { findOperation, type AdminResult, type AdminSession } from './admin-operations.ts';
import { errorOf, idOf, mostRequestBytes, readRequest, type AdminScope } from './admin-protocol.ts';
import type { AuthorityService } from './service.ts';
import { listenPrivately, type PrivateSocket } from './unix-socket.ts';

/**
 * Answers requests to an authority on a Unix socket. Who can open the socket is trusted with all that its scope allows, and nobody is asked
 * who he is: so the socket is for one user, in a directory of that user.
 */
export class AdminServer {
  readonly #service: AuthorityService;
  readonly #scope: AdminScope;
  readonly #server: Server;
  readonly #connections = new Set<Socket>();
  readonly #onFault: (error: unknown) => void;
  #socket!: PrivateSocket;

  private constructor(service: AuthorityService, scope: AdminScope, onFault: (error: unknown) => void) {
    this.#service = service;
    this.#scope = scope;
    this.#onFault = onFault;
    // Who has sent all that he has to say still gets his answers.
    this.#server = createServer({ allowHalfOpen: true }, (socket) => void this.#serve(socket));
    this.#server.maxConnections = mostConnections;
  }

  /**
   * @param path - of the socket
   * @param onFault - hears what requests ran into that is no refusal; it must not throw
   * @throws TridcommError `E_USAGE` for a directory that others may enter, a path that is too long, and a socket that a process listens on
   */
  static async listen(
    service: AuthorityService,
    path: string,
    scope: AdminScope,
    onFault: (error: unknown) => void = () => {},
  ): Promise<AdminServer> {
    const server = new AdminServer(service, scope, onFault);
    server.#socket = await listenPrivately(server.#server, path);
    return server;
  }

  async close(): Promise<void> {
    for (const socket of this.#connections) socket.destroy();
    await this.#socket.close();
  }

  async #serve(socket: Socket): Promise<void> {
    this.#connections.add(socket);
    // One that breaks is over, as the loop below finds out.
    socket.on('error', () => {});
    socket.on('close', () => this.#connections.delete(socket));
    const session: AdminSession = { scope: this.#scope, bundles: [] };
    try {
      for await (const line of linesOf(socket)) await send(socket, await this.#answer(line, session));
    } catch (error) {
      await send(socket, { id: null, error: errorOf(error) });
    }
    socket.destroySoon();
  }

  /** One request after the other, so that answers keep their order. */
  async #answer(line: Uint8Array, session: AdminSession): Promise<AdminResult> {
    try {
      const { id, op, given } = readRequest(line);
      const operation = findOperation(op, this.#scope);
      return { id, result: await operation(this.#service, new AdminArguments(given), session) };
    } catch (error) {
      if (!(error instanceof TridcommError)) this.#onFault(error);
      return { id: idOf(line), error: errorOf(error) };
    }
  }
}

/** @throws TridcommError `E_LIMIT` for a line that is too long */
async function* linesOf(socket: Socket): AsyncGenerator<Uint8Array> {
  let rest: Buffer = Buffer.alloc(0);
  // Who sends too much is told so before it is cut off.
  for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(newline); end >= 0; end = rest.indexOf(newline)) {
      checkLine(end);
      yield rest.subarray(0, end);
      rest = rest.subarray(end + 1);
    }
    checkLine(rest.length);
  }
}

function checkLine(lengthBytes: number): void {
  if (lengthBytes > mostRequestBytes)
    throw new TridcommError('E_LIMIT', `request longer than ${mostRequestBytes} bytes`);
}

/** Resolves when there is room for more, or nobody to send to. */
async function send(socket: Socket, answer: AdminResult): Promise<void> {
  await new Promise<void>((resolve) => {
    if (socket.destroyed || !socket.writable) resolve();
    else socket.write(`${JSON.stringify(answer)}\n`, () => resolve());
  });
}

const mostConnections = 64;
const newline = 10;
