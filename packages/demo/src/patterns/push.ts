import { parseJob } from '@tridcomm/core';
import { until } from '../network/until.ts';
import { claim, countText, heading, line } from '../story.ts';
import { washTopic, type Cafe, type Guest } from './cafe.ts';
import { sentBy, tellReaders } from './readers.ts';

const cups = Array.from({ length: 24 }, (_, i) => `wash cup ${i + 1} of table 4`);
const plates = Array.from({ length: 8 }, (_, i) => `wash plate ${i + 1} of table 7`);

/** Part 4: PUSH/PULL. */
export async function pushAndPull(cafe: Cafe): Promise<void> {
  const { alice, bob, workers } = cafe;
  heading('4  PUSH/PULL: one signature over many jobs, and the broker parts them without a key');
  const mark = await cafe.tap.call('mark');
  for (const { process } of workers) await process.call('pull', washTopic, false);
  await alice.process.call('push', washTopic, cups, 2);
  await until('all cups are washed', async () => (await allDone(cafe)).length >= cups.length);
  const got = (await Promise.all(workers.map(async ({ process }) => await process.call('got', washTopic)))).flat();
  const split = (await cafe.passed(mark)).filter(({ type }) => type === 'job');
  const leaves = new Set(split.map(({ bytes }) => parseJob(bytes).leaf));
  const shares = workers.map(({ keyId }) => split.filter((one) => one.keyId === keyId).length);
  claim(
    leaves.size === 12 && sentBy(alice, await cafe.passed(mark)).length === 1 && shares.every((count) => count > 0),
    `alice hands in ${cups.length} jobs in one envelope; the broker makes ${leaves.size} leaves of it, each with its proof, and ` +
      `gives ${shares[0]} to wanda and ${shares[1]} to willi.`,
  );
  const done = await allDone(cafe);
  claim(
    isSame(done, cups) && got.every(({ sender }) => sender === `alice ${alice.keyId}`),
    `${countText(done.length, 'job')} done, each once; every leaf showed its worker alice's signature.`,
  );
  for (const { process } of workers) await process.call('stop', washTopic);
  const { dead, alive, back } = await killWorker(cafe);
  await alive.process.call('stop', washTopic);
  await back;
  line(`${dead.name} is back, as process ${dead.process.pid}.`);
  const passed = await cafe.passed(mark);
  const envelopes = sentBy(alice, passed);
  tellReaders(cafe, {
    passed,
    secrets: [washTopic, 'wash cup', 'wash plate', 'of table'],
    envelopes,
    keys: [
      [bob, 0, 'may push to the same pool'],
      [alive, envelopes.length, 'works in it, and reads all of it'],
    ],
  });
}

/** One dies with jobs in its hands. @returns who, and when it is there again */
async function killWorker(cafe: Cafe): Promise<{ dead: Guest; alive: Guest; back: Promise<void> }> {
  const { alice, workers } = cafe;
  const [dead, alive] = workers;
  for (const { process } of workers) await process.call('pull', washTopic, true);
  await alice.process.call('push', washTopic, plates, 1);
  const inHands = async ({ process }: Guest): Promise<number> => (await process.call('got', washTopic)).length;
  await until('both are at it', async () => (await inHands(dead)) >= 2 && (await inHands(alive)) >= 2);
  const lost = await dead.process.call('got', washTopic);
  const { pid, back } = cafe.kill(dead);
  await alive.process.call('release', washTopic);
  await until('all plates are washed', async () => {
    return (await alive.process.call('done', washTopic)).length >= plates.length;
  });
  const done = await alive.process.call('done', washTopic);
  claim(
    isSame(done, plates) && lost.length > 0 && lost.every(({ text }) => done.includes(text)),
    `${dead.name}, process ${pid}, gets kill -9 with ${lost.length} of ${plates.length} more in its hands: they go back, and ` +
      `${alive.name} has done ${done.length}, each once.`,
  );
  return { dead, alive, back };
}

async function allDone({ workers }: Cafe): Promise<readonly string[]> {
  return (await Promise.all(workers.map(async ({ process }) => await process.call('done', washTopic)))).flat();
}

function isSame(some: readonly string[], others: readonly string[]): boolean {
  return some.toSorted().join('\n') === others.toSorted().join('\n');
}
