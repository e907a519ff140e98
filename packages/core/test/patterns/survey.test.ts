import { parseEnvelope, patternKinds, StreamSealer } from '@tridcomm/core';
import { nodeProvider } from '@tridcomm/core/node';
import { expect, it } from 'vitest';
import { signInput } from '../../src/envelope/identity.ts';
import { finishOpen } from '../../src/envelope/open.ts';
import { answerExtensions } from '../../src/patterns/replies.ts';
import {
  checkQuestionForm,
  decodeSurvey,
  encodeSurvey,
  setupSurveyReply,
  surveyInfo,
} from '../../src/patterns/survey.ts';
import { SurveyAsker, type OwnSurvey, type SurveyAskerOptions } from '../../src/patterns/survey-asker.ts';
import { countingRandom, keySourceOf, newSender, nowMs, type Sender } from '../envelope/parties.ts';
import { codeOf } from '../keys/support.ts';
import { CountingProvider, changed, filled } from './pool-parties.ts';

const answerTag16 = filled(16, 0xa7);
const random = countingRandom();
const surveyKeys = nodeProvider.generateKeyPair('x25519');
const surveyId16 = filled(16, 0x50);
const survey: OwnSurvey = {
  questionId32: filled(32, 0x51),
  suite: 1,
  epoch: 9,
  deadlineMs: nowMs + 5000,
  maxReplies: 2,
  privateKey32: surveyKeys.secretKey,
};
const responders = [newSender(nodeProvider), newSender(nodeProvider), newSender(nodeProvider)];
const [first, second, third] = responders as [Sender, Sender, Sender];

function askerOf(change: Partial<SurveyAskerOptions> = {}, own: Partial<OwnSurvey> = {}): SurveyAsker {
  const asker = new SurveyAsker({
    provider: nodeProvider,
    isAnswerTag: (tag) => Buffer.compare(tag, answerTag16) === 0,
    checkView: () => undefined,
    findSender: (id) => responders.find(({ keyId32 }) => Buffer.compare(id, keyId32.subarray(0, 16)) === 0),
    mayRespond: () => true,
    ...change,
  });
  asker.asked({ ...survey, ...own });
  return asker;
}

/** A reply of one responder, sealed as another if told so. */
function replyOf(responder: Sender, sealedAs: Sender = responder, timestampMs = nowMs): Uint8Array {
  const terms = { ...survey, responderKeyId32: sealedAs.keyId32 };
  const { keySource, keyinfo } = setupSurveyReply(nodeProvider, terms, surveyKeys.publicKey, random);
  const sealer = new StreamSealer({
    provider: nodeProvider,
    random,
    keySource,
    senderKeyId32: responder.keyId32,
    hedgeSecret32: filled(32, 4),
    patternKind: patternKinds.survey.reply,
    topicTag16: answerTag16,
    epoch: 9,
  });
  const unsigned = sealer.seal({
    form: 'single',
    messages: [{ timestampMs, payload: new TextEncoder().encode('yes') }],
    timestampMs,
    keyinfo,
    extensions: answerExtensions({ headSeq: 7, chain: filled(32, 0xcc) }),
  });
  return unsigned.finish(nodeProvider.ed25519Sign(responder.keyPair.secretKey, unsigned.signInput));
}

function take(asker: SurveyAsker, bytes: Uint8Array, atMs = nowMs): string {
  return codeOf(() => {
    const opened = finishOpen(nodeProvider, asker.begin(parseEnvelope(bytes), atMs));
    return opened === undefined ? 'nobody' : new TextDecoder().decode(opened.records.payload(0));
  });
}

it('patterns.32 one reply of each responder, whatever stream it uses, up to the number asked for', () => {
  const asker = askerOf();
  const envelope = replyOf(first);
  expect(take(asker, envelope)).toBe('yes');
  expect([take(asker, envelope), take(asker, replyOf(first))]).toEqual(['E_REPLAY', 'E_REPLAY']);
  expect(take(asker, replyOf(second))).toBe('yes');
  expect([take(asker, replyOf(third)), take(asker, replyOf(first))]).toEqual(['E_LIMIT', 'E_LIMIT']);
});

