/** One run: an authority, a broker, those who ask, those who work, one of whom loses that right, and what the oracles say of it. */
import { MemoryEffectStore } from '@tridcomm/client-node';
import { TridcommError } from '@tridcomm/core';
import type { GrantFields } from '@tridcomm/core/internal';
import { soundLink, type SeededRandom } from '@tridcomm/core/testing';
import { providerOf } from '../crypto.ts';
import { HostileRelay } from '../hostile-relay.ts';
import { Member } from '../member.ts';
import type { RunResult } from '../run-result.ts';
import { traitorName } from '../schedule.ts';
import type { AppHost } from './app.ts';
import { readCounts } from './effect-counts.ts';
import { HonestBroker } from './honest-broker.ts';
import { HostileWorks } from './hostile-works.ts';
import { MemberEvents } from './member-events.ts';
import { Mishaps } from './mishaps.ts';
import { Office } from './office.ts';
import {
  busTopic,
  patternsPlanOf,
  pollTopic,
  type PatternsMemberPlan,
  type PatternsPlan,
  type PatternsStep,
} from './plan.ts';
import { PoolAsker } from './pool-asker.ts';
import { PoolRouter } from './pool-router.ts';
import { PoolWorker } from './pool-worker.ts';
import { Expectations } from './expectations.ts';
import { RunState } from './run-state.ts';
import { Speech } from './speech.ts';
import { Surveyor } from './surveyor.ts';
import { brokerTickMs, calmMs, lastMs, settleMs, startMs, tickMs } from './times.ts';

/** Runs the plan of a seed. */
export async function runPatternsSeed(seed: number, keepsTrace: boolean): Promise<RunResult> {
  return await new PatternsWorld(patternsPlanOf(seed), keepsTrace).run();
}

class PatternsWorld {
  readonly #state: RunState;
  readonly #office: Office;
  readonly #expectations: Expectations;
  readonly #speech: Speech;
  readonly #mishaps: Mishaps;
  readonly #events: MemberEvents;
  readonly #store = new MemoryEffectStore({ bornMs: 0 });
  #isStirred = false;

  constructor(plan: PatternsPlan, keepsTrace: boolean) {
    this.#state = new RunState(plan, keepsTrace);
    this.#office = new Office(this.#state);
    this.#expectations = new Expectations(this.#state, this.#office);
    this.#speech = new Speech(this.#state, this.#office, this.#expectations);
    this.#mishaps = new Mishaps(this.#state, this.#office, this.#expectations);
    this.#events = new MemberEvents(this.#state, this.#office, this.#expectations);
  }

  async run(): Promise<RunResult> {
    const { clock, plan } = this.#state;
    this.#found();
    for (const { atMs, step } of plan.steps) clock.at(startMs + atMs, () => this.#do(step));
    clock.at(startMs + plan.healMs, () => this.#mishaps.heal());
    clock.at(startMs + plan.healMs + calmMs, () => this.#speech.lastWords());
    const endMs = startMs + plan.healMs + calmMs + lastMs;
    while (clock.runNext(endMs)) {
      if (!this.#isStirred) continue;
      this.#isStirred = false;
      await settled();
    }
    await this.#judge(endMs);
    return this.#state.result();
  }

  /** The broker, the groups, and everybody. */
  #found(): void {
    const state = this.#state;
    const { clock, random, plan, parties } = state;
    const { authority } = this.#office;
    const brokerProvider = providerOf(state.memory, random.fork().bytes);
    state.honest = new HonestBroker(brokerProvider, authority.authorityId32, clock);
    if (plan.setting === 'hostile') {
      const relay = new HostileRelay(clock, random.fork(), state.faults);
      state.hostile = new HostileWorks(relay, brokerProvider, clock, random.fork(), state.faults);
    }
    this.#office.open();
    this.#office.addGroups();
    for (const member of plan.members) this.#addMember(member);
    const grants = [...parties.values()].flatMap(({ plan: { role }, member: { keyId32 } }): GrantFields[] => {
      if (role === 'router') return [{ keyId32, action: 'route', pattern: 'pool/**' }];
      const action = role === 'asker' ? 'publish' : 'subscribe';
      return [
        { keyId32, action, pattern: 'pool/**' },
        { keyId32, action, pattern: 'poll/**' },
        { keyId32, action: 'publish', pattern: 'bus/**' },
        { keyId32, action: 'subscribe', pattern: 'bus/**' },
      ];
    });
    authority.grantAll(grants, clock.nowMs);
    for (const { member } of parties.values()) {
      member.connect(state.broker);
      member.start();
      this.#expectations.readyFrom(member.name, clock.nowMs + settleMs);
    }
    if (state.hostile !== undefined) state.hostile.accomplice = state.party(traitorName).member.identity.key;
    this.#office.tick();
    this.#tickMembers();
    this.#tickBroker();
  }

  #addMember(plan: PatternsMemberPlan): void {
    const { clock, memory, parties } = this.#state;
    const { setting, link } = this.#state.plan;
    const { authority } = this.#office;
    const { name } = plan;
    const { role } = plan;
    const random = this.#forkFor(role);
    const member: Member = new Member(plan, {
      clock,
      provider: providerOf(memory, random.bytes),
      random,
      authorityId32: authority.authorityId32,
      quality: setting === 'rough' ? soundLink : link,
      subscriptions: role === 'worker' ? [busTopic, pollTopic] : [busTopic],
      ...(this.#state.plan.routing !== undefined && {
        onPublished: (envelope) => this.#events.onPublished(member, envelope),
      }),
      onEvent: (event) => this.#events.onEvent(member, event),
      onParcel: (parcel) => this.#events.onParcel(member, parcel),
      afterwards: () => this.#events.afterwards(member),
      onBrokerRefusal: (request, error) => this.#events.onBrokerRefusal(member, request, error),
      onBroken: (error) => this.#state.broken(member, error),
      onStart: (client) => {
        const { worker, router, surveyor } = this.#state.party(name);
        this.#state.works.lives(name, member.life);
        worker?.start(client);
        router?.start(client);
        surveyor.start();
      },
      onLeased: (parcel) => {
        const { worker, router } = this.#state.party(name);
        (worker ?? router)?.leased(parcel);
      },
    });
    const app = this.#appOf(member, role);
    parties.set(name, {
      plan,
      member,
      asker: role === 'asker' ? new PoolAsker(app) : undefined,
      worker: role === 'worker' ? this.#workerOf(app, plan.capacity) : undefined,
      router: role === 'router' ? this.#routerOf(app, plan.capacity) : undefined,
      surveyor: new Surveyor(app),
    });
    authority.issue(member.identity.key, { name }, clock.nowMs);
    authority.takeKeyRecord(member.identity.keyRecord(authority.authorityId32, 1, clock.nowMs), clock.nowMs);
    // Links get bad once everybody is there.
    clock.after(settleMs, () => (member.quality = link));
  }

  /** What routers draw changes nothing of what all others do. */
  #forkFor(role: PatternsMemberPlan['role']): SeededRandom {
    const { random, routingRandom } = this.#state;
    return (role === 'router' ? routingRandom : random).fork();
  }

