/** What the bench asks of one of its processes. */
export interface Request {
  readonly id: number;
  readonly op: string;
  readonly args: readonly unknown[];
}

/** What that answers. */
export interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

/** Answers what the parent of this process asks, by the methods of an object, and ends with the parent. */
export function serve(operations: object): void {
  const methods = operations as Readonly<Record<string, (...args: readonly unknown[]) => unknown>>;
  const answer = async ({ id, op, args }: Request): Promise<Answer> => {
    try {
      return { id, result: await methods[op]!(...args) };
    } catch (error) {
      return { id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    }
  };
  const send = (one: Answer) => {
    // Who asked may be gone.
    if (process.connected) process.send!(one, () => undefined);
  };
  process.on('message', (request: Request) => void answer(request).then(send));
  process.on('disconnect', () => process.exit(1));
  // An interrupt of the terminal reaches everybody; the parent ends its children.
  process.on('SIGINT', () => undefined);
}
