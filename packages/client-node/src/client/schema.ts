import { TridcommError } from '@tridcomm/core';
import type { StandardSchemaV1 } from '@standard-schema/spec';

/** What a schema does not allow. `issues` is what it says about it, which may hold parts of the data. */
export class SchemaError extends TridcommError {
  readonly issues: readonly StandardSchemaV1.Issue[];

  constructor(issues: readonly StandardSchemaV1.Issue[]) {
    super('E_USAGE', `data that the schema does not allow, with ${issues.length} issues`);
    this.issues = issues;
  }
}

/**
 * The bytes of a value that a schema allows: JSON in UTF-8.
 *
 * @throws SchemaError; TridcommError `E_USAGE` for what JSON has no form for
 */
export async function encodeBySchema(schema: StandardSchemaV1, value: unknown): Promise<Uint8Array> {
  const result = await schema['~standard'].validate(value);
  if (result.issues !== undefined) throw new SchemaError(result.issues);
  let text: string | undefined;
  try {
    text = JSON.stringify(result.value);
  } catch (cause) {
    throw new TridcommError('E_USAGE', 'data that JSON has no form for', { cause });
  }
  // Types say that there is always a text, and JSON has none for undefined, functions and symbols.
  if ((text as string | undefined) === undefined) throw new TridcommError('E_USAGE', 'data that JSON has no form for');
  return encoder.encode(text);
}

/**
 * What a schema makes of the JSON of a message.
 *
 * @throws SchemaError for what it does not allow, and for what is no JSON
 */
export async function decodeBySchema(schema: StandardSchemaV1, json: () => unknown): Promise<unknown> {
  let value: unknown;
  try {
    value = json();
  } catch (error) {
    if (!(error instanceof TridcommError)) throw error;
    throw new SchemaError([{ message: 'payload that is not JSON in UTF-8' }]);
  }
  const result = await schema['~standard'].validate(value);
  if (result.issues !== undefined) throw new SchemaError(result.issues);
  return result.value;
}

const encoder = new TextEncoder();
