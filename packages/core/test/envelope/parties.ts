import {
  keyAlgorithms,
  keyId,
  openEnvelope,
  patternKinds,
  ReplayGuard,
  StreamSealer,
  suites,
  type CryptoProvider,
  type KeyPair,
  type KeySource,
  type RandomSource,
  type Receiver,
  type ReplayGuardOptions,
  type SealInput,
  type SenderKey,
} from '@tridcomm/core';

export const nowMs = 1_790_000_000_000;
export const topicTag16: Uint8Array = new Uint8Array(16).fill(0x70);

/** Distinct bytes from a counter: a random source that repeats from run to run. */
export function countingRandom(): RandomSource {
  let counter = 0;
  return (lengthBytes) => {
    counter++;
    return Uint8Array.from({ length: lengthBytes }, (_, i) => (counter >>> (8 * (i % 4))) & 0xff);
  };
}

/** A random source that died: always the same bytes. */
export const deadRandom: RandomSource = (lengthBytes) => new Uint8Array(lengthBytes).fill(0xdd);

export function keySourceOf(suite: number): KeySource {
  return {
    suite,
    sourceSecret32: new Uint8Array(32).fill(1),
    groupContext32: new Uint8Array(32).fill(2),
    bind32: new Uint8Array(32).fill(3),
  };
}

export interface Sender extends SenderKey {
  readonly keyPair: KeyPair;
}

export function newSender(provider: CryptoProvider): Sender {
  const keyPair = provider.generateKeyPair('ed25519');
  return {
    keyPair,
    publicKey32: keyPair.publicKey,
    keyId32: keyId(provider, keyAlgorithms.ed25519, keyPair.publicKey),
  };
}

/** One sender and one receiver of one topic. */
export class Pair {
  readonly provider: CryptoProvider;
  readonly sender: Sender;
  readonly keySource: KeySource;
  readonly sealer: StreamSealer;
  readonly receiver: Receiver;

  constructor(
    provider: CryptoProvider,
    options: {
      readonly suite?: number;
      readonly random?: RandomSource;
      readonly sender?: Sender;
      readonly life?: ReplayGuardOptions['life'];
      readonly topicTag16?: Uint8Array;
    } = {},
  ) {
    this.provider = provider;
    this.sender = options.sender ?? newSender(provider);
    this.keySource = keySourceOf(options.suite ?? suites.x25519Aes256GcmEd25519);
    this.sealer = new StreamSealer({
      provider,
      random: options.random ?? countingRandom(),
      keySource: this.keySource,
      senderKeyId32: this.sender.keyId32,
      hedgeSecret32: new Uint8Array(32).fill(4),
      patternKind: patternKinds.pubSub.data,
      topicTag16: options.topicTag16 ?? topicTag16,
      epoch: 7,
    });
    this.receiver = {
      provider,
      replay: new ReplayGuard({
        hashKey16: new Uint8Array(16),
        life: options.life ?? { kind: 'volatile', bootMs: 0 },
      }),
      findTopic: (tag) =>
        equal(tag, topicTag16) ? { keySource: (epoch) => (epoch === 7 ? this.keySource : undefined) } : undefined,
      findSender: (senderId) => (equal(senderId, this.sender.keyId32.subarray(0, 16)) ? this.sender : undefined),
      mayWrite: () => true,
    };
  }

  seal(input: SealInput): Uint8Array {
    const unsigned = this.sealer.seal(input);
    return unsigned.finish(this.provider.ed25519Sign(this.sender.keyPair.secretKey, unsigned.signInput));
  }

  sealText(...texts: readonly string[]): Uint8Array {
    const messages = texts.map((text) => ({ timestampMs: nowMs, payload: new TextEncoder().encode(text) }));
    return this.seal({ form: texts.length === 1 ? 'single' : 'batch', messages, timestampMs: nowMs });
  }

  /** The texts of an envelope; undefined where it is not delivered. */
  openTexts(envelope: Uint8Array): string[] | undefined {
    const opened = openEnvelope(this.receiver, envelope, nowMs);
    return opened && Array.from(opened.records, ({ payload }) => new TextDecoder().decode(payload));
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
