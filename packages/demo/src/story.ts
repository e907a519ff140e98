import { readFile, readdir } from 'node:fs/promises';
import { TridcommError } from '@tridcomm/core';

/** The root of the repository, whose specification the demonstration quotes. */
const repositoryRoot: URL = new URL('../../../', import.meta.url);

/** What is sent when no path is given. */
export const readmePath: URL = new URL('README.md', repositoryRoot);

/** The sentences of the specification by requirement ID, from its text, so that no refusal is explained in other words. */
async function readRequirements(): Promise<ReadonlyMap<string, string>> {
  const folder = new URL('spec/v1/', repositoryRoot);
  const names = (await readdir(folder)).filter((name) => name.endsWith('.md'));
  const chapters = await Promise.all(names.map(async (name) => readFile(new URL(name, folder), 'utf8')));
  const requirements = new Map<string, string>();
  for (const text of chapters) {
    for (const [, id, sentence] of text.matchAll(/^\*\*([a-z]+\.\d+)\*\* ([^\n]+(?:\n[^\n]+)*)/gm)) {
      requirements.set(id!, sentence!.replaceAll('\n', ' '));
    }
  }
  return requirements;
}

const requirements = await readRequirements();
const useColour = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
let wrongs = 0;
let checks = 0;

/** Claims so far: how many were checked, and how many were wrong. */
export function score(): { readonly checks: number; readonly wrongs: number } {
  return { checks, wrongs };
}

export function heading(text: string): void {
  console.log(`\n${useColour ? `\u001B[1m${text}\u001B[0m` : text}`);
}

/** Prints what is no claim: what is being done, or what was counted. */
export function line(text: string): void {
  printWrapped(text, '  ');
}

/** Prints what was checked; one that is wrong is marked, counted, and makes the demonstration fail. */
export function claim(isTrue: boolean, text: string): void {
  checks++;
  if (!isTrue) wrongs++;
  line(isTrue ? text : `WRONG, this does not hold: ${text}`);
}

/** Prints a refusal with the sentence of the specification that asks for it. */
export function refusal(what: string, met: string, code: string, requirement: string): void {
  checks++;
  const sentence = requirements.get(requirement);
  // A sentence that names codes has to name this one.
  const fits = sentence !== undefined && (sentence.includes(code) || !sentence.includes('`E_'));
  const isRight = met === code && fits;
  if (!isRight) wrongs++;
  line(`${what}: ${isRight ? 'refused' : `WRONG, ${code} expected:`} ${met}`);
  printWrapped(`${requirement}: ${sentence ?? 'NOT IN THE SPECIFICATION'}`, '      ');
}

/** How an attempt ended: a code, or `accepted`; `ignored` where the answer was undefined. */
export function outcome(attempt: () => unknown): string {
  try {
    return attempt() === undefined ? 'ignored' : 'accepted';
  } catch (error) {
    if (error instanceof TridcommError) return error.code;
    throw error;
  }
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

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** Breaks between words; what follows the first line stands two columns further in. */
function printWrapped(text: string, indent: string): void {
  const rest = `${indent}  `;
  let row = indent;
  for (const word of text.split(' ')) {
    if (row.length + word.length > mostColumns && row.trim() !== '') {
      console.log(row.trimEnd());
      row = rest;
    }
    row += `${word} `;
  }
  console.log(row.trimEnd());
}

const mostColumns = 108;
