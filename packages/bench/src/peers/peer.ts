/** Certificates of one end, as paths of PEM files: all peers have the same ones, of the authority of the bench. */
export interface TlsPaths {
  readonly ca: string;
  readonly certificate: string;
  readonly privateKey: string;
}

/** What a client needs to know of its server; goes to other processes as it is. */
export type ClientOptions =
  | {
      readonly kind: 'tridcomm';
      readonly address: string;
      /** Of the identity. */
      readonly directory: string;
      readonly durability: 'memory' | 'disk';
      /** Whether the identity is read once and kept in memory. */
      readonly isInMemory: boolean;
      /** How many jobs a broker may not part; undefined where those of an envelope stay together. */
      readonly jobsPerLeaf?: number;
    }
  | { readonly kind: 'nats'; readonly port: number; readonly tls: TlsPaths; readonly secured?: MessageKeys }
  | { readonly kind: 'jetstream'; readonly port: number; readonly tls: TlsPaths }
  | { readonly kind: 'mqtt'; readonly port: number; readonly tls: TlsPaths }
  | { readonly kind: 'zeromq'; readonly port: number; readonly keys: CurveKeys }
  | { readonly kind: 'raw'; readonly port: number; readonly tls: TlsPaths };

/** Keys for messages that an application seals and signs by itself; base64. */
export interface MessageKeys {
  readonly key32: string;
  /** Of Ed25519: PKCS #8 and SPKI, DER. */
  readonly privateKey: string;
  readonly publicKey: string;
}

/** Key pairs of CURVE, as text. */
export interface CurveKeys {
  readonly serverPublic: string;
  readonly serverSecret: string;
  readonly clientPublic: string;
  readonly clientSecret: string;
}

/** A connection of a publisher or subscriber. */
export interface PeerClient {
  /** Hears of a topic; resolves when the server knows. @param take - gets each message; it reads it at once */
  subscribe(topic: string, take: (message: Uint8Array) => void): Promise<void>;
  /** Publishes messages; resolves when more may be published, which keeps a fast sender from filling its memory. */
  publish(topic: string, messages: readonly Uint8Array[]): Promise<void>;
  close(): Promise<void>;
}

/** A connection of somebody who asks or pushes, or of a worker. */
export interface WorkClient {
  /** Answers requests as one of those who do; resolves when the server knows. */
  respond(topic: string, answer: (body: Uint8Array) => Uint8Array): Promise<void>;
  request(topic: string, body: Uint8Array): Promise<Uint8Array>;
  /** Does jobs as one of those who do; resolves when the server knows. @param take - gets each job; it reads it at once */
  pull(topic: string, take: (job: Uint8Array) => void): Promise<void>;
  /** Pushes jobs; resolves when more may be pushed. */
  push(topic: string, jobs: readonly Uint8Array[]): Promise<void>;
}

/** A server that runs. */
export interface PeerServer {
  /** Of the process whose CPU and memory count as the broker's; undefined for a peer without one. */
  readonly pid: number | undefined;
  readonly publisher: ClientOptions;
  readonly subscribers: readonly ClientOptions[];
  end(): Promise<void>;
}

/** Something that TriDComm is compared with, or itself. */
export interface Peer {
  readonly name: string;
  /** With its parts; an old one says so. */
  readonly version: string;
  /** Why it cannot be measured here; undefined where it can. */
  readonly absent: string | undefined;
  /** @param subscribers - how many there are to be */
  start(subscribers: number): Promise<PeerServer>;
}

/** The same options for each of several. */
export function times(count: number, options: ClientOptions): ClientOptions[] {
  return Array.from({ length: count }, () => options);
}
