import type { TridcommError } from '../errors.ts';
import type { PrincipalRecord } from '../keys/principal-record.ts';
import type { SurveyQuestion } from '../patterns/survey.ts';
import type { Message, Records } from '../wire/records.ts';
import type { NumberRange } from './gaps.ts';
import type { Reply, SurveyEnd, SurveyReply } from './reply.ts';
import type { HeardReply, RoutedDelivery } from './route-delivery.ts';
import type { WorkDelivery } from './work-delivery.ts';

/** What one envelope brought, after every check. */
export interface Delivery {
  readonly topic: string;
  /** Who signed it, as the authority names them. */
  readonly sender: PrincipalRecord;
  /** Payloads are views of one plaintext that belongs to the receiver; nothing is made for a message before it is asked for. */
  readonly records: Records;
  /** The same as objects, made when they are first asked for. */
  readonly messages: readonly Message[];
  /** The view of the group was not fresh, and the group takes that. */
  readonly stale: boolean;
  /** Numbers of the sender's stream that are missing since this envelope, and such that have come. */
  readonly gaps: readonly NumberRange[];
  readonly filled: readonly NumberRange[];
  readonly groupId16: Uint8Array;
  readonly epoch: number;
  readonly seq: number;
  /** Identity of the envelope. */
  readonly id32: Uint8Array;
  /** Where it stands in the broker's log, as the broker says: nobody signed it. Undefined for what came as news. @spec delivery.12 */
  readonly position: number | undefined;
  /** Of a question to a group for SURVEY: how it is answered. */
  readonly survey: SurveyQuestion | undefined;
  /** `redelivered`: it came out of the log, and an earlier life of this member may have accepted it. @spec replay.30 */
  readonly verdict: 'new' | 'redelivered';
}

/** What of others, or of a broker's answers, a member refuses or is refused: work that came is an envelope too, and that it asked for a subscription. */
export type RefusedThing = 'object' | 'envelope' | 'view' | 'subscription' | 'keyRecord';

/** What handlers of the application get. */
export type HandledThing = Delivery | WorkDelivery | RoutedDelivery | HeardReply | Reply | SurveyReply | SurveyEnd;

/** What happens to a member besides answers to its own calls. */
export type ClientEvent =
  | { readonly type: 'message'; readonly delivery: Delivery }
  /** Requests, jobs or messages of a dealer came to be done. */
  | { readonly type: 'work'; readonly delivery: WorkDelivery }
  /** Messages of a dealer came to be routed. */
  | { readonly type: 'routed'; readonly delivery: RoutedDelivery }
  /** A router heard a reply to some dealer. */
  | { readonly type: 'heard'; readonly reply: HeardReply }
  /** Something was heard of a request or message. */
  | { readonly type: 'reply'; readonly reply: Reply }
  | { readonly type: 'surveyReply'; readonly reply: SurveyReply }
  | { readonly type: 'surveyEnd'; readonly end: SurveyEnd }
  | { readonly type: 'gap' | 'filled'; readonly delivery: Delivery; readonly range: NumberRange }
  /** The member went over to a newer view of a group. */
  | { readonly type: 'view'; readonly groupId16: Uint8Array; readonly headSeq: number; readonly epoch: number }
  /** The newest pool record of a front is proven by a head as new as the view, or is again: nothing but time keeps from asking by it. */
  | { readonly type: 'pool'; readonly groupId16: Uint8Array }
  /** The view of a group is not fresh any more, or is again. */
  | { readonly type: 'stale' | 'fresh'; readonly groupId16: Uint8Array }
  /** Somebody has a key of the authority or the controller twice; with the group where it is one. */
  | { readonly type: 'fork'; readonly groupId16: Uint8Array | undefined; readonly error: TridcommError }
  /** A sender said the number of a head that there was not: what it says of heads does not count any more (principals.41). */
  | { readonly type: 'falseHead'; readonly keyId32: Uint8Array }
  /** Something that arrived, or was asked of the broker, was refused; with the group where it is known. */
  | {
      readonly type: 'refused';
      readonly what: RefusedThing;
      readonly groupId16?: Uint8Array | undefined;
      readonly error: TridcommError;
    }
  /** What arrived could not be taken for another reason than a refusal, such as a store that failed. */
  | { readonly type: 'failed'; readonly what: RefusedThing; readonly error: unknown }
  /** A handler threw; the others were called all the same. */
  | {
      readonly type: 'handlerFailed';
      readonly delivery: HandledThing;
      readonly error: unknown;
    }
  /** The carrier did not take what the member asks a broker for: it is asked again. Told once, until something is taken. */
  | { readonly type: 'carrierFailed'; readonly error: unknown }
  /** A new key record: the authority and its brokers have to get it. A refusal that is thrown for it becomes an event. */
  | { readonly type: 'keyRecord'; readonly bytes: Uint8Array };
