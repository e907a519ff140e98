import { TridcommError } from '@tridcomm/core';
import type { Settled } from './effect-memory.ts';

/*
 * content = items, one behind the other:
 *
 *   u8 1 ‖ name64 ‖ body_hash32 ‖ u64 settled ‖ u64 deadline ‖ u32 length ‖ result      a work that was done
 *   u8 2 ‖ u16 length ‖ name ‖ u32 length ‖ value                                        a value
 *   u8 3 ‖ u16 length ‖ name                                                             a value that is gone
 *   u8 4 ‖ u64 deadline                                                                  the highest deadline that was forgotten
 *
 * name64 is requester_key_id32 ‖ front_id16 ‖ key16. All numbers are big-endian.
 */

/** What a record says, one thing at a time. */
export type EffectItem =
  | { readonly kind: 'settled'; readonly settled: Settled }
  | { readonly kind: 'value'; readonly name: string; readonly value: Uint8Array | undefined }
  | { readonly kind: 'forgotten'; readonly deadlineMs: number };

/** The bytes of an item, as parts that belong to nobody else. */
export function encodeItem(item: EffectItem): Uint8Array[] {
  if (item.kind === 'settled') {
    const { name, bodyHash32, settledMs, deadlineMs, result } = item.settled;
    const head = Buffer.alloc(settledHeadBytes);
    head[0] = kinds.settled;
    head.write(name, 1, 'latin1');
    head.set(bodyHash32, 65);
    head.writeBigUInt64BE(BigInt(settledMs), 97);
    head.writeBigUInt64BE(BigInt(deadlineMs), 105);
    head.writeUInt32BE(result.length, 113);
    return [head, result];
  }
  if (item.kind === 'forgotten') {
    const bytes = Buffer.alloc(9);
    bytes[0] = kinds.forgotten;
    bytes.writeBigUInt64BE(BigInt(item.deadlineMs), 1);
    return [bytes];
  }
  const { value } = item;
  const name = Buffer.from(item.name, 'utf8');
  const head = Buffer.alloc(3);
  head[0] = value === undefined ? kinds.noValue : kinds.value;
  head.writeUInt16BE(name.length, 1);
  if (value === undefined) return [head, name];
  const length = Buffer.alloc(4);
  length.writeUInt32BE(value.length);
  return [head, name, length, value];
}

/**
 * Reads the items of a record whose checksum is right.
 *
 * @returns copies
 * @throws TridcommError `E_VERSION` for what is of another form: it was written like this, by another version of this program
 */
export function* decodeItems(content: Buffer): Generator<EffectItem, void, undefined> {
  let at = 0;
  const take = (length: number): Buffer => {
    if (length > content.length - at) throw otherForm();
    at += length;
    return content.subarray(at - length, at);
  };
  while (at < content.length) {
    const [kind] = take(1);
    if (kind === kinds.settled) yield { kind: 'settled', settled: decodeSettled(take) };
    else if (kind === kinds.forgotten) yield { kind: 'forgotten', deadlineMs: Number(take(8).readBigUInt64BE()) };
    else if (kind === kinds.value || kind === kinds.noValue) {
      const name = take(take(2).readUInt16BE()).toString('utf8');
      const value = kind === kinds.value ? Uint8Array.from(take(take(4).readUInt32BE())) : undefined;
      yield { kind: 'value', name, value };
    } else throw otherForm();
  }
}

function decodeSettled(take: (length: number) => Buffer): Settled {
  const head = take(settledHeadBytes - 1);
  return {
    name: head.toString('latin1', 0, 64),
    bodyHash32: Uint8Array.from(head.subarray(64, 96)),
    settledMs: Number(head.readBigUInt64BE(96)),
    deadlineMs: Number(head.readBigUInt64BE(104)),
    result: Uint8Array.from(take(head.readUInt32BE(112))),
  };
}

function otherForm(): TridcommError {
  return new TridcommError('E_VERSION', 'effects of another form');
}

const kinds = { settled: 1, value: 2, noValue: 3, forgotten: 4 } as const;
const settledHeadBytes = 117;
