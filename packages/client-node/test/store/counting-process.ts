/* Counts in a store for ever, and says each number once it was put. To be killed. */
import { writeSync } from 'node:fs';
import { FileStore } from '../../src/store/file-store.ts';

const store = FileStore.open(process.argv[2]!);
let counter = parseInt(Buffer.from(store.get('counter') ?? []).toString('latin1'), 10) || 0;
for (;;) {
  counter++;
  store.put('counter', Uint8Array.from(Buffer.from(`${counter} `.padEnd(2_000, '.'), 'latin1')));
  writeSync(1, `${counter}\n`);
}
