import { TridcommError, type PrincipalRecord } from '@tridcomm/core';
import { limits } from '@tridcomm/core/internal';
import { LinkEngine, type LinkMessage, type LinkOptions } from '@tridcomm/core/link';
import { parseAddress, type Address } from './address.ts';
import type { ByteStream, StreamHandlers } from './byte-stream.ts';
import { dial, type Connection, type Dial, type TlsFiles } from './dial.ts';
import { openingError } from './opening-errors.ts';

/** What a member brings to a link. */
export type MemberOfLink = Omit<LinkOptions, 'side' | 'mode' | 'tls' | 'expectedName' | 'suites' | 'frameCapBytes'>;

/** Where a link leads. */
export interface LinkTarget {
  readonly address: string;
  /** Default the name that the address says. */
  readonly brokerName?: string | undefined;
  readonly tls?: TlsFiles | undefined;
  /** Whether `ws://` to a loopback host is taken. */
  readonly allowsPlain?: boolean | undefined;
  /** @internal What opens the connection; default sockets of this machine. */
  readonly dial?: Dial | undefined;
}

/** What a link tells. */
export interface LinkHandlers {
  /** The link is open: the first call, from inside {@link openLink}. */
  onOpen(link: ProvenLink): void;
  /** What it throws ends the link. */
  onMessage(message: LinkMessage): void;
  /** There is room again: see {@link Link.isFull}. */
  onDrain(): void;
  /**
   * The open link is over; the last call, and none after {@link Link.close}.
   *
   * @param error - undefined for an orderly end by the broker
   * @param retryMs - how long the broker asks to be left alone; 0 where it says nothing
   */
  onEnd(error: TridcommError | undefined, retryMs: number): void;
}

/**
 * Opens a link to a broker: connects, and lets the two nodes show each other who they are.
 *
 * @param signal - gives up with its reason; means nothing for a link that is open
 * @throws TridcommError `E_USAGE` for an address or certificates that cannot be; `E_TRANSPORT` where no connection comes about, or no link
 *   within 5 s; what chapter 05 refuses, `E_HANDSHAKE` and `E_BINDING` first of all. Each says what to do
 * @spec link.8, link.11, link.14, bindings.1
 */
