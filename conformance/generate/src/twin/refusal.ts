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
