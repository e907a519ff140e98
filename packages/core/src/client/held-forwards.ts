import { copyOf } from '../bytes/bytes.ts';
import type { ErrorCode } from '../codepoints/errors.gen.ts';
import { TridcommError } from '../errors.ts';
import type { EventSink } from './event-sink.ts';
import type { Group } from './group.ts';

/** What takes one envelope that came in a forward, as one that came by itself. */
export interface ForwardTaker {
  /** @throws TridcommError the refusal */
  take(bytes: Uint8Array, nowMs: number): void;
  /** Whether a refusal may pass by what is on its way: asked for `E_EPOCH`, `E_POLICY` and `E_SENDER`, so for what has the form of an envelope. */
  mayPass(error: TridcommError, bytes: Uint8Array): boolean;
}

/** An envelope that waits. */
interface Held {
  readonly front: Group;
  readonly bytes: Uint8Array;
  readonly taker: ForwardTaker;
  readonly sinceMs: number;
}

/**
 * What is in forwards: each envelope is taken by itself, and what one is refused for becomes an event. One that came before what it takes to open it
 * waits a moment, as nobody brings it again; a bounded number of bytes of such, so that nobody's take the memory.
 *
 * @spec patterns.41
 */
export class HeldForwards {
  readonly #events: EventSink;
  readonly #mostBytes: number;
  #held: Held[] = [];
  #bytes = 0;

  constructor(events: EventSink, mostBytes: number = mostHeldBytes) {
    this.#events = events;
    this.#mostBytes = mostBytes;
  }

  /** @param envelopes - of one forward; kept while they wait */
  take(front: Group, envelopes: readonly Uint8Array[], taker: ForwardTaker, nowMs: number): void {
    for (const bytes of envelopes) this.#take({ front, bytes, taker, sinceMs: nowMs }, nowMs);
  }

  /** Tries again what waits, in the order in which it came. */
  tick(nowMs: number): void {
    const held = this.#held;
    this.#held = [];
    this.#bytes = 0;
    for (const one of held) this.#take(one, nowMs);
  }

  /** Lets everything go. */
  stop(): void {
    this.#held = [];
    this.#bytes = 0;
  }

  #take(held: Held, nowMs: number): void {
    const { front, bytes, taker } = held;
    try {
      taker.take(bytes, nowMs);
    } catch (error) {
      const isPassing = error instanceof TridcommError && passingCodes.has(error.code);
      if (isPassing && this.#mayWait(held, nowMs) && taker.mayPass(error, bytes)) {
        // A view would keep the whole forward that it came in.
        this.#held.push({ ...held, bytes: bytes.byteLength === bytes.buffer.byteLength ? bytes : copyOf(bytes) });
        this.#bytes += bytes.length;
      } else this.#events.refused('envelope', error, front.groupId16);
    }
  }

  #mayWait({ bytes, sinceMs }: Held, nowMs: number): boolean {
    // A wait that is longer than it can be was begun by a clock that was wrong.
    const waitedMs = nowMs - sinceMs;
    return waitedMs >= 0 && waitedMs < mostWaitMs && this.#bytes + bytes.length <= this.#mostBytes;
  }
}

/** What a block, record or list that is on its way may change. */
const passingCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['E_EPOCH', 'E_POLICY', 'E_SENDER']);
const mostWaitMs = 5_000;
const mostHeldBytes = 4 * 1024 * 1024;
