import { readFile, readdir } from 'node:fs/promises';

/** The root of the repository, whose specification the demonstration quotes. */
const repositoryRoot: URL = new URL('../../../', import.meta.url);

/** The chapters of the specification, in order: what is sealed when no path is given. */
export async function chapterPaths(): Promise<URL[]> {
  const folder = new URL('spec/v1/', repositoryRoot);
  const names = (await readdir(folder)).filter((name) => name.endsWith('.md')).sort();
  return names.map((name) => new URL(name, folder));
}

/** The sentences of the specification by requirement ID, from its text, so that no refusal is explained in other words. */
export async function readRequirements(): Promise<ReadonlyMap<string, string>> {
  const requirements = new Map<string, string>();
  for (const path of await chapterPaths()) {
    const text = await readFile(path, 'utf8');
    for (const [, id, sentence] of text.matchAll(/^\*\*([a-z]+\.\d+)\*\* ([^\n]+(?:\n[^\n]+)*)/gm)) {
      requirements.set(id!, sentence!.replaceAll('\n', ' '));
    }
  }
  return requirements;
}

const useColour = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;

export function heading(text: string): void {
  console.log(`\n${useColour ? `\u001B[1m${text}\u001B[0m` : text}`);
}

export function line(text: string): void {
  console.log(`  ${text}`);
}

/** `bytes` as people write it. */
export function sizeText(bytes: number): string {
  if (bytes < 10_000) return `${bytes} B`;
  if (bytes < 10_000_000) return `${(bytes / 1000).toFixed(1)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** `1 message`, `2 messages`. */
export function countText(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