  #workerOf(app: AppHost, capacity: number): PoolWorker {
    const messages = this.#state.plan.routing?.directCapacity;
    return new PoolWorker(app, this.#store, { each: capacity, messages });
  }

  #routerOf(app: AppHost, capacity: number): PoolRouter {
    const { parties, plan } = this.#state;
    const { hearsReplies, directCapacity } = plan.routing!;
    const workers = (): Map<string, Uint8Array> => {
      const all = [...parties.values()].filter(({ worker }) => worker !== undefined);
      return new Map(all.map(({ member }) => [member.name, member.keyId32]));
    };
    return new PoolRouter(app, { capacity, hearsReplies, hasOthers: directCapacity > 0, workers });
  }

  #appOf(member: Member, role: PatternsMemberPlan['role']): AppHost {
    const state = this.#state;
    return {
      member,
      random: this.#forkFor(role),
      oracle: state.works,
      routing: state.routing,
      effects: state.plan.effects,
      get trueMs() {
        return state.nowMs;
      },
      sceneOf: (group) => this.#office.sceneOf(member, this.#office.group(group)),
      after: (delayMs, action) => {
        const { life } = member;
        state.clock.after(delayMs, () => {
          const { client } = member;
          if (client === undefined || member.life !== life) return;
          try {
            action(client);
          } catch (error) {
            state.broken(member, error);
          }
        });
      },
      stir: () => {
        this.#isStirred = true;
      },
      note: (line) => state.note(line),
      count: (deed) => state.deeds.add(deed),
      refused: (what, error) => {
        const code = error instanceof TridcommError ? error.code : String(error);
        state.refusals.add(`${what} ${code}`);
        state.note(() => `${member.name}: ${what} refused, ${String(error)}`);
      },
      broken: (error) => state.broken(member, error),
    };
  }

  #tickMembers(): void {
    for (const { member } of this.#state.parties.values()) member.tick();
    this.#state.clock.after(tickMs, () => this.#tickMembers());
  }

  #tickBroker(): void {
    this.#state.honest.tick();
    this.#state.clock.after(brokerTickMs, () => this.#tickBroker());
  }

  #do(step: PatternsStep): void {
    this.#state.note(() => `step ${describe(step)}`);
    this.#state.deeds.add(step.do);
    switch (step.do) {
      case 'request':
      case 'push':
      case 'deal':
      case 'ask':
      case 'say':
        this.#speech.speak(this.#state.party(step.member), step);
        break;
      case 'rotate':
        this.#office.rotate(step.group, step.aheadMs);
        break;
      case 'condemn':
        this.#mishaps.condemn(step.how);
        break;
      case 'hoard':
        this.#mishaps.hoard();
        break;
      case 'betray':
        this.#mishaps.betray();
        break;
      case 'router hoard':
        this.#mishaps.hoardRouter(step.member);
        break;
      case 'condemn router':
        this.#mishaps.condemnRouter(step.member, step.how);
        break;
      case 'router betray':
        this.#state.party(step.member).router!.betray();
        break;
      case 'replay all':
        this.#state.hostile?.replayAll();
        break;
      case 'worker death':
      case 'asker death':
      case 'router death':
        this.#state.faults.add(step.do);
        this.#mishaps.kill(this.#state.party(step.member), step);
        break;
      case 'partition':
        this.#state.faults.add(step.do);
        this.#mishaps.partition(this.#state.party(step.member), step.forMs);
        break;
      case 'broker restart':
        this.#state.faults.add(step.do);
        this.#mishaps.restartBroker(step.downMs);
        break;
      case 'mood':
        this.#mishaps.changeMood(step.mood);
        break;
    }
  }

  /** What can only be said at the end. */
  async #judge(endMs: number): Promise<void> {
    const { works, parties } = this.#state;
    const contents = [...works.works.values()].filter(({ effects }) => effects === 'store');
    const { counts, total } = await readCounts(
      this.#store,
      contents.map(({ content }) => content),
      endMs,
    );
    const workers = [...parties.values()].filter(({ plan }) => plan.role === 'worker').map(({ plan }) => plan.name);
    works.judge(endMs, counts, workers, total);
    this.#expectations.judge();
  }
}

function describe(step: PatternsStep): string {
  return JSON.stringify(step, (_, value: unknown) => (value instanceof Set ? [...value] : value));
}

/** Lets all promises settle that need no time. */
async function settled(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
}
