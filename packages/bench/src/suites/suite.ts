import type { Row } from '../report.ts';

/** How long a suite may take. */
export interface Effort {
  readonly quick: boolean;
  /** Hears of versions, and of what is going on. */
  readonly note: (line: string) => void;
}

/** Some benchmarks under one name. */
export type Suite = (effort: Effort) => Promise<readonly Row[]> | readonly Row[];

/** The message of what went wrong, in one line. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n')[0]!;
}
