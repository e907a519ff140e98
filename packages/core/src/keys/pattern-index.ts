import type { TopicPattern } from '../topics/grammar.ts';

/**
 * Values under patterns without a segment `*`, to be found by another one in steps of its segments alone, however many there are.
 *
 * Such a pattern is a path of literals, closed or open at its end: an open one covers exactly what lies below its path.
 */
export class PatternIndex<T> {
  /** Closed patterns, by path. */
  readonly #closed = new Map<string, T[]>();
  /** Open patterns, by path. */
  readonly #open = new Map<string, T[]>();
  /** What an open pattern of this path covers. */
  readonly #below = new Map<string, T[]>();

  add(pattern: TopicPattern, value: T): void {
    const paths = pathsOf(pattern);
    push(isOpen(pattern) ? this.#open : this.#closed, paths.at(-1)!, value);
    for (const path of isOpen(pattern) ? paths : paths.slice(0, -1)) push(this.#below, path, value);
  }

  /** Values of the patterns that this one covers. */
  covered(pattern: TopicPattern): readonly T[] {
    const path = pathsOf(pattern).at(-1)!;
    return (isOpen(pattern) ? this.#below : this.#closed).get(path) ?? [];
  }

  /** Values of the patterns that cover this one and are wider. */
  wider(pattern: TopicPattern): readonly T[] {
    return pathsOf(pattern)
      .slice(0, -1)
      .flatMap((path) => this.#open.get(path) ?? []);
  }

  /** Values of the patterns of which some topic matches both: one of two that overlap covers the other. */
  overlapping(pattern: TopicPattern): readonly T[] {
    return [...this.covered(pattern), ...this.wider(pattern)];
  }
}

function isOpen({ literals, segments }: TopicPattern): boolean {
  return literals < segments.length;
}

/** The paths of the first 0, 1 … literals, down to all of them; no literal holds a slash. */
function pathsOf({ literals, segments }: TopicPattern): string[] {
  return Array.from({ length: literals + 1 }, (_, count) => segments.slice(0, count).join('/'));
}

function push<T>(to: Map<string, T[]>, name: string, value: T): void {
  const held = to.get(name);
  if (held === undefined) to.set(name, [value]);
  else held.push(value);
}
