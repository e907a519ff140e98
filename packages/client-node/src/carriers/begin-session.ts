import { TridcommError } from '@tridcomm/core';
import type { CarrierSession } from './foreign-carrier.ts';

/** A session that is made and not begun. */
interface NewSession extends CarrierSession {
  begin(signal?: AbortSignal): Promise<void>;
}

/**
 * Begins a session; one that cannot begin has ended.
 *
 * @returns undefined where the connection was lost meanwhile, so that another try makes sense
 * @throws TridcommError what `begin` does, but for that; the reason of `signal`
 */
export async function beginSession(
  session: NewSession,
  signal: AbortSignal | undefined,
): Promise<CarrierSession | undefined> {
  try {
    await session.begin(signal);
    return session;
  } catch (error) {
    session.end();
    const isLost = error instanceof TridcommError && error.code === 'E_TRANSPORT';
    if (!isLost || signal?.aborted === true) throw error;
    return undefined;
  }
}
