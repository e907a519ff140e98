import { createCipheriv, createDecipheriv, randomBytes, timingSafeEqual } from 'node:crypto';
import { TridcommError } from '@tridcomm/core';
import { expand, rootKeyOf, type StateSecret } from './state-secret.ts';

/*
 * state file = header88 ‖ ciphertext ‖ tag16                                                        AES-256-GCM, the header is its AAD
 * header88   = "TDST" ‖ u8 1 ‖ u8 kdf ‖ u16 0 ‖ u32 length of the ciphertext ‖ salt16 ‖ check16 ‖ file_salt32 ‖ nonce12
 * kdf        = 1 scrypt (N 2^17, r 8, p 1) of a passphrase, 2 a key file
 * root32     = scrypt(passphrase, salt16), or HKDF(key32, salt16, "tridcomm authority key file")
 * check16    = HKDF(root32, salt16, "tridcomm authority state check"): tells a wrong secret from a damaged file
 * key        = HKDF(root32, file_salt32, "tridcomm authority state"), so that no two files share a key
 */

/** What a state file held, and what writes the next one under the same secret. */
export interface OpenedState {
  readonly vault: StateVault;
  readonly content: Uint8Array;
}

/**
 * Encrypts the state of an authority under one secret.
 */
export class StateVault {
  readonly #kdf: number;
  readonly #salt16: Uint8Array;
  readonly #rootKey32: Uint8Array;

  private constructor(kdf: number, salt16: Uint8Array, rootKey32: Uint8Array) {
    this.#kdf = kdf;
    this.#salt16 = salt16;
    this.#rootKey32 = rootKey32;
  }

  /** For a first state file. */
  static async create(secret: StateSecret): Promise<StateVault> {
    const salt16 = new Uint8Array(randomBytes(16));
    return new StateVault(kdfs[secret.kind], salt16, await rootKeyOf(secret, salt16));
  }

  /**
   * Decrypts a state file.
   *
   * @throws TridcommError `E_LENGTH`, `E_ENCODING`, `E_VERSION` for bytes that are no state file; `E_KEY` for another secret than the one that
   * it was written under, and `E_AEAD` for bytes that were changed since
   */
  static async open(secret: StateSecret, file: Uint8Array): Promise<OpenedState> {
    const kdf = checkForm(file);
    if (kdf !== kdfs[secret.kind]) {
      const wanted = kdf === kdfs.keyFile ? 'a key file' : 'a passphrase';
      throw new TridcommError('E_KEY', `the state is encrypted under ${wanted}`);
    }
    const salt16 = file.slice(saltAt, checkAt);
    const vault = new StateVault(kdf, salt16, await rootKeyOf(secret, salt16));
    if (!timingSafeEqual(vault.#check(), file.subarray(checkAt, fileSaltAt))) {
      const what = secret.kind === 'keyFile' ? 'key file' : 'passphrase';
      throw new TridcommError('E_KEY', `this ${what} does not open the state of the authority`);
    }
    return { vault, content: vault.#open(file) };
  }

  /** A state file; the caller's. */
  seal(content: Uint8Array): Uint8Array {
    const header = Buffer.alloc(headerBytes);
    header.write(magic, 0, 'latin1');
    header[4] = formatVersion;
    header[5] = this.#kdf;
    header.writeUInt32BE(content.length, lengthAt);
    header.set(this.#salt16, saltAt);
    header.set(this.#check(), checkAt);
    header.set(randomBytes(32 + 12), fileSaltAt);
    const cipher = createCipheriv('aes-256-gcm', this.#keyOf(header), header.subarray(nonceAt));
    cipher.setAAD(header);
    return new Uint8Array(Buffer.concat([header, cipher.update(content), cipher.final(), cipher.getAuthTag()]));
  }

  #open(file: Uint8Array): Uint8Array {
    const header = file.subarray(0, headerBytes);
    const decipher = createDecipheriv('aes-256-gcm', this.#keyOf(header), header.subarray(nonceAt));
    decipher.setAAD(header);
    decipher.setAuthTag(file.subarray(file.length - tagBytes));
    const plaintext = decipher.update(file.subarray(headerBytes, file.length - tagBytes));
    try {
      return new Uint8Array(Buffer.concat([plaintext, decipher.final()]));
    } catch (error) {
      throw new TridcommError('E_AEAD', 'state file of the authority is damaged', { cause: error });
    }
  }

  #check(): Uint8Array {
    return expand(this.#rootKey32, this.#salt16, 'tridcomm authority state check', 16);
  }

  #keyOf(header: Uint8Array): Uint8Array {
    return expand(this.#rootKey32, header.subarray(fileSaltAt, nonceAt), 'tridcomm authority state', 32);
  }
}

/** @returns the number of the key derivation */
function checkForm(file: Uint8Array): number {
  if (file.length < headerBytes + tagBytes) throw new TridcommError('E_LENGTH', `state file of ${file.length} bytes`);
  const header = Buffer.from(file.buffer, file.byteOffset, headerBytes);
  if (header.toString('latin1', 0, 4) !== magic) throw new TridcommError('E_ENCODING', 'not the magic of a state file');
  if (header[4] !== formatVersion) throw new TridcommError('E_VERSION', `state file of version ${header[4]}`);
  const kdf = header[5]!;
  if (kdf !== kdfs.passphrase && kdf !== kdfs.keyFile) {
    throw new TridcommError('E_ENCODING', `key derivation ${kdf} of a state file`);
  }
  if (header.readUInt16BE(6) !== 0) throw new TridcommError('E_ENCODING', 'bytes of a state file that must be 0');
  const length = header.readUInt32BE(lengthAt);
  if (file.length !== headerBytes + length + tagBytes) {
    throw new TridcommError('E_LENGTH', `state file of ${file.length} bytes with ${length} of content`);
  }
  return kdf;
}

const magic = 'TDST';
const formatVersion = 1;
const kdfs = { passphrase: 1, keyFile: 2 } as const;
const lengthAt = 8;
const saltAt = 12;
const checkAt = 28;
const fileSaltAt = 44;
const nonceAt = 76;
const headerBytes = 88;
const tagBytes = 16;
