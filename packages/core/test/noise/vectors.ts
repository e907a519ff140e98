/** Noise vectors in the form of `noise-cacophony-subset.json`, and what a provider must make of one. */
import { expect } from 'vitest';
import type { AeadAlgorithm, CryptoProvider } from '../../src/crypto/provider.ts';
import { NoiseHandshake, type NoiseRole } from '../../src/noise/handshake.ts';
import { hex, toHex } from '../crypto/support.ts';
import { withEphemeral } from './support.ts';

/** One set; all bytes in hex. */
export interface VectorSet {
  readonly protocol_name: string;
  readonly init_prologue: string;
  readonly init_static?: string;
  readonly init_ephemeral: string;
  readonly resp_prologue: string;
  readonly resp_static?: string;
  readonly resp_ephemeral: string;
  readonly handshake_hash: string;
  /** Of the initiator and the responder by turns: first those of the handshake, then records. */
  readonly messages: readonly { readonly payload: string; readonly ciphertext: string }[];
}

/** Noise_XX_25519_{ChaChaPoly,AESGCM}_SHA256. */
export function isOurs(set: VectorSet): boolean {
  return aeads.has(set.protocol_name);
}

/** Runs all of a set: every message written and read, the static keys, the hash, every record. */
export function runSet(provider: CryptoProvider, set: VectorSet): void {
  const aead = aeads.get(set.protocol_name) as AeadAlgorithm;
  const end = (role: NoiseRole, prologue: string, staticKey: string, ephemeral: string) => {
    const secretKey = hex(staticKey);
    return new NoiseHandshake({
      provider: withEphemeral(provider, hex(ephemeral)),
      aead,
      role,
      prologue: hex(prologue),
      staticKey: { secretKey, publicKey: provider.publicKey('x25519', secretKey) },
    });
  };
  const initiator = end('initiator', set.init_prologue, set.init_static ?? '', set.init_ephemeral);
  const responder = end('responder', set.resp_prologue, set.resp_static ?? '', set.resp_ephemeral);

  for (const [i, { payload, ciphertext }] of set.messages.slice(0, 3).entries()) {
    const [writer, reader] = i % 2 === 0 ? [initiator, responder] : [responder, initiator];
    expect(toHex(writer.writeMessage(() => hex(payload)))).toBe(ciphertext);
    expect(toHex(reader.readMessage(hex(ciphertext)).payload)).toBe(payload);
  }
  expect(initiator.remoteStaticKey32).toEqual(provider.publicKey('x25519', hex(set.resp_static ?? '')));
  expect(responder.remoteStaticKey32).toEqual(provider.publicKey('x25519', hex(set.init_static ?? '')));

  const sessions = [initiator.split(), responder.split()] as const;
  for (const { handshakeHash32 } of sessions) expect(toHex(handshakeHash32)).toBe(set.handshake_hash);
  for (const [i, { payload, ciphertext }] of set.messages.slice(3).entries()) {
    const [from, to] = i % 2 === 0 ? [sessions[1], sessions[0]] : sessions;
    expect(toHex(from.send.encrypt(hex(payload)))).toBe(ciphertext);
    expect(toHex(to.receive.decrypt(hex(ciphertext)))).toBe(payload);
  }
}

const aeads: ReadonlyMap<string, AeadAlgorithm> = new Map([
  ['Noise_XX_25519_ChaChaPoly_SHA256', 'chacha20-poly1305'],
  ['Noise_XX_25519_AESGCM_SHA256', 'aes-256-gcm'],
]);
