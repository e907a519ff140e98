import { keyAlgorithms, type CryptoProvider } from '@tridcomm/core';
import {
  encodeHead,
  expandLabel,
  makeListBlock,
  parseBlock,
  publicKeyOf,
  signingKeyOf,
  treeHead,
  type SigningKey,
} from '@tridcomm/core/internal';
import type { SeededRandom } from '@tridcomm/core/testing';
import { concat, hexOf, isEqual, readU16, readU64 } from './bytes.ts';

/** Somebody who has the authority's status key and its controller's, but not the one that signs policies. */
export class Insider {
  readonly #provider: CryptoProvider;
  readonly #random: SeededRandom;
  readonly #authorityId32: Uint8Array;
  readonly #keys: readonly SigningKey[];

  /** @param seeds - every seed that the authority signed with */
  constructor(provider: CryptoProvider, random: SeededRandom, authorityId32: Uint8Array, seeds: Iterable<Uint8Array>) {
    this.#provider = provider;
    this.#random = random;
    this.#authorityId32 = authorityId32;
    this.#keys = Array.from(seeds, (seed32) => signingKeyOf(provider, seed32));
  }

  /** A second head of a number, and the group heads that go with it. */
  forkHead(groupHeads: readonly Uint8Array[]): Uint8Array[] {
    const head = this.#headLike(groupHeads[0]!, { issuedMs: readU64(groupHeads[0]!, 48) + 1 });
    return groupHeads.map((groupHead) => concat(head, groupHead.subarray(264)));
  }

  /**
   * A key block of a group of kind list that names other writers than the policy, and the head that names it.
   *
   * @param epochSecret32 - of the newest block, whose own part the new one has too
   * @param prekeys - of the members
   */
  rogueBlock(
    block: Uint8Array,
    epochSecret32: Uint8Array,
    prekeys: readonly Uint8Array[],
    groupHead: Uint8Array,
  ): { readonly block: Uint8Array; readonly groupHead: Uint8Array } | undefined {
    const parsed = parseBlock(this.#provider, block);
    const { header, groupContext32, epochCommit32, blockHash32, privateSealed } = parsed;
    const wrap32 = expandLabel(this.#provider, epochSecret32, 'kb private', groupContext32, 32);
    const aead = readU16(block, 6) === 1 ? 'chacha20-poly1305' : 'aes-256-gcm';
    const aad = concat(groupContext32, epochCommit32);
    const body = this.#provider.aeadOpen(aead, wrap32, new Uint8Array(12), aad, privateSealed);
    if (body === undefined) return undefined;
    const made = makeListBlock(
      this.#provider,
      {
        ...header,
        epoch: header.epoch + 1,
        salt16: this.#random.bytes(16),
        prevBlockHash32: blockHash32,
        policyRoot32: this.#random.bytes(32),
      },
      this.#keyOf(header.controllerKeyId32),
      body,
      prekeys.map((publicKey32) => publicKeyOf(this.#provider, keyAlgorithms.x25519, publicKey32)),
      this.#random.bytes,
    );
    const leaf = groupHead.slice(264, 321);
    new DataView(leaf.buffer).setUint32(21, header.epoch + 1);
    leaf.set(made.blockHash32, 25);
    const head = this.#headLike(groupHead, {
      headSeq: readU64(groupHead, 40) + 1,
      groupsRoot32: treeHead(this.#provider, [leaf]),
      prevHeadHash32: this.#provider.sha256(new TextEncoder().encode('tdc1 head\0'), groupHead.subarray(0, 200)),
    });
    // The only leaf of its tree: index 0 of 1, and no path.
    return { block: made.bytes, groupHead: concat(head, leaf, Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1, 0)) };
  }

  /** A head that differs in some fields, under the same status key. */
  #headLike(
    bytes: Uint8Array,
    changes: { headSeq?: number; issuedMs?: number; groupsRoot32?: Uint8Array; prevHeadHash32?: Uint8Array },
  ): Uint8Array {
    return encodeHead(this.#provider, this.#authorityId32, this.#keyOf(bytes.subarray(8, 40)), {
      headSeq: readU64(bytes, 40),
      issuedMs: readU64(bytes, 48),
      freshUntilMs: readU64(bytes, 56),
      policyVersion: readU64(bytes, 64),
      policyHash32: bytes.subarray(72, 104),
      groupsRoot32: bytes.subarray(104, 136),
      revokedHash32: bytes.subarray(136, 168),
      prevHeadHash32: bytes.subarray(168, 200),
      ...changes,
    });
  }

  #keyOf(keyId32: Uint8Array): SigningKey {
    const key = this.#keys.find((one) => isEqual(one.keyId32, keyId32));
    if (key === undefined) throw new Error(`the authority never signed with ${hexOf(keyId32)}`);
    return key;
  }
}
