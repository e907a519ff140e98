import { ascii, concat, copyOf, equalBytes, readU32, readU64, writeU32, writeU64 } from '../bytes/bytes.ts';
import { TridcommError } from '../errors.ts';
import type { RouteSecret } from '../keys/compile-policy.ts';
import { decodeUtf8, encodeUtf8 } from '../topics/utf8.ts';
import type { Revocation } from './revocations.ts';

/*
 * snapshot = "TDAS" ‖ u32 3 ‖ fields in the order of writeSnapshot; numbers are u64, bytes and texts have a u32 length before them,
 * lists a u32 count. A format of this implementation alone.
 */

/** What an authority has to remember. Byte fields are the reader's. */
export interface AuthorityMemory {
  readonly authorityId32: Uint8Array;
  readonly rootSeed32: Uint8Array;
  readonly controllerSeed32: Uint8Array;
  readonly issuerSeed32: Uint8Array;
  readonly headSeq: number;
  readonly headHash32: Uint8Array;
  readonly policyVersion: number;
  readonly policyHash32: Uint8Array;
  /** Authority records, the first one first. */
  readonly chain: readonly Uint8Array[];
  readonly principals: readonly { readonly record: Uint8Array; readonly lastRecordEndsMs: number }[];
  readonly keyRecords: readonly Uint8Array[];
  /** Key ids that were ended for good. */
  readonly ended: readonly Uint8Array[];
  readonly revocations: readonly Revocation[];
  readonly grants: readonly GrantMemory[];
  readonly groups: readonly GroupMemory[];
}

/** A grant in a snapshot. */
export interface GrantMemory {
  readonly keyId32: Uint8Array;
  readonly action: number;
  readonly pattern: string;
  readonly notAfterMs: number;
}

/**
 * A group in a snapshot. Without its tree: a restored group begins a new generation in any case, and what is not written cannot be
 * stolen.
 */
export interface GroupMemory {
  readonly record: Uint8Array;
  readonly patterns: readonly string[];
  readonly psk32: Uint8Array | undefined;
  readonly leastHeight: number;
  readonly generation: number;
  readonly epoch: number;
  readonly blockHash32: Uint8Array;
  readonly routeSecrets: readonly RouteSecret[];
}

/** The bytes of a snapshot, secrets in the clear; the caller's. */
export function writeSnapshot(memory: AuthorityMemory): Uint8Array {
  const to = new SnapshotWriter();
  to.bytes(memory.authorityId32);
  to.bytes(memory.rootSeed32);
  to.bytes(memory.controllerSeed32);
  to.bytes(memory.issuerSeed32);
  to.number(memory.headSeq);
  to.bytes(memory.headHash32);
  to.number(memory.policyVersion);
  to.bytes(memory.policyHash32);
  to.list(memory.chain, (record) => to.bytes(record));
  to.list(memory.principals, ({ record, lastRecordEndsMs }) => {
    to.bytes(record);
    to.number(lastRecordEndsMs);
  });
  to.list(memory.keyRecords, (record) => to.bytes(record));
  to.list(memory.ended, (keyId32) => to.bytes(keyId32));
  to.list(memory.revocations, ({ keyId32, minSerial, neededUntilMs }) => {
    to.bytes(keyId32);
    to.number(minSerial);
    to.number(neededUntilMs);
  });
  to.list(memory.grants, ({ keyId32, action, pattern, notAfterMs }) => {
    to.bytes(keyId32);
    to.number(action);
    to.text(pattern);
    to.number(notAfterMs);
  });
  to.list(memory.groups, (group) => {
    to.bytes(group.record);
    to.list(group.patterns, (pattern) => to.text(pattern));
    to.list(group.psk32 === undefined ? [] : [group.psk32], (psk32) => to.bytes(psk32));
    to.number(group.leastHeight);
    to.number(group.generation);
    to.number(group.epoch);
    to.bytes(group.blockHash32);
    to.list(group.routeSecrets, ({ fromPeriod, secret32 }) => {
      to.number(fromPeriod);
      to.bytes(secret32);
    });
  });
  return to.finish();
}

