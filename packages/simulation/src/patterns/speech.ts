import { TridcommError } from '@tridcomm/core';
import type { Client } from '@tridcomm/core/internal';
import { ascii } from '../bytes.ts';
import type { Member } from '../member.ts';
import { traitorName } from '../schedule.ts';
import type { Office } from './office.ts';
import type { Party } from './party.ts';
import { busTopic, pollTopic, type GroupName, type SpokenStep } from './plan.ts';
import { nobodyName } from './plan-routing.ts';
import type { Sealed } from './pool-asker.ts';
import type { Expectations } from './expectations.ts';
import type { RunState } from './run-state.ts';
import { settleMs } from './times.ts';

/** What members say and ask of their own accord. */
export class Speech {
  readonly #state: RunState;
  readonly #office: Office;
  readonly #expectations: Expectations;

  constructor(state: RunState, office: Office, expectations: Expectations) {
    this.#state = state;
    this.#office = office;
    this.#expectations = expectations;
  }

  /** @param tries - left after a refusal, which a bundle on its way may explain; it takes two of them to meet the next bundle too */
  speak(party: Party, step: SpokenStep, tries = 2): void {
    const { member } = party;
    const { client } = member;
    if (client === undefined) return;
    try {
      this.#say(party, client, step);
    } catch (error) {
      if (!(error instanceof TridcommError)) throw error;
      const { refusals, messages, clock, delayMs, isHealed } = this.#state;
      refusals.add(`seal ${error.code}`);
      this.#state.note(() => `${member.name} cannot ${step.do}: ${error.message}`);
      if (!this.#expectations.isLive(member.name)) return;
      if (error.code === 'E_EPOCH' && this.#office.isBetweenEpochs(member)) return;
      if (tries > 0) {
        clock.after(settleMs / 2 + delayMs, () => this.speak(party, step, tries - 1));
        return;
      }
      const name = isHealed ? 'not resumed' : 'refused to seal';
      messages.report(name, clock.nowMs, `${member.name} cannot ${step.do}: ${error.message}`);
    }
  }

  /** Everybody says and asks something; more where the run had little to say. */
  lastWords(): void {
    for (let round = 0; round < mostRounds; round++) {
      if (round > 0 && this.#state.counts.messages >= 50) return;
      for (const party of this.#state.parties.values()) {
        const { name } = party.member;
        if (name === traitorName && this.#state.isTraitorCondemned) continue;
        if (party.plan.role === 'router') continue;
        this.speak(party, { do: 'say', member: name, count: 1 });
        if (party.plan.role !== 'asker') continue;
        const words: SpokenStep[] = [
          { do: 'request', member: name, count: 2, forMs: 60_000 },
          { do: 'push', member: name, count: 2, jobsPerLeaf: 1, forMs: 0, isRepeated: false },
          { do: 'ask', member: name, forMs: 3_000, maxReplies: 10 },
        ];
        if (this.#state.plan.routing?.dealers.includes(name) === true) {
          words.push({ do: 'deal', member: name, to: ['worker0', 'worker1', nobodyName], forMs: 60_000 });
        }
        for (const step of words) this.speak(party, step);
      }
    }
  }

  #say({ member, asker, surveyor }: Party, client: Client, step: SpokenStep): void {
    switch (step.do) {
      case 'request':
        this.#asked(member, asker!.request(client, step), step.forMs, false);
        break;
      case 'push':
        this.#asked(member, asker!.push(client, step), step.forMs, step.isRepeated);
        break;
      case 'deal': {
        const sealed = asker!.deal(client, step);
        this.#count(sealed);
        this.#expectations.dealt(member, sealed.works, step.to, step.forMs);
        break;
      }
      case 'ask': {
        const [content] = this.#newContents(member, 1) as [string];
        this.#sealed(member, 'poll', pollTopic, [content], surveyor.ask(client, content, step));
        break;
      }
      case 'say': {
        const contents = this.#newContents(member, step.count);
        const { envelopes } = client.publish(busTopic, contents.map(ascii), member.localMs);
        this.#sealed(member, 'bus', busTopic, contents, envelopes[0]!);
        break;
      }
    }
  }

  #asked(member: Member, sealed: Sealed, forMs: number, isRepeated: boolean): void {
    this.#count(sealed);
    this.#expectations.asked(member, sealed.works, forMs, isRepeated);
  }

  #count({ works, requested }: Sealed): void {
    this.#state.counts.messages += works.length;
    this.#state.counts.envelopes += requested.envelopes.length;
  }

  #sealed(member: Member, name: GroupName, topic: string, contents: readonly string[], envelope: Uint8Array): void {
    this.#state.counts.messages += contents.length;
    this.#state.counts.envelopes++;
    this.#expectations.sealed(member, name, topic, contents, envelope);
  }

  #newContents(member: Member, count: number): string[] {
    const { messages, random } = this.#state;
    return Array.from({ length: count }, (_, i) => {
      return `${member.name}#${messages.sealed.size + i}.${random.u32().toString(36)}`;
    });
  }
}

const mostRounds = 16;
