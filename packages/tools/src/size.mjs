/** Bytes that a browser loads: each entry of `size/`, bundled from the built packages, minified and compressed. */
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { finish, isMain } from './lib.mjs';

/** Budgets in bytes of gzip -9; an entry without one is only reported. */
const entries = [
  { file: 'core-seal-open.mjs', budget: 40_000 },
  { file: 'core-codec.mjs', budget: Number.POSITIVE_INFINITY },
];

/** @param {string} path of an entry @returns {Promise<{ minified: number, gzip: number }>} sizes in bytes */
export async function measure(path) {
  const { outputFiles } = await build({
    entryPoints: [path],
    bundle: true,
    minify: true,
    write: false,
    logLevel: 'silent',
    platform: 'browser',
    format: 'esm',
    target: 'es2022',
    legalComments: 'none',
  });
  const [bundle] = outputFiles;
  if (!bundle) throw new Error(`${path}: no bundle`);
  return { minified: bundle.contents.length, gzip: gzipSync(bundle.contents, { level: 9 }).length };
}

if (isMain(import.meta.url)) {
  const problems = [];
  const figures = [];
  for (const { file, budget } of entries) {
    const { minified, gzip } = await measure(fileURLToPath(new URL(`../size/${file}`, import.meta.url)));
    const figure = `${file} ${gzip} bytes gzip (${minified} minified)`;
    figures.push(figure);
    if (gzip > budget) problems.push(`${figure} is past its budget of ${budget}`);
  }
  finish(problems, figures.join(', '));
}
