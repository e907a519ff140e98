import type { TopicPattern } from './grammar.ts';

/*
 * How two patterns lie to each other, where neither has a segment `*`: each is a topic, or literal segments and `**`, or `**` alone.
 * Then either one covers the other, or no topic matches both.
 */

/** Whether `wide` matches every topic that `narrow` matches; neither with a segment `*`. */
export function coversPattern(wide: TopicPattern, narrow: TopicPattern): boolean {
  const endsOpen = wide.literals < wide.segments.length;
  // A topic covers itself alone; `**` stands for one segment or more, so the narrower one is at least as long.
  if (endsOpen ? narrow.segments.length < wide.segments.length : narrow.segments.length !== wide.segments.length) {
    return false;
  }
  for (let i = 0; i < wide.literals; i++) if (wide.segments[i] !== narrow.segments[i]) return false;
  return true;
}

/** Whether a topic matches both, which then means that one covers the other; neither with a segment `*`. */
export function overlapsPattern(a: TopicPattern, b: TopicPattern): boolean {
  return coversPattern(a, b) || coversPattern(b, a);
}

/** Whether a pattern has a segment `*`, which rules and grants must not have. */
export function hasSingleWildcard(pattern: TopicPattern): boolean {
  return pattern.segments.includes('*');
}
