/*
 * Figures that the patterns share. Bytes are those that stand before a body in its record (chapter 09).
 */

/** Of a request or job: key and deadline. */
export const workHeadBytes: number = 16 + 8;
/** Of a reply to a request: id, leaf, index and status. */
export const replyHeadBytes: number = 41;
/** What timers of the platform take. */
export const longestTimerMs: number = 2 ** 31 - 1;
