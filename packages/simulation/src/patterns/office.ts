import { TridcommError } from '@tridcomm/core';
import { Authority, decodeBundle } from '@tridcomm/core/internal';
import { SimulatedLink, soundLink } from '@tridcomm/core/testing';
import { hexOf, readU32, readU64 } from '../bytes.ts';
import { providerOf } from '../crypto.ts';
import { kindOfObject } from '../hostile-relay.ts';
import type { Member } from '../member.ts';
import type { Scene } from '../oracle.ts';
import { traitorName } from '../schedule.ts';
import { rotationName } from './oracle.ts';
import type { GroupName } from './plan.ts';
import type { RunState } from './run-state.ts';
import { clocksMs, leasesMs, mostAheadMs, settleMs } from './times.ts';

/** The authority with its groups, and the way of what it publishes to the broker. */
export class Office {
  readonly authority: Authority;
  readonly #state: RunState;
  /** As they were met first. */
  readonly #groupIds: string[] = [];
  readonly #ids = new Map<GroupName, Uint8Array>();
  /** By place in {@link #groupIds}. */
  readonly #epochs = new Map<number, number>();
  readonly #waiting: Uint8Array[] = [];
  #toBroker: SimulatedLink<Uint8Array> | undefined;
  #crewGroup = -1;
  #headSeq = 0;
  /** When the last new epoch was told of. */
  #rotatesMs = 0;
  /** Of the crew: the newest, and the one before. */
  #crewRotatesMs: readonly [number, number] = [0, 0];

  constructor(state: RunState) {
    this.#state = state;
    const { random } = state;
    const provider = providerOf(state.memory, random.fork().bytes);
    const publish = (bundle: Uint8Array): void => this.#publish(bundle);
    this.authority = Authority.create({ provider, random: random.fork().bytes, publish }, state.nowMs);
  }

