import { frameTypes } from '../codepoints/frame-types.gen.ts';
import { limits } from '../codepoints/limits.gen.ts';
import { checkLimit, TridcommError } from '../errors.ts';
import { decodeBody, encodeBody } from '../keys/body.ts';
import { checkChannel, checkSize, type LinkSide } from './forms.ts';

/** What one end of a link offers, or chooses. */
export interface Hello {
  /** Ascending. */
  readonly versions: readonly number[];
  /** One of the registry of link modes. */
  readonly mode: number;
  /** Ascending; empty in T. */
  readonly suites: readonly number[];
  readonly nonce32: Uint8Array;
  readonly authorityId32: Uint8Array;
  /** Of the newest authority record held; 0 where none is. */
  readonly authoritySerial: number;
  readonly frameCapBytes: number;
  readonly creditBytes: number;
}

/** Who one end of a link is. */
export interface Auth {
  readonly principalRecord: Uint8Array;
  readonly signature64: Uint8Array;
  readonly authorityRecords: readonly Uint8Array[];
}

/**
 * The body of a hello; the caller's.
 *
 * @throws TridcommError `E_LIMIT` for a size or number above its limit, `E_USAGE` for what else must not be written
 * @spec messages.1, messages.11
 */
export function encodeHello(hello: Hello): Uint8Array {
  const { versions, mode, suites, nonce32, authorityId32, authoritySerial, frameCapBytes, creditBytes } = hello;
  if (!ascends(versions) || !ascends(suites)) throw new TridcommError('E_USAGE', 'versions or suites out of order');
  checkLimit('frame cap', frameCapBytes, limits.frameHardCapBytes);
  if (!(frameCapBytes >= limits.storedBytes)) {
    throw new TridcommError('E_USAGE', `frame cap ${frameCapBytes}, at least ${limits.storedBytes}`);
  }
  return encodeBody('Hello', {
    versions,
    mode,
    suites,
    nonce32,
    authority_id32: authorityId32,
    authority_serial: authoritySerial,
    frame_cap: frameCapBytes,
    credit: creditBytes,
  });
}

/**
 * Reads a hello.
 *
 * @param body - the body of the frame, exactly; bytes that come out are views of it
 * @throws TridcommError `E_LIMIT`, `E_ENCODING`
 * @spec messages.2, messages.4
 */
export function decodeHello(from: LinkSide, channel: number, body: Uint8Array): Hello {
  checkSize(frameTypes.hello, body.length);
  checkChannel(from, frameTypes.hello, channel);
  const { versions, mode, suites = [], nonce32, ...rest } = decodeBody('Hello', body);
  if (!ascends(versions)) throw new TridcommError('E_ENCODING', 'versions out of order');
  if (!ascends(suites)) throw new TridcommError('E_ENCODING', 'suites out of order');
  return {
    versions,
    mode,
    suites,
    nonce32,
    authorityId32: rest.authority_id32,
    authoritySerial: rest.authority_serial ?? 0,
    frameCapBytes: rest.frame_cap,
    creditBytes: rest.credit ?? 0,
  };
}

/**
 * Makes sure of the frame cap that a hello announces, where it is to be kept to.
 *
 * @throws TridcommError `E_LIMIT`
 * @spec messages.11
 */
export function checkFrameCap({ frameCapBytes }: Hello): void {
  if (frameCapBytes < limits.storedBytes || frameCapBytes > limits.frameHardCapBytes) {
    const allowed = `${limits.storedBytes} to ${limits.frameHardCapBytes}`;
    throw new TridcommError('E_LIMIT', `frame cap ${frameCapBytes}, ${allowed}`);
  }
}

/**
 * The body of an auth; the caller's.
 *
 * @throws TridcommError `E_LIMIT` for a size or number above its limit, `E_USAGE` for what else must not be written
 * @spec messages.1
 */
export function encodeAuth({ principalRecord, signature64, authorityRecords }: Auth): Uint8Array {
  const body = encodeBody('Auth', {
    principal_record: principalRecord,
    signature64,
    authority_records: authorityRecords,
  });
  checkSize(frameTypes.auth, body.length);
  return body;
}

/**
 * Reads an auth.
 *
 * @param body - the body of the frame, or the payload of a message of Noise, exactly; bytes that come out are views of it
 * @throws TridcommError `E_LIMIT`, `E_ENCODING`
 * @spec messages.2
 */
export function decodeAuth(from: LinkSide, channel: number, body: Uint8Array): Auth {
  checkSize(frameTypes.auth, body.length);
  checkChannel(from, frameTypes.auth, channel);
  const { principal_record, signature64, authority_records = [] } = decodeBody('Auth', body);
  return { principalRecord: principal_record, signature64, authorityRecords: authority_records };
}

function ascends(numbers: readonly number[]): boolean {
  return numbers.every((number, i) => i === 0 || numbers[i - 1]! < number);
}
