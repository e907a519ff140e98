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
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  end.abort(error);
  // Whoever reads what is printed may have enough.
  if (error.code === 'EPIPE') return;
  process.stderr.write(`E_USAGE: standard output cannot be written: ${error.message}\n`);
  process.exitCode = 1;
});
// Nobody is left to be told.
process.stderr.on('error', (error) => end.abort(error));

try {
  const code = await run(process.argv.slice(2), {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
    signal: end.signal,
  });
  process.exitCode ||= code;
} catch (error) {
  process.stderr.write(`E_INTERNAL: a mistake of this program: ${String(error)}\n`);
  process.exitCode = 1;
}
// What is left of the input is nobody's any more.
process.stdin.destroy();
