/**
 * The names of type URI in what Node says of a certificate's subject alternative names: `DNS:a, URI:b`, where a name with anything special
 * in it stands in quotes, as JSON.
 *
 * @param text - undefined for a certificate without such names
 * @returns in their order; of a text that is not of this form none at all
 */
export function uriNamesOf(text: string | undefined): string[] {
  const names: string[] = [];
  let rest = text ?? '';
  while (rest !== '') {
    const [whole, type, value] = oneName.exec(rest) ?? [];
    if (whole === undefined) return [];
    if (type === 'URI') names.push(value!);
    rest = rest.slice(whole.length);
    if (whole.endsWith(', ') && rest === '') return [];
  }
  return names;
}

/** Up to the next comma, or a whole string in quotes: that stays in its quotes, as no name that counts needs them. */
const oneName = /^([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^",]*)(?:, |$)/;
