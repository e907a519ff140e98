/** Noise_XX_25519 with SHA-256 and the AEAD of a suite: revision 34 of the Noise specification, §5. */
import * as aead from './aead.ts';
import { cat, text, zeros, type Bytes } from './bytes.ts';
import { littleEndian } from './ed25519.ts';
import { H, hkdfExpand, hkdfExtract } from './hash.ts';
import { refuse, Refusal } from './refusal.ts';
import { x25519, x25519Public } from './x25519.ts';

export type Side = 'initiator' | 'responder';

/** The AEADs by the suite that has them. */
export const NOISE_AEADS: Readonly<Record<string, number>> = { chacha20poly1305: 1, aes256gcm: 2 };
const NOISE_NAME: Readonly<Record<number, string>> = { 1: 'ChaChaPoly', 2: 'AESGCM' };

const MESSAGES: readonly (readonly string[])[] = [['e'], ['e', 'ee', 's', 'es'], ['s', 'se']];

/** §12.3 and §12.4: 32 zero bits, then n, little-endian for ChaChaPoly and big-endian for AESGCM. */
function nonceOf(suite: number, n: bigint): Bytes {
  const little = littleEndian(n, 8);
  return cat(zeros(4), suite === 1 ? little : little.toReversed());
}

/** §5.1, with a key. */
export class Cipher {
  readonly suite: number;
  readonly key: Bytes;
  private n = 0n;

  constructor(suite: number, key: Bytes) {
    this.suite = suite;
    this.key = key;
  }
  seal(ad: Bytes, plaintext: Bytes): Bytes {
    return aead.seal(this.suite, this.key, nonceOf(this.suite, this.n++), ad, plaintext);
  }
  open(ad: Bytes, sealed: Bytes): Bytes {
    return aead.open(this.suite, this.key, nonceOf(this.suite, this.n++), ad, sealed);
  }
}

/** §4.3: HKDF of RFC 5869 with the chaining key as salt and no info. */
function hkdf2(chainingKey: Bytes, material: Bytes): [Bytes, Bytes] {
  const out = hkdfExpand(hkdfExtract(chainingKey, material), zeros(0), 64);
  return [out.slice(0, 32), out.slice(32)];
}

/** Public keys that a liar sends in place of its own. */
export interface KeyBend {
  e?: (right: Bytes) => Bytes;
  s?: (right: Bytes) => Bytes;
}

/** One side of a handshake. Its ephemeral secret is given to it. */
export class Handshake {
  readonly side: Side;
  private readonly suite: number;
  private readonly s: Bytes;
  private readonly e: Bytes;
  private rs: Bytes = zeros(0);
  private re: Bytes = zeros(0);
  private ck: Bytes;
  private h: Bytes;
  private cipher: Cipher | undefined;
  private message = 0;
  private readonly bend: KeyBend;

  constructor(
    side: Side,
    suite: number,
    prologue: Bytes,
    staticSecret: Bytes,
    ephemeralSecret: Bytes,
    bend: KeyBend = {},
  ) {
    if (staticSecret.length !== 32 || ephemeralSecret.length !== 32) refuse('E_USAGE', 'chapter 14');
    this.side = side;
    this.suite = suite;
    this.s = staticSecret;
    this.e = ephemeralSecret;
    this.bend = bend;
    const name = text(`Noise_XX_25519_${NOISE_NAME[suite]}_SHA256`);
    this.h = cat(name, zeros(32 - name.length));
    this.ck = this.h;
    this.mixHash(prologue);
  }

  /** The handshake hash as it stands. */
  get hash(): Bytes {
    return this.h;
  }

