/** What must hold over links, judged from outside: by what applications asked for and got. */
import type { Violation, ViolationName } from '../oracle.ts';
import type { AskedDurability } from './plan.ts';

/** A call of `publish`, and what became of it. */
export interface Publication {
  readonly writer: string;
  /** Its process: what one sends has no order with what another did. */
  readonly life: number;
  readonly topic: string;
  readonly durability: AskedDurability;
  readonly contents: readonly string[];
  readonly askedMs: number;
  /** By when its application has given up. */
  readonly deadlineMs: number | undefined;
  /** Newest epoch that its writer knew and that had begun for it: the one that it is sealed for, if that is done at once. */
  readonly epoch: number;
  /** The same when it was settled: it is sealed for this one, or one before. */
  settledEpoch: number;
  /** By the clock of its writer there was a newer epoch that had not begun. */
  readonly isEarly: boolean;
  /** The process that the call was made in is there no more. */
  isOrphan: boolean;
  outcome: 'acknowledged' | 'refused' | undefined;
  settledMs: number;
  /** The process of the broker that acknowledged it. */
  brokerLife: BrokerLife | undefined;
  /** Of its writer. */
  readonly calm: readonly Calm[];
  /** It was asked for when all trouble had ended. */
  readonly afterHeal: boolean;
}

/** One process of the broker. */
export interface BrokerLife {
  readonly number: number;
  endedMs: number;
  logFailedMs: number;
}

/** A subscription as it is remembered: for as long as its member's store lives. */
export interface ReaderMemory {
  readonly member: string;
  readonly source: 'live' | 'log';
  readonly sinceMs: number;
  /** When its process was first started anew: of each stream that it had accepted of, 64 numbers may be refused as news from then on. */
  resumedMs: number;
  /** When it first had a view of the group: what makes it a reader may be long on its way, where the authority has no link. */
  viewMs: number;
  /** Epochs that it went over to. */
  readonly epochs: Set<number>;
  /** Of its member. */
  readonly calm: readonly Calm[];
  readonly linked: readonly Calm[];
  /** Contents that came as new. */
  readonly fresh: Set<string>;
  /** Contents that its application is done with: those of the log that it acknowledged. */
  readonly done: Set<string>;
  /** It has no rights any more, or no store. */
  isGone: boolean;
}

/** When a member had a link and nothing in its way. */
export interface Calm {
  readonly fromMs: number;
  toMs: number;
}

/** What a subscription hands over. */
export interface NetworkDelivery {
  readonly sender: string;
  readonly topic: string;
  readonly contents: readonly string[];
  readonly verdict: 'new' | 'redelivered';
  /** Names the process, as order counts within one. */
  readonly life: string;
}

export class NetworkOracle {
  readonly violations: Violation[] = [];
  readonly publications: Publication[] = [];
  readonly readers: ReaderMemory[] = [];
  /** When the broker knew all that the authority had said. */
  readonly brokerCalm: Calm[] = [];
  deliveries = 0;
  readonly #byContent = new Map<string, Publication>();
  /** Place of a content among those of its writer, topic and durability. */
  readonly #places = new Map<string, number>();
  readonly #lanes = new Map<string, number>();
  /** The last place that a subscription of one process was handed, by lane. */
  readonly #last = new Map<string, number>();

  report(name: ViolationName, atMs: number, sentence: string): void {
    this.violations.push({ name, atMs, sentence });
  }

