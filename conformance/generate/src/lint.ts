/** Checks the written vectors: schema, counts, ids, references, and which requirements have no case. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';

interface Test {
  id: string;
  result: 'valid' | 'invalid';
  in: Record<string, unknown>;
  out?: Record<string, unknown>;
  error?: string[];
  layer?: string;
  flags: string[];
  spec: string[];
  from?: string;
}
interface File {
  suite: string;
  numberOfTests: number;
  notes: Record<string, { spec: string[] }>;
  groups: { id: string; op: string; feature: string; tests: Test[] }[];
}
interface Manifest {
  files: { path: string; sha256: string; numberOfTests: number; valid: number; invalid: number }[];
}
interface Registry {
  entries: { name: string; outward?: string }[];
}

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const vectors = here('../../vectors/v1/');
const schemas = here('../../vectors/schema/');
const spec = here('../../../spec/v1/');
const operations = here('../../OPERATIONS.md');
const LAYERS = new Set([
  'frame',
  'header',
  'extensions',
  'body',
  'source',
  'freshness',
  'replay',
  'signature',
  'aead',
  'records',
  'topic',
  'key',
  'link',
]);

const problems: string[] = [];
const complain = (text: string): void => void problems.push(text);
const json = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));

function validator(name: string): ValidateFunction | undefined {
  const path = join(schemas, name);
  if (!existsSync(path)) return undefined;
  return new Ajv2020({ allErrors: true, allowUnionTypes: true }).compile(json(path) as object);
}

/** Requirement → whether it says MUST. */
function requirements(): Map<string, boolean> {
  const found = new Map<string, boolean>();
  for (const name of readdirSync(spec).filter((n) => n.endsWith('.md'))) {
    for (const line of readFileSync(join(spec, name), 'utf8').split('\n')) {
      const match = /^\*\*([a-z]+\.[0-9]+)\*\* (.*)$/.exec(line);
      if (match?.[1] !== undefined) found.set(match[1], /\bMUST\b/.test(match[2] ?? ''));
    }
  }
  return found;
}

/** Operation → feature, from OPERATIONS.md. */
function knownOperations(): Set<string> {
  const found = new Set<string>();
  const page = readFileSync(operations, 'utf8');
  for (const m of page.matchAll(/^\| `([a-z0-9]+(?:\.[a-zA-Z0-9]+)*)` +\|/gm)) found.add(m[1] ?? '');
  for (const extra of ['envelope.seal', 'replay.run', 'frame.closed', 'node.run'])
    if (page.includes(`\`${extra}\``)) found.add(extra);
  return found;
}

const known = requirements();
const ops = knownOperations();
const errors = (json(join(spec, 'registries/errors.json')) as Registry).entries;
const codes = new Map(errors.map((e) => [e.name, e.outward]));
const manifest = json(join(vectors, 'manifest.json')) as Manifest;
const checkManifest = validator('manifest.schema.json');
const checkFile = validator('vectors.schema.json');
if (checkManifest !== undefined && !checkManifest(manifest))
  complain(`manifest.json: ${JSON.stringify(checkManifest.errors)}`);

const all = new Map<string, Test>();
const positive = new Map<string, number>();
const negative = new Map<string, number>();
/** A `valid` case whose results hold refusals counts for both sides. */
const refuses = (value: unknown): boolean => {
  if (Array.isArray(value)) return value.some(refuses);
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([k, v]) => k === 'error' || (k === 'delivered' && v === false) || refuses(v));
};
const bump = (map: Map<string, number>, key: string): void => void map.set(key, (map.get(key) ?? 0) + 1);

