/** Files that a member and an authority find when they start. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadClientNode, must, same } from '../core.mjs';

/** @typedef {import('../core.mjs').Core} Core */
/** @typedef {import('../core.mjs').ClientNode} ClientNode */
/** @typedef {import('../engine.mjs').Target} Target */

/** Codes of what is wrong with a file. */
const damage = new Set(['E_ENCODING', 'E_VERSION', 'E_LENGTH', 'E_LIMIT', 'E_BINDING']);

/** A folder that goes when the thread does. */
function newFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'tridcomm-fuzz-files-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** What `open` gives; undefined where it refuses the file. @template T @param {Core} core @param {() => T} open @returns {T | undefined} */
function opened(core, open) {
  try {
    return open();
  } catch (error) {
    if (error instanceof core.TridcommError && damage.has(error.code)) return undefined;
    throw error;
  }
}

/** Input: the file of a store. What it holds when it opens it holds when it opens again. @param {Core} core @param {unknown} _tests @param {unknown} _world @param {string} folder @returns {Promise<Target>} */
export async function storeFileTarget(core, _tests, _world, folder) {
  const { StoreFile } = await loadClientNode(folder);
  const path = join(newFolder(), 'store');
  /** @param {Uint8Array} bytes @returns {string[] | undefined} */
  const recordsIn = (bytes) => {
    writeFileSync(path, bytes, { mode: 0o600 });
    return opened(core, () => {
      /** @type {string[]} */
      const records = [];
      StoreFile.open(path, ({ name, value }) => {
        records.push(`${name} ${value === undefined ? 'gone' : Buffer.from(value).toString('hex')}`);
      }).close();
      return records;
    });
  };
  const sample = (/** @type {number} */ count) => {
    rmSync(path, { force: true });
    const file = StoreFile.create(path);
    for (let i = 0; i < count; i++)
      file.append(`name/${i % 3}`, i % 4 === 3 ? undefined : new Uint8Array(5 * i).fill(i));
    file.close();
    return new Uint8Array(readFileSync(path));
  };
  const samples = [0, 1, 6, 12].map(sample);
  return {
    name: 'store-file',
    files: /^client-node\/store\/store-file/,
    seeds: samples,
    slowMs: 200,
    run(input) {
      const records = recordsIn(input);
      if (records === undefined) return;
      must(
        same(recordBytes(recordsIn(readFileSync(path)) ?? []), recordBytes(records)),
        'other records at the next start',
      );
    },
  };
}

/** @param {readonly string[]} records */
function recordBytes(records) {
  return new TextEncoder().encode(records.join('\n'));
}

/** Input: the archive of an authority. @param {Core} core @param {unknown} _tests @param {unknown} _world @param {string} folder @returns {Promise<Target>} */
export async function archiveTarget(core, _tests, _world, folder) {
  const { ArchiveFile } = await loadClientNode(folder);
  const path = join(newFolder(), 'archive');
  const authorityId32 = new Uint8Array(32).fill(1);
  const objectOf = (/** @type {number} */ i) => ({
    address16: new Uint8Array(16).fill(i),
    bytes: new Uint8Array(10 * i).fill(0x80 + i),
  });
  const sample = (/** @type {number} */ count) => {
    rmSync(path, { force: true });
    const { file } = ArchiveFile.open(path, authorityId32);
    for (let i = 0; i < count; i++) file.append([objectOf(i), objectOf(i + 1)]);
    file.close();
    return new Uint8Array(readFileSync(path));
  };
  return {
    name: 'archive',
    files: /^client-node\/authority\/archive-file/,
    seeds: [0, 1, 5].map(sample),
    slowMs: 200,
    run(input) {
      writeFileSync(path, input, { mode: 0o600 });
      const found = opened(core, () => ArchiveFile.open(path, authorityId32));
      if (found === undefined) return;
      const added = objectOf(9);
      found.file.append([added]);
      found.file.close();
      const again = ArchiveFile.open(path, authorityId32);
      again.file.close();
      must(again.objects.length === found.objects.length + 1, 'other objects at the next start');
      for (const [i, { address16, bytes }] of [...found.objects, added].entries()) {
        const other = again.objects[i];
        must(same(other?.address16, address16) && same(other?.bytes, bytes), `object ${i} is another one`);
      }
    },
  };
}

/** Input: what the state file of an authority holds once it is decrypted. @param {Core} core @param {unknown} _tests @param {unknown} _world @param {string} folder @returns {Promise<Target>} */
export async function stateContentTarget(core, _tests, _world, folder) {
  const { readContent, writeContent } = await loadClientNode(folder);
  const filled = (/** @type {number} */ length) => new Uint8Array(length).fill(length);
  const sample = {
    snapshot: filled(90),
    handedOutSeq: 7,
    archivedSeq: 6,
    serviceSeed32: filled(32),
    certifier: undefined,
  };
  return {
    name: 'state-content',
    files: /^client-node\/authority\/state-content/,
    seeds: [sample, { ...sample, certifier: { certificate: filled(40), privateKey: filled(50) } }].map(writeContent),
    slowMs: 5,
    run(input) {
      const content = opened(core, () => readContent(input));
      if (content === undefined) return;
      // A key without a certificate is none, and is not written again.
      const isWhole = content.certifier !== undefined || input.subarray(-8).every((byte) => byte === 0);
      must(!isWhole || same(writeContent(content), input), 'a state is not written as it was read');
    },
  };
}
