import type { AccessOptions } from './authority-access.ts';
import type { AuthorityIo } from './authority-io.ts';

/** Options as they were given, by name. */
export type GivenOptions = Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>;

/** A command line that was taken apart. */
export interface Given {
  readonly io: AuthorityIo;
  readonly access: AccessOptions;
  readonly options: GivenOptions;
  readonly words: readonly string[];
}

/** What a command came to: lines for people, and the same for programs. */
export interface Outcome {
  readonly lines: readonly string[];
  readonly json: Readonly<Record<string, unknown>>;
}

/** A command of `tridcomm authority`. */
export interface Command {
  /** Its options beside those of every command, and how often each may be given. */
  readonly options: Readonly<Record<string, 'one' | 'many' | 'flag'>>;
  /** Whether it may have to be the authority itself. */
  readonly reaches: boolean;
  run(given: Given): Promise<Outcome | undefined>;
}
