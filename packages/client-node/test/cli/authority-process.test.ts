import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { signingKeyOf } from '@tridcomm/core';
import { readSignRequest } from '../../src/authority/sign-request.ts';
import { bundle, ended, start, type Ended } from '../bundled.ts';
import { provider, temporaryDirectory } from '../authority/world.ts';

let command: string;
beforeAll(async () => {
  command = await bundle(new URL('authority-child.ts', import.meta.url));
}, 120_000);

const brokerUrl = 'tls://b.example';
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** Options of where the state is. */
function place(): readonly string[] {
  const root = temporaryDirectory();
  return ['--dir', join(root, 'a'), '--key-file', join(root, 'key')];
}

async function run(args: readonly string[], stdin = ''): Promise<Ended> {
  const child = start(command, args, { NO_COLOR: '1' });
  child.stdin!.end(stdin);
  return await ended(child);
}

describe('the process of tridcomm authority', { timeout: 180_000 }, () => {
  it('makes, serves, issues and ends', async () => {
    const at = place();
    const made = await run(['init', ...at, '--json']);
    expect(made, made.stderr).toMatchObject({ code: 0, stderr: '' });
    const { authorityId } = JSON.parse(made.stdout) as { authorityId: string };
    const server = start(command, ['serve', ...at, '--broker', brokerUrl]);
    const end = ended(server);
    await new Promise((resolve) => server.stdout!.once('data', resolve));
    const socket = join(at[1]!, 'admin.sock');
    expect(statSync(socket).mode & 0o777).toBe(0o600);
    // Another one is kept out, and does not harm it.
    const second = await run(['serve', ...at, '--broker', brokerUrl]);
    expect(second.code).toBe(1);
    expect(second.stderr).toMatch(/^E_USAGE/);
    const alice = signingKeyOf(provider, new Uint8Array(32).fill(1));
    const asked = await run(['issue', ...at, '--public-key', hex(alice.publicKey32), '--name', 'alice']);
    expect(asked.code, asked.stderr).toBe(0);
    const request = asked.stdout.trim();
    const { signInput, authorityId32 } = readSignRequest(provider, request);
    expect(hex(authorityId32)).toBe(authorityId);
    const issued = await run(['issue', ...at, '--request', request, '--signature', hex(alice.sign(signInput))]);
    expect(issued, issued.stderr).toMatchObject({ code: 0, stderr: '' });
    expect(issued.stdout.split('\n')[0]).toBe(`key id     ${hex(alice.keyId32)}`);
    expect(issued.stdout).toMatch(/^next {7}tridcomm keys record [0-9a-f]+$/m);
    const refused = await run(['issue', ...at, '--request', request, '--signature', hex(alice.sign(signInput))]);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(/^E_STALE/);
    const status = await run(['status', ...at, '--json']);
    expect(JSON.parse(status.stdout)).toMatchObject({ isRunning: true, principals: 2, brokers: [{ isCurrent: true }] });
    expect((await run(['nothing'])).code).toBe(2);
    server.kill('SIGTERM');
    expect(await end).toMatchObject({ code: 0, signal: null, stderr: '' });
    expect(existsSync(socket)).toBe(false);
    expect(JSON.parse((await run(['status', ...at, '--json'])).stdout)).toMatchObject({
      isRunning: false,
      principals: 2,
    });
  });

  it('that is killed leaves nothing that keeps the next one out', async () => {
    const at = place();
    await run(['init', ...at]);
    const serve = async (...more: readonly string[]) => {
      const child = start(command, ['serve', ...at, '--broker', brokerUrl, ...more]);
      const end = ended(child);
      await Promise.race([end, new Promise((resolve) => child.stdout!.once('data', resolve))]);
      return { child, end };
    };
    const first = await serve();
    first.child.kill('SIGKILL');
    expect((await first.end).signal).toBe('SIGKILL');
    const socket = join(at[1]!, 'admin.sock');
    expect(statSync(socket).isSocket()).toBe(true);
    // Its broker went with it.
    const alone = await serve();
    expect(await alone.end).toMatchObject({ code: 1 });
    const second = await serve('--accept-single-source');
    expect(JSON.parse((await run(['status', ...at, '--json'])).stdout)).toMatchObject({ isRunning: true });
    second.child.kill('SIGTERM');
    expect(await second.end).toMatchObject({ code: 0 });
  });
});
