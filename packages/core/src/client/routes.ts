import { extensions as numbers } from '../codepoints/extensions.gen.ts';
import { matchKinds } from '../codepoints/match-kinds.gen.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { TopicMatch } from '../keys/access-list.ts';
import { matchOf } from '../keys/compile-policy.ts';
import { parseTopic, type Topic, type TopicPattern } from '../topics/grammar.ts';
import { routedPeriods } from '../topics/tags.ts';
import type { EnvelopeView, JobView } from '../wire/envelope.ts';
import type { Group } from './group.ts';
import { hexOf } from './hex.ts';
import { overlaps } from './pattern-overlap.ts';

/** Where the tag of an envelope leads. */
export interface Route {
  readonly group: Group;
  /** The topic, in a group without topic_chains; in others the envelope says it. */
  readonly topic: Topic | undefined;
}

/** Times that decide which tags a member routes by. */
export interface RouteTimes {
  readonly maxAgeMs: number;
  readonly skewMs: number;
}

/** What one match leads to. */
export interface Lead {
  /** What envelopes are to match. */
  readonly own: TopicMatch;
  readonly topic: Topic | undefined;
  /** What the broker is asked to match for it. */
  readonly asked: TopicMatch;
}

/** What follows from a route secret in a period. */
export type Leads = (secret32: Uint8Array, period: number) => Iterable<Lead>;

/** What one group puts into the table. */
interface GroupRoutes {
  readonly names: readonly string[];
  /** What the broker has to match, by name. */
  readonly matches: ReadonlyMap<string, TopicMatch>;
}

/**
 * The tags that a member routes by, for every period that counts now, as the views of its groups have them.
 *
 * @spec topics.10
 */
export class RouteTable {
  readonly #times: RouteTimes;
  readonly #routes = new Map<string, Route>();
  readonly #groups = new Map<Group, GroupRoutes>();
  #fromMs = 0;
  #untilMs = Infinity;

  constructor({ maxAgeMs, skewMs }: RouteTimes) {
    this.#times = { maxAgeMs, skewMs };
  }

  /** What the broker has to match for a group, by name. */
  matchesOf(group: Group): ReadonlyMap<string, TopicMatch> {
    return this.#groups.get(group)?.matches ?? noMatches;
  }

  /** Whether the same periods count at another time. */
  holdsAt(nowMs: number): boolean {
    return this.#fromMs <= nowMs && nowMs < this.#untilMs;
  }

  /** Forgets everything: other periods count, or other subscriptions. */
  clear(): void {
    this.#routes.clear();
    this.#groups.clear();
    this.#fromMs = 0;
    this.#untilMs = Infinity;
  }

  /** Step 7. */
  find({ header, extensions }: EnvelopeView | JobView): Route | undefined {
    const exact = this.routeOf(exactMatch(header.topicTag));
    if (exact !== undefined) return exact;
    const chain = extensions.value(numbers.topicChain);
    if (chain === undefined) return undefined;
    for (let level = 0; level < chain.length / 16; level++) {
      const match16 = chain.subarray(16 * level, 16 * level + 16);
      const route = this.routeOf({ matchKind: matchKinds.prefix, level, match16 });
      if (route !== undefined) return route;
    }
    return undefined;
  }

  /** What a match leads to. */
  routeOf(match: TopicMatch): Route | undefined {
    return this.#routes.get(matchName(match));
  }

  /**
   * Takes a group as it is now.
   *
   * @param leads - undefined where nothing of it leads anywhere
   */
  update(group: Group, leads: Leads | undefined, nowMs: number): void {
    for (const name of this.#groups.get(group)?.names ?? []) this.#routes.delete(name);
    this.#groups.delete(group);
    const { view } = group;
    if (view === undefined || leads === undefined) return;
    const { periodMs } = view.record;
    const { maxAgeMs, skewMs } = this.#times;
    const periods = routedPeriods(nowMs, { periodMs, maxAgeMs, skewMs });
    const [first, last] = [periods[0]!, periods.at(-1)!];
    this.#fromMs = Math.max(this.#fromMs, last * periodMs - skewMs);
    this.#untilMs = Math.min(this.#untilMs, (last + 1) * periodMs - skewMs, (first + 1) * periodMs + maxAgeMs);
    const names: string[] = [];
    const matches = new Map<string, TopicMatch>();
    for (const period of periods) {
      for (const secret32 of group.routeSecrets(period)) {
        for (const { own, topic, asked } of leads(secret32, period)) {
          const name = matchName(own);
          names.push(name);
          this.#routes.set(name, { group, topic });
          matches.set(matchName(asked), asked);
        }
      }
    }
    this.#groups.set(group, { names, matches });
  }
}

/**
 * What leads to the subscriptions of a member in one group: what they and the rules of the group have in common. The broker matches the whole
 * rule, as the edge list has it.
 *
 * @returns undefined where they have nothing in common
 */
export function subscribedLeads(
  provider: CryptoProvider,
  group: Group,
  subscriptions: readonly TopicPattern[],
): Leads | undefined {
  const { groupId16, view, patterns } = group;
  const pairs = patterns.flatMap((rule) =>
    subscriptions
      .filter((pattern) => overlaps(pattern, rule))
      .map((pattern) => ({ rule, narrower: narrower(pattern, rule) })),
  );
  if (pairs.length === 0) return undefined;
  const isChained = view?.record.topicChains === true;
  return (secret32, period) =>
    pairs.map(({ rule, narrower: own }) => ({
      own: matchOf(provider, secret32, groupId16, period, own),
      topic: isChained ? undefined : parseTopic(rule.text),
      asked: matchOf(provider, secret32, groupId16, period, rule),
    }));
}

/** The match of a tag. */
export function exactMatch(tag16: Uint8Array): TopicMatch {
  return { matchKind: matchKinds.exact, level: 0, match16: tag16 };
}

/** One name for a match. */
export function matchName({ matchKind, level, match16 }: TopicMatch): string {
  return `${matchKind}${level}${hexOf(match16)}`;
}

/** What a subscription and a rule that overlap have in common, as far as tags show it: a rule has no segment `*`. */
function narrower(pattern: TopicPattern, rule: TopicPattern): TopicPattern {
  const isExact = rule.literals === rule.segments.length;
  return isExact || rule.literals > pattern.literals ? rule : pattern;
}

const noMatches: ReadonlyMap<string, TopicMatch> = new Map();
