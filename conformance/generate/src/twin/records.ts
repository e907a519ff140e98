/** Framed records and Padmé, chapter 03. */
import { cat, u8, zeros, type Bytes } from './bytes.ts';
import { refuse } from './refusal.ts';
import { encodeVarint, readVarint } from './varint.ts';

/** One message inside an envelope; `timestamp` is its own time. */
export interface Message {
  timestamp: bigint;
  payload: Bytes;
}

/** The position of the highest bit: floor(log2 n) for n >= 1. */
function log2(n: bigint): bigint {
  return BigInt(n.toString(2).length - 1);
}

export function padme(length: number): number {
  if (length <= 1) return length;
  const l = BigInt(length);
  const e = log2(l);
  const step = 1n << (e - (log2(e) + 1n));
  return Number(((l + step - 1n) / step) * step);
}

export function frameRecord(message: Message, timestamp: bigint): Bytes {
  const age = timestamp - message.timestamp;
  return cat(u8(0), encodeVarint(age), encodeVarint(BigInt(message.payload.length)), message.payload);
}

export function frameRecords(messages: readonly Message[], timestamp: bigint, padded: boolean): Bytes {
  const framed = cat(...messages.map((m) => frameRecord(m, timestamp)));
  return padded ? cat(framed, zeros(padme(framed.length) - framed.length)) : framed;
}

/** envelope.19, envelope.20 */
export function parseRecords(bytes: Bytes, count: number, timestamp: bigint, padded: boolean): Message[] {
  const messages: Message[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at >= bytes.length) refuse('E_ENCODING', 'fewer records than expected');
    if (bytes[at] !== 0) refuse('E_ENCODING', 'rflags');
    const age = readVarint(bytes, at + 1);
    const length = readVarint(bytes, age.next);
    if (length.value > BigInt(bytes.length - length.next)) refuse('E_ENCODING', 'len beyond the end');
    if (age.value > timestamp) refuse('E_ENCODING', 'age above timestamp');
    at = length.next + Number(length.value);
    messages.push({ timestamp: timestamp - age.value, payload: bytes.slice(length.next, at) });
  }
  const rest = bytes.slice(at);
  if (rest.length > 0 && !(padded && rest.every((b) => b === 0))) refuse('E_ENCODING', 'envelope.20');
  return messages;
}
