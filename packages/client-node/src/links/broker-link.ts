import { TridcommError, Trust, type CryptoProvider, type RandomSource } from '@tridcomm/core';
import type { LinkMessage } from '@tridcomm/core/link';
import { nodeProvider } from '@tridcomm/core/node';
import type { BundleSink } from '../authority/broker-feed.ts';
import type { RestoreSource } from '../authority/restore-sources.ts';
import type { ServicePrincipal } from '../authority/service-principal.ts';
import { random as platformRandom, randomToken } from '../client/random.ts';
import { parseAddress } from './address.ts';
import { openLink, type LinkTarget, type MemberOfLink, type ProvenLink } from './link.ts';

/** Something that was asked, in its order. */
interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * An authority's link to one broker: hands it bundles, and asks it what it retains. Opened when it is needed, and again when it was lost;
 * what was on its way then has failed, and whoever asked decides what follows.
 */
export class BrokerLink implements BundleSink, RestoreSource {
  readonly name: string;
  readonly #target: LinkTarget;
  readonly #self: ServicePrincipal;
  readonly #provider: CryptoProvider;
  readonly #random: RandomSource;
  #link: ProvenLink | undefined;
  #opening: Promise<ProvenLink> | undefined;
  #lastNumber = 0;
  #lastAck = 0;
  #lastWatch = 0;
  /** What the peer of the link is judged by. */
  #trust: Trust | undefined;
  /** By number. */
  readonly #bundles = new Map<number, Waiting>();
  /** By token. */
  readonly #pings = new Map<number, Waiting>();
  /** Of addresses in hex that are being asked for. */
  readonly #objects = new Map<string, Uint8Array[]>();
  /** A link ended while nothing was on its way, and bundles had gone over it. */
  #isBroken = false;
  #isClosed = false;

  /** @throws TridcommError `E_USAGE` for an address that is none */
  constructor(
    target: LinkTarget,
    self: ServicePrincipal,
    provider: CryptoProvider = nodeProvider,
    random: RandomSource = platformRandom,
  ) {
    this.#random = random;
    this.name = parseAddress(target.address, target.allowsPlain).text;
    this.#target = target;
    this.#self = self;
    this.#provider = provider;
  }

