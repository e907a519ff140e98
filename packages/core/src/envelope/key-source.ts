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
 * Makes sure that a key source has the widths that it must have, before anything is derived from it.
 *
 * @throws TridcommError `E_USAGE` for others
 */
export function checkKeySource({ sourceSecret32, groupContext32, bind32 }: KeySource): void {
  checkWidth('sourceSecret32', sourceSecret32, 32);
  checkWidth('groupContext32', groupContext32, 32);
  checkWidth('bind32', bind32, 32);
}
