/* Does works for ever, 16 at a time, and says each number that was acknowledged. To be killed. */
import { writeSync } from 'node:fs';
import { FileEffectStore } from '../../src/effects/file-effect-store.ts';
import { runOnce } from '../../src/effects/run-once.ts';
import { leaseMs, startMs, workOf } from './work-of.ts';

const store = await FileEffectStore.open(process.argv[2]!, { bornMs: 0 });
let next = Number(process.argv[3]);
await Promise.all(Array.from({ length: 16 }, async () => await work()));

async function work(): Promise<never> {
  for (;;) {
    const number = next++;
    const outcome = await runOnce(
      store,
      workOf(number),
      leaseMs,
      () => startMs,
      async (transaction) => {
        const [count = 0] = transaction.get(`count/${number}`) ?? [];
        // The handler takes its time now and then, so that copies, commits and syncs meet.
        if (number % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
        transaction.put(`count/${number}`, Uint8Array.of(count + 1));
        return new Uint8Array(Buffer.from(`result of ${number}`.padEnd(500, '.'), 'latin1'));
      },
    );
    if (outcome.status === 'done') writeSync(1, `${number}\n`);
  }
}
