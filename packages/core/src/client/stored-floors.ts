import { concat, copyOf, equalBytes, readU64, writeU64 } from '../bytes/bytes.ts';
import { TridcommError } from '../errors.ts';
import type { HeadFloor, SerialFloor } from '../keys/trust.ts';
import { bytesOfHex, hexOf } from './hex.ts';
import type { ClientStore } from './store.ts';

/** Binds a store to one principal of one authority. @throws TridcommError `E_USAGE` for the store of another */
export function bindStore(store: ClientStore, authorityId32: Uint8Array, keyId32: Uint8Array): void {
  const owner = concat(authorityId32, keyId32);
  const stored = store.get('owner');
  if (stored === undefined) store.put('owner', owner);
  else if (!equalBytes(stored, owner)) throw new TridcommError('E_USAGE', 'store of another principal or authority');
}

/** The highest head of an earlier life. */
export function storedHead(store: ClientStore | undefined): HeadFloor | undefined {
  const stored = store?.get('head');
  return stored && { headSeq: readU64(stored, 0), headHash32: copyOf(stored, 8) };
}

/** @spec principals.28 */
export function storeHead(store: ClientStore | undefined, { headSeq, headHash32 }: HeadFloor): void {
  store?.put('head', numberAndHash(headSeq, headHash32));
}

/** Serials of an earlier life. */
export function* storedSerials(store: ClientStore | undefined): Generator<SerialFloor, void, undefined> {
  for (const [name, value] of store?.entries(serialPrefix) ?? []) {
    const [of, keyId] = name.slice(serialPrefix.length).split('/') as [SerialFloor['of'], string];
    yield { of, keyId32: bytesOfHex(keyId), serial: readU64(value, 0), hash32: copyOf(value, 8) };
  }
}

/** @spec principals.10 */
export function storeSerial(store: ClientStore | undefined, { of, keyId32, serial, hash32 }: SerialFloor): void {
  store?.put(`${serialPrefix}${of}/${hexOf(keyId32)}`, numberAndHash(serial, hash32));
}

/** A few numbers that stand under one name; zeros where nothing does. */
export function storedNumbers(store: ClientStore | undefined, name: string, count: number): number[] {
  const stored = store?.get(name);
  return Array.from({ length: count }, (_, i) => (stored === undefined ? 0 : readU64(stored, 8 * i)));
}

/** The opposite of {@link storedNumbers}. */
export function storeNumbers(store: ClientStore | undefined, name: string, ...numbers: readonly number[]): void {
  const value = new Uint8Array(8 * numbers.length);
  for (const [i, number] of numbers.entries()) writeU64(value, 8 * i, number);
  store?.put(name, value);
}

function numberAndHash(number: number, hash32: Uint8Array): Uint8Array {
  const value = new Uint8Array(40);
  writeU64(value, 0, number);
  value.set(hash32, 8);
  return value;
}

const serialPrefix = 'serial/';
