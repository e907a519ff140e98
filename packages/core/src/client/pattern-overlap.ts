import type { TopicPattern } from '../topics/grammar.ts';

/** Whether there is a topic that both patterns match; either may hold `*`, and end in `**`. */
export function overlaps(a: TopicPattern, b: TopicPattern): boolean {
  for (let i = 0; ; i++) {
    const one = a.segments[i];
    const other = b.segments[i];
    if (one === undefined || other === undefined) return one === other;
    if (one === '**' || other === '**') return true;
    if (one !== '*' && other !== '*' && one !== other) return false;
  }
}
