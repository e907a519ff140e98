/** What must hold of messages of dealers, of what routers see and do of them, and of news, judged from outside. */
import type { ViolationName } from '../oracle.ts';
import type { CondemnedWorker, PatternsScene } from './oracle.ts';

/** An envelope of messages that a dealer sealed. */
export interface DealtEnvelope {
  readonly dealer: string;
  /** What routers are told. */
  readonly routing: string;
  /** Of the front, that it is sealed under. */
  readonly frontEpoch: number;
}

export interface RoutingOracleOptions {
  readonly maxHeadAgeMs: number;
  /** As of the other oracles. */
  readonly honestBoundMs: number | undefined;
  readonly report: (name: ViolationName, atMs: number, sentence: string) => void;
}

/** News that somebody sealed. */
interface Said {
  readonly content: string;
  readonly worker: string;
  readonly envelope: number;
  readonly place: number;
}

export class RoutingOracle {
  /** A router that lost its right; `crewEpoch` is of the front. */
  condemned: CondemnedWorker | undefined;
  readonly #options: RoutingOracleOptions;
  /** By identity in hex. */
  readonly #dealt = new Map<string, DealtEnvelope>();
  /** By message and who it was forwarded to: the routers that did. */
  readonly #forwards = new Map<string, Set<string>>();
  readonly #said = new Map<string, Said>();
  /** By name of a message and envelope of news: the place of the next. */
  readonly #heard = new Map<string, number>();
  /** Who has a view that says who lost its right, and since when. */
  readonly #knowsSince = new Map<string, number>();
  #sayings = 0;

  constructor(options: RoutingOracleOptions) {
    this.#options = options;
  }

