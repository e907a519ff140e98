import { compareBytes, concat } from '../bytes/bytes.ts';

/**
 * The last few signatures that verified: the leaves of a Merkle batch come one by one, under one signature, which is verified once.
 *
 * A signature is known with its public key and all that it signs, compared whole, so nothing passes here that does not verify.
 *
 * @spec suites.7
 */
export class KnownSignatures {
  readonly #most: number;
  /** Each in one piece, the one used last in front. */
  readonly #known: Uint8Array[] = [];

  constructor(most = 8) {
    this.#most = most;
  }

  /** Whether a signature verifies. @param verify - asked where that is not known */
  isValid(publicKey32: Uint8Array, signed: Uint8Array, signature: Uint8Array, verify: () => boolean): boolean {
    // All have their widths: 32, 146 and 64 bytes.
    const whole = concat(publicKey32, signed, signature);
    const at = this.#known.findIndex((known) => compareBytes(known, whole) === 0);
    if (at === 0) return true;
    if (at > 0) this.#known.splice(at, 1);
    // Nothing but true is a yes: an answer that is only truthy, such as a promise, is a mistake.
    // oxlint-disable-next-line typescript/no-unnecessary-boolean-literal-compare
    else if (verify() !== true) return false;
    this.#known.unshift(whole);
    if (this.#known.length > this.#most) this.#known.pop();
    return true;
  }
}
