import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { TridcommError } from '@tridcomm/core';
import { AdminArguments } from '../authority/admin-arguments.ts';
import { AdminClient } from '../authority/admin-client.ts';
import { findOperation, type AdminSession } from '../authority/admin-operations.ts';
import { AuthorityService } from '../authority/service.ts';
import type { BrokerStatus, Connections, DurableServiceOptions } from '../authority/service-options.ts';
import type { ServicePrincipal } from '../authority/service-principal.ts';
import type { AuthorityIo } from './authority-io.ts';
import { secretOf } from './authority-secret.ts';

/** What says where an authority is, and how a life of it may begin. */
export interface AccessOptions {
  readonly directory: string;
  readonly keyFile: string | undefined;
  readonly brokers: readonly string[];
  readonly acceptSingleSource: boolean;
  readonly backup?: string;
}

/** An authority, in another process or in this one. */
export interface Access {
  /** Whether `serve` runs, and so another process does what is asked for. */
  readonly isRunning: boolean;
  request(op: string, args?: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>>;
  /** Waits until brokers have what was published. @returns how far they are, where this process handed it out */
  close(): Promise<readonly BrokerStatus[]>;
}

/** The socket of an authority that is served. */
export function socketPath(directory: string): string {
  return join(directory, 'admin.sock');
}

/**
 * The authority of a directory: the one that `serve` runs, or else one that lives as long as this command.
 *
 * @throws those of `AuthorityService.open`
 */
export async function reach(io: AuthorityIo, options: AccessOptions): Promise<Access> {
  const client = await connectIfRunning(options.directory);
  if (client !== undefined) {
    const close = async () => {
      client.close();
      return await Promise.resolve([]);
    };
    return { isRunning: true, request: async (op, args) => await client.request(op, args), close };
  }
  const service = await AuthorityService.open(await serviceOptions(io, options));
  const session: AdminSession = { scope: 'admin', bundles: [] };
  return {
    isRunning: false,
    request: async (op, args = {}) => {
      const given = Object.entries(args).filter(([, value]) => value !== undefined);
      return await findOperation(op, 'admin')(service, new AdminArguments(new Map(given)), session);
    },
    close: async () => {
      await service.rest();
      const { brokers } = service.status();
      await service.close();
      return brokers;
    },
  };
}

/** What a service of this directory is made with; asks for the passphrase. */
export async function serviceOptions(io: AuthorityIo, options: AccessOptions): Promise<DurableServiceOptions> {
  const { directory, brokers, acceptSingleSource, backup } = options;
  if (backup === undefined) checkExists(directory);
  return {
    directory,
    secret: await secretOf(io, options.keyFile),
    connect: (self) => connectAll(io, brokers, self),
    acceptSingleSource,
    ...(io.clock !== undefined && { clock: io.clock }),
    ...(backup !== undefined && { backup }),
  };
}

/** Before anybody is asked for a passphrase. @throws TridcommError `E_USAGE` */
export function checkExists(directory: string): void {
  if (existsSync(join(directory, 'authority.state'))) return;
  const advice = 'make one with tridcomm authority init, or say where it is with --dir';
  throw new TridcommError('E_USAGE', `there is no authority in ${directory}: ${advice}`);
}

/** Undefined where nobody listens: then the lock of the directory says whether a life may begin. */
export async function connectIfRunning(directory: string): Promise<AdminClient | undefined> {
  try {
    return await AdminClient.connect(socketPath(directory));
  } catch (error) {
    if (error instanceof TridcommError) return undefined;
    throw error;
  }
}

function connectAll(io: AuthorityIo, brokers: readonly string[], self: ServicePrincipal): Connections {
  return {
    sinks: brokers.map((url) => io.connectSink(url, self)),
    sources: brokers.map((url) => io.connectSource(url, self)),
  };
}
