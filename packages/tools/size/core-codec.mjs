/** What a broker or a proxy bundles that only reads headers. */
import { decodeHeader } from '@tridcomm/core';

console.log(decodeHeader);
