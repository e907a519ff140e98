/**
 * Writes core's tables of code points, labels, errors and limits from the specification's registries.
 * `--check` writes nothing and fails when a table is not what the registries say.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { format, resolveConfig } from 'prettier';
import { filesIn, finish, isMain, readJson, readText, repoRoot } from './lib.mjs';

const registryFolder = 'spec/v1/registries';
const outputFolder = 'packages/core/src/codepoints';
const schemaFiles = ['registry', 'messages'].map((name) => `${registryFolder}/${name}.schema.json`);

/**
 * @typedef {object} Entry
 * @property {string} name
 * @property {string} [summary]
 * @property {string} [section]
 * @property {string} [status]
 * @property {number} [code]
 * @property {string} [text] of a label
 * @property {number} [value] of a limit
 * @property {Entry[]} [kinds] of a pattern
 * @property {number} [strength] of a suite
 *
 * @typedef {object} Field
 * @property {string} name
 * @property {number} number
 * @property {string} [message] type of a field that is a message
 *
 * @typedef {object} Message
 * @property {string} name
 * @property {Field[]} fields
 *
 * @typedef {object} Registry
 * @property {string} registry
 * @property {string} [summary]
 * @property {number} [codeBits]
 * @property {Entry[]} entries
 * @property {Message[]} [messages] in place of entries
 */

/**
 * Every generated file by its path, and what is wrong with the registries.
 * @param {string} root
 * @returns {Promise<{ files: Map<string, string>, problems: string[] }>}
 */
export async function generate(root) {
  const validate = validator(root);
  /** @type {Map<string, string>} */
  const files = new Map();
  /** @type {string[]} */
  const problems = [];
  const style = await resolveConfig(join(repoRoot, 'packages/core/src/index.ts'));
  for (const path of filesIn(root, [registryFolder], /\.json$/).filter((file) => !schemaFiles.includes(file))) {
    const found = validate(path);
    if (found.length === 0) {
      const registry = readJson(root, path);
      found.push(...(registry.messages ? messageConflicts(registry.messages) : conflicts(registry)));
      if (found.length === 0) {
        const text = `// Generated from ${path} by packages/tools/src/gen-codepoints.mjs; never edited.\n\n${render(registry)}`;
        files.set(
          `${outputFolder}/${registry.registry}.gen.ts`,
          await format(text, { ...style, parser: 'typescript' }),
        );
      }
    }
    problems.push(...found.map((problem) => `${path}: ${problem}`));
  }
  return { files, problems };
}

/**
 * Generated files that are missing, that differ, or that no registry stands behind.
 * @param {string} root
 * @param {ReadonlyMap<string, string>} files
 * @returns {string[]}
 */
export function stale(root, files) {
  const wrong = [...files].filter(([path, text]) => !existsSync(join(root, path)) || readText(root, path) !== text);
  return [...wrong.map(([path]) => `${path}: stale`), ...orphans(root, files).map((path) => `${path}: no registry`)];
}

/** @param {string} root @param {ReadonlyMap<string, string>} files */
function orphans(root, files) {
  return filesIn(root, [outputFolder], /\.gen\.ts$/).filter((path) => !files.has(path));
}

/** @param {string} root @returns {(path: string) => string[]} problems of one registry against the schema that it names */
function validator(root) {
  const ajv = new Ajv2020({ allErrors: true, strict: false, validateFormats: false });
  const validators = new Map(
    schemaFiles.filter((file) => existsSync(join(root, file))).map((file) => [file, ajv.compile(readJson(root, file))]),
  );
  return (path) => {
    const registry = readJson(root, path);
    const named = registry.$schema;
    const validate = validators.get(posix.join(registryFolder, named ?? 'registry.schema.json'));
    if (validate === undefined) return named === undefined ? [] : [`no schema ${named}`];
    if (validate(registry)) return [];
    return (validate.errors ?? []).map((error) => `${error.instancePath || '/'} ${error.message}`);
  };
}

/** Names and numbers are unique and ascend, and every type of a field is there. @param {Message[]} messages */
function messageConflicts(messages) {
  const names = messages.map((message) => message.name);
  return [
    ...repeated(names).map((name) => `message ${name} stands twice`),
    ...messages.flatMap(({ name, fields }) => [
      ...repeated(fields.map((field) => field.name)).map((field) => `field ${name}.${field} stands twice`),
      ...fields.flatMap((field, index) =>
        index > 0 && field.number <= (fields[index - 1]?.number ?? 0) ? [`${name}.${field.name} does not ascend`] : [],
      ),
      ...fields.flatMap((field) =>
        field.message !== undefined && !names.includes(field.message) ? [`${name}.${field.name}: no such message`] : [],
      ),
    ]),
  ];
}

