import { searchBytes, searchFolder } from '../network/broker-disk.ts';
import { seconds } from '../network/deliver.ts';
import { claim, heading, line, sizeText } from '../story.ts';
import { askAndAnswer } from './ask.ts';
import { ride } from './bus.ts';
import { brewTopic, Cafe, callTopic, lateTopic, orderTopic, payTopic, toastTopic, washTopic } from './cafe.ts';
import { payOnce } from './once.ts';
import { pushAndPull } from './push.ts';
import { foundIn } from './readers.ts';
import { routeOrders } from './route.ts';
import { survey } from './survey.ts';

/** The patterns on one broker: every part in a process of its own, over TLS. */
export async function tellPatterns(): Promise<void> {
  const startedMs = performance.now();
  await Cafe.with(async (cafe) => {
    introduce(cafe, startedMs);
    await askAndAnswer(cafe);
    await payOnce(cafe);
    await pushAndPull(cafe);
    await survey(cafe);
    await routeOrders(cafe);
    await ride(cafe);
    await end(cafe, startedMs);
  });
}

/** Part 1: who is who. */
function introduce(cafe: Cafe, startedMs: number): void {
  heading('1  Eight processes, and TLS between them and the broker');
  line(
    `An authority, a broker, a till, two who ask, one who routes and two who work started in ${seconds(startedMs)} s.`,
  );
  line(`    broker  ${cafe.address}, process ${cafe.broker.pid}`);
  for (const { name, keyId, process } of cafe.guests)
    line(`    ${name.padEnd(6)}  key id ${keyId}, process ${process.pid}`);
  line(
    'alice and bob may ask in the kitchen, where wanda and willi work, and rita may say who takes an order. What they hear of each other the broker brings.',
  );
  line(
    'It is the program as it is; beside it runs what keeps all that comes out of TLS, and lies. None of it has a key.',
  );
}

async function end(cafe: Cafe, startedMs: number): Promise<void> {
  heading('At the end');
  const topics = [brewTopic, payTopic, toastTopic, washTopic, orderTopic, lateTopic, callTopic];
  const secrets = [...topics, 'charge ', 'toast', 'table ', 'taken by', 'made by'];
  const passed = await cafe.tap.call('passed', 0);
  const bytes = passed.reduce((sum, one) => sum + one.bytes.length, 0);
  const disk = searchFolder(
    cafe.broker.storeFolder,
    secrets.map((text) => Buffer.from(text)),
  );
  const said = searchBytes(
    Buffer.from(cafe.broker.text),
    secrets.map((text) => Buffer.from(text)),
  );
  claim(
    foundIn(passed, secrets) === 0 && disk.found === 0 && said === 0 && disk.bytes > 0,
    `All that the broker was given, ${sizeText(bytes)} in ${passed.length} messages, its disk, ${sizeText(disk.bytes)}, and its log: ` +
      'no topic, no text.',
  );
  line(`It took ${seconds(startedMs)} s.`);
}
