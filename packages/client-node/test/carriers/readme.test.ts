import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
// The package has no types: it is of the tools.
import { blocksIn } from '../../../tools/src/docs-code.mjs';
import { ended } from '../bundled.ts';
import { missing, Server } from './servers.ts';

const home = fileURLToPath(new URL('../../', import.meta.url));
const skip =
  process.platform === 'win32'
    ? 'the authority of the README has a socket with a short path'
    : missing('nats-server', 'readme.test.ts');

test.skipIf(skip !== undefined)('the program of the README runs, word by word', { timeout: 240_000 }, async () => {
  const blocks = blocksIn('README.md', readFileSync(join(home, '../../README.md'), 'utf8'));
  const found = blocks.filter(({ info }) => info === 'nats');
  expect(found).toHaveLength(1);
  if (!existsSync(join(home, 'dist/index.js'))) throw new Error('client-node is not built: npm run build');
  const folder = mkdtempSync(join(tmpdir(), 'tdc-readme-'));
  const server = await Server.nats();
  try {
    // As installed, but for the link.
    for (const [name, target] of [
      ['@tridcomm/client-node', home],
      ['@nats-io/transport-node', realpathSync(join(home, 'node_modules/@nats-io/transport-node'))],
    ] as const) {
      const path = join(folder, 'node_modules', name);
      mkdirSync(join(path, '..'), { recursive: true });
      symlinkSync(target, path, 'dir');
    }
    writeFileSync(join(folder, 'program.mjs'), found[0]!.text);
    const child = spawn(process.execPath, ['program.mjs'], {
      cwd: folder,
      env: { ...process.env, NATS_URL: `127.0.0.1:${server.port}` },
    });
    expect(await ended(child)).toEqual({ code: 0, signal: null, stdout: 'two coffees from alice\n', stderr: '' });
  } finally {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
