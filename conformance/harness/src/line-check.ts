import { readFile } from 'node:fs/promises';

import type { ErrorObject } from 'ajv';

/** The lines that an adapter writes, by their names in `protocol.schema.json`. */
export type ReplyKind = 'helloReply' | 'runReply';

/** Checks a line of an adapter; gives what is wrong with it, naming the member, or undefined. */
export type LineCheck = (kind: ReplyKind, line: unknown) => string | undefined;

/** Loads the schema behind `--validate`. */
export async function loadLineCheck(): Promise<LineCheck> {
  // Loaded on demand: a run without --validate starts faster without it.
  const { Ajv2020 } = await import('ajv/dist/2020.js');
  const schema = JSON.parse(await readFile(new URL('../protocol.schema.json', import.meta.url), 'utf8')) as {
    $id: string;
  };
  const ajv = new Ajv2020({ allowUnionTypes: true, strictRequired: false }).addSchema(schema);
  return (kind, line) => {
    const id = `${schema.$id}#/$defs/${kind}`;
    return ajv.validate(id, line) ? undefined : describe(ajv.errors ?? []);
  };
}

function describe(errors: readonly ErrorObject[]): string {
  // The root's oneOf adds one error for each of its branches; the sentence says it better.
  if (errors.some(({ keyword, instancePath }) => keyword === 'oneOf' && instancePath === '')) {
    return 'must have exactly one of out, error and skip';
  }
  return errors.map(describeOne).join('; ');
}

function describeOne({ instancePath, keyword, params, message }: ErrorObject): string {
  const path = instancePath.slice(1).replaceAll('/', '.');
  if (keyword !== 'additionalProperties') return `${path || 'the line'} ${message}`;
  return `${path === '' ? '' : `${path}.`}${String(params['additionalProperty'])} is not in the schema`;
}
