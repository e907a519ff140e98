/*
 * A process that answers requests with an effect store of its own, until it is killed: `address identity topic directory [bornMs]`. Says `there` when
 * the broker gives it work, and `refused CODE` for what it refuses.
 */
import { connect } from '../../src/client/connect.ts';
import { FileEffectStore } from '../../src/effects/file-effect-store.ts';

const [address, identity, topic, directory, bornMs] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string?,
];
const effects = await FileEffectStore.open(directory, bornMs === undefined ? {} : { bornMs: Number(bornMs) });
const client = await connect(address, { identity, brokerName: 'localhost' });
client.addEventListener('status', ({ status }) => {
  if (status.type === 'refused') say(`refused ${status.error.code}`);
});
// The effect is one more for what the body names.
client.respond(
  topic,
  async ({ data, transaction }) => {
    const name = Buffer.from(data).toString();
    const times = 1 + Number(Buffer.from(transaction.get(name) ?? []).toString());
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
    transaction.put(name, Buffer.from(`${times}`));
    return `${name}: ${times} by ${process.pid}`;
  },
  { effects },
);
await client.ready();
say('there');

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
