import { compareBytes } from '../bytes/bytes.ts';
import { actions } from '../codepoints/actions.gen.ts';
import { matchKinds } from '../codepoints/match-kinds.gen.ts';
import { purposes } from '../codepoints/purposes.gen.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { TridcommError } from '../errors.ts';
import { coversPattern, hasSingleWildcard, overlapsPattern } from '../topics/cover.ts';
import type { TopicPattern } from '../topics/grammar.ts';
import { deriveRouteKey, tagAnswers, tagInbox, tokenOfPattern } from '../topics/tags.ts';
import { encodeEntry, type AccessEntry, type TopicMatch } from './access-list.ts';
import { PatternIndex } from './pattern-index.ts';

/** Topics of this pattern belong to this group. */
export interface Rule {
  readonly pattern: TopicPattern;
  readonly groupId16: Uint8Array;
  /** The group is the front of a pool; default false. */
  readonly isFront?: boolean;
}

/** This principal may do this on this topic pattern until then. */
export interface Grant {
  readonly keyId32: Uint8Array;
  /** One bit of the registry of actions. */
  readonly action: number;
  readonly pattern: TopicPattern;
  readonly notAfterMs: number;
}

/** Whether a grant says anything of the topics of a rule: one to route means something in fronts alone. @spec principals.19 */
export function reachesRule({ action, pattern }: Pick<Grant, 'action' | 'pattern'>, rule: Rule): boolean {
  return (action !== actions.route || rule.isFront === true) && overlapsPattern(pattern, rule.pattern);
}

/** From which period on a route secret counts, until the next one does. */
export interface RouteSecret {
  readonly fromPeriod: number;
  readonly secret32: Uint8Array;
}

/** The entries of the two lists of a group, ascending as bytes. */
export interface CompiledGroup {
  readonly writers: AccessEntry[];
  readonly edge: AccessEntry[];
}

/**
 * Refuses rules and grants that no keys could keep. Takes time in proportion to the rules that each pattern meets, not to all of them.
 *
 * @returns the rules, to be found by patterns
 * @throws TridcommError `E_POLICY`
 * @spec principals.19
 */
export function checkPolicySource(rules: readonly Rule[], grants: readonly Grant[]): PatternIndex<Rule> {
  const index = new PatternIndex<Rule>();
  for (const [i, rule] of rules.entries()) {
    if (hasSingleWildcard(rule.pattern)) throw refusal(`rule ${i} with a segment *`);
    if (index.overlapping(rule.pattern).some((other) => compareBytes(other.groupId16, rule.groupId16) !== 0)) {
      throw refusal(`rule ${i} overlaps one of another group`);
    }
    index.add(rule.pattern, rule);
  }
  for (const [i, { pattern, action }] of grants.entries()) {
    if (hasSingleWildcard(pattern)) throw refusal(`grant ${i} with a segment *`);
    const isPartial = index.wider(pattern).length > 0;
    if (!isPartial && index.covered(pattern).length === 0) throw refusal(`grant ${i} matches no rule`);
    // Who holds the key of a group reads all of it, so less cannot be promised.
    if ((action & actions.subscribe) !== 0 && isPartial) {
      throw refusal(`grant ${i} would read a part of what a rule gives to a group`);
    }
    if (action === actions.route && !index.overlapping(pattern).some(({ isFront }) => isFront === true)) {
      throw refusal(`grant ${i} would forward, and matches no rule of a front`);
    }
  }
  checkWholeGroups(index, rules, grants);
  return index;
}

