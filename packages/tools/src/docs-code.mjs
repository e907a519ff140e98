/**
 * Proves the code in the documents. `js` fences are run by Node in an empty folder beside the installed tarballs of the
 * published packages, `js norun` fences are parsed, `ts` fences are type-checked, a `text output` fence holds exactly what
 * the `js` fence before it prints, and `sh` fences of the README name root scripts that exist.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { filesIn, finish, isMain, readJson, readText, repoRoot, run } from './lib.mjs';
import { packAll } from './pack.mjs';

/**
 * @typedef {object} Block
 * @property {string} at `file:line` of the fence
 * @property {'js' | 'ts' | 'sh' | 'text' | ''} language
 * @property {string} info the rest of the info string
 * @property {string} text
 * @property {string} [expected] what it must print
 */

/** @type {Record<string, Block['language']>} */
const languages = {
  js: 'js',
  mjs: 'js',
  javascript: 'js',
  ts: 'ts',
  typescript: 'ts',
  sh: 'sh',
  bash: 'sh',
  shell: 'sh',
  console: 'sh',
  text: 'text',
};

/** Fenced blocks of a document, each with the output that follows it. @param {string} path @param {string} markdown @returns {Block[]} */
export function blocksIn(path, markdown) {
  const fence = /^( *)(`{3,}|~{3,})([^\n]*)\n(.*?)^\1\2 *$/gms;
  /** @type {Block[]} */
  const blocks = [];
  for (const { 1: indent = '', 3: head = '', 4: body = '', index } of markdown.matchAll(fence)) {
    const [language = '', ...info] = head.trim().split(/\s+/);
    const text = body.replaceAll(new RegExp(`^${indent}`, 'gm'), '');
    const block = {
      at: `${path}:${markdown.slice(0, index).split('\n').length}`,
      language: languages[language] ?? '',
      info: info.join(' '),
      text,
    };
    const before = blocks.at(-1);
    if (block.language === 'text' && block.info === 'output' && before?.language === 'js') before.expected = text;
    blocks.push(block);
  }
  return blocks;
}

/** Root scripts that a shell block names and that do not exist. @param {Block} block @param {Record<string, string>} scripts */
export function unknownScripts({ at, text }, scripts) {
  return [...text.matchAll(/\bnpm (?:run(?:-script)? ([\w:-]+)|(test|start)\b)/g)]
    .map(([, named, short]) => named ?? short ?? '')
    .filter((name) => !(name in scripts))
    .map((name) => `${at}: package.json has no script ${name}`);
}

/**
 * Runs, parses or type-checks the blocks of a sandbox folder, which holds `node_modules`.
 * @param {readonly Block[]} blocks
 * @param {string} sandbox
 * @returns {Promise<string[]>}
 */
export async function prove(blocks, sandbox) {
  const problems = [];
  for (const [index, { at, info, text, expected }] of blocks.filter(({ language }) => language === 'js').entries()) {
    const folder = join(sandbox, `js-${index}`);
    mkdirSync(folder);
    writeFileSync(join(folder, 'block.mjs'), text);
    const args = info.split(' ').includes('norun') ? ['--check', 'block.mjs'] : ['block.mjs'];
    const { status, stdout, output } = await run(process.execPath, args, { cwd: folder, timeoutMs: 60_000 });
    if (status !== 0) problems.push(`${at}: exit ${status}\n${output}`);
    else if (expected !== undefined && stdout.trimEnd() !== expected.trimEnd()) {
      problems.push(`${at}: prints\n${stdout}and the document says\n${expected}`);
    }
  }
  return [...problems, ...(await typeCheck(blocks, sandbox))];
}

/** @param {readonly Block[]} blocks @param {string} sandbox @returns {Promise<string[]>} */
async function typeCheck(blocks, sandbox) {
  const typed = blocks.filter(({ language }) => language === 'ts');
  if (typed.length === 0) return [];
  const compilerOptions = {
    target: 'es2023',
    lib: ['es2023', 'esnext.disposable'],
    module: 'nodenext',
    moduleDetection: 'force',
    strict: true,
    noEmit: true,
    types: ['node'],
    typeRoots: [join(repoRoot, 'node_modules/@types')],
  };
  typed.forEach(({ text }, index) => writeFileSync(join(sandbox, `ts-${index}.mts`), text));
  writeFileSync(join(sandbox, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['ts-*.mts'] }));
  const { status, output } = await run('tsc', ['-p', sandbox, '--pretty', 'false'], { cwd: sandbox });
  if (status === 0) return [];
  return [output.replace(/^ts-(\d+)\.mts/gm, (name, index) => typed[Number(index)]?.at ?? name)];
}

/** A folder with the packed packages installed, as a user would have them. @param {string} root @param {string} folder */
async function install(root, folder) {
  const packed = await packAll(root, join(folder, 'tarballs'));
  const sandbox = join(folder, 'sandbox');
  mkdirSync(sandbox);
  writeFileSync(join(sandbox, 'package.json'), JSON.stringify({ private: true }));
  const args = ['install', '--no-audit', '--no-fund', '--prefer-offline', ...packed.map(({ tarball }) => tarball)];
  const { status, output } = await run('npm', args, { cwd: sandbox });
  if (status !== 0) throw new Error(`npm install of the tarballs failed:\n${output}`);
  return sandbox;
}

if (isMain(import.meta.url)) {
  const scripts = readJson(repoRoot, 'package.json').scripts;
  const documents = [
    'README.md',
    ...filesIn(repoRoot, ['docs', 'packages/*'], /^docs\/.*\.md$|^packages\/[^/]+\/README\.md$/),
  ];
  const blocks = documents
    .filter((path) => existsSync(join(repoRoot, path)))
    .flatMap((path) => blocksIn(path, readText(repoRoot, path)));
  const problems = blocks
    .filter(({ at, language }) => language === 'sh' && at.startsWith('README.md:'))
    .flatMap((block) => unknownScripts(block, scripts));
  const code = blocks.filter(({ language }) => language === 'js' || language === 'ts');
  if (code.length > 0) {
    const folder = mkdtempSync(join(tmpdir(), 'tridcomm-docs-'));
    try {
      problems.push(...(await prove(code, await install(repoRoot, folder))));
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
  finish(problems, `${code.length} code blocks of ${documents.length} documents hold`);
}
