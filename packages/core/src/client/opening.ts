import type { ErrorCode } from '../codepoints/errors.gen.ts';
import { extensions as numbers } from '../codepoints/extensions.gen.ts';
import { patternKinds } from '../codepoints/patterns.gen.ts';
import { beginParsed, type Opened, type PendingOpen } from '../envelope/open.ts';
import { TridcommError } from '../errors.ts';
import { messagesOfRecords } from '../patterns/pub-sub.ts';
import { decodeSurvey, type SurveyQuestion } from '../patterns/survey.ts';
import type { EnvelopeSource } from '../replay/guard.ts';
import type { Topic } from '../topics/grammar.ts';
import { parseEnvelope, type EnvelopeView } from '../wire/envelope.ts';
import type { Extensions } from '../wire/extensions.ts';
import type { Message } from '../wire/records.ts';
import type { EventSink } from './event-sink.ts';
import type { Delivery } from './events.ts';
import type { Group } from './group.ts';
import type { Holdings } from './holdings.ts';
import { streamName, type OpenEpoch } from './open-epoch.ts';
import { mayBeAllowedLater, openSealed, storeAhead } from './open-steps.ts';
import type { Route } from './routes.ts';
import type { Handler, Subscriptions } from './subscriptions.ts';

/** Who gets an envelope, and how it came. */
interface Destination {
  readonly topic: Topic;
  /** Undefined where nobody does. */
  readonly handlers: readonly Handler[] | undefined;
  readonly nowMs: number;
  /** Undefined for what came as news. */
  readonly position: number | undefined;
}

/** Where an envelope leads that no subscription is for. */
export interface UnroutedPlace {
  readonly group: Group;
  /** What belongs to epochs above it may be on its way. */
  readonly newestEpoch: number;
}

/** Who takes what is not only delivered. */
export interface OpeningListener {
  /** An envelope that no subscription is for: an answer to the member may be. */
  unrouted(view: EnvelopeView, bytes: Uint8Array, nowMs: number): void;
  /** Where such an envelope leads; undefined where it leads nowhere. */
  placeOf(view: EnvelopeView, nowMs: number): UnroutedPlace | undefined;
  /** A question that may be answered is about to be delivered. */
  question(delivery: Delivery, group: Group, suite: number): void;
}

/** The receiving side of a member. */
export class Opening {
  readonly #holdings: Holdings;
  readonly #events: EventSink;
  readonly #subscriptions: Readonly<Record<EnvelopeSource, Subscriptions>>;
  readonly #listener: OpeningListener;

  constructor(
    holdings: Holdings,
    events: EventSink,
    subscriptions: Readonly<Record<EnvelopeSource, Subscriptions>>,
    listener: OpeningListener,
  ) {
    this.#holdings = holdings;
    this.#events = events;
    this.#subscriptions = subscriptions;
    this.#listener = listener;
  }

