import { describe, expect, it } from 'vitest';
import { concat } from '../../src/bytes/bytes.ts';
import type { Delivery } from '../../src/client/events.ts';
import type { SurveyEnd } from '../../src/client/reply.ts';
import { MemoryStore } from '../../src/client/store.ts';
import { RelayState } from '../../src/relay/relay-state.ts';
import { patternKinds } from '../../src/codepoints/patterns.gen.ts';
import { StreamSealer } from '../../src/envelope/stream-sealer.ts';
import { setupSurveyReply, surveyReplyInput } from '../../src/patterns/survey.ts';
import { parseEnvelope } from '../../src/wire/envelope.ts';
import { textOf } from './pool-world.ts';
import { codeOf, encode, World, type Member } from './world.ts';

const topic = 'lunch/where';
const second = 1_000;

/** One who asks and three who may answer. */
function surveyOf(fields: { readonly periodMs?: number } = {}) {
  const world = new World();
  const groupId16 = world.authority.addGroup({ patterns: [topic], purpose: 'survey', ...fields }, world.nowMs);
  const asker = world.join('asker');
  const responders = ['one', 'two', 'three'].map((name) => world.join(name, new MemoryStore()));
  world.authority.grant({ keyId32: asker.keyId32, action: 'publish', pattern: topic }, world.nowMs);
  for (const { keyId32 } of responders) {
    world.authority.grant({ keyId32, action: 'subscribe', pattern: topic }, world.nowMs);
  }
  world.advance(second);
  for (const responder of responders) responder.subscribe(topic);
  const heard: string[] = [];
  const ends: SurveyEnd[] = [];
  const ask = (change: { deadlineMs?: number; maxReplies?: number } = {}, text = 'where?') =>
    asker.client.ask(topic, encode(text), { deadlineMs: world.nowMs + 10 * second, ...change }, world.nowMs, {
      onReply: ({ sender, body }) => heard.push(`${sender.name}: ${textOf(body)}`),
      onEnd: (end) => ends.push(end),
    });
  return { world, groupId16, asker, responders, heard, ends, ask };
}

const questionOf = ({ deliveries }: Member): Delivery => deliveries.at(-1)!;

function answer(member: Member, text: string, delivery = questionOf(member)): string | undefined {
  return codeOf(() => member.client.answer(delivery, encode(text), member.world.nowMs));
}

