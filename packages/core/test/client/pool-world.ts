import type { GrantFields, GroupFields } from '../../src/authority/options.ts';
import { readSnapshot } from '../../src/authority/snapshot.ts';
import type { DealFields, JobFields, RequestFields } from '../../src/client/pool-asking.ts';
import type { Reply } from '../../src/client/reply.ts';
import type { ClientStore } from '../../src/client/store.ts';
import type { WorkDelivery, WorkReply } from '../../src/client/work-delivery.ts';
import type { WorkSubscription } from '../../src/client/work-routes.ts';
import { addressTypes } from '../../src/codepoints/address-types.gen.ts';
import { labels } from '../../src/codepoints/labels.gen.ts';
import { objectKinds } from '../../src/codepoints/object-kinds.gen.ts';
import type { TopicMatch } from '../../src/keys/access-list.ts';
import { decodePoolRecord, encodePoolRecordBody, type PoolRecordFields } from '../../src/keys/pool-record.ts';
import { encodeObject, parseObject } from '../../src/keys/signed-object.ts';
import { signingKeyOf, type SigningKey } from '../../src/keys/signing-key.ts';
import { typeOfObject } from '../../src/relay/object-form.ts';
import type { Relay } from '../../src/relay/relay.ts';
import { RelayState } from '../../src/relay/relay-state.ts';
import { encode, World, type Member } from './world.ts';

export const topic = 'jobs/resize';
export const otherTopic = 'jobs/print';

/** A pool with those who ask, and those who work. */
export class PoolWorld extends World {
  readonly front: Uint8Array;

  constructor(fields: Partial<GroupFields> = {}) {
    super();
    this.front = this.authority.addGroup({ patterns: [topic, otherTopic], purpose: 'front', ...fields }, this.nowMs);
  }

  /** Of the members' records. */
  get crew(): Uint8Array {
    return this.members[0]!.client.trust.groupRecord(this.front)!.crewId16!;
  }

  caller(name = 'caller', store?: ClientStore): Member {
    return this.#member(name, 'publish', store);
  }

  worker(name = 'worker', store?: ClientStore, relay?: Relay): Member {
    return this.#member(name, 'subscribe', store, relay);
  }

  router(name = 'router', store?: ClientStore): Member {
    return this.#member(name, 'route', store);
  }

  /** What the relay matches for a member. */
  tagsOf({ link }: Member): readonly TopicMatch[] {
    return [...(link as unknown as { readonly subscriptions: ReadonlyMap<string, TopicMatch> }).subscriptions.values()];
  }

  /** The work that the relay gives to a member. */
  worksOf({ link }: Member): readonly TopicMatch[] {
    const { works } = link as unknown as { readonly works: ReadonlyMap<string, { readonly match: TopicMatch }> };
    return Array.from(works.values(), ({ match }) => match);
  }

  /** A second broker that holds everything that the authority published. */
  brokerState(): RelayState {
    const state = new RelayState({ provider: this.provider, authorityId32: this.authority.authorityId32 });
    for (const bundle of this.bundles) state.judge(bundle, this.nowMs).commit(this.nowMs);
    return state;
  }

  /** As a thief has it. */
  controllerKey(): SigningKey {
    return signingKeyOf(this.provider, readSnapshot(this.authority.snapshot()).controllerSeed32);
  }

  /** All pool records from now on are those of who has the controller's key. */
  forgePoolRecords(change: Partial<PoolRecordFields>): void {
    const { provider } = this;
    const forge = (bytes: Uint8Array): Uint8Array => {
      const record = decodePoolRecord(provider, parseObject(provider, bytes, objectKinds.poolRecord));
      const body = encodePoolRecordBody({ ...record, ...change });
      return encodeObject(provider, objectKinds.poolRecord, this.authority.authorityId32, body, [
        { label: labels.pool, key: this.controllerKey() },
      ]);
    };
    this.alter = (object) =>
      typeOfObject(object.bytes) === addressTypes.poolRecord ? { ...object, bytes: forge(object.bytes) } : object;
  }

  #member(name: string, action: GrantFields['action'], store?: ClientStore, relay?: Relay): Member {
    const member = this.join(name, store, relay);
    this.authority.grant({ keyId32: member.keyId32, action, pattern: '**' }, this.nowMs);
    this.advance(1_000);
    return member;
  }
}

export function request(text: string, deadlineMs: number, change: Partial<RequestFields> = {}): RequestFields {
  return { body: encode(text), deadlineMs, ...change };
}

export function message(text: string, routing: string, deadlineMs: number): DealFields {
  return { body: encode(text), routing: encode(routing), deadlineMs };
}

export function job(text: string, change: Partial<JobFields> = {}): JobFields {
  return { body: encode(text), ...change };
}

export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** What a reply says, for people. */
export function shown(reply: Reply): string {
  const what = 'body' in reply ? textOf(reply.body) : 'code' in reply ? reply.code : '';
  return `${reply.place} ${reply.status} ${what}`.trim();
}

/** A member that works on a topic, and what it got. */
export class Workshop {
  readonly member: Member;
  readonly deliveries: WorkDelivery[] = [];
  readonly subscription: WorkSubscription;

  /** @param onWork - called for each delivery; default nothing is done with it */
  constructor(
    member: Member,
    { capacity = 16, of = topic }: { capacity?: number; of?: string } = {},
    onWork: (delivery: WorkDelivery, shop: Workshop) => void = () => undefined,
  ) {
    this.member = member;
    const take = (delivery: WorkDelivery): void => {
      this.deliveries.push(delivery);
      onWork(delivery, this);
    };
    this.subscription = member.client.work(of, member.world.nowMs, take, { capacity });
  }

  /** Answers all requests of a delivery with their own text in capitals, and settles. */
  answer(delivery: WorkDelivery): void {
    const { client, world } = this.member;
    const replies = delivery.works.map(({ leaf, index, body }): WorkReply => {
      return { leaf, index, status: 'final', body: encode(textOf(body).toUpperCase()) };
    });
    client.reply(delivery, replies, world.nowMs);
    client.settle(delivery.lease, 'done');
  }

  /** Texts that came since the last time. */
  texts(): string[] {
    return this.deliveries.splice(0).flatMap(({ works }) => works.map(({ body }) => textOf(body)));
  }
}

/** A member begins to work, as {@link Workshop} says. */
export function openShop(...args: ConstructorParameters<typeof Workshop>): Workshop {
  return new Workshop(...args);
}
