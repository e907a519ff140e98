import { checkWidth } from '../bytes/bytes.ts';

/**
 * Where the key of an envelope comes from: all that the record layer knows of groups, pools and replies.
 *
 * Whoever makes one has made sure that `bind32` commits to `sourceSecret32`.
 */
export interface KeySource {
  /** The one suite of envelopes under this source. */
  readonly suite: number;
  readonly sourceSecret32: Uint8Array;
  readonly groupContext32: Uint8Array;
  /** Stands in every AAD and every signature; never on the wire. */
  readonly bind32: Uint8Array;
}

/**
 * A key source that depends on the sender, and whose secret takes a private key: that of pools, and of replies to surveys.
 *
 * What is signed needs no private key, so nobody without a valid signature makes the receiver use one.
 */
export interface LateKeySource {
  readonly suite: number;
  /** What a sender that was found, and may write, has signed over: 32 bytes. */
  bindTo(senderKeyId32: Uint8Array): Uint8Array;
  /**
   * Step 13, under a valid signature.
   *
   * @throws TridcommError `E_AEAD` where what arrived gives no secret
   */
  take(senderKeyId32: Uint8Array): KeySource;
  /** An AEAD has opened under what {@link take} gave: it is worth keeping. */
  keep(senderKeyId32: Uint8Array): void;
}

/**
 * Makes sure that a key source has the widths that it must have, before anything is derived from it.
 *
 * @throws TridcommError `E_USAGE` for others
 */
export function checkKeySource({ sourceSecret32, groupContext32, bind32 }: KeySource): void {
  checkWidth('sourceSecret32', sourceSecret32, 32);
  checkWidth('groupContext32', groupContext32, 32);
  checkWidth('bind32', bind32, 32);
}
