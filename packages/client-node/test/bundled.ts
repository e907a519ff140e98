import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The bundler that the test runner brings with it. */
interface Bundler {
  readonly build: (options: object) => Promise<unknown>;
}

/**
 * Bundles a TypeScript file of the tests with all that it imports from sources, so that a process of its own can run it without any build.
 *
 * @param url - of the file
 * @returns the path of a module
 */
export async function bundle(url: URL): Promise<string> {
  const require = createRequire(createRequire(import.meta.url).resolve('vitest/package.json'));
  const { build } = (await import(pathToFileURL(require.resolve('vite')).href)) as Bundler;
  const entry = fileURLToPath(url);
  const outDir = mkdtempSync(join(tmpdir(), 'tdc-bundle-'));
  process.on('exit', () => rmSync(outDir, { recursive: true, force: true }));
  const conditions = ['@tridcomm/source', 'module', 'node', 'development|production'];
  await build({
    configFile: false,
    logLevel: 'error',
    resolve: { conditions },
    ssr: { noExternal: true, resolve: { conditions } },
    build: { ssr: entry, outDir, minify: false, rollupOptions: { output: { entryFileNames: '[name].mjs' } } },
  });
  return join(outDir, `${basename(entry, '.ts')}.mjs`);
}

/** How a process ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts a bundled module. */
export function start(
  module: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ChildProcess {
  // What is not bundled is found from here.
  const cwd = fileURLToPath(new URL('..', import.meta.url));
  return spawn(process.execPath, [module, ...args], { cwd, env: { ...process.env, ...env } });
}

/** Waits for a process to end. */
export async function ended(child: ChildProcess): Promise<Ended> {
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => err.push(chunk));
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (...how) => resolve(how));
  });
  const text = (chunks: readonly Buffer[]) => Buffer.concat(chunks).toString('utf8');
  return { code, signal, stdout: text(out), stderr: text(err) };
}
