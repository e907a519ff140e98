#!/usr/bin/env node
import { main } from './main.ts';

// An exit, unlike a bare signal, also ends the adapter, which runs in a process group of its own.
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));

process.exitCode = await main(process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  colour: process.stdout.isTTY && !process.env['NO_COLOR'],
});
