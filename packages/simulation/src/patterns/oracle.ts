/** What must hold of requests, jobs, messages and surveys, judged from outside: by what was handed in, what was done, and what came out. */
import type { ViolationName } from '../oracle.ts';
import type { Effects, WorkKind } from './plan.ts';
import { routerHoardName, type RoutingOracle } from './routing-oracle.ts';

/** A request, job or message that somebody sealed, under one name or more. */
export interface AskedWork {
  readonly kind: WorkKind;
  readonly content: string;
  readonly asker: string;
  readonly topic: string;
  readonly deadlineMs: number;
  readonly effects: Effects;
  /** The broker was given the same more than once, or somebody takes his time over it: it may be done again where no store is. */
  mayRunAgain: boolean;
}

/** Where and when something happened at a member. */
export interface PatternsScene {
  readonly member: string;
  /** The true time. */
  readonly atMs: number;
  /** By the member's clock. */
  readonly localMs: number;
  /** Of the view that the member acts on. */
  readonly viewHeadSeq: number;
}

/** Who lost the right to work and to reply, and from when on. */
export interface CondemnedWorker {
  readonly name: string;
  readonly atMs: number;
  /** Of the head that says so. */
  readonly headSeq: number;
  /** The first of the crew that it must not read. */
  readonly crewEpoch: number;
}

/** A question that somebody asked. */
export interface AskedSurvey {
  readonly asker: string;
  readonly life: number;
  readonly content: string;
  readonly deadlineMs: number;
  readonly maxReplies: number;
}

/** What is heard of a request, as an asker hears it. */
export interface HeardReply {
  readonly status: 'final' | 'in progress' | 'news' | 'refused' | 'late';
  readonly sender: string;
  readonly body: string;
}

/** What must come of something, unless something happens on the way. */
export interface WorkExpectation {
  readonly content: string;
  readonly atMs: number;
  readonly untilMs: number;
  readonly afterHeal: boolean;
  /** Whether nothing at all may have happened to anybody; otherwise it may have to one worker. */
  readonly isQuiet: boolean;
}

/** When a member, or the broker, was not in a state to send or receive. */
export interface Disturbance {
  readonly name: string;
  readonly fromMs: number;
  readonly untilMs: number;
}

export interface PatternsOracleOptions {
  readonly maxHeadAgeMs: number;
  /** Where the broker and the links are honest: how long news takes to everybody. */
  readonly honestBoundMs: number | undefined;
  /** How often members are told that time has passed. */
  readonly tickMs: number;
  /** Who may answer without doing anything. */
  readonly traitor: string;
  /** Who routes. */
  readonly routers: readonly string[];
  /** Of messages and news. */
  readonly routing: RoutingOracle;
  readonly report: (name: ViolationName, atMs: number, sentence: string) => void;
}

/** A request under one of its names. */
interface Named {
  readonly content: string;
  readonly life: number;
  outcome: string | undefined;
}

interface SurveyState extends AskedSurvey {
  readonly taken: Set<string>;
  ends: number;
}

export class PatternsOracle {
  condemned: CondemnedWorker | undefined;
  readonly works: Map<string, AskedWork> = new Map<string, AskedWork>();
  #disturbances: Disturbance[] = [];
  readonly #options: PatternsOracleOptions;
  readonly #named = new Map<string, Named>();
  /** Content, and who sealed a final answer to it. */
  readonly #answers = new Map<string, Set<string>>();
  /** When works were done, as those say who did them. */
  readonly #runs = new Map<string, number[]>();
  readonly #answered = new Set<string>();
  /** Of these: by somebody who does what it answers. */
  readonly #vouched = new Set<string>();
  readonly #surveys = new Map<string, SurveyState>();
  /** Question and who replied. */
  readonly #replies = new Map<string, string>();
  readonly #expectations: WorkExpectation[] = [];
  readonly #replyExpectations: { readonly id: string; readonly sender: string; readonly atMs: number }[] = [];
  readonly #lives = new Map<string, number>();

  constructor(options: PatternsOracleOptions) {
    this.#options = options;
  }

