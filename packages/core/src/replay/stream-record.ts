/*
 * What is kept of one stream: 9 int32 words, 36 bytes.
 *
 * word field            bits
 *   0  group            32   keyed hash of (sender, epoch, topic_tag)
 *   1  id0              32   stream_id, its 8 bytes as they are
 *   2  id1              32
 *   3  near             32   bit i: hi − i was seen; in a wide stream, the slot of its bitmap
 *   4  far              32   bit i: hi − 32 − i was seen
 *   5  hiLow            32   highest number accepted
 *   6  timestampLow     32   highest timestamp accepted
 *   7  high             hiHigh 10 ‖ 0 1 ‖ timestampHigh 21
 *   8  rest             groupExtra 12 ‖ floorLead 7 ‖ run 13
 *
 * run numbers directly below hi − 63 were seen, and below those none of the window. floorLead is how far the stored floor
 * stands above hi.
 */

/** Words of one record. */
export const recordWords = 9;

/** Where the words stand that others compare or copy whole. */
export const recordField = { group: 0, id0: 1, id1: 2, near: 3, far: 4, rest: 8 } as const;

/** The value of `run` in a stream whose window is not representable in one. */
export const wideRun = 0x1fff;

/** The value of `floorLead` in a stream whose floor leads by more than fits. */
export const farFloorLead = 0x7f;

/** Highest number accepted. */
export function readHi(words: Int32Array, at: number): number {
  return ((words[at + 7] as number) >>> 22) * 0x1_0000_0000 + ((words[at + 5] as number) >>> 0);
}

/** @param hi - 0 to 2^42−1 */
export function writeHi(words: Int32Array, at: number, hi: number): void {
  words[at + 5] = hi | 0;
  words[at + 7] = (Math.floor(hi / 0x1_0000_0000) << 22) | ((words[at + 7] as number) & 0x1f_ffff);
}

/** Highest timestamp accepted, ms. */
export function readTimestamp(words: Int32Array, at: number): number {
  return ((words[at + 7] as number) & 0x1f_ffff) * 0x1_0000_0000 + ((words[at + 6] as number) >>> 0);
}

/** @param timestampMs - 0 to 2^53−1 */
export function writeTimestamp(words: Int32Array, at: number, timestampMs: number): void {
  words[at + 6] = timestampMs | 0;
  words[at + 7] = ((words[at + 7] as number) & ~0x1f_ffff) | Math.floor(timestampMs / 0x1_0000_0000);
}

/** Contiguous numbers seen below the 64 of `near` and `far`, or {@link wideRun}. */
export function readRun(words: Int32Array, at: number): number {
  return (words[at + recordField.rest] as number) & 0x1fff;
}

export function writeRun(words: Int32Array, at: number, run: number): void {
  words[at + recordField.rest] = ((words[at + recordField.rest] as number) & ~0x1fff) | run;
}

/** Stored floor minus hi, or {@link farFloorLead}. */
export function readFloorLead(words: Int32Array, at: number): number {
  return ((words[at + recordField.rest] as number) >>> 13) & 0x7f;
}

export function writeFloorLead(words: Int32Array, at: number, lead: number): void {
  words[at + recordField.rest] = ((words[at + recordField.rest] as number) & ~(0x7f << 13)) | (lead << 13);
}

/** The other 12 bits of the group's hash. */
export function readGroupExtra(words: Int32Array, at: number): number {
  return (words[at + recordField.rest] as number) >>> 20;
}