export async function openLink(
  target: LinkTarget,
  member: MemberOfLink,
  handlers: LinkHandlers,
  signal?: AbortSignal,
): Promise<void> {
  const address = parseAddress(target.address, target.allowsPlain);
  const opening = new AbortController();
  const late = new TridcommError('E_TRANSPORT', `${address.text}: no link within ${limits.openingMs} ms: try again`);
  const timer = setTimeout(() => opening.abort(late), limits.openingMs);
  const abort = () => opening.abort(signal?.reason);
  signal?.addEventListener('abort', abort);
  try {
    signal?.throwIfAborted();
    const driver = new Driver(address, handlers, opening.signal);
    const connection = await (target.dial ?? dial)(address, target.tls ?? {}, driver, opening.signal);
    await driver.open(connection, { ...member, side: 'initiator', expectedName: target.brokerName ?? address.name });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}

/** A link to a broker that is open, or was. */
export interface Link {
  /** The broker; undefined on a carrier, where nobody shows who they are. */
  readonly peer: PrincipalRecord | undefined;
  /** The largest envelope that it takes, where not every one is taken; bytes. */
  readonly mostBytes?: number;
  /** Whether so much waits to go out that sending should wait for `onDrain`; small messages may go out all the same. */
  readonly isFull: boolean;
  /** @throws TridcommError `E_CLOSED` on a link that is over; `E_LIMIT`, `E_USAGE`, and the link goes on */
  send(message: LinkMessage): void;
  /** Ends the link. @param error - what the broker is told, by its outward code; without it the end is an orderly one */
  close(error?: TridcommError): void;
}

/** One whose broker has shown who it is. */
export interface ProvenLink extends Link {
  readonly peer: PrincipalRecord;
}

/** Drives the engine of a link over a connection. */
class Driver implements ProvenLink, StreamHandlers {
  readonly #address: Address;
  readonly #handlers: LinkHandlers;
  readonly #signal: AbortSignal;
  #engine!: LinkEngine;
  #stream!: ByteStream;
  /** What came before there was an engine; undefined since there is. */
  #early: (() => void)[] | undefined = [];
  #isOver = false;
  /** Whether the broker was asked for its first word. */
  #isAsked = false;
  /** Answers {@link open}; undefined once it is answered. */
  #opened: ((error?: unknown) => void) | undefined;

  constructor(address: Address, handlers: LinkHandlers, signal: AbortSignal) {
    this.#address = address;
    this.#handlers = handlers;
    this.#signal = signal;
  }

  get peer(): PrincipalRecord {
    return this.#engine.peer!;
  }

  get isFull(): boolean {
    return this.#stream.isFull;
  }

  async open({ stream, mode, tls }: Connection, options: Omit<LinkOptions, 'mode' | 'tls'>): Promise<void> {
    this.#stream = stream;
    try {
      this.#signal.throwIfAborted();
      this.#engine = new LinkEngine({ ...options, mode, ...(tls !== undefined && { tls }) }, (chunks) =>
        stream.write(chunks),
      );
    } catch (error) {
      stream.destroy();
      throw error;
    }
    const aborted = () => this.#fail(this.#signal.reason);
    try {
      await new Promise<void>((resolve, reject) => {
        this.#opened = (error) => (error === undefined ? resolve() : reject(error as Error));
        this.#signal.addEventListener('abort', aborted);
        this.#engine.start();
        const early = this.#early!;
        this.#early = undefined;
        for (const take of early) take();
      });
    } finally {
      this.#signal.removeEventListener('abort', aborted);
    }
  }

  send(message: LinkMessage): void {
    this.#engine.send(message);
  }

  close(error?: TridcommError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#engine.close(error);
    this.#stream.end();
  }

  onData(chunk: Uint8Array): void {
    if (this.#early !== undefined) {
      this.#early.push(() => this.onData(chunk));
      return;
    }
    if (this.#isOver) return;
    try {
      this.#engine.receive(chunk, (message) => {
        if (message.type === 'close') this.#closedByPeer(message.code, message.retryMs);
        else if (!this.#isOver) this.#take(message);
      });
      this.#askWhetherTaken();
    } catch (error) {
      this.#fail(error);
    }
  }

  onDrain(): void {
    if (!this.#isOver && this.#opened === undefined) this.#handlers.onDrain();
  }

  onEnd(error: TridcommError | undefined): void {
    if (this.#early !== undefined) {
      this.#early.push(() => this.onEnd(error));
      return;
    }
    if (this.#isOver) return;
    try {
      this.#engine.end();
    } catch (ended) {
      this.#fail(error ?? ended);
    }
  }

  #take(message: LinkMessage): void {
    const opened = this.#opened;
    if (opened !== undefined) {
      // Whatever the broker says, it says to a member that it has taken.
      this.#opened = undefined;
      this.#handlers.onOpen(this);
      opened();
    }
    if (message.type === 'ping' && message.answers && message.token === takenToken) return;
    this.#handlers.onMessage(message);
  }

  /** Our side is open before the broker has judged who we are; what it does not take it leaves without a word (link.23). */
  #askWhetherTaken(): void {
    if (this.#opened === undefined || this.#isAsked || this.#engine.state !== 'open') return;
    this.#isAsked = true;
    this.#engine.send({ type: 'ping', answers: false, token: takenToken, timeMs: Date.now() });
  }

  #closedByPeer(code: TridcommError['code'] | undefined, retryMs: number): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stream.end();
    const why = `${this.#address.text}: the broker ended the link`;
    const opened = this.#opened;
    if (opened !== undefined) {
      // In one chunk with what would have opened it: nobody heard of the link yet.
      this.#opened = undefined;
      opened(new TridcommError(code ?? 'E_TRANSPORT', why));
      return;
    }
    this.#handlers.onEnd(code === undefined ? undefined : new TridcommError(code, why), retryMs);
  }

  /** The link is over by something that went wrong; the engine has sent its close, where one is due. */
  #fail(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const opened = this.#opened;
    this.#opened = undefined;
    if (opened === undefined) {
      this.#stream.end();
      const reason =
        error instanceof TridcommError ? error : new TridcommError('E_INTERNAL', undefined, { cause: error });
      this.#handlers.onEnd(reason, 0);
      return;
    }
    this.#engine.close();
    this.#stream.destroy();
    const isDropped = this.#isAsked && error instanceof TridcommError && error.code === 'E_TRANSPORT';
    const refusal = isDropped ? new TridcommError('E_HANDSHAKE', undefined, { cause: error }) : error;
    opened(this.#signal.aborted ? error : openingError(this.#address, refusal));
  }
}

/** Of the first ping of a link; others draw theirs, which are never that small by any chance that counts. */
const takenToken = 0;
