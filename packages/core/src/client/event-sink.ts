import { TridcommError } from '../errors.ts';
import type { ClientEvent, HandledThing, RefusedThing } from './events.ts';

/**
 * Where a member's events go, and the frame of its calls: what the application throws out of `onEvent` stops nothing on its way, and comes
 * out of the call in which it happened, at its end.
 */
export class EventSink {
  readonly #onEvent: ((event: ClientEvent) => void) | undefined;
  /** Refusals that were told and thrown: told once. */
  readonly #told = new WeakSet<TridcommError>();
  #thrown: unknown[] = [];
  #depth = 0;
  #isClosed = false;

  constructor(onEvent: ((event: ClientEvent) => void) | undefined) {
    this.#onEvent = onEvent;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Ends all calls but the one that is on its way. */
  close(): void {
    this.#isClosed = true;
  }

  /**
   * One call of the application or the carrier.
   *
   * @throws TridcommError `E_CLOSED` after {@link close}; what `onEvent` threw meanwhile, an `AggregateError` where it is not alone
   */
  run<T>(call: () => T): T {
    if (this.#isClosed) throw new TridcommError('E_CLOSED', 'client that was stopped');
    this.#depth++;
    let result: T;
    try {
      result = call();
    } catch (error) {
      const thrown = this.#leave();
      throw thrown.length === 0 ? error : new AggregateError([error, ...thrown], 'a refusal, and errors of onEvent');
    }
    const thrown = this.#leave();
    if (thrown.length > 1) throw new AggregateError(thrown, 'errors of onEvent');
    if (thrown.length === 1) throw thrown[0];
    return result;
  }

  emit(event: ClientEvent): void {
    try {
      this.#onEvent?.(event);
    } catch (error) {
      // The application has handed the record on, and this is the answer.
      if (event.type === 'keyRecord' && error instanceof TridcommError) this.refused('keyRecord', error);
      else this.#thrown.push(error);
    }
  }

  /** Hands something to a handler of the application, which keeps nobody else from anything. */
  handle<T extends HandledThing>(handler: ((thing: T) => void) | undefined, thing: T): void {
    try {
      handler?.(thing);
    } catch (error) {
      this.emit({ type: 'handlerFailed', delivery: thing, error });
    }
  }

  /**
   * Tells of a refusal.
   *
   * @throws what is no refusal
   */
  refused(what: RefusedThing, error: unknown, groupId16?: Uint8Array): void {
    if (!(error instanceof TridcommError)) {
      this.emit({ type: 'failed', what, error });
      throw error;
    }
    if (this.#told.has(error)) return;
    this.#told.add(error);
    if (error.code === 'E_FORK' && what !== 'envelope') this.emit({ type: 'fork', groupId16, error });
    // Of most groups of an authority one is no member, and that is nothing to tell.
    if (error.code !== 'E_REVOKED' || what === 'envelope') this.emit({ type: 'refused', what, groupId16, error });
  }

  /** @returns what `onEvent` threw, at the end of the outermost call */
  #leave(): unknown[] {
    this.#depth--;
    return this.#depth === 0 ? this.#thrown.splice(0) : [];
  }
}
