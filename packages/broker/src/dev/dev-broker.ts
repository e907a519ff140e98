import { fork, type ChildProcess } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AdminClient, enrol } from '@tridcomm/client-node';
import { readDevWorld, runtimeDirectory, writeDevWorld } from '@tridcomm/client-node/dev';
import { TridcommError } from '@tridcomm/core';
import { createBroker, type Broker } from '../broker.ts';
import type { BrokerEvent } from '../engine/events.ts';
import type { DevGroup } from './dev-groups.ts';
import { adminSocketName, enrolSocketName, type FromAuthority, type ToAuthority } from './dev-files.ts';

/** A broker for development that runs, and what its user has to know. */
export interface DevBroker extends Pick<Broker, 'addresses'> {
  /** For `connect`. */
  readonly address: string;
  /** 64 hex digits. */
  readonly authorityId: string;
  /** Resolves when the authority's process has ended. */
  readonly authorityEnded: Promise<void>;
  /** Ends both processes, and takes everything back that was written. */
  close(): Promise<void>;
}

/**
 * Starts an authority as a process of its own, enrols a broker with it, and starts that broker, on a local socket and on a free port of
 * loopback. All of it is for the user who runs it, and ends with it.
 *
 * @param groups - that its authority has from the beginning
 * @throws TridcommError `E_USAGE` where another one runs; AdminRefusal for a group that there cannot be
 */
export async function startDevBroker(
  onEvent: (event: BrokerEvent) => void,
  groups: readonly DevGroup[] = [],
): Promise<DevBroker> {
  const runtime = runtimeDirectory();
  const other = readDevWorld(runtime);
  if (other !== undefined && isRunning(other.pid)) {
    throw new TridcommError('E_USAGE', `process ${other.pid} is a broker for development already; end it first`);
  }
  const folder = join(runtime, `dev-${process.pid}`);
  mkdirSync(runtime, { recursive: true, mode: 0o700 });
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { mode: 0o700 });
  const undo: (() => void | Promise<void>)[] = [() => rmSync(folder, { recursive: true, force: true })];
  const close = async (): Promise<void> => {
    for (const step of undo.splice(0).toReversed()) await step();
  };
  try {
    const authority = fork(fileURLToPath(new URL('dev-authority.js', import.meta.url)), [folder], { execArgv: [] });
    const authorityEnded = new Promise<void>((resolve) => authority.once('exit', () => resolve()));
    undo.push(async () => {
      if (authority.connected) authority.disconnect();
      await authorityEnded;
    });
    authority.on('message', (message: FromAuthority) => {
      if ('fault' in message) onEvent({ type: 'internalError', where: 'authority', name: message.fault });
    });
    const authorityId = await authorityIdOf(authority);
    const identity = join(folder, 'broker');
    const adminSocket = join(folder, adminSocketName);
    await enrol(identity, adminSocket, brokerName, { roles: ['broker'] });
    if (groups.length > 0) await addGroups(adminSocket, groups);
    const socketPath = join(folder, 'broker.sock');
    let fed!: () => void;
    const isFed = new Promise<void>((resolve) => (fed = resolve));
    const broker = await createBroker(
      {
        identity,
        listeners: [
          { type: 'unix', path: socketPath },
          { type: 'noise', host: '127.0.0.1', port: 0 },
        ],
        store: { type: 'memory' },
        limits: { principal: { messagesPerSecond: 1e9, envelopesPerSecond: 1e9, bytesPerSecond: 1e12 } },
      },
      {
        onEvent: (event) => {
          onEvent(event);
          if (event.type === 'bundleTaken') fed();
        },
      },
    );
    undo.push(async () => broker.close());
    const address = `unix:${socketPath}`;
    authority.send({ address } satisfies ToAuthority);
    // Who connects before the broker knows its authority would be sent away.
    await Promise.race([isFed, authorityEnded.then(() => Promise.reject(endedEarly()))]);
    const enrolSocket = join(folder, enrolSocketName);
    const world = { version: 1, address, brokerName, authorityId, enrolSocket, adminSocket, pid: process.pid };
    undo.push(writeDevWorld(world, runtime));
    return { addresses: broker.addresses, address, authorityId, authorityEnded, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function addGroups(adminSocket: string, groups: readonly DevGroup[]): Promise<void> {
  const authority = await AdminClient.connect(adminSocket);
  try {
    for (const { purpose, pattern } of groups) await authority.request('addGroup', { purpose, patterns: [pattern] });
  } finally {
    authority.close();
  }
}

async function authorityIdOf(authority: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    authority.on('message', (message: FromAuthority) => {
      if ('authorityId' in message) resolve(message.authorityId);
    });
    authority.once('exit', () => reject(endedEarly()));
  });
}

function endedEarly(): TridcommError {
  return new TridcommError('E_TRANSPORT', 'the authority for development has ended');
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

const brokerName = 'localhost';
