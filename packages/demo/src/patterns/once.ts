import { decodeHeader } from '@tridcomm/core';
import { until } from '../network/until.ts';
import { claim, heading, line, toHex } from '../story.ts';
import { toastTopic, payTopic, type Cafe, type Guest } from './cafe.ts';
import { givenTo, later, sentBy } from './readers.ts';

/** Part 3: what a broker gives twice is done once, where the workers share a store. */
export async function payOnce(cafe: Cafe): Promise<void> {
  heading('3  An effect once: the workers share a till, which remembers what was asked and answered');
  for (const { process } of cafe.workers) await process.call('sell', payTopic, cafe.tillSocket);
  await copyPayment(cafe);
  for (const { process } of cafe.workers) await process.call('stop', payTopic);
  await copyToast(cafe);
  for (const { process } of cafe.workers) {
    await process.call('sell', payTopic, cafe.tillSocket);
    await process.call('stopBehindCommits', true);
  }
  await dieBehindCommit(cafe);
}

/** The broker gives a request that was answered to the other worker. */
async function copyPayment(cafe: Cafe): Promise<void> {
  const { alice, till, tap } = cafe;
  const mark = await tap.call('mark');
  const { text } = await alice.process.call('request', payTopic, 'charge 420');
  const first = await till.call('cents');
  claim(first === 420, `alice asks to charge 420 cents: "${text}". In the till are ${first}.`);
  const other = await giveToOther(cafe, payTopic, mark);
  const answers = async (): Promise<readonly Uint8Array[]> => givenTo(alice, await cafe.passed(mark));
  await until('a second answer', async () => (await answers()).length === 2);
  const [second, ran] = [await till.call('cents'), await other.process.call('got', payTopic)];
  const answered = cafe.nameOf(toHex(decodeHeader((await answers())[1]!).senderId));
  const isOpened = (await other.process.call('refused')).length === 0;
  claim(
    second === 420 && ran.length === 0 && answered === other.name && isOpened,
    `The broker lies, and gives the same bytes to ${other.name} too, who refuses nothing and answers. But the till knows their key: ` +
      `${other.name} ran nothing, and in the till are ${second}.`,
  );
}

/** The same where handlers say that to do it twice is as to do it once. */
async function copyToast(cafe: Cafe): Promise<void> {
  for (const { process } of cafe.workers) await process.call('respond', toastTopic, false);
  const mark = await cafe.tap.call('mark');
  await cafe.alice.process.call('request', toastTopic, 'a cheese toast');
  const other = await giveToOther(cafe, toastTopic, mark);
  await until('a second one', async () => (await other.process.call('done', toastTopic)).length === 1);
  const done = await Promise.all(cafe.workers.map(async ({ process }) => await process.call('done', toastTopic)));
  claim(
    done.flat().join() === 'a cheese toast,a cheese toast',
    `Without a store the same lie has its way: ${done.flat().length} toasts. No signature and no key stands against that.`,
  );
  for (const { process } of cafe.workers) await process.call('stop', toastTopic);
}

/** The worst moment: it is done, and nobody was told. */
async function dieBehindCommit(cafe: Cafe): Promise<void> {
  const { alice, workers, till } = cafe;
  const answer = later(alice.process.call('request', payTopic, 'charge 310'));
  await until('it is in the till', async () => (await till.call('cents')) === 730);
  const dead = await whoHas(cafe, payTopic);
  const alive = workers.find((one) => one !== dead)!;
  await alive.process.call('stopBehindCommits', false);
  const { pid, back } = cafe.kill(dead);
  const { text, sender } = await answer;
  const [cents, ran] = [await till.call('cents'), await alive.process.call('got', payTopic)];
  claim(
    sender === `${alive.name} ${alive.keyId}` && text === `charge 310, taken by ${dead.name}; now 730`,
    `${dead.name}, process ${pid}, takes 310 more and gets kill -9 before it says so: ${alive.name} answers "${text}".`,
  );
  claim(cents === 730 && ran.length === 0, `In the till are ${cents}; ${alive.name} took nothing.`);
  await alive.process.call('stop', payTopic);
  await back;
  line(`${dead.name} is back, as process ${dead.process.pid}.`);
}

/** Gives the last thing that alice asked to whoever did not do it. @returns who that is */
async function giveToOther(cafe: Cafe, topic: string, mark: number): Promise<Guest> {
  const doer = await whoHas(cafe, topic);
  const other = cafe.workers.find((one) => one !== doer)!;
  const request = sentBy(cafe.alice, await cafe.passed(mark)).at(-1)!;
  await cafe.tap.call('lease', other.keyId, request);
  return other;
}

/** The worker whose handler got something. */
async function whoHas({ workers }: Cafe, topic: string): Promise<Guest> {
  const got = await Promise.all(workers.map(async ({ process }) => await process.call('got', topic)));
  return workers.find((_, i) => got[i]!.length > 0)!;
}
