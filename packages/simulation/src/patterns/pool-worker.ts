import { createHash } from 'node:crypto';
import { ConflictError, type EffectMap, type EffectWork, type MemoryEffectStore } from '@tridcomm/client-node';
import {
  isOfUnit,
  refusedOutcome,
  TridcommError,
  type Lease,
  type Work,
  type WorkDelivery,
  type WorkReply,
} from '@tridcomm/core';
import { limits, type Client } from '@tridcomm/core/internal';
import { ascii, hexOf, textOf } from '../bytes.ts';
import type { LeasedParcel } from '../member.ts';
import type { AppHost } from './app.ts';
import { resultOf } from './oracle.ts';
import { jobTopic, requestTopic } from './plan.ts';

/** A unit that came in this life. */
interface Unit {
  delivery: WorkDelivery;
  readonly leases: Lease[];
  /** What is known of its records, by their place; undefined while somebody is at it. */
  readonly answers: (WorkReply | 'done' | 'released' | undefined)[];
  readonly works: readonly Work[];
  isHoarded: boolean;
}

/** What somebody does who takes requests and jobs: each once, with the store that all share, or as often as it comes. */
export class PoolWorker {
  /** Units are kept, and nobody answers them before {@link betray}. */
  isHoarding = false;
  readonly #host: AppHost;
  readonly #store: MemoryEffectStore;
  readonly #capacity: number;
  readonly #units = new Map<string, Unit>();

  constructor(host: AppHost, store: MemoryEffectStore, capacity: number) {
    this.#host = host;
    this.#store = store;
    this.#capacity = capacity;
  }

  /** A life begins. */
  start(client: Client): void {
    this.#units.clear();
    for (const topic of [requestTopic, jobTopic]) {
      const take = (delivery: WorkDelivery): void => this.#take(client, delivery);
      client.work(topic, this.#host.member.localMs, take, { capacity: this.#capacity });
    }
  }

  /** A unit has arrived. What opens it may still be on its way. */
  leased({ bytes, form, lease }: LeasedParcel, tries = 0): void {
    const { member } = this.#host;
    const { client, localMs } = member;
    if (client === undefined) return;
    try {
      client.leased(bytes, form, lease, localMs);
    } catch (error) {
      if (!(error instanceof TridcommError)) throw error;
      const mayPass =
        ['E_SENDER', 'E_POLICY'].includes(error.code) ||
        (error.code === 'E_EPOCH' && client.isWorkAhead(bytes, form, localMs));
      if (mayPass && tries < mostTries) {
        this.#host.after(againMs, () => this.leased({ is: 'leased', bytes, form, lease }, tries + 1));
        return;
      }
      this.#host.refused('work', error);
      const outcome = refusedOutcome(error);
      const isAtOnce = outcome === 'done' || isOfUnit(error);
      this.#host.after(isAtOnce ? 0 : pauseMs, () => client.settle(lease, outcome));
    }
  }

  /** Answers everything that was kept, with whatever rights there are. */
  betray(): void {
    const { client } = this.#host.member;
    if (client === undefined) return;
    for (const unit of this.#units.values()) {
      if (!unit.isHoarded || unit.delivery.kind !== 'request') continue;
      for (const { body, leaf, index } of unit.works) {
        const content = textOf(body);
        this.#reply(client, unit, { leaf, index, status: 'final', body: ascii(resultOf(content)) }, content);
      }
    }
  }

  #take(client: Client, delivery: WorkDelivery): void {
    const name = `${hexOf(delivery.id32)}/${delivery.leaf ?? ''}`;
    const known = this.#units.get(name);
    // What an earlier life may have done comes to be done: the store knows more of it.
    if (delivery.verdict === 'redelivered') this.#host.count('work redelivered');
    if (known === undefined && delivery.verdict === 'again') {
      this.#host.broken(new Error(`${name} comes again, and never came`));
      return;
    }
    const unit: Unit = known ?? {
      delivery,
      leases: [],
      answers: delivery.works.map(() => undefined),
      works: delivery.works,
      isHoarded: this.isHoarding,
    };
    unit.delivery = delivery;
    unit.leases.push(delivery.lease);
    if (unit.isHoarded) {
      this.#units.set(name, unit);
      return;
    }
    if (known === undefined) {
      this.#units.set(name, unit);
      for (const place of unit.works.keys()) this.#begin(client, unit, place);
    } else this.#goOn(client, unit);
  }

