import { TridcommError, type AeadAlgorithm, type CryptoProvider } from '@tridcomm/core';
import { NoiseHandshake } from '@tridcomm/core/internal';
import { toHex, type Input, type Operation, type Value } from './values.ts';

/** The operation of feature `noise`. */
export function noiseOperations(provider: CryptoProvider): Record<string, Operation> {
  return { 'noise.run': (input) => run(provider, input) };
}

function run(provider: CryptoProvider, input: Input): Value {
  const [first, second] = [end(provider, input, 'initiator'), end(provider, input, 'responder')];
  const hashes: string[] = [];
  const messages = input.bytesList('payloads').map((payload, i) => {
    const [writer, reader] = i % 2 === 0 ? [first, second] : [second, first];
    const message = writer.handshake.writeMessage((h32) => {
      hashes.push(toHex(h32));
      return payload;
    });
    const read = reader.handshake.readMessage(message);
    if (toHex(read.h32) !== hashes[i] || toHex(read.payload) !== toHex(payload)) throw new Error('the ends differ');
    return toHex(message);
  });
  const { handshakeHash32 } = first.handshake.split();
  // Split is three calls: the temporary key, then the keys of the initiator's and of the responder's direction.
  const [initiatorKey, responderKey] = first.macs.slice(-2);
  return { messages, hashes, handshakeHash: toHex(handshakeHash32), initiatorKey, responderKey };
}

/** One end, whose only key pair to draw is its ephemeral one, and what HMAC gave it. */
function end(
  provider: CryptoProvider,
  input: Input,
  role: 'initiator' | 'responder',
): { handshake: NoiseHandshake; macs: string[] } {
  const keyPairOf = (secretKey: Uint8Array) => ({ secretKey, publicKey: provider.publicKey('x25519', secretKey) });
  const ephemeral = keyPairOf(input.bytes(`${role}Ephemeral`));
  const macs: string[] = [];
  const handshake = new NoiseHandshake({
    provider: {
      ...provider,
      generateKeyPair: () => ephemeral,
      hmacSha256: (key, ...parts) => {
        const mac = provider.hmacSha256(key, ...parts);
        macs.push(toHex(mac));
        return mac;
      },
    },
    aead: readAead(input),
    role,
    prologue: input.bytes('prologue'),
    staticKey: keyPairOf(input.bytes(`${role}Static`)),
  });
  return { handshake, macs };
}

function readAead(input: Input): AeadAlgorithm {
  const name = input.text('aead');
  if (name === 'chacha20poly1305') return 'chacha20-poly1305';
  if (name === 'aes256gcm') return 'aes-256-gcm';
  throw new TridcommError('E_USAGE', `AEAD ${name}`);
}
