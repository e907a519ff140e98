/**
 * Noise_XX_25519_ChaChaPoly_SHA256 and Noise_XX_25519_AESGCM_SHA256: the Noise Protocol Framework, revision 34.
 *
 * ```
 * message 1, from the initiator:  e ‖ payload                     32 bytes and the payload, in the clear
 * message 2, from the responder:  e ‖ sealed(s) ‖ sealed(payload) 96 bytes and the payload
 * message 3, from the initiator:  sealed(s) ‖ sealed(payload)     64 bytes and the payload
 * ```
 */
import { checkWidth, concat, copyOf } from '../bytes/bytes.ts';
import { aeadTagBytes } from '../crypto/argument-checks.ts';
import type { AeadAlgorithm, CryptoProvider, KeyPair } from '../crypto/provider.ts';
import { checkLimit, TridcommError } from '../errors.ts';
import { noiseMessageMaxBytes, type NoiseCipher } from './cipher.ts';
import { SymmetricState } from './symmetric-state.ts';

/** Who writes the first message. */
export type NoiseRole = 'initiator' | 'responder';

/** What one end of a handshake brings. */
export interface NoiseHandshakeOptions {
  /** Also makes the ephemeral key pair, when the first own message is written. */
  readonly provider: CryptoProvider;
  /** The same at both ends, else message 2 is refused. */
  readonly aead: AeadAlgorithm;
  readonly role: NoiseRole;
  /** What both ends must have seen alike, of any length, else message 2 is refused; not kept. */
  readonly prologue: Uint8Array;
  /**
   * X25519, 32 bytes each; not changed, and kept by the initiator to the end, by the responder until it has written message 2. That the halves belong together is not checked: the other end
   * refuses a pair where they do not. The same secret array each time spares `@tridcomm/core/node` an import.
   */
  readonly staticKey: KeyPair;
}

/** A message that was read. */
export interface NoiseMessage {
  readonly payload: Uint8Array;
  /** The handshake hash as the writer's payload could sign it: after the keys of this message, before its payload. */
  readonly h32: Uint8Array;
}

/** What a handshake comes to. */
export interface NoiseSession {
  /** Encrypts to the other end. */
  readonly send: NoiseCipher;
  /** Decrypts from the other end. */
  readonly receive: NoiseCipher;
  /** The handshake hash after all three messages: the same at both ends, and in no other session. */
  readonly handshakeHash32: Uint8Array;
}

/**
 * One end of a handshake: the initiator writes, reads and writes, the responder reads, writes and reads; then both split.
 *
 * Whatever fails ends it, and it throws `E_CLOSED` from then on. A call out of turn is `E_USAGE` and changes nothing.
 */
export class NoiseHandshake {
  readonly #provider: CryptoProvider;
  readonly #role: NoiseRole;
  /** Undefined where no message needs it any more. */
  #staticKey: KeyPair | undefined;
  readonly #symmetric: SymmetricState;
  #ephemeralKey: KeyPair | undefined;
  #remoteEphemeral32: Uint8Array | undefined;
  #remoteStatic32: Uint8Array | undefined;
  /** Messages written and read so far. */
  #count = 0;
  #state: 'waiting' | 'working' | 'over' = 'waiting';

  /** @throws TridcommError `E_USAGE` for a static key that is not of 32 bytes */
  constructor(options: NoiseHandshakeOptions) {
    const { provider, aead, role, prologue, staticKey } = options;
    checkWidth('Noise static secret key', staticKey.secretKey, 32);
    checkWidth('Noise static public key', staticKey.publicKey, 32);
    this.#provider = provider;
    this.#role = role;
    this.#staticKey = staticKey;
    this.#symmetric = new SymmetricState(provider, aead, prologue);
  }

  /**
   * The static public key of the other end, 32 bytes, not to be changed. The initiator has it once message 2 was read, the
   * responder message 3; undefined before, and where the message that brought it was refused.
   *
   * The other end has shown that it holds the secret key. Whose key it is, nobody has said: that is for the payload.
   */
  get remoteStaticKey32(): Uint8Array | undefined {
    return this.#remoteStatic32;
  }

