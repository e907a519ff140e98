import { expect, it } from 'vitest';
import { filesIn, run } from '../src/lib.mjs';
import { fixture } from './fixture.ts';

it('finds files below folders, and leaves out what is built', () => {
  const root = fixture({
    'packages/b/src/x.ts': '',
    'packages/a/src/d/y.ts': '',
    'packages/a/dist/z.ts': '',
    'packages/a/src/n.md': '',
  });
  expect(filesIn(root, ['packages/*/src'], /\.ts$/)).toEqual(['packages/a/src/d/y.ts', 'packages/b/src/x.ts']);
  expect(filesIn(root, ['packages/*', 'absent'], /\.ts$/)).toHaveLength(2);
});

it('tells the status and what was printed where', async () => {
  const program = `console.log('out'); console.error('err'); process.exitCode = 3;`;
  const { status, stdout, output } = await run(process.execPath, ['-e', program]);
  expect({ status, stdout }).toEqual({ status: 3, stdout: 'out\n' });
  expect(output).toContain('err\n');
});

it('fails a command that does not exist or does not end', async () => {
  expect((await run('tridcomm-no-such-command', [])).status).toBe(127);
  const endless = await run(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { timeoutMs: 300 });
  expect(endless).toMatchObject({ status: 1, output: expect.stringContaining('ended by SIGTERM') });
});
