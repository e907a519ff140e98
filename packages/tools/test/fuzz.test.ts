import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { SeenEdges } from '../src/fuzz/edges.mjs';
import { fuzz, runOnce } from '../src/fuzz/engine.mjs';
import { attachCounters, instrument, instrumentFolder } from '../src/fuzz/instrument.mjs';
import { mutate } from '../src/fuzz/mutate.mjs';
import { Random } from '../src/fuzz/random.mjs';
import { byteStringsIn, distinct, toHex } from '../src/fuzz/seeds.mjs';
import { inputsBegun, lastInput, newShared, noteInput } from '../src/fuzz/watch.mjs';
import { fixture } from './fixture.ts';

const planted = `
  export function decode(bytes) {
    if (bytes.length < 4) throw new RangeError('short');
    if (bytes[0] !== 0x54) throw new RangeError('magic');
    if (bytes[1] === bytes.length - 2 && bytes[2] === 0x7f) {
      if (bytes[3] > 0xf0) return undefined.planted;
    }
    return bytes.length > 9 ? 'long' : 'right';
  }
  export const wide = (n) => new Uint8Array(n ?? 0);
`;

/** The planted module with counters, and a target that takes RangeErrors as refusals. */
async function plantedTarget() {
  const root = fixture({ 'from/codec.js': planted, 'from/codec.js.map': '', 'package.json': { type: 'module' } });
  const files = instrumentFolder(join(root, 'from'), join(root, 'to'));
  const coverage = attachCounters(files);
  const { decode, wide } = (await import(pathToFileURL(join(root, 'to/codec.js')).href)) as {
    readonly decode: (bytes: Uint8Array) => string;
    readonly wide: (length?: number) => Uint8Array;
  };
  const run = (input: Uint8Array) => {
    try {
      decode(input);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  };
  return {
    coverage,
    wide,
    decode,
    target: { name: 'planted', files: /codec/, seeds: [new Uint8Array(8)], run, maxBytes: 64 },
  };
}

it('finds a crash behind three conditions, guided by coverage, from a fixed seed', async () => {
  const { coverage, target } = await plantedTarget();
  const found = await fuzz(target, { coverage, random: new Random(1), maxInputs: 60_000 });
  expect(found.crashes).toHaveLength(1);
  const [crash] = found.crashes;
  expect(crash?.why).toContain('planted');
  expect(() => target.run(crash?.input ?? new Uint8Array(0))).toThrow(TypeError);
  expect(found.edges).toEqual({ covered: 12, total: 14 });
  expect(found.corpus.found).toBeGreaterThan(3);
});

it('gives the same run for the same seed', async () => {
  const { coverage, target } = await plantedTarget();
  const run = () => fuzz(target, { coverage, random: new Random(7), maxInputs: 2_000 });
  const [first, second] = [await run(), await run()];
  expect(second.corpus).toEqual(first.corpus);
  expect(second.crashes.map(({ input }) => toHex(input))).toEqual(first.crashes.map(({ input }) => toHex(input)));
});

it.each([
  ['memory beyond its bound', 'reserves too much memory', (wide: (n: number) => void) => wide(100_000)],
  [
    'time beyond its bound',
    'takes too long',
    () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3),
  ],
  [
    'another error',
    'gone',
    () => {
      throw new Error('gone');
    },
  ],
  ['a changed input', 'changes its input', (_: unknown, input: Uint8Array) => input.fill(1)],
])('calls %s a crash', async (_, why, act) => {
  const { coverage, wide, target } = await plantedTarget();
  const run = (input: Uint8Array) => void act(wide, input);
  expect((await runOnce({ ...target, run }, coverage, new Uint8Array(2))).crash?.why).toContain(why);
});

it('waits for a target that answers later', async () => {
  const { coverage, target } = await plantedTarget();
  const run = async () => {
    await new Promise((resolve) => setImmediate(resolve));
    throw new Error('later');
  };
  const { crash } = await runOnce({ ...target, run }, coverage, new Uint8Array(2));
  expect(crash?.why).toContain('later');
});

it('counts the bytes of buffers, wherever they come from', () => {
  const { code } = instrument('export const f = (n) => [Buffer.alloc(n), Buffer.allocUnsafe(n), Buffer.from([n])];', 0);
  expect(code.match(/\$a\(/g)).toHaveLength(2);
});

it('puts the edges of a second folder behind those of the first', () => {
  const root = fixture({ 'from/a.js': 'export const f = (a) => (a ? 1 : 2);', 'package.json': { type: 'module' } });
  const files = instrumentFolder(join(root, 'from'), join(root, 'to'), { prefix: 'other/', firstEdge: 10 });
  expect([...files]).toEqual([['other/a.js', [10, 13]]]);
});

it('counts each outcome of each branch', () => {
  const text = 'export const f = (a, b = 1) => { if (a) { for (const x of a) b ||= x && 2; } return a ? b : 0; };';
  const { code, end } = instrument(text, 5);
  // Function, default, then and else, loop, &&, both sides of ?:.
  expect(end - 5).toBe(8);
  for (let edge = 5; edge < end; edge++) expect(code).toContain(`$e[${edge}]++`);
});

it('calls an input new once for an edge, and once for each class of visits', () => {
  const edges = new Uint8Array(8);
  const seen = new SeenEdges(edges);
  const take = (edge: number, visits: number) => {
    edges[edge] = visits;
    return seen.take();
  };
  const answers = [take(6, 1), take(6, 1), take(6, 2), take(6, 4), take(6, 7), take(6, 8), take(1, 200), take(1, 255)];
  expect(answers).toEqual([true, false, true, true, false, true, true, false]);
  expect(seen.count(0, 4)).toBe(1);
  expect(seen.count(0, 8)).toBe(2);
});

it('mutates within the bound, and never the parent', () => {
  const random = new Random(3);
  const parent = random.bytes(200);
  const before = toHex(parent);
  const material = { random, other: () => parent, headerAt: 1, maxBytes: 220 };
  const made = new Set<string>();
  for (let i = 0; i < 2_000; i++) {
    const mutated = mutate(parent, material);
    expect(mutated.length).toBeLessThanOrEqual(220);
    made.add(toHex(mutated));
  }
  expect(toHex(parent)).toBe(before);
  expect(made.size).toBeGreaterThan(1_500);
  expect(mutate(new Uint8Array(0), material).length).toBeLessThanOrEqual(220);
});

it('takes byte strings out of vectors at any depth', () => {
  const strings = byteStringsIn({ bytes: '0aff', chunks: ['00', ''], records: [{ payload: 'zz', seq: 7 }] });
  expect(strings.map(toHex)).toEqual(['0aff', '00']);
  expect(distinct([...strings, ...strings], 1).map(toHex)).toEqual(['00']);
});

it('shows an input that does not end to another thread', () => {
  const shared = newShared(4);
  noteInput(shared, Uint8Array.of(1, 2));
  noteInput(shared, Uint8Array.of(1, 2, 3, 4, 5));
  expect(inputsBegun(shared)).toBe(2);
  expect([...lastInput(shared)]).toEqual([1, 2, 3, 4]);
});
