import { TridcommError, type RandomSource } from '@tridcomm/core';
import { limits } from '@tridcomm/core/internal';
import type { LinkMessage } from '@tridcomm/core/link';
import { openCarrierLink, type CarrierTarget } from '../carriers/carrier-link.ts';
import { openLink, type Link, type LinkTarget, type MemberOfLink } from '../links/link.ts';
import { random as platformRandom, randomShare, randomToken } from './random.ts';
import { Reconnect } from './reconnect.ts';

/** What a connection tells who keeps it. */
export interface ConnectionHandlers {
  onConnecting(attempt: number): void;
  onOpen(link: Link): void;
  /** Anything but pings. What it throws ends the link. */
  onMessage(message: LinkMessage): void;
  onDrain(): void;
  /** There is no link any more, or none came about. */
  onLost(error: TridcommError | undefined, retryInMs: number): void;
  /** Clocks differ by this. */
  onClock(skewMs: number): void;
}

/**
 * Keeps a link to a broker: opens it, asks now and then whether it lives, and opens another when it is over.
 */
export class Connection {
  readonly #target: LinkTarget | CarrierTarget;
  readonly #member: () => MemberOfLink;
  readonly #handlers: ConnectionHandlers;
  readonly #reconnect: Reconnect;
  readonly #stop = new AbortController();
  #link: Link | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Pings that were not answered, by token. */
  readonly #pings = new Map<number, Ping>();
  #liveness: NodeJS.Timeout | undefined;
  readonly #random: RandomSource;
  readonly #pingMs: number;

  /**
   * @param member - what to bring to a link, asked anew for each
   * @param random - for tokens of pings, and for when to try again
   * @param pingMs - how often the broker is asked for a sign of life, and how long it may take
   */
  constructor(
    target: LinkTarget | CarrierTarget,
    member: () => MemberOfLink,
    handlers: ConnectionHandlers,
    random: RandomSource = platformRandom,
    pingMs = 15_000,
  ) {
    this.#random = random;
    this.#pingMs = pingMs;
    this.#target = target;
    this.#member = member;
    this.#handlers = handlers;
    this.#reconnect = new Reconnect(() => randomShare(random));
  }

  /** Undefined while there is none. */
  get link(): Link | undefined {
    return this.#link;
  }

  /**
   * Opens the first link; after that, others follow whenever it is over.
   *
   * @throws what {@link openLink} does: then nothing follows
   */
  async start(signal?: AbortSignal): Promise<void> {
    const abort = () => this.#stop.abort(signal?.reason);
    signal?.addEventListener('abort', abort);
    try {
      signal?.throwIfAborted();
      await this.#open();
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  /**
   * Resolves when the broker has handled all that was sent before.
   *
   * @throws TridcommError `E_CLOSED` without a link, `E_TRANSPORT` where it ends before
   */
  async ping(): Promise<void> {
    const link = this.#link;
    if (link === undefined) throw new TridcommError('E_CLOSED', 'there is no link to a broker now');
    const token = randomToken(this.#random);
    await new Promise<void>((resolve, reject) => {
      this.#pings.set(token, { sentMs: Date.now(), askedMs: performance.now(), resolve, reject });
      link.send({ type: 'ping', answers: false, token, timeMs: Date.now() });
    });
  }

  /** Ends the link for a reason; the next is opened after a while. */
  drop(error: TridcommError): void {
    const link = this.#link;
    link?.close(error);
    if (link !== undefined) this.#lost(error, 0);
  }

  /** Where it leads, for people. */
  get #name(): string {
    return 'carrier' in this.#target ? this.#target.carrier.kind : this.#target.address;
  }

  /** Ends the link in order, and opens no other. */
  close(): void {
    this.#stop.abort(new TridcommError('E_CLOSED', 'client that was closed'));
    clearTimeout(this.#timer);
    this.#link?.close();
    this.#forget();
  }

  async #open(): Promise<void> {
    this.#handlers.onConnecting(this.#reconnect.attempts + 1);
    const handlers = {
      onOpen: (link: Link) => this.#opened(link),
      onMessage: (message: LinkMessage) => this.#take(message),
      onDrain: () => this.#handlers.onDrain(),
      onEnd: (error: TridcommError | undefined, retryMs: number) => this.#lost(error, retryMs),
    };
    const target = this.#target;
    const [member, { signal }] = [this.#member(), this.#stop];
    if ('carrier' in target) await openCarrierLink(target, member, handlers, signal);
    else await openLink(target, member, handlers, signal);
  }

  #opened(link: Link): void {
    this.#link = link;
    this.#reconnect.opened(performance.now());
    this.#liveness = setInterval(() => this.#checkLife(), this.#pingMs);
    this.#handlers.onOpen(link);
  }

  #take(message: LinkMessage): void {
    if (message.type !== 'ping') {
      this.#handlers.onMessage(message);
      return;
    }
    const { answers, token, timeMs } = message;
    if (!answers) {
      // A peer that does not read asks in vain: answers must not pile up for it.
      if (this.#link?.isFull === false) {
        this.#link.send({ type: 'ping', answers: true, token, timeMs: Date.now() });
      }
      return;
    }
    const ping = this.#pings.get(token);
    if (ping === undefined) return;
    this.#pings.delete(token);
    ping.resolve();
    // The answer was written somewhere between the two times.
    const nowMs = Date.now();
    const skewMs = Math.round(timeMs - (ping.sentMs + nowMs) / 2);
    if (Math.abs(skewMs) > limits.skewMs / 2 + (nowMs - ping.sentMs) / 2) this.#handlers.onClock(skewMs);
  }

  /** A ping that is not answered when the next is due says that nobody is there. */
  #checkLife(): void {
    const [oldest] = this.#pings.values();
    if (oldest !== undefined && performance.now() - oldest.askedMs >= this.#pingMs - 1) {
      this.drop(new TridcommError('E_TRANSPORT', `${this.#name}: the broker does not answer`));
      return;
    }
    this.ping().catch(() => {});
  }

  #lost(error: TridcommError | undefined, retryMs: number): void {
    this.#forget();
    this.#retry(error, retryMs);
  }

  #retry(error: TridcommError | undefined, retryMs: number): void {
    if (this.#stop.signal.aborted) return;
    const delayMs = this.#reconnect.lost(performance.now(), retryMs);
    this.#timer = setTimeout(() => void this.#again(), delayMs);
    this.#handlers.onLost(error, delayMs);
  }

  async #again(): Promise<void> {
    try {
      await this.#open();
    } catch (error) {
      const reason =
        error instanceof TridcommError ? error : new TridcommError('E_INTERNAL', undefined, { cause: error });
      this.#retry(reason, 0);
    }
  }

  #forget(): void {
    this.#link = undefined;
    clearInterval(this.#liveness);
    for (const { reject } of this.#pings.values()) {
      reject(new TridcommError('E_TRANSPORT', `${this.#name}: the link ended before the broker answered`));
    }
    this.#pings.clear();
  }
}

interface Ping {
  /** By the clock that is told. */
  readonly sentMs: number;
  /** By one that does not jump. */
  readonly askedMs: number;
  readonly resolve: () => void;
  readonly reject: (error: TridcommError) => void;
}