  /**
   * The next message.
   *
   * @param payloadOf - gives the payload, which is not changed and not kept, for the handshake hash after the keys of this
   *   message, which is the caller's. What it throws comes out as it is. The payload of message 1 goes out in the clear
   * @returns at most {@link noiseMessageMaxBytes} bytes, the caller's
   * @throws TridcommError `E_LIMIT` for a payload that does not fit; `E_HANDSHAKE` with `E_KEY` as its cause for a public key of
   *   the other end that is of small order; `E_USAGE` out of turn; `E_CLOSED` after the end
   */
  writeMessage(payloadOf: (h32: Uint8Array) => Uint8Array): Uint8Array {
    return this.#step(true, ({ tokens, overheadBytes }) => {
      const keys = tokens.map((token) => this.#writeToken(token));
      const payload = payloadOf(this.#symmetric.hash32);
      // The caller's code may have erased this handshake, and nothing is encrypted under overwritten keys.
      this.#checkNotOver();
      checkLimit('Noise payload bytes', payload.length, noiseMessageMaxBytes - overheadBytes);
      return concat(...keys, this.#symmetric.encryptAndHash(payload));
    });
  }

  /**
   * Reads the next message of the other end.
   *
   * @param message - whole, as received; not changed, not kept
   * @returns both the caller's
   * @throws TridcommError `E_HANDSHAKE` for one that is refused, with the reason as its cause: `E_LENGTH`, `E_KEY` for a public
   *   key of small order, `E_AEAD`; `E_USAGE` out of turn; `E_CLOSED` after the end
   */
  readMessage(message: Uint8Array): NoiseMessage {
    return this.#step(false, ({ tokens, overheadBytes }) => {
      if (message.length < overheadBytes || message.length > noiseMessageMaxBytes) {
        const allowed = `${overheadBytes} to ${noiseMessageMaxBytes}`;
        throw this.#refusal(new TridcommError('E_LENGTH', `Noise message of ${message.length} bytes, ${allowed}`));
      }
      let offset = 0;
      for (const token of tokens) offset += this.#readToken(token, message.subarray(offset));
      const h32 = this.#symmetric.hash32;
      return { payload: this.#open(message.subarray(offset)), h32 };
    });
  }

  /**
   * Ends the handshake after message 3.
   *
   * @throws TridcommError `E_USAGE` before; `E_CLOSED` after the end
   */
  split(): NoiseSession {
    this.#checkNotOver();
    if (this.#count < messageForms.length) throw this.#outOfTurn('split');
    const [ofInitiator, ofResponder] = this.#symmetric.split();
    const handshakeHash32 = this.#symmetric.hash32;
    this.erase();
    return this.#role === 'initiator'
      ? { send: ofInitiator, receive: ofResponder, handshakeHash32 }
      : { send: ofResponder, receive: ofInitiator, handshakeHash32 };
  }

  /** Overwrites every secret but the static key, which is the caller's: the end. */
  erase(): void {
    this.#state = 'over';
    this.#symmetric.erase();
    this.#ephemeralKey?.secretKey.fill(0);
    this.#ephemeralKey = undefined;
  }

  /** Runs one message: only what comes to its end leaves a handshake that goes on. */
  #step<T>(isOwn: boolean, run: (form: MessageForm) => T): T {
    this.#checkNotOver();
    const form = messageForms[this.#count];
    if (this.#state === 'working' || form === undefined || isOwn !== (form.from === this.#role)) {
      throw this.#outOfTurn(isOwn ? 'write' : 'read');
    }
    this.#state = 'working';
    try {
      const result = run(form);
      this.#state = 'waiting';
      this.#count += 1;
      // The last message is about the own ephemeral secret and the static key of the initiator alone.
      if (this.#role === 'responder' && this.#count === 2) {
        this.#staticKey = undefined;
        this.#remoteEphemeral32 = undefined;
        this.#ephemeralKey = { secretKey: this.#ephemeralKey!.secretKey, publicKey: none };
      }
      return result;
    } catch (error) {
      // Until the whole message is opened, nobody has shown to hold the key that came in it.
      if (!isOwn) this.#remoteStatic32 = undefined;
      this.erase();
      throw error;
    }
  }

  #writeToken(token: Token): Uint8Array {
    if (token === 's') return this.#symmetric.encryptAndHash(this.#staticKey!.publicKey);
    if (token !== 'e') return this.#mixSharedSecret(token);
    this.#ephemeralKey = this.#provider.generateKeyPair('x25519');
    this.#symmetric.mixHash(this.#ephemeralKey.publicKey);
    return this.#ephemeralKey.publicKey;
  }

