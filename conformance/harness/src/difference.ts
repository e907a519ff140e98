import { excerpt } from './excerpt.ts';

/**
 * Says where a reply first differs from what is expected, or undefined if it does not.
 *
 * @param path - how the message calls the compared value
 * @param extra - whether an object may hold members that are not expected; objects inside it may not
 */
export function firstDifference(expected: unknown, got: unknown, path: string, extra = false): string | undefined {
  if (Array.isArray(expected) && Array.isArray(got)) return differenceOfLists(expected, got, path);
  if (isRecord(expected) && isRecord(got)) return differenceOfObjects(expected, got, path, extra);
  return expected === got ? undefined : `${path}: expected ${excerpt(expected)}, got ${excerpt(got)}`;
}

function differenceOfLists(expected: readonly unknown[], got: readonly unknown[], path: string): string | undefined {
  for (const [index, item] of expected.entries()) {
    const difference = firstDifference(item, got[index], `${path}[${index}]`);
    if (difference !== undefined) return difference;
  }
  if (expected.length === got.length) return undefined;
  return `${path}: expected ${expected.length} items, got ${got.length}`;
}

function differenceOfObjects(expected: JsonRecord, got: JsonRecord, path: string, extra: boolean): string | undefined {
  for (const [name, value] of Object.entries(expected)) {
    // Own members only: a vector may well use the name __proto__.
    const difference = firstDifference(value, Object.hasOwn(got, name) ? got[name] : undefined, `${path}.${name}`);
    if (difference !== undefined) return difference;
  }
  if (extra) return undefined;
  const added = Object.keys(got).find((name) => !Object.hasOwn(expected, name));
  return added === undefined ? undefined : `${path}.${added}: not expected, got ${excerpt(got[added])}`;
}

type JsonRecord = Readonly<Record<string, unknown>>;

function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
