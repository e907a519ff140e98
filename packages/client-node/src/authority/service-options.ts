import type { AuthorityOptions, CryptoProvider, RandomSource } from '@tridcomm/core';
import type { BundleSink } from './broker-feed.ts';
import type { Clock } from './clock.ts';
import type { GroupPurpose } from './group-memory.ts';
import type { RestoreSource, Testimony } from './restore-sources.ts';
import type { ServicePrincipal } from './service-principal.ts';
import type { StateSecret } from './state-secret.ts';

/** What an authority's service has to do with others. */
export interface Connections {
  /** Brokers that get everything that is published. */
  readonly sinks: readonly BundleSink[];
  /** Who is asked before a life begins; mostly the same brokers. */
  readonly sources: readonly RestoreSource[];
}

/** What every service is made with. */
export interface ServiceOptions extends Pick<AuthorityOptions, 'skewMs' | 'headFreshMs' | 'headIntervalMs'> {
  /** Default that of `@tridcomm/core/node`. */
  readonly provider?: CryptoProvider;
  /** Default the platform's source. */
  readonly random?: RandomSource;
  /** Default that of the machine. */
  readonly clock?: Clock;
  /**
   * Opens links to brokers, as the principal that is given; default to none. Called once, before the life begins.
   *
   * @param self - its record may have ended while the authority was away
   */
  readonly connect?: (self: ServicePrincipal) => Connections;
  /** Hears what happens behind calls. It must not throw. */
  readonly onEvent?: (event: ServiceEvent) => void;
}

/** A service with a state directory. */
export interface DurableServiceOptions extends ServiceOptions {
  readonly directory: string;
  readonly secret: StateSecret;
  /**
   * One source will do: the archive of the directory alone, or one broker alone. Whoever sets this says that this state, or what that one
   * broker shows, is the newest that there is; where that is wrong, who was revoked since may have rights again. The rule that every start
   * has to pass, and what of it this does not lift, is in `start-rule.ts`.
   */
  readonly acceptSingleSource?: boolean;
  /** A state file of before, to go on from in place of that of the directory, which is kept beside it. */
  readonly backup?: string;
}

/** What happens while nobody is calling. */
export type ServiceEvent =
  /** A broker did not take what it was given; it gets everything once more, later. */
  | { readonly type: 'brokerBehind'; readonly name: string; readonly error: unknown }
  | { readonly type: 'brokerCurrent'; readonly name: string; readonly headSeq: number }
  /** A group could not be changed: it goes on as it was, and is tried again. */
  | { readonly type: 'groupFailed'; readonly groupId16: Uint8Array; readonly error: unknown }
  /** What time asked for could not be done, or written; it is tried again. */
  | { readonly type: 'tickFailed'; readonly error: unknown };

/** How an authority is. */
export interface ServiceStatus {
  readonly authorityId32: Uint8Array;
  readonly headSeq: number;
  readonly headIssuedMs: number;
  readonly policyVersion: number;
  /** That a record was ever issued for, those that were revoked included. */
  readonly principals: number;
  readonly grants: number;
  readonly groups: readonly GroupStatus[];
  readonly brokers: readonly BrokerStatus[];
  /** Whether what was published last could not be written yet, and so has not gone out. */
  readonly isUnwritten: boolean;
  /** What the sources showed when this life began; none for a first life. */
  readonly sources: readonly Pick<Testimony, 'name' | 'kind'>[];
}

/** How a group is; a front together with its crew. */
export interface GroupStatus {
  readonly groupId16: Uint8Array;
  readonly purpose: GroupPurpose;
  readonly patterns: readonly string[];
  readonly generation: number;
  readonly epoch: number;
  /** Members that the newest block does not reach. */
  readonly waiting: number;
  /** What its last change failed with; undefined where it did not. */
  readonly error: unknown;
}

/** How far a broker is. */
export interface BrokerStatus {
  readonly name: string;
  readonly takenHeadSeq: number;
  /** Whether it has taken the newest head. */
  readonly isCurrent: boolean;
  readonly error: unknown;
}
