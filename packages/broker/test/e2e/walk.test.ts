import { expect, test } from 'vitest';
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
// The package has no types: it is of the tools.
import { blocksIn } from '../../../tools/src/docs-code.mjs';
import { built, until } from './scene.ts';

const root = fileURLToPath(new URL('../../../../', import.meta.url));

/** The lines of README.md for three terminals, as they stand there. */
function linesOfReadme(): readonly string[] {
  const blocks = blocksIn('README.md', readFileSync(join(root, 'README.md'), 'utf8'));
  const found = blocks.filter(({ language, info }) => language === 'sh' && info === 'terminals');
  expect(found).toHaveLength(1);
  return found[0]!.text.trimEnd().split('\n');
}

/** What a terminal shows. */
interface Terminal {
  readonly child: ChildProcess;
  stdout: string;
  stderr: string;
  readonly ended: Promise<number | null>;
}

const skip = process.platform === 'win32' ? 'the lines of the README are for a POSIX shell' : undefined;
if (skip !== undefined) console.log(`SKIP walk.test.ts: ${skip}`);

test.skipIf(skip !== undefined)('the three terminals of the README, word by word', { timeout: 60_000 }, async () => {
  const [runBroker, runSub, runPub, ...others] = linesOfReadme() as [string, string, string];
  expect(others).toEqual([]);
  const file = /^node (\S+) pub orders\/new < (\S+)$/.exec(runPub)!;
  for (const line of [runBroker, runSub, runPub]) built(/packages\/(\S+)/.exec(line)![1]!);
  const runtime = mkdtempSync(join(tmpdir(), 'tdc-walk-'));
  const terminals: Terminal[] = [];
  const type = (line: string): Terminal => {
    // With exec the process is that of the line, which so gets the signals.
    const env = { ...process.env, XDG_RUNTIME_DIR: runtime, NO_COLOR: '1' };
    const child = spawn('/bin/sh', ['-c', `exec ${line}`], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    const terminal: Terminal = { child, stdout: '', stderr: '', ended };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (terminal.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (terminal.stderr += text));
    terminals.push(terminal);
    return terminal;
  };
  try {
    const broker = type(runBroker);
    await until('the broker says what to do next', () => broker.stdout.includes('In other terminals'));
    const sub = type(runSub);
    await until('the sub is taken', () => {
      if (sub.child.exitCode !== null) throw new Error('the second terminal has ended');
      return broker.stderr.includes('"type":"subTaken"');
    });
    const pub = type(runPub);
    expect([await pub.ended, pub.stderr, pub.stdout]).toEqual([0, '', '']);
    const text = readFileSync(join(root, file[2]!), 'utf8');
    await until('the file has come', () => sub.stdout.length >= text.length);
    expect(sub.stdout).toBe(text);

    sub.child.kill('SIGINT');
    expect([await sub.ended, sub.stderr]).toEqual([0, '']);
    broker.child.kill('SIGINT');
    expect(await broker.ended).toBe(0);
    // Nothing of it is left: neither identities nor sockets, nor the word where it is.
    const left = existsSync(join(runtime, 'tridcomm')) ? readdirSync(join(runtime, 'tridcomm')) : [];
    expect(left).toEqual([]);
  } catch (error) {
    for (const { child, stdout, stderr } of terminals)
      console.log(child.spawnargs.at(-1), child.exitCode, stdout, stderr);
    throw error;
  } finally {
    for (const { child, ended } of terminals) {
      child.kill('SIGTERM');
      const hard = setTimeout(() => child.kill('SIGKILL'), 5_000);
      await ended;
      clearTimeout(hard);
    }
    rmSync(runtime, { recursive: true, force: true });
  }
});
