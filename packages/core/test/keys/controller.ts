import { type CryptoProvider, type RandomSource } from '@tridcomm/core';
import { nodeProvider } from '@tridcomm/core/node';
import { coverOf, pathOf, stepNodeKeys } from '../../src/keys/complete-subtree.ts';
import { makeEnrolment, type EnrolmentFields } from '../../src/keys/enrolment.ts';
import { encodeGroupPrivate } from '../../src/keys/group-private.ts';
import type { KeyBlockHeader } from '../../src/keys/key-block-format.ts';
import { makeListBlock, makePskBlock, makeSubtreeBlock, type MadeBlock } from '../../src/keys/key-block.ts';
import { MemberKeys, type GroupSettings, type MemberKeysOptions } from '../../src/keys/member-keys.ts';
import { PrekeyStore } from '../../src/keys/prekeys.ts';
import { publicKeyOf, type PublicKey } from '../../src/keys/public-key.ts';
import { signingKeyOf, type SigningKey } from '../../src/keys/signing-key.ts';

/** Bytes that follow from a number: the same in each run. */
export function counted(seed: number): RandomSource {
  let draws = 0;
  return (length) => {
    const out = new Uint8Array(length);
    for (let at = 0; at < length; at += 32) {
      out.set(
        nodeProvider.sha256(Uint8Array.of(seed, seed >>> 8, draws, draws >>> 8, at >>> 5)).subarray(0, length - at),
        at,
      );
    }
    draws++;
    return out;
  };
}

export const authorityId32: Uint8Array = new Uint8Array(32).fill(0xa1);
export const groupId16: Uint8Array = new Uint8Array(16).fill(0x61);
export const controllerKey: SigningKey = signingKeyOf(nodeProvider, new Uint8Array(32).fill(0xc0));
export const privateBody: Uint8Array = encodeGroupPrivate(
  ['orders/new'],
  [{ fromPeriod: 0, secret32: new Uint8Array(32).fill(5) }],
);

/** What the group record says. */
export function settings(over: Partial<GroupSettings> = {}): GroupSettings {
  return {
    groupId16,
    purpose: 1,
    suite: 1,
    blockKind: 2,
    controller: publicKeyOf(nodeProvider, 1, controllerKey.publicKey32),
    topicChains: false,
    ...over,
  };
}

export function header(over: Partial<KeyBlockHeader> = {}): KeyBlockHeader {
  return {
    kind: 2,
    suite: 1,
    groupId16,
    generation: 1,
    epoch: 7,
    notBeforeMs: 1_000,
    notAfterMs: 2_000,
    drainUntilMs: 1_500,
    salt16: new Uint8Array(16).fill(0x5a),
    prevBlockHash32: new Uint8Array(32),
    policyRoot32: new Uint8Array(32).fill(0x70),
    controllerKeyId32: controllerKey.keyId32,
    policyVersion: 3,
    baseEpoch: 7,
    purpose: 1,
    flags: 0,
    height: (over.kind ?? 2) === 2 ? 3 : 0,
    ...over,
  };
}

/** A prekey whose secret follows from a number. */
export function prekey(seed: number): { readonly secret32: Uint8Array; readonly key: PublicKey } {
  const secret32 = new Uint8Array(32).fill(seed);
  return { secret32, key: publicKeyOf(nodeProvider, 0x20, nodeProvider.publicKey('x25519', secret32)) };
}

/** What a member is made with: a key id and one prekey that follow from a number. */
export function optionsOf(seed: number, over: Partial<MemberKeysOptions> = {}): MemberKeysOptions {
  const { provider = nodeProvider } = over;
  const prekeys = new PrekeyStore(provider);
  prekeys.add(prekey(seed).secret32);
  return { provider, authorityId32, keyId32: memberKeyId(seed), suites: [1, 2], suiteFloor: 1, prekeys, ...over };
}

