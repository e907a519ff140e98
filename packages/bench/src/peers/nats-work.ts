import { openNats, subjectOf, type NatsOptions } from './nats-client.ts';
import type { WorkClient } from './peer.ts';
import { SecuredMessages } from './secured-messages.ts';

/** Request/reply and queue groups of the official client; with keys, requests and replies are sealed and signed one by one. */
export async function workOverNats({ port, tls, secured }: NatsOptions): Promise<WorkClient> {
  const connection = await openNats(port, tls);
  const keys = secured && new SecuredMessages(secured);
  const seal = (message: Uint8Array) => (keys === undefined ? message : keys.seal(message));
  const open = (bytes: Uint8Array) => (keys === undefined ? bytes : keys.open(bytes));
  return {
    respond: async (topic, answer) => {
      connection.subscribe(subjectOf(topic), {
        queue,
        callback: (error, message) => {
          if (error === null) message.respond(seal(answer(open(message.data))));
        },
      });
      await connection.flush();
    },
    request: async (topic, body) => {
      return open((await connection.request(subjectOf(topic), seal(body), { timeout: answerMs })).data);
    },
    pull: async (topic, take) => {
      connection.subscribe(subjectOf(topic), {
        queue,
        callback: (error, message) => {
          if (error === null) take(open(message.data));
        },
      });
      await connection.flush();
    },
    push: async (topic, jobs) => {
      const subject = subjectOf(topic);
      for (const job of jobs) connection.publish(subject, seal(job));
      await connection.flush();
    },
  };
}

const queue = 'workers';
const answerMs = 30_000;
