/** One run: an authority, a broker, those who ask, those who work, one of whom loses that right, and what the oracles say of it. */
import { createHash } from 'node:crypto';
import { MemoryEffectStore } from '@tridcomm/client-node';
import { TridcommError, type CryptoProvider } from '@tridcomm/core';
import { Authority, decodeBundle, type Client, type ClientEvent } from '@tridcomm/core/internal';
import { ManualClock, SeededRandom, SimulatedLink, soundLink } from '@tridcomm/core/testing';
import type { Broker } from '../broker.ts';
import { ascii, hexOf, readU32, readU64, textOf } from '../bytes.ts';
import { CryptoMemory, providerOf } from '../crypto.ts';
import { calm, HostileRelay, kindOfObject } from '../hostile-relay.ts';
import { Member, type Parcel, type Request } from '../member.ts';
import { Oracle, type Scene } from '../oracle.ts';
import type { RunResult } from '../run-result.ts';
import { traitorName } from '../schedule.ts';
import { Tally } from '../tally.ts';
import type { AppHost } from './app.ts';
import { readCounts } from './effect-counts.ts';
import { HonestBroker } from './honest-broker.ts';
import { HostileWorks } from './hostile-works.ts';
import { hoardName, PatternsOracle, type AskedWork } from './oracle.ts';
import {
  busTopic,
  patternsPlanOf,
  type GroupName,
  type PatternsMemberPlan,
  type PatternsPlan,
  type PatternsStep,
  type SpokenStep,
} from './plan.ts';
import { PoolAsker } from './pool-asker.ts';
import { PoolWorker } from './pool-worker.ts';
import { Surveyor } from './surveyor.ts';

/** Runs the plan of a seed. */
export async function runPatternsSeed(seed: number, keepsTrace: boolean): Promise<RunResult> {
  return await new PatternsWorld(patternsPlanOf(seed), keepsTrace).run();
}

/** A message of the bus, or a question, that a member must get. */
interface Expectation {
  readonly content: string;
  readonly writer: string;
  readonly reader: string;
  readonly atMs: number;
  readonly afterHeal: boolean;
}

/** A member, and what it does. */
interface Party {
  readonly plan: PatternsMemberPlan;
  readonly member: Member;
  readonly asker: PoolAsker | undefined;
  readonly worker: PoolWorker | undefined;
  readonly surveyor: Surveyor;
  readonly app: AppHost;
}

const startMs = 1_800_000_000_000;
/** How often members are told that time has passed, and the broker. */
const tickMs = 2_000;
const brokerTickMs = 500;
/** A message and its block may still be asked for once a second, and on the way. */
const settleMs = 6_000;
/** From the heal to the last words: who has lost its store takes what is younger than its start, by whatever clocks. */
const calmMs = 65_000;
const lastMs = 22_000;
const skewMs = 30_000;
/** What clocks are wrong by at most, between two. */
const clocksMs = 20_000;
/** A lease that runs out, what a traitor keeps, and doing it then. */
const leasesMs = 50_000;
/** How long a hostile broker gives everything to the traitor: until some time after it has lost its rights. */
const favourMs = 20_000;
const mostRounds = 16;

class PatternsWorld {
  readonly #plan: PatternsPlan;
  readonly #clock = new ManualClock(startMs);
  readonly #random: SeededRandom;
  readonly #memory = new CryptoMemory();
  readonly #hash = createHash('sha256');
  readonly #trace: string[] | undefined;
  /** Of the bus, and of questions. */
  readonly #messages: Oracle;
  readonly #works: PatternsOracle;
  readonly #store = new MemoryEffectStore({ bornMs: 0 });
  readonly #faults = new Tally();
  readonly #deeds = new Tally();
  readonly #refusals = new Tally();
  readonly #parties = new Map<string, Party>();
  readonly #authorityProvider: CryptoProvider;
  readonly #lastHeads = new WeakMap<Member, object>();
  readonly #readySince = new Map<string, number>();
  readonly #expectations: Expectation[] = [];
  /** As they were met first. */
  readonly #groupIds: string[] = [];
  readonly #ids = new Map<GroupName, Uint8Array>();
  /** By place in {@link #groupIds}. */
  readonly #epochs = new Map<number, number>();
  #crewGroup = -1;
  #authority!: Authority;
  #honest!: HonestBroker;
  #hostile: HostileWorks | undefined;
  #toBroker: SimulatedLink<Uint8Array> | undefined;
  #isBrokerDown = false;
  #headSeq = 0;
  #rotatedMs = 0;
  #messageCount = 0;
  #envelopeCount = 0;
  #deliveryCount = 0;
  #staleCount = 0;
  #forkCount = 0;
  #isHealed = false;
  #isStirred = false;

