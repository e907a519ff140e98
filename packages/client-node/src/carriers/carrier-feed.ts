import { decodeBundle, TridcommError, type CryptoProvider } from '@tridcomm/core';
import { hexOf, RelayState } from '@tridcomm/core/internal';
import { nodeProvider } from '@tridcomm/core/node';
import type { BundleSink } from '../authority/broker-feed.ts';
import type { RestoreSource } from '../authority/restore-sources.ts';
import type { CarrierSession, ForeignCarrier } from './foreign-carrier.ts';
import { decodeValue, encodeValue } from './retained-value.ts';

/**
 * An authority's way to a carrier: retains there what it publishes, and asks what is retained. It is to a carrier what `BrokerLink` is to a
 * broker, and does what a broker does by itself: it keeps of what is published what is still to be retained.
 *
 * A carrier does not apply a bundle as a whole: its objects come one after the other, a head behind all that it names, so members go over to it
 * when they have it all. After a connection that was lost everything is asked for once more, as the server may have lost it.
 *
 * @example
 * const connect = (self) => {
 *   const feed = new CarrierFeed(overNats(nats), self);
 *   return { sinks: [feed], sources: [feed] };
 * };
 * const service = await AuthorityService.open({ directory, secret, connect });
 *
 * @spec bindings.9, bindings.11
 */
export class CarrierFeed implements BundleSink, RestoreSource {
  readonly name: string;
  readonly #carrier: ForeignCarrier;
  readonly #state: RelayState;
  readonly #closing = new AbortController();
  #session: Promise<CarrierSession> | undefined;
  /** A connection was lost since everything was retained. */
  #isOutdated = false;

  /** @param self - who the authority is: what `connect` of its service is given, or `{ authorityId32 }` */
  constructor(
    carrier: ForeignCarrier,
    { authorityId32 }: { readonly authorityId32: Uint8Array },
    provider: CryptoProvider = nodeProvider,
  ) {
    this.name = carrier.kind;
    this.#carrier = carrier;
    this.#state = new RelayState({ provider, authorityId32 });
  }

  /**
   * @throws TridcommError `E_TRANSPORT` where the server does not answer, and for the first bundle behind a connection that was lost: then
   *   everything is needed; `E_LIMIT` for what the server does not take for its size, before anything was retained; `E_POLICY`
   */
  async publish(bundle: Uint8Array): Promise<void> {
    const nowMs = Date.now();
    this.#state.judge(bundle, nowMs).commit(nowMs);
    if (this.#isOutdated) {
      this.#isOutdated = false;
      throw new TridcommError('E_TRANSPORT', `${this.name}: the connection was lost, and what is retained with it`);
    }
    try {
      await this.#inTime(this.#retain(decodeBundle(bundle), nowMs));
    } catch (error) {
      this.#isOutdated = false;
      throw error;
    }
  }

  /** @throws TridcommError as {@link publish} */
  async retained(address16: Uint8Array): Promise<readonly Uint8Array[]> {
    const session = await this.#inTime(this.#open());
    const value = await this.#inTime(session.read(hexOf(address16)));
    if (value === undefined) return [];
    try {
      return decodeValue(address16, value).map((object) => Uint8Array.from(object));
    } catch {
      // Whoever asks sees that it proves nothing.
      return [Uint8Array.from(value)];
    }
  }

  async close(): Promise<void> {
    this.#closing.abort(new TridcommError('E_CLOSED', `${this.name}: feed that was closed`));
    await this.#session?.then(
      (session) => session.end(),
      () => {},
    );
  }

  async #retain(objects: readonly { readonly address16: Uint8Array }[], nowMs: number): Promise<void> {
    const session = await this.#open();
    const addresses = new Map(objects.map(({ address16 }) => [hexOf(address16), address16]));
    const values = [...addresses].flatMap(([address, address16]) => {
      const retained = this.#state.retained(address16, nowMs);
      return retained.length === 0 ? [] : [{ address, value: encodeValue(address16, retained) }];
    });
    for (const { value } of values) {
      if (value.length <= session.mostBytes) continue;
      throw new TridcommError('E_LIMIT', `${this.name}: value of ${value.length} bytes, above ${session.mostBytes}`);
    }
    // In their order, which is that in which members can verify them; so many at once as do not fill the memory.
    for (let at = 0; at < values.length; at += putsAtOnce) {
      const some = values.slice(at, at + putsAtOnce);
      await Promise.all(some.map(async ({ address, value }) => session.put(address, value)));
    }
  }

  async #open(): Promise<CarrierSession> {
    this.#closing.signal.throwIfAborted();
    this.#session ??= this.#carrier
      .open(
        {
          onEnvelope: () => {},
          onWork: () => {},
          onValue: () => {},
          onDrain: () => {},
          onEnd: () => {
            this.#session = undefined;
            this.#isOutdated = true;
          },
        },
        this.#closing.signal,
      )
      .catch((error: unknown) => {
        this.#session = undefined;
        throw error;
      });
    return this.#session;
  }

  /** @throws TridcommError `E_TRANSPORT` where it takes too long */
  async #inTime<T>(work: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const error = new TridcommError('E_TRANSPORT', `${this.name}: no answer within ${answerMs} ms`);
      timer = setTimeout(() => reject(error), answerMs);
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

const answerMs = 15_000;
const putsAtOnce = 128;
