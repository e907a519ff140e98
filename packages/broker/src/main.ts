import { AdminRefusal } from '@tridcomm/client-node';
import { TridcommError } from '@tridcomm/core';
import { createBroker } from './broker.ts';
import { configKeys, readConfigFile } from './config.ts';
import { startDevBroker, type DevBroker } from './dev/dev-broker.ts';
import { parseDevGroups } from './dev/dev-groups.ts';
import type { BrokerEvent } from './engine/events.ts';
import { EventLog, type LineSink } from './event-log.ts';

/** What the command line needs of its process. */
export interface MainIo {
  readonly version: string;
  /** To the standard output. */
  readonly write: (text: string) => void;
  /** A line of the log, to the standard error. */
  readonly writeLine: LineSink;
  /** Calls the handler at each signal to end. */
  readonly onSignal: (handler: () => void) => void;
  /** Calls the handler at each signal to read certificates anew. */
  readonly onHangup: (handler: () => void) => void;
}

/**
 * The command `tridcomm-broker`: runs a broker until it is told to end.
 *
 * @returns the exit code: 0 done, 1 refused or failed, 2 command line not understood
 */
export async function main(args: readonly string[], io: MainIo): Promise<number> {
  const [option, value, ...more] = args;
  if (option === '--help' && value === undefined) {
    io.write(help());
    return 0;
  }
  if (option === '--version' && value === undefined) {
    io.write(`${io.version}\n`);
    return 0;
  }
  if (option === '--config' && value !== undefined && more.length === 0) return await run(value, io);
  const groups = option === '--dev' ? parseDevGroups(args.slice(1)) : undefined;
  if (groups !== undefined) {
    return await serve(io, async (onEvent) => {
      const dev = await startDevBroker(onEvent, groups);
      io.write(welcome(dev));
      return dev;
    });
  }
  io.writeLine('tridcomm-broker: command line not understood; see tridcomm-broker --help\n');
  return 2;
}

async function run(path: string, io: MainIo): Promise<number> {
  return await serve(io, async (onEvent) => {
    const { identity, listeners, ...rest } = readConfigFile(path);
    const broker = await createBroker({ ...rest, identity, listeners }, { onEvent });
    io.onHangup(() => broker.readCertificates());
    return broker;
  });
}

/** What runs until it is told to end, or its authority ends. */
interface Running {
  readonly authorityEnded?: Promise<void>;
  close(): Promise<void>;
}

/** Runs what is started until a signal comes. */
async function serve(io: MainIo, start: (onEvent: (event: BrokerEvent) => void) => Promise<Running>): Promise<number> {
  const log = new EventLog(io.writeLine, Date.now);
  const signalled = new Promise<void>((resolve) => io.onSignal(resolve));
  let broker: Running;
  try {
    broker = await start((event) => log.write(event));
  } catch (error) {
    if (!(error instanceof TridcommError || error instanceof AdminRefusal)) throw error;
    io.writeLine(`tridcomm-broker: ${sentenceOf(error)}\n`);
    return 1;
  }
  await Promise.race([signalled, broker.authorityEnded ?? signalled]);
  await broker.close();
  return 0;
}

/** What a user can do something about: the refusal, and what the system said behind it. */
function sentenceOf({ message, cause }: TridcommError | AdminRefusal): string {
  return cause instanceof Error && 'code' in cause ? `${message}: ${String(cause.code)}` : message;
}

function welcome({ addresses, authorityId, address }: DevBroker): string {
  return `A broker to try things with, and its authority: what they hold is gone when this process ends.

  broker     ${address}
             noise://127.0.0.1:${addresses[1]?.port} with the name localhost
  authority  ${authorityId}

In other terminals:
  tridcomm sub 'orders/**'
  tridcomm pub orders/new < FILE

Ctrl-C ends it. Decisions follow, one line of JSON each.
`;
}

function help(): string {
  return `tridcomm-broker: passes sealed envelopes on, and has no key to read them

Usage
  tridcomm-broker --config FILE   run a broker as the file says
  tridcomm-broker --dev           run one to try things with, and an authority beside it, for you alone
    --group PURPOSE:PATTERN       topics that have a group from the beginning; may be given more than once. PURPOSE is
                                  pubSub, bus, survey or front (a pool); a survey or a front has a whole topic
  tridcomm-broker --help
  tridcomm-broker --version

It runs until SIGTERM or SIGINT, and then answers what it has taken before it ends. What it decides is written to the standard error, one
line of JSON each. At SIGHUP it reads the certificates of its listeners anew, for who connects from then on.

The file is JSON. Paths in it count from its directory.
${configKeys()
  .map(({ path, allows, fallback, about }) => {
    const rest = [about, allows, fallback === undefined ? '' : `default ${fallback}`].filter((part) => part !== '');
    return `  ${path.padEnd(indent)} ${rest.join('; ')}\n`;
  })
  .join('')}
Example
  {
    "identity": "/var/lib/tridcomm-broker",
    "listeners": [{ "type": "tls" }, { "type": "noise" }],
    "store": { "type": "disk", "folder": "/var/lib/tridcomm-broker/store" },
    "metrics": {}
  }

Exit codes: 0 done, 1 refused or failed, 2 command line not understood.
`;
}

const indent = 34;
