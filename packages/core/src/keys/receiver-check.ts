import { TridcommError } from '../errors.ts';

/**
 * Makes a receiver's check of what a sender is about to write: what the receiver refuses is a mistake of the caller here.
 *
 * @param what - for the message
 * @param check - throws as a receiver does
 * @throws TridcommError `E_LIMIT` as the check throws it; `E_USAGE` for every other refusal, with it as cause
 */
export function checkAsReceiver(what: string, check: () => void): void {
  try {
    check();
  } catch (error) {
    if (error instanceof TridcommError && error.code !== 'E_LIMIT') {
      throw new TridcommError('E_USAGE', `${what} that a receiver refuses`, { cause: error });
    }
    throw error;
  }
}
