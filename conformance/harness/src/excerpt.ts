/**
 * A value as one line of JSON, cut at about 400 characters. JSON escapes control characters, so that what an adapter wrote
 * can't move the cursor of the terminal that shows it.
 */
export function excerpt(value: unknown): string {
  if (value === undefined) return '(absent)';
  const text = JSON.stringify(value);
  return text.length <= maxChars ? text : `${text.slice(0, maxChars)}… (${text.length} characters)`;
}

const maxChars = 400;
