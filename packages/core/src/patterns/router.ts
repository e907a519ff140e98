import { extensions as numbers } from '../codepoints/extensions.gen.ts';
import { patternKinds } from '../codepoints/patterns.gen.ts';
import { isEd25519SignatureForm } from '../crypto/ed25519-rule.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { envelopeId } from '../envelope/identity.ts';
import type { LateKeySource } from '../envelope/key-source.ts';
import { beginParsed, type PendingOpen, type Receiver, type SenderKey } from '../envelope/open.ts';
import { openRouting, routingEpochOf, type RoutingEpoch } from '../envelope/routing.ts';
import { TridcommError } from '../errors.ts';
import type { PoolRecord } from '../keys/pool-record.ts';
import type { ReplayState } from '../replay/sourced-replay.ts';
import type { ReplayWrites } from '../replay/stored-state.ts';
import type { EnvelopeView } from '../wire/envelope.ts';
import type { Extensions } from '../wire/extensions.ts';
import type { HeaderView } from '../wire/header.ts';
import { AnyNumber } from './any-number.ts';
import { checkPoolForm } from './pool-form.ts';
import { poolInfo } from './pool-stream.ts';
import { refusal } from './refusal.ts';

/** What a router has of a pool record. */
export interface RouterPool extends Pick<PoolRecord, 'suite' | 'notBeforeMs' | 'notAfterMs'> {
  readonly poolHash32: Uint8Array;
  /** The state of chapter 10 for the messages of this epoch of the crew: the router's own. */
  readonly replay: ReplayState;
}

/** What a router asks of the front behind it. */
export interface RouterOptions {
  readonly provider: CryptoProvider;
  readonly skewMs: number;
  /** Step 7: whether a topic tag leads to the front. */
  isOfFront(topicTag16: Uint8Array): boolean;
  /** Step 8: the pool record of an epoch of the crew; undefined where none is held. */
  pool(epoch: number): RouterPool | undefined;
  /** Step 8: throws `E_STALE` where the view of the front is not fresh, and the front does not take that. */
  checkView(nowMs: number): void;
  /** Step 8: an epoch of the front; undefined where it is not open. May throw the refusal of groups.26 itself. */
  epoch(number: number, view: EnvelopeView, nowMs: number): RoutingEpoch | undefined;
  /** Step 9, as of a {@link Receiver}. */
  findSender(senderId16: Uint8Array, nowMs: number): SenderKey | undefined;
  /** Step 9: whether the writers of the view of the front let this sender publish. */
  mayPublish(sender: SenderKey, header: HeaderView, extensions: Extensions): boolean;
}

/** What a router reads of a message; the rest is sealed for the crew. */
export interface Routed {
  readonly sender: SenderKey;
  readonly id32: Uint8Array;
  readonly routing: Uint8Array;
}

/**
 * A router, for steps 7 to 15 of the messages that reach its front: it reads who sent one, and the routing data.
 *
 * ```
 * const pending = router.begin(view, nowMs);      steps 7 to 11; undefined: not for us
 * pending.verified(…)                             steps 12 and 13
 * const { routing } = pending.commit();           step 15
 * ```
 */
export class Router {
  readonly #options: RouterOptions;

  constructor(options: RouterOptions) {
    this.#options = options;
  }

  /**
   * Steps 7 to 11.
   *
   * @param view - kept; its bytes stay as they are until the end
   * @returns undefined where the tag leads nowhere
   * @throws TridcommError the refusal
   * @spec patterns.37, patterns.17
   */
  begin(view: EnvelopeView, nowMs: number): PendingRoute | undefined {
    if (!this.#options.isOfFront(view.header.topicTag)) return undefined;
    return this.#begin(view, nowMs, (replay) => replay);
  }

  /**
   * A message whose number was seen, read once more to be handed on as such: no state is asked or changed.
   *
   * @returns undefined where it is not validly signed
   * @throws TridcommError of steps 7 to 13, but for what step 11 says of the number
   */
  again(view: EnvelopeView, nowMs: number): Routed | undefined {
    const { provider } = this.#options;
    const pending = this.#begin(view, nowMs, ({ freshness }) => new AnyNumber(freshness));
    const { publicKey32, signInput, signature } = pending;
    if (!provider.ed25519Verify(publicKey32, signInput, signature)) return undefined;
    pending.verified(true);
    return pending.routed;
  }

  #begin(view: EnvelopeView, nowMs: number, replayOf: (own: ReplayState) => ReplayState): PendingRoute {
    const { provider } = this.#options;
    const { pool, epoch, startedMs } = this.#checkStep8(view, nowMs);
    // What is sealed is not read, and the key of the crew not asked for.
    const keySource: LateKeySource = {
      suite: pool.suite,
      bindTo: (senderKeyId32) => provider.sha256(poolInfo({ ...pool, senderKeyId32 }, startedMs)),
      take: notRead,
      keep: notRead,
    };
    let found: SenderKey | undefined;
    const receiver: Receiver = {
      provider,
      replay: replayOf(pool.replay),
      findTopic: () => ({ keySource: () => keySource }),
      findSender: (senderId16, atMs) => (found = this.#options.findSender(senderId16, atMs)),
      mayWrite: (sender, header, extensions) => this.#options.mayPublish(sender, header, extensions),
    };
    const pending = beginParsed(receiver, view, nowMs)!;
    return new PendingRoute(receiver, view, pending, found!, epoch);
  }

  #checkStep8(view: EnvelopeView, nowMs: number): { pool: RouterPool; epoch: RoutingEpoch; startedMs: number } {
    const { provider, skewMs } = this.#options;
    const { header, extensions } = view;
    const { patternKind, timestampMs, suite } = header;
    if (patternKind !== patternKinds.routerDealer.message) throw refusal('E_ENCODING', 'no message of a dealer');
    const pool = this.#options.pool(header.epoch);
    if (pool === undefined) throw refusal('E_EPOCH', `no pool record of epoch ${header.epoch}`);
    if (timestampMs < pool.notBeforeMs - skewMs || timestampMs > pool.notAfterMs + skewMs) {
      throw refusal('E_EPOCH', `timestamp ${timestampMs} outside its pool record`);
    }
    this.#options.checkView(nowMs);
    const { startedMs } = checkPoolForm(provider, view);
    if (suite !== pool.suite) throw refusal('E_SUITE', `suite ${suite}, the pool record has ${pool.suite}`);
    const number = routingEpochOf(extensions.value(numbers.routing)!);
    const epoch = this.#options.epoch(number, view, nowMs);
    if (epoch === undefined) throw refusal('E_EPOCH', `routing data of epoch ${number}`);
    return { pool, epoch, startedMs };
  }
}

