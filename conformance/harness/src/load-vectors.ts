import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { CannotRun } from './cannot-run.ts';
import type { Case, Manifest, ManifestEntry, VectorFile } from './vector-file.ts';

/** All cases of a vectors directory, in the order of the manifest. */
export interface Vectors {
  readonly vectorsVersion: string;
  readonly specVersion: string;
  readonly cases: readonly Case[];
}

/** The `v1` folder of the installed package `@tridcomm/vectors`. */
export function defaultVectorsDir(): string {
  return join(dirname(fileURLToPath(import.meta.resolve('@tridcomm/vectors/package.json'))), 'v1');
}

/**
 * Reads the vectors below a directory.
 *
 * @throws {@link CannotRun} if a file is missing or differs from the manifest in hash or counts: results of changed
 *   vectors say nothing about conformance
 */
export async function loadVectors(directory: string): Promise<Vectors> {
  const manifestPath = join(directory, 'manifest.json');
  const manifest = parse(await read(manifestPath), manifestPath) as Manifest;
  if (manifest.schema !== 'tridcomm-vectors-manifest/1') {
    throw new CannotRun(`${manifestPath}: schema is not tridcomm-vectors-manifest/1`);
  }
  const cases = (await Promise.all(manifest.files.map((entry) => loadFile(directory, entry)))).flat();
  const seen = new Set<string>();
  for (const { test, file } of cases) {
    // Answers are matched to cases by id alone.
    if (seen.has(test.id)) throw new CannotRun(`${join(directory, file)}: the id ${test.id} is used twice`);
    seen.add(test.id);
  }
  return { vectorsVersion: manifest.vectorsVersion, specVersion: manifest.specVersion, cases };
}

async function loadFile(directory: string, entry: ManifestEntry): Promise<Case[]> {
  const path = join(directory, entry.path);
  const bytes = await read(path);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (sha256 !== entry.sha256) {
    throw new CannotRun(`${path}: changed since the manifest was written (sha256 ${sha256}, expected ${entry.sha256})`);
  }
  const file = parse(bytes, path) as VectorFile;
  if (file.schema !== 'tridcomm-vectors/1') throw new CannotRun(`${path}: schema is not tridcomm-vectors/1`);
  const cases = file.groups.flatMap((group) => group.tests.map((test) => ({ file: entry.path, group, test })));
  const valid = cases.filter(({ test }) => test.result === 'valid').length;
  expectCount(path, 'tests, by the manifest', entry.numberOfTests, cases.length);
  expectCount(path, 'tests, by its own numberOfTests', file.numberOfTests, cases.length);
  expectCount(path, 'valid tests', entry.valid, valid);
  expectCount(path, 'invalid tests', entry.invalid, cases.length - valid);
  return cases;
}

function expectCount(path: string, what: string, expected: number, actual: number): void {
  if (actual !== expected) throw new CannotRun(`${path}: should have ${expected} ${what}, has ${actual}`);
}

async function read(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new CannotRun(`can't read the vectors: ${(cause as Error).message}`, { cause });
  }
}

function parse(bytes: Buffer, path: string): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch (cause) {
    throw new CannotRun(`${path}: ${(cause as Error).message}`, { cause });
  }
}