  /**
   * @param position - of the log that it came out of; undefined for what came as news
   * @spec model.2, envelope.27, topics.12, replay.29
   */
  envelope(bytes: Uint8Array, nowMs: number, position?: number): Delivery | undefined {
    const source = position === undefined ? 'live' : 'log';
    const subscriptions = this.#subscriptions[source];
    const view = parseEnvelope(bytes);
    const route = subscriptions.routeOf(view, nowMs);
    if (route === undefined) {
      if (source === 'live') this.#listener.unrouted(view, bytes, nowMs);
      return undefined;
    }
    const epoch = route.group.epoch(view.header.epoch);
    if (epoch === undefined) throw new TridcommError('E_EPOCH', `epoch ${view.header.epoch}`);
    const receiver = route.group.receiverOf(epoch, source);
    const pending = beginParsed(receiver, view, nowMs)!;
    openSealed(this.#holdings, route.group, pending, view, nowMs);
    // Undefined where the records say none: that refuses the envelope, and records it as seen.
    const topic = route.topic ?? receiver.topicOf(view);
    const handlers = topic && subscriptions.handlersOf(topic);
    if (topic !== undefined && handlers === undefined && this.#isOfLog(source, topic)) return undefined;
    storeAhead(pending, epoch, view);
    const opened = this.#commit(pending, epoch, view);
    return this.#deliver(route, epoch, opened, { topic: topic!, handlers, nowMs, position });
  }

  /**
   * Of what no handler gets: whether it stays unaccepted. What came out of the log was not asked for, and nobody can use up numbers by it; what
   * came as news may be asked for from the log, and has to be new when it comes from there. Other news is accepted, so that it is not
   * missing later.
   */
  #isOfLog(source: EnvelopeSource, topic: Topic): boolean {
    return source === 'log' || this.#subscriptions.log.handlersOf(topic) !== undefined;
  }

  /** As {@link Client.mayOpenLater}. Nobody vouches for what the header says: at worst a broker makes us wait for nothing. */
  mayOpenLater(code: ErrorCode, bytes: Uint8Array, nowMs: number, source: EnvelopeSource): boolean {
    // All other refusals are for good, and what was refused for its form cannot be read once more.
    if (code !== 'E_EPOCH' && code !== 'E_POLICY' && code !== 'E_SENDER') return false;
    const view = parseEnvelope(bytes);
    const subscribed = this.#subscriptions[source].routeOf(view, nowMs)?.group;
    const unrouted = subscribed === undefined && source === 'live' ? this.#listener.placeOf(view, nowMs) : undefined;
    const group = subscribed ?? unrouted?.group;
    if (group === undefined) return false;
    if (code === 'E_EPOCH') return view.header.epoch > (unrouted?.newestEpoch ?? group.newestEpoch);
    return mayBeAllowedLater(code, group, view);
  }

  /** What is refused for its records is recorded as seen, so its number is not missing. */
  #commit(pending: PendingOpen, { gaps }: OpenEpoch, { header }: EnvelopeView): Opened {
    try {
      return pending.commit();
    } catch (error) {
      if (error instanceof TridcommError && error.code === 'E_ENCODING') {
        gaps.pass(streamName(header.senderId, header.topicTag, header.streamId), header.seq);
      }
      throw error;
    }
  }

  /** Who signed is the sender, and nobody that a broker names. @spec model.3 */
  #deliver(
    { group, topic: routed }: Route,
    epoch: OpenEpoch,
    { header, extensions, records, sender, id32 }: Opened,
    { topic, handlers, nowMs, position }: Destination,
  ): Delivery | undefined {
    const stream = streamName(header.senderId, header.topicTag, header.streamId);
    if (handlers === undefined) {
      epoch.gaps.pass(stream, header.seq);
      return undefined;
    }
    const isAgain = position !== undefined && epoch.guard.mayBeAgain(header.bytes);
    const own = messagesOfRecords(records, routed === undefined);
    let messages: readonly Message[] | undefined;
    const delivery: Delivery = {
      topic: topic.text,
      sender: this.#holdings.trust.principal(sender.keyId32)!,
      records: own,
      get messages() {
        return (messages ??= own.toArray());
      },
      stale: !group.isFresh(nowMs),
      ...epoch.gaps.accept(stream, header.seq),
      groupId16: group.groupId16,
      epoch: epoch.number,
      seq: header.seq,
      id32,
      position,
      survey: questionOf(header.patternKind, extensions),
      verdict: isAgain ? 'redelivered' : 'new',
    };
    if (delivery.survey !== undefined && delivery.verdict === 'new') {
      this.#listener.question(delivery, group, epoch.keySource.suite);
    }
    for (const range of delivery.gaps) this.#events.emit({ type: 'gap', delivery, range });
    for (const range of delivery.filled) this.#events.emit({ type: 'filled', delivery, range });
    this.#events.emit({ type: 'message', delivery });
    for (const handler of handlers) this.#events.handle(handler, delivery);
    return delivery;
  }
}

/** Extension 2 stands in questions; where another envelope has it, it says nothing. */
function questionOf(patternKind: number, extensions: Extensions): SurveyQuestion | undefined {
  const value = patternKind === patternKinds.survey.question ? extensions.value(numbers.survey) : undefined;
  return value && decodeSurvey(value);
}
