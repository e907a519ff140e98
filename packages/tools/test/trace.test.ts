import { expect, it } from 'vitest';
import { collect, gaps, render, summary } from '../src/trace.mjs';
import { fixture } from './fixture.ts';

const later = ['principals', 'groups', 'patterns', 'storage'];
const chapters = [
  'framing',
  'envelope',
  'suites',
  'principals',
  'groups',
  'patterns',
  'replay',
  'topics',
  'storage',
  'errors',
];

/** A specification whose every MUST has code and a proof, with what a case changes. */
const whole: Readonly<Record<string, unknown>> = {
  'spec/v1/all.md': [
    ...chapters.map((chapter) => `**${chapter}.1** The receiver MUST check | refuse,\nand says so.\n`),
    '**framing.2** A note without force; see replay.1.\n',
    '**delivery.1** The operator MUST read this.\n',
  ].join('\n'),
  'spec/v1/untested.json': { 'delivery.1': 'an actor without a program' },
  'packages/core/src/a.ts': `/**\n * @spec framing.1, envelope.1,\n *   suites.1\n */\n/** @spec replay.1, topics.1. */\n// @spec errors.1\n${later.map((chapter) => `// @spec ${chapter}.1\n`).join('')}`,
  'packages/core/test/a.test.ts': `it('${later.map((chapter) => `${chapter}.1`).join(' ')}'); it('framing.1 refuses', () => {}); it(\`envelope.1 \${x} topics.1\`, () => {}); // errors.1`,
  'conformance/vectors/v1/a.json': {
    notes: { Flagged: { spec: ['errors.1'] } },
    groups: [
      {
        spec: ['suites.1'],
        tests: [
          { result: 'valid', spec: ['replay.1'] },
          { result: 'invalid', flags: ['Flagged'] },
        ],
      },
    ],
  },
};

function traced(change: Readonly<Record<string, unknown>> = {}): { problems: string[]; page: string; counts: string } {
  const trace = collect(fixture({ ...whole, ...change }));
  return { problems: [...trace.problems, ...gaps(trace)], page: render(trace), counts: summary(trace) };
}

it('finds code, tests and vectors of every requirement', () => {
  const { problems, page, counts } = traced();
  expect(problems).toEqual([]);
  const start = 'MUST | The receiver MUST check \\| refuse, and says so. | `packages/core/src/a.ts` |  |';
  expect(page).toContain(`| framing.1 | ${start} \`packages/core/test/a.test.ts\` |  |`);
  expect(page).toContain(`| suites.1 | ${start}  | 1 / 1 |`);
  expect(page).toContain(`| replay.1 | ${start}  | 1 / 0 |`);
  expect(page).toContain(`| errors.1 | ${start}  | 0 / 1 |`);
  expect(page).toContain('| delivery.1 | MUST | The operator MUST read this. |  |  | an actor without a program |  |');
  expect(counts).toBe(
    '12 requirements, 11 with MUST: 10 cited by code, 10 proven by test or vector, 1 explained, 0 open',
  );
});

it.each<[string, Record<string, unknown>, string]>([
  [
    'an unknown ID in code',
    { 'packages/core/src/b.ts': '/** @spec framing.99 */' },
    'packages/core/src/b.ts: framing.99 is no requirement',
  ],
  [
    'an unknown chapter in code',
    { 'packages/core/src/b.ts': '/** @spec framming.1 */' },
    'packages/core/src/b.ts: framming.1 is no requirement',
  ],
  [
    'a tag without a number',
    { 'packages/core/src/b.ts': '/** @spec framing */' },
    'packages/core/src/b.ts: framing is no requirement',
  ],
  [
    'an unknown ID in a test',
    { 'packages/core/test/b.test.ts': `it('replay.9 x');` },
    'packages/core/test/b.test.ts: replay.9 is no requirement',
  ],
  [
    'an unknown ID in a vector',
    { 'conformance/vectors/v1/b.json': { groups: [{ tests: [{ spec: ['x.1'] }] }] } },
    'conformance/vectors/v1/b.json: x.1 is no requirement',
  ],
  [
    'an unknown ID in a note',
    { 'conformance/vectors/v1/b.json': { notes: { A: { spec: ['x.1'] } } } },
    'conformance/vectors/v1/b.json: x.1 is no requirement',
  ],
  ['an unknown ID in the text', { 'spec/v1/b.md': 'See (topics.7).' }, 'spec/v1/b.md: topics.7 is no requirement'],
  [
    'an unknown ID in a registry',
    { 'spec/v1/registries/b.json': { section: 'topics.7' } },
    'spec/v1/registries/b.json: topics.7 is no requirement',
  ],
  [
    'an unknown ID in a document',
    { 'docs/guide/a.md': 'See topics.7.' },
    'docs/guide/a.md: topics.7 is no requirement',
  ],
  [
    'an unknown exception',
    { 'spec/v1/untested.json': { 'delivery.1': 'x', 'delivery.2': 'x' } },
    'spec/v1/untested.json: delivery.2 is no requirement',
  ],
  [
    'an ID that is defined twice',
    { 'spec/v1/b.md': '**framing.1** Again.' },
    'spec/v1/b.md:1: framing.1 is defined twice',
  ],
  [
    'an ID in a list',
    { 'spec/v1/b.md': '- **framing.2** In a list.' },
    'spec/v1/b.md:1: a requirement is a paragraph, not part of a list or table',
  ],
  [
    'an exception of a strict chapter',
    { 'spec/v1/untested.json': { 'delivery.1': 'x', 'framing.2': 'x' } },
    'spec/v1/untested.json: framing.2 is of a chapter without exceptions',
  ],
  [
    'an exception that has a test',
    { 'packages/core/test/b.test.ts': `it('delivery.1 x');` },
    'spec/v1/untested.json: delivery.1 has a vector or a test, so the entry is stale',
  ],
  [
    'a MUST without code',
    { 'spec/v1/b.md': '**framing.3** It MUST.', 'packages/core/test/b.test.ts': `it('framing.3');` },
    'framing.3: no @spec in code',
  ],
  [
    'a MUST whose only code is the second writer',
    {
      'spec/v1/b.md': '**framing.3** It MUST.',
      'packages/core/test/b.test.ts': `it('framing.3');`,
      'conformance/generate/src/a.ts': '/** @spec framing.3 */',
    },
    'framing.3: no @spec in code',
  ],
  [
    'a MUST without a proof',
    { 'spec/v1/b.md': '**framing.3** It MUST NOT.', 'packages/core/src/b.ts': '// @spec framing.3' },
    'framing.3: no vector and no test',
  ],
])('refuses %s', (_, change, why) => {
  expect(traced(change).problems).toEqual([why]);
});

it('refuses a specification without its chapters', () => {
  const trace = collect(fixture({}));
  expect(gaps(trace)).toEqual(chapters.map((chapter) => `${chapter}: no requirements`));
});
