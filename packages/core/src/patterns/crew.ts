import { isEd25519SignatureForm } from '../crypto/ed25519-rule.ts';
import type { CryptoProvider, KeyPair } from '../crypto/provider.ts';
import { envelopeId } from '../envelope/identity.ts';
import type { KeySource, LateKeySource } from '../envelope/key-source.ts';
import { beginParsed, type Opened, type Receiver, type SenderKey, type TopicKeys } from '../envelope/open.ts';
import type { EnvelopeView, JobView } from '../wire/envelope.ts';
import type { Extensions } from '../wire/extensions.ts';
import type { HeaderView } from '../wire/header.ts';
import type { Records } from '../wire/records.ts';
import { checkPoolForm } from './pool-form.ts';
import { AnyNumber } from './any-number.ts';
import { eraseSetup, PoolSetups } from './pool-setups.ts';
import { decodePoolKeyinfo, openPoolStream, poolInfo, type PoolKeyinfo, type PoolSetup } from './pool-stream.ts';
import { replySource, type ReplySource } from './replies.ts';
import { checkWorkRecords } from './work.ts';

/** What a member of a crew has for one epoch of its pool. */
export interface PoolEpoch {
  readonly suite: number;
  /** Of the pool record of the epoch. */
  readonly poolHash32: Uint8Array;
  readonly keyPair: KeyPair;
}

/** What a crew asks of the groups behind it. */
export interface CrewOptions {
  readonly provider: CryptoProvider;
  /** The state of chapter 10, and the freshness rule. */
  readonly replay: Receiver['replay'];
  /** Step 7: whether a topic tag leads to the front. */
  isOfFront(topicTag16: Uint8Array): boolean;
  /**
   * Step 8: what there is for an epoch of the crew; undefined where its block or pool record is not held. Throws the refusal of groups.26.
   *
   * @spec patterns.17
   */
  epoch(number: number, view: EnvelopeView | JobView, nowMs: number): PoolEpoch | undefined;
  /** Step 8: throws `E_STALE` where the view of the front is not fresh, and the front does not take that. */
  checkView(nowMs: number): void;
  /** Step 9, as of a {@link Receiver}. */
  findSender(senderId16: Uint8Array, nowMs: number): SenderKey | undefined;
  /** Step 9: whether the writers of the view of the front let this sender publish. */
  mayPublish(sender: SenderKey, header: HeaderView, extensions: Extensions): boolean;
  /** Shared between the crews of one member; default one of its own. */
  readonly setups?: PoolSetups;
}

/**
 * A member of a crew, for steps 7 to 15 of the requests and jobs that reach its front. What it opened, {@link workOf} reads.
 *
 * No private key is used before a valid signature of who may publish, and once for a stream while it is remembered.
 *
 * @example
 * const opened = openEnvelope(crew, bytes, nowMs);
 * const work = opened && workOf(opened, nowMs);
 */
export class Crew implements Receiver, TopicKeys {
  readonly provider: CryptoProvider;
  readonly replay: Receiver['replay'];
  readonly #options: CrewOptions;
  readonly #setups: PoolSetups;

  constructor(options: CrewOptions) {
    this.provider = options.provider;
    this.replay = options.replay;
    this.#options = options;
    this.#setups = options.setups ?? new PoolSetups();
  }

  findTopic(topicTag16: Uint8Array): TopicKeys | undefined {
    return this.#options.isOfFront(topicTag16) ? this : undefined;
  }

