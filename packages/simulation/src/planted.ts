/** Bugs that are planted in copies of the packages, one at a time, to see that the simulation finds them. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { ViolationName } from './oracle.ts';
import { plantedInLinks } from './planted-links.ts';
import { plantedInMessages } from './planted-messages.ts';
import { plantedInPatterns } from './planted-patterns.ts';
import { runSeeds } from './threads.ts';
import type { Finding } from './worker.ts';

/** What is changed of a package. */
export interface PlantedPlace {
  /** In its `dist`. */
  readonly file: string;
  /** Occurs in the file exactly once. */
  readonly from: string;
  readonly to: string;
}

/** A bug: a package without one thing that a requirement asks for. */
export interface PlantedBug extends PlantedPlace {
  readonly name: string;
  readonly in: (typeof packages)[number];
  /** Where two things stand against it, the second. */
  readonly also?: readonly PlantedPlace[];
  /** What is broken. */
  readonly spec: string;
  /** What the oracle says of it, among other things. */
  readonly shows: ViolationName;
  /** The first that found it when it was last looked for: tried first. */
  readonly seed: number;
}

/** What was found of a planted bug. */
export interface PlantedFinding {
  readonly seed: number;
  readonly names: readonly ViolationName[];
}

/** All planted bugs. */
export const plantedBugs: readonly PlantedBug[] = [...plantedInMessages, ...plantedInLinks, ...plantedInPatterns];

const here = fileURLToPath(new URL('.', import.meta.url));
const packagesFolder = join(here, '../..');

/**
 * The text with the bug in it.
 *
 * @throws Error where the place is not there exactly once: a list that has fallen behind the code
 */
export function plant(text: string, { file, from, to }: PlantedPlace): string {
  const places = text.split(from).length - 1;
  if (places !== 1) throw new Error(`${from}: the text to replace occurs ${places} times in ${file}, not once`);
  return text.replace(from, () => to);
}

/** All places of a bug. */
export function placesOf(bug: PlantedBug): readonly PlantedPlace[] {
  return [bug, ...(bug.also ?? [])];
}

/** The built text of a file that a bug is planted in. */
export function builtText(bug: PlantedBug, { file }: PlantedPlace): string {
  return readFileSync(join(packagesFolder, bug.in, 'dist', file), 'utf8');
}

/** Runs seeds against copies of the packages with a bug in one, the one that found it last first, until one finds it. */
export async function findPlanted(
  bug: PlantedBug,
  campaign: { readonly firstSeed: number; readonly runs: number; readonly threads: number },
): Promise<{ readonly finding: PlantedFinding | undefined; readonly seconds: number }> {
  const started = performance.now();
  const folder = mkdtempSync(join(tmpdir(), 'tridcomm-planted-'));
  try {
    const workerUrl = buildWith(folder, bug);
    const hint = { firstSeed: bug.seed, runs: 1, threads: 1 };
    let first: Finding | undefined;
    for (const range of [hint, campaign]) {
      first ??= (await runSeeds({ ...range, until: bug.shows, workerUrl })).findings[0];
    }
    const names = [...new Set(first?.violations.map(({ name }) => name))];
    return {
      finding: first === undefined ? undefined : { seed: first.seed, names },
      seconds: (performance.now() - started) / 1_000,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Copies the packages as built, plants the bug in one, and gives the place of the worker. */
function buildWith(folder: string, bug: PlantedBug): URL {
  if (!existsSync(join(packagesFolder, 'simulation/dist/worker.js')))
    throw new Error('packages/simulation is not built');
  for (const name of packages) {
    const [from, to] = [join(packagesFolder, name), join(folder, name)];
    mkdirSync(join(to, 'node_modules/@tridcomm'), { recursive: true });
    cpSync(join(from, 'dist'), join(to, 'dist'), { recursive: true });
    cpSync(join(from, 'package.json'), join(to, 'package.json'));
    for (const one of readdirSync(join(from, 'node_modules'))) {
      if (!one.startsWith('.') && one !== '@tridcomm') {
        symlinkSync(join(from, 'node_modules', one), join(to, 'node_modules', one));
      }
    }
    for (const one of packages) symlinkSync(join(folder, one), join(to, 'node_modules/@tridcomm', one));
  }
  for (const place of placesOf(bug)) {
    // Of the copy, where an earlier place of the same file is planted already.
    const path = join(folder, bug.in, 'dist', place.file);
    writeFileSync(path, plant(readFileSync(path, 'utf8'), place));
  }
  return pathToFileURL(join(folder, 'simulation/dist/worker.js'));
}

/** What a run is made of. */
const packages = ['core', 'client-node', 'broker', 'simulation'] as const;
