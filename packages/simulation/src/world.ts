/** One run: an authority, a relay, members, somebody who betrays them, and what the oracle says of it. */
import { createHash } from 'node:crypto';
import { TridcommError, type CryptoProvider } from '@tridcomm/core';
import {
  Authority,
  decodeBundle,
  encodeBundle,
  Relay,
  type AddressedObject,
  type ClientEvent,
  type GrantFields,
  type RestoreSources,
} from '@tridcomm/core/internal';
import { ManualClock, SeededRandom, SimulatedLink, soundLink } from '@tridcomm/core/testing';
import { ascii, hexOf, isEqual, readU32, readU64, textOf } from './bytes.ts';
import { CryptoMemory, providerOf } from './crypto.ts';
import { calm, HostileRelay, kindOfObject, type ObjectKind } from './hostile-relay.ts';
import { Insider } from './insider.ts';
import { Member, type Parcel } from './member.ts';
import { Oracle, type Scene } from './oracle.ts';
import type { RunResult } from './run-result.ts';
import { outsiderName, scheduleOf, traitorName, type MemberPlan, type Schedule, type Step } from './schedule.ts';
import { Tally } from './tally.ts';
import { lootBlockOf, Thief } from './thief.ts';
import { Traitor } from './traitor.ts';

/** Runs the schedule of a seed. */
export function runMessagesSeed(seed: number, keepsTrace: boolean): RunResult {
  return new World(scheduleOf(seed), keepsTrace).run();
}

/** A message that a reader must get: nothing stood in its way. */
interface Expectation {
  readonly content: string;
  readonly writer: string;
  readonly reader: string;
  readonly atMs: number;
  readonly untilMs: number;
  readonly afterHeal: boolean;
}

/** A key block that the authority made. */
interface MadeBlock {
  readonly bytes: Uint8Array;
  readonly group: number;
  readonly epoch: number;
  readonly madeMs: number;
}

/** When a member was not in a state to send or receive. */
interface Disturbance {
  readonly fromMs: number;
  untilMs: number;
}

const startMs = 1_800_000_000_000;
/** How often members are told that time has passed. */
const tickMs = 2_000;
/** A message and its block may still be asked for once a second, and on the way. */
const settleMs = 6_000;
/** From the heal to the last words: a false head number is disproved, and a volatile reader takes what is younger than its start. */
const calmMs = 65_000;
const skewMs = 30_000;
/** For so long after somebody has joined, writers whose clocks are behind seal under the epoch before. */
const joiningMs = 25_000;

class World {
  readonly #schedule: Schedule;
  readonly #clock = new ManualClock(startMs);
  readonly #random: SeededRandom;
  readonly #memory = new CryptoMemory();
  readonly #hash = createHash('sha256');
  readonly #trace: string[] | undefined;
  readonly #oracle: Oracle;
  readonly #thief: Thief;
  readonly #traitor: Traitor;
  readonly #faults = new Tally();
  readonly #deeds = new Tally();
  readonly #refusals = new Tally();
  readonly #members = new Map<string, Member>();
  readonly #groupIds: string[] = [];
  readonly #blocks: MadeBlock[] = [];
  readonly #newestObjects = new Map<string, AddressedObject>();
  readonly #authorityRecords: Uint8Array[] = [];
  readonly #disturbances = new Map<string, Disturbance[]>();
  readonly #readySince = new Map<string, number>();
  readonly #expectations: Expectation[] = [];
  readonly #lastHeads = new WeakMap<Member, object>();
  readonly #authorityProvider: CryptoProvider;
  readonly #authoritySeeds = new Map<string, Uint8Array>();
  #authority!: Authority;
  /** Always honest, and always told; members are connected to it unless the relay is hostile. */
  #relay!: Relay;
  #hostile: HostileRelay | undefined;
  #toBroker: SimulatedLink<Uint8Array> | undefined;
  #snapshot: { readonly bytes: Uint8Array; readonly atMs: number; readonly authorityRecords: number } | undefined;
  #headSeq = 0;
  #messageCount = 0;
  #envelopeCount = 0;
  #deliveryCount = 0;
  #staleCount = 0;
  #forkCount = 0;
  #hasRogueBlock = false;
  #hasRolledOver = false;
  #isHealed = false;

