/*
 * What is used of the official NATS client: the connection of `@nats-io/transport-node` has it, and others that are built on `@nats-io/nats-core`.
 */

/** A message of a NATS server. */
export interface NatsMessage {
  readonly data: Uint8Array;
  readonly headers?: { readonly code: number } | undefined;
}

/** A connection to NATS servers that its client keeps up. */
export interface NatsConnectionLike {
  /** What the server said of itself; undefined while there is none. */
  readonly info?: { readonly max_payload: number; readonly jetstream?: boolean } | undefined;
  publish(subject: string, payload: Uint8Array): void;
  subscribe(
    subject: string,
    options: { queue?: string; callback: (error: Error | null, message: NatsMessage) => void },
  ): { unsubscribe(): void };
  request(subject: string, payload: Uint8Array | string, options: { timeout: number }): Promise<NatsMessage>;
  flush(): Promise<void>;
  status(): AsyncIterable<{ readonly type: string; readonly error?: unknown }>;
  isClosed(): boolean;
}
