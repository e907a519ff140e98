import { expect, it } from 'vitest';
import { KnownSignatures } from '../../src/client/known-signatures.ts';

const widths = [32, 146, 64] as const;

/** Asks for a signature, and notes whether it was verified. */
function askOf(known: KnownSignatures) {
  return (parts: readonly Uint8Array[], verdict: boolean): { isValid: boolean; wasVerified: boolean } => {
    let wasVerified = false;
    const [key, signed, signature] = parts as [Uint8Array, Uint8Array, Uint8Array];
    const isValid = known.isValid(key, signed, signature, () => {
      wasVerified = true;
      return verdict;
    });
    return { isValid, wasVerified };
  };
}

const partsOf = (fill: number): Uint8Array[] => widths.map((width) => new Uint8Array(width).fill(fill));

it('suites.7: what verified is known, and whatever differs from it in any byte is verified', () => {
  const ask = askOf(new KnownSignatures());
  expect(ask(partsOf(1), true)).toEqual({ isValid: true, wasVerified: true });
  expect(ask(partsOf(1), false)).toEqual({ isValid: true, wasVerified: false });
  for (const [i, width] of widths.entries()) {
    for (let at = 0; at < width; at++) {
      const changed = partsOf(1);
      changed[i]![at]! ^= 0x80;
      expect(ask(changed, false)).toEqual({ isValid: false, wasVerified: true });
      // What did not verify is not known, and does not drive out what is.
      expect(ask(changed, false)).toEqual({ isValid: false, wasVerified: true });
    }
  }
  expect(ask(partsOf(1), false).isValid).toBe(true);
});

it('keeps the last few, as they were when they were verified', () => {
  const ask = askOf(new KnownSignatures(2));
  const changing = partsOf(1);
  ask(changing, true);
  for (const part of changing) part.fill(9);
  expect(ask(partsOf(9), false).isValid).toBe(false);
  ask(partsOf(2), true);
  expect(ask(partsOf(1), false).isValid).toBe(true);
  ask(partsOf(3), true);
  // The one used longest ago went.
  expect([1, 2, 3].map((fill) => ask(partsOf(fill), false).isValid)).toEqual([true, false, true]);
});

it('takes nothing for a yes but true', () => {
  const known = new KnownSignatures();
  const [key, signed, signature] = partsOf(1) as [Uint8Array, Uint8Array, Uint8Array];
  expect(known.isValid(key, signed, signature, () => Promise.resolve(false) as unknown as boolean)).toBe(false);
});
