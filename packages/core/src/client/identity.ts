import { concat, copyOf, readU64, writeU64 } from '../bytes/bytes.ts';
import { keyAlgorithms } from '../codepoints/key-algorithms.gen.ts';
import { labels } from '../codepoints/labels.gen.ts';
import { limits } from '../codepoints/limits.gen.ts';
import { objectKinds } from '../codepoints/object-kinds.gen.ts';
import type { CryptoProvider, RandomSource } from '../crypto/provider.ts';
import { TridcommError } from '../errors.ts';
import { encodeKeyRecordBody } from '../keys/key-record.ts';
import { PrekeyStore } from '../keys/prekeys.ts';
import { encodeObject } from '../keys/signed-object.ts';
import { signingKeyOf, type SigningKey } from '../keys/signing-key.ts';

/** When a prekey came, and when the last record that names it ends; 0 while none does. */
interface PrekeyLife {
  readonly secretKey32: Uint8Array;
  readonly keyId32: Uint8Array;
  readonly createdMs: number;
  publishedUntilMs: number;
}

/**
 * The secret side of one principal: its signing key, and the prekeys that others seal enrolments and list entries to.
 *
 * A key record lasts 48 h; each names a prekey of its own, and after half of its life it is time for the next. A prekey is erased an hour
 * after the last record that names it has ended.
 */
export class Identity {
  readonly key: SigningKey;
  /** Shared by the groups of the member. */
  readonly prekeys: PrekeyStore;
  /** When the signing key came into being. */
  readonly createdMs: number;
  readonly #provider: CryptoProvider;
  readonly #random: RandomSource;
  readonly #seed32: Uint8Array;
  /** Oldest first. */
  #lives: PrekeyLife[] = [];
  #serial = 0;
  #recordEndsMs = 0;

  /**
   * An identity whose keys were made elsewhere.
   *
   * @param seed32 - of the signing key; copied
   * @param prekeySecrets - X25519, oldest first; copied
   */
  constructor(
    provider: CryptoProvider,
    random: RandomSource,
    seed32: Uint8Array,
    createdMs: number,
    prekeySecrets: readonly Uint8Array[] = [],
  ) {
    this.#provider = provider;
    this.#random = random;
    this.#seed32 = copyOf(seed32);
    this.key = signingKeyOf(provider, seed32);
    this.prekeys = new PrekeyStore(provider);
    this.createdMs = createdMs;
    for (const secret32 of prekeySecrets) this.#addPrekey(secret32, createdMs, 0);
  }

  /** A fresh signing key and a first prekey. */
  static create(provider: CryptoProvider, random: RandomSource, nowMs: number): Identity {
    return new Identity(provider, random, random(32), nowMs, [random(32)]);
  }

  /**
   * What {@link export} gave, as an identity again.
   *
   * @throws TridcommError `E_VERSION` for another format, `E_LENGTH` for bytes that are cut off
   */
  static restore(provider: CryptoProvider, random: RandomSource, exported: Uint8Array): Identity {
    if (exported.length < headBytes || (exported.length - headBytes) % lifeBytes !== 0) {
      throw new TridcommError('E_LENGTH', `identity of ${exported.length} bytes`);
    }
    if (exported[0] !== formatVersion) throw new TridcommError('E_VERSION', `identity format ${exported[0]}`);
    const identity = new Identity(provider, random, exported.subarray(1, 33), readU64(exported, 33));
    identity.#serial = readU64(exported, 41);
    identity.#recordEndsMs = readU64(exported, 49);
    for (let at = headBytes; at < exported.length; at += lifeBytes) {
      const secret32 = exported.subarray(at, at + 32);
      identity.#addPrekey(secret32, readU64(exported, at + 32), readU64(exported, at + 40));
    }
    return identity;
  }

