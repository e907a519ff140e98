/**
 * Somebody with secrets that are not his, or no longer: reads key blocks and enrolments by himself, obeys no rule, and asks no
 * node. Written against chapter 08 alone, so that what the core forgets to do does not help to hide it.
 */
import { keyAlgorithms, keyId, type AeadAlgorithm, type CryptoProvider, type KeyPair } from '@tridcomm/core';
import { expandLabel, openBase } from '@tridcomm/core/internal';
import { ascii, concat, hexOf, isEqual, readU16, readU32 } from './bytes.ts';

/** Where a node key came from, and how far it has been stepped. */
interface NodeKeys {
  readonly groupId: string;
  readonly epoch: number;
  /** With the numbers of their nodes, from the leaf to the root. */
  readonly keys: ReadonlyMap<number, Uint8Array>;
}

/** The fields of a key block that a thief looks at. */
export interface LootBlock {
  readonly groupId: string;
  readonly generation: number;
  readonly epoch: number;
  readonly notBeforeMs: number;
}

/** Reads the front of a whole key block that the authority made. */
export function lootBlockOf(block: Uint8Array): LootBlock {
  return {
    groupId: hexOf(block.subarray(8, 24)),
    generation: readU32(block, 24),
    epoch: readU32(block, 28),
    notBeforeMs: readU32(block, 32) * 0x1_0000_0000 + readU32(block, 36),
  };
}

export class Thief {
  readonly #provider: CryptoProvider;
  readonly #prekeys = new Map<string, KeyPair & { readonly keyId32: Uint8Array }>();
  readonly #secrets = new Set<string>();
  readonly #nodeKeys: NodeKeys[] = [];
  readonly #enrolments = new Set<string>();
  /** What was tried with all that is held. */
  #opened = new WeakMap<Uint8Array, { readonly secret: Uint8Array | undefined }>();

  constructor(provider: CryptoProvider) {
    this.#provider = provider;
  }

  /** An X25519 secret that the victim worked with: a prekey, or something that opens nothing. */
  addSecret(secret32: Uint8Array): void {
    const id = hexOf(secret32);
    if (this.#secrets.has(id)) return;
    this.#secrets.add(id);
    const secretKey = new Uint8Array(secret32);
    const publicKey = this.#provider.publicKey('x25519', secretKey);
    const keyId32 = keyId(this.#provider, keyAlgorithms.x25519, publicKey);
    this.#prekeys.set(hexOf(keyId32), { secretKey, publicKey, keyId32 });
    this.#opened = new WeakMap();
  }

  /** Any enrolment, whomever it is for. */
  addEnrolment(bytes: Uint8Array): void {
    const prekey = this.#prekeys.get(hexOf(bytes.subarray(80, 112)));
    const id = hexOf(bytes.subarray(-64));
    if (prekey === undefined || this.#enrolments.has(id)) return;
    this.#enrolments.add(id);
    const header = bytes.subarray(0, 160);
    const info = concat(ascii('tdc1 enrol\0'), this.#provider.sha256(header));
    const [enc32, sealed] = [bytes.subarray(160, 192), bytes.subarray(192, -64)];
    const keys = openBase(this.#provider, aeadOf(readU16(bytes, 6)), enc32, prekey, info, nothing, sealed);
    if (keys === undefined) return;
    const [height, leaf] = [bytes[32]!, readU32(bytes, 44)];
    const path = Array.from({ length: height + 1 }, (_, i) => (2 ** height + leaf) >>> i);
    const named = path.map((node, i) => [node, keys.slice(i * 32, i * 32 + 32)] as const);
    this.#nodeKeys.push({ groupId: hexOf(bytes.subarray(8, 24)), epoch: readU32(bytes, 28), keys: new Map(named) });
    this.#opened = new WeakMap();
  }

  /** The secret of the block's epoch, if anything that was stolen opens it. */
  open(block: Uint8Array): Uint8Array | undefined {
    const known = this.#opened.get(block);
    if (known !== undefined) return known.secret;
    const secret = block[5] === 1 ? this.#openList(block) : this.#openSubtree(block);
    this.#opened.set(block, { secret });
    return secret;
  }

  /** Whether one key opens an entry of a subtree block, taken as it is. */
  opensWith(block: Uint8Array, key32: Uint8Array): boolean {
    return entriesOf(block, 56).some((entry) => this.#openEntry(block, entry, key32) !== undefined);
  }

  #openList(block: Uint8Array): Uint8Array | undefined {
    const context = this.#provider.sha256(block.subarray(0, 184));
    const commit = block.subarray(184, 216);
    const entries = entriesOf(block, 96);
    for (const prekey of this.#prekeys.values()) {
      const id = this.#provider.sha256(ascii('tdc1 le\0'), context, prekey.keyId32).subarray(0, 16);
      const entry = entries.find((one) => isEqual(one.subarray(0, 16), id));
      if (entry === undefined) continue;
      const [aead, info] = [aeadOf(readU16(block, 6)), concat(ascii('tdc1 kb list\0'), context)];
      const [enc32, sealed] = [entry.subarray(16, 48), entry.subarray(48)];
      const secret = openBase(this.#provider, aead, enc32, prekey, info, concat(commit, id), sealed);
      if (secret !== undefined) return secret;
    }
    return undefined;
  }

  #openSubtree(block: Uint8Array): Uint8Array | undefined {
    const { groupId, epoch } = lootBlockOf(block);
    const entries = entriesOf(block, 56);
    for (const held of this.#nodeKeys) {
      const steps = epoch - held.epoch;
      if (held.groupId !== groupId || steps > 64) continue;
      for (const entry of entries) {
        const key = held.keys.get(readU32(entry, 4));
        if (key === undefined) continue;
        let stepped = key;
        for (let step = 0; step < steps; step++) stepped = expandLabel(this.#provider, stepped, 'cs step', nothing, 32);
        const secret = this.#openEntry(block, entry, stepped) ?? this.#openEntry(block, entry, key);
        if (secret !== undefined) return secret;
      }
    }
    return undefined;
  }

  #openEntry(block: Uint8Array, entry: Uint8Array, key32: Uint8Array): Uint8Array | undefined {
    const context = this.#provider.sha256(block.subarray(0, 184));
    const wrap = expandLabel(this.#provider, key32, 'kb wrap', concat(context, entry.subarray(0, 8)), 32);
    const aad = concat(context, block.subarray(184, 216));
    return this.#provider.aeadOpen(aeadOf(readU16(block, 6)), wrap, new Uint8Array(12), aad, entry.subarray(8));
  }
}

function entriesOf(block: Uint8Array, lengthBytes: number): Uint8Array[] {
  const count = readU32(block, 216);
  return Array.from({ length: count }, (_, i) => block.subarray(220 + i * lengthBytes, 220 + (i + 1) * lengthBytes));
}

/** Numbers of chapter 06. */
function aeadOf(suite: number): AeadAlgorithm {
  return suite === 1 ? 'chacha20-poly1305' : 'aes-256-gcm';
}

const nothing = new Uint8Array(0);
