/**
 * The names of type URI in what Node says of a certificate's subject alternative names: `DNS:a, URI:b`, where a name with anything special
 * in it stands in quotes, as JSON.
 *
 * @param text - undefined for a certificate without such names
 * @returns in their order; of a text that cannot be read none at all
 */
export function uriNamesOf(text: string | undefined): string[] {
  const names: string[] = [];
  let rest = text ?? '';
  while (rest !== '') {
    const parts = /^([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^",]*)(?:, |$)/.exec(rest);
    if (parts === null) return [];
    const [whole, type, value] = parts as unknown as [string, string, string];
    if (type === 'URI') names.push(value.startsWith('"') ? unquoted(value) : value);
    rest = rest.slice(whole.length);
  }
  return names;
}

/** Node escapes as JSON does; what it did not write names nobody. */
function unquoted(value: string): string {
  try {
    return JSON.parse(value) as string;
  } catch {
    return value;
  }
}
