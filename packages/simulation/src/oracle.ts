/** What must hold, judged from outside: by what was handed in and what came out, never by what a node says of itself. */
import type { NumberRange } from '@tridcomm/core/internal';

/** Something that must not happen, with what is needed to understand it. */
export interface Violation {
  readonly name: ViolationName;
  readonly atMs: number;
  readonly sentence: string;
}

export const violationNames = {
  forged: 'Something was delivered that the sender never sealed for that topic.',
  'delivered twice': 'A message was handed to a handler as new a second time, restarts included.',
  'revoked reader reads': 'A key block made after a reader lost its rights opened with what that reader ever held.',
  'outsider served': 'An honest relay delivered to somebody whom no edge entry allows to subscribe.',
  'sealed for a revoked reader': 'A live writer sealed under keys of a revoked reader after the bound.',
  'revoked writer accepted':
    'A message of a writer without rights was delivered after the bound, or against the view of its receiver.',
  'never allowed': 'A message was delivered of a principal that never had the right to write it.',
  'stale delivered': 'A message was delivered without a mark on a view that was not fresh.',
  'stale sealed': 'A message was sealed on a view that was not fresh.',
  'rolled back': 'A node went over to an older head, or took a second one of a number.',
  'unbacked block': 'A node went over to a key block that the authority never made.',
  'past readable': 'Keys stolen from a member opened a key block of an epoch that was over before.',
  lost: 'A message of a live writer did not reach a live reader, though the relay and the links were honest.',
  'refused to seal': 'A live writer could not seal, though the relay and the links were honest.',
  'unreported loss': 'Numbers of a stream are missing at a reader, and it reported no gap.',
  'false gap': 'A reader reported a gap for what it was given, or twice.',
  'not resumed': 'After all trouble had ended, a message of a live writer did not reach a live reader.',
  broken: 'A node threw something that is no refusal.',
  'acknowledged and lost': 'A message that was acknowledged for good did not reach a reader of the log.',
  'never settled': 'A publication was neither acknowledged nor refused by its time.',
  'out of order': 'Messages of one sender, topic and durability came in another order than they were published in.',
  'revoked link served': 'A link of a revoked principal was open for more than a second, or opened again.',
  'honest refused': 'A member was refused something, or lost its link, by nothing that happened to it.',
  'bound broken': 'More waited at a node than its limit.',
  'done twice': 'Work had two effects under one key, though those who did it share a store.',
  'done again': 'A job was done more than once, though nothing stood in its way.',
  'effect lost': 'An answer was given for work without an effect, or one effect has overwritten another.',
  'worked late': 'Work went to a handler after its deadline.',
  'wrong answer':
    'An answer was handed over that nobody gave to that request or question, or somebody without the right.',
  'answered twice': 'A request got a second answer, or a survey a second reply of one member.',
  'answered late': 'A reply to a survey was taken after its end, or more than were asked for.',
  'seen in passing': 'What only some may read went to a broker as it is.',
  'sealed for an old crew': 'Work was sealed by a pool key that a revoked worker has, after the bound.',
} as const;

export type ViolationName = keyof typeof violationNames;

/** An envelope that somebody sealed. */
export interface Sealed {
  readonly writer: string;
  readonly group: number;
  readonly topic: string;
  readonly contents: readonly string[];
  readonly epoch: number;
  /** Sender, epoch, tag and stream. */
  readonly stream: string;
  readonly seq: number;
  readonly timestampMs: number;
  /** True time. */
  readonly atMs: number;
  /** By a thief or somebody without rights, with tools of its own. */
  readonly isRaw: boolean;
}

/** What somebody lost, and from when on. */
export interface Condemned {
  readonly publish: boolean;
  /** Its seat: no later key block may open for it. */
  readonly read: boolean;
  readonly subscribe: boolean;
  readonly atMs: number;
  /** Of the head that says so. */
  readonly headSeq: number;
  /** By group: the epoch that it must not read any more. */
  readonly epochs: readonly number[];
}

/** What a member's client hands to a handler. */
export interface Delivered {
  readonly sender: string;
  readonly topic: string;
  readonly contents: readonly string[];
  readonly stale: boolean;
  readonly gaps: readonly NumberRange[];
  readonly filled: readonly NumberRange[];
}

/** Where and when something happened at a member. */
export interface Scene {
  readonly member: string;
  /** The true time. */
  readonly atMs: number;
  /** By the member's clock. */
  readonly localMs: number;
  /** Of the view of the group that the member acts on. */
  readonly viewHeadSeq: number;
}

export interface OracleOptions {
  readonly maxHeadAgeMs: readonly number[];
  readonly staleOk: readonly boolean[];
  /** Where the relay and the links are honest: how long news takes to everybody. */
  readonly honestBoundMs: number | undefined;
}