  ask(publication: Publication): void {
    this.publications.push(publication);
    for (const content of publication.contents) {
      this.#byContent.set(content, publication);
      const lane = laneOf(publication);
      const place = (this.#lanes.get(lane) ?? 0) + 1;
      this.#lanes.set(lane, place);
      this.#places.set(content, place);
    }
  }

  deliver(reader: ReaderMemory, { sender, topic, contents, verdict, life }: NetworkDelivery, atMs: number): void {
    const { member, source, fresh } = reader;
    this.deliveries += contents.length;
    for (const content of contents) {
      const publication = this.#byContent.get(content);
      if (publication?.writer !== sender || publication.topic !== topic) {
        this.report('forged', atMs, `${member} got ${JSON.stringify(content)} from ${sender} on ${topic}`);
        continue;
      }
      if (verdict === 'redelivered') continue;
      if (fresh.has(content)) this.report('delivered twice', atMs, `${member} got ${content} as new again, ${source}`);
      fresh.add(content);
      const lane = `${life} ${source} ${laneOf(publication)}`;
      const place = this.#places.get(content)!;
      const last = this.#last.get(lane) ?? 0;
      // News that a reader had no link for may come once more, behind what was not repeated.
      const isOrdered =
        source === 'log' || reader.linked.some(({ fromMs, toMs }) => fromMs <= publication.askedMs && atMs <= toMs);
      if (place < last && isOrdered) {
        this.report('out of order', atMs, `${member} got ${content} behind a later one of ${sender}, ${source}`);
      }
      this.#last.set(lane, Math.max(last, place));
    }
  }

  /** When a content was published. */
  askedMs(content: string): number | undefined {
    return this.#byContent.get(content)?.askedMs;
  }

  /** What can only be said at the end. */
  judge({ endMs, isWhole, refused }: Ending): void {
    for (const publication of this.publications) {
      this.#judgeEnd(publication, endMs);
      // Who has lost its rights is not read any more, whenever it wrote.
      if (publication.writer === refused) continue;
      for (const reader of this.readers) {
        if (reader.isGone || reader.member === publication.writer) continue;
        if (reader.source === 'log') this.#judgeLog(publication, reader, isWhole);
        if (reader.source === 'live') this.#judgeLive(publication, reader);
      }
    }
  }

  #judgeEnd({ writer, contents, outcome, settledMs, deadlineMs, isOrphan, askedMs }: Publication, endMs: number): void {
    if (isOrphan) return;
    const dueMs = Math.min(deadlineMs ?? Infinity, endMs - settleMs) + promptMs;
    if (outcome !== undefined ? settledMs <= dueMs || deadlineMs === undefined : endMs <= dueMs) return;
    this.report('never settled', askedMs, `${contents[0]} of ${writer}`);
  }

  #judgeLog(publication: Publication, reader: ReaderMemory, isWhole: boolean): void {
    const { durability, askedMs, contents, writer, epoch, settledEpoch, afterHeal } = publication;
    // Who was away while an epoch began and was followed has no list of its writers: nobody hands it out any more (groups.27). By a clock
    // that is behind a writer may seal for the epoch before.
    const knows = (one: number): boolean => reader.epochs.has(one) || one < Math.min(...reader.epochs);
    const hasEpoch = reader.epochs.has(epoch) && knows(epoch - 1) && knows(settledEpoch);
    const isPromised = afterHeal || (isWhole && reader.sinceMs + settleMs <= askedMs && hasEpoch);
    if (!isPromised || !isKept(publication)) return;
    for (const content of contents) {
      if (reader.done.has(content)) continue;
      const sentence = `${reader.member} never got ${content} of ${writer} out of the log, acknowledged at ${durability}`;
      this.report('acknowledged and lost', askedMs, sentence);
      return;
    }
  }

  #judgeLive(publication: Publication, reader: ReaderMemory): void {
    const { outcome, durability, askedMs, settledMs, contents, writer, epoch, isEarly, calm, afterHeal } = publication;
    const isCalm = (all: readonly Calm[]): boolean =>
      all.some(({ fromMs, toMs }) => fromMs + settleMs <= askedMs && settledMs + settleMs <= toMs);
    // What makes it a reader is told by the broker, once that knows.
    const sinceMs = afterHeal || isCalm(this.brokerCalm) ? reader.sinceMs : reader.viewMs;
    if (outcome !== 'acknowledged' || sinceMs + settleMs > askedMs) return;
    const isHeard = isCalm(calm) && isCalm(this.brokerCalm);
    // A writer that was cut off for long, or whose clock is behind, may seal for an epoch before the reader's first.
    if (!afterHeal && (isEarly || !isHeard) && Math.min(...reader.epochs) > epoch) return;
    // Streams are others since the heal.
    if (!afterHeal && reader.resumedMs <= settledMs) return;
    if (!isCalm(reader.calm)) return;
    // Nobody said that the broker has what was asked for without an answer, or takes it of somebody whose rights it may not know.
    if (durability === 'none' && !isHeard) return;
    for (const content of contents) {
      if (reader.done.has(content)) continue;
      this.report(afterHeal ? 'not resumed' : 'lost', askedMs, `${reader.member} never got ${content} of ${writer}`);
      return;
    }
  }
}

/** How a run ended. */
export interface Ending {
  readonly endMs: number;
  /** Whether the log keeps everything. */
  readonly isWhole: boolean;
  /** Whose messages nobody has to take. */
  readonly refused: string | undefined;
}

/** Whether what became of a publication promises that the log has it. */
function isKept({ outcome, durability, settledMs, brokerLife }: Publication): boolean {
  if (outcome !== 'acknowledged' || durability === 'none') return false;
  if (durability === 'disk') return true;
  return Math.min(brokerLife!.endedMs, brokerLife!.logFailedMs) > settledMs + settleMs;
}

function laneOf({ writer, life, topic, durability }: Publication): string {
  return `${writer} ${life} ${topic} ${durability}`;
}

/** A block, a record or an envelope is on its way for no longer than this. */
export const settleMs = 6_000;
const promptMs = 1_000;
