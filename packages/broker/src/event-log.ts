import type { BrokerEvent } from './engine/events.ts';
import { TokenBucket } from './engine/token-bucket.ts';

/** Where lines go. @returns false where it could not take the line */
export type LineSink = (line: string) => boolean;

/**
 * Writes events as JSON, one on a line. Only the fields that stand in a table here are written, whatever an event holds; of a type that
 * comes too often some are left out, and the next one says how many.
 *
 * @spec errors.5
 */
export class EventLog {
  readonly #sink: LineSink;
  readonly #now: () => number;
  readonly #rates = new Map<string, { readonly bucket: TokenBucket; leftOut: number }>();

  constructor(sink: LineSink, now: () => number) {
    this.#sink = sink;
    this.#now = now;
  }

  write(event: BrokerEvent): void {
    const nowMs = this.#now();
    const rate = this.#rateOf(event.type, nowMs);
    if (rate.bucket.take(1, nowMs) > 0) {
      rate.leftOut++;
      return;
    }
    const line = JSON.stringify({
      time: new Date(nowMs).toISOString(),
      ...fieldsOf(event),
      leftOut: rate.leftOut || undefined,
    });
    if (this.#sink(`${line}\n`)) rate.leftOut = 0;
    else rate.leftOut++;
  }

  #rateOf(type: string, nowMs: number): { readonly bucket: TokenBucket; leftOut: number } {
    let rate = this.#rates.get(type);
    if (rate === undefined) {
      rate = { bucket: new TokenBucket(linesPerSecond, mostLinesAtOnce, nowMs), leftOut: 0 };
      this.#rates.set(type, rate);
    }
    return rate;
  }
}

/** What of an event may be seen. */
function fieldsOf(event: BrokerEvent): Record<string, unknown> {
  const values = event as unknown as Record<string, unknown>;
  return Object.fromEntries(['type', ...fields[event.type]].map((name) => [name, values[name]]));
}

const ofLink = ['link', 'keyId'] as const;

/** By type: the fields that are written. A name that an event does not have does not compile. */
const fields: { readonly [T in BrokerEvent['type']]: readonly FieldOf<T>[] } = {
  listening: ['listener', 'port'],
  openingRefused: ['listener', 'remote', 'code'],
  linkOpened: [...ofLink, 'listener', 'remote'],
  linkEnded: [...ofLink, 'by', 'code'],
  refused: [...ofLink, 'what', 'code', 'retryMs'],
  subTaken: [...ofLink, 'sub', 'stored'],
  workTaken: ['link', 'keyId', 'work'],
  workDropped: ['why', 'keyId'],
  subEnded: [...ofLink, 'sub', 'code'],
  bundleTaken: [...ofLink, 'objects', 'bytes'],
  objectTooLarge: [...ofLink, 'bytes'],
  certificatesRead: ['listener', 'code'],
  restored: ['objects', 'leftOut', 'isDamaged'],
  notKept: ['code'],
  logFailed: ['what', 'code'],
  logDamaged: ['fromPosition', 'toPosition'],
  draining: [],
  stopped: [],
  internalError: ['where', 'name'],
};

type FieldOf<T extends BrokerEvent['type']> = Exclude<keyof EventOf<T>, 'type'> & string;
type EventOf<T extends BrokerEvent['type']> = Extract<BrokerEvent, { readonly type: T }>;

const linesPerSecond = 20;
const mostLinesAtOnce = 100;
