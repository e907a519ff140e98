import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { TridcommError } from '@tridcomm/core';
import { MemoryStore } from '@tridcomm/core/internal';
import { attack } from './attacks.ts';
import { deliver, type Cast } from './deliver.ts';
import { revoke } from './revoke.ts';
import { rotate } from './rotate.ts';
import { pattern, Stage } from './stage.ts';
import { claim, countText, heading, readmePath, score, sizeText } from './story.ts';
import { withhold } from './withhold.ts';

// Whoever reads the output may stop reading, as `| head` does.
process.stdout.on('error', () => process.exit());

try {
  process.exitCode = await demonstrate(process.argv.slice(2));
} catch (error) {
  // A path that cannot be read is the caller's; anything else is ours, and shows its stack.
  if (!isFileError(error)) throw error;
  process.stderr.write(`cannot read ${error.path ?? process.argv[2]}: ${error.message}\n`);
  process.exitCode = 2;
}

async function demonstrate(args: readonly string[]): Promise<number> {
  const usage = 'usage: npm run demo [-- PATH]      sends PATH, or the README\n';
  if (args[0] === '--help') {
    process.stdout.write(usage);
    return 0;
  }
  if (args.length > 1 || args[0]?.startsWith('-') === true || args[0] === '') {
    process.stderr.write(usage);
    return 2;
  }
  const path = args[0] ?? readmePath;
  await access(path, constants.R_OK);
  if ((await stat(path)).isDirectory()) {
    process.stderr.write(`cannot read ${args[0]}: it is a folder\n`);
    return 2;
  }

  const stage = await Stage.create(['orders/', 'coffee']);
  const carolsDisk = new MemoryStore();
  const [alice, bob, carol] = [stage.join('alice'), stage.join('bob'), stage.join('carol', carolsDisk)];
  stage.network.allow(pattern, {
    write: [alice.member, carol.member],
    read: [bob.member, carol.member],
  });
  const [atBob, atCarol] = [bob.member.subscribe(pattern), carol.member.subscribe(pattern)];
  const cast: Cast = { alice, bob, carol, atBob, atCarol };

  await deliver(stage, cast, path, args[0] ?? 'README.md');
  rotate(stage, cast);
  revoke(stage, cast, carolsDisk);
  withhold(stage, cast);
  attack(stage, cast);

  const { log } = stage;
  log.read();
  heading('At the end');
  const seen = `${countText(log.envelopes, 'envelope')} and ${log.bundles.length} bundles of the authority, ${sizeText(log.bytes)}`;
  claim(log.leaks === 0, `All that the relay saw, ${seen}: no topic, no text.`);
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
