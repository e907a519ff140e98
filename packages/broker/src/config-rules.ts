import { TridcommError } from '@tridcomm/core';

/*
 * Rules for a configuration: each says in words what it allows, so that a refusal and the documentation say the same.
 */

/** What one key allows. */
export interface Rule<T> {
  /** In words, such as `an integer from 0 to 65535`. */
  readonly allows: string;
  /** @throws {@link ConfigError} */
  read(value: unknown, path: string): T;
  /** What is below it, for documentation. */
  readonly keys?: readonly DocumentedKey[];
}

/** A key with its rule. */
export interface Field<T> {
  readonly rule: Rule<T>;
  readonly about: string;
  /** What holds where it is absent; a field without it is required. */
  readonly fallback?: { readonly value: T; readonly text: string };
}

/** A line of documentation. */
export interface DocumentedKey {
  readonly path: string;
  readonly allows: string;
  readonly fallback: string | undefined;
  readonly about: string;
}

/** A configuration that cannot be: `E_USAGE`. It names the key, the kind of what stands there, and what is allowed, never the value. */
export class ConfigError extends TridcommError {
  readonly path: string;

  constructor(path: string, found: string, allows: string) {
    super('E_USAGE', `configuration: ${path}: ${found}; allowed: ${allows}`);
    this.path = path;
  }
}

/** Text of 1 to so many characters. */
export function text(about: string, pattern?: RegExp): Rule<string> {
  return {
    allows: about,
    read(value, path) {
      if (typeof value !== 'string') throw new ConfigError(path, kindOf(value), about);
      const isFine = value.length > 0 && value.length <= mostCharacters && !value.includes('\0');
      if (!isFine || pattern?.test(value) === false) throw new ConfigError(path, 'text of another form', about);
      return value;
    },
  };
}

export function integer(least: number, most: number): Rule<number> {
  const allows = `an integer from ${least} to ${most}`;
  return {
    allows,
    read(value, path) {
      if (typeof value !== 'number') throw new ConfigError(path, kindOf(value), allows);
      if (!Number.isInteger(value)) throw new ConfigError(path, 'a number that is no integer', allows);
      if (value < least || value > most)
        throw new ConfigError(path, `a number ${value < least ? 'below' : 'above'} that`, allows);
      return value;
    },
  };
}

export function flag(): Rule<boolean> {
  const allows = 'true or false';
  return {
    allows,
    read(value, path) {
      if (typeof value !== 'boolean') throw new ConfigError(path, kindOf(value), allows);
      return value;
    },
  };
}

export function choice<const T extends string>(...values: readonly T[]): Rule<T> {
  const allows = values.map((value) => `"${value}"`).join(', ');
  return {
    allows,
    read(value, path) {
      const found = values.find((one) => one === value);
      if (found !== undefined) return found;
      throw new ConfigError(path, typeof value === 'string' ? 'another text' : kindOf(value), allows);
    },
  };
}

export function list<T>(of: Rule<T>, least: number, most: number): Rule<readonly T[]> {
  const allows = `a list of ${least} to ${most}: ${of.allows}`;
  return {
    allows,
    read(value, path) {
      if (!Array.isArray(value)) throw new ConfigError(path, kindOf(value), allows);
      if (value.length < least || value.length > most) throw new ConfigError(path, `a list of ${value.length}`, allows);
      return value.map((one, i) => of.read(one, `${path}[${i}]`));
    },
    keys: of.keys?.map((key) => ({ ...key, path: `[]${key.path}` })) ?? [],
  };
}

/** An object with these keys and no others. */
export function object<T extends object>(fields: { readonly [K in keyof T]-?: Field<T[K]> }): Rule<T> {
  const names = Object.keys(fields) as (keyof T & string)[];
  const allows = `an object with ${names.join(', ')}`;
  return {
    allows,
    read(value, path) {
      const given = asObject(value, path, allows);
      checkKeys(given, names, path);
      const entries = names.map((name) => [name, readField(fields[name], given, name, path)]);
      return Object.fromEntries(entries) as T;
    },
    keys: names.flatMap((name) => documented(name, fields[name])),
  };
}

/** Objects of several kinds, told apart by their key `type`. */
export function oneOf<T extends { readonly type: string }>(variants: {
  readonly [K in T['type']]: {
    readonly [F in Exclude<keyof Extract<T, { type: K }>, 'type'>]: Field<Extract<T, { type: K }>[F]>;
  };
}): Rule<T> {
  const types = Object.keys(variants) as T['type'][];
  const type = choice(...types);
  const allows = `an object with type ${types.map((one) => `"${one}"`).join(', ')}`;
  return {
    allows,
    read(value, path) {
      const given = asObject(value, path, allows);
      const found = type.read(given['type'], `${path}.type`);
      const fields = variants[found] as Readonly<Record<string, Field<unknown>>>;
      checkKeys(given, ['type', ...Object.keys(fields)], path);
      const entries = Object.keys(fields).map((name) => [name, readField(fields[name]!, given, name, path)]);
      return { type: found, ...Object.fromEntries(entries) } as T;
    },
    keys: [
      { path: '.type', allows: type.allows, fallback: undefined, about: 'which other keys there are' },
      ...types.flatMap((one) =>
        Object.entries<Field<unknown>>(variants[one])
          .flatMap(([name, field]) => documented(name, field))
          .map((key) => ({ ...key, about: `of type ${one}: ${key.about}` })),
      ),
    ],
  };
}

/** The same, but absent stands for undefined. */
export function optional<T>(rule: Rule<T>): Rule<T | undefined> {
  return rule;
}

function readField<T>(field: Field<T>, given: Readonly<Record<string, unknown>>, name: string, path: string): T {
  const below = path === '' ? name : `${path}.${name}`;
  if (Object.hasOwn(given, name)) return field.rule.read(given[name], below);
  if (field.fallback === undefined) throw new ConfigError(below, 'absent', field.rule.allows);
  return field.fallback.value;
}

function asObject(value: unknown, path: string, allows: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new ConfigError(path === '' ? 'the whole' : path, kindOf(value), allows);
}

function checkKeys(given: Readonly<Record<string, unknown>>, names: readonly string[], path: string): void {
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  // A key is the user's own text, and may be long or anything.
  const shown = /^[\w-]{1,40}$/.test(unknown) ? unknown : '(a key of another form)';
  throw new ConfigError(path === '' ? shown : `${path}.${shown}`, 'a key that is not known', names.join(', '));
}

function documented(name: string, { rule, about, fallback }: Field<unknown>): DocumentedKey[] {
  const own = { path: `.${name}`, allows: rule.keys === undefined ? rule.allows : '', fallback: fallback?.text, about };
  return [own, ...(rule.keys ?? []).map((key) => ({ ...key, path: `.${name}${key.path}` }))];
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

const mostCharacters = 4_096;
