/** The two AEADs. node:crypto does the work; both have Nk = 32, Nn = 12, Nt = 16. */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { cat, type Bytes } from './bytes.ts';
import { refuse } from './refusal.ts';

export function seal(suite: number, key: Bytes, nonce: Bytes, aad: Bytes, plaintext: Bytes): Bytes {
  if (suite === 1) {
    const c = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: 16 });
    c.setAAD(aad, { plaintextLength: plaintext.length });
    return cat(c.update(plaintext), c.final(), c.getAuthTag());
  }
  if (suite === 2) {
    const c = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 });
    c.setAAD(aad);
    return cat(c.update(plaintext), c.final(), c.getAuthTag());
  }
  throw new Error(`no AEAD for suite ${suite}`);
}

/** suites.14 */
export function open(suite: number, key: Bytes, nonce: Bytes, aad: Bytes, sealed: Bytes): Bytes {
  const ct = sealed.slice(0, sealed.length - 16);
  const tag = sealed.slice(sealed.length - 16);
  try {
    if (suite === 1) {
      const d = createDecipheriv('chacha20-poly1305', key, nonce, { authTagLength: 16 });
      d.setAAD(aad, { plaintextLength: ct.length });
      d.setAuthTag(tag);
      return cat(d.update(ct), d.final());
    }
    const d = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 });
    d.setAAD(aad);
    d.setAuthTag(tag);
    return cat(d.update(ct), d.final());
  } catch {
    return refuse('E_AEAD', 'suites.14');
  }
}
