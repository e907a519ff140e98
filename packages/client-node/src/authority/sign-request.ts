import { createHmac, timingSafeEqual } from 'node:crypto';
import { readProposal, TridcommError, type CryptoProvider, type ReadProposal } from '@tridcomm/core';

/*
 * request = "tdreq1." ‖ base64url( authority_id32 ‖ body ‖ mac32 )                       mac32 = HMAC(key of the authority, all before it)
 *
 * The subject checks body and authority and has no use for the mac; the authority, which gets the request back from the subject, knows by it
 * that it says what it said.
 */

/** What somebody is asked to sign. */
export interface SignRequest extends ReadProposal {
  readonly authorityId32: Uint8Array;
}

/**
 * Reads what an authority asks a principal to sign, for the principal: it looks at the name, its own key and the authority in it, signs
 * `signInput`, and sends the 64 bytes back. Who sent the request need not be believed: all follows from what it says.
 *
 * @throws TridcommError `E_ENCODING`, `E_LENGTH`, `E_LIMIT`, `E_KEY` for what is no such request
 */
export function readSignRequest(provider: CryptoProvider, text: string): SignRequest {
  const { authorityId32, body } = split(text);
  return { authorityId32, ...readProposal(provider, authorityId32, body) };
}

/** A request as text, on one line. */
export function writeSignRequest(authorityId32: Uint8Array, body: Uint8Array, key32: Uint8Array): string {
  const said = Buffer.concat([authorityId32, body]);
  return prefix + Buffer.concat([said, macOf(key32, said)]).toString('base64url');
}

/**
 * The body of a request that this authority made.
 *
 * @throws TridcommError `E_ENCODING`, `E_LENGTH` for what is no request; `E_BINDING` for one of another authority, `E_SIG` for one that was
 * changed, or made under another key
 */
export function bodyOfRequest(text: string, authorityId32: Uint8Array, key32: Uint8Array): Uint8Array {
  const found = split(text);
  if (Buffer.compare(found.authorityId32, authorityId32) !== 0) {
    throw new TridcommError('E_BINDING', 'request of another authority');
  }
  if (!timingSafeEqual(macOf(key32, found.said), found.mac32)) {
    throw new TridcommError('E_SIG', 'request that was changed, or made before the authority was started anew');
  }
  return found.body;
}

function split(text: string): Record<'said' | 'authorityId32' | 'body' | 'mac32', Uint8Array> {
  const encoded = text.trim();
  if (!encoded.startsWith(prefix) || !/^[A-Za-z0-9_-]+$/.test(encoded.slice(prefix.length))) {
    throw new TridcommError('E_ENCODING', `no request to sign: it begins with ${prefix}`);
  }
  if (encoded.length > mostCharacters) throw new TridcommError('E_LIMIT', 'request to sign');
  const bytes = new Uint8Array(Buffer.from(encoded.slice(prefix.length), 'base64url'));
  if (bytes.length < 32 + 1 + 32) throw new TridcommError('E_LENGTH', `request of ${bytes.length} bytes`);
  const said = bytes.subarray(0, -32);
  return { said, authorityId32: said.subarray(0, 32), body: said.subarray(32), mac32: bytes.subarray(-32) };
}

function macOf(key32: Uint8Array, said: Uint8Array): Uint8Array {
  return createHmac('sha256', key32).update('tridcomm request to sign\0').update(said).digest();
}

const prefix = 'tdreq1.';
const mostCharacters = 16_384;
