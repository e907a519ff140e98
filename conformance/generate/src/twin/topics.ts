/** Chapter 12. */
import { cat, same, text, u32, u8, vec8, type Bytes } from './bytes.ts';
import { hmac, xp } from './hash.ts';
import { refuse } from './refusal.ts';

function decodeUtf8(bytes: Bytes): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return refuse('E_ENCODING', 'topics.3: UTF-8');
  }
}

/** topics.3 and topics.1, which topics and patterns share. */
function textOf(bytes: Bytes): string[] {
  const value = decodeUtf8(bytes);
  if (value.normalize('NFC') !== value) refuse('E_ENCODING', 'topics.3: NFC');
  const segments = value.split('/');
  if (segments.some((s) => s.length === 0)) refuse('E_ENCODING', 'topics.1');
  return segments;
}

function hasControl(segment: string): boolean {
  return Array.from(segment).some((c) => {
    const code = c.codePointAt(0) ?? 0;
    return code <= 0x1f || (code >= 0x7f && code <= 0x9f);
  });
}

/** topics.2 */
function limits(segments: readonly string[]): Bytes[] {
  if (segments.length > 8) refuse('E_LIMIT', 'topics.2: segments');
  const out = segments.map(text);
  if (out.some((s) => s.length > 255)) refuse('E_LIMIT', 'topics.2: bytes');
  return out;
}

export function parseTopic(bytes: Bytes): Bytes[] {
  const segments = textOf(bytes);
  if (segments.some((s) => hasControl(s) || s.includes('*'))) refuse('E_ENCODING', 'topics.4');
  return limits(segments);
}

export function parsePattern(bytes: Bytes): Bytes[] {
  const segments = textOf(bytes);
  if (segments.some(hasControl)) refuse('E_ENCODING', 'topics.4');
  segments.forEach((s, i) => {
    if (s === '*' || (s === '**' && i + 1 === segments.length)) return;
    if (s.includes('*')) refuse('E_ENCODING', 'topics.5');
  });
  return limits(segments);
}

const ANY: Bytes = text('*');
const REST: Bytes = text('**');

/** topics.7 */
export function matches(pattern: readonly Bytes[], topic: readonly Bytes[]): boolean {
  const [p, ...restOfPattern] = pattern;
  const [t, ...restOfTopic] = topic;
  if (p === undefined || t === undefined) return p === undefined && t === undefined;
  if (same(p, REST)) return true;
  return (same(p, ANY) || same(p, t)) && matches(restOfPattern, restOfTopic);
}

export interface Tags {
  routeKey: Bytes;
  /** t_0 … t_n, whole */
  values: Bytes[];
}

export function chainOf(routeSecret: Bytes, groupId: Bytes, period: number, segments: readonly Bytes[]): Tags {
  const routeKey = xp(routeSecret, 'route', cat(groupId, u32(period)), 32);
  const values = [xp(routeKey, 'topic root', u32(period), 32)];
  for (const s of segments) values.push(hmac(values[values.length - 1] ?? s, vec8(s)));
  return { routeKey, values };
}

/** The section Answers: t_a and t_k, whole. */
export function answerOf(
  routeSecret: Bytes,
  groupId: Bytes,
  period: number,
  askerKeyId: Bytes,
): { first: Bytes; root: Bytes; own: Bytes } {
  const first = chainOf(routeSecret, groupId, period, []).values[0] ?? routeSecret;
  const root = hmac(first, vec8(cat(u8(0), text('answer'))));
  return { first, root, own: hmac(root, vec8(askerKeyId)) };
}

/** Of the same section: t_i and t_k, whole. */
export function inboxOf(
  routeSecret: Bytes,
  groupId: Bytes,
  period: number,
  workerKeyId: Bytes,
): { first: Bytes; root: Bytes; own: Bytes } {
  const first = chainOf(routeSecret, groupId, period, []).values[0] ?? routeSecret;
  const root = hmac(first, vec8(cat(u8(0), text('inbox'))));
  return { first, root, own: hmac(root, vec8(workerKeyId)) };
}

/** The table of subscriptions as a broker sees them. */
export function tokenOf(
  routeSecret: Bytes,
  groupId: Bytes,
  period: number,
  pattern: readonly Bytes[],
): { kind: 'exact' | 'prefix'; token: Bytes; level?: number } {
  const wild = pattern.findIndex((s) => same(s, ANY) || same(s, REST));
  const literal = wild === -1 ? pattern : pattern.slice(0, wild);
  const { values } = chainOf(routeSecret, groupId, period, literal);
  const token = (values[literal.length] ?? routeSecret).slice(0, 16);
  return wild === -1 ? { kind: 'exact', token } : { kind: 'prefix', token, level: literal.length };
}

/** topics.10 */
export function periodsOf(now: bigint, periodMs: bigint, maxAge: bigint, skew: bigint): number[] {
  const out: number[] = [];
  for (let p = (now - maxAge) / periodMs; p <= (now + skew) / periodMs; p++) out.push(Number(p));
  return out;
}
