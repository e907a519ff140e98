import type { WorkQueue } from './work-queue.ts';

/** What one of many is to do: an envelope, or a leaf of a Merkle batch as a job. */
export interface Unit {
  readonly type: 'leased' | 'job';
  /** Of a dealer; otherwise of a request or a job. */
  readonly isMessage: boolean;
  readonly bytes: Uint8Array;
  /** Of its envelope. */
  readonly timestampMs: number;
}

/** What a work gets: everything, or messages of dealers alone. */
export type Takes = 'everything' | 'messages';

/** A unit in the hands of the broker. It names works by their numbers, so that it keeps no link alive. */
export interface Held extends Unit {
  /** Whose it is: a key id in hex. */
  readonly sender: string;
  /** In the order in which all units came. */
  readonly number: number;
  /** When it was stamped, or when it came where that was earlier: its age does not hang on what its sender says. */
  readonly sinceMs: number;
  leases: number;
  /** The work that had it last; 0 where none had. */
  last: number;
  /** Until when it does not go to a work again that gave it back. */
  rests: Map<number, number> | undefined;
}

/** A unit that is leased. */
export interface Lease {
  readonly held: Held;
  readonly untilMs: number;
}

/** A link that takes work: what it has is bounded for all of its works together. */
export class Taker {
  /** Whether it is to get nothing now, whatever its works ask for. */
  readonly isFull: () => boolean;
  leasedBytes = 0;
  /** Works that were passed over as it was full, and come next in this order. */
  readonly passedOver: Set<Work> = new Set();

  constructor(isFull: () => boolean) {
    this.isFull = isFull;
  }
}

/** Work that a link takes, of one tag. */
export class Work {
  readonly number: number;
  readonly queue: WorkQueue;
  readonly taker: Taker;
  takes: Takes;
  readonly send: (unit: Unit, lease: number) => void;
  /** Units that it may have at a time. */
  capacity = 0;
  /** By lease, in their order. */
  readonly leases: Map<number, Lease> = new Map();
  lastLease = 0;
  /** When it was last given a unit, in the order of all. */
  servedAt = 0;

  /**
   * @param number - from 1 on, and its own
   * @param send - hands a unit to the link; must not throw
   */
  constructor(number: number, queue: WorkQueue, taker: Taker, takes: Takes, send: Work['send']) {
    this.number = number;
    this.queue = queue;
    this.taker = taker;
    this.takes = takes;
    this.send = send;
  }
}
