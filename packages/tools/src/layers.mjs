/**
 * Direction of dependence: who may import whom, inside core and between packages, and that core asks no clock, timer or
 * random source of the platform. The tables below are the rules; `docs` and reviews cite them.
 */
import { existsSync } from 'node:fs';
import { join, posix } from 'node:path';
import { traverse } from '@babel/core';
import { filesIn, finish, isMain, readText, repoRoot } from './lib.mjs';
import { parse } from './parse.mjs';

/** Folders (or single files) of core's `src`. A row imports only rows above it; names in one row stay strangers. */
const coreRows = [
  ['codepoints'],
  ['errors'],
  ['bytes'],
  ['wire', 'crypto', 'replay'],
  ['topics'],
  ['hpke', 'noise'],
  ['keys'],
  ['envelope', 'link'],
  ['patterns'],
  ['client'],
  ['authority', 'relay'],
  ['local'],
  ['testing'],
  ['index', 'internal'],
];
const rowOf = new Map(coreRows.flatMap((names, row) => names.map((name) => [name, row])));

/** `src/node` stands beside the rows: nothing in core imports it, and it imports only these. */
const nodeMayImport = new Set(['node', 'crypto', 'bytes', 'errors', 'codepoints']);

/** Which of the workspace's packages each folder may import. A folder without a line may import none. */
const packageMayImport = new Map([
  ['packages/client-node', ['core']],
  ['packages/client-browser', ['core']],
  ['packages/broker', ['core', 'client-node']],
  ['packages/demo', ['core', 'client-node', 'broker', 'conformance', 'vectors']],
  ['packages/bench', ['core', 'client-node', 'broker']],
  ['packages/simulation', ['core', 'client-node', 'broker']],
  ['packages/tools', ['core', 'conformance', 'vectors']],
  ['conformance/harness', ['vectors']],
]);

const clocksAndChance = new Set([
  'Date',
  'performance',
  'crypto',
  'process',
  'globalThis',
  'setTimeout',
  'setInterval',
  'setImmediate',
]);

/** Every breach of the rules, as `file:line: sentence`. @param {string} root @returns {string[]} */
export function breaches(root) {
  return sources(root).flatMap((path) => {
    const { imports, ambient } = read(root, path);
    return [
      ...imports.flatMap(({ from, line }) => refusals(root, path, from).map((why) => `${path}:${line}: ${why}`)),
      ...(isPure(path)
        ? ambient.map(({ name, line }) => `${path}:${line}: ${name} is not for core: time and chance are arguments`)
        : []),
    ];
  });
}

/** @param {string} root */
function sources(root) {
  return filesIn(root, ['packages/*/src', 'conformance/*/src'], /\.[cm]?[jt]sx?$/);
}

/**
 * @param {string} root
 * @param {string} path the importing file
 * @param {string} from the specifier
 * @returns {string[]}
 */
function refusals(root, path, from) {
  const home = path.split('/').slice(0, 2).join('/');
  if (!from.startsWith('.')) return refusedPackage(path, home, from);
  const target = posix.join(posix.dirname(path), from);
  if (!target.startsWith(`${home}/`)) return [`${from} leaves ${home}`];
  if (home !== 'packages/core') return [];
  if (!existsSync(join(root, target))) return [`${from} names no file`];
  return refusedInCore(unitOf(path), unitOf(target));
}

/** @param {string} path @param {string} home @param {string} from @returns {string[]} */
function refusedPackage(path, home, from) {
  const own = /^@tridcomm\/([^/]+)/.exec(from)?.[1];
  if (own !== undefined) {
    return packageMayImport.get(home)?.includes(own) ? [] : [`${home} may not import ${from}`];
  }
  if (home === 'conformance/generate' && from.startsWith('@noble/')) {
    return [`the vector writer stays independent of the code under test: ${from}`];
  }
  if (home !== 'packages/core') return [];
  if (from.startsWith('node:')) return unitOf(path) === 'node' ? [] : [`${from}: only src/node knows Node`];
  if (from.startsWith('@noble/') && path === 'packages/core/src/crypto/noble.ts') return [];
  return [`${from}: only src/crypto/noble.ts imports a package, and only @noble`];
}

/** @param {string} importer @param {string} target @returns {string[]} */
function refusedInCore(importer, target) {
  if (importer === target) return [];
  if (importer === 'node') return nodeMayImport.has(target) ? [] : [`node may not import ${target}`];
  if (target === 'node') return ['nothing in core imports src/node'];
  const [from, to] = [rowOf.get(importer), rowOf.get(target)];
  if (from === undefined) return [`${importer} has no row in layers.mjs`];
  if (to === undefined) return [`${target} has no row in layers.mjs`];
  if (to < from) return [];
  return [
    to === from ? `${importer} and ${target} are siblings and stay strangers` : `${importer} stands above ${target}`,
  ];
}

/** Folder or file name directly below a package's `src`. @param {string} path */
function unitOf(path) {
  return (path.split('/')[3] ?? '').replace(/\.[^.]+$/, '');
}

/** @param {string} path */
function isPure(path) {
  return path.startsWith('packages/core/src/') && !['node', 'local'].includes(unitOf(path));
}

/**
 * Specifiers that a file imports, of types too, and the names of the platform's clocks, timers and chance that it uses.
 * @param {string} root
 * @param {string} path
 */
function read(root, path) {
  /** @type {{ from: string, line: number }[]} */
  const imports = [];
  /** @type {{ name: string, line: number }[]} */
  const ambient = [];
  /** @param {any} node @param {any} source */
  const note = (node, source) => imports.push({ from: source?.value ?? '(computed)', line: node.loc?.start.line ?? 0 });
  traverse(parse(path, readText(root, path)), {
    ImportDeclaration: ({ node }) => void note(node, node.source),
    ExportAllDeclaration: ({ node }) => void note(node, node.source),
    ExportNamedDeclaration: ({ node }) => void (node.source && note(node, node.source)),
    TSImportType: ({ node }) => void note(node, node.argument),
    TSExternalModuleReference: ({ node }) => void note(node, node.expression),
    CallExpression({ node }) {
      const callee = node.callee;
      if (callee.type === 'Import' || (callee.type === 'Identifier' && callee.name === 'require'))
        note(node, node.arguments[0]);
    },
    ReferencedIdentifier({ node, parent, scope }) {
      const { name } = node;
      if (scope.hasBinding(name, true) || (parent.type.startsWith('TS') && !parent.type.endsWith('Expression'))) return;
      const line = node.loc?.start.line ?? 0;
      if (clocksAndChance.has(name)) ambient.push({ name, line });
      if (name === 'Math' && reachesRandom(parent)) ambient.push({ name: 'Math.random', line });
    },
  });
  return { imports, ambient };
}

/** Whether this use of `Math` may be of its `random`. @param {any} parent syntax node round the name */
function reachesRandom({ type, computed, property }) {
  return type !== 'MemberExpression' || computed || property.name === 'random';
}

if (isMain(import.meta.url)) finish(breaches(repoRoot), `${sources(repoRoot).length} files keep to their layers`);
