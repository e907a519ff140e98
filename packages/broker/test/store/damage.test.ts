import { createHash } from 'node:crypto';
import { SeededRandom } from '@tridcomm/core/testing';
import { describe, expect, it } from 'vitest';
import { blockBytes } from '../../src/store/checked-block.ts';
import { segmentName } from '../../src/store/segment-header.ts';
import type { SegmentLogOptions } from '../../src/store/segment-log.ts';
import type { SimulatedDisk } from '../../src/testing/disk.ts';
import { appendEach, contentsOf, envelopeOf, openOn, range, soundDisk, type Contents } from './support.ts';

const first = segmentName(1);
/** Header, length and 40 bytes, a multiple of 8 with 4 bytes of zeros. */
const batchBytes = blockBytes + 48;

/** A disk with a log of so many batches of one envelope each: number n at position n. */
async function diskWith(
  count: number,
  isClosed: boolean,
  options: Partial<SegmentLogOptions> = {},
): Promise<SimulatedDisk> {
  const disk = soundDisk();
  const log = await openOn(disk, options);
  await appendEach(log, 1, count + 1);
  if (isClosed) await log.close();
  else disk.kill();
  return disk;
}

interface Found {
  readonly contents: Contents;
  readonly appendedAt: number;
  readonly isDamaged: boolean;
  readonly tornBytes: number;
}

/** Opens a log, reads it, and appends to it; now and then it is read again as another process. */
async function use(disk: SimulatedDisk, isThorough = true): Promise<Found> {
  const log = await openOn(disk);
  const contents = await contentsOf(log);
  for (const [position, number] of contents.numbers) expect(number).toBe(position);
  const appendedAt = await log.append([envelopeOf(1_000), envelopeOf(1_001)]);
  if (isThorough) {
    const after = await contentsOf(log);
    expect([...after.numbers]).toEqual([...contents.numbers, [appendedAt, 1_000], [appendedAt + 1, 1_001]]);
    disk.powerCut();
    const again = await openOn(disk);
    expect(again.recovery.isDamaged).toBe(false);
    expect([...(await contentsOf(again)).numbers]).toEqual([...after.numbers]);
  }
  return { contents, appendedAt, ...log.recovery };
}

/** Damages the slot of the manifest that was written last. */
function flipNewerSlot(disk: SimulatedDisk): void {
  const bytes = disk.bytesOf('manifest');
  const newer = bytes.readUInt32BE(12) > bytes.readUInt32BE(4_096 + 12) ? 0 : 4_096;
  fill(disk, 'manifest', newer + 20, newer + 21, bytes[newer + 20]! ^ 1);
}

function cut(disk: SimulatedDisk, name: string, length: number): void {
  disk.rot(name, (bytes) => bytes.subarray(0, length));
}

function fill(disk: SimulatedDisk, name: string, from: number, to: number, value = 0): void {
  disk.rot(name, (bytes) => bytes.fill(value, from, Math.min(to, bytes.length)));
}

describe('storage.13: a torn end', () => {
  it('is cut at every byte of the last batch, and nothing else with it', async () => {
    const disk = await diskWith(4, false);
    const size = disk.bytesOf(first).length;
    expect(size).toBe(blockBytes + 4 * batchBytes);
    for (let length = size - batchBytes; length < size; length++) {
      const torn = disk.copy(new SeededRandom(length));
      cut(torn, first, length);
      const { contents, appendedAt, isDamaged, tornBytes } = await use(torn, length % 16 === 0);
      expect([...contents.numbers.keys()]).toEqual([1, 2, 3]);
      expect([contents.damaged.size, isDamaged, tornBytes]).toEqual([0, false, length - (size - batchBytes)]);
      expect(appendedAt).toBe(4);
    }
  });

  it('is cut where sectors are missing, whichever', async () => {
    const disk = soundDisk();
    const log = await openOn(disk);
    await appendEach(log, 1, 4);
    await log.append(range(4, 30).map((number) => envelopeOf(number, 100)));
    disk.kill();
    const start = blockBytes + 3 * batchBytes;
    const size = disk.bytesOf(first).length;
    for (let sector = Math.floor(start / 512) * 512; sector < size; sector += 512) {
      const torn = disk.copy(new SeededRandom(sector));
      fill(torn, first, Math.max(start, sector), Math.min(size, sector + 512));
      const { contents, appendedAt, isDamaged } = await use(torn);
      expect([...contents.numbers.keys()]).toEqual([1, 2, 3]);
      expect([contents.damaged.size, isDamaged, appendedAt]).toEqual([0, false, 4]);
    }
  });

  it('storage.13: in a log that was closed is damage, and its positions are known', async () => {
    const disk = await diskWith(4, true);
    const size = disk.bytesOf(first).length;
    for (let length = size - 2 * batchBytes; length < size; length++) {
      const short = disk.copy(new SeededRandom(length));
      cut(short, first, length);
      const { contents, appendedAt, isDamaged } = await use(short, length % 16 === 0);
      const whole = length < size - batchBytes ? 2 : 3;
      expect([...contents.numbers.keys()]).toEqual(range(1, whole + 1));
      expect([...contents.damaged]).toEqual(range(whole + 1, 5));
      expect([isDamaged, appendedAt]).toEqual([true, 5]);
    }
  });
});

