import type { ClientStore, CryptoProvider } from '@tridcomm/core';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { TlsFiles } from '../links/dial.ts';
import type { MessageBatch } from './message.ts';
import type { Durability } from './publish-outcome.ts';

/** Adjusts a client. */
export interface ConnectOptions {
  /**
   * Who the client is: the directory that enrolment made, or a store that is open, which stays the caller's. One process at a time has it.
   */
  readonly identity: string | ClientStore;
  /** The authority that says who may read and write: 32 bytes, or 64 hex digits. Default what the directory of the identity names. */
  readonly authorityId?: string | Uint8Array;
  /** The name in the broker's record; default the host of the address, `localhost` for a local socket. */
  readonly brokerName?: string;
  /** Certificates, for `tls://`, and for `wss://` with a CA of one's own. Default those in the directory of the identity. */
  readonly tls?: TlsFiles;
  /** Gives up connecting; a client that is connected is closed. */
  readonly signal?: AbortSignal;
  /** Of messages that do not say another; default `memory`. */
  readonly durability?: Durability;
  /** How long a message waits for company, ms; default 0: it goes as soon as the budget of signatures lets it. */
  readonly lingerMs?: number;
  /** How many bytes may wait for the application, of all subscriptions together; default 4 MiB, at least 1 MiB. */
  readonly windowBytes?: number;
  /**
   * Path of a socket of the authority: every 24 h a new key record is handed in there, without which nobody can add this client to a group
   * after 48 h, and the record of the identity is renewed in time. Default the one that the identity was enrolled by.
   */
  readonly authoritySocket?: string;
  /** Hands key records in, in place of that socket. It is asked again every minute until it does not fail. */
  readonly onKeyRecord?: (record: Uint8Array) => void | Promise<void>;
  /** Takes `ws://` addresses of this machine, without TLS. */
  readonly allowPlainLoopback?: boolean;
  /** Default that of `@tridcomm/core/node`. */
  readonly provider?: CryptoProvider;
}

/** Adjusts a publication. */
export interface PublishOptions<S extends StandardSchemaV1 | undefined = undefined> {
  /** How far messages have to get; default that of the client. */
  readonly durability?: Durability;
  /** Makes sure of the data, which goes as JSON then: any Standard Schema. */
  readonly schema?: S;
  /** Takes messages back that have not been sealed, and ends the wait for the others. */
  readonly signal?: AbortSignal;
}

/** Adjusts a subscription. */
export interface SubscribeOptions<S extends StandardSchemaV1 | undefined = undefined> {
  /** Makes sure of the data, which is JSON then: any Standard Schema. What it does not allow is told, and not delivered. */
  readonly schema?: S;
  /** Closes the subscription. */
  readonly signal?: AbortSignal;
  /**
   * `live`, the default: what is published from now on. A position of the broker's log, from 1 on: what the log holds from there, and then what
   * comes. `cursor`: the same from where an earlier life of this client was done, by its acknowledgements; everything for the first. Both
   * need a broker that keeps a log, and messages published with the durability that it keeps.
   *
   * Each subscription delivers for itself: to one that lives on news and one to the log, or to two to the log, a message comes once each. From
   * a cursor, what an earlier subscription of the same may have got says `redelivered`, wherever in the log it stands now: so does, after it
   * began anew, what is new but among the next 64 envelopes of a sender. A subscription from a position keeps nothing, and calls all new.
   */
  readonly from?: 'live' | 'cursor' | number;
  /** Gets the messages as they come, an envelope at a time, the next when it is done with the last; in place of a loop. */
  readonly onBatch?: (batch: MessageBatch) => void | Promise<void>;
}