it('patterns.32 is decided again in step 15, where two replies were opened at a time', () => {
  const asker = askerOf();
  const pending = [first, first, second, third].map((one) => asker.begin(parseEnvelope(replyOf(one)), nowMs));
  const codes = pending.map((one) => codeOf(() => finishOpen(nodeProvider, one) && 'taken'));
  expect(codes).toEqual(['taken', 'E_REPLAY', 'taken', 'E_LIMIT']);
  const racing = askerOf({}, { maxReplies: 1 });
  const [a, b] = [first, second].map((one) => {
    const begun = racing.begin(parseEnvelope(replyOf(one)), nowMs)!;
    const parts = begun.verified(true);
    begun.decrypted(
      parts.map((part) => nodeProvider.aeadOpen(part.algorithm, part.key32, part.nonce12, part.aad, part.sealed)),
    );
    return begun;
  });
  expect(codeOf(() => a!.commit() && 'taken')).toBe('taken');
  expect(codeOf(() => b!.commit())).toBe('E_LIMIT');
});

it('patterns.33 the key goes with the last reply and at the deadline, and the survey is known for a while', () => {
  const full = askerOf({}, { maxReplies: 1 });
  const early = [replyOf(first), replyOf(second)].map((bytes) => full.begin(parseEnvelope(bytes), nowMs)!);
  expect(codeOf(() => finishOpen(nodeProvider, early[0]) && 'taken')).toBe('taken');
  // The other had passed step 8 while there was a key.
  expect(codeOf(() => early[1]!.verified(true))).toBe('E_LIMIT');
  const over = askerOf();
  const pending = over.begin(parseEnvelope(replyOf(first)), nowMs)!;
  over.tick(survey.deadlineMs + 1);
  expect(codeOf(() => pending.verified(true))).toBe('E_EXPIRED');
  const lateMs = survey.deadlineMs + 1;
  expect(take(over, replyOf(first, first, lateMs), lateMs)).toBe('E_EXPIRED');
  const asker = askerOf();
  expect(take(asker, replyOf(first, first, survey.deadlineMs), survey.deadlineMs)).toBe('yes');
  asker.tick(survey.deadlineMs + 150_000);
  expect(asker.held).toBe(1);
  asker.tick(survey.deadlineMs + 150_001);
  expect(asker.held).toBe(0);
  expect(take(asker, replyOf(second))).toBe('nobody');
});

it('patterns.30 patterns.31 what names no survey gets no code, and step 8 has its order', () => {
  const asker = askerOf();
  const envelope = replyOf(first);
  expect(take(asker, changed(envelope, 8))).toBe('nobody');
  const keyinfoAt = 96 + 12 + 36;
  expect(take(asker, changed(envelope, keyinfoAt))).toBe('nobody');
  const question = envelope.slice();
  question[3] = patternKinds.survey.question;
  expect(take(asker, question)).toBe('E_ENCODING');
  // Step 7 comes before the form: nobody learns what a reply to nobody looks like.
  expect(take(asker, changed(question, keyinfoAt))).toBe('nobody');
  const otherSuite = changed(envelope, 27);
  otherSuite[5] = 2;
  expect(take(asker, otherSuite)).toBe('E_EPOCH');
  const suite = envelope.slice();
  suite[5] = 2;
  expect([take(asker, suite), take(asker, suite, survey.deadlineMs + 1)]).toEqual(['E_SUITE', 'E_EXPIRED']);
  const second = envelope.slice();
  second[63] = 2;
  expect(take(asker, second)).toBe('E_ENCODING');
});

it('patterns.34 a copied reply opens as nobody’s, and the key is not used before the signature', () => {
  const counting = new CountingProvider();
  const asker = askerOf({ provider: counting.provider });
  expect(take(asker, changed(replyOf(first), -1))).toBe('E_SIG');
  expect(counting.agreements).toBe(0);
  expect(take(asker, replyOf(second, first))).toBe('E_SIG');
  // Signed over what the thief's own info gives, with the ciphertext of the other.
  const stolen = replyOf(first);
  stolen.set(second.keyId32.subarray(0, 16), 32);
  const { protectedHeader, keyinfo, body, signature } = parseEnvelope(stolen);
  const bind32 = nodeProvider.sha256(surveyInfo({ ...survey, responderKeyId32: second.keyId32 }));
  const signed = signInput(nodeProvider, second.keyId32, bind32, protectedHeader, keyinfo, body);
  signature.set(nodeProvider.ed25519Sign(second.keyPair.secretKey, signed));
  expect(take(asker, stolen)).toBe('E_AEAD');
  // What did not open leaves the thief its own reply, and everybody else theirs.
  expect([take(asker, replyOf(first)), take(asker, replyOf(second))]).toEqual(['yes', 'yes']);
  expect(take(askerOf({ mayRespond: () => false }), replyOf(first))).toBe('E_POLICY');
});

