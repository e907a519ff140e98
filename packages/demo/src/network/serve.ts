/** What a parent asks of a child process. */
export interface Request {
  readonly id: number;
  readonly op: string;
  readonly args: readonly unknown[];
}

/** What the child answers. */
export interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: { readonly code: string; readonly message: string };
}

/** Answers what the parent of this process asks, by the methods of an object, and ends with the parent. */
export function serve(operations: object): void {
  const methods = operations as Readonly<Record<string, (...args: readonly unknown[]) => unknown>>;
  const answer = async ({ id, op, args }: Request): Promise<Answer> => {
    try {
      return { id, result: await methods[op]!(...args) };
    } catch (error) {
      return { id, error: { code: codeOf(error), message: error instanceof Error ? error.message : String(error) } };
    }
  };
  process.on('message', (request: Request) => void answer(request).then((one) => process.send!(one)));
  process.on('disconnect', () => process.exit(1));
  // An interrupt of the terminal reaches everybody; the parent ends its children.
  process.on('SIGINT', () => undefined);
}

/** The code of a refusal; the name of anything else. */
export function codeOf(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'code' in error) return String(error.code);
  return error instanceof Error ? error.name : typeof error;
}
