/** What would be published: publint and attw on each tarball, and what a tarball must and must not hold. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finish, isMain, repoRoot, run } from './lib.mjs';
import { contents, packAll } from './pack.mjs';

/** Faults of a tarball's contents. @param {ReadonlyMap<string, string>} files text by name @returns {string[]} */
export function faults(files) {
  return [
    ...['LICENSE', 'README.md', 'package.json'].filter((name) => !files.has(name)).map((name) => `holds no ${name}`),
    ...[...files.keys()].filter((name) => /\.tsbuildinfo$|(^|\/)\./.test(name)).map((name) => `holds ${name}`),
    ...(/"workspace:/.test(files.get('package.json') ?? '') ? ['depends on "workspace:"'] : []),
  ];
}

/** @param {Awaited<ReturnType<typeof packAll>>[number]} published @returns {Promise<string[]>} */
async function problemsOf({ name, manifest, tarball }) {
  const found = faults(contents(tarball));
  const publint = await run('publint', ['run', tarball, '--strict']);
  if (publint.status !== 0) found.push(publint.output);
  // Packages of data alone have no types to look at; neither have the JSON files that a package exports beside its code.
  const entries = Object.keys(manifest.exports);
  if (entries.includes('.')) {
    const data = entries.filter((entry) => entry.endsWith('.json'));
    const attw = await run('attw', [tarball, '--profile', 'esm-only', '--no-emoji', '--exclude-entrypoints', ...data]);
    if (attw.status !== 0) found.push(attw.output);
  }
  return found.map((problem) => `${name}: ${problem}`);
}

if (isMain(import.meta.url)) {
  const folder = mkdtempSync(join(tmpdir(), 'tridcomm-packages-'));
  try {
    const packed = await packAll(repoRoot, folder);
    const problems = (await Promise.all(packed.map(problemsOf))).flat();
    finish(problems, packed.map(({ name, manifest }) => `${name}@${manifest.version}`).join(', '));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