it('patterns.33 surveys that are open are bounded, those that have ended and are known take no place', () => {
  const asker = askerOf({ mostSurveys: 2 });
  expect(codeOf(() => asker.asked(survey))).toBe('E_USAGE');
  const ask = (id: number) => codeOf(() => asker.asked({ ...survey, questionId32: filled(32, id) }) ?? 'ok');
  expect([ask(1), ask(2)]).toEqual(['ok', 'E_LIMIT']);
  asker.end(filled(32, 1));
  asker.end(filled(32, 1));
  expect([ask(2), ask(3), asker.held]).toEqual(['ok', 'E_LIMIT', 3]);
  // Of what did not go out nothing is known.
  asker.withdraw(filled(32, 2));
  expect([asker.held, ask(3), ask(4)]).toEqual([2, 'ok', 'E_LIMIT']);
  expect([take(asker, replyOf(first)), take(asker, replyOf(second))]).toEqual(['yes', 'yes']);
  expect([ask(4), take(asker, replyOf(first))]).toEqual(['ok', 'E_LIMIT']);
  asker.tick(survey.deadlineMs + 1);
  expect([ask(5), ask(6), ask(7), asker.held]).toEqual(['ok', 'ok', 'E_LIMIT', 6]);
  asker.stop();
  expect([asker.held, ask(8), ask(9)]).toEqual([0, 'ok', 'ok']);
});

it('patterns.32 what was opened before the end of a survey is not taken after it', () => {
  const asker = askerOf();
  const [one, again] = [replyOf(first), replyOf(first)].map((bytes) => {
    const begun = asker.begin(parseEnvelope(bytes), nowMs)!;
    const parts = begun.verified(true);
    begun.decrypted(
      parts.map((part) => nodeProvider.aeadOpen(part.algorithm, part.key32, part.nonce12, part.aad, part.sealed)),
    );
    return begun;
  });
  expect(codeOf(() => one!.commit() && 'taken')).toBe('taken');
  asker.end(survey.questionId32);
  expect(codeOf(() => again!.commit() && 'taken')).toBe('E_EXPIRED');
});

it('patterns.28 a question has its extension within its bounds', () => {
  const question = (change: object, timestampMs = nowMs, form: 'single' | 'batch' = 'single') => {
    const sealer = new StreamSealer({
      provider: nodeProvider,
      random,
      keySource: keySourceOf(1),
      senderKeyId32: first.keyId32,
      hedgeSecret32: filled(32, 4),
      patternKind: patternKinds.survey.question,
      topicTag16: answerTag16,
      epoch: 9,
    });
    const fields = { ...survey, surveyId16, replyKey32: surveyKeys.publicKey, ...change };
    return codeOf(() => {
      const unsigned = sealer.seal({
        form,
        messages: [{ timestampMs, payload: filled(1, 1) }],
        timestampMs,
        extensions: [
          { number: 2, value: encodeSurvey(fields) },
          { number: 8, value: filled(8, 0) },
        ],
      });
      const view = parseEnvelope(unsigned.finish(filled(64, 1)));
      checkQuestionForm(view);
      expect(decodeSurvey(view.extensions.value(2)!)).toEqual({
        surveyId16: fields.surveyId16,
        deadlineMs: fields.deadlineMs,
        maxReplies: fields.maxReplies,
        replyKey32: fields.replyKey32,
      });
      return 'ok';
    });
  };
  expect(question({})).toBe('ok');
  expect([question({ deadlineMs: nowMs }), question({ deadlineMs: nowMs - 1 })]).toEqual(['ok', 'E_EXT']);
  const hour = nowMs + 3_600_000;
  expect([question({ deadlineMs: hour }), question({ deadlineMs: hour + 1 })]).toEqual(['ok', 'E_EXT']);
  expect([question({ maxReplies: 65_535 }), question({ maxReplies: 65_536 })]).toEqual(['ok', 'E_LIMIT']);
  expect(question({ maxReplies: 0 })).toBe('E_USAGE');
  expect(question({}, nowMs, 'batch')).toBe('E_ENCODING');
});