for (const entry of manifest.files) {
  const path = join(vectors, entry.path);
  const content = readFileSync(path, 'utf8');
  const where = entry.path;
  if (content.length > 1_000_000) complain(`${where}: larger than 1 MB`);
  if (createHash('sha256').update(content).digest('hex') !== entry.sha256)
    complain(`${where}: not the bytes of the manifest`);
  const file = JSON.parse(content) as File;
  if (checkFile !== undefined && !checkFile(file)) {
    complain(`${where}: ${JSON.stringify(checkFile.errors?.slice(0, 3))}`);
  }
  const tests = file.groups.flatMap((g) => g.tests);
  const count = (result: string): number => tests.filter((t) => t.result === result).length;
  if (tests.length !== file.numberOfTests || tests.length !== entry.numberOfTests) complain(`${where}: numberOfTests`);
  if (count('valid') !== entry.valid || count('invalid') !== entry.invalid) complain(`${where}: valid and invalid`);
  if (`${file.suite}.json` !== entry.path) complain(`${where}: suite ${file.suite}`);
  for (const note of Object.values(file.notes))
    for (const id of note.spec) if (!known.has(id)) complain(`${where}: note cites ${id}`);
  for (const group of file.groups) {
    if (!ops.has(group.op)) complain(`${where}: operation ${group.op} is not in OPERATIONS.md`);
    for (const t of group.tests) {
      if (all.has(t.id)) complain(`${t.id}: twice`);
      all.set(t.id, t);
      if (!t.id.startsWith(`${file.suite}/${group.id}/`)) complain(`${t.id}: in group ${group.id} of ${file.suite}`);
      for (const id of t.spec) if (!known.has(id)) complain(`${t.id}: cites ${id}`);
      for (const flag of t.flags) if (file.notes[flag] === undefined) complain(`${t.id}: flag ${flag} has no note`);
      for (const code of t.error ?? []) if (!codes.has(code)) complain(`${t.id}: ${code} is not in the registry`);
      if (t.result === 'invalid' && (t.layer === undefined || !LAYERS.has(t.layer)))
        complain(`${t.id}: layer ${t.layer}`);
      if (t.result === 'invalid' && t.from === undefined) complain(`${t.id}: a negative case without "from"`);
      for (const id of t.spec) {
        if (t.result === 'invalid' || refuses(t.out)) bump(negative, id);
        if (t.result === 'valid') bump(positive, id);
      }
      if (group.op === 'error.outward') {
        const outward = codes.get(String(t.in['code']));
        const right = outward === 'never' ? undefined : outward === 'same' ? t.in['code'] : outward;
        if (t.out?.['outward'] !== right) complain(`${t.id}: the registry says ${JSON.stringify(right)}`);
      }
    }
  }
}
for (const t of all.values()) {
  if (t.from !== undefined && all.get(t.from)?.result !== 'valid')
    complain(`${t.id}: from ${t.from} is no positive case`);
}
const outward = [...all.values()].filter((t) => t.id.startsWith('errors/outward/')).map((t) => String(t.in['code']));
for (const code of codes.keys()) if (!outward.includes(code)) complain(`errors: no case for ${code}`);

const valid = manifest.files.reduce((sum, f) => sum + f.valid, 0);
const invalid = manifest.files.reduce((sum, f) => sum + f.invalid, 0);
if (valid + invalid < 400) complain(`${valid + invalid} cases are fewer than 400`);
/** Runs of steps are `valid` cases; those that hold a refusal are negative ones too. */
const refusing = [...all.values()].filter((t) => t.result === 'valid' && refuses(t.out)).length;
if (invalid + refusing <= valid - refusing)
  complain(`${invalid + refusing} cases with a refusal are not more than ${valid - refusing} without one`);

for (const f of manifest.files)
  console.log(`${f.path.padEnd(18)} ${String(f.valid).padStart(4)} valid ${String(f.invalid).padStart(4)} invalid`);
console.log(`${'all'.padEnd(18)} ${String(valid).padStart(4)} valid ${String(invalid).padStart(4)} invalid`);
if (checkFile === undefined || checkManifest === undefined)
  console.log('no JSON Schema in conformance/vectors/schema: shape not checked');
const must = [...known].filter(([, m]) => m).map(([id]) => id);
const without = (map: Map<string, number>): string => must.filter((id) => !map.has(id)).join(', ') || 'none';
console.log(`MUST without a positive case: ${without(positive)}`);
console.log(`MUST without a negative case: ${without(negative)}`);
for (const p of problems) console.error(p);
if (problems.length > 0) process.exitCode = 1;
