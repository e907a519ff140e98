import { TridcommError } from '@tridcomm/core';
import type { ClientEvent } from '@tridcomm/core/internal';
import { hexOf, readU64, textOf } from '../bytes.ts';
import { kindOfObject } from '../hostile-relay.ts';
import type { Member, Parcel, Request } from '../member.ts';
import type { Office } from './office.ts';
import type { Expectations } from './expectations.ts';
import type { RunState } from './run-state.ts';

/** What clients tell, and what of it the oracles hear. */
export class MemberEvents {
  readonly #state: RunState;
  readonly #office: Office;
  readonly #expectations: Expectations;
  readonly #lastHeads = new WeakMap<Member, object>();

  constructor(state: RunState, office: Office, expectations: Expectations) {
    this.#state = state;
    this.#office = office;
    this.#expectations = expectations;
  }

  onEvent(member: Member, event: ClientEvent): void {
    const { counts, refusals, deeds } = this.#state;
    const note = (what: string): void => this.#state.note(() => `${member.name} ${what}`);
    switch (event.type) {
      case 'message':
        this.#onMessage(member, event);
        break;
      case 'view':
        this.#onView(member, event);
        break;
      case 'stale':
      case 'fresh':
        if (event.type === 'stale') counts.stales++;
        note(`is ${event.type}`);
        break;
      case 'fork':
        counts.forks++;
        note(`sees a fork: ${event.error.message}`);
        break;
      case 'refused':
        refusals.add(`${event.what} ${event.error.code}`);
        note(`refuses ${event.what}: ${event.error.message}`);
        break;
      case 'keyRecord':
        this.#office.renewKeys(event.bytes);
        break;
      case 'carrierFailed':
      case 'handlerFailed':
      case 'failed':
        this.#state.broken(member, event.error);
        break;
      case 'falseHead':
        deeds.add('false head noticed');
        break;
      case 'work':
      case 'reply':
      case 'surveyReply':
      case 'routed':
      case 'heard':
        counts.deliveries++;
        break;
      case 'surveyEnd':
      case 'pool':
      case 'gap':
      case 'filled':
        break;
    }
  }

  /** The client hands an envelope to the broker. */
  onPublished(member: Member, envelope: Uint8Array): void {
    this.#state.routing.published(this.#office.sceneOf(member, 0), envelope);
  }

  /** Before the client gets it. */
  onParcel(member: Member, parcel: Parcel): void {
    if (parcel.is !== 'object') return;
    const kind = kindOfObject(parcel.bytes);
    if (kind !== 'head' && kind !== 'groupHead') return;
    this.#state.messages.handHead(member.name, readU64(parcel.bytes, 48));
  }

  /** After the client got something, or time passed. */
  afterwards(member: Member): void {
    const head = member.client?.trust.head;
    if (head === undefined || head === this.#lastHeads.get(member)) return;
    this.#lastHeads.set(member, head);
    this.#state.messages.holdHead(this.#office.sceneOf(member, 0), member.memory, head.headSeq, hexOf(head.hash32));
  }

  onBrokerRefusal(member: Member, request: Request, error: unknown): void {
    if (!(error instanceof TridcommError)) {
      this.#state.broken(member, error);
      return;
    }
    this.#state.refusals.add(`relay ${error.code}`);
    this.#state.note(() => `the relay refuses ${member.name} to ${request.do}: ${error.message}`);
    if (request.do === 'work') member.client?.workRefused(request.match, error, member.localMs);
    if (request.do === 'subscribe') member.client?.subscriptionRefused(request.match, error, member.localMs);
  }

  #onMessage(member: Member, { delivery }: ClientEvent & { readonly type: 'message' }): void {
    const { topic, sender, messages, stale, gaps, filled } = delivery;
    const contents = messages.map(({ payload }) => textOf(payload));
    this.#state.counts.deliveries += contents.length;
    this.#state.note(() => `${member.name} gets ${contents.join()} of ${sender.name} on ${topic}`);
    const delivered = { sender: sender.name, topic, contents, stale, gaps, filled };
    const scene = this.#office.sceneOf(member, this.#office.groupOf(delivery.groupId16));
    this.#state.messages.deliver(scene, member.life, delivered);
    if (delivery.survey === undefined) return;
    const isLive = (name: string): boolean => this.#expectations.isLive(name);
    this.#state.party(member.name).surveyor.heard(delivery, () => isLive(sender.name) && isLive(member.name));
  }

  #onView(member: Member, { groupId16, headSeq, epoch }: ClientEvent & { readonly type: 'view' }): void {
    const group = this.#office.groupOf(groupId16);
    this.#state.note(() => `${member.name} goes over to head ${headSeq}, epoch ${epoch} of group ${group}`);
    const scene = { ...this.#office.sceneOf(member, group), viewHeadSeq: headSeq };
    this.#state.messages.adopt(scene, member.memory, group, epoch);
    if (group === this.#office.group('pool')) this.#state.routing.adopted(scene, headSeq);
  }
}
