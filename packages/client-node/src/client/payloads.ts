import type { StandardSchemaV1 } from '@standard-schema/spec';
import { TridcommError } from '@tridcomm/core';
import { encodeBySchema } from './schema.ts';

/**
 * The bytes of messages that the application gives.
 *
 * @param data - one message, or an array of them: bytes, which are taken as they are, or text; with a schema what it allows
 * @returns at once where there is no schema, as that may be on the way of every message
 * @throws TridcommError `E_USAGE`; SchemaError
 */
export function payloadsOf(
  topic: unknown,
  data: unknown,
  schema: StandardSchemaV1 | undefined,
): readonly Uint8Array[] | Promise<readonly Uint8Array[]> {
  checkText('topic', topic);
  const messages: readonly unknown[] = Array.isArray(data) ? data : [data];
  if (messages.length === 0) throw new TridcommError('E_USAGE', 'no message: at least one is taken');
  if (schema !== undefined) return Promise.all(messages.map(async (value) => encodeBySchema(schema, value)));
  // As they are, where there is nothing to do: a large batch is not copied.
  if (messages.every((message) => message instanceof Uint8Array)) return messages;
  return messages.map((message) => {
    if (message instanceof Uint8Array) return message;
    checkText('message', message);
    return encoder.encode(message);
  });
}

/**
 * The bytes of one message that the application gives: bytes, or text.
 *
 * @throws TridcommError `E_USAGE`
 */
export function payloadOf(topic: unknown, data: unknown): Uint8Array {
  checkText('topic', topic);
  if (data instanceof Uint8Array) return data;
  checkText('message', data);
  return encoder.encode(data);
}

/** For callers without types: what is no text would fail far from here. */
function checkText(name: string, text: unknown): asserts text is string {
  if (typeof text !== 'string') throw new TridcommError('E_USAGE', `${name}: ${typeof text}; text or bytes are taken`);
  if (/\p{Surrogate}/u.test(text)) throw new TridcommError('E_USAGE', `${name}: text with a lone surrogate`);
}

const encoder = new TextEncoder();
