/*
 * A process that routes messages of a topic until it is killed: `address identity topic worker`. It forwards what it is told to forward to that worker,
 * and holds everything for ever; on standard output it says that it is there, and what it has.
 */
import { connect } from '../../src/client/connect.ts';

const [address, identity, topic, worker] = process.argv.slice(2) as [string, string, string, string];
const client = await connect(address, { identity, brokerName: 'localhost' });
client.route(topic, async ({ routing, forward }) => {
  const told = Buffer.from(routing).toString();
  if (told === 'forward') await forward(new Uint8Array(Buffer.from(worker, 'hex')));
  process.stdout.write(`got ${told}\n`);
  await new Promise<void>(() => {});
});
await client.ready();
process.stdout.write('there\n');
