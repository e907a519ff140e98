/** The own part of a group, chapter 08: GroupPrivate. */
import { hex, same, text, u8, zeros, type Bytes } from './bytes.ts';
import { H } from './hash.ts';
import type { Value } from './objects.ts';
import { refuse, Refusal } from './refusal.ts';
import { parsePattern } from './topics.ts';
import { decodeBody } from './trust.ts';

export interface GroupPrivate {
  /** as bytes, and as segments */
  patterns: { bytes: Bytes; segments: Bytes[] }[];
  routeSecrets: { fromPeriod: number; secret: Bytes }[];
}

export function privateHash(groupId: Bytes, body: Bytes): Bytes {
  return H(text('tdc1 private'), u8(0), groupId, body);
}

const list = (value: Value | undefined): Value[] => (Array.isArray(value) ? value : []);
const bytesOf = (value: Value | undefined): Bytes => (value instanceof Uint8Array ? value : zeros(0));

/** The form of step 11. */
export function parsePrivate(body: Bytes, topicChains: boolean): GroupPrivate {
  const fields = decodeBody('GroupPrivate', body);
  const patterns = list(fields['patterns']).map(bytesOf);
  const routeSecrets = list(fields['route_secrets']).map((v) => {
    const f = v as { [name: string]: Value };
    return { fromPeriod: Number(f['from_period'] ?? 0n), secret: bytesOf(f['secret32']) };
  });
  const parsed = patterns.map((bytes, i) => {
    const before = patterns[i - 1];
    if (before !== undefined && hex(before) >= hex(bytes)) refuse('E_ENCODING', 'patterns ascend');
    let segments: Bytes[];
    try {
      segments = parsePattern(bytes);
    } catch (error) {
      if (error instanceof Refusal) refuse('E_ENCODING', 'a pattern that chapter 12 refuses');
      throw error;
    }
    if (segments.some((s) => same(s, text('*')))) refuse('E_ENCODING', 'a segment *');
    if (!topicChains && segments.some((s) => same(s, text('**')))) refuse('E_ENCODING', '** without topic_chains');
    return { bytes, segments };
  });
  routeSecrets.forEach((r, i) => {
    const before = routeSecrets[i - 1];
    if (before !== undefined && before.fromPeriod >= r.fromPeriod) refuse('E_ENCODING', 'route secrets ascend');
  });
  return { patterns: parsed, routeSecrets };
}
