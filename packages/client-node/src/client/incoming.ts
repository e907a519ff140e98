import { TridcommError, type Client } from '@tridcomm/core';
import { Credit } from './credit.ts';
import { HeldEnvelopes } from './held-envelopes.ts';

/** What the receiving side needs of its client. */
export interface IncomingParts {
  readonly windowBytes: number;
  readonly client: () => Client;
  /** The broker may send up to so many bytes, counted from the opening of the link. */
  readonly grant: (bytes: number) => void;
  readonly onRefused: (error: TridcommError) => void;
  readonly onFailed: (error: unknown) => void;
}

/** An envelope that is being opened: by how many it was taken, this class being one. */
interface Taken {
  users: number;
  readonly consumed: () => void;
}

/**
 * The receiving side of a client: holds the broker to its credit, opens what came as news, and gives credit when the application is done.
 *
 * @spec delivery.14
 */
export class Incoming {
  readonly #parts: IncomingParts;
  readonly #credit: Credit;
  readonly #held: HeldEnvelopes<Uint8Array>;
  /** What the hello of the link said. */
  #helloBytes = 0;
  #taken: Taken | undefined;

  constructor(parts: IncomingParts) {
    this.#parts = parts;
    this.#credit = new Credit(parts.windowBytes);
    this.#held = new HeldEnvelopes(parts.windowBytes / 4);
  }

  /** A link is to be opened. @returns the credit of its hello */
  begin(): number {
    this.#helloBytes = this.#credit.begin();
    return this.#helloBytes;
  }

  /** The link is open: grants what was consumed since its hello was made. */
  opened(): void {
    const { grantedBytes } = this.#credit;
    if (grantedBytes > this.#helloBytes) this.#parts.grant(grantedBytes);
  }

  /** The body of an envelope or stored frame came. @throws TridcommError `E_LIMIT` where the broker had no credit for it */
  count(bytes: number): void {
    if (!this.#credit.received(bytes)) throw new TridcommError('E_LIMIT', 'more than the broker had credit for');
  }

  /** The application is done with what was counted. */
  consumed(bytes: number): void {
    const grantBytes = this.#credit.consumed(bytes);
    if (grantBytes !== undefined) this.#parts.grant(grantBytes);
  }

  /** Opens an envelope that was counted, or lets it wait. */
  take(envelope: Uint8Array): void {
    if (this.#open(envelope, false)) return;
    if (!this.#held.hold(envelope, envelope.length, performance.now())) this.#open(envelope, true);
  }

  /** Tries again what could not be opened when it came. */
  retry(): void {
    if (this.#held.isEmpty) return;
    this.#held.retry(performance.now(), (envelope, isLast) => this.#open(envelope, isLast));
  }

  /** Whether an envelope is being delivered. */
  get isDelivering(): boolean {
    return this.#taken !== undefined;
  }

  /** The envelope that is being delivered goes to one more. @returns to be called when that one is done with it */
  use(): () => void {
    const taken = this.#taken!;
    taken.users++;
    return taken.consumed;
  }

  /** @returns false where it makes sense to try again, which is not asked where `isLast` */
  #open(envelope: Uint8Array, isLast: boolean): boolean {
    const taken: Taken = {
      users: 1,
      consumed: () => {
        taken.users--;
        if (taken.users === 0) this.consumed(envelope.length);
      },
    };
    this.#taken = taken;
    try {
      this.#parts.client().envelope(envelope, Date.now());
    } catch (error) {
      if (!(error instanceof TridcommError)) this.#parts.onFailed(error);
      else if (!isLast && this.#parts.client().mayOpenLater(error.code, envelope, Date.now())) return false;
      else if (error.code !== 'E_CLOSED') this.#parts.onRefused(error);
    } finally {
      this.#taken = undefined;
    }
    taken.consumed();
    return true;
  }
}
