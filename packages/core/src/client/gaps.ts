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

  /** Takes note of a number that was accepted, each once. */
  accept(stream: string, seq: number): GapReport {
    const state = this.#streamOf(stream);
    if (seq === state.hi + 1) {
      state.hi = seq;
      return nothing;
    }
    if (seq > state.hi) {
      const gap = { from: state.hi + 1, to: seq - 1 };
      state.hi = seq;
      // What left the window of the replay state can never come any more.
      state.missing = [...state.missing, gap].filter(({ to }) => to > seq - limits.windowEnvelopes);
      return { gaps: [gap], filled: [] };
    }
    const at = state.missing.findIndex(({ from, to }) => from <= seq && seq <= to);
    if (at < 0) return nothing;
    const { from, to } = state.missing[at]!;
    const rest: NumberRange[] = [];
    if (from < seq) rest.push({ from, to: seq - 1 });
    if (seq < to) rest.push({ from: seq + 1, to });
    state.missing.splice(at, 1, ...rest);
    return { gaps: [], filled: [{ from: seq, to: seq }] };
  }

  #streamOf(name: string): Stream {
    const held = this.#streams.get(name);
    if (held !== undefined) return held;
    if (this.#streams.size >= this.#maxStreams) {
      const [oldest] = this.#streams.keys();
      this.#streams.delete(oldest!);
    }
    const stream: Stream = { hi: 0, missing: [] };
    this.#streams.set(name, stream);
    return stream;
  }
}

interface Stream {
  hi: number;
  missing: NumberRange[];
}

const nothing: GapReport = { gaps: [], filled: [] };
