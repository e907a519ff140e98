import type { SeededRandom } from '@tridcomm/core/testing';
import { GrowingBytes } from './growing-bytes.ts';

/** A change that the system holds and the disk may not have yet. */
type Change = { readonly offset: number; readonly bytes: Uint8Array } | { readonly size: number };

/** A file of a `SimulatedDisk`: what processes see of it, and what a power cut leaves. */
export class DiskFile {
  #written: GrowingBytes;
  #durable: GrowingBytes;
  /** What makes the one of the other, in order; but for what a failed sync lost. */
  #changes: Change[] = [];

  /** @param bytes - what it holds, durable; copied */
  constructor(bytes?: Uint8Array) {
    this.#written = new GrowingBytes(bytes);
    this.#durable = new GrowingBytes(bytes);
  }

  /** As processes see it: a view, good until the next change. */
  get bytes(): Buffer {
    return this.#written.view;
  }

  write(bytes: Uint8Array, offset: number): void {
    const own = new Uint8Array(bytes);
    this.#written.write(own, offset);
    this.#changes.push({ offset, bytes: own });
  }

  truncate(size: number): void {
    this.#written.resize(size);
    this.#changes.push({ size });
  }

  /** Puts all changes on the disk. */
  sync(): void {
    for (const change of this.#changes.splice(0)) {
      if ('size' in change) this.#durable.resize(change.size);
      else this.#durable.write(change.bytes, change.offset);
    }
  }

  /**
   * What a sync does that the disk answers with an error: some sectors get there, and the system takes the others for written and
   * will not try again. Processes go on seeing all of it.
   */
  failSync(random: SeededRandom): void {
    tear(this.#durable, this.#changes.splice(0), random);
  }

  /** Leaves what the disk has. */
  powerCut(random: SeededRandom): void {
    tear(this.#durable, this.#changes.splice(0), random);
    this.#written = new GrowingBytes(this.#durable.view);
  }

  /** Puts other bytes in the place of all, durable. */
  replace(bytes: Uint8Array): void {
    this.#written = new GrowingBytes(bytes);
    this.#durable = new GrowingBytes(bytes);
    this.#changes = [];
  }
}

/**
 * Makes some of the changes: of each write some of its sectors, in no order; and the size anywhere between what it was and what it
 * would have become. A sector is written whole or not at all. Where nothing was written there are zeros.
 */
function tear(file: GrowingBytes, changes: readonly Change[], random: SeededRandom): void {
  if (changes.length === 0) return;
  // Now and then all or nothing, which chance alone would hardly ever give.
  const share = random.pick([0, 0.2, 0.5, 0.9, 1]);
  let leastSize = file.length;
  let mostSize = file.length;
  for (const change of changes) {
    if ('size' in change) {
      if (!random.chance(share)) continue;
      file.resize(change.size);
      leastSize = mostSize = change.size;
      continue;
    }
    const { offset, bytes } = change;
    const end = offset + bytes.length;
    mostSize = Math.max(mostSize, end);
    for (let at = offset; at < end;) {
      const sectorEnd = Math.min(end, at - (at % sectorBytes) + sectorBytes);
      if (random.chance(share)) file.write(bytes.subarray(at - offset, sectorEnd - offset), at);
      at = sectorEnd;
    }
  }
  file.resize(share === 1 ? mostSize : random.between(leastSize, mostSize));
}

const sectorBytes = 512;
