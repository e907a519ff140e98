/** One run over links: an authority's service, a broker on its disk, clients with their applications, and what the oracle says of it. */
import { createHash } from 'node:crypto';
import { AuthorityService, BrokerLink, type ClientStatus } from '@tridcomm/client-node';
import { Identity, TridcommError, type Authority, type CryptoProvider } from '@tridcomm/core';
import { keyBlockFlags, parseBlock, type AddressedObject } from '@tridcomm/core/internal';
import { principalRoles } from '@tridcomm/core/link';
import { SeededRandom } from '@tridcomm/core/testing';
import type { BrokerEvent } from '@tridcomm/broker/testing';
import { ascii } from '../bytes.ts';
import { CryptoMemory, providerOf } from '../crypto.ts';
import { kindOfObject } from '../hostile-relay.ts';
import type { RunResult } from '../run-result.ts';
import { Tally } from '../tally.ts';
import { BrokerHost } from './broker-host.ts';
import { Condemnation } from './condemnation.ts';
import { MemberHost } from './member-host.ts';
import { NetworkOracle, settleMs, type NetworkDelivery, type Publication, type ReaderMemory } from './oracle.ts';
import { condemnedName, networkPlanOf, type AskedDurability, type NetworkPlan, type NetworkStep } from './plan.ts';
import { Refusals, type Mood } from './refusals.ts';
import { Switchboard, type Caller } from './switchboard.ts';
import { Machine, VirtualTime } from './virtual-time.ts';
import type { WireWorld } from './wire.ts';

/** Runs the plan of a seed. */
export async function runNetworkSeed(seed: number, keepsTrace: boolean): Promise<RunResult> {
  return await new NetworkWorld(networkPlanOf(seed), keepsTrace).run();
}

const startMs = 1_800_000_000_000;
/** From the heal to the last words: a client that has lost many links waits long before it tries again. */
const calmMs = 36_000;
const lastMs = 10_000;
/** Smaller than any envelope. */
const leastEnvelopeBytes = 200;

/** So long a new epoch, or who has come newly, may not count everywhere: bundles are on their way, and clocks come to it later. */
const newsMs = 15_000;
/** How long somebody waits who may have no rights. */
const patienceMs = 8_000;

/** What an application says that does not wait any longer. */
class GaveUp extends Error {}

class NetworkWorld {
  readonly #plan: NetworkPlan;
  readonly #time = new VirtualTime(startMs);
  readonly #random: SeededRandom;
  readonly #memory = new CryptoMemory();
  readonly #hash = createHash('sha256');
  readonly #trace: string[] | undefined;
  readonly #oracle = new NetworkOracle();
  readonly #faults = new Tally();
  readonly #deeds = new Tally();
  readonly #refusals: Refusals;
  readonly #members = new Map<string, MemberHost>();
  readonly #switchboard: Switchboard;
  readonly #authorityMachine: Machine;
  readonly #authorityProvider: CryptoProvider;
  readonly #condemnation: Condemnation;
  #service!: AuthorityService;
  #broker!: BrokerHost;
  #messageCount = 0;
  #envelopeCount = 0;
  #gapNumbers = 0;
  #staleCount = 0;
  #groupId16!: Uint8Array;
  /** When the broker was last known to know less than it was told. */
  #forgotMs = 0;
  #newestEpoch = 0;
  /** Whether the broker knew everything but for a change that is on its way to it. */
  #isTelling = false;
  /** When each epoch begins: one of a revocation at once. */
  readonly #beginsMs = new Map<number, number>();
  /** When there was an epoch more. */
  #changedMs = 0;
  #hasBegun = false;
  #isHealed = false;

  constructor(plan: NetworkPlan, keepsTrace: boolean) {
    this.#plan = plan;
    this.#random = new SeededRandom(plan.seed, 3);
    this.#trace = keepsTrace ? [] : undefined;
    const world: WireWorld = {
      time: this.#time,
      random: this.#random.fork(),
      quality: plan.wire,
      count: (what) => this.#faults.add(what),
    };
    this.#switchboard = new Switchboard(world);
    this.#authorityMachine = new Machine(this.#time);
    this.#authorityProvider = providerOf(this.#memory, this.#random.fork().bytes);
    this.#condemnation = new Condemnation(this.#time, this.#authorityProvider, this.#oracle);
    this.#refusals = new Refusals((name, sentence) => this.#oracle.report(name, this.#time.nowMs, sentence));
  }

