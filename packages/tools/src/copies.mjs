/** Copies of packages in another folder, where they import each other and not the real ones. */
import { existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The modules of a package, with the copies beside it in place of the packages of the workspace.
 * @param {string} from the `node_modules` of the package
 * @param {string} to that of its copy; must not exist
 */
export function linkModules(from, to) {
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from)) if (name !== ownScope) symlinkSync(join(from, name), join(to, name));
  if (!existsSync(join(from, ownScope))) return;
  mkdirSync(join(to, ownScope));
  for (const name of readdirSync(join(from, ownScope))) symlinkSync(join('../../..', name), join(to, ownScope, name));
}

const ownScope = '@tridcomm';
