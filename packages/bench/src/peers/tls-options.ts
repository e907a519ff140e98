import { readFileSync } from 'node:fs';
import type { ConnectionOptions, TlsOptions } from 'node:tls';
import type { TlsPaths } from './peer.ts';

/** For a server that asks everybody for a certificate. */
export function serverOptions(paths: TlsPaths): TlsOptions {
  return { ...filesOf(paths), minVersion: 'TLSv1.3', requestCert: true, rejectUnauthorized: true };
}

export function clientOptions(paths: TlsPaths): ConnectionOptions {
  return { ...filesOf(paths), minVersion: 'TLSv1.3', servername: 'localhost' };
}

function filesOf({ ca, certificate, privateKey }: TlsPaths): Pick<TlsOptions, 'ca' | 'cert' | 'key'> {
  return { ca: readFileSync(ca), cert: readFileSync(certificate), key: readFileSync(privateKey) };
}
