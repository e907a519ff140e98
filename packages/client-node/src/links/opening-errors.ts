import { TridcommError, type ErrorCode } from '@tridcomm/core';
import type { Address } from './address.ts';

/** What a refusal on a connection that was there means for who wanted a link on it, and what to do about it. */
export function openingError(address: Address, error: unknown): unknown {
  if (!(error instanceof TridcommError)) return error;
  const advice = advices[error.code];
  // What the connection itself threw says so already.
  if (advice === undefined || error.message.includes(address.text)) return error;
  const more = error.code === 'E_HANDSHAKE' && address.binding === 'tcp-tls' ? tlsAdvice : '';
  return new TridcommError(error.code, `${address.text}: ${detailOf(error)}${advice}${more}`, { cause: error });
}

/** What stands in brackets behind the registry's sentence. */
function detailOf({ message }: TridcommError): string {
  const detail = /\((.*)\)$/s.exec(message)?.[1];
  return detail === undefined ? '' : `${detail}; `;
}

const tlsAdvice = ', and that it takes the certificate in tls.cert';
const noTridcomm = 'what answers there speaks something else: check scheme and port';
const otherAuthority =
  'the broker there is not one of this authority, or has not heard of it yet: check the address and the authority id';

const advices: Readonly<Partial<Record<ErrorCode, string>>> = {
  E_HANDSHAKE:
    'a broker does not say why it refuses, its log does: check that this identity is enrolled with the authority that the broker serves, and that address and brokerName are its own',
  E_BINDING: 'the certificate there is not that of the broker: check the address',
  E_ENCODING: noTridcomm,
  E_LENGTH: noTridcomm,
  E_LIMIT: noTridcomm,
  E_VERSION: 'the broker speaks no version that this program does: update the older of the two',
  E_EXPIRED: 'the record of the broker has ended, or this machine has the wrong time',
  E_FUTURE: 'the record of the broker has not begun, or this machine has the wrong time',
  E_REVOKED: 'the authority has revoked that broker: connect to another one',
  E_SIG: otherAuthority,
  E_KEY: otherAuthority,
  E_SENDER: otherAuthority,
  E_EPOCH: otherAuthority,
};