/** How one stream stands at one life of a reader. */
interface StreamState {
  hi: number;
  readonly accepted: Set<number>;
  readonly missing: Set<number>;
  /** An earlier life knew it, so what is reported up to there may have been accepted. */
  resumedTo: number;
}

export class Oracle {
  readonly violations: Violation[] = [];
  readonly sealed: Map<string, Sealed> = new Map<string, Sealed>();
  /** Who read what, in all its lives. */
  readonly delivered: Map<string, Set<string>> = new Map<string, Set<string>>();
  condemned: Condemned | undefined;
  gapNumbers = 0;
  readonly #options: OracleOptions;
  readonly #streams = new Map<string, Map<string, StreamState>>();
  /** The newest issue of all heads that a member was handed. */
  readonly #newestIssued = new Map<string, number>();
  readonly #viewHeads = new Map<string, number>();
  readonly #heldHeads = new Map<string, { readonly headSeq: number; readonly hash: string }>();
  /** Group, head and epoch, as the authority put them together. */
  readonly #made = new Set<string>();
  readonly #traitor: string;

  constructor(options: OracleOptions, traitor: string) {
    this.#options = options;
    this.#traitor = traitor;
  }

  report(name: ViolationName, atMs: number, sentence: string): void {
    this.violations.push({ name, atMs, sentence });
  }

