import { actions } from '../codepoints/actions.gen.ts';
import type { AccessList } from '../keys/access-list.ts';
import type { EnvelopeView } from '../wire/envelope.ts';
import type { Group } from './group.ts';
import type { GuardedCarrier } from './guarded-carrier.ts';
import type { Holdings } from './holdings.ts';
import { exactMatch } from './routes.ts';
import { Routing } from './routing.ts';

/** The tags under which routers forward to the member, in the fronts where it works and somebody may route. */
export class InboxTags {
  readonly routing: Routing;
  readonly #worksIn: (group: Group) => boolean;
  readonly #haveRouters = new WeakMap<AccessList, boolean>();

  constructor(
    holdings: Holdings,
    carrier: GuardedCarrier,
    groups: ReadonlyMap<string, Group>,
    worksIn: (group: Group) => boolean,
  ) {
    const { keyId32 } = holdings;
    this.#worksIn = worksIn;
    this.routing = new Routing({
      times: holdings,
      groups,
      leadsOf: (group) => {
        if (!group.isFront || !this.#worksIn(group) || !this.#hasRouters(group)) return undefined;
        return (secret32, period) => {
          const match = exactMatch(group.tags.inboxOf(secret32, period, keyId32).tag16);
          return [{ own: match, topic: undefined, asked: match }];
        };
      },
      question: carrier.subscribing('live'),
    });
  }

  /** Step 7: the front in which an envelope is forwarded to the member. */
  groupOf(view: EnvelopeView, nowMs: number): Group | undefined {
    return this.routing.find(view, nowMs)?.group;
  }

  stop(): void {
    this.routing.stop();
  }

  /** By the view of the front: without routers no edge list has the tag. */
  #hasRouters({ view }: Group): boolean {
    if (view === undefined) return false;
    const { writers } = view;
    const found =
      this.#haveRouters.get(writers) ?? writers.entries.some(({ actions: bits }) => (bits & actions.route) !== 0);
    this.#haveRouters.set(writers, found);
    return found;
  }
}
