/**
 * How many bytes of envelopes a broker may send: as many as keep what the application has not consumed within a window. What it has not
 * consumed of an earlier link counts too.
 *
 * @spec delivery.14
 */
export class Credit {
  readonly #windowBytes: number;
  /** Received and not consumed. */
  #heldBytes = 0;
  /** Of the link that is open: received so far, and the most that the broker was told. */
  #receivedBytes = 0;
  #grantedBytes = 0;

  constructor(windowBytes: number) {
    this.#windowBytes = windowBytes;
  }

  /** The most that the broker was told, or is to be told. */
  get grantedBytes(): number {
    return this.#grantedBytes;
  }

  /** Received and not consumed. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** A link begins. @returns what its hello grants */
  begin(): number {
    this.#receivedBytes = 0;
    this.#grantedBytes = Math.max(0, this.#windowBytes - this.#heldBytes);
    return this.#grantedBytes;
  }

  /** An envelope came. @returns false where the broker had no credit for it */
  received(bytes: number): boolean {
    this.#receivedBytes += bytes;
    this.#heldBytes += bytes;
    return this.#receivedBytes <= this.#grantedBytes;
  }

  /** The application is done with an envelope. @returns what the broker is to be told; undefined while that is not worth a frame */
  consumed(bytes: number): number | undefined {
    this.#heldBytes -= bytes;
    const grantBytes = this.#receivedBytes + this.#windowBytes - this.#heldBytes;
    if (grantBytes - this.#grantedBytes < this.#windowBytes / 4) return undefined;
    this.#grantedBytes = grantBytes;
    return grantBytes;
  }
}
