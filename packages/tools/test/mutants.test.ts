import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { mutants } from '../src/mutants/list.mjs';
import { applyMutant, complaints, folderOf, type Mutant } from '../src/mutants/mutate.mjs';

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

it('has its place for each mutant, and the tests that it names', () => {
  expect(complaints(mutants)).toEqual([]);
  expect(mutants.length).toBeGreaterThanOrEqual(500);
  const root = new URL('../../../', import.meta.url);
  for (const one of mutants) {
    const text = readFileSync(new URL(`${folderOf(one)}/src/${one.file}`, root), 'utf8');
    expect(applyMutant(text, one)).not.toBe(text);
    for (const path of one.tests ?? []) {
      expect(existsSync(new URL(`${folderOf(one)}/test/${path}`, root)), `${one.name}: ${path}`).toBe(true);
    }
  }
});
