/**
 * The disk did not do what a store needs. No refusal of anything that a peer sent, so no `TridcommError`: a member tells such apart.
 */
export class StoreError extends Error {
  override readonly name = 'StoreError';
}

/** Whether something thrown is what the system answers with a certain name, such as `ENOENT`. */
export function isFsError(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