/**
 * Reads what {@link writeSnapshot} wrote.
 *
 * @throws TridcommError `E_VERSION` for another format, `E_ENCODING` for other bytes, `E_LENGTH` for bytes that are cut off or left over
 */
export function readSnapshot(snapshot: Uint8Array): AuthorityMemory {
  const from = new SnapshotReader(snapshot);
  // The members of an object literal are evaluated in the order in which they stand.
  const memory: AuthorityMemory = {
    authorityId32: from.bytes(),
    rootSeed32: from.bytes(),
    controllerSeed32: from.bytes(),
    issuerSeed32: from.bytes(),
    headSeq: from.number(),
    headHash32: from.bytes(),
    policyVersion: from.number(),
    policyHash32: from.bytes(),
    chain: from.list(() => from.bytes()),
    principals: from.list(() => ({ record: from.bytes(), lastRecordEndsMs: from.number() })),
    keyRecords: from.list(() => from.bytes()),
    ended: from.list(() => from.bytes()),
    revocations: from.list(() => ({ keyId32: from.bytes(), minSerial: from.number(), neededUntilMs: from.number() })),
    grants: from.list(() => ({
      keyId32: from.bytes(),
      action: from.number(),
      pattern: from.text(),
      notAfterMs: from.number(),
    })),
    groups: from.list(() => ({
      record: from.bytes(),
      patterns: from.list(() => from.text()),
      psk32: from.list(() => from.bytes())[0],
      leastHeight: from.number(),
      generation: from.number(),
      epoch: from.number(),
      blockHash32: from.bytes(),
      routeSecrets: from.list(() => ({ fromPeriod: from.number(), secret32: from.bytes() })),
    })),
  };
  from.end();
  return memory;
}

class SnapshotWriter {
  readonly #parts: Uint8Array[] = [magic, wordOf(formatVersion)];

  number(value: number): void {
    const bytes = new Uint8Array(8);
    writeU64(bytes, 0, value);
    this.#parts.push(bytes);
  }

  bytes(value: Uint8Array): void {
    this.#parts.push(wordOf(value.length), value);
  }

  text(value: string): void {
    this.bytes(encodeUtf8(value));
  }

  list<T>(values: readonly T[], write: (value: T) => void): void {
    this.#parts.push(wordOf(values.length));
    for (const value of values) write(value);
  }

  finish(): Uint8Array {
    return concat(...this.#parts);
  }
}

class SnapshotReader {
  readonly #bytes: Uint8Array;
  #offset = 8;

  constructor(bytes: Uint8Array) {
    if (bytes.length < 8) throw new TridcommError('E_LENGTH', `snapshot of ${bytes.length} bytes`);
    if (!equalBytes(bytes.subarray(0, 4), magic)) throw new TridcommError('E_ENCODING', 'not the magic of a snapshot');
    if (readU32(bytes, 4) !== formatVersion)
      throw new TridcommError('E_VERSION', `snapshot version ${readU32(bytes, 4)}`);
    this.#bytes = bytes;
  }

  number(): number {
    const at = this.#pass(8);
    return readU64(this.#bytes, at);
  }

  bytes(): Uint8Array {
    const length = this.#word();
    const at = this.#pass(length);
    return copyOf(this.#bytes, at, at + length);
  }

  text(): string {
    const text = decodeUtf8(this.bytes());
    if (text === undefined) throw new TridcommError('E_ENCODING', 'text of a snapshot');
    return text;
  }

  list<T>(read: () => T): T[] {
    const values: T[] = [];
    for (let rest = this.#word(); rest > 0; rest--) values.push(read());
    return values;
  }

  end(): void {
    if (this.#offset !== this.#bytes.length) throw new TridcommError('E_LENGTH', 'snapshot with bytes left over');
  }

  #word(): number {
    const at = this.#pass(4);
    return readU32(this.#bytes, at);
  }

  /** Moves on; returns where it was. */
  #pass(length: number): number {
    const at = this.#offset;
    if (length > this.#bytes.length - at) throw new TridcommError('E_LENGTH', 'snapshot ends early');
    this.#offset = at + length;
    return at;
  }
}

function wordOf(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  writeU32(bytes, 0, value);
  return bytes;
}

const magic = ascii('TDAS');
const formatVersion = 3;
