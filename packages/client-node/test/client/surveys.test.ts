import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SurveyReplies, TridcommClient } from '@tridcomm/client-node';
import { later, PoolWorld, settled, text, until, type Member } from './pool-world.ts';

const topic = 'nodes/load';
let world: PoolWorld;
let asker: Member;
let nodes: readonly [Member, Member];
beforeEach(async () => {
  world = await PoolWorld.create();
  asker = await world.member('asker');
  nodes = [await world.member('one'), await world.member('two')];
  world.group('survey', [topic], { ask: [asker], work: nodes });
}, 60_000);
afterEach(async () => world.close());

async function clients(): Promise<[TridcommClient, TridcommClient, TridcommClient]> {
  return [await world.connect(asker), await world.connect(nodes[0]), await world.connect(nodes[1])];
}

/** Who replied what, in the order of names. */
async function all(replies: SurveyReplies): Promise<string[]> {
  const found: string[] = [];
  for await (const { data, sender } of replies) found.push(`${sender.name}: ${text(data)}`);
  return found.toSorted();
}

const codeIn = async (replies: SurveyReplies) =>
  all(replies).then(
    () => 'no refusal',
    (error: unknown) => (error as { readonly code?: string }).code ?? error,
  );

describe('ask and answer', { timeout: 120_000 }, () => {
  test('everybody replies once, and the loop ends with the last that is taken', async () => {
    const [client, one, two] = await clients();
    const seen: object[] = [];
    const answers = one.answer(topic, (question) => (seen.push(question), `${text(question.data)} from me`));
    two.answer(topic, async ({ data }) => Promise.resolve(data));
    await settled(one, two);
    const before = Date.now();
    const replies = client.ask(topic, 'how?', { timeoutMs: 60_000, maxReplies: 2 });
    expect(await all(replies)).toEqual(['one: how? from me', 'two: how?']);
    expect(seen).toMatchObject([{ topic, sender: { name: 'asker' } }]);
    expect((seen[0] as { deadlineMs: number }).deadlineMs).toBeGreaterThanOrEqual(before + 60_000);
    // A second loop finds nothing, and who ended its answers is not asked.
    expect(await all(replies)).toEqual([]);
    answers.close();
    await settled(one);
    expect(await all(client.ask(topic, 'again', { timeoutMs: 60_000, maxReplies: 1 }))).toEqual(['two: again']);
    expect(seen.length).toBe(1);
  });

  test('it ends at the deadline, and who fails replies nothing', async () => {
    const [client, one, two] = await clients();
    const error = new Error('no idea');
    one.answer(topic, () => {
      throw error;
    });
    two.answer(topic, () => 'fine');
    await settled(one, two);
    expect(await all(client.ask(topic, 'how?', { timeoutMs: 4_000 }))).toEqual(['two: fine']);
    expect(world.statuses(one)).toContainEqual({ type: 'failed', what: 'handler', error });
  });

  test('several at a time do not disturb each other', async () => {
    const [client, one] = await clients();
    one.answer(topic, ({ data }) => `re ${text(data)}`);
    await settled(one);
    const ask = (question: string) => client.ask(topic, question, { timeoutMs: 60_000, maxReplies: 1 });
    const found = await Promise.all(['a', 'b', 'c'].map(ask).map(all));
    expect(found).toEqual([['one: re a'], ['one: re b'], ['one: re c']]);
  });

  test('it ends when it is given up, left, or its client ends', async () => {
    const [client, one] = await clients();
    const asked = later();
    const go = later();
    one.answer(topic, async () => (asked.resolve(), await go.promise, 'late'));
    await settled(one);
    const end = new AbortController();
    const reason = new Error('changed my mind');
    const given = codeIn(client.ask(topic, 'how?', { timeoutMs: 60_000, signal: end.signal }));
    await asked.promise;
    end.abort(reason);
    expect(await given).toBe(reason);
    expect(() => client.ask(topic, 'how?', { timeoutMs: 60_000, signal: end.signal })).toThrow(reason.message);
    go.resolve();
    let count = 0;
    for await (const _ of client.ask(topic, 'how?', { timeoutMs: 60_000 })) {
      count++;
      break;
    }
    expect(count).toBe(1);
    const open = codeIn(client.ask(topic, 'how?', { timeoutMs: 60_000, maxReplies: 5 }));
    await client.close();
    expect(await open).toBe('E_CLOSED');
  });

  test('what cannot be is refused', async () => {
    const [client, one] = await clients();
    const refused = (options: object) => () => client.ask(topic, 'x', options as { timeoutMs: number });
    expect(refused({})).toThrow('E_USAGE');
    expect(refused({ timeoutMs: 0 })).toThrow('E_USAGE');
    expect(refused({ timeoutMs: 3_600_001 })).toThrow('E_LIMIT');
    expect(refused({ timeoutMs: 1, maxReplies: 0 })).toThrow('E_USAGE');
    expect(refused({ timeoutMs: 1, maxReplies: 65_536 })).toThrow('E_LIMIT');
    expect(() => one.answer('nodes/*', () => '')).toThrow('E_ENCODING');
    // Who answers may not ask.
    expect(await codeIn(one.ask(topic, 'x', { timeoutMs: 60_000 }))).toBe('E_POLICY');
  });

  test('what waits to be read takes of the window, and gives it back', async () => {
    const [client, one] = await clients();
    one.answer(topic, () => new Uint8Array(600_000));
    await settled(one);
    // Many times the window.
    for (let i = 0; i < 12; i++) {
      const replies = client.ask(topic, 'how?', { timeoutMs: 60_000, maxReplies: 1 });
      if (i % 2 === 0) expect((await all(replies)).length).toBe(1);
      else {
        await until('the reply waits', () => replies.waiting === 1);
        replies.close();
      }
    }
  });
});