  /** It came again: what is known is said again, and what was let go is begun again. */
  #goOn(client: Client, unit: Unit): void {
    for (const [place, answer] of unit.answers.entries()) {
      const { leaf, index, body } = unit.works[place]!;
      if (answer === 'released') this.#beginAgain(client, unit, place);
      else if (typeof answer === 'object') this.#reply(client, unit, answer, textOf(body));
      else if (answer === undefined && unit.delivery.kind === 'request') {
        this.#reply(client, unit, { leaf, index, status: 'in progress' }, textOf(body));
      }
    }
    this.#settleIfDone(client, unit);
  }

  #beginAgain(client: Client, unit: Unit, place: number): void {
    const { deadlineMs } = unit.works[place]!;
    this.#begin(client, unit, place, deadlineMs !== 0 && this.#host.member.localMs > deadlineMs);
  }

  #begin(client: Client, unit: Unit, place: number, isLate = unit.works[place]!.isLate): void {
    unit.answers[place] = undefined;
    const { member, oracle, random } = this.#host;
    const { body, deadlineMs, leaf, index } = unit.works[place]!;
    const { kind, topic, sender } = unit.delivery;
    const content = textOf(body);
    if (isLate) {
      this.#finish(client, unit, place, { leaf, index, status: 'refused', code: 'E_EXPIRED' });
      return;
    }
    oracle.began(this.#host.sceneOf('pool'), { kind, content, topic, deadlineMs, sender: sender.name });
    const handlerMs = content.endsWith('!') ? random.between(31_000, 40_000) : random.between(5, 1_500);
    if (this.#host.effects[kind] === 'store') {
      this.#runOnce(client, unit, place, handlerMs).catch((error: unknown) => this.#host.broken(error));
      return;
    }
    this.#host.after(handlerMs, () => {
      oracle.ran(content, this.#host.trueMs);
      this.#host.note(() => `${member.name} did ${content}`);
      this.#finish(client, unit, place, { leaf, index, status: 'final', body: ascii(resultOf(content)) });
    });
  }

  /** As `runOnce` of client-node, with a handler that takes its time. */
  async #runOnce(client: Client, unit: Unit, place: number, handlerMs: number): Promise<void> {
    const { member } = this.#host;
    const { life } = member;
    const { leaf, index, body } = unit.works[place]!;
    const content = textOf(body);
    const final = (result: Uint8Array): void => {
      if (member.life === life) this.#finish(client, unit, place, { leaf, index, status: 'final', body: result });
    };
    const released = (): void => {
      if (member.life === life) this.#release(client, unit, place);
    };
    try {
      const begun = await this.#stirring(
        this.#store.begin(this.#effectOf(unit, place), limits.leaseMs, member.localMs),
      );
      if (member.life !== life || member.client === undefined) return;
      if (begun.status === 'done') {
        this.#host.count('stored result given');
        final(begun.result);
        return;
      }
      if (begun.status === 'running') {
        this.#host.count('work in progress elsewhere');
        if (unit.delivery.kind === 'request') {
          this.#reply(client, unit, { leaf, index, status: 'in progress' }, content);
        }
        this.#host.after(runningMs, () => this.#beginAgain(client, unit, place));
        return;
      }
      const { run } = begun;
      // What a transaction has read before it waits, another may have changed by then.
      const isEager = this.#host.random.chance(0.1);
      if (isEager) countUp(run.transaction, content);
      // Of a process that dies meanwhile the run stays as it is, until its lease is over.
      await this.#sleep(handlerMs);
      if (!isEager) countUp(run.transaction, content);
      const result = ascii(resultOf(content));
      await this.#stirring(this.#store.commit(run, result));
      this.#host.oracle.ran(content, this.#host.trueMs);
      this.#host.note(() => `${member.name} did ${content}`);
      final(result);
    } catch (error) {
      this.#host.note(() => `${member.name} did not do ${content}: ${String(error)}`);
      if (error instanceof ConflictError) {
        this.#host.count('effects met');
        if (member.life === life && member.client !== undefined) this.#beginAgain(client, unit, place);
      } else if (!(error instanceof TridcommError)) throw error;
      else if (['E_FORK', 'E_EXPIRED', 'E_LIMIT'].includes(error.code)) {
        this.#finish(client, unit, place, { leaf, index, status: 'refused', code: error.code });
      } else {
        this.#host.count(`effect refused ${error.code}`);
        released();
      }
    }
  }

  #effectOf({ delivery, works }: Unit, place: number): EffectWork {
    const { kind, topic, sender, groupId16, timestampMs } = delivery;
    const { key16, body, deadlineMs } = works[place]!;
    const bodyHash32 = new Uint8Array(createHash('sha256').update(`${kind}\0${topic}\0`).update(body).digest());
    const requesterKeyId32 = sender.key.keyId32;
    return { requesterKeyId32, frontId16: groupId16, key16, bodyHash32, sealedMs: timestampMs, deadlineMs };
  }

  async #stirring<T>(promise: Promise<T>): Promise<T> {
    this.#host.stir();
    return promise;
  }

  async #sleep(delayMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#host.after(delayMs, () => {
        this.#host.stir();
        resolve();
      });
    });
  }

  #finish(client: Client, unit: Unit, place: number, reply: WorkReply): void {
    if (unit.delivery.kind === 'job') unit.answers[place] = 'done';
    else {
      unit.answers[place] = reply;
      if (!this.#reply(client, unit, reply, textOf(unit.works[place]!.body))) return;
    }
    this.#settleIfDone(client, unit);
  }

  #release(client: Client, unit: Unit, place: number): void {
    unit.answers[place] = 'released';
    this.#settleIfDone(client, unit);
  }

  /** @returns false where it was refused: the unit goes back then */
  #reply(client: Client, unit: Unit, reply: WorkReply, content: string): boolean {
    const { member, oracle } = this.#host;
    try {
      if (reply.status === 'final') oracle.answers(content, member.name);
      client.reply(unit.delivery, [reply], member.localMs);
      this.#host.note(() => `${member.name} answers ${content}: ${reply.status}`);
      return true;
    } catch (error) {
      this.#host.refused('reply', error);
      const leases = unit.leases.splice(0);
      this.#host.after(pauseMs, () => {
        for (const lease of leases) client.settle(lease, 'given back');
      });
      return false;
    }
  }

  #settleIfDone(client: Client, unit: Unit): void {
    if (unit.answers.includes(undefined)) return;
    const outcome = unit.answers.includes('released') ? 'given back' : 'done';
    const leases = unit.leases.splice(0);
    this.#host.after(outcome === 'done' ? 0 : pauseMs, () => {
      for (const lease of leases) client.settle(lease, outcome);
    });
  }
}

/** The effect: one more of this, and one more of all. */
function countUp(transaction: EffectMap, content: string): void {
  for (const name of [content, 'total']) {
    const count = Number(textOf(transaction.get(name) ?? ascii('0')));
    transaction.put(name, ascii(String(count + 1)));
  }
}

const mostTries = 20;
const againMs = 250;
const pauseMs = 1_000;
/** Before it is looked again whether somebody else has done it. */
const runningMs = 3_000;
