import type { EnvelopeView, TopicMatch } from '@tridcomm/core';
import { extensions } from '@tridcomm/core/internal';
import { matchKinds } from '@tridcomm/core/link';

/** Things by the match that they wait for. */
export class SubIndex<T> {
  readonly #byMatch = new Map<string, Set<T>>();

  get isEmpty(): boolean {
    return this.#byMatch.size === 0;
  }

  add({ matchKind, level, match16 }: TopicMatch, thing: T): void {
    const name = nameOf(matchKind, level, match16, 0);
    const things = this.#byMatch.get(name);
    if (things === undefined) this.#byMatch.set(name, new Set([thing]));
    else things.add(thing);
  }

  delete({ matchKind, level, match16 }: TopicMatch, thing: T): void {
    const name = nameOf(matchKind, level, match16, 0);
    const things = this.#byMatch.get(name);
    things?.delete(thing);
    if (things?.size === 0) this.#byMatch.delete(name);
  }

  /**
   * Visits all whose match covers an envelope: one look-up for its tag, and one for each value of its chain.
   *
   * @param visit - may add and delete
   */
  visit({ header, extensions: values }: Pick<EnvelopeView, 'header' | 'extensions'>, visit: (thing: T) => void): void {
    this.#visit(nameOf(matchKinds.exact, 0, header.bytes, tagOffset), visit);
    const chain = values.value(extensions.topicChain);
    if (chain === undefined) return;
    for (let level = 0; level < chain.length / 16; level++) {
      this.#visit(nameOf(matchKinds.prefix, level, chain, 16 * level), visit);
    }
  }

  #visit(name: string, visit: (thing: T) => void): void {
    const things = this.#byMatch.get(name);
    if (things !== undefined) for (const thing of things) visit(thing);
  }
}

/** One string for a match, of one-byte characters. */
function nameOf(matchKind: number, level: number, bytes: Uint8Array, at: number): string {
  return String.fromCharCode(
    16 * matchKind + level,
    bytes[at]!,
    bytes[at + 1]!,
    bytes[at + 2]!,
    bytes[at + 3]!,
    bytes[at + 4]!,
    bytes[at + 5]!,
    bytes[at + 6]!,
    bytes[at + 7]!,
    bytes[at + 8]!,
    bytes[at + 9]!,
    bytes[at + 10]!,
    bytes[at + 11]!,
    bytes[at + 12]!,
    bytes[at + 13]!,
    bytes[at + 14]!,
    bytes[at + 15]!,
  );
}

/** Of the topic tag in the header. */
const tagOffset = 8;
