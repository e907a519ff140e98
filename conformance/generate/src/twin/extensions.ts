/** Extensions of chapter 03. */
import { cat, number, u16, type Bytes } from './bytes.ts';
import { refuse } from './refusal.ts';

export interface Extension {
  number: number;
  critical: boolean;
  value: Bytes;
}

/** registries/extensions.json: criticality of the known numbers. */
const CRITICAL: ReadonlyMap<number, boolean> = new Map([
  [1, true],
  [2, true],
  [3, false],
  [4, true],
  [5, false],
  [6, false],
  [7, true],
  [8, false],
  [9, false],
  [10, true],
  [11, true],
  [12, true],
]);

export function encodeExtension(x: Extension): Bytes {
  return cat(u16(x.number + (x.critical ? 0x8000 : 0)), u16(x.value.length), x.value);
}

export function encodeExtensions(list: readonly Extension[]): Bytes {
  return cat(...list.map(encodeExtension));
}

/** A known extension with the criticality of the registry. */
export function known(number: number, value: Bytes): Extension {
  const critical = CRITICAL.get(number);
  if (critical === undefined) throw new Error(`extension ${number} is not known`);
  return { number, critical, value };
}

/** Where the values stand, for well-formed areas only. */
export function extensionSpans(area: Bytes): { number: number; start: number; length: number }[] {
  const spans: { number: number; start: number; length: number }[] = [];
  for (let at = 0; at < area.length;) {
    const type = Number(number(area.slice(at, at + 2)));
    const length = Number(number(area.slice(at + 2, at + 4)));
    spans.push({ number: type & 0x7fff, start: at + 4, length });
    at += 4 + length;
  }
  return spans;
}

const LIMIT: bigint = (1n << 53n) - 1n;

function fits(n: number, value: Bytes): boolean {
  switch (n) {
    case 1:
      return value.length === 38;
    case 2:
      return value.length >= 30 && Number(number(value.slice(28, 30))) === value.length - 30;
    case 3:
    case 6:
    case 11:
      return value.length === 32;
    case 4:
    case 8:
      return value.length === 8;
    case 9:
      return value.length >= 16 && value.length <= 128 && value.length % 16 === 0;
    case 12:
      return value.length >= 20 && value.length <= 1044;
    default:
      return value.length === 16; // 5, 7, 10
  }
}

/** Step 5: read from the front, in the order that the chapter gives within one extension. */
export function parseExtensions(area: Bytes, merkle: boolean, seq: bigint): Extension[] {
  const list: Extension[] = [];
  let last = 0;
  for (let at = 0; at < area.length;) {
    if (area.length - at < 4) refuse('E_EXT', 'overrun in type or len');
    const type = Number(number(area.slice(at, at + 2)));
    const length = Number(number(area.slice(at + 2, at + 4)));
    if (at + 4 + length > area.length) refuse('E_EXT', 'value overruns ext_len');
    const n = type & 0x7fff;
    const critical = type >= 0x8000;
    if (n <= last) refuse('E_EXT', 'order');
    last = n;
    if (list.length === 32) refuse('E_LIMIT', 'envelope.15');
    const value = area.slice(at + 4, at + 4 + length);
    const registered = CRITICAL.get(n);
    if (registered === undefined && critical) refuse('E_EXT', 'unknown critical');
    if (registered !== undefined) {
      if (registered !== critical) refuse('E_EXT', 'criticality');
      if (!fits(n, value)) refuse('E_EXT', 'length');
      if (n === 1 && !merkle) refuse('E_EXT', 'extension 1 outside a Merkle batch');
      if (n === 3 && seq === 1n) refuse('E_EXT', 'extension 3 in the first envelope');
      if ((n === 4 || n === 8) && number(value) > LIMIT) refuse('E_LIMIT', 'u64');
      if (n === 2 && number(value.slice(16, 24)) > LIMIT) refuse('E_LIMIT', 'u64');
    }
    list.push({ number: n, critical, value });
    at += 4 + length;
  }
  if (merkle && !list.some((x) => x.number === 1)) refuse('E_EXT', 'a Merkle batch without extension 1');
  return list;
}
