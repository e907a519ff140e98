import { TridcommError } from '@tridcomm/core';

/** What a line of JSON may hold as input or output of an operation. */
export type Value = string | number | boolean | readonly Value[] | { readonly [name: string]: Value | undefined };

/** The members of one JSON object, read with the types that an operation expects. */
export class Input {
  readonly #members: { readonly [name: string]: Value | undefined };

  constructor(value: Value | undefined) {
    if (typeof value !== 'object' || Array.isArray(value)) throw new TridcommError('E_USAGE', 'not an object');
    this.#members = value as { readonly [name: string]: Value | undefined };
  }

  has(name: string): boolean {
    return this.#members[name] !== undefined;
  }

  text(name: string): string {
    const value = this.#members[name];
    if (typeof value !== 'string') throw new TridcommError('E_USAGE', `${name} is not text`);
    return value;
  }

  /** Bytes from hex. */
  bytes(name: string): Uint8Array {
    return fromHex(this.text(name));
  }

  integer(name: string, otherwise?: number): number {
    const value = this.#members[name] ?? otherwise;
    if (typeof value !== 'number') throw new TridcommError('E_USAGE', `${name} is not a number`);
    return value;
  }

  /** A number from a decimal string; what is above 2^53 comes out above 2^53−1. */
  decimal(name: string, otherwise?: number): number {
    if (otherwise !== undefined && !this.has(name)) return otherwise;
    return Number(this.text(name));
  }

  flag(name: string): boolean {
    return this.#members[name] === true;
  }

  object(name: string): Input {
    return new Input(this.#members[name]);
  }

  objects(name: string): Input[] {
    return this.#list(name).map((value) => new Input(value));
  }

  bytesList(name: string): Uint8Array[] {
    return this.texts(name).map(fromHex);
  }

  texts(name: string): string[] {
    return this.#list(name).map((value) => {
      if (typeof value !== 'string') throw new TridcommError('E_USAGE', `${name} holds what is not text`);
      return value;
    });
  }

  integers(name: string): number[] {
    return this.#list(name).map((value) => {
      if (typeof value !== 'number') throw new TridcommError('E_USAGE', `${name} holds what is not a number`);
      return value;
    });
  }

  #list(name: string): readonly Value[] {
    const value = this.#members[name] ?? [];
    if (!Array.isArray(value)) throw new TridcommError('E_USAGE', `${name} is not a list`);
    return value as readonly Value[];
  }
}

/** One operation: throws `TridcommError` to refuse. */
export type Operation = (input: Input) => Value;

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}

function fromHex(hex: string): Uint8Array {
  if (!/^([0-9a-f]{2})*$/.test(hex)) throw new TridcommError('E_USAGE', 'bytes that are not lower-case hex');
  return new Uint8Array(Buffer.from(hex, 'hex'));
}
