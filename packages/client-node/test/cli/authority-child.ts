/*
 * `tridcomm authority` as a process of its own, with one broker inside it: what is on the command line is what follows `authority`.
 */
import { Relay } from '@tridcomm/core';
import { nodeProvider } from '@tridcomm/core/node';
import { runAuthority } from '../../src/cli/authority.ts';

const relays = new Map<string, Relay>();
const relayOf = (url: string, authorityId32: Uint8Array): Relay => {
  const relay = relays.get(url) ?? new Relay({ provider: nodeProvider, authorityId32, now: () => Date.now() });
  relays.set(url, relay);
  return relay;
};
const end = new AbortController();
process.on('SIGTERM', () => end.abort());
process.exitCode = await runAuthority(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
  signal: end.signal,
  connectSink: (url, { authorityId32 }) => ({
    name: url,
    publish: async (bundle) => await Promise.resolve(relayOf(url, authorityId32).apply(bundle)),
  }),
  connectSource: (url, { authorityId32 }) => ({
    name: url,
    retained: async (address16) => await Promise.resolve(relayOf(url, authorityId32).retained(address16)),
  }),
});
// Who waited for a signature has it.
process.stdin.destroy();
