/** Chapter 13: a folder of a log, whatever is in it. */
import { loadBroker, must } from '../core.mjs';
import { toHex } from '../seeds.mjs';

/** @typedef {import('../core.mjs').Core} Core */
/** @typedef {import('../core.mjs').Broker} Broker */
/** @typedef {import('../engine.mjs').Target} Target */
/** @typedef {InstanceType<Broker['SimulatedDisk']>} Disk */
/** @typedef {import('../../../../broker/src/store/segment-log.ts').SegmentLog} Log */

const nowMs = 1_800_000_000_000;
const segmentBytes = 1_024;

/**
 * Input: files, each u8 length of its name ‖ name ‖ u16 length ‖ bytes. What a log serves is what was appended to it, at its position; what
 * is appended is found again; nothing is thrown but a refusal.
 * @param {Core} core @param {unknown} _tests @param {unknown} _world @param {string} folder @returns {Promise<Target>}
 */
export async function segmentLogTarget(core, _tests, _world, folder) {
  const broker = await loadBroker(folder);
  const { known, images } = await recordLog(core, broker);
  return {
    name: 'segment-log',
    files: /^broker\/store\//,
    seeds: images,
    maxBytes: 16_384,
    slowMs: 200,
    // The window over a file, what is read at once, and a manifest.
    reservedBytes: 8 * 1_048_576,
    async run(input) {
      const disk = new broker.SimulatedDisk({ random: new core.SeededRandom(41) });
      for (const { name, bytes } of filesIn(input)) await place(disk, name, bytes);
      const log = await open(core, broker, disk);
      if (log === undefined) return;
      const served = await readAll(core, broker, log);
      for (const [position, bytes] of served) {
        must(known.get(position) === bytes, `position ${position} is served as what was never appended there`);
      }
      must(log.failure === undefined, `a sound disk, and ${log.failure?.code}`);
      const added = new Uint8Array(40).fill(0xee);
      const position = await log.append([added]);
      must(!served.has(position), `position ${position} is given twice`);
      await log.close();

      const again = await open(core, broker, disk);
      must(again !== undefined, 'a log that was opened does not open again');
      const found = await readAll(core, broker, again);
      must(found.get(position) === toHex(added), 'what was acknowledged is gone');
      for (const [at, bytes] of served) must(found.get(at) === bytes, `position ${at} is gone after a start`);
      await again.close();
    },
  };
}

/** @param {Core} core @param {Broker} broker @param {Disk} disk @returns {Promise<Log | undefined>} undefined where it is refused */
async function open(core, broker, disk) {
  try {
    return await broker.SegmentLog.open({
      files: disk.attach(),
      now: () => nowMs,
      random: new core.SeededRandom(42).bytes,
      segmentBytes,
    });
  } catch (error) {
    if (error instanceof core.TridcommError && ['E_ENCODING', 'E_VERSION', 'E_LIMIT'].includes(error.code))
      return undefined;
    throw error;
  }
}

/** Everything that a log serves, by position. @param {Core} core @param {Broker} broker @param {Log} log */
async function readAll(core, broker, log) {
  /** @type {Map<number, string>} */
  const found = new Map();
  // Positions that were lost may be very many, and are passed over in one step each.
  for (let at = log.firstPosition, steps = 0; at < log.nextPosition; steps++) {
    must(steps < 1_000, 'a reader that does not come to the end');
    try {
      const part = await log.read(at, 4_096);
      const [first] = part;
      if (first === undefined) break;
      must(first.position >= at, 'a reader is sent back');
      for (const { position, bytes } of part) {
        must(!found.has(position), `position ${position} is served twice`);
        found.set(position, toHex(bytes));
        at = position + 1;
      }
    } catch (error) {
      if (!(error instanceof broker.DamagedError)) throw error;
      must(error.fromPosition >= at && error.toPosition > error.fromPosition, 'damage that leads nowhere');
      at = error.toPosition;
    }
  }
  return found;
}

/** One log from its first byte on: the folder at every stage, and what stands at each position. @param {Core} core @param {Broker} broker */
async function recordLog(core, broker) {
  const random = new core.SeededRandom(43);
  const disk = new broker.SimulatedDisk({ random });
  /** @type {Map<number, string>} */
  const known = new Map();
  /** @type {Uint8Array[]} */
  const images = [imageOf(disk)];
  let log = await open(core, broker, disk);
  for (let round = 0; round < 8; round++) {
    if (log === undefined) throw new Error('a log that does not open');
    const list = Array.from({ length: 1 + (round % 3) }, () => random.bytes(20 + random.below(120)));
    const first = await log.append(list);
    for (const [i, bytes] of list.entries()) known.set(first + i, toHex(bytes));
    images.push(imageOf(disk));
    if (round % 3 !== 2) continue;
    await log.close();
    images.push(imageOf(disk));
    log = await open(core, broker, disk);
  }
  return { known, images };
}

/** @param {Disk} disk */
function imageOf(disk) {
  return Buffer.concat(
    disk.names.flatMap((name) => {
      // Behind its two slots, of 128 bytes each, a manifest holds nothing but zeros.
      const bytes = disk.bytesOf(name);
      const head = Buffer.alloc(1);
      head.writeUInt8(name.length);
      const length = Buffer.alloc(2);
      length.writeUInt16BE(bytes.length);
      return [head, Buffer.from(name, 'latin1'), length, bytes];
    }),
  );
}

/** @param {Uint8Array} input */
function filesIn(input) {
  const from = Buffer.from(input);
  /** @type {Map<string, Uint8Array>} */
  const files = new Map();
  for (let at = 0; at < from.length && files.size < 16;) {
    const nameEnd = at + 1 + (from[at] ?? 0);
    if (nameEnd + 2 > from.length) break;
    const end = Math.min(from.length, nameEnd + 2 + from.readUInt16BE(nameEnd));
    const name = from.toString('latin1', at + 1, nameEnd);
    // No file system has such names.
    if (name.length > 0 && !/[\0/]/.test(name)) files.set(name, new Uint8Array(from.subarray(nameEnd + 2, end)));
    at = end;
  }
  return Array.from(files, ([name, bytes]) => ({ name, bytes }));
}

/** @param {Disk} disk @param {string} name @param {Uint8Array} bytes */
async function place(disk, name, bytes) {
  const files = disk.attach();
  const file = await files.open(name, 'create');
  await file.write(bytes, 0);
  await file.sync();
  await file.close();
  await files.syncDirectory();
}
