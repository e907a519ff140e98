import { matchKinds } from '../codepoints/match-kinds.gen.ts';
import { patternKinds } from '../codepoints/patterns.gen.ts';
import { TridcommError } from '../errors.ts';
import type { TopicMatch } from '../keys/access-list.ts';
import { parseTopic } from '../topics/grammar.ts';
import type { EnvelopeView } from '../wire/envelope.ts';
import type { Group } from './group.ts';
import type { GuardedCarrier } from './guarded-carrier.ts';
import type { Holdings } from './holdings.ts';
import type { HeardHandler } from './route-delivery.ts';
import { Routing } from './routing.ts';

/** Replies that a router hears, until it is closed. */
export interface HeardSubscription {
  readonly topic: string;
  close(nowMs: number): void;
}

/** Where a reply to some dealer goes. */
export interface HeardRoute {
  readonly front: Group;
  readonly handlers: readonly (HeardHandler | undefined)[];
}

/** The replies to all dealers of fronts, for routers that hand them on to another broker. */
export class HeardReplies {
  readonly routing: Routing;
  /** By topic. */
  readonly #handlers = new Map<string, HeardHandler | undefined>();

  constructor(holdings: Holdings, carrier: GuardedCarrier, groups: ReadonlyMap<string, Group>) {
    const { keyId32 } = holdings;
    this.routing = new Routing({
      times: holdings,
      groups,
      leadsOf: (group) => {
        if (!group.isFront || this.#topicsOf(group).length === 0) return undefined;
        return (secret32, period) => {
          // Of anybody: all answer tags have one root.
          const { root16 } = group.tags.answersOf(secret32, period, keyId32);
          const match: TopicMatch = { matchKind: matchKinds.prefix, level: 1, match16: root16 };
          return [{ own: match, topic: undefined, asked: match }];
        };
      },
      question: carrier.subscribing('live'),
    });
  }

  /**
   * @param onChange - called when the broker has to be asked for something else
   * @throws TridcommError `E_ENCODING`, `E_LIMIT` for what is no topic; `E_USAGE` for one that is heard by
   */
  add(topic: string, handler: HeardHandler | undefined, onChange: (nowMs: number) => void): HeardSubscription {
    const { text } = parseTopic(topic);
    if (this.#handlers.has(text)) throw new TridcommError('E_USAGE', 'replies are heard by this topic already');
    this.#handlers.set(text, handler);
    this.routing.allChanged();
    return {
      topic: text,
      close: (nowMs) => {
        if (!this.#handlers.delete(text)) return;
        this.routing.allChanged();
        onChange(nowMs);
      },
    };
  }

  /**
   * Who hears an envelope that is a reply of this pattern to some dealer; a forward is none, so no router hears what another sends. A reply says no topic:
   * all hear it that hear by a topic of its front.
   */
  find(view: EnvelopeView, nowMs: number): HeardRoute | undefined {
    if (this.#handlers.size === 0 || view.header.patternKind !== patternKinds.routerDealer.reply) return undefined;
    const group = this.routing.find(view, nowMs)?.group;
    if (group === undefined) return undefined;
    return { front: group, handlers: this.#topicsOf(group).map((topic) => this.#handlers.get(topic)) };
  }

  stop(): void {
    this.#handlers.clear();
    this.routing.stop();
  }

  #topicsOf({ rules }: Group): string[] {
    return rules.flatMap(({ text }) => (this.#handlers.has(text) ? [text] : []));
  }
}
