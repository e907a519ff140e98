import { patternKinds } from '../codepoints/patterns.gen.ts';
import { purposes } from '../codepoints/purposes.gen.ts';
import type { GroupRecord } from '../keys/group-record.ts';
import { checkPubSubForm } from '../patterns/pub-sub.ts';
import { refusal } from '../patterns/refusal.ts';
import { checkQuestionForm } from '../patterns/survey.ts';
import type { EnvelopeView, JobView } from '../wire/envelope.ts';

/** What is published to a group of this purpose; undefined where nothing is. */
export function publishedKind(purpose: number): number | undefined {
  if (purpose === purposes.pubSub) return patternKinds.pubSub.data;
  return purpose === purposes.bus ? patternKinds.bus.data : undefined;
}

/** What is asked in a group of this purpose; undefined where nothing is. */
export function askedKind(purpose: number): number | undefined {
  return purpose === purposes.survey ? patternKinds.survey.question : undefined;
}

/** Whether what comes under the topics of a group goes to the subscriptions: messages, and questions. */
export function isDelivered({ purpose }: GroupRecord): boolean {
  return publishedKind(purpose) !== undefined || purpose === purposes.survey;
}

/**
 * What step 8 asks of an envelope in a group beyond its epoch, by the purpose of the group.
 *
 * @throws TridcommError `E_ENCODING`, `E_EXT`
 * @spec patterns.3, patterns.8, patterns.28
 */
export function checkForm(view: EnvelopeView | JobView, { purpose, topicChains }: GroupRecord): void {
  if (purpose === purposes.survey) {
    checkQuestionForm(view);
    return;
  }
  const patternKind = publishedKind(purpose);
  if (patternKind === undefined) throw refusal('E_ENCODING', 'group that nothing is published to');
  checkPubSubForm(view, topicChains, patternKind);
}
