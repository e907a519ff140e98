import { TridcommError } from '@tridcomm/core';
import { limits } from '@tridcomm/core/internal';
import { TokenBucket } from './token-bucket.ts';

/** What one principal may take of a broker, over all of its links. */
export interface PrincipalLimits {
  readonly connections: number;
  readonly subs: number;
  /** By the counts of the headers. */
  readonly messagesPerSecond: number;
  readonly envelopesPerSecond: number;
  readonly bytesPerSecond: number;
}

/** What holds where a configuration says nothing. @spec delivery.18 */
export const defaultPrincipalLimits: PrincipalLimits = {
  connections: 64,
  subs: 2 * limits.subsPerLink,
  messagesPerSecond: limits.messagesPerSecond,
  envelopesPerSecond: limits.envelopesPerSecond,
  bytesPerSecond: 16 * 1024 * 1024,
};

/** A refusal that waiting helps against: `E_LIMIT`. */
export class RateError extends TridcommError {
  readonly retryMs: number;

  constructor(detail: string, retryMs: number) {
    super('E_LIMIT', detail);
    this.retryMs = retryMs;
  }
}

/** What one principal has taken. */
export class PrincipalQuota {
  connections = 0;
  subs = 0;
  readonly #limits: PrincipalLimits;
  readonly #messages: TokenBucket;
  readonly #envelopes: TokenBucket;
  readonly #bytes: TokenBucket;
  readonly #control: TokenBucket;
  readonly #objectBytes: TokenBucket;

  constructor(principalLimits: PrincipalLimits, nowMs: number) {
    const { messagesPerSecond, envelopesPerSecond, bytesPerSecond } = principalLimits;
    this.#limits = principalLimits;
    // A second's worth: what a pause of the network or of this process held back comes at once, and is no fault of the sender.
    this.#messages = new TokenBucket(messagesPerSecond, messagesPerSecond, nowMs);
    this.#envelopes = new TokenBucket(envelopesPerSecond, envelopesPerSecond, nowMs);
    this.#bytes = new TokenBucket(bytesPerSecond, Math.max(bytesPerSecond, limits.envelopeBytes), nowMs);
    this.#control = new TokenBucket(controlPerSecond, controlBurst, nowMs);
    this.#objectBytes = new TokenBucket(objectBytesPerSecond, objectBytesBurst, nowMs);
  }

  /** @throws TridcommError `E_LIMIT` */
  addConnection(): void {
    if (this.connections >= this.#limits.connections) throw new TridcommError('E_LIMIT', 'links of a principal');
    this.connections++;
  }

  /** @throws TridcommError `E_LIMIT` */
  addSub(): void {
    if (this.subs >= this.#limits.subs) throw new TridcommError('E_LIMIT', 'subs of a principal');
    this.subs++;
  }

  /** Takes an envelope, of which nothing is known yet but its size. @throws {@link RateError} */
  takeEnvelope(bytes: number, nowMs: number): void {
    const retryMs = this.#envelopes.take(1, nowMs) || this.#bytes.take(bytes, nowMs);
    if (retryMs > 0) throw new RateError('envelopes or bytes of a principal', retryMs);
  }

  /** Takes its messages. @param count - of the header @throws {@link RateError} */
  takeMessages(count: number, nowMs: number): void {
    const retryMs = this.#messages.take(count, nowMs);
    if (retryMs > 0) throw new RateError('messages of a principal', retryMs);
  }

  /** Takes a frame that is no envelope, or an envelope that was refused. @throws {@link RateError} */
  takeControl(nowMs: number): void {
    const retryMs = this.#control.take(1, nowMs);
    if (retryMs > 0) throw new RateError('control frames or refusals of a principal', retryMs);
  }

  /** Whether it may be sent an object now. */
  takesObjects(nowMs: number): boolean {
    return this.#objectBytes.take(0, nowMs) === 0;
  }

  /** Notes an object that it was sent; more than there is leaves a debt. */
  spendObject(bytes: number, nowMs: number): void {
    this.#objectBytes.spend(bytes, nowMs);
  }

  /** Whether it can be forgotten. */
  isIdle(nowMs: number): boolean {
    const isFull = this.#buckets().every((bucket) => bucket.isFull(nowMs));
    return this.connections === 0 && isFull;
  }

  #buckets(): readonly TokenBucket[] {
    return [this.#messages, this.#envelopes, this.#bytes, this.#control, this.#objectBytes];
  }
}

/** Pings, subs, unsubs, watches and refusals. At once as many as all subs that a principal may have, which come anew after a restart. */
const controlPerSecond = 500;
const controlBurst = 2 * limits.subsPerLink + 1_000;
const objectBytesPerSecond = 16 * 1024 * 1024;
const objectBytesBurst = 64 * 1024 * 1024;

/** The quotas of all principals that are here, or were lately: who comes back at once finds what it left. */
export class Quotas {
  readonly #limits: PrincipalLimits;
  readonly #byKeyId = new Map<string, PrincipalQuota>();

  constructor(principalLimits: PrincipalLimits) {
    this.#limits = principalLimits;
  }

  /** @param keyId - in hex */
  of(keyId: string, nowMs: number): PrincipalQuota {
    let quota = this.#byKeyId.get(keyId);
    if (quota === undefined) {
      quota = new PrincipalQuota(this.#limits, nowMs);
      this.#byKeyId.set(keyId, quota);
    }
    return quota;
  }

  /** Forgets who is not here and owes nothing. */
  forget(nowMs: number): void {
    for (const [keyId, quota] of this.#byKeyId) if (quota.isIdle(nowMs)) this.#byKeyId.delete(keyId);
  }
}
