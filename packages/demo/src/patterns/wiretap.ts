/*
 * Is loaded into the process of the broker, which is the program as it is: it keeps what comes out of every link and goes into one, after TLS,
 * as a curious broker would, and does what a lying one can.
 */
import { decodeHeader } from '@tridcomm/core';
import { hexOf } from '@tridcomm/core/internal';
import { LinkEngine, type LinkMessage } from '@tridcomm/core/link';
import { serve } from '../network/serve.ts';

/** A message that passed the broker. */
export interface Passed {
  readonly way: 'in' | 'out';
  /** At the other end; in hex. */
  readonly keyId: string;
  readonly type: LinkMessage['type'];
  /** An envelope, job, object or bundle; empty in other messages. */
  readonly bytes: Uint8Array;
}

/** No broker counts that far. */
const firstLease = 1_000_000_000_000;

/** What the broker's process serves. */
export class Wiretap {
  readonly #passed: Passed[] = [];
  readonly #links = new Set<LinkEngine>();
  /** Numbers of works, by their tags. */
  readonly #works = new WeakMap<LinkEngine, Map<string, number>>();
  /** Who gets nothing of whom, both in hex. */
  #held: { readonly to: string; readonly from: string; readonly messages: LinkMessage[] } | undefined;
  #lastLease = firstLease;

  constructor() {
    // oxlint-disable-next-line typescript/unbound-method -- they are called with the link that they are called on
    const { receive, send } = LinkEngine.prototype;
    const [heard, sends] = [this.#heard.bind(this), this.#sends.bind(this)];
    LinkEngine.prototype.receive = function (this: LinkEngine, chunk, onMessage) {
      receive.call(this, chunk, (message) => {
        if (heard(this, message)) onMessage(message);
      });
    };
    LinkEngine.prototype.send = function (this: LinkEngine, message) {
      if (sends(this, message)) send.call(this, message);
    };
  }

  /** How many messages have passed. */
  mark(): number {
    return this.#passed.length;
  }

  passed(mark: number): readonly Passed[] {
    return this.#passed.slice(mark);
  }

  /** Sends somebody an envelope, whether it is for them or not. */
  hand(keyId: string, envelope: Uint8Array): void {
    this.#linkOf(keyId).send({ type: 'envelope', durability: 0, envelope });
  }

  /** Gives somebody work that is not theirs, or was done. */
  lease(keyId: string, envelope: Uint8Array): void {
    const link = this.#linkOf(keyId);
    const work = this.#works.get(link)!.get(hexOf(decodeHeader(envelope).topicTag))!;
    link.send({ type: 'leased', work, lease: ++this.#lastLease, envelope });
  }

  /** Keeps back what one sends to another. */
  hold(to: string, from: string): void {
    this.#held = { to, from, messages: [] };
  }

  /** What is kept back. */
  held(): readonly Uint8Array[] {
    return this.#held!.messages.map(bytesOf);
  }

  /** Gives out what was kept back, and keeps nothing back any more. */
  release(): void {
    const { to, messages } = this.#held!;
    this.#held = undefined;
    for (const message of messages) this.#linkOf(to).send(message);
  }

  /** @returns whether the broker hears it */
  #heard(link: LinkEngine, message: LinkMessage): boolean {
    this.#links.add(link);
    this.#note(link, 'in', message);
    if (message.type === 'work') {
      const works = this.#works.get(link) ?? new Map<string, number>();
      this.#works.set(link, works.set(hexOf(message.match16), message.work));
    }
    // The broker itself knows nothing of these leases.
    return message.type !== 'settle' || message.lease < firstLease;
  }

  /** @returns whether it goes out */
  #sends(link: LinkEngine, message: LinkMessage): boolean {
    const held = this.#held;
    if (held !== undefined && message.type === 'envelope' && keyIdOf(link) === held.to) {
      if (held.from.startsWith(hexOf(decodeHeader(message.envelope).senderId))) {
        held.messages.push(message);
        return false;
      }
    }
    this.#note(link, 'out', message);
    return true;
  }

  #note(link: LinkEngine, way: Passed['way'], message: LinkMessage): void {
    this.#passed.push({ way, keyId: keyIdOf(link), type: message.type, bytes: Uint8Array.from(bytesOf(message)) });
  }

  #linkOf(keyId: string): LinkEngine {
    return [...this.#links].findLast((link) => link.state === 'open' && keyIdOf(link) === keyId)!;
  }
}

function keyIdOf({ peer }: LinkEngine): string {
  return peer === undefined ? '' : hexOf(peer.key.keyId32);
}

function bytesOf(message: LinkMessage): Uint8Array {
  if ('envelope' in message) return message.envelope;
  if ('job' in message) return message.job;
  if ('object' in message) return message.object;
  return 'bundle' in message ? message.bundle : new Uint8Array(0);
}

serve(new Wiretap());