  constructor(plan: PatternsPlan, keepsTrace: boolean) {
    this.#plan = plan;
    this.#random = new SeededRandom(plan.seed, 7);
    this.#trace = keepsTrace ? [] : undefined;
    this.#authorityProvider = providerOf(this.#memory, this.#random.fork().bytes);
    const { maxHeadAgeMs } = plan.groups[0]!;
    const honestBoundMs = plan.setting === 'honest' ? settleMs + this.#delayMs : undefined;
    const groups = Array.from({ length: plan.groups.length + 1 }, () => maxHeadAgeMs);
    this.#messages = new Oracle({ maxHeadAgeMs: groups, staleOk: groups.map(() => false), honestBoundMs }, traitorName);
    this.#works = new PatternsOracle({
      maxHeadAgeMs,
      honestBoundMs,
      tickMs,
      traitor: traitorName,
      report: (name, atMs, sentence) => this.#messages.report(name, atMs, sentence),
    });
  }

  async run(): Promise<RunResult> {
    this.#found();
    for (const { atMs, step } of this.#plan.steps) this.#clock.at(startMs + atMs, () => this.#do(step));
    const { healMs } = this.#plan;
    this.#clock.at(startMs + healMs, () => this.#heal());
    this.#clock.at(startMs + healMs + calmMs, () => this.#lastWords());
    const endMs = startMs + healMs + calmMs + lastMs;
    while (this.#clock.runNext(endMs)) {
      if (!this.#isStirred) continue;
      this.#isStirred = false;
      await settled();
    }
    await this.#judge(endMs);
    return this.#result();
  }

  get #delayMs(): number {
    return 4 * this.#plan.link.maxDelayMs;
  }

  /** The authority, the groups, the broker, and everybody. */
  #found(): void {
    const [clock, random] = [this.#clock, this.#random];
    const waiting: Uint8Array[] = [];
    let publish = (bundle: Uint8Array): void => void waiting.push(bundle);
    this.#authority = Authority.create(
      { provider: this.#authorityProvider, random: random.fork().bytes, publish: (bundle) => publish(bundle) },
      clock.nowMs,
    );
    const brokerProvider = providerOf(this.#memory, random.fork().bytes);
    this.#honest = new HonestBroker(brokerProvider, this.#authority.authorityId32, clock);
    if (this.#plan.setting === 'hostile') {
      const relay = new HostileRelay(clock, random.fork(), this.#faults);
      this.#hostile = new HostileWorks(relay, brokerProvider, clock, random.fork(), this.#faults);
    }
    this.#toBroker = new SimulatedLink(clock, random.fork(), { ...soundLink, maxDelayMs: 20 }, (bundle) => {
      this.#hostile?.apply(bundle);
      try {
        this.#honest.apply(bundle);
      } catch (error) {
        this.#messages.report('broken', clock.nowMs, `the honest broker refused a bundle: ${String(error)}`);
      }
    });
    publish = (bundle) => this.#publish(bundle);
    for (const bundle of waiting) this.#publish(bundle);
    for (const { name, ...fields } of this.#plan.groups) {
      const before = this.#groupIds.length;
      const groupId16 = this.#authority.addGroup(fields, clock.nowMs);
      this.#ids.set(name, groupId16);
      const group = this.#groupOf(groupId16);
      if (name === 'pool') this.#crewGroup = group === before ? before + 1 : before;
    }
    for (const plan of this.#plan.members) this.#addMember(plan);
    const grants = [...this.#parties.values()].flatMap(({ plan, member: { keyId32 } }) => [
      { keyId32, action: plan.asks ? 'publish' : 'subscribe', pattern: 'pool/**' } as const,
      { keyId32, action: plan.asks ? 'publish' : 'subscribe', pattern: 'poll/**' } as const,
      { keyId32, action: 'publish', pattern: 'bus/**' } as const,
      { keyId32, action: 'subscribe', pattern: 'bus/**' } as const,
    ]);
    this.#authority.grantAll(grants, clock.nowMs);
    for (const { member } of this.#parties.values()) {
      member.connect(this.#broker);
      member.start();
      this.#readySince.set(member.name, clock.nowMs + settleMs);
    }
    if (this.#hostile !== undefined) {
      this.#hostile.accomplice = this.#parties.get(traitorName)!.member.identity.key;
    }
    this.#tickAuthority();
    this.#tickMembers();
    this.#tickBroker();
  }

  get #broker(): Broker {
    return this.#isHealed ? this.#honest : (this.#hostile ?? this.#honest);
  }

  #addMember(plan: PatternsMemberPlan): void {
    const { setting, link } = this.#plan;
    const { name } = plan;
    const random = this.#random.fork();
    const member: Member = new Member(plan, {
      clock: this.#clock,
      provider: providerOf(this.#memory, random.bytes),
      random,
      authorityId32: this.#authority.authorityId32,
      quality: setting === 'rough' ? soundLink : link,
      subscriptions: plan.asks ? [busTopic] : [busTopic, 'poll/x'],
      onEvent: (event) => this.#onEvent(this.#parties.get(name)!, event),
      onParcel: (parcel) => this.#onParcel(member, parcel),
      afterwards: () => this.#afterwards(member),
      onBrokerRefusal: (request, error) => this.#onBrokerRefusal(member, request, error),
      onBroken: (error) => this.#onBroken(member, error),
      onStart: (client) => {
        const { worker, surveyor } = this.#parties.get(name)!;
        this.#works.lives(name, member.life);
        worker?.start(client);
        surveyor.start();
      },
      onLeased: (parcel) => this.#parties.get(name)!.worker?.leased(parcel),
    });
    const app = this.#appOf(member);
    this.#parties.set(name, {
      plan,
      member,
      asker: plan.asks ? new PoolAsker(app) : undefined,
      worker: plan.asks ? undefined : new PoolWorker(app, this.#store, plan.capacity),
      surveyor: new Surveyor(app),
      app,
    });
    this.#authority.issue(member.identity.key, { name }, this.#clock.nowMs);
    const record = member.identity.keyRecord(this.#authority.authorityId32, 1, this.#clock.nowMs);
    this.#authority.takeKeyRecord(record, this.#clock.nowMs);
    // Links get bad once everybody is there.
    this.#clock.after(settleMs, () => (member.quality = link));
  }

  #appOf(member: Member): AppHost {
    const clock = this.#clock;
    return {
      member,
      random: this.#random.fork(),
      oracle: this.#works,
      effects: this.#plan.effects,
      get trueMs() {
        return clock.nowMs;
      },
      sceneOf: (group) => this.#sceneOf(member, this.#groupOf(this.#ids.get(group)!)),
      after: (delayMs, action) => {
        const { life } = member;
        this.#clock.after(delayMs, () => {
          const { client } = member;
          if (client === undefined || member.life !== life) return;
          try {
            action(client);
          } catch (error) {
            this.#onBroken(member, error);
          }
        });
      },
      stir: () => {
        this.#isStirred = true;
      },
      note: (line) => this.#note(line),
      count: (deed) => this.#deeds.add(deed),
      refused: (what, error) => {
        const code = error instanceof TridcommError ? error.code : String(error);
        this.#refusals.add(`${what} ${code}`);
        this.#note(() => `${member.name}: ${what} refused, ${String(error)}`);
      },
      broken: (error) => this.#onBroken(member, error),
    };
  }

  #tickAuthority(): void {
    const { nowMs } = this.#clock;
    this.#clock.at(Math.max(this.#authority.nextTickMs(nowMs), nowMs + 1), () => {
      this.#authority.tick(this.#clock.nowMs);
      this.#tickAuthority();
    });
  }

  #tickMembers(): void {
    for (const { member } of this.#parties.values()) member.tick();
    this.#clock.after(tickMs, () => this.#tickMembers());
  }

  #tickBroker(): void {
    this.#honest.tick();
    this.#clock.after(brokerTickMs, () => this.#tickBroker());
  }

  /** A bundle of the authority: what is in it is noted, and it goes to the broker. */
  #publish(bundle: Uint8Array): void {
    for (const { bytes } of decodeBundle(bundle)) {
      const kind = kindOfObject(bytes);
      if (kind === 'head' || kind === 'groupHead') this.#headSeq = Math.max(this.#headSeq, readU64(bytes, 40));
      if (kind !== 'groupHead') continue;
      const [group, epoch] = [this.#groupOf(bytes.subarray(265, 281)), readU32(bytes, 285)];
      this.#epochs.set(group, epoch);
      this.#messages.makeHead(group, readU64(bytes, 40), epoch);
    }
    this.#note(() => `authority publishes ${bundle.length} bytes, head ${this.#headSeq}`);
    this.#toBroker?.send(bundle);
  }

  #groupOf(groupId16: Uint8Array): number {
    const id = hexOf(groupId16);
    const index = this.#groupIds.indexOf(id);
    if (index >= 0) return index;
    this.#groupIds.push(id);
    return this.#groupIds.length - 1;
  }

  #do(step: PatternsStep): void {
    this.#note(() => `step ${describe(step)}`);
    this.#deeds.add(step.do);
    const { nowMs } = this.#clock;
    switch (step.do) {
      case 'request':
      case 'push':
      case 'ask':
      case 'say':
        this.#speak(this.#parties.get(step.member)!, step);
        break;
      case 'rotate':
        this.#rotate(step.group, step.aheadMs);
        break;
      case 'condemn':
        this.#condemn(step.how);
        break;
      case 'hoard':
        this.#hoard();
        break;
      case 'betray':
        this.#betray();
        break;
      case 'replay all':
        this.#hostile?.replayAll();
        break;
      case 'worker death':
      case 'asker death':
        this.#faults.add(step.do);
        this.#kill(this.#parties.get(step.member)!, step);
        break;
      case 'partition': {
        this.#faults.add('partition');
        const { member } = this.#parties.get(step.member)!;
        this.#disturb(step.member, step.forMs + settleMs);
        member.disconnect();
        this.#clock.after(step.forMs, () => this.#connect(member));
        break;
      }
      case 'broker restart':
        this.#faults.add('broker restart');
        this.#restartBroker(step.downMs);
        break;
      case 'mood': {
        const victims = step.mood.victims && new Set(Array.from(step.mood.victims, (name) => this.#keyIdOf(name)));
        this.#hostile!.relay.mood = this.#isHealed ? calm : { ...step.mood, ...(victims && { victims }) };
        this.#works.disturb('broker', nowMs, Infinity);
        break;
      }
    }
  }

  #keyIdOf(name: string): string {
    return hexOf(this.#parties.get(name)!.member.keyId32);
  }

  /** @param tries - left after a refusal, which a bundle on its way may explain; it takes two of them to meet the next bundle too */
  #speak(party: Party, step: SpokenStep, tries = 2): void {
    const { member } = party;
    const { client } = member;
    if (client === undefined) return;
    try {
      this.#say(party, client, step);
    } catch (error) {
      if (!(error instanceof TridcommError)) throw error;
      this.#refusals.add(`seal ${error.code}`);
      this.#note(() => `${member.name} cannot ${step.do}: ${error.message}`);
      if (!this.#isLive(member.name)) return;
      // Who came between the word of a rotation and its beginning has nothing to seal by until then.
      if (error.code === 'E_EPOCH' && this.#clock.nowMs < this.#rotatedMs + clocksMs) return;
      if (tries > 0) {
        this.#clock.after(settleMs / 2 + this.#delayMs, () => this.#speak(party, step, tries - 1));
        return;
      }
      const name = this.#isHealed ? 'not resumed' : 'refused to seal';
      this.#messages.report(name, this.#clock.nowMs, `${member.name} cannot ${step.do}: ${error.message}`);
    }
  }

  #say(party: Party, client: Client, step: SpokenStep): void {
    const { member, asker, surveyor } = party;
    switch (step.do) {
      case 'request': {
        const { works, requested } = asker!.request(client, step);
        this.#asked(member, works, requested.envelopes.length, step.forMs, false);
        break;
      }
      case 'push': {
        const { works, requested } = asker!.push(client, step);
        this.#asked(member, works, requested.envelopes.length, step.forMs, step.isRepeated);
        break;
      }
      case 'ask': {
        const [content] = this.#newContents(member, 1) as [string];
        const envelope = surveyor.ask(client, content, step);
        this.#sealed(member, 'poll', 'poll/x', [content], envelope);
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

  /** Works were sealed: what has to come of them. */
  #asked(member: Member, works: readonly AskedWork[], envelopes: number, forMs: number, isRepeated: boolean): void {
    this.#messageCount += works.length;
    this.#envelopeCount += envelopes;
    const atMs = this.#clock.nowMs;
    // One that takes long holds the others of its unit.
    if (works.some(({ mayRunAgain }) => mayRunAgain)) for (const work of works) work.mayRunAgain = true;
    const isSlow = works.some(({ content }) => content.endsWith('!'));
    if (!this.#isLive(member.name) || isSlow || this.#isDraining) return;
    const quietMs = 5_000 + 4 * this.#delayMs;
    const afterHeal = this.#isHealed;
    for (const { kind, content } of works) {
      if (forMs === 0 || forMs >= quietMs + clocksMs) {
        this.#works.expect({ content, atMs, untilMs: atMs + quietMs, afterHeal, isQuiet: true });
      }
      if (kind === 'job' && forMs === 0 && !isRepeated) {
        this.#works.expect({ content, atMs, untilMs: atMs + leasesMs, afterHeal, isQuiet: false });
      }
    }
  }

  /** Whether an epoch may be closed before a work is done that was sealed for it. */
  get #isDraining(): boolean {
    return this.#plan.groups[0]!.drainMs < leasesMs;
  }

  #newContents(member: Member, count: number): string[] {
    return Array.from({ length: count }, (_, i) => {
      return `${member.name}#${this.#messages.sealed.size + i}.${this.#random.u32().toString(36)}`;
    });
  }

  /** A message of the bus was sealed, or a question. */
  #sealed(member: Member, name: GroupName, topic: string, contents: readonly string[], envelope: Uint8Array): void {
    const group = this.#groupOf(this.#ids.get(name)!);
    const stream = hexOf(envelope.subarray(8, 28)) + hexOf(envelope.subarray(32, 56));
    const [seq, timestampMs, atMs] = [readU64(envelope, 56), readU64(envelope, 64), this.#clock.nowMs];
    const epoch = readU32(envelope, 24);
    this.#messageCount += contents.length;
    this.#envelopeCount++;
    this.#note(() => `${member.name} seals ${contents.join()} on ${topic}, epoch ${epoch}`);
    this.#messages.seal(
      { writer: member.name, group, topic, contents, epoch, stream, seq, timestampMs, atMs, isRaw: false },
      this.#sceneOf(member, group),
    );
    if (!this.#isLive(member.name) || (epoch < this.#epochs.get(group)! && this.#isDraining)) return;
    for (const { plan, member: reader } of this.#parties.values()) {
      const reads = name === 'bus' || !plan.asks;
      if (!reads || reader === member || !this.#isLive(reader.name)) continue;
      if (!reader.isDurable && reader.bootMs > 0 && timestampMs <= reader.bootMs + skewMs) continue;
      // Up to 64 numbers of a stream may be refused after a restart.
      const floor = this.#messages.resumedTo(reader.name, reader.life, stream);
      if (floor > 0 && seq <= floor + 64) continue;
      for (const content of contents) {
        const afterHeal = this.#isHealed;
        this.#expectations.push({ content, writer: member.name, reader: reader.name, atMs, afterHeal });
      }
    }
  }

  #sceneOf(member: Member, group: number): Scene {
    const groupId16 = Buffer.from(this.#groupIds[group]!, 'hex');
    const view = member.client?.view(groupId16, member.localMs);
    const { name, localMs } = member;
    return { member: name, atMs: this.#clock.nowMs, localMs, viewHeadSeq: view?.headSeq ?? 0 };
  }

  /** Who is ready and in its rights, by all that an honest broker and honest links promise. */
  #isLive(name: string): boolean {
    const isPromised = this.#isHealed || this.#plan.setting === 'honest';
    const { client } = this.#parties.get(name)!.member;
    const isReady = (this.#readySince.get(name) ?? Infinity) <= this.#clock.nowMs;
    const isBad = name === traitorName && this.#works.condemned !== undefined;
    return isPromised && client !== undefined && isReady && !isBad && !this.#isBrokerDown;
  }

  #rotate(name: GroupName, aheadMs: number): void {
    const { nowMs } = this.#clock;
    try {
      this.#authority.rotate(this.#ids.get(name)!, nowMs, aheadMs > 0 ? { notBeforeMs: nowMs + aheadMs } : {});
      this.#rotatedMs = nowMs + aheadMs;
    } catch (error) {
      // There is a block ahead already.
      if (!(error instanceof TridcommError) || error.code !== 'E_USAGE') throw error;
      this.#deeds.add('rotation refused');
    }
  }

  /** The traitor keeps what it is given, and a hostile broker gives it all that there is. */
  #hoard(): void {
    const { worker, surveyor } = this.#parties.get(traitorName)!;
    worker!.isHoarding = true;
    surveyor.isHoarding = true;
    this.#works.disturb(hoardName, this.#clock.nowMs, Infinity);
    const hostile = this.#hostile;
    if (hostile === undefined) return;
    hostile.favourite = this.#keyIdOf(traitorName);
    this.#clock.after(favourMs, () => (hostile.favourite = undefined));
  }

  #condemn(how: 'revoke' | 'withdraw subscribe'): void {
    const { keyId32 } = this.#parties.get(traitorName)!.member;
    const atMs = this.#clock.nowMs;
    if (this.#hostile !== undefined) this.#hostile.inTheDark = hexOf(keyId32);
    const before = new Map(this.#epochs);
    if (how === 'revoke') this.#authority.revoke(keyId32, atMs);
    else {
      for (const pattern of ['pool/**', 'poll/**']) {
        this.#authority.withdraw({ keyId32, action: 'subscribe', pattern }, atMs);
      }
    }
    const headSeq = this.#headSeq;
    const crewEpoch = this.#epochs.get(this.#crewGroup)!;
    if (crewEpoch === before.get(this.#crewGroup)) {
      this.#messages.report('revoked reader reads', atMs, `no new key block of the crew when ${traitorName} left`);
    }
    this.#works.condemned = { name: traitorName, atMs, headSeq, crewEpoch };
    if (how !== 'revoke') return;
    const epochs = Array.from(this.#groupIds.keys(), (group) => this.#epochs.get(group)!);
    this.#messages.condemned = { publish: true, read: true, subscribe: true, atMs, headSeq, epochs };
  }

  /** The traitor answers all that it kept. */
  #betray(): void {
    const { member, worker, surveyor } = this.#parties.get(traitorName)!;
    const { client } = member;
    if (client === undefined) return;
    worker!.betray();
    surveyor.betray(client);
  }

  #kill(
    { member }: Party,
    { downMs, keepsState, isNoticed }: PatternsStep & { readonly do: 'worker death' | 'asker death' },
  ): void {
    if (member.client === undefined) return;
    member.crash(keepsState, isNoticed);
    // Without its store it refuses what is not younger than its start; with it, the next 64 numbers of each stream that it knew.
    const refusesMs = member.isDurable ? Infinity : downMs + skewMs + clocksMs;
    this.#works.disturb(member.name, this.#clock.nowMs, this.#clock.nowMs + refusesMs);
    this.#readySince.set(member.name, this.#clock.nowMs + downMs + settleMs + this.#delayMs);
    this.#clock.after(downMs, () => this.#comeBack(member));
  }

  #comeBack(member: Member): void {
    if (member.client !== undefined) return;
    this.#connect(member);
    if (member.isDurable) this.#messages.resume(member.name, member.life + 1);
    member.start();
    this.#note(() => `${member.name} is back, life ${member.life}, ${member.isDurable ? 'with' : 'without'} its store`);
  }

  #connect(member: Member): void {
    if (!this.#isBrokerDown) member.connect(this.#broker);
  }

  /** What the authority said is still there; what waited is gone. */
  #restartBroker(downMs: number): void {
    if (this.#isBrokerDown) return;
    this.#disturb('broker', downMs + settleMs);
    this.#isBrokerDown = true;
    for (const { member } of this.#parties.values()) {
      member.disconnect();
      const untilMs = this.#clock.nowMs + downMs + settleMs + this.#delayMs;
      this.#readySince.set(member.name, Math.max(untilMs, this.#readySince.get(member.name)!));
    }
    this.#honest.restart();
    this.#clock.after(downMs, () => {
      this.#isBrokerDown = false;
      for (const { member } of this.#parties.values()) if (member.client !== undefined) this.#connect(member);
    });
  }

  #disturb(name: string, forMs: number): void {
    const untilMs = this.#clock.nowMs + forMs + this.#delayMs;
    this.#works.disturb(name, this.#clock.nowMs, untilMs);
    this.#readySince.set(name, Math.max(untilMs, this.#readySince.get(name) ?? 0));
  }

  /** All trouble ends: everybody is up, links are sound, and the broker is the honest one. */
  #heal(): void {
    this.#note(() => 'heal');
    this.#isHealed = true;
    const wasHostile = this.#hostile !== undefined;
    if (this.#hostile !== undefined) {
      this.#hostile.relay.mood = calm;
      this.#hostile.inTheDark = undefined;
    }
    for (const { member } of this.#parties.values()) {
      member.quality = soundLink;
      if (member.client === undefined) this.#comeBack(member);
      else if (wasHostile || this.#plan.setting === 'rough') this.#connect(member);
    }
    // Who was started anew with its store refuses the next numbers of streams that it knew: there are others now.
    this.#rotate('pool', 0);
    for (const name of ['poll', 'bus'] as const) if (this.#random.chance(0.5)) this.#rotate(name, 0);
    for (const name of this.#parties.keys()) this.#readySince.set(name, this.#clock.nowMs + calmMs - 1);
    this.#clock.after(calmMs - 1, () => this.#works.healed(this.#clock.nowMs));
  }

  /** Everybody says and asks something; more where the run had little to say. */
  #lastWords(): void {
    for (let round = 0; round < mostRounds; round++) {
      if (round > 0 && this.#messageCount >= 50) return;
      for (const { plan, member } of this.#parties.values()) {
        const { name } = member;
        if (name === traitorName && this.#works.condemned !== undefined) continue;
        this.#speak(this.#parties.get(name)!, { do: 'say', member: name, count: 1 });
        if (!plan.asks) continue;
        const words: SpokenStep[] = [
          { do: 'request', member: name, count: 2, forMs: 60_000 },
          { do: 'push', member: name, count: 2, jobsPerLeaf: 1, forMs: 0, isRepeated: false },
          { do: 'ask', member: name, forMs: 3_000, maxReplies: 10 },
        ];
        for (const step of words) this.#speak(this.#parties.get(name)!, step);
      }
    }
  }

  #onEvent(party: Party, event: ClientEvent): void {
    const { member, surveyor } = party;
    switch (event.type) {
      case 'message': {
        const { delivery } = event;
        const { topic, sender, messages, stale, gaps, filled } = delivery;
        const contents = messages.map(({ payload }) => textOf(payload));
        this.#deliveryCount += contents.length;
        this.#note(() => `${member.name} gets ${contents.join()} of ${sender.name} on ${topic}`);
        const delivered = { sender: sender.name, topic, contents, stale, gaps, filled };
        this.#messages.deliver(this.#sceneOf(member, this.#groupOf(delivery.groupId16)), member.life, delivered);
        if (delivery.survey === undefined) break;
        surveyor.heard(delivery, () => this.#isLive(sender.name) && this.#isLive(member.name));
        break;
      }
      case 'view': {
        const group = this.#groupOf(event.groupId16);
        this.#note(() => `${member.name} goes over to head ${event.headSeq}, epoch ${event.epoch} of group ${group}`);
        const scene = { ...this.#sceneOf(member, group), viewHeadSeq: event.headSeq };
        this.#messages.adopt(scene, member.memory, group, event.epoch);
        break;
      }
      case 'stale':
      case 'fresh':
        if (event.type === 'stale') this.#staleCount++;
        this.#note(() => `${member.name} is ${event.type}`);
        break;
      case 'fork':
        this.#forkCount++;
        this.#note(() => `${member.name} sees a fork: ${event.error.message}`);
        break;
      case 'refused':
        this.#refusals.add(`${event.what} ${event.error.code}`);
        this.#note(() => `${member.name} refuses ${event.what}: ${event.error.message}`);
        break;
      case 'keyRecord':
        this.#renewKeys(event.bytes);
        break;
      case 'carrierFailed':
      case 'handlerFailed':
      case 'failed':
        this.#onBroken(member, event.error);
        break;
      case 'falseHead':
        this.#deeds.add('false head noticed');
        break;
      case 'work':
      case 'reply':
      case 'surveyReply':
        this.#deliveryCount++;
        break;
      case 'surveyEnd':
      case 'pool':
      case 'gap':
      case 'filled':
        break;
    }
  }

  #renewKeys(keyRecord: Uint8Array): void {
    try {
      this.#authority.takeKeyRecord(keyRecord, this.#clock.nowMs);
    } catch (error) {
      // Of somebody who was revoked.
      if (!(error instanceof TridcommError)) throw error;
      this.#refusals.add(`authority ${error.code}`);
    }
  }

  #onParcel(member: Member, parcel: Parcel): void {
    if (parcel.is !== 'object') return;
    const kind = kindOfObject(parcel.bytes);
    if (kind === 'head' || kind === 'groupHead') this.#messages.handHead(member.name, readU64(parcel.bytes, 48));
  }

  #afterwards(member: Member): void {
    const head = member.client?.trust.head;
    if (head === undefined || head === this.#lastHeads.get(member)) return;
    this.#lastHeads.set(member, head);
    this.#messages.holdHead(this.#sceneOf(member, 0), member.memory, head.headSeq, hexOf(head.hash32));
  }

  #onBrokerRefusal(member: Member, request: Request, error: unknown): void {
    if (!(error instanceof TridcommError)) {
      this.#onBroken(member, error);
      return;
    }
    this.#refusals.add(`relay ${error.code}`);
    this.#note(() => `the relay refuses ${member.name} to ${request.do}: ${error.message}`);
    if (request.do === 'work') member.client?.workRefused(request.match, error, member.localMs);
    if (request.do === 'subscribe') member.client?.subscriptionRefused(request.match, error, member.localMs);
  }

  #onBroken(member: Member, error: unknown): void {
    const sentence = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#messages.report('broken', this.#clock.nowMs, `${member.name}: ${sentence}`);
  }

  /** What can only be said at the end. */
  async #judge(endMs: number): Promise<void> {
    const contents = [...this.#works.works.values()].filter(({ effects }) => effects === 'store');
    const { counts, total } = await readCounts(
      this.#store,
      contents.map(({ content }) => content),
      endMs,
    );
    const workers = [...this.#parties.values()].filter(({ plan }) => !plan.asks).map(({ plan }) => plan.name);
    this.#works.judge(endMs, counts, workers, total);
    const { condemned } = this.#works;
    for (const { content, writer, reader, atMs, afterHeal } of this.#expectations) {
      if (this.#messages.delivered.get(reader)?.has(content) === true) continue;
      const untilMs = atMs + settleMs + this.#delayMs;
      const isCondemned =
        condemned !== undefined && [writer, reader].includes(traitorName) && condemned.atMs <= untilMs;
      if (isCondemned || !this.#works.isQuiet(['broker', writer, reader], atMs, untilMs)) continue;
      this.#messages.report(afterHeal ? 'not resumed' : 'lost', atMs, `${reader} never got ${content} of ${writer}`);
    }
  }

  #note(line: () => string): void {
    const text = `${this.#clock.nowMs - startMs} ${line()}`;
    this.#hash.update(text);
    this.#trace?.push(text);
  }

  #result(): RunResult {
    for (const { member } of this.#parties.values()) {
      const { lost, duplicated, reordered } = member.linkCounts;
      this.#faults.add('link loss', lost);
      this.#faults.add('link duplicate', duplicated);
      this.#faults.add('link reorder', reordered);
    }
    return {
      seed: this.#plan.seed,
      setting: `patterns, ${this.#plan.setting}`,
      messages: this.#messageCount,
      envelopes: this.#envelopeCount,
      deliveries: this.#deliveryCount,
      gapNumbers: this.#messages.gapNumbers,
      staleEvents: this.#staleCount,
      forkEvents: this.#forkCount,
      simulatedMs: this.#clock.nowMs - startMs,
      faults: this.#faults,
      deeds: this.#deeds,
      refusals: this.#refusals,
      violations: this.#messages.violations.map((one) => ({ ...one, atMs: one.atMs - startMs })),
      traceHash: this.#hash.digest('hex'),
      trace: this.#trace ?? [],
    };
  }
}

function describe(step: PatternsStep): string {
  return JSON.stringify(step, (_, value: unknown) => (value instanceof Set ? [...value] : value));
}

/** Lets all promises settle that need no time. */
async function settled(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
}
