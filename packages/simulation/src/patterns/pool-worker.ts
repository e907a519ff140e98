import { createHash } from 'node:crypto';
import { ConflictError, type EffectMap, type EffectWork, type MemoryEffectStore } from '@tridcomm/client-node';
import { TridcommError, type Lease, type Work, type WorkDelivery, type WorkReply } from '@tridcomm/core';
import { limits, type Client } from '@tridcomm/core/internal';
import { ascii, hexOf, textOf } from '../bytes.ts';
import type { LeasedParcel } from '../member.ts';
import type { AppHost } from './app.ts';
import { takeLeased } from './leasing.ts';
import { resultOf } from './oracle.ts';
import { dealTopic, jobTopic, requestTopic } from './plan.ts';

/** A unit that came in this life. */
interface Unit {
  delivery: WorkDelivery;
  readonly leases: Lease[];
  /** What is known of its records, by their place; undefined while somebody is at it. */
  readonly answers: (WorkReply | 'done' | 'released' | undefined)[];
  readonly works: readonly Work[];
  isHoarded: boolean;
}

/** Units that the broker may give a worker at a time. */
export interface Capacities {
  /** Of requests, and of jobs. */
  readonly each: number;
  /** Of messages of dealers; undefined where nobody deals. */
  readonly messages: number | undefined;
}

/** What somebody does who takes requests, jobs and messages: each once, with the store that all share, or as often as it comes. */
export class PoolWorker {
  /** Units are kept, and nobody answers them before {@link betray}. */
  isHoarding = false;
  readonly #host: AppHost;
  readonly #store: MemoryEffectStore;
  readonly #capacities: Capacities;
  /** Of units that the broker gave: with what a router forwarded there comes none of these. */
  readonly #leases = new WeakSet<Lease>();
  readonly #units = new Map<string, Unit>();

  constructor(host: AppHost, store: MemoryEffectStore, capacities: Capacities) {
    this.#host = host;
    this.#store = store;
    this.#capacities = capacities;
  }

  /** A life begins. */
  start(client: Client): void {
    this.#units.clear();
    const { each, messages } = this.#capacities;
    const takes: [topic: string, capacity: number][] = [
      [requestTopic, each],
      [jobTopic, each],
    ];
    if (messages !== undefined) takes.push([dealTopic, messages]);
    for (const [topic, capacity] of takes) {
      const take = (delivery: WorkDelivery): void => this.#take(client, delivery);
      client.work(topic, this.#host.member.localMs, take, { capacity });
    }
  }

  /** A unit has arrived. */
  leased(parcel: LeasedParcel): void {
    this.#leases.add(parcel.lease);
    takeLeased(this.#host, parcel);
  }

  /** Answers everything that was kept, with whatever rights there are. */
  betray(): void {
    const { client } = this.#host.member;
    if (client === undefined) return;
    for (const unit of this.#units.values()) {
      if (!unit.isHoarded || unit.delivery.kind === 'job') continue;
      for (const { body, leaf, index } of unit.works) {
        const content = textOf(body);
        this.#reply(client, unit, [{ leaf, index, status: 'final', body: ascii(resultOf(content)) }], content);
      }
    }
  }

  #take(client: Client, delivery: WorkDelivery): void {
    const name = `${hexOf(delivery.id32)}/${delivery.leaf ?? ''}`;
    const known = this.#units.get(name);
    const isForwarded = !this.#leases.has(delivery.lease);
    const isTwice = known !== undefined && delivery.verdict !== 'again';
    this.#host.routing.came(this.#host.sceneOf('pool'), hexOf(delivery.id32), isForwarded, isTwice);
    if (isForwarded) this.#host.count(`forwarded ${delivery.verdict}`);
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
      else if (typeof answer === 'object') this.#reply(client, unit, [answer], textOf(body));
      else if (answer === undefined && unit.delivery.kind !== 'job') {
        this.#reply(client, unit, [{ leaf, index, status: 'in progress' }], textOf(body));
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
    if (kind === 'message') this.#sayLater(client, unit, place, handlerMs);
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
        if (unit.delivery.kind !== 'job') {
          this.#reply(client, unit, [{ leaf, index, status: 'in progress' }], content);
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
      const content = textOf(unit.works[place]!.body);
      const replies = unit.delivery.kind === 'message' ? this.#amongNews(reply, content) : [reply];
      if (!this.#reply(client, unit, replies, content)) return;
    }
    this.#settleIfDone(client, unit);
  }

  /** Says something of a message now and then: most of it before its answer. */
  #sayLater(client: Client, unit: Unit, place: number, handlerMs: number): void {
    const { random, member, routing } = this.#host;
    const { leaf, index, body } = unit.works[place]!;
    const content = textOf(body);
    for (let i = random.below(3); i > 0; i--) {
      this.#host.after(random.between(0, handlerMs + 500), () => {
        const said = routing.says(content, member.name, random.between(1, 3));
        const news = said.map((text): WorkReply => ({ leaf, index, status: 'news', body: ascii(text) }));
        this.#seal(client, unit, news, content);
      });
    }
  }

  /** In one envelope with the answer: news before it, and some after it, which nobody is to hear. */
  #amongNews(answer: WorkReply, content: string): WorkReply[] {
    const { random, member, routing } = this.#host;
    const { leaf, index } = answer;
    const news = (text: string): WorkReply => ({ leaf, index, status: 'news', body: ascii(text) });
    const before = routing.says(content, member.name, random.below(3)).map(news);
    return random.chance(0.3) ? [...before, answer, news(`too late of ${content}`)] : [...before, answer];
  }

  #release(client: Client, unit: Unit, place: number): void {
    unit.answers[place] = 'released';
    this.#settleIfDone(client, unit);
  }

  /** @returns false where it was refused: the unit goes back then */
  #reply(client: Client, unit: Unit, replies: readonly WorkReply[], content: string): boolean {
    if (this.#seal(client, unit, replies, content)) return true;
    const leases = unit.leases.splice(0);
    this.#host.after(pauseMs, () => {
      for (const lease of leases) client.settle(lease, 'given back');
    });
    return false;
  }

  #seal(client: Client, { delivery }: Unit, replies: readonly WorkReply[], content: string): boolean {
    const { member, oracle } = this.#host;
    try {
      if (replies.some(({ status }) => status === 'final')) oracle.answers(content, member.name);
      client.reply(delivery, replies, member.localMs);
      this.#host.note(() => `${member.name} answers ${content}: ${replies.map(({ status }) => status).join()}`);
      return true;
    } catch (error) {
      this.#host.refused('reply', error);
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

const pauseMs = 1_000;
/** Before it is looked again whether somebody else has done it. */
const runningMs = 3_000;