/** The grants of one principal to read a group cover all of its rules, or none. */
function checkWholeGroups(index: PatternIndex<Rule>, rules: readonly Rule[], grants: readonly Grant[]): void {
  const rulesOf = new Map<string, number>();
  for (const { groupId16 } of rules) count(rulesOf, groupId16);
  const readBy = new Map<string, Map<string, TopicPattern>>();
  for (const { keyId32, action, pattern } of grants) {
    if ((action & actions.subscribe) === 0) continue;
    const name = nameOf(keyId32);
    const patterns = readBy.get(name) ?? new Map<string, TopicPattern>();
    readBy.set(name, patterns.set(pattern.text, pattern));
  }
  // Most principals read by the same patterns as others, and the verdict is about these alone. No pattern holds a control character.
  const sets = new Map([...readBy.values()].map((patterns) => [[...patterns.keys()].toSorted().join('\n'), patterns]));
  for (const patterns of sets.values()) {
    const covered = new Set([...patterns.values()].flatMap((pattern) => index.covered(pattern)));
    const coveredOf = new Map<string, number>();
    for (const { groupId16 } of covered) count(coveredOf, groupId16);
    for (const [group, found] of coveredOf) {
      if (found !== rulesOf.get(group)) throw refusal('a principal would read some rules of a group and not all');
    }
  }
}

/**
 * What follows from rules and grants for the lists of one group.
 *
 * @param purpose - of the group: one for questions or work has answers too
 * @param rules - of all groups, with {@link checkPolicySource} behind them, as for the grants
 * @param routeSecrets - of the group
 * @param periods - that the lists are to serve
 * @throws TridcommError `E_USAGE` where a period has no route secret
 */
export function compileGroup(
  provider: CryptoProvider,
  groupId16: Uint8Array,
  purpose: number,
  rules: readonly Rule[],
  grants: readonly Grant[],
  routeSecrets: readonly RouteSecret[],
  periods: readonly number[],
): CompiledGroup {
  const own = rules.filter((rule) => compareBytes(rule.groupId16, groupId16) === 0);
  const matchesOf = matcher(provider, groupId16, routeSecrets, periods);
  const writers: AccessEntry[] = [];
  const edge: AccessEntry[] = [];
  const hasAnswers = purpose === purposes.survey || purpose === purposes.front;
  const tagsTo = hasAnswers ? principalMatcher(provider, groupId16, routeSecrets, periods) : undefined;
  const hasRouters = grants.some((grant) => {
    return grant.action === actions.route && own.some((rule) => reachesRule(grant, rule));
  });
  for (const grant of grants) {
    const { keyId32, action, pattern, notAfterMs } = grant;
    const met = own.filter((rule) => reachesRule(grant, rule));
    if (met.length === 0) continue;
    const matches = met.flatMap((rule) => matchesOf(coversPattern(pattern, rule.pattern) ? rule.pattern : pattern));
    for (const match of matches) edge.push({ keyId32, actions: action, ...match, notAfterMs });
    const tags = tagsTo?.(keyId32) ?? [];
    if (tagsTo !== undefined && (action & actions.subscribe) !== 0) {
      writers.push({ keyId32, actions: actions.respond, ...wholeGroup, notAfterMs });
      for (const { answerRoot, inboxTag } of tags) {
        edge.push({ keyId32, actions: actions.publish, ...answerRoot, notAfterMs });
        if (hasRouters) edge.push({ keyId32, actions: actions.subscribe, ...inboxTag, notAfterMs });
      }
    }
    if (action === actions.route) {
      writers.push({ keyId32, actions: actions.route, ...wholeGroup, notAfterMs });
      for (const { answerRoot, inboxRoot } of tags) {
        edge.push({ keyId32, actions: actions.publish, ...inboxRoot, notAfterMs });
        edge.push({ keyId32, actions: actions.publish, ...answerRoot, notAfterMs });
        edge.push({ keyId32, actions: actions.subscribe, ...answerRoot, notAfterMs });
      }
    }
    if ((action & actions.publish) === 0) continue;
    for (const { answerTag } of tags) edge.push({ keyId32, actions: actions.subscribe, ...answerTag, notAfterMs });
    const coversAll = own.every((rule) => coversPattern(pattern, rule.pattern));
    for (const match of coversAll ? [wholeGroup] : matches) {
      writers.push({ keyId32, actions: actions.publish, ...match, notAfterMs });
    }
  }
  return { writers: ascending(writers), edge: ascending(edge) };
}

/**
 * What a broker compares for a pattern in one period; the caller's.
 *
 * @param pattern - without a segment `*`, as everything that a right is given for
 */