  async run(): Promise<RunResult> {
    const giveBack = this.#time.install();
    const unhandled = (error: unknown): void => this.#broken('nobody', error);
    process.on('unhandledRejection', unhandled);
    try {
      const { steps, healMs } = this.#plan;
      this.#authorityMachine.at(startMs, () => this.#found());
      for (const { atMs, step } of steps) this.#authorityMachine.at(startMs + atMs, () => this.#do(step));
      this.#authorityMachine.at(startMs + healMs, () => this.#heal());
      this.#authorityMachine.at(startMs + healMs + calmMs, () => this.#lastWords());
      this.#watch();
      await this.#time.advanceTo(startMs + healMs + calmMs + lastMs);
    } finally {
      process.off('unhandledRejection', unhandled);
      giveBack();
    }
    const { retentionBytes } = this.#plan;
    const refused = this.#condemnation.isSpoken ? condemnedName : undefined;
    this.#oracle.judge({ endMs: this.#time.nowMs, isWhole: retentionBytes === undefined, refused });
    return this.#result();
  }

  /** The authority, the group, the broker, and everybody. */
  #found(): void {
    const { pattern, suite, periodMs, members } = this.#plan;
    const machine = this.#authorityMachine;
    const source = this.#random.fork().bytes;
    const provider = this.#authorityProvider;
    this.#service = AuthorityService.inMemory({
      provider,
      random: source,
      clock: {
        nowMs: () => machine.localMs,
        after: (delayMs, action) => {
          const timer = setTimeout(action, delayMs);
          return () => clearTimeout(timer);
        },
      },
      connect: (self) => {
        const caller: Caller = { name: 'authority', machine, keyId32: self.key.keyId32, unreachableUntilMs: 0 };
        const dial = this.#switchboard.dialOf(caller);
        const target = { address: 'noise://broker', brokerName: 'broker', dial };
        return { sinks: [new BrokerLink(target, self, provider, source)], sources: [] };
      },
      onEvent: (event) => {
        this.#note(() => `authority ${event.type}`);
        if (event.type === 'brokerCurrent') {
          this.#forgotMs = this.#time.nowMs;
          this.#brokerIsCurrent();
        }
        if (event.type === 'brokerBehind') this.#brokerIsBehind();
      },
    });
    const group = { patterns: [pattern], suite, periodMs };
    this.#groupId16 = this.#service.perform((authority, nowMs) => authority.addGroup(group, nowMs));
    this.#foundBroker();
    for (const plan of members) {
      const random = this.#random.fork();
      const member = new MemberHost(plan, {
        time: this.#time,
        provider: providerOf(this.#memory, random.bytes),
        source: random.bytes,
        plan: this.#plan,
        switchboard: this.#switchboard,
        authorityId32: this.#service.authorityId32,
        onStatus: (one, status) => this.#onStatus(one, status),
        onDelivery: (one, reader, delivery) => this.#onDelivery(one, reader, delivery),
        onNotConnected: (one, error) => this.#onNotConnected(one, error),
        onKeyRecord: (record) => this.#onKeyRecord(record),
        onBroken: (one, error) => this.#broken(one.name, error),
        addReader: (reader) => this.#oracle.readers.push(reader),
      });
      this.#members.set(plan.name, member);
    }
    this.#enrol([...this.#members.values()]);
  }

  #foundBroker(): void {
    const random = this.#random.fork();
    const provider = providerOf(this.#memory, random.bytes);
    const { key } = Identity.create(provider, random.bytes, startMs);
    const principalRecord = this.#service.perform((authority, nowMs) =>
      authority.issue(key, { name: 'broker', roles: principalRoles.broker }, nowMs),
    );
    this.#broker = new BrokerHost({
      time: this.#time,
      random: random.fork(),
      provider,
      source: random.bytes,
      plan: this.#plan,
      switchboard: this.#switchboard,
      authorityId32: this.#service.authorityId32,
      key,
      principalRecord,
      onEvent: (event) => this.#onBrokerEvent(event),
      onKeep: (objects) => {
        this.#condemnation.seeBundle(objects, () => this.#broker.life);
        this.#seeBlocks(objects);
      },
      onBroken: (error) => this.#broken('broker', error),
    });
    this.#broker.start();
  }

  /** Gives members keys, records and rights: the first, or new ones for who has lost everything. */
  #enrol(members: readonly MemberHost[]): void {
    this.#change((authority, nowMs) => {
      for (const member of members) {
        const keyRecord = member.enrol((key) => authority.issue(key, { name: member.name }, nowMs));
        authority.takeKeyRecord(keyRecord, nowMs);
      }
      authority.grantAll(
        members.flatMap(({ plan, keyId32 }) => {
          const grant = (action: 'publish' | 'subscribe') =>
            ({ keyId32, action, pattern: this.#plan.pattern, join: 'now' }) as const;
          return [...(plan.writes ? [grant('publish')] : []), ...(plan.live || plan.log ? [grant('subscribe')] : [])];
        }),
        nowMs,
      );
    });
  }

  #do(step: NetworkStep): void {
    this.#note(() => `step ${JSON.stringify(step)}`);
    switch (step.do) {
      case 'publish':
        this.#deeds.add(`publish ${step.durability}`);
        this.#publish(this.#members.get(step.member)!, step.topic, step.count, step.durability, step.deadlineMs);
        return;
      case 'rotate':
        this.#deeds.add('rotate');
        this.#rotate(step.aheadMs);
        return;
      case 'condemn':
        this.#deeds.add('condemn');
        this.#condemn();
        return;
      case 'trim':
        this.#deeds.add('trim');
        this.#broker.trim();
        return;
      case 'cut':
        this.#faults.add(`wire ${step.how}`);
        for (const wire of this.#switchboard.wiresOf(step.member)) {
          if (step.how === 'break') wire.break();
          else wire.silence(step.how === 'one way' ? 0 : undefined);
        }
        break;
      case 'stall':
        this.#faults.add('wire stall');
        for (const wire of this.#switchboard.wiresOf(step.member)) wire.stall(this.#time.nowMs + step.forMs);
        break;
      case 'isolate': {
        this.#faults.add('isolate');
        const member = this.#members.get(step.member)!;
        member.unreachableUntilMs = this.#time.nowMs + step.forMs;
        for (const wire of this.#switchboard.wiresOf(step.member)) wire.silence();
        break;
      }
      case 'crash':
        this.#faults.add(`client ${step.how}`);
        this.#crash(this.#members.get(step.member)!, step.how, step.downMs);
        break;
      case 'slow':
        this.#faults.add('slow reader');
        this.#members.get(step.member)!.slowUntilMs = this.#time.nowMs + step.forMs;
        break;
      case 'end broker':
        this.#faults.add(`broker ${step.how}`);
        this.#endBroker(step.how, step.downMs);
        break;
      case 'trouble':
        this.#faults.add(`disk ${step.what}`);
        this.#broker.trouble(step.what);
        this.#authorityMachine.after(step.forMs, () => this.#broker.mend());
        break;
    }
    this.#disturb(step);
  }

  /** Something came in the way of one member, or all: until it has another link, or for a time that is known. */
  #disturb(step: Exclude<NetworkStep, { readonly do: 'publish' | 'rotate' | 'condemn' | 'trim' }>): void {
    const name = 'member' in step ? step.member : undefined;
    for (const member of this.#members.values()) {
      if (name !== undefined && member.name !== name) continue;
      const isTimed = step.do === 'stall' || step.do === 'slow' || step.do === 'trouble';
      member.disturb(isTimed ? step.forMs : undefined);
    }
  }

  /** It may not know all that the authority said. */
  #brokerIsBehind(): void {
    this.#isTelling = false;
    const last = this.#oracle.brokerCalm.at(-1);
    if (last !== undefined) last.toMs = Math.min(last.toMs, this.#time.nowMs);
  }

  #brokerIsCurrent(): void {
    this.#isTelling = false;
    const { brokerCalm } = this.#oracle;
    // One is open at most, so that closing the last closes all.
    if (brokerCalm.at(-1)?.toMs !== Infinity) brokerCalm.push({ fromMs: this.#time.nowMs, toMs: Infinity });
  }

  /** A change at the authority: its broker knows of it with the next bundle, however long a silent link keeps that back. */
  #change<Result>(change: (authority: Authority, nowMs: number) => Result): Result {
    const wasCurrent = this.#isTelling || this.#oracle.brokerCalm.at(-1)?.toMs === Infinity;
    this.#brokerIsBehind();
    this.#isTelling = wasCurrent;
    return this.#service.perform(change);
  }

  #endBroker(how: 'kill' | 'power cut' | 'drain', downMs: number): void {
    this.#brokerIsBehind();
    this.#condemnation.brokerEnds(how !== 'drain');
    this.#broker.end(how, downMs);
  }

  #crash(member: MemberHost, how: 'kill' | 'close' | 'lose', downMs: number): void {
    if (!member.isUp || member.isClosing) return;
    this.#orphan(member, how === 'close');
    const comeBack = (): void => {
      // Nobody enrols somebody anew who was revoked.
      if (how === 'lose' && !this.#isCondemned(member)) this.#enrol([member]);
      member.start();
    };
    if (how === 'close') {
      member.close(() => this.#authorityMachine.after(downMs + 1, comeBack));
      return;
    }
    member.kill(downMs > 1_000);
    this.#authorityMachine.after(downMs + 1, () => {
      this.#switchboard.breakSilence(member.name);
      comeBack();
    });
  }

  /** Nobody hears any more what becomes of its calls. */
  #orphan(member: MemberHost, isAnswered: boolean): void {
    for (const publication of this.#oracle.publications) {
      if (publication.writer !== member.name || publication.outcome !== undefined) continue;
      if (!isAnswered) publication.isOrphan = true;
    }
  }

  #rotate(aheadMs: number): void {
    this.#changedMs = this.#time.nowMs;
    try {
      this.#change((authority, nowMs) => {
        authority.rotate(this.#groupId16, nowMs, aheadMs > 0 ? { notBeforeMs: nowMs + aheadMs } : {});
      });
    } catch (error) {
      // There is a block ahead already.
      if (!(error instanceof TridcommError) || error.code !== 'E_USAGE') throw error;
      this.#deeds.add('rotation refused');
    }
  }

  #seeBlocks(objects: readonly AddressedObject[]): void {
    for (const { bytes } of objects) {
      if (kindOfObject(bytes) !== 'block') continue;
      const { epoch, flags, notBeforeMs } = parseBlock(this.#authorityProvider, bytes).header;
      this.#beginsMs.set(epoch, (flags & keyBlockFlags.revocation) === 0 ? notBeforeMs : 0);
    }
  }

  /** The epoch that a member seals for: until the newest has begun by its clock, the one before. */
  #epochOf({ epoch, machine }: MemberHost): number {
    let begun = epoch;
    while (begun > 1 && (this.#beginsMs.get(begun) ?? 0) > machine.localMs) begun--;
    return begun;
  }

  #condemn(): void {
    this.#changedMs = this.#time.nowMs;
    const { keyId32 } = this.#members.get(condemnedName)!;
    this.#condemnation.speak(keyId32);
    for (const reader of this.#members.get(condemnedName)!.readers) reader.isGone = true;
    this.#change((authority, nowMs) => authority.revoke(keyId32, nowMs));
    // It has seen enough by then, and so has the broker.
    this.#authorityMachine.after(patienceMs + 1, () => {
      const member = this.#members.get(condemnedName)!;
      this.#orphan(member, false);
      member.retire();
    });
  }

  #isCondemned(member: MemberHost): boolean {
    return this.#condemnation.isSpoken && member.name === condemnedName;
  }

  #publish(
    member: MemberHost,
    topicIndex: number,
    count: number,
    durability: AskedDurability,
    deadlineMs: number | undefined,
  ): void {
    const { client, machine, name } = member;
    if (client === undefined || member.isClosing) {
      this.#deeds.add('publication skipped');
      return;
    }
    const topic = this.#plan.topics[topicIndex]!;
    const contents = Array.from({ length: count }, () => `${name}#${++this.#messageCount}.${this.#random.u32()}`);
    // Who has no rights any more would wait for its link for ever.
    const waitsMs = deadlineMs ?? (name === condemnedName ? patienceMs : undefined);
    const { nowMs } = this.#time;
    const epoch = this.#epochOf(member);
    const publication: Publication = {
      writer: name,
      life: member.life,
      topic,
      durability,
      contents,
      askedMs: nowMs,
      deadlineMs: waitsMs === undefined ? undefined : nowMs + waitsMs,
      epoch,
      settledEpoch: epoch,
      isEarly: epoch < member.epoch,
      isOrphan: false,
      outcome: undefined,
      settledMs: Infinity,
      brokerLife: undefined,
      calm: member.calm,
      afterHeal: this.#isHealed,
    };
    this.#oracle.ask(publication);
    this.#note(() => `${name} publishes ${contents.join()} on ${topic}, ${durability}`);
    machine.after(0, () => {
      const controller = new AbortController();
      if (waitsMs !== undefined) machine.after(waitsMs, () => controller.abort(new GaveUp()));
      client.publish(topic, contents.map(ascii), { durability, signal: controller.signal }).then(
        ({ ids }) => {
          this.#envelopeCount += ids.length;
          this.#settle(publication, 'acknowledged', undefined);
        },
        (error: unknown) => this.#settle(publication, 'refused', error),
      );
    });
  }

  #settle(publication: Publication, outcome: 'acknowledged' | 'refused', error: unknown): void {
    const { contents, writer, afterHeal } = publication;
    publication.outcome = outcome;
    publication.settledMs = this.#time.nowMs;
    publication.settledEpoch = this.#epochOf(this.#members.get(writer)!);
    publication.brokerLife = this.#broker.life;
    const what = error instanceof TridcommError ? error.code : error instanceof GaveUp ? 'gave up' : outcome;
    this.#note(() => `${writer} hears of ${contents[0]}: ${what}`);
    if (outcome === 'acknowledged') return;
    const member = this.#members.get(writer)!;
    if (error instanceof GaveUp) this.#deeds.add('gave up');
    else if (!(error instanceof TridcommError)) this.#broken(writer, error);
    else if (!this.#isCondemned(member) && !member.isClosing) {
      const isOld = publication.epoch < this.#newestEpoch;
      this.#refusals.publication(writer, error, isOld, this.#moodOf(member));
    }
    if (afterHeal && !this.#isCondemned(member)) {
      this.#oracle.report('not resumed', this.#time.nowMs, `${writer} could not publish: ${String(error)}`);
    }
  }

  /** All trouble ends. */
  #heal(): void {
    this.#note(() => 'heal');
    this.#broker.mend();
    for (const member of this.#members.values()) {
      member.unreachableUntilMs = 0;
      member.slowUntilMs = 0;
    }
    this.#switchboard.breakSilence();
    // With other streams, of which nobody has to leave any number out.
    this.#rotate(0);
  }

  /** Every writer that is still one says something on every topic, in every way; more where the run had little to say. */
  #lastWords(): void {
    this.#isHealed = true;
    const topics = this.#plan.topics.length;
    for (const member of this.#members.values()) {
      if (this.#isCondemned(member)) continue;
      if (member.client?.isOpen !== true) {
        this.#oracle.report('not resumed', this.#time.nowMs, `${member.name} has no link`);
      }
    }
    for (let round = 0; round < 10; round++) {
      if (round > 0 && this.#messageCount >= 50) return;
      for (const member of this.#members.values()) {
        if (!member.plan.writes || this.#isCondemned(member)) continue;
        for (const durability of ['none', 'memory', 'disk'] as const) {
          this.#publish(member, this.#random.below(topics), this.#random.between(1, 3), durability, undefined);
        }
      }
    }
  }

  /** Looks now and then at what is to stay within bounds, and starts a broker anew whose log has failed. */
  #watch(): void {
    this.#authorityMachine.after(1_000, () => {
      this.#watch();
      if (this.#broker.wantsRestart) this.#endBroker('drain', 0);
      const { nowMs } = this.#time;
      for (const { name, waiting, plan } of this.#members.values()) {
        if (waiting * leastEnvelopeBytes <= plan.windowBytes) continue;
        this.#oracle.report('bound broken', nowMs, `${waiting} batches wait at ${name}, of ${plan.windowBytes} bytes`);
      }
      const engine = this.#broker.process?.engine;
      const most = (engine?.connectionCount ?? 0) * this.#plan.mostQueuedBytes;
      if ((engine?.queuedBytes ?? 0) > most) this.#oracle.report('bound broken', nowMs, 'too much waits for links');
    });
  }

  #onStatus(member: MemberHost, status: ClientStatus): void {
    const { name } = member;
    switch (status.type) {
      case 'open':
        member.reopened();
        break;
      case 'disconnected':
        member.disturb();
        this.#note(() => `${name} disconnected ${status.error?.message ?? 'in order'}`);
        if (status.error !== undefined && !this.#isCondemned(member)) {
          this.#refusals.link(name, status.error, this.#moodOf(member));
        }
        break;
      case 'view':
        member.epoch = status.epoch;
        this.#newestEpoch = Math.max(this.#newestEpoch, status.epoch);
        for (const reader of member.readers) {
          reader.epochs.add(status.epoch);
          reader.viewMs = Math.min(reader.viewMs, this.#time.nowMs);
        }
        this.#note(() => `${name} goes over to epoch ${status.epoch}, head ${status.headSeq}`);
        break;
      case 'gap':
        this.#gapNumbers += status.range.to - status.range.from + 1;
        break;
      case 'stale':
        this.#staleCount++;
        this.#note(() => `${name} is stale`);
        break;
      case 'refused':
        this.#note(() => `${name} refuses ${status.what}: ${status.error.message}`);
        if (!this.#isCondemned(member)) {
          this.#refusals.received(name, status.what, status.error, this.#moodOf(member));
        }
        break;
      case 'failed':
      case 'fork':
        this.#broken(name, status.error);
        break;
      case 'invalid':
      case 'recordEnds':
      case 'keyRecord':
        this.#broken(name, new Error(`status ${status.type}`));
        break;
      case 'connecting':
      case 'closed':
      case 'clock':
      case 'filled':
      case 'fresh':
        break;
    }
  }

  #onDelivery(member: MemberHost, reader: ReaderMemory, delivery: NetworkDelivery): void {
    const { nowMs } = this.#time;
    const { contents, sender, topic, verdict } = delivery;
    this.#note(() => `${member.name} gets ${contents.join()} of ${sender} on ${topic}, ${reader.source}, ${verdict}`);
    this.#oracle.deliver(reader, delivery, nowMs);
    if (this.#isCondemned(member)) this.#condemnation.seeDelivery(contents);
  }

  /** The broker has heard of the authority: members start, each when it likes. */
  #begin(): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    for (const member of this.#members.values()) {
      this.#authorityMachine.after(this.#random.between(1, 200), () => member.start());
    }
  }

  #onNotConnected(member: MemberHost, error: unknown): void {
    this.#note(() => `${member.name} has no link: ${String(error)}`);
    if (!(error instanceof TridcommError)) this.#broken(member.name, error);
    else if (!this.#isCondemned(member)) this.#refusals.link(member.name, error, this.#moodOf(member));
  }

  #onKeyRecord(record: Uint8Array): void {
    const own = new Uint8Array(record);
    this.#authorityMachine.after(1, () => {
      this.#change((authority, nowMs) => authority.takeKeyRecord(own, nowMs));
    });
  }

  #onBrokerEvent(event: BrokerEvent): void {
    this.#note(() => `broker ${JSON.stringify(event)}`);
    this.#condemnation.see(event);
    if (event.type === 'bundleTaken') {
      this.#begin();
      if (this.#isTelling) this.#brokerIsCurrent();
    }
    if (event.type === 'notKept') this.#forgotMs = Infinity;
    this.#refusals.broker(event, this.#condemnation.isOfHonest(event));
  }

  #moodOf(member: MemberHost): Mood {
    const { fromMs, toMs } = member.calm.at(-1) ?? { fromMs: 0, toMs: 0 };
    const sinceMs = Math.max(fromMs + settleMs, member.enrolledMs + newsMs, this.#changedMs + newsMs);
    const isCalm = toMs === Infinity && sinceMs <= this.#time.nowMs;
    const mayHaveForgotten = this.#time.nowMs < this.#forgotMs + settleMs;
    return { hasBrokerTrouble: this.#broker.hasTrouble || mayHaveForgotten, mayHaveForgotten, isCalm };
  }

  #broken(who: string, error: unknown): void {
    const sentence = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#oracle.report('broken', this.#time.nowMs, `${who}: ${sentence}`);
  }

  #note(line: () => string): void {
    const text = `${this.#time.nowMs - startMs} ${line()}`;
    this.#hash.update(text);
    this.#trace?.push(text);
  }

  #result(): RunResult {
    const { violations, deliveries } = this.#oracle;
    return {
      seed: this.#plan.seed,
      setting: 'links',
      messages: this.#messageCount,
      envelopes: this.#envelopeCount,
      deliveries,
      gapNumbers: this.#gapNumbers,
      staleEvents: this.#staleCount,
      forkEvents: 0,
      simulatedMs: this.#time.nowMs - startMs,
      faults: this.#faults,
      deeds: this.#deeds,
      refusals: this.#refusals.counts,
      violations: violations.map((one) => ({ ...one, atMs: one.atMs - startMs })),
      traceHash: this.#hash.digest('hex'),
      trace: this.#trace ?? [],
    };
  }
}
