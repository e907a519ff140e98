/*
 * A process that works on a topic until it is killed: `address identity topic`. It never answers the first request that it gets, and says on
 * standard output that it is there, and that it has it.
 */
import { connect } from '../../src/client/connect.ts';

const [address, identity, topic] = process.argv.slice(2) as [string, string, string];
const client = await connect(address, { identity, brokerName: 'localhost' });
client.respond(
  topic,
  async () => {
    process.stdout.write('got\n');
    return new Promise<string>(() => {});
  },
  { effects: 'idempotent', concurrency: 4 },
);
await client.ready();
process.stdout.write('there\n');