describe('storage.13: a torn end behind damage', () => {
  it('is cut, and the damage stays', async () => {
    const disk = await diskWith(5, false);
    const start = blockBytes + 3 * batchBytes;
    cut(disk, first, start + batchBytes + 50);
    fill(disk, first, start + blockBytes + 10, start + blockBytes + 11, 1);
    const { contents, appendedAt, isDamaged, tornBytes } = await use(disk);
    expect([...contents.numbers.keys()]).toEqual([1, 2, 3]);
    expect([...contents.damaged]).toEqual([4]);
    expect([isDamaged, tornBytes, appendedAt]).toEqual([true, 50, 5]);
  });
});

describe('storage.6, storage.14: one flipped bit', () => {
  it('at every byte of a segment of a closed log costs at most the batch that has it', async () => {
    const disk = await diskWith(4, true);
    const size = disk.bytesOf(first).length;
    for (let at = 0; at < size; at++) {
      const flipped = disk.copy(new SeededRandom(at));
      flipped.rot(first, (bytes) => bytes.fill(bytes[at]! ^ (1 << (at % 8)), at, at + 1));
      const { contents, appendedAt, isDamaged } = await use(flipped, at % 16 === 0);
      const hit = at < blockBytes ? [] : [1 + Math.floor((at - blockBytes) / batchBytes)];
      expect([...contents.damaged]).toEqual(hit);
      expect([...contents.numbers.keys()]).toEqual(range(1, 5).filter((position) => !hit.includes(position)));
      expect([isDamaged, appendedAt]).toEqual([true, 5]);
    }
  });

  it('at every byte of a segment of a killed log is never taken for a torn end', async () => {
    const disk = await diskWith(4, false);
    const size = disk.bytesOf(first).length;
    for (let at = 0; at < size; at++) {
      const flipped = disk.copy(new SeededRandom(at));
      flipped.rot(first, (bytes) => bytes.fill(bytes[at]! ^ (1 << (at % 8)), at, at + 1));
      const { contents, appendedAt, isDamaged } = await use(flipped, at % 16 === 0);
      const hit = at < blockBytes ? 0 : 1 + Math.floor((at - blockBytes) / batchBytes);
      expect([...contents.numbers.keys()]).toEqual(range(1, 5).filter((position) => position !== hit));
      expect(isDamaged).toBe(true);
      const isHeaderOfLast = at >= size - batchBytes && at < size - batchBytes + blockBytes;
      // How many envelopes the last batch had is not known without its header: the log goes on far behind.
      if (isHeaderOfLast) expect(appendedAt).toBe(4 + 2 ** 30);
      else expect(appendedAt).toBe(5);
    }
  });

  it('at every byte of a segment in the middle is found when that is read', async () => {
    const disk = await diskWith(9, true, { segmentBytes: 700 });
    const name = segmentName(4);
    const size = disk.bytesOf(name).length;
    for (let at = 0; at < size; at++) {
      const flipped = disk.copy(new SeededRandom(at));
      flipped.rot(name, (bytes) => bytes.fill(bytes[at]! ^ (1 << (at % 8)), at, at + 1));
      const { contents, appendedAt } = await use(flipped, at % 16 === 0);
      const hit = at < blockBytes ? [] : [4 + Math.floor((at - blockBytes) / batchBytes)];
      expect([...contents.damaged]).toEqual(hit);
      expect(contents.numbers.size).toBe(9 - hit.length);
      expect(appendedAt).toBe(10);
    }
  });

  it('storage.10: at every byte of the manifest changes nothing that is read', async () => {
    for (const isClosed of [true, false]) {
      const disk = await diskWith(9, isClosed, { segmentBytes: 700, retention: { maxBytes: 1_400 } });
      const size = disk.bytesOf('manifest').length;
      for (let at = 0; at < size; at = at === 127 ? 4_096 : at + 1) {
        const flipped = disk.copy(new SeededRandom(at));
        flipped.rot('manifest', (bytes) => bytes.fill(bytes[at]! ^ (1 << (at % 8)), at, at + 1));
        const log = await openOn(flipped);
        expect(log.recovery.isManifestDamaged).toBe(at % 4_096 < blockBytes);
        expect(log.firstPosition).toBe(4);
        const { contents, appendedAt } = await use(flipped, at % 16 === 0);
        expect([...contents.numbers.keys()]).toEqual(range(4, 10));
        expect([contents.damaged.size, appendedAt]).toEqual([0, 10]);
        if (at > 4_300) break;
      }
    }
  });

  it('storage.10: in the newer half of the manifest does not hide what was appended since the older', async () => {
    const rolled = await diskWith(5, false, { segmentBytes: 700 });
    flipNewerSlot(rolled);
    const { contents, appendedAt } = await use(rolled);
    expect([...contents.numbers.keys()]).toEqual(range(1, 6));
    expect(appendedAt).toBe(6);

    // The older one says that the log was closed, which it was before it was opened again and torn.
    const torn = await diskWith(4, true);
    await appendEach(await openOn(torn), 5, 6);
    torn.kill();
    flipNewerSlot(torn);
    cut(torn, first, torn.bytesOf(first).length - 1);
    const found = await use(torn);
    expect([...found.contents.numbers.keys()]).toEqual(range(1, 5));
    expect([found.isDamaged, found.tornBytes, found.appendedAt]).toEqual([false, batchBytes - 1, 5]);
  });

  it('while the log is open is found too', async () => {
    const disk = soundDisk();
    const log = await openOn(disk, { segmentBytes: 700 });
    await appendEach(log, 1, 10);
    expect((await contentsOf(log)).numbers.size).toBe(9);
    disk.rot(segmentName(4), (bytes) => bytes.fill(bytes[blockBytes + 150]! ^ 1, blockBytes + 150, blockBytes + 151));
    disk.rot(segmentName(7), (bytes) => bytes.fill(bytes[blockBytes + 10]! ^ 1, blockBytes + 10, blockBytes + 11));
    expect([...(await contentsOf(log)).damaged]).toEqual([4, 7]);
    await expect(log.read(4, 1_000)).rejects.toMatchObject({ fromPosition: 4, toPosition: 5, code: 'E_ENCODING' });
    expect((await log.read(2, 1_000)).map(({ position }) => position)).toEqual([2, 3]);
  });
});

