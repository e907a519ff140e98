/*
 * What is used of the official MQTT client: that of the package `mqtt` has it.
 */

/** Answers a call; with an error where it failed, whose `code` is MQTT's where the server gave one. */
export type MqttCallback = (error?: (Error & { readonly code?: number | string }) | null) => void;

/** Hears of messages: `retain` is set on those that the server kept. */
export type MqttListener = (topic: string, payload: Buffer, packet: { readonly retain: boolean }) => void;

/** A client of MQTT servers that keeps its connection up. */
export interface MqttClientLike {
  readonly connected: boolean;
  /** Whether it was told to end. */
  readonly disconnecting: boolean;
  /** Whether it has ended. */
  readonly disconnected?: boolean | undefined;
  /** What the server said when it took the connection; nothing before MQTT 5. */
  readonly serverProperties?:
    | {
        readonly maximumPacketSize?: number | undefined;
        readonly receiveMaximum?: number | undefined;
        readonly retainAvailable?: boolean | undefined;
        readonly sharedSubscriptionAvailable?: boolean | undefined;
      }
    | undefined;
  publish(topic: string, message: Buffer, options: { qos: 0 | 1; retain: boolean }, callback: MqttCallback): unknown;
  subscribe(topics: never, callback: MqttCallback): unknown;
  unsubscribe(topic: string | string[], callback: MqttCallback): unknown;
  on(event: 'message', listener: MqttListener): unknown;
  on(event: 'connect' | 'close' | 'end', listener: () => void): unknown;
  removeListener(event: 'message', listener: MqttListener): unknown;
  removeListener(event: 'connect' | 'close' | 'end', listener: () => void): unknown;
}
