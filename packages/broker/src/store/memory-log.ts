import { TridcommError } from '@tridcomm/core';
import { checkEnvelopes, checkRead, type EnvelopeLog, type StoredEnvelope } from './envelope-log.ts';
import { boundsOf, type Retention } from './retention.ts';

export interface MemoryLogOptions {
  /** Wall-clock time in ms. */
  readonly now: () => number;
  /** Counted in bytes of envelopes. The newest envelope stays whatever its size. */
  readonly retention?: Retention;
}

/**
 * A log that ends with its process: what the durability `memory` asks for.
 *
 * Envelopes stand one behind the other in pages, so one costs its bytes and 16 more.
 *
 * Its positions begin above those of every earlier life, at the time of its start in ms times 1,024, so that a position of one never names
 * an envelope of another. That holds for a clock that does not go back and for a life of up to 1,024 envelopes a ms, and fits into an
 * integer until the year 2248.
 *
 * @spec storage.2, storage.3, storage.17
 */
export class MemoryLog implements EnvelopeLog {
  readonly #now: () => number;
  readonly #retention: Required<Retention>;
  readonly #pages = new Map<number, Uint8Array>();
  readonly #blocks = new Map<number, Block>();
  #first: number;
  #next: number;
  /** Where the oldest and the next envelope start, counted from the first byte that was ever appended. */
  #start = 0;
  #end = 0;
  #isClosed = false;

  /** @throws TridcommError `E_USAGE` for bounds below 1 */
  constructor({ now, retention }: MemoryLogOptions) {
    this.#now = now;
    this.#retention = boundsOf(retention);
    this.#first = this.#next = Math.max(1, Math.floor(now()) * positionsPerMs);
  }

  get firstPosition(): number {
    return this.#first;
  }

  get nextPosition(): number {
    return this.#next;
  }

  async append(envelopes: readonly Uint8Array[], onTaken?: () => void): Promise<number> {
    this.#checkOpen();
    const list = checkEnvelopes(envelopes);
    const position = this.#next;
    const nowMs = this.#now();
    for (const bytes of list) this.#add(bytes, nowMs);
    this.#drop(nowMs);
    onTaken?.();
    return position;
  }

  async read(fromPosition: number, maxBytes: number): Promise<StoredEnvelope[]> {
    this.#checkOpen();
    checkRead(fromPosition, maxBytes);
    const found: StoredEnvelope[] = [];
    let room = maxBytes;
    for (let position = Math.max(fromPosition, this.#first); position < this.#next; position++) {
      const from = this.#endOf(position - 1);
      const to = this.#endOf(position);
      room -= to - from;
      if (room < 0 && found.length > 0) break;
      found.push({ position, bytes: this.#copy(from, to) });
    }
    return found;
  }

  async trim(): Promise<void> {
    this.#checkOpen();
    this.#drop(this.#now());
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#pages.clear();
    this.#blocks.clear();
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new TridcommError('E_CLOSED', 'the log is closed');
  }

  #add(bytes: Uint8Array, nowMs: number): void {
    for (let from = 0; from < bytes.length;) {
      const at = this.#end % pageBytes;
      const part = bytes.subarray(from, from + pageBytes - at);
      this.#pageAt(this.#end).set(part, at);
      from += part.length;
      this.#end += part.length;
    }
    const { ends, times } = this.#blockAt(this.#next);
    ends[this.#next % blockEnvelopes] = this.#end;
    times[this.#next % blockEnvelopes] = nowMs;
    this.#next++;
  }

  #pageAt(offset: number): Uint8Array {
    return held(this.#pages, Math.floor(offset / pageBytes), () => new Uint8Array(pageBytes));
  }

  #blockAt(position: number): Block {
    return held(this.#blocks, Math.floor(position / blockEnvelopes), () => ({
      ends: new Float64Array(blockEnvelopes),
      times: new Float64Array(blockEnvelopes),
    }));
  }

  #endOf(position: number): number {
    return position < this.#first ? this.#start : this.#blockAt(position).ends[position % blockEnvelopes]!;
  }

  #copy(from: number, to: number): Uint8Array {
    const out = new Uint8Array(to - from);
    for (let offset = from; offset < to;) {
      const at = offset % pageBytes;
      const part = this.#pageAt(offset).subarray(at, at + to - offset);
      out.set(part, offset - from);
      offset += part.length;
    }
    return out;
  }

  #drop(nowMs: number): void {
    const { maxBytes, maxAgeMs } = this.#retention;
    for (; this.#first < this.#next; this.#first++) {
      const isNewest = this.#first === this.#next - 1;
      const isOver = this.#end - this.#start > maxBytes && !isNewest;
      const at = this.#first % blockEnvelopes;
      if (!isOver && !(nowMs - this.#blockAt(this.#first).times[at]! > maxAgeMs)) break;
      const end = this.#endOf(this.#first);
      for (let offset = this.#start; offset < end; offset += pageBytes - (offset % pageBytes)) {
        if (end - offset >= pageBytes - (offset % pageBytes)) this.#pages.delete(Math.floor(offset / pageBytes));
      }
      this.#start = end;
      if (at === blockEnvelopes - 1) this.#blocks.delete(Math.floor(this.#first / blockEnvelopes));
    }
  }
}

/** Where 1,024 envelopes end, and when they were appended. */
interface Block {
  readonly ends: Float64Array;
  readonly times: Float64Array;
}

function held<T>(map: Map<number, T>, key: number, make: () => T): T {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

const positionsPerMs = 1_024;
const pageBytes = 65_536;
const blockEnvelopes = 1_024;
