/** Syntax trees of the workspace's own sources, TypeScript or JavaScript. */
import { parseSync } from '@babel/core';

/** @param {string} path decides the language @param {string} text @returns {import('@babel/core').types.File} */
export function parse(path, text) {
  const tree = parseSync(text, {
    filename: path,
    babelrc: false,
    configFile: false,
    sourceType: 'module',
    parserOpts: { plugins: /\.[cm]?ts$/.test(path) ? ['typescript', 'explicitResourceManagement'] : [] },
  });
  if (!tree) throw new Error(`${path}: cannot be parsed`);
  return tree;
}
