import { expect, it } from 'vitest';
import { blocksIn, prove, unknownScripts } from '../src/docs-code.mjs';
import { fixture } from './fixture.ts';

function fence(info: string, text: string): string {
  return `Words.\n\n\`\`\`${info}\n${text}\n\`\`\`\n`;
}

const sandbox = {
  'node_modules/given/package.json': {
    name: 'given',
    version: '1.0.0',
    type: 'module',
    exports: { types: './i.d.ts', default: './i.js' },
  },
  'node_modules/given/i.js': 'export const one = 1;',
  'node_modules/given/i.d.ts': 'export declare const one: number;',
};

it('reads fences, their places and the output that follows', () => {
  const blocks = blocksIn(
    'a.md',
    `${fence('js', 'one()')}${fence('text output', '1')}${fence('js norun', 'two()')}  ~~~sh\n  npm test\n  ~~~\n`,
  );
  expect(blocks).toEqual([
    { at: 'a.md:3', language: 'js', info: '', text: 'one()\n', expected: '1\n' },
    { at: 'a.md:8', language: 'text', info: 'output', text: '1\n' },
    { at: 'a.md:13', language: 'js', info: 'norun', text: 'two()\n' },
    { at: 'a.md:16', language: 'sh', info: '', text: 'npm test\n' },
  ]);
});

it.each([
  ['js that runs', fence('js', `import { one } from 'given';\nconsole.log(one);`)],
  ['js with its output', fence('js', `console.log('a');`) + fence('text output', 'a')],
  ['js that must not run', fence('js norun', `throw new Error();`)],
  [
    'ts that has types',
    fence(
      'ts',
      `import { one } from 'given';\nimport { join } from 'node:path';\nexport const two: string = join(String(one));`,
    ),
  ],
])('lets pass %s', async (_, markdown) => {
  expect(await prove(blocksIn('a.md', markdown), fixture(sandbox))).toEqual([]);
});

it.each([
  ['js that throws', fence('js', `throw new Error('no');`), 'Error: no'],
  ['js that imports what is not there', fence('js', `import 'absent';`), 'ERR_MODULE_NOT_FOUND'],
  [
    'js that prints something else',
    fence('js', `console.log('b');`) + fence('text output', 'a'),
    'prints\nb\nand the document says\na\n',
  ],
  ['js that cannot be parsed', fence('js norun', `const = 1;`), 'SyntaxError'],
  [
    'ts with a wrong type',
    fence('ts', `import { one } from 'given';\nexport const two: string = one;`),
    'a.md:3(2,14): error TS2322',
  ],
])('refuses %s', async (_, markdown, why) => {
  const problems = await prove(blocksIn('a.md', markdown), fixture(sandbox));
  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain('a.md:3');
  expect(problems[0]).toContain(why);
});

it('refuses a root script that does not exist', () => {
  const block = {
    at: 'README.md:1',
    language: 'sh' as const,
    info: '',
    text: 'npm run demo\nnpm test\nnpm run gone -- x\n',
  };
  expect(unknownScripts(block, { demo: '', test: '' })).toEqual(['README.md:1: package.json has no script gone']);
});
