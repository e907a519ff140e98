import { hexOf, readU32, readU64 } from '../bytes.ts';
import type { Member } from '../member.ts';
import { traitorName } from '../schedule.ts';
import type { Office } from './office.ts';
import type { AskedWork } from './oracle.ts';
import type { GroupName } from './plan.ts';
import type { RunState } from './run-state.ts';
import { clocksMs, leasesMs, settleMs, skewMs } from './times.ts';

/** A message of the bus, or a question, that a member must get. */
interface Expectation {
  readonly content: string;
  readonly writer: string;
  readonly reader: string;
  readonly atMs: number;
  readonly afterHeal: boolean;
}

/** What has to come of what members say and ask, by all that an honest broker and honest links promise. */
export class Expectations {
  readonly #state: RunState;
  readonly #office: Office;
  readonly #readySince = new Map<string, number>();
  readonly #messages: Expectation[] = [];

  constructor(state: RunState, office: Office) {
    this.#state = state;
    this.#office = office;
  }

  /** Nothing is promised to a member before that. */
  readyFrom(name: string, atMs: number): void {
    this.#readySince.set(name, atMs);
  }

  /** The same, unless it was to be ready later. */
  notReadyBefore(name: string, atMs: number): void {
    this.#readySince.set(name, Math.max(atMs, this.#readySince.get(name) ?? 0));
  }

  /** Whether a member is ready and in its rights. */
  isLive(name: string): boolean {
    const { plan, nowMs, isHealed, isBrokerDown, isTraitorCondemned } = this.#state;
    const isPromised = isHealed || plan.setting === 'honest';
    const { client } = this.#state.party(name).member;
    const isReady = (this.#readySince.get(name) ?? Infinity) <= nowMs;
    const isBad = name === traitorName && isTraitorCondemned;
    return isPromised && client !== undefined && isReady && !isBad && !isBrokerDown;
  }

  /** Works were sealed: what has to come of them. */
  asked(member: Member, works: readonly AskedWork[], forMs: number, isRepeated: boolean): void {
    this.#asked(member, works, works, { forMs, isRepeated, quietMs: 5_000 + 4 * this.#state.delayMs });
  }

  /** Messages were sealed: what has to come of those whose router has somebody to send them to. @param to - whom each names */
  dealt(member: Member, works: readonly AskedWork[], to: readonly string[], forMs: number): void {
    const { parties, plan, delayMs } = this.#state;
    const isExpected = (name: string): boolean => {
      return parties.get(name)?.worker === undefined ? plan.routing!.directCapacity > 0 : this.isLive(name);
    };
    const expected = works.filter((_, place) => isExpected(to[place]!));
    this.#asked(member, works, expected, { forMs, isRepeated: false, quietMs: 10_000 + 6 * delayMs });
  }

  #asked(
    member: Member,
    works: readonly AskedWork[],
    expected: readonly AskedWork[],
    { forMs, isRepeated, quietMs }: { readonly forMs: number; readonly isRepeated: boolean; readonly quietMs: number },
  ): void {
    const { nowMs: atMs, isHealed: afterHeal } = this.#state;
    // One that takes long holds the others of its unit.
    if (works.some(({ mayRunAgain }) => mayRunAgain)) for (const work of works) work.mayRunAgain = true;
    const isSlow = works.some(({ content }) => content.endsWith('!'));
    if (!this.isLive(member.name) || isSlow) return;
    for (const { kind, content } of expected) {
      if (forMs === 0 || forMs >= quietMs + clocksMs) {
        this.#state.works.expect({ content, atMs, untilMs: atMs + quietMs, afterHeal, isQuiet: true });
      }
      if (kind === 'job' && forMs === 0 && !isRepeated) {
        this.#state.works.expect({ content, atMs, untilMs: atMs + leasesMs, afterHeal, isQuiet: false });
      }
    }
  }

  /** A message of the bus was sealed, or a question. */
  sealed(member: Member, name: GroupName, topic: string, contents: readonly string[], envelope: Uint8Array): void {
    const { messages, parties, nowMs: atMs, isHealed: afterHeal } = this.#state;
    const group = this.#office.group(name);
    const stream = hexOf(envelope.subarray(8, 28)) + hexOf(envelope.subarray(32, 56));
    const [seq, timestampMs, epoch] = [readU64(envelope, 56), readU64(envelope, 64), readU32(envelope, 24)];
    this.#state.note(() => `${member.name} seals ${contents.join()} on ${topic}, epoch ${epoch}`);
    messages.seal(
      { writer: member.name, group, topic, contents, epoch, stream, seq, timestampMs, atMs, isRaw: false },
      this.#office.sceneOf(member, group),
    );
    if (!this.isLive(member.name) || (epoch < this.#office.epochOf(group) && this.#office.isDraining)) return;
    for (const { plan, member: reader } of parties.values()) {
      const reads = plan.role === 'worker' || (name === 'bus' && plan.role === 'asker');
      if (!reads || reader === member || !this.isLive(reader.name)) continue;
      if (!reader.isDurable && reader.bootMs > 0 && timestampMs <= reader.bootMs + skewMs) continue;
      // Up to 64 numbers of a stream may be refused after a restart.
      const floor = messages.resumedTo(reader.name, reader.life, stream);
      if (floor > 0 && seq <= floor + 64) continue;
      for (const content of contents) {
        this.#messages.push({ content, writer: member.name, reader: reader.name, atMs, afterHeal });
      }
    }
  }

  /** What came of the bus, and of questions. */
  judge(): void {
    const { messages, works, delayMs } = this.#state;
    const { condemned } = works;
    for (const { content, writer, reader, atMs, afterHeal } of this.#messages) {
      if (messages.delivered.get(reader)?.has(content) === true) continue;
      const untilMs = atMs + settleMs + delayMs;
      const isCondemned =
        condemned !== undefined && [writer, reader].includes(traitorName) && condemned.atMs <= untilMs;
      if (isCondemned || !works.isQuiet(['broker', writer, reader], atMs, untilMs)) continue;
      messages.report(afterHeal ? 'not resumed' : 'lost', atMs, `${reader} never got ${content} of ${writer}`);
    }
  }
}
