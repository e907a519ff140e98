import { errorTable, type ErrorCode, type ErrorKind } from './codepoints/errors.gen.ts';

export type { ErrorCode, ErrorKind };

/**
 * Every refusal and failure of TriDComm.
 *
 * `code` is stable across releases and languages (chapter 14); `kind` says whose fault it is. The message names the field,
 * the value met and the value allowed, and never holds key, secret or payload bytes.
 *
 * @spec errors.1, errors.5
 */
export class TridcommError extends Error {
  override readonly name = 'TridcommError';
  readonly code: ErrorCode;
  /**
   * What a peer may be sent for this refusal; undefined where nothing may be sent.
   *
   * `E_REFUSED` for everything that depends on keys, on members or on memory, so that there is nothing to probe.
   *
   * @spec errors.3, errors.4, errors.7
   */
  readonly outward: ErrorCode | undefined;

  /**
   * @param code - a code of `spec/v1/registries/errors.json`
   * @param detail - field, value met, value allowed; without it the registry's sentence stands alone
   * @param options - `cause`, where another error is behind this one; `outward`, where the place tells more than the code
   */
  constructor(code: ErrorCode, detail?: string, options?: ErrorOptions & { readonly outward?: 'E_REFUSED' }) {
    const { summary } = errorTable[code];
    super(detail === undefined ? `${code}: ${summary}` : `${code}: ${summary} (${detail})`, options);
    this.code = code;
    this.outward = options?.outward ?? outwardCode(code);
  }

  /** Whose fault it is, as the registry classes the code. */
  get kind(): ErrorKind {
    return errorTable[this.code].kind;
  }
}

/**
 * The code that a peer may be sent for a code, wherever it is met; undefined where nothing may be sent.
 *
 * {@link TridcommError.outward} also knows the place.
 *
 * @param code - the exact code, for local eyes
 * @spec errors.3
 */
export function outwardCode(code: ErrorCode): ErrorCode | undefined {
  const { outward } = errorTable[code];
  if (outward === 'never') return undefined;
  return outward === 'same' ? code : outward;
}

/**
 * Meets a size or number with its limit.
 *
 * @param field - its name, for the message
 * @throws TridcommError `E_LIMIT` above the limit
 */
export function checkLimit(field: string, value: number, limit: number): void {
  if (value > limit) throw new TridcommError('E_LIMIT', `${field} ${value}, at most ${limit}`);
}
