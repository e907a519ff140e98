import type { TopicMatch } from '../keys/access-list.ts';
import type { EnvelopeView, JobView } from '../wire/envelope.ts';
import { BrokerMatches, type BrokerQuestion } from './broker-matches.ts';
import type { Group } from './group.ts';
import { RouteTable, type Leads, type Route, type RouteTimes } from './routes.ts';

/** What a routing is made of. */
export interface RoutingOptions {
  readonly times: RouteTimes;
  readonly groups: ReadonlyMap<string, Group>;
  /** What of a group leads anywhere, as it is now; undefined where nothing does. */
  readonly leadsOf: (group: Group) => Leads | undefined;
  readonly question: BrokerQuestion;
}

/** The tags that lead to what a member waits for, over the periods, and what a broker is asked to match for them. */
export class Routing {
  readonly #options: RoutingOptions;
  readonly #table: RouteTable;
  readonly #atBroker: BrokerMatches;
  /** Groups whose routes are not in the table as they are. */
  readonly #unrouted = new Set<Group>();

  constructor(options: RoutingOptions) {
    this.#options = options;
    this.#table = new RouteTable(options.times);
    this.#atBroker = new BrokerMatches(options.question);
  }

  /** Step 7. */
  find(view: EnvelopeView | JobView, nowMs: number): Route | undefined {
    this.#route(nowMs);
    return this.#table.find(view);
  }

  /** What a match that was asked for leads to. */
  routeOf(match: TopicMatch): Route | undefined {
    return this.#table.routeOf(match);
  }

  /** A group has other rules, other secrets, or a newer policy. */
  changed(group: Group): void {
    this.#unrouted.add(group);
  }

  /** A group has a newer view. */
  viewChanged(group: Group): void {
    this.#atBroker.changed(group);
  }

  /** The member waits for something else, in any of its groups. */
  allChanged(): void {
    this.#table.clear();
    for (const group of this.#options.groups.values()) this.#unrouted.add(group);
  }

  /** Makes what the broker matches that of the routes: see {@link BrokerMatches}. */
  askBroker(nowMs: number): void {
    this.#route(nowMs);
    this.#atBroker.ask((group) => this.#table.matchesOf(group));
  }

  /** Something that was asked for has changed, and is to be asked for once more. */
  askAgain(matters: (route: Route) => boolean): void {
    for (const group of this.#options.groups.values()) {
      const matches = [...this.#table.matchesOf(group).values()];
      this.#atBroker.askAgain(matches.filter((match) => matters(this.#table.routeOf(match)!)));
    }
  }

  /** The broker refused a match, or ended it. @returns whether that was still wanted */
  refused(match: TopicMatch): boolean {
    return this.#atBroker.refused(match);
  }

  /** The broker knows of nothing any more. */
  renew(): void {
    this.#atBroker.renew(this.#options.groups.values());
  }

  /** Forgets everything. */
  stop(): void {
    this.#table.clear();
    this.#unrouted.clear();
    this.#atBroker.clear();
  }

  #route(nowMs: number): void {
    if (!this.#table.holdsAt(nowMs)) this.allChanged();
    for (const group of this.#unrouted) {
      this.#table.update(group, this.#options.leadsOf(group), nowMs);
      this.#atBroker.changed(group);
    }
    this.#unrouted.clear();
  }
}