describe('a survey', () => {
  it('patterns.27 patterns.32: asks everybody, and takes one reply of each', () => {
    const { asker, responders, heard, ends, ask, groupId16 } = surveyOf();
    const asked = ask();
    const [one, two] = responders as [Member, Member];
    const question = questionOf(one);
    expect(question).toMatchObject({ topic, id32: asked.questionId32, verdict: 'new' });
    expect(question.messages.map(({ payload }) => textOf(payload))).toEqual(['where?']);
    expect(question.survey).toMatchObject({ maxReplies: 1024 });
    expect(asked.groupId16).toEqual(groupId16);
    const { header } = parseEnvelope(asked.envelope);
    expect([header.patternKind, header.flags]).toEqual([patternKinds.survey.question, 0]);
    expect([answer(one, 'here'), answer(two, 'there')]).toEqual([undefined, undefined]);
    expect(heard).toEqual(['one: here', 'two: there']);
    expect(ends).toEqual([]);
    expect(asker.refusals()).toEqual([]);
  });

  it('patterns.29: is answered once, before its deadline, and as it was delivered', () => {
    const { world, responders, ask, heard } = surveyOf();
    const [one, two] = responders as [Member, Member];
    ask();
    expect([answer(one, 'here'), answer(one, 'there')]).toEqual([undefined, 'E_USAGE']);
    const foreign = questionOf(two);
    expect([answer(one, 'x', foreign), answer(one, 'x', { ...questionOf(one) })]).toEqual(['E_USAGE', 'E_USAGE']);
    world.nowMs += 10 * second;
    expect(codeOf(() => two.client.answer(foreign, encode('there'), world.nowMs + 1))).toBe('E_EXPIRED');
    expect(answer(two, 'there', foreign)).toBe(undefined);
    expect(heard).toEqual(['one: here', 'two: there']);
  });

  it('patterns.29: that the carrier did not take may be answered still', () => {
    const { world, responders, ask, heard } = surveyOf();
    const [one] = responders as [Member];
    ask();
    const { relay } = world;
    const publish = relay.publish.bind(relay);
    relay.publish = () => {
      throw new Error('no link');
    };
    expect(() => answer(one, 'here')).toThrow('no link');
    relay.publish = publish;
    expect([answer(one, 'here'), heard]).toEqual([undefined, ['one: here']]);
  });

  it('patterns.29: is answered by nobody who has it out of a log for the second time', () => {
    const { world, responders, ask } = surveyOf();
    const [one] = responders as [Member];
    const { envelope } = ask();
    one.end();
    world.advance(second);
    one.begin();
    one.subscribe(topic, 'log');
    world.advance(second);
    const again = one.client.stored(envelope, 0, world.nowMs)!;
    expect([again.verdict, again.survey !== undefined]).toEqual(['redelivered', true]);
    expect(answer(one, 'here', again)).toBe('E_USAGE');
  });

  it('patterns.33: ends with the last reply, at the deadline, or when it is cancelled, and says so once', () => {
    const { world, asker, responders, heard, ends, ask } = surveyOf();
    const [one, two, three] = responders as [Member, Member, Member];
    const first = ask({ maxReplies: 2 });
    const late = questionOf(three);
    answer(one, 'a');
    answer(two, 'b');
    expect(ends).toEqual([{ questionId32: first.questionId32, replies: 2, reason: 'enough' }]);
    answer(three, 'c', late);
    expect([heard.length, asker.refusals()]).toEqual([2, ['envelope E_LIMIT']]);
    const next = ask();
    answer(one, 'd');
    world.advance(10 * second);
    expect(ends.length).toBe(1);
    world.advance(1);
    expect(ends[1]).toEqual({ questionId32: next.questionId32, replies: 1, reason: 'deadline' });
    const third = ask();
    const waits = questionOf(two);
    third.cancel();
    third.cancel();
    expect(ends[2]).toEqual({ questionId32: third.questionId32, replies: 0, reason: 'cancelled' });
    asker.refusals();
    answer(two, 'e', waits);
    expect([heard.length, asker.refusals()]).toEqual([3, ['envelope E_EXPIRED']]);
    world.advance(300 * second);
    expect(ends.length).toBe(3);
    asker.end();
    third.cancel();
  });

  it('is refused before anything is sealed where it cannot be', () => {
    const { world, asker, responders, ask, heard, ends } = surveyOf();
    const [one] = responders as [Member];
    const sent = world.relayEvents.length;
    const now = world.nowMs;
    const codes = [
      { deadlineMs: now - 1 },
      { deadlineMs: now + 3_600_001 },
      { maxReplies: 0 },
      { maxReplies: 65_536 },
    ].map((change) => codeOf(() => ask(change)));
    expect(codes).toEqual(['E_EXPIRED', 'E_LIMIT', 'E_USAGE', 'E_LIMIT']);
    const large = () => asker.client.ask(topic, new Uint8Array(983_041), { deadlineMs: now }, now);
    expect(codeOf(large)).toBe('E_LIMIT');
    expect(codeOf(() => one.client.ask(topic, encode('x'), { deadlineMs: now }, now))).toBe('E_POLICY');
    expect([asker, one].map(({ client }) => codeOf(() => client.checkAsk(topic, now)))).toEqual([
      undefined,
      'E_POLICY',
    ]);
    expect(codeOf(() => asker.client.checkAsk('lunch/when', now))).toBe('E_POLICY');
    // Nor is anything published there, or asked of a pool.
    expect(codeOf(() => asker.publish(topic, 'x'))).toBe('E_POLICY');
    expect(codeOf(() => asker.client.checkRequest(topic, now))).toBe('E_POLICY');
    expect(world.relayEvents.length).toBe(sent);
    const { relay } = world;
    const publish = relay.publish.bind(relay);
    relay.publish = () => {
      throw new Error('no link');
    };
    expect(() => ask()).toThrow('no link');
    relay.publish = publish;
    world.advance(20 * second);
    expect([heard, ends]).toEqual([[], []]);
  });

  it('patterns.33: that did not go out, as far as the carrier says, is forgotten, and one that was cancelled is known', () => {
    const { world, asker, responders, ask, heard, ends } = surveyOf();
    const [one] = responders as [Member];
    const { relay } = world;
    const publish = relay.publish.bind(relay);
    relay.publish = (link, bytes) => {
      publish(link, bytes);
      throw new Error('no link');
    };
    expect(() => ask()).toThrow('no link');
    relay.publish = publish;
    expect([answer(one, 'here'), asker.refusals()]).toEqual([undefined, []]);
    ask().cancel();
    expect([answer(one, 'here'), asker.refusals()]).toEqual([undefined, ['envelope E_EXPIRED']]);
    expect([heard, ends.length]).toEqual([[], 1]);
  });

  it('patterns.32 principals.30: takes no reply of who may not, or may not any more, nor by a view that is stale', () => {
    const { world, asker, responders, ask, heard } = surveyOf();
    const [one, two] = responders as [Member, Member];
    ask({ deadlineMs: world.nowMs + 3_000 * second });
    expect(codeOf(() => asker.client.answer(questionOf(one), encode('x'), world.nowMs))).toBe('E_USAGE');
    asker.holds = true;
    answer(one, 'here');
    world.authority.withdraw({ keyId32: one.keyId32, action: 'subscribe', pattern: topic }, world.nowMs);
    asker.holds = false;
    asker.release();
    expect([heard, asker.refusals()]).toEqual([[], ['envelope E_POLICY']]);
    asker.lets = (what) => what !== 'object';
    world.advance(100 * second);
    asker.refusals();
    expect(answer(two, 'there')).toBe(undefined);
    expect([heard, asker.refusals()]).toEqual([[], ['envelope E_STALE']]);
    two.lets = (what) => what !== 'object';
    world.advance(100 * second);
    expect(codeOf(() => two.client.answer(questionOf(two), encode('x'), world.nowMs))).toBe('E_USAGE');
  });

  it('topics.13: is answered over a change of period', () => {
    const { world, responders, ask, heard } = surveyOf({ periodMs: 60_000 });
    const [one, two] = responders as [Member, Member];
    ask({ deadlineMs: world.nowMs + 600 * second });
    answer(one, 'now');
    world.advance(120 * second);
    expect(answer(two, 'later')).toBe(undefined);
    expect(heard).toEqual(['one: now', 'two: later']);
  });

  it('delivery.7: replies are verified by a broker, by what stands in them', () => {
    const { world, asker, responders, ask, groupId16 } = surveyOf();
    const [one, two] = responders as [Member, Member];
    const { envelope } = ask();
    const reply = one.client.answer(questionOf(one), encode('here'), world.nowMs).envelopes[0]!;
    const state = new RelayState({ provider: world.provider, authorityId32: world.authority.authorityId32 });
    for (const bundle of world.bundles) state.judge(bundle, world.nowMs).commit(world.nowMs);
    const verify = (bytes: Uint8Array, sender: Member) =>
      codeOf(() =>
        state.verifyEnvelope(sender, sender.identity.key.publicKey32, parseEnvelope(bytes), groupId16, world.nowMs),
      );
    expect([verify(envelope, asker), verify(reply, one)]).toEqual([undefined, undefined]);
    const keyinfoAt = parseEnvelope(reply).protectedHeader.length;
    for (const at of [27, keyinfoAt, keyinfoAt + 63, reply.length - 65, reply.length - 1]) {
      const flipped = reply.slice();
      flipped[at]! ^= 1;
      expect([at, verify(flipped, one)]).toEqual([at, 'E_SIG']);
    }
    expect(verify(reply, two)).toBe('E_SIG');
    // No signature is bound to keyinfo of another length, though it is signed.
    const { header, keyinfo: own } = parseEnvelope(reply);
    const { provider, random, nowMs } = world;
    const terms = { suite: header.suite, questionId32: own.slice(0, 32), responderKeyId32: one.keyId32 };
    const replyWith = (keyinfo: Uint8Array): Uint8Array => {
      const { keySource } = setupSurveyReply(provider, terms, questionOf(one).survey!.replyKey32, random);
      const sealer = new StreamSealer({
        provider,
        random,
        keySource,
        senderKeyId32: one.keyId32,
        hedgeSecret32: random(32),
        patternKind: patternKinds.survey.reply,
        topicTag16: header.topicTag,
        epoch: header.epoch,
      });
      const fields = { keyinfo, headSeq: 1, chain: new Uint8Array(32), timestampMs: nowMs };
      const unsigned = sealer.seal(surveyReplyInput(encode('here'), fields));
      return unsigned.finish(one.identity.key.sign(unsigned.signInput));
    };
    const codes = [own, own.slice(0, 63), concat(own, new Uint8Array(1)), own.slice(0, 31)].map((keyinfo) => {
      return verify(replyWith(keyinfo), one);
    });
    expect(codes).toEqual([undefined, 'E_SIG', 'E_SIG', 'E_SIG']);
  });
});