/** What a schema cannot say: names and codes are unique, codes fit their width, limits are exact. @param {Registry} registry */
function conflicts({ codeBits = 8, entries }) {
  const kindsOf = entries.flatMap((entry) => (entry.kinds ? [{ of: `${entry.name}.`, list: entry.kinds }] : []));
  const problems = [{ of: '', list: entries }, ...kindsOf].flatMap(({ of, list }) => [
    ...repeated(list.map((entry) => entry.name)).map((name) => `name ${of}${name} stands twice`),
    ...repeated(list.flatMap((entry) => entry.code ?? [])).map((code) => `code ${of}${code} stands twice`),
    ...repeated(list.flatMap((entry) => entry.text ?? [])).map((text) => `text "${text}" stands twice`),
  ]);
  for (const { name, code, value } of entries) {
    if (code !== undefined && !(Number.isInteger(code) && code >= 0 && code < 2 ** codeBits)) {
      problems.push(`code of ${name} is no integer of ${codeBits} bits`);
    }
    if (value !== undefined && !Number.isSafeInteger(value)) problems.push(`value of ${name} is past 2^53-1`);
  }
  return problems;
}

/** @template T @param {readonly T[]} values @returns {T[]} */
function repeated(values) {
  return [...new Set(values.filter((value, index) => values.indexOf(value) !== index))];
}

/** @param {Registry} registry */
function render(registry) {
  if (registry.messages) return renderMessages(registry);
  if (registry.registry === 'labels') return table(registry, 'labels', ({ text = '' }) => JSON.stringify(text));
  if (registry.registry === 'limits') return table(registry, 'limits', ({ value = 0 }) => grouped(value));
  if (registry.registry === 'errors') return renderErrors(registry);
  return renderCodes(registry);
}

/** @param {Registry} registry */
function renderErrors(registry) {
  return `${table(registry, 'errorTable', (entry) => JSON.stringify({ ...entry, name: undefined }))}
/** Name of an error, the same in code, vectors, adapters and logs. */
export type ErrorCode = keyof typeof errorTable;
/** Class of an error: whose fault it is. */
export type ErrorKind = (typeof errorTable)[ErrorCode]['kind'];
`;
}

/** @param {Registry} registry */
function renderMessages({ summary, messages = [] }) {
  const rows = messages.map(({ name, fields }) => `${name}: ${JSON.stringify(fields)},`);
  return `${comment([summary])}export const messages = {\n${rows.join('\n')}\n} as const;\n`;
}

/** @param {Registry} registry */
function renderCodes(registry) {
  const plural = registry.registry.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
  const one = plural.replace(/s$/, '');
  const { codeBits = 8, entries } = registry;
  // Flags count bits; every other code is what stands on the wire, as wide as it stands there.
  const codes = table(registry, plural, ({ code = 0 }) => (plural === 'flags' ? String(code) : hex(code, codeBits)));
  const type = one.replace(/^./, (letter) => letter.toUpperCase());
  const parts = [
    codes,
    `/** A code of {@link ${plural}}. */\nexport type ${type} = (typeof ${plural})[keyof typeof ${plural}];\n`,
  ];
  if (entries.some((entry) => entry.kinds)) {
    const summary = `Kinds of {@link ${plural}}, each with the whole byte: code × 16 + kind.`;
    /** @param {Entry} entry */
    const wholeByte = ({ code: high = 0, kinds = [] }) => members(kinds, ({ code = 0 }) => hex((high << 4) | code, 8));
    parts.push(table({ ...registry, summary }, `${one}Kinds`, wholeByte));
  }
  if (entries.some((entry) => entry.strength)) {
    const summary = `Strength of each of {@link ${plural}}.`;
    parts.push(table({ ...registry, summary }, `${one}Strengths`, ({ strength = 0 }) => String(strength)));
  }
  return parts.join('\n');
}

/** @param {Registry} registry @param {string} name @param {(entry: Entry) => string} valueOf */
function table({ registry, summary, entries }, name, valueOf) {
  const title = comment([summary ?? `Registry ${registry}.`]);
  return `${title}export const ${name} = ${members(entries, valueOf)} as const;\n`;
}

/** @param {readonly Entry[]} entries @param {(entry: Entry) => string} valueOf */
function members(entries, valueOf) {
  const lines = entries.map((entry) => {
    const { name, summary, section, status } = entry;
    const words = comment([status === 'reserved' && 'Reserved.', summary, section && `(${section})`]);
    return `${words}${JSON.stringify(name)}: ${valueOf(entry)},`;
  });
  return `{\n${lines.join('\n')}\n}`;
}

/** @param {readonly (string | false | undefined)[]} parts */
function comment(parts) {
  const words = parts.filter(Boolean).join(' ').replaceAll('*/', '*\\/');
  return words === '' ? '' : `/** ${words} */\n`;
}

/** @param {number} code @param {number} bits */
function hex(code, bits) {
  return `0x${code.toString(16).padStart(Math.ceil(bits / 4), '0')}`;
}

/** @param {number} value */
function grouped(value) {
  return String(value).replace(/\B(?=(\d{3})+$)/g, '_');
}

if (isMain(import.meta.url)) {
  const { files, problems } = await generate(repoRoot);
  if (process.argv.includes('--check')) {
    finish([...problems, ...stale(repoRoot, files)], `${files.size} generated tables are fresh`);
  } else if (problems.length > 0) {
    finish(problems, '');
  } else {
    mkdirSync(join(repoRoot, outputFolder), { recursive: true });
    for (const [path, text] of files) writeFileSync(join(repoRoot, path), text);
    for (const path of orphans(repoRoot, files)) rmSync(join(repoRoot, path));
    finish([], `${files.size} tables written to ${outputFolder}`);
  }
}
