import { TridcommError } from '@tridcomm/core';
import type { SeededRandom } from '@tridcomm/core/testing';
import type { ByteStream, StreamHandlers } from '@tridcomm/client-node/testing';
import type { Machine, VirtualTime } from './virtual-time.ts';

/** How a connection treats bytes. */
export interface WireQuality {
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  /** Of what arrives, what does so in pieces, cut at any byte. */
  readonly pieceShare: number;
  /** What the systems of both ends hold of bytes that were not read. */
  readonly systemBytes: number;
  /** How often a byte that waits counts: few of them meet limits that are made for many. */
  readonly weight: number;
}

/** What a wire needs of its world. */
export interface WireWorld {
  readonly time: VirtualTime;
  readonly random: SeededRandom;
  readonly quality: WireQuality;
  /** Bytes that arrived, and pieces that they came in. */
  count(what: 'bytes cut' | 'bytes lost'): void;
}

/** A connection of two machines, as bytes. */
export class Wire {
  /** Of who called, and of who took the call. */
  readonly ends: readonly [WireEnd, WireEnd];
  readonly #world: WireWorld;

  constructor(world: WireWorld, caller: Machine, taker: Machine) {
    this.#world = world;
    const [there, back] = [new Lane(world, taker), new Lane(world, caller)];
    this.ends = [new WireEnd(caller, there, back), new WireEnd(taker, back, there)];
  }

  get isOver(): boolean {
    return this.ends.every(({ isOver }) => isOver);
  }

  /** Breaks it: of what is under way some bytes arrive, and then both ends learn of it. */
  break(): void {
    for (const { inward } of this.ends) {
      inward.loseRest();
      inward.finish(new TridcommError('E_TRANSPORT', 'the connection broke'));
    }
  }

  /** From now on nothing arrives, and nobody is told. @param end - of whose bytes; both without it */
  silence(end?: 0 | 1): void {
    for (const [i, { inward }] of this.ends.entries()) {
      if (end === i) continue;
      inward.loseRest();
      inward.isSilent = true;
    }
  }

  /** Nothing arrives before that time. */
  stall(untilMs: number): void {
    for (const { inward } of this.ends) inward.stalledUntilMs = Math.max(inward.stalledUntilMs, untilMs);
  }

  /** Breaks what was silent: a machine answers that knows nothing of it. */
  breakSilence(): void {
    if (this.isOver || !this.ends.some(({ inward }) => inward.isSilent)) return;
    for (const { inward } of this.ends) inward.isSilent = false;
    this.#world.count('bytes lost');
    this.break();
  }
}

/** One end of a wire: the stream that a link lies on. */
export class WireEnd implements ByteStream {
  handlers!: StreamHandlers;
  isOver = false;
  /** What comes to this end. */
  readonly inward: Lane;
  readonly #machine: Machine;
  readonly #outward: Lane;

  constructor(machine: Machine, outward: Lane, inward: Lane) {
    this.#machine = machine;
    this.#outward = outward;
    this.inward = inward;
    inward.to = this;
    outward.from = this;
  }

  get bufferedBytes(): number {
    return this.#outward.bufferedBytes;
  }

  get isFull(): boolean {
    return this.bufferedBytes >= highWaterBytes;
  }

  write(chunks: readonly Uint8Array[]): void {
    if (!this.isOver) this.#outward.write(chunks);
  }

  setReading(isReading: boolean): void {
    this.inward.setReading(isReading);
  }

  end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#outward.finish(undefined);
    // What still comes is dropped.
    this.inward.setReading(true);
    this.#machine.after(lingerMs, () => this.#outward.loseRest());
  }

  destroy(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#outward.loseRest();
    this.#outward.finish(new TridcommError('E_TRANSPORT', 'the other end broke the connection'));
  }

  /** Its machine takes more. */
  drain(): void {
    this.#machine.after(1, () => {
      if (!this.isOver) this.handlers.onDrain();
    });
  }
}

/** Bytes that left together. */
interface Segment {
  readonly chunks: Uint8Array[];
  readonly leftMs: number;
}

