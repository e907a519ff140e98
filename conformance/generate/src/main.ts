/** Writes conformance/vectors/v1, or with --check compares it with what is there. */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { AREAS } from './areas.ts';
import { SPEC_VERSION, VERSION } from './cases.ts';
import { print, type Json } from './json.ts';

const target = fileURLToPath(new URL('../../vectors/v1/', import.meta.url));

function build(only: string | undefined): Map<string, string> {
  const files = new Map<string, string>();
  const list: Json[] = [];
  for (const area of AREAS) {
    if (only !== undefined && only !== area.name) continue;
    const file = area.make();
    const tests = file.tests();
    const content = `${print(file.toJson())}\n`;
    const path = `${file.suite}.json`;
    files.set(path, content);
    list.push({
      path,
      sha256: createHash('sha256').update(content).digest('hex'),
      numberOfTests: tests.length,
      valid: tests.filter((t) => t.result === 'valid').length,
      invalid: tests.filter((t) => t.result === 'invalid').length,
    });
  }
  if (only === undefined) {
    const manifest: Json = {
      schema: 'tridcomm-vectors-manifest/1',
      vectorsVersion: VERSION,
      specVersion: SPEC_VERSION,
      files: list,
    };
    files.set('manifest.json', `${print(manifest)}\n`);
  }
  return files;
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

const check = process.argv.includes('--check');
const only = process.argv.find((a) => a.startsWith('--only='))?.slice(7);
const files = build(only);
mkdirSync(target, { recursive: true });
const strangers = only === undefined ? readdirSync(target).filter((name) => !files.has(name)) : [];
if (check) {
  const stale = [...files]
    .filter(([path, content]) => readOrEmpty(join(target, path)) !== content)
    .map(([path]) => path);
  for (const name of [...stale, ...strangers]) console.error(`stale: conformance/vectors/v1/${name}`);
  if (stale.length + strangers.length > 0) {
    console.error('run: node conformance/generate/dist/main.js');
    process.exitCode = 1;
  } else {
    console.log(`${files.size} files are fresh`);
  }
} else {
  for (const name of strangers) rmSync(join(target, name), { recursive: true });
  for (const [path, content] of files) {
    writeFileSync(join(target, path), content);
    console.log(`${path}: ${content.length} bytes`);
  }
}
