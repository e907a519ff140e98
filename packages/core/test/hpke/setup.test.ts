import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RandomSource } from '../../src/crypto/provider.ts';
import { deriveKeyPair } from '../../src/hpke/kem.ts';
import { openBase, sealBase } from '../../src/hpke/one-shot.ts';
import { setupReceiver, setupSender } from '../../src/hpke/setup.ts';
import { codeOf, flipped, lowOrder, providers, toHex } from '../crypto/support.ts';
import { aad, aeads, drawing, info, newPair, plaintext, psk } from './support.ts';

const modes = ['base', 'psk'] as const;
const cases = providers.flatMap((provider) =>
  aeads.flatMap((aead) => modes.map((mode) => ({ provider, name: provider.name, aead, mode }))),
);

describe.each(cases)('HPKE of $name with $aead in mode $mode', ({ provider, aead, mode }) => {
  it('opens with the same enc, key pair, info, pre-shared key and AEAD alone', () => {
    const { keyPair, enc32, sender, shared } = newPair(provider, aead, mode);
    const sealed = sender.seal(aad, plaintext);
    const exported = toHex(sender.export(aad, 32));
    const stranger = deriveKeyPair(provider, new Uint8Array(32).fill(3));
    const { secretKey, publicKey } = keyPair;
    const otherAead = aeads.find((other) => other !== aead) ?? aead;
    const otherPsks =
      mode === 'base'
        ? [psk]
        : [undefined, { ...psk, psk: flipped(psk.psk, 0) }, { ...psk, pskId: flipped(psk.pskId, 0) }];
    const receivers = [
      setupReceiver(provider, aead, stranger.publicKey, keyPair, info, shared),
      // Bit 255 changes nothing for X25519, so it is only the KEM context that tells these apart.
      setupReceiver(provider, aead, flipped(enc32, 255), keyPair, info, shared),
      setupReceiver(provider, aead, enc32, stranger, info, shared),
      setupReceiver(provider, aead, enc32, { secretKey, publicKey: stranger.publicKey }, info, shared),
      setupReceiver(provider, aead, enc32, { secretKey: stranger.secretKey, publicKey }, info, shared),
      setupReceiver(provider, aead, enc32, keyPair, flipped(info, 0), shared),
      setupReceiver(provider, aead, enc32, keyPair, info.subarray(1), shared),
      setupReceiver(provider, otherAead, enc32, keyPair, info, shared),
      ...otherPsks.map((other) => setupReceiver(provider, aead, enc32, keyPair, info, other)),
    ];
    for (const receiver of receivers) {
      expect(receiver.open(aad, sealed)).toBeUndefined();
      expect(toHex(receiver.export(aad, 32))).not.toBe(exported);
    }
    const receiver = setupReceiver(provider, aead, enc32, keyPair, info, shared);
    expect(receiver.open(aad, sealed)).toEqual(plaintext);
    expect(toHex(receiver.export(aad, 32))).toBe(exported);
  });

  it('leaves the arrays of its caller as they are', () => {
    const { keyPair, enc32, shared } = newPair(provider, aead, mode);
    const given = [keyPair.secretKey, keyPair.publicKey, enc32, info, shared?.psk ?? aad, shared?.pskId ?? aad];
    const before = given.map(toHex);
    setupSender(provider, aead, keyPair.publicKey, info, { random: drawing(2), psk: shared });
    setupReceiver(provider, aead, enc32, keyPair, info, shared).open(aad, plaintext);
    expect(given.map(toHex)).toEqual(before);
  });
});

