import { TridcommError } from '@tridcomm/core';
import { StoreError } from '../store/fs-error.ts';

/*
 * One line of JSON each way, over a Unix socket:
 *
 *   { "id": 1, "op": "revoke", "keyId": "…hex…" }        →        { "id": 1, "result": { … } }   or   { "id": 1, "error": { "code": …, "message": … } }
 *
 * Answers come in the order of the requests. Bytes are hex, but bundles, which are base64. A line of a request has at most 65,536 bytes;
 * whoever sends a longer one is cut off.
 */

/** Who may ask for what: everything, or what a principal needs that enrols itself. */
export type AdminScope = 'admin' | 'enrol';

/** A request as it was sent. */
export interface AdminRequest {
  readonly id: string | number;
  readonly op: string;
  readonly given: ReadonlyMap<string, unknown>;
}

/** What every refusal is. */
export interface AdminError {
  /** Of chapter 14; `E_INTERNAL` also for what the disk did not do. */
  readonly code: string;
  readonly message: string;
}

/**
 * Reads one request.
 *
 * @param line - without its end
 * @throws TridcommError `E_ENCODING` for what is no object in JSON, `E_USAGE` for one without a usable id or operation
 */
export function readRequest(line: Uint8Array): AdminRequest {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(line));
  } catch (error) {
    throw new TridcommError('E_ENCODING', 'request that is no JSON', { cause: error });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TridcommError('E_ENCODING', 'request that is no object');
  }
  const given = new Map<string, unknown>(Object.entries(value));
  const [id, op] = [given.get('id'), given.get('op')];
  given.delete('id');
  given.delete('op');
  if (!isId(id))
    throw new TridcommError('E_USAGE', 'request without an id: a number, or a text of at most 64 characters');
  if (typeof op !== 'string') throw new TridcommError('E_USAGE', 'request without an operation');
  return { id, op, given };
}

/** The id of a request that was refused as a whole, where one can be made out. */
export function idOf(line: Uint8Array): string | number | null {
  try {
    const { id } = JSON.parse(Buffer.from(line).toString('utf8')) as { readonly id?: unknown };
    return isId(id) ? id : null;
  } catch {
    return null;
  }
}

/** What is said of something thrown. What is not a refusal is not explained: it could say anything. */
export function errorOf(error: unknown): AdminError {
  if (error instanceof TridcommError) return { code: error.code, message: error.message };
  if (error instanceof StoreError) return { code: 'E_INTERNAL', message: error.message };
  return { code: 'E_INTERNAL', message: new TridcommError('E_INTERNAL').message };
}

function isId(value: unknown): value is string | number {
  return Number.isSafeInteger(value) || (typeof value === 'string' && value.length <= 64);
}

/** A line of a request, without its end. */
export const mostRequestBytes = 65_536;
