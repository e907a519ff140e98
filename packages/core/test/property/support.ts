import fc from 'fast-check';
import { TridcommError, type CryptoProvider, type ExtensionInput, type Message, type SealInput } from '@tridcomm/core';
import { nobleProvider } from '@tridcomm/core/noble';
import { nodeProvider } from '@tridcomm/core/node';
import { nowMs } from '../envelope/parties.ts';

/** Sets what every generated input of a file follows from, and says what it is: TRIDCOMM_SEED runs the same inputs again. */
export function useSeed(): void {
  const seed = Number(process.env['TRIDCOMM_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  fc.configureGlobal({ seed });
  console.log(`seed ${seed}`);
}

/** Both providers, with a number of runs: what takes node a millisecond takes noble a hundred. */
export const providers: readonly { provider: CryptoProvider; numRuns: number }[] = [
  { provider: nodeProvider, numRuns: 150 },
  { provider: nobleProvider, numRuns: 3 },
];

/** The code of a refusal; undefined where nothing is refused. Anything else that is thrown goes on. */
export function refusedWith(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof TridcommError) return error.code;
    throw error;
  }
}

/** The bytes with one bit turned. */
export function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const out = new Uint8Array(bytes);
  out[bit >>> 3] = (out[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
  return out;
}

/** The bytes and one more. */
export function extended(bytes: Uint8Array, byte: number): Uint8Array {
  const out = new Uint8Array(bytes.length + 1);
  out.set(bytes);
  out[bytes.length] = byte;
  return out;
}

export function bytes(minLength: number, maxLength: number = minLength): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ minLength, maxLength });
}

/** A u64 of a value in an extension. */
function u64(min: number, max: number): fc.Arbitrary<Uint8Array> {
  return fc.maxSafeInteger().map((value) => {
    const out = new Uint8Array(8);
    new DataView(out.buffer).setBigUint64(0, BigInt(min + (Math.abs(value) % (max - min + 1))));
    return out;
  });
}

/** Values that fit, by number; without 1 and 11, which the sealer writes, and 3, which the first envelope must not have. */
const values: readonly (readonly [number, fc.Arbitrary<Uint8Array>])[] = [
  [
    2,
    bytes(30, 62).map((value) => {
      value[28] = 0;
      value[29] = value.length - 30;
      value.fill(0, 16, 18);
      return value;
    }),
  ],
  [4, u64(nowMs, Number.MAX_SAFE_INTEGER)],
  [5, bytes(16)],
  [6, bytes(32)],
  [7, bytes(16)],
  [8, u64(0, Number.MAX_SAFE_INTEGER)],
  [9, fc.integer({ min: 1, max: 8 }).chain((segments) => bytes(16 * segments))],
  [10, bytes(16)],
];

/** Some of the extensions, in any order. */
export const extensionInputs: fc.Arbitrary<readonly ExtensionInput[]> = fc
  .shuffledSubarray([...values.keys()])
  .chain((picked) => fc.tuple(...picked.map((i) => extensionInput(...(values[i] ?? [6, bytes(32)])))));

function extensionInput(number: number, value: fc.Arbitrary<Uint8Array>): fc.Arbitrary<ExtensionInput> {
  return value.map((chosen) => ({ number, value: chosen }));
}

/** Messages that were made at the time of sealing or before it. */
export const messages: fc.Arbitrary<Message[]> = fc.array(
  fc.record({ timestampMs: fc.integer({ min: 0, max: 2 ** 40 }).map((age) => nowMs - age), payload: bytes(0, 300) }),
  { minLength: 1, maxLength: 40 },
);

/** Everything that may be sealed, in all forms. */
export const sealInputs: fc.Arbitrary<SealInput> = fc
  .record({
    form: fc.constantFrom('single' as const, 'batch' as const, 'merkle' as const),
    messages,
    padded: fc.boolean(),
    jobsPerLeaf: fc.integer({ min: 1, max: 41 }),
    extensions: extensionInputs,
    recordCommit: fc.boolean(),
    keyinfo: bytes(0, 60),
  })
  .map(({ form, messages: many, padded, jobsPerLeaf, ...rest }) => {
    const timestampMs = nowMs;
    if (form === 'single') {
      return {
        ...rest,
        form,
        timestampMs,
        messages: many.slice(0, 1).map(({ payload }) => ({ timestampMs, payload })),
      };
    }
    const shared = { ...rest, form, timestampMs, messages: many, padded };
    return form === 'merkle' ? { ...shared, jobsPerLeaf } : shared;
  });