/** A message on its way through a router, after steps 1 to 11. The calls come in this order, each once. */
export class PendingRoute {
  /** Of the sender; its form is checked. */
  readonly publicKey32: Uint8Array;
  readonly signInput: Uint8Array;
  readonly signature: Uint8Array;
  readonly #receiver: Receiver;
  readonly #view: EnvelopeView;
  readonly #sender: SenderKey;
  readonly #epoch: RoutingEpoch;
  readonly #id32: Uint8Array;
  #next: 'verified' | 'commit' | 'nothing' = 'verified';
  #routing: Uint8Array | undefined;

  /** @internal */
  constructor(receiver: Receiver, view: EnvelopeView, pending: PendingOpen, sender: SenderKey, epoch: RoutingEpoch) {
    this.publicKey32 = pending.publicKey32;
    this.signInput = pending.signInput;
    this.signature = pending.signature;
    this.#receiver = receiver;
    this.#view = view;
    this.#sender = sender;
    this.#epoch = epoch;
    this.#id32 = envelopeId(receiver.provider, pending.signInput);
  }

  /**
   * Takes the verdict on the signature, and opens the routing data.
   *
   * @throws TridcommError `E_SIG`, `E_FORK`, `E_AEAD`; `E_USAGE` out of order, as all steps
   * @spec patterns.38
   */
  verified(valid: boolean): void {
    this.#take('verified');
    // Nothing but true is a yes: an answer that is only truthy, such as a promise, is a mistake.
    // oxlint-disable-next-line typescript/no-unnecessary-boolean-literal-compare
    if (valid !== true || !isEd25519SignatureForm(this.signature)) throw new TridcommError('E_SIG');
    const { provider, replay } = this.#receiver;
    const { header, extensions } = this.#view;
    replay.decideFork(header.bytes, this.#id32, extensions.value(numbers.prevEnvelope));
    const { streamId: streamId8, seq, salt: salt16 } = header;
    const place = { senderKeyId32: this.#sender.keyId32, streamId8, seq, salt16 };
    this.#routing = openRouting(provider, this.#epoch, place, extensions.value(numbers.routing)!);
    this.#next = 'commit';
  }

  /** As of a `PendingOpen`. */
  pendingWrites(): ReplayWrites | undefined {
    this.#check('commit');
    return this.#receiver.replay.pendingWrites(this.#view.header.bytes);
  }

  /** As of a `PendingOpen`. */
  stored(writes: ReplayWrites): Uint8Array | undefined {
    this.#check('commit');
    return this.#receiver.replay.stored(this.#view.header.bytes, writes);
  }

  /**
   * Step 15.
   *
   * @throws TridcommError `E_REPLAY` and its kin, where another was faster
   */
  commit(): Routed {
    this.#take('commit');
    const { routed } = this;
    this.#receiver.replay.commit(this.#view.header.bytes, this.#id32);
    return routed;
  }

  /** @internal What was read, under a valid signature. */
  get routed(): Routed {
    if (this.#routing === undefined) throw new TridcommError('E_USAGE', 'routing data that are not opened');
    return { sender: this.#sender, id32: this.#id32, routing: this.#routing };
  }

  /** A step out of order, or after a refusal, is the caller's mistake, and must never open what was refused. */
  #take(step: 'verified' | 'commit'): void {
    this.#check(step);
    this.#next = 'nothing';
  }

  #check(step: 'verified' | 'commit'): void {
    if (this.#next !== step) throw new TridcommError('E_USAGE', `not the time for ${step}`);
  }
}

function notRead(): never {
  throw new TridcommError('E_INTERNAL', 'a router that reads what is sealed for the crew');
}
