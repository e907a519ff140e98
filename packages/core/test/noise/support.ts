import { expect } from 'vitest';
import type { AeadAlgorithm, CryptoProvider, KeyPair } from '../../src/crypto/provider.ts';
import { TridcommError, type ErrorCode } from '../../src/errors.ts';
import { NoiseHandshake, type NoiseRole, type NoiseSession } from '../../src/noise/handshake.ts';
import { providers, utf8 } from '../crypto/support.ts';

export const aeads: readonly AeadAlgorithm[] = ['chacha20-poly1305', 'aes-256-gcm'];
export const cases = providers.flatMap((provider) => aeads.map((aead) => ({ provider, name: provider.name, aead })));
export const prologue = utf8('prologue');
export const payloads = [utf8('first'), utf8('the second one'), utf8('number three')] as const;

/** The pair of a secret of 32 equal bytes. */
export function keyPairOf(provider: CryptoProvider, value: number): KeyPair {
  const secretKey = new Uint8Array(32).fill(value);
  return { secretKey, publicKey: provider.publicKey('x25519', secretKey) };
}

/** The same provider, whose fresh key pairs are all of one secret: a copy of it each time, as they are overwritten. */
export function withEphemeral(provider: CryptoProvider, secretKey: Uint8Array): CryptoProvider {
  const publicKey = provider.publicKey('x25519', secretKey);
  return { ...provider, generateKeyPair: () => ({ secretKey: new Uint8Array(secretKey), publicKey }) };
}

/** One end of a handshake in which all is fixed but what the case varies. */
export function newEnd(
  provider: CryptoProvider,
  role: NoiseRole,
  varied: { aead?: AeadAlgorithm; prologue?: Uint8Array; staticKey?: KeyPair; ephemeralOf?: number } = {},
): NoiseHandshake {
  const own = role === 'initiator' ? 1 : 2;
  return new NoiseHandshake({
    provider: withEphemeral(provider, new Uint8Array(32).fill(varied.ephemeralOf ?? own + 10)),
    aead: varied.aead ?? 'chacha20-poly1305',
    role,
    prologue: varied.prologue ?? prologue,
    staticKey: varied.staticKey ?? keyPairOf(provider, own),
  });
}

/** Takes a handshake to its end, with the payloads above; gives its messages too. */
export function run(initiator: NoiseHandshake, responder: NoiseHandshake) {
  const ends = [initiator, responder] as const;
  const messages = payloads.map((payload, i) => {
    const message = ends[i % 2 === 0 ? 0 : 1].writeMessage(() => payload);
    expect(ends[i % 2 === 0 ? 1 : 0].readMessage(message).payload).toEqual(payload);
    return message;
  });
  return { messages, initiator: initiator.split(), responder: responder.split() };
}

/** The two sessions of one handshake. */
export function newSessions(provider: CryptoProvider, aead: AeadAlgorithm): Record<NoiseRole, NoiseSession> {
  return run(newEnd(provider, 'initiator', { aead }), newEnd(provider, 'responder', { aead }));
}

/** How a call is refused: the code, and behind a slash that of the cause where there is one. */
export function refusalOf(call: () => unknown): `${ErrorCode}/${ErrorCode}` | ErrorCode | undefined {
  try {
    call();
    return undefined;
  } catch (error) {
    if (!(error instanceof TridcommError)) throw error;
    return error.cause instanceof TridcommError ? `${error.code}/${error.cause.code}` : error.code;
  }
}
