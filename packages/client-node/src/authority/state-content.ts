import { TridcommError } from '@tridcomm/core';

/*
 * content = "TDSC" ‖ u32 1 ‖ fields in the order of writeContent: numbers are u64, bytes have a u32 length before them. What is not there
 * has no bytes.
 */

/** What the state file of an authority holds. Byte fields are the reader's. */
export interface StateContent {
  /** Of the authority itself: see `Authority.snapshot`. */
  readonly snapshot: Uint8Array;
  /** Number of the highest head that may have been handed to anybody; 0 where none was ever. Written before the head goes out. */
  readonly handedOutSeq: number;
  /** Number of the highest head that was in the archive when this was written. */
  readonly archivedSeq: number;
  /** Seed of the signing key of the service, which is a principal like others. */
  readonly serviceSeed32: Uint8Array;
  /** Of links in mode T; undefined until somebody asks for a certificate. */
  readonly certifier: CertifierState | undefined;
}

/** The certificate of a CA, and its private key. */
export interface CertifierState {
  /** DER. */
  readonly certificate: Uint8Array;
  /** PKCS #8, DER. */
  readonly privateKey: Uint8Array;
}

/** The caller's. */
export function writeContent(content: StateContent): Uint8Array {
  const { snapshot, handedOutSeq, archivedSeq, serviceSeed32, certifier } = content;
  return new Uint8Array(
    Buffer.concat([
      Buffer.from(magic, 'latin1'),
      u32(formatVersion),
      ...field(snapshot),
      u64(handedOutSeq),
      u64(archivedSeq),
      ...field(serviceSeed32),
      ...field(certifier?.certificate ?? nothing),
      ...field(certifier?.privateKey ?? nothing),
    ]),
  );
}

/**
 * Reads what {@link writeContent} wrote.
 *
 * @throws TridcommError `E_ENCODING`, `E_VERSION`, `E_LENGTH` for other bytes
 */
export function readContent(bytes: Uint8Array): StateContent {
  const from = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  const pass = (length: number): number => {
    if (length > from.length - at) throw new TridcommError('E_LENGTH', 'content of a state file ends early');
    at += length;
    return at - length;
  };
  const number = (): number => {
    const value = from.readBigUInt64BE(pass(8));
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new TridcommError('E_LIMIT', 'number of a state file');
    return Number(value);
  };
  const field = (): Uint8Array => {
    const length = from.readUInt32BE(pass(4));
    const start = pass(length);
    return new Uint8Array(from.subarray(start, start + length));
  };
  const magicAt = pass(8);
  if (from.toString('latin1', magicAt, 4) !== magic) throw new TridcommError('E_ENCODING', 'content of a state file');
  if (from.readUInt32BE(4) !== formatVersion) throw new TridcommError('E_VERSION', 'content of a state file');
  // The members of an object literal are evaluated in the order in which they stand.
  const content = {
    snapshot: field(),
    handedOutSeq: number(),
    archivedSeq: number(),
    serviceSeed32: field(),
  };
  const certifier = { certificate: field(), privateKey: field() };
  if (at !== from.length) throw new TridcommError('E_LENGTH', 'content of a state file with bytes left over');
  return { ...content, certifier: certifier.certificate.length === 0 ? undefined : certifier };
}

function field(bytes: Uint8Array): readonly Uint8Array[] {
  return [u32(bytes.length), bytes];
}

function u32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function u64(value: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

const magic = 'TDSC';
const formatVersion = 1;
const nothing = new Uint8Array(0);
