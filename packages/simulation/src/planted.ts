/** Bugs that are planted in copies of core, one at a time, to see that the simulation finds them. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { ViolationName } from './oracle.ts';
import { runSeeds } from './threads.ts';
import type { Finding } from './worker.ts';

/** A bug: core without one thing that a requirement asks for. */
export interface PlantedBug {
  readonly name: string;
  /** In core's `dist`. */
  readonly file: string;
  /** Occurs in the file exactly once. */
  readonly from: string;
  readonly to: string;
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
export const plantedBugs: readonly PlantedBug[] = [
  {
    name: 'drain-keeps-revoked-writer',
    file: 'client/group.js',
    from: 'const lists = ofEpoch === view.writers ? [ofEpoch] : [ofEpoch, view.writers];',
    to: 'const lists = [ofEpoch];',
    spec: 'groups.27',
    shows: 'revoked writer accepted',
    seed: 56,
  },
  {
    name: 'leaf-given-twice',
    file: 'authority/seat-tree.js',
    from: 'if (this.#givenCount >= 2 ** this.height)',
    to: `const reused = this.#revoked.pop();
        if (reused !== undefined) {
            this.#cover = undefined;
            return reused;
        }
        if (this.#givenCount >= 2 ** this.height)`,
    spec: 'groups.16',
    shows: 'revoked reader reads',
    seed: 6,
  },
  {
    name: 'revoked-leaves-forgotten',
    file: 'authority/seat-tree.js',
    from: 'this.#revoked.push(leaf);',
    to: 'this.#revoked = [leaf];',
    spec: 'groups.17',
    shows: 'revoked reader reads',
    seed: 13,
  },
  {
    name: 'revocation-without-block',
    file: 'authority/controlled-group.js',
    from: 'this.#revokes = change.revokes === true || leaving.length > 0;',
    to: 'this.#revokes = false;',
    spec: 'groups.21',
    shows: 'sealed for a revoked reader',
    seed: 2,
  },
  {
    name: 'floors-ignored-after-restart',
    file: 'replay/guard.js',
    from: 'this.#windows.fill(this.#table.words(entry), this.#table.at(entry), floor);',
    to: '',
    spec: 'replay.23',
    shows: 'delivered twice',
    seed: 15,
  },
  {
    name: 'boot-line-ignored',
    file: 'replay/guard.js',
    from: 'this.#bootLine = isLive ? life.bootMs + skewMs : -1;',
    to: 'this.#bootLine = -1;',
    spec: 'replay.25',
    shows: 'delivered twice',
    seed: 9,
  },
  {
    name: 'head-rolled-back',
    file: 'keys/trust.js',
    from: 'if (headSeq < highest.headSeq)',
    to: 'if (false)',
    spec: 'principals.27',
    shows: 'rolled back',
    seed: 9,
  },
  {
    name: 'head-forked',
    file: 'keys/trust.js',
    from: 'if (isSame && !equalBytes(hash32, highest.headHash32))',
    to: 'if (false)',
    spec: 'principals.27',
    shows: 'rolled back',
    seed: 187,
  },
  {
    name: 'head-not-stored',
    file: 'client/stored-floors.js',
    from: "store?.put('head', numberAndHash(headSeq, headHash32));",
    to: '',
    spec: 'principals.28',
    shows: 'rolled back',
    seed: 95,
  },
  {
    name: 'stale-sealing',
    file: 'client/sealing.js',
    from: 'if (view === undefined || !group.isFresh(nowMs))',
    to: 'if (view === undefined)',
    spec: 'principals.29',
    shows: 'stale sealed',
    seed: 4,
  },
  {
    name: 'stale-delivery',
    file: 'client/group.js',
    from: 'if (record === undefined || (!this.#group.isFresh(nowMs) && !record.staleOk))',
    to: 'if (record === undefined)',
    spec: 'principals.30',
    shows: 'stale delivered',
    seed: 68,
  },
  {
    name: 'view-in-parts',
    file: 'client/group.js',
    from: 'return this.#writers.get(hexOf(root32));',
    to: 'return this.#writers.get(hexOf(root32)) ?? this.#view?.writers;',
    spec: 'principals.34',
    shows: 'revoked writer accepted',
    seed: 38,
  },
  {
    name: 'policy-root-unchecked',
    file: 'client/view.js',
    from: 'if (!equalBytes(header.policyRoot32, writersRoot32))',
    to: 'if (false)',
    spec: 'principals.35',
    shows: 'unbacked block',
    seed: 15,
  },
  {
    name: 'node-keys-not-stepped',
    file: 'keys/complete-subtree.js',
    from: 'if (steps === 0)',
    to: 'if (steps >= 0)',
    spec: 'groups.12',
    shows: 'past readable',
    seed: 20,
  },
  {
    name: 'gaps-not-reported',
    file: 'client/gaps.js',
    from: 'return { gaps, filled };',
    to: 'return { gaps: [], filled };',
    spec: 'patterns.6',
    shows: 'unreported loss',
    seed: 2,
  },
  {
    name: 'restore-without-skipping-epochs',
    file: 'authority/restore.js',
    from: 'const { epoch, blockHash32 } = seen.epoch > group.epoch ? seen : group;',
    to: 'const { blockHash32 } = group, epoch = group.epoch + 1 - limits.restoredEpochs;',
    spec: 'groups.22',
    shows: 'not resumed',
    seed: 9,
  },
  {
    name: 'restore-without-skipping-heads',
    file: 'authority/restore.js',
    from: 'const headSeq = seenSeq + limits.restoredHeads;',
    to: 'const headSeq = memory.headSeq + 1;',
    spec: 'groups.23',
    shows: 'not resumed',
    seed: 6,
  },
  {
    name: 'edge-unchecked',
    file: 'relay/relay.js',
    from: 'if (!this.#maySubscribe(link, match)) {',
    to: 'if (false) {',
    spec: 'principals.22',
    shows: 'outsider served',
    seed: 51,
  },
];

const here = fileURLToPath(new URL('.', import.meta.url));
const packageFolder = join(here, '..');
const coreFolder = join(packageFolder, '../core');

/**
 * The text with the bug in it.
 *
 * @throws Error where the place is not there exactly once: a list that has fallen behind the code
 */
export function plant(text: string, { name, file, from, to }: PlantedBug): string {
  const places = text.split(from).length - 1;
  if (places !== 1) throw new Error(`${name}: the text to replace occurs ${places} times in ${file}, not once`);
  return text.replace(from, () => to);
}

/** The built text of a file of core. */
export function builtText(file: string): string {
  return readFileSync(join(coreFolder, 'dist', file), 'utf8');
}

/** Runs seeds against a copy of core with a bug in it, the one that found it last first, until one finds it. */
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

/** Copies core and this package as built, plants the bug, and gives the place of the worker. */
function buildWith(folder: string, bug: PlantedBug): URL {
  if (!existsSync(join(packageFolder, 'dist/worker.js'))) throw new Error('packages/simulation is not built');
  const [core, simulation] = [join(folder, 'core'), join(folder, 'simulation')];
  for (const [from, to] of [
    [coreFolder, core],
    [packageFolder, simulation],
  ] as const) {
    mkdirSync(to);
    cpSync(join(from, 'dist'), join(to, 'dist'), { recursive: true });
    cpSync(join(from, 'package.json'), join(to, 'package.json'));
  }
  symlinkSync(join(coreFolder, 'node_modules'), join(core, 'node_modules'));
  mkdirSync(join(simulation, 'node_modules/@tridcomm'), { recursive: true });
  symlinkSync('../../../core', join(simulation, 'node_modules/@tridcomm/core'));
  writeFileSync(join(core, 'dist', bug.file), plant(builtText(bug.file), bug));
  return pathToFileURL(join(simulation, 'dist/worker.js'));
}
