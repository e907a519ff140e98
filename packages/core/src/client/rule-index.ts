import type { Topic } from '../topics/grammar.ts';
import type { Group } from './group.ts';

/** The rules of all groups by their text: which group a topic belongs to, without asking every one. */
export class RuleIndex {
  readonly #groups = new Map<string, Group>();
  readonly #texts = new Map<Group, readonly string[]>();

  /** Takes the patterns of a group as its view has them now. */
  update(group: Group): void {
    for (const text of this.#texts.get(group) ?? []) if (this.#groups.get(text) === group) this.#groups.delete(text);
    const texts = group.rules.map(({ text }) => text);
    this.#texts.set(group, texts);
    for (const text of texts) this.#groups.set(text, group);
  }

  /** The group that has a rule for a topic. A rule is a topic, or segments and `**` at the end, which stands for one or more. */
  find({ text, segments }: Topic): Group | undefined {
    const exact = this.#groups.get(text);
    if (exact !== undefined) return exact;
    for (let length = segments.length - 1; length >= 0; length--) {
      const group = this.#groups.get([...segments.slice(0, length), '**'].join('/'));
      if (group !== undefined) return group;
    }
    return undefined;
  }
}