export function matchOf(
  provider: CryptoProvider,
  routeSecret32: Uint8Array,
  groupId16: Uint8Array,
  period: number,
  pattern: TopicPattern,
): TopicMatch {
  const routeKey32 = deriveRouteKey(provider, routeSecret32, groupId16, period);
  const found = tokenOfPattern(provider, routeKey32, period, pattern);
  return found.kind === 'exact'
    ? { matchKind: matchKinds.exact, level: 0, match16: found.token16 }
    : { matchKind: matchKinds.prefix, level: found.level, match16: found.token16 };
}

/**
 * The route secret of a period: the one with the highest `from_period` that is not above it; 32 bytes, not a copy.
 *
 * @throws TridcommError `E_USAGE` where there is none
 */
export function routeSecretOf(routeSecrets: readonly RouteSecret[], period: number): Uint8Array {
  let found: RouteSecret | undefined;
  for (const one of routeSecrets) {
    if (one.fromPeriod <= period && (found === undefined || one.fromPeriod > found.fromPeriod)) found = one;
  }
  if (found === undefined) throw new TridcommError('E_USAGE', `no route secret for period ${period}`);
  return found.secret32;
}

/** The matches of a pattern in all periods, each made once: grants of many principals meet in the same patterns. */
function matcher(
  provider: CryptoProvider,
  groupId16: Uint8Array,
  routeSecrets: readonly RouteSecret[],
  periods: readonly number[],
): (pattern: TopicPattern) => readonly TopicMatch[] {
  const made = new Map<string, readonly TopicMatch[]>();
  return (pattern) => {
    const matches =
      made.get(pattern.text) ??
      periods.map((period) => matchOf(provider, routeSecretOf(routeSecrets, period), groupId16, period, pattern));
    made.set(pattern.text, matches);
    return matches;
  };
}

/** What a broker compares of what is for one principal, in one period. */
interface PrincipalMatches {
  readonly answerTag: TopicMatch;
  readonly answerRoot: TopicMatch;
  readonly inboxTag: TopicMatch;
  readonly inboxRoot: TopicMatch;
}

/** What a broker compares of what is for a principal, for each period. */
function principalMatcher(
  provider: CryptoProvider,
  groupId16: Uint8Array,
  routeSecrets: readonly RouteSecret[],
  periods: readonly number[],
): (keyId32: Uint8Array) => readonly PrincipalMatches[] {
  const routeKeys = periods.map((period) => ({
    period,
    routeKey32: deriveRouteKey(provider, routeSecretOf(routeSecrets, period), groupId16, period),
  }));
  return (keyId32) =>
    routeKeys.map(({ period, routeKey32 }) => {
      const answers = tagAnswers(provider, routeKey32, period, keyId32);
      const inbox = tagInbox(provider, routeKey32, period, keyId32);
      return {
        answerTag: { matchKind: matchKinds.exact, level: 0, match16: answers.tag16 },
        answerRoot: { matchKind: matchKinds.prefix, level: 1, match16: answers.root16 },
        inboxTag: { matchKind: matchKinds.exact, level: 0, match16: inbox.tag16 },
        inboxRoot: { matchKind: matchKinds.prefix, level: 1, match16: inbox.root16 },
      };
    });
}

/** In the order of the bytes, each once. */
function ascending(entries: readonly AccessEntry[]): AccessEntry[] {
  const ordered = entries
    .map((entry) => ({ entry, bytes: encodeEntry(entry) }))
    .toSorted((a, b) => compareBytes(a.bytes, b.bytes));
  return ordered
    .filter(({ bytes }, i) => i === 0 || compareBytes(ordered[i - 1]!.bytes, bytes) !== 0)
    .map(({ entry }) => entry);
}

function count(to: Map<string, number>, id: Uint8Array): void {
  const name = nameOf(id);
  to.set(name, (to.get(name) ?? 0) + 1);
}

/** An id as a key of a map. */
function nameOf(id: Uint8Array): string {
  return String.fromCharCode(...id);
}

function refusal(detail: string): TridcommError {
  return new TridcommError('E_POLICY', detail);
}

const wholeGroup: TopicMatch = { matchKind: matchKinds.group, level: 0, match16: new Uint8Array(16) };