describe('storage.6, storage.14: a zeroed block', () => {
  it('costs the batches that it touches', async () => {
    const count = 60;
    const disk = await diskWith(count, true);
    const size = disk.bytesOf(first).length;
    for (let from = 0; from < size; from += 512) {
      const zeroed = disk.copy(new SeededRandom(from));
      fill(zeroed, first, from, Math.min(size, from + 512));
      const { contents, appendedAt, isDamaged } = await use(zeroed);
      const touched = range(1, count + 1).filter((position) => {
        const start = blockBytes + (position - 1) * batchBytes;
        return start < from + 512 && start + batchBytes > from;
      });
      expect([...contents.damaged]).toEqual(touched);
      expect(contents.numbers.size).toBe(count - touched.length);
      expect([isDamaged, appendedAt]).toEqual([true, count + 1]);
    }
  });

  it('of a whole segment costs that segment', async () => {
    const disk = await diskWith(9, true, { segmentBytes: 700 });
    for (const start of [1, 4, 7]) {
      const zeroed = disk.copy(new SeededRandom(start));
      fill(zeroed, segmentName(start), 0, 10_000);
      const { contents, appendedAt } = await use(zeroed);
      expect([...contents.damaged]).toEqual(range(start, start + 3));
      expect(appendedAt).toBe(10);
    }
  });
});

