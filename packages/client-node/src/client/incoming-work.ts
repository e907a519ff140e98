import { isOfUnit, refusedOutcome, TridcommError, type Client, type Lease, type WorkForm } from '@tridcomm/core';
import { HeldEnvelopes } from './held-envelopes.ts';

/** What taking work needs of its client. */
export interface IncomingWorkParts {
  /** Of units that wait for what it takes to open them. */
  readonly mostHeldBytes: number;
  readonly client: () => Client;
  readonly onRefused: (error: TridcommError) => void;
  readonly onFailed: (error: unknown) => void;
}

/** A unit of work as it came. */
interface Unit {
  readonly bytes: Uint8Array;
  readonly form: WorkForm;
  readonly lease: Lease;
}

/**
 * Opens the units of work that a broker gives: one that came before what it takes to open it waits a moment, and the lease of one that is refused
 * is settled.
 *
 * @spec delivery.29
 */
export class IncomingWork {
  readonly #parts: IncomingWorkParts;
  readonly #held: HeldEnvelopes<Unit>;
  /** Of leases that are to be given back. */
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(parts: IncomingWorkParts) {
    this.#parts = parts;
    this.#held = new HeldEnvelopes(parts.mostHeldBytes);
  }

  take(bytes: Uint8Array, form: WorkForm, lease: Lease): void {
    const unit = { bytes, form, lease };
    if (this.#open(unit, false)) return;
    if (!this.#held.hold(unit, bytes.length, performance.now())) this.#open(unit, true);
  }

  /** Tries again what could not be opened when it came. */
  retry(): void {
    if (this.#held.isEmpty) return;
    this.#held.retry(performance.now(), (unit, isLast) => this.#open(unit, isLast));
  }

  /** The link is over, and what came by it is the broker's again: nothing of it was opened. */
  lost(): void {
    this.#held.clear();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  /** @returns false where it makes sense to try again, which is not asked where `isLast` */
  #open({ bytes, form, lease }: Unit, isLast: boolean): boolean {
    const client = this.#parts.client();
    const nowMs = Date.now();
    try {
      client.leased(bytes, form, lease, nowMs);
    } catch (error) {
      if (error instanceof TridcommError) {
        if (error.code === 'E_CLOSED') return true;
        if (!isLast && this.#mayPass(error, bytes, form, nowMs)) return false;
        const outcome = refusedOutcome(error);
        if (outcome === 'done' || isOfUnit(error)) client.settle(lease, outcome);
        else this.#giveBackLater(lease);
        this.#parts.onRefused(error);
      } else {
        this.#giveBackLater(lease);
        this.#parts.onFailed(error);
      }
    }
    return true;
  }

  /**
   * Until then the lease counts against the capacity: while all is refused here, others get more.
   */
  #giveBackLater(lease: Lease): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#parts.client().settle(lease, 'given back');
    }, pauseMs);
    this.#timers.add(timer);
  }

  /** Whether a refusal may pass by what is on its way. */
  #mayPass({ code }: TridcommError, bytes: Uint8Array, form: WorkForm, nowMs: number): boolean {
    return passingCodes.has(code) || (code === 'E_EPOCH' && this.#parts.client().isWorkAhead(bytes, form, nowMs));
  }
}

/** What a record or list that is on its way may change. */
const passingCodes: ReadonlySet<string> = new Set(['E_SENDER', 'E_POLICY']);
/** What is refused for a while, for a view that is stale or a disk that is full, say, has that time to pass. */
const pauseMs = 1_000;
