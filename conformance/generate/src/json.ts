/** JSON values of vector files and their printed form. */

export type Json = string | number | boolean | Json[] | { [member: string]: Json };
export type Members = { [member: string]: Json };

/** Two spaces of indentation; what fits a line of 120 stays on it. */
export function print(value: Json, indent = 0, used = 0): string {
  const flat = oneLine(value);
  if (typeof value !== 'object' || used + flat.length <= 120) return flat;
  const pad = ' '.repeat(indent + 2);
  const lines = Array.isArray(value)
    ? value.map((v) => pad + print(v, indent + 2, indent + 3))
    : Object.entries(value).map(
        ([k, v]) => `${pad}${JSON.stringify(k)}: ${print(v, indent + 2, indent + 6 + k.length)}`,
      );
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  return `${open}\n${lines.join(',\n')}\n${' '.repeat(indent)}${close}`;
}

function oneLine(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(oneLine).join(', ')}]`;
  if (typeof value === 'object') {
    const members = Object.entries(value).map(([k, v]) => `${JSON.stringify(k)}: ${oneLine(v)}`);
    return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`;
  }
  return JSON.stringify(value);
}

export function str(value: Json | undefined): string {
  if (typeof value !== 'string') throw new Error(`not a string: ${JSON.stringify(value)}`);
  return value;
}
export function int(value: Json | undefined): number {
  if (typeof value !== 'number') throw new Error(`not a number: ${JSON.stringify(value)}`);
  return value;
}
export function arr(value: Json | undefined): Json[] {
  if (!Array.isArray(value)) throw new Error(`not a list: ${JSON.stringify(value)}`);
  return value;
}
export function obj(value: Json | undefined): Members {
  if (typeof value !== 'object' || Array.isArray(value)) throw new Error(`not an object: ${JSON.stringify(value)}`);
  return value;
}