/** One direction of a wire. */
class Lane {
  from!: WireEnd;
  to!: WireEnd;
  isSilent = false;
  stalledUntilMs = 0;
  readonly #world: WireWorld;
  readonly #machine: Machine;
  /** Under way, in order. */
  #segments: Segment[] = [];
  /** Arrived and not read. */
  #pieces: Uint8Array[] = [];
  #unreadBytes = 0;
  #isReading = true;
  #isPumping = false;
  #lastArrivalMs = 0;
  /** Nothing comes behind what is under way. */
  #end: { readonly error: TridcommError | undefined } | undefined;

  /** @param machine - that it leads to */
  constructor(world: WireWorld, machine: Machine) {
    this.#world = world;
    this.#machine = machine;
  }

  get bufferedBytes(): number {
    const { systemBytes, weight } = this.#world.quality;
    return Math.max(0, this.#unreadBytes - systemBytes) * weight;
  }

  write(chunks: readonly Uint8Array[]): void {
    for (const { length } of chunks) this.#unreadBytes += length;
    if (this.isSilent || this.#end !== undefined) return;
    const { nowMs } = this.#world.time;
    const last = this.#segments.at(-1);
    // What is written in one turn leaves together.
    if (last?.leftMs === nowMs) {
      last.chunks.push(...chunks);
      return;
    }
    this.#segments.push({ chunks: [...chunks], leftMs: nowMs });
    this.#arriveLater(() => this.#arrive());
  }

  setReading(isReading: boolean): void {
    this.#isReading = isReading;
    this.#pumpLater(0);
  }

  /** Nothing comes behind what is under way; the end is told of it. */
  finish(error: TridcommError | undefined): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
    if (this.isSilent) return;
    this.#arriveLater(() => this.#pump());
  }

  /** Of what is under way some bytes arrive, and the others never. */
  loseRest(): void {
    const lost = this.#segments.splice(0);
    if (lost.length === 0) return;
    const bytes = Buffer.concat(lost.flatMap(({ chunks }) => chunks));
    const kept = bytes.subarray(0, this.#world.random.below(bytes.length + 1));
    this.#world.count('bytes lost');
    if (kept.length > 0) this.#pieces.push(kept);
    this.#pumpLater(1);
  }

  #arriveLater(action: () => void): void {
    const { minDelayMs, maxDelayMs } = this.#world.quality;
    const { nowMs } = this.#world.time;
    const delayMs = this.#world.random.between(minDelayMs, maxDelayMs);
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, nowMs + delayMs);
    const attempt = (): void => {
      const { nowMs: thenMs } = this.#world.time;
      if (thenMs < this.stalledUntilMs) this.#machine.at(this.stalledUntilMs, attempt);
      else action();
    };
    this.#machine.at(this.#lastArrivalMs, attempt);
  }

  #arrive(): void {
    const segment = this.#segments.shift();
    // Lost on the way.
    if (segment === undefined) return;
    this.#pieces.push(...this.#cut(Buffer.concat(segment.chunks)));
    this.#pump();
  }

  /** In one piece, or in a few, cut anywhere. */
  #cut(bytes: Buffer): Uint8Array[] {
    const { random, quality } = this.#world;
    if (!random.chance(quality.pieceShare) || bytes.length < 2) return [bytes];
    this.#world.count('bytes cut');
    const places = Array.from({ length: random.between(1, 3) }, () => random.between(1, bytes.length - 1));
    places.sort((a, b) => a - b);
    // Each of its own, as a system gives them.
    return [0, ...places].map((place, i) => new Uint8Array(bytes.subarray(place, places[i] ?? bytes.length)));
  }

  #pumpLater(delayMs: number): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    this.#machine.after(delayMs, () => {
      this.#isPumping = false;
      this.#pump();
    });
  }

  /** Hands over one piece, and the next later. */
  #pump(): void {
    const { to } = this;
    if (!this.#isReading) return;
    const piece = this.#pieces.shift();
    if (piece !== undefined) {
      const wasBuffered = this.bufferedBytes > 0;
      this.#unreadBytes -= piece.length;
      if (wasBuffered && this.bufferedBytes === 0) this.from.drain();
      if (!to.isOver && piece.length > 0) to.handlers.onData(piece);
      if (this.#pieces.length > 0 || (this.#end !== undefined && this.#segments.length === 0)) this.#pumpLater(1);
      return;
    }
    if (this.#end === undefined || this.#segments.length > 0 || to.isOver) return;
    to.isOver = true;
    to.handlers.onEnd(this.#end.error);
  }
}

const highWaterBytes = 256 * 1024;
const lingerMs = 1_000;
