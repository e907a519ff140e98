import { patternKinds, TridcommError, type HeardReply, type RoutedDelivery } from '@tridcomm/core';
import type { Client } from '@tridcomm/core/internal';
import { hexOf, textOf } from '../bytes.ts';
import type { LeasedParcel } from '../member.ts';
import type { AppHost } from './app.ts';
import { takeLeased } from './leasing.ts';
import { dealTopic } from './plan.ts';
import { namedIn } from './routing-data.ts';

/** What a router needs besides: who takes what is forwarded. */
export interface RouterHost {
  readonly capacity: number;
  readonly hearsReplies: boolean;
  /** Whether the broker itself gives messages to who works, too. */
  readonly hasOthers: boolean;
  /** Key ids of those who may be named, by name. */
  readonly workers: () => ReadonlyMap<string, Uint8Array>;
}

/** What somebody does who routes: hands each message on to whom it names, once more when it comes once more, and gives back what names nobody. */
export class PoolRouter {
  /** Messages are kept, and nobody gets them before {@link betray}. */
  isHoarding = false;
  readonly #host: AppHost;
  readonly #own: RouterHost;
  /** The last few that it could hand on once more. */
  #kept: RoutedDelivery[] = [];

  constructor(host: AppHost, own: RouterHost) {
    this.#host = host;
    this.#own = own;
  }

  /** A life begins. */
  start(client: Client): void {
    const { member } = this.#host;
    const { capacity, hearsReplies } = this.#own;
    this.#kept = [];
    client.route(dealTopic, member.localMs, (delivery) => this.#take(client, delivery), { capacity });
    if (hearsReplies) client.hearReplies(dealTopic, member.localMs, (reply) => this.#handOn(client, reply));
  }

  /** A unit has arrived. What opens it may still be on its way. */
  leased(parcel: LeasedParcel): void {
    const isMessage = parcel.bytes[patternAt] === patternKinds.routerDealer.message;
    this.#host.routing.leased(this.#host.sceneOf('pool'), isMessage);
    takeLeased(this.#host, parcel);
  }

  /** Hands on everything that it has, to whomever, with whatever rights there are. */
  betray(): void {
    const { client } = this.#host.member;
    if (client === undefined) return;
    const workers = [...this.#own.workers().keys()];
    for (const delivery of this.#kept) this.#forward(client, delivery, this.#host.random.pick(workers));
  }

  #take(client: Client, delivery: RoutedDelivery): void {
    const { random, routing } = this.#host;
    const text = textOf(delivery.routing);
    routing.routed(this.#host.sceneOf('pool'), hexOf(delivery.id32), delivery.sender.name, text);
    this.#host.count(`routed ${delivery.verdict}`);
    this.#kept = [...this.#kept.slice(-mostKept), delivery];
    if (this.isHoarding) return;
    const worker = namedIn(text);
    if (!this.#own.workers().has(worker)) {
      // Nobody else has it where the broker gives no messages to who works.
      const isOver = !this.#own.hasOthers && delivery.verdict === 'again';
      client.settle(delivery.lease, isOver ? 'done' : 'given back');
      return;
    }
    this.#host.after(random.between(0, 400), () => {
      const isForwarded = this.#forward(client, delivery, worker);
      this.#host.after(isForwarded ? 0 : pauseMs, () => {
        client.settle(delivery.lease, isForwarded ? 'done' : 'given back');
      });
      // Twice is as once.
      if (random.chance(0.1)) this.#forward(client, delivery, worker);
    });
  }

  /** @returns false where it was refused */
  #forward(client: Client, delivery: RoutedDelivery, worker: string): boolean {
    const { member, routing } = this.#host;
    try {
      client.forward(delivery, this.#own.workers().get(worker)!, member.localMs);
      routing.forwarded(member.name, hexOf(delivery.id32), worker);
      this.#host.count('forward');
      this.#host.note(() => `${member.name} forwards ${textOf(delivery.routing)} to ${worker}`);
      return true;
    } catch (error) {
      if (!(error instanceof TridcommError)) throw error;
      this.#host.refused('forward', error);
      return false;
    }
  }

  #handOn(client: Client, reply: HeardReply): void {
    try {
      client.forwardReply(reply, this.#host.member.localMs);
      this.#host.count('reply forwarded');
    } catch (error) {
      if (!(error instanceof TridcommError)) throw error;
      this.#host.refused('reply forward', error);
    }
  }
}

/** In an envelope. */
const patternAt = 3;
const pauseMs = 1_000;
const mostKept = 10;
