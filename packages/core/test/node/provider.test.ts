import { describe, expect, it } from 'vitest';
import { nobleProvider } from '../../src/crypto/noble.ts';
import { nodeProvider } from '../../src/node/index.ts';
import { LruCache } from '../../src/node/lru-cache.ts';
import { toHex, utf8 } from '../crypto/support.ts';

describe('node provider', () => {
  it('suites.8 signs with what the seed holds now, not with what the same array held before', () => {
    const seed = new Uint8Array(32).fill(1);
    const first = nodeProvider.ed25519Sign(seed, utf8('m'));
    seed.fill(2);
    const second = nodeProvider.ed25519Sign(seed, utf8('m'));
    expect(toHex(second)).not.toBe(toHex(first));
    expect(toHex(second)).toBe(toHex(nobleProvider.ed25519Sign(seed, utf8('m'))));
  });

  it('suites.5 agrees with what a generated secret holds now', () => {
    const pair = nodeProvider.generateKeyPair('x25519');
    const peer = nodeProvider.generateKeyPair('x25519');
    pair.secretKey.fill(3);
    expect(toHex(nodeProvider.x25519(pair.secretKey, peer.publicKey))).toBe(
      toHex(nobleProvider.x25519(pair.secretKey, peer.publicKey)),
    );
  });

  it('suites.5 makes key pairs without end (exporting a generated KeyObject brings Node 20 to a standstill)', () => {
    for (let i = 0; i < 5_000; i++) expect(nodeProvider.generateKeyPair('x25519').publicKey.length).toBe(32);
  });

  it('suites.8 verifies by a key that is a part of a longer array', () => {
    const { secretKey, publicKey } = nodeProvider.generateKeyPair('ed25519');
    const record = new Uint8Array(100);
    record.set(publicKey, 17);
    const signature = nodeProvider.ed25519Sign(secretKey, record);
    expect(nodeProvider.ed25519Verify(record.subarray(17, 49), record, signature)).toBe(true);
  });

  it('suites.13 hands out arrays that share memory with nothing else', () => {
    const { secretKey, publicKey } = nodeProvider.generateKeyPair('ed25519');
    const dh = nodeProvider.generateKeyPair('x25519');
    const outputs = [
      nodeProvider.sha256(utf8('a')),
      nodeProvider.sha256(utf8('a'), new Uint8Array(2_000)),
      nodeProvider.hmacSha256(utf8('k'), utf8('a')),
      nodeProvider.ed25519Sign(secretKey, utf8('m')),
      nodeProvider.publicKey('ed25519', secretKey),
      nodeProvider.x25519(dh.secretKey, dh.publicKey),
      secretKey,
      publicKey,
    ];
    for (const algorithm of ['aes-256-gcm', 'chacha20-poly1305'] as const) {
      for (const length of [0, 100, 3_000]) {
        const [key, nonce] = [new Uint8Array(32), new Uint8Array(12)];
        const sealed = nodeProvider.aeadSeal(algorithm, key, nonce, nonce, new Uint8Array(length));
        const opened = nodeProvider.aeadOpen(algorithm, key, nonce, nonce, sealed);
        outputs.push(sealed, opened ?? expect.fail('does not open'));
      }
    }
    for (const output of outputs) {
      expect(Object.getPrototypeOf(output)).toBe(Uint8Array.prototype);
      expect(output.buffer.byteLength).toBe(output.byteLength);
    }
  });
});

describe('LRU cache', () => {
  it('forgets what was unused for longest', () => {
    const cache = new LruCache<number>(2);
    cache.set('a', 1);
    cache.set('b', 2);
    expect(cache.get('a')).toBe(1);
    cache.set('c', 3);
    expect([cache.get('a'), cache.get('b'), cache.get('c')]).toEqual([1, undefined, 3]);
    cache.set('c', 4);
    expect([cache.get('a'), cache.get('c')]).toEqual([1, 4]);
  });
});
