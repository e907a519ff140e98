import { resolve } from 'node:path';
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { AdminRefusal } from '../authority/admin-client.ts';
import { errorOf } from '../authority/admin-protocol.ts';
import type { Command, Given } from './authority-command.ts';
import { commands } from './authority-commands.ts';
import { helpOf, overview } from './authority-help.ts';
import { CommandLineError, type AuthorityIo } from './authority-io.ts';
import { explain } from './cli-io.ts';

/**
 * `tridcomm authority`: makes, runs and asks authorities.
 *
 * @param args - what follows `authority` on the command line
 * @returns the exit code: 0 done, 1 refused or failed, 2 command line not understood
 */
export async function runAuthority(args: readonly string[], io: AuthorityIo): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    (name === undefined ? io.stderr : io.stdout).write(overview);
    return name === undefined ? 2 : 0;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    io.stderr.write(`tridcomm: unknown command ${JSON.stringify(name)}; see tridcomm authority --help\n`);
    return 2;
  }
  const isJson = rest.includes('--json');
  try {
    const given = parse(command, rest, io);
    if (given === undefined) {
      io.stdout.write(helpOf[name]!);
      return 0;
    }
    const outcome = await command.run(given);
    if (outcome !== undefined)
      io.stdout.write(isJson ? `${JSON.stringify(outcome.json)}\n` : `${outcome.lines.join('\n')}\n`);
    return 0;
  } catch (error) {
    if (error instanceof CommandLineError) {
      io.stderr.write(`tridcomm: ${error.message}; see tridcomm authority ${name} --help\n`);
      return 2;
    }
    const found = error instanceof AdminRefusal ? { code: error.code, message: error.message } : errorOf(error);
    if (isJson) io.stdout.write(`${JSON.stringify({ error: found })}\n`);
    else io.stderr.write(`${explain(error) ?? found.message}\n`);
    return 1;
  }
}

/** Undefined where help was asked for. @throws CommandLineError for options that there are not */
function parse(command: Command, args: readonly string[], io: AuthorityIo): Given | undefined {
  const named = { ...common, ...(command.reaches && beginning), ...command.options };
  const options = Object.fromEntries(
    Object.entries(named).map(([name, form]) => {
      return [name, { type: form === 'flag' ? 'boolean' : 'string', multiple: form === 'many' }] as const;
    }),
  ) satisfies ParseArgsConfig['options'];
  const { values, positionals } = parseOrRefuse({ args: [...args], options, allowPositionals: true });
  if (values['help'] === true) return undefined;
  const { dir = defaultDirectory, 'key-file': keyFile, broker = [] } = values;
  return {
    io,
    options: values,
    words: positionals,
    access: {
      directory: resolve(io.cwd, dir as string),
      keyFile: keyFile as string | undefined,
      brokers: broker as readonly string[],
      acceptSingleSource: values['accept-single-source'] === true,
    },
  };
}

function parseOrRefuse(config: ParseArgsConfig): {
  readonly values: Given['options'];
  readonly positionals: readonly string[];
} {
  try {
    return parseArgs(config);
  } catch (error) {
    // The first sentence says what is wrong; the others, how Node would have it.
    throw new CommandLineError((error as Error).message.split('. ')[0]!, { cause: error });
  }
}

const common = { dir: 'one', 'key-file': 'one', json: 'flag', help: 'flag' } as const;
/** For commands that may have to be the authority themselves. */
const beginning = { broker: 'many', 'accept-single-source': 'flag' } as const;
const defaultDirectory = 'tridcomm-authority';
