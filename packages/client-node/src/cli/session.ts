import { existsSync, rmSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { TridcommError } from '@tridcomm/core';
import type { TridcommClient } from '../client/client.ts';
import { connect } from '../client/connect.ts';
import { enrol } from '../client/enrol.ts';
import type { ClientStatus } from '../client/status.ts';
import { explain, UsageError, type CliIo } from './cli-io.ts';
import { allowInDev, readDevWorld, runtimeDirectory, temporaryIdentity, type DevWorld } from './dev-world.ts';

/** Options of commands that connect to a broker, as `parseArgs` takes them. */
export const sessionOptions = {
  broker: { type: 'string' },
  identity: { type: 'string' },
  authority: { type: 'string' },
  'broker-name': { type: 'string' },
  name: { type: 'string' },
} as const;

/** As they were given. */
export type SessionValues = { readonly [name in keyof typeof sessionOptions]?: string | undefined };

/** What a command is about to do. */
export interface Intent {
  readonly action: 'publish' | 'subscribe';
  /** Topic or pattern. */
  readonly text: string;
}

/**
 * Connects as the command line says: to a broker, with an identity; or without either to the broker that runs for development, which lets in
 * whom it does not know.
 *
 * @returns the client, and what ends it and cleans up
 * @throws UsageError; what `connect` and `enrol` throw
 */
export async function openSession(
  io: CliIo,
  values: SessionValues,
  intent: Intent,
): Promise<{ readonly client: TridcommClient; readonly close: () => Promise<void> }> {
  if (values.broker === undefined) return openDevSession(io, values, intent);
  if (values.identity === undefined) throw new UsageError('--broker needs --identity: the directory of who connects');
  const client = await connect(values.broker, {
    identity: resolve(io.cwd, values.identity),
    signal: io.signal,
    ...(values.authority !== undefined && { authorityId: values.authority }),
    ...(values['broker-name'] !== undefined && { brokerName: values['broker-name'] }),
  });
  tellStatus(io, client);
  return { client, close: async () => client.close() };
}

async function openDevSession(
  io: CliIo,
  { identity, name = `${userInfo().username}-${process.pid}` }: SessionValues,
  { action, text }: Intent,
): ReturnType<typeof openSession> {
  const runtime = runtimeDirectory(io.env);
  const world = readDevWorld(runtime);
  if (world === undefined) {
    throw new TridcommError(
      'E_USAGE',
      'no broker: start tridcomm-broker --dev, or name one with --broker and --identity',
    );
  }
  const directory = identity === undefined ? temporaryIdentity(runtime) : resolve(io.cwd, identity);
  const cleanUp = () => {
    if (identity === undefined) rmSync(directory, { recursive: true, force: true });
  };
  try {
    const client = await connectInDev(io, world, directory, name, { action, text });
    const close = async () => {
      await client.close();
      cleanUp();
    };
    return { client, close };
  } catch (error) {
    cleanUp();
    throw error;
  }
}

async function connectInDev(
  io: CliIo,
  world: DevWorld,
  directory: string,
  name: string,
  { action, text }: Intent,
): Promise<TridcommClient> {
  const { address, authorityId, brokerName, enrolSocket } = world;
  // Who was here before has its record; a world that began anew knows nobody.
  if (!existsSync(join(directory, 'authority-id'))) await enrol(directory, enrolSocket, name, { authorityId });
  const client = await connect(address, {
    identity: directory,
    authorityId,
    brokerName,
    signal: io.signal,
  });
  tellStatus(io, client);
  try {
    await allowInDev(world, client.keyId32, action, text);
  } catch (error) {
    await client.close();
    throw error;
  }
  return client;
}

/** Says on standard error what happens meanwhile. */
function tellStatus(io: CliIo, client: TridcommClient): void {
  client.addEventListener('status', ({ status }) => {
    const line = lineOf(status);
    if (line !== undefined) io.stderr.write(`${line}\n`);
  });
}

function lineOf(status: ClientStatus): string | undefined {
  if (status.type === 'disconnected') {
    const why = status.error === undefined ? 'the broker ended the link' : explain(status.error);
    return `${why}; next attempt in ${(status.retryInMs / 1_000).toFixed(1)} s`;
  }
  if (status.type === 'refused' && status.what === 'subscription') return explain(status.error);
  if (status.type === 'gap') {
    const { topic, sender, range } = status;
    return `${range.to - range.from + 1} envelopes of ${sender.name} on ${topic} are missing`;
  }
  if (status.type === 'clock') return `the clock of the broker differs by ${(status.skewMs / 1_000).toFixed(1)} s`;
  return undefined;
}
