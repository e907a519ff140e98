import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { TridcommError } from '@tridcomm/core';
import { tellLocally } from './local.ts';
import { tellOverNetwork } from './network/tell.ts';
import { tellPatterns } from './patterns/tell.ts';
import { heading, readmePath, score } from './story.ts';

// Whoever reads the output may stop reading, as `| head` does.
process.stdout.on('error', () => process.exit());

try {
  process.exitCode = await demonstrate(process.argv.slice(2));
} catch (error) {
  // A path that cannot be read is the caller's; anything else is ours, and shows its stack.
  if (!isFileError(error)) throw error;
  process.stderr.write(`cannot read ${error.path ?? process.argv.at(-1)}: ${error.message}\n`);
  process.exitCode = 2;
}

async function demonstrate(args: readonly string[]): Promise<number> {
  const usage = `usage: npm run demo [-- PATH]            a broker, an authority and three members as processes; sends PATH, or the README
       npm run demo -- local [PATH]      the same cryptography in one process, without sockets
       npm run demo -- patterns          requests, jobs, surveys and a bus on one broker, and who could read what
`;
  if (args[0] === '--help') {
    process.stdout.write(usage);
    return 0;
  }
  if (args[0] === 'patterns' && args.length === 1) {
    await tellPatterns();
    return result();
  }
  const isLocal = args[0] === 'local';
  const [given, ...more] = isLocal ? args.slice(1) : args;
  if (more.length > 0 || given?.startsWith('-') === true || given === '') {
    process.stderr.write(usage);
    return 2;
  }
  const path = given ?? fileURLToPath(readmePath);
  await access(path, constants.R_OK);
  if ((await stat(path)).isDirectory()) {
    process.stderr.write(`cannot read ${path}: it is a folder\n`);
    return 2;
  }
  const tell = isLocal ? tellLocally : tellOverNetwork;
  await tell(path, given ?? 'README.md');
  return result();
}

/** Says how many claims held. @returns the exit code */
function result(): number {
  const { checks, wrongs } = score();
  heading(
    wrongs === 0
      ? `${checks} checks, all as they should be`
      : `THE DEMONSTRATION FAILED: ${wrongs} of ${checks} checks`,
  );
  return wrongs === 0 ? 0 : 1;
}

function isFileError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && !(error instanceof TridcommError) && 'syscall' in error;
}
