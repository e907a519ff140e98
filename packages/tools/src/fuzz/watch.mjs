/** The input that a thread works on, where another thread can see it: all that is left of an input that does not end. */

/** u32 inputs so far ‖ u32 length ‖ the input, as much of it as fits. */
const headBytes = 8;

/** @param {number} maxBytes of an input */
export function newShared(maxBytes) {
  return new SharedArrayBuffer(headBytes + maxBytes);
}

/** @param {SharedArrayBuffer} shared @param {Uint8Array} input */
export function noteInput(shared, input) {
  const head = new Int32Array(shared, 0, 2);
  const bytes = new Uint8Array(shared, headBytes);
  bytes.set(input.subarray(0, bytes.length));
  head[1] = Math.min(input.length, bytes.length);
  Atomics.add(head, 0, 1);
}

/** How many inputs were begun. @param {SharedArrayBuffer} shared */
export function inputsBegun(shared) {
  return Atomics.load(new Int32Array(shared, 0, 2), 0);
}

/** The input that was begun last. @param {SharedArrayBuffer} shared */
export function lastInput(shared) {
  const length = new Int32Array(shared, 0, 2)[1] ?? 0;
  return new Uint8Array(shared, headBytes).slice(0, length);
}
