/**
 * Edge counters for ES modules: every outcome of every branch, every loop body and every function counts its visits in one
 * shared array, and every typed array that is made is added up. A counter stands for one edge of the control flow.
 */
import { cpSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { transformSync, types as t } from '@babel/core';

/** Where the instrumented modules find the counters. */
const globalName = '__tridcommFuzz';

/** @typedef {Map<string, readonly [number, number]>} EdgeMap first edge and the one after the last, by path in the folder */

/**
 * @typedef {object} Coverage
 * @property {EdgeMap} files
 * @property {Uint8Array} edges visits of each edge, modulo 256
 * @property {{ total: number }} allocated bytes of typed arrays that were made
 */

/**
 * Copies a folder of JavaScript modules with counters in them.
 * @param {string} from
 * @param {string} to must not exist
 * @param {{ prefix?: string, firstEdge?: number }} [place] of its files in the map, and of its edges behind those of other folders
 * @returns {EdgeMap}
 */
export function instrumentFolder(from, to, { prefix = '', firstEdge = 0 } = {}) {
  cpSync(from, to, { recursive: true, filter: (path) => !/\.(map|d\.ts)$|tsbuildinfo/.test(path) });
  /** @type {EdgeMap} */
  const files = new Map();
  let next = firstEdge;
  for (const path of readdirSync(to, { recursive: true, encoding: 'utf8' }).sort()) {
    if (!path.endsWith('.js')) continue;
    const { code, end } = instrument(readFileSync(join(to, path), 'utf8'), next);
    writeFileSync(join(to, path), code);
    files.set(prefix + path.replaceAll('\\', '/'), [next, end]);
    next = end;
  }
  return files;
}

/**
 * Makes counters for instrumented modules; to be called before they are imported, once in a thread.
 * @param {EdgeMap} files
 * @returns {Coverage}
 */
export function attachCounters(files) {
  const total = Math.max(0, ...Array.from(files.values(), ([, end]) => end));
  // Whole words, so that a reader can skip four counters at a time.
  const coverage = { files, edges: new Uint8Array(4 * Math.ceil(total / 4)), allocated: { total: 0 } };
  Object.assign(globalThis, { [globalName]: coverage });
  return coverage;
}

/**
 * @param {string} text an ES module
 * @param {number} firstEdge number of its first edge
 * @returns {{ code: string, end: number }} `end` is the number after its last edge
 */
export function instrument(text, firstEdge) {
  let next = firstEdge;
  const count = () => t.updateExpression('++', t.memberExpression(t.identifier('$e'), t.numericLiteral(next++), true));
  /** @param {import('@babel/core').types.Expression} expression */
  const counted = (expression) => t.sequenceExpression([count(), expression]);
  /** @param {import('@babel/core').types.Statement} [statement] */
  const countedBlock = (statement) => {
    const own = statement === undefined ? [] : t.isBlockStatement(statement) ? statement.body : [statement];
    return t.blockStatement([t.expressionStatement(count()), ...own]);
  };

  /** Visited again inside its wrapper. @type {WeakSet<object>} */
  const wrapped = new WeakSet();
  /** @type {import('@babel/core').Visitor} */
  const visitor = {
    Function({ node }) {
      if (t.isBlockStatement(node.body)) node.body.body.unshift(t.expressionStatement(count()));
      else node.body = counted(node.body);
    },
    IfStatement({ node }) {
      node.consequent = countedBlock(node.consequent);
      node.alternate = countedBlock(node.alternate ?? undefined);
    },
    ConditionalExpression({ node }) {
      node.consequent = counted(node.consequent);
      node.alternate = counted(node.alternate);
    },
    LogicalExpression({ node }) {
      node.right = counted(node.right);
    },
    AssignmentPattern({ node }) {
      node.right = counted(node.right);
    },
    Loop({ node }) {
      node.body = countedBlock(node.body);
    },
    SwitchCase({ node }) {
      node.consequent.unshift(t.expressionStatement(count()));
    },
    CatchClause({ node }) {
      node.body = countedBlock(node.body);
    },
    CallExpression(path) {
      if (!isBufferAllocation(path.node.callee) || wrapped.has(path.node)) return;
      wrapped.add(path.node);
      path.replaceWith(t.callExpression(t.identifier('$a'), [path.node]));
    },
    NewExpression(path) {
      const { callee, arguments: given } = path.node;
      // With an offset it is a view of memory that is there already.
      if (!t.isIdentifier(callee) || !typedArrays.has(callee.name) || given.length > 1) return;
      if (wrapped.has(path.node)) return;
      wrapped.add(path.node);
      path.replaceWith(t.callExpression(t.identifier('$a'), [path.node]));
    },
  };
  const result = transformSync(text, {
    babelrc: false,
    configFile: false,
    sourceType: 'module',
    compact: false,
    plugins: [{ visitor }],
  });
  return { code: `${prologue}\n${result?.code ?? ''}`, end: next };
}

/** `Buffer.alloc` and `Buffer.allocUnsafe`. @param {import('@babel/core').types.Node} callee */
function isBufferAllocation(callee) {
  if (!t.isMemberExpression(callee) || !t.isIdentifier(callee.object, { name: 'Buffer' })) return false;
  return t.isIdentifier(callee.property) && /^alloc(Unsafe)?$/.test(callee.property.name);
}

const typedArrays = new Set(['Uint8Array', 'Uint16Array', 'Uint32Array', 'Int32Array', 'Float64Array']);

/** Imports rise above it. */
const prologue = `const { edges: $e, allocated: $bytes } = globalThis.${globalName};
const $a = (array) => { $bytes.total += array.byteLength; return array; };`;
