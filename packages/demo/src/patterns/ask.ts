import { seconds } from '../network/deliver.ts';
import { until } from '../network/until.ts';
import { claim, heading, line } from '../story.ts';
import { brewTopic, type Cafe, type Guest } from './cafe.ts';
import { givenTo, later, sentBy, tellReaders } from './readers.ts';

const texts = ['a flat white for table 4', 'an espresso for table 7'] as const;
const third = 'a cortado for table 11';
const fourth = 'a pot of tea for bob';

/** Part 2: REQ/REP. */
export async function askAndAnswer(cafe: Cafe): Promise<void> {
  const { alice, bob, workers } = cafe;
  heading('2  REQ/REP: who asks seals for a pool, and one of the workers answers');
  const mark = await cafe.tap.call('mark');
  for (const { process } of workers) await process.call('respond', brewTopic, true);
  await askTwice(cafe);
  for (const { process } of workers) await process.call('stop', brewTopic);
  const { dead, alive, back } = await killWorker(cafe);
  const toBob = await bob.process.call('request', brewTopic, fourth);
  claim(toBob.text === `${fourth}, made by ${alive.name}`, `bob may ask the same pool, and does: "${toBob.text}".`);
  await alive.process.call('stop', brewTopic);
  await back;
  line(`${dead.name} is back, as process ${dead.process.pid}.`);
  const passed = await cafe.passed(mark);
  const envelopes = [...sentBy(alice, passed), ...givenTo(alice, passed)];
  tellReaders(cafe, {
    passed,
    secrets: [brewTopic, ...texts, third, fourth, 'made by'],
    envelopes,
    keys: [
      [bob, 0, 'asks the same pool'],
      [alive, envelopes.length, 'works in it, and reads all of it'],
    ],
  });
}

/** Two requests, two workers. */
async function askTwice(cafe: Cafe): Promise<void> {
  const { alice, workers } = cafe;
  const answers = [];
  for (const [i, text] of texts.entries()) {
    answers.push(later(alice.process.call('request', brewTopic, text)));
    await until('a worker has a request', async () => (await holders(cafe)).length > i);
  }
  const got = await Promise.all(workers.map(async ({ process }) => await process.call('got', brewTopic)));
  for (const { process } of workers) await process.call('release', brewTopic);
  const replies = await Promise.all(answers);
  line('alice asks twice while both are at work, and each has one:');
  for (const [i, { name, keyId }] of workers.entries()) {
    const [request, ...more] = got[i]!;
    const reply = replies.find(({ sender }) => sender === `${name} ${keyId}`);
    const isAlice = request?.sender === `alice ${alice.keyId}` && more.length === 0;
    claim(
      isAlice && texts.some((text) => text === request.text) && reply?.text === `${request.text}, made by ${name}`,
      `    ${name}  got "${request?.text}", signed by alice; who got "${reply?.text}", signed by ${name}`,
    );
  }
}

/** One dies with a request in its hands. @returns who, and when it is there again */
async function killWorker(cafe: Cafe): Promise<{ dead: Guest; alive: Guest; back: Promise<void> }> {
  const { alice, workers } = cafe;
  for (const { process } of workers) await process.call('respond', brewTopic, true);
  const answer = later(alice.process.call('request', brewTopic, third));
  await until('a worker has the request', async () => (await holders(cafe)).length > 0);
  const [dead] = await holders(cafe);
  const alive = workers.find((one) => one !== dead)!;
  const killedMs = performance.now();
  const { pid, back } = cafe.kill(dead!);
  await alive.process.call('release', brewTopic);
  const { text, sender } = await answer;
  claim(
    text === `${third}, made by ${alive.name}` && sender === `${alive.name} ${alive.keyId}`,
    `She asks once more; ${dead!.name}, process ${pid}, has it and gets kill -9. ${seconds(killedMs)} s later she has "${text}".`,
  );
  return { dead: dead!, alive, back };
}

/** Workers that have a request. */
async function holders({ workers }: Cafe): Promise<readonly Guest[]> {
  const got = await Promise.all(workers.map(async ({ process }) => await process.call('got', brewTopic)));
  return workers.filter((_, i) => got[i]!.length > 0);
}
