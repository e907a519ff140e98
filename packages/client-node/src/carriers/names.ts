import { parseEnvelope, type TopicMatch } from '@tridcomm/core';
import { extensions, hexOf } from '@tridcomm/core/internal';
import { matchKinds } from '@tridcomm/core/link';

/**
 * The segments of the name under which an envelope travels: its tag, and the values of its chain.
 *
 * @throws TridcommError for what is no envelope
 * @spec bindings.6, bindings.7
 */
export function envelopePath(envelope: Uint8Array): string[] {
  const { header, extensions: found } = parseEnvelope(envelope);
  const path = [hexOf(header.topicTag)];
  const chain = found.value(extensions.topicChain) ?? nothing;
  for (let at = 0; at < chain.length; at += 16) path.push(hexOf(chain.subarray(at, at + 16)));
  return path;
}

/**
 * How the names begin that a match covers; undefined stands for any one segment.
 *
 * @spec bindings.6, bindings.7
 */
export function matchPath({ matchKind, level, match16 }: TopicMatch): (string | undefined)[] {
  if (matchKind === matchKinds.exact) return [hexOf(match16)];
  return [...Array.from({ length: 1 + level }, () => undefined), hexOf(match16)];
}

const nothing = new Uint8Array(0);
