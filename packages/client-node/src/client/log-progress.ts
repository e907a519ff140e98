import { limits } from '@tridcomm/core/internal';

/** An envelope of the log that was handed over and is not done. */
export interface LogEntry {
  readonly position: number;
  isDone: boolean;
}

/** How far the reading of one match is. */
interface Lane {
  /** All below is done. */
  doneTo: number;
  /** All below was handed over in this life. */
  readTo: number;
  /** All below came in this life. Not written down. */
  seenTo: number;
  /** Handed over and not done, or behind such; ascending. */
  entries: LogEntry[];
  /** Nobody asks for it any more. */
  isDropped: boolean;
}

/** What of a reader's progress is written down. */
export interface StoredProgress {
  /** Where a match begins that is not among the following. */
  readonly begin: number;
  /** By name: all below `doneTo` is done, and all below `readTo` was handed over once. */
  readonly matches: Readonly<Record<string, { readonly doneTo: number; readonly readTo: number }>>;
}

/**
 * How far a reader of a log is: for each match that it asks a broker for, as they come in positions of their own each.
 *
 * Nothing is left out: a match goes on, after a restart, at the first position that is not done. A match that was not asked for before, such as
 * that of the tags of a new day, begins where the whole reader was two minutes ago: nothing can have been stored for it before, as it is asked
 * for as soon as it can be used.
 *
 * Nobody signed positions. So only what opened moves what is written down: by frames that are made up nothing is left out in the next life.
 *
 * Pure: `nowMs` is of a clock that does not jump.
 */
export class LogProgress {
  readonly #lanes = new Map<string, Lane>();
  /** Of lives before: what was handed over then. */
  readonly #readBefore = new Map<string, number>();
  #begin: number;
  /** The highest position so far. */
  #readTo: number;
  /** How far the reader was, and when; ascending, the first at least {@link lateMs} ago, or at the beginning. */
  #marks: { readonly atMs: number; readonly readTo: number }[] = [];

  /** @param stored - undefined for a reader that begins at `begin` */
  constructor(begin: number, stored?: StoredProgress) {
    this.#begin = stored?.begin ?? begin;
    this.#readTo = this.#begin;
    for (const [name, { doneTo, readTo }] of Object.entries(stored?.matches ?? {})) {
      this.#lanes.set(name, { doneTo, readTo: doneTo, seenTo: doneTo, entries: [], isDropped: false });
      this.#readBefore.set(name, readTo);
      this.#readTo = Math.max(this.#readTo, readTo);
    }
  }

  /** Where the broker is to start for a match: behind what came in this life. */
  fromOf(match: string): number {
    return this.#laneOf(match).seenTo;
  }

  /** Whether what stands there was handed over by an earlier life, as far as that is known. */
  isAgain(match: string, position: number): boolean {
    return position < (this.#readBefore.get(match) ?? 0);
  }

  /** An envelope came for a match, opened, and is handed over: {@link done} says when it is done. */
  read(match: string, position: number, nowMs: number): LogEntry {
    const lane = this.#laneOf(match);
    const entry = { position, isDone: false };
    lane.entries.push(entry);
    lane.readTo = Math.max(lane.readTo, behind(position));
    lane.seenTo = Math.max(lane.seenTo, lane.readTo);
    this.#readTo = Math.max(this.#readTo, behind(position));
    this.#mark(nowMs);
    return entry;
  }

  /**
   * What came for a match is handed over to nobody. It may be made up, so what is written down goes no further by it than to the last that
   * opened for any match.
   *
   * @returns whether there is something new to be stored
   */
  passed(match: string, position: number): boolean {
    const lane = this.#laneOf(match);
    lane.seenTo = Math.max(lane.seenTo, behind(position));
    lane.readTo = Math.max(lane.readTo, Math.min(behind(position), this.#readTo));
    if (lane.entries.length > 0 || lane.doneTo === lane.readTo) return false;
    lane.doneTo = lane.readTo;
    return true;
  }

  /** @returns whether there is something new to be stored */
  done(match: string, entry: LogEntry): boolean {
    entry.isDone = true;
    const lane = this.#lanes.get(match)!;
    const open = lane.entries.findIndex(({ isDone }) => !isDone);
    const count = open < 0 ? lane.entries.length : open;
    if (count === 0) return false;
    lane.entries = lane.entries.slice(count);
    lane.doneTo = lane.entries[0]?.position ?? lane.readTo;
    if (lane.isDropped && lane.entries.length === 0) this.#lanes.delete(match);
    return true;
  }

  /** A match is not asked for any more. What of it is handed over may still be done. */
  drop(match: string): void {
    const lane = this.#lanes.get(match);
    if (lane === undefined) return;
    lane.isDropped = true;
    if (lane.entries.length === 0) this.#lanes.delete(match);
  }

  /** What is to be written down. */
  store(): StoredProgress {
    const matches: Record<string, { doneTo: number; readTo: number }> = {};
    for (const [name, { doneTo, readTo }] of this.#lanes) {
      matches[name] = { doneTo, readTo: Math.max(readTo, this.#readBefore.get(name) ?? 0) };
    }
    return { begin: this.#begin, matches };
  }

  #laneOf(match: string): Lane {
    let lane = this.#lanes.get(match);
    if (lane === undefined) {
      lane = { doneTo: this.#begin, readTo: this.#begin, seenTo: this.#begin, entries: [], isDropped: false };
      this.#lanes.set(match, lane);
    }
    lane.isDropped = false;
    return lane;
  }

  #mark(nowMs: number): void {
    const last = this.#marks.at(-1);
    if (last === undefined || nowMs >= last.atMs + markMs) this.#marks.push({ atMs: nowMs, readTo: this.#readTo });
    while (this.#marks.length > 1 && this.#marks[1]!.atMs <= nowMs - lateMs) this.#marks.shift();
    const [first] = this.#marks;
    if (first!.atMs <= nowMs - lateMs) this.#begin = Math.max(this.#begin, first!.readTo);
  }
}

/** The position after one; none is above what a frame can say. */
function behind(position: number): number {
  return Math.min(position + 1, limits.safeInteger);
}

const lateMs = 120_000;
const markMs = 10_000;
