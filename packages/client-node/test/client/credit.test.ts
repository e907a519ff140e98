import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Credit } from '../../src/client/credit.ts';

test('delivery.14: the hello grants the window, and more is granted by quarters as it is consumed', () => {
  const credit = new Credit(1_000);
  expect(credit.begin()).toBe(1_000);
  expect(credit.received(600)).toBe(true);
  expect(credit.consumed(100)).toBeUndefined();
  expect(credit.consumed(149)).toBeUndefined();
  expect(credit.consumed(1)).toBe(1_250);
  expect(credit.consumed(350)).toBe(1_600);
});

test('a broker that sends beyond its credit is found out at the first byte', () => {
  const credit = new Credit(1_000);
  credit.begin();
  expect(credit.received(1_000)).toBe(true);
  expect(credit.received(1)).toBe(false);
});

test('what is left of an earlier link takes of the window of the next, and gives it back', () => {
  const credit = new Credit(1_000);
  credit.begin();
  credit.received(900);
  expect(credit.begin()).toBe(100);
  expect(credit.received(100)).toBe(true);
  expect(credit.consumed(900)).toBe(1_000);
  expect(credit.received(900)).toBe(true);
  expect(credit.received(1)).toBe(false);
});

test('an application that holds the whole window grants nothing to a new link until it consumes', () => {
  const credit = new Credit(1_000);
  credit.begin();
  credit.received(1_000);
  expect(credit.begin()).toBe(0);
  expect(credit.consumed(1_000)).toBe(1_000);
});

test('grants never fall, and never let more be held than the window; one envelope may be larger than what is left', () => {
  const step = fc.record({ bytes: fc.integer({ min: 1, max: 400 }), consumes: fc.boolean(), links: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const credit = new Credit(1_000);
      let [granted, received] = [credit.begin(), 0];
      const held: number[] = [];
      for (const { bytes, consumes, links } of steps) {
        if (links && bytes < 20) [granted, received] = [credit.begin(), 0];
        if (!consumes && received + bytes <= granted) {
          received += bytes;
          held.push(bytes);
          expect(credit.received(bytes)).toBe(true);
        }
        if (consumes && held.length > 0) {
          const grant = credit.consumed(held.shift()!);
          if (grant !== undefined) {
            expect(grant).toBeGreaterThan(granted);
            granted = grant;
          }
        }
        const heldBytes = held.reduce((sum, one) => sum + one, 0);
        expect(credit.heldBytes).toBe(heldBytes);
        expect(heldBytes + granted - received).toBeLessThanOrEqual(1_000);
      }
      // All that is consumed comes back: nothing is lost of the window but what is not worth a frame.
      while (held.length > 0) granted = credit.consumed(held.shift()!) ?? granted;
      expect(granted - received).toBeGreaterThan(750);
    }),
  );
});
