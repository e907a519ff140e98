// The library finds its algorithms by what this adds to Reflect, so it comes first.
// oxlint-disable-next-line import/no-unassigned-import
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { webcrypto } from 'node:crypto';

/** What a certificate of a test says; what is left out is as it should be. */
export interface CertificateFields {
  readonly uris: readonly string[];
  readonly dns?: readonly string[];
  readonly notBeforeMs?: number;
  readonly notAfterMs?: number;
  readonly usages?: readonly string[];
}

export interface Credentials {
  readonly ca: string;
  readonly certificate: string;
  readonly privateKey: string;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
export const clientAuth = x509.ExtendedKeyUsage.clientAuth;
export const serverAuth = x509.ExtendedKeyUsage.serverAuth;

/** A CA that lives as long as the test. */
export class TestCa {
  readonly certificate: x509.X509Certificate;
  readonly #keys: CryptoKeyPair;

  private constructor(certificate: x509.X509Certificate, keys: CryptoKeyPair) {
    this.certificate = certificate;
    this.#keys = keys;
  }

  static async create(name = 'test CA'): Promise<TestCa> {
    x509.cryptoProvider.set(webcrypto as Crypto);
    const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      serialNumber: '01',
      name: `CN=${name}`,
      notBefore: new Date(Date.now() - dayMs),
      notAfter: new Date(Date.now() + dayMs),
      signingAlgorithm: algorithm,
      keys,
      extensions: [new x509.BasicConstraintsExtension(true, 0, true)],
    });
    return new TestCa(certificate, keys);
  }

  get pem(): string {
    return this.certificate.toString('pem');
  }

  async issue(fields: CertificateFields): Promise<Credentials> {
    const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const names: x509.JsonGeneralNames = [
      ...fields.uris.map((value) => ({ type: 'url' as const, value })),
      ...(fields.dns ?? []).map((value) => ({ type: 'dns' as const, value })),
    ];
    const usages = fields.usages ?? [clientAuth];
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: `4${Math.floor(Math.random() * 1e9)}`.padEnd(12, '0'),
      subject: 'CN=leaf',
      issuer: this.certificate.subject,
      notBefore: new Date(fields.notBeforeMs ?? Date.now() - 60_000),
      notAfter: new Date(fields.notAfterMs ?? Date.now() + dayMs),
      signingAlgorithm: algorithm,
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        ...(usages.length > 0 ? [new x509.ExtendedKeyUsageExtension([...usages])] : []),
        ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
      ],
    });
    const privateKey = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
    return {
      ca: this.pem,
      certificate: certificate.toString('pem'),
      privateKey: x509.PemConverter.encode(privateKey, x509.PemConverter.PrivateKeyTag),
    };
  }
}

const dayMs = 86_400_000;
