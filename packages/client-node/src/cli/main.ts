#!/usr/bin/env node
import { run } from './run.ts';

const end = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // Who asks twice does not want to wait.
    if (end.signal.aborted) process.exit(1);
    end.abort(new Error(signal));
  });
}
// Whoever reads what is printed may have enough.
for (const output of [process.stdout, process.stderr]) {
  output.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    end.abort(error);
  });
}

try {
  process.exitCode = await run(process.argv.slice(2), {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
    signal: end.signal,
  });
} catch (error) {
  process.stderr.write(`E_INTERNAL: a mistake of this program: ${String(error)}\n`);
  process.exitCode = 1;
}
// What is left of the input is nobody's any more.
process.stdin.destroy();
