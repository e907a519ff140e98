import type { WorkReply } from '@tridcomm/core';
import { replyHeadBytes } from './pattern-bounds.ts';
import type { PatternParts } from './pattern-parts.ts';
import type { Sealed } from './publisher.ts';
import type { Sized } from './send-queue.ts';
import type { WorkUnit } from './work-unit.ts';

/** A reply that waits to be sealed. */
interface ReplyItem extends Sized {
  readonly reply: WorkReply;
}

/** Sends the replies to requests and messages: those to one unit share envelopes. @spec patterns.21, patterns.42 */
export class Replying {
  readonly #parts: PatternParts;
  readonly #onAnswered: (unit: WorkUnit) => void;
  /** Answers of this turn, which go together. */
  readonly #answers = new Map<WorkUnit, ReplyItem[]>();
  /** News that wait to be sent, so that each waits once. */
  readonly #telling = new Set<string>();

  /** @param onAnswered - the broker has an answer, or will not get it: see `unanswered` of a unit */
  constructor(parts: PatternParts, onAnswered: (unit: WorkUnit) => void) {
    this.#parts = parts;
    this.#onAnswered = onAnswered;
  }

  /** An answer: its unit waits for it. */
  send(unit: WorkUnit, reply: WorkReply): void {
    unit.unanswered++;
    const gathered = this.#answers.get(unit);
    if (gathered !== undefined) gathered.push(itemOf(reply));
    else {
      this.#answers.set(unit, [itemOf(reply)]);
      queueMicrotask(() => this.#sendGathered(unit));
    }
  }

  /** News of a request: nobody waits for it. */
  tell(unit: WorkUnit, reply: WorkReply): void {
    const name = `${unit.name}/${reply.leaf}/${reply.index}`;
    if (this.#telling.has(name)) return;
    this.#telling.add(name);
    // In the order in which they were said.
    this.#sendGathered(unit);
    const told = () => void this.#telling.delete(name);
    this.#begin(unit, [itemOf(reply)]).then(told, told);
  }

  /** What there is to say to a dealer, in the order of the calls. @returns resolves when the broker has it, or will not get it, which is told */
  async say(unit: WorkUnit, reply: WorkReply): Promise<void> {
    const groupId16 = unit.delivery?.groupId16;
    // In the order in which they were said. What waits is bounded by the publisher alone, so news wait for no end of a turn.
    this.#sendGathered(unit);
    try {
      await this.#begin(unit, [itemOf(reply)]);
    } catch (error) {
      if (groupId16 !== undefined) this.#parts.tellUnsent(error, groupId16);
    }
  }

  #sendGathered(unit: WorkUnit): void {
    const items = this.#answers.get(unit);
    if (items === undefined) return;
    this.#answers.delete(unit);
    const answered = (isLost: boolean) => {
      unit.unanswered -= items.length;
      unit.hasLostAnswer ||= isLost;
      this.#onAnswered(unit);
    };
    this.#begin(unit, items).then(
      () => answered(false),
      () => answered(true),
    );
  }

  async #begin(unit: WorkUnit, waiting: readonly ReplyItem[]): Promise<void> {
    const seal = (items: readonly ReplyItem[]): Sealed => {
      const { delivery } = unit;
      if (delivery === undefined) return { envelopes: [], ids: [] };
      return this.#parts.inParts(items, (part) => {
        const replies = part.map((item) => item.reply);
        return { envelopes: this.#parts.client().reply(delivery, replies, Date.now()).envelopes, ids: [] };
      });
    };
    const begun = this.#parts.publisher().begin({
      topic: this.#topicOf(unit),
      durability: 'memory',
      // Each unit has a lane of its own: core seals for one at a time.
      kind: `reply/${unit.name}`,
      items: waiting,
      seal,
    });
    await begun.done;
  }

  #topicOf({ delivery }: WorkUnit): string {
    return delivery?.topic ?? '';
  }
}

function itemOf(reply: WorkReply): ReplyItem {
  return { length: replyHeadBytes + ('body' in reply ? reply.body.length : mostCodeBytes), reply };
}

/** Of the code of a refusal. */
const mostCodeBytes = 32;