  /** @returns the bytes that the token takes of the message */
  #readToken(token: Token, rest: Uint8Array): number {
    if (token === 'e') {
      this.#remoteEphemeral32 = copyOf(rest, 0, keyBytes);
      this.#symmetric.mixHash(this.#remoteEphemeral32);
      return keyBytes;
    }
    if (token === 's') {
      this.#remoteStatic32 = this.#open(rest.subarray(0, sealedKeyBytes));
      return sealedKeyBytes;
    }
    return this.#mixSharedSecret(token).length;
  }

  /** @returns nothing: the token stands for no bytes */
  #mixSharedSecret(token: SharedToken): Uint8Array {
    const { ofInitiator, ofResponder } = sharedSecrets[token];
    const [own, remote] = this.#role === 'initiator' ? [ofInitiator, ofResponder] : [ofResponder, ofInitiator];
    const secretKey = (own === 'e' ? this.#ephemeralKey : this.#staticKey)!.secretKey;
    const publicKey32 = (remote === 'e' ? this.#remoteEphemeral32 : this.#remoteStatic32)!;
    let sharedSecret: Uint8Array;
    try {
      sharedSecret = this.#provider.x25519(secretKey, publicKey32);
    } catch (cause) {
      throw this.#refusal(cause);
    }
    this.#symmetric.mixKey(sharedSecret);
    return none;
  }

  #open(received: Uint8Array): Uint8Array {
    const plaintext = this.#symmetric.decryptAndHash(received);
    if (plaintext === undefined) throw this.#refusal(new TridcommError('E_AEAD', 'Noise handshake'));
    return plaintext;
  }

  /** The one refusal of whatever the other end sent. */
  #refusal(cause: unknown): TridcommError {
    return new TridcommError('E_HANDSHAKE', `Noise message ${this.#count + 1}`, { cause });
  }

  #outOfTurn(call: string): TridcommError {
    return new TridcommError('E_USAGE', `Noise ${call} by the ${this.#role} after ${this.#count} messages`);
  }

  #checkNotOver(): void {
    if (this.#state === 'over') throw new TridcommError('E_CLOSED', 'Noise handshake that has ended');
  }
}

type SharedToken = 'ee' | 'es' | 'se';
type Token = 'e' | 's' | SharedToken;

interface MessageForm {
  readonly from: NoiseRole;
  readonly tokens: readonly Token[];
  /** All but the payload: keys and tags. */
  readonly overheadBytes: number;
}

const keyBytes = 32;
const sealedKeyBytes = keyBytes + aeadTagBytes;

/** XX of Noise revision 34, section 7.5. */
const messageForms: readonly MessageForm[] = [
  { from: 'initiator', tokens: ['e'], overheadBytes: keyBytes },
  { from: 'responder', tokens: ['e', 'ee', 's', 'es'], overheadBytes: keyBytes + sealedKeyBytes + aeadTagBytes },
  { from: 'initiator', tokens: ['s', 'se'], overheadBytes: sealedKeyBytes + aeadTagBytes },
];

/** Which keys of the two ends a shared secret is of. */
const sharedSecrets = {
  ee: { ofInitiator: 'e', ofResponder: 'e' },
  es: { ofInitiator: 'e', ofResponder: 's' },
  se: { ofInitiator: 's', ofResponder: 'e' },
} as const;

const none: Uint8Array = new Uint8Array(0);