describe('storage.6, storage.14: batches in the wrong place', () => {
  it('swapped ones are not served out of order', async () => {
    const disk = await diskWith(5, true);
    for (const [a, b] of [
      [1, 2],
      [2, 3],
      [1, 5],
      [4, 5],
    ] as const) {
      const swapped = disk.copy(new SeededRandom(a));
      swapped.rot(first, (bytes) => {
        const place = (position: number): [number, number] => [
          blockBytes + (position - 1) * batchBytes,
          blockBytes + position * batchBytes,
        ];
        const one = Buffer.from(bytes.subarray(...place(a)));
        bytes.copy(bytes, place(a)[0], ...place(b));
        bytes.set(one, place(b)[0]);
        return bytes;
      });
      const { contents, isDamaged, appendedAt } = await use(swapped);
      expect(isDamaged).toBe(true);
      expect(contents.damaged.has(a)).toBe(true);
      expect(contents.numbers.has(a)).toBe(false);
      expect(appendedAt).toBe(6);
    }
  });

  it('an older one in the place of the newest does not bring its position back', async () => {
    for (const isClosed of [true, false]) {
      const disk = await diskWith(5, isClosed);
      disk.rot(first, (bytes) => {
        bytes.copy(bytes, blockBytes + 4 * batchBytes, blockBytes + batchBytes, blockBytes + 2 * batchBytes);
        return bytes;
      });
      const { contents, appendedAt, isDamaged } = await use(disk);
      expect([...contents.numbers.keys()]).toEqual([1, 2, 3, 4]);
      expect(isDamaged).toBe(true);
      expect(appendedAt).toBe(isClosed ? 6 : 5 + 2 ** 30);
    }
  });

  it('a whole segment in the place of another costs no more than that one', async () => {
    const disk = await diskWith(12, true, { segmentBytes: 700 });
    for (const [place, other] of [
      [4, 10],
      [7, 1],
      [10, 4],
    ] as const) {
      const moved = disk.copy(new SeededRandom(place));
      moved.rot(segmentName(place), () => disk.bytesOf(segmentName(other)));
      const { contents, appendedAt } = await use(moved);
      expect([...contents.damaged]).toEqual(range(place, place + 3));
      expect(contents.numbers.size).toBe(9);
      expect(appendedAt).toBe(13);
    }
  });

  it('a missing one is missed', async () => {
    const disk = await diskWith(5, true);
    for (const gone of range(1, 6)) {
      const missing = disk.copy(new SeededRandom(gone));
      missing.rot(first, (bytes) => {
        const start = blockBytes + (gone - 1) * batchBytes;
        return Buffer.concat([bytes.subarray(0, start), bytes.subarray(start + batchBytes)]);
      });
      const { contents, appendedAt } = await use(missing);
      expect([...contents.damaged]).toEqual([gone]);
      expect(appendedAt).toBe(6);
    }
  });

  it('one of a fork of the same log, with the same position and a sound header, is not served', async () => {
    const disk = await diskWith(3, true);
    const fork = disk.copy(new SeededRandom(2));
    const log = await openOn(disk);
    await appendEach(log, 4, 7);
    await log.close();
    const other = await openOn(fork);
    await other.append([envelopeOf(400)]);
    await appendEach(other, 5, 7);
    await other.close();
    const foreign = fork.bytesOf(first).subarray(blockBytes + 3 * batchBytes, blockBytes + 4 * batchBytes);
    disk.rot(first, (bytes) => {
      bytes.set(foreign, blockBytes + 3 * batchBytes);
      return bytes;
    });
    // Its own link is right, and the one behind it says that another stood there: one of the two is foreign.
    expect([...(await use(disk)).contents.damaged]).toEqual([4, 5]);
  });

  it('a segment of a fork of the same log ends with a batch that is not served', async () => {
    const disk = await diskWith(6, true, { segmentBytes: 700 });
    const fork = disk.copy(new SeededRandom(2));
    for (const [side, number] of [
      [disk, 7],
      [fork, 700],
    ] as const) {
      const log = await openOn(side, { segmentBytes: 700 });
      await appendEach(log, number, number + 4);
      await log.close();
    }
    disk.rot(segmentName(7), () => fork.bytesOf(segmentName(7)));
    const { numbers, damaged } = await contentsOf(await openOn(disk));
    expect([...numbers]).toEqual([...range(1, 7).map((at) => [at, at]), [7, 700], [8, 701], [10, 10]]);
    expect([...damaged]).toEqual([9]);
  });
});

