/*
 * A publisher or subscriber, as a process of its own.
 */
import { quantile } from '../measure.ts';
import type { ClientOptions, PeerClient } from '../peers/peer.ts';
import { connectPeer } from './connect-peer.ts';
import { inLanes, nowUs, randomMessages } from './load.ts';
import { serve } from './serve.ts';

/** What a publisher is to send as fast as it can. */
export interface Sending {
  readonly topics: readonly string[];
  readonly count: number;
  readonly bytes: number;
  /** Messages that are handed over in one call. */
  readonly perCall: number;
  /** Calls that may be unanswered. */
  readonly inFlight: number;
}

/** What a publisher is to send at a rate. */
export interface Pacing {
  readonly topic: string;
  readonly perSecond: number;
  readonly durationMs: number;
  readonly bytes: number;
}

/** Times from the call that published a message to the one that got it. */
export interface Latencies {
  readonly count: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

/** What the process serves. */
export class Role {
  #client: PeerClient | undefined;
  readonly #held: PeerClient[] = [];
  #count = 0;
  #bytes = 0;
  #target = Infinity;
  #reached: (() => void) | undefined;
  #lastUs = 0;
  /** Where times are taken; a ring would lose the first. */
  #latenciesUs: Float64Array | undefined;

  async open(options: ClientOptions): Promise<void> {
    this.#client = await connectPeer(options);
  }

  async subscribe(topic: string): Promise<void> {
    await this.#client!.subscribe(topic, (message) => this.#take(message));
  }

  /** Begins to count, before anything is sent. @param most - times to take; 0 for none */
  arm(count: number, most = 0): void {
    this.#count = 0;
    this.#bytes = 0;
    this.#target = count;
    this.#latenciesUs = most === 0 ? undefined : new Float64Array(most);
  }

  /** Waits until so many have come. @returns when the last came, µs, and the bytes of all */
  async arrived(timeoutMs: number): Promise<{ readonly atUs: number; readonly bytes: number }> {
    if (this.#count < this.#target) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`${this.#count} of ${this.#target} came in time`)), timeoutMs);
      });
      await Promise.race([new Promise<void>((resolve) => (this.#reached = resolve)), late]);
      clearTimeout(timer);
    }
    return { atUs: this.#lastUs, bytes: this.#bytes };
  }

  /** Publishes as fast as it goes. @returns when it began, and when everything was taken, µs */
  async send({ topics, count, bytes, perCall, inFlight }: Sending): Promise<{ fromUs: number; untilUs: number }> {
    const client = this.#client!;
    const messages = randomMessages(perCall, bytes);
    let call = 0;
    const fromUs = nowUs();
    await inLanes(messages, { count, inFlight }, async (some) => {
      await client.publish(topics[call++ % topics.length]!, some);
    });
    return { fromUs, untilUs: nowUs() };
  }

  /**
   * Publishes what is due, every millisecond or so, in one call: each message carries the time of that call.
   *
   * @returns messages a second that were really sent
   */
  async pace({ topic, perSecond, durationMs, bytes }: Pacing): Promise<number> {
    const client = this.#client!;
    const fromUs = nowUs();
    const unanswered = new Set<Promise<void>>();
    let sent = 0;
    let failed = 0;
    for (let elapsedMs = 0; elapsedMs < durationMs; elapsedMs = (nowUs() - fromUs) / 1_000) {
      const due = Math.min(Math.floor((elapsedMs * perSecond) / 1_000) - sent, mostDue);
      if (due > 0 && unanswered.size < mostUnanswered) {
        const messages = timedMessages(due, bytes);
        sent += due;
        const answered: Promise<void> = client
          .publish(topic, messages)
          // Above what the peer can do it may say so: then less was sent.
          .catch(() => void (failed += messages.length))
          .finally(() => unanswered.delete(answered));
        unanswered.add(answered);
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    const tookUs = nowUs() - fromUs;
    await Promise.all(unanswered);
    return ((sent - failed) * 1_000_000) / tookUs;
  }

  latencies(): Latencies {
    const sorted = this.#latenciesUs!.subarray(0, Math.min(this.#count, this.#latenciesUs!.length)).toSorted();
    if (sorted.length === 0) throw new Error('nothing came');
    return { count: this.#count, p50Us: quantile(sorted, 0.5), p99Us: quantile(sorted, 0.99) };
  }

  /** Connects and closes again and again. @returns connections a second */
  async handshakes(options: ClientOptions, durationMs: number, atOnce: number): Promise<number> {
    let made = 0;
    const fromUs = nowUs();
    const lane = async () => {
      while (nowUs() - fromUs < durationMs * 1_000) {
        const client = await connectPeer(options);
        made++;
        await client.close();
      }
    };
    await Promise.all(Array.from({ length: atOnce }, lane));
    return (made * 1_000_000) / (nowUs() - fromUs);
  }

  /** Opens connections, and keeps them. */
  async hold(options: readonly ClientOptions[], count: number, atOnce: number): Promise<void> {
    let next = 0;
    const lane = async () => {
      for (let i = next++; i < count; i = next++) this.#held.push(await connectPeer(options[i % options.length]!));
    };
    await Promise.all(Array.from({ length: atOnce }, lane));
  }

  async close(): Promise<void> {
    await this.#client?.close();
    this.#client = undefined;
  }

  #take(message: Uint8Array): void {
    this.#bytes += message.length;
    if (this.#latenciesUs !== undefined) this.#latenciesUs[this.#count] = nowUs() - timeIn(message);
    if (++this.#count !== this.#target) return;
    this.#lastUs = nowUs();
    this.#reached?.();
  }
}

function timedMessages(count: number, bytes: number): Uint8Array[] {
  const all = new Uint8Array(count * bytes);
  const view = new DataView(all.buffer);
  const atUs = nowUs();
  for (let i = 0; i < count; i++) view.setFloat64(i * bytes, atUs);
  return Array.from({ length: count }, (_, i) => all.subarray(i * bytes, (i + 1) * bytes));
}

function timeIn(message: Uint8Array): number {
  return new DataView(message.buffer, message.byteOffset).getFloat64(0);
}

const mostDue = 20_000;
const mostUnanswered = 200;

serve(new Role());
