import { soundLink } from '@tridcomm/core/testing';
import { calm, type Mood } from '../hostile-relay.ts';
import type { Member } from '../member.ts';
import { traitorName } from '../schedule.ts';
import type { Office } from './office.ts';
import { hoardName } from './oracle.ts';
import type { Party } from './party.ts';
import type { DeathStep } from './plan.ts';
import type { Expectations } from './expectations.ts';
import { routerHoardName } from './routing-oracle.ts';
import type { RunState } from './run-state.ts';
import { calmMs, clocksMs, favourMs, settleMs, skewMs, startMs } from './times.ts';

/** What happens to members and brokers, and what an enemy among them does. */
export class Mishaps {
  readonly #state: RunState;
  readonly #office: Office;
  readonly #expectations: Expectations;

  constructor(state: RunState, office: Office, expectations: Expectations) {
    this.#state = state;
    this.#office = office;
    this.#expectations = expectations;
  }

  partition({ member }: Party, forMs: number): void {
    this.#disturb(member.name, forMs + settleMs);
    member.disconnect();
    this.#state.clock.after(forMs, () => this.#connect(member));
  }

  kill({ member }: Party, { downMs, keepsState, isNoticed }: DeathStep): void {
    if (member.client === undefined) return;
    const { clock, delayMs, works } = this.#state;
    member.crash(keepsState, isNoticed);
    // Without its store it refuses what is not younger than its start.
    const refusesMs = member.isDurable ? settleMs + delayMs : skewMs + clocksMs;
    works.disturb(member.name, clock.nowMs, clock.nowMs + downMs + refusesMs);
    this.#expectations.readyFrom(member.name, clock.nowMs + downMs + settleMs + delayMs);
    clock.after(downMs, () => this.#comeBack(member));
  }

  /** What the authority said is still there; what waited is gone. */
  restartBroker(downMs: number): void {
    const { clock, delayMs, parties, honest } = this.#state;
    if (this.#state.isBrokerDown) return;
    this.#disturb('broker', downMs + settleMs);
    this.#state.isBrokerDown = true;
    for (const { member } of parties.values()) {
      member.disconnect();
      this.#expectations.notReadyBefore(member.name, clock.nowMs + downMs + settleMs + delayMs);
    }
    honest.restart();
    clock.after(downMs, () => {
      this.#state.isBrokerDown = false;
      for (const { member } of parties.values()) if (member.client !== undefined) this.#connect(member);
    });
  }

  /** The hostile broker changes its ways. */
  changeMood(mood: Mood): void {
    const { hostile, isHealed, works, nowMs } = this.#state;
    const victims = mood.victims && new Set(Array.from(mood.victims, (name) => this.#state.keyIdOf(name)));
    hostile!.relay.mood = isHealed ? calm : { ...mood, ...(victims && { victims }) };
    works.disturb('broker', nowMs, Infinity);
  }

  /** The traitor keeps what it is given, and a hostile broker gives it all that there is. */
  hoard(): void {
    const { clock, works } = this.#state;
    const { worker, surveyor } = this.#state.party(traitorName);
    worker!.isHoarding = true;
    surveyor.isHoarding = true;
    works.disturb(hoardName, clock.nowMs, Infinity);
    this.#favour(traitorName);
  }

  /** The traitor loses its rights, and a hostile broker keeps that from it. */
  condemn(how: 'revoke' | 'withdraw subscribe'): void {
    const { hostile } = this.#state;
    hostile?.inTheDark.add(this.#state.keyIdOf(traitorName));
    this.#office.condemn(how);
  }

  /** The traitor answers all that it kept. */
  betray(): void {
    const { member, worker, surveyor } = this.#state.party(traitorName);
    const { client } = member;
    if (client === undefined) return;
    worker!.betray();
    surveyor.betray(client);
  }

  /** A router keeps what it is given, and a hostile broker gives it all that there is. */
  hoardRouter(name: string): void {
    const { works, nowMs, plan, delayMs } = this.#state;
    this.#state.party(name).router!.isHoarding = true;
    // An honest broker takes it all back with the right.
    const { atMs } = plan.steps.find(({ step }) => step.do === 'condemn router')!;
    works.disturb(routerHoardName, nowMs, startMs + atMs + settleMs + delayMs);
    this.#favour(name);
  }

  /** A router loses its right, and a hostile broker keeps that from it. */
  condemnRouter(name: string, how: 'revoke' | 'withdraw'): void {
    this.#state.hostile?.inTheDark.add(this.#state.keyIdOf(name));
    this.#office.condemnRouter(name, how);
  }

  /** All trouble ends: everybody is up, links are sound, and the broker is the honest one. */
  heal(): void {
    const { clock, plan, parties, random, hostile, works } = this.#state;
    this.#state.note(() => 'heal');
    this.#state.isHealed = true;
    if (hostile !== undefined) {
      hostile.relay.mood = calm;
      hostile.inTheDark.clear();
    }
    for (const { member } of parties.values()) {
      member.quality = soundLink;
      if (member.client === undefined) this.#comeBack(member);
      else if (plan.setting !== 'honest') this.#connect(member);
    }
    for (const name of ['pool', 'poll', 'bus'] as const) if (random.chance(0.5)) this.#office.rotate(name, 0);
    for (const name of parties.keys()) this.#expectations.readyFrom(name, clock.nowMs + calmMs - 1);
    clock.after(calmMs - 1, () => works.healed(clock.nowMs));
  }

  #favour(name: string): void {
    const { hostile, clock } = this.#state;
    const keyId = this.#state.keyIdOf(name);
    hostile?.favourites.add(keyId);
    clock.after(favourMs, () => hostile?.favourites.delete(keyId));
  }

  #comeBack(member: Member): void {
    if (member.client !== undefined) return;
    this.#connect(member);
    if (member.isDurable) this.#state.messages.resume(member.name, member.life + 1);
    member.start();
    this.#state.note(() => {
      return `${member.name} is back, life ${member.life}, ${member.isDurable ? 'with' : 'without'} its store`;
    });
  }

  #connect(member: Member): void {
    if (!this.#state.isBrokerDown) member.connect(this.#state.broker);
  }

  #disturb(name: string, forMs: number): void {
    const { nowMs, delayMs, works } = this.#state;
    const untilMs = nowMs + forMs + delayMs;
    works.disturb(name, nowMs, untilMs);
    this.#expectations.notReadyBefore(name, untilMs);
  }
}
