import { claim, heading, line, refusal } from '../story.ts';
import type { LoggedEvent } from './broker-process.ts';
import { textTopic, type Site } from './site.ts';

/** Part 6: what somebody may try who reaches the broker's port. */
export async function attack(site: Site): Promise<void> {
  heading('6  Attacks over the real socket, refused by name');
  line('A broker tells nobody why it does not open a link (link.23); its log does, and is quoted here.');
  await attackOpening(site);
  line('');
  await attackDelivery(site);
}

async function attackOpening({ alice, bob, broker }: Site): Promise<void> {
  const { process: member } = bob;
  const { port } = broker;
  const isRefused = ({ type }: LoggedEvent): boolean => type === 'openingRefused';
  // Of attempts before this one.
  await quiet();
  let { mark } = broker;
  const told = await member.call('knock', port, alice.directory, 'broker');
  const { code: wrongCertificate } = await broker.event(mark, isRefused);
  refusal("bob shows alice's certificate", wrongCertificate!, 'E_BINDING', 'link.15');
  claim(told !== 'accepted', `    bob's client says no more than ${told}`);

  mark = broker.mark;
  const wrongName = await member.call('knock', port, undefined, 'other');
  refusal('the broker is not the one that bob means', wrongName, 'E_HANDSHAKE', 'link.11');
  // The broker logs it too, as bob goes away.
  await broker.event(mark, isRefused);

  mark = broker.mark;
  const preface = Uint8Array.of(0x54, 0x44, 0x43, 1);
  await member.call('speakPlainly', port, preface);
  const { code: plain } = await broker.event(mark, isRefused);
  refusal('somebody speaks to the port without TLS', plain!, 'E_HANDSHAKE', 'link.14');

  mark = broker.mark;
  const answeredBytes = await member.call('speakNonsense', port, Buffer.from('GET / HTTP/1.1\r\n\r\n'));
  const { code: nonsense } = await broker.event(mark, isRefused);
  refusal('somebody with a certificate speaks HTTP to it', nonsense!, 'E_ENCODING', 'framing.2');
  claim(answeredBytes === 0, `    he got ${answeredBytes} bytes of an answer`);

  mark = broker.mark;
  // Type, flags, channel and length, as in chapter 02, and four bytes.
  await member.call('garble', port, Uint8Array.of(0xff, 0, 0, 0, 0, 0, 0, 4, 1, 2, 3, 4));
  const { code: frame } = await broker.event(mark, ({ type, by }) => type === 'linkEnded' && by === 'broker');
  refusal('bob sends a frame of a type that there is not', frame!, 'E_ENCODING', 'framing.11');
}

/** Lets the broker write down what is over already. */
async function quiet(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 300));
}

async function attackDelivery(site: Site): Promise<void> {
  const { alice, bob, broker } = site;
  await bob.process.call('subscribe', 'live', textTopic, 'live');
  const text = 'One more coffee.';
  await alice.process.call('send', textTopic, [text]);
  const { texts } = await bob.process.call('received', 'live', 1, 10_000);
  const envelope = (await site.newestEnvelopes(1)).envelopes[0]!;
  claim(
    texts.join() === text,
    `alice sends "${texts.join()}": bob has it, and its envelope is taken from the broker's disk.`,
  );
  const { mark } = broker;
  const told = await bob.process.call('handIn', broker.port, envelope);
  const { code } = await broker.event(mark, ({ type, what }) => type === 'refused' && what === 'envelope');
  refusal("bob hands alice's envelope in as if it were his to send", code!, 'E_POLICY', 'delivery.6');
  claim(told !== 'accepted', `    bob is told ${told}`);
  const handedMs = Date.now();
  const met = await alice.process.call('handIn', broker.port, envelope);
  line(`alice hands it in a second time, over another link: the broker, which keeps no count of numbers, says ${met}`);
  const endMs = performance.now() + 10_000;
  let replay: string | undefined;
  while (replay === undefined && performance.now() < endMs) {
    const all = await bob.process.call('heard');
    replay = all.findLast(({ type, atMs }) => type === 'refused envelope' && atMs >= handedMs)?.code;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  refusal('bob, to whom it comes once more', replay ?? 'accepted', 'E_REPLAY', 'replay.7');
  await alice.process.call('send', textTopic, ['The last coffee.']);
  const after = await bob.process.call('received', 'live', 2, 10_000);
  claim(
    after.texts.join('; ') === `${text}; The last coffee.`,
    'What alice sends next arrives; nothing arrived twice.',
  );
}