  constructor(schedule: Schedule, keepsTrace: boolean) {
    this.#schedule = schedule;
    this.#random = new SeededRandom(schedule.seed, 1);
    this.#trace = keepsTrace ? [] : undefined;
    const provider = providerOf(this.#memory, this.#random.fork().bytes);
    this.#authorityProvider = {
      ...provider,
      ed25519Sign: (seed32, message) => {
        this.#authoritySeeds.set(hexOf(seed32), new Uint8Array(seed32));
        return provider.ed25519Sign(seed32, message);
      },
    };
    this.#oracle = new Oracle(
      {
        maxHeadAgeMs: schedule.groups.map(({ maxHeadAgeMs }) => maxHeadAgeMs),
        staleOk: schedule.groups.map(({ staleOk }) => staleOk),
        honestBoundMs: schedule.setting === 'honest' ? settleMs + this.#delayMs : undefined,
      },
      traitorName,
    );
    this.#thief = new Thief(this.#authorityProvider);
    this.#traitor = new Traitor(this.#authorityProvider, this.#random.fork(), this.#thief);
  }

  run(): RunResult {
    this.#found();
    for (const { atMs, step } of this.#schedule.steps) this.#clock.at(startMs + atMs, () => this.#do(step));
    const { healMs } = this.#schedule;
    this.#clock.at(startMs + healMs, () => this.#heal());
    this.#clock.at(startMs + healMs + calmMs, () => this.#lastWords());
    this.#clock.advanceTo(startMs + healMs + calmMs + 2 * settleMs + 6 * this.#delayMs);
    this.#judge();
    return this.#result();
  }

  /** The authority, the groups, and everybody who is there from the start. */
  #found(): void {
    const { clock, random, hostile } = { clock: this.#clock, random: this.#random, hostile: this.#isHostile };
    const waiting: Uint8Array[] = [];
    let publish = (bundle: Uint8Array): void => void waiting.push(bundle);
    const options = {
      provider: this.#authorityProvider,
      random: random.fork().bytes,
      publish: (bundle: Uint8Array) => publish(bundle),
    };
    this.#authority = Authority.create(options, clock.nowMs);
    const { authorityId32 } = this.#authority;
    this.#relay = new Relay({
      provider: providerOf(this.#memory, random.fork().bytes),
      authorityId32,
      now: () => clock.nowMs,
    });
    if (hostile) this.#hostile = new HostileRelay(clock, random.fork(), this.#faults);
    this.#toBroker = new SimulatedLink(clock, random.fork(), { ...soundLink, maxDelayMs: 20 }, (bundle) => {
      this.#hostile?.apply(bundle);
      try {
        this.#relay.apply(bundle);
      } catch (error) {
        this.#oracle.report('broken', clock.nowMs, `the honest relay refused a bundle: ${String(error)}`);
      }
    });
    publish = (bundle) => this.#publish(bundle);
    for (const bundle of waiting) this.#publish(bundle);

    for (const plan of this.#schedule.groups) {
      const { patterns, blockKind, suite, maxHeadAgeMs, epochLifeMs, drainMs, periodMs, staleOk } = plan;
      const fields = { patterns, blockKind, suite, maxHeadAgeMs, epochLifeMs, drainMs, periodMs, staleOk };
      // Known before the group's first block is made, so that it is counted.
      const expected = this.#groupIds.length;
      const id = hexOf(this.#authority.addGroup(fields, clock.nowMs));
      this.#groupIds[expected] = id;
    }
    const outsider: MemberPlan = {
      name: outsiderName,
      writes: false,
      reads: true,
      durable: false,
      skewMs: 0,
      joinsMs: 0,
      joinNow: false,
    };
    for (const plan of [...this.#schedule.members, outsider]) this.#addMember(plan);
    const grants = this.#schedule.members
      .filter(({ joinsMs }) => joinsMs === 0)
      .flatMap((plan) => this.#grantsOf(plan));
    this.#authority.grantAll(grants, clock.nowMs);
    for (const member of this.#members.values()) {
      // The outsider has nothing to do with a client of its own.
      if (member.name === outsiderName) continue;
      member.connect(this.#hostile ?? this.#relay);
      member.start();
      const { joinsMs } = member.plan;
      this.#readySince.set(member.name, clock.nowMs + joinsMs + settleMs + (joinsMs > 0 ? joiningMs : 0));
    }
    this.#tickAuthority();
    this.#tickMembers();
  }

  get #isHostile(): boolean {
    return this.#schedule.setting === 'hostile';
  }

  get #delayMs(): number {
    return 4 * this.#schedule.link.maxDelayMs;
  }

  #addMember(plan: MemberPlan): void {
    const { setting, link, groups } = this.#schedule;
    const name = plan.name;
    const isTraitor = name === traitorName;
    const random = this.#random.fork();
    const member: Member = new Member(plan, {
      clock: this.#clock,
      provider: providerOf(
        this.#memory,
        random.bytes,
        isTraitor ? (secret) => this.#thief.addSecret(secret) : undefined,
      ),
      random,
      authorityId32: this.#authority.authorityId32,
      quality: setting === 'rough' ? soundLink : link,
      subscriptions: groups.flatMap(({ patterns }) => patterns),
      onEvent: (event) => this.#onEvent(member, event),
      onParcel: (parcel) => this.#onParcel(member, parcel),
      afterwards: () => this.#afterwards(member),
      onBrokerRefusal: (request, error) => this.#onBrokerRefusal(member, request.do, error),
      onBroken: (error) => this.#onBroken(member, error),
    });
    this.#members.set(name, member);
    if (isTraitor) this.#traitor.identity = member.identity;
    this.#authority.issue(member.identity.key, { name }, this.#clock.nowMs);
    const record = member.identity.keyRecord(this.#authority.authorityId32, 1, this.#clock.nowMs);
    this.#authority.takeKeyRecord(record, this.#clock.nowMs);
    // Links get bad once everybody is there.
    this.#clock.after(settleMs, () => (member.quality = link));
  }

  #grantsOf({ name, writes, reads, joinNow }: MemberPlan): GrantFields[] {
    const { keyId32 } = this.#members.get(name)!;
    const join = joinNow ? 'now' : 'next';
    return this.#schedule.groups.flatMap(({ patterns, everything }) => [
      ...(writes ? patterns.map((pattern) => ({ keyId32, action: 'publish', pattern, join }) as const) : []),
      // Who reads a group reads all of it.
      ...(reads ? [{ keyId32, action: 'subscribe', pattern: everything, join } as const] : []),
    ]);
  }

  #tickAuthority(): void {
    const authority = this.#authority;
    const atMs = Math.max(authority.nextTickMs(this.#clock.nowMs), this.#clock.nowMs + 1);
    this.#clock.at(atMs, () => {
      // One that was restored has ticks of its own.
      if (authority !== this.#authority) return;
      authority.tick(this.#clock.nowMs);
      this.#tickAuthority();
    });
  }

  #tickMembers(): void {
    for (const member of this.#members.values()) member.tick();
    this.#clock.after(tickMs, () => this.#tickMembers());
  }

  /** A bundle of the authority: what is in it is noted, and it goes to the broker. */
  #publish(bundle: Uint8Array): void {
    for (const { address16, bytes: view } of decodeBundle(bundle)) {
      const bytes = new Uint8Array(view);
      const kind = kindOfObject(bytes);
      this.#newestObjects.set(`${kind} ${hexOf(address16)}`, { address16: new Uint8Array(address16), bytes });
      if (kind === 'authority') this.#authorityRecords.push(bytes);
      if (kind === 'enrolment') this.#thief.addEnrolment(bytes);
      if (kind === 'block') this.#noteBlock(bytes);
      if (kind === 'head' || kind === 'groupHead') this.#headSeq = Math.max(this.#headSeq, readU64(bytes, 40));
      if (kind === 'groupHead') {
        this.#oracle.makeHead(this.#groupOf(bytes.subarray(265, 281)), readU64(bytes, 40), readU32(bytes, 285));
      }
    }
    this.#note(() => `authority publishes ${bundle.length} bytes, head ${this.#headSeq}`);
    this.#toBroker?.send(bundle);
  }

  #noteBlock(bytes: Uint8Array): void {
    const { groupId, epoch } = lootBlockOf(bytes);
    const group = this.#groupOf(Buffer.from(groupId, 'hex'));
    if (this.#blocks.some((block) => isEqual(block.bytes, bytes))) return;
    this.#blocks.push({ bytes, group, epoch, madeMs: this.#clock.nowMs });
    this.#tryLoot(this.#blocks.at(-1)!);
  }

  /** Whether the traitor opens a block that was made after it lost its seat. */
  #tryLoot({ bytes, group, epoch }: MadeBlock): void {
    const { condemned } = this.#oracle;
    if (condemned?.read !== true || epoch < condemned.epochs[group]!) return;
    this.#deeds.add('loot tried');
    if (this.#thief.open(bytes) === undefined) return;
    this.#oracle.report(
      'revoked reader reads',
      this.#clock.nowMs,
      `${traitorName} opens epoch ${epoch} of group ${group}`,
    );
  }

  #groupOf(groupId16: Uint8Array): number {
    const id = hexOf(groupId16);
    const index = this.#groupIds.indexOf(id);
    if (index >= 0) return index;
    this.#groupIds.push(id);
    return this.#groupIds.length - 1;
  }

  #do(step: Step): void {
    this.#note(() => `step ${describe(step)}`);
    this.#deeds.add(step.do);
    const nowMs = this.#clock.nowMs;
    const authority = this.#authority;
    const groupId16 = 'group' in step ? Buffer.from(this.#groupIds[step.group]!, 'hex') : new Uint8Array(16);
    switch (step.do) {
      case 'publish':
        this.#publishAs(this.#members.get(step.member)!, step.group, step.topic, step.count);
        break;
      case 'rotate':
        this.#rotate(groupId16, step.aheadMs);
        break;
      case 'new generation':
        authority.newGeneration(groupId16, nowMs);
        break;
      case 'reseat':
        if (this.#mayRead(step.member)) authority.reseat(groupId16, this.#members.get(step.member)!.keyId32, nowMs);
        break;
      case 'delegate':
        authority.delegate(nowMs);
        break;
      case 'roll over':
        authority.rollover(nowMs);
        this.#hasRolledOver = this.#snapshot !== undefined;
        break;
      case 'snapshot':
        this.#snapshot = { bytes: authority.snapshot(), atMs: nowMs, authorityRecords: this.#authorityRecords.length };
        break;
      case 'restore':
        this.#restore();
        break;
      case 'join':
        this.#members.get(step.member)!.sinceMs = nowMs;
        authority.grantAll(this.#grantsOf(this.#members.get(step.member)!.plan), nowMs);
        break;
      case 'condemn':
        this.#condemn(step.how);
        break;
      case 'betray':
        this.#betray(step.group, step.topic);
        break;
      case 'outsider':
        this.#outsiderWrites();
        break;
      case 'fork':
        this.#fork();
        break;
      case 'rogue':
        this.#rogue();
        break;
      case 'replay all':
        this.#hostile?.replayAll();
        break;
      case 'steal':
        this.#steal();
        break;
      case 'restart':
        this.#faults.add('restart');
        this.#restart(this.#members.get(step.member)!, step.downMs, step.keepsState);
        break;
      case 'jump':
        this.#jump(this.#members.get(step.member)!, step.byMs);
        break;
      case 'cut':
        this.#faults.add('cut');
        this.#cut(this.#members.get(step.member)!, step.forMs);
        break;
      case 'mood':
        this.#hostile!.mood = this.#isHealed
          ? calm
          : { ...step.mood, ...(step.mood.victims && { victims: this.#keyIdsOf(step.mood.victims) }) };
        break;
    }
  }

  #rotate(groupId16: Uint8Array, aheadMs: number): void {
    const nowMs = this.#clock.nowMs;
    try {
      this.#authority.rotate(groupId16, nowMs, aheadMs > 0 ? { notBeforeMs: nowMs + aheadMs } : {});
    } catch (error) {
      // There is a block ahead already.
      if (!(error instanceof TridcommError) || error.code !== 'E_USAGE') throw error;
      this.#deeds.add('rotation refused');
    }
  }

  #keyIdsOf(names: ReadonlySet<string>): Set<string> {
    return new Set(Array.from(names, (name) => hexOf(this.#members.get(name)!.keyId32)));
  }

  #mayRead(name: string): boolean {
    const { joinsMs } = this.#members.get(name)!.plan;
    const isHere = startMs + joinsMs < this.#clock.nowMs;
    return isHere && (name !== traitorName || this.#oracle.condemned?.read !== true);
  }

  /** @param tries - left after a refusal, which a bundle on its way may explain; it takes two of them to meet the next bundle too */
  #publishAs(member: Member, group: number, topicIndex: number, count: number, tries = 2): void {
    const { client } = member;
    const topic = this.#schedule.groups[group]!.topics[topicIndex]!;
    if (client === undefined) return;
    const contents = Array.from({ length: count }, () => this.#newContent(member.name));
    try {
      const published = client.publish(topic, contents.map(ascii), member.localMs);
      const [envelope] = published.envelopes;
      if (envelope === undefined) return;
      this.#messageCount += count;
      this.#envelopeCount++;
      this.#traitor.see(group, topic, envelope);
      this.#noteSealed(member, group, topic, contents, envelope, false);
      this.#expect(member, group, contents, envelope);
      this.#note(
        () =>
          `${member.name} seals ${contents.join()} on ${topic}, epoch ${published.epoch}, head ${published.headSeq}`,
      );
    } catch (error) {
      if (!(error instanceof TridcommError)) throw error;
      this.#refusals.add(`seal ${error.code}`);
      this.#note(() => `${member.name} cannot seal: ${error.message}`);
      if (!this.#isLive(member, this.#clock.nowMs) || (error.code === 'E_EPOCH' && this.#isEarly(member, group)))
        return;
      if (tries > 0) {
        const laterMs = settleMs / 2 + this.#delayMs;
        this.#clock.after(laterMs, () => this.#publishAs(member, group, topicIndex, count, tries - 1));
      } else {
        const name = this.#isHealed ? 'not resumed' : 'refused to seal';
        this.#oracle.report(name, this.#clock.nowMs, `${member.name}: ${error.message}`);
      }
    }
  }

  /** Whether a clock that is behind has not come to the first epoch that a member knows: there is none before it to seal under. */
  #isEarly(member: Member, group: number): boolean {
    const [before, newest] = this.#blocks.filter((block) => block.group === group).slice(-2);
    const knowsBefore = before !== undefined && newest !== undefined && before.madeMs > member.sinceMs;
    return !knowsBefore && lootBlockOf((newest ?? before)!.bytes).notBeforeMs > member.localMs;
  }

  #newContent(writer: string): string {
    return `${writer}#${this.#oracle.sealed.size}.${this.#random
      .u32()
      .toString(36)
      .repeat(1 + this.#random.below(3))}`;
  }

  #noteSealed(
    member: Member,
    group: number,
    topic: string,
    contents: readonly string[],
    envelope: Uint8Array,
    isRaw: boolean,
  ): void {
    this.#oracle.seal(
      {
        writer: member.name,
        group,
        topic,
        contents,
        epoch: readU32(envelope, 24),
        stream: hexOf(envelope.subarray(8, 28)) + hexOf(envelope.subarray(32, 56)),
        seq: readU64(envelope, 56),
        timestampMs: readU64(envelope, 64),
        atMs: this.#clock.nowMs,
        isRaw,
      },
      this.#sceneOf(member, group),
    );
  }

  #sceneOf(member: Member, group: number): Scene {
    const view = member.client?.view(Buffer.from(this.#groupIds[group]!, 'hex'), member.localMs);
    return {
      member: member.name,
      atMs: this.#clock.nowMs,
      localMs: member.localMs,
      viewHeadSeq: view?.headSeq ?? 0,
    };
  }

  /** Who is ready, undisturbed and in its rights, by all that an honest relay and honest links promise. */
  #isLive(member: Member, atMs: number): boolean {
    const { setting } = this.#schedule;
    const isPromised = this.#isHealed ? !member.hasJumped : setting === 'honest';
    const isHere = member.client !== undefined && (this.#readySince.get(member.name) ?? Infinity) <= atMs;
    return isPromised && isHere && (member.name !== traitorName || this.#oracle.condemned === undefined);
  }

  /** Everybody who is live now must get it, unless something happens to it or to the writer on the way. */
  #expect(writer: Member, group: number, contents: readonly string[], envelope: Uint8Array): void {
    const atMs = this.#clock.nowMs;
    if (!this.#isLive(writer, atMs)) return;
    // With a drain that is shorter than what clocks differ by, somebody has closed an epoch that another still writes in.
    const isLate = readU32(envelope, 24) < this.#newestBlock(group)!.epoch;
    if (isLate && this.#schedule.groups[group]!.drainMs < 30_000) return;
    const stream = hexOf(envelope.subarray(8, 28)) + hexOf(envelope.subarray(32, 56));
    const [seq, timestampMs] = [readU64(envelope, 56), readU64(envelope, 64)];
    for (const reader of this.#members.values()) {
      if (!reader.plan.reads || reader === writer || reader.name === outsiderName || !this.#isLive(reader, atMs))
        continue;
      if (!reader.isDurable && reader.bootMs > 0 && timestampMs <= reader.bootMs + skewMs) continue;
      // Up to 64 numbers of a stream may be refused after a restart.
      if (seq <= this.#floorOf(reader, stream)) continue;
      for (const content of contents) {
        const untilMs = atMs + settleMs + this.#delayMs;
        this.#expectations.push({
          content,
          writer: writer.name,
          reader: reader.name,
          atMs,
          untilMs,
          afterHeal: this.#isHealed,
        });
      }
    }
  }

  #floorOf(reader: Member, stream: string): number {
    const hi = this.#oracle.resumedTo(reader.name, reader.life, stream);
    return hi === 0 ? 0 : hi + 64;
  }

  #condemn(how: 'revoke' | 'withdraw publish' | 'withdraw subscribe' | 'withdraw both'): void {
    const traitor = this.#members.get(traitorName)!;
    const { keyId32 } = traitor;
    const atMs = this.#clock.nowMs;
    const groups = this.#schedule.groups.length;
    const before = Array.from({ length: groups }, (_, group) => this.#newestBlock(group));
    for (const [group, block] of before.entries()) {
      if (block !== undefined && this.#thief.open(block.bytes) === undefined) {
        this.#oracle.report(
          'broken',
          atMs,
          `the thief does not open epoch ${block.epoch} of group ${group}, which it may`,
        );
      }
    }
    if (how === 'revoke') this.#authority.revoke(keyId32, atMs);
    const actions = { revoke: [], 'withdraw publish': ['publish'], 'withdraw subscribe': ['subscribe'] } as const;
    for (const action of how === 'withdraw both' ? (['publish', 'subscribe'] as const) : actions[how]) {
      for (const { patterns, everything } of this.#schedule.groups) {
        for (const pattern of action === 'publish' ? patterns : [everything]) {
          this.#authority.withdraw({ keyId32, action, pattern }, atMs);
        }
      }
    }
    const losesAll = how === 'revoke' || how === 'withdraw both';
    this.#oracle.condemned = {
      publish: how !== 'withdraw subscribe',
      subscribe: how !== 'withdraw publish',
      read: losesAll,
      atMs,
      headSeq: this.#headSeq,
      epochs: Array.from({ length: groups }, (_, group) => this.#newestBlock(group)?.epoch ?? 0),
    };
    if (!losesAll) return;
    for (const block of this.#blocks) this.#tryLoot(block);
    for (const [group, block] of before.entries()) {
      if (block !== this.#newestBlock(group)) continue;
      this.#oracle.report('revoked reader reads', atMs, `no new key block of group ${group} when ${traitorName} left`);
    }
  }

  /** What the authority published last, under every address of a kind. */
  #newest(kind: ObjectKind): AddressedObject[] {
    return [...this.#newestObjects].filter(([name]) => name.startsWith(`${kind} `)).map(([, object]) => object);
  }

  #newestBlock(group: number): MadeBlock | undefined {
    return this.#blocks.findLast((block) => block.group === group);
  }

  /** The traitor seals with what it has, and gives it to the relay. */
  #betray(group: number, topicIndex: number): void {
    const { topics, patterns } = this.#schedule.groups[group]!;
    const topic = topics[topicIndex]!;
    const traitor = this.#members.get(traitorName)!;
    const content = this.#newContent(traitorName);
    const blocks = this.#blocks.filter((block) => block.group === group).map(({ bytes }) => bytes);
    const hasChains = patterns.some((pattern) => pattern.endsWith('**'));
    const envelope = this.#traitor.seal({
      group,
      topic,
      hasChains,
      blocks,
      content,
      nowMs: this.#clock.nowMs,
      headSeq: this.#headSeq,
    });
    if (envelope === undefined) return;
    this.#deeds.add('forged by a traitor');
    this.#noteSealed(traitor, group, topic, [content], envelope, true);
    this.#hostile!.publish(envelope);
  }

  /** Somebody without rights, whom the traitor told its keys. */
  #outsiderWrites(): void {
    const outsider = this.#members.get(outsiderName)!;
    const { topics, patterns } = this.#schedule.groups[0]!;
    const content = this.#newContent(outsiderName);
    const blocks = this.#blocks.filter(({ group }) => group === 0).map(({ bytes }) => bytes);
    const hasChains = patterns.some((pattern) => pattern.endsWith('**'));
    const signer = outsider.identity.key;
    const order = {
      group: 0,
      topic: topics[0]!,
      hasChains,
      blocks,
      content,
      nowMs: this.#clock.nowMs,
      headSeq: this.#headSeq,
    };
    const envelope = this.#traitor.seal(order, signer);
    if (envelope === undefined) return;
    this.#noteSealed(outsider, 0, topics[0]!, [content], envelope, true);
    this.#hostile!.publish(envelope);
  }

  /** Somebody with the status key makes a second head of the newest number. */
  #fork(): void {
    this.#faults.add('fork');
    const groupHeads = this.#newest('groupHead');
    const forked = this.#insider.forkHead(groupHeads.map(({ bytes }) => bytes));
    this.#slip(groupHeads.map(({ address16 }, i) => ({ address16, bytes: forked[i]! })));
  }

  /** Somebody with the status and controller keys makes a block for other writers than the policy's. */
  #rogue(): void {
    const newest = this.#newestBlock(0);
    const [groupHead] = this.#newest('groupHead');
    const [blockAt] = this.#newest('block');
    const secret = newest && this.#thief.open(newest.bytes);
    if (this.#groupIds.length > 1 || this.#schedule.groups[0]!.blockKind !== 1 || secret === undefined) return;
    this.#faults.add('rogue block');
    const prekeys = Array.from(this.#members.values(), ({ identity }) => identity.prekeys.all().at(-1)!.publicKey);
    const rogue = this.#insider.rogueBlock(newest!.bytes, secret, prekeys, groupHead!.bytes);
    if (rogue === undefined) return;
    this.#hasRogueBlock = true;
    this.#slip([
      { address16: blockAt!.address16, bytes: rogue.block },
      { address16: groupHead!.address16, bytes: rogue.groupHead },
    ]);
  }

  get #insider(): Insider {
    const random = this.#random.fork();
    return new Insider(this.#authorityProvider, random, this.#authority.authorityId32, this.#authoritySeeds.values());
  }

  /** Gives the hostile relay, and only that, objects that the authority never made. */
  #slip(objects: readonly AddressedObject[]): void {
    this.#note(() => `somebody gives the relay ${objects.length} objects with stolen keys`);
    this.#hostile!.apply(encodeBundle(objects));
  }

  /** Somebody copies what durable members have written down, and tries it on everything that was before. */
  #steal(): void {
    for (const member of this.#members.values()) {
      for (const state of member.stolenBytes()) {
        for (const group of this.#schedule.groups.keys()) this.#tryPast(member, group, state);
      }
    }
  }

  #tryPast(member: Member, group: number, state: Uint8Array): void {
    const epoch = member.client?.view(Buffer.from(this.#groupIds[group]!, 'hex'), member.localMs)?.epoch;
    if (epoch === undefined || this.#schedule.groups[group]!.blockKind !== 2) return;
    const past = this.#blocks.findLast((block) => block.group === group && block.epoch < epoch);
    if (past === undefined) return;
    for (let at = 0; at + 32 <= state.length; at++) {
      if (!this.#thief.opensWith(past.bytes, state.subarray(at, at + 32))) continue;
      const sentence = `what ${member.name} stores in epoch ${epoch} opens epoch ${past.epoch}`;
      this.#oracle.report('past readable', this.#clock.nowMs, sentence);
      return;
    }
  }

  /** Of durable members alone: what a volatile one may accept after a restart hangs on its clock, and on nothing else. */
  #jump(member: Member, byMs: number): void {
    if (!member.isDurable) return;
    this.#faults.add('clock jump');
    member.jumpedMs = byMs;
    member.hasJumped = true;
  }

  #restart(member: Member, downMs: number, keepsState: boolean): void {
    if (member.client === undefined) return;
    this.#disturb(member, downMs + settleMs);
    member.crash(keepsState || member.hasJumped);
    this.#clock.after(downMs, () => this.#comeBack(member));
  }

  #comeBack(member: Member): void {
    if (member.client !== undefined) return;
    member.connect(this.#isHealed ? this.#relay : (this.#hostile ?? this.#relay));
    if (member.isDurable) this.#oracle.resume(member.name, member.life + 1);
    member.start();
    this.#note(() => `${member.name} is back, life ${member.life}, ${member.isDurable ? 'with' : 'without'} its store`);
  }

  #cut(member: Member, forMs: number): void {
    this.#disturb(member, forMs + settleMs);
    member.disconnect();
    this.#clock.after(forMs, () => {
      if (member.client !== undefined) member.connect(this.#isHealed ? this.#relay : (this.#hostile ?? this.#relay));
    });
  }

  #disturb(member: Member, forMs: number): void {
    const untilMs = this.#clock.nowMs + forMs + this.#delayMs;
    const all = this.#disturbances.get(member.name) ?? [];
    this.#disturbances.set(member.name, all);
    all.push({ fromMs: this.#clock.nowMs, untilMs });
    this.#readySince.set(member.name, Math.max(untilMs, this.#readySince.get(member.name) ?? 0));
  }

  #restore(): void {
    const snapshot = this.#snapshot!;
    const nowMs = this.#clock.nowMs;
    this.#faults.add('restore');
    // Tags change with it, and what is on its way under the old ones is not routed any more.
    for (const member of this.#members.values()) this.#disturb(member, settleMs);
    const newest = (kind: ObjectKind): Uint8Array[] => this.#newest(kind).map(({ bytes }) => bytes);
    const heads = [...newest('groupHead'), ...newest('head')];
    for (const { client } of this.#members.values())
      if (client?.trust.head !== undefined) heads.push(client.trust.head.bytes);
    const sources: RestoreSources = {
      heads,
      blocks: Array.from(this.#groupIds.keys(), (group) => this.#newestBlock(group)!.bytes),
      authorityRecords: this.#authorityRecords.slice(snapshot.authorityRecords),
      revocationLists: newest('revocations'),
      policies: newest('policy'),
      edgeLists: newest('edge'),
    };
    const options = {
      provider: this.#authorityProvider,
      random: this.#random.fork().bytes,
      publish: (bundle: Uint8Array) => this.#publish(bundle),
    };
    try {
      this.#authority = Authority.restore(options, snapshot.bytes, sources, nowMs);
    } catch (error) {
      // A root that was rolled over is in no snapshot from before.
      if (!(error instanceof TridcommError) || error.code !== 'E_KEY' || !this.#hasRolledOver) throw error;
      this.#deeds.add('restore without a root');
      return;
    }
    // What was granted since stands in no snapshot: the operator grants it again.
    for (const { plan } of this.#members.values()) {
      const joinedMs = startMs + plan.joinsMs;
      if (plan.joinsMs > 0 && joinedMs >= snapshot.atMs && joinedMs <= nowMs) {
        this.#authority.grantAll(this.#grantsOf(plan), nowMs);
        const member = this.#members.get(plan.name)!;
        member.sinceMs = nowMs;
        this.#disturb(member, joiningMs);
      }
    }
    this.#tickAuthority();
  }

  /** All trouble ends: everybody is up, clocks are right, links are sound, and the relay is the honest one. */
  #heal(): void {
    this.#note(() => 'heal');
    this.#isHealed = true;
    if (this.#hostile !== undefined) this.#hostile.mood = calm;
    for (const member of this.#members.values()) {
      member.quality = soundLink;
      member.jumpedMs = 0;
      if (member.name === outsiderName) continue;
      if (member.client === undefined) this.#comeBack(member);
      else member.connect(this.#relay);
    }
    for (const id of this.#groupIds) {
      const groupId16 = Buffer.from(id, 'hex');
      if (this.#random.chance(0.5)) this.#rotate(groupId16, 0);
      // Where a stolen key made a block, the number of the next may be taken.
      if (this.#hasRogueBlock) for (let i = 0; i < 2; i++) this.#authority.newGeneration(groupId16, this.#clock.nowMs);
    }
    for (const name of this.#members.keys()) this.#readySince.set(name, this.#clock.nowMs + calmMs - 1);
  }

  /** Every writer that is still one says something on every topic; more where the run had little to say. */
  #lastWords(): void {
    for (let round = 0; round < 16; round++) {
      if (round > 0 && this.#messageCount >= 50) return;
      for (const member of this.#members.values()) {
        if (!member.plan.writes) continue;
        for (const group of this.#schedule.groups.keys()) {
          this.#publishAs(member, group, this.#random.below(2), this.#random.between(2, 5));
        }
      }
    }
  }

  #onEvent(member: Member, event: ClientEvent): void {
    switch (event.type) {
      case 'message': {
        const { topic, sender, messages, stale, gaps, filled, groupId16 } = event.delivery;
        const group = this.#groupOf(groupId16);
        const contents = messages.map(({ payload }) => textOf(payload));
        this.#deliveryCount += contents.length;
        this.#note(
          () => `${member.name} gets ${contents.join()} of ${sender.name} on ${topic}${stale ? ', stale' : ''}`,
        );
        const delivered = { sender: sender.name, topic, contents, stale, gaps, filled };
        this.#oracle.deliver(this.#sceneOf(member, group), member.life, delivered);
        break;
      }
      case 'gap':
      case 'filled':
        this.#note(() => `${member.name} ${event.type} ${event.range.from} to ${event.range.to}`);
        break;
      case 'view': {
        const group = this.#groupOf(event.groupId16);
        this.#note(() => `${member.name} goes over to head ${event.headSeq}, epoch ${event.epoch} of group ${group}`);
        const scene = { ...this.#sceneOf(member, group), viewHeadSeq: event.headSeq };
        this.#oracle.adopt(scene, member.memory, group, event.epoch);
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
        this.#note(() => `${member.name} hears of a head that is not there`);
        break;
      // Of patterns that this run does not have.
      case 'work':
      case 'routed':
      case 'heard':
      case 'reply':
      case 'surveyReply':
      case 'surveyEnd':
      case 'pool':
        break;
    }
  }

  #renewKeys(keyRecord: Uint8Array): void {
    try {
      this.#authority.takeKeyRecord(keyRecord, this.#clock.nowMs);
    } catch (error) {
      // Of somebody who was revoked, or whose clock has jumped.
      if (!(error instanceof TridcommError)) throw error;
      this.#refusals.add(`authority ${error.code}`);
    }
  }

  #onParcel(member: Member, parcel: Parcel): void {
    if (parcel.is === 'envelope') return;
    const kind = kindOfObject(parcel.bytes);
    if (kind === 'head' || kind === 'groupHead') this.#oracle.handHead(member.name, readU64(parcel.bytes, 48));
  }

  #afterwards(member: Member): void {
    const head = member.client?.trust.head;
    if (head === undefined || head === this.#lastHeads.get(member)) return;
    this.#lastHeads.set(member, head);
    this.#oracle.holdHead(this.#sceneOf(member, 0), member.memory, head.headSeq, hexOf(head.hash32));
  }

  #onBrokerRefusal(member: Member, what: string, error: unknown): void {
    if (!(error instanceof TridcommError)) {
      this.#onBroken(member, error);
      return;
    }
    this.#refusals.add(`relay ${error.code}`);
    this.#note(() => `the relay refuses ${member.name} to ${what}: ${error.message}`);
  }

  #onBroken(member: Member, error: unknown): void {
    const sentence = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#oracle.report('broken', this.#clock.nowMs, `${member.name}: ${sentence}`);
  }

  /** What can only be said at the end. */
  #judge(): void {
    for (const block of this.#blocks) this.#tryLoot(block);
    const { condemned } = this.#oracle;
    for (const { content, writer, reader, atMs, untilMs, afterHeal } of this.#expectations) {
      if (this.#oracle.delivered.get(reader)?.has(content) === true) continue;
      const isDisturbed = [writer, reader].some((name) =>
        this.#disturbances.get(name)?.some((one) => one.fromMs <= untilMs && atMs <= one.untilMs),
      );
      const isCondemned =
        condemned !== undefined && [writer, reader].includes(traitorName) && condemned.atMs <= untilMs;
      if (isDisturbed || isCondemned) continue;
      const sentence = `${reader} never got ${content} of ${writer}`;
      this.#oracle.report(afterHeal ? 'not resumed' : 'lost', atMs, sentence);
    }
  }

  #note(line: () => string): void {
    const text = `${this.#clock.nowMs - startMs} ${line()}`;
    this.#hash.update(text);
    this.#trace?.push(text);
  }

  #result(): RunResult {
    for (const { linkCounts } of this.#members.values()) {
      this.#faults.add('link loss', linkCounts.lost);
      this.#faults.add('link duplicate', linkCounts.duplicated);
      this.#faults.add('link reorder', linkCounts.reordered);
    }
    return {
      seed: this.#schedule.seed,
      setting: this.#schedule.setting,
      messages: this.#messageCount,
      envelopes: this.#envelopeCount,
      deliveries: this.#deliveryCount,
      gapNumbers: this.#oracle.gapNumbers,
      staleEvents: this.#staleCount,
      forkEvents: this.#forkCount,
      simulatedMs: this.#clock.nowMs - startMs,
      faults: this.#faults,
      deeds: this.#deeds,
      refusals: this.#refusals,
      violations: this.#oracle.violations.map((one) => ({ ...one, atMs: one.atMs - startMs })),
      traceHash: this.#hash.digest('hex'),
      trace: this.#trace ?? [],
    };
  }
}

function describe(step: Step): string {
  return JSON.stringify(step, (_, value: unknown) => (value instanceof Set ? [...value] : value));
}
