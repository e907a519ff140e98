import type { ErrorCode } from '../codepoints/errors.gen.ts';
import type { PrincipalRecord } from '../keys/principal-record.ts';
import type { RecordName } from '../patterns/work.ts';

/**
 * What is heard of a request, or of a message of a dealer: `final`, `refused` and `late` once, and nothing after. Before that, as often as somebody
 * says so: of a request `in progress`, and of a message `news`.
 */
export type Reply = {
  readonly name: RecordName;
  /** Of the request among those of its call: 0 is the first. */
  readonly place: number;
} & (
  | { readonly status: 'final'; readonly body: Uint8Array; readonly sender: PrincipalRecord }
  | { readonly status: 'in progress'; readonly sender: PrincipalRecord }
  /** What who works says before the last. @spec patterns.42 */
  | { readonly status: 'news'; readonly body: Uint8Array; readonly sender: PrincipalRecord }
  | { readonly status: 'refused'; readonly code: ErrorCode; readonly sender: PrincipalRecord }
  /** Nobody answered by the deadline, as far as this member knows: `code` is `E_EXPIRED`. */
  | { readonly status: 'late'; readonly code: ErrorCode }
);

/** Who waits for replies. */
export type ReplyHandler = (reply: Reply) => void;

/** One reply to a survey: of each responder one. */
export interface SurveyReply {
  /** Identity of the question. */
  readonly questionId32: Uint8Array;
  readonly sender: PrincipalRecord;
  readonly body: Uint8Array;
}

/** How a survey ended. */
export interface SurveyEnd {
  readonly questionId32: Uint8Array;
  /** Replies that were taken. */
  readonly replies: number;
  readonly reason: 'deadline' | 'enough' | 'cancelled';
}

/** Who waits for the replies to a survey. */
export interface SurveyHandlers {
  readonly onReply?: (reply: SurveyReply) => void;
  /** Called once; no reply comes after it. */
  readonly onEnd?: (end: SurveyEnd) => void;
}
