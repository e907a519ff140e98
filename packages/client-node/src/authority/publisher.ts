import type { Archive } from './archive.ts';
import { BrokerFeed, type BundleSink } from './broker-feed.ts';
import type { Clock } from './clock.ts';
import type { BrokerStatus, ServiceEvent } from './service-options.ts';

/** Bundles of one operation, in order. */
export interface PublishedBundles {
  readonly bundles: readonly Uint8Array[];
  /** Whether they are everything that a carrier should retain. */
  readonly isAll: boolean;
}

/**
 * Hands what an authority publishes to its brokers, when it has been written.
 */
export class Publisher {
  readonly #feeds: readonly BrokerFeed[];
  readonly #archive: Archive;

  /** @param needsAll - asks for a `republish`, for brokers that missed something */
  constructor(
    sinks: readonly BundleSink[],
    archive: Archive,
    clock: Clock,
    needsAll: () => void,
    tell: (event: ServiceEvent) => void,
  ) {
    this.#archive = archive;
    this.#feeds = sinks.map((sink) => {
      const { name } = sink;
      return new BrokerFeed(sink, clock, {
        needsAll,
        behind: (error) => tell({ type: 'brokerBehind', name, error }),
        current: (headSeq) => tell({ type: 'brokerCurrent', name, headSeq }),
      });
    });
  }

  get hasBrokers(): boolean {
    return this.#feeds.length > 0;
  }

  /**
   * Archives and hands out.
   *
   * @throws StoreError where the archive cannot be written; then nothing has gone out
   */
  handOut({ bundles, isAll }: PublishedBundles, headSeq: number): void {
    const archived = this.#archive.add(bundles);
    const changed = archived.flatMap((one) => one.changed ?? []);
    for (const feed of this.#feeds) {
      if (!feed.wantsAll) feed.push(changed, headSeq);
      else if (isAll) feed.pushAll(bundles, headSeq);
    }
  }

  status(headSeq: number): readonly BrokerStatus[] {
    return this.#feeds.map(({ status }) => ({ ...status, isCurrent: status.takenHeadSeq === headSeq }));
  }

  /** Resolves when every broker has applied what it was given, or has failed. */
  async rest(): Promise<void> {
    await Promise.all(this.#feeds.map((feed) => feed.rest()));
  }

  /** Hands out nothing more. */
  stop(): void {
    this.#archive.close();
    for (const feed of this.#feeds) feed.stop();
  }
}