  /** @spec patterns.16, patterns.17, principals.30 */
  keySource(number: number, view: EnvelopeView | JobView, nowMs: number): LateKeySource | undefined {
    const epoch = this.#options.epoch(number, view, nowMs);
    if (epoch === undefined) return undefined;
    this.#options.checkView(nowMs);
    return new PoolSource(this.provider, this.#setups, epoch, view.keyinfo, checkPoolForm(this.provider, view));
  }

  findSender(senderId16: Uint8Array, nowMs: number): SenderKey | undefined {
    return this.#options.findSender(senderId16, nowMs);
  }

  mayWrite(sender: SenderKey, header: HeaderView, extensions: Extensions): boolean {
    return this.#options.mayPublish(sender, header, extensions);
  }

  checkRecords(view: EnvelopeView | JobView, records: Records): void {
    checkWorkRecords(view, records);
  }

  /**
   * What the replies to the requests of an envelope are sealed with. Where its stream is not remembered any more, it is decapsulated again.
   *
   * @param epoch - of the envelope
   */
  replySource(epoch: PoolEpoch, { sender, keyinfo }: Pick<Opened, 'sender' | 'keyinfo'>): ReplySource {
    const { poolHash32, suite } = epoch;
    const senderKeyId32 = sender.keyId32;
    const parsed = decodePoolKeyinfo(keyinfo);
    const held = this.#setups.get({ poolHash32, senderKeyId32, keyinfo });
    if (held !== undefined) return replySource(this.provider, epoch, parsed.enc32, held.replySecret32);
    const setup = openPoolStream(this.provider, { suite, poolHash32, senderKeyId32 }, epoch.keyPair, parsed);
    const source = replySource(this.provider, epoch, parsed.enc32, setup.replySecret32);
    eraseSetup(setup);
    return source;
  }

  /**
   * Which envelope it is whose number was seen, and whose: as far as its signature shows, without a private key. Nothing of it is opened, and no
   * state asked or changed.
   *
   * @returns undefined where it is not validly signed
   * @throws TridcommError of steps 7 to 12, but for what step 11 says of the number
   * @spec suites.7
   */
  identify(view: EnvelopeView | JobView, nowMs: number): { readonly id32: Uint8Array } | undefined {
    const anyNumber = new AnyNumber(this.replay.freshness);
    const receiver: Receiver = {
      provider: this.provider,
      replay: anyNumber,
      findTopic: () => this,
      findSender: (senderId16, atMs) => this.findSender(senderId16, atMs),
      mayWrite: (sender, header, extensions) => this.mayWrite(sender, header, extensions),
    };
    const { publicKey32, signInput, signature } = beginParsed(receiver, view, nowMs)!;
    const isValid = isEd25519SignatureForm(signature) && this.provider.ed25519Verify(publicKey32, signInput, signature);
    return isValid ? { id32: envelopeId(this.provider, signInput) } : undefined;
  }

  /** Overwrites what is remembered of an epoch: it is closed. The key pair is the caller's. */
  closeEpoch({ poolHash32 }: PoolEpoch): void {
    this.#setups.erasePool(poolHash32);
  }
}

/** The key source of one request or job. @spec patterns.18 */
class PoolSource implements LateKeySource {
  readonly suite: number;
  readonly #provider: CryptoProvider;
  readonly #setups: PoolSetups;
  readonly #epoch: PoolEpoch;
  readonly #keyinfo: Uint8Array;
  readonly #parsed: PoolKeyinfo;
  /** What was decapsulated for this envelope alone. */
  #fresh: PoolSetup | undefined;

  constructor(
    provider: CryptoProvider,
    setups: PoolSetups,
    epoch: PoolEpoch,
    keyinfo: Uint8Array,
    parsed: PoolKeyinfo,
  ) {
    this.suite = epoch.suite;
    this.#provider = provider;
    this.#setups = setups;
    this.#epoch = epoch;
    this.#keyinfo = keyinfo;
    this.#parsed = parsed;
  }

  bindTo(senderKeyId32: Uint8Array): Uint8Array {
    return this.#provider.sha256(poolInfo({ ...this.#epoch, senderKeyId32 }, this.#parsed.startedMs));
  }

  take(senderKeyId32: Uint8Array): KeySource {
    const { poolHash32, keyPair } = this.#epoch;
    const held = this.#setups.get({ poolHash32, senderKeyId32, keyinfo: this.#keyinfo });
    if (held !== undefined) return held.keySource;
    this.#fresh = openPoolStream(this.#provider, { ...this.#epoch, senderKeyId32 }, keyPair, this.#parsed);
    return this.#fresh.keySource;
  }

  keep(senderKeyId32: Uint8Array): void {
    if (this.#fresh === undefined) return;
    const { poolHash32 } = this.#epoch;
    this.#setups.add({ poolHash32, senderKeyId32, keyinfo: this.#keyinfo }, this.#fresh);
    this.#fresh = undefined;
  }
}
