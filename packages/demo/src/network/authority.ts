/*
 * The authority, as a process of its own: nobody else has its keys. What is asked of it comes over its socket; here it is only told where
 * the broker is.
 */
import {
  AdminServer,
  AuthorityService,
  BrokerLink,
  type BundleSink,
  type ServicePrincipal,
} from '@tridcomm/client-node';
import { serve } from './serve.ts';

/** What the process serves. */
export class AuthorityProcess {
  readonly #service: AuthorityService;
  #tellAddress: (address: string) => void = () => undefined;

  constructor() {
    const told = new Promise<string>((resolve) => (this.#tellAddress = resolve));
    this.#service = AuthorityService.inMemory({ connect: (self) => ({ sinks: [laterLink(told, self)], sources: [] }) });
  }

  /** @returns the authority's id, 64 hex digits */
  async listen(socket: string): Promise<string> {
    await AdminServer.listen(this.#service, socket, 'admin');
    return Buffer.from(this.#service.authorityId32).toString('hex');
  }

  /** From now on there is a broker. */
  brokerIs(address: string): void {
    this.#tellAddress(address);
  }

  /** Resolves when the broker has everything. */
  async rest(): Promise<void> {
    await this.#service.rest();
  }
}

/** A link to a broker that is not there yet. */
function laterLink(told: Promise<string>, self: ServicePrincipal): BundleSink {
  let link: BrokerLink | undefined;
  return {
    name: 'broker',
    publish: async (bundle) => {
      const address = await told;
      link ??= new BrokerLink({ address, brokerName: 'broker' }, self);
      await link.publish(bundle);
    },
  };
}

serve(new AuthorityProcess());