  /** Somebody sealed an envelope. */
  seal(sealed: Sealed, scene: Scene): void {
    for (const content of sealed.contents) this.sealed.set(content, sealed);
    if (sealed.isRaw) return;
    const { member, atMs, localMs } = scene;
    const maxAgeMs = this.#options.maxHeadAgeMs[sealed.group]!;
    if (localMs > this.#newestIssuedFor(member) + maxAgeMs) {
      this.report('stale sealed', atMs, `${member} sealed ${sealed.contents[0]} on a head older than ${maxAgeMs} ms`);
    }
    const { condemned } = this;
    if (condemned?.read !== true || member === this.#traitor || sealed.epoch >= condemned.epochs[sealed.group]!) return;
    if (localMs > condemned.atMs + maxAgeMs || scene.viewHeadSeq >= condemned.headSeq) {
      const sentence = `${member} sealed ${sealed.contents[0]} under epoch ${sealed.epoch}, which ${this.#traitor} reads`;
      this.report('sealed for a revoked reader', atMs, sentence);
    }
  }

  /** A head of the authority was handed to a member. */
  handHead(member: string, issuedMs: number): void {
    this.#newestIssued.set(member, Math.max(issuedMs, this.#newestIssuedFor(member)));
  }

  /** The authority made a head that names an epoch of a group. */
  makeHead(group: number, headSeq: number, epoch: number): void {
    this.#made.add(`${group} ${headSeq} ${epoch}`);
  }

  /** A member went over to a view. `memory` names what it remembers: its store, or the life that it has. */
  adopt(scene: Scene, memory: string, group: number, epoch: number): void {
    const { member, atMs, viewHeadSeq } = scene;
    const name = `${member} ${memory} ${group}`;
    const before = this.#viewHeads.get(name) ?? 0;
    if (viewHeadSeq < before) this.report('rolled back', atMs, `${member} went from head ${before} to ${viewHeadSeq}`);
    this.#viewHeads.set(name, Math.max(before, viewHeadSeq));
    if (!this.#made.has(`${group} ${viewHeadSeq} ${epoch}`)) {
      this.report(
        'unbacked block',
        atMs,
        `${member} went over to head ${viewHeadSeq} with a block that it does not name`,
      );
    }
  }

  /** The highest head that a member holds. */
  holdHead({ member, atMs }: Scene, memory: string, headSeq: number, hash: string): void {
    const name = `${member} ${memory}`;
    const before = this.#heldHeads.get(name);
    if (before !== undefined && (headSeq < before.headSeq || (headSeq === before.headSeq && hash !== before.hash))) {
      this.report(
        'rolled back',
        atMs,
        `${member} holds head ${headSeq} after ${before.headSeq}, or another of the number`,
      );
    }
    this.#heldHeads.set(name, { headSeq, hash });
  }

  /** A member's client handed messages to its handler. */
  deliver(scene: Scene, life: number, delivered: Delivered): void {
    const { member, atMs } = scene;
    const { sender, topic, contents } = delivered;
    const sealed = this.sealed.get(contents[0] ?? '');
    const isWhole = sealed !== undefined && sealed.contents.join() === contents.join();
    if (!isWhole || sealed.writer !== sender || sealed.topic !== topic) {
      const what = contents.map((content) => JSON.stringify(content)).join();
      this.report('forged', atMs, `${member} got ${what} from ${sender} on ${topic}`);
      return;
    }
    const before = this.delivered.get(member) ?? new Set();
    this.delivered.set(member, before);
    for (const content of contents) {
      if (before.has(content)) this.report('delivered twice', atMs, `${member} got ${content} of ${sender} again`);
      before.add(content);
    }
    this.#judgeWriter(scene, sealed, delivered.stale);
    const { honestBoundMs } = this.#options;
    const isCut = member === this.#traitor && this.condemned?.subscribe === true;
    if (isCut && honestBoundMs !== undefined && atMs > this.condemned!.atMs + honestBoundMs) {
      this.report('outsider served', atMs, `${member} got ${contents[0]} after it lost the right to subscribe`);
    }
    const maxAgeMs = this.#options.maxHeadAgeMs[sealed.group]!;
    const isMarked = delivered.stale && this.#options.staleOk[sealed.group]!;
    if (!isMarked && scene.localMs > this.#newestIssuedFor(member) + maxAgeMs) {
      this.report('stale delivered', atMs, `${member} got ${contents[0]} on a head older than ${maxAgeMs} ms`);
    }
    // What was sealed with tools of one's own may be accepted and yet hold nothing to deliver, which is no gap.
    if (!sealed.isRaw) this.#judgeGaps(scene, life, sealed, delivered);
  }

  /** A durable member has come back: its streams go on where they stood. */
  resume(member: string, life: number): void {
    const streams = this.#streams.get(`${member} ${life - 1}`) ?? new Map<string, StreamState>();
    const resumed = [...streams].map(([name, { hi }]) => {
      return [name, { hi, accepted: new Set<number>(), missing: new Set<number>(), resumedTo: hi }] as const;
    });
    this.#streams.set(`${member} ${life}`, new Map(resumed));
  }

  /** The highest number of a stream that an earlier life of a durable member accepted. */
  resumedTo(member: string, life: number, stream: string): number {
    return this.#streams.get(`${member} ${life}`)?.get(stream)?.resumedTo ?? 0;
  }

  #judgeWriter(scene: Scene, sealed: Sealed, stale: boolean): void {
    const { member, atMs, localMs, viewHeadSeq } = scene;
    const { writer, group, contents, isRaw } = sealed;
    const { condemned } = this;
    if (writer !== this.#traitor) {
      if (isRaw) this.report('never allowed', atMs, `${member} got ${contents[0]} of ${writer}`);
      return;
    }
    if (condemned?.publish !== true) return;
    const staleOk = this.#options.staleOk[group]!;
    const isOver = localMs > condemned.atMs + this.#options.maxHeadAgeMs[group]! && !(staleOk && stale);
    const isLate = atMs > condemned.atMs + (this.#options.honestBoundMs ?? Infinity);
    if (isOver || isLate || viewHeadSeq >= condemned.headSeq) {
      const sentence = `${member} got ${contents[0]} ${atMs - condemned.atMs} ms after ${writer} lost the right to write`;
      this.report('revoked writer accepted', atMs, sentence);
    }
  }

  #judgeGaps(scene: Scene, life: number, { stream, seq }: Sealed, { gaps, filled }: Delivered): void {
    const name = `${scene.member} ${life}`;
    const streams = this.#streams.get(name) ?? new Map<string, StreamState>();
    this.#streams.set(name, streams);
    const state = streams.get(stream) ?? { hi: 0, accepted: new Set(), missing: new Set(), resumedTo: 0 };
    streams.set(stream, state);
    const reported = numbersOf(gaps);
    this.gapNumbers += reported.length;
    for (const number of reported) {
      // What an earlier life accepted is not always known after a restart.
      if (number <= state.resumedTo) continue;
      if (number >= seq || state.accepted.has(number) || state.missing.has(number)) {
        this.report('false gap', scene.atMs, `${scene.member} misses ${number} of a stream at ${seq}`);
      }
      state.missing.add(number);
    }
    for (let number = state.hi + 1; number < seq; number++) {
      if (state.missing.has(number)) continue;
      this.report(
        'unreported loss',
        scene.atMs,
        `${scene.member} got ${seq} of a stream, and says nothing of ${number}`,
      );
    }
    if (state.missing.delete(seq) && !numbersOf(filled).includes(seq)) {
      this.report('false gap', scene.atMs, `${scene.member} got ${seq} of a stream, which it still reports as missing`);
    }
    state.accepted.add(seq);
    state.hi = Math.max(state.hi, seq);
  }

  #newestIssuedFor(member: string): number {
    return this.#newestIssued.get(member) ?? -Infinity;
  }
}

function numbersOf(ranges: readonly NumberRange[]): number[] {
  return ranges.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, i) => from + i));
}
