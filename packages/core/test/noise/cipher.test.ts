import { createCipheriv } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { AeadAlgorithm } from '../../src/crypto/provider.ts';
import { NoiseCipher, noiseMessageMaxBytes, noisePlaintextMaxBytes } from '../../src/noise/cipher.ts';
import { noiseNonce, rekeyNonce } from '../../src/noise/nonce.ts';
import { codeOf, flipped, hex, toHex, utf8 } from '../crypto/support.ts';
import { aeads, cases } from './support.ts';

const plaintext = utf8('plaintext');

describe.each(cases)('Noise cipher of $name with $aead', ({ provider, aead }) => {
  const newCipher = (value = 7) => new NoiseCipher(provider, aead, new Uint8Array(32).fill(value));
  const newPair = () => ({ sender: newCipher(), receiver: newCipher() });

  it('encrypts record n under 4 zero bytes and n, with no associated data, across the first byte of n', () => {
    const { sender, receiver } = newPair();
    for (let count = 0; count < 300; count++) {
      expect(sender.count).toBe(count);
      const record = sender.encrypt(plaintext);
      expect(toHex(record)).toBe(toHex(sealedByNode(aead, 7, BigInt(count), plaintext)));
      expect(receiver.count).toBe(count);
      expect(receiver.decrypt(record)).toEqual(plaintext);
    }
  });

  it('takes 0 to 65,519 bytes in records of 16 to 65,535', () => {
    const { sender, receiver } = newPair();
    for (const length of [0, 1, 15, 16, 17, noisePlaintextMaxBytes - 1, noisePlaintextMaxBytes]) {
      const text = new Uint8Array(length).fill(length);
      const record = sender.encrypt(text);
      expect(record).toHaveLength(length + 16);
      expect(receiver.decrypt(record)).toEqual(text);
    }
    expect([noisePlaintextMaxBytes, noiseMessageMaxBytes]).toEqual([65_519, 65_535]);
  });

  it('refuses a plaintext that is too long, and goes on as if it had not been given', () => {
    const { sender, receiver } = newPair();
    for (const length of [65_520, 65_536, 100_000]) {
      expect(codeOf(() => sender.encrypt(new Uint8Array(length)))).toBe('E_LIMIT');
    }
    expect(sender.count).toBe(0);
    expect(receiver.decrypt(sender.encrypt(plaintext))).toEqual(plaintext);
  });

  it('refuses a record below a tag or above 65,535 bytes, and takes nothing after it', () => {
    for (const length of [0, 1, 15, 65_536, 100_000]) {
      const { sender, receiver } = newPair();
      const record = sender.encrypt(plaintext);
      expect(codeOf(() => receiver.decrypt(new Uint8Array(length)))).toBe('E_LENGTH');
      expect(codeOf(() => receiver.decrypt(record))).toBe('E_CLOSED');
    }
  });

  it('refuses a record with any byte changed, cut anywhere or made longer, and takes nothing after it', () => {
    const record = newCipher().encrypt(plaintext);
    const damaged = [
      ...Array.from(record, (_, i) => flipped(record, 8 * i + (i % 8))),
      ...Array.from({ length: record.length - 16 }, (_, i) => record.subarray(0, 16 + i)),
      Uint8Array.of(...record, 0),
    ];
    for (const bytes of damaged) {
      const receiver = newCipher();
      expect(codeOf(() => receiver.decrypt(bytes))).toBe('E_AEAD');
      expect(codeOf(() => receiver.decrypt(record))).toBe('E_CLOSED');
      expect(codeOf(() => receiver.encrypt(plaintext))).toBe('E_CLOSED');
      expect(codeOf(() => receiver.rekey())).toBe('E_CLOSED');
      expect(receiver.count).toBe(0);
    }
  });

  it('refuses a record that is repeated, missing, out of order or of another key', () => {
    const sender = newCipher();
    const [first, second] = [sender.encrypt(plaintext), sender.encrypt(plaintext)];
    const repeated = newCipher();
    repeated.decrypt(first);
    expect(codeOf(() => repeated.decrypt(first))).toBe('E_AEAD');
    const missing = newCipher();
    expect(codeOf(() => missing.decrypt(second))).toBe('E_AEAD');
    const other = newCipher(8);
    expect(codeOf(() => other.decrypt(first))).toBe('E_AEAD');
  });

  it('rekeys to 32 zeros sealed under the nonce 2^64 - 1, and counts on', () => {
    const { sender, receiver } = newPair();
    receiver.decrypt(sender.encrypt(plaintext));
    let key = new Uint8Array(32).fill(7);
    for (let count = 1n; count < 4n; count++) {
      key = sealedByNode(aead, key, 2n ** 64n - 1n, new Uint8Array(32)).slice(0, 32);
      sender.rekey();
      receiver.rekey();
      expect([sender.count, receiver.count]).toEqual([Number(count), Number(count)]);
      const record = sender.encrypt(plaintext);
      expect(toHex(record)).toBe(toHex(sealedByNode(aead, key, count, plaintext)));
      expect(receiver.decrypt(record)).toEqual(plaintext);
    }
  });

  it('does not open the records of an end that rekeyed earlier or later', () => {
    const early = newPair();
    early.sender.rekey();
    expect(codeOf(() => early.receiver.decrypt(early.sender.encrypt(plaintext)))).toBe('E_AEAD');
    const late = newPair();
    late.receiver.rekey();
    expect(codeOf(() => late.receiver.decrypt(late.sender.encrypt(plaintext)))).toBe('E_AEAD');
  });

  it('overwrites its key where it rekeys, where a record is refused, and when it is erased', () => {
    const zero = new Uint8Array(32);
    const key = new Uint8Array(32).fill(7);
    const erased = new NoiseCipher(provider, aead, key);
    erased.rekey();
    expect(key).toEqual(sealedByNode(aead, 7, 2n ** 64n - 1n, zero).slice(0, 32));
    erased.erase();
    expect(key).toEqual(zero);
    for (const bytes of [new Uint8Array(15), new Uint8Array(16)]) {
      const spent = new Uint8Array(32).fill(7);
      const refusing = new NoiseCipher(provider, aead, spent);
      expect(codeOf(() => refusing.decrypt(bytes))).toMatch(/E_LENGTH|E_AEAD/);
      expect(spent).toEqual(zero);
    }
  });

  it('takes nothing once it is erased, again and again', () => {
    const { sender, receiver } = newPair();
    const record = sender.encrypt(plaintext);
    for (const cipher of [sender, receiver, receiver]) {
      cipher.erase();
      expect(codeOf(() => cipher.encrypt(plaintext))).toBe('E_CLOSED');
      expect(codeOf(() => cipher.decrypt(record))).toBe('E_CLOSED');
      expect(codeOf(() => cipher.rekey())).toBe('E_CLOSED');
    }
    expect([sender.count, receiver.count]).toEqual([1, 0]);
  });

  it('leaves the arrays of its caller as they are, and gives out arrays of their own', () => {
    const { sender, receiver } = newPair();
    const text = new Uint8Array(plaintext);
    const record = sender.encrypt(text);
    const before = toHex(record);
    const opened = receiver.decrypt(record);
    expect([text, toHex(record)]).toEqual([plaintext, before]);
    opened.fill(0);
    expect(toHex(record)).toBe(before);
  });

  it('makes one call of the provider for one record', () => {
    const calls: string[] = [];
    const counted = new Proxy(provider, {
      get(target, name: keyof typeof provider) {
        calls.push(name);
        return target[name];
      },
    });
    const sender = new NoiseCipher(counted, aead, new Uint8Array(32).fill(7));
    const receiver = new NoiseCipher(counted, aead, new Uint8Array(32).fill(7));
    receiver.decrypt(sender.encrypt(plaintext));
    expect(calls).toEqual(['aeadSeal', 'aeadOpen']);
  });
});

