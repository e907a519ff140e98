import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { openEnvelope, parseEnvelope, ReplayGuard, TridcommError, type Message, type Receiver } from '@tridcomm/core';
import { printAnatomy } from './anatomy.ts';
import { runAttacks } from './attacks.ts';
import { epoch, newGroup, newMember, newSealer, provider, random, tagOf, type Group, type Member } from './parties.ts';
import { batchesOf } from './source.ts';
import { chapterPaths, countText, heading, line, readRequirements, sizeText } from './story.ts';

const topic = 'demo/files';
const otherTopic = 'demo/orders';

// Whoever reads the output may stop reading, as `| head` does.
process.stdout.on('error', () => process.exit());

try {
  process.exitCode = await demonstrate(process.argv.slice(2));
} catch (error) {
  // A path that cannot be read is the caller's; anything else is ours, and shows its stack.
  if (!isFileError(error)) throw error;
  process.stderr.write(`cannot read ${error.path ?? process.argv[2]}: ${error.message}\n`);
  process.exitCode = 2;
}

async function demonstrate(args: readonly string[]): Promise<number> {
  const usage = 'usage: npm run demo [-- PATH]      seals PATH, or the chapters of the specification\n';
  if (args[0] === '--help') {
    process.stdout.write(usage);
    return 0;
  }
  if (args.length > 1 || args[0]?.startsWith('-') === true || args[0] === '') {
    process.stderr.write(usage);
    return 2;
  }
  const paths = args.length === 1 ? [args[0]!] : await chapterPaths();
  await Promise.all(paths.map(async (path) => access(path, constants.R_OK)));
  const group = newGroup();
  const alice = newMember('alice');
  const mallory = newMember('mallory');
  const tag = tagOf(group, topic, Date.now());
  const otherTag = tagOf(group, otherTopic, Date.now());
  const sealer = newSealer(group, alice, tag);
  const seal = (messages: readonly Message[]) => {
    const { signInput, ...unsigned } = sealer.seal({ form: 'batch', messages, timestampMs: Date.now() });
    return { envelope: unsigned.finish(provider.ed25519Sign(alice.keyPair.secretKey, signInput)), signInput };
  };
  const receiver = newReceiver(group, [alice, mallory], [tag, otherTag]);

  heading(`alice seals ${args[0] ?? 'the chapters of the specification'} for the topic "${topic}"`);
  const totals = { messages: 0, plaintextBytes: 0, envelopes: 0, wireBytes: 0 };
  const sent = createHash('sha256');
  const received = createHash('sha256');
  let first: Uint8Array | undefined;
  for await (const messages of batchesOf(paths)) {
    const { envelope } = seal(messages);
    first ??= envelope;
    for (const { payload } of messages) {
      sent.update(payload);
      totals.plaintextBytes += payload.length;
    }
    totals.messages += messages.length;
    totals.envelopes++;
    totals.wireBytes += envelope.length;
    // The broker carries the bytes; bob opens them with what the group gave him.
    for (const { payload } of openEnvelope(receiver, envelope, Date.now())!.records) received.update(payload);
  }
  const overhead = totals.wireBytes - totals.plaintextBytes;
  line(`${countText(totals.messages, 'message')}, ${sizeText(totals.plaintextBytes)}`);
  line(
    `${countText(totals.envelopes, 'envelope')}, ${sizeText(totals.wireBytes)}: ${sizeText(overhead)} more, for headers, tags and signatures`,
  );

  heading('what a broker sees of the first envelope');
  printAnatomy(parseEnvelope(first!), topic);

  heading('bob opens them');
  const [sentDigest, receivedDigest] = [sent.digest('hex'), received.digest('hex')];
  const equal = sentDigest === receivedDigest;
  line(`signed by  alice, key id ${Buffer.from(alice.keyId32).toString('hex')}`);
  line(`sent       SHA-256 ${sentDigest}`);
  line(`received   SHA-256 ${receivedDigest}  ${equal ? 'the same bytes' : 'NOT THE SAME'}`);

  heading('alice seals one more message, and it falls into other hands first');
  const plaintext = new TextEncoder().encode(JSON.stringify({ order: 'open the gate', note: 'long '.repeat(30) }));
  const { envelope, signInput } = seal([{ timestampMs: Date.now(), payload: plaintext }]);
  const loot = { signInput, plaintext, otherTopicTag16: otherTag, accomplice: mallory };
  const wrong = runAttacks(receiver, envelope, loot, await readRequirements());

  heading(equal && wrong === 0 ? 'every byte arrived, every attack was refused' : 'THE DEMONSTRATION FAILED');
  return equal && wrong === 0 ? 0 : 1;
}

function newReceiver(group: Group, senders: readonly Member[], tags: readonly Uint8Array[]): Receiver {
  return {
    provider,
    // Bob's keys are as old as this process: no earlier life of his accepted anything.
    replay: new ReplayGuard({ hashKey16: random(16), life: { kind: 'volatile', bootMs: 0 } }),
    findTopic: (topicTag16) =>
      tags.some((tag) => Buffer.compare(tag, topicTag16) === 0)
        ? { keySource: (wanted) => (wanted === epoch ? group.keySource : undefined) }
        : undefined,
    findSender: (senderId16) =>
      senders.find(({ keyId32 }) => Buffer.compare(keyId32.subarray(0, 16), senderId16) === 0),
    mayWrite: () => true,
  };
}

function isFileError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && !(error instanceof TridcommError) && 'syscall' in error;
}
