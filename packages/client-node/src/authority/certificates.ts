// oxlint-disable-next-line typescript/triple-slash-reference -- an import would be published, and the names with it
/// <reference path="./webcrypto-names.d.ts" />
// oxlint-disable-next-line import/no-unassigned-import -- the library finds its algorithms by what this adds to Reflect
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import { TridcommError } from '@tridcomm/core';
import { hexOf, limits } from '@tridcomm/core/internal';
import type { CertifierState } from './state-content.ts';

/** What a certificate says. */
export interface CertificateFields {
  /** Of the principal that opens links with it. */
  readonly keyId32: Uint8Array;
  /** SubjectPublicKeyInfo, DER: ECDSA on P-256. */
  readonly publicKey: Uint8Array;
  /** A broker takes links, everybody else opens them. */
  readonly isBroker: boolean;
  /** Of a broker, host names and addresses that it is reached at. */
  readonly names?: readonly string[];
  /** Default, and most: 30 days from now. */
  readonly notAfterMs?: number;
}

/** What one end of a link in mode T needs; PEM. */
export interface TlsCredentials {
  readonly ca: string;
  readonly certificate: string;
  readonly privateKey: string;
}

/**
 * A CA for the links of one authority. It says which TLS key goes with which principal, and nothing else: what a principal may do is said by the
 * authority, and a link is open only when the principal's own key has signed.
 */
export async function createCertifier(authorityId32: Uint8Array, nowMs: number): Promise<CertifierState> {
  useWebCrypto();
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: `CN=tridcomm links ${hexOf(authorityId32.subarray(0, 8))}`,
    notBefore: new Date(nowMs - limits.skewMs),
    notAfter: new Date(nowMs + certifierLifeMs),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const privateKey = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { certificate: new Uint8Array(certificate.rawData), privateKey: new Uint8Array(privateKey) };
}

/**
 * A certificate for the TLS key of a principal; PEM.
 *
 * @throws TridcommError `E_KEY` for a public key that is not one of P-256; `E_USAGE` for names that are none, or of who is no broker, and for a
 * time that has passed or is too far
 * @spec link.14, link.15
 */
export async function certify(certifier: CertifierState, fields: CertificateFields, nowMs: number): Promise<string> {
  useWebCrypto();
  const { keyId32, isBroker, names = [], notAfterMs = nowMs + certificateLifeMs } = fields;
  if (!(Number.isSafeInteger(notAfterMs) && notAfterMs > nowMs && notAfterMs <= nowMs + certificateLifeMs)) {
    throw new TridcommError('E_USAGE', `certificate until ${notAfterMs}`);
  }
  if (!isBroker && names.length > 0) throw new TridcommError('E_USAGE', 'names in the certificate of who is no broker');
  if (names.length > mostNames) throw new TridcommError('E_USAGE', `${names.length} names in a certificate`);
  const publicKey = await subjectKey(fields.publicKey);
  const ca = new x509.X509Certificate(certifier.certificate);
  const signingKey = await webcrypto.subtle.importKey('pkcs8', certifier.privateKey, algorithm, false, ['sign']);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: `CN=${hexOf(keyId32)}`,
    issuer: ca.subject,
    notBefore: new Date(nowMs - limits.skewMs),
    notAfter: new Date(notAfterMs),
    signingAlgorithm: algorithm,
    publicKey,
    signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage[isBroker ? 'serverAuth' : 'clientAuth']]),
      new x509.SubjectAlternativeNameExtension([
        { type: 'url', value: `tdc:${hexOf(keyId32)}` },
        ...names.map((name): x509.JsonGeneralName => ({ type: typeOfName(name), value: name })),
      ]),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(ca.publicKey),
    ],
  });
  return certificate.toString('pem');
}

/** The certificate of the CA; PEM. */
export function certificateOf(certifier: CertifierState): string {
  return new x509.X509Certificate(certifier.certificate).toString('pem');
}

/** A fresh TLS key with a certificate, for a principal that is in this process. @throws as {@link certify} */
export async function drawCredentials(
  certifier: CertifierState,
  fields: Omit<CertificateFields, 'publicKey'>,
  nowMs: number,
): Promise<TlsCredentials> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const publicKey = new Uint8Array(await webcrypto.subtle.exportKey('spki', keys.publicKey));
  const privateKey = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return {
    ca: certificateOf(certifier),
    certificate: await certify(certifier, { ...fields, publicKey }, nowMs),
    privateKey: x509.PemConverter.encode(privateKey, x509.PemConverter.PrivateKeyTag),
  };
}

async function subjectKey(publicKey: Uint8Array): Promise<CryptoKey> {
  try {
    return await webcrypto.subtle.importKey('spki', publicKey, algorithm, true, ['verify']);
  } catch (error) {
    throw new TridcommError('E_KEY', 'public key of a certificate: not ECDSA on P-256', { cause: error });
  }
}

function typeOfName(name: string): 'dns' | 'ip' {
  if (isIP(name) !== 0) return 'ip';
  const labels = name.split('.');
  if (name.length > 253 || !labels.every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i.test(label))) {
    throw new TridcommError('E_USAGE', 'name in a certificate: neither a host name nor an address');
  }
  return 'dns';
}

/** 16 random bytes, of which the first bit is 0 and the next 1: a positive number of one length. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x3f) | 0x40;
  return bytes.toString('hex');
}

function useWebCrypto(): void {
  x509.cryptoProvider.set(webcrypto as Crypto);
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const certificateLifeMs = limits.principalRecordMs;
const certifierLifeMs = 3_650 * 86_400_000;
const mostNames = 16;
