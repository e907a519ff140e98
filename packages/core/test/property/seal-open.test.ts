import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openEnvelope, openJob, parseEnvelope, SplitBatch, suites, type Message, type Opened } from '@tridcomm/core';
import { nobleProvider } from '@tridcomm/core/noble';
import { nodeProvider } from '@tridcomm/core/node';
import { newSender, nowMs, Pair } from '../envelope/parties.ts';
import { extended, flip, providers, refusedWith, sealInputs, useSeed } from './support.ts';

useSeed();

const anySuite = fc.constantFrom(suites.x25519ChaCha20Poly1305Ed25519, suites.x25519Aes256GcmEd25519);

/** Messages to compare with, whatever kind of array they are in. */
function plain(list: Iterable<Message> | undefined): Message[] {
  return Array.from(list ?? [], ({ timestampMs, payload }) => ({ timestampMs, payload: new Uint8Array(payload) }));
}

/** Opens and forgets: each time a receiver that has seen nothing. */
function openAnew(pair: Pair, bytes: Uint8Array, asJob = false): Opened | undefined {
  const { receiver } = new Pair(pair.provider, { suite: pair.keySource.suite, sender: pair.sender });
  return asJob ? openJob(receiver, bytes, nowMs) : openEnvelope(receiver, bytes, nowMs);
}

describe.each(providers)('with $provider.name', ({ provider, numRuns }) => {
  it('envelope.30 envelope.31 suites.13 suites.17 opens what it seals, once, in every form', () => {
    fc.assert(
      fc.property(anySuite, fc.array(sealInputs, { minLength: 1, maxLength: 3 }), (suite, inputs) => {
        const pair = new Pair(provider, { suite });
        for (const [i, input] of inputs.entries()) {
          const envelope = pair.seal(input);
          const before = new Uint8Array(envelope);
          const opened = openEnvelope(pair.receiver, envelope, nowMs);
          expect(plain(opened?.records)).toEqual(plain(input.messages));
          expect(opened?.header.seq).toBe(i + 1);
          expect(envelope).toEqual(before);
          expect(refusedWith(() => openEnvelope(pair.receiver, envelope, nowMs))).toBe('E_REPLAY');
        }
      }),
      { numRuns },
    );
  });

  it('envelope.23 envelope.25 replay.19 replay.20 opens each leaf alone, once, and then the whole no more', () => {
    fc.assert(
      fc.property(anySuite, sealInputs, fc.integer({ min: 1, max: 5 }), (suite, input, jobsPerLeaf) => {
        const pair = new Pair(provider, { suite });
        const envelope = pair.seal({ ...input, form: 'merkle', jobsPerLeaf });
        const batch = new SplitBatch(provider, parseEnvelope(envelope));
        const records: Message[] = [];
        for (let leaf = 0; leaf < batch.leafCount; leaf++) {
          const job = batch.job(leaf);
          const opened = openJob(pair.receiver, job, nowMs);
          expect(opened?.leaf).toBe(leaf);
          records.push(...plain(opened?.records));
          expect(refusedWith(() => openJob(pair.receiver, job, nowMs))).toBe('E_REPLAY');
        }
        expect(records).toEqual(plain(input.messages));
        expect(refusedWith(() => openEnvelope(pair.receiver, envelope, nowMs))).toBe('E_REPLAY');
      }),
      { numRuns },
    );
  });
});

it('suites.1 suites.10 both providers seal the same bytes from the same randomness', () => {
  const sender = newSender(nodeProvider);
  fc.assert(
    fc.property(anySuite, sealInputs, (suite, input) => {
      const [node, noble] = [nodeProvider, nobleProvider].map((provider) =>
        new Pair(provider, { suite, sender }).seal(input),
      );
      expect(node).toEqual(noble);
    }),
    { numRuns: 4 },
  );
});

