import { expect, it } from 'vitest';
import { faults } from '../src/packages.mjs';

const good: [string, string][] = [
  ['package.json', '{}'],
  ['LICENSE', ''],
  ['README.md', ''],
  ['dist/index.js', ''],
];

it('lets a whole tarball pass', () => {
  expect(faults(new Map(good))).toEqual([]);
});

it.each<[string, [string, string][], string]>([
  ['no licence', good.filter(([name]) => name !== 'LICENSE'), 'holds no LICENSE'],
  ['no page', good.filter(([name]) => name !== 'README.md'), 'holds no README.md'],
  ['build information', [...good, ['dist/.tsbuildinfo', '']], 'holds dist/.tsbuildinfo'],
  [
    'a workspace address',
    [...good, ['package.json', '{"dependencies":{"a":"workspace:^"}}']],
    'depends on "workspace:"',
  ],
])('refuses a tarball with %s', (_, files, why) => {
  expect(faults(new Map(files))).toEqual([why]);
});
