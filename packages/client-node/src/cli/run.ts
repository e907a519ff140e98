import { readFileSync } from 'node:fs';
import type { BundleSink } from '../authority/broker-feed.ts';
import type { RestoreSource } from '../authority/restore-sources.ts';
import type { ServicePrincipal } from '../authority/service-principal.ts';
import { BrokerLink } from '../links/broker-link.ts';
import type { AuthorityIo } from './authority-io.ts';
import { runAuthority } from './authority.ts';
import { explain, UsageError, type CliIo } from './cli-io.ts';
import { helpOf, overview } from './help.ts';
import { inspect } from './inspect.ts';
import { keys } from './keys.ts';
import { pub } from './pub.ts';
import { sub } from './sub.ts';

/**
 * The program `tridcomm`.
 *
 * @param args - its command line
 * @returns the exit code: 0 done, 1 refused or failed, 2 command line not understood
 */
export async function run(args: readonly string[], io: CliIo): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || ['--help', '-h', 'help'].includes(name)) {
    (name === undefined ? io.stderr : io.stdout).write(overview);
    return name === undefined ? 2 : 0;
  }
  if (name === '--version') {
    io.stdout.write(`${version()}\n`);
    return 0;
  }
  if (name === 'authority') return runAuthority(rest, authorityIo(io));
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    io.stderr.write(`unknown command ${JSON.stringify(name)}; see tridcomm --help\n`);
    return 2;
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    io.stdout.write(helpOf[name]!);
    return 0;
  }
  try {
    return await command(rest, io);
  } catch (error) {
    return failed(error, name, io);
  }
}

function version(): string {
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string }).version;
}

function failed(error: unknown, name: string, io: CliIo): number {
  // What was broken off fails in many ways, none of which says more than that.
  if (io.signal.aborted) return 1;
  if (isUsage(error)) {
    // The first sentence says what is wrong; the others, how Node would have it.
    io.stderr.write(`${error.message.split('. ')[0]}; see tridcomm ${name} --help\n`);
    return 2;
  }
  const line = explain(error);
  if (line === undefined) throw error;
  io.stderr.write(`${line}\n`);
  return 1;
}

/** What `parseArgs` throws of a command line is told by its code. */
function isUsage(error: unknown): error is Error {
  if (error instanceof UsageError) return true;
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
}

function authorityIo({ stdin, stdout, stderr, env, cwd, signal }: CliIo): AuthorityIo {
  const links = new Map<string, BrokerLink>();
  // Who gets bundles and who is asked are one broker, on one link.
  const linkTo = (url: string, self: ServicePrincipal): BundleSink & RestoreSource => {
    const link = links.get(url) ?? new BrokerLink({ address: url }, self);
    links.set(url, link);
    return link;
  };
  return { stdin, stdout, stderr, env, cwd, signal, connectSink: linkTo, connectSource: linkTo };
}

const commands: Readonly<Record<string, (args: readonly string[], io: CliIo) => Promise<number>>> = {
  pub,
  sub,
  inspect,
  keys,
};
