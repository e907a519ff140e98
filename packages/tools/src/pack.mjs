/** Tarballs of the published packages, made as a release makes them, and a look inside. */
import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { publishedPackages, run } from './lib.mjs';

/**
 * Packs every published package into a folder.
 * @param {string} root
 * @param {string} folder created if absent
 * @returns {Promise<(import('./lib.mjs').Published & { tarball: string })[]>}
 */
export async function packAll(root, folder) {
  const packed = [];
  for (const published of publishedPackages(root)) {
    const target = join(folder, published.name.replace(/^@/, '').replace('/', '-'));
    mkdirSync(target, { recursive: true });
    const { status, output } = await run('pnpm', ['pack', '--pack-destination', target], {
      cwd: join(root, published.folder),
    });
    const [tarball] = readdirSync(target);
    if (status !== 0 || tarball === undefined) throw new Error(`pnpm pack of ${published.name} failed:\n${output}`);
    packed.push({ ...published, tarball: join(target, tarball) });
  }
  return packed;
}

/**
 * Files of a tarball, without the leading `package/`.
 * @param {string} tarball path
 * @returns {Map<string, string>} text by name
 */
export function contents(tarball) {
  const bytes = gunzipSync(readFileSync(tarball));
  /** @param {number} start @param {number} length */
  const field = (start, length) => bytes.toString('utf8', start, start + length).replace(/\0.*$/s, '');
  const files = new Map();
  for (let at = 0; at + 512 <= bytes.length && bytes[at] !== 0;) {
    const size = Number.parseInt(field(at + 124, 12), 8);
    const prefix = field(at + 345, 155);
    const name = `${prefix}${prefix && '/'}${field(at, 100)}`.replace(/^package\//, '');
    files.set(name, bytes.toString('utf8', at + 512, at + 512 + size));
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}
