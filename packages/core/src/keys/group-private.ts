import { ascii, checkWidth, compareBytes } from '../bytes/bytes.ts';
import { labels } from '../codepoints/labels.gen.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { TridcommError } from '../errors.ts';
import { parsePattern, type TopicPattern } from '../topics/grammar.ts';
import { encodeUtf8 } from '../topics/utf8.ts';
import { decodeBody, encodeBody } from './body.ts';
import type { RouteSecret } from './compile-policy.ts';
import { checkAsReceiver } from './receiver-check.ts';

/** The own part of a group: what only its members know besides the epoch secret. */
export interface GroupPrivate {
  /** The body as it stood in the block: what `privateHash` is taken of. */
  readonly body: Uint8Array;
  /** Patterns of the group's rules, ascending as bytes. */
  readonly patterns: readonly TopicPattern[];
  /** Ascending by the first period that each counts for. */
  readonly routeSecrets: readonly RouteSecret[];
}

/**
 * Reads the own part of a group.
 *
 * @param body - kept; secrets that come out are views of it
 * @param topicChains - whether the group record allows patterns that end in `**`
 * @throws TridcommError `E_ENCODING`, `E_LIMIT`
 * @spec groups.3, principals.2, principals.6
 */
export function decodeGroupPrivate(body: Uint8Array, topicChains: boolean): GroupPrivate {
  const fields = decodeBody('GroupPrivate', body);
  const patterns = fields.patterns.map((text) => readPattern(text, topicChains));
  for (let i = 1; i < patterns.length; i++) {
    if (compareText(patterns[i - 1]!.text, patterns[i]!.text) >= 0) {
      throw new TridcommError('E_ENCODING', `pattern ${i} of a group not in order`);
    }
  }
  const routeSecrets = fields.route_secrets.map((secret) => ({
    fromPeriod: secret.from_period ?? 0,
    secret32: secret.secret32,
  }));
  for (let i = 1; i < routeSecrets.length; i++) {
    if (routeSecrets[i - 1]!.fromPeriod >= routeSecrets[i]!.fromPeriod) {
      throw new TridcommError('E_ENCODING', `route secret ${i} of a group not in order`);
    }
  }
  return { body, patterns, routeSecrets };
}

/**
 * Writes the own part of a group; the caller's.
 *
 * @param patterns - 1 to 256, in any order, none twice
 * @param routeSecrets - 1 to 8, in any order, none twice for one period; not changed
 * @throws TridcommError `E_LIMIT` for too many or too long ones; `E_USAGE` for anything else that a member would refuse
 */
export function encodeGroupPrivate(patterns: readonly string[], routeSecrets: readonly RouteSecret[]): Uint8Array {
  const sorted = routeSecrets.toSorted((a, b) => a.fromPeriod - b.fromPeriod);
  const body = encodeBody('GroupPrivate', {
    patterns: patterns.toSorted(compareText),
    // What is 0 is not written.
    route_secrets: sorted.map(({ fromPeriod, secret32 }) => ({
      ...(fromPeriod === 0 ? {} : { from_period: fromPeriod }),
      secret32,
    })),
  });
  checkAsReceiver('own part of a group', () => {
    decodeGroupPrivate(body, true);
  });
  return body;
}

/** What the policy says of the own part of a group; 32 bytes, the caller's. */
export function privateHash(provider: CryptoProvider, groupId16: Uint8Array, body: Uint8Array): Uint8Array {
  checkWidth('groupId16', groupId16, 16);
  return provider.sha256(privateHashPrefix, groupId16, body);
}

/** A pattern that members of a group can use: whatever is wrong with it is `E_ENCODING`. */
function readPattern(text: string, topicChains: boolean): TopicPattern {
  let pattern: TopicPattern;
  try {
    pattern = parsePattern(text);
  } catch (error) {
    throw new TridcommError('E_ENCODING', 'pattern of a group', { cause: error });
  }
  if (pattern.segments.includes('*')) throw new TridcommError('E_ENCODING', 'pattern of a group with a segment *');
  if (!topicChains && pattern.literals < pattern.segments.length) {
    throw new TridcommError('E_ENCODING', 'pattern with ** in a group without topic chains');
  }
  return pattern;
}

/** Order of the UTF-8 bytes, which is not that of UTF-16. */
function compareText(a: string, b: string): number {
  return compareBytes(encodeUtf8(a), encodeUtf8(b));
}

const privateHashPrefix = ascii(`${labels.privateHash}\0`);