  /** The broker is there. */
  open(): void {
    const { clock, random, honest, messages } = this.#state;
    this.#toBroker = new SimulatedLink(clock, random.fork(), { ...soundLink, maxDelayMs: 20 }, (bundle) => {
      this.#state.hostile?.apply(bundle);
      try {
        honest.apply(bundle);
      } catch (error) {
        messages.report('broken', clock.nowMs, `the honest broker refused a bundle: ${String(error)}`);
      }
    });
    for (const bundle of this.#waiting.splice(0)) this.#toBroker.send(bundle);
  }

  addGroups(): void {
    for (const { name, ...fields } of this.#state.plan.groups) {
      const before = this.#groupIds.length;
      const groupId16 = this.authority.addGroup(fields, this.#state.nowMs);
      this.#ids.set(name, groupId16);
      const group = this.groupOf(groupId16);
      if (name === 'pool') this.#crewGroup = group === before ? before + 1 : before;
    }
  }

  groupOf(groupId16: Uint8Array): number {
    const id = hexOf(groupId16);
    const index = this.#groupIds.indexOf(id);
    if (index >= 0) return index;
    this.#groupIds.push(id);
    return this.#groupIds.length - 1;
  }

  group(name: GroupName): number {
    return this.groupOf(this.#ids.get(name)!);
  }

  epochOf(group: number): number {
    return this.#epochs.get(group)!;
  }

  /** As a member sees a group now. */
  sceneOf(member: Member, group: number): Scene {
    const groupId16 = Buffer.from(this.#groupIds[group]!, 'hex');
    const view = member.client?.view(groupId16, member.localMs);
    const { name, localMs } = member;
    return { member: name, atMs: this.#state.nowMs, localMs, viewHeadSeq: view?.headSeq ?? 0 };
  }

  /** Whether an epoch may be closed before a work is done that was sealed for it. */
  get isDraining(): boolean {
    return this.#state.plan.groups[0]!.drainMs < leasesMs;
  }

  /**
   * Who came between the word of a rotation and its beginning has nothing to seal by until then, nor who was away for a time after the
   * rotation before: it may not have heard of that while it was the newest.
   */
  isBetweenEpochs({ name, sinceMs }: Member): boolean {
    const [newestMs, beforeMs] = this.#crewRotatesMs;
    const isNew = sinceMs >= this.#rotatesMs - settleMs;
    const mayHaveMissed = !this.#state.works.isQuiet(['broker', name], beforeMs - settleMs, newestMs);
    return (isNew || mayHaveMissed) && this.#state.nowMs < this.#rotatesMs + mostAheadMs + clocksMs;
  }

  rotate(name: GroupName, aheadMs: number): void {
    const { nowMs } = this.#state;
    try {
      this.authority.rotate(this.#ids.get(name)!, nowMs, aheadMs > 0 ? { notBeforeMs: nowMs + aheadMs } : {});
    } catch (error) {
      // There is a block ahead already.
      if (!(error instanceof TridcommError) || error.code !== 'E_USAGE') throw error;
      this.#state.deeds.add('rotation refused');
    }
  }

  /** The traitor loses its rights. */
  condemn(how: 'revoke' | 'withdraw subscribe'): void {
    const { nowMs: atMs, works, messages } = this.#state;
    const { keyId32 } = this.#state.party(traitorName).member;
    const before = this.epochOf(this.#crewGroup);
    if (how === 'revoke') this.authority.revoke(keyId32, atMs);
    else {
      for (const pattern of ['pool/**', 'poll/**']) {
        this.authority.withdraw({ keyId32, action: 'subscribe', pattern }, atMs);
      }
    }
    const headSeq = this.#headSeq;
    const crewEpoch = this.epochOf(this.#crewGroup);
    if (crewEpoch === before) {
      messages.report('revoked reader reads', atMs, `no new key block of the crew when ${traitorName} left`);
    }
    works.condemned = { name: traitorName, atMs, headSeq, crewEpoch };
    if (how !== 'revoke') return;
    const epochs = Array.from(this.#groupIds.keys(), (group) => this.epochOf(group));
    messages.condemned = { publish: true, read: true, subscribe: true, atMs, headSeq, epochs };
  }

  /** A router loses its right. */
  condemnRouter(name: string, how: 'revoke' | 'withdraw'): void {
    const { nowMs: atMs, routing, messages } = this.#state;
    const { keyId32 } = this.#state.party(name).member;
    const front = this.group('pool');
    const before = this.epochOf(front);
    if (how === 'revoke') this.authority.revoke(keyId32, atMs);
    else this.authority.withdraw({ keyId32, action: 'route', pattern: 'pool/**' }, atMs);
    const crewEpoch = this.epochOf(front);
    if (crewEpoch === before) messages.report('revoked reader reads', atMs, `no new key block when ${name} left`);
    routing.condemned = { name, atMs, headSeq: this.#headSeq, crewEpoch };
  }

  renewKeys(keyRecord: Uint8Array): void {
    try {
      this.authority.takeKeyRecord(keyRecord, this.#state.nowMs);
    } catch (error) {
      // Of somebody who was revoked.
      if (!(error instanceof TridcommError)) throw error;
      this.#state.refusals.add(`authority ${error.code}`);
    }
  }

  tick(): void {
    const { clock } = this.#state;
    clock.at(Math.max(this.authority.nextTickMs(clock.nowMs), clock.nowMs + 1), () => {
      this.authority.tick(clock.nowMs);
      this.tick();
    });
  }

  /** A bundle of the authority: what is in it is noted, and it goes to the broker. */
  #publish(bundle: Uint8Array): void {
    for (const { bytes } of decodeBundle(bundle)) {
      const kind = kindOfObject(bytes);
      if (kind === 'head' || kind === 'groupHead') this.#headSeq = Math.max(this.#headSeq, readU64(bytes, 40));
      if (kind !== 'groupHead') continue;
      const [group, epoch] = [this.groupOf(bytes.subarray(265, 281)), readU32(bytes, 285)];
      if (epoch > (this.#epochs.get(group) ?? 0)) this.#rotates(group);
      this.#epochs.set(group, epoch);
      this.#state.messages.makeHead(group, readU64(bytes, 40), epoch);
    }
    this.#state.note(() => `authority publishes ${bundle.length} bytes, head ${this.#headSeq}`);
    if (this.#toBroker === undefined) this.#waiting.push(bundle);
    else this.#toBroker.send(bundle);
  }

  /** What was sealed for the epoch before, or is until everybody knows, may not be done any more where that is closed soon. */
  #rotates(group: number): void {
    const { nowMs, delayMs, works } = this.#state;
    this.#rotatesMs = nowMs;
    if (group !== this.#crewGroup) return;
    this.#crewRotatesMs = [nowMs, this.#crewRotatesMs[0]];
    if (!this.isDraining) return;
    works.disturb(rotationName, nowMs, nowMs + mostAheadMs + clocksMs + settleMs + delayMs);
  }
}
