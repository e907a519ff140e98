/**
 * Whether a case id matches a pattern. Both are compared by `/`-part: `*` stands for any characters within one part, `**`
 * as a whole part for any number of parts.
 */
export function matches(pattern: string, id: string): boolean {
  return matchParts(pattern.split('/'), id.split('/'));
}

function matchParts(pattern: readonly string[], id: readonly string[]): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return id.length === 0;
  if (first === '**') return matchParts(rest, id) || (id.length > 0 && matchParts(pattern, id.slice(1)));
  const [part, ...others] = id;
  return part !== undefined && partExpression(first).test(part) && matchParts(rest, others);
}

function partExpression(part: string): RegExp {
  const literals = part.split('*').map((text) => text.replaceAll(/[\\^$.|?+()[\]{}]/g, String.raw`\$&`));
  return new RegExp(`^${literals.join('[^/]*')}$`);
}
