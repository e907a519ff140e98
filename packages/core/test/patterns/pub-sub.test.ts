import { expect, test } from 'vitest';
import { messagesOfRecords, pubSubInput, splitMessages, topicOfRecords } from '../../src/patterns/pub-sub.ts';
import { parsePattern, parseTopic } from '../../src/topics/grammar.ts';
import type { EnvelopeView } from '../../src/wire/envelope.ts';
import { flagBits } from '../../src/wire/header.ts';
import { decodeRecords, encodeRecords } from '../../src/wire/records.ts';
import { codeOf } from '../client/world.ts';

const timestampMs = 1_790_000_000_000;
const message = (lengthBytes: number) => ({ timestampMs, payload: new Uint8Array(lengthBytes) });
const fields = { topic: parseTopic('a/b'), headSeq: 7, timestampMs };

test('one message is a single, more are a batch, and with a chain the topic comes first', () => {
  const chain = new Uint8Array(32);
  expect(pubSubInput({ ...fields, chain: undefined }, [message(1)])).toMatchObject({ form: 'single' });
  expect(pubSubInput({ ...fields, chain: undefined }, [message(1), message(1)])).toMatchObject({ form: 'batch' });
  const late = { timestampMs: timestampMs - 5, payload: new Uint8Array(1) };
  expect(pubSubInput({ ...fields, chain: undefined }, [late])).toMatchObject({ form: 'batch' });
  const chained = pubSubInput({ ...fields, chain }, [message(1)]);
  expect(chained.form).toBe('batch');
  expect(chained.messages.map(({ payload }) => payload.length)).toEqual([3, 1]);
  expect(chained.extensions!.map(({ number }) => number)).toEqual([8, 9]);
});

test('what the application gets is all records, or all behind that of the topic, whichever way it asks', () => {
  const messages = ['a/b', 'x', '', 'yy'].map((text, i) => {
    return { timestampMs: timestampMs - 1_000 * i, payload: new Uint8Array(Buffer.from(text)) };
  });
  const records = decodeRecords(encodeRecords(messages, 0, 4, timestampMs, false), 4, timestampMs, false);
  for (const [topicChains, expected] of [
    [false, messages],
    [true, messages.slice(1)],
  ] as const) {
    const own = messagesOfRecords(records, topicChains);
    expect(own.count).toBe(expected.length);
    expect(own.toArray()).toEqual(expected);
    expect([...own]).toEqual(expected);
    const one = (i: number) => ({ timestampMs: own.timestampMs(i), payload: own.payload(i) });
    expect(expected.map((_, i) => one(i))).toEqual(expected);
    for (const index of [-1, expected.length, 0.5, NaN]) {
      expect([codeOf(() => own.payload(index)), codeOf(() => own.timestampMs(index))]).toEqual(['E_USAGE', 'E_USAGE']);
    }
  }
});

test('patterns.4: record 0 is a topic of a rule, also where tag and chain are those of the topic', () => {
  const [tag16, chain] = [new Uint8Array(16).fill(1), new Uint8Array(32).fill(2)];
  const header = { flags: flagBits.batch, topicTag: tag16 };
  const view = { header, extensions: { value: () => chain } } as unknown as EnvelopeView;
  const messages = ['a/b', 'x'].map((text) => ({ timestampMs, payload: new Uint8Array(Buffer.from(text)) }));
  const records = decodeRecords(encodeRecords(messages, 0, 2, timestampMs, false), 2, timestampMs, false);
  const topicBy = (...patterns: string[]) =>
    topicOfRecords(view, records, patterns.map(parsePattern), () => [{ tag16, chain }]).text;
  expect(topicBy('c', 'a/**')).toBe('a/b');
  expect(codeOf(() => topicBy('c', 'a/b/c'))).toBe('E_ENCODING');
});

test('messages are cut where an envelope is full, by records and by bytes', () => {
  const sizes = (runs: readonly (readonly unknown[])[]) => runs.map(({ length }) => length);
  expect(
    sizes(
      splitMessages(
        Array.from({ length: 4097 }, () => message(1)),
        false,
      ),
    ),
  ).toEqual([4096, 1]);
  expect(
    sizes(
      splitMessages(
        Array.from({ length: 4096 }, () => message(1)),
        true,
      ),
    ),
  ).toEqual([4095, 1]);
  expect(sizes(splitMessages([message(983_040), message(1)], false))).toEqual([1, 1]);
  expect(sizes(splitMessages([message(400_000), message(400_000), message(400_000)], true))).toEqual([2, 1]);
  expect(codeOf(() => splitMessages([message(983_041)], false))).toBe('E_LIMIT');
  expect(codeOf(() => splitMessages([message(983_040)], true))).toBe('E_LIMIT');
  expect(codeOf(() => splitMessages([], true))).toBe('E_USAGE');
});
