/**
 * SHA-256 and HMAC on node:crypto.
 *
 * µs measured on Node 20.20 / 24.21:
 *
 * | input                | one-shot `hash` | `createHash` | HMAC of two `hash` | `createHmac` | noble HMAC |
 * | -------------------- | --------------- | ------------ | ------------------ | ------------ | ---------- |
 * | 64 bytes             | 0.8 / 1.0       | 1.3 / 1.4    | 1.8 / 1.9          | 2.2 / 15.6   | 4.6 / 3.5  |
 * | 1 KiB                | 1.2 / 1.5       | 1.8 / 1.9    | 2.6 / 2.5          | 2.8 / 13.3   | 11.7 / 7.4 |
 * | 16 KiB               | 9.7 / 10.2      | 10.0 / 10.6  | 12.1 / 11.6        | 12.3 / 23.2  | –          |
 *
 * Node 24 takes 10 µs to set up an Hmac object, so HMAC is built from hashes here, on both versions alike.
 */
import { createHash, hash } from 'node:crypto';
import { plainView } from './views.ts';

/** SHA-256 of the parts; 32 bytes, the caller's. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  return only !== undefined && parts.length === 1 ? oneShot(only) : hashBehind(0, parts);
}

/** HMAC-SHA-256 (RFC 2104) of the parts; 32 bytes, the caller's. */
export function hmacSha256(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const blockKey = key.length > blockBytes ? oneShot(key) : key;
  padInto(scratch, blockKey, 0x36);
  padInto(outerBlock, blockKey, 0x5c);
  outerBlock.set(hashBehind(blockBytes, parts), blockBytes);
  const mac = oneShot(outerBlock);
  outerBlock.fill(0);
  return mac;
}

/** The hash of the first `start` bytes of `scratch` and then the parts, joined there where they are short; wipes it. */
function hashBehind(start: number, parts: readonly Uint8Array[]): Uint8Array {
  let length = start;
  for (const part of parts) length += part.length;
  return length <= scratch.length ? hashJoined(start, parts) : hashEach(start, parts);
}

function hashJoined(start: number, parts: readonly Uint8Array[]): Uint8Array {
  let end = start;
  for (const part of parts) {
    scratch.set(part, end);
    end += part.length;
  }
  const digest = oneShot(scratch.subarray(0, end));
  scratch.fill(0, 0, end);
  return digest;
}

function hashEach(start: number, parts: readonly Uint8Array[]): Uint8Array {
  const state = createHash('sha256').update(scratch.subarray(0, start));
  scratch.fill(0, 0, start);
  for (const part of parts) state.update(part);
  return plainView(state.digest());
}

function padInto(block: Uint8Array, key: Uint8Array, pad: number): void {
  for (let i = 0; i < key.length; i++) block[i] = (key[i] ?? 0) ^ pad;
  block.fill(pad, key.length, blockBytes);
}

function oneShot(bytes: Uint8Array): Uint8Array {
  return plainView(hash('sha256', bytes, 'buffer'));
}

const blockBytes = 64;

/** Working memory of one call, which runs to its end before another begins; all zero between calls. */
const scratch = new Uint8Array(1_024);
const outerBlock = new Uint8Array(blockBytes + 32);