describe.each(providers)('HPKE of $name', (provider) => {
  const keyPair = deriveKeyPair(provider, new Uint8Array(32).fill(1));
  const [aead = 'aes-256-gcm'] = aeads;
  const send = (publicKey32: Uint8Array, options: { random?: RandomSource; psk?: typeof psk } = {}) =>
    codeOf(() => setupSender(provider, aead, publicKey32, info, { random: drawing(2), ...options }));
  const receive = (enc32: Uint8Array, pair = keyPair, shared?: typeof psk) =>
    codeOf(() => setupReceiver(provider, aead, enc32, pair, info, shared));

  it('suites.5 refuses an enc and a receiver of small order, with either top bit', () => {
    for (const u of lowOrder) {
      for (const key of [u, flipped(u, 255)]) {
        expect(receive(key)).toBe('E_KEY');
        expect(send(key)).toBe('E_KEY');
        expect(codeOf(() => openBase(provider, aead, key, keyPair, info, aad, plaintext))).toBe('E_KEY');
      }
    }
  });

  it('refuses keys of any length but 32', () => {
    const { secretKey, publicKey } = keyPair;
    for (const length of [0, 31, 33]) {
      const key = new Uint8Array(length).fill(9);
      expect(send(key)).toBe('E_KEY');
      expect(receive(key)).toBe('E_KEY');
      expect(receive(publicKey, { secretKey: key, publicKey })).toBe('E_KEY');
      expect(receive(publicKey, { secretKey, publicKey: key })).toBe('E_KEY');
    }
  });

  it('refuses key material below 32 bytes, and a random source that does not give 32', () => {
    for (const length of [0, 31]) {
      expect(codeOf(() => deriveKeyPair(provider, new Uint8Array(length)))).toBe('E_USAGE');
    }
    for (const length of [32, 64]) {
      expect(codeOf(() => deriveKeyPair(provider, new Uint8Array(length)))).toBeUndefined();
    }
    for (const length of [0, 31, 33]) {
      expect(send(keyPair.publicKey, { random: () => new Uint8Array(length) })).toBe('E_USAGE');
    }
  });

  it('refuses a pre-shared key below 32 bytes or without an id, at either end', () => {
    const { enc32 } = newPair(provider, aead, 'psk');
    const bad = [
      { ...psk, psk: new Uint8Array(0) },
      { ...psk, psk: new Uint8Array(31).fill(7) },
      { ...psk, pskId: new Uint8Array(0) },
    ];
    for (const shared of bad) {
      expect(send(keyPair.publicKey, { psk: shared })).toBe('E_USAGE');
      expect(receive(enc32, keyPair, shared)).toBe('E_USAGE');
    }
    expect(send(keyPair.publicKey, { psk: { ...psk, psk: new Uint8Array(33).fill(7) } })).toBeUndefined();
  });

  it('draws 32 bytes once for an ephemeral, and overwrites them', () => {
    const drawn: Uint8Array[] = [];
    const random = (length: number) => {
      const bytes = new Uint8Array(length).fill(5);
      drawn.push(bytes);
      return bytes;
    };
    expect(send(keyPair.publicKey, { random })).toBeUndefined();
    expect(drawn).toEqual([new Uint8Array(32)]);
  });

  it('seals and opens one message in one call', () => {
    for (const one of aeads) {
      const { enc32, sealed } = sealBase(provider, one, keyPair.publicKey, info, aad, plaintext, drawing(2));
      expect([enc32.length, sealed.length]).toEqual([32, plaintext.length + 16]);
      expect(openBase(provider, one, enc32, keyPair, info, aad, sealed)).toEqual(plaintext);
      expect(openBase(provider, one, enc32, keyPair, aad, aad, sealed)).toBeUndefined();
      expect(openBase(provider, one, enc32, keyPair, info, info, sealed)).toBeUndefined();
      for (let bit = 0; bit < 8 * sealed.length; bit++) {
        if (bit % 37 !== 0) continue;
        expect(openBase(provider, one, enc32, keyPair, info, aad, flipped(sealed, bit))).toBeUndefined();
      }
    }
  });
});

it('HPKE of one provider opens what that of the other seals, and both seal the same bytes', () => {
  const bytes = (minLength: number, maxLength: number) => fc.uint8Array({ minLength, maxLength });
  const record = fc.tuple(bytes(0, 64), bytes(0, 300));
  const shared = fc.option(fc.record({ psk: bytes(32, 80), pskId: bytes(1, 40) }), { nil: undefined });
  fc.assert(
    fc.property(
      fc.constantFrom(...aeads),
      bytes(32, 96),
      bytes(32, 32),
      bytes(0, 200),
      shared,
      fc.array(record, { minLength: 1, maxLength: 4 }),
      (aead, ikm, ikmE, anyInfo, anyPsk, records) => {
        const random = () => new Uint8Array(ikmE);
        const made = providers.map((provider) => {
          const pair = deriveKeyPair(provider, ikm);
          const { enc32, context } = setupSender(provider, aead, pair.publicKey, anyInfo, { random, psk: anyPsk });
          const sealed = records.map(([anyAad, anyText]) => context.seal(anyAad, anyText));
          return { pair, enc32, sealed, exported: context.export(anyInfo, 40) };
        });
        expect(made[1]).toEqual(made[0]);
        for (const [i, provider] of providers.entries()) {
          const { pair, enc32, sealed, exported } = made[1 - i]!;
          const receiver = setupReceiver(provider, aead, enc32, pair, anyInfo, anyPsk);
          for (const [n, [anyAad, anyText]] of records.entries()) {
            expect(receiver.open(anyAad, sealed[n]!)).toEqual(anyText);
          }
          expect(receiver.export(anyInfo, 40)).toEqual(exported);
        }
      },
    ),
    { numRuns: 25 },
  );
});
