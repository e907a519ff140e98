import { limits } from '../codepoints/limits.gen.ts';
import { TridcommError } from '../errors.ts';
import { isNfc } from './nfc.ts';
import { decodeUtf8, utf8Length } from './utf8.ts';

/** A topic that keeps the rules: 1 to 8 segments, well-formed, in Normalization Form C. */
export interface Topic {
  readonly kind: 'topic';
  readonly text: string;
  readonly segments: readonly string[];
}

/** A pattern that keeps the rules. Its segment `*` or `**` is a wildcard: no literal holds an asterisk. */
export interface TopicPattern {
  readonly kind: 'pattern';
  readonly text: string;
  readonly segments: readonly string[];
  /** Segments before the first wildcard; all of them where there is none. */
  readonly literals: number;
}

/**
 * Reads a topic.
 *
 * @param topic - text, or its UTF-8 bytes, which are not kept; of any length, in time that is linear in it
 * @throws TridcommError `E_ENCODING`, `E_LIMIT`, in the order of chapter 12
 * @spec topics.1, topics.2, topics.3, topics.4
 */
export function parseTopic(topic: string | Uint8Array): Topic {
  const text = checkText(topic, 'topic');
  if (text.includes('*')) throw new TridcommError('E_ENCODING', 'topic with an asterisk');
  return { kind: 'topic', text, segments: splitSegments(text, 'topic') };
}

/**
 * Reads a pattern.
 *
 * @param pattern - as for {@link parseTopic}
 * @throws TridcommError `E_ENCODING`, `E_LIMIT`; a misplaced wildcard where a topic would be refused for its asterisk
 * @spec topics.5, topics.6
 */
export function parsePattern(pattern: string | Uint8Array): TopicPattern {
  const text = checkText(pattern, 'pattern');
  checkWildcards(text);
  const segments = splitSegments(text, 'pattern');
  const wildcard = segments.findIndex((segment) => segment.startsWith('*'));
  return { kind: 'pattern', text, segments, literals: wildcard < 0 ? segments.length : wildcard };
}

/**
 * Whether a pattern matches a topic, segment by segment.
 *
 * A receiver asks this of every message that it opened, since a broker may deliver anything. Two texts are equal here exactly
 * when their UTF-8 bytes are, as both are well-formed.
 *
 * @spec topics.7, topics.12
 */
export function matchesTopic(pattern: TopicPattern, topic: Topic): boolean {
  for (const [i, segment] of pattern.segments.entries()) {
    if (segment === '**') return topic.segments.length > i;
    if (i >= topic.segments.length || (segment !== '*' && segment !== topic.segments[i])) return false;
  }
  return topic.segments.length === pattern.segments.length;
}

/** The checks that topics and patterns share, up to the control characters; returns the text. */
function checkText(input: string | Uint8Array, what: string): string {
  const text = typeof input === 'string' ? input : decodeUtf8(input);
  if (text === undefined || utf8Length(text) < 0) throw new TridcommError('E_ENCODING', `${what} is not valid UTF-8`);
  if (!isNfc(text)) throw new TridcommError('E_ENCODING', `${what} is not in Normalization Form C`);
  if (text === '' || text.startsWith('/') || text.endsWith('/') || text.includes('//')) {
    throw new TridcommError('E_ENCODING', `${what} with an empty segment`);
  }
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x20 || (unit >= 0x7f && unit < 0xa0)) {
      throw new TridcommError('E_ENCODING', `${what} with a control character at ${i}`);
    }
  }
  return text;
}

/** Every asterisk is a segment `*`, or half of a last segment `**`. Goes from one asterisk to the next, so it is linear. */
function checkWildcards(text: string): void {
  for (let at = text.indexOf('*'); at >= 0; at = text.indexOf('*', at)) {
    const double = text[at + 1] === '*';
    const end = at + (double ? 2 : 1);
    const starts = at === 0 || text[at - 1] === '/';
    const ends = end === text.length || (!double && text[end] === '/');
    if (!starts || !ends) throw new TridcommError('E_ENCODING', `pattern with a misplaced asterisk at ${at}`);
    at = end;
  }
}

/** Counts before it cuts: 65,000 separators make no array. */
function splitSegments(text: string, what: string): readonly string[] {
  let count = 1;
  for (let at = text.indexOf('/'); at >= 0; at = text.indexOf('/', at + 1)) {
    if (++count > limits.topicSegments) {
      throw new TridcommError('E_LIMIT', `${what} of more than ${limits.topicSegments} segments`);
    }
  }
  const segments = text.split('/');
  for (const segment of segments) {
    const length = utf8Length(segment);
    if (length > limits.segmentBytes) {
      throw new TridcommError('E_LIMIT', `segment of ${length} bytes, limit ${limits.segmentBytes}`);
    }
  }
  return segments;
}
