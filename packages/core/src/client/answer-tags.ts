import type { EnvelopeView } from '../wire/envelope.ts';
import type { Group } from './group.ts';
import type { GuardedCarrier } from './guarded-carrier.ts';
import type { Holdings } from './holdings.ts';
import { exactMatch } from './routes.ts';
import { Routing } from './routing.ts';

/**
 * The tags under which answers to the member come, in the groups where it has asked anything.
 *
 * @spec topics.13
 */
export class AnswerTags {
  readonly routing: Routing;
  readonly #asked = new Set<Group>();

  constructor(holdings: Holdings, carrier: GuardedCarrier, groups: ReadonlyMap<string, Group>) {
    const { keyId32 } = holdings;
    this.routing = new Routing({
      times: holdings,
      groups,
      leadsOf: (group) => {
        if (!this.#asked.has(group)) return undefined;
        return (secret32, period) => {
          const match = exactMatch(group.tags.answersOf(secret32, period, keyId32).tag16);
          return [{ own: match, topic: undefined, asked: match }];
        };
      },
      question: carrier.subscribing('live'),
    });
  }

  /** Answers in a group are waited for from now on, over its periods: the broker is asked before the question goes out. */
  use(group: Group, nowMs: number): void {
    if (this.#asked.has(group)) return;
    this.#asked.add(group);
    this.routing.changed(group);
    this.routing.askBroker(nowMs);
  }

  /** Step 7: the group in which an envelope is an answer to the member. */
  groupOf(view: EnvelopeView, nowMs: number): Group | undefined {
    return this.#asked.size === 0 ? undefined : this.routing.find(view, nowMs)?.group;
  }

  stop(): void {
    this.#asked.clear();
    this.routing.stop();
  }
}
