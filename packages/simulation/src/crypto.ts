/**
 * Cryptography of one run: that of node:crypto, with keys from the seed and with every result remembered.
 *
 * What is remembered are results of pure functions of bytes: the public half of a secret, an X25519 result by the two public
 * halves, an HMAC by key and message, and that a signature verifies, by key, message and signature. In a run the same bytes are
 * looked at by eight nodes and what one seals another opens, so this is most of the time of a run; no verdict changes by it.
 */
import { createPrivateKey, createPublicKey, diffieHellman, sign, type KeyObject } from 'node:crypto';
import type { CryptoProvider, KeyAlgorithm, RandomSource } from '@tridcomm/core';
import { nodeProvider } from '@tridcomm/core/node';

/** What all nodes of a run share. */
export class CryptoMemory {
  readonly #keys = new Map<string, HeldKey>();
  readonly #verdicts = new Map<string, Verdict[]>();
  readonly #shared = new Map<string, Uint8Array>();
  readonly #macs = new Map<string, Uint8Array>();

  /** The engine's key of a secret. */
  keyOf(algorithm: KeyAlgorithm, secret32: Uint8Array): HeldKey {
    const id = algorithm + latin1(secret32);
    let held = this.#keys.get(id);
    if (held === undefined) this.#keys.set(id, (held = importSecret(algorithm, secret32)));
    return held;
  }

  sign(seed32: Uint8Array, message: Uint8Array): Uint8Array {
    const { secretKey, publicKey32 } = this.keyOf('ed25519', seed32);
    const signature = new Uint8Array(sign(null, message, secretKey));
    this.#note(publicKey32, message, signature, true);
    return signature;
  }

  verify(publicKey32: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
    const known = this.#verdicts.get(latin1(signature))?.find((verdict) => {
      return isEqual(verdict.publicKey32, publicKey32) && isEqual(verdict.message, message);
    });
    if (known !== undefined) return known.valid;
    const valid = nodeProvider.ed25519Verify(publicKey32, message, signature);
    this.#note(publicKey32, message, signature, valid);
    return valid;
  }

  agree(secret32: Uint8Array, publicKey32: Uint8Array): Uint8Array {
    const own = latin1(this.keyOf('x25519', secret32).publicKey32);
    const other = latin1(publicKey32);
    const id = own < other ? own + other : other + own;
    let result = this.#shared.get(id);
    if (result === undefined) this.#shared.set(id, (result = this.#x25519(secret32, publicKey32)));
    return new Uint8Array(result);
  }

  hmac(key: Uint8Array, parts: readonly Uint8Array[]): Uint8Array {
    const id = `${key.length} ${latin1(key)}${parts.map(latin1).join('')}`;
    let mac = this.#macs.get(id);
    if (mac === undefined) this.#macs.set(id, (mac = nodeProvider.hmacSha256(key, ...parts)));
    return new Uint8Array(mac);
  }

  /** With the engine's key of the secret; what is unusual goes the usual way, and is refused there. */
  #x25519(secret32: Uint8Array, publicKey32: Uint8Array): Uint8Array {
    const { secretKey } = this.keyOf('x25519', secret32);
    try {
      const x = Buffer.from(publicKey32).toString('base64url');
      const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x }, format: 'jwk' });
      const result = new Uint8Array(diffieHellman({ privateKey: secretKey, publicKey }));
      if (result.some((byte) => byte !== 0)) return result;
    } catch {
      // As below.
    }
    return nodeProvider.x25519(secret32, publicKey32);
  }

  #note(publicKey32: Uint8Array, message: Uint8Array, signature: Uint8Array, valid: boolean): void {
    const id = latin1(signature);
    const verdict = { publicKey32: new Uint8Array(publicKey32), message: new Uint8Array(message), valid };
    const known = this.#verdicts.get(id);
    if (known === undefined) this.#verdicts.set(id, [verdict]);
    else known.push(verdict);
  }
}

/**
 * The provider of one node.
 *
 * @param random - where its key pairs come from
 * @param onX25519Secret - told every X25519 secret that the node works with, so that a run can let it be stolen
 */
export function providerOf(
  memory: CryptoMemory,
  random: RandomSource,
  onX25519Secret: (secret32: Uint8Array) => void = () => undefined,
): CryptoProvider {
  return {
    ...nodeProvider,
    name: 'simulation',
    hmacSha256: (key, ...parts) => memory.hmac(key, parts),
    generateKeyPair(algorithm) {
      const secretKey = random(32);
      if (algorithm === 'x25519') onX25519Secret(secretKey);
      return { secretKey, publicKey: new Uint8Array(memory.keyOf(algorithm, secretKey).publicKey32) };
    },
    publicKey(algorithm, secretKey32) {
      if (secretKey32.length !== 32) return nodeProvider.publicKey(algorithm, secretKey32);
      if (algorithm === 'x25519') onX25519Secret(secretKey32);
      return new Uint8Array(memory.keyOf(algorithm, secretKey32).publicKey32);
    },
    ed25519Sign(seed32, message) {
      return seed32.length === 32 ? memory.sign(seed32, message) : nodeProvider.ed25519Sign(seed32, message);
    },
    ed25519Verify: (publicKey32, message, signature) => memory.verify(publicKey32, message, signature),
    x25519(secretKey32, publicKey32) {
      const isUsual = secretKey32.length === 32 && publicKey32.length === 32;
      return isUsual ? memory.agree(secretKey32, publicKey32) : nodeProvider.x25519(secretKey32, publicKey32);
    },
  };
}

interface HeldKey {
  readonly secretKey: KeyObject;
  readonly publicKey32: Uint8Array;
}

interface Verdict {
  readonly publicKey32: Uint8Array;
  readonly message: Uint8Array;
  readonly valid: boolean;
}

/** As a JWK, which Node takes ten times as fast as PKCS #8; the public half in it is not looked at, so any will do. */
function importSecret(algorithm: KeyAlgorithm, secret32: Uint8Array): HeldKey {
  const d = Buffer.from(secret32).toString('base64url');
  const crv = algorithm === 'x25519' ? 'X25519' : 'Ed25519';
  const secretKey = createPrivateKey({ key: { kty: 'OKP', crv, x: anyPublicHalf, d }, format: 'jwk' });
  const { x = '' } = createPublicKey(secretKey).export({ format: 'jwk' });
  return { secretKey, publicKey32: new Uint8Array(Buffer.from(x, 'base64url')) };
}

const anyPublicHalf = Buffer.alloc(32, 9).toString('base64url');

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
