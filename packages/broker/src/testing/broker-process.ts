import type { ByteStream, StreamHandlers } from '@tridcomm/client-node/internal';
import type { CryptoProvider, RandomSource } from '@tridcomm/core';
import { BrokerEngine, type BrokerEngineOptions } from '../engine/broker-engine.ts';
import type { BrokerEvent } from '../engine/events.ts';
import type { BrokerIdentity } from '../identity.ts';
import { LinkDriver, type LinkHost, type LinkOrigin } from '../listeners/link-driver.ts';
import { Openings } from '../listeners/openings.ts';
import type { EnvelopeLog } from '../store/envelope-log.ts';

/** What a broker process is made of. */
export interface BrokerProcessOptions extends Omit<BrokerEngineOptions, 'now' | 'defer' | 'store'> {
  readonly identity: BrokerIdentity;
  /** A log that is durable. */
  readonly log: EnvelopeLog;
  readonly onEvent: (event: BrokerEvent) => void;
}

/**
 * A broker as `createBroker` puts it together, but for what touches the world: who makes it brings log and connections, and what it keeps
 * of its authority. It has Node's clock and timers.
 */
export class BrokerProcess {
  readonly engine: BrokerEngine;
  readonly #links: LinkHost;
  readonly #openings = new Openings(mostOpenings);
  readonly #ticker: NodeJS.Timeout;

  constructor({ identity, log, ...options }: BrokerProcessOptions) {
    const engine = new BrokerEngine({
      ...options,
      now: Date.now,
      defer: (work) => void setImmediate(work),
      store: { log, isDurable: true },
    });
    this.engine = engine;
    const { provider, random }: { readonly provider: CryptoProvider; readonly random: RandomSource } = options;
    this.#links = {
      engine,
      provider,
      random,
      now: Date.now,
      key: identity.key,
      principalRecord: () => engine.trust.principal(identity.key.keyId32)?.object.bytes ?? identity.principalRecord,
      stalled: new Set(),
      partial: { bytes: 0 },
      emit: options.onEvent,
    };
    this.#ticker = setInterval(() => this.#tick(), tickMs);
  }

  /**
   * Takes a connection.
   *
   * @param lay - gives the stream that calls these handlers
   */
  accept(origin: LinkOrigin, lay: (handlers: StreamHandlers) => ByteStream): void {
    const opening = this.#openings.add(origin.remote, () => driver.displaced());
    const driver = new LinkDriver(this.#links, origin, opening);
    driver.start(lay(driver));
  }

  /** Takes nothing more, answers what it took, and ends all links in order. */
  async drain(): Promise<void> {
    await this.engine.drain();
    clearInterval(this.#ticker);
  }

  #tick(): void {
    this.engine.tick();
    for (const driver of this.#links.stalled) driver.checkStalled(Date.now());
  }
}

const tickMs = 500;
const mostOpenings = 1_024;
