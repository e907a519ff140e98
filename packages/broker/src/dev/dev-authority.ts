/*
 * The authority of a broker for development, as a process of its own: a broker never holds its keys. It lives as long as its parent, and
 * is told over the channel between them where the broker listens.
 */
import { join } from 'node:path';
import {
  AdminServer,
  AuthorityService,
  BrokerLink,
  type BundleSink,
  type ServicePrincipal,
} from '@tridcomm/client-node';
import { TridcommError } from '@tridcomm/core';
import { hexOf } from '@tridcomm/core/internal';
import { enrolSocketName, adminSocketName, type FromAuthority, type ToAuthority } from './dev-files.ts';

const [folder] = process.argv.slice(2);
if (folder === undefined || process.send === undefined) throw new Error('started by tridcomm-broker --dev only');

let tellAddress: (address: string) => void;
const told = new Promise<string>((resolve) => (tellAddress = resolve));
process.on('message', ({ address }: ToAuthority) => tellAddress(address));
process.on('disconnect', () => process.exit(0));
// An interrupt of the terminal reaches both; the broker says when it is over.
process.on('SIGINT', () => {});

/** A link to a broker that is not there yet. */
function laterLink(self: ServicePrincipal): BundleSink {
  let link: BrokerLink | undefined;
  return {
    name: 'broker',
    publish: async (bundle) => {
      const address = await told;
      link ??= new BrokerLink({ address, brokerName: 'localhost' }, self);
      await link.publish(bundle);
    },
  };
}

/** Tells the broker, which writes one log for both. */
function tellFault(error: unknown): void {
  const name = error instanceof TridcommError ? error.code : error instanceof Error ? error.name : typeof error;
  process.send?.({ fault: name } satisfies FromAuthority);
}

const service = AuthorityService.inMemory({
  connect: (self) => ({ sinks: [laterLink(self)], sources: [] }),
  onEvent: (event) => {
    if (event.type === 'tickFailed' || event.type === 'groupFailed') tellFault(event.error);
  },
});
await AdminServer.listen(service, join(folder, adminSocketName), 'admin', tellFault);
await AdminServer.listen(service, join(folder, enrolSocketName), 'enrol', tellFault);
process.send({ authorityId: hexOf(service.authorityId32) } satisfies FromAuthority);