describe('storage.11, storage.14: a missing segment', () => {
  const options = { segmentBytes: 700 };

  it('in the middle is missed when it is read', async () => {
    const disk = await diskWith(12, true, options);
    for (const gone of [4, 7]) {
      const missing = disk.copy(new SeededRandom(gone));
      missing.lose(segmentName(gone));
      const { contents, appendedAt } = await use(missing);
      expect([...contents.damaged]).toEqual(range(gone, gone + 3));
      expect(appendedAt).toBe(13);
    }
  });

  it('at the front is missed', async () => {
    const disk = await diskWith(12, false, options);
    disk.lose(segmentName(1));
    const { contents, appendedAt } = await use(disk);
    expect([...contents.damaged]).toEqual([1, 2, 3]);
    expect(appendedAt).toBe(13);
  });

  it('at the end is missed, and its positions are not used again', async () => {
    const closed = await diskWith(12, true, options);
    closed.lose(segmentName(10));
    const { contents, appendedAt } = await use(closed);
    expect([...contents.damaged]).toEqual([10, 11, 12]);
    expect(appendedAt).toBe(13);

    const killed = await diskWith(12, false, options);
    killed.lose(segmentName(10));
    const found = await use(killed);
    expect([...found.contents.numbers.keys()]).toEqual(range(1, 10));
    expect(found.contents.unknownFrom).toEqual([10]);
    expect(found.appendedAt).toBeGreaterThan(12);
  });

  it('or all of them', async () => {
    for (const isClosed of [true, false]) {
      const disk = await diskWith(12, isClosed, options);
      for (const start of [1, 4, 7, 10]) disk.lose(segmentName(start));
      const { contents, appendedAt } = await use(disk);
      expect(contents.numbers.size).toBe(0);
      expect(appendedAt).toBeGreaterThan(12);
    }
  });

  it('while the log is open is missed too', async () => {
    const disk = soundDisk();
    const log = await openOn(disk, options);
    await appendEach(log, 1, 10);
    disk.lose(segmentName(4));
    expect([...(await contentsOf(log)).damaged]).toEqual([4, 5, 6]);
  });
});

describe('storage.10: the manifest', () => {
  it('is written over its older half, so that one is always whole', async () => {
    const disk = soundDisk();
    const slots = (): string[] => {
      const bytes = disk.bytesOf('manifest');
      return [bytes.toString('hex', 0, blockBytes), bytes.toString('hex', 4_096, 4_096 + blockBytes)];
    };
    await (await openOn(disk)).close();
    for (let life = 0; life < 4; life++) {
      const [even, odd] = slots();
      const log = await openOn(disk);
      const opened = slots();
      // Each life before wrote two states, so the open that follows replaces the odd one, and the close the even one.
      expect([opened[0] === even, opened[1] === odd]).toEqual([true, false]);
      await log.close();
      expect([slots()[0] === even, slots()[1] === opened[1]]).toEqual([false, true]);
    }
  });
});

describe('storage.10: a manifest that is gone', () => {
  it('is made anew from the segments', async () => {
    const disk = await diskWith(9, true, { segmentBytes: 700 });
    disk.lose('manifest');
    const log = await openOn(disk);
    expect(log.recovery).toEqual({ tornBytes: 0, isDamaged: false, isManifestDamaged: true });
    const { contents, appendedAt } = await use(disk);
    expect([...contents.numbers.keys()]).toEqual(range(1, 10));
    expect(appendedAt).toBe(10);
  });

  it('with every header of a segment damaged leaves nothing to tell the log by', async () => {
    for (const loseManifest of [true, false]) {
      const disk = await diskWith(5, true);
      if (loseManifest) disk.lose('manifest');
      else disk.rot('manifest', (bytes) => bytes.fill(9));
      fill(disk, first, 0, 1, 1);
      await expect(openOn(disk)).rejects.toMatchObject({ code: 'E_ENCODING' });
      // And nothing was changed by trying.
      expect(disk.bytesOf(first).length).toBe(blockBytes + 5 * batchBytes);
    }
  });
});

describe('storage.7: bytes that a publisher chose', () => {
  it('cannot pass for a batch of the log, also where the batch that holds them is damaged', async () => {
    const other = await diskWith(5, true);
    const forged = other.bytesOf(first);
    const disk = soundDisk();
    // Another log, whose id differs: nobody but this broker knows it.
    const log = await openOn(disk, { random: new SeededRandom(99).bytes });
    const envelopes = [envelopeOf(1), forged, envelopeOf(3)];
    for (const envelope of envelopes) await log.append([envelope]);
    await log.close();
    fill(disk, first, blockBytes + batchBytes, blockBytes + batchBytes + 200, 5);
    const again = await openOn(disk);
    expect(again.nextPosition).toBe(4);
    await expect(again.read(2, 1)).rejects.toMatchObject({ fromPosition: 2, toPosition: 3 });
    expect(Buffer.from((await again.read(3, 1))[0]!.bytes).equals(envelopes[2]!)).toBe(true);
  });
});

it('storage.5: a log of a later version is refused and left alone', async () => {
  const disk = await diskWith(3, true);
  disk.rot('manifest', (bytes) => {
    bytes.writeUInt16BE(2, 4);
    bytes.set(createHash('sha256').update(bytes.subarray(0, 96)).digest(), 96);
    return bytes;
  });
  const before = disk.names.map((name) => disk.bytesOf(name).toString('hex'));
  await expect(openOn(disk)).rejects.toMatchObject({ code: 'E_VERSION' });
  expect(disk.names.map((name) => disk.bytesOf(name).toString('hex'))).toEqual(before);
});