/** A member without keys but for its prekey. */
export function newMember(seed: number, over: Partial<MemberKeysOptions> = {}): MemberKeys {
  return new MemberKeys(optionsOf(seed, over));
}

export function memberKeyId(seed: number): Uint8Array {
  return new Uint8Array(32).fill(seed ^ 0x80);
}

/** The keys from a leaf to the root, of all those of a tree, where the key of node v stands at 32 v. */
export function keysOfLeaf(height: number, tree: Uint8Array, leaf: number): Uint8Array {
  const keys = pathOf(height, leaf).map((node) => tree.subarray(32 * node, 32 * node + 32));
  return new Uint8Array(Buffer.concat(keys));
}

/** The controller of one group of kind 2, with the whole tree. */
export class TestController {
  readonly height: number;
  readonly random: RandomSource;
  readonly provider: CryptoProvider;
  generation = 0;
  epoch: number;
  baseEpoch = 0;
  keys: Uint8Array = new Uint8Array(0);
  last: MadeBlock | undefined;

  constructor(height: number, seed = 1, provider: CryptoProvider = nodeProvider, epoch = 4) {
    this.height = height;
    this.random = counted(seed);
    this.provider = provider;
    this.epoch = epoch;
    this.newGeneration();
  }

  /** Fresh keys for the next epoch. */
  newGeneration(): void {
    this.generation++;
    this.epoch++;
    this.baseEpoch = this.epoch;
    this.keys = this.random(2 ** (this.height + 1) * 32);
  }

  /** Steps all node keys to a later epoch. */
  step(epochs = 1): void {
    this.epoch += epochs;
    stepNodeKeys(this.provider, this.keys, epochs);
  }

  enrol(leaf: number, seed: number, over: Partial<EnrolmentFields> = {}): Uint8Array {
    const fields = {
      suite: 1,
      groupId16,
      generation: this.generation,
      epoch: this.epoch,
      height: this.height,
      leaf,
      memberKeyId32: memberKeyId(seed),
      issuedMs: 1,
      policyVersion: 1,
      ...over,
    };
    const nodeKeys = keysOfLeaf(this.height, this.keys, leaf);
    return makeEnrolment(this.provider, fields, controllerKey, authorityId32, prekey(seed).key, nodeKeys, this.random);
  }

  /** The block of the running epoch; remembered as the newest. */
  block(excluded: Iterable<number> = [], over: Partial<KeyBlockHeader> = {}): MadeBlock {
    this.last = this.fork(excluded, over);
    return this.last;
  }

  /** A block of the running epoch that the controller does not remember. */
  fork(excluded: Iterable<number> = [], over: Partial<KeyBlockHeader> = {}, body = privateBody): MadeBlock {
    const nodes = coverOf(this.height, excluded).map((node) => ({
      node,
      key32: this.keys.slice(32 * node, 32 * node + 32),
    }));
    const fields = header({
      generation: this.generation,
      epoch: this.epoch,
      baseEpoch: this.baseEpoch,
      height: this.height,
      salt16: this.random(16),
      prevBlockHash32: this.last?.blockHash32 ?? new Uint8Array(32),
      ...over,
    });
    return makeSubtreeBlock(this.provider, fields, controllerKey, body, nodes, this.random);
  }
}

export function listBlock(
  seeds: readonly number[],
  over: Partial<KeyBlockHeader> = {},
  random = counted(9),
): MadeBlock {
  const recipients = seeds.map((seed) => prekey(seed).key);
  return makeListBlock(nodeProvider, header({ kind: 1, ...over }), controllerKey, privateBody, recipients, random);
}

export const psk32: Uint8Array = new Uint8Array(32).fill(0x99);

export function pskBlock(over: Partial<KeyBlockHeader> = {}, psk = psk32): MadeBlock {
  return makePskBlock(nodeProvider, header({ kind: 5, ...over }), controllerKey, privateBody, psk);
}
