import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AdminClient, AdminServer, AuthorityService, BrokerLink, enrol } from '@tridcomm/client-node';
import { BrokerProcess, type BrokerStore } from './broker-process.ts';
import type { TlsPaths } from './peer.ts';

/** Of the pool of the bench. */
export const workTopic = 'work';

/** What all peers of a run stand on: a folder, an authority in this process, and certificates that it gives to everybody. */
export class Site {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'tridcomm-bench-'));
  /** Of servers, and of clients. */
  serverTls!: TlsPaths;
  clientTls!: TlsPaths;
  #broker: BrokerProcess | undefined;
  #tellAddress!: (address: string) => void;
  #service!: AuthorityService;
  #admin!: AdminClient;
  #server!: AdminServer;
  #addedPool: Promise<unknown> | undefined;

  /** Starts one, does something with it, and ends it, whatever happens. */
  static async with<T>(work: (site: Site) => Promise<T>): Promise<T> {
    const site = new Site();
    const remove = () => rmSync(site.folder, { recursive: true, force: true });
    process.on('exit', remove);
    try {
      await site.#start();
      return await work(site);
    } finally {
      await site.#close();
      remove();
      process.off('exit', remove);
    }
  }

  /** Enrols a member, which may publish and hear all that the bench says. @returns the directory of its identity */
  async member(name: string): Promise<string> {
    return await this.#granted(name, ['publish', 'subscribe'], allTopics);
  }

  /** Enrols one who may ask in the pool of the bench, and push to it. @returns the directory of its identity */
  async asker(name: string): Promise<string> {
    await this.#pool();
    return await this.#granted(name, ['publish'], workTopic);
  }

  /** Enrols one who may work in the pool of the bench. @returns the directory of its identity */
  async worker(name: string): Promise<string> {
    await this.#pool();
    return await this.#granted(name, ['subscribe'], workTopic);
  }

  /** Enrols somebody who may connect, and has no right besides. */
  async guest(name: string): Promise<string> {
    await this.#enrol(name, ['member'], []);
    return join(this.folder, name);
  }

  /** Starts `tridcomm-broker` as a process of its own, and lets it know what the authority says; once. */
  async broker(store: BrokerStore): Promise<BrokerProcess> {
    await this.#enrol(brokerName, ['broker'], hostNames);
    this.#broker = new BrokerProcess(join(this.folder, brokerName), store);
    await this.#broker.start();
    this.#tellAddress(this.#broker.addressOf('tls'));
    await this.#service.rest();
    return this.#broker;
  }

  async #start(): Promise<void> {
    const socket = join(this.folder, socketName);
    const told = new Promise<string>((resolve) => (this.#tellAddress = resolve));
    this.#service = AuthorityService.inMemory({
      connect: (self) => {
        let link: BrokerLink | undefined;
        const publish = async (bundle: Uint8Array) => {
          link ??= new BrokerLink({ address: await told, brokerName }, self);
          await link.publish(bundle);
        };
        return { sinks: [{ name: brokerName, publish, close: async () => await link?.close() }], sources: [] };
      },
    });
    this.#server = await AdminServer.listen(this.#service, socket, 'admin');
    this.#admin = await AdminClient.connect(socket);
    await this.#admin.request('addGroup', { patterns: [allTopics] });
    await this.#enrol('peers-server', ['broker'], hostNames);
    await this.#enrol('peers-client', ['member'], []);
    this.serverTls = this.#tlsOf('peers-server');
    this.clientTls = this.#tlsOf('peers-client');
  }

  async #granted(name: string, actions: readonly string[], pattern: string): Promise<string> {
    const directory = join(this.folder, name);
    if (existsSync(directory)) return directory;
    const keyId = hexOf(await this.#enrol(name, ['member'], []));
    for (const action of actions) await this.#admin.request('grant', { keyId, action, pattern, join: 'now' });
    await this.#service.rest();
    return directory;
  }

  /** There is a pool from the first time on that somebody needs it. */
  async #pool(): Promise<void> {
    this.#addedPool ??= this.#admin.request('addGroup', { patterns: [workTopic], purpose: 'front' });
    await this.#addedPool;
  }

  async #enrol(name: string, roles: readonly string[], names: readonly string[]): Promise<Uint8Array> {
    const directory = join(this.folder, name);
    const { keyId32 } = await enrol(directory, join(this.folder, socketName), name, { roles });
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const { certificate, ca } = await this.#admin.request('tlsCertificate', {
      keyId: hexOf(keyId32),
      publicKey: hexOf(publicKey.export({ type: 'spki', format: 'der' })),
      ...(names.length > 0 && { names }),
    });
    const paths = this.#tlsOf(name);
    const write = (path: string, text: unknown): void => writeFileSync(path, String(text), { mode: 0o600 });
    write(paths.privateKey, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    write(paths.certificate, certificate);
    write(paths.ca, ca);
    return keyId32;
  }

  #tlsOf(name: string): TlsPaths {
    const at = (file: string): string => join(this.folder, name, file);
    return { ca: at('tls-ca.pem'), certificate: at('tls-cert.pem'), privateKey: at('tls-key.pem') };
  }

  async #close(): Promise<void> {
    this.#admin?.close();
    await this.#server?.close();
    await this.#service?.close();
    await this.#broker?.end();
  }
}

/** A folder for a peer's own files, made. */
export function folderIn(site: Site, name: string): string {
  const folder = join(site.folder, name);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** Pattern of the topics of the bench. */
const allTopics = 'bench/**';
const hostNames = ['127.0.0.1', 'localhost'];
const socketName = 'authority.sock';
/** In its record. */
const brokerName = 'broker';
