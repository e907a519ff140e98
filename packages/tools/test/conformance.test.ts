import { expect, it } from 'vitest';
import { complaints, countByFile, render } from '../src/conformance.mjs';

function column(results: string[], { status = 0, maySkip = false } = {}) {
  return {
    name: 'core-noble',
    maySkip,
    status,
    files: countByFile({ results: results.map((result) => ({ file: 'a.json', result })) }),
  };
}

it('counts by file and prints a table', () => {
  expect(render([column(['passed', 'passed', 'skipped', 'warned'])])).toBe(
    ['passed/failed/skipped  core-noble', 'a.json                 2/1/1', 'total                  2/1/1'].join('\n'),
  );
});

it('lets a clean column pass, and a skip where one is allowed', () => {
  expect(complaints(column(['passed']))).toEqual([]);
  expect(complaints(column(['passed', 'skipped'], { maySkip: true }))).toEqual([]);
});

it.each([
  ['a failure', column(['passed', 'failed']), '1 failed'],
  ['a warning under strict errors', column(['passed', 'warned']), '1 failed'],
  ['a skip by core', column(['passed', 'skipped']), '1 skipped'],
  ['a harness that broke', column(['passed'], { status: 2 }), 'exit 2'],
  ['a harness without cases', column([]), 'no case'],
])('refuses %s', (_, tried, why) => {
  expect(complaints(tried)[0]).toContain(why);
});
