import { TridcommError, type Asked } from '@tridcomm/core';
import type { PatternParts } from './pattern-parts.ts';
import { payloadOf } from './payloads.ts';
import { UnacknowledgedError } from './publish-outcome.ts';
import { checkAsk, checkObject, type AskOptions } from './request-options.ts';
import { SurveyReplies } from './survey-replies.ts';

/** The asking side of surveys. */
export class Surveys {
  readonly #parts: PatternParts;
  readonly #open = new Set<SurveyReplies>();
  #count = 0;

  constructor(parts: PatternParts) {
    this.#parts = parts;
  }

  ask(topic: string, data: Uint8Array | string, options: AskOptions): SurveyReplies {
    checkObject('options', options);
    const { timeoutMs, maxReplies, signal } = options;
    signal?.throwIfAborted();
    // Of its own: nobody awaits the moment when it is sealed.
    const body = new Uint8Array(payloadOf(topic, data));
    checkAsk(options);
    const deadlineMs = Date.now() + Math.ceil(timeoutMs);
    let asked: Asked | undefined;
    const abort = () => replies.fail(signal?.reason);
    const late = setTimeout(
      () => replies.fail(new TridcommError('E_EXPIRED', 'question that did not go out')),
      timeoutMs,
    );
    const replies: SurveyReplies = new SurveyReplies(() => {
      this.#open.delete(replies);
      signal?.removeEventListener('abort', abort);
      clearTimeout(late);
      asked?.cancel();
      begun?.cancel(new TridcommError('E_CLOSED', 'survey that is over'));
    });
    const seal = () => {
      asked = this.#parts
        .client()
        .ask(topic, body, { deadlineMs, ...(maxReplies !== undefined && { maxReplies }) }, Date.now(), {
          onReply: (reply) => {
            const { name, key } = reply.sender;
            replies.add({ data: reply.body, sender: { name, keyId32: key.keyId32 } }, this.#parts.use());
          },
          onEnd: () => replies.end(),
        });
      // It has its own end from now on.
      clearTimeout(late);
      return { envelopes: [asked.envelope], ids: [asked.questionId32] };
    };
    let begun: ReturnType<ReturnType<PatternParts['publisher']>['begin']> | undefined;
    try {
      begun = this.#parts.publisher().begin({
        topic,
        durability: 'memory',
        // Each is an envelope of its own.
        kind: `ask/${this.#count++}`,
        items: [body],
        seal,
      });
    } catch (error) {
      clearTimeout(late);
      throw error;
    }
    begun.done.catch((error: unknown) => {
      // Whoever heard it may still reply.
      if (!(error instanceof UnacknowledgedError)) replies.fail(error);
    });
    this.#open.add(replies);
    signal?.addEventListener('abort', abort);
    return replies;
  }

  close(error: TridcommError): void {
    for (const replies of this.#open) replies.fail(error);
  }
}