  /**
   * @throws TridcommError what {@link openLink} does; the code of the broker for a bundle that it refuses; `E_TRANSPORT` where it does not
   *   answer, and once after a link that bundles went over: the broker may have been started again without what they brought, so it needs
   *   everything; `E_REVOKED`, `E_EXPIRED` for a broker that is none any more
   * @spec delivery.8, link.22
   */
  async publish(bundle: Uint8Array): Promise<void> {
    if (this.#isBroken) {
      this.#isBroken = false;
      throw new TridcommError('E_TRANSPORT', `${this.name}: the link broke, and the broker may have begun anew`);
    }
    const link = await this.#open();
    this.#checkPeer(link);
    await this.#answered(link, this.#bundles, () => {
      link.send({ type: 'bundle', bundle });
      return ++this.#lastNumber;
    });
  }

  /** @throws TridcommError as {@link publish} */
  async retained(address16: Uint8Array): Promise<readonly Uint8Array[]> {
    const link = await this.#open();
    const name = Buffer.from(address16).toString('hex');
    const found = this.#objects.get(name) ?? [];
    this.#objects.set(name, found);
    link.send({ type: 'watch', keeps: false, addresses: [address16] });
    this.#lastWatch++;
    // What the broker sends for the question may come behind the answer to one ping, but not to the next.
    await this.#ping(link);
    await this.#ping(link);
    this.#objects.delete(name);
    return found;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#opening?.catch(() => {});
    this.#link?.close();
    this.#lost(new TridcommError('E_CLOSED', `${this.name}: link that was closed`));
  }

  async #open(): Promise<ProvenLink> {
    if (this.#isClosed) throw new TridcommError('E_CLOSED', `${this.name}: link that was closed`);
    if (this.#link !== undefined) return this.#link;
    this.#opening ??= this.#openAnew().finally(() => (this.#opening = undefined));
    return this.#opening;
  }

  async #openAnew(): Promise<ProvenLink> {
    const member = this.#member();
    const tls = this.#target.tls ?? (await this.#tls());
    return new Promise((resolve, reject) => {
      const handlers = {
        onOpen: (link: ProvenLink) => {
          this.#link = link;
          this.#lastNumber = 0;
          this.#lastAck = 0;
          this.#lastWatch = 0;
          resolve(link);
        },
        onMessage: (message: LinkMessage) => this.#take(message),
        onDrain: () => {},
        onEnd: (error: TridcommError | undefined) => {
          // Whoever waits for an answer is told so at once.
          this.#isBroken = this.#lastNumber > 0 && this.#bundles.size === 0;
          this.#lost(error ?? new TridcommError('E_TRANSPORT', `${this.name}: the broker ended the link`));
        },
      };
      openLink({ ...this.#target, tls }, member, handlers).catch(reject);
    });
  }

  #member(): MemberOfLink {
    const { key, authorityId32, record, authorityRecords } = this.#self;
    if (record === undefined) throw new TridcommError('E_INTERNAL', 'authority without a record of its own');
    const provider = this.#provider;
    const trust = new Trust({ provider, authorityId32 });
    for (const one of authorityRecords) trust.takeAuthorityRecord(one, Date.now());
    this.#trust = trust;
    return {
      provider,
      random: this.#random,
      now: () => Date.now(),
      key,
      principalRecord: record.object.bytes,
      trust,
      // The chain begins with serial 1.
      authorityRecords: (afterSerial) => authorityRecords.slice(afterSerial),
      isRevoked: (peerKeyId32, serial) => this.#self.isRevoked(peerKeyId32, serial),
    };
  }

  /** The link may have been open for long. */
  #checkPeer(link: ProvenLink): void {
    const { peer } = link;
    try {
      if (this.#self.isRevoked(peer.key.keyId32, peer.serial)) {
        throw new TridcommError('E_REVOKED', `${this.name}: broker of the link`);
      }
      this.#trust!.checkPrincipalNow(peer, Date.now());
    } catch (error) {
      link.close(error as TridcommError);
      if (link === this.#link) this.#lost(error as TridcommError);
      throw error;
    }
  }

  async #tls(): Promise<LinkTarget['tls']> {
    if (!this.#target.address.startsWith('tls://')) return undefined;
    const { ca, certificate, privateKey } = await this.#self.tls(Date.now());
    return { ca, cert: certificate, key: privateKey };
  }

  #take(message: LinkMessage): void {
    switch (message.type) {
      case 'ack':
        checkAnswer(message.number, Math.max(1, this.#lastAck), this.#lastNumber);
        this.#lastAck = message.number;
        for (const [number, { resolve }] of this.#bundles) {
          if (number > message.number) break;
          this.#bundles.delete(number);
          resolve();
        }
        break;
      case 'reject':
        checkAnswer(message.number, 1, this.#lastOf(message.about));
        if (message.about !== 'numbered') break;
        this.#bundles.get(message.number)?.reject(new TridcommError(message.code, `${this.name}: bundle refused`));
        this.#bundles.delete(message.number);
        break;
      case 'object':
        this.#collect(message.address16, message.object);
        break;
      case 'ping':
        // A peer that does not read asks in vain: answers must not pile up for it.
        if (!message.answers && this.#link?.isFull === false) {
          this.#link.send({ ...message, answers: true, timeMs: Date.now() });
        }
        this.#pings.get(message.token)?.resolve();
        this.#pings.delete(message.token);
        break;
      case 'envelope':
      case 'stored':
      case 'leased':
      case 'job':
        throw new TridcommError('E_ENCODING', `${message.type} for an authority, which subscribes to nothing`);
      case 'bundle':
      case 'watch':
      case 'sub':
      case 'unsub':
      case 'work':
      case 'settle':
      case 'credit':
      case 'close':
        // The link has dealt with those that there are.
        throw new TridcommError('E_INTERNAL', `${message.type} from a broker`);
    }
  }

  #lastOf(about: Extract<LinkMessage, { readonly type: 'reject' }>['about']): number {
    if (about === 'numbered') return this.#lastNumber;
    return about === 'watch' ? this.#lastWatch : 0;
  }

  #collect(address16: Uint8Array, object: Uint8Array): void {
    const found = this.#objects.get(Buffer.from(address16).toString('hex'));
    if (found === undefined) return;
    const bytes = found.reduce((sum, { length }) => sum + length, object.length);
    if (found.length >= mostObjects || bytes > mostObjectBytes) {
      throw new TridcommError('E_LIMIT', `${this.name}: ${found.length + 1} objects, ${bytes} bytes, of one address`);
    }
    found.push(Uint8Array.from(object));
  }

  async #ping(link: ProvenLink): Promise<void> {
    await this.#answered(link, this.#pings, () => {
      const token = randomToken(this.#random);
      link.send({ type: 'ping', answers: false, token, timeMs: Date.now() });
      return token;
    });
  }

  /** @param send - sends, and gives the number that the answer will have */
  async #answered(link: ProvenLink, waiting: Map<number, Waiting>, send: () => number): Promise<void> {
    if (link !== this.#link) throw new TridcommError('E_TRANSPORT', `${this.name}: link that ended`);
    const number = send();
    const late = setTimeout(() => {
      const error = new TridcommError('E_TRANSPORT', `${this.name}: no answer within ${answerMs} ms`);
      link.close(error);
      if (link === this.#link) this.#lost(error);
    }, answerMs);
    try {
      await new Promise<void>((resolve, reject) => waiting.set(number, { resolve, reject }));
    } finally {
      clearTimeout(late);
    }
  }

  #lost(error: TridcommError): void {
    this.#link = undefined;
    for (const waiting of [this.#bundles, this.#pings]) {
      for (const { reject } of waiting.values()) reject(error);
      waiting.clear();
    }
    this.#objects.clear();
  }
}

/** @spec delivery.19 */
function checkAnswer(number: number, least: number, last: number): void {
  if (number >= least && number <= last) return;
  throw new TridcommError('E_ENCODING', `answer to ${number}, and ${least} to ${last} may be answered`);
}

const answerMs = 15_000;
/** Of one address. */
const mostObjects = 64;
const mostObjectBytes = 64 * 1024 * 1024;
