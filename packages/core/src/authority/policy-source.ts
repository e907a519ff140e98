import { equalBytes } from '../bytes/bytes.ts';
import { hexOf } from '../client/hex.ts';
import { actions } from '../codepoints/actions.gen.ts';
import { checkPolicySource, reachesRule, type Grant, type Rule } from '../keys/compile-policy.ts';
import type { PatternIndex } from '../keys/pattern-index.ts';
import type { TopicPattern } from '../topics/grammar.ts';

/**
 * What the authority was told: rules and grants, none of which contradicts another. Never changed: a change is another one.
 *
 * @spec principals.19
 */
export class PolicySource {
  readonly rules: readonly Rule[];
  readonly grants: readonly Grant[];
  readonly #index: PatternIndex<Rule>;

  /** @throws TridcommError `E_POLICY` for rules and grants that chapter 07 does not allow beside each other */
  constructor(rules: readonly Rule[], grants: readonly Grant[]) {
    this.#index = checkPolicySource(rules, grants);
    this.rules = rules;
    this.grants = grants;
  }

  /** Patterns of the rules of a group. */
  patternsOf(groupId16: Uint8Array): readonly TopicPattern[] {
    return this.#rulesOf(groupId16).map(({ pattern }) => pattern);
  }

  /** Ids of the groups that a grant reaches, each once. */
  groupsOf(grant: Pick<Grant, 'action' | 'pattern'>): readonly Uint8Array[] {
    const reached = this.#index.overlapping(grant.pattern).filter((rule) => reachesRule(grant, rule));
    return [...new Map(reached.map(({ groupId16 }) => [hexOf(groupId16), groupId16])).values()];
  }

  /** The grants that reach a group. */
  grantsIn(groupId16: Uint8Array): readonly Grant[] {
    const rules = this.#rulesOf(groupId16);
    return this.grants.filter((grant) => rules.some((rule) => reachesRule(grant, rule)));
  }

  /** The same with these grants, each in the place of one that differs in its time only. */
  with(grants: readonly Grant[]): PolicySource {
    const named = new Map(grants.map((grant) => [nameOf(grant), grant]));
    const others = this.grants.filter((held) => !named.has(nameOf(held)));
    return new PolicySource(this.rules, [...others, ...named.values()]);
  }

  /** The same with the rules of one group more. */
  withRules(rules: readonly Rule[]): PolicySource {
    return new PolicySource([...this.rules, ...rules], this.grants);
  }

  /** The same without the rules of one group, and without the grants that reach no other. */
  withoutRules(groupId16: Uint8Array): PolicySource {
    const rules = this.rules.filter((rule) => !equalBytes(rule.groupId16, groupId16));
    const reachesOthers = (grant: Grant) => this.groupsOf(grant).some((id) => !equalBytes(id, groupId16));
    return new PolicySource(rules, this.grants.filter(reachesOthers));
  }

  /**
   * These grants, and those that end with them: with a right to read, the principal's others to read of the same groups, which alone
   * might cover some rules of a group and not all.
   *
   * @spec principals.42
   */
  endingWith(grants: Iterable<Grant>): ReadonlySet<Grant> {
    const ending = new Set(grants);
    const isReading = ({ action }: Grant) => (action & actions.subscribe) !== 0;
    const namesOf = (grant: Grant) => {
      return this.groupsOf(grant).map((groupId16) => `${hexOf(grant.keyId32)} ${hexOf(groupId16)}`);
    };
    // The set grows while it is gone through: what ends with a grant may reach groups that the grant does not.
    const losers = new Set(Array.from(ending, ({ keyId32 }) => hexOf(keyId32)));
    const held = new Map<string, Grant[]>();
    for (const grant of this.grants) {
      if (!isReading(grant) || !losers.has(hexOf(grant.keyId32))) continue;
      for (const name of namesOf(grant)) held.set(name, [...(held.get(name) ?? []), grant]);
    }
    for (const grant of ending) {
      if (!isReading(grant)) continue;
      for (const name of namesOf(grant)) for (const other of held.get(name) ?? []) ending.add(other);
    }
    return ending;
  }

  /** The same without these grants. */
  without(grants: ReadonlySet<Grant>): PolicySource {
    return new PolicySource(
      this.rules,
      this.grants.filter((held) => !grants.has(held)),
    );
  }

  /** The grant of this principal, action and pattern; undefined where there is none. */
  find(keyId32: Uint8Array, action: number, pattern: string): Grant | undefined {
    return this.grants.find(
      (held) => held.action === action && held.pattern.text === pattern && equalBytes(held.keyId32, keyId32),
    );
  }

  #rulesOf(groupId16: Uint8Array): readonly Rule[] {
    return this.rules.filter((rule) => equalBytes(rule.groupId16, groupId16));
  }
}

/** What two grants share that differ in their time only. */
function nameOf({ keyId32, action, pattern }: Grant): string {
  return `${hexOf(keyId32)} ${action} ${pattern.text}`;
}
