import { createHash } from 'node:crypto';

/** What a record asks for. */
export interface AskedWork {
  readonly kind: 'request' | 'job' | 'message';
  readonly topic: string;
  readonly body: Uint8Array;
}

/**
 * What an effect store compares: a key that comes again has to ask for the same thing.
 *
 * Topic and kind count too, as the store is keyed by requester, front and key alone: with one key for two topics, the second would be
 * answered with the result of the first.
 *
 * @returns 32 bytes, the caller's
 */
export function workHash32({ kind, topic, body }: AskedWork): Uint8Array {
  // A topic holds no U+0000 (topics.4).
  const hash = createHash('sha256').update(`${kind}\0${topic}\0`, 'utf8').update(body).digest();
  return new Uint8Array(hash);
}
