import { TridcommError } from '@tridcomm/core';

/**
 * The arguments of a request, read by name: each is of the type that the operation asks for, and none is there that it does not know.
 */
export class AdminArguments {
  readonly #given: ReadonlyMap<string, unknown>;
  readonly #read = new Set<string>();

  constructor(given: ReadonlyMap<string, unknown>) {
    this.#given = given;
  }

  /** @throws TridcommError `E_USAGE` for anything but text */
  text(name: string): string {
    return this.#required(name, this.optionalText(name));
  }

  optionalText(name: string): string | undefined {
    return this.#take(name, 'text', (value) => typeof value === 'string');
  }

  /** @throws TridcommError `E_USAGE` for anything but a whole number from 0 on */
  optionalNumber(name: string): number | undefined {
    return this.#take(
      name,
      'a whole number',
      (value): value is number => Number.isSafeInteger(value) && (value as number) >= 0,
    );
  }

  /**
   * Bytes, in hex.
   *
   * @param lengthBytes - how many; default any number but 0
   * @throws TridcommError `E_USAGE` for anything else
   */
  bytes(name: string, lengthBytes?: number): Uint8Array {
    const what = lengthBytes === undefined ? 'bytes in hex' : `${lengthBytes} bytes in hex`;
    const isHex = (value: unknown): value is string => typeof value === 'string' && /^([0-9a-fA-F]{2})+$/.test(value);
    const text = this.#required(name, this.#take(name, what, isHex));
    const bytes = new Uint8Array(Buffer.from(text, 'hex'));
    if (lengthBytes !== undefined && bytes.length !== lengthBytes)
      throw new TridcommError('E_USAGE', `${name}: not ${what}`);
    return bytes;
  }

  /** @throws TridcommError `E_USAGE` for anything but a list of texts */
  optionalTexts(name: string): readonly string[] | undefined {
    const isTexts = (value: unknown): value is readonly string[] =>
      Array.isArray(value) && value.every((one) => typeof one === 'string');
    return this.#take(name, 'a list of texts', isTexts);
  }

  /** @throws TridcommError `E_USAGE` for anything but true and false */
  optionalFlag(name: string): boolean | undefined {
    return this.#take(name, 'true or false', (value) => typeof value === 'boolean');
  }

  /** One of the names. @throws TridcommError `E_USAGE` for anything else */
  optionalName<T extends string>(name: string, names: readonly T[]): T | undefined {
    const isName = (value: unknown): value is T => names.includes(value as T);
    return this.#take(name, `one of ${names.join(', ')}`, isName);
  }

  /** @throws TridcommError `E_USAGE` where an argument was given that nobody read */
  end(): void {
    for (const name of this.#given.keys()) {
      if (!this.#read.has(name))
        throw new TridcommError('E_USAGE', `unknown argument ${JSON.stringify(name.slice(0, 64))}`);
    }
  }

  #take<T>(name: string, what: string, isIt: (value: unknown) => value is T): T | undefined {
    this.#read.add(name);
    const value = this.#given.get(name);
    if (value === undefined) return undefined;
    if (!isIt(value)) throw new TridcommError('E_USAGE', `${name}: not ${what}`);
    return value;
  }

  #required<T>(name: string, value: T | undefined): T {
    if (value === undefined) throw new TridcommError('E_USAGE', `${name} is missing`);
    return value;
  }
}
