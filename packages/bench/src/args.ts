/** What the command line asks for. */
export interface Arguments {
  /** Suites to run, in order; all where none is named. */
  readonly names: readonly string[];
  readonly help: boolean;
  readonly json: boolean;
  /** Fewer and shorter rounds. */
  readonly quick: boolean;
  /** File for the plot. */
  readonly svg: string | undefined;
}

/**
 * Reads a command line.
 *
 * @param suites - names that there are
 * @throws Error for what is not understood, saying what there is
 */
export function parseArguments(args: readonly string[], suites: readonly string[]): Arguments {
  const names: string[] = [];
  const flags = new Set<string>();
  let svg: string | undefined;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === '--svg') {
      svg = args[++i];
      if (svg === undefined || svg.startsWith('-')) throw new Error('--svg needs the name of a file');
    } else if (flagNames.includes(arg)) flags.add(arg);
    else if (suites.includes(arg)) names.push(arg);
    else
      throw new Error(
        `no benchmark or option ${arg}; there are: ${[...suites, ...flagNames, '--svg FILE'].join(', ')}`,
      );
  }
  return {
    names: names.length === 0 ? suites : names,
    help: flags.has('--help'),
    json: flags.has('--json'),
    quick: flags.has('--quick'),
    svg,
  };
}

const flagNames: readonly string[] = ['--help', '--json', '--quick'];
