import { parseEnvelope, TridcommError, type CryptoProvider } from '@tridcomm/core';
import { hexOf, RelayState } from '@tridcomm/core/internal';
import { orError } from './open.ts';
import type { Input, Operation, Value } from './values.ts';

/** The operation of feature `relay`. */
export function relayOperations(provider: CryptoProvider): Record<string, Operation> {
  return {
    'relay.run': (input) => {
      const state = new RelayState({ provider, authorityId32: input.bytes('authorityId') });
      return { results: input.objects('steps').map((step) => orError(() => take(state, step))) };
    },
  };
}

function take(state: RelayState, step: Input): Value {
  const nowMs = step.decimal('now');
  if (step.has('bundle')) {
    state.judge(step.bytes('bundle'), nowMs).commit(nowMs);
    return { applied: true };
  }
  const keyId32 = step.bytes('keyId');
  const view = parseEnvelope(step.bytes('envelope'));
  const groupId16 = state.checkEnvelope({ keyId32, keyId: hexOf(keyId32) }, view, nowMs);
  const sender = state.trust.principal(keyId32);
  if (sender === undefined) throw new TridcommError('E_SENDER');
  state.verifyEnvelope({ keyId32 }, sender.key.publicKey32, view, groupId16, nowMs);
  return { verified: true };
}