  /** All of it, for a store: secrets in the clear; the caller's. */
  export(): Uint8Array {
    const head = new Uint8Array(headBytes);
    head[0] = formatVersion;
    head.set(this.#seed32, 1);
    writeU64(head, 33, this.createdMs);
    writeU64(head, 41, this.#serial);
    writeU64(head, 49, this.#recordEndsMs);
    const lives = this.#lives.map(({ secretKey32, createdMs, publishedUntilMs }) => {
      const bytes = new Uint8Array(lifeBytes);
      bytes.set(secretKey32);
      writeU64(bytes, 32, createdMs);
      writeU64(bytes, 40, publishedUntilMs);
      return bytes;
    });
    return concat(head, ...lives);
  }

  /** When the next key record is due; 0 before the first. */
  get nextRecordMs(): number {
    return this.#serial === 0 ? 0 : this.#recordEndsMs - limits.keyRecordMs / 2;
  }

  /** Whether it is time for the next key record: also where a clock that was ahead made the last one. */
  isRecordDue(nowMs: number): boolean {
    if (this.#serial === 0) return false;
    return nowMs >= this.nextRecordMs || nowMs < this.#recordEndsMs - limits.keyRecordMs - limits.skewMs;
  }

  /**
   * A new key record, signed; the caller's. It names the newest prekey, which is a fresh one where the newest was in a record before.
   *
   * @param principalSerial - of the principal record in force
   */
  keyRecord(authorityId32: Uint8Array, principalSerial: number, nowMs: number): Uint8Array {
    this.erase(nowMs);
    const newest = this.#lives.at(-1);
    const life = newest?.publishedUntilMs === 0 ? newest : this.#addPrekey(this.#random(32), nowMs, 0);
    // A clock as serial goes on rising when what counted was lost.
    this.#serial = Math.max(this.#serial + 1, nowMs);
    this.#recordEndsMs = nowMs + limits.keyRecordMs;
    life.publishedUntilMs = this.#recordEndsMs;
    // No record that counts by this clock ends later, whatever an earlier clock said.
    for (const one of this.#lives) one.publishedUntilMs = Math.min(one.publishedUntilMs, this.#recordEndsMs);
    const { publicKey } = this.prekeys.find(life.keyId32)!;
    const body = encodeKeyRecordBody({
      principalKeyId32: this.key.keyId32,
      principalSerial,
      serial: this.#serial,
      notBeforeMs: nowMs,
      notAfterMs: this.#recordEndsMs,
      prekeys: [{ alg: keyAlgorithms.x25519, publicKey32: publicKey }],
    });
    const signers = [{ label: labels.keyRecord, key: this.key }];
    return encodeObject(this.#provider, objectKinds.keyRecord, authorityId32, body, signers);
  }

  /**
   * Erases the prekeys whose time is over.
   *
   * @returns whether there were any
   * @spec principals.17, groups.12
   */
  erase(nowMs: number): boolean {
    const over = this.#lives.filter(
      ({ publishedUntilMs }) => publishedUntilMs !== 0 && nowMs > publishedUntilMs + graceMs,
    );
    for (const { keyId32, secretKey32 } of over) {
      this.prekeys.erase(keyId32);
      secretKey32.fill(0);
    }
    this.#lives = this.#lives.filter((life) => !over.includes(life));
    return over.length > 0;
  }

  #addPrekey(secret32: Uint8Array, createdMs: number, publishedUntilMs: number): PrekeyLife {
    const { keyId32 } = this.prekeys.add(secret32);
    const life = { secretKey32: copyOf(secret32), keyId32: copyOf(keyId32), createdMs, publishedUntilMs };
    this.#lives.push(life);
    return life;
  }
}

/** A block or enrolment may be on its way when the record that it was made from ends. */
const graceMs = 3_600_000;
const formatVersion = 1;
/** Version, seed, creation, serial, end of the record. */
const headBytes = 1 + 32 + 3 * 8;
/** Secret, creation, end of publication. */
const lifeBytes = 32 + 2 * 8;
