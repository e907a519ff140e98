import { describe, expect, it } from 'vitest';
import { openEnvelope, parseEnvelope, parseJob, parseTopic, SplitBatch, type Message } from '@tridcomm/core';
import { nodeProvider } from '@tridcomm/core/node';
import { limits } from '../../src/codepoints/limits.gen.ts';
import { decodeRecords } from '../../src/wire/records.ts';
import { nowMs, Pair } from '../envelope/parties.ts';
import { refusedWith } from './support.ts';

/** Inputs that are too large, or too much of one kind, to be golden vectors. */

function messagesOf(count: number, bytes = 0): Message[] {
  return Array.from({ length: count }, () => ({ timestampMs: nowMs, payload: new Uint8Array(bytes) }));
}

/** A single envelope with zeros for a body, of whatever size; the form is all that is right in it. */
function formOf(bodyBytes: number, asSealed = new Pair(nodeProvider).sealText('')): Uint8Array {
  const envelope = new Uint8Array(96 + bodyBytes + 64);
  envelope.set(asSealed.subarray(0, 96));
  new DataView(envelope.buffer).setUint32(92, bodyBytes);
  return envelope;
}

describe('what a sender may seal', () => {
  const sealSingle = (bytes: number) =>
    new Pair(nodeProvider).seal({ form: 'single', messages: messagesOf(1, bytes), timestampMs: nowMs });
  const sealMerkle = (count: number, jobsPerLeaf: number) =>
    new Pair(nodeProvider).seal({ form: 'merkle', messages: messagesOf(count), timestampMs: nowMs, jobsPerLeaf });

  it('envelope.6 983,040 bytes of plaintext, and not one more', () => {
    expect(parseEnvelope(sealSingle(limits.plaintextBytes)).body.length).toBe(limits.plaintextBytes + 16);
    expect(refusedWith(() => sealSingle(limits.plaintextBytes + 1))).toBe('E_LIMIT');
  });

  it('envelope.6 4,096 leaves and 65,535 records, and not one more', () => {
    expect(parseEnvelope(sealMerkle(limits.leavesCount, 1)).header.count).toBe(limits.leavesCount);
    expect(refusedWith(() => sealMerkle(limits.leavesCount + 1, 1))).toBe('E_LIMIT');
    expect(parseEnvelope(sealMerkle(limits.recordsCount, limits.recordsCount)).header.count).toBe(limits.recordsCount);
    expect(refusedWith(() => sealMerkle(limits.recordsCount + 1, limits.recordsCount))).toBe('E_LIMIT');
  });

  it('envelope.18 envelope.21 the largest batch opens, whole and leaf by leaf', () => {
    const pair = new Pair(nodeProvider);
    const messages = messagesOf(limits.leavesCount, 220);
    const envelope = pair.seal({ form: 'merkle', messages, timestampMs: nowMs, jobsPerLeaf: 1 });
    expect(openEnvelope(pair.receiver, envelope, nowMs)?.records.count).toBe(limits.leavesCount);
    const batch = new SplitBatch(nodeProvider, parseEnvelope(envelope));
    expect(parseJob(batch.job(limits.leavesCount - 1)).path.length).toBe(32 * 12);
  });
});

describe('what a receiver refuses', () => {
  it('envelope.34 983,041 bytes of plaintext, or 1,048,577 of envelope', () => {
    expect(refusedWith(() => parseEnvelope(formOf(16 + limits.plaintextBytes)))).toBeUndefined();
    expect(refusedWith(() => parseEnvelope(formOf(16 + limits.plaintextBytes + 1)))).toBe('E_LIMIT');
    // The first check meets the size, before any length is added up.
    const large = new Uint8Array(limits.envelopeBytes + 1);
    expect(refusedWith(() => parseEnvelope(large))).toBe('E_LIMIT');
    expect(refusedWith(() => parseEnvelope(large.subarray(1)))).toBe('E_ENCODING');
  });

  it('envelope.33 flag 1 or flag 4 without flag 0, in an envelope that is right otherwise', () => {
    const pair = new Pair(nodeProvider);
    const whole = pair.seal({ form: 'merkle', messages: messagesOf(1), timestampMs: nowMs });
    const padded = pair.seal({ form: 'batch', messages: messagesOf(1), timestampMs: nowMs, padded: true });
    for (const envelope of [whole, padded]) {
      expect(refusedWith(() => parseEnvelope(envelope))).toBeUndefined();
      envelope[7] = (envelope[7] ?? 0) & ~1;
      expect(refusedWith(() => parseEnvelope(envelope))).toBe('E_ENCODING');
    }
  });

  it('envelope.19 a record that goes on past its padding', () => {
    expect(refusedWith(() => decodeRecords(Uint8Array.of(0, 0, 2, 9), 1, nowMs, true))).toBe('E_ENCODING');
  });

  it.each(['e09fbf', 'f08fbfbf', 'c1bf', 'eda080'])('topics.3 the UTF-8 that is none: %s', (hex) => {
    expect(refusedWith(() => parseTopic(new Uint8Array(Buffer.from(hex, 'hex'))))).toBe('E_ENCODING');
  });
});
