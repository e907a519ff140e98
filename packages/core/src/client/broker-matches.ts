import type { TopicMatch } from '../keys/access-list.ts';
import type { Group } from './group.ts';
import type { Asked } from './guarded-carrier.ts';
import { matchName } from './routes.ts';

/** What the broker was asked to match for a group, and what came of it, under a version of the policy and a head. */
interface AtBroker {
  readonly match: TopicMatch;
  /** Undefined where it has to be asked anew. */
  readonly policyVersion: number | undefined;
  readonly headSeq: number;
  readonly isTaken: boolean;
  /** It was refused under an earlier head of the same policy: then it is asked for no more. */
  readonly isRepeated: boolean;
}

/** How a broker is asked for a match. */
export interface BrokerQuestion {
  ask(match: TopicMatch): Asked;
  /** @returns false where the carrier failed */
  end(match: TopicMatch): boolean;
}

/**
 * Keeps what a broker was asked to match in line with what is wanted. What it refused is asked for again under the next policy, and once with
 * the next head: a broker may know less than the member until its authority has come back to it. What it failed to answer is asked for at the
 * next call.
 */
export class BrokerMatches {
  readonly #question: BrokerQuestion;
  /** Groups for which the broker may have to be asked for something else. */
  readonly #unasked = new Set<Group>();
  readonly #atBroker = new Map<Group, Map<string, AtBroker>>();

  constructor(question: BrokerQuestion) {
    this.#question = question;
  }

  /** Something else may be wanted for a group. */
  changed(group: Group): void {
    this.#unasked.add(group);
  }

  /** The broker knows of nothing any more. */
  renew(groups: Iterable<Group>): void {
    this.#atBroker.clear();
    for (const group of groups) this.#unasked.add(group);
  }

  /** A match has to be asked for once more, as something about it has changed. */
  askAgain(matches: Iterable<TopicMatch>): void {
    for (const match of matches) {
      const name = matchName(match);
      for (const [group, held] of this.#atBroker) {
        const asked = held.get(name);
        if (asked === undefined) continue;
        held.set(name, { ...asked, policyVersion: undefined });
        this.#unasked.add(group);
      }
    }
  }

  /** @param wantedOf - what is wanted for a group, by name */
  ask(wantedOf: (group: Group) => ReadonlyMap<string, TopicMatch>): void {
    for (const group of this.#unasked) {
      if (!this.#askFor(group, wantedOf(group))) return;
      this.#unasked.delete(group);
    }
  }

  /**
   * The broker refused what it was asked for, or ended it.
   *
   * @returns whether that was still wanted
   */
  refused(match: TopicMatch): boolean {
    const name = matchName(match);
    for (const [group, held] of this.#atBroker) {
      const asked = held.get(name);
      if (asked === undefined) continue;
      held.set(name, { ...asked, isTaken: false });
      // A policy may have come since.
      this.#unasked.add(group);
      return true;
    }
    return false;
  }

  clear(): void {
    this.#unasked.clear();
    this.#atBroker.clear();
  }

  /** @returns false where the carrier failed */
  #askFor(group: Group, wanted: ReadonlyMap<string, TopicMatch>): boolean {
    const held = this.#atBroker.get(group) ?? new Map<string, AtBroker>();
    for (const [name, { match, isTaken }] of held) {
      if (wanted.has(name)) continue;
      if (isTaken && !this.#question.end(match)) return false;
      held.delete(name);
    }
    // A newer policy may have ended what an older one allowed.
    const policyVersion = group.view?.policy.version ?? 0;
    const headSeq = group.view?.head.headSeq ?? 0;
    for (const [name, match] of wanted) {
      const last = held.get(name);
      const isSame = last?.policyVersion === policyVersion;
      if (isSame && (last.isTaken || last.isRepeated || last.headSeq === headSeq)) continue;
      this.#atBroker.set(group, held);
      const asked = this.#question.ask(match);
      if (asked === 'failed') return false;
      held.set(name, { match, policyVersion, headSeq, isTaken: asked === 'taken', isRepeated: isSame });
    }
    if (held.size === 0) this.#atBroker.delete(group);
    return true;
  }
}
