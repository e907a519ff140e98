import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Every document of the project: README files, the specification and all below `docs`. */
function documents(): string[] {
  const below = (folder: string): string[] =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((path) => join(folder, path));
  const readmes = readdirSync(join(root, 'packages')).map((name) => join('packages', name, 'README.md'));
  return ['README.md', ...readmes, ...below('docs'), ...below('spec'), ...below('conformance')].filter(
    (path) => path.endsWith('.md') && !path.includes('node_modules') && existsSync(join(root, path)),
  );
}

/** Parts of sentences that say of a link, or of what protects one, that it is end-to-end. */
function wrongSentences(text: string): string[] {
  return text
    .replaceAll(/\s+/g, ' ')
    .split(/[.,:;!?|()]\s/)
    .filter((sentence) => /end[- ]to[- ]end/i.test(sentence))
    .filter((sentence) => /\b(links?|TLS|Noise|connections?|channels?|protection)\b/i.test(sentence))
    .filter((sentence) => !/\b(no|not|never|nothing|MUST NOT)\b/.test(sentence));
}

it('model.4: no document calls the protection of a link end-to-end', () => {
  expect(wrongSentences('The link is end-to-end encrypted, as TLS is. It is no end-to-end protection.')).toEqual([
    'The link is end-to-end encrypted',
  ]);
  const found = documents().flatMap((path) =>
    wrongSentences(readFileSync(join(root, path), 'utf8')).map((one) => [path, one]),
  );
  expect(documents().length).toBeGreaterThan(30);
  expect(found).toEqual([]);
});
