import type { TridcommError, TopicMatch } from '@tridcomm/core';

/**
 * A messaging server of somebody else, by way of a client object that is connected to it and stays its owner's: made by `overNats` and
 * `overMqtt`, taken by `connect` in place of an address, and by {@link CarrierFeed}.
 *
 * The server checks nothing and is believed nothing. It sees tags, addresses and sealed bytes.
 */
export interface ForeignCarrier {
  /** What it is, for people. */
  readonly kind: 'nats' | 'mqtt';
  /**
   * @internal Waits until the client object is connected, and begins a session, which lasts as long as that connection does.
   *
   * @throws TridcommError `E_CLOSED` for a client object that was closed; `E_POLICY` for a server that lacks what it takes; `E_TRANSPORT` where
   *   the connection is lost meanwhile; the reason of `signal`
   */
  open(handlers: SessionHandlers, signal?: AbortSignal): Promise<CarrierSession>;
}

/** What a session tells. None of it is checked. */
export interface SessionHandlers {
  onEnvelope(bytes: Uint8Array): void;
  /** An envelope that came for {@link CarrierSession.work}. */
  onWork(match: TopicMatch, bytes: Uint8Array): void;
  /**
   * @param address - in hex
   * @param isNews - whether it was put there just now; not, where it answers a question
   */
  onValue(address: string, value: Uint8Array, isNews: boolean): void;
  /** There is room again: see {@link CarrierSession.isFull}. */
  onDrain(): void;
  /** The connection is over; the last call, and none after {@link CarrierSession.end}. */
  onEnd(error: TridcommError): void;
}

/** One connection of a client object, as far as it is used here. After its end, promises that are open reject with `E_TRANSPORT`. */
export interface CarrierSession {
  /** The largest message that the server takes, as it says; bytes. */
  readonly mostBytes: number;
  /** Whether values come by `onValue` alone, and in the order in which they were asked for. */
  readonly pushesValues: boolean;
  /** Whether so much waits to be taken by the server that publishing should wait for `onDrain`. */
  readonly isFull: boolean;
  /**
   * Publishes an envelope.
   *
   * @param path - see `envelopePath`
   * @param isAnswered - whether it has to be known that the server took it
   * @returns resolves when it has, or where nobody has to know, when it is on its way; rejects with `E_POLICY` where the server says no, and
   *   with `E_LIMIT`
   */
  publish(path: readonly string[], envelope: Uint8Array, isAnswered: boolean): Promise<void>;
  /** Asks for the envelopes of a match. @returns resolves when the server has taken it; rejects with `E_POLICY` where it says no */
  subscribe(match: TopicMatch): Promise<void>;
  unsubscribe(match: TopicMatch): void;
  /**
   * Asks for the envelopes of a match, of which the server gives each to one of those who ask so.
   *
   * @param match - exact
   * @returns resolves when the server has taken it; rejects with `E_POLICY` where it says no, or gives nobody work
   */
  work(match: TopicMatch): Promise<void>;
  endWork(match: TopicMatch): void;
  /**
   * Asks for the value of an address, in hex, now and at every change, or once more.
   *
   * @returns the value, or nothing where there is none, or where it comes by `onValue`; rejects with `E_POLICY` where the server says no
   */
  watch(address: string): Promise<Uint8Array | undefined>;
  /** Resolves when all that the server had to send before has come. */
  settle(): Promise<void>;
  /** Retains a value under an address, in hex, in place of the one before. */
  put(address: string, value: Uint8Array): Promise<void>;
  /** The value of an address, in hex; undefined where there is none. */
  read(address: string): Promise<Uint8Array | undefined>;
  /** Lets go of everything that it asked for. The connection goes on. */
  end(): void;
}
