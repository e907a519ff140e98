/** A refusal with its code of chapter 14. */
export class Refusal extends Error {
  readonly code: string;
  constructor(code: string, why: string) {
    super(`${code}: ${why}`);
    this.code = code;
  }
}

export function refuse(code: string, why: string): never {
  throw new Refusal(code, why);
}

/** The code with which `act` refuses, or undefined if it does not. */
export function codeOf(act: () => unknown): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}
