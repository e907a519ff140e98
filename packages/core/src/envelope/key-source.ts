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
