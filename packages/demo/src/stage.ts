import { randomBytes } from 'node:crypto';
import { LocalNetwork, type LocalMember } from '@tridcomm/core/local';
import type { CarrierReceiver, MemoryStore, Relay } from '@tridcomm/core/internal';
import { nodeProvider } from '@tridcomm/core/node';
import { RelayLog } from './relay-log.ts';
import { Wire } from './wire.ts';

/** Topics of one group. */
export const pattern = 'orders/**';
export const textTopic = 'orders/new';
export const fileTopic = 'orders/files';

/** A member, and the wire between it and the relay. */
export interface Actor {
  readonly member: LocalMember;
  readonly wire: Wire;
}

/** Authority, relay and members; and a clock that stands still until it is told to go on. */
export class Stage {
  readonly network: LocalNetwork;
  readonly log: RelayLog;
  /** The relay's own way to take a link, without a wire. */
  readonly attach: Relay['attach'];
  readonly #clock: { nowMs: number };
  #newest: Wire | undefined;

  private constructor(network: LocalNetwork, clock: { nowMs: number }, secrets: readonly string[]) {
    this.network = network;
    this.#clock = clock;
    this.log = new RelayLog(network, secrets);
    const { relay } = network.relay;
    this.attach = relay.attach.bind(relay);
    relay.attach = (keyId32: Uint8Array, receiver: CarrierReceiver) => {
      const wire = new Wire(receiver);
      this.#newest = wire;
      return wire.upstream(this.attach(keyId32, wire));
    };
  }

  /** @param secrets - what the relay must not see */
  static async create(secrets: readonly string[]): Promise<Stage> {
    const clock = { nowMs: Date.now() };
    const random = (lengthBytes: number) => new Uint8Array(randomBytes(lengthBytes));
    return new Stage(
      await LocalNetwork.create({ provider: nodeProvider, random, now: () => clock.nowMs }),
      clock,
      secrets,
    );
  }

  get nowMs(): number {
    return this.#clock.nowMs;
  }

  join(name: string, store?: MemoryStore): Actor {
    const member = this.network.join(name, store);
    return { member, wire: this.#newest! };
  }

  /** Hands a member an envelope that the relay took without asking what the authority says. */
  carry(envelope: Uint8Array, to: Actor): void {
    this.log.note(envelope);
    to.wire.hand(envelope);
  }

  /** Lets seconds pass, one by one. */
  pass(seconds: number): void {
    for (let i = 0; i < seconds; i++) {
      this.#clock.nowMs += 1000;
      this.network.tick();
    }
  }
}

/** Codes with which a member refused envelopes since the last time. */
export function refusedEnvelopes({ member }: Actor): string[] {
  return member
    .events()
    .flatMap((event) => (event.type === 'refused' && event.what === 'envelope' ? [event.error.code] : []));
}
