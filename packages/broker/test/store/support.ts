import { SeededRandom } from '@tridcomm/core/testing';
import { expect } from 'vitest';
import { DamagedError, type EnvelopeLog } from '../../src/store/envelope-log.ts';
import { SegmentLog, type SegmentLogOptions } from '../../src/store/segment-log.ts';
import { SimulatedDisk } from '../../src/testing/disk.ts';
import { envelopeOf, numberOf } from './fixtures/envelopes.mjs';

export { envelopeOf, numberOf };

/** A disk on which all works. */
export function soundDisk(seed = 1): SimulatedDisk {
  return new SimulatedDisk({ random: new SeededRandom(seed) });
}

/** Opens the log of a disk as a new process. */
export async function openOn(disk: SimulatedDisk, options: Partial<SegmentLogOptions> = {}): Promise<SegmentLog> {
  const files = options.files ?? disk.attach();
  return await SegmentLog.open({ now: () => 1_000, random: new SeededRandom(7).bytes, ...options, files });
}

/** Appends envelopes one batch each, with the numbers from `from` up to, not including, `to`. */
export async function appendEach(log: EnvelopeLog, from: number, to: number, length = 40): Promise<void> {
  for (let number = from; number < to; number++) await log.append([envelopeOf(number, length)]);
}

/** What a log holds: numbers of envelopes by position, and the positions that it says are damaged. */
export interface Contents {
  readonly numbers: Map<number, number>;
  readonly damaged: Set<number>;
  /** Positions that are damaged and so many that they are not listed: where they begin. */
  readonly unknownFrom: number[];
}

/** Reads a whole log, a few bytes at a time, past whatever is damaged. */
export async function contentsOf(log: EnvelopeLog, maxBytes = 100): Promise<Contents> {
  const contents: Contents = { numbers: new Map(), damaged: new Set(), unknownFrom: [] };
  for (let position = log.firstPosition; position < log.nextPosition;) {
    try {
      const found = await log.read(position, maxBytes);
      expect(found[0]?.position).toBe(position);
      for (const { position: at, bytes } of found) {
        expect(at).toBe(position++);
        contents.numbers.set(at, numberOf(bytes));
      }
    } catch (error) {
      if (!(error instanceof DamagedError)) throw error;
      expect(error.code).toBe('E_ENCODING');
      expect(error.fromPosition).toBe(position);
      expect(error.toPosition).toBeGreaterThan(position);
      expect(error.toPosition).toBeLessThanOrEqual(log.nextPosition);
      if (error.toPosition - position > 10_000) contents.unknownFrom.push(position);
      else for (let at = position; at < error.toPosition; at++) contents.damaged.add(at);
      position = error.toPosition;
    }
  }
  return contents;
}

/** Numbers from `from` up to, not including, `to`. */
export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}
