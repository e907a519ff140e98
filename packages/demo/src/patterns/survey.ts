import { until } from '../network/until.ts';
import { claim, heading, line, refusal } from '../story.ts';
import { lateTopic, type Cafe, type Guest } from './cafe.ts';
import type { Surveyed } from './party.ts';
import { givenTo, sentBy, tellReaders } from './readers.ts';

const question = 'who can stay until ten tonight?';
const answers = new Map([
  ['bob', 'bob stays until nine'],
  ['wanda', 'wanda stays until ten'],
  ['willi', 'willi is off at six'],
]);

/** Part 5: SURVEY. */
export async function survey(cafe: Cafe): Promise<void> {
  const { alice, bob, wanda, willi } = cafe;
  heading('5  SURVEY: a question to a group, and one reply of each, to a key that is made for the question');
  const mark = await cafe.tap.call('mark');
  for (const { name, process } of [bob, wanda, willi]) {
    await process.call('answer', lateTopic, answers.get(name)!, name === 'wanda');
  }
  await askThree(cafe, mark);
  await comeLate(cafe);
  const passed = await cafe.passed(mark);
  const questions = sentBy(alice, passed);
  const replies = new Map(givenTo(alice, passed).map((bytes) => [Buffer.from(bytes).toString('hex'), bytes]));
  tellReaders(cafe, {
    passed,
    secrets: [lateTopic, question, ...answers.values()],
    envelopes: [...questions, ...replies.values()],
    keys: [bob, willi].map((guest) => {
      return [guest, questions.length, `the ${questions.length} questions, and no reply`] as const;
    }),
  });
  for (const { process } of [bob, wanda, willi]) await process.call('stop', lateTopic);
}

/** A survey in which two try to be heard twice, or as somebody else. */
async function askThree(cafe: Cafe, mark: number): Promise<void> {
  const { alice, bob, wanda, tap } = cafe;
  await tap.call('hold', alice.keyId, bob.keyId);
  const number = await alice.process.call('ask', lateTopic, question, patienceMs, answers.size);
  const surveyed = async (): Promise<Surveyed> => await alice.process.call('surveyed', number);
  await until('a reply, and another that is kept back', async () => {
    return (await surveyed()).replies.length === 1 && (await tap.call('held')).length === 1;
  });
  line("alice asks. willi's reply has come, the broker keeps back that of bob, and wanda has not replied yet.");
  const [fromWilli] = givenTo(alice, await cafe.passed(mark));
  const copied = await nextRefusal(alice, async () => await tap.call('hand', alice.keyId, fromWilli!));
  refusal("the broker gives alice willi's reply a second time", copied, 'E_REPLAY', 'patterns.32');
  const [fromBob] = await tap.call('held');
  const forged = await nextRefusal(alice, async () => {
    const said = await wanda.process.call('copyReply', cafe.broker.port, fromBob!, cafe.authorityId);
    if (said !== 'accepted') throw new Error(`the broker does not take what it cannot judge: ${said}`);
  });
  refusal("wanda gets bob's reply of the broker, and sends it signed by herself", forged, 'E_AEAD', 'patterns.34');
  await tap.call('release');
  await wanda.process.call('release', lateTopic);
  await until('the end of the survey', async () => (await surveyed()).isOver);
  const { replies } = await surveyed();
  const isEach = [...answers].every(([name, text]) => {
    return replies.some((one) => one.text === text && one.sender === `${name} ${keyIdOf(cafe, name)}`);
  });
  claim(
    isEach && replies.length === answers.size,
    `Then all reply, and alice has ${replies.length}: ${replies.map(({ text }) => `"${text}"`).join(', ')}, each signed by who says so.`,
  );
}

/** A reply that the broker gives out behind the deadline. */
async function comeLate(cafe: Cafe): Promise<void> {
  const { alice, bob, tap } = cafe;
  // On a slow machine the question may not have reached anybody by then.
  for (let timeoutMs = 1_500; ; timeoutMs *= 3) {
    await tap.call('hold', alice.keyId, bob.keyId);
    const number = await alice.process.call('ask', lateTopic, question, timeoutMs, answers.size);
    await until('the deadline', async () => (await alice.process.call('surveyed', number)).isOver);
    if ((await tap.call('held')).length > 0) break;
  }
  const late = await nextRefusal(alice, async () => await tap.call('release'));
  refusal(
    "She asks once more, and the broker gives her bob's reply after the deadline",
    late,
    'E_EXPIRED',
    'patterns.31',
  );
}

/** The code with which somebody refuses what is about to come. */
async function nextRefusal({ process }: Guest, send: () => Promise<void>): Promise<string> {
  const { length } = await process.call('refused');
  await send();
  await until('a refusal', async () => (await process.call('refused')).length > length);
  return (await process.call('refused'))[length]!;
}

function keyIdOf({ guests }: Cafe, name: string): string | undefined {
  return guests.find((guest) => guest.name === name)?.keyId;
}

const patienceMs = 120_000;
