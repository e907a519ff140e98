import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Identity } from '@tridcomm/core';
import { principalRoles } from '@tridcomm/core/link';
import { nodeProvider } from '@tridcomm/core/node';
import { AdminServer } from '../../src/authority/admin-server.ts';
import { AuthorityService } from '../../src/authority/service.ts';
import { runtimeDirectory, writeDevWorld } from '../../src/cli/dev-world.ts';
import { random } from '../../src/client/random.ts';
import { TestBroker } from '../test-broker.ts';

/** What `tridcomm-broker --dev` runs: an authority in memory, its sockets, and a broker, which tell where they are. */
export class DevBroker {
  /** `XDG_RUNTIME_DIR` of whoever is to find it. */
  readonly root: string = mkdtempSync(join(tmpdir(), 'tdc-'));
  readonly env: Readonly<Record<string, string>> = { XDG_RUNTIME_DIR: this.root, NO_COLOR: '1' };
  readonly directory: string = runtimeDirectory(this.env);
  readonly enrolSocket: string = join(this.directory, 'enrol.sock');
  readonly adminSocket: string = join(this.directory, 'admin.sock');
  readonly brokerSocket: string = join(this.directory, 'broker.sock');
  readonly service: AuthorityService;
  readonly broker: TestBroker;
  readonly #servers: AdminServer[] = [];
  #takeBack: () => void = () => {};

  private constructor() {
    let apply = (bundle: Uint8Array): void => void early.push(bundle);
    const early: Uint8Array[] = [];
    this.service = AuthorityService.inMemory({
      connect: () => ({
        sinks: [{ name: 'broker', publish: async (bundle) => Promise.resolve(apply(bundle)) }],
        sources: [],
      }),
    });
    const identity = Identity.create(nodeProvider, random, Date.now());
    this.broker = new TestBroker(this.service.authorityId32, identity);
    this.broker.record = this.service.perform((authority, nowMs) =>
      authority.issue(identity.key, { name: 'localhost', roles: principalRoles.broker }, nowMs),
    );
    apply = (bundle) => this.broker.apply(bundle);
    for (const bundle of this.service.bundles()) apply(bundle);
  }

  static async start(): Promise<DevBroker> {
    const dev = new DevBroker();
    dev.#takeBack = writeDevWorld(
      {
        version: 1,
        address: `unix:${dev.brokerSocket}`,
        brokerName: 'localhost',
        authorityId: Buffer.from(dev.service.authorityId32).toString('hex'),
        enrolSocket: dev.enrolSocket,
        adminSocket: dev.adminSocket,
        pid: process.pid,
      },
      dev.directory,
    );
    await dev.broker.listen(dev.brokerSocket);
    dev.#servers.push(await AdminServer.listen(dev.service, dev.adminSocket, 'admin'));
    dev.#servers.push(await AdminServer.listen(dev.service, dev.enrolSocket, 'enrol'));
    return dev;
  }

  async close(): Promise<void> {
    this.#takeBack();
    await Promise.all(this.#servers.map(async (server) => server.close()));
    await this.broker.close();
    await this.service.close();
    rmSync(this.root, { recursive: true, force: true });
  }
}
