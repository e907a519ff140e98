import { createReadStream } from 'node:fs';
import type { Message } from '@tridcomm/core';

/** A file is cut into messages of this many bytes, so a file of any size passes through little memory. */
const chunkBytes = 64 * 1024;
const batchBytes = 512 * 1024;

/** The files as messages, batch by batch; a chapter or a small file is one message. */
export async function* batchesOf(paths: readonly (string | URL)[]): AsyncGenerator<Message[], void, undefined> {
  let batch: Message[] = [];
  let bytes = 0;
  for (const path of paths) {
    let empty = true;
    for await (const chunk of createReadStream(path, { highWaterMark: chunkBytes })) {
      const payload = new Uint8Array(chunk as Buffer);
      batch.push({ timestampMs: Date.now(), payload });
      bytes += payload.length;
      empty = false;
      if (bytes < batchBytes) continue;
      yield batch;
      batch = [];
      bytes = 0;
    }
    if (empty) batch.push({ timestampMs: Date.now(), payload: new Uint8Array(0) });
  }
  if (batch.length > 0) yield batch;
}
