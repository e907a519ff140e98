import { limits } from '../codepoints/limits.gen.ts';

/** Numbers of a stream, both included. */
export interface NumberRange {
  readonly from: number;
  readonly to: number;
}

/** What an accepted number shows. */
export interface GapReport {
  /** Numbers that are missing since this one. */
  readonly gaps: readonly NumberRange[];
  /** Numbers that were reported as a gap and have come. */
  readonly filled: readonly NumberRange[];
}

/**
 * The numbers that are missing in the streams of one epoch.
 *
 * @spec patterns.6
 */
export class GapTracker {
  readonly #streams = new Map<string, Stream>();
  readonly #maxStreams: number;

  /** @param maxStreams - that are remembered, the oldest goes first; of one that is forgotten its start is reported again */
  constructor(maxStreams: number = limits.evidenceStreams) {
    this.#maxStreams = maxStreams;
  }

  /** Says where a stream stood in an earlier life: all up to `seq` is told or lost. */
  resume(stream: string, seq: number): void {
    this.#streamOf(stream).hi = seq;
  }

  /** Takes note of a number that was accepted, each once, and is delivered: says what is missing since the last that was. */
  accept(stream: string, seq: number): GapReport {
    const state = this.#streamOf(stream);
    if (seq === state.hi + 1 && state.untold.length === 0) {
      state.hi = seq;
      return nothing;
    }
    const filled = this.#note(state, seq);
    const gaps = state.untold;
    state.untold = [];
    // What left the window of the replay state can never come any more.
    state.missing = [...state.missing, ...gaps].filter(({ to }) => to > state.hi - limits.windowEnvelopes);
    return { gaps, filled };
  }

  /** Takes note of a number that was accepted and is delivered to nobody: what it shows to be missing is told with the next that is. */
  pass(stream: string, seq: number): void {
    this.#note(this.#streamOf(stream), seq);
  }

  /** @returns the number, where it was told to be missing */
  #note(state: Stream, seq: number): NumberRange[] {
    if (seq > state.hi) {
      if (seq > state.hi + 1) state.untold = [...state.untold, { from: state.hi + 1, to: seq - 1 }].slice(-mostUntold);
      state.hi = seq;
      return [];
    }
    state.untold = without(state.untold, seq);
    const missing = without(state.missing, seq);
    const wasTold = missing !== state.missing;
    state.missing = missing;
    return wasTold ? [{ from: seq, to: seq }] : [];
  }

  #streamOf(name: string): Stream {
    const held = this.#streams.get(name);
    if (held !== undefined) return held;
    if (this.#streams.size >= this.#maxStreams) {
      const [oldest] = this.#streams.keys();
      this.#streams.delete(oldest!);
    }
    const stream: Stream = { hi: 0, missing: [], untold: [] };
    this.#streams.set(name, stream);
    return stream;
  }
}

interface Stream {
  hi: number;
  /** Ranges that were told, as far as they may come. */
  missing: readonly NumberRange[];
  /** Ranges that are to be told. */
  untold: readonly NumberRange[];
}

/** Ranges without a number; the same where none holds it. */
function without(ranges: readonly NumberRange[], seq: number): readonly NumberRange[] {
  const at = ranges.findIndex(({ from, to }) => from <= seq && seq <= to);
  if (at < 0) return ranges;
  const { from, to } = ranges[at]!;
  const rest: NumberRange[] = [];
  if (from < seq) rest.push({ from, to: seq - 1 });
  if (seq < to) rest.push({ from: seq + 1, to });
  return [...ranges.slice(0, at), ...rest, ...ranges.slice(at + 1)];
}

const nothing: GapReport = { gaps: [], filled: [] };
/** Gaps of one stream that wait to be told, the latest. */
const mostUntold = 1024;
