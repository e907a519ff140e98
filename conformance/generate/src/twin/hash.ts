/** H, HMAC, HKDF of chapter 00 and XP of chapter 06. */
import { createHash, createHmac } from 'node:crypto';
import { cat, text, u16, u8, vec8, type Bytes } from './bytes.ts';
import { refuse } from './refusal.ts';

export function H(...parts: Bytes[]): Bytes {
  return new Uint8Array(
    createHash('sha256')
      .update(cat(...parts))
      .digest(),
  );
}

export function sha512(...parts: Bytes[]): Bytes {
  return new Uint8Array(
    createHash('sha512')
      .update(cat(...parts))
      .digest(),
  );
}

export function hmac(key: Bytes, message: Bytes): Bytes {
  return new Uint8Array(createHmac('sha256', key).update(message).digest());
}

/** RFC 5869 §2.2. */
export function hkdfExtract(salt: Bytes, ikm: Bytes): Bytes {
  return hmac(salt, ikm);
}

/** RFC 5869 §2.3. */
export function hkdfExpand(prk: Bytes, info: Bytes, length: number): Bytes {
  let out: Bytes = new Uint8Array(0);
  let block: Bytes = new Uint8Array(0);
  for (let i = 1; out.length < length; i++) {
    block = hmac(prk, cat(block, info, u8(i)));
    out = cat(out, block);
  }
  return out.slice(0, length);
}

/** XP(secret32, label, ctx, L), suites.9. */
export function xp(secret: Bytes, label: string, ctx: Bytes, length: number): Bytes {
  if (secret.length !== 32) refuse('E_USAGE', 'an XP secret has 32 bytes');
  return hkdfExpand(secret, cat(u16(length), vec8(text(`tdc1 ${label}`)), vec8(H(ctx))), length);
}
