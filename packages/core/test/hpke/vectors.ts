/** HPKE vectors in the form of `rfc9180-base-psk.json`, and what a provider must make of one. */
import { expect } from 'vitest';
import type { AeadAlgorithm, CryptoProvider } from '../../src/crypto/provider.ts';
import { ReceiverContext, SenderContext } from '../../src/hpke/context.ts';
import { decapsulate, deriveKeyPair, encapsulate } from '../../src/hpke/kem.ts';
import { deriveContextKeys } from '../../src/hpke/key-schedule.ts';
import { sequenceNonce } from '../../src/hpke/sequence.ts';
import { setupReceiver, setupSender } from '../../src/hpke/setup.ts';
import { hex, toHex } from '../crypto/support.ts';

/** One set; all bytes in hex. */
export interface VectorSet {
  readonly mode: number;
  readonly kem_id: number;
  readonly kdf_id: number;
  readonly aead_id: number;
  readonly info: string;
  readonly ikmR: string;
  readonly ikmE: string;
  readonly skRm: string;
  readonly pkRm: string;
  readonly enc: string;
  readonly psk?: string;
  readonly psk_id?: string;
  readonly shared_secret: string;
  readonly key: string;
  readonly base_nonce: string;
  readonly exporter_secret: string;
  /** Numbered from 0, without gaps. */
  readonly encryptions: readonly {
    readonly aad: string;
    readonly pt: string;
    readonly ct: string;
    readonly nonce: string;
  }[];
  readonly exports: readonly {
    readonly exporter_context: string;
    readonly L: number;
    readonly exported_value: string;
  }[];
}

/** Modes Base and PSK, KEM 0x0020, KDF 0x0001, AEADs 0x0002 and 0x0003. */
export function isOurs(set: VectorSet): boolean {
  return set.mode <= 1 && set.kem_id === 0x0020 && set.kdf_id === 0x0001 && aeads.has(set.aead_id);
}

/** Runs all of a set: every key, every encryption in both directions, every export at both ends. */
export function runSet(provider: CryptoProvider, set: VectorSet): void {
  const aead = aeads.get(set.aead_id) as AeadAlgorithm;
  const info = hex(set.info);
  const psk = set.mode === 1 ? { psk: hex(set.psk ?? ''), pskId: hex(set.psk_id ?? '') } : undefined;
  // A fresh array for each draw, as the sender overwrites it.
  const random = () => hex(set.ikmE);

  const keyPair = deriveKeyPair(provider, hex(set.ikmR));
  expect(toHex(keyPair.secretKey)).toBe(set.skRm);
  expect(toHex(keyPair.publicKey)).toBe(set.pkRm);
  const encapsulated = encapsulate(provider, keyPair.publicKey, random);
  expect(toHex(encapsulated.enc32)).toBe(set.enc);
  expect(toHex(encapsulated.sharedSecret32)).toBe(set.shared_secret);
  const sharedSecret32 = decapsulate(provider, hex(set.enc), keyPair);
  expect(toHex(sharedSecret32)).toBe(set.shared_secret);
  const keys = deriveContextKeys(provider, aead, sharedSecret32, info, psk);
  expect(toHex(keys.key32)).toBe(set.key);
  expect(toHex(keys.baseNonce12)).toBe(set.base_nonce);
  expect(toHex(keys.exporterSecret32)).toBe(set.exporter_secret);

  const { enc32, context: sender } = setupSender(provider, aead, keyPair.publicKey, info, { random, psk });
  expect(toHex(enc32)).toBe(set.enc);
  const receiver = setupReceiver(provider, aead, hex(set.enc), keyPair, info, psk);
  expect(sender).toBeInstanceOf(SenderContext);
  expect(receiver).toBeInstanceOf(ReceiverContext);
  for (const [seq, { aad, pt, ct, nonce }] of set.encryptions.entries()) {
    expect(toHex(sequenceNonce(keys.baseNonce12, seq))).toBe(nonce);
    expect(toHex(sender.seal(hex(aad), hex(pt)))).toBe(ct);
    const plaintext = receiver.open(hex(aad), hex(ct));
    expect(plaintext && toHex(plaintext)).toBe(pt);
  }
  for (const { exporter_context, L, exported_value } of set.exports) {
    for (const end of [sender, receiver]) expect(toHex(end.export(hex(exporter_context), L))).toBe(exported_value);
  }
}

const aeads: ReadonlyMap<number, AeadAlgorithm> = new Map([
  [0x0002, 'aes-256-gcm'],
  [0x0003, 'chacha20-poly1305'],
]);