it('envelope.4 numbers envelopes 1, 2, 3 and takes none for what it refuses', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { minLength: 2, maxLength: 12 }), (goods) => {
      const pair = new Pair(nodeProvider);
      const message = { timestampMs: nowMs, payload: new Uint8Array(1) };
      let seq = 0;
      for (const good of goods) {
        const messages = good ? [message] : [];
        const seal = () => pair.seal({ form: 'batch', messages, timestampMs: nowMs });
        if (good) expect(parseEnvelope(seal()).header.seq).toBe(++seq);
        else expect(refusedWith(seal)).toBe('E_USAGE');
      }
    }),
    { numRuns: 20 },
  );
});

describe('what was touched', () => {
  it('envelope.34 no part of an envelope or job parses, nor one with a byte more', () => {
    fc.assert(
      fc.property(sealInputs, fc.nat(), (input, chance) => {
        const pair = new Pair(nodeProvider);
        const envelope = pair.seal({ ...input, form: 'merkle', jobsPerLeaf: 3 });
        const job = new SplitBatch(nodeProvider, parseEnvelope(envelope)).job(0);
        for (const [whole, asJob] of [[envelope, false] as const, [job, true] as const]) {
          for (const length of [chance % whole.length, whole.length - 1]) {
            expect(refusedWith(() => openAnew(pair, whole.subarray(0, length), asJob))).toBeDefined();
          }
          expect(refusedWith(() => openAnew(pair, extended(whole, chance), asJob))).toBe('E_LENGTH');
        }
      }),
      { numRuns: 50 },
    );
  });

  it.each([1, 2])(
    'envelope.27 suites.14 suites.19 one flipped bit anywhere never opens: every bit, suite %i',
    (suite) => {
      const pair = new Pair(nodeProvider, { suite });
      const messages = [{ timestampMs: nowMs, payload: new Uint8Array(9) }];
      const extensions = [{ number: 6, value: new Uint8Array(32) }];
      const keyinfo = new Uint8Array(5);
      const envelope = pair.seal({ form: 'single', messages, timestampMs: nowMs, extensions, keyinfo });
      expect(openAnew(pair, envelope)?.records.count).toBe(1);
      for (let bit = 0; bit < 8 * envelope.length; bit++) {
        // An unknown tag is dropped without a word; everything else is refused.
        const inTag = bit >= 8 * 8 && bit < 8 * 24;
        const code = refusedWith(() => expect(openAnew(pair, flip(envelope, bit))).toBeUndefined());
        expect(code === undefined, `bit ${bit}`).toBe(inTag);
      }
    },
  );

  it('envelope.26 suites.14 suites.19 one flipped bit anywhere never opens: all forms, any bit', () => {
    fc.assert(
      fc.property(anySuite, sealInputs, fc.array(fc.nat(), { minLength: 1, maxLength: 20 }), (suite, input, bits) => {
        const pair = new Pair(nodeProvider, { suite });
        const envelope = pair.seal(input);
        for (const bit of bits) {
          refusedWith(() => expect(openAnew(pair, flip(envelope, bit % (8 * envelope.length)))).toBeUndefined());
        }
        if (input.form !== 'merkle') return;
        const batch = new SplitBatch(nodeProvider, parseEnvelope(envelope));
        for (const bit of bits) {
          const job = batch.job(bit % batch.leafCount);
          refusedWith(() => expect(openAnew(pair, flip(job, bit % (8 * job.length)), true)).toBeUndefined());
        }
      }),
      { numRuns: 150 },
    );
  });

  it('envelope.31 a Buffer is opened like any other array, and left as it is', () => {
    fc.assert(
      fc.property(sealInputs, (input) => {
        const pair = new Pair(nodeProvider);
        const envelope = Buffer.from(pair.seal(input));
        const before = envelope.toString('hex');
        expect(plain(openAnew(pair, envelope)?.records)).toEqual(plain(input.messages));
        expect(envelope.toString('hex')).toBe(before);
        expect(plain(openAnew(pair, envelope)?.records)).toEqual(plain(input.messages));
      }),
      { numRuns: 50 },
    );
  });
});
