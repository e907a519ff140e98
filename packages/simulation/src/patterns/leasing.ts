import { isOfUnit, refusedOutcome, TridcommError } from '@tridcomm/core';
import type { LeasedParcel } from '../member.ts';
import type { AppHost } from './app.ts';

/** Hands a unit that has arrived to the client. What opens it may still be on its way. */
export function takeLeased(host: AppHost, { bytes, form, lease }: LeasedParcel, tries = 0): void {
  const { client, localMs } = host.member;
  if (client === undefined) return;
  try {
    client.leased(bytes, form, lease, localMs);
  } catch (error) {
    if (!(error instanceof TridcommError)) throw error;
    const mayPass =
      ['E_SENDER', 'E_POLICY'].includes(error.code) ||
      (error.code === 'E_EPOCH' && client.isWorkAhead(bytes, form, localMs));
    if (mayPass && tries < mostTries) {
      host.after(againMs, () => takeLeased(host, { is: 'leased', bytes, form, lease }, tries + 1));
      return;
    }
    host.refused('work', error);
    const outcome = refusedOutcome(error);
    const isAtOnce = outcome === 'done' || isOfUnit(error);
    host.after(isAtOnce ? 0 : pauseMs, () => client.settle(lease, outcome));
  }
}

const mostTries = 20;
const againMs = 250;
const pauseMs = 1_000;
