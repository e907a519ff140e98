/*
 * Figures that the patterns share. Bytes are those that stand before a body in its record (chapter 09).
 */

/** Of a request or job: key and deadline. */
export const workHeadBytes: number = 16 + 8;
/** Of a reply to a request or message: id, leaf, index and status. */
export const replyHeadBytes: number = 41;
/** Of a reply to a message: header, extensions, keyinfo, record, tag, signature, and what pads it besides. */
export const messageReplyHeadBytes: number = 512;
/** What timers of the platform take. */
export const longestTimerMs: number = 2 ** 31 - 1;