  /** Somebody sealed an envelope of messages. */
  dealt(id: string, dealt: DealtEnvelope, scene: PatternsScene): void {
    this.#dealt.set(id, dealt);
    const { condemned } = this;
    if (condemned === undefined || dealt.frontEpoch >= condemned.crewEpoch || !this.#isOld(condemned, scene)) return;
    const sentence = `${scene.member} told routers of ${dealt.routing} under epoch ${dealt.frontEpoch}, which ${condemned.name} reads`;
    this.#options.report('sealed for a revoked reader', scene.atMs, sentence);
  }

  /** A member hands an envelope to its broker. */
  published({ member, atMs }: PatternsScene, envelope: Uint8Array): void {
    const bytes = Buffer.from(envelope.buffer, envelope.byteOffset, envelope.byteLength);
    // All that is said, of messages, routing data and answers, has the name of who asks in it.
    if (!bytes.includes(everyAsker, 0, 'latin1')) return;
    this.#options.report('seen in passing', atMs, `everybody can read what ${member} sends`);
  }

  /** A router was leased a unit. @param isMessage - of a dealer */
  leased({ member, atMs }: PatternsScene, isMessage: boolean): void {
    const { condemned } = this;
    const { honestBoundMs = Infinity, report } = this.#options;
    if (!isMessage && honestBoundMs !== Infinity) {
      report('outsider served', atMs, `${member}, who may route and nothing else, got what is no message`);
    }
    if (member !== condemned?.name || atMs <= condemned.atMs + honestBoundMs) return;
    report('outsider served', atMs, `${member} got a message ${atMs - condemned.atMs} ms after it lost its right`);
  }

  /** A router was told who sent a message, and where it is to go. */
  routed({ member, atMs }: PatternsScene, id: string, sender: string, routing: string): void {
    const dealt = this.#dealt.get(id);
    const { report } = this.#options;
    if (dealt?.dealer !== sender || dealt.routing !== routing) {
      report('forged', atMs, `${member} is to route ${JSON.stringify(routing)} of ${sender}`);
      return;
    }
    const { condemned } = this;
    if (member !== condemned?.name || dealt.frontEpoch < condemned.crewEpoch) return;
    report('revoked reader reads', atMs, `${member} reads routing data of epoch ${dealt.frontEpoch}`);
  }

  /** A router is about to forward a message. */
  forwarded(router: string, id: string, worker: string): void {
    const name = `${id} ${worker}`;
    this.#forwards.set(name, (this.#forwards.get(name) ?? new Set()).add(router));
  }

  /** A member went over to a view of the front. */
  adopted({ member, atMs }: PatternsScene, headSeq: number): void {
    const { condemned } = this;
    if (condemned === undefined || headSeq < condemned.headSeq || this.#knowsSince.has(member)) return;
    this.#knowsSince.set(member, atMs);
  }

  /** A unit came to somebody who works, and was accepted. @param isTwice - as new, though it is known */
  came(scene: PatternsScene, id: string, isForwarded: boolean, isTwice: boolean): void {
    const { member, atMs } = scene;
    const { condemned } = this;
    const { report } = this.#options;
    if (isTwice) report('delivered twice', atMs, `${member} got ${id} as new again`);
    if (!isForwarded) return;
    const routers = this.#forwards.get(`${id} ${member}`);
    if (routers === undefined) {
      report('forged', atMs, `${member} got ${id} in a forward, and nobody forwarded it`);
      return;
    }
    if (condemned === undefined || [...routers].some((name) => name !== condemned.name)) return;
    if (!this.#isOver(condemned, scene)) return;
    const sentence = `${member} took ${id}, which ${condemned.name} forwarded, ${atMs - condemned.atMs} ms after its end`;
    report('revoked writer accepted', atMs, sentence);
  }

  /** What somebody who works is to say of a message, in one envelope. */
  says(content: string, worker: string, count: number): string[] {
    const envelope = ++this.#sayings;
    return Array.from({ length: count }, (_, place) => {
      const body = `news ${envelope}.${place} of ${content}`;
      this.#said.set(body, { content, worker, envelope, place });
      return body;
    });
  }

  /** A dealer heard news. @param name - of the message */
  heard({ member, atMs }: PatternsScene, name: string, content: string, sender: string, body: string): void {
    // That it is in progress.
    if (body === '') return;
    const { report } = this.#options;
    const said = this.#said.get(body);
    if (said?.content !== content || said.worker !== sender) {
      report('wrong answer', atMs, `${member} got ${JSON.stringify(body)} of ${sender} for ${content}`);
      return;
    }
    const envelope = `${name} ${said.envelope}`;
    const next = this.#heard.get(envelope) ?? 0;
    if (said.place < next) report('answered twice', atMs, `${member} got ${body} again`);
    if (said.place > next) report('out of order', atMs, `${member} got ${body} before place ${next}`);
    this.#heard.set(envelope, said.place + 1);
  }

  /** Whether who works may not act any more on what was forwarded: what is inside a forward waits a moment for what opens it. */
  #isOver(condemned: CondemnedWorker, { member, atMs, localMs, viewHeadSeq }: PatternsScene): boolean {
    const { maxHeadAgeMs, honestBoundMs = Infinity } = this.#options;
    const boundMs = condemned.atMs + Math.min(maxHeadAgeMs + atMs - localMs, honestBoundMs);
    const isKnown = viewHeadSeq >= condemned.headSeq && atMs > (this.#knowsSince.get(member) ?? Infinity) + heldMs;
    return isKnown || atMs > boundMs + heldMs;
  }

  #isOld({ atMs, headSeq }: CondemnedWorker, { viewHeadSeq, localMs }: PatternsScene): boolean {
    return viewHeadSeq >= headSeq || localMs > atMs + this.#options.maxHeadAgeMs;
  }
}

/** That a router keeps what it is given, as a disturbance. */
export const routerHoardName = 'router hoard';

/** How long a member keeps what is in a forward at most, and a tick. */
const heldMs = 7_000;
/** In the names of all who ask. */
const everyAsker = 'asker';
