import { limits } from '../codepoints/limits.gen.ts';
import { hexOf } from './hex.ts';

/** A number of a head, and since when it is known. */
interface Learned {
  readonly headSeq: number;
  readonly learntMs: number;
}

/** The same, as somebody else says. */
interface Claim extends Learned {
  readonly sender: string;
}

/**
 * The numbers of heads that a node has heard of, and since when: from heads, which count for all groups, and from what senders say in
 * extension 8, which counts for the group that they said it in.
 *
 * @spec principals.32, principals.41
 */
export class KnownHeads {
  /** Numbers of heads that were accepted; ascending by number and by time. */
  #accepted: readonly Learned[] = [];
  /** By group: numbers above that of its view, in the order in which they came. */
  readonly #claims = new Map<string, readonly Claim[]>();
  /** Key ids of senders who said a number that a head showed to be false. */
  readonly #liars = new Set<string>();

  /**
   * Takes note of a head that was accepted. It shows numbers above its own to be false that were learnt `skew` before it was issued.
   *
   * @returns key ids in hex of who said such, each once ever: nothing that they say counts any more
   */
  accept(headSeq: number, issuedMs: number, nowMs: number, skewMs: number): string[] {
    if (headSeq <= this.#highest) return [];
    const accepted = [...this.#accepted, { headSeq, learntMs: nowMs }];
    if (accepted.length > mostNumbers) {
      // Two become one that is as old as the older and as high as the higher: it holds back no less than both.
      const [first, second] = accepted;
      accepted.splice(0, 2, { headSeq: second!.headSeq, learntMs: first!.learntMs });
    }
    this.#accepted = accepted;
    const isFalse = (claim: Claim) => claim.headSeq > headSeq && issuedMs >= claim.learntMs + skewMs;
    const found = new Set<string>();
    for (const claims of this.#claims.values()) for (const claim of claims) if (isFalse(claim)) found.add(claim.sender);
    for (const sender of found) this.#liars.add(sender);
    if (found.size > 0)
      for (const groupId of this.#claims.keys()) this.#keep(groupId, ({ sender }) => !found.has(sender));
    return [...found];
  }

  /** Takes note of what a sender said in a group under its signature. While many such numbers stand, further ones say nothing new. */
  claim(groupId: string, senderKeyId32: Uint8Array, headSeq: number, nowMs: number): void {
    if (headSeq <= this.#highest) return;
    const sender = hexOf(senderKeyId32);
    const claims = this.#claims.get(groupId) ?? [];
    if (this.#liars.has(sender) || claims.length >= mostNumbers) return;
    if (claims.some((one) => one.headSeq === headSeq && one.sender === sender)) return;
    this.#claims.set(groupId, [...claims, { headSeq, learntMs: nowMs, sender }]);
  }

  /** Forgets what the view of a group has reached. */
  reached(groupId: string, headSeq: number): void {
    this.#keep(groupId, (claim) => claim.headSeq > headSeq);
  }

  /** Whether somebody whose view of a group has the head `headSeq` may not seal for it any more. */
  isBehind(groupId: string, headSeq: number, nowMs: number): boolean {
    const isDue = (one: Learned) => one.headSeq > headSeq && nowMs >= one.learntMs + limits.behindMs;
    if (this.#highest > headSeq && this.#accepted.some(isDue)) return true;
    return this.#claims.get(groupId)?.some(isDue) ?? false;
  }

  /** Whether a higher number than `headSeq` is known for a group. */
  isAhead(groupId: string, headSeq: number): boolean {
    return this.#highest > headSeq || (this.#claims.get(groupId)?.some((one) => one.headSeq > headSeq) ?? false);
  }

  #keep(groupId: string, keeps: (claim: Claim) => boolean): void {
    const claims = this.#claims.get(groupId);
    if (claims === undefined) return;
    const kept = claims.filter(keeps);
    if (kept.length > 0) this.#claims.set(groupId, kept);
    else this.#claims.delete(groupId);
  }

  get #highest(): number {
    return this.#accepted.at(-1)?.headSeq ?? 0;
  }
}

const mostNumbers = 64;
