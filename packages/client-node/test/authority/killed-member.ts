import { Identity } from '@tridcomm/core';
import { nodeProvider } from '@tridcomm/core/node';

/** A member that two processes know: one issues its record, the other is it. */
export function killedMember(): { readonly identity: Identity; readonly pattern: string } {
  const random = () => new Uint8Array(32).fill(3);
  const prekeys = [new Uint8Array(32).fill(2)];
  return {
    identity: new Identity(nodeProvider, random, new Uint8Array(32).fill(1), Date.now(), prekeys),
    pattern: 'orders/**',
  };
}
