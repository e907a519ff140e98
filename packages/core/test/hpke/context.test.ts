import { describe, expect, it } from 'vitest';
import { sequenceNonce } from '../../src/hpke/sequence.ts';
import { codeOf, flipped, hex, providers, toHex } from '../crypto/support.ts';
import { aad, aeads, newPair, plaintext } from './support.ts';

const cases = providers.flatMap((provider) => aeads.map((aead) => ({ provider, name: provider.name, aead })));

describe.each(cases)('HPKE context of $name with $aead', ({ provider, aead }) => {
  it('does not advance where a message does not open', () => {
    const { sender, receiver } = newPair(provider, aead, 'base');
    const sealed = [0, 1, 2].map(() => sender.seal(aad, plaintext));
    for (const [i, message] of sealed.entries()) {
      for (let length = 0; length < message.length; length++) {
        expect(receiver.open(aad, message.subarray(0, length))).toBeUndefined();
      }
      for (let bit = 0; bit < 8 * message.length; bit += 7) {
        expect(receiver.open(aad, flipped(message, bit))).toBeUndefined();
      }
      expect(receiver.open(plaintext, message)).toBeUndefined();
      const others = sealed.filter((_, other) => other !== i);
      for (const other of others) expect(receiver.open(aad, other)).toBeUndefined();
      expect(receiver.open(aad, message)).toEqual(plaintext);
      expect(receiver.open(aad, message)).toBeUndefined();
    }
  });

  it('seals each message under another nonce, across the first byte of the number', () => {
    const { sender, receiver } = newPair(provider, aead, 'psk');
    const seen = new Set<string>();
    for (let i = 0; i < 260; i++) {
      const sealed = sender.seal(aad, plaintext);
      seen.add(toHex(sealed));
      expect(receiver.open(aad, sealed)).toEqual(plaintext);
    }
    expect(seen.size).toBe(260);
  });

  it('exports 1 to 8,160 bytes, the same at both ends and whatever was sealed', () => {
    const { sender, receiver } = newPair(provider, aead, 'base');
    for (const length of [1, 31, 32, 33, 8_160]) {
      const exported = sender.export(aad, length);
      expect(exported).toHaveLength(length);
      sender.seal(aad, plaintext);
      expect(sender.export(aad, length)).toEqual(exported);
      expect(receiver.export(aad, length)).toEqual(exported);
    }
    expect(toHex(sender.export(plaintext, 32))).not.toBe(toHex(sender.export(aad, 32)));
    // The length is part of the derivation.
    expect(toHex(sender.export(aad, 33)).startsWith(toHex(sender.export(aad, 32)))).toBe(false);
    for (const length of [-1, 0, 8_161, 65_536, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(codeOf(() => sender.export(aad, length))).toBe('E_USAGE');
      expect(codeOf(() => receiver.export(aad, length))).toBe('E_USAGE');
    }
  });
});

describe('the nonce of a sequence number', () => {
  const base = hex('5c4d98150661b848853b547f');

  it.each([0, 1, 255, 256, 2 ** 32 - 1, 2 ** 32, 2 ** 40 + 3, 2 ** 53 - 2])('is the base nonce XOR %i', (seq) => {
    const expected = BigInt(`0x${toHex(base)}`) ^ BigInt(seq);
    expect(toHex(sequenceNonce(base, seq))).toBe(expected.toString(16).padStart(24, '0'));
    expect(toHex(base)).toBe('5c4d98150661b848853b547f');
  });

  it('is refused after 2^53 - 2', () => {
    expect(codeOf(() => sequenceNonce(base, 2 ** 53 - 1))).toBe('E_LIMIT');
    expect(codeOf(() => sequenceNonce(base, 2 ** 53))).toBe('E_LIMIT');
  });
});
