import { MemoryStore } from '@tridcomm/core/internal';
import { attack } from './attacks.ts';
import { deliver, type Cast } from './deliver.ts';
import { revoke } from './revoke.ts';
import { rotate } from './rotate.ts';
import { pattern, Stage } from './stage.ts';
import { claim, countText, heading, sizeText } from './story.ts';
import { withhold } from './withhold.ts';

/** The story of one process, in which a relay stands for the broker. */
export async function tellLocally(path: string | URL, name: string): Promise<void> {
  const stage = await Stage.create(['orders/', 'coffee']);
  const carolsDisk = new MemoryStore();
  const [alice, bob, carol] = [stage.join('alice'), stage.join('bob'), stage.join('carol', carolsDisk)];
  stage.network.allow(pattern, {
    write: [alice.member, carol.member],
    read: [bob.member, carol.member],
  });
  const [atBob, atCarol] = [bob.member.subscribe(pattern), carol.member.subscribe(pattern)];
  const cast: Cast = { alice, bob, carol, atBob, atCarol };

  await deliver(stage, cast, path, name);
  rotate(stage, cast);
  revoke(stage, cast, carolsDisk);
  withhold(stage, cast);
  attack(stage, cast);

  const { log } = stage;
  log.read();
  heading('At the end');
  const seen = `${countText(log.envelopes, 'envelope')} and ${log.bundles.length} bundles of the authority, ${sizeText(log.bytes)}`;
  claim(log.leaks === 0, `All that the relay saw, ${seen}: no topic, no text.`);
}