  /** Somebody sealed works that were known already, or not. `epoch` is of the crew. */
  asked(work: AskedWork, names: readonly string[], life: number, epoch: number, scene: PatternsScene): void {
    this.works.set(work.content, work);
    for (const name of names) this.#named.set(name, { content: work.content, life, outcome: undefined });
    const { condemned } = this;
    // Whoever is cut off from all news is bound by the age of its own alone.
    if (condemned !== undefined && epoch < condemned.crewEpoch && this.#isOld(condemned, scene)) {
      const sentence = `${scene.member} sealed ${work.content} for epoch ${epoch}, whose key ${condemned.name} has`;
      this.#options.report('sealed for an old crew', scene.atMs, sentence);
    }
  }

  /** Nobody waits any more for what is heard under these names. */
  cancelled(names: readonly string[]): void {
    for (const name of names) {
      const named = this.#named.get(name);
      if (named !== undefined) named.outcome ??= 'cancelled';
    }
  }

  expect(expectation: WorkExpectation): void {
    this.#expectations.push(expectation);
  }

  /** A handler was given a work. */
  began(
    scene: PatternsScene,
    got: Pick<AskedWork, 'kind' | 'content' | 'topic' | 'deadlineMs'> & { readonly sender: string },
  ): void {
    const work = this.works.get(got.content);
    const { atMs, localMs, member } = scene;
    const isIts =
      work?.kind === got.kind &&
      work.topic === got.topic &&
      work.deadlineMs === got.deadlineMs &&
      work.asker === got.sender;
    if (!isIts) this.#options.report('forged', atMs, `${member} works on ${got.content} of ${got.sender}`);
    if (got.deadlineMs !== 0 && localMs > got.deadlineMs) {
      this.#options.report(
        'worked late',
        atMs,
        `${member} works on ${got.content}, ${localMs - got.deadlineMs} ms late`,
      );
    }
  }

  /** A handler has had its effect. */
  ran(content: string, atMs: number): void {
    this.#runs.set(content, [...this.#runsOf(content), atMs]);
  }

  /** Somebody is about to seal a final answer. */
  answers(content: string, worker: string): void {
    const all = this.#answers.get(content) ?? new Set();
    this.#answers.set(content, all.add(worker));
  }

  /** An asker heard of a request. */
  heard(scene: PatternsScene, name: string, { status, sender, body }: HeardReply): void {
    const { member, atMs, localMs } = scene;
    const { report } = this.#options;
    const named = this.#named.get(name);
    const work = named && this.works.get(named.content);
    if (named === undefined || work?.asker !== member) {
      report('wrong answer', atMs, `${member} hears of a request that it never made`);
      return;
    }
    if (named.outcome !== undefined) {
      report('answered twice', atMs, `${member} hears ${status} of ${work.content} after ${named.outcome}`);
    }
    const isMessage = work.kind === 'message';
    if (isMessage && status !== 'late' && localMs > work.deadlineMs) {
      report('answered late', atMs, `${member} hears ${status} of ${work.content} after its deadline`);
    }
    if (status === 'in progress' || status === 'news') {
      if (isMessage !== (status === 'news'))
        report('wrong answer', atMs, `${member} hears ${status} of a ${work.kind}`);
      if (isMessage) this.#options.routing.heard(scene, name, work.content, sender, body);
      return;
    }
    named.outcome = status;
    if (status === 'late') {
      if (localMs <= work.deadlineMs) report('honest refused', atMs, `${member} gives ${work.content} up early`);
      return;
    }
    this.#judgeSender(scene, sender, work.content);
    if (status === 'refused') {
      // By a clock that is ahead it may be over already.
      const isLate = body === 'E_EXPIRED' && atMs + mostSkewMs > work.deadlineMs;
      if (!isLate) report('honest refused', atMs, `${sender} refused ${work.content} with ${body}`);
      return;
    }
    this.#answered.add(work.content);
    if (sender !== this.#options.traitor) this.#vouched.add(work.content);
    if (body !== resultOf(work.content) || this.#answers.get(work.content)?.has(sender) !== true) {
      report('wrong answer', atMs, `${member} got ${JSON.stringify(body)} of ${sender} for ${work.content}`);
    }
  }

  /** Who waits for one request was told of another. */
  misled({ member, atMs }: PatternsScene, content: string): void {
    this.#options.report('wrong answer', atMs, `${member} waits for ${content}, and is told of another request`);
  }

  askedSurvey(id: string, survey: AskedSurvey): void {
    this.#surveys.set(id, { ...survey, taken: new Set(), ends: 0 });
  }

  /** Somebody replied to a question. `expected` where nothing stands in the way. */
  replied(id: string, sender: string, body: string, expected: number | undefined): void {
    this.#replies.set(`${id} ${sender}`, body);
    if (expected !== undefined) this.#replyExpectations.push({ id, sender, atMs: expected });
  }

  /** It could not. */
  notReplied(id: string, sender: string): void {
    this.#replies.delete(`${id} ${sender}`);
    const at = this.#replyExpectations.findLastIndex((one) => one.id === id && one.sender === sender);
    if (at >= 0) this.#replyExpectations.splice(at, 1);
  }

  /** An asker took a reply. */
  tookReply(scene: PatternsScene, id: string, sender: string, body: string): void {
    const { member, atMs, localMs } = scene;
    const { report } = this.#options;
    const survey = this.#surveys.get(id);
    const content = survey?.content ?? 'nothing';
    if (survey?.asker !== member || this.#replies.get(`${id} ${sender}`) !== body) {
      report('wrong answer', atMs, `${member} took ${JSON.stringify(body)} of ${sender} for ${content}`);
    }
    if (survey === undefined) return;
    if (survey.taken.has(sender)) report('answered twice', atMs, `${member} took a second reply of ${sender}`);
    survey.taken.add(sender);
    if (survey.ends > 0 || localMs > survey.deadlineMs || survey.taken.size > survey.maxReplies) {
      report('answered late', atMs, `${member} took a reply of ${sender} to ${content}, which is over`);
    }
    this.#judgeSender(scene, sender, content);
  }

  /** An asker was told that its survey is over. */
  surveyEnded({ member, atMs }: PatternsScene, id: string, replies: number): void {
    const survey = this.#surveys.get(id);
    if (survey === undefined) return;
    survey.ends++;
    if (survey.ends > 1 || replies !== survey.taken.size) {
      this.#options.report(
        'answered late',
        atMs,
        `${member} heard of ${replies} replies, and took ${survey.taken.size}`,
      );
    }
  }

  /** A member has a new life: what waited in the one before is gone with it. */
  lives(member: string, life: number): void {
    this.#lives.set(member, life);
  }

  disturb(name: string, fromMs: number, untilMs: number): void {
    this.#disturbances.push({ name, fromMs, untilMs });
  }

  /** Nothing of what has happened counts any more. */
  healed(atMs: number): void {
    this.#disturbances = this.#disturbances.map((one) => ({ ...one, untilMs: Math.min(one.untilMs, atMs - 1) }));
  }

  /** Whether nothing happened to any of these. */
  isQuiet(names: readonly string[], fromMs: number, untilMs: number): boolean {
    return !this.#disturbances.some(
      (one) => names.includes(one.name) && one.fromMs <= untilMs && fromMs <= one.untilMs,
    );
  }

  /**
   * What can only be said at the end.
   *
   * @param counts - of works with a store: how often they were done, as the store has it
   * @param workers - who works; somebody who loses that right is disturbed by it
   */
  judge(endMs: number, counts: ReadonlyMap<string, number>, workers: readonly string[], total: number): void {
    this.#judgeEffects(endMs, counts, total);
    this.#judgeSettled(endMs);
    for (const expectation of this.#expectations) this.#judgeExpectation(expectation, counts, workers);
    for (const { id, sender, atMs } of this.#replyExpectations) {
      const survey = this.#surveys.get(id)!;
      if (survey.taken.has(sender) || survey.taken.size >= survey.maxReplies) continue;
      // A survey does not outlive its process.
      if (this.#lives.get(survey.asker) !== survey.life) continue;
      if (!this.isQuiet(['broker', survey.asker, sender], atMs, atMs + replyMs)) continue;
      this.#options.report('lost', atMs, `${survey.asker} never got the reply of ${sender} to ${survey.content}`);
    }
  }

  #judgeEffects(endMs: number, counts: ReadonlyMap<string, number>, total: number): void {
    const { report } = this.#options;
    let sum = 0;
    for (const { content, effects } of this.works.values()) {
      const times = effects === 'store' ? (counts.get(content) ?? 0) : this.#runsOf(content).length;
      if (effects === 'store') sum += times;
      if (effects === 'store' && times > 1) report('done twice', endMs, `${content} was done ${times} times`);
      if (times === 0 && this.#vouched.has(content))
        report('effect lost', endMs, `${content} was answered, and not done`);
    }
    if (sum !== total) report('effect lost', endMs, `${sum} effects, and the store counts ${total}`);
  }

  #judgeSettled(endMs: number): void {
    const { report, tickMs } = this.#options;
    for (const { content, life, outcome } of this.#named.values()) {
      const { kind, asker, deadlineMs } = this.works.get(content)!;
      const isOver = kind !== 'job' && endMs - mostSkewMs > deadlineMs + 2 * tickMs;
      if (outcome !== undefined || !isOver || this.#lives.get(asker) !== life) continue;
      report('never settled', endMs, `${asker} heard neither an answer nor an end of ${content}`);
    }
    for (const { asker, life, content, deadlineMs, ends } of this.#surveys.values()) {
      const isOver = endMs - mostSkewMs > deadlineMs + 2 * tickMs;
      if (ends > 0 || !isOver || this.#lives.get(asker) !== life) continue;
      report('never settled', endMs, `${asker} never heard of the end of ${content}`);
    }
  }

  #judgeExpectation(
    { content, atMs, untilMs, afterHeal, isQuiet }: WorkExpectation,
    counts: ReadonlyMap<string, number>,
    all: readonly string[],
  ): void {
    const { condemned } = this;
    // Who was out long before has nothing to do with it.
    const isOut = condemned !== undefined && atMs > condemned.atMs + this.#options.maxHeadAgeMs + mostSkewMs;
    const workers = isOut ? all.filter((name) => name !== condemned.name) : all;
    const { kind, asker, effects, mayRunAgain } = this.works.get(content)!;
    const disturbed = workers.filter((worker) => !this.isQuiet([worker], atMs, untilMs));
    const hoarders = isOut ? [] : [hoardName];
    const others = kind === 'message' ? [...this.#options.routers, routerHoardName] : [];
    const isPromised = isQuiet
      ? this.isQuiet(['broker', rotationName, asker, ...workers, ...hoarders, ...others], atMs, untilMs)
      : this.isQuiet(['broker', rotationName], atMs, untilMs) &&
        this.isQuiet([asker], atMs, kind === 'job' ? atMs + sentMs : untilMs) &&
        disturbed.length + (this.isQuiet(hoarders, atMs, untilMs) ? 0 : 1) <= 1;
    if (!isPromised) return;
    const times = effects === 'store' ? (counts.get(content) ?? 0) : this.#runsOf(content).length;
    const isDone = kind === 'job' ? this.#runsOf(content).some((ms) => ms <= untilMs) : this.#answered.has(content);
    if (!isDone) {
      this.#options.report(afterHeal ? 'not resumed' : 'lost', atMs, `nobody did ${content} of ${asker}`);
    } else if (isQuiet && kind === 'job' && times > 1 && !mayRunAgain) {
      this.#options.report('done again', atMs, `${content} was done ${times} times`);
    }
  }

  /** @param sender - of an answer that was taken */
  #judgeSender(scene: PatternsScene, sender: string, content: string): void {
    const { condemned } = this;
    if (sender !== condemned?.name || !this.#isBound(condemned, scene)) return;
    const sentence = `${scene.member} took an answer of ${sender} to ${content} ${scene.atMs - condemned.atMs} ms after its end`;
    this.#options.report('revoked writer accepted', scene.atMs, sentence);
  }

  /** Whether a member has to know by now that somebody has no rights any more. */
  #isBound(condemned: CondemnedWorker, scene: PatternsScene): boolean {
    const { honestBoundMs = Infinity } = this.#options;
    return this.#isOld(condemned, scene) || scene.atMs > condemned.atMs + honestBoundMs;
  }

  #isOld({ atMs, headSeq }: CondemnedWorker, { viewHeadSeq, localMs }: PatternsScene): boolean {
    return viewHeadSeq >= headSeq || localMs > atMs + this.#options.maxHeadAgeMs;
  }

  #runsOf(content: string): readonly number[] {
    return this.#runs.get(content) ?? [];
  }
}

/** What a handler gives for a work. */
export function resultOf(content: string): string {
  return `did ${content}`;
}

/** That somebody keeps what it is given, as a disturbance. */
export const hoardName = 'hoard';

/** That the epoch of a crew ends soon, as a disturbance. */
export const rotationName = 'rotation';

/** What clocks are wrong by at most. */
const mostSkewMs = 10_000;
/** What is sent has reached the broker by then. */
const sentMs = 3_000;
const replyMs = 6_000;
