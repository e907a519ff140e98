import { parseArgs } from 'node:util';
import type { ParseArgsConfig } from 'node:util';

import { CannotRun } from './cannot-run.ts';
import type { TestedCommand, VectorsOptions } from './modes/vectors.ts';

/** What the command line asks for. */
export type Request =
  | { readonly mode: 'help' | 'version' }
  | { readonly mode: 'vectors'; readonly options: VectorsOptions; readonly outputs: Outputs }
  | { readonly mode: 'smoke'; readonly options: TestedCommand }
  | { readonly mode: 'table'; readonly paths: readonly string[] };

/** Where the reports go. */
export interface Outputs {
  readonly json: boolean;
  readonly reportJson?: string;
  readonly reportJunit?: string;
}

/**
 * Parses the arguments after the program's name.
 *
 * @throws {@link CannotRun} if they make no sense
 */
export function parseArguments(argv: readonly string[]): Request {
  const separator = argv.indexOf('--');
  const [mode, ...own] = separator < 0 ? argv : argv.slice(0, separator);
  const command = separator < 0 ? [] : argv.slice(separator + 1);
  if ([mode, ...own].some((argument) => argument === '--help' || argument === '-h')) return { mode: 'help' };
  if ([mode, ...own].includes('--version')) return { mode: 'version' };
  switch (mode) {
    case 'vectors':
      return parseVectors(own, command);
    case 'smoke':
      return { mode, options: tested(parse(own, testedOptions), command) };
    case 'table':
      return { mode, paths: parseTable(own) };
    case undefined:
      throw usage('name a mode: vectors, smoke or table');
    default:
      throw usage(`there is no mode ${mode}, only vectors, smoke and table`);
  }
}

function parseVectors(own: readonly string[], command: readonly string[]): Request {
  const values = parse(own, vectorsOptions);
  const { 'known-failing': knownFailing, name, 'report-json': reportJson, 'report-junit': reportJunit } = values;
  return {
    mode: 'vectors',
    options: {
      ...tested(values, command),
      strictErrors: values['strict-errors'] ?? false,
      validate: values.validate ?? false,
      run: values.run ?? [],
      skip: values.skip ?? [],
      ...(knownFailing === undefined ? {} : { knownFailing }),
      ...(name === undefined ? {} : { name }),
    },
    outputs: {
      json: values.json ?? false,
      ...(reportJson === undefined ? {} : { reportJson }),
      ...(reportJunit === undefined ? {} : { reportJunit }),
    },
  };
}

function parseTable(own: readonly string[]): string[] {
  const [option] = own.filter((argument) => argument.startsWith('-'));
  if (option !== undefined) throw usage(`table has no option ${option}`);
  if (own.length === 0) throw usage('name the JSON reports to merge');
  return [...own];
}

function tested(
  { 'vectors-dir': vectorsDir, timeout = '5000' }: { 'vectors-dir'?: string; timeout?: string },
  [program, ...rest]: readonly string[],
): TestedCommand {
  if (program === undefined) throw usage('name the adapter after --, as in: vectors -- ./my-adapter');
  if (!/^[1-9]\d{0,8}$/.test(timeout)) throw usage(`--timeout ${timeout} is no number of milliseconds`);
  return {
    command: [program, ...rest],
    timeoutMs: Number(timeout),
    ...(vectorsDir === undefined ? {} : { vectorsDir }),
  };
}

function parse<const Options extends NonNullable<ParseArgsConfig['options']>>(
  args: readonly string[],
  options: Options,
): ReturnType<typeof parseArgs<{ options: Options }>>['values'] {
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (cause) {
    throw usage((cause as Error).message);
  }
}

function usage(message: string): CannotRun {
  return new CannotRun(`${message}\nTry: tridcomm-conformance --help`);
}

const testedOptions = { 'vectors-dir': { type: 'string' }, timeout: { type: 'string' } } as const;

const vectorsOptions = {
  ...testedOptions,
  run: { type: 'string', multiple: true },
  skip: { type: 'string', multiple: true },
  'known-failing': { type: 'string' },
  'strict-errors': { type: 'boolean' },
  validate: { type: 'boolean' },
  name: { type: 'string' },
  json: { type: 'boolean' },
  'report-json': { type: 'string' },
  'report-junit': { type: 'string' },
} as const;
