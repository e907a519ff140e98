import { actions } from '../codepoints/actions.gen.ts';
import { TridcommError } from '../errors.ts';
import type { TopicMatch } from '../keys/access-list.ts';
import { parseTopic, type Topic } from '../topics/grammar.ts';
import type { EnvelopeView, JobView } from '../wire/envelope.ts';
import type { WorkCarrier } from './carrier.ts';
import type { Group } from './group.ts';
import type { GuardedCarrier } from './guarded-carrier.ts';
import type { Holdings } from './holdings.ts';
import { exactMatch } from './routes.ts';
import { Routing } from './routing.ts';
import type { RouteHandler } from './route-delivery.ts';
import type { WorkHandler } from './work-delivery.ts';

/** The work of a topic that a member takes, until it is closed. */
export interface WorkSubscription {
  readonly topic: string;
  /**
   * Changes how many units the member takes at a time: none at 0, while those that it has go on.
   *
   * @throws TridcommError `E_USAGE` for what is no number of units
   */
  setCapacity(capacity: number, nowMs: number): void;
  /** What is not settled goes to others. */
  close(nowMs: number): void;
}

/** What becomes of what is taken: it is worked on, or routed to others. */
export type WorkTaker =
  | { readonly kind: 'work'; readonly handler: WorkHandler | undefined }
  | { readonly kind: 'route'; readonly handler: RouteHandler | undefined };

interface TakenWork {
  readonly topic: Topic;
  readonly taker: WorkTaker;
  capacity: number;
}

/** Where a unit of work goes. */
export interface WorkRoute {
  readonly front: Group;
  readonly topic: Topic;
  readonly taker: WorkTaker;
}

/** What leads to the work that a member takes, and what the broker is asked for it. */
export class WorkRoutes {
  readonly routing: Routing;
  /** By topic. */
  readonly #works = new Map<string, TakenWork>();

  constructor(
    holdings: Holdings,
    carrier: GuardedCarrier,
    workCarrier: WorkCarrier,
    groups: ReadonlyMap<string, Group>,
  ) {
    this.routing = new Routing({
      times: holdings,
      groups,
      leadsOf: (group) => {
        const topics = this.#topicsOf(group);
        if (topics.length === 0) return undefined;
        return (secret32, period) =>
          topics.map((topic) => {
            const match = exactMatch(group.tags.tagOf(secret32, period, topic).tag16);
            return { own: match, topic, asked: match };
          });
      },
      question: {
        ask: (match) => {
          return carrier.askWork(() => {
            this.#requireRouter(holdings.keyId32, match);
            workCarrier.work(match, this.#capacityOf(match));
          });
        },
        end: (match) => carrier.endWork(workCarrier, match),
      },
    });
  }

  /**
   * @param onChange - called when the broker has to be asked for something else
   * @throws TridcommError `E_ENCODING`, `E_LIMIT` for what is no topic; `E_USAGE` for a topic whose work is taken, or a capacity that cannot be
   */
  add(topic: string, taker: WorkTaker, capacity: number, onChange: (nowMs: number) => void): WorkSubscription {
    const parsed = parseTopic(topic);
    const name = parsed.text;
    checkCapacity(capacity);
    if (this.#works.has(name)) throw new TridcommError('E_USAGE', 'work of this topic is taken already');
    const work: TakenWork = { topic: parsed, taker, capacity };
    this.#works.set(name, work);
    this.routing.allChanged();
    return {
      topic: name,
      setCapacity: (count, nowMs) => {
        checkCapacity(count);
        if (this.#works.get(name) !== work || work.capacity === count) return;
        work.capacity = count;
        this.routing.askAgain((route) => route.topic?.text === name);
        onChange(nowMs);
      },
      close: (nowMs) => {
        if (this.#works.get(name) !== work) return;
        this.#works.delete(name);
        this.routing.allChanged();
        onChange(nowMs);
      },
    };
  }

  /** Step 7. */
  find(view: EnvelopeView | JobView, nowMs: number): WorkRoute | undefined {
    const { group, topic } = this.routing.find(view, nowMs) ?? {};
    const work = topic && this.#works.get(topic.text);
    return work && { front: group!, topic: work.topic, taker: work.taker };
  }

  /** Whether the member works on a topic of a group. */
  worksIn(group: Group): boolean {
    return this.#topicsOf(group).some(({ text }) => this.#works.get(text)?.taker.kind === 'work');
  }

  stop(): void {
    this.#works.clear();
    this.routing.stop();
  }

  #topicsOf(group: Group): Topic[] {
    if (!group.isFront) return [];
    return group.rules.flatMap(({ text }) => this.#works.get(text)?.topic ?? []);
  }

  /** @throws TridcommError `E_POLICY` for what is to be routed by who may work there @spec patterns.44 */
  #requireRouter(keyId32: Uint8Array, match: TopicMatch): void {
    const { group, topic } = this.routing.routeOf(match) ?? {};
    if (topic === undefined || this.#works.get(topic.text)?.taker.kind !== 'route') return;
    // Who responds does so in the whole group, whatever the topic and the time are.
    if (group!.view?.writers.allowsEnvelope(keyId32, actions.respond, 0, match.match16, undefined) !== true) return;
    throw new TridcommError('E_POLICY', 'who may work routes nothing: a broker would give it requests and jobs, too');
  }

  #capacityOf(match: TopicMatch): number {
    const topic = this.routing.routeOf(match)?.topic;
    return (topic && this.#works.get(topic.text)?.capacity) ?? 0;
  }
}

function checkCapacity(capacity: number): void {
  if (Number.isInteger(capacity) && capacity >= 0 && capacity <= 0xffff_ffff) return;
  throw new TridcommError('E_USAGE', `capacity ${capacity}`);
}
