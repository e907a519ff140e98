import { Pull, Push } from 'zeromq';
import type { CurveKeys, WorkClient } from './peer.ts';
import { joinMs, type ZeromqOptions } from './zeromq-client.ts';

/** PUSH and PULL: who pushes is the server, and gives each job to the next in turn. */
export async function workOverZeromq({ port, keys }: ZeromqOptions): Promise<WorkClient> {
  const address = `tcp://127.0.0.1:${port}`;
  let pusher: Push | undefined;
  let pushed = Promise.resolve();
  const notMeasured = async () => Promise.reject(new Error('not measured'));
  return Promise.resolve({
    respond: notMeasured,
    request: notMeasured,
    pull: async (_topic, take) => {
      const puller = new Pull({
        receiveHighWaterMark: 0,
        curveServerKey: keys.serverPublic,
        curvePublicKey: keys.clientPublic,
        curveSecretKey: keys.clientSecret,
      });
      puller.connect(address);
      void work(puller, take);
      return Promise.resolve();
    },
    push: async (_topic, jobs) => {
      // A socket takes one call at a time.
      pushed = pushed.then(async () => {
        pusher ??= await bound(address, keys);
        for (const job of jobs) await pusher.send(job as Buffer);
      });
      await pushed;
    },
  });
}

async function bound(address: string, { serverSecret }: CurveKeys): Promise<Push> {
  const socket = new Push({ sendHighWaterMark: 0, curveServer: true, curveSecretKey: serverSecret });
  await socket.bind(address);
  await new Promise((resolve) => setTimeout(resolve, joinMs));
  return socket;
}

async function work(puller: Pull, take: (job: Uint8Array) => void): Promise<void> {
  for await (const [job] of puller) take(job!);
}
