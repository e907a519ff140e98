import { TridcommError, type ErrorCode } from '@tridcomm/core';
import type { Address } from './address.ts';
import { webSocketRefusal } from './websocket-stream.ts';

/**
 * What an error of a connection means for who wanted it, and what to do about it.
 *
 * @param cause - as Node or the WebSocket library threw it
 */
export function dialError(address: Address, cause: Error): TridcommError {
  if (cause instanceof TridcommError) return cause;
  const [code, advice] = meaningOf(address, cause);
  return new TridcommError(code, `${address.text}: ${advice}`, { cause });
}

function meaningOf(address: Address, cause: Error): readonly [ErrorCode, string] {
  const system = 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
  const known = meanings[system];
  if (known !== undefined) return known;
  const refusal = webSocketRefusal(cause);
  if (refusal !== undefined) return [refusal, `the broker breaks the rules of WebSockets (${system})`];
  if (certificateCodes.has(system)) return ['E_BINDING', certificateAdvice[address.binding] ?? cause.message];
  if (system.startsWith('ERR_SSL_') || system === 'EPROTO') {
    return ['E_HANDSHAKE', `${tlsAdvice[address.binding] ?? 'this is no TLS'} (${system})`];
  }
  const status = /^Unexpected server response: (\d+)/.exec(cause.message)?.[1];
  if (status !== undefined) return ['E_TRANSPORT', `no WebSocket there, but status ${status}: check the path`];
  if (/subprotocol|Sec-WebSocket|upgrade/i.test(cause.message)) {
    return ['E_HANDSHAKE', 'a WebSocket that is not for tridcomm.v1: check port and path'];
  }
  return ['E_TRANSPORT', `the connection failed (${system === '' ? cause.message : system})`];
}

const meanings: Readonly<Record<string, readonly [ErrorCode, string] | undefined>> = {
  ECONNREFUSED: ['E_TRANSPORT', 'nothing listens there: start the broker, or check the address'],
  ENOENT: ['E_TRANSPORT', 'there is no such socket: start the broker, or check the path'],
  ENOTSOCK: ['E_TRANSPORT', 'that is no socket: check the path'],
  EACCES: ['E_TRANSPORT', 'the socket is not open to this user'],
  ENOTFOUND: ['E_TRANSPORT', 'no such host: check the name'],
  EAI_AGAIN: ['E_TRANSPORT', 'the name cannot be looked up now: check the network'],
  EHOSTUNREACH: ['E_TRANSPORT', 'no way leads to that host: check the network'],
  ENETUNREACH: ['E_TRANSPORT', 'no way leads to that network: check the network'],
  ETIMEDOUT: ['E_TRANSPORT', 'no answer: check the address, and what filters between'],
  ECONNRESET: ['E_TRANSPORT', 'the broker, or something between, broke the connection'],
  EPIPE: ['E_TRANSPORT', 'the broker, or something between, broke the connection'],
};

/** What OpenSSL says of a chain that does not lead to a CA that is trusted. */
const certificateCodes: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_SIGNATURE_FAILURE',
  'CERT_NOT_YET_VALID',
  'CERT_HAS_EXPIRED',
  'CERT_REVOKED',
  'CERT_UNTRUSTED',
  'CERT_REJECTED',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'PATH_LENGTH_EXCEEDED',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

const certificateAdvice: Readonly<Partial<Record<Address['binding'], string>>> = {
  'tcp-tls': 'the certificate is not one of the CA in tls.ca, or has expired: check both',
  websocket: 'the certificate is not one that this host may show: check the host name, and tls.ca for a CA of your own',
};

const tlsAdvice: Readonly<Partial<Record<Address['binding'], string>>> = {
  'tcp-tls': 'no TLS 1.3, or the broker does not take the certificate in tls.cert',
  websocket: 'no TLS there: check the port',
};
