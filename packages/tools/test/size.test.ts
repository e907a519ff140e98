import { join } from 'node:path';
import { expect, it } from 'vitest';
import { measure } from '../src/size.mjs';
import { fixture } from './fixture.ts';

it('counts what is bundled, and not what is shaken off', async () => {
  const root = fixture({
    'entry.mjs': `import { used } from './lib.mjs'; console.log(used);`,
    'lib.mjs': `export const used = '0123456789'; export const unused = '${'x'.repeat(1000)}';`,
  });
  const { minified, gzip } = await measure(join(root, 'entry.mjs'));
  expect(minified).toBeGreaterThan(10);
  expect(minified).toBeLessThan(100);
  expect(gzip).toBeGreaterThan(20);
});

it('fails when the entry cannot be bundled', async () => {
  await expect(measure(join(fixture({ 'entry.mjs': `import './gone.mjs';` }), 'entry.mjs'))).rejects.toThrow(
    'gone.mjs',
  );
});
