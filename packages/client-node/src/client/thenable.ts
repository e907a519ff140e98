/** Whether something is to be awaited: to await what is no promise costs a turn of the microtasks. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';
}