describe.each(aeads)('the nonce of %s', (aead) => {
  it.each([0, 1, 255, 256, 2 ** 32 - 1, 2 ** 32, 2 ** 40 + 3, 2 ** 53 - 2])(
    'of count %i is 4 zeros and it',
    (count) => {
      expect(toHex(noiseNonce(aead, count))).toBe(toHex(nonceOf(aead, BigInt(count))));
    },
  );

  it('is refused after 2^53 - 2', () => {
    expect(codeOf(() => noiseNonce(aead, 2 ** 53 - 1))).toBe('E_LIMIT');
    expect(codeOf(() => noiseNonce(aead, 2 ** 53))).toBe('E_LIMIT');
  });

  it('is 4 zeros and 2^64 - 1 for a new key', () => {
    expect(toHex(rekeyNonce())).toBe(toHex(nonceOf(aead, 2n ** 64n - 1n)));
  });
});

/** The nonce by the letter of Noise, by other means than the code under test. */
function nonceOf(aead: AeadAlgorithm, count: bigint): Uint8Array {
  const bigEndian = hex(count.toString(16).padStart(16, '0'));
  return Uint8Array.of(0, 0, 0, 0, ...(aead === 'aes-256-gcm' ? bigEndian : bigEndian.toReversed()));
}

/** @param key - or the one byte that it is made of */
function sealedByNode(aead: AeadAlgorithm, key: Uint8Array | number, count: bigint, text: Uint8Array): Uint8Array {
  const key32 = typeof key === 'number' ? new Uint8Array(32).fill(key) : key;
  const cipher = createCipheriv(aead as 'aes-256-gcm', key32, nonceOf(aead, count), { authTagLength: 16 });
  return new Uint8Array([...cipher.update(text), ...cipher.final(), ...cipher.getAuthTag()]);
}
