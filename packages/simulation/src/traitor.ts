import { deriveHedgeSecret, parseEnvelope, patternKinds, StreamSealer, type CryptoProvider } from '@tridcomm/core';
import { extensions, type Identity, type SigningKey } from '@tridcomm/core/internal';
import type { SeededRandom } from '@tridcomm/core/testing';
import { ascii, hexOf, readU16, writeU64 } from './bytes.ts';
import { lootBlockOf, type Thief } from './thief.ts';

/** What a traitor is to write, and by what. */
export interface BetrayalOrder {
  readonly group: number;
  readonly topic: string;
  readonly hasChains: boolean;
  /** All key blocks of the group, the newest last. */
  readonly blocks: readonly Uint8Array[];
  readonly content: string;
  readonly nowMs: number;
  /** The newest. */
  readonly headSeq: number;
}

/** Seals without a client: with stolen epoch secrets, tags that were seen on the wire, and any time and number it likes. */
export class Traitor {
  identity: Identity | undefined;
  readonly #provider: CryptoProvider;
  readonly #random: SeededRandom;
  readonly #thief: Thief;
  readonly #seen = new Map<string, { readonly tag16: Uint8Array; readonly chain: Uint8Array | undefined }>();
  readonly #sealers = new Map<string, StreamSealer>();

  constructor(provider: CryptoProvider, random: SeededRandom, thief: Thief) {
    this.#provider = provider;
    this.#random = random;
    this.#thief = thief;
  }

  /** An envelope on a topic, whose tag is there for everybody to see. */
  see(group: number, topic: string, envelope: Uint8Array): void {
    const view = parseEnvelope(envelope);
    const chain = view.extensions.value(extensions.topicChain);
    const tag16 = new Uint8Array(view.header.topicTag);
    this.#seen.set(`${group} ${topic}`, { tag16, chain: chain && new Uint8Array(chain) });
  }

  /** An envelope under the newest epoch that can be opened, or sometimes an older one; undefined where there is none. */
  seal(order: BetrayalOrder, signer?: SigningKey): Uint8Array | undefined {
    const key = signer ?? this.identity!.key;
    const seen = this.#seen.get(`${order.group} ${order.topic}`);
    const open = order.blocks.filter((block) => this.#thief.open(block) !== undefined);
    const block = this.#random.chance(0.8) ? open.at(-1) : open.at(-2);
    if (seen === undefined || block === undefined) return undefined;
    const sealer = this.#sealerOf(block, seen.tag16, key);
    const timestampMs = order.nowMs + (this.#random.chance(0.2) ? this.#random.between(-60_000, 20_000) : 0);
    const headSeq = new Uint8Array(8);
    writeU64(headSeq, 0, this.#random.chance(0.1) ? order.headSeq + 1_000 : order.headSeq);
    const message = { timestampMs, payload: ascii(order.content) };
    const extension8 = { number: extensions.headSeq, value: headSeq };
    const unsigned = sealer.seal(
      order.hasChains && seen.chain !== undefined
        ? {
            form: 'batch',
            messages: [{ timestampMs, payload: ascii(order.topic) }, message],
            timestampMs,
            extensions: [extension8, { number: extensions.topicChain, value: seen.chain }],
          }
        : { form: 'single', messages: [message], timestampMs, extensions: [extension8] },
    );
    return unsigned.finish(key.sign(unsigned.signInput));
  }

  #sealerOf(block: Uint8Array, tag16: Uint8Array, key: SigningKey): StreamSealer {
    const { epoch } = lootBlockOf(block);
    const name = [hexOf(key.keyId32), hexOf(tag16), hexOf(block.subarray(8, 32))].join();
    let sealer = this.#sealers.get(name);
    if (sealer !== undefined) return sealer;
    sealer = new StreamSealer({
      provider: this.#provider,
      random: this.#random.bytes,
      keySource: {
        suite: readU16(block, 6),
        sourceSecret32: this.#thief.open(block)!,
        groupContext32: this.#provider.sha256(block.subarray(0, 184)),
        bind32: new Uint8Array(block.subarray(184, 216)),
      },
      senderKeyId32: key.keyId32,
      hedgeSecret32: deriveHedgeSecret(this.#provider, this.#random.bytes(32)),
      patternKind: patternKinds.pubSub.data,
      topicTag16: tag16,
      epoch,
    });
    this.#sealers.set(name, sealer);
    return sealer;
  }
}
