#!/usr/bin/env node
import { createWriteStream, readFileSync } from 'node:fs';
import { main } from './main.ts';

const errors = createWriteStream('', { fd: 2, autoClose: false });
// Whoever reads the log and stops must not stop the broker: what does not fit is left out, and counted.
errors.on('error', () => undefined);

/** Of the log: more than that waits for nobody. */
const mostWaitingBytes = 1024 * 1024;
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

process.exitCode = await main(process.argv.slice(2), {
  version,
  write: (text) => void process.stdout.write(text),
  writeLine: (line) => errors.writableLength < mostWaitingBytes && (errors.write(line), true),
  onSignal: (handler) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, handler);
  },
  onHangup: (handler) => void process.on('SIGHUP', handler),
});
// What was written to the log goes out before the process ends.
errors.end();
