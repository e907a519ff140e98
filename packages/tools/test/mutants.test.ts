import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { mutants } from '../src/mutants/list.mjs';
import { applyMutant, complaints, type Mutant } from '../src/mutants/mutate.mjs';

const mutant: Mutant = { name: 'm', file: 'a.ts', from: 'if (a)', to: 'if ($&)', spec: 'a.1' };

it('replaces what stands there once, as it is written', () => {
  expect(applyMutant('1; if (a) b;', mutant)).toBe('1; if ($&) b;');
});

it.each(['nothing', 'if (a) if (a)'])('refuses a place that is not there once: %s', (text) => {
  expect(() => applyMutant(text, mutant)).toThrow('m: the text to replace occurs');
});

it('complains of a list with a doubled name, a mutant that is none, or no requirement', () => {
  expect(complaints([mutant])).toEqual([]);
  expect(
    complaints([mutant, mutant, { ...mutant, name: 'n', to: mutant.from }, { ...mutant, name: 'o', spec: 'A' }]),
  ).toEqual(['m: the name stands twice', 'n: nothing is replaced', 'o: A is no requirement']);
});

it('has at least 36 mutants, each with its place in core', () => {
  expect(complaints(mutants)).toEqual([]);
  expect(mutants.length).toBeGreaterThanOrEqual(36);
  for (const one of mutants) {
    const text = readFileSync(new URL(`../../core/src/${one.file}`, import.meta.url), 'utf8');
    expect(applyMutant(text, one)).not.toBe(text);
  }
});