  private mixHash(data: Bytes): void {
    this.h = H(this.h, data);
  }
  private mixKey(material: Bytes): void {
    const [ck, key] = hkdf2(this.ck, material);
    this.ck = ck;
    this.cipher = new Cipher(this.suite, key);
  }
  private encrypt(plaintext: Bytes): Bytes {
    const out = this.cipher === undefined ? plaintext : this.cipher.seal(this.h, plaintext);
    this.mixHash(out);
    return out;
  }
  /** What does not open ends the handshake: E_HANDSHAKE. */
  private decrypt(sealed: Bytes): Bytes {
    try {
      const out = this.cipher === undefined ? sealed : this.cipher.open(this.h, sealed);
      this.mixHash(sealed);
      return out;
    } catch (error) {
      if (error instanceof Refusal) return refuse('E_HANDSHAKE', 'a message of Noise does not open');
      throw error;
    }
  }
  /** ee, es, se: the first letter is of the initiator's key, the second of the responder's. */
  private mixDh(token: string): void {
    const mine = this.side === 'initiator' ? token[0] : token[1];
    const theirs = this.side === 'initiator' ? token[1] : token[0];
    try {
      this.mixKey(x25519(mine === 'e' ? this.e : this.s, theirs === 'e' ? this.re : this.rs));
    } catch (error) {
      if (error instanceof Refusal) return refuse('E_HANDSHAKE', 'link.6: a key that suites.5 refuses');
      throw error;
    }
  }
  private tokens(): readonly string[] {
    const tokens = MESSAGES[this.message++];
    if (tokens === undefined) throw new Error('no more messages');
    return tokens;
  }

  /** `payload` is told the hash after the tokens; */
  write(payload: (hash: Bytes) => Bytes): Bytes {
    const parts: Bytes[] = [];
    for (const token of this.tokens()) {
      if (token === 'e') {
        const own = x25519Public(this.e);
        const e = this.bend.e?.(own) ?? own;
        this.mixHash(e);
        parts.push(e);
      } else if (token === 's') {
        const own = x25519Public(this.s);
        parts.push(this.encrypt(this.bend.s?.(own) ?? own));
      } else this.mixDh(token);
    }
    return cat(...parts, this.encrypt(payload(this.h)));
  }

  read(message: Bytes): { hash: Bytes; payload: Bytes } {
    let rest = message;
    const take = (n: number): Bytes => {
      const out = rest.slice(0, n);
      rest = rest.slice(n);
      return out;
    };
    for (const token of this.tokens()) {
      if (token === 'e') {
        this.re = take(32);
        this.mixHash(this.re);
      } else if (token === 's') this.rs = this.decrypt(take(48));
      else this.mixDh(token);
    }
    const hash = this.h;
    return { hash, payload: this.decrypt(rest) };
  }

  /** §5.2: of the initiator's direction, then of the responder's. */
  split(): { initiator: Cipher; responder: Cipher } {
    const [initiator, responder] = hkdf2(this.ck, zeros(0));
    return { initiator: new Cipher(this.suite, initiator), responder: new Cipher(this.suite, responder) };
  }
}

export interface NoiseSecrets {
  initiatorStatic: Bytes;
  initiatorEphemeral: Bytes;
  responderStatic: Bytes;
  responderEphemeral: Bytes;
}
export interface NoiseRun {
  messages: Bytes[];
  hashes: Bytes[];
  handshakeHash: Bytes;
  initiatorKey: Bytes;
  responderKey: Bytes;
}

/** Both sides of a handshake; each message is read by the other side, and both must come to the same values. */
export function runNoise(suite: number, prologue: Bytes, secrets: NoiseSecrets, payloads: readonly Bytes[]): NoiseRun {
  const initiator = new Handshake('initiator', suite, prologue, secrets.initiatorStatic, secrets.initiatorEphemeral);
  const responder = new Handshake('responder', suite, prologue, secrets.responderStatic, secrets.responderEphemeral);
  const messages: Bytes[] = [];
  const hashes: Bytes[] = [];
  payloads.forEach((payload, i) => {
    const [writer, reader] = i === 1 ? [responder, initiator] : [initiator, responder];
    const message = writer.write((hash) => {
      hashes.push(hash);
      return payload;
    });
    const got = reader.read(message);
    if (Buffer.compare(got.payload, payload) !== 0 || Buffer.compare(got.hash, hashes[i] ?? zeros(0)) !== 0)
      throw new Error('the two sides of a handshake disagree');
    messages.push(message);
  });
  const [mine, theirs] = [initiator.split(), responder.split()];
  if (Buffer.compare(mine.initiator.key, theirs.initiator.key) !== 0) throw new Error('the two sides split apart');
  return {
    messages,
    hashes,
    handshakeHash: initiator.hash,
    initiatorKey: mine.initiator.key,
    responderKey: mine.responder.key,
  };
}
