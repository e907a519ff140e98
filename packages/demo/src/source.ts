import { createReadStream } from 'node:fs';

const messageBytes = 16 * 1024;
const batchMessages = 8;

/** A file as batches of messages of up to 16 KiB, so that one of any size passes through little memory. */
export async function* batchesOf(path: string | URL): AsyncGenerator<Uint8Array[], void, undefined> {
  let batch: Uint8Array[] = [];
  let count = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: messageBytes })) {
    batch.push(new Uint8Array(chunk as Buffer));
    count++;
    if (batch.length < batchMessages) continue;
    yield batch;
    batch = [];
  }
  if (count === 0) batch.push(new Uint8Array(0));
  if (batch.length > 0) yield batch;
}
