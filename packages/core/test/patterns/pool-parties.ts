import { parseEnvelope, ReplayGuard, type CryptoProvider, type KeyPair, type RandomSource } from '@tridcomm/core';
import { nodeProvider } from '@tridcomm/core/node';
import { signInput } from '../../src/envelope/identity.ts';
import { derivePoolKeyPair } from '../../src/keys/pool-key.ts';
import type { SignedObject } from '../../src/keys/signed-object.ts';
import { Crew, type CrewOptions, type PoolEpoch } from '../../src/patterns/crew.ts';
import { PoolSealer, type PoolInput, type PoolSealerOptions } from '../../src/patterns/pool-sealer.ts';
import { decodePoolKeyinfo, poolInfo } from '../../src/patterns/pool-stream.ts';
import type { WorkRecord } from '../../src/patterns/work.ts';
import { countingRandom, newSender, nowMs, topicTag16, type Sender } from '../envelope/parties.ts';

export const filled = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);

/** The provider, with a count of what private keys were used for. */
export class CountingProvider {
  agreements = 0;
  readonly provider: CryptoProvider = {
    ...nodeProvider,
    x25519: (secretKey32, publicKey32) => {
      this.agreements += 1;
      return nodeProvider.x25519(secretKey32, publicKey32);
    },
  };
}

export const poolHash32: Uint8Array = filled(32, 0x9a);
export const poolKeys: KeyPair = derivePoolKeyPair(nodeProvider, filled(32, 0x5e), filled(32, 0xc7));
export const poolEpoch: PoolEpoch = { suite: 1, poolHash32, keyPair: poolKeys };
export const epochNumber = 9;

export function guard(): ReplayGuard {
  return new ReplayGuard({ hashKey16: new Uint8Array(16), life: { kind: 'volatile', bootMs: 0 } });
}

/** A member of a crew that lets these senders publish. */
export function crewOf(senders: readonly Sender[], change: Partial<CrewOptions> = {}): Crew {
  return new Crew({
    provider: nodeProvider,
    replay: guard(),
    isOfFront: (tag) => Buffer.compare(tag, topicTag16) === 0,
    epoch: (number) => (number === epochNumber ? poolEpoch : undefined),
    checkView: () => undefined,
    findSender: (id) => senders.find(({ keyId32 }) => Buffer.compare(keyId32.subarray(0, 16), id) === 0),
    mayPublish: () => true,
    ...change,
  });
}

/** Of all who ask, so that no two streams are set up alike. */
const random: RandomSource = countingRandom();

/** Who asks or pushes, with one pool stream at a time. */
export class Asking {
  readonly sender: Sender = newSender(nodeProvider);
  #sealer: PoolSealer;

  constructor(change: Partial<PoolSealerOptions> = {}) {
    this.#sealer = this.newStream(change);
  }

  get sealer(): PoolSealer {
    return this.#sealer;
  }

  newStream(change: Partial<PoolSealerOptions> = {}, startMs: number = nowMs): PoolSealer {
    this.#sealer = new PoolSealer(
      {
        provider: nodeProvider,
        random,
        senderKeyId32: this.sender.keyId32,
        hedgeSecret32: filled(32, 4),
        record: {
          suite: 1,
          epoch: epochNumber,
          publicKey32: poolKeys.publicKey,
          object: { hash32: poolHash32 } as SignedObject,
        },
        topicTag16,
        pattern: 'request',
        ...change,
      },
      startMs,
    );
    return this.#sealer;
  }

  seal(records: readonly WorkRecord[] = [work('hello')], change: Partial<PoolInput> = {}, atMs = nowMs): Uint8Array {
    const unsigned = this.#sealer.seal({ records, headSeq: 7, ...change }, atMs);
    return unsigned.finish(nodeProvider.ed25519Sign(this.sender.keyPair.secretKey, unsigned.signInput));
  }

  /** The envelope with another signature of the sender, over what stands in it now. */
  signAgain(envelope: Uint8Array): Uint8Array {
    const { protectedHeader, keyinfo, body, signature } = parseEnvelope(envelope);
    const { keyId32, keyPair } = this.sender;
    const { startedMs } = decodePoolKeyinfo(keyinfo);
    const bind32 = nodeProvider.sha256(poolInfo({ suite: 1, poolHash32, senderKeyId32: keyId32 }, startedMs));
    const signed = signInput(nodeProvider, keyId32, bind32, protectedHeader, keyinfo, body);
    signature.set(nodeProvider.ed25519Sign(keyPair.secretKey, signed));
    return envelope;
  }
}

export function work(text: string, deadlineMs = nowMs + 1000): WorkRecord {
  return { key16: filled(16, 1), deadlineMs, body: new TextEncoder().encode(text) };
}

export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** A copy with a byte changed. */
export function changed(bytes: Uint8Array, at: number): Uint8Array {
  const copy = bytes.slice();
  const index = at < 0 ? bytes.length + at : at;
  copy[index] = copy[index]! ^ 1;
  return copy;
}
