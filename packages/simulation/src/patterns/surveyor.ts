import { TridcommError, type Delivery } from '@tridcomm/core';
import type { Client } from '@tridcomm/core/internal';
import { ascii, hexOf, textOf } from '../bytes.ts';
import type { AppHost } from './app.ts';
import { pollTopic, type PatternsStep } from './plan.ts';

/** What a member does with questions: asks them, and replies to those of others, in its own time. */
export class Surveyor {
  /** Replies when it is told to, and not before. */
  isHoarding = false;
  readonly #host: AppHost;
  #hoard: Delivery[] = [];

  constructor(host: AppHost) {
    this.#host = host;
  }

  start(): void {
    this.#hoard = [];
  }

  /** @throws TridcommError what it is refused with */
  ask(client: Client, content: string, step: PatternsStep & { readonly do: 'ask' }): Uint8Array {
    const { member, oracle } = this.#host;
    const deadlineMs = member.localMs + step.forMs;
    const { maxReplies } = step;
    const asked = client.ask(pollTopic, ascii(content), { deadlineMs, maxReplies }, member.localMs, {
      onReply: ({ questionId32, sender, body }) => {
        this.#host.count('survey reply');
        this.#host.note(() => `${member.name} takes ${textOf(body)} of ${sender.name}`);
        oracle.tookReply(this.#host.sceneOf('poll'), hexOf(questionId32), sender.name, textOf(body));
      },
      onEnd: ({ questionId32, replies }) => {
        this.#host.note(() => `${member.name} ends ${content} with ${replies} replies`);
        oracle.surveyEnded(this.#host.sceneOf('poll'), hexOf(questionId32), replies);
      },
    });
    oracle.askedSurvey(hexOf(asked.questionId32), {
      asker: member.name,
      life: member.life,
      content,
      deadlineMs,
      maxReplies,
    });
    return asked.envelope;
  }

  /** A question has come. @param isLive - nothing stands in the way of a reply */
  heard(delivery: Delivery, isLive: () => boolean): void {
    if (this.isHoarding) {
      this.#hoard.push(delivery);
      return;
    }
    const delayMs = this.#host.random.pick([10, 200, 2_500, 9_000]);
    this.#host.after(delayMs, (client) => this.#reply(client, delivery, isLive));
  }

  /** Replies to everything that was kept. */
  betray(client: Client): void {
    for (const delivery of this.#hoard.splice(0)) this.#reply(client, delivery, () => false);
  }

  #reply(client: Client, delivery: Delivery, isLive: () => boolean): void {
    const { member, oracle } = this.#host;
    const content = textOf(delivery.records.payload(0));
    const body = `${member.name} replies to ${content}`;
    const id = hexOf(delivery.id32);
    try {
      const isExpected = isLive() && delivery.survey!.deadlineMs > this.#host.trueMs + mostDelayMs;
      oracle.replied(id, member.name, body, isExpected ? this.#host.trueMs : undefined);
      client.answer(delivery, ascii(body), member.localMs);
      this.#host.note(() => body);
    } catch (error) {
      if (!(error instanceof TridcommError)) throw error;
      oracle.notReplied(id, member.name);
      this.#host.refused('survey reply', error);
    }
  }
}

/** Clocks, and the way. */
const mostDelayMs = 14_000;
